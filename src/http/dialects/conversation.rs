//! Conversation stream: one route that stores a message and streams its answer; a conversation is
//! opened where none is named. The last ten messages are told to the model, or as configured.
//!
//! | request | answer |
//! |---|---|
//! | `POST /api/ai/chat/stream {conversationId?, message}` | `data: {"type":"chunk","content"}`, then, once the answer is stored, `data: {"type":"done","conversationId","messageId"}`, or `data: {"type":"error","message","code"}` |
//!
//! The header `X-Conversation-Id` names the conversation from the start. Before the stream: problem
//! JSON. A reader that leaves changes nothing about what is stored.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderValue;
use axum::response::Response;
use futures::StreamExt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::data;
use crate::Error;
use crate::access::Caller;
use crate::app::App;
use crate::ask::{self, Question};
use crate::event::Event;
use crate::http::error::Problem;
use crate::http::extract::Json;
use crate::http::sse;
use crate::sessions::{self, NewSession};

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ConversationRequest")]
pub(in crate::http) struct ChatRequest {
    conversation_id: Option<Uuid>,
    message: String,
}

#[derive(Serialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case", rename_all_fields = "camelCase")]
#[schemars(rename = "ConversationFrame")]
pub(in crate::http) enum Frame {
    Chunk { content: String },
    Done { conversation_id: Uuid, message_id: Uuid },
    Error { message: String, code: String },
}

pub(super) async fn chat(
    State(app): State<Arc<App>>,
    caller: Caller,
    Json(request): Json<ChatRequest>,
) -> Result<Response, Problem> {
    let question = Question::new(request.message);
    question.check()?;
    let conversation = match request.conversation_id {
        Some(conversation) => conversation,
        None => sessions::create(&app, &caller, NewSession::default(), None).await?.id,
    };
    let run = ask::start(&app, &caller, conversation, question, None).await?;
    let frames = app.runs.read(run, 0).await.map_err(Error::from)?;
    let words = frames.filter_map(move |frame| std::future::ready(word(frame.event(), conversation)));
    let mut response = sse::plain(words.map(|frame| data(&frame)));
    if let Ok(id) = HeaderValue::from_str(&conversation.to_string()) {
        response.headers_mut().insert("x-conversation-id", id);
    }
    Ok(response)
}

/// An event as this contract words it.
fn word(event: Event, conversation_id: Uuid) -> Option<Frame> {
    match event {
        Event::Token { text } => Some(Frame::Chunk { content: text }),
        Event::Done { message_id, .. } => Some(Frame::Done { conversation_id, message_id }),
        Event::Error { code, message, .. } => Some(Frame::Error { message, code }),
        _ => None,
    }
}
