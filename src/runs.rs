//! Runs: answers being made, and the record of those that are finished. An answer is an append-only
//! list of events: live in memory for any number of readers, and in a file of one event a line, so
//! that a reader can come back to any position after any interruption, the death of the process
//! included. A run knows nothing of models or of HTTP.

mod audience;
mod journal;

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::Stream;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::event::{Event, PlanChange};
use audience::Audience;
use journal::{Journal, RunFile};

/// Names an answer: the session and the assistant message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RunKey {
    /// The session.
    pub session: Uuid,
    /// The message that is being written.
    pub message: Uuid,
}

/// One event of a run at its position.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Position in the run, from 1 without gaps.
    pub seq: u64,
    /// The event's name.
    pub name: &'static str,
    /// The event as one line of JSON.
    pub data: Arc<str>,
}

impl Frame {
    fn new(seq: u64, event: &Event) -> Self {
        Self { seq, name: event.name(), data: encode(event) }
    }

    fn stored(seq: u64, event: &Event, line: &str) -> Self {
        Self { seq, name: event.name(), data: line.into() }
    }

    /// The event itself, for readers that word it in another way.
    #[must_use]
    pub fn event(&self) -> Event {
        serde_json::from_str(&self.data)
            .unwrap_or_else(|error| unreachable!("it was made from an event: {error}"))
    }
}

fn encode(event: &Event) -> Arc<str> {
    let data = serde_json::to_string(event)
        .unwrap_or_else(|error| unreachable!("events are plain data and always encode: {error}"));
    data.into()
}

/// The whole events of a run's file, each with its line as it was written. A line cut short by a
/// crash is the last one and was never seen.
fn whole_lines(text: &str) -> impl Iterator<Item = (Event, &str)> {
    let lines = text.split_inclusive('\n').map_while(|line| line.strip_suffix('\n'));
    lines.map_while(|line| Some((serde_json::from_str(line).ok()?, line)))
}

/// The same as readers get them.
fn frames_of(text: &str) -> impl Iterator<Item = Frame> {
    (1..).zip(whole_lines(text)).map(|(seq, (event, line))| Frame::stored(seq, &event, line))
}

/// All runs of this data folder.
pub struct Runs {
    folder: PathBuf,
    journal: Journal,
    live: Mutex<HashMap<Uuid, Arc<Live>>>,
}

struct Live {
    frames: Mutex<Vec<Frame>>,
    /// How many frames there are, and whether there will be more.
    progress: watch::Sender<Progress>,
    cancel: CancellationToken,
    audience: Audience,
    steer: mpsc::UnboundedSender<Steering>,
}

/// A reader's change to the plan of a run, on its way to it.
pub struct Steering {
    /// The change.
    pub change: PlanChange,
    /// Told once the change is durable; dropped if it is not taken up any more.
    pub taken: oneshot::Sender<()>,
}

#[derive(Clone, Copy, Default)]
struct Progress {
    len: usize,
    closed: bool,
}

impl Runs {
    /// Opens the folder of answers, creating it when absent.
    ///
    /// # Errors
    /// If the folder can't be created or the journal's thread can't be started.
    pub fn open(folder: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        Ok(Self { folder: folder.to_owned(), journal: Journal::start()?, live: Mutex::default() })
    }

    /// Begins a run. Its one writer is the returned recorder; when that is dropped, readers end.
    ///
    /// # Errors
    /// If the run's file can't be created.
    pub async fn begin(self: &Arc<Self>, key: RunKey) -> io::Result<Recorder> {
        self.record(key, Vec::new(), 0).await
    }

    /// Begins a run of which no trace is left on disk, now or after a crash. It can be read while
    /// it lasts.
    #[must_use]
    pub fn begin_unkept(self: &Arc<Self>, key: RunKey) -> Recorder {
        let (live, steering) = Live::new(Vec::new());
        self.enter(key, live, steering, None)
    }

