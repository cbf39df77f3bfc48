//! Uploads over HTTP: a form of files, each durable before the answer is sent. Bytes go on as they
//! come; nothing here holds a file.

use std::collections::VecDeque;
use std::sync::Arc;

use axum::Json;
use axum::extract::multipart::{Field, Multipart, MultipartError};
use axum::extract::{FromRequest, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::error::Problem;
use super::extract::idempotency_key;
use crate::access::Caller;
use crate::app::App;
use crate::document::Document;
use crate::idempotency::{Claim, Turn};
use crate::ingest::{self, Incoming, Upload};
use crate::{Error, documents};

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
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Rejected {
    /// Its name.
    name: String,
    /// A stable code.
    code: String,
    /// What is wrong and what to do.
    detail: String,
}

/// The parts of an upload, as they are described; they are read one after the other as they come.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "a description: a form is never held as a whole")]
pub(crate) struct Form {
    /// The collection of the files after it.
    collection: Option<String>,
    /// A file with its name, any number of times, under any name of a part.
    #[schemars(schema_with = "binary")]
    file: (),
}

fn binary(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "type": "string", "contentMediaType": "application/octet-stream" })
}

/// What is remembered of an upload under a key.
#[derive(Serialize, Deserialize)]
struct Outcome {
    documents: Vec<(Uuid, bool)>,
    rejected: Vec<Rejected>,
}

/// Most parts of one form.
const MAX_PARTS: usize = 1000;
/// Files of a form that are made durable while the next ones come in.
const MAX_SYNCING: usize = 8;
/// Longest part that is no file, in bytes.
const MAX_TEXT_BYTES: usize = 4 << 10;

/// A form on its way in.
struct Intake<'a> {
    app: &'a App,
    caller: &'a Caller,
    /// The key it is sent under.
    turn: Option<Turn>,
    /// Whether it was carried out before, so that it is only read and compared.
    is_again: bool,
    collection: Option<String>,
    /// Files that came in, with their names, on their way to be durable. They are accepted in their order.
    syncing: VecDeque<(String, JoinHandle<Result<Upload, Error>>)>,
    uploaded: Uploaded,
    failure: Option<Error>,
}

