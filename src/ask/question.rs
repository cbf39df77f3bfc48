//! From a request to a stored question with an answer on its way.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::prompt::Turn;
use super::research::budget::Budget;
use super::retrieve::Scope;
use crate::app::App;
use crate::event::Event;
use crate::idempotency::Claim;
use crate::runs::RunKey;
use crate::session::{Message, MessageStatus, Mode, Role, Session};
use crate::store::{Batch, Order, Record, keys};
use crate::{Error, sessions};

/// The longest question, in bytes.
const MAX_QUESTION_BYTES: usize = 32 * 1024;
/// The longest title made from a question, in characters.
const MAX_TITLE_CHARS: usize = 80;

/// A message as it is sent.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// What is asked, in any language.
    pub content: String,
    /// How to answer; the session's mode if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// Search only these documents; the session's if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document_ids: Option<Vec<Uuid>>,
    /// Search only this collection; the session's if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collection: Option<String>,
    /// Which model answers; the session's if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// What a deep research may cost at most; as configured where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<Budget>,
    /// Whether a deep research waits with its plan until the reader approves it.
    #[serde(default)]
    pub approve_plan: bool,
    /// Stream the events (the default), or answer once with the whole message.
    #[serde(default = "yes")]
    pub stream: bool,
}

fn yes() -> bool {
    true
}

/// A stored question whose answer is being made.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) key: RunKey,
    pub(super) question_id: Uuid,
    pub(super) content: String,
    pub(super) model: String,
    pub(super) scope: Scope,
    pub(super) mode: Mode,
    pub(super) budget: Budget,
    pub(super) approve_plan: bool,
}

impl Asked {
    /// The first event of the answer.
    pub(super) fn started(&self) -> Event {
        Event::Started {
            message_id: self.key.message,
            user_message_id: self.question_id,
            session_id: self.key.session,
            mode: self.mode,
            model: self.model.clone(),
        }
    }
}

/// What is kept of an answer being made, to go on with it after a crash.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct RunRecord {
    session: Uuid,
    question_id: Uuid,
    scope: Scope,
    budget: Budget,
    approve_plan: bool,
}

impl RunRecord {
    /// The answer it is about.
    pub(super) fn key(&self, message: Uuid) -> RunKey {
        RunKey { session: self.session, message }
    }

    /// The question again; None if its session is gone.
    pub(super) async fn asked(self, app: &App, message: Uuid) -> Result<Option<Asked>, Error> {
        let key = self.key(message);
        let question = app.store.get::<Message>(&keys::message(self.session, self.question_id)).await?;
        let answer = app.store.get::<Message>(&keys::message(self.session, message)).await?;
        let (Some(question), Some(answer)) = (question, answer) else { return Ok(None) };
        Ok(Some(Asked {
            key,
            question_id: self.question_id,
            content: question.value.content,
            model: answer.value.model.unwrap_or_default(),
            scope: self.scope,
            mode: answer.value.mode.unwrap_or_default(),
            budget: self.budget,
            approve_plan: self.approve_plan,
        }))
    }
}

/// Stores the question and starts its answer, which goes on whoever listens. When this returns,
/// the question is durable and the run can be read. A request that was made before under the same
/// key is not made again: its run is returned.
///
/// # Errors
/// [`Error::NotFound`] for an unknown session or document, [`Error::Invalid`] for a request that
/// can't be carried out, or if the store fails.
pub async fn start(
    app: &Arc<App>,
    session: Uuid,
    question: Question,
    claim: Option<&Claim>,
) -> Result<RunKey, Error> {
    if app.stopping.is_cancelled() {
        return Err(Error::ShuttingDown);
    }
    app.space.admit()?;
    check(&question)?;
    // In this order: messages sort by their ids.
    let question_id = Uuid::now_v7();
    let key = RunKey { session, message: Uuid::now_v7() };
    loop {
        if let Some(claim) = claim
            && let Some(message) = claim.made(app).await?
        {
            return Ok(RunKey { session, message });
        }
        let stored = sessions::get(app, session).await?;
        let asked = understand(app, key, question_id, &stored.value, &question).await?;
        let for_research = question.budget.is_some() || question.approve_plan;
        if for_research && asked.mode == Mode::Regular {
            return Err(Error::Invalid(
                "`budget` and `approve_plan` go with `\"mode\": \"deep_research\"` only".to_owned(),
            ));
        }
        let recorder = app.runs.begin(key).await?;
        if !store(app, &asked, &question, stored, claim).await? {
            recorder.discard().await?;
            continue;
        }
        recorder.append(&asked.started());
        app.tasks.spawn(super::run(Arc::clone(app), asked, recorder, Vec::new()));
        return Ok(key);
    }
}

