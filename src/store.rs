//! The store: what is true. Four operations (`get`, `scan`, `commit`, `now`) over sorted keys,
//! small enough that another engine can stand behind them. Values stay small: originals, texts and
//! answers are files ([`crate::files`], [`crate::runs`]).

pub mod keys;
mod sled;

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use thiserror::Error;

use crate::space::Space;

/// The longest value a store takes, in bytes. Larger ones would never be freed by the engine.
pub const MAX_VALUE_BYTES: usize = 64 * 1024;

/// Keys removed in one commit.
const CLEARED_AT_ONCE: usize = 500;

/// What is true, durable when `commit` returns.
pub struct Store {
    engine: sled::Engine,
}

impl Store {
    /// Opens the store in this folder, creating it when absent. It begins no change for which there
    /// is no room.
    ///
    /// # Errors
    /// [`StoreError`] if the folder can't be read or its content is damaged.
    pub async fn open(folder: &Path, space: Arc<Space>) -> Result<Self, StoreError> {
        Ok(Self { engine: sled::Engine::open(folder.to_owned(), space).await? })
    }

    /// Reads one record.
    ///
    /// # Errors
    /// [`StoreError`] if the engine fails or the record can't be decoded.
    pub async fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<Record<T>>, StoreError> {
        Ok(self.get_many(std::slice::from_ref(&key.to_owned())).await?.pop().flatten())
    }

    /// Reads several records at once, in the order of their keys.
    ///
    /// # Errors
    /// As [`Store::get`].
    pub async fn get_many<T: DeserializeOwned>(
        &self,
        keys: &[String],
    ) -> Result<Vec<Option<Record<T>>>, StoreError> {
        decoded(keys, self.engine.get(keys).await?)
    }

    /// The records, for work that reads as it goes and may block.
    #[must_use]
    pub fn records(&self) -> Records {
        Records { reader: self.engine.reader() }
    }

    /// Reads up to `limit` records whose keys begin with `prefix` and follow `after`, in order.
    ///
    /// # Errors
    /// As [`Store::get`].
    pub async fn scan<T: DeserializeOwned>(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
        order: Order,
    ) -> Result<Vec<(String, Record<T>)>, StoreError> {
        let entries = self.engine.scan(prefix.to_owned(), after.map(str::to_owned), limit, order).await?;
        entries
            .into_iter()
            .map(|(key, entry)| {
                let record = entry.decode(&key)?;
                Ok((key, record))
            })
            .collect()
    }

    /// Applies a batch as a whole or not at all. When it returns `Done`, the change is on disk.
    ///
    /// # Errors
    /// [`StoreError`] if the change could not be made durable.
    pub async fn commit(&self, batch: Batch) -> Result<Commit, StoreError> {
        if batch.is_empty() {
            return Ok(Commit::Done);
        }
        self.engine.commit(batch).await
    }

    /// Removes every key that begins with `prefix`, some at a time.
    ///
    /// # Errors
    /// As [`Store::commit`]; what was removed until then stays removed.
    pub async fn clear(&self, prefix: &str) -> Result<(), StoreError> {
        loop {
            let page = self.engine.scan(prefix.to_owned(), None, CLEARED_AT_ONCE, Order::Ascending).await?;
            if page.is_empty() {
                return Ok(());
            }
            let batch = page.into_iter().fold(Batch::new(), |batch, (key, _)| batch.delete(key));
            self.commit(batch).await?;
        }
    }

    /// Writes every record as it is at one moment, one a line in the order of their keys; no change
    /// comes between them. Gives their number.
    ///
    /// # Errors
    /// [`StoreError`] if the engine or the file fails.
    pub async fn snapshot(&self, file: std::fs::File) -> Result<u64, StoreError> {
        self.engine.snapshot(file).await
    }

