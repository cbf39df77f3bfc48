//! Meaning beside words: how near the vector of each passage is to the question's, and one score
//! from both. For vectors of a model everything in scope is looked at, so that the nearest are found
//! and not only likely, and so that it is known what is near for this question. Vectors made of words
//! are only asked about what words found.

use tantivy::DocAddress;

use super::best::{Best, Candidate};
use super::columns::Filter;
use super::segment::Segment;
use crate::error::IndexError;
use crate::vectors::Meaning;

/// What the nearest passage gains, where the best by its words has 1.
const MEANING_WEIGHT: f32 = 0.8;

/// What the nearest passage gains of what it lacks, where vectors are made of words.
const KINSHIP_WEIGHT: f32 = 0.5;
/// The same for a question of several parts: its vector lies between theirs, and what is near all of
/// them need not answer one.
const KINSHIP_WEIGHT_OF_PARTS: f32 = 0.25;
/// How sure the best passage by its words is: the rest of it is what even that one lacks.
const CERTAINTY: f32 = 0.8;

/// Weighs what was found by its words with vectors that are made of words. What words say counts in
/// full, and a passage gains a share of what it lacks, as if it were wrong only if both were: what fits
/// well by its words stays where it is, and what they leave open is told apart.
pub(super) fn weigh(meaning: &Meaning, has_parts: bool, found: &mut [Candidate]) {
    let weight = if has_parts { KINSHIP_WEIGHT_OF_PARTS } else { KINSHIP_WEIGHT };
    let cosine = |candidate: &Candidate| {
        let mut of_document = meaning.of_document(candidate.document())?;
        of_document.cosine(candidate.ordinal()).map(|cosine| cosine.max(0.0))
    };
    let cosines: Vec<f32> = found.iter().map(|candidate| cosine(candidate).unwrap_or(0.0)).collect();
    let nearest = cosines.iter().copied().fold(f32::MIN_POSITIVE, f32::max);
    let most = found.iter().map(Candidate::score).fold(0.0, f32::max);
    for (candidate, cosine) in found.iter_mut().zip(cosines) {
        let lacking = most - CERTAINTY * candidate.score();
        *candidate = candidate.with_score(candidate.score() + weight * lacking * cosine / nearest);
    }
}

/// How near each passage of an index is to a question.
pub(super) struct Nearness {
    /// For each passage of each segment its cosine; not a number out of scope and without vector.
    cosines: Vec<Vec<f32>>,
    average: f32,
    nearest: f32,
}

impl Nearness {
    pub(super) fn new(
        segments: &[Segment],
        filter: &Filter<'_>,
        meaning: &Meaning,
    ) -> Result<Self, IndexError> {
        let mut cosines = Vec::new();
        let (mut sum, mut num, mut nearest) = (0.0, 0_u32, f32::NEG_INFINITY);
        for segment in segments {
            let (ids, runs) = (&segment.opened.ids, &segment.opened.runs);
            let mut found = vec![f32::NAN; segment.reader.max_doc() as usize];
            if let Some(filter) = filter.on(segment)? {
                for (number, run) in runs.iter().enumerate() {
                    let (document, _) = ids.of(run.first);
                    if !filter.admits(run.first, document) {
                        continue;
                    }
                    let Some(mut of_document) = meaning.of_document(document) else { continue };
                    for passage in segment.passages_of(number) {
                        let Some(cosine) = of_document.cosine(ids.ordinal(passage)) else { continue };
                        sum += f64::from(cosine);
                        num += 1;
                        nearest = nearest.max(cosine);
                        found[passage as usize] = cosine;
                    }
                }
            }
            cosines.push(found);
        }
        let average = (sum / f64::from(num.max(1))) as f32;
        Ok(Self { cosines, average, nearest })
    }

    /// Adds the `limit` nearest passages to those that were found by their words.
    pub(super) fn admit(&self, segments: &[Segment], limit: usize, found: &mut Vec<Candidate>) {
        let mut nearest = Best::new(limit);
        for ((segment_ord, segment), cosines) in (0..).zip(segments).zip(&self.cosines) {
            for (passage, cosine) in (0..).zip(cosines) {
                let share = self.share(*cosine);
                if share > nearest.threshold().max(0.0) {
                    let (document, ordinal) = segment.opened.ids.of(passage);
                    let address = DocAddress::new(segment_ord, passage);
                    nearest.offer(Candidate::new(share, document, ordinal, address));
                }
            }
        }
        let known: std::collections::HashSet<DocAddress> =
            found.iter().map(|candidate| candidate.address).collect();
        let new = nearest.into_sorted().into_iter().filter(|candidate| !known.contains(&candidate.address));
        found.extend(new.map(|candidate| candidate.with_score(0.0)));
    }

    /// Makes one score of both: what a passage has for its words, as a share of the most, and how
    /// near it is, between the average and the nearest: to be less far than others is no merit. Scores
    /// and not ranks are added, since a list of ranks forgets by how much the first is better than the
    /// second.
    pub(super) fn fuse(&self, found: &mut [Candidate]) {
        let most = found.iter().map(Candidate::score).fold(f32::MIN_POSITIVE, f32::max);
        for candidate in found {
            let DocAddress { segment_ord, doc_id } = candidate.address;
            let near = self.share(self.cosines[segment_ord as usize][doc_id as usize]);
            *candidate = candidate.with_score(candidate.score() / most + MEANING_WEIGHT * near);
        }
    }

    /// Where a cosine lies between the average, 0, and the nearest, 1; where all are as near, the cosine
    /// itself. What is farther has 0, and what has no vector.
    fn share(&self, cosine: f32) -> f32 {
        let range = self.nearest - self.average;
        let share = if range > 0.0 { (cosine - self.average) / range } else { cosine };
        share.max(0.0)
    }
}
