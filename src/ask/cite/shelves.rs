//! Passages taken apart, as many as fit: those that are cited are cited often, and an answer that is
//! slow to come need not hold any meanwhile.

use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use ibid_index::analysis::Language;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use uuid::Uuid;

use super::Shelf;
use super::quote::Apart;
use crate::Error;
use crate::ask::prompt::Excerpt;

/// Memory for all of them, in bytes.
const MAX_BYTES: u64 = 12 << 20;
/// What nobody cited for so long is let go.
const UNUSED: Duration = Duration::from_secs(600);

/// A passage by its document, its place there and the language it is read in.
type Key = (Uuid, usize, usize, Option<Language>);

/// What was taken apart lately. Clones are the same.
#[derive(Clone)]
pub struct Shelves {
    kept: moka::sync::Cache<Key, Arc<Apart>>,
    turns: Arc<Semaphore>,
}

impl Default for Shelves {
    fn default() -> Self {
        let kept = moka::sync::Cache::builder()
            .max_capacity(MAX_BYTES)
            .time_to_idle(UNUSED)
            .weigher(|_, apart: &Arc<Apart>| u32::try_from(apart.bytes()).unwrap_or(u32::MAX));
        let num_processors = available_parallelism().map_or(1, Into::into);
        Self { kept: kept.build(), turns: Arc::new(Semaphore::new(num_processors)) }
    }
}

impl Shelves {
    /// Does work with a shelf of passages that are still to be read, beside all that waits for the
    /// network, and no more of it at a time than there are processors.
    pub(crate) async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> T + Send + 'static,
    ) -> Result<T, Error> {
        let _turn = self.turns.acquire().await.map_err(Error::internal)?;
        let shelves = self.clone();
        Ok(spawn_blocking(move || work(&shelves)).await?)
    }

    /// A shelf of these passages.
    pub(crate) fn shelf(&self, excerpts: Vec<Excerpt>, language: Option<Language>) -> Shelf {
        Shelf::with(excerpts, language, |excerpt| {
            let source = &excerpt.source;
            let key = (source.document_id, source.start, source.end, language);
            match self.kept.get(&key).filter(|apart| apart.is_of(excerpt)) {
                Some(apart) => apart,
                None => {
                    let apart = Arc::new(Apart::new(excerpt, language));
                    self.kept.insert(key, Arc::clone(&apart));
                    apart
                }
            }
        })
    }
}
