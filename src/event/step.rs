//! A piece of work that a reader can watch, and what a finished one brought in.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Source, Usage};
use crate::document::PassageId;

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
