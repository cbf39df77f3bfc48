//! Sessions and their messages in the store. An answer's record holds how it stands; its words,
//! sources and citations are the fold of its events.

mod tree;

use std::io;

use uuid::Uuid;

use crate::access::Caller;
use crate::app::App;
use crate::idempotency::Claim;
use crate::runs::RunKey;
use crate::session::{Message, MessageStatus, Mode, Placed, Role, Session};
use crate::store::{Batch, Order, Record, keys};
use crate::{Error, run};
use tree::Tree;

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
pub async fn create(
    app: &App,
    caller: &Caller,
    new: NewSession,
    claim: Option<&Claim>,
) -> Result<Session, Error> {
    if let Some(claim) = claim
        && let Some(session) = claim.made(app).await?
    {
        return Ok(get(app, caller, session).await?.value);
    }
    if let Some(model) = &new.model {
        app.model(Some(model))?;
    }
    for id in new.document_ids.iter().flatten() {
        crate::documents::get(app, caller, *id).await?;
    }
    let now = app.store.now();
    let session = Session {
        id: Uuid::now_v7(),
        owner: caller.user.clone(),
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
        active: None,
    };
    let batch = Batch::new()
        .check_absent(keys::session(session.id))
        .put(keys::session(session.id), &session)
        .put(keys::recent_session(&session.owner, now, session.id), &session.id);
    let batch = match claim {
        Some(claim) => claim.note(batch, &session.id, now),
        None => batch,
    };
    match app.store.commit(batch).await?.is_done() {
        true => Ok(session),
        false => Err(Error::Conflict("the session")),
    }
}

/// A session of the caller's as the store has it.
///
/// # Errors
/// [`Error::NotFound`], or if the store fails.
pub async fn get(app: &App, caller: &Caller, id: Uuid) -> Result<Record<Session>, Error> {
    let record = app.store.get::<Session>(&keys::session(id)).await?;
    let record = record.filter(|session| session.value.owner == caller.user);
    record.ok_or_else(|| Error::NotFound { what: "session", id: id.to_string() })
}

/// Up to `limit` sessions of the caller's, most recently used first, and where the next page begins.
///
/// # Errors
/// If the store fails.
pub async fn list(
    app: &App,
    caller: &Caller,
    after: Option<&str>,
    limit: usize,
) -> Result<(Vec<Session>, Option<String>), Error> {
    let page = app
        .store
        .scan::<Uuid>(&keys::recent_sessions(&caller.user), after, limit + 1, Order::Ascending)
        .await?;
    let next = page.get(limit).and_then(|_| page.get(limit - 1)).map(|(key, _)| key.clone());
    let ids: Vec<String> = page.iter().take(limit).map(|(_, record)| keys::session(record.value)).collect();
    let sessions = app.store.get_many::<Session>(&ids).await?;
    Ok((sessions.into_iter().flatten().map(|record| record.value).collect(), next))
}

/// What can be changed about a session. What is absent stays.
#[derive(Clone, Debug, Default, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SessionChange {
    /// The new title.
    pub title: Option<String>,
    /// A message of the branch to show and to go on with: it is followed to its end, where there
    /// are siblings to the newest.
    pub active: Option<Uuid>,
}

