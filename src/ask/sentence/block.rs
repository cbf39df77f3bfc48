//! Lines into blocks: a paragraph of wrapped lines, a heading, a list item with the lines that
//! continue it, a table row. What a line is, is told by how it begins and, for headings without a
//! sign, by how short it is beside the next.

use std::ops::Range;

use super::SentenceKind;
use crate::table::{is_row, is_rule};

/// A stretch of text that no sentence crosses.
#[derive(Clone)]
pub(super) struct Block {
    /// Its bytes, the marker not included.
    pub(super) range: Range<usize>,
    /// What it is.
    pub(super) kind: SentenceKind,
}

/// The blocks of a text, in order. Blank lines and table rules belong to none.
pub(super) fn blocks(text: &str, in_code: bool) -> Vec<Block> {
    let lines = lines(text);
    let mut blocks: Vec<Block> = Vec::new();
    let mut open = false;
    let mut fenced = in_code;
    let front_matter = if in_code { 0 } else { front_matter(text, &lines) };
    for (at, line) in lines.iter().enumerate() {
        let words = text[line.clone()].trim();
        if is_fence(words) {
            fenced = !fenced;
            open = false;
            continue;
        }
        if words.is_empty() || (!fenced && is_rule(words)) {
            open = false;
            continue;
        }
        if fenced || at < front_matter {
            blocks.push(Block { range: line.clone(), kind: SentenceKind::Code });
            continue;
        }
        let (kind, marker) = kind_of(&text[line.clone()]);
        let range = line.start + marker..line.end;
        match kind {
            SentenceKind::Prose if open => {
                if let Some(last) = blocks.last_mut() {
                    last.range.end = range.end;
                }
            }
            SentenceKind::Prose => {
                let below = lines[at + 1..].iter().map(|line| text[line.clone()].trim());
                let is_alone = below.clone().next().is_some_and(str::is_empty);
                let next = below.clone().find(|line| !line.is_empty()).unwrap_or_default();
                let heading = stands_above(words, next) || (is_alone && is_term(words, next));
                let kind = if heading { SentenceKind::Heading } else { SentenceKind::Prose };
                blocks.push(Block { range, kind });
            }
            _ => blocks.push(Block { range, kind }),
        }
        let goes_on = matches!(blocks.last(), Some(block) if matches!(block.kind, SentenceKind::Prose | SentenceKind::Item));
        open = goes_on && !words.ends_with([':', '：']);
    }
    blocks
}

/// Whether a text has a fence without its pair: code begins before it, or goes on behind it.
pub(crate) fn has_unpaired_fence(text: &str) -> bool {
    text.lines().filter(|line| is_fence(line.trim())).count() % 2 == 1
}

/// Whether a line opens or closes code: not "```gate``` is old", which is code among words.
fn is_fence(line: &str) -> bool {
    let info = line.strip_prefix("```").map(|info| info.trim_start_matches('`'));
    info.is_some_and(|info| !info.contains('`')) || line.starts_with("~~~")
}

/// How many lines at the beginning are what a Markdown document tells programs about itself.
fn front_matter(text: &str, lines: &[Range<usize>]) -> usize {
    let is_fence = |line: &str| line.trim_end() == "---";
    let is_field = |line: &str| line.starts_with([' ', '\t', '-', '#']) || line.contains(':');
    let mut within = lines.iter().map(|line| &text[line.clone()]);
    if !within.next().is_some_and(is_fence) {
        return 0;
    }
    let num_fields = within.by_ref().take_while(|line| !is_fence(line) && is_field(line)).count();
    let is_closed = lines.get(num_fields + 1).is_some_and(|line| is_fence(&text[line.clone()]));
    if is_closed { num_fields + 2 } else { 0 }
}

/// Lines without their ends. A form feed ends a line and no more: sentences run on to the next page.
fn lines(text: &str) -> Vec<Range<usize>> {
    let mut lines = Vec::new();
    let mut start = 0;
    for (at, end) in text.match_indices(['\n', '\u{c}', '\u{2029}']) {
        lines.push(start..at);
        start = at + end.len();
    }
    lines.push(start..text.len());
    lines
}

