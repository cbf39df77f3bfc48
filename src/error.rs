//! What can go wrong for a caller, by what they can do about it. Knows no HTTP.

use std::io;
use std::time::Duration;

use thiserror::Error;
use uuid::Uuid;

use crate::provider::ProviderError;
use crate::space;
use crate::store::StoreError;

/// A failure with a stable code and words for the person who asked.
#[derive(Debug, Error)]
pub enum Error {
    /// There is no such thing, or not for this caller.
    #[error("{what} `{id}` not found")]
    NotFound {
        /// The kind of thing.
        what: &'static str,
        /// The name it was asked for by.
        id: String,
    },
    /// The caller may see the thing, but not do this to it.
    #[error("{0}")]
    Forbidden(String),
    /// The model is not in the caller's tier.
    #[error("{0}")]
    TierTooLow(String),
    /// The caller has used up what their tier includes.
    #[error("{detail}")]
    QuotaExceeded {
        /// What is used up, and what to do.
        detail: String,
        /// When there is more.
        retry_after: Option<Duration>,
    },
    /// The caller asks too often.
    #[error("{detail}")]
    TooFast {
        /// What came too often.
        detail: String,
        /// How many are allowed in a window of time, if time brings more.
        limit: Option<u32>,
        /// How long to wait.
        retry_after: Duration,
    },
    /// It was there, and its time is over.
    #[error("{what} `{id}` has expired; begin a new one")]
    Expired {
        /// The kind of thing.
        what: &'static str,
        /// The name it was asked for by.
        id: String,
    },
    /// No model of this name is configured.
    #[error("there is no model `{name}`; configured are {known}")]
    UnknownModel {
        /// The name it was asked for by.
        name: String,
        /// The names that would do.
        known: String,
    },
    /// The same thing was asked for too often.
    #[error("{0}")]
    TooOften(String),
    /// The request can't be carried out as it is.
    #[error("{0}")]
    Invalid(String),
    /// More than the limits allow.
    #[error("{0}")]
    TooLarge(String),
    /// Someone else changed the same thing at the same moment, again and again.
    #[error("{0} was changed by someone else at the same time; try again")]
    Conflict(&'static str),
    /// It could have been done earlier.
    #[error("{0}")]
    TooLate(String),
    /// What is asked for has to wait for the end of an answer.
    #[error("the answer `{0}` is still being made; wait for its end, or cancel it first")]
    Running(Uuid),
    /// An `Idempotency-Key` came back with another request.
    #[error("this `Idempotency-Key` was used for another request; use a new key")]
    KeyReused,
    /// The disk has too little room.
    #[error(
        "the disk is almost full, so nothing was stored: delete documents or sessions, or free some space \
         on the disk (`storage.min_free_bytes` says how much stays free), and send it again"
    )]
    DiskFull,
    /// The model failed.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// The server is going away.
    #[error("the server is shutting down; try again in a moment")]
    ShuttingDown,
    /// A fault of ours. The cause is logged and never sent.
    #[error("something went wrong inside ibid; the log has the cause")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// The stable code: the same in a plain answer and in a stream.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "not_found",
            Self::Forbidden(_) => "forbidden",
            Self::TierTooLow(_) => "tier_required",
            Self::QuotaExceeded { .. } => "quota_exceeded",
            Self::TooFast { .. } => "rate_limited",
            Self::Expired { .. } => "expired",
            Self::UnknownModel { .. } => "unknown_model",
            Self::TooOften(_) => "too_often",
            Self::Invalid(_) => "invalid_request",
            Self::TooLarge(_) => "too_large",
            Self::Conflict(_) => "conflict",
            Self::TooLate(_) => "too_late",
            Self::Running(_) => "answer_running",
            Self::KeyReused => "idempotency_key_reused",
            Self::DiskFull => "insufficient_storage",
            Self::Provider(error) => provider_code(error),
            Self::ShuttingDown => "shutting_down",
            Self::Internal(_) => "internal",
        }
    }

    /// Whether the same request may work later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::NotFound { .. }
            | Self::Forbidden(_)
            | Self::TierTooLow(_)
            | Self::QuotaExceeded { .. }
            | Self::Expired { .. }
            | Self::UnknownModel { .. }
            | Self::TooOften(_)
            | Self::Invalid(_)
            | Self::TooLarge(_)
            | Self::TooLate(_)
            | Self::KeyReused => false,
            Self::TooFast { .. }
            | Self::Conflict(_)
            | Self::Running(_)
            | Self::DiskFull
            | Self::ShuttingDown
            | Self::Internal(_) => true,
            Self::Provider(error) => matches!(
                error,
                ProviderError::RateLimited { .. }
                    | ProviderError::Unavailable(_)
                    | ProviderError::TimedOut(_)
                    | ProviderError::Truncated(_)
            ),
        }
    }

    /// How many seconds to wait before the same request is made again, where that is known.
    #[must_use]
    pub fn retry_after_s(&self) -> Option<u64> {
        match self {
            Self::Provider(ProviderError::RateLimited { retry_after }) => {
                Some(retry_after.map_or(1, |wait| wait.as_secs().max(1)))
            }
            Self::ShuttingDown | Self::DiskFull => Some(5),
            Self::TooFast { retry_after, .. } => Some(retry_after.as_secs() + 1),
            Self::QuotaExceeded { retry_after, .. } => retry_after.map(|wait| wait.as_secs() + 1),
            _ => None,
        }
    }

    /// A fault of ours.
    pub fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(cause.into())
    }
}

fn provider_code(error: &ProviderError) -> &'static str {
    match error {
        ProviderError::Unauthorized => "provider_unauthorized",
        ProviderError::RateLimited { .. } => "provider_rate_limited",
        ProviderError::ContextTooLong => "context_too_long",
        ProviderError::Unavailable(_) => "provider_unavailable",
        ProviderError::TimedOut(_) => "provider_timed_out",
        ProviderError::Rejected(_) => "provider_rejected",
        ProviderError::Truncated(_) => "provider_truncated",
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::DiskFull => Self::DiskFull,
            other => Self::internal(other),
        }
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        if space::is_full(&error) { Self::DiskFull } else { Self::internal(error) }
    }
}

impl From<ibid_index::IndexError> for Error {
    fn from(error: ibid_index::IndexError) -> Self {
        match error {
            ibid_index::IndexError::Io(cause) if space::is_full(&cause) => Self::DiskFull,
            other => Self::internal(other),
        }
    }
}

impl From<tokio::task::JoinError> for Error {
    fn from(error: tokio::task::JoinError) -> Self {
        Self::internal(error)
    }
}
