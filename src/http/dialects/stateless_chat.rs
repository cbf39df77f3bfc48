//! Stateless chat: the client keeps the conversation and sends all of it each time. Nothing of it is
//! stored, and an answer whose reader leaves is stopped.
//!
//! | request | answer |
//! |---|---|
//! | `POST /chat {messages:[{role,content}], stream?, system?, model?}` | `data: {"type":"token","content"}`, then one `data: {"type":"citations","content":"","citations":[…]}` if there are any, and last of all `data: [DONE]` |
//! | the same with `"stream": false` | `{"role":"assistant","content","model","citations","finish_reason","usage"}`, which can be sent back among the messages |
//!
//! It streams unless told otherwise. `system` is what answers should keep to, in place of the
//! configured `ask.system`; the rules of citing stay. Errors before the first word have a status: 401
//! if the provider refuses the key, 429 if it still limits calls after several tries with growing
//! pauses. Later ones are `data: {"type":"error","message","code"}` before `[DONE]`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{data, once_it_speaks};
use crate::access::Caller;
use crate::app::App;
use crate::ask::prompt::Turn;
use crate::ask::{self, Conversation};
use crate::event::{Citation, Event, FinishReason, Usage};
use crate::http::error::Problem;
use crate::http::extract::Json as Body;
use crate::http::sse;
use crate::run;
use crate::session::{Failure, Message, Role};

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "StatelessRequest")]
pub(in crate::http) struct ChatRequest {
    messages: Vec<ChatMessage>,
    #[serde(default = "yes")]
    stream: bool,
    system: Option<String>,
    model: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "StatelessMessage")]
pub(in crate::http) struct ChatMessage {
    role: Role,
    content: String,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "StatelessAnswer")]
pub(in crate::http) struct ChatResponse {
    role: Role,
    content: String,
    model: Option<String>,
    citations: Vec<Citation>,
    finish_reason: Option<FinishReason>,
    usage: Option<Usage>,
}

#[derive(Serialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
#[schemars(rename = "StatelessFrame")]
pub(in crate::http) enum Frame {
    Token {
        content: String,
    },
    /// Its empty content keeps clients right that join the content of every frame.
    Citations {
        content: &'static str,
        citations: Vec<Citation>,
    },
    Error {
        message: String,
        code: String,
    },
}

fn yes() -> bool {
    true
}

pub(super) async fn chat(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(request): Body<ChatRequest>,
) -> Result<Response, Problem> {
    let ChatRequest { messages, stream, system, model } = request;
    let turns = messages.into_iter().map(|ChatMessage { role, content }| Turn { role, content }).collect();
    let conversation = Conversation { turns, system, model, ..Conversation::default() };
    let events = ask::once(&app, &caller, conversation).await?;
    let events = once_it_speaks(events).await.map_err(refusal)?;
    match stream {
        true => Ok(sse::plain(streamed(events))),
        false => whole(events).await,
    }
}

/// The events as frames, the last of which is no JSON.
fn streamed(events: BoxStream<'static, Event>) -> impl futures::Stream<Item = sse::Event> {
    let mut citations = Vec::new();
    let frames = events.filter_map(move |event| {
        std::future::ready(match event {
            Event::Token { text } => Some(Frame::Token { content: text }),
            Event::Citation { citation } => {
                citations.push(citation);
                None
            }
            Event::Done { .. } if !citations.is_empty() => {
                Some(Frame::Citations { content: "", citations: std::mem::take(&mut citations) })
            }
            Event::Error { code, message, .. } => Some(Frame::Error { message, code }),
            _ => None,
        })
    });
    let done = stream::once(async { sse::Event::default().data("[DONE]") });
    frames.map(|frame| data(&frame)).chain(done)
}

/// The events as one body.
async fn whole(events: BoxStream<'static, Event>) -> Result<Response, Problem> {
    let mut message = Message::new(Uuid::nil(), Role::Assistant, String::new(), jiff::Timestamp::UNIX_EPOCH);
    run::fold(&mut message, events.collect().await);
    if let Some(failure) = message.error {
        return Err(refusal(failure));
    }
    let Message { role, content, model, citations, finish_reason, usage, .. } = message;
    Ok(Json(ChatResponse { role, content, model, citations, finish_reason, usage }).into_response())
}

fn refusal(failure: Failure) -> Problem {
    let problem = Problem::from(&failure);
    let own = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    match worded(&failure.code, own) {
        (status, _) if status == own => problem,
        (status, code) => Problem::new(status, &code, failure.message),
    }
}

/// The status of a code of ours: who asks without an account of their own has to hear that the key is
/// wrong.
pub(in crate::http) fn worded(code: &str, status: StatusCode) -> (StatusCode, String) {
    let is_about_the_key = code == "provider_unauthorized";
    (if is_about_the_key { StatusCode::UNAUTHORIZED } else { status }, code.to_owned())
}
