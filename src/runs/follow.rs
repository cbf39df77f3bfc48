//! A reader's place in a run, whether the run goes on or is over.

use std::sync::Arc;

use futures::Stream;
use tokio::fs::File;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::sync::watch;

use super::{Frame, Live, Progress, lock, whole_lines};

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
    progress: watch::Receiver<Progress>,
    next: usize,
    batch: std::vec::IntoIter<Frame>,
}

impl Follower {
    fn new(live: Arc<Live>, after: u64) -> Self {
        live.audience.enter();
        let progress = live.progress.subscribe();
        let next = usize::try_from(after).unwrap_or(usize::MAX);
        Self { live, progress, next, batch: Vec::new().into_iter() }
    }

    async fn next(&mut self) -> Option<Frame> {
        loop {
            if let Some(frame) = self.batch.next() {
                return Some(frame);
            }
            let progress = *self.progress.borrow_and_update();
            if progress.len > self.next {
                let until = progress.len.min(self.next + AT_ONCE);
                let new = lock(&self.live.frames)[self.next..until].to_vec();
                self.batch = new.into_iter();
                self.next += self.batch.len();
            } else if progress.closed || self.progress.changed().await.is_err() {
                return None;
            }
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.live.audience.leave();
    }
}
