//! The table of everything that can be asked over HTTP. A test compares it with the router: a route
//! without a row here, or a row without a route, fails by name.

use super::operation::{Section, delete, get, patch, post, schema};
use crate::ask::{Again, Question, Usage};
use crate::document::{Document, PageStart};
use crate::event::{Event, PlanChange};
use crate::http::dialects::{conversation, session_chat, start_and_stream, stateless_chat};
use crate::http::documents::{ListQuery, PassageBody, VersionQuery};
use crate::http::error::Problem;
use crate::http::health::Health;
use crate::http::messages::After;
use crate::http::models::Model;
use crate::http::openai::{Chunk, Completion, Envelope, ModelCard, ModelList, Request};
use crate::http::page::{Page, PageQuery};
use crate::http::search::{SearchQuery, SearchResult};
use crate::http::sessions::History;
use crate::http::uploads::{Form, Uploaded};
use crate::session::{Message, Session};
use crate::sessions::{NewSession, SessionChange};

const PROBLEM: &str = "application/problem+json";
const MISSING: &[&str] = &["not_found"];
const WRITING: &[&str] = &["conflict", "answer_running", "disk_full", "shutting_down"];
const ANSWERING: &[&str] = &[
    "unknown_model",
    "context_too_long",
    "provider_rate_limited",
    "provider_unauthorized",
    "provider_rejected",
    "provider_truncated",
    "provider_unavailable",
    "provider_timed_out",
];

/// Every route that is not a page.
pub(super) fn sections() -> Vec<Section> {
    vec![library(), sessions(), answers(), server(), openai(), mcp(), dialects()]
}

fn library() -> Section {
    let operations = vec![
        get("/api/documents", "Lists documents, the newest first")
            .query::<ListQuery>()
            .gives::<Page<Document>>(200, "A page of documents.")
            .fails(&["invalid_request"]),
        post("/api/documents", "Uploads files")
            .note(
                "Each file is durable before the answer is sent. The same bytes again are the same \
                 document; new bytes under a known name are a new version. A file that can't be \
                 accepted does not spoil the others.",
            )
            .takes_as::<Form>("multipart/form-data")
            .gives::<Uploaded>(201, "All files are ready to be searched.")
            .gives::<Uploaded>(202, "The files are stored; some are still being read.")
            .once()
            .fails(WRITING),
        get("/api/documents/events", "Follows the whole library")
            .streams::<Document>("An event `document` for every change of every document, from now on."),
        get("/api/documents/{id}", "Shows a document").gives::<Document>(200, "The document.").fails(MISSING),
        delete("/api/documents/{id}", "Removes a document")
            .gives_nothing(204, "It is gone from every search and every answer to come.")
            .fails(MISSING)
            .fails(WRITING),
        get("/api/documents/{id}/content", "Sends the original file")
            .gives_as("application/octet-stream", "The bytes that were uploaded, under their own media type.")
            .fails(MISSING),
        get("/api/documents/{id}/text", "Sends the stored text")
            .note("All ranges of citations, passages and pages are byte offsets into this text.")
            .query::<VersionQuery>()
            .gives_as("text/plain; charset=utf-8", "The text.")
            .fails(MISSING)
            .fails(&["invalid_request"]),
        get("/api/documents/{id}/passages/{n}", "Shows a passage")
            .gives::<PassageBody>(200, "The passage with its words.")
            .fails(MISSING)
            .fails(&["invalid_request"]),
        get("/api/documents/{id}/pages", "Tells where pages begin")
            .gives::<Page<PageStart>>(200, "The pages, as offsets into the stored text.")
            .fails(MISSING)
            .fails(&["invalid_request"]),
        get("/api/documents/{id}/events", "Follows a document")
            .streams::<Document>("An event `document` for every change, until it is ready or failed.")
            .fails(MISSING),
        get("/api/search", "Searches passages")
            .note("Natural language, not a query syntax. Only the newest version of a document is searched.")
            .query::<SearchQuery>()
            .gives::<SearchResult>(200, "The passages, best first, with the matched words marked.")
            .fails(MISSING)
            .fails(&["invalid_request"]),
    ];
    Section::new("Library", "Documents, their text, and searching them.", problems(), operations)
}

