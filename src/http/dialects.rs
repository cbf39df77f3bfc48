//! Other clients' contracts: four ways to word the same answers, each a file of its own. A dialect
//! reads a request, calls the function that ibid's own API calls, and words the same events. It
//! decides nothing, and every layer of the server stands before it as before any other route.
//!
//! | file | ask | framing | ends with |
//! |---|---|---|---|
//! | `session_chat` | `POST /sessions/{id}/chat` | named events | `complete` |
//! | `conversation` | `POST /api/ai/chat/stream` | data only | `done` |
//! | `start_and_stream` | `POST /chat/start`, `GET /chat/stream` | data only | `done` |
//! | `stateless_chat` | `POST /chat` | data only | `[DONE]` |

pub(super) mod conversation;
pub(super) mod session_chat;
pub(super) mod start_and_stream;
pub(super) mod stateless_chat;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};
use futures::stream::BoxStream;
use futures::{Stream, StreamExt, stream};
use serde::Serialize;
use tokio::time::{Instant, timeout_at};

use super::sse;
use crate::app::App;
use crate::event::Event;
use crate::session::Failure;

/// How long a stream may stay without a status, waiting for its first word.
const FIRST_WORD: Duration = Duration::from_secs(15);

/// The routes of all dialects.
pub(super) fn routes() -> Router<Arc<App>> {
    let started = Router::new()
        .route("/chat/start", post(start_and_stream::start))
        .route("/chat/stream", get(start_and_stream::stream))
        .route("/chat/history", get(start_and_stream::history));
    Router::new()
        .route("/sessions", get(session_chat::list).post(session_chat::create))
        .route(
            "/sessions/{id}",
            get(session_chat::show).patch(session_chat::rename).delete(session_chat::remove),
        )
        .route("/sessions/{id}/chat", post(session_chat::chat))
        .route("/api/ai/chat/stream", post(conversation::chat))
        .route("/chat", post(stateless_chat::chat))
        // The document shows these under both.
        .nest("/api", started.clone())
        .merge(started)
}

/// One frame without a name: `data: {…}`.
fn data(frame: &impl Serialize) -> sse::Event {
    sse::Event::default().data(&line(frame))
}

/// A frame as one line of JSON.
pub(super) fn line(frame: &impl Serialize) -> String {
    serde_json::to_string(frame)
        .unwrap_or_else(|error| unreachable!("frames are plain data and always encode: {error}"))
}

/// The events of an answer, unless it fails before its first word: then there is still time to say
/// so with a status. A model that is slow to begin is not waited for longer than a moment.
pub(super) async fn once_it_speaks(
    events: impl Stream<Item = Event> + Send + 'static,
) -> Result<BoxStream<'static, Event>, Failure> {
    let mut events = events.boxed();
    let mut read = Vec::new();
    let until = Instant::now() + FIRST_WORD;
    while let Ok(Some(event)) = timeout_at(until, events.next()).await {
        if let Event::Error { code, message, retryable, retry_after_s } = event {
            return Err(Failure { code, message, retryable, retry_after_s });
        }
        let speaks = matches!(event, Event::Token { .. } | Event::Done { .. });
        read.push(event);
        if speaks {
            break;
        }
    }
    Ok(stream::iter(read).chain(events).boxed())
}
