//! Sessions to keep, as files.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

use super::documents::disposition;
use super::error::Problem;
use super::extract::{Path, Query};
use crate::access::Caller;
use crate::app::App;
use crate::export::{self, Format, Wanted};

/// What to export.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ExportQuery {
    /// `json` (the default), `markdown` or `pdf`.
    #[serde(default)]
    format: Format,
    /// Only this message; an answer comes with its question.
    message: Option<Uuid>,
    /// Whether a JSON bundle carries the texts of the documents, to be verified anywhere.
    #[serde(default)]
    documents: bool,
}

pub(super) async fn export(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(session): Path<Uuid>,
    Query(ExportQuery { format, message, documents }): Query<ExportQuery>,
) -> Result<Response, Problem> {
    let exported = export::export(&app, &caller, session, Wanted { format, message, documents }).await?;
    let mut response = exported.bytes.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(exported.media_type));
    if let Ok(disposition) = HeaderValue::from_str(&disposition("attachment", &exported.name)) {
        headers.insert(header::CONTENT_DISPOSITION, disposition);
    }
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox; default-src 'none'"));
    Ok(response)
}