    /// Takes up a run that a stopped server left unfinished. The recorder appends after the last
    /// whole event.
    ///
    /// # Errors
    /// If the run's file can't be read or written.
    pub async fn take_up(self: &Arc<Self>, key: RunKey) -> io::Result<(Recorder, Vec<Event>)> {
        let text = tokio::fs::read_to_string(self.path(key)).await?;
        let events = whole_lines(&text).map(|(event, _)| event).collect();
        let len = whole_lines(&text).map(|(_, line)| line.len() as u64 + 1).sum();
        Ok((self.record(key, frames_of(&text).collect(), len).await?, events))
    }

    /// A run whose file begins with `len` bytes, which are these events.
    async fn record(self: &Arc<Self>, key: RunKey, frames: Vec<Frame>, len: u64) -> io::Result<Recorder> {
        let path = self.path(key);
        let (live, steering) = Live::new(frames);
        let of_file = Arc::clone(&live);
        let file = tokio::task::spawn_blocking(move || RunFile::open(&path, len, of_file)).await??;
        Ok(self.enter(key, live, steering, Some(file)))
    }

    fn enter(
        self: &Arc<Self>,
        key: RunKey,
        live: Arc<Live>,
        steering: mpsc::UnboundedReceiver<Steering>,
        file: Option<RunFile>,
    ) -> Recorder {
        lock(&self.live).insert(key.message, Arc::clone(&live));
        let num_appended = lock(&live.frames).len() as u64;
        Recorder {
            runs: Arc::clone(self),
            key,
            live,
            file: file.map(Arc::new),
            num_appended: Mutex::new(num_appended),
            steering: Mutex::new(Some(steering)),
        }
    }

    /// Reads a run from after position `after`: what there is, then what comes, until its end.
    /// Any number of readers can do this, and none of them slows the run.
    ///
    /// # Errors
    /// If the run's file can't be read; `NotFound` if there is no such run.
    pub async fn read(
        &self,
        key: RunKey,
        after: u64,
    ) -> io::Result<impl Stream<Item = Frame> + Send + use<>> {
        let live = lock(&self.live).get(&key.message).cloned();
        let (past, live) = match live {
            Some(live) => (None, Some(live)),
            None => {
                let file = tokio::fs::File::open(self.path(key)).await?;
                (Some(StoredRun { lines: BufReader::new(file), seq: 0, after }), None)
            }
        };
        let past = futures::stream::unfold(past, async |past| {
            let mut past = past?;
            let frame = past.next().await?;
            Some((frame, Some(past)))
        });
        Ok(futures::StreamExt::chain(past, follow(live, after)))
    }

    /// The whole events recorded so far, oldest first.
    ///
    /// # Errors
    /// If the run's file can't be read; `NotFound` if there is no such run.
    pub async fn events(&self, key: RunKey) -> io::Result<Vec<Event>> {
        let live = lock(&self.live).get(&key.message).cloned();
        let text = match live {
            Some(live) => lock(&live.frames).iter().map(|frame| format!("{}\n", frame.data)).collect(),
            None => tokio::fs::read_to_string(self.path(key)).await?,
        };
        Ok(whole_lines(&text).map(|(event, _)| event).collect())
    }

    /// Asks a run to stop. False if it is not running.
    pub fn cancel(&self, message: Uuid) -> bool {
        let live = lock(&self.live).get(&message).cloned();
        live.is_some_and(|live| {
            live.cancel.cancel();
            true
        })
    }

    /// Hands a change of plan to a run and waits until it is durable. False if the run is over, or
    /// past the point where its plan can change.
    pub async fn steer(&self, message: Uuid, change: PlanChange) -> bool {
        let live = lock(&self.live).get(&message).cloned();
        let Some(live) = live else { return false };
        let (taken, outcome) = oneshot::channel();
        live.steer.send(Steering { change, taken }).is_ok() && {
            // Held any longer it would keep the channel open past the run's end.
            drop(live);
            outcome.await.is_ok()
        }
    }

    /// Counts a look at an unfinished answer as reading it.
    pub fn glance(&self, message: Uuid) {
        if let Some(live) = lock(&self.live).get(&message) {
            live.audience.glance();
        }
    }

    /// Whether an answer is being made.
    #[must_use]
    pub fn is_live(&self, message: Uuid) -> bool {
        lock(&self.live).contains_key(&message)
    }

