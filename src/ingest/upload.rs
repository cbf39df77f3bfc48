//! Receiving an upload: bytes go to disk as they come and are hashed on the way, never held whole.
//! Then one commit decides what it is: new, known, a new version, or an old version come back.

use std::sync::Arc;

use bytes::Bytes;
use sha2::{Digest, Sha256};
use tokio::fs::File;
use tokio::io::AsyncWriteExt;
use uuid::Uuid;

use crate::access::{Caller, Permit, quota};
use crate::app::App;
use crate::document::{Document, Status};
use crate::files::NewFolder;
use crate::ingest::extract::size_in_words;
use crate::space::Space;
use crate::store::{Batch, Commit, Record, keys};
use crate::{Error, documents};

/// How much is taken before the disk is looked at again.
const ADMIT_BYTES: u64 = 1 << 20;
/// The longest file name kept, in bytes; the start of a longer one is cut.
const MAX_NAME_BYTES: usize = 1024;
/// The longest collection name, in bytes.
const MAX_COLLECTION_BYTES: usize = 200;

/// A file being received. Dropped before it is complete, it leaves nothing behind.
pub struct Incoming {
    id: Uuid,
    space: Arc<Space>,
    folder: NewFolder,
    file: File,
    hash: Sha256,
    bytes: u64,
    max_bytes: u64,
}

/// A file received in full and durable, not yet known to the store.
pub struct Upload {
    incoming: Incoming,
    version: String,
    name: String,
    collection: Option<String>,
}

/// What became of an upload.
pub struct Accepted {
    /// The document it is, or was already.
    pub document: Document,
    /// Whether the same bytes were there before.
    pub duplicate: bool,
}