fn sessions() -> Section {
    let operations = vec![
        get("/api/chat/sessions", "Lists sessions, the latest first")
            .query::<PageQuery>()
            .gives::<Page<Session>>(200, "A page of sessions.")
            .fails(&["invalid_request"]),
        post("/api/chat/sessions", "Opens a session")
            .takes_optional::<NewSession>()
            .gives::<Session>(201, "The session.")
            .once()
            .fails(MISSING)
            .fails(WRITING),
        get("/api/chat/sessions/{id}", "Shows a session")
            .gives::<History>(200, "The session with all its messages, citations and sources.")
            .fails(MISSING),
        patch("/api/chat/sessions/{id}", "Changes a session")
            .takes::<SessionChange>()
            .gives::<Session>(200, "The session.")
            .fails(MISSING)
            .fails(WRITING),
        delete("/api/chat/sessions/{id}", "Removes a session")
            .gives_nothing(204, "It is gone, with its messages.")
            .fails(MISSING)
            .fails(WRITING),
    ];
    Section::new("Sessions", "Threads of questions and answers.", problems(), operations)
}

fn answers() -> Section {
    let operations = vec![
        post("/api/chat/sessions/{id}/messages", "Asks")
            .note(
                "The question is durable before the first event, the answer before the last. The answer \
                 goes on when the reader leaves.",
            )
            .takes::<Question>()
            .streams::<Event>(
                "The answer's events: `id` is their position, `event` their name, `data` one line of \
                 JSON. Exactly one `done` or `error` is the last.",
            )
            .gives::<Message>(200, "The answer as one message, with `\"stream\": false`.")
            .once()
            .fails(MISSING)
            .fails(WRITING)
            .fails(ANSWERING),
        get("/api/chat/sessions/{id}/messages/{mid}", "Shows a message")
            .gives::<Message>(200, "The message.")
            .fails(MISSING),
        get("/api/chat/sessions/{id}/messages/{mid}/events", "Reads an answer's events")
            .note("Live or again: what there is after the position that was read last, then what comes.")
            .query::<After>()
            .resumes()
            .streams::<Event>("The events, as when asking.")
            .gives_nothing(204, "The answer is over and nothing is left to read.")
            .fails(MISSING),
        post("/api/chat/sessions/{id}/messages/{mid}/cancel", "Stops an answer")
            .gives::<Message>(200, "The message with what there was, and its citations.")
            .fails(MISSING)
            .fails(&["invalid_request"]),
        post("/api/chat/sessions/{id}/messages/{mid}/regenerate", "Answers again")
            .note("The new answer stands beside the old one, which stays.")
            .takes_optional::<Again>()
            .streams::<Event>("The new answer's events, as when asking.")
            .gives::<Message>(200, "The new answer as one message, with `\"stream\": false`.")
            .once()
            .fails(MISSING)
            .fails(WRITING)
            .fails(ANSWERING),
        post(
            "/api/chat/sessions/{id}/messages/{mid}/plan",
            "Approves or changes the plan of a deep research",
        )
        .takes::<PlanChange>()
        .gives::<Message>(200, "The message with its plan.")
        .fails(MISSING),
    ];
    Section::new("Answers", "Asking, and reading answers as they are made or again.", problems(), operations)
}

fn server() -> Section {
    let operations = vec![
        get("/api/models", "Lists models").gives::<Page<Model>>(200, "What `model` takes."),
        get("/api/commands", "Lists slash commands")
            .gives::<Page<Usage>>(200, "What a message may begin with."),
        get("/healthz", "Is it alive?").gives_as("text/plain; charset=utf-8", "`ok`."),
        get("/readyz", "Can it answer?")
            .gives::<Health>(200, "It answers.")
            .gives::<Health>(503, "It is stopping."),
        get("/openapi.json", "This description").gives_as("application/json", "OpenAPI 3.1."),
        get("/schema/events.json", "The schema of an answer's events")
            .gives_as("application/schema+json", "JSON Schema, draft 2020-12."),
        get("/docs", "This description, to read").gives_as("text/html; charset=utf-8", "A page."),
    ];
    Section::new("Server", "The server itself.", problems(), operations)
}

fn openai() -> Section {
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

fn mcp() -> Section {
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
fn dialects() -> Section {
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

fn problems() -> (fn(&mut schemars::SchemaGenerator) -> schemars::Schema, &'static str) {
    (schema::<Problem>(), PROBLEM)
}
