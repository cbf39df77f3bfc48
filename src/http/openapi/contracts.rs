//! The rows of the routes that other clients' contracts bring.

use schemars::JsonSchema;

use super::failure::Wording;
use super::operation::{Section, delete, get, patch, post, schema};
use super::routes::{ANSWERING, MISSING, WRITING};
use crate::http::dialects;
use crate::http::openai::{
    self, Chunk, Completion, Envelope, ModelCard, ModelList, Request, ResponseFrame, ResponseRequest,
    WholeResponse,
};
use crate::http::page::PageQuery;

pub(super) fn openai() -> Section {
    let operations = vec![
        post("/v1/chat/completions", "Answers a conversation")
            .note(
                "Nothing is stored; an answer stops when its reader leaves. A model with `:deep` after \
                 its name does deep research and tells its steps as `reasoning_content`. Citations come \
                 as `annotations`, with positions in characters, and whole as `sources`. Parameters that \
                 do not apply are ignored; `n` above 1, a required tool, and answers in JSON are refused.",
            )
            .takes::<Request>()
            .gives::<Completion>(200, "The answer; with `\"stream\": true` chunks of it, then `[DONE]`.")
            .streams_until_done::<Chunk>("The answer in chunks.")
            .fails(MISSING)
            .fails(&["shutting_down"])
            .fails(ANSWERING),
        post("/v1/responses", "Answers a conversation, as an output of items")
            .note(
                "The same answers in the words of OpenAI's newer interface. Nothing is stored: `input` is \
                 all of the conversation, and `previous_response_id` and `background` are refused. The \
                 steps of a deep research are an item of type `reasoning`.",
            )
            .takes::<ResponseRequest>()
            .gives::<WholeResponse>(200, "The answer.")
            .streams::<ResponseFrame>("With `\"stream\": true`, numbered and named events.")
            .fails(MISSING)
            .fails(&["shutting_down"])
            .fails(ANSWERING),
        get("/v1/models", "Lists models")
            .gives::<ModelList>(200, "Each in its regular and its `:deep` form."),
        get("/v1/models/{model}", "Shows a model")
            .gives::<ModelCard>(200, "The model.")
            .fails(&["unknown_model"]),
    ];
    let about = "For clients of OpenAI's chat completions and responses.";
    let wording = Wording::of_all(schema::<Envelope>(), openai::worded);
    Section::new("OpenAI-compatible", about, wording, operations)
}

/// A JSON-RPC message.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "a description: messages are read by the protocol's own library")]
struct JsonRpc {
    /// Always `2.0`.
    jsonrpc: String,
    /// What the answer is told apart by; a notification has none and gets no answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<u32>,
    /// `initialize`, `tools/list`, `tools/call`, `resources/read` and others of the protocol.
    method: String,
    /// What the method takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    params: Option<serde_json::Map<String, serde_json::Value>>,
}

pub(super) fn mcp() -> Section {
    let about = "The Model Context Protocol over streamable HTTP, without sessions: the tools `search`, \
        `fetch`, `ask` and `list_documents`, and documents as resources. `ibid mcp` is the same on \
        standard input and output.";
    let operations = vec![
        post("/mcp", "Takes a JSON-RPC message")
            .note("`Accept` has to name both `application/json` and `text/event-stream`.")
            .carries::<JsonRpc>("application/json", true)
            .gives::<serde_json::Value>(200, "The answer.")
            .streams::<serde_json::Value>("Or messages on the way to it, and the answer.")
            .gives_nothing(202, "A notification was taken.")
            .gives_with(400, "application/json", "A JSON-RPC error: the message breaks the protocol.")
            .gives_with(400, "text/plain", "Or its headers do.")
            .gives_with(404, "application/json", "A JSON-RPC error: there is no such method.")
            .gives_with(406, "text/plain", "`Accept` leaves one of the two media types out.")
            .gives_with(413, "text/plain", "More than the limits allow.")
            .gives_with(415, "text/plain", "The body is not `application/json`, or no JSON-RPC message."),
    ];
    Section::new("MCP", about, Wording::problems(), operations)
}

