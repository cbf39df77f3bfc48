//! From passages to the index. One task takes what is waiting as one batch, so that a thousand
//! small uploads cost a few index commits, and stores each document's outcome after its passages
//! can be found.

use std::borrow::Cow;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use ibid_index::analysis::Language;
use ibid_index::{Change, PassageText};
use serde::de::IgnoredAny;
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::timeout;
use uuid::Uuid;

use crate::Error;
use crate::abbreviation::Abbreviations;
use crate::app::App;
use crate::document::{Document, HEADING_SEPARATOR, Passage, Status};
use crate::files::Layout;
use crate::store::keys;

/// Changes waiting beyond this make extraction wait.
pub(super) const MAX_WAITING: usize = 256;
/// How long nothing comes before the index is brought in order.
const REST: Duration = Duration::from_secs(2);
/// How long to wait before a full disk is tried again.
const DISK_FULL_PAUSE: Duration = Duration::from_secs(5);

/// A change of the index.
pub(super) enum Job {
    /// Make a document's passages findable, then the document ready.
    Put(Document),
    /// Put back what the index lost of a document that is ready.
    Restore(Document),
    /// Drop a document's passages.
    Remove(Uuid),
}

/// Puts an extracted document in line.
pub(super) async fn index(app: &App, document: Document) {
    send(app, Job::Put(document)).await;
}

/// Puts the removal of a document in line. Searches ignore it from the moment the store does.
pub(super) async fn remove(app: &App, id: Uuid) {
    send(app, Job::Remove(id)).await;
}

pub(super) async fn send(app: &App, job: Job) {
    // The task ends only with the process; what is lost then is found again at the next start.
    let _ = app.ingest.index_queue.send(job).await;
}

pub(super) async fn run(app: Arc<App>, mut queue: mpsc::Receiver<Job>) {
    let mut jobs = Vec::new();
    // What an earlier server left may need it too.
    let mut is_settled = false;
    let mut settling: Option<JoinHandle<()>> = None;
    loop {
        let taken = queue.recv_many(&mut jobs, MAX_WAITING);
        let taken = match is_settled {
            true => taken.await,
            false => match timeout(REST, taken).await {
                Ok(taken) => taken,
                Err(_) => {
                    // Of a large index it takes a while, and what comes meanwhile does not wait for it.
                    if settling.as_ref().is_none_or(JoinHandle::is_finished) {
                        let app = Arc::clone(&app);
                        settling = Some(tokio::spawn(async move { app.settle(&app.index).await }));
                        is_settled = true;
                    }
                    continue;
                }
            },
        };
        if taken == 0 {
            return;
        }
        is_settled = false;
        let batch: Arc<Vec<Job>> = Arc::new(std::mem::take(&mut jobs));
        let outcomes = apply(&app, &batch).await;
        let finished = batch.iter().zip(outcomes).map(|(job, outcome)| conclude(&app, job, outcome));
        futures::future::join_all(finished).await;
    }
}

/// Applies all jobs in one commit, or, if one of them spoils that, each in its own.
async fn apply(app: &Arc<App>, batch: &Arc<Vec<Job>>) -> Vec<Result<(), Error>> {
    let whole = apply_range(app, batch, 0..batch.len()).await;
    let Err(error) = whole else { return batch.iter().map(|_| Ok(())).collect() };
    if batch.len() == 1 {
        return vec![Err(error)];
    }
    let mut outcomes = Vec::with_capacity(batch.len());
    for number in 0..batch.len() {
        outcomes.push(apply_range(app, batch, number..number + 1).await);
    }
    outcomes
}

async fn apply_range(
    app: &Arc<App>,
    batch: &Arc<Vec<Job>>,
    range: std::ops::Range<usize>,
) -> Result<(), Error> {
    loop {
        let (app, batch, range) = (Arc::clone(app), Arc::clone(batch), range.clone());
        let outcome = spawn_blocking(move || -> Result<(), Error> {
            let sources = batch[range]
                .iter()
                .map(|job| Source::open(&app, job))
                .collect::<Result<Vec<_>, io::Error>>()?;
            Ok(app.index.apply(sources.iter().map(Source::change))?)
        })
        .await?;
        match outcome {
            Err(Error::DiskFull) => {
                tracing::error!("the disk is full: indexing waits for room");
                tokio::time::sleep(DISK_FULL_PAUSE).await;
            }
            outcome => return outcome,
        }
    }
}

