//! How slowly the body of a request may come: one that trickles is cut, so that nobody keeps a
//! request open for nothing. A long upload that moves is none of this module's business.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep};

use super::error::Problem;
use crate::app::App;

/// Cuts the body of a request that comes too slowly, and says so.
pub(super) async fn keep(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let server = &app.config.server;
    let window = Duration::from_secs(server.body_window_s);
    let is_cut = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&is_cut);
    let least = server.min_body_rate.saturating_mul(server.body_window_s);
    let request = request.map(|body| {
        let (waited, received) = (Duration::ZERO, 0);
        Body::new(Paced { body, window, least, waited, received, waiting: None, is_cut: told })
    });
    let response = next.run(request).await;
    if !is_cut.load(Ordering::Relaxed) {
        return response;
    }
    let rate = server.min_body_rate;
    let detail = format!("the body came slower than {rate} bytes a second; send it faster");
    let mut response = Problem::new(StatusCode::REQUEST_TIMEOUT, "too_slow", detail).into_response();
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

/// A body that has to bring `least` bytes in every `window` of waiting for it.
struct Paced {
    body: Body,
    window: Duration,
    least: u64,
    /// How long this window was spent waiting. What a slow disk of ours takes does not count.
    waited: Duration,
    /// What this window brought.
    received: u64,
    /// Since when it is waited for, and until when it may be.
    waiting: Option<(Instant, Pin<Box<Sleep>>)>,
    is_cut: Arc<AtomicBool>,
}

impl Paced {
    /// Begins a new window if this one is over; false if it brought too little.
    fn is_moving(&mut self) -> bool {
        if self.waited < self.window {
            return true;
        }
        let is_moving = self.received >= self.least;
        (self.waited, self.received) = (Duration::ZERO, 0);
        is_moving
    }

    fn cut(&self) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.is_cut.store(true, Ordering::Relaxed);
        let error = std::io::Error::new(std::io::ErrorKind::TimedOut, "the body comes too slowly");
        Poll::Ready(Some(Err(axum::Error::new(error))))
    }
}

impl HttpBody for Paced {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(cx) {
            if let Some((since, _)) = this.waiting.take() {
                this.waited += since.elapsed();
            }
            if let Some(Ok(frame)) = &frame {
                this.received += frame.data_ref().map_or(0, |bytes| bytes.len() as u64);
            }
            let is_over = frame.is_none();
            return if is_over || this.is_moving() { Poll::Ready(frame) } else { this.cut() };
        }
        loop {
            let left = this.window.saturating_sub(this.waited);
            let (since, until) = this.waiting.get_or_insert_with(|| (Instant::now(), Box::pin(sleep(left))));
            ready!(until.as_mut().poll(cx));
            this.waited += since.elapsed();
            this.waiting = None;
            if !this.is_moving() {
                return this.cut();
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
