//! The vendors that can write an answer: a closed set, and one match. A provider makes one call
//! and tells what came of it; trying again, waiting and giving up are the work of `retry`, which
//! every [`Model`] goes through.
//!
//! # What a stream of a [`Model`] yields
//!
//! | delta | when | how often |
//! |---|---|---|
//! | `Model` | first, if another model than the one asked for answers | 0–1 |
//! | `Text` | as the answer is written, never empty | any |
//! | `Usage` | what was counted so far; the last one counts | 1 or more, the last before `End` |
//! | `End` | last, once the vendor said that it is finished | 1, unless there is an error |
//!
//! An error is the last item and stands in place of `End`. Dropping the stream closes the
//! connection to the vendor at once.

pub mod extractive;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::BoxStream;
use serde_json::Value;
use thiserror::Error;

use crate::ask::prompt::Prompt;
use crate::config::model::{ModelConfig, ModelError, Vendor};
use crate::event::{FinishReason, Usage};

mod anthropic;
mod body;
pub(crate) mod breaker;
pub(crate) mod http;
mod models;
mod openai;
pub(crate) mod retry;
mod scripted;
pub(crate) mod service;
pub(crate) mod sse;
mod tally;

pub use models::{Model, Models};
pub use tally::Tally;

/// A piece of a provider's stream. A stream ends with exactly one `End`; one that stops without
/// it is [`ProviderError::Truncated`], not a short answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delta {
    /// Another model than the one asked for answers.
    Model {
        /// The configured name of the one that does.
        name: String,
        /// Why, in words for the reader.
        reason: String,
    },
    /// The model is at work but writes nothing yet. Only a [`Provider`] yields it: it starts the
    /// wait for the first text anew, and readers of a [`Model`] never see it.
    Thinking,
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
    #[error(
        "the prompt is longer than the model's context: ask in a new session or more briefly, or set `context_tokens` of the model to what it can read"
    )]
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

/// What one call asks for beside its prompt.
#[derive(Clone, Debug, Default)]
pub struct CallOptions {
    /// How many tokens may be written; the model's own limit if absent or larger.
    pub max_output_tokens: Option<u32>,
    /// The name and the JSON schema of the object that the answer has to be. A model configured
    /// with `structured_output = false` never sees it, so the prompt has to say it too.
    pub json_schema: Option<(String, Value)>,
    /// Asked before every try but the first; without it only the policy of the model decides.
    pub leave: Option<Leave>,
}

/// Someone's word, before a call is made once more, on whether it may be: who pays decides.
#[derive(Clone)]
pub struct Leave(Arc<dyn Fn() -> bool + Send + Sync>);

impl Leave {
    /// Leave as this says each time that it is asked for.
    pub fn new(ask: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(ask))
    }

    /// Asks for one further try.
    #[must_use]
    pub fn is_given(&self) -> bool {
        (self.0)()
    }
}

impl fmt::Debug for Leave {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Leave")
    }
}

impl CallOptions {
    /// The smaller of what the call and the model allow.
    fn limit(&self, of_model: Option<u32>) -> Option<u32> {
        match (self.max_output_tokens, of_model) {
            (Some(call), Some(model)) => Some(call.min(model)),
            (call, model) => call.or(model),
        }
    }
}

/// A whole answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// The answer.
    pub text: String,
    /// What it cost.
    pub usage: Usage,
    /// Why it ended.
    pub finish_reason: FinishReason,
}

/// An adapter to one kind of vendor, ready to call.
#[derive(Debug)]
pub enum Provider {
    /// A server that speaks OpenAI's chat completions.
    OpenAi(openai::OpenAi),
    /// Anthropic's Messages API.
    Anthropic(anthropic::Anthropic),
    /// No model.
    Extractive,
    /// Rules in place of a model.
    Scripted(scripted::Scripted),
}

impl Provider {
    /// Reads the key or the script, and prepares the HTTP client; connects to nothing.
    ///
    /// # Errors
    /// If one of these is missing or wrong.
    pub fn new(config: &ModelConfig) -> Result<Self, ModelError> {
        match config.provider {
            Vendor::OpenAi | Vendor::Xai => openai::OpenAi::new(config).map(Self::OpenAi),
            Vendor::Anthropic => anthropic::Anthropic::new(config).map(Self::Anthropic),
            Vendor::Extractive => Ok(Self::Extractive),
            Vendor::Scripted => scripted::Scripted::new(config).map(Self::Scripted),
        }
    }

    /// Makes one call, once it is polled. No retries, and no deadline but that for connecting.
    #[must_use]
    pub fn stream(&self, prompt: &Prompt, options: &CallOptions) -> DeltaStream {
        match self {
            Self::OpenAi(openai) => openai.stream(prompt, options),
            Self::Anthropic(anthropic) => anthropic.stream(prompt, options),
            Self::Extractive => extractive::stream(prompt.clone()),
            Self::Scripted(scripted) => scripted.stream(prompt),
        }
    }
}

/// Reads a stream to its end.
///
/// # Errors
/// The error that the stream ends with; what was written before is lost.
pub async fn fold(mut stream: DeltaStream) -> Result<Completion, ProviderError> {
    let mut text = String::new();
    let mut usage = Usage::default();
    while let Some(delta) = stream.next().await {
        match delta? {
            Delta::Text(more) => text.push_str(&more),
            Delta::Usage(counted) => usage = counted,
            Delta::End(finish_reason) => return Ok(Completion { text, usage, finish_reason }),
            Delta::Model { .. } | Delta::Thinking => {}
        }
    }
    Err(ProviderError::Truncated("it has no end mark".to_owned()))
}
