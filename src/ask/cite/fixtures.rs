//! A small shelf of passages for the tests of citing and grounding, and an answer read over one.

use ibid_index::analysis::Language;
use uuid::Uuid;

use super::{Piece, Scanner, Shelf};
use crate::ask::prompt::Excerpt;
use crate::document::PassageId;
use crate::event::{Citation, Source};

/// A piece of an answer as its reader gets it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Read {
    Text(String),
    Citation(Citation),
}

impl Read {
    pub(crate) fn citation(self) -> Option<Citation> {
        match self {
            Self::Citation(citation) => Some(citation),
            Self::Text(_) => None,
        }
    }
}

/// Reads an answer that comes in these parts.
pub(crate) fn read<'a>(
    excerpts: &[Excerpt],
    language: Option<Language>,
    parts: impl IntoIterator<Item = &'a str>,
) -> (Vec<Read>, Scanner) {
    let supplied = excerpts.iter().filter(|excerpt| !excerpt.text.trim().is_empty());
    let mut scanner = Scanner::new(supplied.map(|excerpt| excerpt.source.n).collect(), language);
    let mut pieces: Vec<Piece> = parts.into_iter().flat_map(|part| scanner.push(part)).collect();
    pieces.extend(scanner.finish());
    let shelf = Shelf::new(excerpts.to_vec(), language);
    let read = pieces.into_iter().filter_map(|piece| match piece {
        Piece::Text(text) => Some(Read::Text(text)),
        Piece::Mark(mark) => shelf.cite(&mark).map(Read::Citation),
    });
    (read.collect(), scanner)
}

pub(crate) const STORED: &[&str] = &[
    "Acme was founded in 1998 in Oslo. Its revenue grew 12% to $3.5 million\nin 2021. The company \
     does not sell hardware.",
    "The board approved the merger on 4 May 2020. It closed in June, but no price was paid. See [12] for more.",
    "| Year | Staff |\n|---|---|\n| 2020 | 1,200 |\n| 2021 | 1,450 |",
];

/// Stored texts in which each passage begins at byte 100.
pub(crate) fn excerpts() -> Vec<Excerpt> {
    let excerpt = |(at, text): (usize, &&str)| Excerpt {
        source: Source {
            n: u32::try_from(at).unwrap() + 1,
            document_id: Uuid::nil(),
            version: "v".into(),
            title: "Acme report".into(),
            page: Some(7),
            heading: None,
            columns: None,
            introduction: None,
            in_code: false,
            passage_id: PassageId { document: Uuid::nil(), ordinal: 0 },
            start: 100,
            end: 100 + text.len(),
            score: 1.0,
        },
        text: (*text).to_owned(),
    };
    STORED.iter().enumerate().map(excerpt).collect()
}
