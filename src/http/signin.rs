//! Signing in from a page: a key or token goes into a cookie that no script can read, and out of it.
//! The cookie is the credential itself, so whatever ends that ends the sign-in.

use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRequest, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::error::Problem;
use super::extract::Json as Body;
use super::guard::address;
use super::origin::is_own_page;
use crate::access::{Caller, Denied, Scopes, User, quota};
use crate::app::App;
use crate::config::access::Mode;

const NAME: &str = "ibid";
/// What browsers keep of one cookie, in bytes.
const MAX_COOKIE_BYTES: usize = 3_800;

/// What to sign in with.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Credential {
    /// A key or a token.
    credential: String,
}

/// Who is asking.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Me {
    /// How callers show who they are: `none`, `keys` or `jwt`.
    mode: Mode,
    user: User,
    scopes: Scopes,
    #[serde(skip_serializing_if = "Option::is_none")]
    tier: Option<String>,
}

pub(super) async fn login(State(app): State<Arc<App>>, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    own_page(&parts)?;
    let request = Request::from_parts(parts.clone(), body);
    let Body(Credential { credential }) = Body::from_request(request, &()).await?;
    let me = match app.gate.admit(&app, Some(&credential)).await {
        Ok(admitted) => me(&app, admitted.caller),
        Err(Denied::Failed(error)) => return Err(error.into()),
        Err(_) => {
            app.gate.limits.address(&address(&parts))?;
            let detail = "this key or token is not good here";
            return Err(Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", detail));
        }
    };
    if credential.len() > MAX_COOKIE_BYTES {
        let detail = "this token is too long for a browser to keep; use a shorter one";
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail));
    }
    Ok(([(header::SET_COOKIE, set(&parts.headers, &credential, "")?)], Json(me)).into_response())
}

pub(super) async fn logout(request: Parts) -> Result<Response, Problem> {
    own_page(&request)?;
    let gone = set(&request.headers, "", "; Max-Age=0")?;
    Ok(([(header::SET_COOKIE, gone)], StatusCode::NO_CONTENT).into_response())
}

pub(super) async fn show(State(app): State<Arc<App>>, caller: Caller) -> Json<Me> {
    Json(me(&app, caller))
}

pub(super) async fn usage(
    State(app): State<Arc<App>>,
    caller: Caller,
) -> Result<Json<quota::Usage>, Problem> {
    Ok(Json(quota::usage(&app, &caller).await?))
}

/// The credential that a browser kept.
pub(super) fn cookie(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = cookies.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, value)| *name == NAME && !value.is_empty()).map(|(_, value)| value)
}

fn me(app: &App, caller: Caller) -> Me {
    Me { mode: app.gate.mode(), user: caller.user, scopes: caller.scopes, tier: caller.tier }
}

/// A foreign page must not sign its visitors in as someone else.
fn own_page(request: &Parts) -> Result<(), Problem> {
    if is_own_page(&request.headers, &request.uri) {
        return Ok(());
    }
    let detail = "only the page of this server signs in; others send the credential with each request";
    Err(Problem::new(StatusCode::FORBIDDEN, "foreign_origin", detail))
}

fn set(headers: &HeaderMap, credential: &str, end: &str) -> Result<HeaderValue, Problem> {
    let is_https = headers.get(header::ORIGIN).is_some_and(|origin| origin.as_bytes().starts_with(b"https:"));
    let secure = if is_https { "; Secure" } else { "" };
    let is_plain = credential.bytes().all(|byte| byte.is_ascii_graphic() && !b"\",;\\".contains(&byte));
    let cookie = format!("{NAME}={credential}; Path=/; HttpOnly; SameSite=Strict{secure}{end}");
    let cookie = HeaderValue::from_str(&cookie).ok().filter(|_| is_plain);
    cookie.ok_or_else(|| {
        Problem::new(StatusCode::BAD_REQUEST, "invalid_request", "this is no key and no token")
    })
}
