//! Server-Sent Events: frames of a run or of the library as they go over the wire. What is ready at a
//! time goes as one piece, however many events it is; a stream that has nothing to say says so.

use std::fmt::Write;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::{Stream, StreamExt};
use tokio::time::{Instant, Sleep, sleep};

use crate::runs::Frame;

/// What a browser waits before it comes back after a break.
const RETRY: Duration = Duration::from_millis(1000);
/// A silent stream says so this often.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// More than this, in bytes, is not gathered into one piece.
const PIECE: usize = 16 << 10;

/// One event, written field by field.
#[derive(Debug, Default)]
pub(super) struct Event(String);

impl Event {
    /// Its position, from which a reader can go on.
    pub(super) fn id(mut self, id: u64) -> Self {
        let _ = writeln!(self.0, "id: {id}");
        self
    }

    /// Its name.
    pub(super) fn name(mut self, name: &'static str) -> Self {
        let _ = writeln!(self.0, "event: {name}");
        self
    }

    /// What it says. Line ends of every kind are line feeds to the reader.
    pub(super) fn data(mut self, data: &str) -> Self {
        self.0.reserve(data.len() + 8);
        for line in data.split('\n').flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r')) {
            self.0.push_str("data: ");
            self.0.push_str(line);
            self.0.push('\n');
        }
        self
    }

    fn retry(mut self, after: Duration) -> Self {
        let _ = writeln!(self.0, "retry: {}", after.as_millis());
        self
    }
}

/// A run as a stream: `id` its position, `event` its name, `data` one line of JSON.
pub(super) fn of_run(frames: impl Stream<Item = Frame> + Send + 'static) -> Response {
    respond(frames.map(|frame| Event::default().id(frame.seq).name(frame.name).data(&frame.data)))
}

/// Any events as a stream, after the word on when to come back.
pub(super) fn respond(events: impl Stream<Item = Event> + Send + 'static) -> Response {
    let first = futures::stream::once(async { Event::default().retry(RETRY) });
    plain(first.chain(events))
}

