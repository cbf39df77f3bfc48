//! How failures are worded on the wire: problem JSON (RFC 9457), and the one table of statuses.

use std::any::Any;
use std::error::Error as _;
use std::num::NonZeroU32;

use axum::extract::rejection::{JsonRejection, PathRejection};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum_extra::extract::QueryRejection;
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

use crate::Error;
use crate::access::Allowance;
use crate::session::Failure;

/// The body of every answer that is an error.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct Problem {
    /// `about:blank`: the code says which kind it is.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The status in words.
    pub(super) title: &'static str,
    /// The HTTP status.
    pub(super) status: u16,
    /// What is wrong and what to do.
    pub(super) detail: String,
    /// A stable code, the same as in a stream's `error` event.
    pub(super) code: String,
    /// The message that failed, if one was stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<Uuid>,
    #[serde(skip)]
    retry_after_s: Option<u64>,
    /// The limit that was reached, if it is one in time.
    #[serde(skip)]
    limit: Option<NonZeroU32>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, code: &str, detail: impl Into<String>) -> Self {
        Self {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            detail: detail.into(),
            code: code.to_owned(),
            message_id: None,
            retry_after_s: None,
            limit: None,
        }
    }

    /// The same failure as another contract words it, with what is told of when to come back.
    pub(super) fn worded(&self, status: StatusCode, body: impl Serialize) -> Response {
        let mut response = (status, axum::Json(body)).into_response();
        self.tell_when(response.headers_mut());
        response
    }

    fn tell_when(&self, headers: &mut HeaderMap) {
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let (Some(limit), Some(reset_s)) = (self.limit, self.retry_after_s) {
            tell(Allowance { limit: limit.get(), remaining: 0, reset_s }, headers);
        }
    }

    /// The failure of an answer that is stored.
    pub(crate) fn of_message(id: Uuid, failure: &Failure) -> Self {
        Self { message_id: Some(id), ..Self::from(failure) }
    }
}

