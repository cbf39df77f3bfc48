//! Failures in OpenAI's envelope, with the status each error class of its clients stands for.

use axum::Json;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;

use crate::http::error::Problem;

/// The body of every answer under `/v1` that is an error.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "OpenAiError")]
pub(in crate::http) struct Envelope {
    error: Refusal,
}

/// What went wrong.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "OpenAiErrorBody")]
struct Refusal {
    /// What is wrong and what to do.
    message: String,
    /// The kind of failure.
    #[serde(rename = "type")]
    kind: &'static str,
    /// Always `null`: the message names what it is about.
    param: Option<String>,
    /// A stable code.
    code: String,
}

impl Envelope {
    pub(super) fn new(code: &str, message: String, status: u16) -> Self {
        let code = match code {
            "unknown_model" => "model_not_found",
            "context_too_long" => "context_length_exceeded",
            code => code,
        };
        let kind = match status {
            401 => "authentication_error",
            403 => "permission_error",
            429 => "rate_limit_error",
            500.. => "server_error",
            _ => "invalid_request_error",
        };
        Self { error: Refusal { message, kind, param: None, code: code.to_owned() } }
    }
}

/// Words every problem that a route under `/v1` answers with, whichever layer it comes from.
pub(in crate::http) async fn in_their_words(request: Request, next: Next) -> Response {
    let is_theirs = request.uri().path().starts_with("/v1/");
    let mut response = next.run(request).await;
    let Some(problem) = response.extensions_mut().remove::<Problem>().filter(|_| is_theirs) else {
        return response;
    };
    let (mut parts, _) = response.into_parts();
    parts.status = status(&problem);
    parts.headers.remove(header::CONTENT_TYPE);
    parts.headers.remove(header::CONTENT_LENGTH);
    if is_final(&problem.code) {
        // Their clients would try a `5xx` twice more.
        parts.headers.insert("x-should-retry", HeaderValue::from_static("false"));
    }
    let body = Json(Envelope::new(&problem.code, problem.detail, parts.status.as_u16()));
    let mut worded = body.into_response();
    *worded.status_mut() = parts.status;
    worded.headers_mut().extend(parts.headers);
    worded
}

fn status(problem: &Problem) -> StatusCode {
    match problem.code.as_str() {
        "unknown_model" => StatusCode::NOT_FOUND,
        "context_too_long" | "too_large" => StatusCode::BAD_REQUEST,
        _ => StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
    }
}

fn is_final(code: &str) -> bool {
    matches!(code, "provider_unauthorized" | "provider_rejected")
}
