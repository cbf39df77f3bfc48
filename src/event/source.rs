//! Where an answer comes from: the passages that were given to the writer, and the quotes it cites.

use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::document::PassageId;

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
    /// If it begins inside a table, what stands above the table's columns, its lines parted by ` / `.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<String>,
    /// If it begins inside a list, what introduces that, of the outermost list first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub introduction: Option<String>,
    /// Whether it begins inside fenced code.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_code: bool,
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
    /// If it is a row of a table, what stands above the table's columns, its lines parted by ` / `.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<String>,
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
