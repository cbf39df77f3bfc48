//! Documents in the store: reading, listing, changing, removing. What is in them is `ingest`'s.

use std::collections::HashSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::access::{Caller, Permit, Readable, quota};
use crate::app::App;
use crate::document::{Document, Status};
use crate::files::Layout;
use crate::store::{Batch, Order, Record, keys};
use crate::{Error, ingest, sessions};

/// Records read at a time.
const PAGE: usize = 200;

/// Which documents to list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only of this collection.
    pub collection: Option<String>,
    /// Only in this state.
    pub status: Option<Status>,
    /// Only with this in their name or title, whatever the case.
    pub name: Option<String>,
    /// Also those that a newer version has replaced.
    pub superseded: bool,
}

impl Filter {
    fn admits(&self, document: &Document) -> bool {
        let named = |wanted: &String| {
            let wanted = wanted.to_lowercase();
            document.name.to_lowercase().contains(&wanted) || document.title.to_lowercase().contains(&wanted)
        };
        (self.superseded || document.superseded_by.is_none())
            && self.collection.as_ref().is_none_or(|wanted| Some(wanted) == document.collection.as_ref())
            && self.status.is_none_or(|wanted| wanted == document.status)
            && self.name.as_ref().is_none_or(named)
    }
}

/// What a reader can change about a document.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Change {
    /// Its new title.
    pub title: Option<String>,
    /// The collection it goes to, its earlier versions with it; empty for none.
    pub collection: Option<String>,
}

/// An entry of a user's list of documents. The record of a document can be read as one.
#[derive(Serialize, Deserialize)]
struct Entry {
    id: Uuid,
}

/// A document that the caller may read, as the store has it.
///
/// # Errors
/// [`Error::NotFound`], or if the store fails.
pub async fn get(app: &App, caller: &Caller, id: Uuid) -> Result<Record<Document>, Error> {
    let missing = || Error::NotFound { what: "document", id: id.to_string() };
    let record = app.store.get::<Document>(&keys::document(id)).await?.ok_or_else(missing)?;
    if caller.may_read(app, &record.value).await? { Ok(record) } else { Err(missing()) }
}

/// A document that the caller may change, as the store has it.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Forbidden`] if it is only shared with the caller, or if the store fails.
pub async fn owned(app: &App, caller: &Caller, id: Uuid) -> Result<Record<Document>, Error> {
    let record = get(app, caller, id).await?;
    if record.value.owner != caller.user {
        return Err(Error::Forbidden(format!(
            "document `{id}` is another user's; only they can change or delete it"
        )));
    }
    Ok(record)
}

/// Up to `limit` documents, and where the next page begins: the caller's, then those that others
/// share with them, newest first.
///
/// # Errors
/// [`Error::Invalid`] if `after` is not where a page of this list ended, or if the store fails.
pub async fn list(
    app: &App,
    caller: &Caller,
    filter: &Filter,
    after: Option<&str>,
    limit: usize,
) -> Result<(Vec<Document>, Option<String>), Error> {
    let readable = Readable::load(app, caller).await?;
    let lists: Vec<String> = readable.owners().map(keys::documents_of).collect();
    let begin = after.map_or(Some(0), |after| lists.iter().position(|list| after.starts_with(list)));
    let begin = begin.ok_or_else(|| {
        Error::Invalid("`cursor` is not one this list gave; leave it out to begin at the start".to_owned())
    })?;
    let mut after = after.map(str::to_owned);
    let mut documents = Vec::new();
    let mut last_taken = None;
    for list in &lists[begin..] {
        loop {
            let page = app.store.scan::<Entry>(list, after.as_deref(), PAGE, Order::Descending).await?;
            let Some((last, _)) = page.last() else { break };
            after = Some(last.clone());
            let ids: Vec<String> = page.iter().map(|(_, entry)| keys::document(entry.value.id)).collect();
            let stored = app.store.get_many::<Document>(&ids).await?;
            for ((key, _), record) in page.into_iter().zip(stored) {
                let Some(document) = record.map(|record| app.ingest.current(record.value)) else { continue };
                if !readable.admits(&document) || !filter.admits(&document) {
                    continue;
                }
                if documents.len() == limit {
                    return Ok((documents, last_taken));
                }
                documents.push(document);
                last_taken = Some(key);
            }
        }
        after = None;
    }
    Ok((documents, None))
}

/// Adds to a change that there is a new document.
#[must_use]
pub fn enter(batch: Batch, document: &Document) -> Batch {
    let batch = batch.put(keys::document(document.id), document);
    if document.owner.is_local() {
        return batch;
    }
    batch.put(listed(document), &Entry { id: document.id })
}

/// The place of a document in its owner's list.
fn listed(document: &Document) -> String {
    format!("{}{}", keys::documents_of(&document.owner), document.id)
}

/// The keys by which a document is found: its name, and its bytes. They may name another by now.
pub(crate) fn found_by(document: &Document) -> [String; 2] {
    let Document { owner, collection, name, version, .. } = document;
    let collection = collection.as_deref();
    [keys::document_by_name(owner, collection, name), keys::document_by_version(owner, collection, version)]
}

