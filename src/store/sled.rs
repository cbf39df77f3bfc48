//! The store on sled: the only file that names it.
//!
//! One thread applies every change, so checks and counters need no locks, and it commits in
//! groups: all changes waiting at a time share one flush. A flush alone does not survive a power
//! cut (sled syncs a file range, not the file), so each is followed by `fdatasync` of the file.

#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, mpsc};
use std::thread;
use std::time::Duration;

use serde::de::DeserializeOwned;
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;

use super::{Batch, Commit, Line, MAX_VALUE_BYTES, Record, StoreError};
use crate::space::Space;

/// Bytes before the value that hold its revision.
const REVISION_BYTES: usize = 8;
/// The key of the revision of the last change.
const LAST_CHANGE: &str = "last-change";
/// Changes waiting beyond this make their senders wait.
const QUEUE: usize = 1024;
/// How often, and after which pauses, the folder is opened anew after a failure.
const REOPENINGS: u32 = 20;
const REOPENING: Duration = Duration::from_millis(50);
/// How long it is left closed when all of them failed.
const CLOSED: Duration = Duration::from_secs(1);
/// Records that are read without another thread: they are small and nearly always in memory, so a
/// few are read sooner than another thread takes them up.
const READ_AT_ONCE: usize = 64;
/// Memory for cached pages, in bytes.
const CACHE_BYTES: u64 = 32 * 1024 * 1024;

type Reply = oneshot::Sender<Result<Commit, StoreError>>;

pub(super) struct Engine {
    files: Arc<Files>,
    // Dropped with the engine, which ends the writer; its thread then holds the last handle.
    changes: mpsc::SyncSender<Order>,
}

enum Order {
    Change(Batch, Reply),
    Snapshot(File, oneshot::Sender<Result<u64, StoreError>>),
}

/// A stored value with its revision, not decoded yet.
pub(super) struct Entry(::sled::IVec);

impl Entry {
    pub(super) fn decode<T: DeserializeOwned>(&self, key: &str) -> Result<Record<T>, StoreError> {
        let (revision, value) = split(&self.0);
        let value = serde_json::from_slice(value)
            .map_err(|source| StoreError::Record { key: key.to_owned(), source })?;
        Ok(Record { revision, value })
    }
}

impl Engine {
    pub(super) async fn open(folder: PathBuf, space: Arc<Space>) -> Result<Self, StoreError> {
        blocking(move || {
            let is_new = !folder.exists();
            let files = Arc::new(Files { folder, space, opened: RwLock::default() });
            let opened = files.open()?;
            // The engine never syncs its own settings.
            File::open(files.folder.join("conf"))?.sync_all()?;
            if is_new {
                sync_folder(&files.folder)?;
            }
            *files.opened.write().unwrap_or_else(PoisonError::into_inner) = Some(opened);
            let (changes, waiting) = mpsc::sync_channel(QUEUE);
            let writer = Writer { files: Arc::clone(&files) };
            thread::Builder::new()
                .name("store-writer".to_owned())
                .spawn(move || writer.run(&waiting))
                .map_err(StoreError::from)?;
            Ok(Self { files, changes })
        })
        .await
    }

    pub(super) async fn get(&self, keys: &[String]) -> Result<Vec<Option<Entry>>, StoreError> {
        if let Some(opened) = self.files.at_once(keys.len()) {
            return opened.as_ref().ok_or(StoreError::DiskFull)?.get(keys);
        }
        let (reader, keys) = (self.reader(), keys.to_vec());
        blocking(move || reader.get(&keys)).await
    }

    pub(super) fn reader(&self) -> Reader {
        Reader(Arc::clone(&self.files))
    }

    pub(super) async fn scan(
        &self,
        prefix: String,
        after: Option<String>,
        limit: usize,
        order: super::Order,
    ) -> Result<Vec<(String, Entry)>, StoreError> {
        if let Some(opened) = self.files.at_once(limit) {
            return opened.as_ref().ok_or(StoreError::DiskFull)?.scan(
                &prefix,
                after.as_deref(),
                limit,
                order,
            );
        }
        let files = Arc::clone(&self.files);
        blocking(move || files.with(|opened| opened.scan(&prefix, after.as_deref(), limit, order))).await
    }

    pub(super) async fn snapshot(&self, file: File) -> Result<u64, StoreError> {
        let (reply, outcome) = oneshot::channel();
        self.send(Order::Snapshot(file, reply)).await?;
        outcome.await.map_err(|_| stopped())?
    }

