//! The whole answer flow on one screen: store the question, then, in a task of its own, make it
//! stand alone, retrieve, prompt, stream, check every mark, and store the answer before its end is
//! told. HTTP only starts a run and reads one.

pub mod cite;
pub mod condense;
mod draft;
pub mod ground;
pub mod prompt;
pub mod question;
mod recover;
mod research;
pub mod retrieve;
pub mod sentence;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::{FutureExt, StreamExt};

use crate::Error;
use crate::app::App;
use crate::config::model::Vendor;
use crate::event::{Event, FinishReason, Step, StepKind, StepState};
use crate::provider::{CallOptions, Delta, Model, ProviderError};
use crate::run;
use crate::runs::{Recorder, RunKey};
use crate::session::{Message, Mode};
use crate::store::{Batch, keys};
use draft::Draft;
use prompt::Turn;
use question::Asked;

pub use question::{Question, start};
pub use recover::{recover, resume};
pub use research::budget::Budget;
pub use research::change_plan;

/// Room for a follow-up made to stand alone.
const MAX_CONDENSED_TOKENS: u32 = 200;
/// What a model is taken to read at once if nobody says.
const DEFAULT_CONTEXT_TOKENS: usize = 32_000;

/// Makes one answer, from the stored question to the stored answer. `past` are the events of a
/// deep research that a stopped server left.
async fn run(app: Arc<App>, asked: Asked, recorder: Recorder, past: Vec<Event>) {
    let cancelled = recorder.cancelled();
    let is_deep = asked.mode == Mode::DeepResearch;
    let mut draft = Draft::new(&app, &asked, &recorder);
    let mut found = research::record::taken_up(&past, asked.budget, &app.config.research);
    let outcome = {
        let work = async {
            match asked.mode {
                Mode::Regular => answer(&app, &asked, &mut draft).await,
                Mode::DeepResearch => {
                    let is_new = past.is_empty();
                    research::research(&app, &asked, &recorder, &mut draft, &mut found, is_new).await
                }
            }
        };
        tokio::select! {
            biased;
            () = cancelled.cancelled() => Ok(stopped(&app)),
            // It stays unfinished in the store, and the next server goes on with it.
            () = app.stopping.cancelled(), if is_deep => return,
            outcome = AssertUnwindSafe(work).catch_unwind() => {
                outcome.unwrap_or_else(|_| Err(Error::internal("the answer's task panicked")))
            }
        }
    };
    let outcome = match outcome {
        Ok(FinishReason::Cancelled) if is_deep => {
            let kept = research::salvage(&app, &asked, &recorder, &mut draft, &mut found).await;
            kept.map(|()| FinishReason::Cancelled)
        }
        outcome => outcome,
    };
    if let Err(Error::Internal(cause)) = &outcome {
        tracing::error!(message.id = %asked.key.message, %cause, "the answer failed");
    }
    let mut last = draft.end(outcome).await;
    if let Err(error) = keep(&app, &recorder, asked.key, &last).await {
        tracing::error!(message.id = %asked.key.message, %error, "the answer's end is not stored");
        last = failure(&error);
    }
    recorder.close(&last);
}

/// The steps of an answer in one pass.
async fn answer(app: &App, asked: &Asked, draft: &mut Draft<'_>) -> Result<FinishReason, Error> {
    let model = app.model(Some(&asked.model))?;
    let history = question::history(app, asked).await?;
    let query = stand_alone(model, &history, &asked.content, draft).await;

    draft.emit(&search_step(StepState::Started, &query, None));
    let found = retrieve::retrieve(app, &asked.scope, &query).await?;
    draft.emit(&search_step(StepState::Finished, &query, Some(found.num_candidates)));
    let prompt = prompt::answer(history, query, &found, context_tokens(model));
    draft.supply(&found, &prompt);

    let mut deltas = model.stream(prompt, CallOptions::default());
    while let Some(delta) = deltas.next().await {
        match delta? {
            Delta::Text(text) => draft.write(&text).await?,
            Delta::Usage(usage) => draft.count(usage),
            Delta::Model { name, reason } => draft.emit(&fallback_step(&name, &reason)),
            Delta::Thinking => {}
            Delta::End(reason) => return Ok(reason),
        }
    }
    Err(ProviderError::Truncated("it ended without its end mark".to_owned()).into())
}

