//! Which models can be asked for.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use schemars::JsonSchema;
use serde::Serialize;

use super::page::Page;
use crate::access::Caller;
use crate::app::App;

#[derive(Serialize, JsonSchema)]
pub(crate) struct Model {
    /// What `model` takes.
    name: String,
    /// Who makes it.
    provider: String,
    /// Whether it answers when none is named.
    default: bool,
}

pub(super) async fn list(State(app): State<Arc<App>>, caller: Caller) -> Json<Page<Model>> {
    let models = caller.models(&app).enumerate().map(|(number, model)| Model {
        name: model.name().to_owned(),
        provider: model.config().provider.to_string(),
        default: number == 0,
    });
    Json(Page::new(models.collect(), None))
}
