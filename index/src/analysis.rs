//! How text becomes terms: where words begin and end, and what form of them is compared.
//! The same analysis serves indexing, queries, highlights and the matching of quotes, so that
//! what one finds the others find too. It knows nothing of the index.

mod analyser;
mod compound;
mod language;
mod scan;
mod stop;

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::{is_combining_mark, is_public_assigned};

pub(crate) use self::analyser::Analyser;
pub use self::compound::Lexicon;
pub use self::language::Language;
pub use self::scan::{is_ideograph, is_unspaced};

/// Words longer than this many bytes are cut: such a run is an encoding, not a word.
const MAX_STEM_BYTES: usize = 64;

/// One word of a text, in the form in which words are compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term<Stem = String> {
    /// The folded and, where the language is known, stemmed word.
    pub stem: Stem,
    /// First byte of the word in the text.
    pub start: usize,
    /// One past its last byte.
    pub end: usize,
    /// What the word says about its sentence.
    pub kind: TermKind,
}

impl Term<&str> {
    fn to_owned(&self) -> Term {
        let Self { stem, start, end, kind } = *self;
        Term { stem: stem.to_owned(), start, end, kind }
    }
}

/// What a term says about the sentence it stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TermKind {
    /// A word that carries meaning.
    Word,
    /// A number. Its stem has no group separators and a `.` before decimals, so `1,434,200` and
    /// `1434200` are one term, and so are the German `1,5` and the English `1.5`.
    Number,
    /// A word of grammar, or one that only shapes a question.
    Stop,
}

/// Returns the terms of `text` in reading order.
///
/// Words are compared without case, width, ligatures and (for Latin and Greek script) diacritics.
/// With a `language` they are also stemmed, and its words of grammar are marked as stop words;
/// without one every word stands as it is. Scripts written without spaces between words yield
/// overlapping pairs of characters, or the single character where one stands alone. Ranges are
/// byte offsets into `text` and always lie on character boundaries.
pub fn terms(text: &str, language: Option<Language>) -> impl Iterator<Item = Term> {
    analyser::terms(text, language)
}

/// Returns the parts a compound word is made of, folded but not stemmed: `getUserName` and
/// `get_user_name` have the parts `get`, `user` and `name`, `FY2018` has `fy` and `2018`. A word
/// that is no compound has none.
#[must_use]
pub fn parts(word: &str) -> Vec<String> {
    if !may_be_compound(word) {
        return Vec::new();
    }
    let mut borders = vec![0];
    let characters: Vec<(usize, char)> = word.char_indices().collect();
    for (position, window) in characters.windows(2).enumerate() {
        let ((_, before), (at, after)) = (window[0], window[1]);
        let next = characters.get(position + 2).map(|&(_, next)| next);
        let digits_meet_letters = before.is_numeric() != after.is_numeric() && !is_combining_mark(after);
        let hump = before.is_lowercase() && after.is_uppercase();
        let acronym_ends = before.is_uppercase()
            && after.is_uppercase()
            && next.is_some_and(char::is_lowercase)
            && !(position + 3 == characters.len() && next == Some('s'));
        if digits_meet_letters || hump || acronym_ends || before == '_' || after == '_' {
            borders.push(at);
        }
    }
    borders.push(word.len());
    let parts: Vec<String> = borders
        .windows(2)
        .map(|border| &word[border[0]..border[1]])
        .filter(|part| !part.starts_with('_'))
        .map(|part| fold(&lower(part)).into_owned())
        .filter(|part| !part.is_empty())
        .collect();
    if parts.len() > 1 { parts } else { Vec::new() }
}

/// The parts of a word as they stand in an index, by how many texts have a term, which `count` tells: those
/// of [`parts`], and of a compound that is written as one word.
pub(crate) fn parts_of(
    word: &str,
    language: Option<Language>,
    mut count: impl FnMut(&str) -> u64,
) -> Vec<String> {
    let parts = parts(word);
    if parts.is_empty() {
        return compound::parts(&lower(word), language, |part| count(&stem(part, language)));
    }
    parts.iter().map(|part| stem(part, language)).collect()
}

/// Most words are plain, and for them nothing should be allocated.
fn may_be_compound(word: &str) -> bool {
    let (first, rest) = word.as_bytes().split_at(word.len().min(1));
    let all = |bytes: &[u8], is: fn(&u8) -> bool| bytes.iter().all(is);
    let is_plain = all(first, u8::is_ascii_alphabetic) && all(rest, u8::is_ascii_lowercase)
        || all(word.as_bytes(), u8::is_ascii_uppercase)
        || all(word.as_bytes(), u8::is_ascii_digit);
    !is_plain
}

/// Brings a folded part of a compound into the form [`terms`] gives to the same word alone.
pub(crate) fn stem(word: &str, language: Option<Language>) -> String {
    let stem = stemmed(word, language);
    if language.is_some_and(Language::tells_words_by_marks) {
        stem.into_owned()
    } else {
        fold(&stem).into_owned()
    }
}

