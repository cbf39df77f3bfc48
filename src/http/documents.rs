//! The library over HTTP.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::multipart::{Field, Multipart, MultipartError};
use axum::extract::{FromRequest, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::sse::Event;
use axum::response::{IntoResponse, Response};
use futures::{Stream, StreamExt};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast::error::RecvError;
use tokio_util::io::ReaderStream;
use uuid::Uuid;

use super::error::Problem;
use super::extract::{Path, Query};
use super::page::{Page, PageQuery};
use super::sse;
use crate::Error;
use crate::app::App;
use crate::document::{Document, PageStart, Passage, PassageId, Status};
use crate::documents::{self, Filter};
use crate::ingest::{self, Incoming};
use crate::store::keys;

/// What became of an upload.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Uploaded {
    /// The files that were accepted, in their order.
    documents: Vec<Accepted>,
    /// The files that were not, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rejected: Vec<Rejected>,
}

/// An accepted file.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Accepted {
    #[serde(flatten)]
    document: Document,
    /// Whether the same bytes were there already.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    duplicate: bool,
}

/// A refused file.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Rejected {
    /// Its name.
    name: String,
    /// A stable code.
    code: String,
    /// What is wrong and what to do.
    detail: String,
}

/// Takes any number of files, each as a part with a file name, after an optional part `collection`.
/// Each file is durable before the answer is sent; a file that can't be accepted does not spoil
/// the others.
pub(super) async fn upload(State(app): State<Arc<App>>, request: Request) -> Result<Response, Problem> {
    let mut form =
        Multipart::from_request(request, &()).await.map_err(|rejection| bad_form(&rejection.body_text()))?;
    let mut collection: Option<String> = None;
    let mut uploaded = Uploaded { documents: Vec::new(), rejected: Vec::new() };
    let mut failure = None;
    while let Some(field) = form.next_field().await.map_err(|error| broken_form(&error))? {
        let Some(name) = field.file_name().map(str::to_owned) else {
            if field.name() == Some("collection") {
                collection = Some(field.text().await.map_err(|error| broken_form(&error))?);
            }
            continue;
        };
        match receive(&app, field, &name, collection.as_deref()).await? {
            Ok(accepted) => uploaded.documents.push(accepted),
            Err(error) => {
                let (code, detail) = (error.code().to_owned(), error.to_string());
                uploaded.rejected.push(Rejected { name, code, detail });
                failure = Some(error);
            }
        }
    }
    match failure {
        Some(error) if uploaded.documents.is_empty() => Err(error.into()),
        None if uploaded.documents.is_empty() => {
            Err(bad_form("there is no file in it; send each file as a part with a `filename`"))
        }
        _ => {
            let is_done = uploaded.documents.iter().all(|accepted| accepted.document.status.is_final());
            let status = if is_done { StatusCode::CREATED } else { StatusCode::ACCEPTED };
            Ok((status, Json(uploaded)).into_response())
        }
    }
}

/// One file. The outer error ends the whole request, the inner one is the file's own.
async fn receive(
    app: &App,
    mut field: Field<'_>,
    name: &str,
    collection: Option<&str>,
) -> Result<Result<Accepted, Error>, Problem> {
    let mut incoming = Incoming::new(app).await;
    while let Some(bytes) = field.chunk().await.map_err(|error| broken_form(&error))? {
        // The rest of a refused file is read and dropped, to get at the next one, and because a
        // client that still sends hears nothing.
        if let Ok(open) = &mut incoming
            && let Err(error) = open.write(&bytes).await
        {
            incoming = Err(error);
        }
    }
    let accepted = async {
        let accepted = ingest::accept(app, incoming?.complete(name, collection).await?).await?;
        Ok(Accepted { document: app.ingest.current(accepted.document), duplicate: accepted.duplicate })
    };
    Ok(accepted.await)
}

fn broken_form(error: &MultipartError) -> Problem {
    bad_form(&error.body_text())
}

fn bad_form(detail: &str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "invalid_request", format!("the upload can't be read: {detail}"))
}

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
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<Document>>, Problem> {
    let ListQuery { cursor, limit, collection, status, name, superseded } = query;
    let page = PageQuery { cursor, limit };
    let after = page.after(keys::DOCUMENTS)?;
    let filter = Filter { collection, status, name, superseded };
    let (documents, last) = documents::list(&app, &filter, after.as_deref(), page.limit()).await?;
    Ok(Json(Page::new(documents, last)))
}

pub(super) async fn show(
    State(app): State<Arc<App>>,
    Path(id): Path<Uuid>,
) -> Result<Json<Document>, Problem> {
    Ok(Json(app.ingest.current(documents::get(&app, id).await?.value)))
}

pub(super) async fn remove(State(app): State<Arc<App>>, Path(id): Path<Uuid>) -> Result<StatusCode, Problem> {
    documents::delete(&app, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The original bytes. A browser must never run them, so they come as a file to keep.
pub(super) async fn content(State(app): State<Arc<App>>, Path(id): Path<Uuid>) -> Result<Response, Problem> {
    let document = documents::get(&app, id).await?.value;
    let mut response = send_file(&app.files.original(id)).await?;
    let headers = response.headers_mut();
    let media_type = HeaderValue::from_str(&document.media_type);
    headers.insert(
        header::CONTENT_TYPE,
        media_type.unwrap_or_else(|_| HeaderValue::from_static("application/octet-stream")),
    );
    if let Ok(disposition) = HeaderValue::from_str(&attachment(&document.name)) {
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
    Path(id): Path<Uuid>,
    Query(query): Query<VersionQuery>,
) -> Result<Response, Problem> {
    let document = documents::get(&app, id).await?.value;
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
    Path((id, ordinal)): Path<(Uuid, u32)>,
) -> Result<Json<PassageBody>, Problem> {
    let document = documents::get(&app, id).await?.value;
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
    Path(id): Path<Uuid>,
) -> Result<Json<Page<PageStart>>, Problem> {
    let document = documents::get(&app, id).await?.value;
    let layout = documents::layout(&app, &document).await?;
    Ok(Json(Page::new(layout.pages.clone(), None)))
}

/// One document's progress, from its state now until it is ready or failed.
pub(super) async fn events(State(app): State<Arc<App>>, Path(id): Path<Uuid>) -> Result<Response, Problem> {
    let changes = changes(&app).filter(move |document| {
        let is_this = document.id == id;
        async move { is_this }
    });
    let now = app.ingest.current(documents::get(&app, id).await?.value);
    let states = Box::pin(futures::stream::iter([now]).chain(changes));
    let progress = futures::stream::unfold(Some(states), async |states| {
        let mut states = states?;
        let document = states.next().await?;
        let is_over = document.status.is_final();
        Some((event(&document), (!is_over).then_some(states)))
    });
    Ok(sse::respond(progress))
}

/// Every change of every document from now on.
pub(super) async fn all_events(State(app): State<Arc<App>>) -> Response {
    sse::respond(changes(&app).map(|document| event(&document)))
}

fn event(document: &Document) -> Event {
    let data = serde_json::to_string(document)
        .unwrap_or_else(|error| unreachable!("documents are plain data and always encode: {error}"));
    Event::default().event("document").data(data)
}

/// Changes until the server stops. A reader that falls behind misses some, never the latest.
fn changes(app: &Arc<App>) -> impl Stream<Item = Document> + Send + use<> {
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

/// `attachment` with the name in full, escaped as RFC 8187 has it.
fn attachment(name: &str) -> String {
    let name = name.rsplit('/').next().unwrap_or(name);
    let escaped: String = name
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect();
    format!("attachment; filename*=UTF-8''{escaped}")
}
