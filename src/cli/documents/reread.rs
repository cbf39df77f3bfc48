//! `ibid documents reread`: originals are read anew, by a program that may read them better than the
//! one that read them first.

use std::io::{Write as _, stderr};

use anyhow::Result;
use clap::Args;
use futures::StreamExt as _;
use ibid::access::User;
use ibid::document::{Document, Status};
use serde::Deserialize;
use serde_json::json;

use super::find;
use crate::cli::Ending;
use crate::cli::add::{Reader, Report};
use crate::cli::connect::Client;
use crate::cli::upload::{Outcome, Settled};

/// Documents that are asked for at the same time; the server reads as many at once as it likes.
const IN_FLIGHT: usize = 8;

/// Read originals anew, as this version of ibid reads them.
///
/// A document that comes out the same stays as it is. One that comes out otherwise is replaced by what was
/// read, and the old text stays for the answers that cite it.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ibid documents reread report.pdf
  ibid documents reread --collection papers
  ibid documents reread --all")]
pub(crate) struct Reread {
    /// Their ids or names.
    #[arg(required_unless_present_any = ["all", "collection"], conflicts_with_all = ["all", "collection"])]
    documents: Vec<String>,
    /// All documents of yours, also those that could not be read before.
    #[arg(long)]
    all: bool,
    /// All documents of a collection.
    #[arg(long, value_name = "NAME", conflicts_with = "all")]
    collection: Option<String>,
}

/// What is asked of whoever the server says this is.
#[derive(Deserialize)]
struct Me {
    user: User,
}

pub(super) async fn run(client: &Client, asked: &Reread, json: bool) -> Result<()> {
    let documents = meant(client, asked).await?;
    let mut report = Report::new(documents.len() as u64, if json { Reader::Program } else { Reader::Person });
    let rereading = async {
        let mut settling = futures::stream::iter(&documents)
            .map(|document| reread(client, document))
            .buffer_unordered(IN_FLIGHT);
        while let Some(settled) = settling.next().await {
            report.take(settled)?;
        }
        anyhow::Ok(())
    };
    let interrupted = tokio::select! {
        reread = rereading => reread.map(|()| false)?,
        _ = tokio::signal::ctrl_c() => true,
    };
    let finished = report.finish();
    if interrupted {
        writeln!(stderr(), "interrupted: what was not read anew is as it was")?;
        return Err(Ending::Interrupted.into());
    }
    finished
}

async fn meant(client: &Client, asked: &Reread) -> Result<Vec<Document>> {
    let mut documents = Vec::new();
    for named in &asked.documents {
        documents.push(find(client, named).await?);
    }
    if asked.all || asked.collection.is_some() {
        let wanted = asked.collection.as_deref().map(|name| ("collection", name));
        let all: Vec<Document> = client.list_of("/api/documents", wanted.as_slice()).await?;
        let me: Me = client.get("/api/me", &[]).await?;
        let is_meant = |document: &Document| document.owner == me.user && document.status.is_final();
        documents.extend(all.into_iter().filter(is_meant));
    }
    Ok(documents)
}

async fn reread(client: &Client, before: &Document) -> Settled {
    let path = format!("/api/documents/{}/reread", before.id);
    let mut settled = Settled {
        name: before.name.clone(),
        outcome: Outcome::Failed,
        document: None,
        error: None,
        bytes: before.bytes,
    };
    match client.post::<Document>(&path, &json!({})).await {
        Ok(document) => {
            settled.outcome = match document.status {
                Status::Failed => Outcome::Failed,
                _ if document.id != before.id || before.status == Status::Failed => Outcome::Reread,
                _ => Outcome::Unchanged,
            };
            settled.error.clone_from(&document.error);
            settled.document = Some(document);
        }
        Err(error) => settled.error = Some(format!("{error:#}")),
    }
    settled
}