pub(super) fn session_chat() -> Section {
    use dialects::session_chat::{ChatRequest, Frame, RefusalBody, SessionBody, Titled, worded};
    let operations = vec![
        get("/sessions", "Lists sessions").query::<PageQuery>().gives_as("application/json", "The sessions."),
        post("/sessions", "Opens a session")
            .takes_optional::<Titled>()
            .gives::<SessionBody>(201, "The session.")
            .fails(WRITING),
        get("/sessions/{id}", "Shows a session")
            .gives::<SessionBody>(200, "The session with its messages.")
            .fails(MISSING),
        patch("/sessions/{id}", "Renames a session")
            .takes::<Titled>()
            .gives::<SessionBody>(200, "The session.")
            .fails(MISSING)
            .fails(WRITING),
        delete("/sessions/{id}", "Removes a session")
            .gives_as("application/json", "It is gone.")
            .fails(MISSING)
            .fails(WRITING),
        post("/sessions/{id}/chat", "Asks in a session")
            .takes::<ChatRequest>()
            .streams::<Frame<'static>>("Named frames; `complete` has the whole answer.")
            .fails(MISSING)
            .fails(WRITING)
            .fails(ANSWERING),
    ];
    let about = "Sessions under a path of their own, and answers as named events.";
    Section::new("Session chat", about, Wording::of_handlers(schema::<RefusalBody>(), worded), operations)
}

pub(super) fn conversation() -> Section {
    use dialects::conversation::{ChatRequest, Frame};
    let operations = vec![
        post("/api/ai/chat/stream", "Asks in a conversation")
            .takes::<ChatRequest>()
            .streams::<Frame>("Frames without a name.")
            .sends("X-Conversation-Id")
            .fails(MISSING)
            .fails(WRITING)
            .fails(ANSWERING),
    ];
    let about = "One route that opens a conversation where none is named.";
    Section::new("Conversation stream", about, Wording::problems(), operations)
}

pub(super) fn start_and_stream() -> Section {
    use dialects::start_and_stream::{
        Frame, History, HistoryQuery, RefusalBody, Start, Started, StreamQuery,
    };
    let chats = [
        ("/chat/start", "/chat/stream", "/chat/history"),
        ("/api/chat/start", "/api/chat/stream", "/api/chat/history"),
    ];
    let chats = chats.into_iter().flat_map(|(start, stream, history)| {
        [
            post(start, "Starts a stream")
                .takes::<Start>()
                .gives::<Started>(201, "Where to listen.")
                .fails(WRITING)
                .fails(&["unknown_model", "tier_required"]),
            get(stream, "Listens to a stream")
                .query::<StreamQuery>()
                .resumes()
                .streams::<Frame>("Frames without a name.")
                .gives_nothing(204, "Nothing is left to read.")
                .fails(&["not_found", "forbidden", "expired", "too_often"])
                .fails(WRITING)
                .fails(ANSWERING),
            get(history, "Shows a chat")
                .query::<HistoryQuery>()
                .gives::<History>(200, "Its messages, in the order of time.")
                .fails(MISSING),
        ]
    });
    let about = "A question is stored first, and its answer streamed to whoever opens the stream.";
    let worded = |code: &str, status| (status, code.to_owned());
    let wording = Wording::of_handlers(schema::<RefusalBody>(), worded);
    Section::new("Start and stream", about, wording, chats.collect())
}

pub(super) fn stateless_chat() -> Section {
    use dialects::stateless_chat::{ChatRequest, ChatResponse, Frame, worded};
    let operations = vec![
        post("/chat", "Answers a conversation that is not stored")
            .takes::<ChatRequest>()
            .gives::<ChatResponse>(200, "The answer, with `\"stream\": false`.")
            .streams_until_done::<Frame>("Frames without a name, then `[DONE]`.")
            .fails(&["shutting_down"])
            .fails(ANSWERING),
    ];
    let about = "The client keeps the conversation and sends all of it each time.";
    Section::new("Stateless chat", about, Wording::problems_as(worded), operations)
}
