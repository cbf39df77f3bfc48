//! What a research may cost: calls, tokens and time, counted before they are spent. A call that
//! may not fit is not made, so the limits hold even if a vendor stalls or writes without end.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::config::ResearchConfig;
use crate::event::Usage;
use crate::provider::Leave;

/// What a research may cost at most. What is absent is as configured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Budget {
    /// Calls to a model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calls: Option<u32>,
    /// Tokens read and written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    /// Seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<u64>,
}

/// What a call is for. The work before the report leaves it a third of everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Research,
    Report,
}

/// The budget of one research and what of it is spent.
#[derive(Debug)]
pub(in crate::ask) struct Purse {
    calls: u32,
    tokens: u64,
    time: Duration,
    begun: Instant,
    spent: Mutex<Spent>,
}

#[derive(Debug, Default)]
struct Spent {
    usage: Usage,
    /// Calls and tokens of calls under way, as if they were to cost all they may.
    held_calls: u32,
    held_tokens: u64,
    /// Whether something was not done for want of money or time.
    refused: bool,
}

/// The right to make one call, and to try it again as far as that is paid for too.
pub(super) struct Ticket {
    phase: Phase,
    input_tokens: u64,
    /// How often it was tried.
    tries: Arc<AtomicU32>,
    /// Most tokens it may write.
    pub(super) output_tokens: u32,
    /// When it has to be over.
    pub(super) until: Instant,
}

impl Purse {
    /// A purse from which this much was spent before, over that long.
    pub(in crate::ask) fn new(
        budget: Budget,
        config: &ResearchConfig,
        usage: Usage,
        elapsed: Duration,
    ) -> Self {
        let now = Instant::now();
        Self {
            calls: budget.calls.unwrap_or(config.calls),
            tokens: budget.tokens.unwrap_or(config.tokens),
            time: Duration::from_secs(budget.seconds.unwrap_or(config.seconds).min(MAX_SECONDS)),
            begun: now.checked_sub(elapsed).unwrap_or(now),
            spent: Mutex::new(Spent { usage, ..Spent::default() }),
        }
    }

    /// Takes what a call may cost, if there is as much: `input_tokens` to read and at most
    /// `output_tokens` to write.
    pub(super) fn admit(&self, phase: Phase, input_tokens: u64, output_tokens: u32) -> Option<Ticket> {
        let (calls, tokens, until) = self.limits(phase);
        let mut spent = self.lock();
        let used = spent.usage.input_tokens + spent.usage.output_tokens + spent.held_tokens;
        let left = tokens.saturating_sub(used.saturating_add(input_tokens));
        let output_tokens = output_tokens.min(u32::try_from(left).unwrap_or(u32::MAX));
        let room = spent.usage.calls + spent.held_calls < calls && output_tokens >= LEAST_OUTPUT;
        if !room || Instant::now() >= until {
            spent.refused = true;
            return None;
        }
        spent.held_calls += 1;
        spent.held_tokens += input_tokens + u64::from(output_tokens);
        Some(Ticket { phase, input_tokens, tries: Arc::new(AtomicU32::new(1)), output_tokens, until })
    }

    /// Asks, before each further try of a call, whether the purse has as much again. A try that
    /// failed may have been read all the same.
    pub(super) fn leave(self: &Arc<Self>, ticket: &Ticket) -> Leave {
        let (purse, tries) = (Arc::clone(self), Arc::clone(&ticket.tries));
        let (phase, input_tokens) = (ticket.phase, ticket.input_tokens);
        Leave::new(move || {
            let (calls, tokens, until) = purse.limits(phase);
            let mut spent = purse.lock();
            let used = spent.usage.input_tokens + spent.usage.output_tokens + spent.held_tokens;
            let room = spent.usage.calls + spent.held_calls < calls
                && used.saturating_add(input_tokens) <= tokens
                && Instant::now() < until;
            if room {
                spent.held_calls += 1;
                spent.held_tokens += input_tokens;
                tries.fetch_add(1, Ordering::Relaxed);
            }
            spent.refused |= !room;
            room
        })
    }

    /// Books what a call has cost; all it might have cost if that is not known.
    pub(super) fn settle(&self, ticket: &Ticket, usage: Option<Usage>) -> Usage {
        let tries = ticket.tries.load(Ordering::Relaxed);
        let held_tokens = ticket.input_tokens * u64::from(tries) + u64::from(ticket.output_tokens);
        let most = Usage { input_tokens: held_tokens, output_tokens: 0, calls: tries };
        let usage = usage.map_or(most, |usage| Usage { calls: usage.calls.clamp(1, tries), ..usage });
        let mut spent = self.lock();
        spent.held_calls -= tries;
        spent.held_tokens -= held_tokens;
        spent.usage = spent.usage.and(usage);
        usage
    }

