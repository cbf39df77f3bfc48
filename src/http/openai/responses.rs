//! `/v1/responses`: the same answers as OpenAI's newer interface tells them, as items of an output and
//! as numbered events on the way there. What a deep research does is an item of its own, of the kind
//! that clients show as thinking.

mod request;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::answer::thought;
use super::cited::{Cited, Sourced, UrlCitation};
use super::error::worded;
use crate::Error;
use crate::event::{self, Event, FinishReason};
use crate::http::error::Problem;
use crate::http::links::Site;
use crate::session::Failure;

pub(in crate::http) use request::Request;

/// An answer, whole or as far as it is.
#[derive(Clone, Serialize, JsonSchema)]
pub(in crate::http) struct Response {
    id: String,
    object: &'static str,
    created_at: i64,
    /// `in_progress`, `completed`, `incomplete` or `failed`.
    status: &'static str,
    error: Option<Fault>,
    incomplete_details: Option<Reason>,
    model: String,
    output: Vec<Item>,
    /// Always false, as `store` is; no tool is ever called.
    parallel_tool_calls: bool,
    tool_choice: &'static str,
    tools: [(); 0],
    store: bool,
    usage: Option<Usage>,
    /// The citations with their quotes, ranges and verdicts.
    sources: Vec<Sourced>,
}

#[derive(Clone, Serialize, JsonSchema)]
#[schemars(rename = "ResponseError")]
struct Fault {
    code: String,
    message: String,
}

#[derive(Clone, Serialize, JsonSchema)]
#[schemars(rename = "ResponseIncomplete")]
struct Reason {
    reason: &'static str,
}

/// A part of the output.
#[derive(Clone, Serialize, JsonSchema)]
#[schemars(rename = "ResponseItem")]
#[serde(tag = "type", rename_all = "snake_case")]
enum Item {
    /// The steps of a deep research, a line each.
    Reasoning { id: String, summary: Vec<Part> },
    /// The answer.
    Message { id: String, status: &'static str, role: &'static str, content: Vec<Part> },
}

/// Words of an item.
#[derive(Clone, Serialize, JsonSchema)]
#[schemars(rename = "ResponsePart")]
#[serde(tag = "type", rename_all = "snake_case")]
enum Part {
    /// Lines on what was done.
    SummaryText { text: String },
    /// Markdown with `[n]` marks, and the claims in it.
    OutputText { text: String, annotations: Vec<Annotation> },
}

/// A claim of the answer with the place that supports it.
#[derive(Clone, Serialize, JsonSchema)]
#[schemars(rename = "ResponseAnnotation")]
struct Annotation {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(flatten)]
    citation: UrlCitation,
}

/// Tokens, as the model's vendor counts them.
#[derive(Clone, Copy, Serialize, JsonSchema)]
#[schemars(rename = "ResponseUsage")]
struct Usage {
    input_tokens: u64,
    output_tokens: u64,
    total_tokens: u64,
}

/// One event; what else it carries goes by its type.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ResponseEvent")]
pub(in crate::http) struct Frame {
    /// `response.created`, `response.output_text.delta` and others; `response.completed`,
    /// `response.incomplete` or `response.failed` is the last.
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    /// Counts from 0.
    sequence_number: usize,
    #[serde(flatten)]
    carries: Map<String, Value>,
}

/// Words one answer.
pub(super) struct Writer {
    /// What the ids of the items end with.
    id: String,
    response: Response,
    said: Cited,
    thoughts: String,
    is_writing: bool,
    num_frames: usize,
}

impl Writer {
    pub(super) fn new(model: String, site: Site) -> Self {
        let id = Uuid::now_v7().simple().to_string();
        let response = Response {
            id: format!("resp_{id}"),
            object: "response",
            created_at: jiff::Timestamp::now().as_second(),
            status: "in_progress",
            error: None,
            incomplete_details: None,
            model,
            output: Vec::new(),
            parallel_tool_calls: false,
            tool_choice: "none",
            tools: [],
            store: false,
            usage: None,
            sources: Vec::new(),
        };
        let (said, thoughts) = (Cited::at(site), String::new());
        Self { id, response, said, thoughts, is_writing: false, num_frames: 0 }
    }

    /// The whole answer.
    pub(super) fn whole(mut self, events: Vec<Event>) -> Result<Response, Problem> {
        for event in events {
            if let Event::Error { code, message, retryable, retry_after_s } = event {
                return Err((&Failure { code, message, retryable, retry_after_s }).into());
            }
            self.frames(event);
        }
        match self.response.status {
            "completed" | "incomplete" => Ok(self.response),
            _ => Err(Error::ShuttingDown.into()),
        }
    }

    /// The frames an event makes.
    pub(super) fn frames(&mut self, event: Event) -> Vec<Frame> {
        if let Some(words) = thought(&event) {
            return if self.is_writing { Vec::new() } else { self.think(&words) };
        }
        match event {
            Event::Started { .. } => ["response.created", "response.in_progress"]
                .map(|kind| self.frame(kind, json!({"response": self.response})))
                .into(),
            Event::Token { text } => {
                let mut frames = self.begin();
                self.said.content.push_str(&text);
                frames
                    .push(self.of_text("response.output_text.delta", json!({"delta": text, "logprobs": []})));
                frames
            }
            Event::Citation { citation } => {
                let index = self.said.add(citation);
                let annotation = self.annotations(index).pop();
                let carries = json!({"annotation_index": index, "annotation": annotation});
                vec![self.of_text("response.output_text.annotation.added", carries)]
            }
            Event::Done { finish_reason: FinishReason::Interrupted, .. } => {
                self.fail("shutting_down", "the server stopped in mid-answer; ask again".to_owned())
            }
            Event::Done { finish_reason, usage, .. } => self.end(finish_reason, usage),
            Event::Error { code, message, .. } => self.fail(&code, message),
            Event::Plan { .. } | Event::Step { .. } | Event::Sources { .. } => Vec::new(),
        }
    }

