//! A model for tests: speaks OpenAI's chat completions, keeps every request, and fails when told to.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use futures::{StreamExt, stream};
use serde_json::{Value, json};

/// What it does with a call.
#[derive(Clone, Copy)]
pub(crate) enum Act {
    /// Writes these pieces.
    Answer(&'static [&'static str]),
    /// Writes these and breaks off.
    BreakOff(&'static [&'static str]),
    /// Writes a word again and again.
    GoOn,
    /// Refuses with this status.
    Refuse(u16),
}

#[derive(Default)]
struct Book {
    requests: Mutex<Vec<Value>>,
    acts: Mutex<VecDeque<Act>>,
    was_left: AtomicBool,
}

/// A running model. What it does is told call by call; the last act is repeated.
pub(crate) struct Model {
    book: Arc<Book>,
    url: String,
}

impl Model {
    pub(crate) async fn start(acts: &[Act]) -> Self {
        let book = Arc::new(Book { acts: Mutex::new(acts.iter().copied().collect()), ..Book::default() });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let router =
            axum::Router::new().route("/v1/chat/completions", post(complete)).with_state(Arc::clone(&book));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { book, url }
    }

    /// The configuration of a server that asks it, by the name of `main` or as `gpt-4-turbo`.
    pub(crate) fn config(&self) -> String {
        format!(
            "[[models]]\nname = \"main\"\nprovider = \"openai\"\nmodel = \"gpt-4-turbo\"\nbase_url = \"{}\"\n",
            self.url
        )
    }

    /// The messages of every call so far.
    pub(crate) fn calls(&self) -> Vec<Vec<Value>> {
        let requests = self.book.requests.lock().unwrap();
        requests.iter().map(|request| request["messages"].as_array().unwrap().clone()).collect()
    }

    /// Whether someone hung up on it.
    pub(crate) fn was_left(&self) -> bool {
        self.book.was_left.load(Ordering::SeqCst)
    }
}

async fn complete(State(book): State<Arc<Book>>, Json(request): Json<Value>) -> Response {
    book.requests.lock().unwrap().push(request);
    let act = {
        let mut acts = book.acts.lock().unwrap();
        if acts.len() > 1 { acts.pop_front().unwrap() } else { acts[0] }
    };
    let body = match act {
        Act::Refuse(status) => {
            let words = json!({"error": {"message": "no", "type": "refused"}});
            return (StatusCode::from_u16(status).unwrap(), Json(words)).into_response();
        }
        Act::Answer(pieces) => pieces.iter().map(|piece| chunk(Some(piece))).collect::<String>() + &end(),
        Act::BreakOff(pieces) => pieces.iter().map(|piece| chunk(Some(piece))).collect(),
        Act::GoOn => return event_stream(endless(Leaving(book))),
    };
    event_stream(Body::from(body))
}

/// Notes that the stream it is part of was dropped.
struct Leaving(Arc<Book>);

impl Drop for Leaving {
    fn drop(&mut self) {
        self.0.was_left.store(true, Ordering::SeqCst);
    }
}

fn endless(leaving: Leaving) -> Body {
    let words = stream::repeat(()).then(move |()| {
        let _held = &leaving;
        async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            Ok::<_, Infallible>(chunk(Some("word ")))
        }
    });
    Body::from_stream(words)
}

fn event_stream(body: Body) -> Response {
    ([("content-type", "text/event-stream")], body).into_response()
}

fn chunk(content: Option<&str>) -> String {
    let (delta, reason) = match content {
        Some(content) => (json!({"role": "assistant", "content": content}), Value::Null),
        None => (json!({}), json!("stop")),
    };
    let choice = json!({"index": 0, "delta": delta, "finish_reason": reason});
    let chunk = json!({
        "id": "c", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4-turbo", "choices": [choice]
    });
    format!("data: {chunk}\n\n")
}

fn end() -> String {
    format!("{}data: [DONE]\n\n", chunk(None))
}
