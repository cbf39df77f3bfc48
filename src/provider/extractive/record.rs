//! A row of a wide sheet as it is told: what it is of, and those of its values that are asked for, each with
//! the head of its column. The place that is cited stays the whole row.

use std::ops::Range;

use ibid_index::analysis::{Language, parts};

use super::cue::names_reason;
use crate::ask::cite::Facts;
use crate::ask::prompt::Excerpt;
use crate::ask::told::told;
use crate::table::{Field, record};

/// Values of one row that may be what is asked for, and those that are told if none shows to be.
const MAX_VALUES: usize = 4;
const MAX_FIELDS: usize = 15;
/// A row of more cells says little beside a sentence if it is not known which of them is asked for.
const WIDE_CELLS: usize = 8;
/// What a column of reasons counts for where one is asked for, in words of the question.
const REASON: usize = 2;

/// What of a row is asked for, or all of it if that does not show in what stands above its columns; `None` if
/// there is too much of it, or nothing above them.
pub(super) fn told_record(
    excerpt: &Excerpt,
    row: Range<usize>,
    (asked, asks_reason): (&Facts, bool),
    language: Option<Language>,
) -> Option<String> {
    if excerpt.source.page.is_some() {
        return None;
    }
    let fields = record(&excerpt.text, excerpt.source.columns.as_deref(), row)?;
    let facts: Vec<[Facts; 2]> = fields
        .iter()
        .map(|Field { head, value }| [&**head, *value].map(|text| read(text, language)))
        .collect();
    let label = label(&fields, &facts, asked, language)?;
    // How much of the question the head of a column says, and how much of the head the question.
    let fit = |at: usize| {
        let ([head, _], [_, of]) = (&facts[at], &facts[label]);
        let is_reason = asks_reason && names_reason(head, language);
        let num = num_held(asked, head, of) + if is_reason { REASON } else { 0 };
        (num, said(&fields[at].head, asked, language))
    };
    let others = || (0..fields.len()).filter(|at| *at != label);
    let best = others().map(fit).max().filter(|(num, _)| *num > 0);
    let meant: Vec<&Field<'_>> =
        others().filter(|at| best.is_none_or(|best| fit(*at) == best)).map(|at| &fields[at]).collect();
    if meant.is_empty() || meant.len() > if best.is_some() { MAX_VALUES } else { MAX_FIELDS } {
        return None;
    }
    let value = |Field { head, value }: &Field<'_>| match head.as_str() {
        "" => told(value),
        head => format!("{}: {}", told(head), told(value)),
    };
    let values = meant.into_iter().map(value);
    Some(format!("{}, {}", told(fields[label].value), values.collect::<Vec<_>>().join("; ")))
}

/// Whether a row has many cells.
pub(super) fn is_wide(row: &str) -> bool {
    row.split(" | ").count() > WIDE_CELLS
}

/// The cell that says what the others are of: that which says most of the question, else the first with a word.
fn label(
    fields: &[Field<'_>],
    facts: &[[Facts; 2]],
    asked: &Facts,
    language: Option<Language>,
) -> Option<usize> {
    let nothing = Facts::default();
    let num = |at: usize| num_held(asked, &facts[at][1], &nothing);
    let said = |at: usize| (num(at), said(fields[at].value, asked, language));
    let best = (0..fields.len()).rev().max_by_key(|at| said(*at)).filter(|at| num(*at) > 0);
    best.or_else(|| fields.iter().position(|field| field.value.contains(char::is_alphabetic)))
}

/// How many words and numbers of a question stand in a text, and not in another.
fn num_held(asked: &Facts, text: &Facts, other: &Facts) -> usize {
    let words = asked.words.iter().filter(|(word, _)| text.holds(word) == 1.0 && other.holds(word) < 1.0);
    let numbers = asked.numbers.iter();
    let numbers = numbers.filter(|number| text.holds_number(number) && !other.holds_number(number));
    words.count() + numbers.count()
}

/// How much of a head or a cell a question says, in percent of its words.
fn said(text: &str, asked: &Facts, language: Option<Language>) -> usize {
    let facts = Facts::of(&spelled_out(text), language);
    let num_said = facts.words.iter().filter(|(word, _)| asked.holds(word) == 1.0).count();
    num_said * 100 / facts.words.len().max(1)
}

/// Reads a head or a cell: `eels_2023` is about eels too, and about a year.
pub(super) fn read(text: &str, language: Option<Language>) -> Facts {
    Facts::of(text, language).and(Facts::of(&spelled_out(text), language))
}

/// A text in which names that are written as one word stand as several.
fn spelled_out(text: &str) -> String {
    let words = text.split(|c: char| !c.is_alphanumeric() && c != '_');
    let spelled = words.map(|word| {
        let parts = parts(word);
        if parts.is_empty() { word.to_owned() } else { parts.join(" ") }
    });
    spelled.collect::<Vec<_>>().join(" ")
}
