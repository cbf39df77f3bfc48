//! The policy around every call, ours alone: deadlines, a few more tries before the first text and
//! none after it, a breaker for each model, and the model that stands in. It knows no vendor.

use std::collections::VecDeque;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, stream};
use tokio::time::{Instant, sleep, timeout_at};

use super::models::{Line, Model};
use super::{CallOptions, Delta, DeltaStream, Leave, ProviderError};
use crate::ask::prompt::Prompt;
use crate::config::model::{Timeouts, Vendor};
use crate::event::Usage;

/// How many calls one answer may cost, those to the model that stands in included.
pub(crate) const MAX_CALLS: u32 = 3;
/// The first pause is up to this long, and each further one up to twice as long as the last.
const BACKOFF_BASE: Duration = Duration::from_millis(500);
/// No pause of ours is longer.
pub(crate) const BACKOFF_CAP: Duration = Duration::from_secs(8);
/// No pause that a vendor asks for is granted if it is longer.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(30);

/// Asks the model, piece by piece, under the whole policy.
pub(super) fn stream(model: Model, prompt: Arc<Prompt>, options: CallOptions) -> DeltaStream {
    let call = Call {
        model,
        options,
        num_calls: 0,
        until: Instant::now(),
        out: VecDeque::new(),
        state: State::Fresh(prompt),
    };
    stream::unfold(call, |mut call| async move {
        let item = call.next().await?;
        Some((item, call))
    })
    .boxed()
}

/// One answer on its way.
struct Call {
    model: Model,
    options: CallOptions,
    num_calls: u32,
    /// When the whole answer is overdue, from the moment that it is first asked for.
    until: Instant,
    out: VecDeque<Delta>,
    state: State,
}

enum State {
    /// The prompt is kept until the first text, when no further try is possible.
    Fresh(Arc<Prompt>),
    Writing {
        line: Arc<Line>,
        stream: DeltaStream,
        usage: Option<Usage>,
    },
    Over,
}

impl Call {
    async fn next(&mut self) -> Option<Result<Delta, ProviderError>> {
        loop {
            if let Some(delta) = self.out.pop_front() {
                return Some(Ok(delta));
            }
            let advanced = match std::mem::replace(&mut self.state, State::Over) {
                State::Fresh(prompt) => self.begin(&prompt).await,
                State::Writing { line, stream, usage } => self.follow(line, stream, usage).await,
                State::Over => return None,
            };
            if let Err(error) = advanced {
                return Some(Err(error));
            }
        }
    }

    /// Gets the first text from the model, or else from the one that stands in for it.
    async fn begin(&mut self, prompt: &Prompt) -> Result<(), ProviderError> {
        self.until = Instant::now() + seconds(self.model.line.config.timeouts.total_s);
        let line = Arc::clone(&self.model.line);
        let Some(second) = self.model.second.clone() else {
            return self.try_line(&line, prompt, MAX_CALLS, MAX_RETRY_AFTER).await;
        };
        let failure = match self.try_line(&line, prompt, MAX_CALLS - 1, BACKOFF_CAP).await {
            Err(failure) if is_passing(&failure) && Instant::now() < self.until => failure,
            outcome => return outcome,
        };
        tracing::warn!(model = %line.config.name, fallback = %second.config.name, "another model stands in");
        let reason = format!("`{}` {}", line.config.name, complaint(&failure));
        self.out.push_back(Delta::Model { name: second.config.name.clone(), reason });
        let calls_left = MAX_CALLS.saturating_sub(self.num_calls);
        let outcome = self.try_line(&second, prompt, calls_left, MAX_RETRY_AFTER).await;
        if outcome.is_err() {
            self.out.clear();
        }
        outcome
    }

    async fn try_line(
        &mut self,
        line: &Arc<Line>,
        prompt: &Prompt,
        max_calls: u32,
        longest_pause: Duration,
    ) -> Result<(), ProviderError> {
        // Quoting sentences calls nobody.
        let is_call = line.config.provider != Vendor::Extractive;
        let mut failure: Option<ProviderError> = None;
        for attempt in 0..max_calls {
            if is_call && self.num_calls > 0 && !self.has_leave() {
                break;
            }
            if let Some(failure) = &failure {
                match pause(attempt, failure) {
                    pause if pause <= longest_pause && Instant::now() + pause < self.until => {
                        sleep(pause).await;
                    }
                    _ => break,
                }
            }
            let Ok(permit) = line.breaker.admit() else { break };
            self.num_calls += u32::from(is_call);
            match self.first(line, prompt).await {
                Ok(()) => {
                    permit.answered();
                    return Ok(());
                }
                Err(error) => {
                    match is_down(&error) {
                        true => permit.failed(),
                        false => permit.answered(),
                    }
                    line.tally.failed(&error);
                    tracing::warn!(model = %line.config.name, attempt, %error, "a call to a model failed");
                    if !is_passing(&error) {
                        return Err(error);
                    }
                    failure = Some(error);
                }
            }
        }
        Err(failure.unwrap_or_else(|| {
            ProviderError::Unavailable(
                "it failed several times in a row and is left alone for some seconds".to_owned(),
            )
        }))
    }

