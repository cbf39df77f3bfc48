//! Sentences and their byte ranges, in stored passages and in answers alike. Unicode's sentence
//! bounds, repaired where they cut an abbreviation, an initial or a hard-wrapped line in two, and
//! respecting the lines that are units of their own. Not a Markdown parser: it looks at the
//! beginning of a line, no further.

mod block;
mod bound;
mod joined;
mod list;
#[cfg(test)]
mod tests;

use std::ops::Range;

use block::Block;

pub(crate) use self::block::has_unpaired_fence;
pub(crate) use self::list::{Item, begins_with_item, introduction, items};
use crate::table::ProseRow;

/// A sentence, without the white space and the list or heading marker around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    /// Its bytes in the text; always on character boundaries, never empty.
    pub range: Range<usize>,
    /// What kind of line it stands in.
    pub kind: SentenceKind,
}

/// The kind of line a sentence stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SentenceKind {
    /// Running text.
    Prose,
    /// A heading, or a short line that stands above a paragraph like one.
    Heading,
    /// A list item; the marker is not part of the range.
    Item,
    /// A table row, whole.
    Row,
    /// What a row of prose is about, see [`sentences_and_cells`].
    Label,
    /// A sentence in a cell of a row of prose.
    Cell,
    /// A line of a fenced code block.
    Code,
}

/// Splits a text into sentences, in order and without overlap. Citation marks that follow the
/// full stop belong to the sentence before them.
///
/// A sentence longer than [`MAX_SENTENCE_BYTES`] is cut at the last semicolon, comma or space
/// before that, so that a page without punctuation does not become one quote.
#[must_use]
pub fn sentences(text: &str) -> Vec<Sentence> {
    of_blocks(text, false, |block| match block.kind {
        SentenceKind::Prose => joined::parted(text, block.range),
        _ => vec![block],
    })
}

/// The same for a text of a document, in which the rows of a table may hold prose: those are taken apart,
/// into a label and the sentences of their cells. In an answer a row is one claim. The text may begin inside
/// fenced code.
#[must_use]
pub fn sentences_and_cells(text: &str, in_code: bool) -> Vec<Sentence> {
    of_blocks(text, in_code, |block| match block.kind {
        SentenceKind::Prose => joined::parted(text, block.range),
        SentenceKind::Row => cells(text, block),
        _ => vec![block],
    })
}

/// The name that running text at a place stands below, as in a manual: `max_gates (integer)`. The heading is that
/// of the text's beginning.
pub(crate) fn term_above<'a>(
    text: &'a str,
    in_code: bool,
    heading: Option<&'a str>,
    place: usize,
) -> Option<&'a str> {
    let mut above = heading;
    for Block { range, kind } in block::blocks(text, in_code) {
        match kind {
            SentenceKind::Heading if range.end <= place => above = Some(text[range].trim()),
            // What stands below an item is said of that.
            SentenceKind::Item if range.start <= place => above = None,
            _ => {}
        }
    }
    above.filter(|above| block::names_term(above))
}

fn cells(text: &str, row: Block) -> Vec<Block> {
    let Some(prose) = ProseRow::of(text, row.range.clone()) else { return vec![row] };
    let label = prose.label.into_iter().map(|range| Block { range, kind: SentenceKind::Label });
    label.chain(prose.cells.into_iter().map(|range| Block { range, kind: SentenceKind::Cell })).collect()
}

fn of_blocks(text: &str, in_code: bool, parted: impl Fn(Block) -> Vec<Block>) -> Vec<Sentence> {
    let mut found = Vec::new();
    for block in block::blocks(text, in_code).into_iter().flat_map(parted) {
        let whole = matches!(
            block.kind,
            SentenceKind::Row | SentenceKind::Label | SentenceKind::Heading | SentenceKind::Code
        );
        let bounds = if whole { vec![block.range.clone()] } else { bound::split(text, &block.range) };
        for range in bounds.into_iter().flat_map(|range| shorten(text, range)) {
            let range = trim(text, range);
            if !range.is_empty() {
                found.push(Sentence { range, kind: block.kind });
            }
        }
    }
    found
}

/// The length past which a sentence is cut.
pub const MAX_SENTENCE_BYTES: usize = 900;

fn shorten(text: &str, mut range: Range<usize>) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    while range.len() > MAX_SENTENCE_BYTES {
        let limit = text.floor_char_boundary(range.start + MAX_SENTENCE_BYTES);
        let head = &text[range.start..limit];
        let late = |cut: &usize| *cut > MAX_SENTENCE_BYTES / 3;
        let cut = (head.rfind("; ").map(|at| at + 1).filter(late))
            .or_else(|| head.rfind(", ").map(|at| at + 1).filter(late))
            .or_else(|| head.rfind(char::is_whitespace).filter(late))
            .unwrap_or(head.len());
        parts.push(range.start..range.start + cut);
        range.start += cut;
    }
    parts.push(range);
    parts
}

fn trim(text: &str, range: Range<usize>) -> Range<usize> {
    let part = &text[range.clone()];
    let start = range.start + (part.len() - part.trim_start().len());
    start..start + part.trim().len()
}
