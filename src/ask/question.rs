//! From a request to a stored question with an answer on its way.

use std::sync::Arc;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::commands::{Command, Heard, hear, spoken};
use super::prompt::Turn;
use super::research::budget::Budget;
use super::retrieve::Scope;
use crate::access::{Caller, User};
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
    /// How many earlier messages the model is told at most; as configured if absent. Not for clients
    /// of ibid's own API to say.
    #[serde(skip)]
    pub history_messages: Option<usize>,
    /// Stream the events (the default), or answer once with the whole message.
    #[serde(default = "yes")]
    pub stream: bool,
}

impl Question {
    /// A question with nothing beside its words.
    #[must_use]
    pub fn new(content: String) -> Self {
        Self {
            content,
            mode: None,
            document_ids: None,
            collection: None,
            model: None,
            budget: None,
            approve_plan: false,
            history_messages: None,
            stream: true,
        }
    }

    /// Whether it is one that can be asked.
    ///
    /// # Errors
    /// [`Error::Invalid`] if it is empty, [`Error::TooLarge`] if it is too long.
    pub fn check(&self) -> Result<(), Error> {
        check(&self.content)
    }
}

fn yes() -> bool {
    true
}

/// A stored question whose answer is being made.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) caller: Caller,
    pub(super) key: RunKey,
    pub(super) question_id: Uuid,
    /// What is asked, without the command that says how.
    pub(super) content: String,
    /// What ibid is to answer itself, if that is what is asked.
    pub(super) command: Option<Command>,
    pub(super) model: String,
    pub(super) scope: Scope,
    pub(super) mode: Mode,
    pub(super) budget: Budget,
    pub(super) approve_plan: bool,
    pub(super) past: Past,
    /// How the one who asks wants answers to be; empty if they do not say.
    pub(super) system: String,
    /// How long the answer may be, in tokens.
    pub(super) max_output_tokens: Option<u32>,
}

/// Where the conversation before a question is.
#[derive(Clone, Debug)]
pub(super) enum Past {
    /// In the store; that many messages of it count.
    Stored(usize),
    /// With the request: nothing of it is stored, nor of the answer.
    Given(Vec<Turn>),
}