/// The messages before a question, oldest first: as many as the configuration gives the model.
pub(super) async fn history(app: &App, asked: &Asked) -> Result<Vec<Turn>, Error> {
    let prefix = keys::messages(asked.key.session);
    let before = keys::message(asked.key.session, asked.question_id);
    let limit = app.config.ask.history_messages;
    let stored = app.store.scan::<Message>(&prefix, Some(&before), limit, Order::Descending).await?;
    let mut turns = Vec::with_capacity(stored.len());
    for (_, record) in stored.into_iter().rev() {
        let message = sessions::with_answer(app, asked.key.session, record.value).await?;
        if !message.content.is_empty() {
            turns.push(Turn { role: message.role, content: message.content });
        }
    }
    Ok(turns)
}

fn check(question: &Question) -> Result<(), Error> {
    if question.content.trim().is_empty() {
        return Err(Error::Invalid("`content` is empty; write a question".to_owned()));
    }
    if question.content.len() > MAX_QUESTION_BYTES {
        return Err(Error::TooLarge(format!(
            "the question has {} bytes, more than {MAX_QUESTION_BYTES}; upload long texts as documents",
            question.content.len()
        )));
    }
    Ok(())
}

async fn understand(
    app: &App,
    key: RunKey,
    question_id: Uuid,
    session: &Session,
    question: &Question,
) -> Result<Asked, Error> {
    let model = question.model.as_ref().or(session.model.as_ref());
    let model = app.model(model.map(String::as_str))?.name().to_owned();
    // A scope given with the message replaces the session's as a whole.
    let (documents, collection) = if question.document_ids.is_some() || question.collection.is_some() {
        (&question.document_ids, &question.collection)
    } else {
        (&session.document_ids, &session.collection)
    };
    let scope = Scope::resolve(app, documents.as_deref(), collection.as_deref()).await?;
    Ok(Asked {
        key,
        question_id,
        content: question.content.clone(),
        model,
        scope,
        mode: question.mode.unwrap_or(session.mode),
        budget: question.budget.unwrap_or_default(),
        approve_plan: question.approve_plan,
    })
}

/// One commit: both messages, the run, the session. False if the session changed meanwhile.
async fn store(
    app: &App,
    asked: &Asked,
    question: &Question,
    session: Record<Session>,
    claim: Option<&Claim>,
) -> Result<bool, Error> {
    let RunKey { session: session_id, message: answer_id } = asked.key;
    let now = app.store.now();
    let asking = Message {
        mode: Some(asked.mode),
        document_ids: question.document_ids.clone(),
        collection: question.collection.clone(),
        ..Message::new(asked.question_id, Role::User, question.content.clone(), now)
    };
    let answering = Message {
        mode: Some(asked.mode),
        model: Some(asked.model.clone()),
        parent_id: Some(asked.question_id),
        status: MessageStatus::Running,
        ..Message::new(answer_id, Role::Assistant, String::new(), now)
    };
    let mut updated = session.value.clone();
    updated.message_count += 2;
    updated.updated_at = now;
    if updated.title.is_empty() {
        updated.title = title(&question.content);
    }
    let record = RunRecord {
        session: session_id,
        question_id: asked.question_id,
        scope: asked.scope.clone(),
        budget: asked.budget,
        approve_plan: asked.approve_plan,
    };
    let batch = Batch::new()
        .put(keys::message(session_id, asked.question_id), &asking)
        .put(keys::message(session_id, answer_id), &answering)
        .put(keys::run(answer_id), &record);
    let batch = match claim {
        Some(claim) => claim.note(batch, answer_id, now),
        None => batch,
    };
    sessions::update(app, batch, &session, &updated).await
}

/// The beginning of a question, cut at a word.
fn title(question: &str) -> String {
    let line = question.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= MAX_TITLE_CHARS {
        return line;
    }
    let cut: String = line.chars().take(MAX_TITLE_CHARS).collect();
    let words = cut.rsplit_once(' ').map_or(cut.as_str(), |(words, _)| words);
    format!("{words}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_question_gives_a_title_cut_at_a_word() {
        assert_eq!(title("How  high is\nit?"), "How high is it?");
        let long = title(&"word ".repeat(40));
        assert!(long.ends_with("word…") && long.chars().count() <= MAX_TITLE_CHARS + 1, "{long}");
    }
}
