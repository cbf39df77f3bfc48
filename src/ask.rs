//! The whole answer flow on one screen: store the question, then, in a task of its own, make it
//! stand alone, retrieve, prompt, stream, check every mark, and store the answer before its end is
//! told. HTTP only starts a run and reads one.

mod asked;
mod begin;
pub mod cache;
pub mod cite;
mod commands;
pub mod condense;
mod draft;
pub(crate) mod facets;
pub(crate) mod framing;
pub mod ground;
mod inside;
mod once;
pub mod prompt;
pub mod question;
mod recover;
pub mod refusal;
mod research;
pub mod retrieve;
pub mod sentence;
pub(crate) mod told;
pub(crate) mod topic;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::{FutureExt, StreamExt};
use tracing::Instrument;

use crate::Error;
use crate::access::quota;
use crate::app::App;
use crate::config::model::Vendor;
use crate::event::{Event, FinishReason, Step, StepKind, StepState};
use crate::provider::{CallOptions, Delta, Model, ProviderError};
use crate::runs::{Recorder, RunKey};
use crate::session::{Message, Mode};
use crate::store::{Batch, keys};
use crate::{history, run};
use asked::Asked;
use commands::reply::reply;
use draft::Draft;
use prompt::{Prompt, Turn};

pub use begin::{answer_posed, pose, regenerate, start};
pub use commands::{COMMANDS, Usage};
pub use once::{Conversation, once};
pub use question::{Again, Question};
pub use recover::{recover, resume};
pub use research::budget::Budget;
pub use research::change_plan;

/// Room for a follow-up made to stand alone.
const MAX_CONDENSED_TOKENS: u32 = 200;
/// What a model is taken to read at once if nobody says.
const DEFAULT_CONTEXT_TOKENS: usize = 32_000;

/// Sets the making of an answer going. Its log tells which request it belongs to.
fn spawn(app: &Arc<App>, asked: Asked, recorder: Recorder, past: Vec<Event>) {
    let span = tracing::info_span!("run", message.id = %asked.key.message, model = asked.model);
    app.tasks.spawn(run(Arc::clone(app), Box::new(asked), recorder, past).instrument(span));
}

/// Makes one answer, from the question to the answer, stored if the question is, or gives one again
/// that is kept. `past` are the events of a deep research that a stopped server left. What is soon over
/// stands in a box, here and below: it would take its memory for as long as the model writes, and there
/// may be thousands of answers.
async fn run(app: Arc<App>, asked: Box<Asked>, recorder: Recorder, past: Vec<Event>) {
    let begun = Instant::now();
    let (place, kept) = Box::pin(cache::look(&app, &asked)).await;
    if past.is_empty() {
        recorder.append(&asked.started(kept.is_some()));
    }
    let made = match kept {
        Some(kept) => Some((kept.replay(&recorder, asked.key, begun.elapsed()), false)),
        None => make(&app, &asked, &recorder, &past).await,
    };
    // It stays unfinished in the store, and the next server goes on with it.
    let Some((last, is_to_keep)) = made else { return };
    let place = is_to_keep.then_some(place);
    let last = Box::pin(conclude(&app, &asked, &recorder, last, place)).await;
    app.metrics.run_ended(asked.mode, &last, begun.elapsed());
    recorder.close(&last);
}

/// Keeps the end of an answer, and for those who ask the same the answer. Gives the end as it is told.
async fn conclude(
    app: &App,
    asked: &Asked,
    recorder: &Recorder,
    last: Event,
    place: Option<cache::Place>,
) -> Event {
    if let Err(error) = keep(app, recorder, asked, &last).await {
        tracing::error!(message.id = %asked.key.message, %error, "the answer's end is not stored");
        return failure(&error);
    }
    if let Some(place) = place {
        cache::keep(app, asked, place, &last).await;
    }
    last
}

