//! What may be used up: held in the commit that stores a question, so that no two requests get the
//! same last one, kept when the answer is complete, and given back when it is not. A hold that a
//! crash left is settled at the next start. The local user's use is not counted.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Caller, User};
use crate::app::App;
use crate::document::Document;
use crate::event::{Event, FinishReason};
use crate::session::Mode;
use crate::store::{Batch, Order, Record, keys};
use crate::{Error, expiry};

/// Tokens of an answer beside its passages: the question, what was said before, the words written.
const TOKENS_BESIDE: u64 = 4_000;
/// How long counts of a day or month are kept.
const REMEMBERED: Duration = Duration::from_secs(400 * 24 * 60 * 60);
/// Holds read at a time.
const PAGE: usize = 500;

const MESSAGES: &str = "messages";
const DEEP_RUNS: &str = "deep_runs";
const TOKENS: &str = "tokens";
const DOCUMENTS: &str = "documents";
const BYTES: &str = "stored_bytes";

/// What an answer being made holds of its user's quota.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Held {
    /// Counters that went up by one.
    once: Vec<String>,
    tokens: String,
    /// How far the counter of tokens went up.
    num_tokens: i64,
}

/// How much of something is used.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Used {
    /// Used so far, with what answers being made hold.
    pub used: u64,
    /// The most there is, if that is limited.
    pub limit: Option<u64>,
    /// When counting begins again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resets_at: Option<Timestamp>,
}

/// What a caller has used.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Usage {
    /// Whose it is.
    pub user: User,
    /// The tier that limits it.
    pub tier: Option<String>,
    /// Questions of today.
    pub messages: Used,
    /// Deep researches of today.
    pub deep_runs: Used,
    /// Tokens of this month.
    pub tokens: Used,
    /// Documents kept.
    pub documents: Used,
    /// Bytes of their originals.
    pub stored_bytes: Used,
}

/// Adds to the change that stores a question what its answer will use up. The commit is then over
/// a limit if that is more than the caller has left.
#[must_use]
pub fn hold(app: &App, caller: &Caller, message: Uuid, mode: Mode, tokens: u64, batch: Batch) -> Batch {
    if caller.user.is_local() {
        return batch;
    }
    let today = today(app);
    let tier = caller.limits(app);
    let (day, month) = (day(today), month(today));
    let max = |limit: Option<u64>| limit.map_or(i64::MAX, count);
    let messages = keys::usage(&day, &caller.user, MESSAGES);
    let mut batch = batch.add(&messages, 1, max(tier.and_then(|tier| tier.messages_per_day)));
    let mut once = vec![messages];
    if mode == Mode::DeepResearch {
        let deep = keys::usage(&day, &caller.user, DEEP_RUNS);
        batch = batch.add(&deep, 1, max(tier.and_then(|tier| tier.deep_runs_per_day)));
        once.push(deep);
    }
    let most = max(tier.and_then(|tier| tier.tokens_per_month));
    // A tier so small that an answer could pass it has room for one all the same.
    let num_tokens = count(tokens).min(most);
    let tokens = keys::usage(&month, &caller.user, TOKENS);
    let batch = batch.add(&tokens, num_tokens, most);
    batch.put(keys::held(message), &Held { once, tokens, num_tokens })
}

/// How many tokens an answer holds until it is known how many it took.
#[must_use]
pub fn expected_tokens(app: &App, mode: Mode, budget: Option<u64>) -> u64 {
    match mode {
        Mode::Regular => app.config.ask.context_tokens as u64 + TOKENS_BESIDE,
        Mode::DeepResearch => budget.unwrap_or(app.config.research.tokens),
    }
}

/// What an answer holds, if it holds anything.
///
/// # Errors
/// If the store fails.
pub async fn held(app: &App, message: Uuid) -> Result<Option<Record<Held>>, Error> {
    Ok(app.store.get(&keys::held(message)).await?)
}

/// Adds to the change that stores how an answer ended what becomes of what it held: a complete one
/// used it, and any other gives it back.
#[must_use]
pub fn settle(batch: Batch, message: Uuid, held: &Record<Held>, last: Option<&Event>) -> Batch {
    let key = keys::held(message);
    let Held { once, tokens, num_tokens } = &held.value;
    let batch = batch.check(&key, held.revision).delete(key);
    let took = last.and_then(|last| match last {
        Event::Done { finish_reason, usage, .. } if is_success(*finish_reason) => {
            Some(count(usage.input_tokens.saturating_add(usage.output_tokens)))
        }
        _ => None,
    });
    match took {
        Some(took) => batch.add(tokens, took - num_tokens, i64::MAX),
        None => once.iter().fold(batch, |batch, key| batch.add(key, -1, i64::MAX)).add(
            tokens,
            -num_tokens,
            i64::MAX,
        ),
    }
}

/// Gives back what answers held that nothing makes any more.
///
/// # Errors
/// If the store fails.
pub async fn recover(app: &App) -> Result<(), Error> {
    loop {
        let page = app.store.scan::<Held>(keys::HELD, None, PAGE, Order::Ascending).await?;
        let mut num_settled = 0;
        for (key, held) in &page {
            let message = key.strip_prefix(keys::HELD).and_then(|id| id.parse::<Uuid>().ok());
            let Some(message) = message else { continue };
            // A deep research that goes on settles by itself.
            if app.store.get::<IgnoredAny>(&keys::run(message)).await?.is_none() {
                app.store.commit(settle(Batch::new(), message, held, None)).await?;
                num_settled += 1;
            }
        }
        if num_settled == 0 {
            return Ok(());
        }
        tracing::info!(answers = num_settled, "what answers held that nothing makes any more is given back");
    }
}

