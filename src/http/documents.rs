//! The library over HTTP; `uploads` is how documents come into it.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::{Stream, StreamExt};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast::error::RecvError;
use tokio_util::io::ReaderStream;
use uuid::Uuid;

use super::error::Problem;
use super::extract::{Json as Sent, Path, Query};
use super::page::{Page, PageQuery};
use super::sse;
use crate::Error;
use crate::access::Caller;
use crate::app::App;
use crate::document::{Document, PageStart, Passage, PassageId, Status};
use crate::documents::{self, Change, Filter};
use crate::ingest;

/// Which documents to list.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ListQuery {
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// How many, at most 500; 50 if absent.
    limit: Option<usize>,
    /// Only of this collection.
    collection: Option<String>,
    /// Only in this state.
    status: Option<Status>,
    /// Only with this in their name or title.
    name: Option<String>,
    /// Also those that a newer version has replaced.
    #[serde(default)]
    superseded: bool,
}

pub(super) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<Document>>, Problem> {
    let ListQuery { cursor, limit, collection, status, name, superseded } = query;
    let page = PageQuery { cursor, limit };
    let after = page.after("")?;
    let filter = Filter { collection, status, name, superseded };
    let (documents, last) = documents::list(&app, &caller, &filter, after.as_deref(), page.limit()).await?;
    Ok(Json(Page::new(documents, last)))
}

pub(super) async fn show(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Result<Json<Document>, Problem> {
    Ok(Json(app.ingest.current(documents::get(&app, &caller, id).await?.value)))
}

pub(super) async fn change(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<Uuid>,
    Sent(change): Sent<Change>,
) -> Result<Json<Document>, Problem> {
    Ok(Json(documents::change(&app, &caller, id, &change).await?))
}

pub(super) async fn reread(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Result<Json<Document>, Problem> {
    Ok(Json(ingest::reread(&app, &caller, id).await?))
}

pub(super) async fn remove(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    documents::delete(&app, &caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The original bytes. A browser must never run them, so they come as a file to keep; only a PDF is
/// shown at once, by a viewer that has no part in this origin.
pub(super) async fn content(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let document = documents::get(&app, &caller, id).await?.value;
    let mut response = send_file(&app.files.original(id)).await?;
    let headers = response.headers_mut();
    let media_type = HeaderValue::from_str(&document.media_type);
    headers.insert(
        header::CONTENT_TYPE,
        media_type.unwrap_or_else(|_| HeaderValue::from_static("application/octet-stream")),
    );
    let how = if document.media_type == "application/pdf" { "inline" } else { "attachment" };
    if let Ok(disposition) = HeaderValue::from_str(&disposition(how, &document.name)) {
        headers.insert(header::CONTENT_DISPOSITION, disposition);
    }
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox; default-src 'none'"));
    Ok(response)
}

/// Which text is meant.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct VersionQuery {
    /// The version a citation names; the document's own if absent.
    version: Option<String>,
}

/// The stored text that all ranges point into.
pub(super) async fn text(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<Uuid>,
    Query(query): Query<VersionQuery>,
) -> Result<Response, Problem> {
    let document = documents::get(&app, &caller, id).await?.value;
    if let Some(version) = query.version.filter(|version| *version != document.version) {
        return Err(Error::NotFound { what: "version", id: version }.into());
    }
    documents::layout(&app, &document).await?;
    let mut response = send_file(&app.files.text(id)).await?;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, plain);
    Ok(response)
}

/// A passage with its words.
#[derive(Serialize, JsonSchema)]
pub(crate) struct PassageBody {
    passage_id: PassageId,
    document_id: Uuid,
    version: String,
    title: String,
    #[serde(flatten)]
    passage: Passage,
    text: String,
}

pub(super) async fn passage(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path((id, ordinal)): Path<(Uuid, u32)>,
) -> Result<Json<PassageBody>, Problem> {
    let document = documents::get(&app, &caller, id).await?.value;
    let layout = documents::layout(&app, &document).await?;
    let passage_id = PassageId { document: id, ordinal };
    let passage = layout.passages.get(ordinal as usize).cloned();
    let passage = passage.ok_or_else(|| Error::NotFound { what: "passage", id: passage_id.to_string() })?;
    let text = app.files.read_text(id, passage.range()).await.map_err(Error::from)?;
    let (version, title) = (document.version, document.title);
    Ok(Json(PassageBody { passage_id, document_id: id, version, title, passage, text }))
}

/// Where the pages of a document begin in its stored text.
pub(super) async fn pages(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Result<Json<Page<PageStart>>, Problem> {
    let document = documents::get(&app, &caller, id).await?.value;
    let layout = documents::layout(&app, &document).await?;
    Ok(Json(Page::new(layout.pages.clone(), None)))
}

/// One document's progress, from its state now until it is ready or failed.
pub(super) async fn events(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let changes = changes(&app).filter(move |document| {
        let is_this = document.id == id;
        async move { is_this }
    });
    let now = Arc::new(app.ingest.current(documents::get(&app, &caller, id).await?.value));
    let states = Box::pin(futures::stream::iter([now]).chain(changes));
    let progress = futures::stream::unfold(Some(states), async |states| {
        let mut states = states?;
        let document = states.next().await?;
        let is_over = document.status.is_final();
        Some((event(&document), (!is_over).then_some(states)))
    });
    Ok(sse::respond(progress))
}

/// Every change of every document that the caller may read, from now on.
pub(super) async fn all_events(State(app): State<Arc<App>>, caller: Caller) -> Response {
    let mine = changes(&app).filter_map(move |document| {
        let (app, caller) = (Arc::clone(&app), caller.clone());
        async move { caller.may_read(&app, &document).await.unwrap_or(false).then(|| event(&document)) }
    });
    sse::respond(mine)
}

fn event(document: &Document) -> sse::Event {
    let data = serde_json::to_string(document)
        .unwrap_or_else(|error| unreachable!("documents are plain data and always encode: {error}"));
    sse::Event::default().name("document").data(&data)
}

/// Changes until the server stops. A reader that falls behind misses some, never the latest.
fn changes(app: &Arc<App>) -> impl Stream<Item = Arc<Document>> + Send + use<> {
    let stopping = app.stopping.clone();
    let changes = futures::stream::unfold(app.ingest.subscribe(), async |mut changes| {
        loop {
            match changes.recv().await {
                Ok(document) => return Some((document, changes)),
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    });
    changes.take_until(stopping.cancelled_owned())
}

async fn send_file(path: &std::path::Path) -> Result<Response, Error> {
    let file = tokio::fs::File::open(path).await?;
    let length = file.metadata().await?.len();
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    Ok((headers, Body::from_stream(ReaderStream::new(file))).into_response())
}

/// `attachment` or `inline` with the name in full, escaped as RFC 8187 has it.
pub(super) fn disposition(how: &str, name: &str) -> String {
    let name = name.rsplit('/').next().unwrap_or(name);
    let escaped: String = name
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect();
    format!("{how}; filename*=UTF-8''{escaped}")
}
