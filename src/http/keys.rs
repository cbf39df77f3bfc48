//! Keys over HTTP, for administrators.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use uuid::Uuid;

use super::error::Problem;
use super::extract::{Json as Body, Path};
use super::page::Page;
use crate::access::key::{self, Key, MadeKey, NewKey};
use crate::app::App;

pub(super) async fn create(
    State(app): State<Arc<App>>,
    Body(new): Body<NewKey>,
) -> Result<(StatusCode, Json<MadeKey>), Problem> {
    Ok((StatusCode::CREATED, Json(key::create(&app, new).await?)))
}

pub(super) async fn list(State(app): State<Arc<App>>) -> Result<Json<Page<Key>>, Problem> {
    Ok(Json(Page::new(key::list(&app).await?, None)))
}

pub(super) async fn revoke(State(app): State<Arc<App>>, Path(id): Path<Uuid>) -> Result<StatusCode, Problem> {
    key::revoke(&app, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