async fn conclude(app: &App, job: &Job, outcome: Result<(), Error>) {
    let stored = match (job, outcome) {
        (Job::Put(document), Ok(())) => {
            super::finish(app, Document { status: Status::Ready, ..document.clone() }).await
        }
        (Job::Put(document), Err(error)) => {
            // One that was deleted while it waited has lost its files as well.
            let is_there = app.store.get::<IgnoredAny>(&keys::document(document.id)).await;
            if !matches!(is_there, Ok(None)) {
                let error: &(dyn std::error::Error + 'static) = &error;
                tracing::error!(document.id = %document.id, error, "the document can't be indexed");
            }
            let reason = "its text can't be indexed; the log has the cause".to_owned();
            super::finish(app, Document { status: Status::Failed, error: Some(reason), ..document.clone() })
                .await
        }
        (Job::Restore(document), outcome) => {
            app.ingest.rebuild.step();
            // Its text is missing or damaged: back to the original.
            if outcome.is_err() {
                app.ingest.enqueue(document.id);
            }
            outcome
        }
        (Job::Remove(_), outcome) => outcome,
    };
    if let (Ok(()), Some(embeddings)) = (&stored, &app.embeddings) {
        match job {
            Job::Put(document) | Job::Restore(document) => embeddings.enqueue(document.id),
            Job::Remove(id) => embeddings.forget(*id),
        }
    }
    if let Err(error) = stored {
        let error: &(dyn std::error::Error + 'static) = &error;
        tracing::error!(error, "a change of the index is left for the next start");
    }
}

/// A job with its files open.
enum Source<'a> {
    Put {
        document: &'a Document,
        places: Vec<String>,
        layout: Layout,
        text: std::fs::File,
        abbreviations: Abbreviations,
    },
    Remove(Uuid),
}

impl<'a> Source<'a> {
    fn open(app: &App, job: &'a Job) -> io::Result<Self> {
        match job {
            Job::Remove(id) => Ok(Self::Remove(*id)),
            Job::Put(document) | Job::Restore(document) => {
                let layout = std::fs::read(app.files.layout_path(document.id))?;
                let layout: Layout = serde_json::from_slice(&layout)?;
                let text = std::fs::File::open(app.files.text(document.id))?;
                let places = crate::access::places(document);
                let mut abbreviations = Abbreviations::default();
                for passage in &layout.passages {
                    abbreviations.read(&crate::files::read_range(&text, passage.range())?);
                }
                Ok(Self::Put { document, places, layout, text, abbreviations })
            }
        }
    }

    fn change(&self) -> Change<'_> {
        match self {
            Self::Remove(id) => Change::Delete(*id),
            Self::Put { document, places, layout, text, abbreviations } => {
                Change::Put(ibid_index::Document {
                    id: document.id,
                    version: &document.version,
                    name: &document.name,
                    title: &document.title,
                    collections: places,
                    language: document.language.as_deref().and_then(Language::from_code),
                    passages: Box::new(layout.passages.iter().map(|passage| {
                        let body = crate::files::read_range(text, passage.range())?;
                        let heading = above(&document.title, passage, &abbreviations.missing_in(&body));
                        Ok(PassageText { ordinal: passage.ordinal, heading, body: Cow::Owned(body) })
                    })),
                })
            }
        }
    }
}

/// What stands above a passage, each on a line: its headings, the columns of the table it begins in, and how
/// else its document writes what it says.
fn above<'a>(title: &str, passage: &'a Passage, otherwise: &[&str]) -> Option<Cow<'a, str>> {
    let heading = passage.heading.as_deref().and_then(|heading| below(title, heading));
    let lines = heading.into_iter().chain(passage.columns.as_deref());
    match (lines.collect::<Vec<_>>().as_slice(), otherwise) {
        ([], []) => None,
        ([line], []) => Some(Cow::Borrowed(line)),
        (lines, otherwise) => Some(Cow::Owned([lines, otherwise].concat().join("\n"))),
    }
}

/// The headings below one that only says the title again, which the index has already.
fn below<'a>(title: &str, heading: &'a str) -> Option<&'a str> {
    match heading.strip_prefix(title) {
        Some("") => None,
        Some(rest) => Some(rest.strip_prefix(HEADING_SEPARATOR).unwrap_or(heading)),
        None => Some(heading),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heading_that_is_the_title_is_indexed_once() {
        assert_eq!(below("Eels", "Eels"), None);
        assert_eq!(below("Eels", "Eels › Ladders"), Some("Ladders"));
        assert_eq!(below("Eels", "Eels and ladders"), Some("Eels and ladders"));
        assert_eq!(below("Eels", "Ladders › Eels"), Some("Ladders › Eels"));
    }

    #[test]
    fn a_passage_inside_a_table_is_indexed_with_what_stands_above_its_columns() {
        let above = |heading: Option<&str>, columns: Option<&str>| {
            let (heading, columns) = (heading.map(str::to_owned), columns.map(str::to_owned));
            let passage = Passage { ordinal: 0, start: 0, end: 9, page: None, heading, columns };
            above("Eels", &passage, &[]).map(Cow::into_owned)
        };
        assert_eq!(above(Some("Eels › Ladders"), Some("2023 2022")).as_deref(), Some("Ladders\n2023 2022"));
        assert_eq!(above(Some("Eels"), Some("2023 2022")).as_deref(), Some("2023 2022"));
        assert_eq!(above(Some("Eels"), None), None);
    }
}