/// Any events as a stream, and nothing else.
pub(super) fn plain(events: impl Stream<Item = Event> + Send + 'static) -> Response {
    let beat = Box::pin(sleep(HEARTBEAT));
    let wire = Wire { events: Some(Box::pin(events)), beat, last: Instant::now() };
    ([(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-cache")], Body::new(wire))
        .into_response()
}

/// The events on their way out.
struct Wire<S> {
    /// None once they are over.
    events: Option<Pin<Box<S>>>,
    beat: Pin<Box<Sleep>>,
    /// When something was last sent. The beat is set anew only when it is due: events are many.
    last: Instant,
}

impl<S: Stream<Item = Event>> Wire<S> {
    /// All events that are ready, up to a piece.
    fn gather(&mut self, cx: &mut Context<'_>) -> String {
        let mut piece = String::new();
        while let Some(events) = &mut self.events
            && piece.len() < PIECE
        {
            match events.as_mut().poll_next(cx) {
                Poll::Ready(Some(event)) if piece.is_empty() => piece = event.0 + "\n",
                Poll::Ready(Some(event)) => {
                    piece.push_str(&event.0);
                    piece.push('\n');
                }
                Poll::Ready(None) => self.events = None,
                Poll::Pending => break,
            }
        }
        piece
    }
}

impl<S: Stream<Item = Event>> HttpBody for Wire<S> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<hyper::body::Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        let piece = this.gather(cx);
        if !piece.is_empty() {
            this.last = Instant::now();
            return Poll::Ready(Some(Ok(hyper::body::Frame::data(piece.into()))));
        }
        if this.events.is_none() {
            return Poll::Ready(None);
        }
        loop {
            ready!(this.beat.as_mut().poll(cx));
            let now = Instant::now();
            let is_silent = now >= this.last + HEARTBEAT;
            if is_silent {
                this.last = now;
            }
            this.beat.as_mut().reset(this.last + HEARTBEAT);
            if is_silent {
                return Poll::Ready(Some(Ok(hyper::body::Frame::data(Bytes::from_static(b":\n\n")))));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use axum::body::to_bytes;
    use eventsource_stream::Eventsource;
    use futures::stream;
    use proptest::prelude::*;

    use super::*;
    use crate::event::Event as Told;
    use crate::provider::sse::Decoder;

    #[tokio::test]
    async fn fields_are_lines_and_an_empty_one_ends_an_event() {
        let events = [
            Event::default().id(7).name("token").data("{}"),
            Event::default().data("a\r\nb\rc\nd"),
            Event::default().data(""),
        ];
        let body = to_bytes(plain(stream::iter(events)).into_body(), 1 << 20).await.unwrap();
        let expected = "id: 7\nevent: token\ndata: {}\n\ndata: a\ndata: b\ndata: c\ndata: d\n\ndata: \n\n";
        assert_eq!(body, expected);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_ready_is_one_piece_and_silence_is_told() {
        let later = stream::once(async {
            sleep(HEARTBEAT * 5 / 2).await;
            Event::default().data("later")
        });
        let ready = ["a", "b"].map(|text| Event::default().data(text));
        let mut body = plain(stream::iter(ready).chain(later)).into_body().into_data_stream();
        let mut pieces = Vec::new();
        while let Some(piece) = body.next().await {
            pieces.push(String::from_utf8(piece.unwrap().to_vec()).unwrap());
        }
        assert_eq!(pieces, ["data: a\n\ndata: b\n\n", ":\n\n", ":\n\n", "data: later\n\n"]);
    }

    /// Position, name and data of each event of a stream, as another client's parser has them. It reads
    /// an event anew with each piece, so a large one comes in large pieces.
    async fn as_others_read_it(bytes: &[u8]) -> Vec<(String, String, String)> {
        let pieces = futures::stream::iter(bytes.chunks(7.max(bytes.len() / 100)).map(Ok::<_, Infallible>));
        let events = pieces.eventsource().map(|event| event.unwrap());
        events.map(|event| (event.id, event.event, event.data)).collect().await
    }

    /// Name and data, as we read the streams of models.
    fn as_we_read_it(bytes: &[u8]) -> Vec<(String, String)> {
        let mut decoder = Decoder::default();
        bytes.chunks(5).for_each(|piece| decoder.push(piece).unwrap());
        decoder.finish().unwrap();
        std::iter::from_fn(|| decoder.pop()).map(|frame| (frame.event, frame.data)).collect()
    }

    fn check(texts: &[String]) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        // Its heartbeat needs a clock.
        let _entered = runtime.enter();
        let frames: Vec<Frame> = (1..)
            .zip(texts)
            .map(|(seq, text)| {
                let told = serde_json::to_string(&Told::Token { text: text.clone() }).unwrap();
                Frame { seq, name: "token", data: told.into() }
            })
            .collect();
        let response = of_run(futures::stream::iter(frames.clone()));
        let bytes = runtime.block_on(to_bytes(response.into_body(), usize::MAX)).unwrap();
        assert!(bytes.starts_with(b"retry: 1000\n\n"));
        let ours = as_we_read_it(&bytes);
        let others = runtime.block_on(as_others_read_it(&bytes));
        assert_eq!((ours.len(), others.len()), (frames.len(), frames.len()));
        for (((frame, text), ours), others) in frames.iter().zip(texts).zip(ours).zip(others) {
            let data = frame.data.to_string();
            assert_eq!(ours, ("token".to_owned(), data.clone()));
            assert_eq!(others, (frame.seq.to_string(), "token".to_owned(), data));
            let Told::Token { text: read } = serde_json::from_str(&frame.data).unwrap() else { panic!() };
            assert_eq!(read, *text);
        }
    }

    #[test]
    fn a_megabyte_in_one_event_is_read_back() {
        check(&["\r\n\0\u{feff}: 𝒳\u{2028}".repeat(45_000)]);
    }

    proptest! {
        #[test]
        fn whatever_is_written_is_read_back_by_every_parser(
            texts in prop::collection::vec("[\\PC\r\n\t\0\u{feff}\u{2028}\u{85}:]{0,60}", 0..40),
        ) {
            check(&texts);
        }
    }
}
