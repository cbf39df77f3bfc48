//! How answers and reports are made, unless a message says otherwise.

use serde::{Deserialize, Serialize};

/// How answers are made, the `[ask]` table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AskConfig {
    /// Earlier messages of the session considered for a follow-up. Default: 10.
    pub history_messages: usize,
    /// Most passages given to the writer. Default: 12.
    pub passages: usize,
    /// Most text of passages given to the writer, in tokens. Default: 6,000.
    pub context_tokens: usize,
    /// How long an answer that a model wrote may be given again to the same question, in seconds;
    /// never if 0. Default: 3,600.
    pub cache_s: u64,
    /// How long an answer goes on that nobody reads, in seconds; to its end if 0. Default: 0.
    pub cancel_unread_s: u64,
    /// How long a stream session can be opened, in seconds. Default: 600.
    pub stream_session_s: u64,
    /// What every answer should keep to beside the rules of citing: tone, form, subject. Default: nothing.
    pub system: String,
}

impl AskConfig {
    /// What every answer should keep to, if anything is set.
    #[must_use]
    pub fn wishes(&self) -> Option<String> {
        Some(self.system.clone()).filter(|system| !system.trim().is_empty())
    }
}

impl Default for AskConfig {
    fn default() -> Self {
        Self {
            history_messages: 10,
            passages: 12,
            context_tokens: 6_000,
            cache_s: 60 * 60,
            cancel_unread_s: 0,
            stream_session_s: 600,
            system: String::new(),
        }
    }
}

/// How deep research is done, the `[research]` table. The limits on calls, tokens and seconds are
/// those of a message that names none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ResearchConfig {
    /// Most further rounds after the first. Default: 2.
    pub rounds: u32,
    /// Questions looked into at the same time. Default: 4.
    pub parallel: usize,
    /// Most passages a report is written from. Default: 24.
    pub passages: usize,
    /// Most calls to a model. Default: 40.
    pub calls: u32,
    /// Most tokens read and written. Default: 200,000.
    pub tokens: u64,
    /// Longest time, in seconds. Default: 600.
    pub seconds: u64,
}

impl Default for ResearchConfig {
    fn default() -> Self {
        Self { rounds: 2, parallel: 4, passages: 24, calls: 40, tokens: 200_000, seconds: 600 }
    }
}
