//! Reading requests: axum's extractors, with problem JSON when they refuse.

use axum::extract::{FromRequest, FromRequestParts};

use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::error::Problem;
use crate::access::Caller;
use crate::idempotency::Claim;

/// A JSON body.
#[derive(FromRequest)]
#[from_request(via(axum::Json), rejection(Problem))]
pub(super) struct Json<T>(pub(super) T);

/// Query parameters; one that may be given several times is a list.
#[derive(FromRequestParts)]
#[from_request(via(axum_extra::extract::Query), rejection(Problem))]
pub(super) struct Query<T>(pub(super) T);

/// Parts of the path.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(Problem))]
pub(super) struct Path<T>(pub(super) T);

/// Who is asking, as the guard found out; a route that the guard does not cover can't be asked.
impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        let caller = parts.extensions.get::<Self>().cloned();
        let unknown = || Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", "say who you are");
        caller.ok_or_else(|| unknown().into_response())
    }
}

/// The claim of a request to `target` that carries an `Idempotency-Key`.
pub(super) fn claim(
    caller: &Caller,
    headers: &HeaderMap,
    target: &str,
    body: &impl Serialize,
) -> Result<Option<Claim>, Problem> {
    let Some(key) = idempotency_key(headers)? else { return Ok(None) };
    Ok(Some(Claim::new(caller, target, key, body)?))
}

/// The `Idempotency-Key` of a request, if it carries one.
pub(super) fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let Some(key) = headers.get("idempotency-key") else { return Ok(None) };
    let key = key.to_str().map_err(|_| {
        let detail = "an `Idempotency-Key` is made of visible ASCII characters";
        Problem::new(StatusCode::BAD_REQUEST, "invalid_request", detail)
    })?;
    Ok(Some(key))
}
