//! The store on sled: the only file that names it.
//!
//! One thread applies every change, so checks and counters need no locks, and it commits in
//! groups: all changes waiting at a time share one flush. A flush alone does not survive a power
//! cut (sled syncs a file range, not the file), so each is followed by `fdatasync` of the file.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, mpsc};
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

    pub(super) async fn get(&self, keys: Vec<String>) -> Result<Vec<Option<Entry>>, StoreError> {
        let files = Arc::clone(&self.files);
        let read = move |db: &::sled::Db| {
            keys.iter().map(|key| Ok(db.get(key).map_err(engine_error)?.map(Entry))).collect()
        };
        blocking(move || files.with(|opened| read(&opened.db))).await
    }

    pub(super) async fn scan(
        &self,
        prefix: String,
        after: Option<String>,
        limit: usize,
        order: super::Order,
    ) -> Result<Vec<(String, Entry)>, StoreError> {
        let files = Arc::clone(&self.files);
        let read = move |db: &::sled::Db| {
            // Keys are ASCII-led text, so no key that begins with the prefix passes this bound.
            let end = format!("{prefix}\u{10ffff}");
            let range: Box<dyn Iterator<Item = _>> = match (order, after) {
                (super::Order::Ascending, None) => Box::new(db.range(prefix..end)),
                (super::Order::Ascending, Some(after)) => Box::new(db.range(format!("{after}\0")..end)),
                (super::Order::Descending, None) => Box::new(db.range(prefix..end).rev()),
                (super::Order::Descending, Some(after)) => Box::new(db.range(prefix..after).rev()),
            };
            range
                .take(limit)
                .map(|entry| {
                    let (key, value) = entry.map_err(engine_error)?;
                    Ok((String::from_utf8_lossy(&key).into_owned(), Entry(value)))
                })
                .collect()
        };
        blocking(move || files.with(|opened| read(&opened.db))).await
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
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull,
            _ => Self::Engine(error.to_string()),
        }
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    spawn_blocking(work).await.map_err(|error| StoreError::Engine(error.to_string()))?
}

#[cfg(test)]
mod tests {
    use super::super::{Order, Store};
    use super::*;

    async fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store");
        let store = Store::open(&path, Arc::new(Space::open(folder.path(), 0))).await.unwrap();
        (folder, store)
    }

    #[tokio::test]
    async fn a_failed_check_changes_nothing() {
        let (_folder, store) = store().await;
        assert!(store.commit(Batch::new().put("a", &1)).await.unwrap().is_done());
        let read = store.get::<u32>("a").await.unwrap().unwrap();

        let stale = Batch::new().check("a", read.revision + 1).put("a", &2).put("b", &2);
        assert_eq!(store.commit(stale).await.unwrap(), Commit::Conflict { key: "a".to_owned() });
        let exists = Batch::new().check_absent("a").put("b", &2);
        assert_eq!(store.commit(exists).await.unwrap(), Commit::Conflict { key: "a".to_owned() });
        assert!(store.get::<u32>("b").await.unwrap().is_none());

        assert!(store.commit(Batch::new().check("a", read.revision).put("a", &2)).await.unwrap().is_done());
        assert_eq!(store.get::<u32>("a").await.unwrap().unwrap().value, 2);
    }

    #[tokio::test]
    async fn parallel_adds_never_pass_the_limit() {
        let (_folder, store) = store().await;
        let adds = (0..100).map(|_| store.commit(Batch::new().add("quota", 1, 10)));
        let outcomes = futures::future::join_all(adds).await;
        let done = outcomes.into_iter().filter(|outcome| outcome.as_ref().unwrap().is_done()).count();
        assert_eq!(done, 10);
        assert_eq!(store.get::<i64>("quota").await.unwrap().unwrap().value, 10);
        store.commit(Batch::new().add("quota", -20, 10)).await.unwrap();
        assert_eq!(store.get::<i64>("quota").await.unwrap().unwrap().value, 0);
    }

    #[tokio::test]
    async fn scans_page_in_both_orders() {
        let (_folder, store) = store().await;
        let batch =
            ["k/1", "k/2", "k/3", "l/1"].into_iter().fold(Batch::new(), |batch, key| batch.put(key, key));
        store.commit(batch).await.unwrap();
        let keys = async |after, order| -> Vec<String> {
            let page = store.scan::<String>("k/", after, 2, order).await.unwrap();
            page.into_iter().map(|(key, _)| key).collect()
        };
        assert_eq!(keys(None, Order::Ascending).await, ["k/1", "k/2"]);
        assert_eq!(keys(Some("k/2"), Order::Ascending).await, ["k/3"]);
        assert_eq!(keys(None, Order::Descending).await, ["k/3", "k/2"]);
        assert_eq!(keys(Some("k/2"), Order::Descending).await, ["k/1"]);
    }

    #[tokio::test]
    async fn what_was_committed_is_there_after_reopening() {
        let folder = tempfile::tempdir().unwrap();
        for round in 0..3_u32 {
            let store = reopen(folder.path()).await;
            let batch = Batch::new().put(format!("r/{round}"), &round);
            assert!(store.commit(batch).await.unwrap().is_done());
            let all = store.scan::<u32>("r/", None, 10, Order::Ascending).await.unwrap();
            assert_eq!(all.len(), round as usize + 1);
        }
    }

    /// The writer thread lets go of the file a moment after the store is dropped.
    async fn reopen(folder: &Path) -> Store {
        for _ in 0..200 {
            if let Ok(store) = Store::open(folder, Arc::new(Space::open(folder, 0))).await {
                return store;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("the store stays locked");
    }

    #[tokio::test]
    async fn a_store_that_lost_what_was_acknowledged_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("acknowledged");
        let revision = {
            let store = reopen(folder.path()).await;
            store.commit(Batch::new().put("a", &1)).await.unwrap();
            let revision = store.get::<u32>("a").await.unwrap().unwrap().revision;
            assert_eq!(std::fs::read(&file).unwrap(), mark(revision));
            revision
        };
        drop(reopen(folder.path()).await);
        std::fs::write(&file, mark(revision + 1)).unwrap();
        let mut refused = None;
        while !matches!(refused, Some(StoreError::Damaged(_))) {
            refused = Store::open(folder.path(), Arc::new(Space::open(folder.path(), 0))).await.err();
            assert!(refused.is_some(), "it opened");
        }
        std::fs::write(&file, b"damaged itself, it says nothing").unwrap();
        drop(reopen(folder.path()).await);
    }

    #[tokio::test]
    async fn settings_of_the_store_that_were_altered_anywhere_are_damage() {
        let folder = tempfile::tempdir().unwrap();
        drop(reopen(folder.path()).await);
        let file = folder.path().join("conf");
        let whole = std::fs::read(&file).unwrap();
        for at in 0..whole.len() {
            let mut altered = whole.clone();
            altered[at] ^= 0x80;
            std::fs::write(&file, altered).unwrap();
            loop {
                match Store::open(folder.path(), Arc::new(Space::open(folder.path(), 0))).await {
                    Err(StoreError::Engine(why)) if why.contains("lock") => {}
                    Ok(_) | Err(StoreError::Damaged(_)) => break,
                    Err(why) => panic!("byte {at}: {why}"),
                }
            }
        }
    }

    #[tokio::test]
    async fn a_value_over_the_limit_is_refused() {
        let (_folder, store) = store().await;
        let outcome = store.commit(Batch::new().put("a", &"x".repeat(MAX_VALUE_BYTES))).await;
        assert!(matches!(outcome, Err(StoreError::TooLarge { bytes, .. }) if bytes == MAX_VALUE_BYTES + 2));
    }
}
