//! From passages to vectors, in the background: a document is ready before, found by its words. One
//! task looks for passages without a vector, has some embedded, and keeps them, over and over. What
//! is to do is told by the store and the vectors, so a crash leaves nothing behind but that.

use std::sync::Arc;
use std::time::Duration;

use ibid_index::{PassageVectors, Vectors};
use sha2::{Digest, Sha256};
use tokio::task::spawn_blocking;
use uuid::Uuid;

use crate::Error;
use crate::app::App;
use crate::document::{Document, Passage};
use crate::embed::Embeddings;
use crate::store::{Order, keys};

/// Passages embedded between two writes to the disk: some seconds of work for a processor.
const ROUND: usize = 256;
/// How long to leave a model alone that failed, and how often that is doubled if it goes on failing.
const PAUSE: Duration = Duration::from_secs(5);
const MAX_DOUBLINGS: u32 = 5;
/// Records read at a time.
const PAGE: usize = 500;

/// Passages of one document, on their way.
struct Part {
    document: Document,
    first: u32,
    texts: Vec<String>,
}

pub(super) async fn run(app: Arc<App>) {
    let Some(embeddings) = &app.embeddings else { return };
    let mut num_failures = 0;
    let vectors = loop {
        match embeddings.begin().await {
            Ok(vectors) => break vectors,
            Err(error) => embeddings.failed(&error),
        }
        if is_over(&app, &mut num_failures).await {
            return;
        }
    };
    num_failures = 0;
    if let Err(error) = reconcile(&app, embeddings, &vectors).await {
        tracing::error!(%error, "what lacks vectors is looked for at the next start");
    }
    while !app.stopping.is_cancelled() {
        match round(&app, embeddings, &vectors).await {
            Ok(true) => num_failures = 0,
            Ok(false) => tokio::select! {
                () = embeddings.news.notified() => {}
                () = app.stopping.cancelled() => return,
            },
            Err(()) => {
                if is_over(&app, &mut num_failures).await {
                    return;
                }
            }
        }
    }
}

/// Waits after a failure; true if the server stops meanwhile.
async fn is_over(app: &App, num_failures: &mut u32) -> bool {
    let pause = PAUSE * (1 << (*num_failures).min(MAX_DOUBLINGS));
    *num_failures += 1;
    tokio::time::timeout(pause, app.stopping.cancelled()).await.is_ok()
}

/// Puts in line what lacks vectors, and forgets what is no longer searched.
async fn reconcile(app: &App, embeddings: &Embeddings, vectors: &Vectors) -> Result<(), Error> {
    let mut held = vectors.documents();
    let mut after: Option<String> = None;
    loop {
        let page =
            app.store.scan::<Document>(keys::DOCUMENTS, after.as_deref(), PAGE, Order::Ascending).await?;
        let Some((last, _)) = page.last() else { break };
        after = Some(last.clone());
        for document in page.into_iter().map(|(_, record)| record.value) {
            if !document.is_searchable() {
                continue;
            }
            let found = held.remove(&document.id);
            let is_whole = found.is_some_and(|entry| {
                entry.version == version(&document) && entry.num_passages == document.passages
            });
            if !is_whole {
                embeddings.enqueue(document.id);
            }
        }
    }
    for gone in held.into_keys() {
        vectors.forget(gone);
    }
    Ok(())
}

