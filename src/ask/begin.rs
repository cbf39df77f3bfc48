//! From a question to a stored one with an answer on its way, and from an answer to another one
//! beside it.

use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;

use super::asked::{Asked, Past, Reuse, RunRecord, heard};
use super::question::{Again, Question, check};
use super::retrieve::Scope;
use crate::access::{Caller, Permit};
use crate::app::App;
use crate::idempotency::Claim;
use crate::runs::RunKey;
use crate::session::{Message, MessageStatus, Mode, Role, Session};
use crate::store::{Batch, Record, keys};
use crate::{Error, sessions};

/// The longest title made from a question, in characters.
const MAX_TITLE_CHARS: usize = 80;

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
    question.check()?;
    begin(app, caller, session, &Wish::new(question), claim).await
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
    question: Question,
    also: impl Fn(Batch, Uuid) -> Batch,
) -> Result<Uuid, Error> {
    question.check()?;
    caller.require(Permit::Ask)?;
    let wish = Wish::new(question);
    let key = RunKey { session, message: Uuid::now_v7() };
    loop {
        let stored = sessions::get(app, caller, session).await?;
        let asked = understand(app, caller, key, key.message, &stored.value, &wish).await?;
        let asking = asking(app, &stored.value, &wish.question, &asked).await?;
        // The branch that is shown goes on once there is an answer.
        let updated = grown(&stored.value, &asked, 1, asking.created_at);
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
    let posed = sessions::header(app, caller, session, question_id).await?;
    let question = Question { content: posed.content, ..question };
    let wish = Wish { question_id: Some(question_id), ..Wish::new(question) };
    begin(app, caller, session, &wish, Some(claim)).await
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
    let model = how.model.or(answered.model.filter(|model| caller.model(app, Some(model)).is_ok()));
    let question = Question {
        mode: how.mode.or(asking.mode),
        document_ids: asking.document_ids,
        collection: asking.collection,
        model,
        budget: how.budget,
        approve_plan: how.approve_plan,
        stream: how.stream,
        ..Question::new(asking.content)
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

impl Wish {
    fn new(question: Question) -> Self {
        let reuse = if question.cache { Reuse::Allowed } else { Reuse::Refused };
        Self { question, reuse, question_id: None }
    }
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
    caller.require(Permit::Ask)?;
    let mut slot = None;
    app.space.admit()?;
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
        if slot.is_none() {
            app.gate.limits.session(session)?;
            slot = Some(Arc::new(app.gate.limits.run(&caller.user)?));
        }
        let mut asked = understand(app, caller, key, question_id, &stored.value, wish).await?;
        let question = match wish.question_id {
            None => Some(asking(app, &stored.value, &wish.question, &asked).await?),
            Some(_) => None,
        };
        asked.slot.clone_from(&slot);
        let recorder = app.runs.begin(key, asked.mode == Mode::DeepResearch);
        let is_stored = store(app, &asked, question, stored, claim).await;
        if !matches!(is_stored, Ok(true)) {
            recorder.discard().await?;
            is_stored?;
            continue;
        }
        super::spawn(app, asked, recorder, Vec::new());
        return Ok(key);
    }
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
    let model = caller.model(app, model.map(String::as_str))?.name().to_owned();
    let (content, said_mode, command) = heard(&question.content);
    check(&content)?;
    let mode = said_mode.or(question.mode).unwrap_or(session.mode);
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
        slot: None,
        key,
        question_id,
        content,
        // What a command does, it does each time.
        reuse: if command.is_some() { Reuse::Refused } else { wish.reuse },
        command,
        model,
        scope,
        mode,
        budget: question.budget.unwrap_or_default(),
        approve_plan: question.approve_plan,
        past: Past::Stored(question.history_messages.unwrap_or(app.config.ask.history_messages)),
        system: app.config.ask.wishes(),
        max_output_tokens: None,
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
    let mut updated = grown(&session.value, asked, 1 + u32::from(question.is_some()), now);
    updated.active = Some(answer_id);
    let mut batch = Batch::new()
        .put(keys::message(session_id, answer_id), &answering)
        .put(keys::run(answer_id), &RunRecord::new(asked));
    if let Some(question) = question {
        batch = batch.put(keys::message(session_id, question.id), &question);
    }
    batch = asked.hold(app, batch);
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
