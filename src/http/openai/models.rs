//! `/v1/models`: each configured model twice, as it is and with `:deep` for deep research.

use std::sync::{Arc, LazyLock};

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::app::App;
use crate::config::model::ModelConfig;
use crate::http::error::Problem;
use crate::http::extract::Path;
use crate::session::Mode;

/// What makes a model's name ask for deep research.
const DEEP: &str = ":deep";

/// Nobody knows when a configured model was made; this server offers it since it runs.
static OFFERED_SINCE: LazyLock<i64> = LazyLock::new(|| Timestamp::now().as_second());

/// The models that can be asked for.
#[derive(Serialize, JsonSchema)]
pub(in crate::http) struct ModelList {
    object: &'static str,
    data: Vec<ModelCard>,
}

/// A model that can be asked for.
#[derive(Serialize, JsonSchema)]
pub(in crate::http) struct ModelCard {
    /// What `model` takes.
    id: String,
    object: &'static str,
    /// Since when this server offers it, in seconds since 1970.
    created: i64,
    /// Who makes it.
    owned_by: String,
}

pub(in crate::http) async fn list(State(app): State<Arc<App>>) -> Json<ModelList> {
    let forms = app.config.models.iter().flat_map(|model| ["", DEEP].map(|form| card(model, form)));
    Json(ModelList { object: "list", data: forms.collect() })
}

pub(in crate::http) async fn show(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
) -> Result<Json<ModelCard>, Problem> {
    let (name, mode) = known(&app, &id)?;
    let form = if mode == Mode::DeepResearch { DEEP } else { "" };
    let model = app.config.models.iter().find(|model| model.name == name);
    model.map(|model| Json(card(model, form))).ok_or_else(|| no_model(&app, &id))
}

fn card(model: &ModelConfig, form: &str) -> ModelCard {
    let owned_by = model.provider.to_string();
    ModelCard { id: format!("{}{form}", model.name), object: "model", created: *OFFERED_SINCE, owned_by }
}

/// The configured model behind a name, and how it is asked to answer.
pub(super) fn known(app: &App, asked_for: &str) -> Result<(String, Mode), Problem> {
    let configured = |name: &str| app.model(Some(name)).ok().map(|model| model.name().to_owned());
    if let Some(name) = configured(asked_for) {
        return Ok((name, Mode::Regular));
    }
    let deep = asked_for.strip_suffix(DEEP).and_then(configured);
    deep.map(|name| (name, Mode::DeepResearch)).ok_or_else(|| no_model(app, asked_for))
}

fn no_model(app: &App, asked_for: &str) -> Problem {
    let names: Vec<&str> = app.config.models.iter().map(|model| model.name.as_str()).collect();
    let names = names.join("`, `");
    let detail = format!("there is no model `{asked_for}`; there are `{names}`, each also with `{DEEP}`");
    Problem::new(StatusCode::BAD_REQUEST, "unknown_model", detail)
}
