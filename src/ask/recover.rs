//! After a crash: answers that were being made are ended with what they had, and deep research is
//! taken up where it was.

use std::io;
use std::sync::Arc;

use uuid::Uuid;

use super::asked::RunRecord;
use super::cite::Shelf;
use super::ground::ground;
use super::prompt::{language, recall};
use super::settle;
use crate::app::App;
use crate::event::{Event, FinishReason, Timings};
use crate::runs::{Recorder, RunKey};
use crate::session::{Message, Mode, Role};
use crate::store::{Batch, Order, Record, keys};
use crate::{Error, run};

/// More than a server can have been making at once.
const MAX_RUNS: usize = 100_000;

/// Ends every answer that an earlier run of the server left unfinished, as `interrupted`, with its
/// text and citations so far. An answer whose end was on disk already is only marked so. Deep
/// research is left to [`resume`].
///
/// # Errors
/// If the store or the answers can't be read.
pub async fn recover(app: &Arc<App>) -> Result<(), Error> {
    for (message, record) in unfinished(app).await? {
        let key = record.key(message);
        if mode(app, key).await? != Mode::DeepResearch {
            end(app, key).await?;
            tracing::info!(message.id = %message, "an answer that was cut short is kept as far as it went");
        }
    }
    Ok(())
}

/// Goes on with every deep research that an earlier run of the server left unfinished, once there
/// is an index to search.
///
/// # Errors
/// If the store or the answers can't be read.
pub async fn resume(app: &Arc<App>) -> Result<(), Error> {
    for (message, record) in unfinished(app).await? {
        let key = record.key(message);
        let Some(asked) = record.asked(app, message).await? else {
            let batch = Batch::new().delete(keys::run(message));
            app.store.commit(batch).await?;
            continue;
        };
        // A model that is no longer configured can't go on.
        if app.model(Some(&asked.model)).is_err() {
            end(app, key).await?;
            continue;
        }
        let (recorder, events) = open(app, key).await?;
        match events.last().filter(|last| last.is_terminal()) {
            Some(last) => settle(app, key, last).await?,
            None => {
                tracing::info!(message.id = %message, "a deep research goes on");
                super::spawn(app, asked, recorder, events);
            }
        }
    }
    Ok(())
}

async fn unfinished(app: &App) -> Result<Vec<(Uuid, RunRecord)>, Error> {
    let records = app.store.scan::<RunRecord>(keys::RUNS, None, MAX_RUNS, Order::Ascending).await?;
    let named = |(key, record): (String, Record<RunRecord>)| {
        Some((key.strip_prefix(keys::RUNS)?.parse().ok()?, record.value))
    };
    Ok(records.into_iter().filter_map(named).collect())
}

async fn mode(app: &App, key: RunKey) -> Result<Mode, Error> {
    let answer = app.store.get::<Message>(&keys::message(key.session, key.message)).await?;
    Ok(answer.and_then(|answer| answer.value.mode).unwrap_or_default())
}

/// The record of a run; a new one if the question was stored and the answer's file was not.
async fn open(app: &Arc<App>, key: RunKey) -> Result<(Recorder, Vec<Event>), Error> {
    match app.runs.take_up(key).await {
        Ok(taken_up) => Ok(taken_up),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok((app.runs.begin(key, true), Vec::new())),
        Err(error) => Err(error.into()),
    }
}

async fn end(app: &Arc<App>, key: RunKey) -> Result<(), Error> {
    let (recorder, events) = open(app, key).await?;
    if let Some(last) = events.last().filter(|last| last.is_terminal()) {
        return settle(app, key, last).await;
    }
    let mut message = Message::new(key.message, Role::Assistant, String::new(), app.store.now());
    run::fold(&mut message, events);
    let excerpts = recall(&app.files, message.sources.clone()).await?;
    let language = language(&excerpts);
    let shelf = Shelf::new(excerpts, language);
    let last = Event::Done {
        message_id: key.message,
        finish_reason: FinishReason::Interrupted,
        citations: u32::try_from(message.citations.len()).unwrap_or(u32::MAX),
        grounding: ground(&message.content, &message.citations, &shelf, 0),
        usage: message.usage.unwrap_or_default(),
        timings_ms: Timings::default(),
        coverage: None,
    };
    recorder.seal(&last).await?;
    settle(app, key, &last).await?;
    recorder.close(&last);
    Ok(())
}
