//! What a document is called, all its passages are about: a report has its company and its year in the name
//! of its file, and in its pages here and there. So a word of the question that the name has counts once
//! for the document and not again in each passage, where it only drowns what tells them apart.
//!
//! How much of its name a question covers decides how far that goes. One ordinary word of
//! `water-quality.csv` says little; a company and its year name a report.

use std::collections::{BTreeSet, HashMap, HashSet};

use tantivy::postings::Postings as _;
use tantivy::schema::IndexRecordOption;
use tantivy::{DocAddress, DocSet as _, SegmentOrdinal};

use super::Snapshot;
use super::best::{Best, Candidate};
use super::columns::Filter;
use super::segment::Segment;
use super::terms::{Terms, num_passages};
use super::whole::counts;
use crate::error::IndexError;
use crate::query::{Place, Word};

/// What a word counts for that the name has, where BM25 gives 2.2 to one that a passage repeats for ever.
const SAID_BY_NAME: f32 = 6.0;
/// The same for the title, which is chosen less to tell documents apart.
const SAID_BY_TITLE: f32 = 4.0;
/// How many documents are looked into because of their names alone.
const NUM_LOOKED_INTO: usize = 16;

/// The documents whose names have words of the question.
pub(super) struct Names<'a> {
    segments: &'a [Segment],
    /// By segment and run.
    of_runs: HashMap<(SegmentOrdinal, usize), Name>,
}

/// What a name has of the question.
#[derive(Default)]
pub(super) struct Name {
    num_terms: f32,
    pub(super) words: BTreeSet<Word>,
    /// The square of the share of it that the question covers, from 0 to 1.
    pub(super) share: f32,
    /// What its words are worth, in each passage.
    worth: f32,
}

