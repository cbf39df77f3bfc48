//! OpenAI's chat completions, streamed, and every server that speaks them: the only place that
//! names async-openai. Requests are made of its types. Its client is not used: it drops
//! `Retry-After`, tries again by its own rules, takes the end of a body for the end of an answer,
//! reads ahead into a channel without bound, and logs what it can't parse. Answers are read here
//! by what is needed of them only, since few servers send all that the vendor documents.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_openai::types::chat::{
    ChatCompletionRequestAssistantMessage, ChatCompletionRequestMessage, ChatCompletionRequestSystemMessage,
    ChatCompletionRequestUserMessage, ChatCompletionStreamOptions, CreateChatCompletionRequest,
    ResponseFormat, ResponseFormatJsonSchema,
};
use futures::{StreamExt, TryStreamExt, stream};
use reqwest::{Response, header};
use serde::Deserialize;
use serde_json::Value;

use super::body::{self, Dialect, Progress, say};
use super::http::Endpoint;
use super::sse::Frame;
use super::{CallOptions, Delta, DeltaStream, ProviderError};
use crate::ask::prompt::Prompt;
use crate::config::model::{ModelConfig, ModelError};
use crate::event::{FinishReason, Usage};
use crate::session::Role;

mod strict;

/// A model behind the chat completions API.
#[derive(Debug)]
pub struct OpenAi(Arc<Server>);

#[derive(Debug)]
struct Server {
    endpoint: Endpoint,
    max_output_tokens: Option<u32>,
    takes_schema: bool,
    /// The vendors renamed `max_tokens`; most other servers know only the old name.
    renamed_max_tokens: bool,
    /// Set once the server has refused to be asked for usage.
    refuses_stream_options: AtomicBool,
}

impl OpenAi {
    pub(super) fn new(config: &ModelConfig) -> Result<Self, ModelError> {
        Ok(Self(Arc::new(Server {
            endpoint: Endpoint::new(config, "/chat/completions")?,
            max_output_tokens: config.max_output_tokens,
            takes_schema: config.structured_output.unwrap_or(true),
            renamed_max_tokens: config.base_url.is_none(),
            refuses_stream_options: AtomicBool::new(false),
        })))
    }

    pub(super) fn stream(&self, prompt: &Prompt, options: &CallOptions) -> DeltaStream {
        let server = Arc::clone(&self.0);
        let request = server.request(prompt, options);
        // The request is of no more use once there is a response.
        stream::once(Box::pin(async move {
            let response = server.send(request).await?;
            Ok(body::read(response, Chat::new(server)))
        }))
        .try_flatten()
        .boxed()
    }
}

impl Server {
    fn request(&self, prompt: &Prompt, options: &CallOptions) -> CreateChatCompletionRequest {
        let limit = options.limit(self.max_output_tokens);
        let schema = options.json_schema.as_ref().filter(|_| self.takes_schema);
        let request = CreateChatCompletionRequest {
            model: self.endpoint.model.clone(),
            messages: messages(prompt),
            stream: Some(true),
            response_format: schema.map(|(name, schema)| ResponseFormat::JsonSchema {
                json_schema: ResponseFormatJsonSchema {
                    description: None,
                    name: name.clone(),
                    schema: schema.clone(),
                    strict: strict::is_strict(schema).then_some(true),
                },
            }),
            ..Default::default()
        };
        if self.renamed_max_tokens {
            return CreateChatCompletionRequest { max_completion_tokens: limit, ..request };
        }
        #[expect(deprecated, reason = "most servers beside the vendors' own know only this name")]
        CreateChatCompletionRequest { max_tokens: limit, ..request }
    }

    /// Sends the request; once more without asking for usage if the server won't have that.
    async fn send(&self, mut request: CreateChatCompletionRequest) -> Result<Response, ProviderError> {
        if !self.refuses_stream_options.load(Ordering::Relaxed) {
            request.stream_options =
                Some(ChatCompletionStreamOptions { include_usage: Some(true), include_obfuscation: None });
            match self.send_once(&request).await {
                Err(ProviderError::Rejected(words)) if words.contains("stream_options") => {
                    self.refuses_stream_options.store(true, Ordering::Relaxed);
                    request.stream_options = None;
                }
                sent => return sent,
            }
        }
        self.send_once(&request).await
    }

