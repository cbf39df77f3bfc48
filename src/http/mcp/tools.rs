//! The tools: searching and fetching in the shapes that deep-research connectors expect, asking,
//! and listing. Each reads its arguments and calls what the HTTP API calls.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::StreamExt;
use rmcp::model::{JsonObject, ProgressNotificationParam, Tool, ToolAnnotations};
use rmcp::service::{RequestContext, RoleServer};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::Asker;
use crate::Error;
use crate::app::App;
use crate::ask::prompt::Turn;
use crate::ask::retrieve::{self, Scope};
use crate::ask::{self as asking, Conversation};
use crate::document::{Document, PassageId};
use crate::documents::{self, Filter};
use crate::event::{Citation, Event, FinishReason, Grounding, Step, StepState, Verdict};
use crate::http::links;
use crate::http::page::PageQuery;
use crate::session::{Message, Mode, Role};

/// How many passages a search gives.
const MAX_RESULTS: usize = 10;
/// The longest text that `fetch` gives, in bytes: about 25,000 tokens.
const MAX_TEXT_BYTES: usize = 100_000;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SearchInput {
    /// What to look for, in natural language.
    query: String,
}

#[derive(Serialize, JsonSchema)]
struct SearchOutput {
    /// Best first.
    results: Vec<Found>,
}

