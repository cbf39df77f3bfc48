//! Analysing many texts of one language: most words of a text come again, and what form a word takes is
//! the same each time.

use std::collections::HashMap;

use super::{Form, Language, Term};

/// Words that are known at the same time; beyond these it begins anew, so that a stream of junk stays
/// small.
const MAX_KNOWN: usize = 1 << 15;

/// Gives the terms that [`terms`](super::terms) gives, sooner for text after text.
pub(crate) struct Analyser {
    language: Option<Language>,
    /// By the word as it stands in a text.
    known: HashMap<Box<str>, Form>,
}

impl Analyser {
    pub(crate) fn new(language: Option<Language>) -> Self {
        Self { language, known: HashMap::new() }
    }

    /// Its language.
    pub(crate) fn language(&self) -> Option<Language> {
        self.language
    }

    /// Hands over the terms of a text, one at a time.
    pub(crate) fn each_term(&mut self, text: &str, found: impl FnMut(Term)) {
        let language = self.language;
        super::each(text, language, |surface| self.form(surface), found);
    }

    fn form(&mut self, surface: &str) -> Form {
        if let Some(form) = self.known.get(surface) {
            return form.clone();
        }
        let form = Form::of(surface, self.language);
        if self.known.len() == MAX_KNOWN {
            self.known.clear();
        }
        self.known.insert(surface.into(), form.clone());
        form
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Language, terms};
    use super::{Analyser, MAX_KNOWN};

    #[test]
    fn a_word_that_comes_again_is_what_it_was() {
        let text = "Ann's tides weren't s 1,434 high; Ann's s's tides' heights, Häuser 植物学家 植物学家";
        for code in ["en", "de"] {
            let language = Language::from_code(code);
            let mut analyser = Analyser::new(language);
            for _ in 0..2 {
                let mut found = Vec::new();
                analyser.each_term(text, |term| found.push(term));
                assert_eq!(found, terms(text, language));
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
