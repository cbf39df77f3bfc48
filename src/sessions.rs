//! Sessions and their messages in the store. An answer's record holds how it stands; its words,
//! sources and citations are the fold of its events.

mod reactions;
mod tree;

use std::io;

use uuid::Uuid;

use crate::access::{Caller, Permit, User, quota};
use crate::app::App;
use crate::expiry::Expired;
use crate::idempotency::Claim;
use crate::runs::RunKey;
use crate::session::{Message, MessageStatus, Mode, Placed, Role, Session};
use crate::store::{Batch, Commit, Order, Record, keys};
use crate::{Error, expiry, history, run};
use tree::Tree;

pub use reactions::{NewReaction, react};

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

/// Which sessions to list: all, or those of one of the reader's own groups.
#[derive(Clone, Debug, Default, serde::Deserialize, schemars::JsonSchema)]
pub struct Grouping {
    /// Only of this project.
    pub project_id: Option<String>,
    /// Only of this task.
    pub task_id: Option<String>,
}

impl Grouping {
    /// The store's list of these sessions.
    #[must_use]
    pub fn list(&self, owner: &User) -> String {
        let [project, task] =
            [&self.project_id, &self.task_id].map(|name| name.as_deref().filter(|name| !name.is_empty()));
        keys::recent_sessions(owner, project, task)
    }
}

