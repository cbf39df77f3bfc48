//! `ibid export`: a session as a file, as the server writes it.

use std::io::{IsTerminal, Write, stdout};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use uuid::Uuid;

use super::connect::Client;
use super::sessions::latest;

/// Write a session to a file: to read, or to keep and to verify.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ibid export --last -o answer.pdf
  ibid export 0198f2a4-5c1e-7d3a-9b1f-2f6d1c0a7e55 --format markdown
  ibid export --last --documents -o answer.json && ibid verify answer.json")]
pub(crate) struct Export {
    /// The session.
    #[arg(value_name = "SESSION", required_unless_present = "last")]
    id: Option<Uuid>,
    /// The session used last.
    #[arg(long, conflicts_with = "id")]
    last: bool,
    /// How to write it [default: as the name of the file ends, else json].
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Only this message; an answer comes with its question.
    #[arg(long, value_name = "ID")]
    message: Option<Uuid>,
    /// Put the texts of the documents into the bundle, so that it can be verified anywhere.
    #[arg(long)]
    documents: bool,
    /// Where to write it [default: standard output].
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Json,
    Markdown,
    Pdf,
}

impl Format {
    fn of(file: &Path) -> Option<Self> {
        match file.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "json" => Some(Self::Json),
            "md" | "markdown" => Some(Self::Markdown),
            "pdf" => Some(Self::Pdf),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Markdown => "markdown",
            Self::Pdf => "pdf",
        }
    }
}

pub(crate) async fn run(client: &Client, export: &Export) -> Result<()> {
    let id = match export.id {
        Some(id) => id,
        None => latest(client).await?,
    };
    let format = export.format.or(export.output.as_deref().and_then(Format::of)).unwrap_or(Format::Json);
    if export.documents && format != Format::Json {
        bail!("`--documents` goes with `--format json`: only a bundle carries texts");
    }
    let message = export.message.map(|id| id.to_string());
    let mut query = vec![("format", format.name())];
    query.extend(message.as_deref().map(|id| ("message", id)));
    query.extend(export.documents.then_some(("documents", "true")));
    let path = format!("/api/chat/sessions/{id}/export");
    let Some(file) = &export.output else {
        let mut out = stdout();
        if format == Format::Pdf && out.is_terminal() {
            bail!("a PDF is not for the terminal: name a file with `-o answer.pdf`");
        }
        return client.copy(&path, &query, &mut out).await;
    };
    write(client, &path, &query, file).await.with_context(|| format!("can't write `{}`", file.display()))
}

/// Writes the whole file or nothing of it.
async fn write(client: &Client, path: &str, query: &[(&str, &str)], file: &Path) -> Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // What is written here is for whoever may read what is created here otherwise.
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o666);
    let mut begun = tempfile::Builder::new().permissions(open).tempfile_in(folder)?;
    client.copy(path, query, &mut begun).await?;
    begun.flush()?;
    begun.persist(file)?;
    Ok(())
}
