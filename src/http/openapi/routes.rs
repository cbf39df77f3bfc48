//! The table of everything that can be asked over HTTP. A test compares it with the router: a route
//! without a row here, or a row without a route, fails by name.

use schemars::JsonSchema;

use super::contracts::{conversation, mcp, openai, session_chat, start_and_stream, stateless_chat};
use super::failure::Wording;
use super::operation::{Section, delete, get, patch, post, put};
use crate::access::key::{Key, MadeKey, NewKey};
use crate::access::sharing::Collection;
use crate::access::{Sharing, quota};
use crate::ask::{Again, Question, Usage};
use crate::document::{Document, PageStart};
use crate::documents::Change;
use crate::event::{Event, PlanChange};
use crate::history::CitedPlace;
use crate::http::documents::{ListQuery, PassageBody, VersionQuery};
use crate::http::export::ExportQuery;
use crate::http::health::Health;
use crate::http::history::{CitationsQuery, HistoryQuery, HistoryResult};
use crate::http::messages::After;
use crate::http::models::Model;
use crate::http::page::{Page, PageQuery};
use crate::http::search::{SearchQuery, SearchResult};
use crate::http::sessions::History;
use crate::http::signin::{Credential, Me};
use crate::http::uploads::{Form, Uploaded};
use crate::session::{Message, Session};
use crate::sessions::Grouping;
use crate::sessions::{NewReaction, NewSession, SessionChange};

pub(super) const MISSING: &[&str] = &["not_found"];
pub(super) const WRITING: &[&str] = &["conflict", "answer_running", "insufficient_storage", "shutting_down"];
pub(super) const ANSWERING: &[&str] = &[
    "tier_required",
    "quota_exceeded",
    "rate_limited",
    "unknown_model",
    "context_too_long",
    "provider_rate_limited",
    "provider_unauthorized",
    "provider_rejected",
    "provider_truncated",
    "provider_unavailable",
    "provider_timed_out",
];

/// Which sessions to list.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "the two are read apart from one another, and described as one")]
struct SessionsQuery {
    #[serde(flatten)]
    page: PageQuery,
    #[serde(flatten)]
    grouping: Grouping,
}

/// Every route that is not a page.
pub(super) fn sections() -> Vec<Section> {
    vec![
        library(),
        sessions(),
        answers(),
        callers(),
        server(),
        openai(),
        mcp(),
        session_chat(),
        conversation(),
        start_and_stream(),
        stateless_chat(),
    ]
}

fn library() -> Section {
    let operations = vec![
        get("/api/documents", "Lists documents, the newest first")
            .query::<ListQuery>()
            .gives::<Page<Document>>(200, "A page of documents."),
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
        patch("/api/documents/{id}", "Gives a document another title or collection")
            .takes::<Change>()
            .gives::<Document>(
                200,
                "The document; it is searched under its new title once it is ready again.",
            )
            .fails(MISSING)
            .fails(WRITING),
        post("/api/documents/{id}/reread", "Reads an original anew")
            .note(
                "As this version of the server reads it; one that failed gets another try. What comes out \
                 otherwise is a document of its own, with the same `version` and another `id`, which \
                 supersedes the one that was asked for: the old text stays for the answers that cite it.",
            )
            .gives::<Document>(200, "The document, if nothing changed, else the one in its place.")
            .fails(MISSING)
            .fails(&["invalid_request", "quota_exceeded"])
            .fails(WRITING),
        delete("/api/documents/{id}", "Removes a document")
            .gives_nothing(204, "It is gone from every search and every answer to come.")
            .fails(MISSING)
            .fails(WRITING),
        get("/api/documents/{id}/content", "Sends the original file")
            .gives_as("*/*", "The bytes that were uploaded, under their own media type.")
            .fails(MISSING),
        get("/api/documents/{id}/text", "Sends the stored text")
            .note("All ranges of citations, passages and pages are byte offsets into this text.")
            .query::<VersionQuery>()
            .gives_as("text/plain; charset=utf-8", "The text.")
            .fails(MISSING),
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
        get("/api/documents/{id}/citations", "Lists where a document is cited")
            .note("The latest answers first; of other users nothing is told.")
            .query::<CitationsQuery>()
            .gives::<Page<CitedPlace>>(200, "The citations, each with its quote and its message.")
            .fails(MISSING),
        get("/api/collections", "Lists collections")
            .gives::<Page<Collection>>(200, "Those of the caller and those shared with them."),
        put("/api/collections/{name}/sharing", "Shares a collection for reading")
            .takes::<Sharing>()
            .gives::<Collection>(200, "The collection.")
            .fails(MISSING)
            .fails(WRITING),
        get("/api/search", "Searches passages")
            .note("Natural language, not a query syntax. Only the newest version of a document is searched.")
            .query::<SearchQuery>()
            .gives::<SearchResult>(200, "The passages, best first, with the matched words marked.")
            .fails(MISSING),
    ];
    Section::new("Library", "Documents, their text, and searching them.", Wording::problems(), operations)
}