impl From<&Failure> for Problem {
    fn from(failure: &Failure) -> Self {
        Self {
            retry_after_s: failure.retry_after_s,
            ..Self::new(status_of(&failure.code), &failure.code, failure.message.as_str())
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        if let Error::Internal(cause) = &error {
            tracing::error!(%cause, "a request failed");
        }
        let retry_after_s = error.retry_after_s();
        let limit =
            if let Error::TooFast { limit, .. } = &error { limit.and_then(NonZeroU32::new) } else { None };
        Self { retry_after_s, limit, ..Self::new(status_of(error.code()), error.code(), error.to_string()) }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, axum::Json(&self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        self.tell_when(headers);
        // For those who word it in another way.
        response.extensions_mut().insert(self);
        response
    }
}

/// A code with its status and what it tells a client.
pub(super) struct Code {
    pub(super) name: &'static str,
    pub(super) status: StatusCode,
    /// What happened, for the reader of the API's description.
    pub(super) meaning: &'static str,
}

const fn code(name: &'static str, status: StatusCode, meaning: &'static str) -> Code {
    Code { name, status, meaning }
}

/// The one table from codes to statuses.
pub(super) const CODES: &[Code] = &[
    code("invalid_request", StatusCode::BAD_REQUEST, "The request can't be carried out as it is."),
    code("unknown_model", StatusCode::BAD_REQUEST, "No model of this name is configured."),
    code("unauthorized", StatusCode::UNAUTHORIZED, "The server does not know who asks."),
    code("forbidden", StatusCode::FORBIDDEN, "The caller may not do this."),
    code(
        "tier_required",
        StatusCode::FORBIDDEN,
        "The caller's tier does not have this; the detail names one that does.",
    ),
    code("foreign_origin", StatusCode::FORBIDDEN, "The request comes from another machine or another site."),
    code("not_found", StatusCode::NOT_FOUND, "There is no such thing, or no such route."),
    code("method_not_allowed", StatusCode::METHOD_NOT_ALLOWED, "The route exists, but not for this method."),
    code("too_slow", StatusCode::REQUEST_TIMEOUT, "The body came too slowly; send it faster."),
    code(
        "conflict",
        StatusCode::CONFLICT,
        "Someone else changed the same thing at the same moment; try again.",
    ),
    code("answer_running", StatusCode::CONFLICT, "The session's last answer is still being made."),
    code("too_late", StatusCode::CONFLICT, "It could have been done earlier in the answer, and now not."),
    code("expired", StatusCode::GONE, "It was there and is over; begin again."),
    code("too_large", StatusCode::PAYLOAD_TOO_LARGE, "More than the limits allow."),
    code("context_too_long", StatusCode::PAYLOAD_TOO_LARGE, "More than the model can read at once."),
    code(
        "unsupported_media_type",
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "The body is not of the media type that the route takes.",
    ),
    code(
        "idempotency_key_reused",
        StatusCode::UNPROCESSABLE_ENTITY,
        "The `Idempotency-Key` was used for another request.",
    ),
    code("too_often", StatusCode::TOO_MANY_REQUESTS, "More requests than the limits allow; come back later."),
    code(
        "rate_limited",
        StatusCode::TOO_MANY_REQUESTS,
        "More requests at once than the limits allow; come back later.",
    ),
    code(
        "quota_exceeded",
        StatusCode::TOO_MANY_REQUESTS,
        "What the caller's tier allows for this time is used up.",
    ),
    code("provider_rate_limited", StatusCode::TOO_MANY_REQUESTS, "The model's vendor asks to wait."),
    code("internal", StatusCode::INTERNAL_SERVER_ERROR, "A fault of the server; its log has the cause."),
    code("provider_unauthorized", StatusCode::BAD_GATEWAY, "The model's vendor refuses the configured key."),
    code("provider_rejected", StatusCode::BAD_GATEWAY, "The model's vendor refuses the request."),
    code("provider_truncated", StatusCode::BAD_GATEWAY, "The model's answer broke off."),
    code(
        "shutting_down",
        StatusCode::SERVICE_UNAVAILABLE,
        "The server is going away; try again in a moment.",
    ),
    code("provider_unavailable", StatusCode::SERVICE_UNAVAILABLE, "The model can't be reached."),
    code("provider_timed_out", StatusCode::GATEWAY_TIMEOUT, "The model did not answer in time."),
    code(
        "insufficient_storage",
        StatusCode::INSUFFICIENT_STORAGE,
        "The disk has no room; nothing was stored.",
    ),
];

fn status_of(name: &str) -> StatusCode {
    let known = CODES.iter().find(|code| code.name == name);
    debug_assert!(known.is_some(), "`{name}` is missing in the table of codes");
    known.map_or(StatusCode::INTERNAL_SERVER_ERROR, |code| code.status)
}

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Self {
        let code = match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => "too_large",
            StatusCode::UNSUPPORTED_MEDIA_TYPE => "unsupported_media_type",
            _ => "invalid_request",
        };
        let detail = match (&rejection, rejection.source()) {
            (JsonRejection::JsonSyntaxError(_), Some(cause)) => format!("the body is no JSON: {cause}"),
            (JsonRejection::JsonDataError(_), Some(cause)) => format!("the body can't be read: {cause}"),
            (JsonRejection::MissingJsonContentType(_), _) => {
                "send the body with `Content-Type: application/json`".to_owned()
            }
            _ => rejection.body_text(),
        };
        Self::new(status_of(code), code, detail)
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        let cause = rejection.source().map_or_else(|| rejection.body_text(), ToString::to_string);
        let detail = format!("the query can't be read: {cause}");
        Self::new(StatusCode::BAD_REQUEST, "invalid_request", detail)
    }
}

impl From<PathRejection> for Problem {
    fn from(_: PathRejection) -> Self {
        // An id that can't be one names nothing.
        Self::new(StatusCode::NOT_FOUND, "not_found", "there is nothing with this id; ids are UUIDs")
    }
}

/// Says in headers what is left of a limit, unless a limit that was reached is told already.
pub(super) fn tell(allowance: Allowance, headers: &mut HeaderMap) {
    let Allowance { limit, remaining, reset_s } = allowance;
    for (name, value) in [
        ("ratelimit-limit", u64::from(limit)),
        ("ratelimit-remaining", u64::from(remaining)),
        ("ratelimit-reset", reset_s),
    ] {
        headers.entry(name).or_insert_with(|| HeaderValue::from(value));
    }
}

pub(super) async fn no_such_route(uri: Uri) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not_found", format!("there is no route `{}`", uri.path()))
}

pub(super) async fn no_such_method() -> Problem {
    let detail = "this route exists, but not for this method";
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
}

pub(super) fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    tracing::error!("a request panicked");
    Problem::from(Error::internal("a request panicked")).into_response()
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use axum::routing::get;
    use tower::ServiceExt as _;
    use tower_http::catch_panic::CatchPanicLayer;

    use super::*;

    #[tokio::test]
    async fn a_panic_is_a_failure_of_ours_in_words_that_tell_nothing_of_it() {
        let panics = || async { std::hint::black_box(None::<&str>).expect("canary") };
        let router = Router::new().route("/", get(panics)).layer(CatchPanicLayer::custom(panicked));
        let response = router.oneshot(Request::get("/").body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
        let body = to_bytes(response.into_body(), 1 << 16).await.unwrap();
        let body = String::from_utf8(body.to_vec()).unwrap();
        assert!(body.contains("\"code\"") && !body.contains("canary"), "{body}");
    }
}
