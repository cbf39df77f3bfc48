//! Whether a bundle still holds: every quote at its range, every hash, against stored texts or those
//! the bundle carries itself. Reads nothing and decides nothing about what is missing; whoever asks
//! hands in the texts.

#[cfg(test)]
mod tests;

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;
use uuid::Uuid;

use crate::event::Citation;
use crate::export::{self, Bundle, BundledDocument, sha256};

/// A document as it is now, by whoever keeps it.
#[derive(Clone, Debug)]
pub struct Kept {
    /// SHA-256 of the original bytes, in hex.
    pub version: String,
    /// The stored text.
    pub text: String,
}

/// A bundle that can't be checked at all.
#[derive(Debug, Error)]
pub enum BundleError {
    /// It is not JSON of the right shape.
    #[error("this is not an export of ibid in JSON: {0}")]
    Unreadable(#[from] serde_json::Error),
    /// It calls itself something else.
    #[error("this is a `{0}`; expected `ibid-export`, which `ibid export SESSION` makes")]
    OtherFormat(String),
    /// It is of a later make.
    #[error("this export has version {0}, made by a later ibid; this one reads version 1")]
    OtherVersion(u32),
}

/// A bundle as it was read, with what its seal should be.
#[derive(Debug)]
pub struct Opened {
    /// What it says.
    pub bundle: Bundle,
    seal: String,
}

/// Reads a bundle.
///
/// # Errors
/// [`BundleError`] says what else it is.
pub fn open(bytes: &[u8]) -> Result<Opened, BundleError> {
    let value: Value = serde_json::from_slice(bytes)?;
    let format = value.get("format").and_then(Value::as_str).unwrap_or("JSON file without a `format`");
    if format != export::FORMAT {
        return Err(BundleError::OtherFormat(format.to_owned()));
    }
    let version = value.get("version").and_then(Value::as_u64).and_then(|number| u32::try_from(number).ok());
    if version != Some(export::VERSION) {
        return Err(BundleError::OtherVersion(version.unwrap_or(0)));
    }
    let seal = export::seal_of(&value);
    Ok(Opened { bundle: serde_json::from_value(value)?, seal })
}

/// What came of checking a bundle.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Verdicts {
    /// Whether everything holds.
    pub holds: bool,
    /// Whether the file is as it was exported.
    pub sealed: bool,
    /// The documents.
    pub documents: Vec<DocumentVerdict>,
    /// The citations, notes and passages.
    pub quotes: Vec<QuoteVerdict>,
}

/// What a document was checked against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Against {
    /// The data folder.
    Library,
    /// The text in the bundle.
    Bundle,
    /// Nothing: the text is nowhere.
    Nothing,
}

/// What came of a document.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct DocumentVerdict {
    /// The document.
    pub id: Uuid,
    /// Its title, where it is known.
    pub title: String,
    /// What it was checked against.
    pub against: Against,
    /// What does not hold; empty if everything does.
    pub faults: Vec<DocumentFault>,
}

/// What does not hold of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DocumentFault {
    /// It is in the data folder no more, and the bundle does not carry its text.
    Missing,
    /// The original bytes have another hash than the version that is cited.
    OriginalDiffers,
    /// The stored text has another hash than when it was cited.
    TextDiffers,
    /// The text in the bundle has another hash than the bundle says.
    BundledTextDiffers,
}

/// What kind of words was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum QuoteKind {
    /// A quote that an answer cites.
    Citation,
    /// A note of a deep research.
    Note,
    /// A passage that the bundle carries.
    Passage,
}

/// What came of a quote.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct QuoteVerdict {
    /// What kind of words it is.
    pub kind: QuoteKind,
    /// The answer that has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<Uuid>,
    /// The number of its source in the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub n: Option<u32>,
    /// The document.
    pub document_id: Uuid,
    /// First byte in the stored text.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// The words.
    pub quote: String,
    /// What does not hold; absent if everything does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<QuoteFault>,
}

/// What does not hold of a quote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "fault", rename_all = "snake_case")]
pub enum QuoteFault {
    /// The text it is from is nowhere to check it against.
    NotCheckable,
    /// It names another version than the document has.
    OtherVersion,
    /// The words are not at their range, but elsewhere in the text.
    Elsewhere {
        /// First byte of the place nearest to the range.
        start: usize,
    },
    /// The words are nowhere in the text.
    NotFound,
}

