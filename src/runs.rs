//! Runs: answers being made, and the record of those that are finished. An answer is an append-only
//! list of events: live in memory for any number of readers, and in a file of one event a line, so
//! that a reader can come back to any position after any interruption, the death of the process
//! included. A run knows nothing of models or of HTTP.

mod audience;
mod follow;
mod journal;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::Stream;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::event::{Event, PlanChange};
use audience::Audience;
use follow::{StoredRun, follow};
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
    /// Whether any number of readers can have it from its beginning; otherwise the only one takes it
    /// away with them.
    is_kept: bool,
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
    /// Whether its file could be created is told by the first [`Recorder::sync`].
    #[must_use]
    pub fn begin(self: &Arc<Self>, key: RunKey) -> Recorder {
        self.record(key, Vec::new(), 0)
    }

    /// Begins a run of which no trace is left on disk, now or after a crash, nor in memory once it is
    /// read: it has one reader.
    #[must_use]
    pub fn begin_unkept(self: &Arc<Self>, key: RunKey) -> Recorder {
        let (live, steering) = Live::new(Vec::new(), false);
        self.enter(key, live, steering, None)
    }

    /// Takes up a run that a stopped server left unfinished. The recorder appends after the last
    /// whole event.
    ///
    /// # Errors
    /// If the run's file can't be read.
    pub async fn take_up(self: &Arc<Self>, key: RunKey) -> io::Result<(Recorder, Vec<Event>)> {
        let text = tokio::fs::read_to_string(self.path(key)).await?;
        let events = whole_lines(&text).map(|(event, _)| event).collect();
        let len = whole_lines(&text).map(|(_, line)| line.len() as u64 + 1).sum();
        Ok((self.record(key, frames_of(&text).collect(), len), events))
    }

    /// A run whose file begins with `len` bytes, which are these events.
    fn record(self: &Arc<Self>, key: RunKey, frames: Vec<Frame>, len: u64) -> Recorder {
        let (live, steering) = Live::new(frames, true);
        let file = Arc::new(RunFile::new(self.path(key), len, Arc::clone(&live)));
        self.journal.open(&file);
        self.enter(key, live, steering, Some(file))
    }

    fn enter(
        self: &Arc<Self>,
        key: RunKey,
        live: Arc<Live>,
        steering: mpsc::UnboundedReceiver<Steering>,
        file: Option<Arc<RunFile>>,
    ) -> Recorder {
        lock(&self.live).insert(key.message, Arc::clone(&live));
        let num_appended = lock(&live.frames).len() as u64;
        Recorder {
            runs: Arc::clone(self),
            key,
            live,
            file,
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
        let live = self.kept(key);
        let (past, live) = match live {
            Some(live) => (None, Some(live)),
            None => {
                let file = tokio::fs::File::open(self.path(key)).await?;
                (Some(StoredRun::new(file, after)), None)
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
        let live = self.kept(key);
        let text = match live {
            Some(live) => lock(&live.frames).iter().map(|frame| format!("{}\n", frame.data)).collect(),
            None => tokio::fs::read_to_string(self.path(key)).await?,
        };
        Ok(whole_lines(&text).map(|(event, _)| event).collect())
    }

    /// A run that anybody may read, if it is being written.
    fn kept(&self, key: RunKey) -> Option<Arc<Live>> {
        lock(&self.live).get(&key.message).filter(|live| live.is_kept).cloned()
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

    /// Removes the record of an answer whose session is gone.
    ///
    /// # Errors
    /// If the file can't be removed.
    pub async fn forget(&self, key: RunKey) -> io::Result<()> {
        match tokio::fs::remove_file(self.path(key)).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
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

    /// Resolves once so few events wait to be written that more may. Whoever appends many asks.
    pub async fn has_room(&self) {
        if let Some(file) = &self.file {
            file.has_room().await;
        }
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
        self.runs.journal.seal(file, &encode(last));
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
        // Whatever is in line is written first, or it would come back.
        self.sync().await?;
        self.runs.forget(self.key).await
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
    fn new(frames: Vec<Frame>, is_kept: bool) -> (Arc<Self>, mpsc::UnboundedReceiver<Steering>) {
        let (steer, steering) = mpsc::unbounded_channel();
        let progress = watch::Sender::new(Progress { len: frames.len(), closed: false });
        let (frames, cancel) = (Mutex::new(frames), CancellationToken::new());
        let live = Self { is_kept, frames, progress, cancel, audience: Audience::new(), steer };
        (Arc::new(live), steering)
    }

    /// Lets readers see more of the run.
    fn show(&self, more: Vec<Frame>) {
        if more.is_empty() {
            return;
        }
        let num_more = more.len();
        lock(&self.frames).extend(more);
        self.progress.send_modify(|progress| progress.len += num_more);
    }

    /// Tells readers that this was all.
    fn close(&self) {
        self.progress.send_modify(|progress| progress.closed = true);
    }
}

/// Locks for a moment; the data stays usable if a holder panicked.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
