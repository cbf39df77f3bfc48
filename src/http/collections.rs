//! Collections over HTTP: which there are, and with whom they are shared.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::error::Problem;
use super::extract::{Json as Body, Path};
use super::page::Page;
use crate::access::sharing::{self, Collection};
use crate::access::{Caller, Sharing};
use crate::app::App;

pub(super) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
) -> Result<Json<Page<Collection>>, Problem> {
    Ok(Json(Page::new(sharing::collections(&app, &caller).await?, None)))
}

pub(super) async fn share(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(name): Path<String>,
    Body(sharing): Body<Sharing>,
) -> Result<Json<Collection>, Problem> {
    Ok(Json(sharing::share(&app, &caller, &name, sharing).await?))
}
