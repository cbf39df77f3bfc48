//! Asking over HTTP, and reading answers: as they are made, again, or from where a reader left off.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use futures::{Stream, StreamExt};
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

use super::error::Problem;
use super::extract::{Json as Body, Path, Query, claim};
use super::sse;
use crate::access::Caller;
use crate::app::App;
use crate::ask::{self, Again, Question};
use crate::event::PlanChange;
use crate::runs::{Frame, RunKey};
use crate::session::{Message, Role};
use crate::{Error, sessions};

/// Where to go on reading.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub(crate) struct After {
    /// The last event that was read; the header `Last-Event-ID` says the same.
    after: Option<u64>,
}

pub(super) async fn ask(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(session): Path<Uuid>,
    headers: HeaderMap,
    Body(question): Body<Question>,
) -> Result<Response, Problem> {
    let stream = question.stream;
    let claim = claim(&caller, &headers, &session.to_string(), &question)?;
    let run = ask::start(&app, &caller, session, question, claim.as_ref()).await?;
    respond(&app, &caller, run, stream).await
}

pub(super) async fn regenerate(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path((session, message)): Path<(Uuid, Uuid)>,
    headers: HeaderMap,
    body: Result<Option<Json<Again>>, JsonRejection>,
) -> Result<Response, Problem> {
    let how = body?.map(|Json(how)| how).unwrap_or_default();
    let stream = how.stream;
    let claim = claim(&caller, &headers, &format!("{session}/{message}"), &how)?;
    let run = ask::regenerate(&app, &caller, session, message, how, claim.as_ref()).await?;
    respond(&app, &caller, run, stream).await
}

/// The answer as it is made, or once it is.
async fn respond(app: &App, caller: &Caller, run: RunKey, stream: bool) -> Result<Response, Problem> {
    let frames = app.runs.read(run, 0).await.map_err(Error::from)?;
    if stream {
        return Ok(sse::of_run(frames));
    }
    frames.for_each(|_| async {}).await;
    let answer = sessions::message(app, caller, run.session, run.message).await?;
    match &answer.error {
        Some(failure) => Err(Problem::of_message(answer.id, failure)),
        None => Ok(Json(answer).into_response()),
    }
}

pub(super) async fn show(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path((session, message)): Path<(Uuid, Uuid)>,
) -> Result<Json<Message>, Problem> {
    Ok(Json(sessions::message(&app, &caller, session, message).await?))
}

pub(super) async fn events(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path((session, message)): Path<(Uuid, Uuid)>,
    Query(query): Query<After>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let run = answer(&app, &caller, session, message).await?;
    let after = last_event_id(&headers)?.or(query.after).unwrap_or(0);
    match rest_of(&app, run, after).await? {
        Some(frames) => Ok(sse::of_run(frames)),
        // Tells an EventSource to stop coming back.
        None => Ok(StatusCode::NO_CONTENT.into_response()),
    }
}

/// What comes after a position; None if a reader that has been there has it all.
pub(super) async fn rest_of(
    app: &App,
    run: RunKey,
    after: u64,
) -> Result<Option<impl Stream<Item = Frame> + Send + use<>>, Error> {
    let mut frames = Box::pin(app.runs.read(run, after).await?.peekable());
    let is_over = !app.runs.is_live(run.message);
    let has_all = is_over && after > 0 && frames.as_mut().peek().await.is_none();
    Ok((!has_all).then_some(frames))
}

pub(super) async fn cancel(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path((session, message)): Path<(Uuid, Uuid)>,
) -> Result<Json<Message>, Problem> {
    let run = answer(&app, &caller, session, message).await?;
    if app.runs.cancel(message) {
        let frames = app.runs.read(run, 0).await.map_err(Error::from)?;
        frames.for_each(|_| async {}).await;
    }
    Ok(Json(sessions::message(&app, &caller, session, message).await?))
}

pub(super) async fn plan(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path((session, message)): Path<(Uuid, Uuid)>,
    Body(change): Body<PlanChange>,
) -> Result<Json<Message>, Problem> {
    ask::change_plan(&app, &caller, session, message, change).await?;
    Ok(Json(sessions::message(&app, &caller, session, message).await?))
}

/// The run of an answer that exists in this session of the caller's.
async fn answer(app: &App, caller: &Caller, session: Uuid, message: Uuid) -> Result<RunKey, Error> {
    let found = sessions::header(app, caller, session, message).await?;
    match found.role {
        Role::Assistant => Ok(RunKey { session, message }),
        Role::User => Err(Error::Invalid(format!(
            "message `{message}` is a question; its answer is the message after it"
        ))),
    }
}

pub(super) fn last_event_id(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let Some(value) = headers.get("last-event-id").filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    let number = value.to_str().ok().and_then(|value| value.trim().parse().ok());
    number.map(Some).ok_or_else(|| {
        let detail = "`Last-Event-ID` is not a number that this stream gave";
        Problem::new(StatusCode::BAD_REQUEST, "invalid_request", detail)
    })
}
