//! Stream sessions: a question is stored at once, its answer is begun by whoever opens the stream,
//! and the way to it is short-lived. Many of them thread one chat, which is a session under a name
//! that the client may choose. Knows neither HTTP nor how an answer is made.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Error;
use crate::access::{Caller, User};
use crate::app::App;
use crate::ask::{self, Question};
use crate::idempotency::Claim;
use crate::runs::RunKey;
use crate::session::Message;
use crate::sessions::{self, Grouping, NewSession};
use crate::store::{Batch, Commit, Order, keys};

/// How often a stream session may be opened: the first time, and after breaks.
const MAX_OPENINGS: i64 = 10;
/// How often expired ones are looked for.
const SWEEP: Duration = Duration::from_secs(5 * 60);
/// The longest name of a chat, in bytes.
const MAX_CHAT_BYTES: usize = 200;
/// Chats whose messages are told if none is named.
const MAX_CHATS: usize = 50;
/// Records read at a time.
const PAGE: usize = 500;

/// What a stream session is made from.
#[derive(Clone, Debug)]
pub struct NewStream {
    /// Which model answers.
    pub model: String,
    /// What is asked.
    pub prompt: String,
    /// The chat it belongs to: one there is, or the name of a new one; a new one if absent.
    pub chat: Option<String>,
    /// The project of a new chat.
    pub project_id: Option<String>,
    /// The task of a new chat.
    pub task_id: Option<String>,
}

/// A question and the way to its answer, as the store has it.
#[derive(Debug, Serialize, Deserialize)]
struct StreamSession {
    owner: User,
    session: Uuid,
    question_id: Uuid,
    model: String,
    expires_at: Timestamp,
}

/// Stores the question, and gives the stream session and the name of its chat.
///
/// # Errors
/// [`Error::Invalid`] for an unusable question, model or name, or if the store fails.
pub async fn start(app: &App, caller: &Caller, new: NewStream) -> Result<(Uuid, String), Error> {
    let question = Question { model: Some(new.model.clone()), ..Question::new(new.prompt) };
    // A request that can't be carried out leaves no chat behind.
    question.check()?;
    caller.model(app, Some(&new.model))?;
    let opened = NewSession { project_id: new.project_id, task_id: new.task_id, ..NewSession::default() };
    let (session, chat) = match new.chat {
        Some(name) => (find_or_open(app, caller, &name, opened).await?, name),
        None => {
            let session = sessions::create(app, caller, opened, None).await?.id;
            (session, session.to_string())
        }
    };
    let id = Uuid::now_v7();
    let expires_at = app.store.now() + Duration::from_secs(app.config.ask.stream_session_s);
    ask::pose(app, caller, session, question, |batch, question_id| {
        let (owner, model) = (caller.user.clone(), new.model.clone());
        batch.put(keys::stream_session(id), &StreamSession { owner, session, question_id, model, expires_at })
    })
    .await?;
    Ok((id, chat))
}

/// The answer to a stream session's question, begun if this is the first time that it is opened.
///
/// # Errors
/// [`Error::NotFound`] if there is none, [`Error::Expired`] once it is too old, [`Error::Forbidden`]
/// for anyone but its owner, [`Error::TooOften`] after ten times, and as [`ask::start`].
pub async fn open(app: &Arc<App>, caller: &Caller, id: &str) -> Result<RunKey, Error> {
    let unknown = || Error::NotFound { what: "stream session", id: id.to_owned() };
    let id: Uuid = id.parse().map_err(|_| unknown())?;
    let key = keys::stream_session(id);
    let stored = app.store.get::<StreamSession>(&key).await?.ok_or_else(unknown)?;
    let stream = stored.value;
    if stream.owner != caller.user {
        return Err(Error::Forbidden(format!("the stream session `{id}` belongs to someone else")));
    }
    if stream.expires_at <= app.store.now() {
        return Err(Error::Expired { what: "stream session", id: id.to_string() });
    }
    let opening = Batch::new().check(&key, stored.revision).add(keys::openings(id), 1, MAX_OPENINGS);
    match app.store.commit(opening).await? {
        Commit::Done => {}
        Commit::Conflict { .. } => return Err(unknown()),
        Commit::OverLimit { .. } => {
            return Err(Error::TooOften(format!(
                "the stream session `{id}` was opened {MAX_OPENINGS} times; start a new one"
            )));
        }
    }
    let claim = Claim::new(caller, "stream", &id.to_string(), &())?;
    let question = Question { model: Some(stream.model), ..Question::new(String::new()) };
    ask::answer_posed(app, caller, stream.session, stream.question_id, question, &claim).await
}

/// The messages of a chat in the order they were said, each with the session it is in; of the newest
/// chats together if none is named.
///
/// # Errors
/// [`Error::NotFound`] for an unknown chat, or if the store fails.
pub async fn history(app: &App, caller: &Caller, chat: Option<&str>) -> Result<Vec<(Uuid, Message)>, Error> {
    if let Some(name) = chat {
        let session = find(app, caller, name).await?;
        let session = session.ok_or_else(|| Error::NotFound { what: "chat", id: name.to_owned() })?;
        return said(app, caller, session).await;
    }
    let (newest, _) = sessions::list(app, caller, &Grouping::default(), None, MAX_CHATS).await?;
    let mut messages = Vec::new();
    for session in newest {
        messages.extend(said(app, caller, session.id).await?);
    }
    messages.sort_by_key(|(_, message)| message.id);
    Ok(messages)
}

