//! The body of an answer, read only as fast as it is asked for: no task, no channel, and ahead no more
//! than what is here already, which is told as one piece, so that a model that is fast costs less a
//! word, not more. What a frame means is the business of a [`Dialect`], which does no I/O.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use reqwest::Response;
use reqwest::header::CONTENT_TYPE;
use serde_json::Value;
use tokio::task::yield_now;
use tokio::time::{Instant, timeout};

use super::http::innermost;
use super::sse::{Decoder, Frame};
use super::{Delta, DeltaStream, ProviderError};
use crate::event::{FinishReason, Usage};

/// The most that is read of an answer that comes as one JSON object.
const MAX_PLAIN_BYTES: usize = 8 * 1024 * 1024;
/// How long to wait for the usage once the answer is known to be complete.
const GRACE: Duration = Duration::from_secs(2);

/// A model is fast if its next words are here so soon after the last.
const FAST: Duration = Duration::from_millis(1);
/// How much is taken of the words of a fast model before they are told, in bytes of its stream.
const AT_ONCE_BYTES: usize = 16 << 10;

/// No answer has more tokens. A count beyond is a mistake of the server, and sums of it would be one of ours.
const MAX_TOKENS: u64 = 1 << 32;

/// A count of tokens as a server tells it, within reason.
pub(super) fn counted(tokens: u64) -> u64 {
    tokens.min(MAX_TOKENS)
}

/// What a vendor's frames mean.
pub(super) trait Dialect: Send + 'static {
    /// Reads a frame, and adds what it says to `out`.
    fn read(&mut self, frame: &Frame, out: &mut VecDeque<Delta>) -> Result<Progress, ProviderError>;

    /// Reads an answer that came as one JSON object, and adds what it says to `out`.
    fn read_plain(&mut self, body: &Value, out: &mut VecDeque<Delta>) -> Result<(), ProviderError>;

    /// Why the answer ended, if an end mark was seen, and what was counted until then.
    fn ending(&self) -> (Option<FinishReason>, Option<Usage>);
}

/// Adds text to what was said: to the text before it, if that came in the same read.
pub(super) fn say(text: String, out: &mut VecDeque<Delta>) {
    match out.back_mut() {
        _ if text.is_empty() => {}
        Some(Delta::Text(before)) => before.push_str(&text),
        _ => out.push_back(Delta::Text(text)),
    }
}

/// How far a stream has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Progress {
    /// The answer goes on.
    Going,
    /// The answer is complete, but its usage may follow.
    Marked,
    /// Nothing follows.
    Over,
}

/// Reads an accepted answer. A body that stops before the dialect saw its end mark is truncated,
/// and so is an answer in which nothing was written.
pub(super) fn read(response: Response, dialect: impl Dialect) -> DeltaStream {
    let reading = Reading {
        body: Some(Body::new(response)),
        dialect,
        out: VecDeque::new(),
        failure: None,
        progress: Progress::Going,
        wrote: false,
    };
    stream::unfold(reading, |mut reading| async move {
        let item = reading.next().await?;
        Some((item, reading))
    })
    .boxed()
}

struct Reading<D> {
    /// Gone as soon as nothing more is expected from it.
    body: Option<Body>,
    dialect: D,
    out: VecDeque<Delta>,
    /// Told once `out` is empty.
    failure: Option<ProviderError>,
    progress: Progress,
    wrote: bool,
}

impl<D: Dialect> Reading<D> {
    async fn next(&mut self) -> Option<Result<Delta, ProviderError>> {
        loop {
            if let Some(delta) = self.out.pop_front() {
                self.wrote |= matches!(delta, Delta::Text(_));
                return Some(Ok(delta));
            }
            if let Some(failure) = self.failure.take() {
                self.body = None;
                return Some(Err(failure));
            }
            let body = self.body.take()?;
            if let Err(failure) = self.advance(body).await {
                self.failure = Some(failure);
            }
        }
    }

    async fn advance(&mut self, mut body: Body) -> Result<(), ProviderError> {
        if body.is_plain {
            let plain = body.into_plain().await?;
            self.dialect.read_plain(&plain, &mut self.out)?;
            return self.end();
        }
        let frame = match self.progress {
            Progress::Going => body.frame(self.wrote).await?,
            // The answer is whole: whatever befalls the connection now takes nothing from it.
            Progress::Marked | Progress::Over => {
                timeout(GRACE, body.frame(self.wrote)).await.unwrap_or(Ok(None)).unwrap_or(None)
            }
        };
        let mut frame = match frame {
            Some(frame) => Some(frame),
            None => return self.end(),
        };
        while let Some(read) = frame {
            self.progress = self.progress.max(self.dialect.read(&read, &mut self.out)?);
            if self.progress == Progress::Over {
                return self.end();
            }
            frame = body.decoder.pop();
        }
        self.body = Some(body);
        Ok(())
    }

