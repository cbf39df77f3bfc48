//! How the words of a question stand in the passages that were found: how close together, and which
//! of them no better passage has.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use tantivy::postings::Postings as _;
use tantivy::schema::IndexRecordOption;
use tantivy::{DocAddress, DocSet as _};

use super::Snapshot;
use super::best::Candidate;
use super::names::Names;
use super::terms::Terms;
use crate::error::IndexError;
use crate::query::{Place, Word};

/// How many passages are looked at, the best by what their words are worth. To look at more changed
/// none of the first ten on the sets it was measured on.
const NUM_LOOKED_AT: usize = 60;

/// Words of a passage that are looked at together, those of grammar left out.
const WINDOW: u32 = 8;
/// What a passage with all words of the question in one window gains, as a multiple of its score.
const CLOSENESS_WEIGHT: f32 = 1.5;
/// The share of its worth that a word loses here if the document's name has it.
const SAID_BY_NAME: f32 = 0.9;
/// What a passage gains that has all neighbouring words of the question side by side, as a multiple of
/// its score: `interest rate` is not much interest and some rate.
const PAIRS_WEIGHT: f32 = 0.6;

/// The share of its score that a passage loses if better ones have all its words of the question.
const REPETITION: f32 = 0.25;
/// How many passages are put in order by what they add.
const NUM_COVERING: usize = 20;

/// A word of the question at a place of a passage: its position, and its number.
type Mark = (u32, usize);

/// Where the words of a question stand in some passages.
pub(super) struct Standing {
    /// The words of the question, in its order, and what each is worth: how rare it is, by its weight.
    words: Vec<Word>,
    worths: Vec<f32>,
    marks: HashMap<DocAddress, Vec<Mark>>,
}

impl Snapshot {
    /// Looks up where the words stand in the best of what was found. Titles and headings are in every
    /// passage below them and don't count.
    pub(super) fn standing(&self, terms: &Terms, found: &mut [Candidate]) -> Result<Standing, IndexError> {
        let mut worth_of: BTreeMap<Word, f32> = BTreeMap::new();
        for sought in terms.of(Place::Body) {
            worth_of.insert(sought.word, sought.weight * sought.idf);
        }
        let words: Vec<Word> = worth_of.keys().copied().collect();
        found.sort_unstable_by(|one, other| other.cmp(one));
        let looked_at = &found[..found.len().min(NUM_LOOKED_AT)];
        let mut passages: Vec<DocAddress> = looked_at.iter().map(|candidate| candidate.address).collect();
        passages.sort_unstable();
        let mut marks: HashMap<DocAddress, Vec<Mark>> = HashMap::with_capacity(passages.len());
        let mut positions = Vec::new();
        for of_segment in passages.chunk_by(|one, other| one.segment_ord == other.segment_ord) {
            let ord = of_segment[0].segment_ord as usize;
            for sought in terms.of(Place::Body) {
                let option = IndexRecordOption::WithFreqsAndPositions;
                let Some(mut postings) = sought.postings(ord, &self.segments[ord], option)? else { continue };
                let Ok(word) = words.binary_search(&sought.word) else { continue };
                for passage in of_segment {
                    if postings.doc() < passage.doc_id {
                        postings.seek(passage.doc_id);
                    }
                    if postings.doc() == passage.doc_id {
                        postings.positions(&mut positions);
                        let within = positions.iter().filter(|position| **position > 0);
                        marks.entry(*passage).or_default().extend(within.map(|position| (*position, word)));
                    }
                }
            }
        }
        marks.values_mut().for_each(|marks| marks.sort_unstable());
        Ok(Standing { words, worths: worth_of.into_values().collect(), marks })
    }
}

impl Standing {
    /// Lets each passage gain by the part of the question that stands in one window of it, and by the
    /// words that are as close as in the question: what answers a question tends to have its words in
    /// one sentence, and what only touches on it has them here and there. What the name of a document says
    /// need not be near.
    pub(super) fn weigh_closeness(&self, names: &Names<'_>, found: &mut [Candidate]) {
        if self.worths.len() < 2 {
            return;
        }
        let num_pairs = (1..self.words.len()).filter_map(|second| self.pair(second)).count().max(1);
        for candidate in found {
            let marks = self.of(candidate);
            if marks.is_empty() {
                continue;
            }
            let mut worths = self.worths.clone();
            if let Some(name) = names.of(candidate) {
                for word in name.words.iter().filter_map(|word| self.words.binary_search(word).ok()) {
                    worths[word] *= 1.0 - SAID_BY_NAME * name.share;
                }
            }
            let close = most_together(marks, &worths) / worths.iter().sum::<f32>();
            let pairs: BTreeSet<(usize, usize)> = self.side_by_side(marks).collect();
            let beside = pairs.len() as f32 / num_pairs as f32;
            let gain = CLOSENESS_WEIGHT * close + PAIRS_WEIGHT * beside;
            *candidate = candidate.with_score(candidate.score() * (1.0 + gain));
        }
    }

    /// A word of the question with the one before it.
    fn pair(&self, second: usize) -> Option<(usize, usize)> {
        let (position, part) = self.words[second];
        let before = (position.checked_sub(1)?, 0);
        (part == 0).then(|| self.words.binary_search(&before).ok()).flatten().map(|first| (first, second))
    }

