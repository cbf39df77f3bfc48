//! Anthropic's Messages API, streamed. An object that has to follow a schema is asked for as the
//! input of a tool the model must call, which every model of the vendor can do; no other tools.

use std::collections::VecDeque;
use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, stream};
use reqwest::{Response, header};
use serde::Deserialize;
use serde_json::{Value, json};

use super::body::{self, Dialect, Progress, say};
use super::http::Endpoint;
use super::sse::Frame;
use super::{CallOptions, Delta, DeltaStream, ProviderError};
use crate::ask::prompt::Prompt;
use crate::config::model::{ModelConfig, ModelError};
use crate::event::{FinishReason, Usage};
use crate::session::Role;

/// The version of the API that is spoken.
const VERSION: &str = "2023-06-01";
/// The API insists on a limit; this one is beyond any answer that people read.
const DEFAULT_MAX_TOKENS: u32 = 8192;

/// A model behind the Messages API.
#[derive(Debug)]
pub struct Anthropic(Arc<Server>);

#[derive(Debug)]
struct Server {
    endpoint: Endpoint,
    max_output_tokens: Option<u32>,
    takes_schema: bool,
}

impl Anthropic {
    pub(super) fn new(config: &ModelConfig) -> Result<Self, ModelError> {
        Ok(Self(Arc::new(Server {
            endpoint: Endpoint::new(config, "/messages")?,
            max_output_tokens: config.max_output_tokens,
            takes_schema: config.structured_output.unwrap_or(true),
        })))
    }

    pub(super) fn stream(&self, prompt: &Prompt, options: &CallOptions) -> DeltaStream {
        let server = Arc::clone(&self.0);
        let request = server.request(prompt, options);
        // The request is of no more use once there is a response.
        stream::once(Box::pin(async move {
            let response = server.send(&request).await?;
            Ok(body::read(response, Messages::new(server)))
        }))
        .try_flatten()
        .boxed()
    }
}

impl Server {
    fn request(&self, prompt: &Prompt, options: &CallOptions) -> Value {
        let limit = options.limit(self.max_output_tokens);
        let mut messages: Vec<Value> = prompt
            .history
            .iter()
            .map(|turn| match turn.role {
                Role::User => json!({"role": "user", "content": turn.content}),
                Role::Assistant => json!({"role": "assistant", "content": turn.content}),
            })
            .collect();
        messages.push(json!({"role": "user", "content": prompt.user}));
        let mut request = json!({
            "model": self.endpoint.model,
            "system": prompt.system,
            "messages": messages,
            "max_tokens": limit.unwrap_or(DEFAULT_MAX_TOKENS),
            "stream": true,
        });
        if let Some((name, schema)) = options.json_schema.as_ref().filter(|_| self.takes_schema) {
            request["tools"] =
                json!([{"name": name, "description": "Takes the answer.", "input_schema": schema}]);
            request["tool_choice"] = json!({"type": "tool", "name": name});
        }
        request
    }

