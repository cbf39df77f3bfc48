//! Session chat: sessions under `/sessions`, and one route that stores a message and streams its
//! answer as named events. All of the session is told to the model.
//!
//! | request | answer |
//! |---|---|
//! | `POST /sessions {title?}` · `GET /sessions` · `GET` `PATCH {title}` `DELETE /sessions/{id}` | `{"success":true,…}` |
//! | `POST /sessions/{id}/chat {message}` | `event: chunk` `{"type":"chunk","content"}`, then `event: complete` `{"type":"complete","content"}` with the whole answer, or `event: error` `{"type":"error","error":{"message","code"}}` |
//!
//! Before the stream: `{"success":false,"error":{"message","code"}}` with 400 `VALIDATION_ERROR`, 404
//! `NOT_FOUND`, 500 `CONFIG_ERROR`, `API_KEY_MISSING` (the model's key was refused) or `AI_ERROR`. In it:
//! `AI_ERROR` where the model failed, else `STREAM_ERROR`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::{line, once_it_speaks};
use crate::Error;
use crate::access::Caller;
use crate::app::App;
use crate::ask::{self, Question};
use crate::event::Event;
use crate::http::error::Problem;
use crate::http::extract::{Json as Body, Path, Query};
use crate::http::page::PageQuery;
use crate::http::sse;
use crate::session::{Message, Role, Session};
use crate::sessions::{self, Grouping, NewSession, SessionChange};

type Extracted<T> = Result<T, Problem>;

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "SessionChatRequest")]
pub(in crate::http) struct ChatRequest {
    message: String,
}

#[derive(Default, Deserialize, JsonSchema)]
#[schemars(rename = "SessionTitle")]
pub(in crate::http) struct Titled {
    title: Option<String>,
}

#[derive(Serialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
#[schemars(rename = "SessionChatFrame")]
pub(in crate::http) enum Frame<'a> {
    Chunk { content: &'a str },
    Complete { content: &'a str },
    Error { error: Refused },
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SessionChatError")]
pub(in crate::http) struct Refused {
    message: String,
    code: String,
}

/// The body of every answer that is an error.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SessionChatRefusal")]
pub(in crate::http) struct RefusalBody {
    /// Always false.
    success: bool,
    error: Refused,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "SessionChat")]
pub(in crate::http) struct SessionBody {
    success: bool,
    id: Uuid,
    title: String,
    created_at: Timestamp,
    updated_at: Timestamp,
    message_count: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    messages: Option<Vec<MessageBody>>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "SessionChatMessage")]
pub(in crate::http) struct MessageBody {
    id: Uuid,
    role: Role,
    content: String,
    created_at: Timestamp,
}

pub(super) async fn chat(
    State(app): State<Arc<App>>,
    caller: Caller,
    id: Extracted<Path<Uuid>>,
    body: Extracted<Body<ChatRequest>>,
) -> Result<Response, Refusal> {
    let (Path(session), Body(request)) = (id?, body?);
    let question = Question { history_messages: Some(usize::MAX), ..Question::new(request.message) };
    let run = ask::start(&app, &caller, session, question, None).await?;
    let frames = app.runs.read(run, 0).await.map_err(Error::from)?;
    let events = match once_it_speaks(frames.map(|frame| frame.event())).await {
        Ok(events) => events,
        Err(failure) if failure.code == "provider_unauthorized" => {
            return Err(Problem::from(&failure).into());
        }
        Err(failure) => futures::stream::iter([failure.into_event()]).boxed(),
    };
    let mut answer = String::new();
    Ok(sse::plain(events.filter_map(move |event| std::future::ready(word(&event, &mut answer)))))
}

/// An event as this contract words it.
fn word(event: &Event, answer: &mut String) -> Option<sse::Event> {
    let (name, frame) = match event {
        Event::Token { text } => {
            answer.push_str(text);
            ("chunk", Frame::Chunk { content: text })
        }
        Event::Done { .. } => ("complete", Frame::Complete { content: answer }),
        Event::Error { code, message, .. } => {
            let code = if is_of_the_model(code) { "AI_ERROR" } else { "STREAM_ERROR" };
            ("error", Frame::Error { error: Refused { message: message.clone(), code: code.to_owned() } })
        }
        _ => return None,
    };
    Some(sse::Event::default().name(name).data(&line(&frame)))
}