    /// Asks every run to stop.
    pub fn cancel_all(&self) {
        for live in lock(&self.live).values() {
            live.cancel.cancel();
        }
    }

    /// Number of answers being made.
    #[must_use]
    pub fn num_live(&self) -> usize {
        lock(&self.live).len()
    }

    /// Removes the record of every answer of a session.
    ///
    /// # Errors
    /// If the files can't be removed.
    pub async fn forget_session(&self, session: Uuid) -> io::Result<()> {
        match tokio::fs::remove_dir_all(self.folder.join(session.to_string())).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn path(&self, key: RunKey) -> PathBuf {
        self.folder.join(key.session.to_string()).join(format!("{}.jsonl", key.message))
    }
}

/// The one writer of a run.
pub struct Recorder {
    runs: Arc<Runs>,
    key: RunKey,
    live: Arc<Live>,
    /// None if no trace is to be left.
    file: Option<Arc<RunFile>>,
    num_appended: Mutex<u64>,
    steering: Mutex<Option<mpsc::UnboundedReceiver<Steering>>>,
}

impl Recorder {
    /// Reads the run that is being written, from its beginning.
    pub fn read(&self) -> impl Stream<Item = Frame> + Send + use<> {
        follow(Some(Arc::clone(&self.live)), 0)
    }

    /// Hands an event to the file and then to every reader. Never waits.
    pub fn append(&self, event: &Event) {
        let mut num_appended = lock(&self.num_appended);
        *num_appended += 1;
        let frame = Frame::new(*num_appended, event);
        // Sent while the number is held, so that the order in the file is that of the numbers.
        match &self.file {
            Some(file) => self.runs.journal.append(file, frame),
            None => self.live.show(vec![frame]),
        }
    }

    /// Puts what was sent so far on disk, durably: work that is in the record is not done twice.
    ///
    /// # Errors
    /// If the file could not be written or synced.
    pub async fn sync(&self) -> io::Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        self.runs.journal.sync(file).await
    }

    /// The changes of plan that readers ask for. There is one such list: the first call gets it.
    pub fn steering(&self) -> Option<mpsc::UnboundedReceiver<Steering>> {
        lock(&self.steering).take()
    }

    /// Puts the last event on disk, durably, before any reader sees it. If that fails for want of
    /// room, [`Recorder::sync`] tries again.
    ///
    /// # Errors
    /// If the file could not be written or synced.
    pub async fn seal(&self, last: &Event) -> io::Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        self.runs.journal.seal(file, encode(last));
        self.sync().await
    }

    /// Sends the last event to every reader and ends the run.
    pub fn close(self, last: &Event) {
        let seq = *lock(&self.num_appended) + 1;
        self.live.show(vec![Frame::new(seq, last)]);
    }

    /// Ends a run that never became one, and removes its file.
    ///
    /// # Errors
    /// If the file can't be removed.
    pub async fn discard(self) -> io::Result<()> {
        tokio::fs::remove_file(self.runs.path(self.key)).await
    }

    /// Resolves when someone asks the run to stop.
    #[must_use]
    pub fn cancelled(&self) -> CancellationToken {
        self.live.cancel.clone()
    }

    /// Resolves once nobody has read the run for this long.
    pub async fn unread(&self, grace: Duration) {
        self.live.audience.gone(grace).await;
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        lock(&self.runs.live).remove(&self.key.message);
        match &self.file {
            Some(file) => self.runs.journal.close(file),
            None => self.live.close(),
        }
    }
}

impl Live {
    /// A run that begins with these events, and the receiving end for changes of its plan.
    fn new(frames: Vec<Frame>) -> (Arc<Self>, mpsc::UnboundedReceiver<Steering>) {
        let (steer, steering) = mpsc::unbounded_channel();
        let progress = watch::Sender::new(Progress { len: frames.len(), closed: false });
        let (frames, cancel) = (Mutex::new(frames), CancellationToken::new());
        let live = Self { frames, progress, cancel, audience: Audience::new(), steer };
        (Arc::new(live), steering)
    }

    /// Lets readers see more of the run.
    fn show(&self, more: Vec<Frame>) {
        if more.is_empty() {
            return;
        }
        let mut frames = lock(&self.frames);
        frames.extend(more);
        let len = frames.len();
        drop(frames);
        self.progress.send_modify(|progress| progress.len = len);
    }

