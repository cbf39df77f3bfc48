//! A reader's place in a run, whether the run goes on or is over.

use std::sync::Arc;

use futures::Stream;
use tokio::fs::File;
use tokio::io::{AsyncBufReadExt, BufReader};

use super::{Frame, Live, lock, whole_lines};

/// A reader's place in a run that is over: one line at a time, however long the answer.
pub(super) struct StoredRun {
    lines: BufReader<File>,
    seq: u64,
    after: u64,
}

impl StoredRun {
    pub(super) fn new(file: File, after: u64) -> Self {
        Self { lines: BufReader::new(file), seq: 0, after }
    }

    /// None at the end of what is whole.
    pub(super) async fn next(&mut self) -> Option<Frame> {
        let mut text = String::new();
        loop {
            text.clear();
            self.lines.read_line(&mut text).await.ok()?;
            let (event, line) = whole_lines(&text).next()?;
            self.seq += 1;
            if self.seq > self.after {
                return Some(Frame::stored(self.seq, &event, line));
            }
        }
    }
}

/// Events a reader takes from a live run at a time.
const AT_ONCE: usize = 256;

/// What a live run says from after a position on, until its end; nothing if there is none.
pub(super) fn follow(live: Option<Arc<Live>>, after: u64) -> impl Stream<Item = Frame> + Send + use<> {
    let follower = live.map(|live| Follower::new(live, after));
    futures::stream::unfold(follower, async |follower| {
        let mut follower = follower?;
        let frame = follower.next().await?;
        Some((frame, Some(follower)))
    })
}

/// A reader's place in a live run. What it holds is shared with all readers; only the place is its own.
struct Follower {
    live: Arc<Live>,
    next: usize,
    batch: std::vec::IntoIter<Frame>,
}

impl Follower {
    fn new(live: Arc<Live>, after: u64) -> Self {
        live.audience.enter();
        let next = usize::try_from(after).unwrap_or(usize::MAX);
        Self { live, next, batch: Vec::new().into_iter() }
    }

    async fn next(&mut self) -> Option<Frame> {
        loop {
            if let Some(frame) = self.batch.next() {
                return Some(frame);
            }
            // From here on it hears of all that is new.
            let news = self.live.news.notified();
            let is_closed = {
                let record = lock(&self.live.record);
                let new = record.frames.iter().skip(self.next).take(AT_ONCE);
                self.batch = new.cloned().collect::<Vec<_>>().into_iter();
                record.is_closed
            };
            self.next += self.batch.len();
            match self.batch.next() {
                Some(frame) => return Some(frame),
                None if is_closed => return None,
                None => news.await,
            }
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.live.audience.leave();
    }
}
