//! Tokens that someone else signs (JWT): one algorithm, fixed by the configuration, and a public
//! key that is found by nothing but its id in our own key set.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::{Map, Value};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::gate::{Denied, Lease};
use super::{Caller, Permit, Scopes, User, signature};
use crate::Error;
use crate::app::App;
use crate::config::Config;
use crate::config::access::{JwtConfig, Signing};

/// How long to wait between two fetches of the key set, however many unknown ids come.
const BETWEEN_FETCHES: Duration = Duration::from_secs(30);
/// How long a key set is believed.
const BELIEVED: Duration = Duration::from_secs(60 * 60);
/// How long a fetch may take.
const FETCHING: Duration = Duration::from_secs(10);
/// The largest key set, in bytes.
const MAX_KEY_SET_BYTES: usize = 1 << 20;

/// What is needed to check a token.
pub(super) struct Tokens {
    validation: Validation,
    keys: Keys,
    config: JwtConfig,
}

enum Keys {
    Secret(DecodingKey),
    Fixed(JwkSet),
    Fetched { url: String, client: reqwest::Client, cache: Mutex<Cache> },
}

#[derive(Default)]
struct Cache {
    keys: Option<JwkSet>,
    fetched: Option<Instant>,
    tried: Option<Instant>,
}

impl Tokens {
    pub(super) fn new(config: &Config) -> Result<Self, Error> {
        signature::install();
        let jwt = &config.jwt;
        let algorithm = match jwt.algorithm {
            Signing::HS256 => Algorithm::HS256,
            Signing::RS256 => Algorithm::RS256,
            Signing::ES256 => Algorithm::ES256,
        };
        let mut validation = Validation::new(algorithm);
        validation.leeway = jwt.leeway_s;
        validation.validate_nbf = true;
        validation.set_audience(&[&jwt.audience]);
        validation.set_issuer(&[&jwt.issuer]);
        validation.set_required_spec_claims(&["exp", "aud", "iss", "sub"]);
        let keys = match (config.jwt_secret(), &jwt.jwks_file, &jwt.jwks_url) {
            (Some(secret), _, _) => Keys::Secret(DecodingKey::from_secret(secret.expose().as_bytes())),
            (None, Some(file), _) => Keys::Fixed(key_set(file)?),
            (None, None, Some(url)) => {
                let client = reqwest::Client::builder().timeout(FETCHING);
                // A key set that moves is a matter for whoever runs this server.
                let client = client.redirect(reqwest::redirect::Policy::none());
                let client = client.build().map_err(Error::internal)?;
                Keys::Fetched { url: url.clone(), client, cache: Mutex::default() }
            }
            (None, None, None) => return Err(Error::internal("`[jwt]` names no key")),
        };
        Ok(Self { validation, keys, config: jwt.clone() })
    }

    pub(super) async fn admit(&self, app: &App, shown: &str) -> Result<(Caller, Lease), Denied> {
        let header = decode_header(shown).map_err(|_| Denied::Unknown)?;
        let key = self.key(header.kid.as_deref()).await.ok_or(Denied::Unknown)?;
        let claims =
            decode::<Map<String, Value>>(shown, &key, &self.validation).map_err(|error| {
                match error.kind() {
                    jsonwebtoken::errors::ErrorKind::ExpiredSignature => Denied::Expired,
                    _ => Denied::Unknown,
                }
            })?;
        let claims = claims.claims;
        let name = claims.get("sub").and_then(Value::as_str).ok_or(Denied::Unknown)?;
        let user = User::new(name).map_err(|_| Denied::Unknown)?;
        // Whoever owned this machine's library before there were accounts is nobody's to sign for.
        if user.is_local() {
            return Err(Denied::Unknown);
        }
        let tier = claims.get(&self.config.tier_claim).and_then(Value::as_str);
        let tier = tier.filter(|tier| app.config.tier(tier).is_some()).unwrap_or(&app.config.access.tier);
        let until = claims.get("exp").and_then(Value::as_f64).and_then(|exp| self.until(exp));
        let until = until.ok_or(Denied::Unknown)?;
        let caller = Caller { user, scopes: self.scopes(&claims), tier: Some(tier.to_owned()) };
        Ok((caller, Lease { until: Some(until), key: None }))
    }

    fn until(&self, exp: f64) -> Option<Timestamp> {
        // A time beyond what a clock shows is as good as the last one.
        let seconds = exp.min(Timestamp::MAX.as_second() as f64 - 1e6) as i64;
        Timestamp::from_second(seconds).ok()?.checked_add(Duration::from_secs(self.config.leeway_s)).ok()
    }

    /// The scopes of a token: words of ours in its claim, whatever else is there.
    fn scopes(&self, claims: &Map<String, Value>) -> Scopes {
        let words: Vec<&str> = match claims.get(&self.config.scopes_claim) {
            None => return Scopes::new(&self.config.scopes),
            Some(Value::String(words)) => words.split_whitespace().collect(),
            Some(Value::Array(words)) => words.iter().filter_map(Value::as_str).collect(),
            Some(_) => Vec::new(),
        };
        let permit = |word: &&str| Permit::from_word(word.strip_prefix("ibid:").unwrap_or(word));
        Scopes::new(&words.iter().filter_map(permit).collect::<Vec<_>>())
    }

