//! What was asked, answered and cited before, and what readers think of answers.

use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::error::Problem;
use super::extract::{Json as Body, Path, Query};
use super::page::{Page, PageQuery};
use crate::access::Caller;
use crate::app::App;
use crate::history::{self, CitedPlace, Found};
use crate::session::Message;
use crate::sessions::{self, NewReaction};
use crate::store::keys;

const DEFAULT_LIMIT: usize = 20;
const MAX_LIMIT: usize = 100;

/// What to look for.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct HistoryQuery {
    /// What to look for, in natural language.
    q: String,
    /// How many messages, at most 100; 20 if absent.
    limit: Option<usize>,
}

/// What was found.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct HistoryResult {
    /// Best first, each message once.
    hits: Vec<Found>,
    /// How long it took, in milliseconds.
    took_ms: u64,
}

/// Which citations to list.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct CitationsQuery {
    /// Only those whose quote begins on this page.
    page: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// How many, at most 500; 50 if absent.
    limit: Option<usize>,
}

pub(super) async fn search(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<HistoryQuery>,
) -> Result<Json<HistoryResult>, Problem> {
    let begun = Instant::now();
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT);
    let hits = history::search(&app, &caller, &query.q, limit).await?;
    let took_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(Json(HistoryResult { hits, took_ms }))
}

pub(super) async fn citations(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(document): Path<Uuid>,
    Query(query): Query<CitationsQuery>,
) -> Result<Json<Page<CitedPlace>>, Problem> {
    let CitationsQuery { page, cursor, limit } = query;
    let listed = PageQuery { cursor, limit };
    let after = listed.after(&keys::citations(document))?;
    let (places, last) =
        history::cited(&app, &caller, document, page, after.as_deref(), listed.limit()).await?;
    Ok(Json(Page::new(places, last)))
}

pub(super) async fn react(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path((session, message)): Path<(Uuid, Uuid)>,
    Body(new): Body<NewReaction>,
) -> Result<Json<Message>, Problem> {
    Ok(Json(sessions::react(&app, &caller, session, message, new).await?))
}

pub(super) async fn take_back(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path((session, message)): Path<(Uuid, Uuid)>,
) -> Result<Json<Message>, Problem> {
    let nothing = NewReaction { reaction: None, note: None };
    Ok(Json(sessions::react(&app, &caller, session, message, nothing).await?))
}