/// A word without its marks, where these tell it from other words and many leave them out all the same.
pub(crate) fn unmarked(word: &str, language: Option<Language>) -> Option<String> {
    language.filter(|language| language.tells_words_by_marks())?;
    Some(fold(word).into_owned()).filter(|unmarked| unmarked != word)
}

/// Lower case and compatibility forms: `ﬁ` is `fi`, full-width letters are plain ones, and marks
/// that only steer line breaking are gone.
pub(crate) fn lower(word: &str) -> Cow<'_, str> {
    if word.is_ascii() {
        return if word.bytes().any(|byte| byte.is_ascii_uppercase()) {
            Cow::Owned(word.to_ascii_lowercase())
        } else {
            Cow::Borrowed(word)
        };
    }
    let is_left_out = |character: char| {
        scan::is_joiner(character) || scan::is_optional_mark(character) || character.is_whitespace()
    };
    let lower = word.nfkc().filter(|&character| !is_left_out(character));
    Cow::Owned(lower.collect::<String>().to_lowercase().nfkc().collect())
}

fn stemmed(word: &str, language: Option<Language>) -> Cow<'_, str> {
    match language.and_then(Language::stemmer) {
        Some(stemmer) if word.len() <= MAX_STEM_BYTES => stemmer.stem(word),
        _ => Cow::Borrowed(word),
    }
}

/// Drops diacritics from Latin and Greek letters, after stemming because stemmers need them:
/// someone who types `Zurich` looks for `Zürich`.
fn fold(word: &str) -> Cow<'_, str> {
    if word.is_ascii() {
        return Cow::Borrowed(word);
    }
    let mut folded = String::with_capacity(word.len());
    let mut foldable = false;
    for character in word.nfd() {
        if is_combining_mark(character) {
            if !foldable {
                folded.push(character);
            }
            continue;
        }
        foldable = matches!(character, 'a'..='z' | 'α'..='ω' | 'е');
        match character {
            'ß' => folded.push_str("ss"),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'ø' => folded.push('o'),
            'đ' | 'ð' => folded.push('d'),
            'ł' => folded.push('l'),
            'ı' => folded.push('i'),
            'þ' => folded.push_str("th"),
            _ => folded.push(character),
        }
    }
    Cow::Owned(folded.nfc().filter(|&character| is_public_assigned(character)).collect())
}

/// The value of a decimal digit of any script that has its own.
#[must_use]
pub fn digit(character: char) -> Option<u8> {
    let zero = ZEROS.iter().rev().find(|zero| **zero <= character)?;
    u8::try_from(u32::from(character) - u32::from(*zero)).ok().filter(|value| *value < 10)
}

/// The zeros of the scripts in common use: Latin, Arabic and Persian, those of India and its neighbours,
/// Thai, Lao, Tibetan, Burmese, Khmer, Mongolian, and the wide ones of East Asia.
const ZEROS: &[char] = &[
    '0', '\u{660}', '\u{6f0}', '\u{966}', '\u{9e6}', '\u{a66}', '\u{ae6}', '\u{b66}', '\u{be6}', '\u{c66}',
    '\u{ce6}', '\u{d66}', '\u{de6}', '\u{e50}', '\u{ed0}', '\u{f20}', '\u{1040}', '\u{17e0}', '\u{1810}',
    '\u{ff10}',
];

/// Writes a number in Latin digits, without group separators and with a `.` before its decimals.
fn number(surface: &str, decimal_comma: bool) -> String {
    let latin = |character| digit(character).map_or(character, |digit| char::from(b'0' + digit));
    let plain = surface.nfkc().map(latin);
    let plain: String = plain.filter(|&character| !matches!(character, '\'' | '’' | '_' | '٬')).collect();
    let (dots, commas) = (plain.matches('.').count(), plain.matches(',').count());
    let grouped_by = |mark: char| {
        let mut groups = plain.split(['.', ',']).zip(0..);
        let well_formed = groups.all(|(group, position)| match position {
            0 => (1..=3).contains(&group.len()) && group != "0",
            _ => group.len() == 3,
        });
        plain.contains(mark) && well_formed
    };
    if plain.contains('٫') {
        return plain.replace('٫', ".");
    }
    let decimal = match (dots, commas) {
        (0, 0) => None,
        (1.., 1..) => plain.rfind(['.', ',']).filter(|&at| plain.matches(&plain[at..=at]).count() == 1),
        (0, 1) if decimal_comma || !grouped_by(',') => plain.find(','),
        (1, 0) if !decimal_comma || !grouped_by('.') => plain.find('.'),
        (0, _) if grouped_by(',') => None,
        (_, 0) if grouped_by('.') => None,
        _ => return plain,
    };
    let mut written = String::with_capacity(plain.len());
    for (at, character) in plain.char_indices() {
        match character {
            '.' | ',' if Some(at) == decimal => written.push('.'),
            '.' | ',' => {}
            _ => written.push(character),
        }
    }
    cut(&mut written);
    written
}

fn cut(stem: &mut String) {
    if stem.len() > MAX_STEM_BYTES {
        stem.truncate(stem.floor_char_boundary(MAX_STEM_BYTES));
    }
}

#[cfg(test)]
mod tests;
