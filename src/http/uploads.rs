//! Uploads over HTTP: a form of files, each durable before the answer is sent. Bytes go on as they
//! come; nothing here holds a file.

use std::sync::Arc;

use axum::Json;
use axum::extract::multipart::{Field, Multipart, MultipartError};
use axum::extract::{FromRequest, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::error::Problem;
use super::extract::idempotency_key;
use crate::app::App;
use crate::document::Document;
use crate::idempotency::{Claim, Turn};
use crate::ingest::{self, Incoming};
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

/// What is remembered of an upload under a key.
#[derive(Serialize, Deserialize)]
struct Outcome {
    documents: Vec<(Uuid, bool)>,
    rejected: Vec<Rejected>,
}

/// Takes any number of files, each as a part with a file name, after an optional part `collection`.
/// A file that can't be accepted does not spoil the others. Sent again under its key, a form is
/// read and compared, and gets the answer that the first one got.
pub(super) async fn upload(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Problem> {
    let mut turn = match idempotency_key(&headers)? {
        Some(key) => Some(app.turns.take("documents", key).await?),
        None => None,
    };
    let is_again = match &turn {
        Some(turn) => turn.is_over(&app).await?,
        None => false,
    };
    let mut form =
        Multipart::from_request(request, &()).await.map_err(|rejection| bad_form(&rejection.body_text()))?;
    let mut collection: Option<String> = None;
    let mut uploaded = Uploaded { documents: Vec::new(), rejected: Vec::new() };
    let mut failure = None;
    while let Some(mut field) = form.next_field().await.map_err(|error| broken_form(&error))? {
        let Some(name) = field.file_name().map(str::to_owned) else {
            if field.name() == Some("collection") {
                let text = field.text().await.map_err(|error| broken_form(&error))?;
                read_part(&mut turn, &["collection", &text]);
                collection = Some(text);
            }
            continue;
        };
        read_part(&mut turn, &["file", &name]);
        if is_again {
            while next_bytes(&mut field, &mut turn).await?.is_some() {}
            continue;
        }
        match receive(&app, field, &mut turn, &name, collection.as_deref()).await? {
            Ok(accepted) => uploaded.documents.push(accepted),
            Err(error) => {
                let (code, detail) = (error.code().to_owned(), error.to_string());
                uploaded.rejected.push(Rejected { name, code, detail });
                failure = Some(error);
            }
        }
    }
    let claim = turn.as_mut().map(Turn::claim);
    match (failure, claim) {
        (_, Some(claim)) if is_again => uploaded = Outcome::told(&app, &claim).await?,
        (Some(error), _) if uploaded.documents.is_empty() => return Err(error.into()),
        (None, _) if uploaded.documents.is_empty() => {
            return Err(bad_form("there is no file in it; send each file as a part with a `filename`"));
        }
        (_, Some(claim)) => claim.remember(&app, &Outcome::of(&uploaded)).await,
        (_, None) => {}
    }
    Ok(uploaded.into_response())
}

/// One file. The outer error ends the whole request, the inner one is the file's own.
async fn receive(
    app: &App,
    mut field: Field<'_>,
    turn: &mut Option<Turn>,
    name: &str,
    collection: Option<&str>,
) -> Result<Result<Accepted, Error>, Problem> {
    let mut incoming = Incoming::new(app).await?;
    let mut outcome = Ok(());
    while let Some(bytes) = next_bytes(&mut field, turn).await? {
        // The rest of a refused file is read and dropped, to get at the next one.
        if outcome.is_ok() {
            outcome = incoming.write(&bytes).await;
        }
    }
    let accepted = async {
        outcome?;
        let accepted = ingest::accept(app, incoming.complete(name, collection).await?).await?;
        Ok(Accepted { document: app.ingest.current(accepted.document), duplicate: accepted.duplicate })
    };
    Ok(accepted.await)
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
    async fn told(app: &App, claim: &Claim) -> Result<Uploaded, Error> {
        let made = claim.made::<Self>(app).await?;
        let Some(Self { documents: known, rejected }) = made else {
            return Err(Error::Conflict("the upload"));
        };
        let mut documents = Vec::with_capacity(known.len());
        for (id, duplicate) in known {
            let document = app.ingest.current(documents::get(app, id).await?.value);
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

fn bad_form(detail: &str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "invalid_request", format!("the upload can't be read: {detail}"))
}
