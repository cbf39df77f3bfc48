//! What goes into the index and what comes out. Plain data; no text is kept.

use std::fmt;
use std::io;

use uuid::Uuid;

use crate::analysis::Language;

/// One thing to do to the index.
#[derive(Debug)]
pub enum Change<'a> {
    /// Index these passages in place of all that the document had.
    Put(Document<'a>),
    /// Forget the document's passages.
    Delete(Uuid),
}

/// A document to index.
pub struct Document<'a> {
    /// Names the document in scopes and hits.
    pub id: Uuid,
    /// Its content hash, handed back by [`PassageIndex::documents`](crate::PassageIndex::documents).
    pub version: &'a str,
    /// The file name or relative path, which often says what the text does not: whose report, of
    /// which year.
    pub name: &'a str,
    /// The title found in the document. A title that only repeats `name` may be left empty.
    pub title: &'a str,
    /// The collections it belongs to, for scopes.
    pub collections: &'a [String],
    /// The language its words are stemmed in; none leaves them as they are.
    pub language: Option<Language>,
    /// The passages, read one at a time so that a large document is never held twice.
    pub passages: Box<dyn Iterator<Item = io::Result<PassageText<'a>>> + 'a>,
}

impl fmt::Debug for Document<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document")
            .field("id", &self.id)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

/// The words of one passage.
pub struct PassageText<'a> {
    /// Its position among the document's passages.
    pub ordinal: u32,
    /// The headings above it, outermost first.
    pub heading: Option<std::borrow::Cow<'a, str>>,
    /// The text itself.
    pub body: std::borrow::Cow<'a, str>,
}

impl fmt::Debug for PassageText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PassageText").field("ordinal", &self.ordinal).finish_non_exhaustive()
    }
}

/// A passage that answers a query.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// The document it is in.
    pub document: Uuid,
    /// The version that was indexed.
    pub version: String,
    /// Its position among the document's passages.
    pub ordinal: u32,
    /// How well it answers; comparable only within one search.
    pub score: f32,
}

/// Where to search. `None` is everywhere, an empty list nowhere; with both lists a document has to
/// be in both.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// Only these documents.
    pub documents: Option<Vec<Uuid>>,
    /// Only documents of at least one of these collections.
    pub collections: Option<Vec<String>>,
}

impl Scope {
    /// Searches every document.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// Searches only these documents.
    #[must_use]
    pub fn documents(documents: Vec<Uuid>) -> Self {
        Self { documents: Some(documents), collections: None }
    }

    /// Searches only documents of these collections.
    #[must_use]
    pub fn collections(collections: Vec<String>) -> Self {
        Self { documents: None, collections: Some(collections) }
    }
}

/// What the index holds of a document, for comparing it with the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentEntry {
    /// The version whose passages are indexed.
    pub version: String,
    /// How many there are.
    pub num_passages: u32,
}

/// How a document has a word.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spread {
    /// In what share of its passages it stands, from 0 to 1: their text, their headings, the title. In all of
    /// them if the document's name has it.
    pub share: f32,
    /// Whether the first passage is one of these.
    pub begins: bool,
}
