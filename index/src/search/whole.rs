//! How well whole documents answer: BM25 over documents instead of passages, read from the same
//! postings. A passage is judged with the document it stands in, since the words that say what the
//! document is about are often in another passage than the answer.

use std::collections::HashMap;

use tantivy::postings::Postings as _;
use tantivy::schema::IndexRecordOption;
use tantivy::{DocAddress, DocSet as _, TERMINATED, Term};
use uuid::Uuid;

use super::segment::{Opened, Segment};
use super::terms::{Sought, idf};
use crate::error::IndexError;
use crate::passage::Spread;
use crate::query::{Place, Word};
use crate::schema::Fields;

/// The usual constants of BM25.
const K1: f32 = 1.2;
const B: f32 = 0.75;

/// BM25's factor for a word that stands so often in a text of this length, as a multiple of the mean: 1 if
/// it stands once and the text is as long as most, 2.2 at most.
pub(super) fn saturated(count: f32, length: f32) -> f32 {
    count * (K1 + 1.0) / (count + K1 * (1.0 - B + B * length))
}

/// The documents of an index, taken together.
#[derive(Clone, Copy)]
pub(super) struct Documents {
    num_documents: u64,
    mean_length: f32,
}

impl Documents {
    pub(super) fn new(segments: &[Segment]) -> Self {
        let (mut num_documents, mut total_length) = (0, 0);
        for segment in segments {
            for run in segment.opened.runs.iter().filter(|run| segment.has(run)) {
                num_documents += 1;
                total_length += u64::from(run.length);
            }
        }
        Self { num_documents, mean_length: total_length.max(1) as f32 / num_documents.max(1) as f32 }
    }

    /// Scores every document for a sum of weighted terms.
    pub(super) fn scores<'a>(
        &self,
        segments: &'a [Segment],
        terms: impl Iterator<Item = &'a Sought>,
    ) -> Result<Scores<'a>, IndexError> {
        let mut scores = Scores::none(segments);
        let mut of_terms = Vec::new();
        let mut num_of_word: HashMap<Word, u64> = HashMap::new();
        for sought in terms {
            let mut found = Vec::new();
            for (ord, segment) in segments.iter().enumerate() {
                counts(sought, ord, segment, |run, count| found.push((ord, run, count)))?;
            }
            *num_of_word.entry(sought.word).or_default() += found.len() as u64;
            of_terms.push((sought, found));
        }
        for (sought, found) in of_terms {
            let idf = idf(num_of_word[&sought.word], self.num_documents);
            for (ord, run, count) in found {
                let length = segments[ord].opened.runs[run].length as f32 / self.mean_length;
                scores.of_runs[ord][run] += sought.weight * idf * saturated(count as f32, length);
            }
        }
        Ok(scores)
    }
}

/// What each document scores.
pub(super) struct Scores<'a> {
    segments: &'a [Segment],
    /// By segment and run.
    of_runs: Vec<Vec<f32>>,
}

impl<'a> Scores<'a> {
    fn none(segments: &'a [Segment]) -> Self {
        let of_runs = segments.iter().map(|segment| vec![0.0; segment.opened.runs.len()]).collect();
        Self { segments, of_runs }
    }

    /// The score of the document that a passage stands in.
    pub(super) fn of(&self, passage: DocAddress) -> f32 {
        let ord = passage.segment_ord as usize;
        self.segments[ord].opened.run_of(passage.doc_id).map_or(0.0, |run| self.of_runs[ord][run])
    }
}

/// How each document that has a word in its text, or in its name, has it.
pub(super) fn spreads(
    segments: &[Segment],
    fields: &Fields,
    stem: &str,
) -> Result<HashMap<Uuid, Spread>, IndexError> {
    let mut spreads: HashMap<Uuid, Spread> = HashMap::new();
    for place in [Place::Body, Place::Name] {
        let term = Term::from_field_text(fields.of(place), stem);
        for segment in segments {
            let postings = segment.terms(place).read_postings(&term, IndexRecordOption::Basic)?;
            let Some(mut postings) = postings else { continue };
            while postings.doc() != TERMINATED {
                let Opened { runs, ids, .. } = &*segment.opened;
                let Some(run) = segment.opened.run_of(postings.doc()) else { break };
                let passages = segment.passages_of(run);
                let mut num = 0;
                let begins = postings.doc() == passages.start;
                while passages.contains(&postings.doc()) {
                    num += 1;
                    postings.advance();
                }
                if segment.has(&runs[run]) {
                    let spread = spreads.entry(Uuid::from_u128(ids.of(passages.start).0)).or_default();
                    spread.share = spread.share.max(num as f32 / passages.len() as f32);
                    spread.begins |= begins;
                }
            }
        }
    }
    Ok(spreads)
}

/// How often each document of a segment has the term, in the order of runs.
pub(super) fn counts(
    sought: &Sought,
    segment_ord: usize,
    segment: &Segment,
    mut each: impl FnMut(usize, u32),
) -> Result<(), IndexError> {
    let Some(mut postings) = sought.postings(segment_ord, segment, IndexRecordOption::WithFreqs)? else {
        return Ok(());
    };
    let runs = &segment.opened.runs;
    let (mut run, mut count) = (0, 0);
    let mut passage = postings.doc();
    while passage != TERMINATED {
        while runs.get(run + 1).is_some_and(|next| next.first <= passage) {
            if count > 0 && segment.has(&runs[run]) {
                each(run, count);
            }
            (run, count) = (run + 1, 0);
        }
        count += postings.term_freq();
        passage = postings.advance();
    }
    if count > 0 && segment.has(&runs[run]) {
        each(run, count);
    }
    Ok(())
}
