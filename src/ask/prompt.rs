//! The prompt: what a provider sees. Instructions, the conversation so far, and the numbered
//! passages; never a document store.

use crate::document::PageStart;
use crate::event::Source;
use crate::session::Role;

/// Everything a provider needs to write one answer.
#[derive(Clone, Debug)]
pub struct Prompt {
    /// The instructions.
    pub system: String,
    /// Earlier turns, oldest first.
    pub history: Vec<Turn>,
    /// The question, made to stand alone.
    pub question: String,
    /// The numbered passages, in the order of their numbers.
    pub passages: Vec<Excerpt>,
    /// The last user message as a model reads it: the passages inside their fence, then the question.
    pub user: String,
}

/// One earlier message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Who spoke.
    pub role: Role,
    /// What was said.
    pub content: String,
}

/// A numbered passage with its text. `text` is the stored text at `source.start..source.end`.
#[derive(Clone, Debug)]
pub struct Excerpt {
    /// Its number and place.
    pub source: Source,
    /// Its words, byte for byte as stored.
    pub text: String,
    /// The pages that begin inside it, as offsets into the stored text; empty where there are none.
    pub pages: Vec<PageStart>,
}