#[derive(Serialize, JsonSchema)]
struct Found {
    /// What `fetch` takes.
    id: String,
    /// The document's title, with the page.
    title: String,
    /// Opens the passage.
    url: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct FetchInput {
    /// The id of a result of `search`, or of a document.
    id: String,
}

#[derive(Serialize, JsonSchema)]
struct FetchOutput {
    id: String,
    title: String,
    /// The words, exactly as stored.
    text: String,
    /// Opens the place.
    url: String,
    /// Where the text stands in its document.
    metadata: BTreeMap<&'static str, String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AskInput {
    /// The question, in any language.
    question: String,
    /// `regular` answers in seconds; `deep_research` plans, reads widely and writes a report.
    #[serde(default)]
    mode: Mode,
    /// Search only this collection.
    collection: Option<String>,
    /// Search only these documents.
    document_ids: Option<Vec<Uuid>>,
    /// Which configured model answers; the default one if absent.
    model: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct AskOutput {
    /// Markdown with `[n]` marks.
    answer: String,
    /// What the marks stand for, in the order of the answer.
    citations: Vec<Cited>,
    /// Why the answer ended.
    finish_reason: Option<FinishReason>,
    /// How well the answer stands on its sources.
    grounding: Option<Grounding>,
}

#[derive(Serialize, JsonSchema)]
struct Cited {
    /// The number of the mark.
    n: u32,
    title: String,
    /// Opens the place.
    url: String,
    /// What `fetch` takes to read around it.
    id: PassageId,
    /// The exact words of the document.
    quote: String,
    /// How far the quote carries the claim.
    verdict: Verdict,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ListInput {
    /// Only of this collection.
    collection: Option<String>,
    /// Only with this in their name or title.
    name: Option<String>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct ListOutput {
    /// The newest first.
    documents: Vec<Listed>,
    /// Where to go on; `null` at the end.
    next_cursor: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct Listed {
    /// What `fetch` and `document_ids` take.
    id: Uuid,
    title: String,
    name: String,
    url: String,
    status: crate::document::Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    pages: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    collection: Option<String>,
}

/// Every tool, with the shapes of what it takes and gives.
pub(super) fn all() -> Vec<Tool> {
    vec![
        tool::<SearchInput, SearchOutput>(
            "search",
            "Search the library",
            "Finds the passages of the reader's own documents that match a question or words, best first. \
             `fetch` reads them.",
        ),
        tool::<FetchInput, FetchOutput>(
            "fetch",
            "Read a passage or a document",
            "Gives the exact text of a passage with its neighbours, or of a whole document, with a link to it.",
        ),
        tool::<AskInput, AskOutput>(
            "ask",
            "Ask the library",
            "Answers a question from the reader's own documents. Each claim comes with the exact quote that \
             supports it and a link to the place.",
        ),
        tool::<ListInput, ListOutput>(
            "list_documents",
            "List the documents",
            "Lists what is in the library, a page at a time.",
        ),
    ]
}

fn tool<I: JsonSchema, O: JsonSchema>(name: &'static str, title: &str, about: &'static str) -> Tool {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let input = settings.clone().for_deserialize().into_generator().into_root_schema_for::<I>();
    let output = settings.for_serialize().into_generator().into_root_schema_for::<O>();
    let shape = |schema: schemars::Schema| Arc::new(schema.as_object().cloned().unwrap_or_default());
    Tool::new(name, about, shape(input))
        .with_title(title)
        .with_raw_output_schema(shape(output))
        .with_annotations(ToolAnnotations::with_title(title).read_only(true).open_world(false))
}

pub(super) async fn search(app: &App, asker: &Asker, arguments: JsonObject) -> Result<Value, Error> {
    let SearchInput { query } = read(arguments)?;
    let scope = Scope::resolve(app, &asker.caller, None, None).await?;
    let (places, _) = retrieve::places(app, &asker.caller, &scope, &query, MAX_RESULTS).await?;
    let result = |retrieve::Place { best: hit, .. }| Found {
        id: PassageId { document: hit.document.id, ordinal: hit.passage.ordinal }.to_string(),
        title: links::title(&hit.document.title, hit.passage.page),
        url: asker.site.place(hit.document.id, hit.passage.start, hit.passage.end),
    };
    give(&SearchOutput { results: places.into_iter().map(result).collect() })
}

pub(super) async fn fetch(app: &App, asker: &Asker, arguments: JsonObject) -> Result<Value, Error> {
    let FetchInput { id } = read(arguments)?;
    let missing = || Error::NotFound { what: "passage or document", id: id.clone() };
    let fetched = match (id.parse::<PassageId>(), id.parse::<Uuid>()) {
        (Ok(passage), _) => fetch_passage(app, asker, passage, missing).await?,
        (_, Ok(document)) => fetch_document(app, asker, document).await?,
        _ => return Err(missing()),
    };
    give(&fetched)
}

/// A passage with the one before and the one after, as far as they are there.
async fn fetch_passage(
    app: &App,
    asker: &Asker,
    id: PassageId,
    missing: impl FnOnce() -> Error,
) -> Result<FetchOutput, Error> {
    let document = documents::get(app, &asker.caller, id.document).await?.value;
    let layout = documents::layout(app, &document).await?;
    let at = id.ordinal as usize;
    let passage = layout.passages.get(at).ok_or_else(missing)?;
    let first = &layout.passages[at.saturating_sub(1)];
    let last = layout.passages.get(at + 1).unwrap_or(passage);
    let text = app.files.read_text(document.id, first.start..last.end).await?;
    let mut metadata = described(&document);
    metadata.insert("passage_start", passage.start.to_string());
    metadata.insert("passage_end", passage.end.to_string());
    metadata.insert("text_start", first.start.to_string());
    metadata.insert("text_end", last.end.to_string());
    metadata.extend(passage.page.map(|page| ("page", page.to_string())));
    metadata.extend(passage.heading.clone().map(|heading| ("heading", heading)));
    metadata.extend(first.columns.clone().map(|columns| ("columns", columns)));
    let title = links::title(&document.title, passage.page);
    let url = asker.site.place(document.id, passage.start, passage.end);
    Ok(FetchOutput { id: id.to_string(), title, text, url, metadata })
}

pub(super) async fn text_of(app: &App, asker: &Asker, id: Uuid) -> Result<(Document, String), Error> {
    let document = documents::get(app, &asker.caller, id).await?.value;
    documents::layout(app, &document).await?;
    let text = tokio::fs::read_to_string(app.files.text(id)).await?;
    Ok((document, text))
}

async fn fetch_document(app: &App, asker: &Asker, id: Uuid) -> Result<FetchOutput, Error> {
    let (document, mut text) = text_of(app, asker, id).await?;
    let mut metadata = described(&document);
    metadata.insert("text_bytes", text.len().to_string());
    if text.len() > MAX_TEXT_BYTES {
        text.truncate(text.floor_char_boundary(MAX_TEXT_BYTES));
        metadata.insert("truncated_at", text.len().to_string());
    }
    let url = asker.site.document(id);
    Ok(FetchOutput { id: id.to_string(), title: document.title, text, url, metadata })
}

fn described(document: &Document) -> BTreeMap<&'static str, String> {
    let mut metadata = BTreeMap::from([
        ("document_id", document.id.to_string()),
        ("version", document.version.clone()),
        ("name", document.name.clone()),
        ("num_passages", document.passages.to_string()),
    ]);
    metadata.extend(document.collection.clone().map(|collection| ("collection", collection)));
    metadata
}

pub(super) async fn list_documents(app: &App, asker: &Asker, arguments: JsonObject) -> Result<Value, Error> {
    let ListInput { collection, name, cursor } = read(arguments)?;
    let filter = Filter { collection, name, ..Filter::default() };
    let (documents, next_cursor) = page(app, asker, &filter, cursor).await?;
    let listed = |document: Document| Listed {
        id: document.id,
        url: asker.site.document(document.id),
        title: document.title,
        name: document.name,
        status: document.status,
        pages: document.pages,
        collection: document.collection,
    };
    give(&ListOutput { documents: documents.into_iter().map(listed).collect(), next_cursor })
}

/// A page of the library, and where the next one begins.
pub(super) async fn page(
    app: &App,
    asker: &Asker,
    filter: &Filter,
    cursor: Option<String>,
) -> Result<(Vec<Document>, Option<String>), Error> {
    let page = PageQuery { cursor, limit: None };
    let after = page.after("").map_err(|problem| Error::Invalid(problem.detail))?;
    let listed = documents::list(app, &asker.caller, filter, after.as_deref(), page.limit()).await?;
    Ok((listed.0, listed.1.map(|key| crate::hex(key.as_bytes()))))
}

pub(super) async fn ask(
    app: &Arc<App>,
    asker: &Asker,
    arguments: JsonObject,
    context: &RequestContext<RoleServer>,
) -> Result<Value, Error> {
    let AskInput { question, mode, collection, document_ids, model } = read(arguments)?;
    let turns = vec![Turn { role: Role::User, content: question }];
    let conversation =
        Conversation { turns, model, mode, document_ids, collection, ..Conversation::default() };
    let events = asking::once(app, &asker.caller, conversation).await?;
    let events = tokio::select! {
        events = follow(events, context) => events,
        // Nobody waits any more; letting go of the events has stopped the answer.
        () = context.ct.cancelled() => return Err(Error::Invalid("the call was cancelled".to_owned())),
    };
    let mut message = Message::new(Uuid::nil(), Role::Assistant, String::new(), jiff::Timestamp::now());
    crate::run::fold(&mut message, events);
    if let Some(failure) = message.error {
        return Err(Error::Invalid(failure.message));
    }
    give(&AskOutput {
        answer: message.content,
        citations: message.citations.into_iter().map(|citation| cited(asker, citation)).collect(),
        finish_reason: message.finish_reason,
        grounding: message.grounding,
    })
}

/// The events of an answer to its end. A client that asked for it is told of each step.
async fn follow(
    events: impl futures::Stream<Item = Event>,
    context: &RequestContext<RoleServer>,
) -> Vec<Event> {
    let token = context.meta.get_progress_token();
    let (mut events, mut read, mut num_steps) = (std::pin::pin!(events), Vec::new(), 0);
    while let Some(event) = events.next().await {
        if let (Some(token), Event::Step { step: Step { state: StepState::Started, kind, query, .. } }) =
            (&token, &event)
        {
            num_steps += 1;
            let words = format!("{kind:?}: {}", query.as_deref().unwrap_or("…"));
            let progress = ProgressNotificationParam::new(token.clone(), f64::from(num_steps));
            // A client that does not listen still gets the answer.
            let _ = context.peer.notify_progress(progress.with_message(words)).await;
        }
        read.push(event);
    }
    read
}

fn cited(asker: &Asker, citation: Citation) -> Cited {
    Cited {
        n: citation.n,
        title: links::title(&citation.title, citation.page),
        url: asker.site.place(citation.document_id, citation.start, citation.end),
        id: citation.passage_id,
        quote: citation.quote,
        verdict: citation.verdict,
    }
}

fn read<T: DeserializeOwned>(arguments: JsonObject) -> Result<T, Error> {
    serde_json::from_value(Value::Object(arguments))
        .map_err(|error| Error::Invalid(format!("the arguments can't be read: {error}")))
}

fn give(output: &impl Serialize) -> Result<Value, Error> {
    serde_json::to_value(output).map_err(Error::internal)
}
