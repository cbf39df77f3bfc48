//! Answers that are kept for a while and given again when the same is asked and nothing that decides
//! the answer has changed. What is kept is in memory and bounded. No answer ever fails here: what
//! can't be read or no longer holds is made anew. Deep research is ordered work and never kept.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::asked::{Asked, Reuse, history};
use super::retrieve::revision;
use crate::Error;
use crate::app::App;
use crate::config::model::Vendor;
use crate::event::{AnswerSpan, Event, FinishReason, Grounding, Timings, Usage};
use crate::runs::{Recorder, RunKey};
use crate::session::Mode;

/// The most that is kept at once, in bytes.
const MAX_BYTES: u64 = 32 << 20;
/// What an answer takes beside its events.
const OVERHEAD_BYTES: usize = 1024;

/// The answers that are kept, and how often they were of use.
pub struct Cache {
    kept: moka::sync::Cache<String, Arc<Kept>>,
    is_on: bool,
    hits: AtomicU64,
    misses: AtomicU64,
}

/// How often an answer was given again, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Questions that got the answer that was kept.
    pub hits: u64,
    /// Questions that might have got one, had there been one.
    pub misses: u64,
}

/// An answer without what belongs to one message only.
#[derive(Debug)]
pub(super) struct Kept {
    /// What was sent between the first event and the last, as JSON: taken apart it is ten times as much.
    events: Box<str>,
    citations: u32,
    grounding: Grounding,
}

/// Where an answer belongs, if it may be kept.
pub(super) struct Place {
    key: Option<String>,
}

impl Cache {
    /// Keeps answers for this long, and none if that is no time at all.
    #[must_use]
    pub fn new(lifetime: Duration) -> Self {
        let kept = moka::sync::Cache::builder()
            .max_capacity(MAX_BYTES)
            .weigher(|_, kept: &Arc<Kept>| kept.bytes())
            .time_to_live(lifetime);
        Self {
            kept: kept.build(),
            is_on: !lifetime.is_zero(),
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
        }
    }

    /// How often it was of use.
    #[must_use]
    pub fn counts(&self) -> Counts {
        Counts { hits: self.hits.load(Ordering::Relaxed), misses: self.misses.load(Ordering::Relaxed) }
    }
}

/// Looks for an answer that can be given again, and for the place of the one that is made otherwise.
pub(super) async fn look(app: &App, asked: &Asked) -> (Place, Option<Arc<Kept>>) {
    let cache = &app.cache;
    let is_made_by_a_model =
        app.model(Some(&asked.model)).is_ok_and(|model| model.config().provider != Vendor::Extractive);
    let is_for_keeping =
        cache.is_on && asked.reuse != Reuse::Refused && asked.mode == Mode::Regular && is_made_by_a_model;
    if !is_for_keeping {
        return (Place { key: None }, None);
    }
    let key = match key(app, asked).await {
        Ok(key) => key,
        Err(error) => {
            tracing::warn!(%error, "the answer is made without a look at those that are kept");
            return (Place { key: None }, None);
        }
    };
    let kept = cache.kept.get(&key).filter(|_| asked.reuse == Reuse::Allowed);
    let kept = match kept {
        Some(kept) if !kept.holds(app).await => {
            tracing::warn!("an answer that was kept no longer holds and is made anew");
            cache.kept.invalidate(&key);
            None
        }
        kept => kept,
    };
    let counter = if kept.is_some() { &cache.hits } else { &cache.misses };
    counter.fetch_add(1, Ordering::Relaxed);
    (Place { key: Some(key) }, kept)
}

/// Keeps an answer that is complete, unless something that decides it changed while it was made.
pub(super) async fn keep(app: &App, asked: &Asked, place: Place, last: &Event) {
    let Event::Done { finish_reason: FinishReason::Stop, citations, grounding, .. } = last else { return };
    let Some(place) = place.key else { return };
    let events = async {
        let is_unchanged = key(app, asked).await? == place;
        let events = if is_unchanged { app.runs.events(asked.key).await? } else { Vec::new() };
        Ok::<_, Error>(events)
    };
    match events.await {
        Ok(events) if events.is_empty() => {}
        Ok(mut events) => {
            events.retain(|event| !matches!(event, Event::Started { .. }) && !event.is_terminal());
            let events = serde_json::to_string(&events)
                .unwrap_or_else(|error| unreachable!("events are plain data and always encode: {error}"));
            let kept = Kept { events: events.into(), citations: *citations, grounding: grounding.clone() };
            app.cache.kept.insert(place, Arc::new(kept));
        }
        Err(error) => tracing::warn!(%error, "an answer is not kept"),
    }
}