/// The question as it is searched for: a follow-up gets what it leaves out from the conversation,
/// by the model's words if there is a model that answers.
async fn stand_alone(model: &Model, history: &[Turn], question: &str, draft: &mut Draft<'_>) -> String {
    let carried_over = condense::condense(history, question);
    if carried_over == question || model.config().provider == Vendor::Extractive {
        return carried_over;
    }
    let options = CallOptions { max_output_tokens: Some(MAX_CONDENSED_TOKENS), ..CallOptions::default() };
    match model.complete(prompt::condense(history, question), options).await {
        Ok(completion) => {
            draft.spend(completion.usage);
            let text = completion.text.trim();
            if text.is_empty() { carried_over } else { text.to_owned() }
        }
        Err(error) => {
            tracing::warn!(%error, "the follow-up is searched as carried over by rule");
            carried_over
        }
    }
}

/// How much the model reads at once, in tokens.
fn context_tokens(model: &Model) -> usize {
    match (model.config().provider, model.config().context_tokens) {
        (Vendor::Extractive, _) => usize::MAX,
        (_, Some(tokens)) => usize::try_from(tokens).unwrap_or(usize::MAX),
        (_, None) => DEFAULT_CONTEXT_TOKENS,
    }
}

/// Puts the end of an answer on disk and into the store. On a full disk it waits for room, and the
/// readers with it: what they have read is not taken back.
async fn keep(app: &App, recorder: &Recorder, key: RunKey, last: &Event) -> Result<(), Error> {
    let mut sealed = recorder.seal(last).await;
    loop {
        let kept = match sealed {
            Ok(()) => settle(app, key, last).await,
            Err(error) => Err(error.into()),
        };
        match kept {
            Err(Error::DiskFull) if !app.stopping.is_cancelled() => app.space.pause(&app.stopping).await,
            kept => return kept,
        }
        sealed = recorder.sync().await;
    }
}

/// Stores how the answer ended.
async fn settle(app: &App, run_key: RunKey, last: &Event) -> Result<(), Error> {
    let key = keys::message(run_key.session, run_key.message);
    loop {
        // A session deleted meanwhile takes its answers with it.
        let Some(stored) = app.store.get::<Message>(&key).await? else { return Ok(()) };
        let message = Message { status: run::status_at_end(last), ..stored.value };
        let batch =
            Batch::new().check(&key, stored.revision).put(&key, &message).delete(keys::run(run_key.message));
        if app.store.commit(batch).await?.is_done() {
            return Ok(());
        }
    }
}

fn stopped(app: &App) -> FinishReason {
    if app.stopping.is_cancelled() { FinishReason::Interrupted } else { FinishReason::Cancelled }
}

fn failure(error: &Error) -> Event {
    Event::Error {
        code: error.code().to_owned(),
        message: error.to_string(),
        retryable: error.is_retryable(),
    }
}

fn search_step(state: StepState, query: &str, found: Option<u32>) -> Event {
    let query = Some(query.to_owned());
    Event::Step {
        step: Step {
            id: 1,
            kind: StepKind::Search,
            state,
            query,
            found,
            note: None,
            question_id: None,
            result: None,
        },
    }
}

fn fallback_step(model: &str, reason: &str) -> Event {
    let note = Some(format!("answered by `{model}`, because {reason}"));
    let (kind, state) = (StepKind::Write, StepState::Started);
    Event::Step {
        step: Step { id: 2, kind, state, query: None, found: None, note, question_id: None, result: None },
    }
}