/// Checks everything. `kept` are the documents of the data folder, by the ids that the bundle uses.
#[must_use]
pub fn verify(opened: &Opened, kept: &HashMap<Uuid, Kept>) -> Verdicts {
    let bundle = &opened.bundle;
    let bundled: HashMap<Uuid, &BundledDocument> =
        bundle.documents.iter().map(|bundled| (bundled.document.id, bundled)).collect();
    let words = words(bundle);
    let mut ids: Vec<Uuid> =
        bundled.keys().copied().chain(words.iter().map(|words| words.document)).collect();
    ids.sort_unstable();
    ids.dedup();
    let documents: Vec<DocumentVerdict> =
        ids.into_iter().map(|id| document(id, bundled.get(&id).copied(), kept.get(&id))).collect();
    let quotes: Vec<QuoteVerdict> = words
        .into_iter()
        .map(|words| {
            let (bundled, kept) = (bundled.get(&words.document).copied(), kept.get(&words.document));
            let text = kept.map(|kept| kept.text.as_str()).or(bundled.and_then(|b| b.text.as_deref()));
            let version = kept.map(|kept| kept.version.as_str());
            let version = version.or(bundled.map(|bundled| bundled.document.version.as_str()));
            words.verdict(version, text)
        })
        .collect();
    let sealed = bundle.seal == opened.seal;
    let holds = sealed
        && documents.iter().all(|document| document.faults.is_empty())
        && quotes.iter().all(|quote| quote.fault.is_none());
    Verdicts { holds, sealed, documents, quotes }
}

fn document(id: Uuid, bundled: Option<&BundledDocument>, kept: Option<&Kept>) -> DocumentVerdict {
    let mut faults = Vec::new();
    let bundled_text = bundled.and_then(|bundled| bundled.text.as_deref());
    let against = match (kept, bundled_text) {
        (Some(_), _) => Against::Library,
        (None, Some(_)) => Against::Bundle,
        (None, None) => Against::Nothing,
    };
    if against == Against::Nothing {
        faults.push(DocumentFault::Missing);
    }
    if let Some(bundled) = bundled {
        if kept.is_some_and(|kept| kept.version != bundled.document.version) {
            faults.push(DocumentFault::OriginalDiffers);
        }
        if kept.is_some_and(|kept| sha256(kept.text.as_bytes()) != bundled.text_sha256) {
            faults.push(DocumentFault::TextDiffers);
        }
        if bundled_text.is_some_and(|text| sha256(text.as_bytes()) != bundled.text_sha256) {
            faults.push(DocumentFault::BundledTextDiffers);
        }
    }
    let title = bundled.map(|bundled| bundled.document.title.clone()).unwrap_or_default();
    DocumentVerdict { id, title, against, faults }
}

/// Words that claim a place.
struct Words<'a> {
    kind: QuoteKind,
    message: Option<Uuid>,
    n: Option<u32>,
    document: Uuid,
    version: Option<&'a str>,
    start: usize,
    end: usize,
    quote: &'a str,
}

fn words(bundle: &Bundle) -> Vec<Words<'_>> {
    let mut words = Vec::new();
    for message in &bundle.messages {
        let id = Some(message.id);
        words.extend(message.citations.iter().map(|citation: &Citation| Words {
            kind: QuoteKind::Citation,
            message: id,
            n: Some(citation.n),
            document: citation.document_id,
            version: Some(&citation.version),
            start: citation.start,
            end: citation.end,
            quote: &citation.quote,
        }));
        let results = message.steps.iter().filter_map(|step| step.result.as_ref());
        words.extend(results.flat_map(|result| &result.notes).map(|note| Words {
            kind: QuoteKind::Note,
            message: id,
            n: None,
            document: note.passage_id.document,
            version: None,
            start: note.start,
            end: note.end,
            quote: &note.quote,
        }));
    }
    words.extend(bundle.passages.iter().map(|passage| Words {
        kind: QuoteKind::Passage,
        message: None,
        n: None,
        document: passage.document_id,
        version: None,
        start: passage.start,
        end: passage.end,
        quote: &passage.text,
    }));
    words
}

impl Words<'_> {
    fn verdict(self, version: Option<&str>, text: Option<&str>) -> QuoteVerdict {
        let fault = match text {
            None => Some(QuoteFault::NotCheckable),
            Some(_) if self.version.is_some() && self.version != version => Some(QuoteFault::OtherVersion),
            Some(text) if text.get(self.start..self.end) == Some(self.quote) => None,
            Some(text) => Some(match nearest(text, self.quote, self.start) {
                Some(start) => QuoteFault::Elsewhere { start },
                None => QuoteFault::NotFound,
            }),
        };
        QuoteVerdict {
            kind: self.kind,
            message_id: self.message,
            n: self.n,
            document_id: self.document,
            start: self.start,
            end: self.end,
            quote: self.quote.to_owned(),
            fault,
        }
    }
}

/// Where the words stand, nearest to where they were said to.
fn nearest(text: &str, quote: &str, start: usize) -> Option<usize> {
    if quote.is_empty() {
        return None;
    }
    text.match_indices(quote).map(|(at, _)| at).min_by_key(|at| at.abs_diff(start))
}
