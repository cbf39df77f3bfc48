//! The weighted terms of a query as the index has them. A word has as many forms as the index has
//! languages, and is as rare as all of them together: a common word must not become a rare one
//! because a single passage is in another language.

use std::collections::HashMap;
use std::ops::Range;

use tantivy::postings::{SegmentPostings, TermInfo};
use tantivy::query::{Bm25StatisticsProvider, BooleanQuery, BoostQuery, Occur, Query, TermQuery};
use tantivy::schema::{Field, IndexRecordOption, Term as IndexTerm};

use super::segment::Segment;
use super::whole::saturated;
use crate::error::IndexError;
use crate::query::{Forms, JOINED, Joined, Place, Word};
use crate::schema::Fields;

/// A term that is in the index.
pub(super) struct Sought {
    term: IndexTerm,
    pub(super) place: Place,
    pub(super) word: Word,
    /// What it counts for.
    pub(super) weight: f32,
    /// How rare its word is in this place, among passages.
    pub(super) idf: f32,
    /// What the engine takes for that: how rare this form of it is.
    idf_of_form: f32,
    /// Passages that have it.
    num_found: u64,
    /// Where it is in each segment.
    found: Vec<Option<TermInfo>>,
}

/// What is looked up for a query, or for a part of it.
pub(super) struct Terms {
    /// In the order of terms.
    sought: Vec<Sought>,
    joined: Joined,
}

impl Terms {
    /// Those of the words within a range of the query.
    pub(super) fn new(
        segments: &[Segment],
        fields: &Fields,
        forms: &Forms<'_>,
        within: &Range<usize>,
    ) -> Result<Self, IndexError> {
        let mut failure = None;
        let (weighted, joined) = forms.terms(within, |stem| {
            num_with(segments, fields, stem).unwrap_or_else(|error| {
                failure = Some(error);
                0
            })
        });
        failure.map_or(Ok(()), Err)?;
        let num_passages = num_passages(segments);
        let mut num_of_word: HashMap<(Place, Word), u64> = HashMap::new();
        let mut terms = Vec::with_capacity(weighted.len());
        for ((place, stem), (word, weight)) in weighted {
            let term = IndexTerm::from_field_text(fields.of(place), &stem);
            let found = segments.iter().map(|segment| segment.terms(place).get_term_info(&term));
            let found = found.collect::<Result<Vec<_>, _>>()?;
            let num_found = found.iter().flatten().map(|found| u64::from(found.doc_freq)).sum();
            if num_found > 0 {
                *num_of_word.entry((place, word)).or_default() += num_found;
                let idf = idf(num_found, num_passages);
                terms.push(Sought { term, place, word, weight, idf, idf_of_form: idf, num_found, found });
            }
        }
        for sought in &mut terms {
            sought.idf = idf(num_of_word[&(sought.place, sought.word)], num_passages);
        }
        terms.sort_unstable_by(|one, other| one.term.cmp(&other.term));
        Ok(Self { sought: terms, joined })
    }

    /// Those of one place.
    pub(super) fn of(&self, place: Place) -> impl Iterator<Item = &Sought> {
        self.sought.iter().filter(move |sought| sought.place == place)
    }

    /// Those that are looked for in passages themselves: all but names of documents.
    pub(super) fn of_passages(&self) -> impl Iterator<Item = &Sought> {
        self.sought.iter().filter(|sought| !sought.place.is_name())
    }

    /// The words of the question that a term of a name stands for: several, if it is made of them.
    pub(super) fn named_by(&self, sought: &Sought) -> Vec<Word> {
        match sought.word {
            (JOINED, number) => self.joined[number].clone().map(|position| (position, 0)).collect(),
            word => vec![word],
        }
    }

    /// A flat union of what is looked for in passages, which lets the engine skip whole blocks of passages
    /// that can't reach the best ones.
    pub(super) fn union(&self) -> Option<BooleanQuery> {
        let clause = |sought: &Sought| {
            let term = TermQuery::new(sought.term.clone(), IndexRecordOption::WithFreqs);
            let weight = sought.weight * sought.idf / sought.idf_of_form;
            let boosted: Box<dyn Query> = Box::new(BoostQuery::new(Box::new(term), weight));
            (Occur::Should, boosted)
        };
        let clauses: Vec<_> = self.of_passages().map(clause).collect();
        (!clauses.is_empty()).then(|| BooleanQuery::new(clauses))
    }
}

/// The inverse document frequency of BM25. Forms of one word that stand in the same passages may be more
/// than there are passages.
pub(super) fn idf(num_found: u64, num: u64) -> f32 {
    let (num_found, num) = (num_found.min(num) as f32, num as f32);
    (1.0 + (num - num_found + 0.5) / (num_found + 0.5)).ln()
}

/// The passages that have a term.
pub(super) fn num_with(segments: &[Segment], fields: &Fields, stem: &str) -> Result<u64, IndexError> {
    let term = IndexTerm::from_field_text(fields.body, stem);
    let num = |segment: &Segment| Ok(u64::from(segment.terms(Place::Body).doc_freq(&term)?));
    segments.iter().map(num).sum()
}

pub(super) fn num_passages(segments: &[Segment]) -> u64 {
    segments.iter().map(|segment| u64::from(segment.reader.max_doc())).sum()
}

impl Sought {
    /// What a passage scores that has it so often in a place of this length, as a multiple of the mean.
    pub(super) fn score(&self, count: u32, length: f32) -> f32 {
        self.weight * self.idf * saturated(count as f32, length)
    }

    /// The passages of a segment that have it, if there are any.
    pub(super) fn postings(
        &self,
        segment_ord: usize,
        segment: &Segment,
        option: IndexRecordOption,
    ) -> Result<Option<SegmentPostings>, IndexError> {
        let read = |found| segment.terms(self.place).read_postings_from_terminfo(found, option);
        Ok(self.found[segment_ord].as_ref().map(read).transpose()?)
    }
}

/// What the engine asks of an index to score terms; it is known, and not looked up again.
pub(super) struct Statistics<'a> {
    pub(super) segments: &'a [Segment],
    pub(super) fields: &'a Fields,
    pub(super) terms: &'a Terms,
}

impl Bm25StatisticsProvider for Statistics<'_> {
    fn total_num_tokens(&self, field: Field) -> tantivy::Result<u64> {
        let place = Place::ALL.into_iter().find(|place| self.fields.of(*place) == field);
        let tokens = |place| self.segments.iter().map(move |segment| segment.terms(place).total_num_tokens());
        Ok(place.map_or(0, |place| tokens(place).sum()))
    }

    fn total_num_docs(&self) -> tantivy::Result<u64> {
        Ok(num_passages(self.segments))
    }

    fn doc_freq(&self, term: &IndexTerm) -> tantivy::Result<u64> {
        let found = self.terms.sought.binary_search_by(|sought| sought.term.cmp(term));
        Ok(found.map_or(0, |number| self.terms.sought[number].num_found))
    }
}
