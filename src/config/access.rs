//! The settings of who may: how callers show who they are, what a tier includes, and how fast
//! anyone may ask. Read and checked here, applied in `crate::access`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::ConfigError;
use super::model::{ApiKey, ModelConfig};
use crate::access::Permit;

/// The shortest shared secret, in bytes.
const MIN_SECRET_BYTES: usize = 32;
/// Most seconds that clocks may differ by.
const MAX_LEEWAY_S: u64 = 30;

/// How callers show who they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// They don't: one person on their own machine.
    #[default]
    None,
    /// With keys that this server makes.
    Keys,
    /// With tokens that someone else signs.
    Jwt,
}

/// Who may, the `[access]` table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AccessConfig {
    /// How callers show who they are. Default: `none`.
    pub mode: Mode,
    /// The only names and addresses this server answers to, as in `Host`, without a port, beside
    /// this machine's own. Default: no others where there are no accounts, else any.
    pub hosts: Vec<String>,
    /// The tier of callers who bring none. Default: `BASIC`.
    pub tier: String,
}

impl Default for AccessConfig {
    fn default() -> Self {
        Self { mode: Mode::None, hosts: Vec::new(), tier: "BASIC".to_owned() }
    }
}

/// How tokens are signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Signing {
    /// With a secret that both sides have.
    HS256,
    /// With RSA; the public keys are in a key set.
    #[default]
    RS256,
    /// With P-256; the public keys are in a key set.
    ES256,
}

/// Which tokens are taken, the `[jwt]` table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct JwtConfig {
    /// The one way of signing that is taken. Default: `RS256`.
    pub algorithm: Signing,
    /// The environment variable that holds the secret of `HS256`, at least 32 bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_env: Option<String>,
    /// The file that holds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_file: Option<PathBuf>,
    /// The file that holds the public keys, a JSON Web Key Set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_file: Option<PathBuf>,
    /// Where the public keys are fetched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_url: Option<String>,
    /// What `aud` must name.
    pub audience: String,
    /// What `iss` must be.
    pub issuer: String,
    /// How far clocks may differ, in seconds, at most 30. Default: 30.
    pub leeway_s: u64,
    /// The claim with the scopes: a list, or words in one text. Default: `scope`.
    pub scopes_claim: String,
    /// The scopes of a token without that claim. Default: read, ask and write.
    pub scopes: Vec<Permit>,
    /// The claim with the tier. Default: `tier`.
    pub tier_claim: String,
}

impl Default for JwtConfig {
    fn default() -> Self {
        Self {
            algorithm: Signing::default(),
            secret_env: None,
            secret_file: None,
            jwks_file: None,
            jwks_url: None,
            audience: String::new(),
            issuer: String::new(),
            leeway_s: MAX_LEEWAY_S,
            scopes_claim: "scope".to_owned(),
            scopes: vec![Permit::Read, Permit::Ask, Permit::Write],
            tier_claim: "tier".to_owned(),
        }
    }
}

/// How fast anyone may ask, the `[limits]` table. 0 is no limit. Where there are no accounts, there
/// is none that is not set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsConfig {
    /// The time that requests are counted in, in seconds. Default: 60.
    pub window_s: u64,
    /// Requests of one user in that time. Default: 600.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_requests: Option<u32>,
    /// Questions in one session in that time. Default: 10.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_requests: Option<u32>,
    /// Requests without a good credential from one address in that time. Default: 60.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address_requests: Option<u32>,
    /// Answers made for one user at the same time. Default: 8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_runs: Option<u32>,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            window_s: 60,
            user_requests: None,
            session_requests: None,
            address_requests: None,
            user_runs: None,
        }
    }
}

impl LimitsConfig {
    /// With the limits that nobody set.
    #[must_use]
    pub fn in_mode(&self, mode: Mode) -> Self {
        let unset = |most| if mode == Mode::None { None } else { Some(most) };
        Self {
            window_s: self.window_s,
            user_requests: self.user_requests.or(unset(600)).filter(|most| *most > 0),
            session_requests: self.session_requests.or(unset(10)).filter(|most| *most > 0),
            address_requests: self.address_requests.or(unset(60)).filter(|most| *most > 0),
            user_runs: self.user_runs.or(unset(8)).filter(|most| *most > 0),
        }
    }
}

/// How long sessions are kept, the `[sessions]` table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SessionsConfig {
    /// Seconds after its last change at which a session is removed, or 0 for never. Default: 0.
    pub expire_s: u64,
}

/// What a tier includes; what is absent is not limited.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// What callers and models call it.
    pub name: String,
    /// The models that answer, by name; the first is the one for those who name none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub models: Option<Vec<String>>,
    /// Questions a day (UTC).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub messages_per_day: Option<u64>,
    /// Tokens read and written for answers a month (UTC).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens_per_month: Option<u64>,
    /// Deep researches a day (UTC).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deep_runs_per_day: Option<u64>,
    /// Bytes of all originals kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stored_bytes: Option<u64>,
    /// Documents kept, old versions too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub documents: Option<u64>,
}

