//! Sessions over HTTP.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::{HeaderMap, StatusCode};
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

use super::error::Problem;
use super::extract::{Json as Body, Path, Query, claim};
use super::page::{Page, PageQuery};
use crate::access::Caller;
use crate::app::App;
use crate::session::{Placed, Session};
use crate::sessions::{self, Grouping, NewSession, SessionChange};

/// A session with everything that was said.
#[derive(Serialize, JsonSchema)]
pub(crate) struct History {
    #[serde(flatten)]
    session: Session,
    /// All branches, oldest first.
    messages: Vec<Placed>,
}

pub(super) async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    body: Result<Option<Json<NewSession>>, JsonRejection>,
) -> Result<(StatusCode, Json<Session>), Problem> {
    let new = body?.map(|Json(new)| new).unwrap_or_default();
    let claim = claim(&caller, &headers, "sessions", &new)?;
    Ok((StatusCode::CREATED, Json(sessions::create(&app, &caller, new, claim.as_ref()).await?)))
}

pub(super) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(page): Query<PageQuery>,
    Query(grouping): Query<Grouping>,
) -> Result<Json<Page<Session>>, Problem> {
    let after = page.after(&grouping.list(&caller.user))?;
    let (sessions, last) = sessions::list(&app, &caller, &grouping, after.as_deref(), page.limit()).await?;
    Ok(Json(Page::new(sessions, last)))
}

pub(super) async fn show(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Result<Json<History>, Problem> {
    let session = sessions::get(&app, &caller, id).await?.value;
    let messages = sessions::history(&app, &session).await?;
    Ok(Json(History { session, messages }))
}

pub(super) async fn change(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<Uuid>,
    Body(change): Body<SessionChange>,
) -> Result<Json<Session>, Problem> {
    Ok(Json(sessions::change(&app, &caller, id, &change).await?))
}

pub(super) async fn remove(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    sessions::delete(&app, &caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
