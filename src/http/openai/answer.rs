//! An answer's events as a chat completion, or as chunks of one.
//!
//! Citations come after the last word, all in one chunk: clients put chunks together and know no
//! way to add to a list. What a deep research does comes as `reasoning_content`, which clients
//! that show thinking show, and others pass over.

use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

use super::cited::{Cited, Sourced, UrlCitation};
use super::error::Envelope;
use crate::event::{self, Event, FinishReason, StepKind, StepState};
use crate::http::dialects::line;
use crate::http::error::Problem;
use crate::http::links::Site;
use crate::session::Failure;

/// A whole answer.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ChatCompletion")]
pub(in crate::http) struct Completion {
    id: String,
    object: &'static str,
    created: i64,
    model: String,
    choices: [Choice; 1],
    usage: Usage,
    /// The citations with their quotes, ranges and verdicts.
    sources: Vec<Sourced>,
}

/// The one answer.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ChatCompletionChoice")]
struct Choice {
    index: u32,
    message: Words,
    /// Always `null`.
    logprobs: Option<()>,
    finish_reason: &'static str,
}

/// A piece of an answer.
#[derive(Clone, Serialize, JsonSchema)]
#[schemars(rename = "ChatCompletionChunk")]
pub(in crate::http) struct Chunk {
    id: String,
    object: &'static str,
    created: i64,
    model: String,
    /// One; none in the chunk that carries the usage.
    choices: Vec<Delta>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Usage>,
    /// With the `annotations`: the citations with their quotes, ranges and verdicts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sources: Vec<Sourced>,
}

/// What a chunk adds.
#[derive(Clone, Serialize, JsonSchema)]
#[schemars(rename = "ChatCompletionChunkChoice")]
struct Delta {
    index: u32,
    delta: Words,
    finish_reason: Option<&'static str>,
}

/// Words of the answer; in a chunk, those that are new.
#[derive(Clone, Default, Serialize, JsonSchema)]
#[schemars(rename = "ChatCompletionWords")]
struct Words {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    /// Markdown with `[n]` marks.
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<String>,
    /// The steps of a deep research, a line each.
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<String>,
    /// The citations, in the order of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    annotations: Option<Vec<Annotation>>,
}

/// A claim of the answer with the place that supports it.
#[derive(Clone, Serialize, JsonSchema)]
struct Annotation {
    #[serde(rename = "type")]
    kind: &'static str,
    url_citation: UrlCitation,
}

/// Tokens, as the model's vendor counts them.
#[derive(Clone, Copy, Default, Serialize, JsonSchema)]
#[schemars(rename = "CompletionUsage")]
struct Usage {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
}

/// Words one answer.
pub(super) struct Writer {
    id: String,
    created: i64,
    model: String,
    with_usage: bool,
    said: Cited,
}

impl Writer {
    pub(super) fn new(model: String, site: Site, with_usage: bool) -> Self {
        let id = format!("chatcmpl-{}", Uuid::now_v7().simple());
        let created = jiff::Timestamp::now().as_second();
        Self { id, created, model, with_usage, said: Cited::at(site) }
    }

    /// The chunks an event makes, each as the text of a frame.
    pub(super) fn chunks(&mut self, event: Event) -> Vec<String> {
        if let Some(reasoning_content) = thought(&event) {
            return vec![
                self.words(Words { reasoning_content: Some(reasoning_content), ..Words::default() }),
            ];
        }
        match event {
            Event::Started { .. } => {
                let content = Some(String::new());
                vec![self.words(Words { role: Some("assistant"), content, ..Words::default() })]
            }
            Event::Token { text } => {
                self.said.content.push_str(&text);
                vec![self.words(Words { content: Some(text), ..Words::default() })]
            }
            Event::Citation { citation } => {
                self.said.add(citation);
                Vec::new()
            }
            Event::Done { finish_reason: FinishReason::Interrupted, .. } => {
                failed("shutting_down", "the server stopped in mid-answer; ask again".to_owned())
            }
            Event::Done { finish_reason, usage, .. } => self.end(finish_reason, usage),
            Event::Error { code, message, .. } => failed(&code, message),
            Event::Plan { .. } | Event::Step { .. } | Event::Sources { .. } => Vec::new(),
        }
    }