    fn has_leave(&self) -> bool {
        self.options.leave.as_ref().is_none_or(Leave::is_given)
    }

    /// Makes one call and reads it up to its first text.
    async fn first(&mut self, line: &Arc<Line>, prompt: &Prompt) -> Result<(), ProviderError> {
        let Timeouts { first_token_s, .. } = line.config.timeouts;
        let mut stream = line.provider.stream(prompt, &self.options);
        let mut usage = None;
        let mut first_until = Instant::now() + seconds(first_token_s);
        loop {
            let until = first_until.min(self.until);
            let Ok(item) = timeout_at(until, stream.next()).await else {
                return Err(self.late("no first token"));
            };
            match item.unwrap_or_else(cut_off)? {
                Delta::Thinking => first_until = Instant::now() + seconds(first_token_s),
                Delta::Usage(counted) => usage = Some(counted),
                Delta::Text(text) if text.is_empty() => {}
                Delta::Model { .. } => {}
                first @ (Delta::Text(_) | Delta::End(_)) => {
                    self.push(first, line, stream, usage);
                    return Ok(());
                }
            }
        }
    }

    /// Reads the next piece of an answer that has begun.
    async fn follow(
        &mut self,
        line: Arc<Line>,
        mut stream: DeltaStream,
        mut usage: Option<Usage>,
    ) -> Result<(), ProviderError> {
        loop {
            let idle_until = Instant::now() + seconds(line.config.timeouts.idle_s);
            let item = match timeout_at(idle_until.min(self.until), stream.next()).await {
                Ok(item) => item.unwrap_or_else(cut_off),
                Err(_) => Err(self.late("no more tokens")),
            };
            match item {
                Ok(Delta::Thinking | Delta::Model { .. }) => {}
                Ok(Delta::Usage(counted)) => usage = Some(counted),
                Ok(Delta::Text(text)) if text.is_empty() => {}
                Ok(delta @ (Delta::Text(_) | Delta::End(_))) => {
                    self.push(delta, &line, stream, usage);
                    return Ok(());
                }
                Err(error) => {
                    if matches!(error, ProviderError::Unavailable(_) | ProviderError::TimedOut(_)) {
                        line.breaker.failed();
                    }
                    line.tally.failed(&error);
                    line.tally.spent(usage.unwrap_or_default());
                    tracing::warn!(model = %line.config.name, %error, "an answer broke off");
                    return Err(error);
                }
            }
        }
    }

    fn push(&mut self, delta: Delta, line: &Arc<Line>, stream: DeltaStream, usage: Option<Usage>) {
        if matches!(delta, Delta::End(_)) {
            let usage = Usage { calls: self.num_calls, ..usage.unwrap_or_default() };
            line.tally.spent(usage);
            self.out.push_back(Delta::Usage(usage));
        } else {
            self.state = State::Writing { line: Arc::clone(line), stream, usage };
        }
        self.out.push_back(delta);
    }

    fn late(&self, awaited: &'static str) -> ProviderError {
        let is_total = Instant::now() >= self.until;
        ProviderError::TimedOut(if is_total { "the whole answer took too long" } else { awaited })
    }
}

fn cut_off<T>() -> Result<T, ProviderError> {
    Err(ProviderError::Truncated("it has no end mark".to_owned()))
}

/// Whether the same call may well succeed a little later, or elsewhere.
pub(crate) fn is_passing(error: &ProviderError) -> bool {
    match error {
        ProviderError::RateLimited { .. }
        | ProviderError::Unavailable(_)
        | ProviderError::TimedOut(_)
        | ProviderError::Truncated(_) => true,
        ProviderError::Unauthorized | ProviderError::ContextTooLong | ProviderError::Rejected(_) => false,
    }
}

/// What a reader may know of a failure; a vendor's own words are for the log.
fn complaint(error: &ProviderError) -> &'static str {
    match error {
        ProviderError::RateLimited { .. } => "limits the rate of calls",
        ProviderError::TimedOut(_) => "did not answer in time",
        _ => "is unavailable",
    }
}

/// Whether a failure before the first text speaks against the model's health. One that limits
/// calls is well.
pub(crate) fn is_down(error: &ProviderError) -> bool {
    is_passing(error) && !matches!(error, ProviderError::RateLimited { .. })
}

/// How long to wait before try number `attempt`, from 1: what the vendor asks for, else a random
/// share of a limit that doubles ("full jitter").
pub(crate) fn pause(attempt: u32, failure: &ProviderError) -> Duration {
    if let ProviderError::RateLimited { retry_after: Some(asked) } = failure {
        return *asked;
    }
    let limit = BACKOFF_BASE.saturating_mul(1 << (attempt - 1).min(16)).min(BACKOFF_CAP);
    // The keys of a hasher are random, which is all the randomness that is needed here.
    let random = RandomState::new().hash_one(attempt);
    limit.mul_f64(random as f64 / u64::MAX as f64)
}

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}