    /// The neighbours of the question that are neighbours in a passage too, whichever comes first.
    fn side_by_side(&self, marks: &[Mark]) -> impl Iterator<Item = (usize, usize)> {
        marks.iter().enumerate().flat_map(move |(at, (position, one))| {
            let before = marks[..at].iter().rev().take_while(move |(before, _)| before + 1 >= *position);
            let before = before.filter(move |(before, _)| before + 1 == *position);
            before.filter_map(move |(_, other)| {
                let pair = ((*one).min(*other), (*one).max(*other));
                (self.pair(pair.1)? == pair).then_some(pair)
            })
        })
    }

    /// Lets what has other words of the question than better passages go before more of the same; for
    /// a question that asks for several things. Takes passages in order and leaves them so.
    pub(super) fn prefer_new(&self, found: &mut [Candidate]) {
        let depth = found.len().min(NUM_LOOKED_AT);
        let words: HashMap<DocAddress, Vec<usize>> = found[..depth]
            .iter()
            .map(|candidate| {
                let mut words: Vec<usize> = self.of(candidate).iter().map(|(_, word)| *word).collect();
                words.sort_unstable();
                words.dedup();
                (candidate.address, words)
            })
            .collect();
        let mut num_seen = vec![0_u16; self.worths.len()];
        let renewed = |candidate: &Candidate, num_seen: &[u16]| {
            let words = &words[&candidate.address];
            let worth: f32 = words.iter().map(|word| self.worths[*word]).sum();
            let new = words.iter().map(|word| self.worths[*word] / (1.0 + f32::from(num_seen[*word])));
            let share = if worth > 0.0 { new.sum::<f32>() / worth } else { 1.0 };
            candidate.with_score(candidate.score() * (1.0 - REPETITION * (1.0 - share)))
        };
        for taken in 0..depth.min(NUM_COVERING) {
            let rest = found[taken..depth].iter().enumerate();
            let best = rest.map(|(number, candidate)| (renewed(candidate, &num_seen), number)).max();
            let Some((best, number)) = best else { break };
            found[taken..=taken + number].rotate_right(1);
            found[taken] = best;
            for word in &words[&best.address] {
                num_seen[*word] += 1;
            }
        }
        // What comes after has less than the last of them.
        let Some(least) = found.get(NUM_COVERING - 1).map(Candidate::score) else { return };
        for candidate in found.iter_mut().skip(NUM_COVERING) {
            *candidate = candidate.with_score(candidate.score().min(least));
        }
    }

    fn of(&self, candidate: &Candidate) -> &[Mark] {
        self.marks.get(&candidate.address).map_or(&[], Vec::as_slice)
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
    use std::collections::HashMap;

    use tantivy::DocAddress;

    use super::{Candidate, Standing, most_together};

    #[test]
    fn the_best_window_counts_and_each_word_in_it_once() {
        let worths = [1.0, 2.0, 4.0];
        assert!((most_together(&[(1, 0), (2, 0), (3, 1), (20, 2)], &worths) - 4.0).abs() < 1e-6);
        assert!((most_together(&[(1, 0), (8, 1), (9, 2)], &worths) - 6.0).abs() < 1e-6);
        assert!((most_together(&[(1, 0), (2, 1), (8, 2)], &worths) - 7.0).abs() < 1e-6);
        assert!(most_together(&[], &worths).abs() < 1e-6);
    }

    #[test]
    fn neighbours_of_the_question_count_where_they_are_neighbours_in_any_order() {
        let words = vec![(0, 0), (1, 0), (1, 1), (3, 0), (4, 0)];
        let standing = Standing { words, worths: vec![1.0; 5], marks: HashMap::new() };
        let pairs = |marks: &[(u32, usize)]| standing.side_by_side(marks).collect::<Vec<_>>();
        assert_eq!(pairs(&[(1, 1), (2, 0), (7, 3), (8, 4)]), [(0, 1), (3, 4)]);
        // The part of a compound stands where the compound does.
        assert_eq!(pairs(&[(1, 0), (2, 1), (2, 2), (4, 2), (5, 0)]), [(0, 1)]);
        // Too far apart, and no neighbours in the question.
        assert_eq!(pairs(&[(1, 0), (3, 1), (4, 3), (9, 4)]), []);
    }

    #[test]
    fn what_has_other_words_goes_before_more_of_the_same() {
        let passage = |number: u32| DocAddress::new(0, number);
        let of = |number, words: &[usize]| {
            (passage(number), words.iter().map(|word| (1, *word)).collect::<Vec<_>>())
        };
        let marks = HashMap::from([of(0, &[0, 1, 2]), of(1, &[0, 1, 2]), of(2, &[3, 4]), of(3, &[2, 3])]);
        let words = (0..5).map(|word| (word, 0)).collect();
        let standing = Standing { words, worths: vec![1.0; 5], marks };
        let mut found: Vec<Candidate> = [(0, 10.0), (1, 9.9), (2, 9.0), (3, 8.9), (4, 1.0)]
            .map(|(number, score)| Candidate::new(score, u128::from(number), 0, passage(number)))
            .to_vec();
        standing.prefer_new(&mut found);
        let order: Vec<u32> = found.iter().map(|candidate| candidate.address.doc_id).collect();
        assert_eq!(order, [0, 2, 1, 3, 4]);
        assert!(found.is_sorted_by_key(|candidate| std::cmp::Reverse(*candidate)));
    }
}
