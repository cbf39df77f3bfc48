//! A server that gives prepared answers in turn, cut where one likes, and that sees who asked what
//! and when they hung up.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Response};
use futures::{StreamExt, stream};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

/// What comes after the last piece of a body.
#[derive(Clone, Copy)]
pub(crate) enum Then {
    End,
    Hang,
    Break,
}

#[derive(Clone)]
pub(crate) struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    pieces: Vec<Vec<u8>>,
    head_after: Duration,
    pause: Duration,
    then: Then,
}

impl Answer {
    /// A stream of these pieces, with a pause before each.
    pub(crate) fn paced(pieces: Vec<String>, pause: Duration) -> Self {
        let pieces = pieces.into_iter().map(String::into_bytes).collect();
        Self { pause, ..Self::new(200, "text/event-stream", pieces) }
    }

    /// A stream, cut after every `cut` bytes.
    pub(crate) fn stream(body: impl AsRef<[u8]>, cut: usize) -> Self {
        Self::new(200, "text/event-stream", body.as_ref().chunks(cut).map(<[u8]>::to_vec).collect())
    }

    pub(crate) fn json(status: u16, text: &str) -> Self {
        Self::new(status, "application/json", vec![text.as_bytes().to_vec()])
    }

    fn new(status: u16, media_type: &str, pieces: Vec<Vec<u8>>) -> Self {
        let headers = vec![("content-type", media_type.to_owned())];
        Self { status, headers, pieces, head_after: Duration::ZERO, pause: Duration::ZERO, then: Then::End }
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub(crate) fn then(self, then: Then) -> Self {
        Self { then, ..self }
    }

    pub(crate) fn head_after(self, head_after: Duration) -> Self {
        Self { head_after, ..self }
    }
}

#[derive(Clone)]
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

pub(crate) struct Replay {
    base_url: String,
    stage: Arc<Stage>,
}

struct Stage {
    answers: Mutex<VecDeque<Answer>>,
    asked: Mutex<Vec<Asked>>,
    num_closed: watch::Sender<usize>,
}

/// Counts an answer as closed when the server lets go of it.
struct Closing(Arc<Stage>);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.num_closed.send_modify(|num_closed| *num_closed += 1);
    }
}

impl Replay {
    /// Starts a server that gives these answers in turn, and the last one ever after.
    pub(crate) async fn start(answers: impl IntoIterator<Item = Answer>) -> Self {
        let stage = Arc::new(Stage {
            answers: Mutex::new(answers.into_iter().collect()),
            asked: Mutex::default(),
            num_closed: watch::Sender::new(0),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(Arc::clone(&stage));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { base_url, stage }
    }

    pub(crate) fn base_url(&self) -> &str {
        &self.base_url
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.stage.asked.lock().unwrap().clone()
    }

    /// Waits until that many answers are closed, whether at their end or because a reader hung up.
    pub(crate) async fn closed(&self, num: usize) {
        let mut num_closed = self.stage.num_closed.subscribe();
        let closed = num_closed.wait_for(|num_closed| *num_closed >= num);
        timeout(Duration::from_millis(500), closed).await.expect("the answer is still open").unwrap();
    }

    pub(crate) fn num_closed(&self) -> usize {
        *self.stage.num_closed.borrow()
    }
}

async fn answer(State(stage): State<Arc<Stage>>, request: Request) -> Response<Body> {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    stage.asked.lock().unwrap().push(Asked {
        path: head.uri.path().to_owned(),
        headers: head.headers,
        body: serde_json::from_slice(&body).unwrap(),
    });
    let answer = {
        let mut answers = stage.answers.lock().unwrap();
        if answers.len() > 1 { answers.pop_front().unwrap() } else { answers[0].clone() }
    };
    let closing = Closing(Arc::clone(&stage));
    sleep(answer.head_after).await;
    let mut response = Response::builder().status(answer.status);
    for (name, value) in answer.headers {
        response = response.header(name, value);
    }
    let pieces = stream::iter(answer.pieces).then(move |piece| async move {
        match answer.pause.is_zero() {
            true => tokio::task::yield_now().await,
            false => sleep(answer.pause).await,
        }
        Ok(Bytes::from(piece))
    });
    let end = stream::once(async move {
        let _closing = closing;
        match answer.then {
            Then::End => None,
            Then::Hang => std::future::pending().await,
            Then::Break => {
                // The pieces before it get out first.
                sleep(Duration::from_millis(20)).await;
                Some(Err(io::Error::other("cut")))
            }
        }
    });
    response.body(Body::from_stream(pieces.chain(end.filter_map(|item| async { item })))).unwrap()
}