impl Kept {
    fn bytes(&self) -> u32 {
        let grounding = self.grounding.unsupported.len() * size_of::<AnswerSpan>();
        (self.events.len() + grounding + OVERHEAD_BYTES).try_into().unwrap_or(u32::MAX)
    }

    fn events(&self) -> Vec<Event> {
        serde_json::from_str(&self.events)
            .unwrap_or_else(|error| unreachable!("it was made from events: {error}"))
    }

    /// Sends the answer once more and gives its last event.
    pub(super) fn replay(&self, recorder: &Recorder, run: RunKey, spent: Duration) -> Event {
        let spent_ms = u64::try_from(spent.as_millis()).unwrap_or(u64::MAX);
        for event in &self.events() {
            recorder.append(event);
        }
        Event::Done {
            message_id: run.message,
            finish_reason: FinishReason::Stop,
            citations: self.citations,
            grounding: self.grounding.clone(),
            usage: Usage::default(),
            timings_ms: Timings { retrieval: spent_ms, first_token: spent_ms, total: spent_ms },
            coverage: None,
        }
    }

    /// Whether every quote still stands in the stored text.
    async fn holds(&self, app: &App) -> bool {
        for event in self.events() {
            let Event::Citation { citation } = event else { continue };
            let stored = app.files.read_text(citation.document_id, citation.range()).await;
            if !stored.is_ok_and(|text| text == citation.quote) {
                return false;
            }
        }
        true
    }
}

/// A digest of all that decides an answer and can change while the server runs: who writes, what is
/// asked after what, who asks, and the state of what they may search.
async fn key(app: &App, asked: &Asked) -> Result<String, Error> {
    let history = history(app, asked).await?;
    let history: Vec<_> = history.iter().map(|turn| (turn.role, turn.content.as_str())).collect();
    let revision = revision(app, &asked.caller, &asked.scope).await?;
    let question = asked.content.trim();
    let how = (&asked.model, asked.mode, &asked.system, asked.max_output_tokens);
    let decisive = serde_json::to_vec(&(how, history, question, &asked.caller.user, &asked.scope, revision));
    Ok(crate::hex(&Sha256::digest(decisive.map_err(Error::internal)?)))
}

#[cfg(test)]
mod tests {
    use futures::StreamExt;

    use super::Counts;
    use crate::access::Caller;
    use crate::app::App;
    use crate::ask::{Question, start};
    use crate::config::{Config, Flags};
    use crate::sessions::{self, NewSession};

    #[tokio::test]
    async fn hits_and_misses_are_counted() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ibid.toml");
        std::fs::write(&file, "[[models]]\nname = \"m\"\nprovider = \"scripted\"\ndelay_ms = 0\n").unwrap();
        let flags = Flags { config: Some(file), data: Some(folder.path().join("data")), ..Flags::default() };
        let app = App::open(Config::load(&flags).unwrap()).await.unwrap();
        let caller = Caller::local();
        for (model, counts) in [
            ("m", Counts { hits: 0, misses: 1 }),
            ("m", Counts { hits: 1, misses: 1 }),
            ("extractive", Counts { hits: 1, misses: 1 }),
        ] {
            let session = sessions::create(&app, &caller, NewSession::default(), None).await.unwrap().id;
            let question = serde_json::json!({"content": "What is here?", "model": model});
            let question: Question = serde_json::from_value(question).unwrap();
            let run = start(&app, &caller, session, question, None).await.unwrap();
            app.runs.read(run, 0).await.unwrap().for_each(|_| async {}).await;
            assert_eq!(app.cache.counts(), counts, "{model}");
        }
    }
}