    pub(super) async fn commit(&self, batch: Batch) -> Result<Commit, StoreError> {
        if let Some((key, value)) = batch.puts.iter().find(|(_, value)| value.len() > MAX_VALUE_BYTES) {
            return Err(StoreError::TooLarge { key: key.clone(), bytes: value.len() });
        }
        let (reply, outcome) = oneshot::channel();
        self.send(Order::Change(batch, reply)).await?;
        outcome.await.map_err(|_| stopped())?
    }

    async fn send(&self, order: Order) -> Result<(), StoreError> {
        match self.changes.try_send(order) {
            Ok(()) => Ok(()),
            Err(mpsc::TrySendError::Full(order)) => {
                let changes = self.changes.clone();
                blocking(move || changes.send(order).map_err(|_| stopped())).await
            }
            Err(mpsc::TrySendError::Disconnected(_)) => Err(stopped()),
        }
    }
}

/// Reads where it may block.
pub(super) struct Reader(Arc<Files>);

impl Reader {
    pub(super) fn get(&self, keys: &[String]) -> Result<Vec<Option<Entry>>, StoreError> {
        self.0.with(|opened| opened.get(keys))
    }
}

/// The folder of the store, and what is open of it.
struct Files {
    folder: PathBuf,
    space: Arc<Space>,
    /// None only after a failure, until it can be opened again.
    opened: RwLock<Option<Opened>>,
}

struct Opened {
    db: ::sled::Db,
    file: File,
    /// Holds the revision of the last change that was acknowledged. It is written after the change
    /// is durable, so that it may be behind the store but never ahead: a store that is behind *it*
    /// has lost something, which the engine alone would not notice.
    mark: File,
    /// The revision of the last change.
    last: AtomicU64,
}

impl Files {
    fn open(&self) -> Result<Opened, StoreError> {
        let db = ::sled::Config::new()
            .path(&self.folder)
            .cache_capacity(CACHE_BYTES)
            .flush_every_ms(None)
            .open()
            .map_err(engine_error)?;
        let file = File::open(self.folder.join("db")).map_err(StoreError::from)?;
        let mark = self.folder.join("acknowledged");
        let mark = File::options().read(true).write(true).create(true).truncate(false).open(mark)?;
        let last = match db.get(LAST_CHANGE).map_err(engine_error)? {
            Some(entry) => Entry(entry).decode::<u64>(LAST_CHANGE)?.value,
            None => 0,
        };
        match read_mark(&mark) {
            Some(acknowledged) if acknowledged > last => {
                Err(StoreError::Damaged("changes that were acknowledged are missing".to_owned()))
            }
            _ => Ok(Opened { db, file, mark, last: AtomicU64::new(last) }),
        }
    }

    /// What is open, if so many records are to be read here and now. While the store is opened anew,
    /// nobody waits for it here.
    fn at_once(&self, num_records: usize) -> Option<RwLockReadGuard<'_, Option<Opened>>> {
        if num_records <= READ_AT_ONCE { self.opened.try_read().ok() } else { None }
    }

    fn with<T>(&self, work: impl FnOnce(&Opened) -> Result<T, StoreError>) -> Result<T, StoreError> {
        match &*self.opened.read().unwrap_or_else(PoisonError::into_inner) {
            Some(opened) => work(opened),
            None => Err(StoreError::DiskFull),
        }
    }

    /// Closes and opens again. After a failed write the engine takes no more, and holds changes that
    /// were never acknowledged; what is on disk is true.
    fn reopen(&self) {
        let mut opened = self.opened.write().unwrap_or_else(PoisonError::into_inner);
        drop(opened.take());
        for _ in 0..REOPENINGS {
            // A full disk fails every opening; and the engine lets go of its files in its own time.
            let again = self.space.make_room().map_err(StoreError::from).and_then(|()| self.open());
            match again {
                Ok(again) => {
                    tracing::warn!("the store was opened anew after a failed write");
                    *opened = Some(again);
                    return;
                }
                Err(error) => tracing::debug!(%error, "the store can't be opened yet"),
            }
            thread::sleep(REOPENING);
        }
    }

    fn is_open(&self) -> bool {
        self.opened.read().unwrap_or_else(PoisonError::into_inner).is_some()
    }
}

struct Writer {
    files: Arc<Files>,
}

