//! Rows of tables. A row says little by itself: what its cells are values of stands at its beginning,
//! and what tells its columns apart stands above it.

use ibid_index::analysis::Language;

use super::cue::is_finished;
use crate::ask::cite::Facts;
use crate::ask::sentence::SentenceKind;

/// Lines right above the rows of a table that may belong to it: a caption, the heads of its columns.
const CAPTION_LINES: usize = 4;

/// What belongs to a row.
pub(super) struct Row {
    /// Of the cell that says what the others are of.
    pub(super) label: Facts,
    /// Of the heads of the columns.
    pub(super) heads: Facts,
    /// Whether it is one of those itself.
    pub(super) is_head: bool,
}

/// What belongs to each line that is a row.
pub(super) fn rows<'a>(
    lines: impl Iterator<Item = (SentenceKind, &'a str)>,
    language: Option<Language>,
) -> Vec<Option<Row>> {
    let mut table = Table::default();
    lines.map(|(kind, text)| table.take(kind, text, language)).collect()
}

/// The table that is being read.
#[derive(Default)]
struct Table<'a> {
    /// The last lines above it that are no sentences.
    captions: Vec<&'a str>,
    heads: Facts,
    has_rows: bool,
    /// Whether a row of it was more than heads of columns.
    has_values: bool,
}

impl<'a> Table<'a> {
    fn take(&mut self, kind: SentenceKind, text: &'a str, language: Option<Language>) -> Option<Row> {
        if kind != SentenceKind::Row {
            if is_finished(text) {
                *self = Self::default();
            } else if self.has_values {
                // A heading between rows: the columns are the same below it.
                self.captions.clear();
            } else {
                self.captions.push(text);
            }
            return None;
        }
        if !self.has_rows {
            let first = self.captions.len().saturating_sub(CAPTION_LINES);
            self.heads = Facts::of(&self.captions[first..].join("\n"), language);
        }
        let cells: Vec<&str> = text
            .split(['|', '\t'])
            .map(str::trim)
            .filter(|cell| cell.contains(char::is_alphanumeric))
            .collect();
        let (label, values) = cells.split_first()?;
        // The first row of a table of words is that of its heads; the others have no values either.
        let is_head = if values.iter().any(|cell| is_quantity(cell)) {
            false
        } else {
            !self.has_rows || !self.has_values && !has_letters(label)
        };
        self.has_rows = true;
        if is_head {
            self.heads = std::mem::take(&mut self.heads).and(Facts::of(text, language));
        } else {
            self.has_values = true;
        }
        Some(Row { label: Facts::of(label, language), heads: self.heads.clone(), is_head })
    }
}

fn has_letters(cell: &str) -> bool {
    cell.contains(char::is_alphabetic)
}

/// Whether a cell is a number that is no year.
fn is_quantity(cell: &str) -> bool {
    let is_year = cell.len() == 4 && cell.parse::<u16>().is_ok_and(|year| (1800..2200).contains(&year));
    let letters = cell.chars().filter(|c| c.is_alphabetic()).count();
    cell.contains(|c: char| c.is_ascii_digit()) && letters <= 3 && !is_year
}
