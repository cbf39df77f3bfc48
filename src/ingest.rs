//! The whole upload flow on one screen: an upload is received, accepted into the store, extracted
//! in a process of its own, indexed, and ready; with an embedding model at hand, it is embedded after
//! that. The store says what is still to do, so a crash at any point leaves nothing behind but work
//! to take up again.

mod columns;
mod embedding;
pub mod extract;
mod indexing;
mod learning;
pub mod passages;
mod reconcile;
mod reread;
mod upload;
pub mod worker;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, broadcast, mpsc};
use tokio::time::timeout;
use uuid::Uuid;

use crate::access::Caller;
use crate::app::{App, OpenError};
use crate::config::Config;
use crate::document::{Document, Status};
use crate::store::{Batch, Order, Record, StoreError, keys};
use crate::{Error, documents};
use extract::{ExtractError, Sandbox};
use worker::{Extraction, Extractor, NotConfined};

pub(crate) use embedding::in_context;
pub use reconcile::Rebuild;
pub use reread::reread;
pub(crate) use upload::clean_collection;
pub use upload::{Accepted, Incoming, Upload};

/// Changes a slow listener may miss before it is told to look again.
const ANNOUNCEMENTS: usize = 4096;
/// Without an upload for so long, the processes that read them are ended.
const LULL: Duration = Duration::from_secs(10);
/// Records of documents read at a time.
const PAGE: usize = 500;

/// Documents on their way in.
pub struct Ingest {
    extractor: Extractor,
    /// How many documents are extracted at once.
    slots: Arc<Semaphore>,
    /// Documents to extract; a hint, the store has the list.
    queue: mpsc::UnboundedSender<Uuid>,
    num_queued: AtomicU64,
    index_queue: mpsc::Sender<indexing::Job>,
    /// How far documents are that the store still calls queued.
    stages: Mutex<HashMap<Uuid, Status>>,
    changes: broadcast::Sender<Arc<Document>>,
    /// How often searches of a collection began to find something else, since the start.
    num_changes: Mutex<HashMap<Option<String>, u64>>,
    /// How far a rebuild of the index is.
    pub rebuild: Rebuild,
}

/// The receiving ends of the queues, for [`start`].
pub struct Work {
    queue: mpsc::UnboundedReceiver<Uuid>,
    index_queue: mpsc::Receiver<indexing::Job>,
}

/// Tells in the log whether those who read uploads can be confined here.
///
/// # Errors
/// If they can't and have to be.
pub async fn check_confinement(sandbox: Sandbox) -> Result<(), NotConfined> {
    match worker::check_confinement().await {
        Ok(()) => tracing::debug!("readers of uploads are confined"),
        Err(error) if sandbox == Sandbox::Required => return Err(error),
        Err(error) => {
            tracing::warn!(%error, "uploads are read by a process that has limits but is not confined");
        }
    }
    Ok(())
}

impl Ingest {
    /// Prepares the queues; [`start`] sets them going.
    ///
    /// # Errors
    /// If this program's own path can't be told, which the extractor needs.
    pub fn new(config: &Config) -> Result<(Self, Work), OpenError> {
        let (queue, queued) = mpsc::unbounded_channel();
        let (index_queue, to_index) = mpsc::channel(indexing::MAX_WAITING);
        let ingest = Self {
            extractor: Extractor::new(std::env::current_exe()?, config.ingest.limits()),
            slots: Arc::new(Semaphore::new(config.ingest.jobs)),
            queue,
            num_queued: AtomicU64::new(0),
            index_queue,
            stages: Mutex::default(),
            changes: broadcast::Sender::new(ANNOUNCEMENTS),
            num_changes: Mutex::default(),
            rebuild: Rebuild::default(),
        };
        Ok((ingest, Work { queue: queued, index_queue: to_index }))
    }

