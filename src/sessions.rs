//! Sessions and their messages in the store. An answer's record holds how it stands; its words,
//! sources and citations are the fold of its events.

use std::io;

use uuid::Uuid;

use crate::app::App;
use crate::idempotency::Claim;
use crate::runs::RunKey;
use crate::session::{Message, MessageStatus, Mode, Role, Session};
use crate::store::{Batch, Order, Record, keys};
use crate::{Error, run};

/// The longest title, in bytes.
const MAX_TITLE_BYTES: usize = 500;
/// Keys read or removed at a time.
const PAGE: usize = 500;

/// What a new session is made from.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NewSession {
    /// Its title; the beginning of the first question if absent.
    pub title: Option<String>,
    /// The model that answers; the configured default if absent.
    pub model: Option<String>,
    /// The mode of messages that name none.
    pub mode: Mode,
    /// Search only these documents.
    pub document_ids: Option<Vec<Uuid>>,
    /// Search only this collection.
    pub collection: Option<String>,
    /// The reader's own grouping.
    pub project_id: Option<String>,
    /// The reader's own grouping, one level down.
    pub task_id: Option<String>,
}

/// Opens a session; the one that was opened before under the same key, if there is one.
///
/// # Errors
/// [`Error::Invalid`] for a model or documents that do not exist, or if the store fails.
pub async fn create(app: &App, new: NewSession, claim: Option<&Claim>) -> Result<Session, Error> {
    if let Some(claim) = claim
        && let Some(session) = claim.made(app).await?
    {
        return Ok(get(app, session).await?.value);
    }
    if let Some(model) = &new.model {
        app.model(Some(model))?;
    }
    for id in new.document_ids.iter().flatten() {
        crate::documents::get(app, *id).await?;
    }
    let now = app.store.now();
    let session = Session {
        id: Uuid::now_v7(),
        title: new.title.map(|title| clean_title(&title)).transpose()?.unwrap_or_default(),
        created_at: now,
        updated_at: now,
        model: new.model,
        mode: new.mode,
        document_ids: new.document_ids,
        collection: new.collection,
        project_id: new.project_id,
        task_id: new.task_id,
        message_count: 0,
    };
    let batch = Batch::new()
        .check_absent(keys::session(session.id))
        .put(keys::session(session.id), &session)
        .put(keys::recent_session(now, session.id), &session.id);
    let batch = match claim {
        Some(claim) => claim.note(batch, session.id, now),
        None => batch,
    };
    match app.store.commit(batch).await?.is_done() {
        true => Ok(session),
        false => Err(Error::Conflict("the session")),
    }
}

/// A session as the store has it.
///
/// # Errors
/// [`Error::NotFound`], or if the store fails.
pub async fn get(app: &App, id: Uuid) -> Result<Record<Session>, Error> {
    let record = app.store.get(&keys::session(id)).await?;
    record.ok_or_else(|| Error::NotFound { what: "session", id: id.to_string() })
}

/// Up to `limit` sessions, most recently used first, and where the next page begins.
///
/// # Errors
/// If the store fails.
pub async fn list(
    app: &App,
    after: Option<&str>,
    limit: usize,
) -> Result<(Vec<Session>, Option<String>), Error> {
    let page = app.store.scan::<Uuid>(keys::RECENT_SESSIONS, after, limit + 1, Order::Ascending).await?;
    let next = page.get(limit).and_then(|_| page.get(limit - 1)).map(|(key, _)| key.clone());
    let ids: Vec<String> = page.iter().take(limit).map(|(_, record)| keys::session(record.value)).collect();
    let sessions = app.store.get_many::<Session>(&ids).await?;
    Ok((sessions.into_iter().flatten().map(|record| record.value).collect(), next))
}

/// Renames a session.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Invalid`] for an unusable title, or if the store fails.
pub async fn rename(app: &App, id: Uuid, title: &str) -> Result<Session, Error> {
    let title = clean_title(title)?;
    loop {
        let stored = get(app, id).await?;
        let renamed = Session { title: title.clone(), updated_at: app.store.now(), ..stored.value.clone() };
        if update(app, Batch::new(), &stored, &renamed).await? {
            return Ok(renamed);
        }
    }
}

