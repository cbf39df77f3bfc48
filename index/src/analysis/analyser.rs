//! Analysing many texts of one language: most words of a text come again, and what form a word takes is
//! the same each time.

use std::collections::HashMap;

use unicode_normalization::char::is_combining_mark;

use super::scan::{Run, Script, runs};
use super::{Language, Term, TermKind, cut, lower, number, stem};

/// Words that are known at the same time; beyond these it begins anew, so that a stream of junk stays
/// small.
const MAX_KNOWN: usize = 1 << 15;

/// The terms of one text, each word looked at when it is asked for, and anew: few words of a question or
/// a sentence come again.
pub(super) fn terms(text: &str, language: Option<Language>) -> impl Iterator<Item = Term> {
    let mut runs = runs(text);
    let mut pairs = Vec::new().into_iter();
    std::iter::from_fn(move || {
        loop {
            if let Some(pair) = pairs.next() {
                return Some(pair);
            }
            let run = runs.next()?;
            if run.script == Script::Spaced {
                let form = Form::of(&text[run.start..run.end], run.is_number, language);
                if form.stem.is_empty() {
                    continue;
                }
                let kind = form.kind_at(&run);
                return Some(Term { stem: form.stem, start: run.start, end: run.end, kind });
            }
            let mut found = Vec::new();
            each_pair(text, &run, language, &mut |term| found.push(term.to_owned()));
            pairs = found.into_iter();
        }
    })
}

/// Gives the terms of text after text.
pub(crate) struct Analyser {
    language: Option<Language>,
    /// By the word as it stands in a text. Texts are strangers': whoever wrote one must not be able to
    /// tell which words fall together.
    known: HashMap<Box<str>, Form, ahash::RandomState>,
}

/// What a word is, wherever it stands.
struct Form {
    stem: String,
    kind: TermKind,
    /// Whether it is grammar behind an apostrophe.
    is_contraction: bool,
}

impl Analyser {
    pub(crate) fn new(language: Option<Language>) -> Self {
        Self { language, known: HashMap::default() }
    }

    /// Its language.
    pub(crate) fn language(&self) -> Option<Language> {
        self.language
    }

    /// Hands over the terms of a text, one at a time.
    pub(crate) fn each_term(&mut self, text: &str, mut found: impl FnMut(Term<&str>)) {
        // A word of nothing but marks that are not compared is none.
        let mut found = |term: Term<&str>| {
            if !term.stem.is_empty() {
                found(term);
            }
        };
        for run in runs(text) {
            if run.script == Script::Unspaced {
                each_pair(text, &run, self.language, &mut found);
                continue;
            }
            let surface = &text[run.start..run.end];
            if let Some(form) = self.known.get(surface) {
                found(form.at(&run));
                continue;
            }
            let form = Form::of(surface, run.is_number, self.language);
            found(form.at(&run));
            if self.known.len() == MAX_KNOWN {
                self.known.clear();
            }
            self.known.insert(surface.into(), form);
        }
    }
}

impl Form {
    fn of(surface: &str, is_number: bool, language: Option<Language>) -> Self {
        if is_number {
            let decimal_comma = language.is_some_and(Language::writes_decimal_comma);
            let stem = number(surface, decimal_comma);
            return Self { stem, kind: TermKind::Number, is_contraction: false };
        }
        let lower = lower(surface);
        let mut stem = stem(&lower, language);
        cut(&mut stem);
        let is_stop = language.is_some_and(|language| language.is_stop_word(&lower));
        Self {
            stem,
            kind: if is_stop { TermKind::Stop } else { TermKind::Word },
            is_contraction: language.is_some_and(|language| language.is_contraction(&lower)),
        }
    }

    fn at(&self, run: &Run) -> Term<&str> {
        Term { stem: &self.stem, start: run.start, end: run.end, kind: self.kind_at(run) }
    }

    fn kind_at(&self, run: &Run) -> TermKind {
        if run.after_apostrophe && self.is_contraction { TermKind::Stop } else { self.kind }
    }
}

/// Overlapping pairs of characters, the usual stand-in for words in Chinese, Japanese, Korean and
/// Thai: no dictionary can be out of date, and a longer word is found by its pairs. A pair that has a
/// part of a longer word of grammar is grammar, and so is one that has nothing else: `么时` of "什么时候".
fn each_pair(text: &str, run: &Run, language: Option<Language>, found: &mut impl FnMut(Term<&str>)) {
    let characters: Vec<usize> = text[run.start..run.end]
        .char_indices()
        .filter(|&(_, character)| {
            !is_combining_mark(character) && !matches!(character, '\u{ff9e}' | '\u{ff9f}')
        })
        .map(|(at, _)| run.start + at)
        .chain([run.end])
        .collect();
    let roles = language.map_or_else(Vec::new, |language| roles(text, &characters, language));
    let width = if characters.len() > 2 { 2 } else { 1 };
    for (at, span) in characters.windows(width + 1).enumerate() {
        let (start, end) = (span[0], span[width]);
        let roles = roles.get(at..at + width).unwrap_or_default();
        let is_grammar = !roles.contains(&Role::Content) && !roles.is_empty();
        let kind = if is_grammar || roles.contains(&Role::Part) { TermKind::Stop } else { TermKind::Word };
        found(Term { stem: &lower(&text[start..end]), start, end, kind });
    }
}

/// What a character of a script without spaces is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Content,
    /// A word of grammar.
    Grammar,
    /// A part of a longer one.
    Part,
}

/// What each of the characters is that begin at these bytes; the last is the end.
fn roles(text: &str, characters: &[usize], language: Language) -> Vec<Role> {
    let Some((end, begins)) = characters.split_last() else { return Vec::new() };
    let mut roles = vec![Role::Content; begins.len()];
    let mut at = 0;
    while at < begins.len() {
        let word = language.leading_grammar(&text[begins[at]..*end]);
        let past = word.map_or(0, |word| begins[at] + word.len());
        let num = begins[at..].iter().take_while(|begin| **begin < past).count();
        roles[at..at + num].fill(if num > 1 { Role::Part } else { Role::Grammar });
        at += num.max(1);
    }
    roles
}

#[cfg(test)]
mod tests {
    use super::super::Language;
    use super::{Analyser, MAX_KNOWN, terms};

    #[test]
    fn a_word_that_comes_again_is_what_it_was() {
        let text = "Ann's tides weren't s 1,434 high; Ann's s's tides' heights, Häuser 植物学家 植物学家";
        for code in ["en", "de"] {
            let language = Language::from_code(code);
            let mut analyser = Analyser::new(language);
            for _ in 0..2 {
                let mut found = Vec::new();
                analyser.each_term(text, |term| found.push(term.to_owned()));
                assert_eq!(found, terms(text, language).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn more_words_than_there_are_take_no_more_memory() {
        let mut analyser = Analyser::new(None);
        for number in 0..=MAX_KNOWN {
            analyser.each_term(&format!("w{number}"), |_| {});
        }
        assert_eq!(analyser.known.len(), 1);
    }
}
