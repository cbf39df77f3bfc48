//! Keeps the index of what was said up with the store: one task takes what is waiting as one batch,
//! and at start what is missing is put back, of data older than this index all of it.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use ibid_index::{Change, Document, PassageText};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use super::{cited, parts};
use crate::app::App;
use crate::runs::RunKey;
use crate::session::{Message, MessageStatus, Session};
use crate::store::{Batch, Order, keys};
use crate::{Error, sessions};

/// Changes applied in one commit of the index.
const MAX_WAITING: usize = 512;
/// The rest after a commit. Commits cost, and merges of what they leave cost more: answers being made
/// need the processor first, and what they say is taken up together a moment later.
const REST: Duration = Duration::from_secs(2);
/// Without a change for so long the index is brought in order.
const QUIET: Duration = Duration::from_secs(10);
/// Records read at a time.
const PAGE: usize = 500;

/// A change of the index.
#[derive(Clone, Copy, Debug)]
pub(super) enum Job {
    /// Make a message findable.
    Put(RunKey),
    /// Make an older message findable, and its citations as well.
    Restore(RunKey),
    /// Drop a message.
    Remove(Uuid),
}

/// A change with what it needs of the store.
enum Ready {
    Put(Box<Said>),
    Remove(Uuid),
}

/// A message as it goes into the index.
struct Said {
    message: Message,
    /// The session, which stands where a document has its version: a hit hands it back.
    session: String,
    /// Whose it is, which stands where a document has its collections.
    owner: [String; 1],
}

pub(super) async fn run(app: Arc<App>, mut queue: mpsc::UnboundedReceiver<Job>) {
    let mut jobs = Vec::new();
    loop {
        let taken = match timeout(QUIET, queue.recv_many(&mut jobs, MAX_WAITING)).await {
            Ok(taken) => taken,
            Err(_) => {
                app.settle(&app.history.index).await;
                queue.recv_many(&mut jobs, MAX_WAITING).await
            }
        };
        if taken == 0 {
            return;
        }
        let outcome = loop {
            match apply(&app, &jobs).await {
                Err(Error::DiskFull) if !app.stopping.is_cancelled() => app.space.pause(&app.stopping).await,
                outcome => break outcome,
            }
        };
        if let Err(error) = outcome {
            let error: &(dyn std::error::Error + 'static) = &error;
            tracing::error!(error, "a change of the history's index is left for the next start");
        }
        jobs.clear();
        sleep(REST).await;
    }
}

async fn apply(app: &Arc<App>, jobs: &[Job]) -> Result<(), Error> {
    let mut ready = Vec::with_capacity(jobs.len());
    for job in jobs {
        ready.push(match *job {
            Job::Remove(message) => Ready::Remove(message),
            Job::Put(key) | Job::Restore(key) => {
                match said(app, key).await? {
                    Some(said) => {
                        if matches!(job, Job::Restore(_)) {
                            restore_citations(app, key, &said.message).await?;
                        }
                        Ready::Put(Box::new(said))
                    }
                    // Deleted while it waited.
                    None => Ready::Remove(key.message),
                }
            }
        });
    }
    let app = Arc::clone(app);
    spawn_blocking(move || -> Result<(), Error> {
        Ok(app.history.index.apply(ready.iter().map(Ready::change))?)
    })
    .await?
}

/// A message with its session; None if one of them is gone.
async fn said(app: &App, key: RunKey) -> Result<Option<Said>, Error> {
    let Some(session) = app.store.get::<Session>(&keys::session(key.session)).await? else { return Ok(None) };
    let stored = app.store.get::<Message>(&keys::message(key.session, key.message)).await?;
    let Some(stored) = stored else { return Ok(None) };
    let message = sessions::with_answer(app, key.session, stored.value).await?;
    let owner = [keys::place(&session.value.owner, None)];
    Ok(Some(Said { message, session: key.session.to_string(), owner }))
}

impl Ready {
    fn change(&self) -> Change<'_> {
        match self {
            Self::Remove(message) => Change::Delete(*message),
            Self::Put(said) => said.change(),
        }
    }
}

impl Said {
    fn change(&self) -> Change<'_> {
        let message = &self.message;
        Change::Put(Document {
            id: message.id,
            version: &self.session,
            name: "",
            title: "",
            collections: &self.owner,
            language: parts::language(message),
            passages: Box::new((0..).zip(parts::of(message)).map(|(ordinal, part)| {
                let heading = part.citation.and_then(|at| message.citations.get(at));
                Ok(PassageText {
                    ordinal,
                    heading: heading.map(|citation| Cow::Borrowed(&*citation.title)),
                    body: Cow::Owned(part.text),
                })
            })),
        })
    }
}

/// Writes the citations of an answer from before they were written with its end.
async fn restore_citations(app: &App, key: RunKey, message: &Message) -> Result<(), Error> {
    if message.citations.is_empty() {
        return Ok(());
    }
    let place = keys::message(key.session, key.message);
    let Some(stored) = app.store.get::<Message>(&place).await? else { return Ok(()) };
    let batch = Batch::new().check(place, stored.revision);
    // One that was changed at this moment was deleted, which is all that happens to an old answer.
    app.store.commit(cited::put(batch, key, &message.citations)).await?;
    Ok(())
}

/// Puts in line what the index lacks, and what it has too much of.
pub(super) async fn reconcile(app: &App) -> Result<(), Error> {
    let index = Arc::clone(&app.history.index);
    let indexed = spawn_blocking(move || index.documents()).await??;
    let mut known = HashSet::new();
    let mut num_lost = 0_u64;
    let mut after: Option<String> = None;
    loop {
        let page =
            app.store.scan::<Message>(keys::MESSAGES, after.as_deref(), PAGE, Order::Ascending).await?;
        let Some((last, _)) = page.last() else { break };
        after = Some(last.clone());
        for (key, record) in page {
            let message = record.value;
            known.insert(message.id);
            let session = key.strip_prefix(keys::MESSAGES).and_then(|rest| rest.split_once('/'));
            let Some(session) = session.and_then(|(session, _)| session.parse::<Uuid>().ok()) else {
                continue;
            };
            let is_there = indexed.get(&message.id).is_some_and(|entry| entry.version == session.to_string());
            if !is_there && message.status != MessageStatus::Running {
                app.history.send(Job::Restore(RunKey { session, message: message.id }));
                num_lost += 1;
            }
        }
    }
    if num_lost > 0 {
        tracing::info!(messages = num_lost, "adding to the index of the history");
    }
    for message in indexed.into_keys().filter(|message| !known.contains(message)) {
        app.history.send(Job::Remove(message));
    }
    Ok(())
}
