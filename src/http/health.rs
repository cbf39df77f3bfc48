//! Is it alive, and can it answer well?

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;

use crate::app::App;
use crate::ingest::num_not_embedded;

#[derive(Serialize, JsonSchema)]
pub(crate) struct Health {
    /// `ready`, `rebuilding` while the index is being put back from the store, `read_only` while
    /// the disk is almost full, or `stopping`.
    status: &'static str,
    version: &'static str,
    /// Documents put back so far, while rebuilding.
    #[serde(skip_serializing_if = "Option::is_none")]
    rebuilt: Option<u64>,
    /// Documents to put back.
    #[serde(skip_serializing_if = "Option::is_none")]
    rebuilding: Option<u64>,
    /// Passages that have no vector yet and are found by their words only, where there is a model that
    /// makes some.
    #[serde(skip_serializing_if = "Option::is_none")]
    not_embedded: Option<u64>,
    /// Answers being made.
    runs: usize,
}

pub(super) async fn live() -> &'static str {
    "ok"
}

pub(super) async fn ready(State(app): State<Arc<App>>) -> Response {
    let progress = app.ingest.rebuild.progress();
    let is_stopping = app.stopping.is_cancelled();
    let status = match (is_stopping, app.space.is_low(), progress) {
        (true, ..) => "stopping",
        (false, true, _) => "read_only",
        (false, false, Some(_)) => "rebuilding",
        (false, false, None) => "ready",
    };
    let health = Health {
        status,
        version: env!("CARGO_PKG_VERSION"),
        rebuilt: progress.map(|(done, _)| done),
        rebuilding: progress.map(|(_, total)| total),
        not_embedded: num_not_embedded(&app),
        runs: app.runs.num_live(),
    };
    // A rebuilding server answers, from what its index has already, and one without room answers from
    // what it holds; a stopping one does not.
    let code = if is_stopping { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    (code, axum::Json(health)).into_response()
}
