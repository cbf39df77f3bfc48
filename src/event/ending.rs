//! What is told at the end of an answer: why it ended, how well it stands, and what it took.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::document::PassageId;

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
    /// Words of the queries that stand in none of these documents, as they were written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unknown_words: Vec<String>,
    /// The nearest passages, best first.
    pub nearest: Vec<PassageId>,
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
    /// Documents that came up and were not read, the best matches first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<Uuid>,
    /// Number of documents that did not come up: none of their passages was among the best that any
    /// search looks at.
    pub unmatched: u64,
    /// The documents that were read, in the order in which they were.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub readings: Vec<Reading>,
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

/// What was read of a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reading {
    /// The document.
    pub document_id: Uuid,
    /// The pages on which passages that were read begin, if it has pages.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pages: Vec<u32>,
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
