//! `ibid verify`: whether an exported bundle still holds, against the documents of the data folder
//! where they are, else against the texts the bundle carries.

use std::collections::HashMap;
use std::io::{Write, stdout};
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use ibid::config::Config;
use ibid::document::{Document, Status};
use ibid::export::{BundledDocument, sha256};
use ibid::verify::{
    Against, DocumentFault, DocumentVerdict, Kept, Opened, QuoteFault, QuoteKind, QuoteVerdict, Verdicts,
    open, verify,
};
use reqwest::StatusCode;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::answer::count;
use super::connect::{Client, Refusal, connect};
use super::screen::{Paint, flow, line, width};
use super::{Ending, close};

/// Check every quote and hash of an exported session.
///
/// Each document is looked for in the data folder, by its id or its bytes, and read anew; one that is
/// not there is checked against the text in the bundle. Ends in 0 if everything holds and in 1 if not.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ibid verify answer.json
  ibid verify --offline answer.json
  ibid verify --json answer.json | jq '.quotes[] | select(.fault)'")]
pub(crate) struct Verify {
    /// What `ibid export --format json` wrote.
    #[arg(value_name = "BUNDLE")]
    bundle: PathBuf,
    /// Look at nothing but the bundle.
    #[arg(long)]
    offline: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(config: &Config, asked: &Verify) -> Result<()> {
    let name = asked.bundle.display();
    let bytes = tokio::fs::read(&asked.bundle).await.with_context(|| format!("can't read `{name}`"))?;
    let opened = open(&bytes).with_context(|| format!("can't verify `{name}`"))?;
    // A machine without a library has nothing to look at, and gets none made for this.
    let kept = if asked.offline || !config.data.join("store").exists() {
        HashMap::new()
    } else {
        let client = connect(config).await?;
        let kept = keep(&client, &opened).await;
        match kept {
            Ok(kept) => {
                close(client, Ok(())).await?;
                kept
            }
            Err(error) => return close(client, Err(error)).await,
        }
    };
    let verdicts = verify(&opened, &kept);
    if asked.json {
        writeln!(stdout(), "{}", serde_json::to_string_pretty(&verdicts)?)?;
    } else {
        report(&verdicts)?;
    }
    if verdicts.holds { Ok(()) } else { Err(Ending::Reported.into()) }
}

/// The documents of the bundle that the library has, by the ids that the bundle uses.
async fn keep(client: &Client, opened: &Opened) -> Result<HashMap<Uuid, Kept>> {
    let mut kept = HashMap::new();
    let mut elsewhere = Vec::new();
    for bundled in &opened.bundle.documents {
        let id = bundled.document.id;
        match read(client, id).await? {
            Some(document) => _ = kept.insert(id, document),
            None => elsewhere.push(bundled),
        }
    }
    if elsewhere.is_empty() {
        return Ok(kept);
    }
    // The same bytes may be there under another id: on another machine, or uploaded again.
    let library: Vec<Document> = client.list_of("/api/documents", &[("superseded", "true")]).await?;
    for BundledDocument { document, text_sha256, .. } in elsewhere {
        let is_same = |other: &&Document| other.version == document.version && other.status == Status::Ready;
        for same in library.iter().filter(is_same) {
            let Some(found) = read(client, same.id).await? else { continue };
            let is_it = sha256(found.text.as_bytes()) == *text_sha256;
            kept.insert(document.id, found);
            // Bytes that were read anew have several texts.
            if is_it {
                break;
            }
        }
    }
    Ok(kept)
}

/// A document of the library with its text, and the hash of its bytes as they are now.
async fn read(client: &Client, id: Uuid) -> Result<Option<Kept>> {
    let path = format!("/api/documents/{id}");
    let document: Document = match client.get(&path, &[]).await {
        Ok(document) => document,
        Err(error) if is_missing(&error) => return Ok(None),
        Err(error) => return Err(error),
    };
    if document.status != Status::Ready {
        return Ok(None);
    }
    let text = client.text(&format!("{path}/text"), &[]).await?;
    let mut original = Hashing(Sha256::new());
    client.copy(&format!("{path}/content"), &[], &mut original).await?;
    let version = original.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Some(Kept { version, text }))
}

