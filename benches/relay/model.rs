//! A model's server that writes numbered words, each with the moment at which it was sent, and counts
//! the calls that are open.

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use futures::stream;
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::time::{Instant, sleep_until};

/// How the model answers.
#[derive(Clone, Copy)]
pub(crate) struct Manner {
    pub(crate) words: usize,
    /// Before each word but the first.
    pub(crate) pause: Duration,
}

pub(crate) struct Model {
    /// With `/v1`.
    pub(crate) url: String,
    desk: Arc<Desk>,
}

struct Desk {
    manner: Mutex<Manner>,
    num_calls: AtomicUsize,
}

/// An open call.
struct Call(Arc<Desk>);

impl Drop for Call {
    fn drop(&mut self) {
        self.0.num_calls.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Model {
    /// Starts it in a thread of its own, on the processor of the one that calls.
    pub(crate) fn start() -> Self {
        let manner = Manner { words: 1, pause: Duration::ZERO };
        let desk = Arc::new(Desk { manner: Mutex::new(manner), num_calls: AtomicUsize::new(0) });
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let router = Router::new().route("/v1/chat/completions", post(answer)).with_state(Arc::clone(&desk));
        std::thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener =
                    axum::serve::ListenerExt::tap_io(TcpListener::from_std(listener).unwrap(), |stream| {
                        _ = stream.set_nodelay(true);
                    });
                axum::serve(listener, router).await.unwrap();
            });
        });
        Self { url, desk }
    }

    pub(crate) fn set(&self, manner: Manner) {
        *self.desk.manner.lock().unwrap() = manner;
    }

    pub(crate) fn num_calls(&self) -> usize {
        self.desk.num_calls.load(Ordering::SeqCst)
    }
}

/// Nanoseconds of the clock that all processes share.
pub(crate) fn now_ns() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos()).unwrap()
}

async fn answer(State(desk): State<Arc<Desk>>, _: Bytes) -> Response {
    let manner = *desk.manner.lock().unwrap();
    desk.num_calls.fetch_add(1, Ordering::SeqCst);
    let begun = Instant::now();
    let state = (0, Call(desk));
    let words = stream::unfold(state, move |(number, call)| async move {
        if number > manner.words {
            return None;
        }
        if manner.pause.is_zero() {
            // Each word is a write of its own.
            tokio::task::yield_now().await;
        } else {
            sleep_until(begun + manner.pause * u32::try_from(number).unwrap()).await;
        }
        let piece = if number == manner.words { end() } else { word(number) };
        Some((Ok::<_, Infallible>(Bytes::from(piece)), (number + 1, call)))
    });
    ([("content-type", "text/event-stream")], Body::from_stream(words)).into_response()
}

fn word(number: usize) -> String {
    let words = format!("w{number}:{} ", now_ns());
    format!(
        "data: {{\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{{\"index\":0,\
         \"delta\":{{\"content\":\"{words}\"}},\"logprobs\":null,\"finish_reason\":null}}]}}\n\n"
    )
}

fn end() -> String {
    "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\
     \"delta\":{},\"logprobs\":null,\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n"
        .to_owned()
}