impl Writer {
    /// Carries out orders until every sender is gone.
    fn run(&self, waiting: &mpsc::Receiver<Order>) {
        let mut next = waiting.recv().ok();
        while let Some(first) = next {
            let mut changes = Vec::new();
            let mut snapshots = Vec::new();
            for order in std::iter::once(first).chain(waiting.try_iter().take(QUEUE)) {
                match order {
                    Order::Change(batch, reply) => changes.push((batch, reply)),
                    Order::Snapshot(file, reply) => snapshots.push((file, reply)),
                }
            }
            self.change(changes);
            for (file, reply) in snapshots {
                // Whoever asked may be gone, here and below; what was done stands all the same.
                let _ = reply.send(self.files.with(|opened| snapshot(&opened.db, file)));
            }
            next = self.next(waiting);
        }
    }

    /// The next order. While the store could not be opened again, that is tried meanwhile.
    fn next(&self, waiting: &mpsc::Receiver<Order>) -> Option<Order> {
        while !self.files.is_open() {
            match waiting.recv_timeout(CLOSED) {
                Ok(order) => return Some(order),
                Err(mpsc::RecvTimeoutError::Timeout) => self.files.reopen(),
                Err(mpsc::RecvTimeoutError::Disconnected) => return None,
            }
        }
        waiting.recv().ok()
    }

    /// Applies all changes that wait and makes them durable together.
    fn change(&self, changes: Vec<(Batch, Reply)>) {
        if changes.is_empty() {
            return;
        }
        if !self.files.is_open() {
            self.files.reopen();
        }
        if !self.files.is_open() || self.files.space.make_room().is_err() {
            for (_, reply) in changes {
                let _ = reply.send(Err(StoreError::DiskFull));
            }
            return;
        }
        let mut applied = Vec::with_capacity(changes.len());
        let durable = self.files.with(|opened| {
            for (batch, reply) in changes {
                applied.push((reply, apply(opened, batch)));
            }
            let changed = applied.iter().any(|(_, outcome)| matches!(outcome, Ok(Commit::Done)));
            if changed { opened.make_durable() } else { Ok(()) }
        });
        let is_lost = |outcome: &Result<Commit, _>| {
            matches!(outcome, Err(StoreError::DiskFull | StoreError::Engine(_)))
        };
        if durable.is_err() || applied.iter().any(|(_, outcome)| is_lost(outcome)) {
            self.files.reopen();
        }
        for (reply, outcome) in applied {
            let outcome = match (&durable, outcome) {
                (Err(error), Ok(Commit::Done)) => Err(error.again()),
                (_, outcome) => outcome,
            };
            let _ = reply.send(outcome);
        }
    }
}

impl Opened {
    fn get(&self, keys: &[String]) -> Result<Vec<Option<Entry>>, StoreError> {
        keys.iter().map(|key| Ok(self.db.get(key).map_err(engine_error)?.map(Entry))).collect()
    }

    fn scan(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
        order: super::Order,
    ) -> Result<Vec<(String, Entry)>, StoreError> {
        // Keys are ASCII-led text, so no key that begins with the prefix passes this bound.
        let end = format!("{prefix}\u{10ffff}");
        let (db, prefix) = (&self.db, prefix.to_owned());
        let range: Box<dyn Iterator<Item = _>> = match (order, after) {
            (super::Order::Ascending, None) => Box::new(db.range(prefix..end)),
            (super::Order::Ascending, Some(after)) => Box::new(db.range(format!("{after}\0")..end)),
            (super::Order::Descending, None) => Box::new(db.range(prefix..end).rev()),
            (super::Order::Descending, Some(after)) => Box::new(db.range(prefix..after.to_owned()).rev()),
        };
        let entry = |entry: ::sled::Result<(::sled::IVec, ::sled::IVec)>| {
            let (key, value) = entry.map_err(engine_error)?;
            Ok((String::from_utf8_lossy(&key).into_owned(), Entry(value)))
        };
        range.take(limit).map(entry).collect()
    }

    fn make_durable(&self) -> Result<(), StoreError> {
        self.db.flush().map_err(engine_error)?;
        self.file.sync_data()?;
        let last = self.last.load(Ordering::Relaxed);
        // Without it only a later loss would go unnoticed.
        let _ = self.mark.write_all_at(&mark(last), 0);
        Ok(())
    }
}

