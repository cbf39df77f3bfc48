//! What is in memory of a live run: the events that some reader was not given yet, and of those the
//! newest. All others are in the run's file alone, so that an answer costs no more memory the longer it
//! grows or the more its sources say. What could not be written stays.

use std::collections::VecDeque;

use super::Frame;

/// Most bytes of events that wait in memory for readers who are slower than the run. They read the rest
/// from the file.
pub(super) const MAX_KEPT: u64 = 64 << 10;
/// Events that a reader takes at a time.
const AT_ONCE: usize = 256;
/// Room for events that is kept when there are none.
const SPARE: usize = 16;

/// A place in a run's file, which has one event a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The position of the event that begins here, from 1.
    pub(super) seq: u64,
    /// Bytes before it.
    pub(super) byte: u64,
}

impl Place {
    pub(super) const START: Self = Self { seq: 1, byte: 0 };

    /// Where the next line begins.
    pub(super) fn after(self, line: &str) -> Self {
        Self { seq: self.seq + 1, byte: self.byte + line.len() as u64 + 1 }
    }
}

pub(super) struct Record {
    /// The newest events.
    frames: VecDeque<Frame>,
    /// Where the first of them begins.
    first: Place,
    /// Where the next one will.
    end: Place,
    /// The next event of each reader; none where a reader has left.
    readers: Vec<Option<u64>>,
    /// Whether all that was shown is in the file.
    is_written: bool,
    is_closed: bool,
}

/// What a reader finds.
pub(super) enum News {
    /// Events, and where the one after them begins.
    Events(Vec<Frame>, Place),
    /// Its next event is in the file, as are all that begin before this place.
    InFile(Place),
    /// Nothing yet.
    NotYet,
    /// The run is over.
    End,
}

impl Record {
    /// A run whose file has what begins before `end`.
    pub(super) fn new(end: Place) -> Self {
        let (frames, readers) = Default::default();
        Self { frames, first: end, end, readers, is_written: true, is_closed: false }
    }

    /// Adds events; `is_written` tells whether these and all before them are in the file.
    pub(super) fn show(&mut self, more: Vec<Frame>, is_written: bool) {
        for frame in more {
            self.end = self.end.after(&frame.data);
            self.frames.push_back(frame);
        }
        self.is_written = is_written;
        self.drop_read();
    }

    /// Events that were shown so far, those that are in the file alone among them.
    pub(super) fn num_events(&self) -> u64 {
        self.end.seq - 1
    }

    pub(super) fn close(&mut self) {
        self.is_closed = true;
    }

    /// A reader who has all up to position `after`. What is returned names it.
    pub(super) fn enter(&mut self, after: u64) -> usize {
        let next = Some(after.saturating_add(1));
        if let Some(free) = self.readers.iter().position(Option::is_none) {
            self.readers[free] = next;
            return free;
        }
        self.readers.push(next);
        self.readers.len() - 1
    }

    pub(super) fn leave(&mut self, reader: usize) {
        self.readers[reader] = None;
        self.drop_read();
    }

    /// What there is for a reader from position `next` on.
    pub(super) fn take(&mut self, reader: usize, next: u64) -> News {
        let Some(taken) = next.checked_sub(self.first.seq) else { return News::InFile(self.first) };
        let taken = usize::try_from(taken).unwrap_or(usize::MAX);
        let frames: Vec<Frame> = self.frames.iter().skip(taken).take(AT_ONCE).cloned().collect();
        if frames.is_empty() {
            return if self.is_closed { News::End } else { News::NotYet };
        }
        let given = self.frames.iter().take(taken + frames.len());
        let end = given.fold(self.first, |place, frame| place.after(&frame.data));
        self.readers[reader] = Some(end.seq);
        self.drop_read();
        News::Events(frames, end)
    }

    /// Where what is in memory begins, and what it is.
    pub(super) fn kept(&self) -> (Place, Vec<Frame>) {
        (self.first, self.frames.iter().cloned().collect())
    }

    /// Drops what every reader has, and what is too much; but nothing that is not in the file.
    fn drop_read(&mut self) {
        if !self.is_written {
            return;
        }
        let slowest = self.readers.iter().flatten().min().copied().unwrap_or_default();
        while let Some(frame) = self.frames.front() {
            if self.first.seq >= slowest && self.end.byte - self.first.byte <= MAX_KEPT {
                break;
            }
            self.first = self.first.after(&frame.data);
            self.frames.pop_front();
        }
        if self.frames.is_empty() && self.frames.capacity() > SPARE {
            self.frames = VecDeque::new();
        }
    }
}
