//! A session, or one answer of it, to keep: as a bundle that can be checked without this server, as
//! Markdown, or as a typeset PDF. All three are made from the same [`Bundle`]; nothing is exported
//! that the reader could not see.

mod bundle;
mod markdown;
mod pdf;
#[cfg(test)]
pub(crate) mod sample;
mod sources;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;
use uuid::Uuid;

use crate::Error;
use crate::access::Caller;
use crate::app::App;

pub(crate) use bundle::seal_of;
pub use bundle::{Bundle, BundledDocument, BundledPassage, FORMAT, VERSION, seal, sha256};

/// How an export is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Everything, for programs and for `ibid verify`.
    #[default]
    Json,
    /// The conversation with its sources, for any editor or viewer.
    Markdown,
    /// The same, typeset.
    Pdf,
}

/// What to export.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted {
    /// How it is written.
    pub format: Format,
    /// Only this message; an answer comes with its question.
    pub message: Option<Uuid>,
    /// Whether a bundle carries the texts of the cited documents, to be checked anywhere.
    pub documents: bool,
}

/// An export as it leaves.
#[derive(Debug)]
pub struct Exported {
    /// A file name made from the session's title.
    pub name: String,
    /// What it is.
    pub media_type: &'static str,
    /// The file.
    pub bytes: Vec<u8>,
}

/// Exports a session.
///
/// # Errors
/// [`Error::NotFound`], [`Error::TooLarge`] if the texts do not fit into a bundle, or if the store
/// or a file can't be read.
pub async fn export(app: &App, caller: &Caller, session: Uuid, wanted: Wanted) -> Result<Exported, Error> {
    let bundle = bundle::gather(app, caller, session, wanted).await?;
    // A typeset page is work that other readers shall not wait for.
    spawn_blocking(move || {
        let name = file_name(&bundle.session.title);
        let (extension, media_type, bytes) = match wanted.format {
            Format::Json => ("json", "application/json", seal(&bundle)),
            Format::Markdown => ("md", "text/markdown; charset=utf-8", markdown::write(&bundle).into_bytes()),
            Format::Pdf => ("pdf", "application/pdf", pdf::write(&bundle)?),
        };
        Ok(Exported { name: format!("{name}.{extension}"), media_type, bytes })
    })
    .await?
}

/// A title as the name of a file: words joined by hyphens, nothing that a shell or a system minds.
fn file_name(title: &str) -> String {
    let words = title.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let mut name = String::new();
    for word in words {
        if name.len() + word.len() > 60 {
            break;
        }
        if !name.is_empty() {
            name.push('-');
        }
        name.push_str(&word.to_lowercase());
    }
    if name.is_empty() { "session".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_becomes_a_plain_file_name() {
        assert_eq!(file_name("How high? ../../etc: “Größe”"), "how-high-etc-größe");
        assert_eq!(file_name("…"), "session");
        assert!(file_name(&"word ".repeat(100)).len() <= 64);
    }
}
