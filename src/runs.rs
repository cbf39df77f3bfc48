//! Runs: answers being made, and the record of those that are finished. An answer is an append-only
//! list of events in a file of one event a line, so that a reader can come back to any position after
//! any interruption, the death of the process included; what is new is in memory until its readers
//! have it. A run knows nothing of models or of HTTP.

mod audience;
mod follow;
mod journal;
mod record;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::{Stream, stream};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::event::{Event, PlanChange};
use audience::Audience;
use follow::Reader;
use journal::{Journal, RunFile};
use record::{Place, Record};

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

/// All runs of this data folder.
pub struct Runs {
    folder: PathBuf,
    journal: Journal,
    live: Mutex<HashMap<Uuid, Arc<Live>>>,
}

struct Live {
    record: Mutex<Record>,
    /// Told when there is more in the record, or will be no more.
    news: Notify,
    cancel: CancellationToken,
    audience: Audience,
    /// None if the run has no plan that could change.
    steer: Option<mpsc::UnboundedSender<Box<Steering>>>,
}

/// A reader's change to the plan of a run, on its way to it.
pub struct Steering {
    /// The change.
    pub change: PlanChange,
    /// Told once the change is durable; dropped if it is not taken up any more.
    pub taken: oneshot::Sender<()>,
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

    /// Begins a run, with or without a plan that readers may change. Its one writer is the returned
    /// recorder; when that is dropped, readers end. Whether its file could be created is told by the first
    /// [`Recorder::sync`].
    #[must_use]
    pub fn begin(self: &Arc<Self>, key: RunKey, has_plan: bool) -> Recorder {
        self.record(key, Place::START, has_plan)
    }

    /// Begins a run of which no trace is left on disk, now or after a crash, and gives its events to
    /// the one reader it has.
    pub fn begin_unkept(
        self: &Arc<Self>,
        key: RunKey,
    ) -> (Recorder, impl Stream<Item = Event> + Send + Unpin + use<>) {
        let live = Arc::new(Live::new(Place::START, None));
        // Whoever else reads it finds nothing, and does not wait for it.
        live.close();
        let (reader, mut events) = mpsc::unbounded_channel();
        let recorder = self.enter(key, live, None, Sink::Reader(reader));
        (recorder, stream::poll_fn(move |cx| events.poll_recv(cx).map(|event| event.map(|event| *event))))
    }

    /// Takes up a run that a stopped server left unfinished. The recorder appends after the last
    /// whole event.
    ///
    /// # Errors
    /// If the run's file can't be read.
    pub async fn take_up(self: &Arc<Self>, key: RunKey) -> io::Result<(Recorder, Vec<Event>)> {
        let text = tokio::fs::read_to_string(self.path(key)).await?;
        let mut end = Place::START;
        let events = whole_lines(&text).map(|(event, line)| {
            end = end.after(line);
            event
        });
        let events = events.collect();
        Ok((self.record(key, end, true), events))
    }

    /// A run whose file has what begins before `end`.
    fn record(self: &Arc<Self>, key: RunKey, end: Place, has_plan: bool) -> Recorder {
        let (steer, steering) = has_plan.then(mpsc::unbounded_channel).unzip();
        let live = Arc::new(Live::new(end, steer));
        let file = Arc::new(RunFile::new(self.path(key), end.byte, Arc::clone(&live)));
        self.journal.open(&file);
        self.enter(key, live, steering, Sink::File(file))
    }

