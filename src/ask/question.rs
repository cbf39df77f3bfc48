//! What is asked, and how it is to be answered.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::research::budget::Budget;
use crate::Error;
use crate::session::Mode;

/// The longest question, in bytes.
const MAX_QUESTION_BYTES: usize = 32 * 1024;

/// A message as it is sent.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// What is asked, in any language.
    pub content: String,
    /// How to answer; the session's mode if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// Search only these documents; the session's if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document_ids: Option<Vec<Uuid>>,
    /// Search only this collection; the session's if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collection: Option<String>,
    /// Which model answers; the session's if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// What a deep research may cost at most; as configured where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<Budget>,
    /// Whether a deep research waits with its plan until the reader approves it.
    #[serde(default)]
    pub approve_plan: bool,
    /// The answer that the question follows, or the session to open the conversation anew; the end
    /// of the branch that is shown if absent. A question changed and sent again follows what the
    /// first one followed, and stands beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<Uuid>,
    /// Whether the answer that this question had before may be given again, if nothing that
    /// decides it has changed since.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub cache: bool,
    /// How many earlier messages the model is told at most; as configured if absent. Not for clients
    /// of ibid's own API to say.
    #[serde(skip)]
    pub history_messages: Option<usize>,
    /// Stream the events (the default), or answer once with the whole message.
    #[serde(default = "yes")]
    pub stream: bool,
}

impl Question {
    /// A question with nothing beside its words.
    #[must_use]
    pub fn new(content: String) -> Self {
        Self {
            content,
            mode: None,
            document_ids: None,
            collection: None,
            model: None,
            budget: None,
            approve_plan: false,
            parent_id: None,
            cache: true,
            history_messages: None,
            stream: true,
        }
    }

    /// Whether it is one that can be asked.
    ///
    /// # Errors
    /// [`Error::Invalid`] if it is empty, [`Error::TooLarge`] if it is too long.
    pub fn check(&self) -> Result<(), Error> {
        check(&self.content)
    }
}

fn yes() -> bool {
    true
}

fn is_yes(answer: &bool) -> bool {
    *answer
}

/// How a question is answered once more. What is absent is as it was.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Again {
    /// How to answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// Which model answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// What a deep research may cost at most; as configured where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<Budget>,
    /// Whether a deep research waits with its plan until the reader approves it.
    #[serde(default)]
    pub approve_plan: bool,
    /// Stream the events (the default), or answer once with the whole message.
    #[serde(default = "yes")]
    pub stream: bool,
}

impl Default for Again {
    fn default() -> Self {
        Self { mode: None, model: None, budget: None, approve_plan: false, stream: true }
    }
}

pub(super) fn check(content: &str) -> Result<(), Error> {
    if content.trim().is_empty() {
        return Err(Error::Invalid("the question is empty; write one".to_owned()));
    }
    if content.len() > MAX_QUESTION_BYTES {
        return Err(Error::TooLarge(format!(
            "the question has {} bytes, more than {MAX_QUESTION_BYTES}; upload long texts as documents",
            content.len()
        )));
    }
    Ok(())
}