    async fn send(&self, request: &Value) -> Result<Response, ProviderError> {
        let mut builder = self.endpoint.client.post(self.endpoint.url.clone());
        if let Some(key) = &self.endpoint.key {
            let mut value =
                header::HeaderValue::from_str(key.expose()).map_err(|_| ProviderError::Unauthorized)?;
            value.set_sensitive(true);
            builder = builder.header("x-api-key", value);
        }
        let response = builder
            .header("anthropic-version", VERSION)
            .header(header::ACCEPT, "text/event-stream")
            .json(request)
            .send()
            .await
            .map_err(|error| Endpoint::unsent(&error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        Err(self.endpoint.refusal(response).await)
    }
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum StreamEvent {
    MessageStart {
        message: Start,
    },
    ContentBlockStart {
        content_block: Block,
    },
    ContentBlockDelta {
        delta: BlockDelta,
    },
    MessageDelta {
        delta: Finish,
        usage: Option<Counted>,
    },
    MessageStop,
    Error,
    /// Pings, ends of blocks, and what the vendor may add.
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Start {
    usage: Option<Counted>,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Block {
    Text {
        #[serde(default)]
        text: String,
    },
    ToolUse {
        #[serde(default)]
        input: Value,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum BlockDelta {
    TextDelta {
        text: String,
    },
    /// The input of the tool that stands for a schema.
    InputJsonDelta {
        partial_json: String,
    },
    /// Thoughts, signatures, the vendor's own citations.
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Finish {
    stop_reason: Option<String>,
}

/// Each count is there when it has changed; together the three kinds of input are all of it.
#[derive(Deserialize)]
struct Counted {
    input_tokens: Option<u64>,
    cache_creation_input_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
    output_tokens: Option<u64>,
}

/// A whole answer.
#[derive(Deserialize)]
struct Whole {
    content: Vec<Block>,
    stop_reason: Option<String>,
    usage: Option<Counted>,
}

/// A conversation in this dialect. Only `message_stop` ends an answer.
struct Messages {
    server: Arc<Server>,
    stop_reason: FinishReason,
    stopped: bool,
    usage: Option<Usage>,
}

impl Messages {
    fn new(server: Arc<Server>) -> Self {
        Self { server, stop_reason: FinishReason::Stop, stopped: false, usage: None }
    }

    fn count(&mut self, counted: &Counted) {
        let usage = self.usage.get_or_insert(Usage { calls: 1, ..Usage::default() });
        if let Some(input) = counted.input_tokens {
            let cached = [counted.cache_creation_input_tokens, counted.cache_read_input_tokens];
            let kinds = cached.into_iter().flatten().chain([input]);
            usage.input_tokens = kinds.map(body::counted).sum();
        }
        usage.output_tokens = counted.output_tokens.map_or(usage.output_tokens, body::counted);
    }

    fn finish(&mut self, stop_reason: Option<&str>) -> Result<(), ProviderError> {
        match stop_reason {
            Some("refusal") => return Err(ProviderError::Rejected("the model refuses to answer".to_owned())),
            Some("max_tokens" | "model_context_window_exceeded") => self.stop_reason = FinishReason::Length,
            _ => {}
        }
        Ok(())
    }
}

impl Dialect for Messages {
    fn read(&mut self, frame: &Frame, out: &mut VecDeque<Delta>) -> Result<Progress, ProviderError> {
        if frame.data.is_empty() {
            return Ok(Progress::Going);
        }
        let message: StreamEvent = serde_json::from_str(&frame.data)
            .map_err(|_| ProviderError::Truncated("a piece of it is no message event".to_owned()))?;
        match message {
            StreamEvent::MessageStart { message } => {
                if let Some(counted) = message.usage {
                    self.count(&counted);
                }
            }
            StreamEvent::ContentBlockStart { content_block: Block::Text { text } } => say(text, out),
            StreamEvent::ContentBlockDelta { delta: BlockDelta::TextDelta { text } } => say(text, out),
            StreamEvent::ContentBlockDelta { delta: BlockDelta::InputJsonDelta { partial_json } } => {
                say(partial_json, out);
            }
            StreamEvent::ContentBlockStart { .. }
            | StreamEvent::ContentBlockDelta { delta: BlockDelta::Other } => {
                out.push_back(Delta::Thinking);
            }
            StreamEvent::MessageDelta { delta, usage } => {
                if let Some(counted) = usage {
                    self.count(&counted);
                }
                self.finish(delta.stop_reason.as_deref())?;
            }
            StreamEvent::MessageStop => {
                self.stopped = true;
                return Ok(Progress::Over);
            }
            StreamEvent::Error => {
                let body: Value = serde_json::from_str(&frame.data).unwrap_or_default();
                return Err(self.server.endpoint.error_in_stream(&body));
            }
            StreamEvent::Other => {}
        }
        Ok(Progress::Going)
    }

    fn read_plain(&mut self, body: &Value, out: &mut VecDeque<Delta>) -> Result<(), ProviderError> {
        if body["type"] == "error" {
            return Err(self.server.endpoint.error_in_stream(body));
        }
        let whole = Whole::deserialize(body)
            .map_err(|_| ProviderError::Truncated("the answer is no message".to_owned()))?;
        for block in whole.content {
            match block {
                Block::Text { text } => say(text, out),
                Block::ToolUse { input } => say(input.to_string(), out),
                Block::Other => {}
            }
        }
        if let Some(counted) = whole.usage {
            self.count(&counted);
        }
        self.finish(whole.stop_reason.as_deref())?;
        self.stopped = true;
        Ok(())
    }

    fn ending(&self) -> (Option<FinishReason>, Option<Usage>) {
        (self.stopped.then_some(self.stop_reason), self.usage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::model::Vendor;

    #[test]
    fn no_stream_breaks_its_reader_and_cuts_between_its_bytes_make_no_difference() {
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("key");
        std::fs::write(&key, "sk-canary").unwrap();
        let config = ModelConfig { api_key_file: Some(key), ..ModelConfig::new("m", Vendor::Anthropic) };
        let server = Anthropic::new(&config).unwrap().0;
        let words =
            ["data: ", "event: ", "\n\n", "\"type\":\"message_stop\"", "\"usage\":{", "text_delta", "null"];
        crate::fuzz::fuzz(
            "anthropic",
            &crate::fuzz::files("fixtures/providers/anthropic"),
            &words,
            |bytes| {
                body::tests::read_in_pieces(bytes, || Messages::new(Arc::clone(&server)));
            },
        );
    }
}