    /// Adds to the steps of a research, which are the first item.
    fn think(&mut self, words: &str) -> Vec<Frame> {
        let mut frames = Vec::new();
        if self.thoughts.is_empty() {
            let part = Part::SummaryText { text: String::new() };
            frames.push(self.of_item("response.output_item.added", &self.reasoning(Vec::new())));
            frames.push(self.of_steps("response.reasoning_summary_part.added", json!({"part": part})));
        }
        self.thoughts.push_str(words);
        frames.push(self.of_steps("response.reasoning_summary_text.delta", json!({"delta": words})));
        frames
    }

    /// Begins the answer unless it has begun; the steps end where it does.
    fn begin(&mut self) -> Vec<Frame> {
        let mut frames = Vec::new();
        if self.is_writing {
            return frames;
        }
        if !self.thoughts.is_empty() {
            let part = Part::SummaryText { text: self.thoughts.clone() };
            let item = self.reasoning(vec![part.clone()]);
            let text = json!({"text": self.thoughts});
            frames.push(self.of_steps("response.reasoning_summary_text.done", text));
            frames.push(self.of_steps("response.reasoning_summary_part.done", json!({"part": part})));
            frames.push(self.of_item("response.output_item.done", &item));
            self.response.output.push(item);
        }
        self.is_writing = true;
        let item = self.message("in_progress", Vec::new());
        frames.push(self.of_item("response.output_item.added", &item));
        let part = self.text();
        frames.push(self.of_text("response.content_part.added", json!({"part": part})));
        frames
    }

    fn end(&mut self, reason: FinishReason, usage: event::Usage) -> Vec<Frame> {
        let is_cut = matches!(reason, FinishReason::Length | FinishReason::Budget);
        let (status, last) = match is_cut {
            true => ("incomplete", "response.incomplete"),
            false => ("completed", "response.completed"),
        };
        let mut frames = self.begin();
        let part = self.text();
        let item = self.message(status, vec![part.clone()]);
        let text = json!({"text": self.said.content, "logprobs": []});
        frames.push(self.of_text("response.output_text.done", text));
        frames.push(self.of_text("response.content_part.done", json!({"part": part})));
        frames.push(self.of_item("response.output_item.done", &item));
        self.response.output.push(item);
        self.response.status = status;
        self.response.incomplete_details = is_cut.then_some(Reason { reason: "max_output_tokens" });
        self.response.usage = Some(usage.into());
        self.response.sources = self.said.sources();
        frames.push(self.frame(last, json!({"response": self.response})));
        frames
    }

    fn fail(&mut self, code: &str, message: String) -> Vec<Frame> {
        let (_, code) = worded(code, axum::http::StatusCode::OK);
        self.response.status = "failed";
        self.response.error = Some(Fault { code, message });
        vec![self.frame("response.failed", json!({"response": self.response}))]
    }

    fn reasoning(&self, summary: Vec<Part>) -> Item {
        Item::Reasoning { id: format!("rs_{}", self.id), summary }
    }

    fn message(&self, status: &'static str, content: Vec<Part>) -> Item {
        Item::Message { id: format!("msg_{}", self.id), status, role: "assistant", content }
    }

    fn text(&self) -> Part {
        Part::OutputText { text: self.said.content.clone(), annotations: self.annotations(0) }
    }

    fn annotations(&self, from: usize) -> Vec<Annotation> {
        self.said.claims(from).map(|citation| Annotation { kind: "url_citation", citation }).collect()
    }

    fn of_item(&mut self, kind: &'static str, item: &Item) -> Frame {
        self.frame(kind, json!({"output_index": self.response.output.len(), "item": item}))
    }

    fn of_steps(&mut self, kind: &'static str, carries: Value) -> Frame {
        self.placed(kind, json!({"item_id": format!("rs_{}", self.id), "summary_index": 0}), carries)
    }

    fn of_text(&mut self, kind: &'static str, carries: Value) -> Frame {
        self.placed(kind, json!({"item_id": format!("msg_{}", self.id), "content_index": 0}), carries)
    }

    fn placed(&mut self, kind: &'static str, place: Value, carries: Value) -> Frame {
        let index = json!({"output_index": self.response.output.len()});
        let mut frame = self.frame(kind, carries);
        frame.carries.extend(fields(place).into_iter().chain(fields(index)));
        frame
    }

    fn frame(&mut self, kind: &'static str, carries: Value) -> Frame {
        let sequence_number = self.num_frames;
        self.num_frames += 1;
        Frame { kind, sequence_number, carries: fields(carries) }
    }
}

fn fields(object: Value) -> Map<String, Value> {
    match object {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

impl From<event::Usage> for Usage {
    fn from(usage: event::Usage) -> Self {
        let (input_tokens, output_tokens) = (usage.input_tokens, usage.output_tokens);
        Self { input_tokens, output_tokens, total_tokens: input_tokens + output_tokens }
    }
}
