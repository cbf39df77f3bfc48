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

use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::document::PassageId;
use crate::session::Mode;

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

/// A piece of work a reader can watch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Step {
    /// Names the step within the answer; the same for its start and its end.
    pub id: u32,
    /// What kind of work.
    pub kind: StepKind,
    /// Whether it begins or is over.
    pub state: StepState,
    /// What was searched for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// Number of passages found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<u32>,
    /// Anything a reader should know about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The question of the plan it serves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question_id: Option<u32>,
    /// What a finished piece of deep research brought in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<StepResult>,
}

/// What a finished piece of deep research brought in: enough to go on from here after a crash.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StepResult {
    /// The passages that were read, best first, numbered within the step.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passages: Vec<Source>,
    /// The documents that matched, best first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub matched: Vec<Uuid>,
    /// What was noted in them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Note>,
    /// What it cost.
    #[serde(default)]
    pub usage: Usage,
    /// Milliseconds of work on the answer up to here.
    pub at_ms: u64,
}

/// A note: the exact words of a document. The quote stands, byte for byte, at `start..end` of the
/// stored text of that version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Note {
    /// The passage it was found in.
    pub passage_id: PassageId,
    /// First byte of the quote in the stored text.
    pub start: usize,
    /// One past its last byte.
    pub end: usize,
    /// The quote itself.
    pub quote: String,
}

/// What a deep research will look into.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Plan {
    /// What was asked, made to stand alone.
    pub question: String,
    /// The questions, in the order of the report.
    pub questions: Vec<SubQuestion>,
    /// What it will cost at most.
    pub estimate: Estimate,
    /// Whether the research waits for the reader's consent.
    pub awaiting_approval: bool,
}

/// One question of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SubQuestion {
    /// Names it within the answer.
    pub id: u32,
    /// What is looked for.
    pub text: String,
    /// What it is good for.
    pub why: String,
    /// The look for gaps that brought it up; 0 for what was planned or the reader has added.
    #[serde(default)]
    pub round: u32,
    /// The question that what is found to this one helps to answer, if it has no section of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serves: Option<u32>,
}

/// A reader's word on a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PlanChange {
    /// Whether a plan that waits for consent is carried out; without it, a change counts as consent.
    pub approve: Option<bool>,
    /// The whole list of questions as it shall be: one with a known `id` stays, with its text if it
    /// has a new one; one without is added; one that is missing is dropped.
    pub questions: Option<Vec<ChangedQuestion>>,
}

/// A question of a changed plan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ChangedQuestion {
    /// The question of the plan it stands for; a new one if absent.
    pub id: Option<u32>,
    /// What is looked for; as it was if absent.
    pub text: Option<String>,
    /// What it is good for.
    pub why: Option<String>,
}

/// What a plan will cost, as far as can be told before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Estimate {
    /// Calls to a model.
    pub calls: u32,
    /// Tokens read and written.
    pub tokens: u64,
    /// Seconds.
    pub seconds: u64,
}

/// What a deep research looked at, and what it did not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Coverage {
    /// Number of documents that were searched.
    pub searched: u64,
    /// Number of documents of which passages were read.
    pub read: u32,
    /// Number of documents that are cited.
    pub cited: u32,
    /// Documents that matched and were not read, the best matches first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<Uuid>,
    /// Number of documents that never matched.
    pub unmatched: u64,
    /// Questions to which nothing was found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_found: Vec<String>,
    /// What the budget, or the reader's stop, left undone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_done: Vec<String>,
    /// How many times the research was taken up again after the server had stopped.
    #[serde(default)]
    pub resumed: u32,
}

/// Kinds of work a reader can watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// Deciding what to look into.
    Plan,
    /// Looking for passages.
    Search,
    /// Taking notes from passages.
    Read,
    /// Looking for what is missing.
    Gap,
    /// Writing the answer.
    Write,
    /// Going on after the server had stopped.
    Resume,
}

/// Whether a step begins or is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    /// It begins.
    Started,
    /// It is over.
    Finished,
}

/// A numbered passage as given to the writer. Ranges are byte offsets into the stored text of
/// that document version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Source {
    /// The number citations use, from 1.
    pub n: u32,
    /// The document.
    pub document_id: Uuid,
    /// Its version.
    pub version: String,
    /// Its title.
    pub title: String,
    /// The page it begins on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<u32>,
    /// The headings above it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heading: Option<String>,
    /// The passage that matched; neighbours may have been merged around it.
    pub passage_id: PassageId,
    /// First byte given to the writer.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// The search score; higher is better, comparable within one answer only.
    pub score: f32,
}

/// A claim of the answer, tied to the exact place that supports it. The quote stands, byte for
/// byte, at `start..end` of the stored text of that document version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Citation {
    /// The number of the source.
    pub n: u32,
    /// The document.
    pub document_id: Uuid,
    /// Its version.
    pub version: String,
    /// Its title.
    pub title: String,
    /// The page the quote begins on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<u32>,
    /// The headings above it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heading: Option<String>,
    /// The passage that holds the quote.
    pub passage_id: PassageId,
    /// First byte of the quote in the stored text.
    pub start: usize,
    /// One past its last byte.
    pub end: usize,
    /// The quote itself.
    pub quote: String,
    /// How far the quote carries the claim, from 0 to 1.
    pub support: f32,
    /// The same as a word.
    pub verdict: Verdict,
    /// First byte of the claim in the answer.
    pub answer_start: usize,
    /// One past its last byte, the mark not included.
    pub answer_end: usize,
}

impl Citation {
    /// Where the quote stands in the stored text.
    #[must_use]
    pub fn range(&self) -> Range<usize> {
        self.start..self.end
    }
}

/// How far a quote carries the claim it was cited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The quote says it.
    Supported,
    /// The quote says part of it.
    Partial,
    /// The quote does not say it, or says otherwise.
    Unsupported,
}

/// Why an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// It was complete.
    Stop,
    /// The model reached its length limit.
    Length,
    /// The budget was spent.
    Budget,
    /// The reader stopped it.
    Cancelled,
    /// The server stopped in mid-answer.
    Interrupted,
}

/// How well an answer stands on its sources, counted over its sentences.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Grounding {
    /// Sentences that make a claim.
    pub sentences: u32,
    /// Of these, with at least one citation.
    pub cited: u32,
    /// Of these, carried by a cited quote or by a supplied passage.
    pub supported: u32,
    /// The claims nothing supplied carries.
    pub unsupported: Vec<AnswerSpan>,
    /// Marks that named no supplied passage and were dropped.
    #[serde(default)]
    pub dropped_marks: u32,
    /// What was tried, when nothing relevant was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Receipt>,
}

/// A stretch of the answer, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AnswerSpan {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

/// What stands behind "not in your documents".
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Receipt {
    /// The queries tried.
    pub queries: Vec<String>,
    /// Number of documents searched.
    pub documents_searched: u64,
    /// The nearest passages, best first.
    pub nearest: Vec<PassageId>,
}

/// Tokens and calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Usage {
    /// Tokens read by the model, as its vendor counts them; 0 without a model.
    pub input_tokens: u64,
    /// Tokens written.
    pub output_tokens: u64,
    /// Calls made.
    pub calls: u32,
}

impl Usage {
    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            input_tokens: self.input_tokens + other.input_tokens,
            output_tokens: self.output_tokens + other.output_tokens,
            calls: self.calls + other.calls,
        }
    }
}

/// Where the time of an answer went, in milliseconds from its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Timings {
    /// Until the passages were chosen.
    pub retrieval: u64,
    /// Until the first token.
    pub first_token: u64,
    /// Until the end.
    pub total: u64,
}