/// Everything that was said in a session, oldest first: questions that are streamed at the same time
/// have no branch in common.
async fn said(app: &App, caller: &Caller, session: Uuid) -> Result<Vec<(Uuid, Message)>, Error> {
    let session = sessions::get(app, caller, session).await?.value;
    let placed = sessions::history(app, &session).await?;
    Ok(placed.into_iter().map(|placed| (session.id, placed.message)).collect())
}

/// The session of a chat: by the name its client gave it, or by its id.
async fn find(app: &App, caller: &Caller, name: &str) -> Result<Option<Uuid>, Error> {
    let named = app.store.get::<Uuid>(&keys::chat(&caller.user, name)).await?;
    let Some(session) = named.map(|named| named.value).or_else(|| name.parse().ok()) else { return Ok(None) };
    match sessions::get(app, caller, session).await {
        Ok(_) => Ok(Some(session)),
        Err(Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

async fn find_or_open(app: &App, caller: &Caller, name: &str, new: NewSession) -> Result<Uuid, Error> {
    if name.is_empty() || name.len() > MAX_CHAT_BYTES {
        return Err(Error::Invalid(format!("the name of a chat has 1 to {MAX_CHAT_BYTES} bytes")));
    }
    let key = keys::chat(&caller.user, name);
    loop {
        if let Some(session) = find(app, caller, name).await? {
            return Ok(session);
        }
        // A name whose session was deleted is free again.
        let gone = app.store.get::<Uuid>(&key).await?;
        let session = sessions::create(app, caller, new.clone(), None).await?.id;
        let batch = match gone {
            Some(gone) => Batch::new().check(&key, gone.revision),
            None => Batch::new().check_absent(&key),
        };
        if app.store.commit(batch.put(&key, &session)).await?.is_done() {
            return Ok(session);
        }
        // Another request was quicker to give the name.
        sessions::delete(app, caller, session).await?;
    }
}

/// Forgets expired stream sessions, until the server stops.
pub async fn sweep(app: &App) {
    loop {
        if let Err(error) = forget_expired(app).await {
            tracing::warn!(%error, "expired stream sessions are kept for now");
        }
        tokio::select! {
            () = app.stopping.cancelled() => return,
            () = tokio::time::sleep(SWEEP) => {}
        }
    }
}

async fn forget_expired(app: &App) -> Result<(), Error> {
    let now = app.store.now();
    loop {
        // Their ids grow with time, and so the first one that lasts is the end.
        let page =
            app.store.scan::<StreamSession>(keys::STREAM_SESSIONS, None, PAGE, Order::Ascending).await?;
        let expired = page.iter().take_while(|(_, stream)| stream.value.expires_at <= now);
        let ids: Vec<&str> = expired.filter_map(|(key, _)| key.strip_prefix(keys::STREAM_SESSIONS)).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let ids = ids.into_iter().filter_map(|id| id.parse::<Uuid>().ok());
        let batch = ids.fold(Batch::new(), |batch, id| {
            batch.delete(keys::stream_session(id)).delete(keys::openings(id))
        });
        app.store.commit(batch).await?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Flags};

    #[tokio::test]
    async fn what_has_expired_is_forgotten_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let flags = Flags { data: Some(folder.path().to_owned()), ..Flags::default() };
        let mut config = Config::load(&flags).unwrap();
        config.ask.stream_session_s = 0;
        let app = App::open(config).await.unwrap();
        let caller = Caller::local();
        let new = NewStream {
            model: "extractive".to_owned(),
            prompt: "What is there?".to_owned(),
            chat: Some("a chat/of mine".to_owned()),
            project_id: None,
            task_id: None,
        };
        let (expired, chat) = start(&app, &caller, new.clone()).await.unwrap();
        assert!(matches!(open(&app, &caller, &expired.to_string()).await, Err(Error::Expired { .. })));
        let lasting = Uuid::now_v7();
        let stored = app.store.get::<StreamSession>(&keys::stream_session(expired)).await.unwrap().unwrap();
        let later = StreamSession { expires_at: app.store.now() + SWEEP, ..stored.value };
        app.store.commit(Batch::new().put(keys::stream_session(lasting), &later)).await.unwrap();

        forget_expired(&app).await.unwrap();
        assert!(matches!(open(&app, &caller, &expired.to_string()).await, Err(Error::NotFound { .. })));
        assert!(open(&app, &caller, &lasting.to_string()).await.is_ok());
        assert_eq!(history(&app, &caller, Some(&chat)).await.unwrap()[0].1.content, "What is there?");
        let other = Caller::on_behalf_of(User::new("other").unwrap());
        assert!(matches!(open(&app, &other, &lasting.to_string()).await, Err(Error::Forbidden(_))));
        assert!(history(&app, &other, Some(&chat)).await.is_err());
    }
}
