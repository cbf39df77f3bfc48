//! `Event`: the one type of the answer stream. HTTP encodings, the journal, history and the
//! command line are all readings of it.
//!
//! # Emission contract
//!
//! | event | when | how often |
//! |---|---|---|
//! | `started` | first, once both messages are durable | 1 |
//! | `plan` | deep research: what will be looked into, and again whenever that changes; the last counts | any |
//! | `step` | around each piece of work, `started` then `finished` | any |
//! | `sources` | when the writer's passages are chosen, before the first token; again with fewer if the model can't read so many; the last counts | 0–2 |
//! | `token` | as the answer is written; the texts joined are the answer | any |
//! | `citation` | after the token that holds its mark, once its quote is checked | any |
//! | `done` or `error` | last, once the answer is durable | exactly 1 |

mod ending;
mod plan;
mod source;
mod step;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::session::Mode;

pub use ending::{AnswerSpan, Coverage, FinishReason, Grounding, Reading, Receipt, Timings, Usage};
pub use plan::{ChangedQuestion, Estimate, Plan, PlanChange, SubQuestion};
pub use source::{Citation, Source, Verdict};
pub use step::{Note, Step, StepKind, StepResult, StepState};

/// One event of an answer.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// The question is stored and an answer is on its way.
    Started {
        /// The answer.
        message_id: Uuid,
        /// The question.
        user_message_id: Uuid,
        /// The session of both.
        session_id: Uuid,
        /// How it will be answered.
        mode: Mode,
        /// The model that will write.
        model: String,
        /// Whether an earlier answer to the same question is given again.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        cached: bool,
    },
    /// A piece of work began or ended.
    Step {
        /// The work.
        #[serde(flatten)]
        step: Step,
    },
    /// What a deep research will look into.
    Plan {
        /// The plan.
        #[serde(flatten)]
        plan: Plan,
    },
    /// The numbered passages the writer was given.
    Sources {
        /// In the order of their numbers.
        sources: Vec<Source>,
    },
    /// More of the answer.
    Token {
        /// Markdown; never cuts a citation mark in two.
        text: String,
    },
    /// A checked citation of the sentence just written.
    Citation {
        /// The citation.
        #[serde(flatten)]
        citation: Citation,
    },
    /// The answer is complete, or was ended on purpose.
    Done {
        /// The answer.
        message_id: Uuid,
        /// Why it ended.
        finish_reason: FinishReason,
        /// Number of citations sent.
        citations: u32,
        /// How well the answer stands on its sources.
        grounding: Grounding,
        /// What it cost.
        usage: Usage,
        /// Where the time went.
        timings_ms: Timings,
        /// What a deep research looked at, and what it did not.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        coverage: Option<Coverage>,
    },
    /// The answer failed; what was sent before stays stored.
    Error {
        /// A stable code.
        code: String,
        /// A sentence for the reader.
        message: String,
        /// Whether asking again may work.
        retryable: bool,
        /// How many seconds to wait before, if that is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after_s: Option<u64>,
    },
}

impl Event {
    /// The name on the wire: the SSE `event` field and the JSON `type`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Started { .. } => "started",
            Self::Plan { .. } => "plan",
            Self::Step { .. } => "step",
            Self::Sources { .. } => "sources",
            Self::Token { .. } => "token",
            Self::Citation { .. } => "citation",
            Self::Done { .. } => "done",
            Self::Error { .. } => "error",
        }
    }

    /// Whether nothing may follow.
    #[must_use]
    pub fn is_terminal(&self) -> bool {
        matches!(self, Self::Done { .. } | Self::Error { .. })
    }
}
