//! Reads a stream of server-sent events to its end, over as many connections as it takes. Knows
//! frames and positions, not what the events mean.

use std::collections::VecDeque;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures::TryStreamExt as _;
use futures::stream::BoxStream;
use reqwest::{Method, RequestBuilder, StatusCode, Url};

use super::connect::{Client, Refusal, refusal};

/// The server sends a comment every 15 s; a connection silent for longer than this is dead.
const SILENCE: Duration = Duration::from_secs(45);
/// Connections in a row that may bring nothing before the reader gives up.
const TRIES: u32 = 6;
/// The longest pause between two of them.
const LONGEST_PAUSE: Duration = Duration::from_secs(4);

/// One event as it came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) id: Option<String>,
    pub(crate) event: String,
    pub(crate) data: String,
}

impl Frame {
    fn is_terminal(&self) -> bool {
        matches!(self.event.as_str(), "done" | "error")
    }
}

/// A stream that ends with `done` or `error`.
pub(crate) struct Follow<'a> {
    client: &'a Client,
    first: RequestBuilder,
    resume: Option<Url>,
    last_id: Option<String>,
    body: Option<BoxStream<'static, reqwest::Result<Vec<u8>>>>,
    parser: Parser,
    failures: u32,
    ended: bool,
}

impl<'a> Follow<'a> {
    /// Will send `first`, which must be safe to send twice, until a resume address is known.
    pub(crate) fn new(client: &'a Client, first: RequestBuilder) -> Self {
        Self {
            client,
            first,
            resume: None,
            last_id: None,
            body: None,
            parser: Parser::default(),
            failures: 0,
            ended: false,
        }
    }

    /// Where the stream can be read on from a position.
    pub(crate) fn resume_at(&mut self, url: Url) {
        self.resume = Some(url);
    }

    /// The next event; `None` once the stream has ended as it should. Safe to drop half-way.
    pub(crate) async fn next(&mut self) -> Result<Option<Frame>> {
        while !self.ended {
            if let Some(frame) = self.parser.frames.pop_front() {
                self.failures = 0;
                self.ended = frame.is_terminal();
                self.last_id = frame.id.clone().or(self.last_id.take());
                return Ok(Some(frame));
            }
            let Some(body) = &mut self.body else {
                self.open().await?;
                continue;
            };
            match tokio::time::timeout(SILENCE, body.try_next()).await {
                Ok(Ok(Some(bytes))) => self.parser.push(&bytes),
                Ok(Ok(None) | Err(_)) | Err(_) => {
                    self.body = None;
                    self.failures += 1;
                }
            }
        }
        Ok(None)
    }

    async fn open(&mut self) -> Result<()> {
        if self.failures >= TRIES {
            bail!("the connection to the server is lost");
        }
        if self.failures > 0 {
            let pause = self.parser.retry * 2_u32.pow(self.failures - 1);
            tokio::time::sleep(pause.min(LONGEST_PAUSE)).await;
        }
        let request = match &self.resume {
            Some(url) => self.client.request(Method::GET, url.clone()),
            None => self.first.try_clone().context("the request can't be sent again")?,
        };
        let mut request = request.header("accept", "text/event-stream");
        if let Some(id) = &self.last_id {
            request = request.header("last-event-id", id);
        }
        match request.send().await {
            Ok(answer) if answer.status().is_success() => {
                self.parser = Parser { retry: self.parser.retry, ..Parser::default() };
                self.body = Some(Box::pin(answer.bytes_stream().map_ok(Vec::from)));
            }
            Ok(answer) => {
                let refusal = refusal(answer).await;
                if !is_passing(&refusal) {
                    return Err(refusal.into());
                }
                self.failures += 1;
            }
            Err(error) if self.last_id.is_none() && self.failures == 0 && error.is_connect() => {
                return Err(error).context("can't reach the server");
            }
            Err(_) => self.failures += 1,
        }
        Ok(())
    }
}

fn is_passing(refusal: &Refusal) -> bool {
    matches!(refusal.status, StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE)
}

/// The line format of server-sent events, fed in pieces cut anywhere.
struct Parser {
    line: Vec<u8>,
    after_return: bool,
    id: Option<String>,
    event: String,
    data: Option<String>,
    retry: Duration,
    frames: VecDeque<Frame>,
}

impl Default for Parser {
    fn default() -> Self {
        Self {
            line: Vec::new(),
            after_return: false,
            id: None,
            event: String::new(),
            data: None,
            retry: Duration::from_millis(250),
            frames: VecDeque::new(),
        }
    }
}

impl Parser {
    fn push(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            let ends_pair = byte == b'\n' && self.after_return;
            self.after_return = byte == b'\r';
            match byte {
                _ if ends_pair => {}
                b'\n' | b'\r' => self.end_line(),
                _ => self.line.push(byte),
            }
        }
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        let line = String::from_utf8_lossy(&line);
        let line = line.trim_start_matches('\u{feff}');
        if line.is_empty() {
            return self.end_frame();
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => self.event = value.to_owned(),
            "id" if !value.contains('\0') => self.id = Some(value.to_owned()),
            "data" => match &mut self.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                None => self.data = Some(value.to_owned()),
            },
            "retry" => {
                if let Ok(milliseconds) = value.parse() {
                    self.retry =
                        Duration::from_millis(milliseconds).clamp(Duration::from_millis(10), LONGEST_PAUSE);
                }
            }
            // Comments, which have an empty field name, and fields yet to be invented.
            _ => {}
        }
    }

    fn end_frame(&mut self) {
        let event = std::mem::take(&mut self.event);
        if let Some(data) = self.data.take() {
            self.frames.push_back(Frame { id: self.id.clone(), event, data });
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(pieces: &[&[u8]]) -> Vec<Frame> {
        let mut parser = Parser::default();
        for piece in pieces {
            parser.push(piece);
        }
        parser.frames.into()
    }

    fn frame(id: &str, event: &str, data: &str) -> Frame {
        Frame { id: Some(id.into()), event: event.into(), data: data.into() }
    }

    const STREAM: &str = "retry: 50\n: hello\n\nid: 1\nevent: token\ndata: {\"text\":\"größer ›\"}\n\n\
                          id:2\r\nevent:token\r\ndata:one\r\ndata: two\r\n\r\nid: 3\revent: done\rdata: {}\r\r";

    #[test]
    fn every_kind_of_line_end_and_field_is_understood() {
        let expected = [
            frame("1", "token", "{\"text\":\"größer ›\"}"),
            frame("2", "token", "one\ntwo"),
            frame("3", "done", "{}"),
        ];
        assert_eq!(parse(&[STREAM.as_bytes()]), expected);
    }

    #[test]
    fn a_frame_cut_off_before_its_blank_line_is_not_an_event() {
        assert_eq!(parse(&[b"id: 1\nevent: token\ndata: half"]), []);
        assert_eq!(parse(&[b"id: 1\nevent: token\ndata: half\n"]), []);
    }

    proptest! {
        #[test]
        fn where_the_stream_is_cut_changes_nothing(mut cuts in prop::collection::vec(0..STREAM.len(), 0..8)) {
            cuts.sort_unstable();
            let mut pieces = Vec::new();
            let mut rest = 0;
            for cut in cuts {
                pieces.push(&STREAM.as_bytes()[rest..cut]);
                rest = cut;
            }
            pieces.push(&STREAM.as_bytes()[rest..]);
            prop_assert_eq!(parse(&pieces), parse(&[STREAM.as_bytes()]));
        }
    }
}
