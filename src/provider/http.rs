//! What the adapters share on the wire: the client, and the one table that sorts refusals. It
//! knows no vendor's JSON but the usual shapes of an error; bodies of answers are read in `body`.

use std::sync::OnceLock;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Client, Response, StatusCode, Url};
use serde_json::Value;

use super::ProviderError;
use crate::config::model::{ApiKey, ModelConfig, ModelError};

/// The most that is read of a refusal.
const MAX_REFUSAL_BYTES: usize = 64 * 1024;
/// The most that is repeated of a vendor's own words, in characters.
const MAX_WORDS: usize = 300;

/// A place to send requests to, and who is asking.
#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) client: Client,
    pub(crate) url: Url,
    pub(crate) key: Option<ApiKey>,
    pub(crate) model: String,
}

impl Endpoint {
    /// Prepares the endpoint at `path` under the model's base URL.
    pub(crate) fn new(config: &ModelConfig, path: &str) -> Result<Self, ModelError> {
        let bad_url =
            |problem: &str| ModelError::BadUrl { name: config.name.clone(), problem: problem.to_owned() };
        let base = config.endpoint().ok_or_else(|| bad_url("is missing"))?;
        let url = Url::parse(&format!("{base}{path}")).map_err(|_| bad_url("is not a URL"))?;
        let client = client(&url, config)
            .map_err(|error| ModelError::NoClient { name: config.name.clone(), cause: error.to_string() })?;
        let key = config.api_key()?;
        if key.is_some() && url.scheme() == "http" && !is_loopback(&url) {
            tracing::warn!(model = %config.name, "the API key crosses the network unencrypted: use https");
        }
        Ok(Self { client, url, key, model: config.vendor_model().to_owned() })
    }

    /// Sorts a failure to send by its kind. The URL stays out of the words.
    pub(crate) fn unsent(error: &reqwest::Error) -> ProviderError {
        match (error.is_connect(), error.is_timeout()) {
            (true, true) => ProviderError::TimedOut("no connection"),
            (true, false) => ProviderError::Unavailable(format!("no connection: {}", innermost(error))),
            (false, _) => ProviderError::Unavailable(innermost(error)),
        }
    }

    /// Sorts a refusal by its status and words: the one table of them.
    pub(crate) async fn refusal(&self, response: Response) -> ProviderError {
        let status = response.status();
        let retry_after = retry_after(response.headers(), Timestamp::now());
        let body = read_up_to(response, MAX_REFUSAL_BYTES).await;
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        let refusal = Refusal::read(&body);
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => ProviderError::Unauthorized,
            StatusCode::PAYLOAD_TOO_LARGE => ProviderError::ContextTooLong,
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => ProviderError::Rejected(format!(
                "no model `{}` there, or no such address ({}): check `model` and `base_url`",
                self.model,
                self.words(&refusal, status)
            )),
            StatusCode::TOO_MANY_REQUESTS if refusal.is_out_of_quota() => {
                ProviderError::Rejected(self.words(&refusal, status))
            }
            StatusCode::TOO_MANY_REQUESTS => ProviderError::RateLimited { retry_after },
            StatusCode::REQUEST_TIMEOUT | StatusCode::CONFLICT => {
                ProviderError::Unavailable(self.words(&refusal, status))
            }
            _ if status.is_redirection() => ProviderError::Rejected(format!(
                "status {}, a redirect: set `base_url` to where it leads",
                status.as_u16()
            )),
            _ if status.is_server_error() => ProviderError::Unavailable(self.words(&refusal, status)),
            _ if refusal.is_too_long() => ProviderError::ContextTooLong,
            _ => ProviderError::Rejected(self.words(&refusal, status)),
        }
    }

    /// Sorts an error object that came in the middle of a stream, where there is no status.
    pub(crate) fn error_in_stream(&self, body: &Value) -> ProviderError {
        let refusal = Refusal::read(body);
        let words = self.words(&refusal, StatusCode::OK);
        match refusal.kind.as_str() {
            _ if refusal.is_too_long() => ProviderError::ContextTooLong,
            _ if refusal.is_out_of_quota() => ProviderError::Rejected(words),
            "rate_limit_error" | "rate_limit_exceeded" | "rate_limited" | "429" => {
                ProviderError::RateLimited { retry_after: None }
            }
            "authentication_error" | "permission_error" | "invalid_api_key" | "401" | "403" => {
                ProviderError::Unauthorized
            }
            "invalid_request_error" | "not_found_error" | "billing_error" | "BadRequestError" | "400" => {
                ProviderError::Rejected(words)
            }
            _ => ProviderError::Unavailable(words),
        }
    }

    fn words(&self, refusal: &Refusal, status: StatusCode) -> String {
        let said = match &self.key {
            Some(key) => key.redact(&refusal.message),
            None => refusal.message.clone(),
        };
        let said: String =
            said.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_WORDS).collect();
        match (said.trim(), status) {
            ("", status) => format!("status {status}"),
            (said, StatusCode::OK) => said.to_owned(),
            (said, status) => format!("status {}, {said}", status.as_u16()),
        }
    }
}

