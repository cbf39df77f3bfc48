//! From the library to what is learnt from it: when there is enough that is new, and from which
//! passages.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::{sleep, timeout};

use super::{embedding::text, next_documents};
use crate::Error;
use crate::app::App;
use crate::document::Document;
use crate::embed::corpus::{Corpus, CorpusError, Sample};
use crate::embed::{EmbedError, Embeddings, unhurried};

/// Passages of a library that teaches something: few passages tell little about the company of words.
const MIN_PASSAGES: u64 = 500;
/// How many times more or fewer passages than were learnt from are a reason to learn anew while more
/// come, and when none have come for a while.
const GROWTH: f64 = 2.0;
const GROWTH_AT_REST: f64 = 1.2;
/// How long documents that wait to be read are waited for, at most: a library on its way in would be
/// learnt from again and again, and come in the later for it.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often it is looked whether some still do.
const LOOK: Duration = Duration::from_millis(500);
/// Most passages that are learnt from, spread over the library.
const MAX_SAMPLED: usize = 8_000;

/// Learns as soon as the library is large enough. One in which nothing can be learnt, of numbers or of
/// one sentence a hundred times, is looked at again when it has grown.
///
/// # Errors
/// If the library can't be read, or what was learnt can't be kept.
pub(super) async fn learn(app: &App, embeddings: &Embeddings) -> Result<Arc<Corpus>, EmbedError> {
    let mut enough = MIN_PASSAGES;
    loop {
        while app.index.num_passages() < enough {
            // What is in line is found again once there is something to do with it.
            embeddings.clear_line();
            tokio::select! {
                () = embeddings.news.notified() => {}
                () = app.stopping.cancelled() => return Err(EmbedError::Stopping),
            }
        }
        tokio::select! {
            // As many as there are by then.
            _ = timeout(PATIENCE, all_read(app)) => {}
            () = app.stopping.cancelled() => return Err(EmbedError::Stopping),
        }
        let (begun, num_passages) = (Instant::now(), app.index.num_passages());
        let sample = sample(app, num_passages).await.map_err(|error| EmbedError::Unread(Box::new(error)))?;
        let learnt = unhurried(move || sample.learn(num_passages)).await;
        match learnt.map_err(|error| EmbedError::Wrong(error.to_string()))? {
            Ok(file) => {
                let seconds = begun.elapsed().as_secs_f32();
                tracing::info!(num_passages, seconds, "learnt from the library");
                app.space.room(&app.stopping).await;
                return embeddings.keep_learnt(file).await;
            }
            Err(CorpusError::TooFewWords) => {
                tracing::info!(num_passages, "the library has too few words to learn from");
                enough = (num_passages as f64 * GROWTH_AT_REST) as u64;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Resolves when no document waits to be read.
async fn all_read(app: &App) {
    while app.ingest.num_queued() > 0 {
        sleep(LOOK).await;
    }
}

/// Whether the library is another one than that which it was learnt from.
pub(super) fn is_outgrown(app: &App, corpus: &Corpus, is_at_rest: bool) -> bool {
    let (now, then) = (app.index.num_passages(), corpus.num_passages());
    let growth = now.max(then) as f64 / now.min(then).max(1) as f64;
    now >= MIN_PASSAGES && growth >= if is_at_rest { GROWTH_AT_REST } else { GROWTH }
}

/// Every passage, or every so manyeth of a library that is too large for that.
async fn sample(app: &App, num_passages: u64) -> Result<Sample, Error> {
    let step = usize::try_from(num_passages).unwrap_or(usize::MAX).div_ceil(MAX_SAMPLED).max(1);
    let mut sample = Sample::default();
    let mut number = 0;
    let mut after = None;
    while let Some(documents) = next_documents(app, &mut after).await? {
        for document in documents.into_iter().filter(Document::is_searchable) {
            // Deleted meanwhile, or damaged and about to be mended.
            let Ok(layout) = app.files.layout(document.id).await else { continue };
            let is_chosen = |_: &_| {
                number += 1;
                number % step == 0
            };
            let passages: Vec<_> = layout.passages.iter().filter(is_chosen).cloned().collect();
            let ranges = passages.iter().map(|passage| (document.id, passage.range())).collect();
            let bodies = app.files.read_texts(ranges).await?;
            sample = unhurried(move || {
                for (passage, body) in passages.iter().zip(bodies) {
                    if let Ok(body) = body {
                        let text = text(&document, passage, &body);
                        sample.add(text.words, text.language);
                    }
                }
                sample
            })
            .await?;
        }
    }
    Ok(sample)
}
