//! From passages to vectors, in the background: a document is ready before, found by its words. One
//! task looks for passages without a vector, has some embedded, and keeps them, over and over. What
//! is to do is told by the store and the vectors, so a crash leaves nothing behind but that.

use std::sync::Arc;
use std::time::Duration;

use ibid_index::PassageVectors;
use ibid_index::analysis::Language;
use sha2::{Digest, Sha256};
use tokio::task::spawn_blocking;
use uuid::Uuid;

use super::{learning, next_documents};
use crate::Error;
use crate::app::App;
use crate::document::{Document, Passage};
use crate::embed::{EmbedError, Embeddings, Engine, Space, Text};
use crate::store::keys;

/// Passages embedded between two writes to the disk: some seconds of work for a processor.
const ROUND: usize = 256;
/// How long to leave a model alone that failed, and how often that is doubled if it goes on failing.
const PAUSE: Duration = Duration::from_secs(5);
const MAX_DOUBLINGS: u32 = 5;
/// How long nothing has to come for the library to be at rest.
const REST: Duration = Duration::from_secs(3);

/// Passages of one document, on their way.
struct Part {
    document: Document,
    first: u32,
    texts: Vec<Text>,
}

pub(super) async fn run(app: Arc<App>) {
    let Some(embeddings) = &app.embeddings else { return };
    let (mut num_failures, mut is_outgrown) = (0, false);
    while !app.stopping.is_cancelled() {
        match begin(&app, embeddings, is_outgrown).await {
            Ok(space) => {
                num_failures = 0;
                keep_up(&app, embeddings, &space).await;
                is_outgrown = true;
            }
            Err(EmbedError::Stopping) => return,
            Err(error) => {
                embeddings.failed(&error);
                if is_over(&app, &mut num_failures).await {
                    return;
                }
            }
        }
    }
}

/// The vectors to work on. Those of a model that somebody chose are of use from the first one on.
async fn begin(app: &App, embeddings: &Embeddings, is_outgrown: bool) -> Result<Space, EmbedError> {
    if let Some(engine) = embeddings.chosen() {
        let space = embeddings.open_vectors(engine.clone()).await?;
        embeddings.show(space.clone());
        return Ok(space);
    }
    let known = if is_outgrown { None } else { embeddings.learnt().await };
    let corpus = match known {
        Some(corpus) => corpus,
        None => learning::learn(app, embeddings).await?,
    };
    embeddings.open_vectors(Engine::Corpus(corpus)).await
}

/// Embeds what there is and what comes, until the server stops or there is something new to learn.
async fn keep_up(app: &App, embeddings: &Embeddings, space: &Space) {
    embeddings.clear_line();
    if let Err(error) = reconcile(app, embeddings, space).await {
        tracing::error!(%error, "what lacks vectors is looked for at the next start");
    }
    let mut num_failures = 0;
    let mut is_whole = false;
    while !app.stopping.is_cancelled() {
        match round(app, embeddings, space).await {
            Ok(true) => num_failures = 0,
            Ok(false) => {
                if !is_whole {
                    // Vectors that were learnt replace those before them when they are as many.
                    is_whole = true;
                    embeddings.show(space.clone());
                    app.ingest.count_change_of_all();
                }
                let is_outgrown = |is_at_rest| {
                    space.corpus().is_some_and(|corpus| learning::is_outgrown(app, corpus, is_at_rest))
                };
                if is_outgrown(false) {
                    return;
                }
                tokio::select! {
                    () = embeddings.news.notified() => {}
                    () = tokio::time::sleep(REST), if is_outgrown(true) => return,
                    () = app.stopping.cancelled() => return,
                }
            }
            Err(()) => {
                if is_over(app, &mut num_failures).await {
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
async fn reconcile(app: &App, embeddings: &Embeddings, space: &Space) -> Result<(), Error> {
    let mut held = space.vectors.documents();
    let mut after = None;
    while let Some(documents) = next_documents(app, &mut after).await? {
        for document in documents {
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
        space.vectors.forget(gone);
    }
    Ok(())
}

/// Embeds some passages; false if there are none to embed, an error if it has to be tried again.
async fn round(app: &App, embeddings: &Embeddings, space: &Space) -> Result<bool, ()> {
    let (mut parts, taken) = match take(app, embeddings, space).await {
        Ok(parts) => parts,
        Err((error, taken)) => {
            tracing::error!(%error, "documents can't be read for embedding");
            return give_back(embeddings, taken);
        }
    };
    if parts.is_empty() {
        return Ok(false);
    }
    let nums: Vec<usize> = parts.iter().map(|part| part.texts.len()).collect();
    let texts = parts.iter_mut().flat_map(|part| std::mem::take(&mut part.texts)).collect();
    let mut made = match embeddings.passages(space, texts).await {
        Ok(made) => made.into_iter(),
        Err(error) => {
            embeddings.failed(&error);
            return give_back(embeddings, taken);
        }
    };
    let added: Vec<PassageVectors> = parts
        .iter()
        .zip(nums)
        .map(|(Part { document, first, .. }, num)| PassageVectors {
            document: document.id,
            version: version(document),
            first: *first,
            vectors: made.by_ref().take(num).collect(),
        })
        .collect();
    // On a full disk it waits, like everything that needs room.
    app.space.room(&app.stopping).await;
    let kept = Arc::clone(&space.vectors);
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
            space.vectors.forget(document.id);
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
    space: &Space,
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
            space.vectors.forget(id);
            continue;
        };
        // A layout that can't be read is mended by whoever finds that out, and put in line again.
        let Ok(layout) = app.files.layout(id).await else { continue };
        let entry = space.vectors.document(id).filter(|entry| entry.version == version(&document));
        let first = entry.map_or(0, |entry| entry.num_passages as usize);
        let lacking = layout.passages.get(first..).unwrap_or_default();
        let passages = &lacking[..lacking.len().min(room)];
        let ranges = passages.iter().map(|passage| (id, passage.range())).collect();
        let bodies = match app.files.read_texts(ranges).await {
            Ok(bodies) => bodies,
            Err(error) => return Err((error.into(), taken)),
        };
        let texts: Vec<Text> = passages
            .iter()
            .zip(bodies)
            .map_while(|(passage, body)| Some(text(&document, passage, &body.ok()?)))
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

/// What is embedded of a passage.
pub(super) fn text(document: &Document, passage: &Passage, body: &str) -> Text {
    let language = document.language.as_deref().and_then(Language::from_code);
    Text { words: in_context(document, passage, body), language }
}

/// What a model reads of a passage: its words below what the document and the section are called,
/// which often say what it is about and it does not.
pub(crate) fn in_context(document: &Document, passage: &Passage, body: &str) -> String {
    let title = Some(document.title.as_str()).filter(|title| *title != document.name);
    let heading = passage.heading.as_deref().filter(|heading| Some(*heading) != title);
    let above = title
        .into_iter()
        .chain(heading)
        .filter(|line| !body.trim_start_matches(['#', ' ']).starts_with(line));
    above.chain(passage.columns.as_deref()).chain([body]).collect::<Vec<_>>().join("\n")
}

/// Changes with whatever is embedded of a document.
fn version(document: &Document) -> String {
    let title = Sha256::digest(document.title.as_bytes());
    format!("{}-{}", document.version, crate::hex(&title[..4]))
}