    async fn send_once(&self, request: &CreateChatCompletionRequest) -> Result<Response, ProviderError> {
        let mut builder = self.endpoint.client.post(self.endpoint.url.clone());
        if let Some(key) = &self.endpoint.key {
            builder = builder.bearer_auth(key.expose());
        }
        let response = builder
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

fn messages(prompt: &Prompt) -> Vec<ChatCompletionRequestMessage> {
    let system = ChatCompletionRequestSystemMessage { content: prompt.system.as_str().into(), name: None };
    let user = |text: &str| ChatCompletionRequestUserMessage { content: text.into(), name: None }.into();
    let mut messages = vec![system.into()];
    messages.extend(prompt.history.iter().map(|turn| {
        match turn.role {
            Role::User => user(&turn.content),
            Role::Assistant => ChatCompletionRequestAssistantMessage {
                content: Some(turn.content.as_str().into()),
                ..Default::default()
            }
            .into(),
        }
    }));
    messages.push(user(&prompt.user));
    messages
}

/// What is needed of a chunk, or of a whole answer.
#[derive(Deserialize)]
struct Chunk {
    choices: Option<Vec<Choice>>,
    usage: Option<Counted>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    index: u32,
    #[serde(alias = "message")]
    delta: Option<Piece>,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Piece {
    content: Option<Value>,
    refusal: Option<String>,
    #[serde(alias = "reasoning")]
    reasoning_content: Option<Value>,
}

#[derive(Deserialize)]
struct Counted {
    #[serde(default)]
    prompt_tokens: u64,
    #[serde(default)]
    completion_tokens: u64,
}

impl Piece {
    /// The words of the answer: a string, or parts of which those of type `text` count.
    fn into_text(self) -> String {
        match self.content {
            Some(Value::String(text)) => text,
            Some(Value::Array(parts)) => parts.iter().filter_map(|part| part["text"].as_str()).collect(),
            _ => self.refusal.unwrap_or_default(),
        }
    }

    fn is_thinking(&self) -> bool {
        self.reasoning_content.as_ref().is_some_and(|thought| !thought.is_null())
            || self.content.as_ref().is_some_and(Value::is_array)
    }
}

/// A conversation in this dialect. Either end mark will do, the `finish_reason` or `[DONE]`,
/// since there are servers that leave out one or the other.
struct Chat {
    server: Arc<Server>,
    finish_reason: Option<FinishReason>,
    usage: Option<Usage>,
}

impl Chat {
    fn new(server: Arc<Server>) -> Self {
        Self { server, finish_reason: None, usage: None }
    }

    fn read_chunk(&mut self, chunk: Chunk, out: &mut VecDeque<Delta>) -> Result<(), ProviderError> {
        if let Some(counted) = chunk.usage {
            self.usage = Some(Usage {
                input_tokens: body::counted(counted.prompt_tokens),
                output_tokens: body::counted(counted.completion_tokens),
                calls: 1,
            });
        }
        for choice in chunk.choices.into_iter().flatten().filter(|choice| choice.index == 0) {
            if let Some(piece) = choice.delta {
                let is_thinking = piece.is_thinking();
                match piece.into_text() {
                    text if !text.is_empty() => say(text, out),
                    _ if is_thinking => out.push_back(Delta::Thinking),
                    _ => {}
                }
            }
            match choice.finish_reason.as_deref() {
                None | Some("") => {}
                Some("content_filter") => {
                    let words = "its content filter ended the answer".to_owned();
                    return Err(ProviderError::Rejected(words));
                }
                Some("length" | "max_tokens") => self.finish_reason = Some(FinishReason::Length),
                Some(_) => self.finish_reason = Some(FinishReason::Stop),
            }
        }
        Ok(())
    }

    /// Errors in the middle of a stream come as an `error` field, or as the whole object.
    fn check(&self, frame: &str, body: &Value) -> Result<(), ProviderError> {
        let has_error = body.get("error").is_some_and(|error| !error.is_null());
        let is_error = frame == "error" || body.get("object").is_some_and(|object| object == "error");
        match has_error || is_error {
            true => Err(self.server.endpoint.error_in_stream(body)),
            false => Ok(()),
        }
    }
}

impl Dialect for Chat {
    fn read(&mut self, frame: &Frame, out: &mut VecDeque<Delta>) -> Result<Progress, ProviderError> {
        let data = frame.data.trim();
        if data == "[DONE]" {
            self.finish_reason.get_or_insert(FinishReason::Stop);
            return Ok(Progress::Over);
        }
        if data.is_empty() {
            return Ok(Progress::Going);
        }
        // Most frames are chunks; only what is not one is looked at twice.
        match serde_json::from_str::<Chunk>(data) {
            Ok(chunk) if chunk.choices.is_some() && frame.event != "error" => self.read_chunk(chunk, out)?,
            chunk => {
                let body: Value = serde_json::from_str(data)
                    .map_err(|_| ProviderError::Truncated("a piece of it is not JSON".to_owned()))?;
                self.check(&frame.event, &body)?;
                let chunk = chunk.map_err(|_| {
                    ProviderError::Truncated("a piece of it is no chat completion".to_owned())
                })?;
                self.read_chunk(chunk, out)?;
            }
        }
        Ok(if self.finish_reason.is_some() { Progress::Marked } else { Progress::Going })
    }

    fn read_plain(&mut self, body: &Value, out: &mut VecDeque<Delta>) -> Result<(), ProviderError> {
        self.check("", body)?;
        let chunk = Chunk::deserialize(body)
            .map_err(|_| ProviderError::Truncated("the answer is no chat completion".to_owned()))?;
        self.read_chunk(chunk, out)?;
        // An object that parses is whole, whether or not it says why it ended.
        self.finish_reason.get_or_insert(FinishReason::Stop);
        Ok(())
    }

    fn ending(&self) -> (Option<FinishReason>, Option<Usage>) {
        (self.finish_reason, self.usage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::model::Vendor;

    fn request(base_url: Option<&str>) -> Value {
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("key");
        std::fs::write(&key, "sk-canary").unwrap();
        let config = ModelConfig {
            base_url: base_url.map(str::to_owned),
            api_key_file: Some(key),
            max_output_tokens: Some(700),
            ..ModelConfig::new("gpt-5.4-mini", Vendor::OpenAi)
        };
        let prompt = Prompt {
            system: String::new(),
            history: Vec::new(),
            question: String::new(),
            passages: Vec::new(),
            user: String::new(),
            index: None,
        };
        let server = OpenAi::new(&config).unwrap().0;
        serde_json::to_value(server.request(&prompt, &CallOptions::default())).unwrap()
    }

    #[test]
    fn the_limit_has_its_new_name_at_the_vendor_and_its_old_one_elsewhere() {
        let at_vendor = request(None);
        assert_eq!(at_vendor["max_completion_tokens"], 700);
        assert!(at_vendor.get("max_tokens").is_none());
        let elsewhere = request(Some("http://127.0.0.1:8080/v1"));
        assert_eq!(elsewhere["max_tokens"], 700);
        assert!(elsewhere.get("max_completion_tokens").is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_words_wait_for_no_others() {
        let config = ModelConfig {
            base_url: Some("http://127.0.0.1:8080/v1".to_owned()),
            ..ModelConfig::new("m", Vendor::OpenAi)
        };
        let words = ["one ", "two ", "three"].map(|word| {
            let chunk = serde_json::json!({"choices": [{"index": 0, "delta": {"content": word}}]});
            Ok::<_, std::convert::Infallible>(format!("data: {chunk}\n\n"))
        });
        let pieces = reqwest::Body::wrap_stream(futures::stream::iter(words));
        let response = Response::from(axum::http::Response::new(pieces));
        let mut deltas = body::read(response, Chat::new(OpenAi::new(&config).unwrap().0));
        for told in ["one ", "two three"] {
            let delta = deltas.next().await;
            assert!(matches!(&delta, Some(Ok(Delta::Text(text))) if text == told), "{delta:?}");
        }
    }

    #[test]
    fn no_stream_breaks_its_reader_and_cuts_between_its_bytes_make_no_difference() {
        let config = ModelConfig {
            base_url: Some("http://127.0.0.1:8080/v1".to_owned()),
            ..ModelConfig::new("m", Vendor::OpenAi)
        };
        let server = OpenAi::new(&config).unwrap().0;
        let words = ["data: ", "[DONE]", "\n\n", "\r\n", "\"usage\":{", "\"error\":", "\"content\":", "null"];
        crate::fuzz::fuzz("openai", &crate::fuzz::files("fixtures/providers/openai"), &words, |bytes| {
            body::tests::read_in_pieces(bytes, || Chat::new(Arc::clone(&server)));
        });
    }
}
