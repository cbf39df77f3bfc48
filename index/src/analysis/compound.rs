//! Compounds that are written as one word, as in German: `Urlaubsanspruch` is a claim (`Anspruch`) to leave
//! (`Urlaub`). No dictionary tells their parts: they are words that stand elsewhere by themselves, in the
//! same document or in the index. Where a word could be parted at several places, that counts where both
//! parts are met most often, the geometric mean of Koehn and Knight (Empirical Methods for Compound
//! Splitting, 2003).

use std::collections::HashMap;

use super::{Analyser, Language, TermKind, lower, stem};

/// Bytes of the shortest compound, and of its shortest part: `Amtszeit`, `Rathaus`.
const MIN_BYTES: usize = 7;
const MIN_PART: usize = 3;
/// A longer word is an encoding, or a line without its spaces.
const MAX_BYTES: usize = 64;

/// Words that are looked up for the parts of one: a stranger may send words of which each piece is one.
const MAX_LOOKUPS: usize = 300;

/// What stands between two parts and belongs to none.
const LINKS: &[&str] = &["", "s", "es", "n", "en", "er", "e"];

/// Compounds whose parts are known at the same time.
const MAX_KNOWN: usize = 1 << 15;

/// The words of a document in a language that joins words, and how often each stands there.
#[derive(Debug, Default)]
pub struct Lexicon {
    language: Option<Language>,
    counts: HashMap<Box<str>, u64, ahash::RandomState>,
    /// The parts of words that came up.
    known: HashMap<Box<str>, Vec<String>, ahash::RandomState>,
}

impl Lexicon {
    /// The words of some texts; none if their language joins none.
    #[must_use]
    pub fn of<'t>(texts: impl IntoIterator<Item = &'t str>, language: Option<Language>) -> Self {
        let (mut lexicon, mut analyser) = (Self::new(language), Analyser::new(language));
        texts.into_iter().for_each(|text| lexicon.add(text, &mut analyser));
        lexicon
    }

    pub(crate) fn new(language: Option<Language>) -> Self {
        Self { language: language.filter(|language| language.joins_words()), ..Self::default() }
    }

    /// Adds the words of a text, in the form they have and without their endings.
    pub(crate) fn add(&mut self, text: &str, analyser: &mut Analyser) {
        if self.language.is_none() {
            return;
        }
        let mut count = |word: &str| match self.counts.get_mut(word) {
            Some(count) => *count += 1,
            None => _ = self.counts.insert(word.into(), 1),
        };
        analyser.each_term(text, |term| {
            if term.kind == TermKind::Word {
                let word = lower(&text[term.start..term.end]);
                count(&word);
                if *word != *term.stem {
                    count(term.stem);
                }
            }
        });
    }

    /// The parts of a word that the texts use by themselves, without their endings; none if it is no
    /// compound.
    #[must_use]
    pub fn parts(&self, word: &str) -> Vec<String> {
        let count = |part: &str| {
            let known = self.counts.get(part);
            known.or_else(|| self.counts.get(&*stem(part, self.language))).copied().unwrap_or_default()
        };
        if word.len() < MIN_BYTES { Vec::new() } else { parts(&lower(word), self.language, count) }
    }

    /// The same, remembered for when the word comes again.
    pub(crate) fn known_parts(&mut self, word: &str) -> &[String] {
        if !self.known.contains_key(word) {
            let parts = self.parts(word);
            if self.known.len() == MAX_KNOWN {
                self.known.clear();
            }
            self.known.insert(word.into(), parts);
        }
        &self.known[word]
    }
}

/// The same by how often words are met, which `count` tells of a word in lower case.
pub(crate) fn parts(
    word: &str,
    language: Option<Language>,
    mut count: impl FnMut(&str) -> u64,
) -> Vec<String> {
    let mut parts = Vec::new();
    let mut left = MAX_LOOKUPS;
    let mut count = |part: &str| match left.checked_sub(1) {
        Some(less) => {
            left = less;
            count(part)
        }
        None => 0,
    };
    if language.is_some_and(Language::joins_words) {
        add_parts(word, &mut count, &mut parts);
    }
    parts.into_iter().map(|part| stem(part, language)).collect()
}

/// Adds the parts of a compound, and theirs; nothing if it is none.
fn add_parts<'w>(word: &'w str, count: &mut impl FnMut(&str) -> u64, parts: &mut Vec<&'w str>) {
    let Some(Split { first, second, .. }) = split(word, count) else { return };
    for part in [first, second] {
        if count(part) > 0 && !parts.contains(&part) {
            parts.push(part);
        }
        add_parts(part, count, parts);
    }
}

/// A compound of two parts.
struct Split<'w> {
    /// The first without what links it to the second.
    first: &'w str,
    second: &'w str,
    /// How often they are met, both together.
    times: u64,
}

fn split<'w>(word: &'w str, count: &mut impl FnMut(&str) -> u64) -> Option<Split<'w>> {
    if !(MIN_BYTES..=MAX_BYTES).contains(&word.len()) || !word.chars().all(char::is_alphabetic) {
        return None;
    }
    let mut best: Option<Split<'w>> = None;
    for (at, _) in word.char_indices().filter(|(at, _)| *at >= MIN_PART && word.len() - at >= MIN_PART) {
        let (before, second) = word.split_at(at);
        let num_second = count(second);
        if num_second == 0 {
            continue;
        }
        let firsts = LINKS.iter().filter_map(|link| before.strip_suffix(link));
        for first in firsts.filter(|first| first.len() >= MIN_PART) {
            let num_first = match count(first) {
                // It may be a compound that is met in no text by itself.
                0 => split(first, count).map_or(0, |split| split.times.isqrt()),
                num => num,
            };
            let times = num_first.saturating_mul(num_second);
            if times > best.as_ref().map_or(0, |best| best.times) {
                best = Some(Split { first, second, times });
            }
        }
    }
    let whole = count(word);
    best.filter(|best| best.times >= whole.saturating_mul(whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_of_which_every_piece_is_one_is_soon_done() {
        let mut num_lookups = 0;
        let word = format!("x{}", "e".repeat(62));
        parts(&word, Language::from_code("de"), |part| {
            num_lookups += 1;
            u64::from(part.starts_with('e'))
        });
        assert_eq!(num_lookups, MAX_LOOKUPS);
    }

    #[test]
    fn a_compound_is_made_of_words_that_stand_elsewhere() {
        let german = Language::from_code("de");
        let lexicon = Lexicon::of(
            [
                "Der Anspruch auf Urlaub. Der Tag der Arbeit. Die Bescheinigung. Unfähig. Die Unfähigkeit der Räte. Das Rathaus. Die Amtszeit, ein Amt auf Zeit.",
            ],
            german,
        );
        for (word, expected) in [
            ("Urlaubsansprüchen", vec!["urlaub", "anspruch"]),
            ("Urlaubstage", vec!["urlaub", "tag"]),
            ("Amtszeiten", vec!["amt", "zeit"]),
            ("Arbeitsunfähigkeitsbescheinigung", vec!["arbeit", "unfah", "beschein"]),
            ("Urlaub", vec![]),
            ("Anspruch", vec![]),
            ("Gegenstand", vec![]),
        ] {
            let parts = lexicon.parts(word);
            assert_eq!(parts.iter().map(String::as_str).collect::<Vec<_>>(), expected, "{word}");
        }
        let english = Lexicon::of(["The ship in the yard"], Language::from_code("en"));
        assert!(english.parts("shipyard").is_empty());
    }
}