impl Tier {
    /// Whether the model answers in this tier.
    #[must_use]
    pub fn includes(&self, model: &str) -> bool {
        self.models.as_ref().is_none_or(|models| models.iter().any(|name| name == model))
    }
}

/// The tiers in force: those of the file, or three that differ in size.
pub(super) fn tiers(given: Vec<Tier>, mode: Mode, models: &[ModelConfig]) -> Vec<Tier> {
    if !given.is_empty() || mode == Mode::None {
        return given;
    }
    let first = |most: usize| Some(models.iter().take(most).map(|model| model.name.clone()).collect());
    let tier = |name: &str, models, [messages, deep, tokens, documents, gib]: [u64; 5]| Tier {
        name: name.to_owned(),
        models,
        messages_per_day: Some(messages),
        deep_runs_per_day: Some(deep),
        tokens_per_month: Some(tokens),
        documents: Some(documents),
        stored_bytes: Some(gib << 30),
    };
    vec![
        tier("BASIC", first(2), [50, 3, 5_000_000, 500, 2]),
        tier("PRO", first(7), [500, 30, 50_000_000, 5_000, 20]),
        Tier { name: "ENTERPRISE".to_owned(), models: first(10), ..Tier::default() },
    ]
}

/// Checks what is said about access as a whole, and reads the secret it names.
pub(super) fn check(
    access: &AccessConfig,
    jwt: &JwtConfig,
    tiers: &[Tier],
    models: &[ModelConfig],
    env: impl Fn(&str) -> Option<String>,
) -> Result<Option<ApiKey>, ConfigError> {
    let wrong = |words: String| Err(ConfigError::Access(words));
    let mut names = BTreeSet::new();
    for tier in tiers {
        if tier.name.trim().is_empty() || !names.insert(tier.name.as_str()) {
            return wrong(format!("tier `{}`: each of `[[tiers]]` needs a `name` of its own", tier.name));
        }
        if tier.models.as_ref().is_some_and(Vec::is_empty) {
            return wrong(format!("tier `{}` has no models: name one, or leave `models` out", tier.name));
        }
        let unknown =
            tier.models.iter().flatten().find(|name| models.iter().all(|model| model.name != **name));
        if let Some(model) = unknown {
            return wrong(format!("tier `{}` names model `{model}`, which is not configured", tier.name));
        }
    }
    if access.mode != Mode::None && !names.contains(access.tier.as_str()) {
        return wrong(format!("`access.tier` is `{}`, which is none of `[[tiers]]`", access.tier));
    }
    if access.mode != Mode::Jwt {
        return Ok(None);
    }
    if jwt.audience.is_empty() || jwt.issuer.is_empty() {
        return wrong("mode `jwt` needs `jwt.audience` and `jwt.issuer`".to_owned());
    }
    if jwt.leeway_s > MAX_LEEWAY_S {
        return wrong(format!("`jwt.leeway_s` is at most {MAX_LEEWAY_S}"));
    }
    match jwt.algorithm {
        Signing::HS256 => secret(jwt, env).map(Some),
        Signing::RS256 | Signing::ES256 => key_set(jwt).map(|()| None),
    }
}

fn secret(jwt: &JwtConfig, env: impl Fn(&str) -> Option<String>) -> Result<ApiKey, ConfigError> {
    let wrong = |words: &str| ConfigError::Access(words.to_owned());
    let text = match (&jwt.secret_env, &jwt.secret_file) {
        (Some(variable), None) => env(variable).ok_or_else(|| {
            ConfigError::Access(format!("`jwt.secret_env` names {variable}, which is not set"))
        })?,
        (None, Some(file)) => read(file)?,
        _ => return Err(wrong("`HS256` needs one of `jwt.secret_env` and `jwt.secret_file`")),
    };
    let secret = ApiKey::new(&text)
        .map_err(|cause| ConfigError::Access(format!("the secret of `[jwt]` can't be used: {cause}")))?;
    if secret.expose().len() < MIN_SECRET_BYTES {
        return Err(wrong(
            "the secret of `[jwt]` is shorter than 32 bytes: make one with `openssl rand -hex 32`",
        ));
    }
    Ok(secret)
}

fn key_set(jwt: &JwtConfig) -> Result<(), ConfigError> {
    match (&jwt.jwks_file, &jwt.jwks_url) {
        (Some(file), None) => read(file).map(drop),
        (None, Some(url)) => {
            let url = reqwest::Url::parse(url).ok();
            let is_here = |host: Option<&str>| matches!(host, Some("localhost" | "127.0.0.1" | "[::1]"));
            let good = url.is_some_and(|url| {
                url.scheme() == "https" || (url.scheme() == "http" && is_here(url.host_str()))
            });
            let words = "`jwt.jwks_url` must be an https address, or one of this machine".to_owned();
            if good { Ok(()) } else { Err(ConfigError::Access(words)) }
        }
        _ => {
            Err(ConfigError::Access("this algorithm needs one of `jwt.jwks_file` and `jwt.jwks_url`".into()))
        }
    }
}

fn read(file: &Path) -> Result<String, ConfigError> {
    let told = |cause| ConfigError::Access(format!("`[jwt]` names `{}`: {cause}", file.display()));
    std::fs::read_to_string(file).map_err(told)
}
