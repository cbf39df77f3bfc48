//! Answering a conversation that its reader keeps: the same retrieval, citations and events as for a
//! stored question, and nothing of it on disk, now or after a crash. Its one reader is its only
//! reason: when that leaves, it stops.

use std::sync::Arc;

use futures::{Stream, StreamExt, stream};
use uuid::Uuid;

use super::asked::{Asked, Past, Reuse, heard};
use super::commands::spoken;
use super::prompt::Turn;
use super::question;
use super::research::budget::Budget;
use super::retrieve::Scope;
use crate::Error;
use crate::access::{Caller, Permit, quota};
use crate::app::App;
use crate::event::Event;
use crate::runs::RunKey;
use crate::session::{Mode, Role};
use crate::store::{Batch, Commit};

/// A conversation as its reader has it, ending with the question.
#[derive(Clone, Debug, Default)]
pub struct Conversation {
    /// Oldest first; the last one is the reader's.
    pub turns: Vec<Turn>,
    /// How answers should be; as configured if absent. It never replaces the rules of citing.
    pub system: Option<String>,
    /// Which model answers; the default one if absent.
    pub model: Option<String>,
    /// How to answer.
    pub mode: Mode,
    /// Search only these documents.
    pub document_ids: Option<Vec<Uuid>>,
    /// Search only this collection.
    pub collection: Option<String>,
    /// What a deep research may cost at most; as configured where absent.
    pub budget: Budget,
    /// How long the answer may be, in tokens; as the model is configured if absent. A deep
    /// research has its budget instead.
    pub max_output_tokens: Option<u32>,
}

/// Starts an answer and gives its events, from `started` to `done` or `error`. Dropping them stops
/// the answer and its call to the model at once. The session it names is the nil one.
///
/// # Errors
/// [`Error::Invalid`] for a conversation that does not end with a question or names what does not
/// exist, or if the store fails.
pub async fn once(
    app: &Arc<App>,
    caller: &Caller,
    mut conversation: Conversation,
) -> Result<impl Stream<Item = Event> + Send + use<>, Error> {
    if app.stopping.is_cancelled() {
        return Err(Error::ShuttingDown);
    }
    let Some(last) = conversation.turns.pop().filter(|last| last.role == Role::User) else {
        return Err(Error::Invalid("the last message has to be the question, from `user`".to_owned()));
    };
    question::check(&last.content)?;
    caller.require(Permit::Ask)?;
    let slot = app.gate.limits.run(&caller.user)?;
    let mut asked = understand(app, caller, conversation, last.content).await?;
    asked.slot = Some(Arc::new(slot));
    if let Commit::OverLimit { key } = app.store.commit(asked.hold(app, Batch::new())).await? {
        return Err(quota::exceeded(app, &key));
    }
    let (recorder, events) = app.runs.begin_unkept(asked.key);
    let reader = (events, recorder.cancelled().drop_guard());
    super::spawn(app, asked, recorder, Vec::new());
    Ok(stream::unfold(reader, async |(mut events, stops_when_dropped)| {
        Some((events.next().await?, (events, stops_when_dropped)))
    }))
}

async fn understand(
    app: &App,
    caller: &Caller,
    conversation: Conversation,
    content: String,
) -> Result<Asked, Error> {
    let Conversation { mut turns, system, model, mode, document_ids, collection, budget, max_output_tokens } =
        conversation;
    turns.retain(|turn| !turn.content.trim().is_empty());
    let (content, said_mode, command) = heard(&content);
    question::check(&content)?;
    Ok(Asked {
        key: RunKey { session: Uuid::nil(), message: Uuid::now_v7() },
        caller: caller.clone(),
        slot: None,
        question_id: Uuid::nil(),
        content,
        model: caller.model(app, model.as_deref())?.name().to_owned(),
        command,
        scope: Scope::resolve(app, caller, document_ids.as_deref(), collection.as_deref()).await?,
        mode: said_mode.unwrap_or(mode),
        budget,
        approve_plan: false,
        past: Past::Given(spoken(turns)),
        system: system.filter(|system| !system.trim().is_empty()).or_else(|| app.config.ask.wishes()),
        max_output_tokens,
        reuse: Reuse::Refused,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::{Config, Flags};

    /// An app with a model that takes a minute for an answer, and its folder.
    async fn slow_app() -> (Arc<App>, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ibid.toml");
        let script = folder.path().join("script.json");
        std::fs::write(&script, r#"[{"reply": ["one ", "two "], "delay_ms": 30000}]"#).unwrap();
        let model = "[[models]]\nname = \"slow\"\nprovider = \"scripted\"\nscript = \"script.json\"\n";
        std::fs::write(&file, model).unwrap();
        let flags = Flags { config: Some(file), data: Some(folder.path().join("data")), ..Flags::default() };
        (App::open(Config::load(&flags).unwrap()).await.unwrap(), folder)
    }

    fn conversation(role: Role) -> Conversation {
        let turn = Turn { role, content: "What is in the library?".to_owned() };
        Conversation { turns: vec![turn], ..Conversation::default() }
    }

    #[tokio::test]
    async fn an_answer_stops_when_its_reader_leaves_and_nothing_of_it_stays() {
        let (app, folder) = slow_app().await;
        let mut events = Box::pin(once(&app, &Caller::local(), conversation(Role::User)).await.unwrap());
        let first = events.next().await.unwrap();
        assert!(matches!(first, Event::Started { session_id, .. } if session_id.is_nil()));
        assert_eq!(app.runs.num_live(), 1);

        drop(events);
        app.tasks.close();
        tokio::time::timeout(Duration::from_secs(20), app.tasks.wait()).await.expect("the answer stops");
        assert_eq!(app.runs.num_live(), 0);
        let answers = std::fs::read_dir(folder.path().join("data/answers")).unwrap();
        assert_eq!(answers.count(), 0);
    }

    #[tokio::test]
    async fn a_conversation_that_ends_with_an_answer_asks_nothing() {
        let (app, _folder) = slow_app().await;
        for nothing in [conversation(Role::Assistant), Conversation::default()] {
            assert!(matches!(once(&app, &Caller::local(), nothing).await.err(), Some(Error::Invalid(_))));
        }
    }
}