    /// Follows every change of every document from now on.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<Document>> {
        self.changes.subscribe()
    }

    /// How often searches of this collection, or of everything, may have begun to find something else
    /// since the start. A change counts before whoever asked for it is told that it is done.
    #[must_use]
    pub fn num_changes(&self, collection: Option<&str>) -> u64 {
        let num_changes = self.num_changes.lock().unwrap_or_else(PoisonError::into_inner);
        match collection {
            None => num_changes.values().sum(),
            Some(_) => num_changes.get(&collection.map(str::to_owned)).copied().unwrap_or(0),
        }
    }

    /// A document as it is this moment: what the store says, and how far the work on it is.
    #[must_use]
    pub fn current(&self, mut document: Document) -> Document {
        if !document.status.is_final()
            && let Some(stage) = self.stages().get(&document.id)
        {
            document.status = *stage;
        }
        document
    }

    /// How many documents wait to be read.
    #[must_use]
    pub fn num_queued(&self) -> u64 {
        self.num_queued.load(Ordering::Relaxed)
    }

    fn enqueue(&self, id: Uuid) {
        self.num_queued.fetch_add(1, Ordering::Relaxed);
        // Its reader ends with the server, and the next one looks into the store.
        let _ = self.queue.send(id);
    }

    fn enter(&self, document: &Document, stage: Status) {
        self.stages().insert(document.id, stage);
        self.announce(document);
    }

    fn leave(&self, document: &Document) {
        self.stages().remove(&document.id);
        self.count_change(document);
        self.announce(document);
    }

    fn announce(&self, document: &Document) {
        // No listener is fine.
        let _ = self.changes.send(self.current(document.clone()).into());
    }

    fn count_change(&self, document: &Document) {
        let mut num_changes = self.num_changes.lock().unwrap_or_else(PoisonError::into_inner);
        *num_changes.entry(document.collection.clone()).or_default() += 1;
    }

    /// Every search may find something else.
    fn count_change_of_all(&self) {
        let mut num_changes = self.num_changes.lock().unwrap_or_else(PoisonError::into_inner);
        num_changes.values_mut().for_each(|number| *number += 1);
    }

    fn stages(&self) -> std::sync::MutexGuard<'_, HashMap<Uuid, Status>> {
        self.stages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Starts the background work, and takes up what an earlier run of the server left undone.
///
/// # Errors
/// If the store can't be read.
pub async fn start(app: &Arc<App>, work: Work) -> Result<(), Error> {
    tokio::spawn(indexing::run(Arc::clone(app), work.index_queue));
    tokio::spawn(extract_queued(Arc::clone(app), work.queue));
    reconcile::reconcile(app).await?;
    tokio::spawn(embedding::run(Arc::clone(app)));
    Ok(())
}

/// Accepts an upload that was received in full. When this returns, it is durable.
///
/// # Errors
/// If the store fails; then nothing was accepted.
pub async fn accept(app: &App, caller: &Caller, upload: Upload) -> Result<Accepted, Error> {
    let accepted = upload::accept(app, caller, upload).await?;
    if !accepted.document.status.is_final() {
        app.ingest.announce(&accepted.document);
        app.ingest.enqueue(accepted.document.id);
    }
    Ok(accepted)
}

/// Drops what is left here of a document that the store has removed.
pub async fn forget(app: &App, document: &Document) {
    app.ingest.stages().remove(&document.id);
    app.ingest.count_change(document);
    indexing::remove(app, document.id).await;
}

/// Brings a document whose record has changed back into searches, and waits until it is.
///
/// # Errors
/// [`Error::NotFound`] if it was removed meanwhile, [`Error::ShuttingDown`], or if the store fails.
pub async fn reindex(app: &App, caller: &Caller, document: Document) -> Result<Document, Error> {
    let id = document.id;
    let changes = app.ingest.subscribe();
    app.ingest.enter(&document, Status::Indexing);
    indexing::index(app, document).await;
    settled(app, caller, id, changes).await
}

/// Waits until nothing more will happen to a document by itself.
async fn settled(
    app: &App,
    caller: &Caller,
    id: Uuid,
    mut changes: broadcast::Receiver<Arc<Document>>,
) -> Result<Document, Error> {
    loop {
        let current = app.ingest.current(documents::get(app, caller, id).await?.value);
        if current.status.is_final() {
            return Ok(current);
        }
        tokio::select! {
            // One that was missed is as good: the store is asked again.
            _ = changes.recv() => {}
            () = app.stopping.cancelled() => return Err(Error::ShuttingDown),
        }
    }
}

/// How many passages can be found by their words only, since they have no vector of the configured
/// model yet; `None` if there is no such model.
#[must_use]
pub fn num_not_embedded(app: &App) -> Option<u64> {
    let embeddings = app.embeddings.as_ref().filter(|embeddings| embeddings.chosen().is_some())?;
    let embedded = embeddings.shown().map_or(0, |space| space.vectors.num_passages());
    Some(app.index.num_passages().saturating_sub(embedded))
}

/// The next of all documents, behind where the last call ended; `None` if there are no more.
async fn next_documents(app: &App, after: &mut Option<String>) -> Result<Option<Vec<Document>>, Error> {
    let page = app.store.scan::<Document>(keys::DOCUMENTS, after.as_deref(), PAGE, Order::Ascending).await?;
    let Some((last, _)) = page.last() else { return Ok(None) };
    *after = Some(last.clone());
    Ok(Some(page.into_iter().map(|(_, record)| record.value).collect()))
}

