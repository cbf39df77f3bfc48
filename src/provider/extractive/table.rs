//! Rows of tables. A row says little by itself: what its cells are values of stands at its beginning,
//! and what tells its columns apart stands above it.

use std::sync::Arc;

use ibid_index::analysis::Language;

use super::cue::is_finished;
use crate::ask::cite::Facts;
use crate::ask::sentence::SentenceKind;

/// Lines right above the rows of a table that may belong to it: a caption, the heads of its columns.
const CAPTION_LINES: usize = 4;

/// What belongs to a row.
pub(super) struct Row {
    /// Of the cell that says what the others are of.
    label: Facts,
    /// Of the heads of the columns.
    pub(super) heads: Arc<Facts>,
    /// Whether it only tells columns apart.
    pub(super) is_bare: bool,
}

impl Row {
    /// How far a question says the label, and how far the label is what is asked for; each from 0 to 1.
    /// What stands above the table need not be in it.
    pub(super) fn fit(&self, asked: &Facts, heading: &Facts) -> (f32, f32) {
        let is_above = |word: &str| self.heads.holds(word) > 0.0 || heading.holds(word) > 0.0;
        let words = asked.words.iter().filter(|(word, name)| !name && !is_above(word));
        let asked_here: Vec<f32> = words.map(|(word, _)| self.label.holds(word)).collect();
        let said = self.label.words.iter().map(|(word, _)| f32::from(u8::from(asked.holds(word) == 1.0)));
        let numbers = self.label.numbers.iter().map(|number| f32::from(u8::from(asked.holds_number(number))));
        let said = mean(&said.chain(numbers).collect::<Vec<_>>());
        (said, said * mean(&asked_here))
    }
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
    /// The lines above it that are no sentences.
    captions: Vec<&'a str>,
    heads: Arc<Facts>,
    has_rows: bool,
    /// Whether a row of it was more than heads of columns.
    has_values: bool,
}

impl<'a> Table<'a> {
    fn take(&mut self, kind: SentenceKind, text: &'a str, language: Option<Language>) -> Option<Row> {
        // Prose may have the signs of a row in it.
        if kind != SentenceKind::Row || is_finished(text) {
            // A heading between rows leaves the columns as they are.
            if is_finished(text) {
                *self = Self::default();
            } else if !self.has_rows {
                self.captions.push(text);
            }
            return None;
        }
        if !self.has_rows {
            let first = self.captions.len().saturating_sub(CAPTION_LINES);
            self.heads = Arc::new(Facts::of(&self.captions[first..].join("\n"), language));
        }
        let cells = cells(text);
        let (label, values) = cells.split_first()?;
        let has_quantity = values.iter().any(|cell| is_quantity(cell));
        let is_named = !label.starts_with('(') && label.contains(char::is_alphabetic);
        // "Built | 1874" is a row of a table that has no heads.
        let is_pair = is_named && matches!(values, [only] if is_year(only));
        self.has_values |= has_quantity || is_pair || (is_named && self.has_rows);
        self.has_rows = true;
        if !self.has_values {
            let above = std::mem::take(&mut self.heads);
            self.heads = Arc::new(Arc::unwrap_or_clone(above).and(Facts::of(text, language)));
        }
        let is_bare = !has_quantity && !is_named;
        Some(Row { label: Facts::of(label, language), heads: Arc::clone(&self.heads), is_bare })
    }
}

/// The cells that say something. Where no sign parts them, figures do.
fn cells(row: &str) -> Vec<&str> {
    let says = |cell: &&str| cell.contains(char::is_alphanumeric);
    if row.contains(['|', '\t']) {
        return row.split(['|', '\t']).map(str::trim).filter(says).collect();
    }
    let is_figure = |word: &str| !word.contains(char::is_alphabetic);
    let behind = row.rsplit(' ').take_while(|word| is_figure(word)).map(|word| word.len() + 1).sum::<usize>();
    let (label, figures) = row.split_at(row.len().saturating_sub(behind));
    std::iter::once(label.trim()).chain(figures.split_whitespace()).filter(says).collect()
}

fn is_year(cell: &str) -> bool {
    cell.len() == 4 && cell.parse::<u16>().is_ok_and(|year| (1000..2100).contains(&year))
}

/// Whether a cell is a number, with a unit or without, that is no year.
fn is_quantity(cell: &str) -> bool {
    let num_letters = cell.chars().filter(|c| c.is_alphabetic()).count();
    cell.contains(|c: char| c.is_ascii_digit()) && num_letters <= 3 && !is_year(cell)
}

#[expect(clippy::cast_precision_loss, reason = "words of a row are few")]
fn mean(shares: &[f32]) -> f32 {
    if shares.is_empty() { 0.0 } else { shares.iter().sum::<f32>() / shares.len() as f32 }
}
