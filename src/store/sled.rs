//! The store on sled: the only file that names it.
//!
//! One thread applies every change, so checks and counters need no locks, and it commits in
//! groups: all changes waiting at a time share one flush. A flush alone does not survive a power
//! cut (sled syncs a file range, not the file), so each is followed by `fdatasync` of the file.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;

use serde::de::DeserializeOwned;
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;

use super::{Batch, Commit, MAX_VALUE_BYTES, Order, Record, StoreError};

/// Bytes before the value that hold its revision.
const REVISION_BYTES: usize = 8;
/// Changes waiting beyond this make their senders wait.
const QUEUE: usize = 1024;
/// Memory for cached pages, in bytes.
const CACHE_BYTES: u64 = 32 * 1024 * 1024;

type Reply = oneshot::Sender<Result<Commit, StoreError>>;

pub(super) struct Engine {
    db: ::sled::Db,
    // Dropped first, which ends the writer; its thread then holds the last handle on the file.
    changes: mpsc::SyncSender<(Batch, Reply)>,
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
    pub(super) async fn open(folder: PathBuf) -> Result<Self, StoreError> {
        blocking(move || {
            let is_new = !folder.exists();
            let db = ::sled::Config::new()
                .path(&folder)
                .cache_capacity(CACHE_BYTES)
                .flush_every_ms(None)
                .open()
                .map_err(engine_error)?;
            let file = File::open(folder.join("db")).map_err(StoreError::from)?;
            if is_new {
                sync_folder(&folder)?;
            }
            let (changes, waiting) = mpsc::sync_channel(QUEUE);
            let writer = Writer { db: db.clone(), file };
            thread::Builder::new()
                .name("store-writer".to_owned())
                .spawn(move || writer.run(&waiting))
                .map_err(StoreError::from)?;
            Ok(Self { db, changes })
        })
        .await
    }

    pub(super) async fn get(&self, keys: Vec<String>) -> Result<Vec<Option<Entry>>, StoreError> {
        let db = self.db.clone();
        blocking(move || keys.iter().map(|key| Ok(db.get(key).map_err(engine_error)?.map(Entry))).collect())
            .await
    }

    pub(super) async fn scan(
        &self,
        prefix: String,
        after: Option<String>,
        limit: usize,
        order: Order,
    ) -> Result<Vec<(String, Entry)>, StoreError> {
        let db = self.db.clone();
        blocking(move || {
            // Keys are ASCII-led text, so no key that begins with the prefix passes this bound.
            let end = format!("{prefix}\u{10ffff}");
            let range: Box<dyn Iterator<Item = _>> = match (order, after) {
                (Order::Ascending, None) => Box::new(db.range(prefix..end)),
                (Order::Ascending, Some(after)) => Box::new(db.range(format!("{after}\0")..end)),
                (Order::Descending, None) => Box::new(db.range(prefix..end).rev()),
                (Order::Descending, Some(after)) => Box::new(db.range(prefix..after).rev()),
            };
            range
                .take(limit)
                .map(|entry| {
                    let (key, value) = entry.map_err(engine_error)?;
                    Ok((String::from_utf8_lossy(&key).into_owned(), Entry(value)))
                })
                .collect()
        })
        .await
    }

    pub(super) async fn commit(&self, batch: Batch) -> Result<Commit, StoreError> {
        if let Some((key, value)) = batch.puts.iter().find(|(_, value)| value.len() > MAX_VALUE_BYTES) {
            return Err(StoreError::TooLarge { key: key.clone(), bytes: value.len() });
        }
        let (reply, outcome) = oneshot::channel();
        let stopped = || StoreError::Engine("the writer has stopped".to_owned());
        match self.changes.try_send((batch, reply)) {
            Ok(()) => {}
            Err(mpsc::TrySendError::Full(change)) => {
                let changes = self.changes.clone();
                blocking(move || changes.send(change).map_err(|_| stopped())).await?;
            }
            Err(mpsc::TrySendError::Disconnected(_)) => return Err(stopped()),
        }
        outcome.await.map_err(|_| stopped())?
    }
}

struct Writer {
    db: ::sled::Db,
    file: File,
}

impl Writer {
    /// Applies changes until every sender is gone.
    fn run(&self, waiting: &mpsc::Receiver<(Batch, Reply)>) {
        while let Ok(first) = waiting.recv() {
            let mut applied = Vec::new();
            for (batch, reply) in std::iter::once(first).chain(waiting.try_iter().take(QUEUE)) {
                applied.push((reply, self.apply(batch)));
            }
            let changed = applied.iter().any(|(_, outcome)| matches!(outcome, Ok(Commit::Done)));
            let durable = if changed { self.make_durable() } else { Ok(()) };
            for (reply, outcome) in applied {
                let outcome = match (&durable, outcome) {
                    (Err(error), Ok(Commit::Done)) => Err(error.again()),
                    (_, outcome) => outcome,
                };
                // A sender that went away is fine: the change stands all the same.
                let _ = reply.send(outcome);
            }
        }
    }

    fn apply(&self, batch: Batch) -> Result<Commit, StoreError> {
        for (key, expected) in &batch.checks {
            let revision = self.db.get(key).map_err(engine_error)?.map(|entry| split(&entry).0);
            if revision != *expected {
                return Ok(Commit::Conflict { key: key.clone() });
            }
        }
        let revision = self.db.generate_id().map_err(engine_error)?;
        let mut writes = ::sled::Batch::default();
        for add in batch.adds {
            let current = match self.db.get(&add.key).map_err(engine_error)? {
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
        self.db.apply_batch(writes).map_err(engine_error)?;
        Ok(Commit::Done)
    }

    fn make_durable(&self) -> Result<(), StoreError> {
        self.db.flush().map_err(engine_error)?;
        self.file.sync_data().map_err(StoreError::from)
    }
}

impl StoreError {
    /// The same error for the next of several changes that failed together.
    fn again(&self) -> Self {
        match self {
            Self::DiskFull => Self::DiskFull,
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
    use super::super::Store;
    use super::*;

    async fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store")).await.unwrap();
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
            if let Ok(store) = Store::open(folder).await {
                return store;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("the store stays locked");
    }

    #[tokio::test]
    async fn a_value_over_the_limit_is_refused() {
        let (_folder, store) = store().await;
        let outcome = store.commit(Batch::new().put("a", &"x".repeat(MAX_VALUE_BYTES))).await;
        assert!(matches!(outcome, Err(StoreError::TooLarge { bytes, .. }) if bytes == MAX_VALUE_BYTES + 2));
    }
}