/// Takes any number of files, each as a part with a file name, after an optional part `collection`.
/// A file that can't be accepted does not spoil the others. Sent again under its key, a form is
/// read and compared, and gets the answer that the first one got.
pub(super) async fn upload(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Problem> {
    let turn = match idempotency_key(&headers)? {
        Some(key) => Some(app.turns.take(&caller, "documents", key).await?),
        None => None,
    };
    let mut intake = Intake::new(&app, &caller, turn).await?;
    let mut form =
        Multipart::from_request(request, &()).await.map_err(|rejection| bad_form(&rejection.body_text()))?;
    let read = intake.read(&mut form).await;
    // What came before a part that breaks the form is kept.
    while intake.accept_next().await {}
    read?;
    Ok(intake.finish().await?.into_response())
}

impl<'a> Intake<'a> {
    async fn new(app: &'a App, caller: &'a Caller, turn: Option<Turn>) -> Result<Self, Error> {
        let is_again = match &turn {
            Some(turn) => turn.is_over(app).await?,
            None => false,
        };
        let uploaded = Uploaded { documents: Vec::new(), rejected: Vec::new() };
        let syncing = VecDeque::with_capacity(MAX_SYNCING);
        Ok(Self { app, caller, turn, is_again, collection: None, syncing, uploaded, failure: None })
    }

    async fn read(&mut self, form: &mut Multipart) -> Result<(), Problem> {
        let mut num_parts = 0;
        while let Some(field) = form.next_field().await.map_err(|error| broken_form(&error))? {
            num_parts += 1;
            if num_parts > MAX_PARTS {
                return Err(too_large(&format!(
                    "a form has up to {MAX_PARTS} parts; send the rest in another"
                )));
            }
            self.take(field).await?;
        }
        Ok(())
    }

    /// Takes the next part. An error ends the whole request; a refused file does not.
    async fn take(&mut self, mut field: Field<'_>) -> Result<(), Problem> {
        let Some(name) = field.file_name().map(str::to_owned) else {
            if field.name() == Some("collection") {
                let text = short_text(&mut field).await?;
                read_part(&mut self.turn, &["collection", &text]);
                self.collection = Some(text);
            }
            return Ok(());
        };
        read_part(&mut self.turn, &["file", &name]);
        if self.is_again {
            while next_bytes(&mut field, &mut self.turn).await?.is_some() {}
            return Ok(());
        }
        let incoming = self.receive(field).await?;
        let collection = self.collection.clone();
        let synced = {
            let name = name.clone();
            tokio::spawn(async move { incoming?.complete(&name, collection.as_deref()).await })
        };
        if self.syncing.len() == MAX_SYNCING {
            self.accept_next().await;
        }
        self.syncing.push_back((name, synced));
        Ok(())
    }

    /// The bytes of a file. The outer error ends the whole request, the inner one is the file's own.
    async fn receive(&mut self, mut field: Field<'_>) -> Result<Result<Incoming, Error>, Problem> {
        let mut incoming = Incoming::new(self.app).await;
        while let Some(bytes) = next_bytes(&mut field, &mut self.turn).await? {
            // The rest of a refused file is read and dropped, to get at the next one, and because a
            // client that still sends hears nothing.
            if let Ok(open) = &mut incoming
                && let Err(error) = open.write(&bytes).await
            {
                incoming = Err(error);
            }
        }
        Ok(incoming)
    }

    /// Accepts the first of the files that came in; false if there is none left.
    async fn accept_next(&mut self) -> bool {
        let Some((name, synced)) = self.syncing.pop_front() else { return false };
        let accepted = async { ingest::accept(self.app, self.caller, synced.await??).await };
        match accepted.await {
            Ok(ingest::Accepted { document, duplicate }) => {
                let document = self.app.ingest.current(document);
                self.uploaded.documents.push(Accepted { document, duplicate });
            }
            Err(error) => {
                let (code, detail) = (error.code().to_owned(), error.to_string());
                self.uploaded.rejected.push(Rejected { name, code, detail });
                self.failure = Some(error);
            }
        }
        true
    }

    /// What became of it. An outcome that may be better another time is not remembered.
    async fn finish(mut self) -> Result<Uploaded, Problem> {
        let claim = self.turn.as_mut().map(Turn::claim);
        match (self.failure, claim) {
            (_, Some(claim)) if self.is_again => {
                return Ok(Outcome::told(self.app, self.caller, &claim).await?);
            }
            (Some(error), _) if self.uploaded.documents.is_empty() => return Err(error.into()),
            (None, _) if self.uploaded.documents.is_empty() => {
                return Err(bad_form("there is no file in it; send each file as a part with a `filename`"));
            }
            (Some(error), _) if error.is_retryable() => {}
            (_, Some(claim)) => claim.remember(self.app, &Outcome::of(&self.uploaded)).await,
            (_, None) => {}
        }
        Ok(self.uploaded)
    }
}

/// A part that is no file, in memory and so not of any length.
async fn short_text(field: &mut Field<'_>) -> Result<String, Problem> {
    let mut text = Vec::new();
    while let Some(bytes) = field.chunk().await.map_err(|error| broken_form(&error))? {
        if text.len() + bytes.len() > MAX_TEXT_BYTES {
            return Err(too_large(&format!("`collection` has up to {MAX_TEXT_BYTES} bytes")));
        }
        text.extend_from_slice(&bytes);
    }
    String::from_utf8(text).map_err(|_| bad_form("`collection` is not UTF-8"))
}

/// The next bytes of a file; at its end the part of the body ends as well.
async fn next_bytes(field: &mut Field<'_>, turn: &mut Option<Turn>) -> Result<Option<Bytes>, Problem> {
    let bytes = field.chunk().await.map_err(|error| broken_form(&error))?;
    if let Some(turn) = turn {
        match &bytes {
            Some(bytes) => turn.read(bytes),
            None => turn.end_part(),
        }
    }
    Ok(bytes)
}

fn read_part(turn: &mut Option<Turn>, parts: &[&str]) {
    let Some(turn) = turn else { return };
    for part in parts {
        turn.read(part.as_bytes());
        turn.end_part();
    }
}

impl Outcome {
    fn of(uploaded: &Uploaded) -> Self {
        let documents = uploaded.documents.iter().map(|accepted| (accepted.document.id, accepted.duplicate));
        Self { documents: documents.collect(), rejected: uploaded.rejected.clone() }
    }

    /// What became of the upload that came first under this key, with its documents as they are now.
    async fn told(app: &App, caller: &Caller, claim: &Claim) -> Result<Uploaded, Error> {
        let made = claim.made::<Self>(app).await?;
        let Some(Self { documents: known, rejected }) = made else {
            return Err(Error::Conflict("the upload"));
        };
        let mut documents = Vec::with_capacity(known.len());
        for (id, duplicate) in known {
            let document = app.ingest.current(documents::get(app, caller, id).await?.value);
            documents.push(Accepted { document, duplicate });
        }
        Ok(Uploaded { documents, rejected })
    }
}

impl IntoResponse for Uploaded {
    fn into_response(self) -> Response {
        let is_done = self.documents.iter().all(|accepted| accepted.document.status.is_final());
        let status = if is_done { StatusCode::CREATED } else { StatusCode::ACCEPTED };
        (status, Json(self)).into_response()
    }
}

fn broken_form(error: &MultipartError) -> Problem {
    bad_form(&error.body_text())
}

fn too_large(detail: &str) -> Problem {
    Error::TooLarge(detail.to_owned()).into()
}

fn bad_form(detail: &str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "invalid_request", format!("the upload can't be read: {detail}"))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::{Method, header};
    use tower::ServiceExt;

    use super::*;
    use crate::config::{Config, Flags};

    #[tokio::test(flavor = "multi_thread")]
    async fn no_form_breaks_its_reader_or_leaves_a_file_that_no_document_has() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let file = folder.path().join("ibid.toml");
        std::fs::write(&file, "[ingest]\nmax_file_bytes = 4096\n").unwrap();
        let flags = Flags { config: Some(file), data: Some(data.clone()), ..Flags::default() };
        let app = App::open(Config::load(&flags).unwrap()).await.unwrap();
        let router = super::super::router(Arc::clone(&app));
        let part =
            "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\nwords\r\n";
        let examples = [
            format!("{part}--b--\r\n"),
            format!(
                "--b\r\ncontent-disposition: form-data; name=collection\r\n\r\npapers\r\n{part}{part}--b--"
            ),
            format!(
                "preamble\r\n{}--b--\r\nepilogue",
                part.replace("a.txt", "../../é\\u{0}.md").replace("words", "")
            ),
        ];
        let examples = examples.map(String::into_bytes);
        let words = [
            "--b",
            "\r\n",
            "\r\n\r\n",
            "--",
            "; filename=\"",
            "; filename*=UTF-8''%e2%82",
            "name=",
            "\"",
            "Content-Type: ",
        ];
        let runtime = tokio::runtime::Handle::current();
        tokio::task::block_in_place(|| {
            crate::fuzz::fuzz("multipart", &examples, &words, |bytes| {
                let request = Request::builder()
                    .method(Method::POST)
                    .uri("/api/documents")
                    .header(header::HOST, "localhost")
                    .header(header::CONTENT_TYPE, "multipart/form-data; boundary=b")
                    .body(Body::from(bytes.to_vec()))
                    .unwrap();
                let answer = runtime.block_on(router.clone().oneshot(request)).unwrap();
                let status = answer.status();
                assert!(status.is_success() || status.is_client_error(), "{status}");
            });
        });
        let filter = documents::Filter::default();
        let (known, _) = documents::list(&app, &Caller::local(), &filter, None, usize::MAX).await.unwrap();
        // What was refused is removed behind the answer.
        let num_folders = || std::fs::read_dir(data.join("documents")).unwrap().count();
        for _ in 0..100 {
            if num_folders() <= known.len() {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("{} folders for {} documents", num_folders(), known.len());
    }
}
