//! `ibid documents`: what was put in, and how it went.

mod reread;

use std::io::{IsTerminal, Write, stdout};

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use ibid::document::{Document, Status};
use indicatif::HumanBytes;
use uuid::Uuid;

use super::answer::count;
use super::connect::Client;
use super::screen::{Paint, clean, line};

/// List, show, read anew and delete documents.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ibid documents
  ibid documents show report.pdf
  ibid documents text report.pdf | less
  ibid documents reread --all
  ibid documents delete 0198f2a4-5c1e-7d3a-9b1f-2f6d1c0a7e55")]
pub(crate) struct Documents {
    #[command(subcommand)]
    what: Option<What>,
    /// Print JSON.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List all documents (the default).
    List,
    /// Show all that is known of one document.
    Show {
        /// Its id or its name.
        document: String,
    },
    /// Delete documents for good, with their passages.
    Delete {
        /// Their ids or names.
        #[arg(required = true)]
        documents: Vec<String>,
    },
    Reread(reread::Reread),
    /// Print the text that searches and citations use.
    Text {
        /// Its id or its name.
        document: String,
    },
}

pub(crate) async fn run(client: &Client, documents: &Documents) -> Result<()> {
    let mut out = stdout();
    match &documents.what {
        None | Some(What::List) => list(client, documents.json).await,
        Some(What::Show { document }) => {
            let document = find(client, document).await?;
            if documents.json {
                writeln!(out, "{}", serde_json::to_string(&document)?)?;
                return Ok(());
            }
            show(&mut out, &document)
        }
        Some(What::Delete { documents }) => {
            for named in documents {
                let document = find(client, named).await?;
                client.delete(&format!("/api/documents/{}", document.id)).await?;
                writeln!(out, "deleted {} ({})", line(&document.name), document.id)?;
            }
            Ok(())
        }
        Some(What::Reread(asked)) => reread::run(client, asked, documents.json).await,
        Some(What::Text { document }) => {
            let path = format!("/api/documents/{}/text", find(client, document).await?.id);
            if !out.is_terminal() {
                return client.copy(&path, &[], &mut out).await;
            }
            let mut text = Vec::new();
            client.copy(&path, &[], &mut text).await?;
            writeln!(out, "{}", clean(&String::from_utf8_lossy(&text)))?;
            Ok(())
        }
    }
}

/// The document of that id, or the only newest one of that name.
pub(crate) async fn find(client: &Client, named: &str) -> Result<Document> {
    if let Ok(id) = named.parse::<Uuid>() {
        return client.get(&format!("/api/documents/{id}"), &[]).await;
    }
    let all: Vec<Document> = client.list("/api/documents").await?;
    let mut matching = all.into_iter().filter(|document| document.name == named);
    let of_that_name = matching.by_ref().filter(|document| document.superseded_by.is_none());
    let newest: Vec<Document> = of_that_name.collect();
    match <[Document; 1]>::try_from(newest) {
        Ok([document]) => Ok(document),
        Err(none) if none.is_empty() => {
            bail!("no document has the id or name `{named}`: see `ibid documents`")
        }
        Err(several) => bail!("{} documents are named `{named}`: give an id", several.len()),
    }
}

async fn list(client: &Client, json: bool) -> Result<()> {
    let mut out = stdout();
    let all: Vec<Document> = client.list("/api/documents").await?;
    let paint = Paint::for_stream(&out);
    for document in &all {
        if json {
            writeln!(out, "{}", serde_json::to_string(document)?)?;
            continue;
        }
        let mut state = match document.status {
            Status::Ready if document.superseded_by.is_some() => "superseded".to_owned(),
            Status::Ready => count(document.passages.into(), "passage"),
            status @ (Status::Queued | Status::Extracting | Status::Indexing | Status::Failed) => {
                status_name(status)?
            }
        };
        if let Some(collection) = &document.collection {
            state += &format!(", in {}", line(collection));
        }
        if let Some(error) = &document.error {
            state += &format!(": {}", line(error));
        }
        writeln!(
            out,
            "{}  {}  {}",
            paint.dim(&document.id.to_string()),
            line(&document.name),
            paint.dim(&state)
        )?;
    }
    if all.is_empty() && !json {
        writeln!(out, "no documents yet: put some in with `ibid add PATH`")?;
    }
    Ok(())
}

fn show(out: &mut impl Write, document: &Document) -> Result<()> {
    let fields: Vec<(&str, Option<String>)> = vec![
        ("id", Some(document.id.to_string())),
        ("name", Some(line(&document.name))),
        ("title", Some(line(&document.title))),
        ("type", Some(line(&document.media_type))),
        ("status", Some(status_name(document.status)?)),
        ("error", document.error.as_deref().map(line)),
        ("pages", document.pages.map(|pages| pages.to_string())),
        ("passages", Some(document.passages.to_string())),
        ("language", document.language.as_deref().map(line)),
        ("size", Some(HumanBytes(document.bytes).to_string())),
        ("collection", document.collection.as_deref().map(line)),
        ("version", Some(line(&document.version))),
        ("uploaded", Some(document.created_at.to_string())),
        ("replaced by", document.superseded_by.map(|id| id.to_string())),
    ];
    for (name, value) in fields {
        if let Some(value) = value {
            writeln!(out, "{name:>11}  {value}")?;
        }
    }
    for note in &document.notes {
        writeln!(out, "{:>11}  {}", "note", line(note))?;
    }
    Ok(())
}

/// A status as the API writes it.
fn status_name(status: Status) -> Result<String> {
    let name = serde_json::to_value(status)?;
    name.as_str().map(str::to_owned).context("a status is a word")
}