async fn extract_queued(app: Arc<App>, mut queue: mpsc::UnboundedReceiver<Uuid>) {
    loop {
        let Ok(id) = timeout(LULL, queue.recv()).await else {
            app.ingest.extractor.rest();
            continue;
        };
        let Some(id) = id else { return };
        let Ok(slot) = Arc::clone(&app.ingest.slots).acquire_owned().await else { return };
        app.ingest.num_queued.fetch_sub(1, Ordering::Relaxed);
        if app.stopping.is_cancelled() {
            return;
        }
        // What it makes needs room too; an upload that was taken waits for it.
        app.space.room(&app.stopping).await;
        let app = Arc::clone(&app);
        tokio::spawn(async move {
            if let Err(error) = process(&app, id).await {
                tracing::error!(document.id = %id, %error, "the document stays queued until the next start");
            }
            drop(slot);
        });
    }
}

/// One document from queued to ready or failed.
async fn process(app: &App, id: Uuid) -> Result<(), Error> {
    // None if it was deleted while it waited.
    let Some(Record { value: document, .. }) = app.store.get::<Document>(&keys::document(id)).await? else {
        return Ok(());
    };
    // It has been read before, and citations may point into what was read.
    if document.status == Status::Indexing {
        app.ingest.enter(&document, Status::Indexing);
        indexing::index(app, document).await;
        return Ok(());
    }
    app.ingest.enter(&document, Status::Extracting);
    let folder = app.files.folder(id);
    let original = app.files.original(id);
    let outcome = loop {
        match app.ingest.extractor.extract(&original, &document.name, &folder).await {
            // Room may be there again at once, or only seem to be.
            Err(ExtractError::DiskFull) => app.space.pause(&app.stopping).await,
            outcome => break outcome,
        }
        app.space.room(&app.stopping).await;
        if app.stopping.is_cancelled() {
            return Ok(());
        }
    };
    match outcome {
        Ok(extraction) => {
            let document = extracted(document, extraction);
            app.ingest.enter(&document, Status::Indexing);
            indexing::index(app, document).await;
            Ok(())
        }
        Err(error) => {
            tracing::info!(document.id = %id, %error, "the document can't be read");
            finish(app, Document { status: Status::Failed, error: Some(error.to_string()), ..document }).await
        }
    }
}

fn extracted(document: Document, extraction: Extraction) -> Document {
    let title = match document.is_renamed {
        true => document.title,
        false => extraction.title.unwrap_or_else(|| document.name.clone()),
    };
    Document {
        title,
        media_type: extraction.media_type,
        language: extraction.language,
        pages: extraction.pages,
        notes: extraction.notes,
        passages: extraction.num_passages,
        error: None,
        ..document
    }
}

/// Stores the outcome. A document that is ready takes the place of those that held its name before.
async fn finish(app: &App, mut document: Document) -> Result<(), Error> {
    let key = keys::document(document.id);
    loop {
        let Some(stored) = app.store.get::<Document>(&key).await? else {
            // Deleted in the meantime.
            app.ingest.leave(&document);
            return Ok(app.files.remove(document.id).await?);
        };
        document.superseded_by = stored.value.superseded_by;
        let mut batch = Batch::new().check(&key, stored.revision).put(&key, &document);
        let mut superseded = Vec::new();
        let mut before = if document.status == Status::Ready { document.supersedes } else { None };
        while let Some(id) = before {
            let key = keys::document(id);
            let Some(older) = app.store.get::<Document>(&key).await? else { break };
            if older.value.superseded_by.is_some() || id == document.id {
                break;
            }
            before = older.value.supersedes;
            batch = batch.check(&key, older.revision);
            let older = Document { superseded_by: Some(document.id), ..older.value };
            batch = batch.put(&key, &older);
            superseded.push(older);
        }
        let done = match app.store.commit(batch).await {
            // The work is done; its outcome waits for room.
            Err(StoreError::DiskFull) => {
                app.space.pause(&app.stopping).await;
                if app.stopping.is_cancelled() {
                    return Err(Error::DiskFull);
                }
                continue;
            }
            outcome => outcome?.is_done(),
        };
        if done {
            app.ingest.leave(&document);
            for older in superseded {
                app.ingest.announce(&older);
                indexing::remove(app, older.id).await;
            }
            return Ok(());
        }
    }
}
