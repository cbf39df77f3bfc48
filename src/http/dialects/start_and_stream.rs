//! Start and stream: a POST stores the question, a GET that an `EventSource` can make streams the
//! answer, and another tells the history. Served under `/chat` and `/api/chat`.
//!
//! | request | answer |
//! |---|---|
//! | `POST …/start {modelId, prompt, chatId?, projectId?, taskId?}` | `{"sessionId","chatId"}` |
//! | `GET …/stream?sessionId=` | `data: {"type":"typing"}` while nothing is written yet, `data: {"type":"token","content"}`, then `data: {"type":"done"}` or `data: {"type":"error","message"}` |
//! | `GET …/history?chatId=` | `{"chatId","messages":[{"id","role","content","createdAt",…}]}` in the order they were said |
//!
//! A stream session belongs to who started it and can be opened ten times within ten minutes: 410
//! after that, 404 for one that never was, 403 for anyone else, 429 for the eleventh time. A `chatId`
//! that is not known yet is the name of a new chat; each message of the history says in
//! `conversationId` which session that is for the other routes, to like an answer or export the chat. A client that says `Accept: text/event-stream`, as
//! an `EventSource` does, gets an `id` with each frame, so that it comes back where it was; others get
//! `data` lines only. Errors before the stream: `{"statusCode","message","error","code"}`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::data;
use crate::access::Caller;
use crate::app::App;
use crate::event::{Citation, Event, StepState};
use crate::http::error::Problem;
use crate::http::extract::{Json as Body, Query};
use crate::http::{messages, sse};
use crate::session::{Message, MessageStatus, Reaction, Role};
use crate::stream_sessions::{self, NewStream};

type Extracted<T> = Result<T, Problem>;

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "StartRequest")]
pub(in crate::http) struct Start {
    model_id: String,
    prompt: String,
    chat_id: Option<String>,
    project_id: Option<String>,
    task_id: Option<String>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "StartedStream")]
pub(in crate::http) struct Started {
    session_id: Uuid,
    chat_id: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct StreamQuery {
    session_id: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct HistoryQuery {
    chat_id: Option<String>,
}

#[derive(Serialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
#[schemars(rename = "StartedFrame")]
pub(in crate::http) enum Frame {
    Typing,
    Token { content: String },
    Done,
    Error { message: String },
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ChatHistory")]
pub(in crate::http) struct History {
    chat_id: Option<String>,
    messages: Vec<Said>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ChatHistoryMessage")]
pub(in crate::http) struct Said {
    id: Uuid,
    role: Role,
    content: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    model_id: Option<String>,
    created_at: Timestamp,
    /// The session that it is in, as the other routes call it.
    conversation_id: Uuid,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    citations: Vec<Citation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reaction: Option<Reaction>,
}

pub(super) async fn start(
    State(app): State<Arc<App>>,
    caller: Caller,
    body: Extracted<Body<Start>>,
) -> Result<Response, Refusal> {
    let Body(Start { model_id, prompt, chat_id, project_id, task_id }) = body?;
    let new = NewStream { model: model_id, prompt, chat: chat_id, project_id, task_id };
    let (session_id, chat_id) = stream_sessions::start(&app, &caller, new).await?;
    Ok((StatusCode::CREATED, Json(Started { session_id, chat_id })).into_response())
}

pub(super) async fn stream(
    State(app): State<Arc<App>>,
    caller: Caller,
    query: Extracted<Query<StreamQuery>>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let Query(StreamQuery { session_id }) = query?;
    let after = messages::last_event_id(&headers)?.unwrap_or(0);
    let run = stream_sessions::open(&app, &caller, &session_id).await?;
    let Some(frames) = messages::rest_of(&app, run, after).await? else {
        return Ok(StatusCode::NO_CONTENT.into_response());
    };
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let has_ids = accept.is_some_and(|accept| accept.contains("text/event-stream"));
    Ok(sse::plain(frames.filter_map(move |frame| {
        let worded = word(frame.event()).map(|worded| data(&worded));
        let id = frame.seq;
        std::future::ready(worded.map(|worded| if has_ids { worded.id(id) } else { worded }))
    })))
}

pub(super) async fn history(
    State(app): State<Arc<App>>,
    caller: Caller,
    query: Extracted<Query<HistoryQuery>>,
) -> Result<Response, Refusal> {
    let Query(HistoryQuery { chat_id }) = query?;
    let messages = stream_sessions::history(&app, &caller, chat_id.as_deref()).await?;
    // An answer is part of the history once it is over.
    let over = messages.into_iter().filter(|(_, message)| message.status != MessageStatus::Running);
    let messages = over.map(|(session, message)| Said::new(session, message)).collect();
    Ok(Json(History { chat_id, messages }).into_response())
}

/// An event as this contract words it.
fn word(event: Event) -> Option<Frame> {
    match event {
        Event::Started { .. } => Some(Frame::Typing),
        Event::Step { step } if step.state == StepState::Started => Some(Frame::Typing),
        Event::Token { text } => Some(Frame::Token { content: text }),
        Event::Done { .. } => Some(Frame::Done),
        Event::Error { message, .. } => Some(Frame::Error { message }),
        _ => None,
    }
}

impl Said {
    fn new(session: Uuid, message: Message) -> Self {
        Self {
            id: message.id,
            conversation_id: session,
            role: message.role,
            content: message.content,
            model_id: message.model,
            created_at: message.created_at,
            citations: message.citations,
            reaction: message.reaction,
        }
    }
}

/// The body of every answer that is an error.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "StartRefusal")]
pub(in crate::http) struct RefusalBody {
    /// The HTTP status.
    status_code: u16,
    /// What is wrong and what to do.
    message: String,
    /// The status in words.
    error: &'static str,
    /// A stable code.
    code: String,
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
        let (message, code) = (problem.detail.clone(), problem.code.clone());
        let body = RefusalBody { status_code: problem.status, message, error: problem.title, code };
        problem.worded(status, body)
    }
}
