//! What was uploaded: documents, their versions, and the passages that can be cited.
//! Plain data; reading and writing it is the work of `store`, `files` and `ingest`.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::access::User;

/// One version of an uploaded source. New bytes under a known name make a new document, and the
/// old one, marked superseded, stays readable for the citations that point into it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Document {
    /// UUIDv7, so documents sort by the time of their upload.
    pub id: Uuid,
    /// Who uploaded it, where there are accounts.
    #[serde(default, skip_serializing_if = "User::is_local")]
    pub owner: User,
    /// The file name as uploaded, or the relative path for a folder.
    pub name: String,
    /// The title a reader gave it, else the one found in the document, else its name.
    pub title: String,
    /// Whether a reader gave the title, so that reading the document again leaves it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_renamed: bool,
    /// What the content is, whatever the file name claims.
    pub media_type: String,
    /// SHA-256 of the original bytes, in hex: the version that citations name.
    pub version: String,
    /// How far ingest has come.
    pub status: Status,
    /// Why ingest failed, in words for the person who uploaded it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Things worth knowing about a document that is ready, such as a page without a text layer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Number of pages, where the format has pages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pages: Option<u32>,
    /// ISO 639-1 code of the language the text is in, where it could be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Size of the original.
    pub bytes: u64,
    /// Number of passages; 0 until ready.
    pub passages: u32,
    /// The collection the document was put in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collection: Option<String>,
    /// When it was uploaded.
    pub created_at: Timestamp,
    /// The document that held this name before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supersedes: Option<Uuid>,
    /// The document that replaced this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub superseded_by: Option<Uuid>,
}

impl Document {
    /// Whether searches and answers may use this document.
    #[must_use]
    pub fn is_searchable(&self) -> bool {
        self.status == Status::Ready && self.superseded_by.is_none()
    }
}

/// How far ingest has come with a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Stored, waiting for an extractor.
    Queued,
    /// An extractor is reading it.
    Extracting,
    /// Its passages are on their way into the index.
    Indexing,
    /// Searchable.
    Ready,
    /// It could not be read; `error` says why.
    Failed,
}

impl Status {
    /// Whether nothing more will happen to the document by itself.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Ready | Self::Failed)
    }
}

/// A stored, citable span of one document version. Ranges are byte offsets into the stored text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Passage {
    /// Position among the document's passages, from 0.
    pub ordinal: u32,
    /// First byte in the stored text.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// The page the passage begins on, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<u32>,
    /// The headings above it, outermost first, joined by ` › `.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heading: Option<String>,
    /// If it begins inside a table, what stands above the table's columns, its lines parted by ` / `.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<String>,
}

impl Passage {
    /// The bytes the passage covers.
    #[must_use]
    pub fn range(&self) -> Range<usize> {
        self.start..self.end
    }
}

/// What stands between the headings above a passage.
pub const HEADING_SEPARATOR: &str = " › ";

/// Where a page begins in the stored text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PageStart {
    /// Page number, from 1.
    pub page: u32,
    /// Byte offset of its first character.
    pub start: usize,
}

/// Names a passage of a document: `<document id>:<ordinal>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PassageId {
    /// The document.
    pub document: Uuid,
    /// The passage's position in it.
    pub ordinal: u32,
}

impl fmt::Display for PassageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.document, self.ordinal)
    }
}

impl FromStr for PassageId {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "a passage id reads `<document id>:<ordinal>`";
        let (document, ordinal) = text.split_once(':').ok_or(EXPECTED)?;
        Ok(Self {
            document: document.parse().map_err(|_| EXPECTED)?,
            ordinal: ordinal.parse().map_err(|_| EXPECTED)?,
        })
    }
}

impl Serialize for PassageId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PassageId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for PassageId {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "PassageId".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "`<document id>:<ordinal>`",
            "pattern": "^[0-9a-f-]{36}:[0-9]+$",
        })
    }
}