/// The last event of an answer that is made now, and whether it is as good as can be; None if the
/// server stops and a later one goes on with it.
async fn make(app: &App, asked: &Asked, recorder: &Recorder, past: &[Event]) -> Option<(Event, bool)> {
    let cancelled = recorder.cancelled();
    let is_deep = asked.mode == Mode::DeepResearch;
    let mut draft = Draft::new(app, asked, recorder);
    let mut found = research::record::taken_up(past, asked.budget, &app.config.research);
    let outcome = {
        let work = async {
            if let Some(command) = &asked.command {
                draft.say(&Box::pin(reply(app, asked, command)).await?);
                return Ok(FinishReason::Stop);
            }
            match asked.mode {
                Mode::Regular => answer(app, asked, &mut draft).await,
                Mode::DeepResearch => {
                    let is_new = past.is_empty();
                    Box::pin(research::research(app, asked, recorder, &mut draft, &mut found, is_new)).await
                }
            }
        };
        tokio::select! {
            biased;
            () = cancelled.cancelled() => Ok(stopped(app)),
            () = app.stopping.cancelled(), if is_deep && asked.is_kept() => return None,
            () = unread(app, recorder) => Ok(FinishReason::Cancelled),
            outcome = AssertUnwindSafe(work).catch_unwind() => {
                outcome.unwrap_or_else(|_| Err(Error::internal("the answer's task panicked")))
            }
        }
    };
    let outcome = match outcome {
        Ok(FinishReason::Cancelled) if is_deep => {
            let kept = Box::pin(research::salvage(app, asked, recorder, &mut draft, &mut found)).await;
            kept.map(|()| FinishReason::Cancelled)
        }
        outcome => outcome,
    };
    if let Err(Error::Internal(cause)) = &outcome {
        tracing::error!(message.id = %asked.key.message, %cause, "the answer failed");
    }
    let is_makeshift = draft.is_makeshift();
    Some((Box::pin(draft.end(outcome)).await, !is_makeshift))
}

/// Resolves once nobody has read the answer for as long as it may go unread, if that is limited.
async fn unread(app: &App, recorder: &Recorder) {
    match app.config.ask.cancel_unread_s {
        0 => std::future::pending().await,
        seconds => Box::pin(recorder.unread(Duration::from_secs(seconds))).await,
    }
}

/// The steps of an answer in one pass. If the model can't read what it is given, it is given less
/// once.
async fn answer(app: &App, asked: &Asked, draft: &mut Draft<'_>) -> Result<FinishReason, Error> {
    let model = app.model(Some(&asked.model))?;
    let history = Box::pin(asked::history(app, asked)).await?;
    let recent = recent(app, &history);
    let query = stand_alone(model, recent, &asked.content, draft).await;

    draft.emit(&search_step(StepState::Started, &query, None, None));
    let found = Box::pin(retrieve::retrieve(app, &asked.caller, &asked.scope, &query)).await?;
    if found.manner.note.is_some() {
        draft.make_do();
    }
    let (num_found, note) = (Some(found.num_candidates), found.manner.note.clone());
    draft.emit(&search_step(StepState::Finished, &query, num_found, note));
    let system = asked.system.as_deref();
    let prompt = prompt::answer(system, history, query, found.excerpts, context_tokens(model));
    let prompt = Prompt { index: Some(Arc::clone(&app.index)), ..prompt };
    draft.supply(&found.query, found.language, &prompt.passages);

    let mut prompt = Some(Arc::new(prompt));
    match write(model, asked, &mut prompt, draft).await {
        Err(Error::Provider(ProviderError::ContextTooLong)) => {
            let Some((shorter, note)) = prompt.and_then(|prompt| prompt.halved(system)) else {
                return Err(ProviderError::ContextTooLong.into());
            };
            draft.emit(&write_step(note));
            draft.supply(&found.query, found.language, &shorter.passages);
            write(model, asked, &mut Some(Arc::new(shorter)), draft).await
        }
        outcome => outcome,
    }
}

