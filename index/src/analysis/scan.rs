//! Where words begin and end. Only character classes are looked at; what a word means, and in
//! which language, is decided by the caller.

use unicode_normalization::char::is_combining_mark;

/// A stretch of text that is one word, or several in a script that does not part them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) script: Script,
    /// Digits only, with `.` and `,` between them.
    pub(super) is_number: bool,
    /// Directly follows a word and an apostrophe, as the `s` of `Ann's` does.
    pub(super) after_apostrophe: bool,
}

/// Whether a script puts spaces between its words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Script {
    Spaced,
    Unspaced,
}

/// Finds the runs of `text` from left to right.
pub(super) fn runs(text: &str) -> impl Iterator<Item = Run> {
    let mut position = 0;
    std::iter::from_fn(move || {
        let run = next_run(text, position)?;
        position = run.end;
        Some(run)
    })
}

/// Characters inside a word that are not part of it: soft hyphens and zero-width joiners.
pub(super) fn is_joiner(character: char) -> bool {
    matches!(character, '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}')
}

/// Vowels, doubling and stretching in Arabic script, which most texts do without: `خانهٔ` is `خانه`.
pub(super) fn is_optional_mark(character: char) -> bool {
    matches!(character, '\u{640}' | '\u{64b}'..='\u{655}' | '\u{670}')
}

fn next_run(text: &str, from: usize) -> Option<Run> {
    let (offset, first) = text[from..].char_indices().find(|&(_, character)| class(character).is_some())?;
    let start = from + offset;
    let script = class(first)?;
    // Most words are ASCII, where nothing has to be looked up.
    let plain = text[start..].bytes().take_while(u8::is_ascii_alphanumeric).count();
    let mut end = start + plain.max(first.len_utf8());
    let mut is_number = text[start..end].chars().all(char::is_numeric);
    let mut rest = text[end..].char_indices().peekable();
    let base = end;
    while let Some((offset, character)) = rest.next() {
        let continues = class(character) == Some(script)
            || (!character.is_ascii() && (is_combining_mark(character) || is_optional_mark(character)))
            || (is_joiner(character) && script == Script::Spaced && !parts_words(character, first))
            || (character == '_' && script == Script::Spaced);
        if continues {
            is_number = is_number && character.is_numeric();
            // Joiners and underscores belong to a word only when the word goes on behind them.
            if !is_joiner(character) && character != '_' {
                end = base + offset + character.len_utf8();
            }
            continue;
        }
        let next_is_digit = rest.peek().is_some_and(|&(_, next)| next.is_numeric());
        let separates_digits = is_number && matches!(character, '.' | ',' | '٫' | '٬') && next_is_digit;
        if !separates_digits {
            break;
        }
    }
    let is_number = is_number || is_digits(&text[start..end]);
    let after_apostrophe = follows_apostrophe(&text[..start]);
    Some(Run { start, end, script, is_number, after_apostrophe })
}

/// In Arabic script a non-joiner stands where a space may stand as well: `می‌شود` is `می شود`.
fn parts_words(joiner: char, beside: char) -> bool {
    joiner == '\u{200c}' && matches!(beside, '\u{600}'..='\u{6ff}')
}

fn is_digits(word: &str) -> bool {
    word.chars().all(|character| character.is_numeric() || matches!(character, '.' | ',' | '٫' | '٬'))
}

fn follows_apostrophe(before: &str) -> bool {
    let mut backwards = before.chars().rev();
    matches!(backwards.next(), Some('\'' | '’')) && backwards.next().is_some_and(char::is_alphanumeric)
}

/// The script a character belongs to, if it can begin a word.
fn class(character: char) -> Option<Script> {
    if character.is_ascii() {
        return character.is_ascii_alphanumeric().then_some(Script::Spaced);
    }
    if is_unspaced(character) {
        return Some(Script::Unspaced);
    }
    (character.is_alphanumeric() && !is_joiner(character) && !is_optional_mark(character))
        .then_some(Script::Spaced)
}

/// Whether a character is of a script whose words are not parted: Han, kana, Hangul, and the scripts of
/// Thai, Lao, Khmer and Burmese. Hangul has spaces, but glues its grammar to its words, and pairs find
/// the word behind it.
#[must_use]
pub fn is_unspaced(character: char) -> bool {
    matches!(character,
        '\u{0e01}'..='\u{0e30}' | '\u{0e32}'..='\u{0e33}' | '\u{0e40}'..='\u{0e46}'
        | '\u{0e81}'..='\u{0eb0}' | '\u{0eb2}'..='\u{0eb3}' | '\u{0ec0}'..='\u{0ec6}'
        | '\u{1000}'..='\u{103f}' | '\u{1100}'..='\u{11ff}' | '\u{1780}'..='\u{17b3}'
        | '\u{3005}'..='\u{3007}' | '\u{3041}'..='\u{3096}' | '\u{309d}'..='\u{309f}'
        | '\u{30a1}'..='\u{30fa}' | '\u{30fc}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}'
        | '\u{ff66}'..='\u{ff9f}' | '\u{20000}'..='\u{323af}')
}

/// Whether a character is Han, which has thousands of them.
#[must_use]
pub fn is_ideograph(character: char) -> bool {
    matches!(character,
        '\u{3005}'..='\u{3007}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{323af}')
}
