//! Abbreviations that a text explains itself, as `retrieval-augmented generation (RAG)` or `RAG (retrieval-augmented
//! generation)` do. Further on it writes one or the other, and a reader asks for either.
//!
//! What is told in brackets is the short form of what stands before them, or the other way round, if each of its
//! letters is found in that in order and the first one at the beginning of a word: the method of Schwartz and
//! Hearst (2003), "A simple algorithm for identifying abbreviation definitions in biomedical text".

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use ibid_index::analysis::{Language, Term, terms};
use uuid::Uuid;

/// Characters of a short form.
const MIN_SHORT: usize = 2;
const MAX_SHORT: usize = 10;
/// Abbreviations of a document that are known: each is looked for in all its passages.
const MAX_KNOWN: usize = 500;
/// Words of a long form that are more than the letters of the short one.
const MORE_WORDS: usize = 5;

/// A short form, and what it is short for.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Abbreviation {
    short: String,
    long: String,
}

/// The abbreviations that the texts of a document explain, as many as are looked for. Where two explain one
/// differently, the first has it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Abbreviations(Vec<Abbreviation>);

impl Abbreviations {
    /// Adds those that a text explains.
    pub(crate) fn read(&mut self, text: &str) {
        for abbreviation in explained(text) {
            let is_new = self.0.iter().all(|known| known.short != abbreviation.short);
            if is_new && self.0.len() < MAX_KNOWN {
                self.0.push(abbreviation);
            }
        }
    }

    /// Those of each document, as far as these passages of it explain them.
    pub(crate) fn of_documents<'a>(passages: impl Iterator<Item = (Uuid, &'a str)>) -> HashMap<Uuid, Self> {
        passages.fold(HashMap::new(), |mut of_documents: HashMap<Uuid, Self>, (document, text)| {
            of_documents.entry(document).or_default().read(text);
            of_documents
        })
    }

    /// How else they write what a text says: the long form of what it has short, and the other way round.
    pub(crate) fn missing_in(&self, text: &str) -> Vec<&str> {
        if self.0.is_empty() {
            return Vec::new();
        }
        let words = Words::of(text);
        self.0.iter().filter_map(|abbreviation| abbreviation.missing_in(&words)).collect()
    }

    /// What is said, written as in a text: where that has one form only, in that one.
    pub(crate) fn written_as_in<'a>(
        &self,
        text: &str,
        said: &'a str,
        language: Option<Language>,
    ) -> Cow<'a, str> {
        let mut written = Cow::Borrowed(said);
        if self.0.is_empty() {
            return written;
        }
        let said = Words::of(said);
        let said: Vec<&Abbreviation> =
            self.0.iter().filter(|known| said.has(&known.short) || said.has_phrase(&known.long)).collect();
        if said.is_empty() {
            return written;
        }
        let words = Words::of(text);
        for abbreviation in said {
            let Some(missing) = abbreviation.missing_in(&words) else { continue };
            let Abbreviation { short, long } = abbreviation;
            let there = if missing == long { short } else { long };
            for place in places(&written, missing, language).into_iter().rev() {
                if missing == long || written[place.clone()] == **short {
                    written.to_mut().replace_range(place, there);
                }
            }
        }
        written
    }
}

/// In which form an abbreviation is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// In all its words.
    Long,
    /// As it is written short.
    Short,
}

/// The form in which an abbreviation is meant that a text explains; `None` if it explains none of these.
pub(crate) fn explanation(text: &str, is_meant: impl Fn(&str) -> bool) -> Option<Form> {
    let form = |known: &Abbreviation| {
        let short = is_meant(&known.short).then_some(Form::Short);
        short.or_else(|| is_meant(&known.long).then_some(Form::Long))
    };
    explained(text).iter().find_map(form)
}

fn explained(text: &str) -> Vec<Abbreviation> {
    let mut found = of_rows(text);
    for (open, _) in text.match_indices('(') {
        let inside = &text[open + 1..];
        let Some(close) = inside.find([')', '(']).filter(|close| inside[*close..].starts_with(')')) else {
            continue;
        };
        let (before, inside) = (text[..open].trim_end(), unquoted(&inside[..close]));
        let last = unquoted(before.rsplit(char::is_whitespace).next().unwrap_or_default());
        let long_and_short = match (is_short(inside), is_short(last)) {
            (true, _) => long_before(inside, before).map(|long| (long, inside)),
            (false, true) => whole(last, inside).map(|long| (long, last)),
            _ => None,
        };
        let Some((long, short)) = long_and_short else { continue };
        found.push(Abbreviation { short: short.to_owned(), long: one_line(long) });
    }
    found
}

