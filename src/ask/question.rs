//! From a request to a stored question with an answer on its way, and from an answer to another one
//! beside it.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::asked::{Asked, Past, Reuse, RunRecord};
use super::research::budget::Budget;
use super::retrieve::Scope;
use crate::access::Caller;
use crate::app::App;
use crate::idempotency::Claim;
use crate::runs::RunKey;
use crate::session::{Message, MessageStatus, Mode, Role, Session};
use crate::store::{Batch, Record, keys};
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
    /// The answer that the question follows, or the session to open the conversation anew; the end
    /// of the branch that is shown if absent. A question changed and sent again follows what the
    /// first one followed, and stands beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<Uuid>,
    /// Whether the answer that this question had before may be given again, if nothing that
    /// decides it has changed since.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub cache: bool,
    /// Stream the events (the default), or answer once with the whole message.
    #[serde(default = "yes")]
    pub stream: bool,
}

fn yes() -> bool {
    true
}

fn is_yes(answer: &bool) -> bool {
    *answer
}

/// How a question is answered once more. What is absent is as it was.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Again {
    /// How to answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// Which model answers.
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

impl Default for Again {
    fn default() -> Self {
        Self { mode: None, model: None, budget: None, approve_plan: false, stream: true }
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
    check(&question.content)?;
    let reuse = if question.cache { Reuse::Allowed } else { Reuse::Refused };
    begin(app, caller, session, &Wish { question, reuse, question_id: None }, claim).await
}

/// Starts another answer to the question of an answer. The one there is stays beside it.
///
/// # Errors
/// [`Error::NotFound`] for an unknown session or answer, [`Error::Running`] while the answer is
/// being made, and as [`start`].
pub async fn regenerate(
    app: &Arc<App>,
    caller: &Caller,
    session: Uuid,
    answer: Uuid,
    how: Again,
    claim: Option<&Claim>,
) -> Result<RunKey, Error> {
    let answered = sessions::header(app, caller, session, answer).await?;
    let question = match answered.role {
        Role::Assistant => sessions::before(app, session, &answered).await?,
        Role::User => None,
    };
    let Some(asking) = question else {
        return Err(Error::Invalid(format!(
            "message `{answer}` is a question; name the answer that is to be made again"
        )));
    };
    if app.runs.is_live(answer) {
        return Err(Error::Running(answer));
    }
    // A model that is no longer configured can't answer again.
    let model = how.model.or(answered.model.filter(|model| app.model(Some(model)).is_ok()));
    let question = Question {
        content: asking.content,
        mode: how.mode.or(asking.mode),
        document_ids: asking.document_ids,
        collection: asking.collection,
        model,
        budget: how.budget,
        approve_plan: how.approve_plan,
        parent_id: None,
        cache: true,
        stream: how.stream,
    };
    let wish = Wish { question, reuse: Reuse::Renewed, question_id: Some(asking.id) };
    begin(app, caller, session, &wish, claim).await
}

/// An answer to be made.
struct Wish {
    question: Question,
    reuse: Reuse,
    /// The question, if it is stored already.
    question_id: Option<Uuid>,
}

async fn begin(
    app: &Arc<App>,
    caller: &Caller,
    session: Uuid,
    wish: &Wish,
    claim: Option<&Claim>,
) -> Result<RunKey, Error> {
    if app.stopping.is_cancelled() {
        return Err(Error::ShuttingDown);
    }
    // In this order: messages sort by their ids.
    let question_id = wish.question_id.unwrap_or_else(Uuid::now_v7);
    let key = RunKey { session, message: Uuid::now_v7() };
    loop {
        if let Some(claim) = claim
            && let Some(message) = claim.made(app).await?
        {
            return Ok(RunKey { session, message });
        }
        let stored = sessions::get(app, caller, session).await?;
        let asked = understand(app, caller, key, question_id, &stored.value, wish).await?;
        let question = match wish.question_id {
            None => Some(asking(app, &stored.value, &wish.question, &asked).await?),
            Some(_) => None,
        };
        let recorder = app.runs.begin(key).await?;
        if !store(app, &asked, question, stored, claim).await? {
            recorder.discard().await?;
            continue;
        }
        super::spawn(app, asked, recorder, Vec::new());
        return Ok(key);
    }
}

pub(super) fn check(content: &str) -> Result<(), Error> {
    if content.trim().is_empty() {
        return Err(Error::Invalid("`content` is empty; write a question".to_owned()));
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
    wish: &Wish,
) -> Result<Asked, Error> {
    let question = &wish.question;
    let model = question.model.as_ref().or(session.model.as_ref());
    let model = app.model(model.map(String::as_str))?.name().to_owned();
    let mode = question.mode.unwrap_or(session.mode);
    if mode == Mode::Regular && (question.budget.is_some() || question.approve_plan) {
        return Err(Error::Invalid(
            "`budget` and `approve_plan` go with `\"mode\": \"deep_research\"` only".to_owned(),
        ));
    }
    // A scope given with the message replaces the session's as a whole.
    let (documents, collection) = if question.document_ids.is_some() || question.collection.is_some() {
        (&question.document_ids, &question.collection)
    } else {
        (&session.document_ids, &session.collection)
    };
    let scope = Scope::resolve(app, caller, documents.as_deref(), collection.as_deref()).await?;
    Ok(Asked {
        caller: caller.clone(),
        key,
        question_id,
        content: question.content.clone(),
        model,
        scope,
        mode,
        budget: question.budget.unwrap_or_default(),
        approve_plan: question.approve_plan,
        past: Past::Stored,
        system: app.config.ask.system.clone(),
        max_output_tokens: None,
        reuse: wish.reuse,
    })
}

/// The question as it is stored, at its place in the conversation.
async fn asking(app: &App, session: &Session, question: &Question, asked: &Asked) -> Result<Message, Error> {
    let parent = match question.parent_id {
        None => sessions::end(app, session).await?,
        Some(parent) if parent == session.id => parent,
        Some(parent) => match sessions::header(app, &asked.caller, session.id, parent).await?.role {
            Role::Assistant => parent,
            Role::User => {
                return Err(Error::Invalid(format!(
                    "`parent_id` `{parent}` is a question; a question follows an answer, or as the first one the session"
                )));
            }
        },
    };
    Ok(Message {
        mode: Some(asked.mode),
        parent_id: Some(parent),
        document_ids: question.document_ids.clone(),
        collection: question.collection.clone(),
        ..Message::new(asked.question_id, Role::User, question.content.clone(), app.store.now())
    })
}

/// One commit: the question if it is new, the answer, the run, the session. False if the session
/// changed meanwhile.
async fn store(
    app: &App,
    asked: &Asked,
    question: Option<Message>,
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
    let mut updated = session.value.clone();
    updated.message_count += 1 + u32::from(question.is_some());
    updated.updated_at = now;
    updated.active = Some(answer_id);
    if updated.title.is_empty() {
        updated.title = title(&asked.content);
    }
    let mut batch = Batch::new()
        .put(keys::message(session_id, answer_id), &answering)
        .put(keys::run(answer_id), &RunRecord::new(asked));
    if let Some(question) = question {
        batch = batch.put(keys::message(session_id, question.id), &question);
    }
    if let Some(claim) = claim {
        batch = claim.note(batch, &answer_id, now);
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