/// Embeds some passages; false if there are none to embed, an error if it has to be tried again.
async fn round(app: &App, embeddings: &Embeddings, vectors: &Arc<Vectors>) -> Result<bool, ()> {
    let (parts, taken) = match take(app, embeddings, vectors).await {
        Ok(parts) => parts,
        Err((error, taken)) => {
            tracing::error!(%error, "documents can't be read for embedding");
            return give_back(embeddings, taken);
        }
    };
    if parts.is_empty() {
        return Ok(false);
    }
    let texts: Vec<String> = parts.iter().flat_map(|part| part.texts.iter().cloned()).collect();
    let mut made = match embeddings.passages(&texts).await {
        Ok(made) => made.into_iter(),
        Err(error) => {
            embeddings.failed(&error);
            return give_back(embeddings, taken);
        }
    };
    let added: Vec<PassageVectors> = parts
        .iter()
        .map(|Part { document, first, texts }| PassageVectors {
            document: document.id,
            version: version(document),
            first: *first,
            vectors: made.by_ref().take(texts.len()).collect(),
        })
        .collect();
    // On a full disk it waits, like everything that needs room.
    app.space.room(&app.stopping).await;
    let kept = Arc::clone(vectors);
    let outcome = spawn_blocking(move || kept.put(&added)).await;
    if let Err(error) = outcome.map_err(Error::from).and_then(|put| Ok(put?)) {
        tracing::error!(%error, "vectors can't be kept");
        return give_back(embeddings, taken);
    }
    for Part { document, .. } in &parts {
        app.ingest.count_change(document);
        // Deleted or replaced while it was embedded.
        let stored = app.store.get::<Document>(&keys::document(document.id)).await;
        if !stored.is_ok_and(|stored| stored.is_some_and(|record| record.value.is_searchable())) {
            vectors.forget(document.id);
        }
    }
    Ok(true)
}

fn give_back(embeddings: &Embeddings, taken: Vec<Uuid>) -> Result<bool, ()> {
    for id in taken.into_iter().rev() {
        embeddings.put_back(id);
    }
    Err(())
}

/// The next passages without a vector, and the documents that were taken from the line for them. One
/// that has more of them stays in it.
async fn take(
    app: &App,
    embeddings: &Embeddings,
    vectors: &Vectors,
) -> Result<(Vec<Part>, Vec<Uuid>), (Error, Vec<Uuid>)> {
    let (mut parts, mut taken) = (Vec::new(), Vec::new());
    let mut room = ROUND;
    while room > 0
        && let Some(id) = embeddings.next()
    {
        taken.push(id);
        let stored = match app.store.get::<Document>(&keys::document(id)).await {
            Ok(stored) => stored,
            Err(error) => return Err((error.into(), taken)),
        };
        let Some(document) = stored.map(|record| record.value).filter(Document::is_searchable) else {
            vectors.forget(id);
            continue;
        };
        // A layout that can't be read is mended by whoever finds that out, and put in line again.
        let Ok(layout) = app.files.layout(id).await else { continue };
        let entry = vectors.document(id).filter(|entry| entry.version == version(&document));
        let first = entry.map_or(0, |entry| entry.num_passages as usize);
        let lacking = layout.passages.get(first..).unwrap_or_default();
        let passages = &lacking[..lacking.len().min(room)];
        let ranges = passages.iter().map(|passage| (id, passage.range())).collect();
        let bodies = match app.files.read_texts(ranges).await {
            Ok(bodies) => bodies,
            Err(error) => return Err((error.into(), taken)),
        };
        let texts: Vec<String> = passages
            .iter()
            .zip(bodies)
            .map_while(|(passage, body)| Some(words(&document, passage, &body.ok()?)))
            .collect();
        if texts.is_empty() {
            continue;
        }
        room -= texts.len();
        let has_more = texts.len() < lacking.len();
        let first = u32::try_from(first).unwrap_or(u32::MAX);
        parts.push(Part { document, first, texts });
        if has_more {
            embeddings.put_back(id);
            taken.pop();
            break;
        }
    }
    Ok((parts, taken))
}

/// What is embedded of a passage: its words below what the document and the section are called,
/// which often say what it is about and it does not.
fn words(document: &Document, passage: &Passage, body: &str) -> String {
    let title = Some(document.title.as_str()).filter(|title| *title != document.name);
    let heading = passage.heading.as_deref().filter(|heading| Some(*heading) != title);
    let above = title
        .into_iter()
        .chain(heading)
        .filter(|line| !body.trim_start_matches(['#', ' ']).starts_with(line));
    above.chain([body]).collect::<Vec<_>>().join("\n")
}

/// Changes with whatever is embedded of a document.
fn version(document: &Document) -> String {
    let title = Sha256::digest(document.title.as_bytes());
    format!("{}-{}", document.version, crate::hex(&title[..4]))
}
