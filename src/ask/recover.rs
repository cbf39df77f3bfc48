//! After a crash: answers that were being made are ended with what they had.

use std::io;
use std::sync::Arc;

use uuid::Uuid;

use super::ground::ground;
use super::prompt::{Excerpt, language};
use super::settle;
use crate::app::App;
use crate::event::{Event, FinishReason, Timings};
use crate::runs::RunKey;
use crate::session::{Message, Role};
use crate::store::{Order, keys};
use crate::{Error, run};

/// More than a server can have been making at once.
const MAX_RUNS: usize = 100_000;

/// Ends every answer that an earlier run of the server left unfinished, as `interrupted`, with its
/// text and citations so far. An answer whose end was on disk already is only marked so.
///
/// # Errors
/// If the store or the answers can't be read.
pub async fn recover(app: &Arc<App>) -> Result<(), Error> {
    for (key, record) in app.store.scan::<Uuid>(keys::RUNS, None, MAX_RUNS, Order::Ascending).await? {
        let Some(message) = key.strip_prefix(keys::RUNS).and_then(|id| id.parse().ok()) else { continue };
        let key = RunKey { session: record.value, message };
        end(app, key).await?;
        tracing::info!(message.id = %message, "an answer that was cut short is kept as far as it went");
    }
    Ok(())
}

async fn end(app: &Arc<App>, key: RunKey) -> Result<(), Error> {
    let (recorder, events) = match app.runs.take_up(key).await {
        Ok(taken_up) => taken_up,
        // The question was stored and the answer's file was not: begin it, to end it.
        Err(error) if error.kind() == io::ErrorKind::NotFound => (app.runs.begin(key).await?, Vec::new()),
        Err(error) => return Err(error.into()),
    };
    if let Some(last) = events.last().filter(|last| last.is_terminal()) {
        return settle(app, key, last).await;
    }
    let mut message = Message::new(key.message, Role::Assistant, String::new(), app.store.now());
    run::fold(&mut message, events);
    let excerpts = excerpts(app, &message).await;
    let last = Event::Done {
        message_id: key.message,
        finish_reason: FinishReason::Interrupted,
        citations: u32::try_from(message.citations.len()).unwrap_or(u32::MAX),
        grounding: ground(&message.content, &message.citations, &excerpts, language(&excerpts), 0),
        usage: message.usage.unwrap_or_default(),
        timings_ms: Timings::default(),
    };
    recorder.seal(&last).await?;
    settle(app, key, &last).await?;
    recorder.close(&last);
    Ok(())
}

/// The passages an answer was given, as far as their documents still exist.
async fn excerpts(app: &App, message: &Message) -> Vec<Excerpt> {
    let mut excerpts = Vec::with_capacity(message.sources.len());
    for source in message.sources.iter().cloned() {
        if let Ok(text) = app.files.read_text(source.document_id, source.start..source.end).await {
            excerpts.push(Excerpt { source, text, pages: Vec::new() });
        }
    }
    excerpts
}
