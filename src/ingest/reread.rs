//! Reading an original anew, by a program that may read better than the one that read it first. A text
//! never changes under the citations that point into it: what comes out otherwise is a document of its
//! own, of the same bytes, that takes the place of the old one as a new version does.

use std::io;
use std::path::Path;

use tokio::fs;
use uuid::{NoContext, Timestamp, Uuid};

use super::extract::ExtractError;
use super::{extracted, reindex, settled};
use crate::access::{Caller, Permit, quota};
use crate::app::App;
use crate::document::{Document, Status};
use crate::files::NewFolder;
use crate::store::{Batch, Commit, Record, keys};
use crate::{Error, documents};

/// Reads a document's original anew, and waits until searches find what came of it. Returns the document
/// as it was if that is the same, else the one that took its place. One that failed gets another try.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Forbidden`] for another user's document, [`Error::Invalid`] for one that is
/// being read or was replaced, or whose original can't be read any more (then it stays as it was),
/// [`Error::QuotaExceeded`] since both texts are kept, [`Error::DiskFull`], [`Error::ShuttingDown`], or if the
/// store fails.
pub async fn reread(app: &App, caller: &Caller, id: Uuid) -> Result<Document, Error> {
    caller.require(Permit::Write)?;
    app.space.admit()?;
    loop {
        let stored = documents::owned(app, caller, id).await?;
        let Document { status, superseded_by, .. } = stored.value;
        if let Some(newer) = superseded_by {
            return Err(Error::Invalid(format!("document `{id}` was replaced by `{newer}`; read that anew")));
        }
        let outcome = match status {
            Status::Ready => renew(app, caller, &stored.value).await?,
            Status::Failed => retry(app, caller, stored).await?,
            Status::Queued | Status::Extracting | Status::Indexing => {
                return Err(Error::Invalid(format!("document `{id}` is still being read; try again then")));
            }
        };
        // Else it was changed meanwhile.
        if let Some(document) = outcome {
            return Ok(document);
        }
    }
}

async fn retry(app: &App, caller: &Caller, failed: Record<Document>) -> Result<Option<Document>, Error> {
    let key = keys::document(failed.value.id);
    let document = Document { status: Status::Queued, error: None, ..failed.value };
    let batch = Batch::new().check(&key, failed.revision).put(&key, &document);
    if !app.store.commit(batch).await?.is_done() {
        return Ok(None);
    }
    let changes = app.ingest.subscribe();
    app.ingest.announce(&document);
    app.ingest.enqueue(document.id);
    settled(app, caller, document.id, changes).await.map(Some)
}

/// None if the document was changed meanwhile.
async fn renew(app: &App, caller: &Caller, old: &Document) -> Result<Option<Document>, Error> {
    let id = beside(old.id);
    let mut folder = NewFolder::new(&app.files, id).await?;
    link(&app.files.original(old.id), &app.files.original(id)).await?;
    let extraction = {
        let _slot = app.ingest.slots.acquire().await.map_err(|_| Error::ShuttingDown)?;
        let (original, out_dir) = (app.files.original(id), app.files.folder(id));
        tokio::select! {
            extraction = app.ingest.extractor.extract(&original, &old.name, &out_dir) => extraction,
            () = app.stopping.cancelled() => return Err(Error::ShuttingDown),
        }
    };
    let extraction = extraction.map_err(|error| match error {
        ExtractError::DiskFull => Error::DiskFull,
        error => Error::Invalid(format!("`{}` stays as it was: {error}", old.name)),
    })?;
    let new = extracted(Document { id, ..old.clone() }, extraction);
    if is_same(app, old, &new).await? {
        return Ok(Some(old.clone()));
    }
    folder.sync().await?;
    let new = Document { status: Status::Indexing, supersedes: Some(old.id), ..new };
    let mut batch = Batch::new();
    for key in documents::found_by(old) {
        match app.store.get::<Uuid>(&key).await? {
            Some(named) if named.value == old.id => batch = batch.check(&key, named.revision).put(&key, &id),
            _ => return Ok(None),
        }
    }
    match app.store.commit(quota::keep(app, caller, &new, documents::enter(batch, &new))).await? {
        Commit::Done => {}
        Commit::Conflict { .. } => return Ok(None),
        Commit::OverLimit { key } => return Err(quota::exceeded(app, &key)),
    }
    folder.keep();
    reindex(app, caller, new).await.map(Some)
}

/// Whether both have the same to say, in the same places.
async fn is_same(app: &App, old: &Document, new: &Document) -> Result<bool, Error> {
    let told = |document: &Document| {
        let Document { title, media_type, language, pages, notes, passages, .. } = document.clone();
        (title, media_type, language, pages, notes, passages)
    };
    if told(old) != told(new) {
        return Ok(false);
    }
    // A layout or a text that is damaged is another than what was just read.
    let Ok(layout) = app.files.layout(old.id).await else { return Ok(false) };
    if *layout != *app.files.layout(new.id).await? {
        return Ok(false);
    }
    Ok(fs::read(app.files.text(old.id)).await.ok() == Some(fs::read(app.files.text(new.id)).await?))
}

/// An id of the same millisecond: ids tell the time of an upload, and a library is listed by it.
fn beside(id: Uuid) -> Uuid {
    let (seconds, nanoseconds) = id.get_timestamp().map_or((0, 0), |time| time.to_unix());
    Uuid::new_v7(Timestamp::from_unix(NoContext, seconds, nanoseconds))
}

/// The same bytes under another name: where the file system has them, for no room at all.
async fn link(original: &Path, name: &Path) -> io::Result<()> {
    if fs::hard_link(original, name).await.is_ok() {
        return Ok(());
    }
    fs::copy(original, name).await?;
    fs::File::open(name).await?.sync_all().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_read_anew_keeps_its_place_in_the_library() {
        let before = Uuid::new_v7(Timestamp::from_unix(NoContext, 1_700_000_000, 5_000_000));
        let old = Uuid::new_v7(Timestamp::from_unix(NoContext, 1_700_000_000, 6_000_000));
        let after = Uuid::new_v7(Timestamp::from_unix(NoContext, 1_700_000_000, 7_000_000));
        let new = beside(old);
        assert!(new != old && before < new && new < after, "{before} {new} {after}");
    }
}
