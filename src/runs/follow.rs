//! A reader's place in a run, whether the run goes on or is over. It reads from memory what is there
//! and from the file what is not, a little at a time, and holds no file open in between.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::task::spawn_blocking;

use super::record::{News, Place};
use super::{Frame, Live, lock, whole_lines};

/// Bytes of the file that are read at a time; one event at least.
const BYTES_AT_ONCE: usize = 8 << 10;

pub(super) struct Reader {
    path: PathBuf,
    /// The position whose successor it wants first.
    after: u64,
    /// How far it has read.
    at: Place,
    /// From memory, what comes before `at`; from the file, what comes after it.
    events: std::vec::IntoIter<Frame>,
    lines: Lines,
    live: Option<Seat>,
}

/// Whole lines of a file, and how much of them was read.
#[derive(Default)]
struct Lines {
    text: String,
    num_read: usize,
}

/// A reader's seat at a live run.
struct Seat {
    live: Arc<Live>,
    reader: usize,
}

impl Reader {
    /// Reads from after position `after` what a file has and, if the run goes on, what it says.
    ///
    /// # Errors
    /// If the file of a run that is over can't be read; `NotFound` if there is no such run.
    pub(super) async fn begin(path: PathBuf, after: u64, live: Option<Arc<Live>>) -> io::Result<Self> {
        let live = live.map(|live| Seat::new(live, after));
        let (at, events, lines) = (Place::START, Vec::new().into_iter(), Lines::default());
        let mut reader = Self { path, after, at, events, lines, live };
        if reader.live.is_none() {
            reader.read_file(u64::MAX).await?;
        }
        Ok(reader)
    }

    /// None at the end, or at the end of what is whole if the run was cut short.
    ///
    /// # Errors
    /// If the file can't be read.
    pub(super) async fn next(&mut self) -> io::Result<Option<Frame>> {
        loop {
            if let Some(frame) = self.events.next().or_else(|| self.next_line()) {
                return Ok(Some(frame));
            }
            let until = match &self.live {
                None => u64::MAX,
                Some(Seat { live, reader }) => {
                    // From here on it hears of all that is new.
                    let news = live.news.notified();
                    let next = self.at.seq.max(self.after.saturating_add(1));
                    let found = lock(&live.record).take(*reader, next);
                    match found {
                        News::Events(frames, end) => {
                            self.events = frames.into_iter();
                            self.at = end;
                            continue;
                        }
                        News::InFile(kept) => kept.seq,
                        News::NotYet => {
                            news.await;
                            continue;
                        }
                        News::End => return Ok(None),
                    }
                }
            };
            if !self.read_file(until).await? {
                return Ok(None);
            }
        }
    }

    /// The next event of what was read from the file that the reader wants.
    fn next_line(&mut self) -> Option<Frame> {
        loop {
            let rest = &self.lines.text[self.lines.num_read..];
            let (event, line) = whole_lines(rest).next()?;
            let seq = self.at.seq;
            self.lines.num_read += line.len() + 1;
            self.at = self.at.after(line);
            if seq > self.after {
                return Some(Frame::stored(seq, &event, line));
            }
        }
    }

    /// Takes more from the file, of what comes before position `until`. False if there is no more.
    async fn read_file(&mut self, until: u64) -> io::Result<bool> {
        let (path, at) = (self.path.clone(), self.at);
        let text = spawn_blocking(move || read(&path, at, until)).await??;
        self.lines = Lines { text, num_read: 0 };
        Ok(whole_lines(&self.lines.text).next().is_some())
    }
}

/// The whole lines of a file from a place on, up to position `until` and as many as are read at a time.
fn read(path: &Path, from: Place, until: u64) -> io::Result<String> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(from.byte))?;
    let mut lines = BufReader::new(file);
    let mut text = String::with_capacity(BYTES_AT_ONCE);
    for _ in from.seq..until {
        let len = text.len();
        if len >= BYTES_AT_ONCE {
            break;
        }
        lines.read_line(&mut text)?;
        if !text.ends_with('\n') {
            text.truncate(len);
        }
        if text.len() == len {
            break;
        }
    }
    Ok(text)
}

impl Seat {
    fn new(live: Arc<Live>, after: u64) -> Self {
        live.audience.enter();
        let reader = lock(&live.record).enter(after);
        Self { live, reader }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        lock(&self.live.record).leave(self.reader);
        self.live.audience.leave();
    }
}
