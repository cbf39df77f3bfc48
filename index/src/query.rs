//! A question as weighted terms. The text is never parsed as a query language: quotes, `AND`, `-`,
//! `:` and brackets are text like any other.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ops::Range;

use crate::analysis::{self, Language, Term, TermKind};

/// Words beyond this many are not searched for; the rest of a pasted page adds only time.
const MAX_WORDS: usize = 256;

/// What the title and the headings count for beside the joined body.
const TITLE_WEIGHT: f32 = 0.25;
/// What the document's name counts for.
const NAME_WEIGHT: f32 = 2.5;
/// What two neighbouring words count for, beside each of them.
const PAIR_WEIGHT: f32 = 0.15;
/// What the part of a compound counts for when the compound itself is in the index.
const PART_WEIGHT: f32 = 0.2;

/// What someone is looking for, in their own words.
#[derive(Clone, Debug)]
pub struct Query {
    text: String,
    language: Option<Language>,
}

/// Where a weighted term is looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    Body,
    Title,
    Name,
    Pairs,
    Stops,
}

impl Query {
    /// Takes natural language. The `language` decides which of its words are grammar; where it is
    /// not given, it is told from the words of grammar themselves, since a question is too short to
    /// tell it from anything else.
    #[must_use]
    pub fn new(text: impl Into<String>, language: Option<Language>) -> Self {
        let text = text.into();
        let language = language.or_else(|| Language::of_question(&text)).or_else(|| Language::detect(&text));
        Self { text, language }
    }

    /// The text as it was given.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What to look up in an index whose documents are in these languages, with weights.
    ///
    /// Each word is looked up in the form it takes in each of the languages: the query's own may be
    /// another than the document's, and a form that only one language has costs the others nothing.
    pub(crate) fn terms(
        &self,
        languages: &[Option<Language>],
        mut in_index: impl FnMut(&str) -> bool,
    ) -> BTreeMap<(Place, String), f32> {
        let words = self.words();
        let mut weights = BTreeMap::new();
        if words.iter().all(|word| word.kind == TermKind::Stop) {
            for language in forms(languages) {
                for term in self.select(&words, language) {
                    weights.insert((Place::Stops, term.stem.clone()), 1.0);
                    weights.insert((Place::Body, term.stem), 1.0);
                }
            }
            return weights;
        }
        let content: Vec<Term> = words.into_iter().filter(|word| word.kind != TermKind::Stop).collect();
        let mut counted = BTreeMap::new();
        for language in forms(languages) {
            let mut before: Option<(usize, String)> = None;
            for (position, term) in self.select(&content, language).into_iter().enumerate() {
                if let Some((_, before)) = &before
                    && *before != term.stem
                {
                    let pair = analysis::pair(before, &term.stem);
                    counted.insert((position, Place::Pairs, pair), PAIR_WEIGHT);
                }
                let parts = analysis::parts(&self.text[term.start..term.end]);
                let part_weight = if !parts.is_empty() && in_index(&term.stem) { PART_WEIGHT } else { 1.0 };
                for part in &parts {
                    let part = analysis::stem(part, language);
                    counted.insert((position, Place::Body, part.clone()), part_weight);
                    counted.insert((position, Place::Title, part.clone()), part_weight * TITLE_WEIGHT);
                    counted.insert((position, Place::Name, part), NAME_WEIGHT);
                }
                counted.insert((position, Place::Body, term.stem.clone()), 1.0);
                counted.insert((position, Place::Title, term.stem.clone()), TITLE_WEIGHT);
                counted.insert((position, Place::Name, term.stem.clone()), NAME_WEIGHT);
                before = Some((position, term.stem));
            }
        }
        // A word said twice counts twice, but its forms in several languages are one word. A name
        // is named once, however often.
        for ((_, place, stem), weight) in counted {
            let total = weights.entry((place, stem)).or_insert(0.0);
            *total = if place == Place::Name { weight } else { *total + weight };
        }
        weights
    }

    /// The words as the query's own language sees them.
    fn words(&self) -> Vec<Term> {
        let mut words = analysis::terms(&self.text, self.language);
        words.truncate(MAX_WORDS);
        words
    }

    /// The same words in the form they take in another language.
    fn select(&self, words: &[Term], language: Option<Language>) -> Vec<Term> {
        let kept: HashSet<usize> = words.iter().map(|word| word.start).collect();
        let mut terms = analysis::terms(&self.text, language);
        terms.retain(|term| kept.contains(&term.start));
        terms
    }
}

fn forms(languages: &[Option<Language>]) -> Vec<Option<Language>> {
    if languages.is_empty() { vec![None] } else { languages.to_vec() }
}

/// Finds the words of `text` that the query is about, as byte ranges in reading order.
///
/// `language` is the one `text` was indexed in. A query of nothing but words of grammar marks those.
#[must_use]
pub fn highlights(query: &Query, text: &str, language: Option<Language>) -> Vec<Range<usize>> {
    let words = query.words();
    let only_stops = words.iter().all(|word| word.kind == TermKind::Stop);
    let starts: HashSet<usize> = words
        .iter()
        .filter(|word| only_stops || word.kind != TermKind::Stop)
        .map(|word| word.start)
        .collect();
    let mut wanted = BTreeSet::new();
    for term in analysis::terms(&query.text, language) {
        if !starts.contains(&term.start) {
            continue;
        }
        let parts = analysis::parts(&query.text[term.start..term.end]);
        wanted.extend(parts.iter().filter(|part| part.len() > 2).map(|part| analysis::stem(part, language)));
        wanted.insert(term.stem);
    }
    let mut ranges: Vec<Range<usize>> = Vec::new();
    analysis::each_term(text, language, |term| {
        let is_wanted = wanted.contains(&term.stem)
            || analysis::parts(&text[term.start..term.end])
                .iter()
                .any(|part| part.len() > 2 && wanted.contains(&analysis::stem(part, language)));
        if !is_wanted {
            return;
        }
        match ranges.last_mut() {
            Some(last) if term.start < last.end => last.end = term.end,
            _ => ranges.push(term.start..term.end),
        }
    });
    ranges
}
