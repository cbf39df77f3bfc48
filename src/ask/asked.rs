//! A question on its way to its answer: everything that making the answer needs to know of it, and
//! what of that is kept to go on after a crash.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use std::sync::Arc;

use super::commands::{Command, Heard, hear, spoken};
use super::prompt::Turn;
use super::research::budget::Budget;
use super::retrieve::Scope;
use crate::access::{Caller, Slot, User, quota};
use crate::app::App;
use crate::event::Event;
use crate::runs::RunKey;
use crate::session::{Message, Mode};
use crate::store::{Batch, keys};
use crate::{Error, sessions};

/// A stored question whose answer is being made.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) caller: Caller,
    /// Its place among the answers being made for the caller; taken up again after a stop it has none.
    pub(super) slot: Option<Arc<Slot>>,
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
    /// How the one who asks wants answers to be.
    pub(super) system: Option<String>,
    /// How long the answer may be, in tokens.
    pub(super) max_output_tokens: Option<u32>,
    pub(super) reuse: Reuse,
}

/// Where the conversation before a question is.
#[derive(Clone, Debug)]
pub(super) enum Past {
    /// In the store; that many messages of it count.
    Stored(usize),
    /// With the request: nothing of it is stored, nor of the answer.
    Given(Vec<Turn>),
}

/// What an answer has to do with those that are kept to be given again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reuse {
    /// One that is kept is as good as a new one.
    Allowed,
    /// It is wanted new, and kept from then on.
    Renewed,
    /// Nothing.
    Refused,
}

impl Asked {
    /// Adds to a change what the answer holds of the caller's quota.
    pub(super) fn hold(&self, app: &App, batch: Batch) -> Batch {
        // A command asks no model.
        if self.command.is_some() {
            return batch;
        }
        let tokens = quota::expected_tokens(app, self.mode, self.budget.tokens);
        quota::hold(app, &self.caller, self.key.message, self.mode, tokens, batch)
    }

    /// Whether the answer is stored.
    pub(super) fn is_kept(&self) -> bool {
        matches!(self.past, Past::Stored(_))
    }

    /// The first event of the answer.
    pub(super) fn started(&self, cached: bool) -> Event {
        Event::Started {
            message_id: self.key.message,
            user_message_id: self.question_id,
            session_id: self.key.session,
            mode: self.mode,
            model: self.model.clone(),
            cached,
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
    pub(super) fn new(asked: &Asked) -> Self {
        Self {
            owner: asked.caller.user.clone(),
            session: asked.key.session,
            question_id: asked.question_id,
            scope: asked.scope.clone(),
            budget: asked.budget,
            approve_plan: asked.approve_plan,
        }
    }

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
            slot: None,
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
            system: app.config.ask.wishes(),
            max_output_tokens: None,
            reuse: Reuse::Refused,
        }))
    }
}

/// A message as what it asks, how if it says so, and the command if it is one.
pub(super) fn heard(content: &str) -> (String, Option<Mode>, Option<Command>) {
    match hear(content) {
        Heard::Question { text, mode } => (text, mode, None),
        // It is answered at once, whatever the session's mode.
        Heard::Command(command) => (content.to_owned(), Some(Mode::Regular), Some(command)),
    }
}

/// The messages that lead to a question, oldest first: as many as the configuration gives the
/// model, and none that stands beside them on another branch; or all that came with the request.
pub(super) async fn history(app: &App, asked: &Asked) -> Result<Vec<Turn>, Error> {
    let limit = match &asked.past {
        Past::Given(turns) => return Ok(turns.clone()),
        Past::Stored(limit) => *limit,
    };
    let session = asked.key.session;
    let mut message = sessions::header(app, &asked.caller, session, asked.question_id).await?;
    let mut turns = Vec::new();
    for _ in 0..limit {
        let Some(before) = sessions::before(app, session, &message).await? else { break };
        message = before;
        let said = sessions::with_answer(app, session, message.clone()).await?;
        if !said.content.is_empty() {
            turns.push(Turn { role: said.role, content: said.content });
        }
    }
    turns.reverse();
    Ok(spoken(turns))
}