pub(super) async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    body: Result<Option<Json<Titled>>, JsonRejection>,
) -> Result<Response, Refusal> {
    let Json(Titled { title }) = body?.unwrap_or_default();
    let new = NewSession { title, ..NewSession::default() };
    let session = sessions::create(&app, &caller, new, None).await?;
    Ok((StatusCode::CREATED, Json(SessionBody::new(session, None))).into_response())
}

pub(super) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    page: Extracted<Query<PageQuery>>,
) -> Result<Response, Refusal> {
    let (Query(page), all) = (page?, Grouping::default());
    let after = page.after(&all.list(&caller.user))?;
    let (sessions, last) = sessions::list(&app, &caller, &all, after.as_deref(), page.limit()).await?;
    let sessions: Vec<_> = sessions.into_iter().map(|session| SessionBody::new(session, None)).collect();
    let next = last.map(|key| crate::hex(key.as_bytes()));
    Ok(Json(json!({"success": true, "sessions": sessions, "nextCursor": next})).into_response())
}

pub(super) async fn show(
    State(app): State<Arc<App>>,
    caller: Caller,
    id: Extracted<Path<Uuid>>,
) -> Result<Response, Refusal> {
    let Path(id) = id?;
    let session = sessions::get(&app, &caller, id).await?.value;
    let messages = sessions::messages(&app, &caller, id).await?;
    Ok(Json(SessionBody::new(session, Some(messages))).into_response())
}

pub(super) async fn rename(
    State(app): State<Arc<App>>,
    caller: Caller,
    id: Extracted<Path<Uuid>>,
    body: Extracted<Body<Titled>>,
) -> Result<Response, Refusal> {
    let (Path(id), Body(change)) = (id?, body?);
    let change = SessionChange { title: change.title, ..SessionChange::default() };
    let session = sessions::change(&app, &caller, id, &change).await?;
    Ok(Json(SessionBody::new(session, None)).into_response())
}

pub(super) async fn remove(
    State(app): State<Arc<App>>,
    caller: Caller,
    id: Extracted<Path<Uuid>>,
) -> Result<Response, Refusal> {
    let Path(id) = id?;
    sessions::delete(&app, &caller, id).await?;
    Ok(Json(json!({"success": true})).into_response())
}

impl SessionBody {
    fn new(session: Session, messages: Option<Vec<Message>>) -> Self {
        let message = |message: Message| MessageBody {
            id: message.id,
            role: message.role,
            content: message.content,
            created_at: message.created_at,
        };
        Self {
            success: true,
            id: session.id,
            title: session.title,
            created_at: session.created_at,
            updated_at: session.updated_at,
            message_count: session.message_count,
            messages: messages.map(|messages| messages.into_iter().map(message).collect()),
        }
    }
}

/// An error before the stream.
pub(super) struct Refusal(Problem);

impl<E: Into<Problem>> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Self(problem) = self;
        let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let (status, code) = worded(&problem.code, status);
        let error = Refused { message: problem.detail.clone(), code };
        problem.worded(status, RefusalBody { success: false, error })
    }
}

/// The status and the code that this contract has for one of ours.
pub(in crate::http) fn worded(code: &str, status: StatusCode) -> (StatusCode, String) {
    let (status, code) = match code {
        "invalid_request" | "unsupported_media_type" => (status, "VALIDATION_ERROR"),
        "unknown_model" => (StatusCode::INTERNAL_SERVER_ERROR, "CONFIG_ERROR"),
        "provider_unauthorized" => (StatusCode::INTERNAL_SERVER_ERROR, "API_KEY_MISSING"),
        code if is_of_the_model(code) => (StatusCode::INTERNAL_SERVER_ERROR, "AI_ERROR"),
        "internal" => (status, "INTERNAL_ERROR"),
        code => (status, code),
    };
    (status, code.to_ascii_uppercase())
}

fn is_of_the_model(code: &str) -> bool {
    code.starts_with("provider_") || code == "context_too_long"
}