    /// The whole answer.
    pub(super) fn whole(mut self, events: Vec<Event>) -> Result<Completion, Problem> {
        let mut thoughts = String::new();
        for event in events {
            thoughts.extend(thought(&event));
            match event {
                Event::Token { text } => self.said.content.push_str(&text),
                Event::Citation { citation } => drop(self.said.add(citation)),
                Event::Error { code, message, retryable, retry_after_s } => {
                    return Err((&Failure { code, message, retryable, retry_after_s }).into());
                }
                Event::Done { finish_reason: FinishReason::Interrupted, .. } => break,
                Event::Done { finish_reason, usage, .. } => {
                    return Ok(self.completion(thoughts, finish_reason, usage));
                }
                _ => {}
            }
        }
        Err(crate::Error::ShuttingDown.into())
    }

    fn completion(self, thoughts: String, finish_reason: FinishReason, usage: event::Usage) -> Completion {
        let (annotations, sources) = (self.annotations(), self.said.sources());
        let message = Words {
            role: Some("assistant"),
            content: Some(self.said.content),
            reasoning_content: Some(thoughts).filter(|thoughts| !thoughts.is_empty()),
            annotations: Some(annotations),
        };
        Completion {
            id: self.id,
            object: "chat.completion",
            created: self.created,
            model: self.model,
            choices: [Choice { index: 0, message, logprobs: None, finish_reason: reason(finish_reason) }],
            usage: usage.into(),
            sources,
        }
    }

    fn end(&self, finish_reason: FinishReason, usage: event::Usage) -> Vec<String> {
        let mut lines = Vec::with_capacity(4);
        let sources = self.said.sources();
        if !sources.is_empty() {
            let delta = Words { annotations: Some(self.annotations()), ..Words::default() };
            let choices = vec![Delta { index: 0, delta, finish_reason: None }];
            lines.push(line(&Chunk { sources, ..self.chunk(choices) }));
        }
        let last = Delta { index: 0, delta: Words::default(), finish_reason: Some(reason(finish_reason)) };
        lines.push(line(&self.chunk(vec![last])));
        if self.with_usage {
            lines.push(line(&Chunk { usage: Some(usage.into()), ..self.chunk(Vec::new()) }));
        }
        lines.push("[DONE]".to_owned());
        lines
    }

    fn words(&self, delta: Words) -> String {
        line(&self.chunk(vec![Delta { index: 0, delta, finish_reason: None }]))
    }

    fn chunk(&self, choices: Vec<Delta>) -> Chunk {
        let (id, model) = (self.id.clone(), self.model.clone());
        let object = "chat.completion.chunk";
        Chunk { id, object, created: self.created, model, choices, usage: None, sources: Vec::new() }
    }

    fn annotations(&self) -> Vec<Annotation> {
        let annotation = |url_citation| Annotation { kind: "url_citation", url_citation };
        self.said.claims(0).map(annotation).collect()
    }
}

impl From<event::Usage> for Usage {
    fn from(usage: event::Usage) -> Self {
        let (prompt_tokens, completion_tokens) = (usage.input_tokens, usage.output_tokens);
        Self { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens }
    }
}

fn reason(reason: FinishReason) -> &'static str {
    match reason {
        FinishReason::Stop | FinishReason::Cancelled => "stop",
        FinishReason::Length | FinishReason::Budget | FinishReason::Interrupted => "length",
    }
}

/// What a deep research does, in a line. Searching for a regular answer takes no time worth telling.
pub(super) fn thought(event: &Event) -> Option<String> {
    match event {
        Event::Plan { plan } => {
            let questions = plan.questions.iter().map(|question| format!("- {}\n", question.text));
            Some(format!("Plan:\n{}", questions.collect::<String>()))
        }
        Event::Step { step } if step.question_id.is_some() || step.kind == StepKind::Gap => {
            let query = step.query.as_deref().or(step.note.as_deref()).unwrap_or_default();
            match (step.kind, step.state) {
                (StepKind::Search, StepState::Started) => Some(format!("Searching: {query}\n")),
                (StepKind::Search, StepState::Finished) => {
                    Some(format!("Found {} passages: {query}\n", step.found.unwrap_or_default()))
                }
                (StepKind::Read, StepState::Started) => Some("Reading what was found\n".to_owned()),
                (StepKind::Gap, StepState::Started) => Some("Looking for what is missing\n".to_owned()),
                _ => None,
            }
        }
        _ => None,
    }
}

fn failed(code: &str, message: String) -> Vec<String> {
    vec![line(&Envelope::new(code, message, 500)), "[DONE]".to_owned()]
}
