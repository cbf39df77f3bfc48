//! A request for a response, read as the conversation it is. Nothing is kept here, so all of it has to
//! be sent; what would need something kept is refused by name.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use crate::app::App;
use crate::ask::Conversation;
use crate::http::error::Problem;
use crate::http::openai::request::{Content, Kind, Said, named, no_tool, refused, spoken, wishes};

/// What is read of a request; anything else in it is ignored.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "ResponseRequest")]
pub(in crate::http) struct Request {
    /// A configured model, with `:deep` after its name for deep research; the default if absent.
    model: Option<String>,
    /// The question, or all of the conversation with the question last.
    input: Input,
    /// How answers should be.
    instructions: Option<String>,
    /// Whether to send the answer as events.
    stream: Option<bool>,
    /// How long the answer may be, in tokens.
    max_output_tokens: Option<u32>,
    /// Nothing: earlier answers are not kept here.
    previous_response_id: Option<String>,
    /// Only false.
    background: Option<bool>,
    /// Nothing that requires a tool: none is called.
    tool_choice: Option<Value>,
    /// Only text.
    text: Option<Form>,
    /// Search only these documents.
    document_ids: Option<Vec<Uuid>>,
    /// Search only this collection.
    collection: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "ResponseInput")]
#[serde(untagged)]
enum Input {
    Question(String),
    Items(Vec<InputItem>),
}

/// A message, or what an earlier answer thought, which is passed over.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "ResponseInputItem")]
struct InputItem {
    /// `message` if absent.
    #[serde(rename = "type")]
    kind: Option<String>,
    /// `system`, `developer`, `user` or `assistant`.
    role: Option<String>,
    /// A text, or parts of one.
    content: Option<Content>,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "ResponseForm")]
struct Form {
    format: Option<Kind>,
}

impl Request {
    pub(in crate::http::openai) fn is_streamed(&self) -> bool {
        self.stream.unwrap_or(false)
    }

    /// The conversation, and the name its model was asked for by.
    pub(in crate::http::openai) fn conversation(
        self,
        app: &Arc<App>,
    ) -> Result<(String, Conversation), Problem> {
        self.check()?;
        let (asked_for, model, mode) = named(app, self.model)?;
        let messages = match self.input {
            Input::Question(question) => vec![Said::by_user(question)],
            Input::Items(items) => items.into_iter().filter_map(InputItem::said).collect::<Result<_, _>>()?,
        };
        let (turns, system) = spoken("input", messages)?;
        let system: Vec<String> = self.instructions.into_iter().chain(system).collect();
        let conversation = Conversation {
            turns,
            system: wishes(&system),
            model: Some(model),
            mode,
            document_ids: self.document_ids,
            collection: self.collection,
            max_output_tokens: self.max_output_tokens,
            ..Conversation::default()
        };
        Ok((asked_for, conversation))
    }

    fn check(&self) -> Result<(), Problem> {
        no_tool(self.tool_choice.as_ref())?;
        if self.previous_response_id.is_some() {
            let detail = "`previous_response_id` names an answer, and none is kept here; send all of the \
                          conversation as `input`";
            return Err(refused(detail.to_owned()));
        }
        if self.background == Some(true) {
            let detail = "`background` can't be true: an answer stops here when its reader leaves";
            return Err(refused(detail.to_owned()));
        }
        let format = self.text.as_ref().and_then(|text| text.format.as_ref());
        format.map_or(Ok(()), |format| format.only_text("text.format"))
    }
}

impl InputItem {
    fn said(self) -> Option<Result<Said, Problem>> {
        match (self.kind.as_deref().unwrap_or("message"), self.role) {
            ("message", Some(role)) => Some(Ok(Said { role, content: self.content })),
            ("reasoning", _) => None,
            (kind, _) => Some(Err(refused(format!(
                "`input` has an item of type `{kind}`; only messages with a `role` are read"
            )))),
        }
    }
}
