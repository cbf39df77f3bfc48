//! What a reader thinks of an answer: one small record a reader and answer, beside the message and
//! never in it, so that a vote does not rewrite what was said.

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

use crate::Error;
use crate::access::{Caller, User};
use crate::app::App;
use crate::session::{Liking, Message, Reaction, Role};
use crate::store::{Batch, Order, keys};

/// The longest note, in bytes.
const MAX_NOTE_BYTES: usize = 4_000;
/// Records read at a time.
const PAGE: usize = 500;

/// A reaction as it is sent.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewReaction {
    /// `like`, `dislike`, or `null` to take it back.
    pub reaction: Option<Liking>,
    /// Why, in the reader's words.
    #[serde(default)]
    pub note: Option<String>,
}

/// Stores, changes or takes back the reader's reaction to an answer.
///
/// # Errors
/// [`Error::NotFound`] for an unknown message, [`Error::Invalid`] for a question or a note without
/// a reaction, [`Error::TooLarge`] for a long note, or if the store fails.
pub async fn react(
    app: &App,
    caller: &Caller,
    session: Uuid,
    message: Uuid,
    new: NewReaction,
) -> Result<Message, Error> {
    super::get(app, caller, session).await?;
    let note = new.note.map(|note| note.trim().to_owned()).filter(|note| !note.is_empty());
    check(new.reaction, note.as_deref())?;
    let reaction = new.reaction.map(|reaction| Reaction { reaction, note, at: app.store.now() });
    let (answer, key) = (keys::message(session, message), keys::reaction(session, message, &caller.user));
    loop {
        let stored = app.store.get::<Message>(&answer).await?;
        let stored = stored.ok_or_else(|| Error::NotFound { what: "message", id: message.to_string() })?;
        if stored.value.role == Role::User {
            return Err(Error::Invalid(format!(
                "message `{message}` is a question; react to its answer, the message after it"
            )));
        }
        // The answer must still be there: a reaction never outlives it.
        let batch = Batch::new().check(&answer, stored.revision);
        let batch = match &reaction {
            Some(reaction) => batch.put(&key, reaction),
            None => batch.delete(&key),
        };
        if app.store.commit(batch).await?.is_done() {
            return super::message(app, caller, session, message).await;
        }
    }
}

/// The reader's reaction to one answer.
pub(super) async fn of_message(
    app: &App,
    reader: &User,
    session: Uuid,
    message: Uuid,
) -> Result<Option<Reaction>, Error> {
    let stored = app.store.get::<Reaction>(&keys::reaction(session, message, reader)).await?;
    Ok(stored.map(|record| record.value))
}

/// The reader's reactions to the answers of a session.
pub(super) async fn of_session(
    app: &App,
    reader: &User,
    session: Uuid,
) -> Result<HashMap<Uuid, Reaction>, Error> {
    let prefix = keys::reactions(session);
    let mut reactions = HashMap::new();
    let mut after: Option<String> = None;
    loop {
        let page = app.store.scan::<Reaction>(&prefix, after.as_deref(), PAGE, Order::Ascending).await?;
        let Some((last, _)) = page.last() else { return Ok(reactions) };
        after = Some(last.clone());
        for (key, record) in page {
            let message = key.strip_prefix(&prefix).and_then(|rest| rest.split_once('/')?.0.parse().ok());
            if let Some(message) = message
                && key == keys::reaction(session, message, reader)
            {
                reactions.insert(message, record.value);
            }
        }
    }
}

fn check(reaction: Option<Liking>, note: Option<&str>) -> Result<(), Error> {
    let bytes = note.map_or(0, str::len);
    if bytes > MAX_NOTE_BYTES {
        return Err(Error::TooLarge(format!("the note has {bytes} bytes, more than {MAX_NOTE_BYTES}")));
    }
    if reaction.is_none() && bytes > 0 {
        return Err(Error::Invalid("a note goes with `\"reaction\": \"like\"` or `\"dislike\"`".to_owned()));
    }
    Ok(())
}