/// The session's places in all lists that it stands in.
fn places(session: &Session) -> Vec<String> {
    let [project, task] =
        [&session.project_id, &session.task_id].map(|name| name.as_deref().filter(|name| !name.is_empty()));
    let mut groups = vec![(None, None), (project, None), (None, task), (project, task)];
    // Without a project or a task some of them are the same.
    groups.sort_unstable();
    groups.dedup();
    let lists =
        groups.into_iter().map(|(project, task)| keys::recent_sessions(&session.owner, project, task));
    lists.map(|list| keys::recent_session(&list, session.updated_at, session.id)).collect()
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
        caller.model(app, Some(model))?;
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
    let batch = Batch::new().check_absent(keys::session(session.id)).put(keys::session(session.id), &session);
    let batch = places(&session).into_iter().fold(batch, |batch, place| batch.put(place, &session.id));
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
/// [`Error::NotFound`], [`Error::Expired`], or if the store fails.
pub async fn get(app: &App, caller: &Caller, id: Uuid) -> Result<Record<Session>, Error> {
    let record = app.store.get::<Session>(&keys::session(id)).await?;
    match record.filter(|session| session.value.owner == caller.user) {
        Some(session) if !expiry::is_over(app, &session.value) => Ok(session),
        Some(_) => Err(Error::Expired { what: "session", id: id.to_string() }),
        None => Err(missing(app, caller, id).await?),
    }
}

/// Why there is no such session of the caller's.
async fn missing(app: &App, caller: &Caller, id: Uuid) -> Result<Error, Error> {
    let (what, name) = ("session", id.to_string());
    let expired = app.store.get::<Expired>(&keys::expired(id)).await?;
    Ok(match expired.filter(|expired| expired.value.owner == caller.user) {
        Some(_) => Error::Expired { what, id: name },
        None => Error::NotFound { what, id: name },
    })
}

/// Up to `limit` sessions of the caller's, most recently used first, and where the next page begins.
///
/// # Errors
/// If the store fails.
pub async fn list(
    app: &App,
    caller: &Caller,
    grouping: &Grouping,
    after: Option<&str>,
    limit: usize,
) -> Result<(Vec<Session>, Option<String>), Error> {
    let list = grouping.list(&caller.user);
    let page = app.store.scan::<Uuid>(&list, after, limit + 1, Order::Ascending).await?;
    let next = page.get(limit).and_then(|_| page.get(limit - 1)).map(|(key, _)| key.clone());
    let ids: Vec<String> = page.iter().take(limit).map(|(_, record)| keys::session(record.value)).collect();
    let sessions = app.store.get_many::<Session>(&ids).await?;
    let sessions = sessions.into_iter().flatten().map(|record| record.value);
    Ok((sessions.filter(|session| !expiry::is_over(app, session)).collect(), next))
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
    /// The reader's own grouping; empty for none.
    pub project_id: Option<String>,
}

/// Renames a session, chooses the branch that is shown, or puts it into a project.
///
/// # Errors
/// [`Error::NotFound`] for the session or the message, [`Error::Invalid`] for an unusable title or
/// if there is nothing to change, or if the store fails.
pub async fn change(app: &App, caller: &Caller, id: Uuid, change: &SessionChange) -> Result<Session, Error> {
    caller.require(Permit::Ask)?;
    let title = change.title.as_deref().map(clean_title).transpose()?;
    let project = change.project_id.as_deref().map(|project| match project.trim() {
        "" => Ok(None),
        project => clean_title(project).map(Some),
    });
    let project = project.transpose()?;
    if title.is_none() && change.active.is_none() && project.is_none() {
        return Err(Error::Invalid(
            "name a `title`, a `project_id`, or a message of the branch to show as `active`".to_owned(),
        ));
    }
    loop {
        let stored = get(app, caller, id).await?;
        let mut changed = stored.value.clone();
        if let Some(title) = &title {
            changed.title.clone_from(title);
            changed.updated_at = app.store.now();
        }
        if let Some(project) = &project {
            changed.project_id.clone_from(project);
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
/// [`Error::QuotaExceeded`], or if the store fails.
pub async fn update(
    app: &App,
    batch: Batch,
    before: &Record<Session>,
    after: &Session,
) -> Result<bool, Error> {
    let key = keys::session(after.id);
    let batch = batch.check(&key, before.revision).put(&key, after);
    let batch = places(&before.value).into_iter().fold(batch, Batch::delete);
    let batch = places(after).into_iter().fold(batch, |batch, place| batch.put(place, &after.id));
    match app.store.commit(batch).await? {
        Commit::Done => Ok(true),
        Commit::Conflict { .. } => Ok(false),
        Commit::OverLimit { key } => Err(quota::exceeded(app, &key)),
    }
}

/// Removes a session with all its messages; answers still being made are stopped.
///
/// # Errors
/// [`Error::NotFound`], or if the store fails.
pub async fn delete(app: &App, caller: &Caller, id: Uuid) -> Result<(), Error> {
    caller.require(Permit::Ask)?;
    loop {
        let stored = get(app, caller, id).await?;
        if remove(app, Batch::new(), &stored).await? {
            return Ok(());
        }
    }
}

/// Removes a session, in the same change as what else is in the batch. False if it changed
/// meanwhile; then nothing is removed.
pub(crate) async fn remove(app: &App, batch: Batch, stored: &Record<Session>) -> Result<bool, Error> {
    let id = stored.value.id;
    let batch = batch.check(keys::session(id), stored.revision).delete(keys::session(id));
    let batch = places(&stored.value).into_iter().fold(batch, Batch::delete);
    if !app.store.commit(batch).await?.is_done() {
        return Ok(false);
    }
    loop {
        let page = app.store.scan::<Message>(&keys::messages(id), None, PAGE, Order::Ascending).await?;
        if page.is_empty() {
            break;
        }
        let mut batch = Batch::new();
        for (key, record) in page {
            let message = record.value.id;
            app.runs.cancel(message);
            batch = batch.delete(key).delete(keys::run(message));
            batch = history::forget(app, batch, RunKey { session: id, message }).await?;
        }
        app.store.commit(batch).await?;
    }
    app.store.clear(&keys::reactions(id)).await?;
    app.runs.forget_session(id).await?;
    Ok(true)
}

/// Everything that was said in a session, on all branches, oldest first.
///
/// # Errors
/// If the store or an answer's record can't be read.
pub async fn history(app: &App, session: &Session) -> Result<Vec<Placed>, Error> {
    let headers = headers(app, session.id).await?;
    let tree = Tree::new(session.id, &headers);
    let shown = tree.branch(session.active);
    let mut reactions = reactions::of_session(app, &session.owner, session.id).await?;
    let mut placed = Vec::with_capacity(headers.len());
    for header in headers {
        let mut message = with_answer(app, session.id, header).await?;
        message.parent_id = tree.parent(message.id);
        message.reaction = reactions.remove(&message.id);
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
    let mut message = with_answer(app, session, message).await?;
    message.reaction = reactions::of_message(app, &caller.user, session, id).await?;
    Ok(message)
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
