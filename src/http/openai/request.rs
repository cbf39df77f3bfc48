//! A request for a chat completion, read as the conversation it is. What does not apply here is
//! ignored; what would change the answer's kind and can't be had is refused by name.

use std::sync::Arc;

use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::models::known;
use crate::app::App;
use crate::ask::Conversation;
use crate::ask::prompt::Turn;
use crate::http::error::Problem;
use crate::session::{Mode, Role};

/// What is read of a request; anything else in it is ignored.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "ChatCompletionRequest")]
pub(in crate::http) struct Request {
    /// A configured model, with `:deep` after its name for deep research; the default if absent.
    model: Option<String>,
    /// Oldest first; the last one is the question.
    messages: Vec<Said>,
    /// Whether to send the answer in chunks.
    stream: Option<bool>,
    /// What else to stream.
    stream_options: Option<StreamOptions>,
    /// How long the answer may be, in tokens.
    max_completion_tokens: Option<u32>,
    /// The same, by its older name.
    max_tokens: Option<u32>,
    /// Only 1.
    n: Option<u32>,
    /// Nothing that requires a tool: none is called.
    tool_choice: Option<Value>,
    /// Only text.
    response_format: Option<Kind>,
    /// Only text.
    modalities: Option<Vec<String>>,
    /// Search only these documents.
    document_ids: Option<Vec<Uuid>>,
    /// Search only this collection.
    collection: Option<String>,
}

/// What else to stream.
#[derive(Deserialize, JsonSchema)]
struct StreamOptions {
    /// Whether to send the usage in a chunk of its own at the end.
    include_usage: Option<bool>,
}

/// Something told apart by its `type`.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "TypeOnly")]
pub(super) struct Kind {
    /// The type.
    #[serde(rename = "type")]
    kind: String,
}

impl Kind {
    /// Refuses any form of answer but text; `field` is where it was asked for.
    pub(super) fn only_text(&self, field: &str) -> Result<(), Problem> {
        if self.kind == "text" {
            return Ok(());
        }
        let kind = &self.kind;
        Err(refused(format!(
            "`{field}` is `{kind}`; answers are text with citations, so only `text` can be had"
        )))
    }
}

/// One message of the conversation.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "ChatCompletionMessage")]
pub(super) struct Said {
    /// `system`, `developer`, `user` or `assistant`.
    pub(super) role: String,
    /// A text, or parts of one.
    pub(super) content: Option<Content>,
}

impl Said {
    /// A question.
    pub(super) fn by_user(text: String) -> Self {
        Self { role: "user".to_owned(), content: Some(Content::Text(text)) }
    }
}

/// A text, or parts of one.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "ChatCompletionContent")]
#[serde(untagged)]
pub(super) enum Content {
    Text(String),
    Parts(Vec<Part>),
}

/// A part of a message's text.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "ChatCompletionPart")]
pub(super) struct Part {
    /// `text`, also as `input_text` or `output_text`; or `refusal` in an earlier answer.
    #[serde(rename = "type")]
    kind: String,
    /// The text.
    text: Option<String>,
}

impl Request {
    pub(super) fn is_streamed(&self) -> bool {
        self.stream.unwrap_or(false)
    }

    pub(super) fn wants_usage(&self) -> bool {
        self.stream_options.as_ref().and_then(|options| options.include_usage).unwrap_or(false)
    }

    /// The conversation, and the name its model was asked for by.
    pub(super) fn conversation(self, app: &Arc<App>) -> Result<(String, Conversation), Problem> {
        self.check()?;
        let (asked_for, model, mode) = named(app, self.model)?;
        let (turns, system) = spoken("messages", self.messages)?;
        let conversation = Conversation {
            turns,
            system: wishes(&system),
            model: Some(model),
            mode,
            document_ids: self.document_ids,
            collection: self.collection,
            max_output_tokens: self.max_completion_tokens.or(self.max_tokens),
            ..Conversation::default()
        };
        Ok((asked_for, conversation))
    }

    fn check(&self) -> Result<(), Problem> {
        if self.n.is_some_and(|n| n != 1) {
            return Err(refused("`n` can only be 1: there is one answer to a question here".to_owned()));
        }
        no_tool(self.tool_choice.as_ref())?;
        if let Some(format) = &self.response_format {
            format.only_text("response_format")?;
        }
        if self.modalities.iter().flatten().any(|kind| kind != "text") {
            return Err(refused("`modalities` can only be `[\"text\"]`".to_owned()));
        }
        Ok(())
    }
}

/// The model a request names, the default one if it names none: as it is named, as it is
/// configured, and how it is asked to answer.
pub(super) fn named(app: &App, model: Option<String>) -> Result<(String, String, Mode), Problem> {
    let default = app.config.models.first().map(|model| model.name.clone()).unwrap_or_default();
    let asked_for = model.filter(|name| !name.is_empty()).unwrap_or(default);
    let (model, mode) = known(app, &asked_for)?;
    Ok((asked_for, model, mode))
}

/// The turns of a conversation, and what was said beside them about how answers should be. `field`
/// is where the messages stand.
pub(super) fn spoken(field: &str, messages: Vec<Said>) -> Result<(Vec<Turn>, Vec<String>), Problem> {
    let (mut turns, mut system) = (Vec::new(), Vec::new());
    for (number, message) in messages.into_iter().enumerate() {
        let content = text(field, number, message.content)?;
        match message.role.as_str() {
            "system" | "developer" => system.push(content),
            "user" => turns.push(Turn { role: Role::User, content }),
            "assistant" => turns.push(Turn { role: Role::Assistant, content }),
            other => {
                let detail = format!(
                    "`{field}[{number}].role` is `{other}`; no tools are called here, so only `system`, \
                     `developer`, `user` and `assistant` speak"
                );
                return Err(refused(detail));
            }
        }
    }
    Ok((turns, system))
}

/// All that was said about how answers should be, if anything was.
pub(super) fn wishes(said: &[String]) -> Option<String> {
    Some(said.join("\n\n")).filter(|wishes| !wishes.trim().is_empty())
}

/// Refuses a choice that requires a tool.
pub(super) fn no_tool(choice: Option<&Value>) -> Result<(), Problem> {
    let needs_a_tool = match choice {
        Some(Value::String(choice)) => choice == "required",
        Some(Value::Object(_)) => true,
        _ => false,
    };
    if needs_a_tool {
        let detail = "`tool_choice` requires a tool, and no tools are called here; use `auto` or `none`";
        return Err(refused(detail.to_owned()));
    }
    Ok(())
}

fn text(field: &str, number: usize, content: Option<Content>) -> Result<String, Problem> {
    let parts = match content {
        None => return Ok(String::new()),
        Some(Content::Text(text)) => return Ok(text),
        Some(Content::Parts(parts)) => parts,
    };
    let mut texts = Vec::with_capacity(parts.len());
    for part in parts {
        match (part.kind.as_str(), part.text) {
            ("text" | "input_text" | "output_text", Some(text)) => texts.push(text),
            ("refusal", _) => {}
            (kind, _) => {
                let detail = format!(
                    "`{field}[{number}].content` has a part of type `{kind}`; only text is read: upload files \
                     as documents"
                );
                return Err(refused(detail));
            }
        }
    }
    Ok(texts.join("\n"))
}

pub(super) fn refused(detail: String) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "invalid_request", detail)
}