    async fn key(&self, id: Option<&str>) -> Option<DecodingKey> {
        match &self.keys {
            Keys::Secret(key) => Some(key.clone()),
            Keys::Fixed(keys) => find(keys, id),
            Keys::Fetched { url, client, cache } => {
                let mut cache = cache.lock().await;
                let is_fresh = cache.fetched.is_some_and(|at| at.elapsed() < BELIEVED);
                let known = cache.keys.as_ref().and_then(|keys| find(keys, id));
                if known.is_some() && is_fresh {
                    return known;
                }
                if cache.tried.is_none_or(|at| at.elapsed() >= BETWEEN_FETCHES) {
                    cache.tried = Some(Instant::now());
                    match fetch(client, url).await {
                        Ok(keys) => {
                            cache.keys = Some(keys);
                            cache.fetched = Some(Instant::now());
                        }
                        Err(error) => tracing::warn!(%error, "the key set for tokens can't be fetched"),
                    }
                }
                // Keys that are old because their server is away still tell who signed.
                cache.keys.as_ref().and_then(|keys| find(keys, id))
            }
        }
    }
}

/// The key of this id, or the only one there is for a token that names none.
fn find(keys: &JwkSet, id: Option<&str>) -> Option<DecodingKey> {
    let jwk = match (id, keys.keys.as_slice()) {
        (Some(id), _) => keys.find(id)?,
        (None, [only]) => only,
        (None, _) => return None,
    };
    DecodingKey::from_jwk(jwk).ok()
}

fn key_set(file: &Path) -> Result<JwkSet, Error> {
    let text = std::fs::read(file)?;
    serde_json::from_slice(&text)
        .map_err(|error| Error::Invalid(format!("`{}` is not a JSON Web Key Set: {error}", file.display())))
}

async fn fetch(
    client: &reqwest::Client,
    url: &str,
) -> Result<JwkSet, Box<dyn std::error::Error + Send + Sync>> {
    let mut response = client.get(url).send().await?.error_for_status()?;
    let mut body = Vec::new();
    while let Some(bytes) = response.chunk().await? {
        body.extend_from_slice(&bytes);
        if body.len() > MAX_KEY_SET_BYTES {
            return Err("it is too large".into());
        }
    }
    Ok(serde_json::from_slice(&body)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Flags;

    /// Of ada, until 2096.
    const GOOD: &str = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEiLCJhdWQiOiJpY\
        mlkIiwiaXNzIjoidXMiLCJleHAiOjQwMDAwMDAwMDAsInNjb3BlIjoicmVhZCJ9.s0pO3cdqO0Q6hS4b\
        Xg-qzf-4-waRaM2CJ0D9O1q7N_Q";
    /// The same claims under a key id that is a path.
    const SIGNED_WITH_NOTHING: &str = "eyJhbGciOiJIUzI1NiIsImtpZCI6Ii4uLy4uL2Rldi9udWxsIn\
        0.eyJzdWIiOiJhZGEiLCJhdWQiOiJpYmlkIiwiaXNzIjoidXMiLCJleHAiOjQwMDAwMDAwMDAsInNjb3\
        BlIjoicmVhZCJ9.BttpGmCgQ11_4DWr45Udr_RPf9QEPgbaWmFdnSPtTLQ";

    #[tokio::test]
    async fn no_altered_token_is_taken_for_what_was_signed() {
        let folder = tempfile::tempdir().unwrap();
        let secret = folder.path().join("secret");
        std::fs::write(&secret, "0123456789abcdef0123456789abcdef").unwrap();
        let file = folder.path().join("ibid.toml");
        let config = format!(
            "[access]\nmode = 'jwt'\n[jwt]\nalgorithm = 'HS256'\nsecret_file = '{}'\naudience = 'ibid'\nissuer = 'us'\n",
            secret.display()
        );
        std::fs::write(&file, config).unwrap();
        let flags = Flags { config: Some(file), data: Some(folder.path().join("data")), ..Flags::default() };
        let app = App::open(Config::load(&flags).unwrap()).await.unwrap();
        let tokens = Tokens::new(&app.config).unwrap();
        let (caller, _) = tokens.admit(&app, GOOD).await.unwrap();
        let (_, rest) = GOOD.split_once('.').unwrap();
        let unsigned = format!("eyJhbGciOiJub25lIn0.{}", rest.split_once('.').unwrap().0);
        let examples = [GOOD, SIGNED_WITH_NOTHING, &unsigned].map(|token| token.as_bytes().to_vec());
        let words = [".", "eyJhbGciOiJub25lIn0", "eyJ", "==", "=", "AA", "{\"alg\":\"none\"}"];
        crate::fuzz::fuzz("token", &examples, &words, |bytes| {
            let shown = String::from_utf8_lossy(bytes);
            let admitted = futures::executor::block_on(tokens.admit(&app, &shown));
            if let Ok((admitted, _)) = admitted {
                assert_eq!(shown, GOOD, "only what was signed is good");
                assert_eq!((&admitted.user, &admitted.scopes), (&caller.user, &caller.scopes));
            }
        });
    }
}
