//! Room on the disk. Below a watermark nothing new is taken, while reading, searching and deleting
//! go on; a reserve is held back, and given up when the disk is full all the same, so that the data
//! folder can still be opened and things in it deleted. It counts no one's quota.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::fs::{FallocateFlags, fallocate, statvfs};
use tokio_util::sync::CancellationToken;

use crate::Error;

/// What is held back, in bytes: a store can be opened and many things deleted with it.
const RESERVE_BYTES: u64 = 16 << 20;
/// With less than this the store does not begin a change, since it might not get to its end.
const LEAST_BYTES: u64 = 4 << 20;
/// How often the disk is looked at.
const WATCH: Duration = Duration::from_secs(2);

/// Whether the disk refused for want of room, its own or what it allows us.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// The disk under a data folder.
#[derive(Debug)]
pub struct Space {
    folder: PathBuf,
    min_free_bytes: u64,
    /// Whether the reserve is there.
    is_held: AtomicBool,
    was_low: AtomicBool,
}

impl Space {
    /// Looks at the disk under this folder, and gives up the reserve if it is full.
    #[must_use]
    pub fn open(folder: &Path, min_free_bytes: u64) -> Self {
        let (is_held, was_low) = Default::default();
        let space = Self { folder: folder.to_owned(), min_free_bytes, is_held, was_low };
        space.is_held.store(space.reserve().exists(), Ordering::Relaxed);
        if space.free_bytes() < RESERVE_BYTES {
            space.release();
        }
        space
    }

    /// What is free for us, in bytes.
    #[must_use]
    pub fn free_bytes(&self) -> u64 {
        // A disk that does not tell is taken to have room: its own errors tell then.
        statvfs(&self.folder).map_or(u64::MAX, |disk| disk.f_bavail.saturating_mul(disk.f_frsize))
    }

    /// Whether too little is free to take anything new.
    #[must_use]
    pub fn is_low(&self) -> bool {
        // What a reserve given up has freed is not for new things.
        let owed = if self.is_held.load(Ordering::Relaxed) { 0 } else { RESERVE_BYTES };
        self.free_bytes().saturating_sub(owed) < self.min_free_bytes
    }

    /// Lets something new in, if there is room.
    ///
    /// # Errors
    /// [`Error::DiskFull`] below the watermark.
    pub fn admit(&self) -> Result<(), Error> {
        if self.is_low() { Err(Error::DiskFull) } else { Ok(()) }
    }

    /// Makes sure that a small change can be written, at the price of the reserve. Blocks a moment.
    ///
    /// # Errors
    /// `StorageFull` if there is no room even so.
    pub(crate) fn make_room(&self) -> io::Result<()> {
        if self.free_bytes() >= LEAST_BYTES {
            return Ok(());
        }
        self.release();
        match self.free_bytes() >= LEAST_BYTES {
            true => Ok(()),
            false => Err(io::ErrorKind::StorageFull.into()),
        }
    }

    /// Waits until something new would be let in, or the server stops.
    pub async fn room(&self, stopping: &CancellationToken) {
        while self.is_low() && !stopping.is_cancelled() {
            self.pause(stopping).await;
        }
    }

    /// Waits until it is worth looking again.
    pub async fn pause(&self, stopping: &CancellationToken) {
        let _ = tokio::time::timeout(WATCH, stopping.cancelled()).await;
    }

    /// Gives the reserve up when the disk is full and takes it back when there is room, until the
    /// server stops.
    pub async fn watch(&self, stopping: &CancellationToken) {
        while !stopping.is_cancelled() {
            self.look();
            self.pause(stopping).await;
        }
    }

    fn look(&self) {
        let free = self.free_bytes();
        let is_low = self.is_low();
        if free < LEAST_BYTES {
            self.release();
        } else if !is_low && !self.is_held.load(Ordering::Relaxed) {
            match self.take() {
                Ok(()) => self.is_held.store(true, Ordering::Relaxed),
                Err(error) => tracing::warn!(%error, "no room could be held in reserve"),
            }
        }
        if self.was_low.swap(is_low, Ordering::Relaxed) != is_low {
            match is_low {
                true => tracing::warn!(free, "the disk is almost full: only reading and deleting for now"),
                false => tracing::info!(free, "there is room on the disk again"),
            }
        }
    }

    fn reserve(&self) -> PathBuf {
        self.folder.join("reserve")
    }

    fn take(&self) -> io::Result<()> {
        let path = self.reserve();
        let file = File::create(&path)?;
        let held = fallocate(&file, FallocateFlags::empty(), 0, RESERVE_BYTES).map_err(io::Error::from);
        // Half a reserve, or one that only seems to be there, is none.
        if held.is_err() {
            let _ = std::fs::remove_file(&path);
        }
        held
    }

    fn release(&self) {
        self.is_held.store(false, Ordering::Relaxed);
        if std::fs::remove_file(self.reserve()).is_ok() {
            tracing::warn!("the disk is full: the reserve is given up");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reserve_is_held_only_where_there_is_room_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let space = Space::open(folder.path(), 1);
        space.look();
        assert_eq!(space.reserve().metadata().unwrap().len(), RESERVE_BYTES);
        space.admit().unwrap();
        space.make_room().unwrap();
        assert!(space.reserve().exists(), "it is not given up without need");
        space.release();
        let greedy = Space::open(folder.path(), u64::MAX);
        greedy.look();
        assert!(!greedy.reserve().exists());
        assert!(matches!(greedy.admit(), Err(Error::DiskFull)));
    }
}