/// Adds to the change that stores a document what it takes up.
#[must_use]
pub fn keep(app: &App, caller: &Caller, document: &Document, batch: Batch) -> Batch {
    let tier = caller.limits(app);
    let documents = tier.and_then(|tier| tier.documents).map_or(i64::MAX, count);
    let bytes = tier.and_then(|tier| tier.stored_bytes).map_or(i64::MAX, count);
    change_kept(document, 1, documents, bytes, batch)
}

/// Adds to the change that removes a document that it takes up nothing any more.
#[must_use]
pub fn release(document: &Document, batch: Batch) -> Batch {
    change_kept(document, -1, i64::MAX, i64::MAX, batch)
}

fn change_kept(document: &Document, sign: i64, documents: i64, bytes: i64, batch: Batch) -> Batch {
    if document.owner.is_local() {
        return batch;
    }
    let key = |what| keys::usage(keys::ALL_TIME, &document.owner, what);
    batch.add(key(DOCUMENTS), sign, documents).add(key(BYTES), sign * count(document.bytes), bytes)
}

/// What the caller has used.
///
/// # Errors
/// If the store fails.
pub async fn usage(app: &App, caller: &Caller) -> Result<Usage, Error> {
    let today = today(app);
    let (day, month) = (day(today), month(today));
    let counters = [
        (day.as_str(), MESSAGES),
        (day.as_str(), DEEP_RUNS),
        (month.as_str(), TOKENS),
        (keys::ALL_TIME, DOCUMENTS),
        (keys::ALL_TIME, BYTES),
    ];
    let counters = counters.map(|(period, what)| keys::usage(period, &caller.user, what));
    let counted = app.store.get_many::<u64>(&counters).await?;
    let mut counted = counted.into_iter().map(|record| record.map_or(0, |record| record.value));
    let tier = caller.limits(app);
    let mut used = |limit: Option<Option<u64>>, resets_at: Option<Timestamp>| Used {
        used: counted.next().unwrap_or_default(),
        limit: limit.flatten(),
        resets_at,
    };
    Ok(Usage {
        user: caller.user.clone(),
        tier: caller.tier.clone(),
        messages: used(tier.map(|tier| tier.messages_per_day), next_day(today)),
        deep_runs: used(tier.map(|tier| tier.deep_runs_per_day), next_day(today)),
        tokens: used(tier.map(|tier| tier.tokens_per_month), next_month(today)),
        documents: used(tier.map(|tier| tier.documents), None),
        stored_bytes: used(tier.map(|tier| tier.stored_bytes), None),
    })
}

/// What to tell a caller whose change was over the limit of this counter.
#[must_use]
pub fn exceeded(app: &App, counter: &str) -> Error {
    let today = today(app);
    let what = counter.rsplit('/').next().unwrap_or_default();
    let (detail, again) = match what {
        MESSAGES => ("you have used all questions of today", next_day(today)),
        DEEP_RUNS => ("you have used all deep researches of today", next_day(today)),
        TOKENS => ("what is left of this month's tokens is not enough for an answer", next_month(today)),
        DOCUMENTS => ("you have as many documents as your tier keeps; delete some", None),
        _ => ("your documents take all the room your tier has; delete some", None),
    };
    let detail = match again {
        Some(again) => format!("{detail}; there are more from {again}"),
        None => detail.to_owned(),
    };
    let retry_after = again.map(|again| again.duration_since(app.store.now()).unsigned_abs());
    Error::QuotaExceeded { detail, retry_after }
}

/// Forgets counts of long ago.
///
/// # Errors
/// If the store fails.
pub async fn forget_old(app: &App) -> Result<(), Error> {
    let before = day((app.store.now() - REMEMBERED).to_zoned(TimeZone::UTC).date());
    for period in ["day/", "month/"] {
        let prefix = format!("{}{period}", keys::USAGE);
        let before = format!("{}{}", keys::USAGE, before.replacen("day/", period, 1));
        expiry::forget::<IgnoredAny>(app, &prefix, |key, _| key < before.as_str()).await?;
    }
    Ok(())
}

fn is_success(reason: FinishReason) -> bool {
    match reason {
        FinishReason::Stop | FinishReason::Length | FinishReason::Budget => true,
        FinishReason::Cancelled | FinishReason::Interrupted => false,
    }
}

fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn today(app: &App) -> Date {
    app.store.now().to_zoned(TimeZone::UTC).date()
}

fn day(date: Date) -> String {
    format!("day/{date}")
}

fn month(date: Date) -> String {
    format!("month/{}", date.strftime("%Y-%m"))
}

fn next_day(date: Date) -> Option<Timestamp> {
    midnight(date.tomorrow().ok()?)
}

fn next_month(date: Date) -> Option<Timestamp> {
    midnight(date.last_of_month().tomorrow().ok()?)
}

fn midnight(date: Date) -> Option<Timestamp> {
    Some(date.to_zoned(TimeZone::UTC).ok()?.timestamp())
}