/// Those of a list of abbreviations: rows of a short form and a long one.
fn of_rows(text: &str) -> Vec<Abbreviation> {
    let row = |line: &str| {
        let (short, long) = line.trim().trim_matches('|').split_once('|')?;
        let (short, long) = (unquoted(short), unquoted(long));
        let long = whole(short, long).filter(|long| is_short(short) && !long.contains('|'))?;
        Some(Abbreviation { short: short.to_owned(), long: one_line(long) })
    };
    text.lines().filter(|line| line.contains('|')).filter_map(row).collect()
}

impl Abbreviation {
    /// The form that a text lacks, if it has the other.
    fn missing_in(&self, text: &Words) -> Option<&str> {
        match (text.has(&self.short), text.has_phrase(&self.long)) {
            (true, false) => Some(&self.long),
            (false, true) => Some(&self.short),
            _ => None,
        }
    }
}

/// A text, ready for looking up what it has.
struct Words {
    as_written: String,
    lowercase: String,
}

impl Words {
    fn of(text: &str) -> Self {
        let as_written = one_line(text);
        let lowercase = as_written.to_lowercase();
        Self { as_written, lowercase }
    }

    fn has(&self, short: &str) -> bool {
        has(&self.as_written, short)
    }

    fn has_phrase(&self, long: &str) -> bool {
        has(&self.lowercase, &long.to_lowercase())
    }
}

/// Where the words of a phrase stand together in a text, in whatever form.
fn places(text: &str, phrase: &str, language: Option<Language>) -> Vec<Range<usize>> {
    let phrase: Vec<String> = terms(phrase, language).map(|term| term.stem).collect();
    let read: Vec<Term> = terms(text, language).collect();
    let mut places: Vec<Range<usize>> = Vec::new();
    for found in read.windows(phrase.len().max(1)) {
        let is_behind = places.last().is_none_or(|last| last.end <= found[0].start);
        if is_behind && found.iter().map(|term| &term.stem).eq(&phrase) {
            places.push(found[0].start..found[found.len() - 1].end);
        }
    }
    places
}

/// Whether a text has a word or several that begin and end as words do; in the plural too.
fn has(text: &str, words: &str) -> bool {
    text.match_indices(words).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + words.len()..]);
        let after = after.strip_prefix('s').unwrap_or(after);
        !before.ends_with(char::is_alphanumeric) && !after.starts_with(char::is_alphanumeric)
    })
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn unquoted(text: &str) -> &str {
    text.trim_matches(|c: char| {
        c.is_whitespace() || matches!(c, '"' | '\'' | '“' | '”' | '‘' | '’' | '„' | '«' | '»')
    })
}

/// Whether this can be a short form: one word, with two capitals at least.
fn is_short(word: &str) -> bool {
    let num = word.chars().count();
    (MIN_SHORT..=MAX_SHORT).contains(&num)
        && word.chars().all(|c| c.is_alphanumeric() || matches!(c, '&' | '-' | '.' | '/'))
        && word.starts_with(char::is_alphanumeric)
        && word.chars().filter(|c| c.is_uppercase()).count() >= 2
}

/// The words at the end of a text that a short form can stand for.
fn long_before<'a>(short: &str, text: &'a str) -> Option<&'a str> {
    let starts = text.char_indices().rev().filter(|(at, c)| {
        !c.is_whitespace() && text[..*at].chars().next_back().is_none_or(char::is_whitespace)
    });
    let first = starts.take(most_words(short)).last()?.0;
    let text = &text[first..];
    let sentence = text.rfind(". ").map_or(text, |at| &text[at + 2..]);
    let start = start_of(short, sentence)?;
    accepted(short, &sentence[start..])
}

/// A text, if a short form can stand for all of it.
fn whole<'a>(short: &str, text: &'a str) -> Option<&'a str> {
    let is_long = (2..=most_words(short)).contains(&text.split_whitespace().count());
    let long = text.trim_end_matches([',', ';', '.']);
    accepted(short, long).filter(|_| is_long && start_of(short, long) == Some(0))
}

fn most_words(short: &str) -> usize {
    let num = short.chars().filter(|c| c.is_alphanumeric()).count();
    (num + MORE_WORDS).min(num * 2)
}