fn is_missing(error: &anyhow::Error) -> bool {
    error.downcast_ref::<Refusal>().is_some_and(|refusal| refusal.status == StatusCode::NOT_FOUND)
}

struct Hashing(Sha256);

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn report(verdicts: &Verdicts) -> Result<()> {
    let mut out = stdout();
    let paint = Paint::for_stream(&out);
    if !verdicts.sealed {
        writeln!(out, "{}", paint.bad("the file was changed after it was exported: its seal is broken"))?;
    }
    for document in verdicts.documents.iter().filter(|document| !document.faults.is_empty()) {
        for fault in &document.faults {
            writeln!(out, "{}  {}", paint.bold(&named(document)), paint.bad(said(*fault)))?;
        }
    }
    for quote in &verdicts.quotes {
        if let Some(fault) = quote.fault.as_ref().filter(|fault| **fault != QuoteFault::NotCheckable) {
            write_quote(&mut out, quote, fault, verdicts, paint)?;
        }
    }
    let of = |kind: QuoteKind| verdicts.quotes.iter().filter(move |quote| quote.kind == kind);
    let held = |kind: QuoteKind| of(kind).filter(|quote| quote.fault.is_none()).count();
    let mut held_of = Vec::new();
    for (kind, what) in
        [(QuoteKind::Citation, "citation"), (QuoteKind::Note, "note"), (QuoteKind::Passage, "passage")]
    {
        let all = of(kind).count();
        if all > 0 {
            held_of.push(format!("{} of {}", held(kind), count(all as u64, what)));
        }
    }
    let unchecked = verdicts.documents.iter().filter(|document| document.against == Against::Nothing).count();
    let unchecked = match unchecked {
        0 => String::new(),
        some => format!("; {} could not be checked", count(some as u64, "document")),
    };
    let verdict = if verdicts.holds { "everything holds" } else { "not everything holds" };
    let held_of = if held_of.is_empty() { "nothing is cited".to_owned() } else { held_of.join(", ") };
    writeln!(out, "{}: {held_of}{unchecked}", paint.bold(verdict))?;
    Ok(())
}

fn write_quote(
    out: &mut impl Write,
    quote: &QuoteVerdict,
    fault: &QuoteFault,
    verdicts: &Verdicts,
    paint: Paint,
) -> Result<()> {
    let document = verdicts.documents.iter().find(|document| document.id == quote.document_id);
    let document = document.map_or_else(|| quote.document_id.to_string(), named);
    let number = quote.n.map(|n| format!("[{n}] ")).unwrap_or_default();
    let what = match fault {
        QuoteFault::NotCheckable => "can't be checked".to_owned(),
        QuoteFault::OtherVersion => "is cited from another version of the document".to_owned(),
        QuoteFault::Elsewhere { start } => {
            format!("does not stand at byte {}, but at byte {start}", quote.start)
        }
        QuoteFault::NotFound => "is not in the text".to_owned(),
    };
    writeln!(out, "{number}{}  {}", paint.bold(&document), paint.bad(&what))?;
    writeln!(out, "{}", flow(&format!("“{}”", quote.quote), &[], paint, 4, width()))?;
    Ok(())
}

fn named(document: &DocumentVerdict) -> String {
    if document.title.is_empty() { document.id.to_string() } else { line(&document.title) }
}

fn said(fault: DocumentFault) -> &'static str {
    match fault {
        DocumentFault::Missing => "is not in the library, and the bundle has no text of it",
        DocumentFault::OriginalDiffers => "the original bytes have another hash than the cited version",
        DocumentFault::TextDiffers => "the stored text is not the one that was cited",
        DocumentFault::BundledTextDiffers => "the text in the bundle is not the one that was exported",
    }
}
