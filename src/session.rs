//! What was said: sessions and their messages, as stored and as sent.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::access::User;
use crate::event::{Citation, Coverage, Event, FinishReason, Grounding, Plan, Source, Step, Usage};

/// A thread of questions and answers over one choice of documents.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Session {
    /// UUIDv7.
    pub id: Uuid,
    /// Who opened it, where there are accounts.
    #[serde(default, skip_serializing_if = "User::is_local")]
    pub owner: User,
    /// Given by the reader, else the beginning of the first question.
    pub title: String,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// The model that answers unless a message names another; the configured default if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The mode of messages that name none.
    #[serde(default)]
    pub mode: Mode,
    /// Only these documents are searched, if given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document_ids: Option<Vec<Uuid>>,
    /// Only this collection is searched, if given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collection: Option<String>,
    /// The reader's own grouping.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_id: Option<String>,
    /// The reader's own grouping, one level down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_id: Option<String>,
    /// Number of messages of both roles, on all branches.
    pub message_count: u32,
    /// The end of the branch that is shown and that the next question follows; the newest message
    /// if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<Uuid>,
}

/// How a question is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// One retrieval pass, one answer.
    #[default]
    Regular,
    /// Plan, search, read, look for gaps, search again, write a report.
    DeepResearch,
}

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The reader.
    User,
    /// ibid.
    Assistant,
}

/// Where a message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MessageStatus {
    /// The answer is being made.
    Running,
    /// Nothing is missing.
    Complete,
    /// The reader stopped it; `content` is what there was.
    Cancelled,
    /// The server stopped in mid-answer; `content` is what there was.
    Interrupted,
    /// The model or the server failed; `error` says why and `content` is what there was.
    Failed,
}

/// One message of a session, with everything that was shown beside it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Message {
    /// UUIDv7.
    pub id: Uuid,
    /// Who speaks.
    pub role: Role,
    /// The question, or the answer in Markdown with `[n]` marks.
    pub content: String,
    /// How the question was answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// The model that answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Whether it is an earlier answer to the same question, given again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cached: bool,
    /// Where the message stands.
    pub status: MessageStatus,
    /// When it was written, or begun.
    pub created_at: Timestamp,
    /// What it follows: for an answer its question, for a question the answer before it, and for a
    /// question that opens the conversation the session. Messages that follow the same one are
    /// siblings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<Uuid>,
    /// The documents a question was limited to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document_ids: Option<Vec<Uuid>>,
    /// The collection a question was limited to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collection: Option<String>,
    /// What a deep research set out to look into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Plan>,
    /// The work that was done for the answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
    /// The checked citations, in the order of the answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub citations: Vec<Citation>,
    /// The numbered passages the writer was given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<Source>,
    /// How well the answer stands on its sources.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grounding: Option<Grounding>,
    /// What a deep research looked at, and what it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coverage: Option<Coverage>,
    /// What it cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// Why the answer ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finish_reason: Option<FinishReason>,
    /// What went wrong, if the answer failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Failure>,
    /// What the reader thinks of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reaction: Option<Reaction>,
}

impl Message {
    /// A complete message with nothing beside its words.
    #[must_use]
    pub fn new(id: Uuid, role: Role, content: String, created_at: Timestamp) -> Self {
        Self {
            id,
            role,
            content,
            mode: None,
            model: None,
            cached: false,
            status: MessageStatus::Complete,
            created_at,
            parent_id: None,
            document_ids: None,
            collection: None,
            plan: None,
            steps: Vec::new(),
            citations: Vec::new(),
            sources: Vec::new(),
            grounding: None,
            coverage: None,
            usage: None,
            finish_reason: None,
            error: None,
            reaction: None,
        }
    }
}

/// What a reader thinks of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reaction {
    /// For or against it.
    pub reaction: Liking,
    /// Why, in the reader's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// When it was given.
    pub at: Timestamp,
}

/// For or against an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Liking {
    /// It helped.
    Like,
    /// It did not.
    Dislike,
}

/// A message and its place in the conversation.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Placed {
    /// The message.
    #[serde(flatten)]
    pub message: Message,
    /// Whether it is on the branch that is shown.
    pub active: bool,
    /// All messages that follow the same one, this one among them, oldest first; absent if there
    /// is no other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub siblings: Vec<Uuid>,
}

/// Why an answer failed: the same code and words as the `error` event.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Failure {
    /// A stable code.
    pub code: String,
    /// A sentence for the reader.
    pub message: String,
    /// Whether asking again may work.
    pub retryable: bool,
    /// How many seconds to wait before, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_s: Option<u64>,
}

impl Failure {
    /// The event that says so.
    #[must_use]
    pub fn into_event(self) -> Event {
        let Self { code, message, retryable, retry_after_s } = self;
        Event::Error { code, message, retryable, retry_after_s }
    }
}