/// What a line is by its beginning, and the length of its indent and marker.
fn kind_of(line: &str) -> (SentenceKind, usize) {
    let rest = line.trim_start_matches([' ', '\t', '>']);
    let indent = line.len() - rest.len();
    let hashes = rest.len() - rest.trim_start_matches('#').len();
    if (1..=6).contains(&hashes) && rest[hashes..].starts_with(' ') {
        return (SentenceKind::Heading, indent + hashes + 1);
    }
    if is_row(rest) {
        return (SentenceKind::Row, indent);
    }
    match item_marker(rest) {
        Some(marker) => (SentenceKind::Item, indent + marker),
        None => (SentenceKind::Prose, indent),
    }
}

/// The length of a list marker with the space after it: a bullet, `12.`, `(3)`, `b)`.
fn item_marker(line: &str) -> Option<usize> {
    let mut chars = line.chars();
    let first = chars.next()?;
    if matches!(first, '-' | '*' | '+' | '•' | '‣' | '◦' | '▪' | '●' | '–' | '—' | '·') {
        let spaces = chars.as_str().len() - chars.as_str().trim_start().len();
        return (spaces > 0).then(|| first.len_utf8() + spaces);
    }
    let body = line.strip_prefix('(').unwrap_or(line);
    let opened = line.len() - body.len();
    let digits = body.len() - body.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    // `b)`, and below it `bb)`.
    let letter = match body.as_bytes() {
        [one, other, ..] if one.is_ascii_lowercase() && one == other => 2,
        [one, ..] if one.is_ascii_lowercase() => 1,
        _ => 0,
    };
    let label = if digits > 0 { digits } else { letter };
    let closed = match body[label..].chars().next()? {
        ')' => label > 0,
        '.' => digits > 0 && digits <= 3 && opened == 0,
        _ => false,
    };
    let after = opened + label + 1;
    let spaces = line.get(after..).map_or(0, |rest| rest.len() - rest.trim_start().len());
    (closed && label <= 3 && spaces > 0 && after + spaces < line.len()).then_some(after + spaces)
}

/// Whether a plain line reads as a heading of what follows: short, unpunctuated, capitalised, and
/// above nothing or above a clearly longer line that begins anew.
fn stands_above(line: &str, next: &str) -> bool {
    let length = line.chars().count();
    let ends_open = line.ends_with(|c: char| c.is_alphanumeric() || c == ')');
    let begins = |text: &str| text.starts_with(|c: char| c.is_uppercase() || c.is_ascii_digit());
    let small = line.split_whitespace().count() <= 8 && length <= 60;
    let last_is_small_word =
        line.rsplit(' ').next().is_some_and(|word| word.len() <= 3 && word.chars().all(char::is_lowercase));
    small
        && ends_open
        && !last_is_small_word
        && begins(line)
        && begins(next)
        && next.chars().count() * 2 > length * 3
}

/// Whether a line that stands alone is a term above what is said of it.
fn is_term(line: &str, next: &str) -> bool {
    (names_term(line) || line.split_whitespace().count() == 1)
        && line.ends_with(|c: char| c.is_alphanumeric() || matches!(c, ')' | ']' | '>'))
        && next.starts_with(char::is_uppercase)
}

/// Whether a heading is a name out of a program or a manual: `max_gates (integer)`, `-o FILE`.
pub(super) fn names_term(heading: &str) -> bool {
    let first = heading.split_whitespace().next().unwrap_or_default();
    let is_path = || first.contains('.') && first.split('.').all(|part| part.chars().count() > 1);
    let is_signed = first.contains(['_', '(', '=']) || first.contains("::") || is_path();
    let is_name =
        (first.starts_with(char::is_alphabetic) && is_signed && !first.ends_with(':')) || is_option(first);
    is_name && heading.split_whitespace().count() <= TERM_WORDS
}

fn is_option(word: &str) -> bool {
    word.trim_start_matches('-').starts_with(char::is_alphanumeric) && word.starts_with('-')
}

/// Most words of such a name.
const TERM_WORDS: usize = 8;
