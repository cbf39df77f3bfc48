//! The weighted terms of a query as the index has them. A word has as many forms as the index has
//! languages, and is as rare as all of them together: a common word must not become a rare one
//! because a single passage is in another language.

use std::collections::HashMap;
use std::ops::Range;

use tantivy::Searcher;
use tantivy::query::{BooleanQuery, BoostQuery, Occur, Query, TermQuery};
use tantivy::schema::{IndexRecordOption, Term as IndexTerm};

use crate::error::IndexError;
use crate::query::{Forms, Place, Word};
use crate::schema::Fields;

/// A term that is in the index.
pub(super) struct Sought {
    pub(super) term: IndexTerm,
    pub(super) place: Place,
    pub(super) word: Word,
    /// What it counts for.
    pub(super) weight: f32,
    /// How rare its word is in this place, among passages.
    pub(super) idf: f32,
    /// What the engine takes for that: how rare this form of it is.
    idf_of_form: f32,
}

/// What is looked up for a query, or for a part of it.
pub(super) struct Terms(Vec<Sought>);

impl Terms {
    /// Those of the words within a range of the query.
    pub(super) fn new(
        searcher: &Searcher,
        fields: &Fields,
        forms: &Forms<'_>,
        within: &Range<usize>,
    ) -> Result<Self, IndexError> {
        let num_found = |place: Place, stem: &str| {
            let term = IndexTerm::from_field_text(field(fields, place), stem);
            Ok::<_, IndexError>((searcher.doc_freq(&term)?, term))
        };
        let mut failure = None;
        let weighted = forms.terms(within, |stem| match num_found(Place::Body, stem) {
            Ok((num_found, _)) => num_found > 0,
            Err(error) => {
                failure = Some(error);
                false
            }
        });
        if let Some(failure) = failure {
            return Err(failure);
        }
        let num_passages =
            searcher.segment_readers().iter().map(|segment| u64::from(segment.max_doc())).sum();
        let mut num_of_word: HashMap<(Place, Word), u64> = HashMap::new();
        let mut terms = Vec::with_capacity(weighted.len());
        for ((place, stem), (word, weight)) in weighted {
            let (num_found, term) = num_found(place, &stem)?;
            if num_found > 0 {
                *num_of_word.entry((place, word)).or_default() += num_found;
                let idf_of_form = idf(num_found, num_passages);
                terms.push(Sought { term, place, word, weight, idf: idf_of_form, idf_of_form });
            }
        }
        for sought in &mut terms {
            sought.idf = idf(num_of_word[&(sought.place, sought.word)], num_passages);
        }
        Ok(Self(terms))
    }

    /// Those of one place.
    pub(super) fn of(&self, place: Place) -> impl Iterator<Item = &Sought> {
        self.0.iter().filter(move |sought| sought.place == place)
    }

    /// A flat union of single terms, which lets the engine skip whole blocks of passages that can't
    /// reach the best ones.
    pub(super) fn union(&self) -> Option<BooleanQuery> {
        let clause = |sought: &Sought| {
            let term = TermQuery::new(sought.term.clone(), IndexRecordOption::WithFreqs);
            let weight = sought.weight * sought.idf / sought.idf_of_form;
            let boosted: Box<dyn Query> = Box::new(BoostQuery::new(Box::new(term), weight));
            (Occur::Should, boosted)
        };
        (!self.0.is_empty()).then(|| BooleanQuery::new(self.0.iter().map(clause).collect()))
    }
}

/// The inverse document frequency of BM25. Forms of one word that stand in the same passages may be more
/// than there are passages.
pub(super) fn idf(num_found: u64, num: u64) -> f32 {
    let (num_found, num) = (num_found.min(num) as f32, num as f32);
    (1.0 + (num - num_found + 0.5) / (num_found + 0.5)).ln()
}

fn field(fields: &Fields, place: Place) -> tantivy::schema::Field {
    match place {
        Place::Body => fields.body,
        Place::Title => fields.title,
        Place::Name => fields.name,
        Place::Stops => fields.stops,
    }
}