/// Renames a session, or chooses the branch that is shown.
///
/// # Errors
/// [`Error::NotFound`] for the session or the message, [`Error::Invalid`] for an unusable title or
/// if there is nothing to change, or if the store fails.
pub async fn change(app: &App, caller: &Caller, id: Uuid, change: &SessionChange) -> Result<Session, Error> {
    let title = change.title.as_deref().map(clean_title).transpose()?;
    if title.is_none() && change.active.is_none() {
        return Err(Error::Invalid(
            "name a `title`, or a message of the branch to show as `active`".to_owned(),
        ));
    }
    loop {
        let stored = get(app, caller, id).await?;
        let mut changed = stored.value.clone();
        if let Some(title) = &title {
            changed.title.clone_from(title);
            changed.updated_at = app.store.now();
        }
        if let Some(message) = change.active {
            header(app, caller, id, message).await?;
            changed.active = Some(Tree::new(id, &headers(app, id).await?).end(message));
        }
        if update(app, Batch::new(), &stored, &changed).await? {
            return Ok(changed);
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
        .delete(keys::recent_session(&after.owner, before.value.updated_at, after.id))
        .put(keys::recent_session(&after.owner, after.updated_at, after.id), &after.id);
    Ok(app.store.commit(batch).await?.is_done())
}

/// Removes a session with all its messages; answers still being made are stopped.
///
/// # Errors
/// [`Error::NotFound`], or if the store fails.
pub async fn delete(app: &App, caller: &Caller, id: Uuid) -> Result<(), Error> {
    loop {
        let stored = get(app, caller, id).await?;
        let batch = Batch::new()
            .check(keys::session(id), stored.revision)
            .delete(keys::session(id))
            .delete(keys::recent_session(&stored.value.owner, stored.value.updated_at, id));
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

/// Everything that was said in a session, on all branches, oldest first.
///
/// # Errors
/// If the store or an answer's record can't be read.
pub async fn history(app: &App, session: &Session) -> Result<Vec<Placed>, Error> {
    let headers = headers(app, session.id).await?;
    let tree = Tree::new(session.id, &headers);
    let shown = tree.branch(session.active);
    let mut placed = Vec::with_capacity(headers.len());
    for header in headers {
        let mut message = with_answer(app, session.id, header).await?;
        message.parent_id = tree.parent(message.id);
        let siblings = Some(tree.siblings(message.id)).filter(|siblings| siblings.len() > 1);
        let siblings = siblings.unwrap_or_default().to_vec();
        placed.push(Placed { active: shown.contains(&message.id), siblings, message });
    }
    Ok(placed)
}

/// What was said in a session of the caller's on the branch that is shown, oldest first, answers with
/// their words and sources.
///
/// # Errors
/// [`Error::NotFound`], or if the store or an answer's record can't be read.
pub async fn messages(app: &App, caller: &Caller, session: Uuid) -> Result<Vec<Message>, Error> {
    let session = get(app, caller, session).await?.value;
    let history = history(app, &session).await?;
    Ok(history.into_iter().filter(|placed| placed.active).map(|placed| placed.message).collect())
}

/// The message that the next question of a session follows: the end of the branch that is shown,
/// or the session itself before the first question.
///
/// # Errors
/// If the store fails.
pub async fn end(app: &App, session: &Session) -> Result<Uuid, Error> {
    if let Some(active) = session.active {
        return Ok(active);
    }
    let newest =
        app.store.scan::<Message>(&keys::messages(session.id), None, 1, Order::Descending).await?.pop();
    Ok(newest.map_or(session.id, |(_, record)| record.value.id))
}

/// What a message follows, as its record stands; none before the first question.
///
/// # Errors
/// If the store fails.
pub async fn before(app: &App, session: Uuid, message: &Message) -> Result<Option<Message>, Error> {
    if let Some(parent) = message.parent_id {
        let parent = app.store.get::<Message>(&keys::message(session, parent)).await?;
        return Ok(parent.map(|record| record.value));
    }
    // Questions did not always say what they follow; those form a straight line.
    let (prefix, key) = (keys::messages(session), keys::message(session, message.id));
    let before = app.store.scan::<Message>(&prefix, Some(&key), 1, Order::Descending).await?.pop();
    Ok(before.map(|(_, record)| record.value))
}

/// All messages of a session as their records stand, oldest first.
async fn headers(app: &App, session: Uuid) -> Result<Vec<Message>, Error> {
    let prefix = keys::messages(session);
    let mut messages = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let page = app.store.scan::<Message>(&prefix, after.as_deref(), PAGE, Order::Ascending).await?;
        let Some((last, _)) = page.last() else { return Ok(messages) };
        after = Some(last.clone());
        messages.extend(page.into_iter().map(|(_, record)| record.value));
    }
}

/// One message.
///
/// # Errors
/// [`Error::NotFound`], or if the store or the answer's record can't be read.
pub async fn message(app: &App, caller: &Caller, session: Uuid, id: Uuid) -> Result<Message, Error> {
    let message = header(app, caller, session, id).await?;
    app.runs.glance(id);
    with_answer(app, session, message).await
}

/// One message of a session of the caller's as its record stands, an answer without its words.
///
/// # Errors
/// [`Error::NotFound`], or if the store fails.
pub async fn header(app: &App, caller: &Caller, session: Uuid, id: Uuid) -> Result<Message, Error> {
    get(app, caller, session).await?;
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

fn clean_title(title: &str) -> Result<String, Error> {
    let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
    if title.is_empty() || title.len() > MAX_TITLE_BYTES {
        return Err(Error::Invalid(format!("a title has 1 to {MAX_TITLE_BYTES} bytes")));
    }
    Ok(title)
}
