//! Server-Sent Events: frames of a run or of the library as they go over the wire.

use std::convert::Infallible;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::{Stream, StreamExt};

use crate::runs::Frame;

/// What a browser waits before it comes back after a break.
const RETRY: Duration = Duration::from_millis(1000);
/// A silent stream says so this often.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// A run as a stream: `id` its position, `event` its name, `data` one line of JSON.
pub(super) fn of_run(frames: impl Stream<Item = Frame> + Send + 'static) -> Response {
    respond(
        frames.map(|frame| Event::default().id(frame.seq.to_string()).event(frame.name).data(&*frame.data)),
    )
}

/// Any events as a stream, after the word on when to come back.
pub(super) fn respond(events: impl Stream<Item = Event> + Send + 'static) -> Response {
    let first = futures::stream::once(async { Event::default().retry(RETRY) });
    plain(first.chain(events))
}

/// Any events as a stream, and nothing else.
pub(super) fn plain(events: impl Stream<Item = Event> + Send + 'static) -> Response {
    let events = events.map(Ok::<_, Infallible>);
    Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT)).into_response()
}
