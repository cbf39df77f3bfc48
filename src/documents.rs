//! Documents in the store: reading, listing, removing.

use uuid::Uuid;

use crate::app::App;
use crate::document::{Document, Status};
use crate::files::Layout;
use crate::store::{Batch, Order, Record, keys};
use crate::{Error, ingest};

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

/// A document as the store has it.
///
/// # Errors
/// [`Error::NotFound`], or if the store fails.
pub async fn get(app: &App, id: Uuid) -> Result<Record<Document>, Error> {
    let record = app.store.get(&keys::document(id)).await?;
    record.ok_or_else(|| Error::NotFound { what: "document", id: id.to_string() })
}

/// Up to `limit` documents, newest first, and where the next page begins.
///
/// # Errors
/// If the store fails.
pub async fn list(
    app: &App,
    filter: &Filter,
    after: Option<&str>,
    limit: usize,
) -> Result<(Vec<Document>, Option<String>), Error> {
    let mut documents = Vec::new();
    let mut after = after.map(str::to_owned);
    let mut last_taken = None;
    loop {
        let page =
            app.store.scan::<Document>(keys::DOCUMENTS, after.as_deref(), PAGE, Order::Descending).await?;
        let Some((last, _)) = page.last() else { return Ok((documents, None)) };
        after = Some(last.clone());
        for (key, record) in page {
            let document = app.ingest.current(record.value);
            if !filter.admits(&document) {
                continue;
            }
            if documents.len() == limit {
                return Ok((documents, last_taken));
            }
            documents.push(document);
            last_taken = Some(key);
        }
    }
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
/// [`Error::NotFound`], or if the store fails.
pub async fn delete(app: &App, id: Uuid) -> Result<(), Error> {
    loop {
        let stored = get(app, id).await?;
        let collection = stored.value.collection.as_deref();
        let by_name = keys::document_by_name(collection, &stored.value.name);
        let mut batch = Batch::new()
            .check(keys::document(id), stored.revision)
            .delete(keys::document(id))
            .delete(keys::document_by_version(collection, &stored.value.version));
        if let Some(newest) = app.store.get::<Uuid>(&by_name).await?
            && newest.value == id
        {
            batch = batch.check(&by_name, newest.revision).delete(&by_name);
        }
        if app.store.commit(batch).await?.is_done() {
            ingest::forget(app, &stored.value).await;
            app.store.clear(&keys::citations(id)).await?;
            return Ok(app.files.remove(id).await?);
        }
    }
}