    /// Tells readers that this was all.
    fn close(&self) {
        self.progress.send_modify(|progress| progress.closed = true);
    }
}

/// A reader's place in a run that is over: one line at a time, however long the answer.
struct StoredRun {
    lines: BufReader<tokio::fs::File>,
    seq: u64,
    after: u64,
}

impl StoredRun {
    /// None at the end of what is whole.
    async fn next(&mut self) -> Option<Frame> {
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
fn follow(live: Option<Arc<Live>>, after: u64) -> impl Stream<Item = Frame> + Send + use<> {
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

/// Locks for a moment; the data stays usable if a holder panicked.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use futures::StreamExt;

    use super::*;

    fn token(text: &str) -> Event {
        Event::Token { text: text.to_owned() }
    }

    fn key() -> RunKey {
        RunKey { session: Uuid::now_v7(), message: Uuid::now_v7() }
    }

    fn texts(frames: &[Frame]) -> Vec<(u64, String)> {
        frames.iter().map(|frame| (frame.seq, frame.data.to_string())).collect()
    }

    #[tokio::test]
    async fn a_reader_that_returns_at_any_position_misses_and_repeats_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let runs = Arc::new(Runs::open(folder.path()).unwrap());
        let key = key();
        let recorder = runs.begin(key).await.unwrap();
        for number in 0..20 {
            recorder.append(&token(&number.to_string()));
        }
        let early: Vec<_> = runs.read(key, 5).await.unwrap().take(3).collect().await;
        assert_eq!(early.iter().map(|frame| frame.seq).collect::<Vec<_>>(), [6, 7, 8]);

        let live = tokio::spawn(runs.read(key, 0).await.unwrap().collect::<Vec<_>>());
        let last = token("last");
        recorder.seal(&last).await.unwrap();
        recorder.close(&last);
        let live = live.await.unwrap();
        assert_eq!(live.len(), 21);
        for after in 0..=21 {
            let stored: Vec<_> = runs.read(key, after).await.unwrap().collect().await;
            assert_eq!(texts(&stored), texts(&live[usize::try_from(after).unwrap()..]));
        }
    }

    #[tokio::test]
    async fn a_run_cut_short_is_taken_up_after_its_last_whole_event() {
        let folder = tempfile::tempdir().unwrap();
        let runs = Arc::new(Runs::open(folder.path()).unwrap());
        let key = key();
        let path = runs.path(key);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let whole = serde_json::to_string(&token("kept")).unwrap();
        std::fs::write(&path, format!("{whole}\n{{\"type\":\"tok")).unwrap();

        let (recorder, events) = runs.take_up(key).await.unwrap();
        assert_eq!(events.len(), 1);
        recorder.append(&token("more"));
        let last = token("last");
        recorder.seal(&last).await.unwrap();
        recorder.close(&last);
        assert_eq!(runs.events(key).await.unwrap().len(), 3);
    }

    #[tokio::test]
    async fn a_run_that_is_not_kept_is_read_to_its_end_and_leaves_no_trace() {
        let folder = tempfile::tempdir().unwrap();
        let runs = Arc::new(Runs::open(folder.path()).unwrap());
        let key = key();
        let recorder = runs.begin_unkept(key);
        let reader = recorder.read();
        recorder.append(&token("first"));
        recorder.sync().await.unwrap();
        let last = token("last");
        recorder.seal(&last).await.unwrap();
        recorder.close(&last);
        assert_eq!(reader.collect::<Vec<_>>().await.len(), 2);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(runs.read(key, 0).await.is_err());
    }

    #[tokio::test]
    async fn readers_end_when_the_recorder_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let runs = Arc::new(Runs::open(folder.path()).unwrap());
        let key = key();
        let recorder = runs.begin(key).await.unwrap();
        let reader = tokio::spawn(runs.read(key, 0).await.unwrap().collect::<Vec<_>>());
        recorder.append(&token("only"));
        drop(recorder);
        assert_eq!(reader.await.unwrap().len(), 1);
        assert!(!runs.cancel(key.message));
    }
}