    /// The store's clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// What is stored at the moment of each look.
pub struct Records {
    reader: sled::Reader,
}

impl Records {
    /// Reads several records at once, in the order of their keys; blocks.
    ///
    /// # Errors
    /// As [`Store::get`].
    pub fn get_many<T: DeserializeOwned>(
        &self,
        keys: &[String],
    ) -> Result<Vec<Option<Record<T>>>, StoreError> {
        decoded(keys, self.reader.get(keys)?)
    }
}

fn decoded<T: DeserializeOwned>(
    keys: &[String],
    entries: Vec<Option<sled::Entry>>,
) -> Result<Vec<Option<Record<T>>>, StoreError> {
    let decoded = |(key, entry): (&String, Option<sled::Entry>)| entry.map(|entry| entry.decode(key));
    keys.iter().zip(entries).map(|entry| decoded(entry).transpose()).collect()
}

/// A decoded value and the revision it was read at.
#[derive(Clone, Debug)]
pub struct Record<T> {
    /// Grows with every commit; name it in [`Batch::check`] to change only what was read.
    pub revision: u64,
    /// The value.
    pub value: T,
}

/// In which order a scan goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// By key.
    Ascending,
    /// By key, last first.
    Descending,
}

/// One change: checks that must hold, and what to do if they all do.
#[derive(Debug, Default)]
pub struct Batch {
    checks: Vec<(String, Option<u64>)>,
    puts: Vec<(String, Vec<u8>)>,
    deletes: Vec<String>,
    adds: Vec<Add>,
}

#[derive(Debug)]
struct Add {
    key: String,
    delta: i64,
    max: i64,
}

impl Batch {
    /// An empty change.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Requires that the key was last written at `revision`.
    #[must_use]
    pub fn check(mut self, key: impl Into<String>, revision: u64) -> Self {
        self.checks.push((key.into(), Some(revision)));
        self
    }

    /// Requires that the key does not exist.
    #[must_use]
    pub fn check_absent(mut self, key: impl Into<String>) -> Self {
        self.checks.push((key.into(), None));
        self
    }

    /// Writes a value.
    #[must_use]
    pub fn put<T: Serialize + ?Sized>(mut self, key: impl Into<String>, value: &T) -> Self {
        let bytes = serde_json::to_vec(value).unwrap_or_else(|error| {
            unreachable!("records are plain data with string keys and always encode: {error}")
        });
        self.puts.push((key.into(), bytes));
        self
    }

    /// Writes a record that a snapshot holds.
    #[must_use]
    pub fn put_line(mut self, line: Line<'_>) -> Self {
        self.puts.push((line.key.into_owned(), line.value.get().as_bytes().to_vec()));
        self
    }

    /// Removes a key, whether or not it exists.
    #[must_use]
    pub fn delete(mut self, key: impl Into<String>) -> Self {
        self.deletes.push(key.into());
        self
    }

    /// Adds to a counter, which begins at 0 and may neither pass `max` nor fall below 0.
    #[must_use]
    pub fn add(mut self, key: impl Into<String>, delta: i64, max: i64) -> Self {
        self.adds.push(Add { key: key.into(), delta, max });
        self
    }

    fn is_empty(&self) -> bool {
        self.checks.is_empty() && self.puts.is_empty() && self.deletes.is_empty() && self.adds.is_empty()
    }
}

/// A record as a snapshot holds it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Line<'a> {
    /// Its key.
    #[serde(borrow)]
    pub key: Cow<'a, str>,
    /// Its value, as it was stored.
    #[serde(borrow)]
    pub value: &'a RawValue,
}

/// What became of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Commit {
    /// It is applied and durable.
    Done,
    /// A checked key was not at its revision; nothing changed.
    Conflict {
        /// The first such key.
        key: String,
    },
    /// A counter would pass its limit; nothing changed.
    OverLimit {
        /// The first such counter.
        key: String,
    },
}

impl Commit {
    /// Whether the batch is applied and durable.
    #[must_use]
    pub fn is_done(&self) -> bool {
        *self == Self::Done
    }
}

/// Why the store failed.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The disk has no room for the change; nothing of it was kept.
    #[error("the disk is full; free some space and try again")]
    DiskFull,
    /// A value is longer than [`MAX_VALUE_BYTES`].
    #[error("the record `{key}` has {bytes} bytes, more than the store takes")]
    TooLarge {
        /// Its key.
        key: String,
        /// Its length.
        bytes: usize,
    },
    /// A record can't be decoded.
    #[error("the record `{key}` can't be read: {source}")]
    Record {
        /// Its key.
        key: String,
        /// The decoder's words.
        source: serde_json::Error,
    },
    /// What is on disk is not what was written.
    #[error(
        "it is damaged ({0}). Keep the folder as it is, and bring back the last backup into a new one with \
         `ibid restore FILE DIR`"
    )]
    Damaged(String),
    /// The engine failed.
    #[error("the store failed: {0}")]
    Engine(String),
}
