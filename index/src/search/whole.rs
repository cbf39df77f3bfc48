//! How well whole documents answer: BM25 over documents instead of passages, read from the same
//! postings. A passage is judged with the document it stands in, since the words that say what the
//! document is about are often in another passage than the answer.

use std::collections::HashMap;
use std::sync::Arc;

use tantivy::index::SegmentId;
use tantivy::postings::Postings as _;
use tantivy::schema::{IndexRecordOption, Term as IndexTerm};
use tantivy::{DocAddress, DocId, DocSet as _, Searcher, SegmentReader, TERMINATED};

use super::columns::Ids;
use super::terms::{Sought, idf};
use crate::error::IndexError;
use crate::query::Word;
use crate::schema::Fields;

/// The usual constants of BM25.
pub(super) const K1: f32 = 1.2;
pub(super) const B: f32 = 0.75;

/// The documents of an index as runs of neighbouring passages, segment by segment.
#[derive(Clone, Default)]
pub(super) struct Documents {
    segments: HashMap<SegmentId, Arc<[Run]>>,
    num_documents: u64,
    mean_length: f32,
}

/// The passages of one document in one segment; they end where the next run begins.
pub(super) struct Run {
    pub(super) first: DocId,
    /// Words of the body in all of them.
    length: u32,
}

impl Documents {
    /// Reads the segments that `known` has not seen.
    pub(super) fn new(searcher: &Searcher, fields: &Fields, known: &Self) -> Result<Self, IndexError> {
        let mut documents = Self::default();
        let mut total_length = 0;
        for segment in searcher.segment_readers() {
            let id = segment.segment_id();
            let runs = match known.segments.get(&id) {
                Some(runs) => Arc::clone(runs),
                None => runs(segment, fields)?,
            };
            for run in runs.iter().filter(|run| !segment.is_deleted(run.first)) {
                documents.num_documents += 1;
                total_length += u64::from(run.length);
            }
            documents.segments.insert(id, runs);
        }
        documents.mean_length = total_length.max(1) as f32 / documents.num_documents.max(1) as f32;
        Ok(documents)
    }

    /// Scores every document for a sum of weighted terms.
    pub(super) fn scores<'a>(
        &self,
        searcher: &Searcher,
        terms: impl Iterator<Item = &'a Sought>,
    ) -> Result<Scores<'_>, IndexError> {
        let segments = self.runs(searcher);
        let mut scores: Vec<Vec<f32>> = segments.iter().map(|runs| vec![0.0; runs.len()]).collect();
        let mut of_terms = Vec::new();
        let mut num_of_word: HashMap<Word, u64> = HashMap::new();
        for sought in terms {
            let mut found = Vec::new();
            for (ord, (segment, runs)) in searcher.segment_readers().iter().zip(&segments).enumerate() {
                counts(segment, &sought.term, runs, |run, count| found.push((ord, run, count)))?;
            }
            *num_of_word.entry(sought.word).or_default() += found.len() as u64;
            of_terms.push((sought, found));
        }
        for (sought, found) in of_terms {
            let idf = idf(num_of_word[&sought.word], self.num_documents);
            for (ord, run, count) in found {
                let length = segments[ord][run].length as f32 / self.mean_length;
                let count = count as f32;
                let saturated = count * (K1 + 1.0) / (count + K1 * (1.0 - B + B * length));
                scores[ord][run] += sought.weight * idf * saturated;
            }
        }
        Ok(Scores { segments, scores })
    }

    /// The documents of each segment.
    pub(super) fn runs(&self, searcher: &Searcher) -> Vec<&[Run]> {
        let segments = searcher.segment_readers().iter();
        let runs = segments.map(|segment| self.segments.get(&segment.segment_id()));
        runs.map(|runs| runs.map_or(&[][..], |runs| &**runs)).collect()
    }
}

/// What each document scores.
pub(super) struct Scores<'a> {
    pub(super) segments: Vec<&'a [Run]>,
    pub(super) scores: Vec<Vec<f32>>,
}

impl Scores<'_> {
    /// The score of the document that a passage stands in.
    pub(super) fn of(&self, passage: DocAddress) -> f32 {
        let ord = passage.segment_ord as usize;
        let after = self.segments[ord].partition_point(|run| run.first <= passage.doc_id);
        after.checked_sub(1).map_or(0.0, |run| self.scores[ord][run])
    }
}

fn runs(segment: &SegmentReader, fields: &Fields) -> Result<Arc<[Run]>, IndexError> {
    let ids = Ids::open(segment)?;
    let lengths = segment.get_fieldnorms_reader(fields.body)?;
    let mut runs: Vec<Run> = Vec::new();
    let mut last = None;
    for passage in 0..segment.max_doc() {
        let (document, _) = ids.of(passage);
        if last != Some(document) {
            runs.push(Run { first: passage, length: 0 });
            last = Some(document);
        }
        if let Some(run) = runs.last_mut() {
            run.length += lengths.fieldnorm(passage);
        }
    }
    Ok(runs.into())
}

/// How often each run has the term, in the order of runs.
pub(super) fn counts(
    segment: &SegmentReader,
    term: &IndexTerm,
    runs: &[Run],
    mut each: impl FnMut(usize, u32),
) -> Result<(), IndexError> {
    let index = segment.inverted_index(term.field())?;
    let Some(mut postings) = index.read_postings(term, IndexRecordOption::WithFreqs)? else {
        return Ok(());
    };
    let (mut run, mut count) = (0, 0);
    let mut passage = postings.doc();
    while passage != TERMINATED {
        while runs.get(run + 1).is_some_and(|next| next.first <= passage) {
            if count > 0 && !segment.is_deleted(runs[run].first) {
                each(run, count);
            }
            (run, count) = (run + 1, 0);
        }
        count += postings.term_freq();
        passage = postings.advance();
    }
    if count > 0 && !segment.is_deleted(runs[run].first) {
        each(run, count);
    }
    Ok(())
}