    fn end(&mut self) -> Result<(), ProviderError> {
        let (finish_reason, usage) = self.dialect.ending();
        let Some(finish_reason) = finish_reason else {
            return Err(ProviderError::Truncated("it has no end mark".to_owned()));
        };
        let writes = |delta: &Delta| matches!(delta, Delta::Text(_));
        if !self.wrote && !self.out.iter().any(writes) {
            return Err(match finish_reason {
                FinishReason::Length => ProviderError::Rejected(
                    "the model used up its output tokens before it wrote anything: allow it more".to_owned(),
                ),
                _ => ProviderError::Truncated("the model finished without writing anything".to_owned()),
            });
        }
        self.out.extend(usage.map(Delta::Usage));
        self.out.push_back(Delta::End(finish_reason));
        Ok(())
    }
}

struct Body {
    /// What comes, without the response's head: as long as that is held, what was read with it is too.
    pieces: BoxStream<'static, reqwest::Result<Bytes>>,
    /// Whether it is one JSON object although a stream was asked for.
    is_plain: bool,
    decoder: Decoder,
    /// Told once the frames before it are taken, so that the answer does not depend on how the
    /// network cut it.
    failure: Option<ProviderError>,
    over: bool,
    /// When something was last read.
    last_read: Instant,
}

impl Body {
    fn new(response: Response) -> Self {
        let media_type = response.headers().get(CONTENT_TYPE);
        Self {
            is_plain: media_type.is_some_and(|kind| kind.as_bytes().starts_with(b"application/json")),
            pieces: response.bytes_stream().boxed(),
            decoder: Decoder::default(),
            failure: None,
            over: false,
            last_read: Instant::now(),
        }
    }

    async fn into_plain(mut self) -> Result<Value, ProviderError> {
        let mut body = Vec::new();
        while let Some(piece) = self.pieces.try_next().await.map_err(|error| broken(&error))? {
            if body.len() + piece.len() > MAX_PLAIN_BYTES {
                return Err(ProviderError::Truncated("the answer is longer than 8 MiB".to_owned()));
            }
            body.extend_from_slice(&piece);
        }
        serde_json::from_slice(&body)
            .map_err(|_| ProviderError::Truncated("the answer is not JSON".to_owned()))
    }

    /// The next frame; `None` once the body is over. Once something was told, what follows may wait for more.
    async fn frame(&mut self, has_told: bool) -> Result<Option<Frame>, ProviderError> {
        loop {
            if let Some(frame) = self.decoder.pop() {
                return Ok(Some(frame));
            }
            if let Some(failure) = self.failure.take() {
                return Err(failure);
            }
            if self.over {
                return Ok(None);
            }
            self.failure = self.fill(has_told).await.err();
        }
    }

    /// Reads what has come. A model that writes faster than its words are told has more on its way:
    /// that is taken too, as far as it comes by itself while others have their turn. The first words
    /// wait for no others.
    async fn fill(&mut self, has_told: bool) -> Result<(), ProviderError> {
        let mut next = Some(self.pieces.try_next().await);
        let is_fast = has_told && self.last_read.elapsed() < FAST;
        let mut num_bytes = 0;
        while let Some(read) = next {
            let piece = read.map_err(|error| broken(&error))?;
            num_bytes += piece.as_ref().map_or(AT_ONCE_BYTES, Bytes::len);
            let taken = match piece {
                Some(piece) => self.decoder.push(&piece),
                None => {
                    self.over = true;
                    self.decoder.finish()
                }
            };
            taken.map_err(|problem| ProviderError::Truncated(problem.to_owned()))?;
            next = None;
            if is_fast && num_bytes < AT_ONCE_BYTES {
                yield_now().await;
                next = self.pieces.try_next().now_or_never();
            }
        }
        self.last_read = Instant::now();
        Ok(())
    }
}

fn broken(error: &reqwest::Error) -> ProviderError {
    ProviderError::Truncated(innermost(error))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Reads a body whole, byte by byte, and in pieces of seven; all have to say the same.
    pub(crate) fn read_in_pieces<D: Dialect>(bytes: &[u8], dialect: impl Fn() -> D) {
        let whole = read(bytes, bytes.len().max(1), dialect());
        assert_eq!(read(bytes, 1, dialect()), whole);
        assert_eq!(read(bytes, 7, dialect()), whole);
        if let Ok(plain) = serde_json::from_slice::<Value>(bytes) {
            let _ = dialect().read_plain(&plain, &mut VecDeque::new());
        }
    }

    /// What is told up to the end or the first failure, and how it ends.
    fn read(bytes: &[u8], size: usize, mut dialect: impl Dialect) -> String {
        let (mut decoder, mut out) = (Decoder::default(), VecDeque::new());
        let pieces = bytes.chunks(size).map(Some).chain([None]);
        for piece in pieces {
            let taken = match piece {
                Some(piece) => decoder.push(piece),
                None => decoder.finish(),
            };
            while let Some(frame) = decoder.pop() {
                match dialect.read(&frame, &mut out) {
                    Ok(Progress::Over) => return format!("{out:?} {:?}", dialect.ending()),
                    Ok(_) => {}
                    Err(error) => return format!("{out:?} {error:?}"),
                }
            }
            if let Err(problem) = taken {
                return format!("{out:?} {problem}");
            }
        }
        format!("{out:?} {:?}", dialect.ending())
    }
}
