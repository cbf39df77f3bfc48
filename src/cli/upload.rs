//! One document on its way: streamed to the server, then followed until it can be searched or
//! can't. Shared by `add` and the samples.

use std::collections::HashMap;
use std::os::fd::AsFd as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use futures::TryStreamExt as _;
use ibid::document::{Document, Status};
use reqwest::multipart::{Form, Part};
use reqwest::{Body, Method, StatusCode};
use serde::{Deserialize, Serialize};
use tokio::io::AsyncRead;
use tokio::sync::Semaphore;
use tokio_util::io::ReaderStream;
use uuid::Uuid;

use super::add::why;
use super::connect::{Client, Refusal};

/// How often a busy server is asked again before the document counts as failed.
const TRIES: u32 = 20;

/// A document to upload.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) name: String,
    pub(crate) content: Content,
}

/// Where its bytes are.
#[derive(Debug)]
pub(crate) enum Content {
    File(PathBuf),
    Stdin,
    Embedded(&'static [u8]),
}

/// How it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    Ready,
    NewVersion,
    AlreadyThere,
    Reread,
    Unchanged,
    Failed,
}

/// A document that has come to its end, one way or the other.
#[derive(Debug, Serialize)]
pub(crate) struct Settled {
    pub(crate) name: String,
    pub(crate) outcome: Outcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) document: Option<Document>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    #[serde(skip)]
    pub(crate) bytes: u64,
}

/// What all uploads of one command share.
pub(crate) struct Uploads<'a> {
    client: &'a Client,
    collection: Option<&'a str>,
    sending: Semaphore,
    newest: HashMap<String, Uuid>,
}

#[derive(Deserialize)]
struct Answer {
    documents: Vec<Taken>,
}

#[derive(Deserialize)]
struct Taken {
    #[serde(flatten)]
    document: Document,
    #[serde(default)]
    duplicate: bool,
}

impl<'a> Uploads<'a> {
    /// Takes note of what is there, so that a new version can be told from a new document.
    pub(crate) async fn new(client: &'a Client, collection: Option<&'a str>, jobs: usize) -> Result<Self> {
        let there: Vec<Document> = client.list("/api/documents").await?;
        let newest = there
            .into_iter()
            .filter(|document| {
                document.superseded_by.is_none() && document.collection.as_deref() == collection
            })
            .map(|document| (document.name, document.id))
            .collect();
        Ok(Self { client, collection, sending: Semaphore::new(jobs), newest })
    }

    /// Uploads one document and follows it to its end. What goes wrong with it is its outcome.
    pub(crate) async fn run(&self, item: &Item) -> Settled {
        let mut settled = Settled {
            name: item.name.clone(),
            outcome: Outcome::Failed,
            document: None,
            error: None,
            bytes: 0,
        };
        match self.send_and_follow(item).await {
            Ok((document, outcome)) => {
                settled.outcome = outcome;
                settled.bytes = document.bytes;
                settled.error = document.error.clone().filter(|_| outcome == Outcome::Failed);
                settled.document = Some(document);
            }
            Err(error) => settled.error = Some(format!("{error:#}")),
        }
        settled
    }

    async fn send_and_follow(&self, item: &Item) -> Result<(Document, Outcome)> {
        let Taken { document, duplicate } = {
            let _permit = self.sending.acquire().await.context("the command is ending")?;
            self.send(item).await?
        };
        let document = self.follow(document).await?;
        let replaced = self.newest.get(&item.name).is_some_and(|known| *known != document.id);
        let outcome = match document.status {
            Status::Failed => Outcome::Failed,
            _ if duplicate => Outcome::AlreadyThere,
            _ if replaced => Outcome::NewVersion,
            _ => Outcome::Ready,
        };
        Ok((document, outcome))
    }

    async fn send(&self, item: &Item) -> Result<Taken> {
        let mut tries = 1;
        loop {
            let mut form = Form::new();
            if let Some(collection) = self.collection {
                form = form.text("collection", collection.to_owned());
            }
            let form = form.part("file", part(item).await?);
            let url = self.client.url("/api/documents", &[]);
            let request = self.client.request(Method::POST, url).multipart(form);
            let answer = match self.client.send(request).await {
                Ok(answer) => answer,
                Err(error) => {
                    let repeatable = !matches!(item.content, Content::Stdin) && tries < TRIES;
                    let Some(pause) = busy(&error).filter(|_| repeatable) else { return Err(error) };
                    tokio::time::sleep(pause).await;
                    tries += 1;
                    continue;
                }
            };
            let answer: Answer = answer.json().await.context("can't understand the server's answer")?;
            return answer.documents.into_iter().next().context("the server took no document");
        }
    }

    async fn follow(&self, mut document: Document) -> Result<Document> {
        let mut pause = Duration::from_millis(40);
        while !document.status.is_final() {
            tokio::time::sleep(pause).await;
            pause = (pause * 3 / 2).min(Duration::from_secs(1));
            document = self.client.get(&format!("/api/documents/{}", document.id), &[]).await?;
        }
        Ok(document)
    }
}

/// How long to wait, if the server is only busy.
fn busy(error: &anyhow::Error) -> Option<Duration> {
    let refusal = error.downcast_ref::<Refusal>()?;
    let is_busy = matches!(refusal.status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
    let pause = refusal.retry_after.unwrap_or(Duration::from_secs(1)).min(Duration::from_secs(5));
    is_busy.then_some(pause)
}

async fn part(item: &Item) -> Result<Part> {
    let part = match &item.content {
        Content::Embedded(bytes) => Part::bytes(*bytes),
        Content::Stdin => Part::stream(streamed(stdin().context("can't read standard input")?)),
        Content::File(path) => {
            let readable = async {
                let file = tokio::fs::File::open(path).await?;
                let length = file.metadata().await?.len();
                std::io::Result::Ok((file, length))
            };
            let (file, length) = readable.await.map_err(|error| anyhow::anyhow!(why(&error)))?;
            Part::stream_with_length(streamed(file), length)
        }
    };
    // A line end in a name would end the part's header; the server drops control characters anyway.
    Ok(part.file_name(item.name.replace(char::is_control, " ")))
}

/// Standard input as a file, read like any other.
fn stdin() -> std::io::Result<tokio::fs::File> {
    let input = std::io::stdin().as_fd().try_clone_to_owned()?;
    Ok(tokio::fs::File::from_std(input.into()))
}

fn streamed(reader: impl AsyncRead + Send + 'static) -> Body {
    Body::wrap_stream(ReaderStream::with_capacity(reader, 64 << 10).map_ok(Vec::from))
}