/// Where the words begin that have the letters of a short form in order, looked for from the end: each at the
/// beginning of a word if that can be, else the first.
fn start_of(short: &str, long: &str) -> Option<usize> {
    let letters: Vec<char> =
        short.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    let start_with = |all_begin: bool| {
        let mut rest = long.char_indices().rev();
        let mut start = long.len();
        for (at, letter) in letters.iter().enumerate().rev() {
            let fits = |(place, c): &(usize, char)| {
                let begins_word = !long[..*place].ends_with(char::is_alphanumeric);
                c.to_lowercase().eq([*letter]) && (begins_word || !(all_begin || at == 0))
            };
            start = rest.find(|found| fits(found))?.0;
        }
        Some(start)
    };
    start_with(true).or_else(|| start_with(false))
}

/// A long form is longer than its short one and does not have that in it.
fn accepted<'a>(short: &str, long: &'a str) -> Option<&'a str> {
    let is_long = long.chars().count() > short.chars().count() && long.contains(char::is_whitespace);
    (is_long && !has(long, short)).then_some(long)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_text_explains_is_known() {
        for (text, short, long) in [
            ("We use retrieval-augmented generation (RAG) here.", "RAG", "retrieval-augmented generation"),
            ("The Osmer Eel Trust (“OET”) met.", "OET", "Osmer Eel Trust"),
            ("With RAG (retrieval-augmented generation) it works.", "RAG", "retrieval-augmented generation"),
            ("property, plant and equipment (PP&E) of the mill", "PP&E", "property, plant and equipment"),
            ("It ended. The tidal gauge network (TGN) began.", "TGN", "tidal gauge network"),
            ("the Wasser- und\nSchifffahrtsamt Nord (WSAN)", "WSAN", "Wasser- und Schifffahrtsamt Nord"),
            ("messenger ribonucleic acid (mRNA) in cells", "mRNA", "messenger ribonucleic acid"),
            ("|TGN|Tidal Gauge Network|", "TGN", "Tidal Gauge Network"),
            ("The list:\nOET | Osmer Eel Trust\nNets | 9", "OET", "Osmer Eel Trust"),
        ] {
            let expected = [Abbreviation { short: short.to_owned(), long: long.to_owned() }];
            assert_eq!(explained(text), expected, "{text}");
        }
    }

    #[test]
    fn what_stands_in_brackets_for_another_reason_is_none() {
        for text in [
            "The lighthouse (LH2) was lit.",
            "The keeper (Marta Lind) left.",
            "the mill (see Section 2) and (a) the weir",
            "Nobody has oars. It (NHO) waits.",
            "a gas or light (gol) of",
            "the EU (EU) and the RAG (RAG model) (",
            "in 1874 (NC 7) and a (THE OLD AND VERY LONG NAME OF A TOWER)",
            "()((()))",
            "| TGN | Nets | 9 |\n| OET | Osmer | Trust |",
        ] {
            assert_eq!(explained(text), [], "{text}");
        }
    }

    #[test]
    fn a_text_that_has_one_form_lacks_the_other() {
        let mut rag = Abbreviations::default();
        rag.read("retrieval-augmented generation (RAG)");
        rag.read("red and green (RAG)");
        assert_eq!(rag.missing_in("RAG helps."), ["retrieval-augmented generation"]);
        assert_eq!(rag.missing_in("Of RAGs there are many."), ["retrieval-augmented generation"]);
        assert_eq!(rag.missing_in("Retrieval-Augmented\nGeneration helps."), ["RAG"]);
        for number in 0..1_000 {
            rag.read(&format!("the big white house {number} (BWH{number})"));
        }
        assert_eq!(rag.0.len(), MAX_KNOWN);
        let written =
            |text: &str, said| rag.written_as_in(text, said, Language::from_code("en")).into_owned();
        assert_eq!(
            written(
                "The RAG helps.",
                "Retrieval-augmented\ngenerations, and retrieval augmented generation, help."
            ),
            "RAG, and RAG, help."
        );
        let long = "Retrieval-augmented generation helps.";
        assert_eq!(written(long, "RAG helps."), "retrieval-augmented generation helps.");
        assert_eq!(written(long, "RAG, no rag, helps."), "retrieval-augmented generation, no rag, helps.");
        assert_eq!(written("All help.", "RAG helps."), "RAG helps.");
        for none in ["retrieval-augmented generation (RAG)", "A rag, FRAGMENTS, RAGE.", "Red and green."] {
            assert!(rag.missing_in(none).is_empty(), "{none}");
        }
    }
}
