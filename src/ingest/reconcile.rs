//! At start: what the store says, what the index has and what lies on disk are made to agree. The
//! store is right. The server answers meanwhile, with what the index already has.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::task::spawn_blocking;
use uuid::Uuid;

use super::indexing::{self, Job};
use super::next_documents;
use crate::Error;
use crate::app::App;

/// A log line every so many documents.
const REPORT_EVERY: u64 = 1000;

/// How far a rebuild of the index is.
#[derive(Debug, Default)]
pub struct Rebuild {
    total: AtomicU64,
    done: AtomicU64,
}

impl Rebuild {
    /// Documents put back and documents to put back, while that goes on.
    #[must_use]
    pub fn progress(&self) -> Option<(u64, u64)> {
        let (done, total) = (self.done.load(Ordering::Relaxed), self.total.load(Ordering::Relaxed));
        (done < total).then_some((done, total))
    }

    pub(super) fn step(&self) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        let total = self.total.load(Ordering::Relaxed);
        if done.is_multiple_of(REPORT_EVERY) || done == total {
            tracing::info!(done, total, "rebuilding the index");
        }
    }
}

pub(super) async fn reconcile(app: &Arc<App>) -> Result<(), Error> {
    let index = Arc::clone(&app.index);
    let mut indexed = spawn_blocking(move || index.documents()).await??;
    let mut known = HashSet::new();
    let mut lost = Vec::new();
    let mut after = None;
    while let Some(documents) = next_documents(app, &mut after).await? {
        for document in documents {
            known.insert(document.id);
            if !document.status.is_final() {
                app.ingest.enqueue(document.id);
            } else if document.is_searchable() {
                let found = indexed.remove(&document.id);
                let is_whole = found.is_some_and(|entry| {
                    entry.version == document.version && entry.num_passages == document.passages
                });
                if !is_whole {
                    lost.push(document);
                }
            }
        }
    }
    for folder in app.files.documents().await? {
        if !known.contains(&folder) {
            tracing::info!(document.id = %folder, "removing an upload that was never completed");
            app.files.remove(folder).await?;
        }
    }
    let stale: Vec<Uuid> = indexed.into_keys().collect();
    app.ingest.rebuild.total.store(lost.len() as u64, Ordering::Relaxed);
    if !lost.is_empty() {
        tracing::info!(documents = lost.len(), "rebuilding the index");
    }
    let app = Arc::clone(app);
    tokio::spawn(async move {
        let jobs = stale.into_iter().map(Job::Remove).chain(lost.into_iter().map(Job::Restore));
        for job in jobs {
            indexing::send(&app, job).await;
        }
    });
    Ok(())
}