/// Builds a client that follows no redirect, since a redirect would carry the key away, and that
/// tries nothing again, since all tries are counted in `retry`.
fn client(url: &Url, config: &ModelConfig) -> reqwest::Result<Client> {
    install_tls();
    let builder = Client::builder()
        .user_agent(concat!("ibid/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(Duration::from_secs_f64(config.timeouts.connect_s))
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .tcp_keepalive(Duration::from_secs(30));
    // A proxy for the outside world has no way to this machine.
    let builder = if is_loopback(url) { builder.no_proxy() } else { builder };
    builder.build()
}

/// Chooses ring for all of rustls, once; a choice made earlier by the program stands.
fn install_tls() {
    static INSTALLED: OnceLock<()> = OnceLock::new();
    INSTALLED.get_or_init(|| {
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// The last cause of an error, which is the one that says something.
pub(crate) fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

/// How long a response asks to wait: milliseconds, seconds, or until a date.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let amount = |text: &str| text.parse::<f64>().ok().filter(|amount| (0.0..1e9).contains(amount));
    if let Some(ms) = text("retry-after-ms").and_then(amount) {
        return Some(Duration::from_secs_f64(ms / 1000.0));
    }
    let after = text(RETRY_AFTER.as_str())?;
    if let Some(seconds) = amount(after) {
        return Some(Duration::from_secs_f64(seconds));
    }
    let until = jiff::fmt::rfc2822::parse(after).ok()?.timestamp();
    Some(Duration::try_from(until.duration_since(now)).unwrap_or_default())
}

/// What a vendor says is wrong, whichever of the usual shapes it says it in.
#[derive(Debug, Default)]
struct Refusal {
    kind: String,
    message: String,
}

impl Refusal {
    fn read(body: &Value) -> Self {
        let error = body.get("error").unwrap_or(body);
        let text = |name: &str| match error.get(name) {
            Some(Value::String(text)) => Some(text.clone()),
            Some(Value::Number(number)) => Some(number.to_string()),
            _ => None,
        };
        let message = text("message").or_else(|| text("detail"));
        Self {
            kind: text("code").or_else(|| text("type")).unwrap_or_default(),
            message: message.or_else(|| error.as_str().map(str::to_owned)).unwrap_or_default(),
        }
    }

    fn is_too_long(&self) -> bool {
        const WORDS: [&str; 6] = [
            "maximum context length",
            "context window",
            "context size",
            "context length",
            "prompt is too long",
            "maximum prompt length",
        ];
        let message = self.message.to_lowercase();
        matches!(
            self.kind.as_str(),
            "context_length_exceeded" | "exceed_context_size_error" | "request_too_large"
        ) || WORDS.iter().any(|words| message.contains(words))
    }

    fn is_out_of_quota(&self) -> bool {
        matches!(self.kind.as_str(), "insufficient_quota" | "billing_hard_limit_reached")
    }
}

async fn read_up_to(mut response: Response, limit: usize) -> Vec<u8> {
    let mut body = Vec::new();
    while let Ok(Some(piece)) = response.chunk().await {
        let room = limit - body.len();
        body.extend_from_slice(&piece[..piece.len().min(room)]);
        if body.len() == limit {
            break;
        }
    }
    body
}