/// Adds the change of a session to a batch and commits it. False if the session changed meanwhile.
///
/// # Errors
/// If the store fails.
pub async fn update(
    app: &App,
    batch: Batch,
    before: &Record<Session>,
    after: &Session,
) -> Result<bool, Error> {
    let key = keys::session(after.id);
    let batch = batch
        .check(&key, before.revision)
        .put(&key, after)
        .delete(keys::recent_session(before.value.updated_at, after.id))
        .put(keys::recent_session(after.updated_at, after.id), &after.id);
    Ok(app.store.commit(batch).await?.is_done())
}

/// Removes a session with all its messages; answers still being made are stopped.
///
/// # Errors
/// [`Error::NotFound`], or if the store fails.
pub async fn delete(app: &App, id: Uuid) -> Result<(), Error> {
    loop {
        let stored = get(app, id).await?;
        let batch = Batch::new()
            .check(keys::session(id), stored.revision)
            .delete(keys::session(id))
            .delete(keys::recent_session(stored.value.updated_at, id));
        if app.store.commit(batch).await?.is_done() {
            break;
        }
    }
    loop {
        let page = app.store.scan::<Message>(&keys::messages(id), None, PAGE, Order::Ascending).await?;
        if page.is_empty() {
            break;
        }
        let mut batch = Batch::new();
        for (key, record) in page {
            app.runs.cancel(record.value.id);
            batch = batch.delete(key).delete(keys::run(record.value.id));
        }
        app.store.commit(batch).await?;
    }
    Ok(app.runs.forget_session(id).await?)
}

/// All messages of a session, oldest first, answers with their words and sources.
///
/// # Errors
/// If the store or an answer's record can't be read.
pub async fn messages(app: &App, session: Uuid) -> Result<Vec<Message>, Error> {
    let prefix = keys::messages(session);
    let mut messages = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let page = app.store.scan::<Message>(&prefix, after.as_deref(), PAGE, Order::Ascending).await?;
        let Some((last, _)) = page.last() else { break };
        after = Some(last.clone());
        for (_, record) in page {
            messages.push(with_answer(app, session, record.value).await?);
        }
    }
    Ok(messages)
}

/// One message.
///
/// # Errors
/// [`Error::NotFound`], or if the store or the answer's record can't be read.
pub async fn message(app: &App, session: Uuid, id: Uuid) -> Result<Message, Error> {
    let message = header(app, session, id).await?;
    with_answer(app, session, message).await
}

/// One message as its record stands, an answer without its words.
///
/// # Errors
/// [`Error::NotFound`], or if the store fails.
pub async fn header(app: &App, session: Uuid, id: Uuid) -> Result<Message, Error> {
    let record = app.store.get::<Message>(&keys::message(session, id)).await?;
    let record = record.ok_or_else(|| Error::NotFound { what: "message", id: id.to_string() })?;
    Ok(record.value)
}

/// Fills an answer from its events.
///
/// # Errors
/// If the record of the answer can't be read.
pub async fn with_answer(app: &App, session: Uuid, mut message: Message) -> Result<Message, Error> {
    if message.role == Role::Assistant {
        // The store learns of the end a moment before readers do; until then it is not over.
        if app.runs.is_live(message.id) {
            message.status = MessageStatus::Running;
        }
        match app.runs.events(RunKey { session, message: message.id }).await {
            Ok(events) => run::fold(&mut message, events),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                message.status = MessageStatus::Interrupted;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(message)
}

/// A title on one line.
///
/// # Errors
/// [`Error::Invalid`] if nothing is left of it, or too much.
pub fn clean_title(title: &str) -> Result<String, Error> {
    let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
    if title.is_empty() || title.len() > MAX_TITLE_BYTES {
        return Err(Error::Invalid(format!("a title has 1 to {MAX_TITLE_BYTES} bytes")));
    }
    Ok(title)
}
