//! A body that is not read to its end, since its request is refused from its first lines. To hang
//! up on it would take the refusal away from a client that is still sending, so the rest is taken
//! in and thrown away, within bounds.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use futures::StreamExt;
use hyper::body::{Frame, Incoming, SizeHint};
use tokio::time::timeout;

/// How much is thrown away, in bytes.
const MAX_BYTES: usize = 64 * 1024 * 1024;
/// For how long.
const PATIENCE: Duration = Duration::from_secs(5);

/// A request's body whose rest is taken in when it is dropped. `None` once that has begun.
pub(super) struct Unread(Option<Incoming>);

impl Unread {
    pub(super) fn new(body: Incoming) -> Self {
        Self(Some(body))
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        if let Some(body) = self.0.take().filter(|body| !body.is_end_stream()) {
            tokio::spawn(timeout(PATIENCE, throw_away(body)));
        }
    }
}

async fn throw_away(body: Incoming) {
    let mut rest = Body::new(body).into_data_stream();
    let mut thrown = 0;
    while let Some(Ok(bytes)) = rest.next().await
        && thrown < MAX_BYTES
    {
        thrown += bytes.len();
    }
}

impl HttpBody for Unread {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match &mut self.0 {
            Some(body) => Pin::new(body).poll_frame(cx),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.0.as_ref().map_or_else(|| SizeHint::with_exact(0), HttpBody::size_hint)
    }
}