impl Asked {
    /// Whether the answer is stored.
    pub(super) fn is_kept(&self) -> bool {
        matches!(self.past, Past::Stored(_))
    }

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
    /// Who asked.
    #[serde(default)]
    owner: User,
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
        let (content, _, command) = heard(&question.value.content);
        Ok(Some(Asked {
            caller: Caller::on_behalf_of(self.owner),
            key,
            question_id: self.question_id,
            content,
            command,
            model: answer.value.model.unwrap_or_default(),
            scope: self.scope,
            mode: answer.value.mode.unwrap_or_default(),
            budget: self.budget,
            approve_plan: self.approve_plan,
            past: Past::Stored(app.config.ask.history_messages),
            system: app.config.ask.system.clone(),
            max_output_tokens: None,
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
    caller: &Caller,
    session: Uuid,
    question: Question,
    claim: Option<&Claim>,
) -> Result<RunKey, Error> {
    if app.stopping.is_cancelled() {
        return Err(Error::ShuttingDown);
    }
    begin(app, caller, session, &question, None, claim).await
}

/// Stores a question whose answer is to be started later by [`answer_posed`], together with what
/// `also` adds to the change under the question's id. When this returns, both are durable.
///
/// # Errors
/// As [`start`].
pub async fn pose(
    app: &App,
    caller: &Caller,
    session: Uuid,
    question: &Question,
    also: impl Fn(Batch, Uuid) -> Batch,
) -> Result<Uuid, Error> {
    question.check()?;
    let key = RunKey { session, message: Uuid::now_v7() };
    loop {
        let stored = sessions::get(app, caller, session).await?;
        let asked = understand(app, caller, key, key.message, &stored.value, question).await?;
        let now = app.store.now();
        let asking = asking(&asked, question, now);
        let updated = grown(&stored.value, &asked, 1, now);
        let batch = Batch::new().put(keys::message(session, asking.id), &asking);
        if sessions::update(app, also(batch, asking.id), &stored, &updated).await? {
            return Ok(asking.id);
        }
    }
}

/// Starts the answer to a question that was posed; the same one, however often it is called under
/// the same key. `question` says how; its words are those that were posed.
///
/// # Errors
/// As [`start`].
pub async fn answer_posed(
    app: &Arc<App>,
    caller: &Caller,
    session: Uuid,
    question_id: Uuid,
    question: Question,
    claim: &Claim,
) -> Result<RunKey, Error> {
    if app.stopping.is_cancelled() {
        return Err(Error::ShuttingDown);
    }
    let posed = sessions::header(app, caller, session, question_id).await?;
    let question = Question { content: posed.content, ..question };
    begin(app, caller, session, &question, Some(question_id), Some(claim)).await
}

/// Starts an answer to a new question, or to one that is stored already.
async fn begin(
    app: &Arc<App>,
    caller: &Caller,
    session: Uuid,
    question: &Question,
    posed: Option<Uuid>,
    claim: Option<&Claim>,
) -> Result<RunKey, Error> {
    question.check()?;
    // In this order: messages sort by their ids.
    let question_id = posed.unwrap_or_else(Uuid::now_v7);
    let key = RunKey { session, message: Uuid::now_v7() };
    loop {
        if let Some(claim) = claim
            && let Some(message) = claim.made(app).await?
        {
            return Ok(RunKey { session, message });
        }
        let stored = sessions::get(app, caller, session).await?;
        let asked = understand(app, caller, key, question_id, &stored.value, question).await?;
        let for_research = question.budget.is_some() || question.approve_plan;
        if for_research && asked.mode == Mode::Regular {
            return Err(Error::Invalid(
                "`budget` and `approve_plan` go with `\"mode\": \"deep_research\"` only".to_owned(),
            ));
        }
        let recorder = app.runs.begin(key).await?;
        let asking = posed.is_none().then(|| asking(&asked, question, app.store.now()));
        if !store(app, &asked, asking, stored, claim).await? {
            recorder.discard().await?;
            continue;
        }
        recorder.append(&asked.started());
        app.tasks.spawn(super::run(Arc::clone(app), asked, recorder, Vec::new()));
        return Ok(key);
    }
}

/// The messages before a question, oldest first: as many as the configuration gives the model, or
/// all that came with the request.
pub(super) async fn history(app: &App, asked: &Asked) -> Result<Vec<Turn>, Error> {
    let limit = match &asked.past {
        Past::Given(turns) => return Ok(turns.clone()),
        Past::Stored(limit) => *limit,
    };
    let prefix = keys::messages(asked.key.session);
    let before = keys::message(asked.key.session, asked.question_id);
    let stored = app.store.scan::<Message>(&prefix, Some(&before), limit, Order::Descending).await?;
    let mut turns = Vec::with_capacity(stored.len());
    for (_, record) in stored.into_iter().rev() {
        let message = sessions::with_answer(app, asked.key.session, record.value).await?;
        if !message.content.is_empty() {
            turns.push(Turn { role: message.role, content: message.content });
        }
    }
    Ok(spoken(turns))
}

/// A message as what it asks, how if it says so, and the command if it is one.
pub(super) fn heard(content: &str) -> (String, Option<Mode>, Option<Command>) {
    match hear(content) {
        Heard::Question { text, mode } => (text, mode, None),
        // It is answered at once, whatever the session's mode.
        Heard::Command(command) => (content.to_owned(), Some(Mode::Regular), Some(command)),
    }
}

pub(super) fn check(content: &str) -> Result<(), Error> {
    if content.trim().is_empty() {
        return Err(Error::Invalid("the question is empty; write one".to_owned()));
    }
    if content.len() > MAX_QUESTION_BYTES {
        return Err(Error::TooLarge(format!(
            "the question has {} bytes, more than {MAX_QUESTION_BYTES}; upload long texts as documents",
            content.len()
        )));
    }
    Ok(())
}

async fn understand(
    app: &App,
    caller: &Caller,
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
    let scope = Scope::resolve(app, caller, documents.as_deref(), collection.as_deref()).await?;
    let (content, said_mode, command) = heard(&question.content);
    check(&content)?;
    Ok(Asked {
        caller: caller.clone(),
        key,
        question_id,
        content,
        command,
        model,
        scope,
        mode: said_mode.or(question.mode).unwrap_or(session.mode),
        budget: question.budget.unwrap_or_default(),
        approve_plan: question.approve_plan,
        past: Past::Stored(question.history_messages.unwrap_or(app.config.ask.history_messages)),
        system: app.config.ask.system.clone(),
        max_output_tokens: None,
    })
}

/// The question as it is stored.
fn asking(asked: &Asked, question: &Question, now: Timestamp) -> Message {
    Message {
        mode: Some(asked.mode),
        document_ids: question.document_ids.clone(),
        collection: question.collection.clone(),
        ..Message::new(asked.question_id, Role::User, question.content.clone(), now)
    }
}

/// A session with so many messages more. A command says nothing of what it is about.
fn grown(session: &Session, asked: &Asked, num_messages: u32, now: Timestamp) -> Session {
    let mut grown = session.clone();
    grown.message_count += num_messages;
    grown.updated_at = now;
    if grown.title.is_empty() && asked.command.is_none() {
        grown.title = title(&asked.content);
    }
    grown
}

/// One commit: the question if it is new, the answer, the run, the session. False if the session
/// changed meanwhile.
async fn store(
    app: &App,
    asked: &Asked,
    asking: Option<Message>,
    session: Record<Session>,
    claim: Option<&Claim>,
) -> Result<bool, Error> {
    let RunKey { session: session_id, message: answer_id } = asked.key;
    let now = app.store.now();
    let answering = Message {
        mode: Some(asked.mode),
        model: Some(asked.model.clone()),
        parent_id: Some(asked.question_id),
        status: MessageStatus::Running,
        ..Message::new(answer_id, Role::Assistant, String::new(), now)
    };
    let updated = grown(&session.value, asked, 1 + u32::from(asking.is_some()), now);
    let record = RunRecord {
        owner: asked.caller.user.clone(),
        session: session_id,
        question_id: asked.question_id,
        scope: asked.scope.clone(),
        budget: asked.budget,
        approve_plan: asked.approve_plan,
    };
    let mut batch =
        Batch::new().put(keys::message(session_id, answer_id), &answering).put(keys::run(answer_id), &record);
    if let Some(asking) = asking {
        batch = batch.put(keys::message(session_id, asking.id), &asking);
    }
    if let Some(claim) = claim {
        batch = claim.note(batch, answer_id, now);
    }
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
