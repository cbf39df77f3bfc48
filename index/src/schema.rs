//! The fields of the index, each with its reason, and the marker that tells one schema from
//! another. How much a field counts for is said in `query`.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use tantivy::Index;
use tantivy::schema::{
    BytesOptions, FAST, Field, IndexRecordOption, STRING, Schema, TextFieldIndexing, TextOptions,
};
use tantivy::tokenizer::{TextAnalyzer, Token, TokenStream, Tokenizer};

use crate::error::IndexError;
use crate::query::Place;

/// Goes up when the fields or the analysis change: passages analysed in two ways don't compare.
pub(crate) const VERSION: u32 = 8;

const MARKER: &str = "ibid-index.json";
const LINES: &str = "lines";

pub(crate) const DOCUMENT_HIGH: &str = "document_high";
pub(crate) const DOCUMENT_LOW: &str = "document_low";
pub(crate) const VERSION_OF: &str = "version";
pub(crate) const ORDINAL: &str = "ordinal";
pub(crate) const COLLECTION: &str = "collection";

/// The value of [`Fields::language`] for a document whose language isn't known.
pub(crate) const NO_LANGUAGE: &str = "none";

/// The fields of a passage. None is stored: the store has the text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields {
    /// The document's id, to delete by.
    pub(crate) document: Field,
    /// The halves of the document's id as numbers, which can be read for every candidate: to filter
    /// by and to order equals.
    pub(crate) document_high: Field,
    pub(crate) document_low: Field,
    /// The document's version.
    pub(crate) version: Field,
    /// The passage's position in its document.
    pub(crate) ordinal: Field,
    /// The document's collections.
    pub(crate) collection: Field,
    /// The language the passage was analysed in.
    pub(crate) language: Field,
    /// Title, headings and body together. Scored as one field, a word counts once wherever it
    /// stands and rare title words don't drown the body. It alone has positions, for judging how close
    /// together the words of a question stand: title and headings are at 0, the body begins at 1.
    pub(crate) body: Field,
    /// Title and headings again, as a small addition.
    pub(crate) title: Field,
    /// The title without headings: what the document is called.
    pub(crate) title_alone: Field,
    /// The document's name, taken apart. A question that names a company and a year means the
    /// report of that year even where its pages mention neither.
    pub(crate) name: Field,
    /// Words of grammar, apart from the rest: they count only when a query has nothing else.
    pub(crate) stops: Field,
}

impl Fields {
    pub(crate) fn schema() -> (Schema, Self) {
        let mut schema = Schema::builder();
        let indexed = |option| {
            let analysed = TextFieldIndexing::default().set_tokenizer(LINES).set_fieldnorms(true);
            TextOptions::default().set_indexing_options(analysed.set_index_option(option))
        };
        let terms = indexed(IndexRecordOption::WithFreqs);
        let places = indexed(IndexRecordOption::WithFreqsAndPositions);
        let fields = Self {
            document: schema.add_bytes_field("document", BytesOptions::default().set_indexed()),
            document_high: schema.add_u64_field(DOCUMENT_HIGH, FAST),
            document_low: schema.add_u64_field(DOCUMENT_LOW, FAST),
            version: schema.add_text_field(VERSION_OF, TextOptions::default().set_fast("raw")),
            ordinal: schema.add_u64_field(ORDINAL, FAST),
            collection: schema.add_text_field(COLLECTION, TextOptions::default().set_fast("raw")),
            language: schema.add_text_field("language", STRING),
            body: schema.add_text_field("body", places),
            title: schema.add_text_field("title", terms.clone()),
            title_alone: schema.add_text_field("title_alone", terms.clone()),
            name: schema.add_text_field("name", terms.clone()),
            stops: schema.add_text_field("stops", terms),
        };
        (schema.build(), fields)
    }

    /// Where the terms of a query are looked up.
    pub(crate) fn of(&self, place: Place) -> Field {
        match place {
            Place::Body => self.body,
            Place::Title => self.title,
            Place::TitleAlone => self.title_alone,
            Place::Name => self.name,
            Place::Stops => self.stops,
        }
    }
}

/// Registers the tokenizer of the analysed fields.
pub(crate) fn prepare(index: &Index) {
    index.tokenizers().register(LINES, TextAnalyzer::from(Lines::default()));
}

#[derive(Serialize, Deserialize)]
struct Marker {
    schema: u32,
}

/// Checks that the folder is of this schema, or claims it if it is new.
pub(crate) fn claim(path: &Path) -> Result<(), IndexError> {
    let marker = path.join(MARKER);
    let found = match fs::read(&marker) {
        Ok(bytes) => serde_json::from_slice::<Marker>(&bytes)
            .map_err(|error| IndexError::Damaged(format!("{MARKER}: {error}")))?
            .schema
            .to_string(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if !path.join("meta.json").exists() {
                return Ok(write_marker(path, &marker)?);
            }
            "unmarked".to_owned()
        }
        Err(error) => return Err(error.into()),
    };
    let expected = VERSION.to_string();
    if found == expected { Ok(()) } else { Err(IndexError::OtherSchema { found, expected }) }
}

fn write_marker(folder: &Path, marker: &Path) -> io::Result<()> {
    let draft = marker.with_extension("tmp");
    let mut file = File::create(&draft)?;
    file.write_all(&serde_json::to_vec(&Marker { schema: VERSION })?)?;
    file.sync_all()?;
    fs::rename(&draft, marker)?;
    File::open(folder)?.sync_all()
}

/// Begins a line whose term stands one place behind the one before it, or at its place. The first place
/// is 1; what stands at no other's place before that is at 0.
pub(crate) const NEXT_PLACE: &str = "";
pub(crate) const SAME_PLACE: &str = "\t";

/// Hands on terms that are already analysed, one a line.
#[derive(Clone, Default)]
struct Lines {
    token: Token,
}

struct LineStream<'a> {
    rest: &'a str,
    token: &'a mut Token,
}

impl Tokenizer for Lines {
    type TokenStream<'a> = LineStream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> LineStream<'a> {
        self.token.reset();
        self.token.position = 0;
        LineStream { rest: text, token: &mut self.token }
    }
}

impl TokenStream for LineStream<'_> {
    fn advance(&mut self) -> bool {
        let Some((line, rest)) = self.rest.split_once('\n') else {
            return false;
        };
        self.rest = rest;
        let beside = line.strip_prefix(SAME_PLACE);
        self.token.position += usize::from(beside.is_none());
        self.token.text.clear();
        self.token.text.push_str(beside.unwrap_or(line));
        true
    }

    fn token(&self) -> &Token {
        self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        self.token
    }
}