/// Lets the model write. The prompt is taken away once it has begun: it is of no more use, and there
/// may be thousands of answers.
async fn write(
    model: &Model,
    asked: &Asked,
    prompt: &mut Option<Arc<Prompt>>,
    draft: &mut Draft<'_>,
) -> Result<FinishReason, Error> {
    let Some(sent) = prompt.clone() else { return Err(Error::internal("there is nothing to send")) };
    let options = CallOptions { max_output_tokens: asked.max_output_tokens, ..CallOptions::default() };
    let mut deltas = model.stream(sent, options);
    while let Some(delta) = deltas.next().await {
        match delta? {
            Delta::Text(text) => {
                *prompt = None;
                draft.write(&text).await?;
            }
            Delta::Usage(usage) => draft.count(usage),
            Delta::Model { name, reason } => {
                draft.make_do();
                draft.emit(&write_step(format!("answered by `{name}`, because {reason}")));
            }
            Delta::Thinking => {}
            Delta::End(reason) => return Ok(reason),
        }
    }
    Err(ProviderError::Truncated("it ended without its end mark".to_owned()).into())
}

/// The turns that a follow-up may lean on.
fn recent<'a>(app: &App, history: &'a [Turn]) -> &'a [Turn] {
    &history[history.len().saturating_sub(app.config.ask.history_messages)..]
}

/// The question as it is searched for: a follow-up gets what it leaves out from the conversation,
/// by the model's words if there is a model that answers.
async fn stand_alone(model: &Model, history: &[Turn], question: &str, draft: &mut Draft<'_>) -> String {
    let carried_over = condense::condense(history, question);
    let leans = || carried_over != question || condense::may_lean(history, question);
    if model.config().provider == Vendor::Extractive || !leans() {
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
            draft.make_do();
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
async fn keep(app: &App, recorder: &Recorder, asked: &Asked, last: &Event) -> Result<(), Error> {
    let mut sealed = recorder.seal(last).await;
    loop {
        let kept = match sealed {
            Ok(()) => settle(app, asked.key, last).await,
            Err(error) => Err(error.into()),
        };
        match kept {
            Err(Error::DiskFull) if !app.stopping.is_cancelled() => app.space.pause(&app.stopping).await,
            kept => return kept,
        }
        sealed = recorder.sync().await;
    }
}

/// Stores how the answer ended, what it cites, and what becomes of what it held of a quota.
async fn settle(app: &App, run_key: RunKey, last: &Event) -> Result<(), Error> {
    let key = keys::message(run_key.session, run_key.message);
    loop {
        let held = quota::held(app, run_key.message).await?;
        // A session deleted meanwhile takes its answers with it, and some answers are never stored.
        let stored = app.store.get::<Message>(&key).await?;
        if stored.is_none() && !run_key.session.is_nil() {
            app.runs.forget(run_key).await?;
        }
        if held.is_none() && stored.is_none() {
            return Ok(());
        }
        let mut batch = Batch::new().delete(keys::run(run_key.message));
        let message = match stored {
            None => None,
            Some(stored) => {
                let message = Message { status: run::status_at_end(last), ..stored.value };
                let events = app.runs.events(run_key).await?;
                batch = batch.check(&key, stored.revision).put(&key, &message);
                batch = history::note(batch, run_key, &events);
                Some(message)
            }
        };
        if let Some(held) = held {
            batch = quota::settle(batch, run_key.message, &held, Some(last));
        }
        if app.store.commit(batch).await?.is_done() {
            if let Some(message) = message {
                history::settled(app, run_key, message.parent_id);
            }
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
        retry_after_s: error.retry_after_s(),
    }
}

fn search_step(state: StepState, query: &str, found: Option<u32>, note: Option<String>) -> Event {
    let query = Some(query.to_owned());
    Event::Step {
        step: Step {
            id: 1,
            kind: StepKind::Search,
            state,
            query,
            found,
            note,
            question_id: None,
            result: None,
        },
    }
}

fn write_step(note: String) -> Event {
    let (kind, state, note) = (StepKind::Write, StepState::Started, Some(note));
    Event::Step {
        step: Step { id: 2, kind, state, query: None, found: None, note, question_id: None, result: None },
    }
}
