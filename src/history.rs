//! Finding what was asked, answered and cited before. Messages are searched in an index of their
//! own, a hint like that of the passages; which answers cite a document is in the store, written
//! with the end of each answer. Nothing here changes a message.

mod cited;
mod indexing;
mod parts;

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use ibid_index::{Highlighter, IndexError, PassageIndex, Query, Scope};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use uuid::Uuid;

use crate::Error;
use crate::access::Caller;
use crate::app::{App, OpenError, open_index};
use crate::event::{Citation, Event};
use crate::runs::RunKey;
use crate::session::{Role, Session};
use crate::sessions;
use crate::store::{Batch, keys};
use indexing::Job;

pub use cited::{CitedPlace, cited};
pub use parts::PartKind;

/// Parts looked at for each message that is wanted: several parts of one message can match.
const PARTS_PER_MESSAGE: usize = 4;

/// The index of what was said.
pub struct History {
    index: Arc<PassageIndex>,
    queue: mpsc::UnboundedSender<Job>,
}

/// The receiving end of the queue, for [`start`].
pub struct Work(mpsc::UnboundedReceiver<Job>);

impl History {
    /// Opens the index in this folder; [`start`] sets the work going.
    ///
    /// # Errors
    /// If it can't be opened, and not be rebuilt either.
    pub async fn open(folder: &Path, verify: bool) -> Result<(Self, Work), OpenError> {
        let folder = folder.to_owned();
        let opened = spawn_blocking(move || open_index(&folder, verify)).await;
        let index = Arc::new(opened.map_err(|error| OpenError::Io(error.into()))??);
        let (queue, work) = mpsc::unbounded_channel();
        Ok((Self { index, queue }, Work(work)))
    }

    fn send(&self, job: Job) {
        // The task ends only with the process; what is lost then is found again at the next start.
        let _ = self.queue.send(job);
    }
}

/// Starts the background work, and makes the index agree with the store.
pub fn start(app: &Arc<App>, work: Work) {
    tokio::spawn(indexing::run(Arc::clone(app), work.0));
    let app = Arc::clone(app);
    tokio::spawn(async move {
        if let Err(error) = indexing::reconcile(&app).await {
            tracing::error!(%error, "the history can't be searched in full until the next start");
        }
    });
}

/// Adds what an answer cites to the change that stores its end.
pub(crate) fn note(batch: Batch, key: RunKey, answer: &[Event]) -> Batch {
    cited::put(batch, key, cited::citations(answer))
}

/// Makes an answer that has ended, and its question, findable.
pub(crate) fn settled(app: &App, key: RunKey, question: Option<Uuid>) {
    let question = question.map(|message| RunKey { session: key.session, message });
    for key in question.into_iter().chain([key]) {
        app.history.send(Job::Put(key));
    }
}

/// Drops what is kept here of a message, its citations with the change that removes it.
///
/// # Errors
/// If the store fails.
pub(crate) async fn forget(app: &App, batch: Batch, key: RunKey) -> Result<Batch, Error> {
    app.history.send(Job::Remove(key.message));
    cited::delete(app, batch, key).await
}

/// A message that was found.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Found {
    /// Its session.
    pub session_id: Uuid,
    /// The title of the session.
    pub session_title: String,
    /// The message.
    pub message_id: Uuid,
    /// When it was written.
    pub created_at: Timestamp,
    /// What of it matches best.
    pub kind: PartKind,
    /// The part that matches best: words of the question or the answer, or a cited quote.
    pub text: String,
    /// Where in `text` the matched words are, in bytes.
    pub highlights: Vec<[usize; 2]>,
    /// The question, if the match is in its answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub question: Option<String>,
    /// The citation, if the match is in its quote.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub citation: Option<Citation>,
    /// Higher is better, comparable within one search.
    pub score: f32,
}

/// The messages of the caller that match best, best first, each once.
///
/// # Errors
/// If the index or the store fails.
pub async fn search(app: &App, caller: &Caller, query: &str, limit: usize) -> Result<Vec<Found>, Error> {
    let (index, asked) = (Arc::clone(&app.history.index), Query::new(query, None));
    let own = Scope::collections(vec![keys::place(&caller.user, None)]);
    let parts = limit.saturating_mul(PARTS_PER_MESSAGE);
    let found = spawn_blocking(move || {
        let asked = index.spelled(asked)?;
        let hits = index.search(&own, &asked, parts)?;
        Ok::<_, IndexError>((asked, hits))
    });
    let (asked, hits) = found.await??;
    let mut highlighter = Highlighter::new(&asked);
    let mut sessions: HashMap<Uuid, Option<Session>> = HashMap::new();
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    for hit in hits {
        if found.len() == limit {
            break;
        }
        let Ok(session_id) = hit.version.parse::<Uuid>() else { continue };
        if !seen.insert(hit.document) {
            continue;
        }
        let session = match sessions.entry(session_id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(session(app, caller, session_id).await?),
        };
        // The store has the last word on what there is.
        let Some(session) = session else { continue };
        let message = match sessions::message(app, caller, session_id, hit.document).await {
            Ok(message) => message,
            Err(Error::NotFound { .. }) => continue,
            Err(error) => return Err(error),
        };
        let question = match message.parent_id.filter(|_| message.role == Role::Assistant) {
            Some(id) => {
                sessions::header(app, caller, session_id, id).await.ok().map(|question| question.content)
            }
            None => None,
        };
        let Some(part) = parts::of(&message).into_iter().nth(hit.ordinal as usize) else { continue };
        let highlights = highlighter.find(&part.text, parts::language(&message));
        found.push(Found {
            session_id,
            session_title: session.title.clone(),
            message_id: message.id,
            created_at: message.created_at,
            kind: part.kind,
            highlights: highlights.into_iter().map(|Range { start, end }| [start, end]).collect(),
            question,
            citation: part.citation.and_then(|at| message.citations.get(at).cloned()),
            text: part.text,
            score: hit.score,
        });
    }
    Ok(found)
}

async fn session(app: &App, caller: &Caller, id: Uuid) -> Result<Option<Session>, Error> {
    match sessions::get(app, caller, id).await {
        Ok(session) => Ok(Some(session.value)),
        Err(Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