    fn enter(
        self: &Arc<Self>,
        key: RunKey,
        live: Arc<Live>,
        steering: Option<mpsc::UnboundedReceiver<Box<Steering>>>,
        sink: Sink,
    ) -> Recorder {
        lock(&self.live).insert(key.message, Arc::clone(&live));
        let num_appended = lock(&live.record).num_events();
        Recorder {
            runs: Arc::clone(self),
            key,
            live,
            sink,
            num_appended: Mutex::new(num_appended),
            steering: Mutex::new(steering),
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
        let reader = Reader::begin(self.path(key), after, live).await?;
        Ok(stream::unfold(reader, async |mut reader| {
            let frame = reader.next().await.ok()??;
            Some((frame, reader))
        }))
    }

    /// The whole events recorded so far, oldest first.
    ///
    /// # Errors
    /// If the run's file can't be read; `NotFound` if there is no such run.
    pub async fn events(&self, key: RunKey) -> io::Result<Vec<Event>> {
        let live = lock(&self.live).get(&key.message).cloned();
        let (kept, newest) = match live {
            Some(live) => lock(&live.record).kept(),
            None => (Place { seq: u64::MAX, byte: u64::MAX }, Vec::new()),
        };
        let text = match kept.byte {
            0 => String::new(),
            _ => tokio::fs::read_to_string(self.path(key)).await?,
        };
        let older = usize::try_from(kept.seq - 1).unwrap_or(usize::MAX);
        let older = whole_lines(&text).map(|(event, _)| event).take(older);
        Ok(older.chain(newest.iter().map(Frame::event)).collect())
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
        let steering = Box::new(Steering { change, taken });
        live.steer.as_ref().is_some_and(|steer| steer.send(steering).is_ok()) && {
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
    sink: Sink,
    num_appended: Mutex<u64>,
    steering: Mutex<Option<mpsc::UnboundedReceiver<Box<Steering>>>>,
}

/// Where the events of a run go. What is put into a channel is boxed: a channel takes the memory of many
/// at once.
enum Sink {
    /// Into its file, and then to any number of readers.
    File(Arc<RunFile>),
    /// To its one reader, and nowhere else.
    Reader(mpsc::UnboundedSender<Box<Event>>),
}

impl Recorder {
    /// Resolves once so few events wait to be written that more may. Whoever appends many asks.
    pub async fn has_room(&self) {
        if let Sink::File(file) = &self.sink {
            file.has_room().await;
        }
    }

    /// Hands an event to the file and then to every reader. Never waits.
    pub fn append(&self, event: &Event) {
        match &self.sink {
            Sink::File(file) => {
                let mut num_appended = lock(&self.num_appended);
                *num_appended += 1;
                // Sent while the number is held, so that the order in the file is that of the numbers.
                self.runs.journal.append(file, Frame::new(*num_appended, event));
            }
            Sink::Reader(reader) => tell(reader, event),
        }
    }

    /// Puts what was sent so far on disk, durably: work that is in the record is not done twice.
    ///
    /// # Errors
    /// If the file could not be written or synced.
    pub async fn sync(&self) -> io::Result<()> {
        let Sink::File(file) = &self.sink else { return Ok(()) };
        self.runs.journal.sync(file).await
    }

    /// The changes of plan that readers ask for, if the run has a plan: the first call gets them.
    pub fn steering(&self) -> Option<mpsc::UnboundedReceiver<Box<Steering>>> {
        lock(&self.steering).take()
    }

    /// Puts the last event on disk, durably, before any reader sees it. If that fails for want of
    /// room, [`Recorder::sync`] tries again.
    ///
    /// # Errors
    /// If the file could not be written or synced.
    pub async fn seal(&self, last: &Event) -> io::Result<()> {
        let Sink::File(file) = &self.sink else { return Ok(()) };
        self.runs.journal.seal(file, &encode(last));
        self.sync().await
    }

    /// Sends the last event to every reader and ends the run.
    pub fn close(self, last: &Event) {
        match &self.sink {
            Sink::File(_) => {
                let seq = *lock(&self.num_appended) + 1;
                // What the file has at this place is not looked at any more.
                self.live.show(vec![Frame::new(seq, last)], false);
            }
            Sink::Reader(reader) => tell(reader, last),
        }
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
        match &self.sink {
            Sink::File(_) => self.live.audience.gone(grace).await,
            Sink::Reader(reader) => reader.closed().await,
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        lock(&self.runs.live).remove(&self.key.message);
        if let Sink::File(file) = &self.sink {
            self.runs.journal.close(file);
        }
    }
}

impl Live {
    /// A run whose file has what begins before `end`, and that takes changes of its plan if it has one.
    fn new(end: Place, steer: Option<mpsc::UnboundedSender<Box<Steering>>>) -> Self {
        let record = Mutex::new(Record::new(end));
        let (news, cancel, audience) = (Notify::new(), CancellationToken::new(), Audience::new());
        Self { record, news, cancel, audience, steer }
    }

    /// Lets readers see more of the run; `is_written` tells whether these events and all before them are
    /// in the file.
    fn show(&self, more: Vec<Frame>, is_written: bool) {
        if more.is_empty() {
            return;
        }
        lock(&self.record).show(more, is_written);
        self.news.notify_waiters();
    }

    /// Tells readers that this was all.
    fn close(&self) {
        lock(&self.record).close();
        self.news.notify_waiters();
    }
}

/// Tells the one reader of a run. One that is gone has stopped it.
fn tell(reader: &mpsc::UnboundedSender<Box<Event>>, event: &Event) {
    let _ = reader.send(Box::new(event.clone()));
}

/// Locks for a moment; the data stays usable if a holder panicked.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