fn sessions() -> Section {
    let operations = vec![
        get("/api/chat/sessions", "Lists sessions, the latest first")
            .query::<SessionsQuery>()
            .gives::<Page<Session>>(200, "A page of sessions."),
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
        get("/api/chat/sessions/{id}/export", "Exports a session or one answer")
            .query::<ExportQuery>()
            .gives_as("application/json", "A bundle that can be verified later; the default.")
            .gives_as("text/markdown; charset=utf-8", "With `format=markdown`.")
            .gives_as("application/pdf", "With `format=pdf`.")
            .fails(MISSING),
        get("/api/history", "Searches what was asked, answered and cited")
            .query::<HistoryQuery>()
            .gives::<HistoryResult>(200, "The messages, best first."),
    ];
    Section::new("Sessions", "Threads of questions and answers.", Wording::problems(), operations)
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
        .fails(MISSING)
        .fails(WRITING)
        .fails(&["too_late"]),
        put("/api/chat/sessions/{id}/messages/{mid}/reaction", "Judges an answer")
            .takes::<NewReaction>()
            .gives::<Message>(200, "The answer with the reaction.")
            .fails(MISSING)
            .fails(WRITING),
        delete("/api/chat/sessions/{id}/messages/{mid}/reaction", "Takes a reaction back")
            .gives::<Message>(200, "The answer without it.")
            .fails(MISSING)
            .fails(WRITING),
    ];
    Section::new(
        "Answers",
        "Asking, and reading answers as they are made or again.",
        Wording::problems(),
        operations,
    )
}

fn callers() -> Section {
    let operations = vec![
        get("/api/me", "Tells who is asking")
            .gives::<Me>(200, "The caller, and how callers show who they are."),
        get("/api/usage", "Tells what the caller has used")
            .gives::<quota::Usage>(200, "Used, held and allowed."),
        post("/api/login", "Signs in from a page")
            .note("Takes a key or a token and keeps it in a cookie that no script can read.")
            .takes::<Credential>()
            .gives::<Me>(200, "Who that is.")
            .fails(&["unauthorized", "rate_limited"]),
        post("/api/logout", "Signs out").gives_nothing(204, "The cookie is gone."),
        get("/api/keys", "Lists keys").gives::<Page<Key>>(200, "Without their secrets."),
        post("/api/keys", "Makes a key")
            .takes::<NewKey>()
            .gives::<MadeKey>(201, "The key, shown this once.")
            .fails(WRITING),
        delete("/api/keys/{id}", "Revokes a key")
            .gives_nothing(204, "It is good no more, and streams opened with it end.")
            .fails(MISSING)
            .fails(WRITING),
        get("/api/backup", "Downloads everything")
            .gives_as("application/x-tar", "An archive of all that was acknowledged before it began."),
    ];
    Section::new(
        "Callers",
        "Who asks, what they may use, and what only administrators do.",
        Wording::problems(),
        operations,
    )
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
        get("/metrics", "The numbers of this server").gives_as(
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
            "OpenMetrics, as Prometheus reads it; for administrators where callers say who they are.",
        ),
        get("/api/metrics", "The same numbers").gives_as(
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
            "For those who look for them under `/api`.",
        ),
        get("/openapi.json", "This description").gives_as("application/json", "OpenAPI 3.1."),
        get("/schema/events.json", "The schema of an answer's events")
            .gives_as("application/schema+json", "JSON Schema, draft 2020-12."),
        get("/docs", "This description, to read").gives_as("text/html; charset=utf-8", "A page."),
    ];
    Section::new("Server", "The server itself.", Wording::problems(), operations)
}