    /// What was spent in all, once nobody waits any more for the calls that are under way: they are
    /// booked at the most that they may cost.
    pub(super) fn close(&self) -> Usage {
        let mut spent = self.lock();
        let (calls, input_tokens) = (spent.held_calls, spent.held_tokens);
        spent.usage = spent.usage.and(Usage { input_tokens, output_tokens: 0, calls });
        (spent.held_calls, spent.held_tokens) = (0, 0);
        spent.usage
    }

    /// Whether there is time for another piece of work; that there was not is remembered.
    pub(super) fn has_time(&self, phase: Phase) -> bool {
        let has = Instant::now() < self.limits(phase).2;
        self.lock().refused |= !has;
        has
    }

    /// Remembers that something was left out.
    pub(super) fn refuse(&self) {
        self.lock().refused = true;
    }

    /// Whether something was not done for want of money or time.
    pub(super) fn is_overdrawn(&self) -> bool {
        self.lock().refused
    }

    /// What was spent.
    pub(super) fn usage(&self) -> Usage {
        self.lock().usage
    }

    /// Milliseconds of work so far.
    pub(super) fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// The whole of it: calls, tokens, seconds.
    pub(super) fn whole(&self) -> (u32, u64, u64) {
        (self.calls, self.tokens, self.time.as_secs())
    }

    fn limits(&self, phase: Phase) -> (u32, u64, Instant) {
        match phase {
            Phase::Report => (self.calls, self.tokens, self.begun + self.time),
            Phase::Research => {
                (self.calls - self.calls / 3, self.tokens / 3 * 2, self.begun + self.time * 2 / 3)
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Spent> {
        self.spent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A day: nobody waits longer for a report.
const MAX_SECONDS: u64 = 86_400;
/// Below this many tokens no answer is worth its call.
const LEAST_OUTPUT: u32 = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn purse(calls: u32, tokens: u64) -> Purse {
        let budget = Budget { calls: Some(calls), tokens: Some(tokens), seconds: Some(60) };
        Purse::new(budget, &ResearchConfig::default(), Usage::default(), Duration::ZERO)
    }

    #[tokio::test]
    async fn calls_under_way_count_as_if_they_cost_all_they_may() {
        let purse = purse(10, 3000);
        let first = purse.admit(Phase::Report, 500, 1000).unwrap();
        let second = purse.admit(Phase::Report, 500, 5000).unwrap();
        assert_eq!(second.output_tokens, 1000, "what is left");
        assert!(purse.admit(Phase::Report, 1, 100).is_none());
        assert!(purse.is_overdrawn());
        purse.settle(&first, Some(Usage { input_tokens: 400, output_tokens: 100, calls: 1 }));
        assert!(purse.admit(Phase::Report, 500, 100).is_some(), "what was not needed is there again");
        assert_eq!(purse.settle(&second, None).input_tokens, 1500, "an unknown cost is the most");
    }

    #[tokio::test]
    async fn a_further_try_is_a_call_and_is_made_only_if_it_is_paid_for() {
        let purse = Arc::new(purse(3, 30_000));
        let ticket = purse.admit(Phase::Report, 500, 1000).unwrap();
        let leave = purse.leave(&ticket);
        assert!(leave.is_given() && leave.is_given() && !leave.is_given());
        assert!(purse.is_overdrawn());
        assert_eq!(purse.settle(&ticket, None), Usage { input_tokens: 2500, output_tokens: 0, calls: 3 });
        assert!(purse.admit(Phase::Report, 1, 100).is_none(), "three calls were made");
        let poor = Arc::new(self::purse(10, 1000));
        let ticket = poor.admit(Phase::Report, 600, 100).unwrap();
        assert!(!poor.leave(&ticket).is_given(), "there are no tokens to read it again");
    }

    #[tokio::test]
    async fn research_leaves_a_third_to_the_report() {
        let purse = purse(3, 30_000);
        for _ in 0..2 {
            assert!(purse.admit(Phase::Research, 10, 100).is_some());
        }
        assert!(purse.admit(Phase::Research, 10, 100).is_none());
        assert!(purse.admit(Phase::Report, 10, 100).is_some());
        assert!(purse.admit(Phase::Report, 10, 100).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn time_spent_before_a_restart_counts() {
        let budget = Budget { seconds: Some(60), ..Budget::default() };
        let config = ResearchConfig::default();
        let purse = Purse::new(budget, &config, Usage::default(), Duration::from_secs(50));
        assert!(!purse.has_time(Phase::Research));
        assert!(purse.has_time(Phase::Report));
        assert!(purse.elapsed_ms() >= 50_000);
    }
}
