//! What one provider has cost and how it has failed since the start, for whoever measures.

use std::sync::atomic::{AtomicU64, Ordering};

use super::ProviderError;
use crate::event::Usage;

/// The ways to fail, each by its name.
const CLASSES: [&str; 7] =
    ["unauthorized", "rate_limited", "context_too_long", "unavailable", "timed_out", "rejected", "truncated"];

/// Counts that only grow.
#[derive(Debug, Default)]
pub struct Tally {
    input_tokens: AtomicU64,
    output_tokens: AtomicU64,
    failures: [AtomicU64; CLASSES.len()],
}

impl Tally {
    /// Tokens read.
    #[must_use]
    pub fn input_tokens(&self) -> u64 {
        self.input_tokens.load(Ordering::Relaxed)
    }

    /// Tokens written.
    #[must_use]
    pub fn output_tokens(&self) -> u64 {
        self.output_tokens.load(Ordering::Relaxed)
    }

    /// Each way to fail, and how often it was taken.
    pub fn failures(&self) -> impl Iterator<Item = (&'static str, u64)> {
        CLASSES.into_iter().zip(self.failures.iter().map(|number| number.load(Ordering::Relaxed)))
    }

    pub(super) fn spent(&self, usage: Usage) {
        self.input_tokens.fetch_add(usage.input_tokens, Ordering::Relaxed);
        self.output_tokens.fetch_add(usage.output_tokens, Ordering::Relaxed);
    }

    pub(super) fn failed(&self, error: &ProviderError) {
        let class = match error {
            ProviderError::Unauthorized => 0,
            ProviderError::RateLimited { .. } => 1,
            ProviderError::ContextTooLong => 2,
            ProviderError::Unavailable(_) => 3,
            ProviderError::TimedOut(_) => 4,
            ProviderError::Rejected(_) => 5,
            ProviderError::Truncated(_) => 6,
        };
        self.failures[class].fetch_add(1, Ordering::Relaxed);
    }
}