/// Gives a document another title or moves it to another collection. When this returns, searches
/// find it by the one and in the other. A crash in between leaves it to be read again at the start.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Forbidden`] for another user's document, [`Error::Invalid`] for an unusable name, a document still being read, or one
/// that the other collection has already, or if the store fails.
pub async fn change(app: &App, caller: &Caller, id: Uuid, change: &Change) -> Result<Document, Error> {
    let title = change.title.as_deref().map(sessions::clean_title).transpose()?;
    let collection = match &change.collection {
        Some(name) => Some(ingest::clean_collection(Some(name))?),
        None => None,
    };
    loop {
        let stored = owned(app, caller, id).await?;
        if !stored.value.status.is_final() {
            return Err(Error::Invalid(format!("document `{id}` is still being read; try again then")));
        }
        let mut document = stored.value.clone();
        if let Some(title) = &title {
            document.is_renamed = true;
            document.title.clone_from(title);
        }
        let mut batch = Batch::new().check(keys::document(id), stored.revision);
        if let Some(to) = collection.as_ref().filter(|to| **to != document.collection) {
            batch = relocate(app, batch, &stored.value, to.as_deref()).await?;
            document.collection.clone_from(to);
        }
        let is_searched = document.is_searchable();
        if is_searched {
            document.status = Status::Indexing;
        }
        if app.store.commit(batch.put(keys::document(id), &document)).await?.is_done() {
            return match is_searched {
                true => ingest::reindex(app, caller, document).await,
                false => Ok(document),
            };
        }
    }
}

/// Adds to a batch what a document's move to another collection takes besides its own record.
async fn relocate(app: &App, batch: Batch, newest: &Document, to: Option<&str>) -> Result<Batch, Error> {
    if newest.superseded_by.is_some() {
        return Err(Error::Invalid("an older version goes where the newest goes; move that".to_owned()));
    }
    let (owner, from) = (&newest.owner, newest.collection.as_deref());
    let old_name = keys::document_by_name(owner, from, &newest.name);
    let new_name = keys::document_by_name(owner, to, &newest.name);
    if app.store.get::<Uuid>(&new_name).await?.is_some() {
        let place = to.map_or_else(|| "outside of collections".to_owned(), |name| format!("in `{name}`"));
        let taken = format!("there is a `{}` {place} already; delete one of the two first", newest.name);
        return Err(Error::Invalid(taken));
    }
    let mut batch = batch.delete(old_name).check_absent(&new_name).put(new_name, &newest.id);
    let mut seen = HashSet::new();
    let mut version = Some(newest.clone());
    while let Some(document) = version.filter(|document| seen.insert(document.id)) {
        let holds = keys::document_by_version(owner, from, &document.version);
        // Of a document that was read anew, the newest reading.
        if let Some(held) = app.store.get::<Uuid>(&holds).await?
            && held.value == document.id
        {
            let held = keys::document_by_version(owner, to, &document.version);
            if app.store.get::<Uuid>(&held).await?.is_some() {
                return Err(Error::Invalid(format!(
                    "the bytes of `{}` are in that collection already",
                    document.name
                )));
            }
            batch = batch.delete(holds).check_absent(&held).put(held, &document.id);
        }
        version = match document.supersedes {
            Some(id) => {
                let key = keys::document(id);
                let older = app.store.get::<Document>(&key).await?.filter(|older| {
                    older.value.status.is_final()
                        && older.value.id != newest.id
                        && older.value.collection.as_deref() == from
                });
                older.map(|older| {
                    let moved = Document { collection: to.map(str::to_owned), ..older.value.clone() };
                    batch = std::mem::take(&mut batch).check(&key, older.revision).put(&key, &moved);
                    older.value
                })
            }
            None => None,
        };
    }
    Ok(batch)
}

/// Where the pages and passages of a document are.
///
/// # Errors
/// [`Error::Invalid`] while it has no text, or if its files can't be read.
pub async fn layout(app: &App, document: &Document) -> Result<std::sync::Arc<Layout>, Error> {
    match document.status {
        Status::Ready => Ok(app.files.layout(document.id).await?),
        Status::Failed => Err(Error::Invalid(format!(
            "document `{}` has no text: {}",
            document.id,
            document.error.as_deref().unwrap_or("it could not be read")
        ))),
        Status::Queued | Status::Extracting | Status::Indexing => Err(Error::Invalid(format!(
            "document `{}` is still being read; try again in a moment",
            document.id
        ))),
    }
}

/// Removes a document. When this returns, no search and no answer uses it any more.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Forbidden`] if it is only shared with the caller, or if the store
/// fails.
pub async fn delete(app: &App, caller: &Caller, id: Uuid) -> Result<(), Error> {
    caller.require(Permit::Write)?;
    loop {
        let stored = owned(app, caller, id).await?;
        let mut batch = Batch::new()
            .check(keys::document(id), stored.revision)
            .delete(keys::document(id))
            .delete(listed(&stored.value));
        // A newer version may have its name, and the same bytes read anew its version.
        for key in found_by(&stored.value) {
            if let Some(named) = app.store.get::<Uuid>(&key).await?
                && named.value == id
            {
                batch = batch.check(&key, named.revision).delete(&key);
            }
        }
        if app.store.commit(quota::release(&stored.value, batch)).await?.is_done() {
            ingest::forget(app, &stored.value).await;
            app.store.clear(&keys::citations(id)).await?;
            return Ok(app.files.remove(id).await?);
        }
    }
}