impl Incoming {
    /// Prepares to receive a file of at most `max_bytes`.
    ///
    /// # Errors
    /// If the disk refuses.
    pub async fn new(app: &App) -> Result<Self, Error> {
        app.space.admit()?;
        let id = Uuid::now_v7();
        Ok(Self {
            id,
            space: Arc::clone(&app.space),
            folder: NewFolder::new(&app.files, id).await?,
            file: File::create(app.files.original(id)).await?,
            hash: Sha256::new(),
            bytes: 0,
            max_bytes: app.config.ingest.max_file_bytes,
        })
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// [`Error::TooLarge`] past the limit, [`Error::DiskFull`] when there is no room.
    pub async fn write(&mut self, bytes: &Bytes) -> Result<(), Error> {
        let before = self.bytes;
        self.bytes += bytes.len() as u64;
        if before / ADMIT_BYTES != self.bytes / ADMIT_BYTES {
            self.space.admit()?;
        }
        if self.bytes > self.max_bytes {
            let limit = size_in_words(self.max_bytes);
            return Err(Error::TooLarge(format!(
                "the file is larger than {limit}, the most that is accepted; split it, or raise `ingest.max_file_bytes`"
            )));
        }
        self.hash.update(bytes);
        Ok(self.file.write_all(bytes).await?)
    }

    /// Makes what was received durable.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the name or the collection can't be used; else if the disk refuses.
    pub async fn complete(mut self, name: &str, collection: Option<&str>) -> Result<Upload, Error> {
        let name = clean_name(name)
            .ok_or_else(|| Error::Invalid("the file has no name; give the part a `filename`".to_owned()))?;
        let collection = clean_collection(collection)?;
        self.file.flush().await?;
        self.file.sync_all().await?;
        self.folder.sync().await?;
        let version = crate::hex(&std::mem::take(&mut self.hash).finalize());
        Ok(Upload { incoming: self, version, name, collection })
    }
}

pub(super) async fn accept(app: &App, caller: &Caller, mut upload: Upload) -> Result<Accepted, Error> {
    caller.require(Permit::Write)?;
    let owner = &caller.user;
    let collection = upload.collection.as_deref();
    let by_version = keys::document_by_version(owner, collection, &upload.version);
    loop {
        if let Some(known) = app.store.get::<Uuid>(&by_version).await?
            && let Some(known) = app.store.get::<Document>(&keys::document(known.value)).await?
        {
            match again(app, known).await? {
                Some(document) => return Ok(Accepted { document, duplicate: true }),
                None => continue,
            }
        }
        let by_name = keys::document_by_name(owner, collection, &upload.name);
        let previous = app.store.get::<Uuid>(&by_name).await?;
        let document = Document {
            id: upload.incoming.id,
            owner: owner.clone(),
            name: upload.name.clone(),
            title: upload.name.clone(),
            is_renamed: false,
            media_type: "application/octet-stream".to_owned(),
            version: upload.version.clone(),
            status: Status::Queued,
            error: None,
            notes: Vec::new(),
            pages: None,
            language: None,
            bytes: upload.incoming.bytes,
            passages: 0,
            collection: upload.collection.clone(),
            created_at: app.store.now(),
            supersedes: previous.as_ref().map(|previous| previous.value),
            superseded_by: None,
        };
        let batch =
            Batch::new().check_absent(&by_version).put(&by_version, &document.id).put(&by_name, &document.id);
        let batch = quota::keep(app, caller, &document, documents::enter(batch, &document));
        let batch = match previous {
            Some(previous) => batch.check(&by_name, previous.revision),
            None => batch.check_absent(&by_name),
        };
        match app.store.commit(batch).await? {
            Commit::Done => {
                upload.incoming.folder.keep();
                return Ok(Accepted { document, duplicate: false });
            }
            Commit::Conflict { .. } => {}
            Commit::OverLimit { key } => return Err(quota::exceeded(app, &key)),
        }
    }
}

/// The same bytes came again. A document that failed gets another try, and one that was superseded
/// is the newest of its name again. `None` if it changed meanwhile.
async fn again(app: &App, known: Record<Document>) -> Result<Option<Document>, Error> {
    let key = keys::document(known.value.id);
    let mut document = known.value;
    let mut batch = Batch::new().check(&key, known.revision);
    if document.status == Status::Failed {
        document.status = Status::Queued;
        document.error = None;
    } else if document.superseded_by.is_some() {
        let by_name = keys::document_by_name(&document.owner, document.collection.as_deref(), &document.name);
        document.supersedes = app.store.get::<Uuid>(&by_name).await?.map(|newest| newest.value);
        document.superseded_by = None;
        // Its passages have to return to the index. Its text stays: citations point into it.
        document.status = Status::Indexing;
        batch = batch.put(by_name, &document.id);
    } else {
        return Ok(Some(document));
    }
    let done = app.store.commit(batch.put(&key, &document)).await?.is_done();
    Ok(done.then_some(document))
}

/// The name of a collection without the white space around it; None if nothing is left.
///
/// # Errors
/// [`Error::Invalid`] if it is too long or has control characters.
pub(crate) fn clean_collection(name: Option<&str>) -> Result<Option<String>, Error> {
    let name = name.map(str::trim).filter(|name| !name.is_empty());
    if name.is_some_and(|name| name.len() > MAX_COLLECTION_BYTES || name.chars().any(char::is_control)) {
        return Err(Error::Invalid(format!(
            "a collection's name has at most {MAX_COLLECTION_BYTES} bytes and no control characters"
        )));
    }
    Ok(name.map(str::to_owned))
}

/// A name fit to show and to search: no control characters, no path of the uploader's machine
/// beyond the folders they chose, and not endless.
fn clean_name(name: &str) -> Option<String> {
    let name: String = name.chars().filter(|char| !char.is_control()).collect();
    let parts = name.split(['/', '\\']).map(str::trim).filter(|part| !matches!(*part, "" | "." | ".."));
    let name = parts.collect::<Vec<_>>().join("/");
    let mut start = name.len().saturating_sub(MAX_NAME_BYTES);
    while !name.is_char_boundary(start) {
        start += 1;
    }
    Some(name[start..].to_owned()).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_their_tricks_and_keep_their_folders() {
        let clean = |name| clean_name(name).unwrap_or_default();
        assert_eq!(clean("../../etc/passwd"), "etc/passwd");
        assert_eq!(clean("C:\\papers\\a.pdf"), "C:/papers/a.pdf");
        assert_eq!(clean(" a\u{0}b\n.md "), "ab.md");
        assert_eq!(clean(".."), "");
        assert_eq!(clean(&"ä".repeat(2000)).len(), MAX_NAME_BYTES);
    }
}