/// A revision, and its complement to tell it from damage.
fn mark(revision: u64) -> [u8; 2 * REVISION_BYTES] {
    let mut bytes = [0; 2 * REVISION_BYTES];
    bytes[..REVISION_BYTES].copy_from_slice(&revision.to_be_bytes());
    bytes[REVISION_BYTES..].copy_from_slice(&(!revision).to_be_bytes());
    bytes
}

fn read_mark(file: &File) -> Option<u64> {
    let mut bytes = [0; 2 * REVISION_BYTES];
    file.read_exact_at(&mut bytes, 0).ok()?;
    let revision = split(&bytes).0;
    (bytes == mark(revision)).then_some(revision)
}

fn apply(opened: &Opened, batch: Batch) -> Result<Commit, StoreError> {
    let db = &opened.db;
    for (key, expected) in &batch.checks {
        let revision = db.get(key).map_err(engine_error)?.map(|entry| split(&entry).0);
        if revision != *expected {
            return Ok(Commit::Conflict { key: key.clone() });
        }
    }
    let revision = db.generate_id().map_err(engine_error)?;
    let mut writes = ::sled::Batch::default();
    for add in batch.adds {
        let current = match db.get(&add.key).map_err(engine_error)? {
            Some(entry) => Entry(entry).decode::<i64>(&add.key)?.value,
            None => 0,
        };
        let sum = current.saturating_add(add.delta);
        if sum > add.max && add.delta > 0 {
            return Ok(Commit::OverLimit { key: add.key });
        }
        writes.insert(add.key.as_bytes(), encode(revision, sum.max(0).to_string().as_bytes()));
    }
    for key in batch.deletes {
        writes.remove(key.as_bytes());
    }
    for (key, value) in batch.puts {
        writes.insert(key.as_bytes(), encode(revision, &value));
    }
    writes.insert(LAST_CHANGE, encode(revision, revision.to_string().as_bytes()));
    db.apply_batch(writes).map_err(engine_error)?;
    opened.last.store(revision, Ordering::Relaxed);
    Ok(Commit::Done)
}

/// Writes every record as a line of its own, durably.
fn snapshot(db: &::sled::Db, file: File) -> Result<u64, StoreError> {
    let mut out = BufWriter::new(file);
    let mut num = 0;
    for entry in db.iter() {
        let (key, entry) = entry.map_err(engine_error)?;
        let key = String::from_utf8_lossy(&key);
        let value = serde_json::from_slice(split(&entry).1)
            .map_err(|source| StoreError::Record { key: key.clone().into_owned(), source })?;
        serde_json::to_writer(&mut out, &Line { key, value }).map_err(io::Error::from)?;
        out.write_all(b"\n")?;
        num += 1;
    }
    out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
    Ok(num)
}

fn stopped() -> StoreError {
    StoreError::Engine("the writer has stopped".to_owned())
}

impl StoreError {
    /// The same error for the next of several changes that failed together.
    fn again(&self) -> Self {
        match self {
            Self::DiskFull => Self::DiskFull,
            Self::Damaged(words) => Self::Damaged(words.clone()),
            other => Self::Engine(other.to_string()),
        }
    }
}

fn split(entry: &[u8]) -> (u64, &[u8]) {
    match entry.split_first_chunk::<REVISION_BYTES>() {
        Some((revision, value)) => (u64::from_be_bytes(*revision), value),
        None => (0, entry),
    }
}

fn encode(revision: u64, value: &[u8]) -> Vec<u8> {
    [&revision.to_be_bytes(), value].concat()
}

fn sync_folder(folder: &Path) -> Result<(), StoreError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(StoreError::from)?;
    if let Some(parent) = folder.parent() {
        File::open(parent).and_then(|parent| parent.sync_all()).map_err(StoreError::from)?;
    }
    Ok(())
}

fn engine_error(error: ::sled::Error) -> StoreError {
    match error {
        ::sled::Error::Io(error) => StoreError::from(error),
        // Settings of another format in a store of ours are settings that were altered.
        damage @ (::sled::Error::Corruption { .. } | ::sled::Error::Unsupported(_)) => {
            StoreError::Damaged(damage.to_string())
        }
        other => StoreError::Engine(other.to_string()),
    }
}

impl From<io::Error> for StoreError {
    fn from(error: io::Error) -> Self {
        if crate::space::is_full(&error) { Self::DiskFull } else { Self::Engine(error.to_string()) }
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    spawn_blocking(work).await.map_err(|error| StoreError::Engine(error.to_string()))?
}
