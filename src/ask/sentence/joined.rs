//! Tables whose rows were run together into a paragraph, as happens in the text of a PDF: "Net income
//! $ 4,029 $ 1,933 Other income 78 (66)". Figures side by side, again and again, are what prose does not
//! have.

use std::ops::Range;

use super::SentenceKind;
use super::block::Block;
use super::bound;

/// Figures side by side that end a row.
const LEAST_FIGURES: usize = 2;
/// Such rows that make a paragraph a table.
const LEAST_ROWS: usize = 2;

/// The rows of a paragraph, and what stands before and behind them; the paragraph as it is if it is none.
pub(super) fn parted(text: &str, paragraph: Range<usize>) -> Vec<Block> {
    let ends = row_ends(&text[paragraph.clone()]);
    if ends.len() < LEAST_ROWS {
        return vec![Block { range: paragraph, kind: SentenceKind::Prose }];
    }
    let mut blocks = Vec::new();
    let mut start = paragraph.start;
    for end in ends {
        let end = paragraph.start + end;
        // What introduces the table is none of its rows.
        let last = bound::split(text, &(start..end)).pop().map_or(start, |last| last.start);
        let begins = text[last..end].rfind(": ").map_or(last, |at| last + at + 2);
        if begins > start {
            blocks.push(Block { range: start..begins, kind: SentenceKind::Prose });
            start = begins;
        }
        blocks.push(Block { range: start..end, kind: SentenceKind::Row });
        start = end;
    }
    if start < paragraph.end {
        blocks.push(Block { range: start..paragraph.end, kind: SentenceKind::Prose });
    }
    blocks
}

/// Where rows end: behind figures, before a word that begins anew or at the end.
fn row_ends(text: &str) -> Vec<usize> {
    let mut ends = Vec::new();
    let (mut num_figures, mut figures_end) = (0, 0);
    let mut at = 0;
    for word in text.split_inclusive(char::is_whitespace) {
        let begins = at;
        at += word.len();
        let word = word.trim_end();
        match word {
            "" => {}
            _ if is_figure(word) => (num_figures, figures_end) = (num_figures + 1, begins + word.len()),
            _ if !word.contains(char::is_alphanumeric) && word.chars().count() <= 2 => {}
            _ => {
                if num_figures >= LEAST_FIGURES && begins_anew(word) {
                    ends.push(figures_end);
                }
                num_figures = 0;
            }
        }
    }
    if num_figures >= LEAST_FIGURES {
        ends.push(figures_end);
    }
    ends
}

/// Whether a word is a number as tables have them: in brackets, with a sign of currency, in percent.
fn is_figure(word: &str) -> bool {
    word.contains(|c: char| c.is_ascii_digit())
        && !word.contains(char::is_alphabetic)
        && !word.ends_with(['.', ',', ';', ':'])
}

fn begins_anew(word: &str) -> bool {
    let first = word.chars().find(|c| c.is_alphanumeric());
    first.is_some_and(|first| first.is_alphabetic() && !first.is_lowercase())
}