impl Snapshot {
    /// Looks up which names, and which titles, have words of the question; of a document's two the one that
    /// has more.
    pub(super) fn names(&self, terms: &Terms) -> Result<Names<'_>, IndexError> {
        let mut of_runs = self.called(terms, Place::TitleAlone, SAID_BY_TITLE)?;
        for (at, name) in self.called(terms, Place::Name, SAID_BY_NAME)? {
            let title = of_runs.entry(at).or_default();
            if name.share * name.worth > title.share * title.worth {
                *title = name;
            }
        }
        Ok(Names { segments: &self.segments, of_runs })
    }

    /// What documents are called in one place, where a word counts so much.
    fn called(
        &self,
        terms: &Terms,
        place: Place,
        said: f32,
    ) -> Result<HashMap<(SegmentOrdinal, usize), Name>, IndexError> {
        let mut of_runs: HashMap<(SegmentOrdinal, usize), Name> = HashMap::new();
        let mut worths: HashMap<Word, f32> = HashMap::new();
        for sought in terms.of(place) {
            let words = terms.named_by(sought);
            worths.extend(words.iter().map(|word| (*word, sought.weight * sought.idf)));
            for (ord, segment) in self.segments.iter().enumerate() {
                counts(sought, ord, segment, |run, _| {
                    let name = of_runs.entry((ord as SegmentOrdinal, run)).or_default();
                    name.num_terms += 1.0;
                    name.words.extend(&words);
                })?;
            }
        }
        // Where passages have a word as well, it is as rare as it is among them.
        for sought in terms.of(Place::Body) {
            if let Some(worth) = worths.get_mut(&sought.word) {
                *worth = sought.weight * sought.idf;
            }
        }
        let lengths =
            self.segments.iter().map(|segment| segment.reader.get_fieldnorms_reader(self.fields.of(place)));
        let lengths = lengths.collect::<Result<Vec<_>, _>>()?;
        for ((ord, run), name) in &mut of_runs {
            let first = self.segments[*ord as usize].opened.runs[*run].first;
            let length = lengths[*ord as usize].fieldnorm(first).max(1) as f32;
            name.share = (name.num_terms / length).min(1.0).powi(2);
            name.worth = said * name.words.iter().map(|word| worths[word]).sum::<f32>();
        }
        Ok(of_runs)
    }

    /// Adds the best passages of the documents that are named best: they may have no other word of the
    /// question.
    pub(super) fn admit_named(
        &self,
        names: &Names<'_>,
        filter: &Filter<'_>,
        terms: &Terms,
        limit: usize,
        found: &mut Vec<Candidate>,
    ) -> Result<(), IndexError> {
        let known: HashSet<DocAddress> = found.iter().map(|candidate| candidate.address).collect();
        let mut best = Best::new(limit);
        let filters = self.segments.iter().map(|segment| filter.on(segment));
        let filters = filters.collect::<Result<Vec<_>, _>>()?;
        let in_scope = names.best().into_iter().filter_map(|(ord, run)| {
            let (segment, filter) = (&self.segments[ord as usize], filters[ord as usize].as_ref()?);
            let first = segment.opened.runs[run].first;
            filter.admits(first, segment.opened.ids.of(first).0).then_some((ord, segment, filter, run))
        });
        for (ord, segment, filter, run) in in_scope.take(NUM_LOOKED_INTO) {
            let passages = segment.passages_of(run);
            let mut scores = vec![0.0; passages.len()];
            for sought in terms.of_passages() {
                let Some(mut postings) =
                    sought.postings(ord as usize, segment, IndexRecordOption::WithFreqs)?
                else {
                    continue;
                };
                let lengths = segment.reader.get_fieldnorms_reader(self.fields.of(sought.place))?;
                let mean_length = self.mean_length(sought.place);
                if postings.doc() < passages.start {
                    postings.seek(passages.start);
                }
                while passages.contains(&postings.doc()) {
                    let length = lengths.fieldnorm(postings.doc()) as f32 / mean_length;
                    let score = sought.score(postings.term_freq(), length);
                    scores[(postings.doc() - passages.start) as usize] += score;
                    postings.advance();
                }
            }
            for (passage, score) in passages.zip(scores) {
                let (document, ordinal) = segment.opened.ids.of(passage);
                let address = DocAddress::new(ord, passage);
                if !known.contains(&address) && filter.admits(passage, document) {
                    best.offer(Candidate::new(score, document, ordinal, address));
                }
            }
        }
        found.extend(best.into_sorted());
        Ok(())
    }

    /// Gives each passage what its document's name says, instead of what it says of that itself.
    pub(super) fn weigh_names(
        &self,
        names: &Names<'_>,
        terms: &Terms,
        found: &mut [Candidate],
    ) -> Result<(), IndexError> {
        found.sort_unstable_by_key(|candidate| candidate.address);
        let mean_length = self.mean_length(Place::Body);
        let named = found.iter().enumerate();
        let mut named: Vec<(usize, DocAddress, &Name, f32)> = named
            .filter_map(|(at, candidate)| Some((at, candidate.address, names.of(candidate)?, 0.0)))
            .collect();
        for of_segment in named.chunk_by_mut(|one, other| one.1.segment_ord == other.1.segment_ord) {
            let ord = of_segment[0].1.segment_ord as usize;
            let lengths = self.segments[ord].reader.get_fieldnorms_reader(self.fields.body)?;
            for sought in terms.of(Place::Body) {
                let option = IndexRecordOption::WithFreqs;
                let Some(mut postings) = sought.postings(ord, &self.segments[ord], option)? else { continue };
                for (_, passage, name, said) in &mut *of_segment {
                    if !name.words.contains(&sought.word) {
                        continue;
                    }
                    if postings.doc() < passage.doc_id {
                        postings.seek(passage.doc_id);
                    }
                    if postings.doc() == passage.doc_id {
                        let length = lengths.fieldnorm(passage.doc_id) as f32 / mean_length;
                        *said += sought.score(postings.term_freq(), length);
                    }
                }
            }
        }
        for (at, _, name, said) in named {
            let gain = name.share * (name.worth - said);
            found[at] = found[at].with_score(found[at].score() + gain);
        }
        Ok(())
    }

    /// The mean number of words in a place of a passage.
    fn mean_length(&self, place: Place) -> f32 {
        let num_words: u64 =
            self.segments.iter().map(|segment| segment.terms(place).total_num_tokens()).sum();
        num_words.max(1) as f32 / num_passages(&self.segments).max(1) as f32
    }
}

impl Names<'_> {
    /// What the name of a passage's document has, if anything.
    pub(super) fn of(&self, candidate: &Candidate) -> Option<&Name> {
        let DocAddress { segment_ord, doc_id } = candidate.address;
        let run = self.segments[segment_ord as usize].opened.run_of(doc_id)?;
        self.of_runs.get(&(segment_ord, run))
    }

    /// All of them, first those that say most of what the question says.
    fn best(&self) -> Vec<(SegmentOrdinal, usize)> {
        let mut best: Vec<_> = self.of_runs.iter().map(|(at, name)| (name.share * name.worth, *at)).collect();
        best.sort_unstable_by(|(one, at), (other, place)| other.total_cmp(one).then(at.cmp(place)));
        best.into_iter().map(|(_, at)| at).collect()
    }
}
