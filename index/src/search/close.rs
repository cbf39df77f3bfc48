//! How close together the words of a question stand in a passage: what answers it tends to have them
//! in one sentence, and what only touches on it has them here and there.

use std::collections::{BTreeMap, VecDeque};

use tantivy::postings::Postings as _;
use tantivy::schema::IndexRecordOption;
use tantivy::{DocAddress, DocSet as _};

use super::Snapshot;
use super::best::Candidate;
use super::terms::Terms;
use crate::error::IndexError;
use crate::query::{Place, Word};

/// Words of a passage that are looked at together, those of grammar left out.
const WINDOW: u32 = 8;
/// What a passage with all words of the question in one window gains, as a multiple of its score.
const CLOSENESS_WEIGHT: f32 = 1.5;

/// A word of the question at a place of a passage: its position, and its number.
type Mark = (u32, usize);

impl Snapshot {
    /// Lets each passage gain by the part of the question that stands in one window of it, each word
    /// counted by how rare it is. Titles and headings are in every passage below them and don't count.
    pub(super) fn weigh_closeness(&self, terms: &Terms, found: &mut [Candidate]) -> Result<(), IndexError> {
        let mut worth_of: BTreeMap<Word, f32> = BTreeMap::new();
        for sought in terms.of(Place::Body) {
            worth_of.insert(sought.word, sought.weight * sought.idf);
        }
        if worth_of.len() < 2 {
            return Ok(());
        }
        let words: Vec<Word> = worth_of.keys().copied().collect();
        let worths: Vec<f32> = worth_of.into_values().collect();
        let total: f32 = worths.iter().sum();
        let mut order: Vec<usize> = (0..found.len()).collect();
        order.sort_unstable_by_key(|number| found[*number].address);
        let segment_of = |number: &usize| found[*number].address.segment_ord;
        let mut positions = Vec::new();
        let mut marks: Vec<Vec<Mark>> = vec![Vec::new(); found.len()];
        for of_segment in order.chunk_by(|one, other| segment_of(one) == segment_of(other)) {
            let segment = self.searcher.segment_reader(segment_of(&of_segment[0]));
            let index = segment.inverted_index(self.fields.body)?;
            for sought in terms.of(Place::Body) {
                let option = IndexRecordOption::WithFreqsAndPositions;
                let Some(mut postings) = index.read_postings(&sought.term, option)? else { continue };
                let Ok(word) = words.binary_search(&sought.word) else { continue };
                for number in of_segment {
                    let DocAddress { doc_id, .. } = found[*number].address;
                    if postings.doc() < doc_id {
                        postings.seek(doc_id);
                    }
                    if postings.doc() == doc_id {
                        postings.positions(&mut positions);
                        let within = positions.iter().filter(|position| **position > 0);
                        marks[*number].extend(within.map(|position| (*position, word)));
                    }
                }
            }
        }
        for (candidate, mut marks) in found.iter_mut().zip(marks) {
            marks.sort_unstable();
            let share = most_together(&marks, &worths) / total;
            *candidate = candidate.with_score(candidate.score() * (1.0 + CLOSENESS_WEIGHT * share));
        }
        Ok(())
    }
}

/// The most that words in one window are worth, each counted once.
fn most_together(marks: &[Mark], worths: &[f32]) -> f32 {
    let mut num_within = vec![0_u32; worths.len()];
    let mut within: VecDeque<Mark> = VecDeque::new();
    let (mut together, mut most) = (0.0_f32, 0.0_f32);
    for (position, word) in marks {
        while let Some((first, left)) = within.front()
            && first + WINDOW <= *position
        {
            num_within[*left] -= 1;
            if num_within[*left] == 0 {
                together -= worths[*left];
            }
            within.pop_front();
        }
        num_within[*word] += 1;
        if num_within[*word] == 1 {
            together += worths[*word];
        }
        within.push_back((*position, *word));
        most = most.max(together);
    }
    most
}

#[cfg(test)]
mod tests {
    use super::most_together;

    #[test]
    fn the_best_window_counts_and_each_word_in_it_once() {
        let worths = [1.0, 2.0, 4.0];
        assert!((most_together(&[(1, 0), (2, 0), (3, 1), (20, 2)], &worths) - 4.0).abs() < 1e-6);
        assert!((most_together(&[(1, 0), (8, 1), (9, 2)], &worths) - 6.0).abs() < 1e-6);
        assert!((most_together(&[(1, 0), (2, 1), (8, 2)], &worths) - 7.0).abs() < 1e-6);
        assert!(most_together(&[], &worths).abs() < 1e-6);
    }
}
