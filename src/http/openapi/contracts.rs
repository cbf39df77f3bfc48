//! The rows of the routes that other clients' contracts bring.

use super::operation::{Section, delete, get, patch, post, schema};
use super::routes::{ANSWERING, MISSING, problems};
use crate::http::dialects::{conversation, session_chat, start_and_stream, stateless_chat};
use crate::http::openai::{Chunk, Completion, Envelope, ModelCard, ModelList, Request};
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
            .streams::<Chunk>("The answer in chunks.")
            .fails(MISSING)
            .fails(&["shutting_down"])
            .fails(ANSWERING),
        get("/v1/models", "Lists models")
            .gives::<ModelList>(200, "Each in its regular and its `:deep` form."),
        get("/v1/models/{model}", "Shows a model")
            .gives::<ModelCard>(200, "The model.")
            .fails(&["unknown_model"]),
    ];
    let about = "For clients of OpenAI's chat completions.";
    Section::new("OpenAI-compatible", about, (schema::<Envelope>(), "application/json"), operations)
}

pub(super) fn mcp() -> Section {
    let about = "The Model Context Protocol over streamable HTTP, without sessions: the tools `search`, \
        `fetch`, `ask` and `list_documents`, and documents as resources. `ibid mcp` is the same on \
        standard input and output.";
    let operations = vec![
        post("/mcp", "Takes a JSON-RPC message")
            .takes::<serde_json::Value>()
            .gives::<serde_json::Value>(200, "The answer.")
            .streams::<serde_json::Value>("Or messages on the way to it, and the answer.")
            .gives_nothing(202, "A notification was taken."),
    ];
    Section::new("MCP", about, problems(), operations)
}

/// Each with errors of its own shape, which only the contract it comes from describes.
pub(super) fn dialects() -> Section {
    let chats = [
        ("/chat/start", "/chat/stream", "/chat/history"),
        ("/api/chat/start", "/api/chat/stream", "/api/chat/history"),
    ];
    let chats = chats.into_iter().flat_map(|(start, stream, history)| {
        [
            post(start, "Starts a stream")
                .takes::<start_and_stream::Start>()
                .gives::<start_and_stream::Started>(201, "Where to listen.")
                .fails(&["unknown_model", "too_often", "shutting_down"]),
            get(stream, "Listens to a stream")
                .query::<start_and_stream::StreamQuery>()
                .resumes()
                .streams::<start_and_stream::Frame>("Frames without a name.")
                .gives_nothing(204, "Nothing is left to read.")
                .fails(&["not_found", "expired"]),
            get(history, "Shows a chat")
                .query::<start_and_stream::HistoryQuery>()
                .gives::<start_and_stream::History>(200, "Its messages, in the order of time.")
                .fails(MISSING),
        ]
    });
    let mut operations = vec![
        get("/sessions", "Lists sessions").query::<PageQuery>().gives_as("application/json", "The sessions."),
        post("/sessions", "Opens a session")
            .takes_optional::<session_chat::Titled>()
            .gives::<session_chat::SessionBody>(201, "The session."),
        get("/sessions/{id}", "Shows a session")
            .gives::<session_chat::SessionBody>(200, "The session with its messages.")
            .fails(MISSING),
        patch("/sessions/{id}", "Renames a session")
            .takes::<session_chat::Titled>()
            .gives::<session_chat::SessionBody>(200, "The session.")
            .fails(MISSING),
        delete("/sessions/{id}", "Removes a session")
            .gives_as("application/json", "It is gone.")
            .fails(MISSING),
        post("/sessions/{id}/chat", "Asks in a session")
            .takes::<session_chat::ChatRequest>()
            .streams::<session_chat::Frame<'static>>("Named frames; `complete` has the whole answer.")
            .fails(MISSING)
            .fails(ANSWERING),
        post("/api/ai/chat/stream", "Asks in a conversation")
            .takes::<conversation::ChatRequest>()
            .streams::<conversation::Frame>("Frames without a name.")
            .fails(MISSING)
            .fails(ANSWERING),
        post("/chat", "Answers a conversation that is not stored")
            .takes::<stateless_chat::ChatRequest>()
            .gives::<stateless_chat::ChatResponse>(200, "The answer, with `\"stream\": false`.")
            .streams::<stateless_chat::Frame>("Frames without a name, then `[DONE]`.")
            .fails(ANSWERING),
    ];
    operations.extend(chats);
    let about = "The same answers in the words of four other chat contracts. Some word their errors in \
        another shape than this; status and cause are the same.";
    Section::new("Other contracts", about, problems(), operations)
}
