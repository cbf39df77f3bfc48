//! Rows of tables, held against a question together with what stands above them.

use std::collections::HashSet;
use std::iter;
use std::ops::Range;
use std::sync::Arc;

use ibid_index::analysis::Language;

use super::record::read;
use crate::ask::cite::Facts;
use crate::ask::prompt::Excerpt;
use crate::ask::sentence::SentenceKind;
use crate::table::{self, Table, is_finished};

/// What belongs to a row.
pub(super) struct Row {
    /// Of the cell that says what the others are of.
    label: Facts,
    /// Of the heads of the columns.
    pub(super) heads: Arc<Facts>,
    /// Whether it only tells columns apart.
    pub(super) is_bare: bool,
    /// Whether it looks as if it did: in short words, above the other rows.
    pub(super) is_head: bool,
}

impl Row {
    /// Whether it holds numbers alone, and nothing above them speaks of what is asked.
    pub(super) fn is_mute(&self, asked: &Facts, cells: &Facts, heading: &Facts) -> bool {
        let is_above = |word: &str| self.heads.holds(word) > 0.0 || heading.holds(word) > 0.0;
        cells.words.is_empty() && !asked.words.iter().any(|(word, _)| is_above(word))
    }

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

/// What belongs to each line of a passage that is a row.
pub(super) fn rows(
    excerpt: &Excerpt,
    lines: impl Iterator<Item = (SentenceKind, Range<usize>)>,
    language: Option<Language>,
) -> Vec<Option<Row>> {
    let text = excerpt.text.as_str();
    let mut table = Table::going_on();
    let above = excerpt.source.columns.as_deref().unwrap_or_default();
    let mut known = None;
    let mut all_heads: HashSet<usize> = HashSet::new();
    let row = |(kind, line): (SentenceKind, Range<usize>)| {
        // Prose may have the signs of a row in it.
        let is_row = kind == SentenceKind::Row && !is_finished(&text[line.clone()]);
        if !table.take(text, line.clone(), is_row) {
            return None;
        }
        let place = line.start;
        let parts = table::Row::of(&text[line])?;
        let lines = table.heads();
        let of = (table.goes_on(), lines.to_vec());
        let heads = match known.take() {
            Some((known, heads)) if known == of => heads,
            _ => {
                let above = Some(above).filter(|_| table.goes_on());
                let told = above.into_iter().chain(lines.iter().map(|line| &text[line.clone()]));
                Arc::new(read(&told.collect::<Vec<_>>().join("\n"), language))
            }
        };
        known = Some((of, Arc::clone(&heads)));
        all_heads.extend(lines.iter().map(|line| line.start));
        let of_head = |cell: &&str| cell.split_whitespace().count() <= HEAD_WORDS && !cell.ends_with(':');
        let is_head = !parts.has_quantity && iter::once(&parts.label).chain(&parts.values).all(of_head);
        Some((
            place,
            Row { label: Facts::of(parts.label, language), heads, is_bare: parts.is_bare(), is_head },
        ))
    };
    let rows: Vec<_> = lines.map(row).collect();
    // What stands above rows is known when these were read.
    let told = |(at, row): (usize, Row)| Row { is_head: row.is_head && all_heads.contains(&at), ..row };
    rows.into_iter().map(|row| row.map(told)).collect()
}

/// Words of the head of a column, at most.
const HEAD_WORDS: usize = 4;

#[expect(clippy::cast_precision_loss, reason = "words of a row are few")]
fn mean(shares: &[f32]) -> f32 {
    if shares.is_empty() { 0.0 } else { shares.iter().sum::<f32>() / shares.len() as f32 }
}
