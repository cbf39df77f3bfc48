//! The vendors that can write an answer: a closed set, and one match.

pub mod extractive;

use std::time::Duration;

use futures::stream::BoxStream;
use thiserror::Error;

use crate::event::{FinishReason, Usage};

/// A piece of a provider's stream. A stream ends with exactly one `End`; one that stops without
/// it is [`ProviderError::Truncated`], not a short answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delta {
    /// More text.
    Text(String),
    /// What the call cost so far; the last one counts.
    Usage(Usage),
    /// The model is finished.
    End(FinishReason),
}

/// What a provider call yields.
pub type DeltaStream = BoxStream<'static, Result<Delta, ProviderError>>;

/// Why a provider failed, by what the caller can do about it.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ProviderError {
    /// The key is missing or was refused.
    #[error("the provider refused the API key")]
    Unauthorized,
    /// Too many calls.
    #[error("the provider limits the rate of calls")]
    RateLimited {
        /// How long the provider asked to wait.
        retry_after: Option<Duration>,
    },
    /// The prompt does not fit the model.
    #[error("the prompt is longer than the model's context")]
    ContextTooLong,
    /// The provider can't be reached or is failing.
    #[error("the provider is unavailable: {0}")]
    Unavailable(String),
    /// The provider took too long.
    #[error("the provider did not answer in time: {0}")]
    TimedOut(&'static str),
    /// The provider refused the request for good.
    #[error("the provider rejected the request: {0}")]
    Rejected(String),
    /// The stream broke off or could not be read.
    #[error("the provider's stream broke off: {0}")]
    Truncated(String),
}
