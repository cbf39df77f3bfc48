//! The best passages so far, in an order that has no ties.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use tantivy::DocAddress;

/// A passage that could be among the best.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Candidate {
    /// The bits of a positive `f32`, which order as it does.
    score: u32,
    document: Reverse<u128>,
    ordinal: Reverse<u64>,
    pub(super) address: DocAddress,
}

/// The last bits of a score depend on the order in which its terms were added up, and so on where
/// in its segment a passage happens to be. Without them equal passages are equal.
const NOISE: u32 = 0x3f;

impl Candidate {
    pub(super) fn new(score: f32, document: u128, ordinal: u64, address: DocAddress) -> Self {
        let score = score.max(0.0).to_bits() & !NOISE;
        Self { score, document: Reverse(document), ordinal: Reverse(ordinal), address }
    }

    pub(super) fn with_score(self, score: f32) -> Self {
        Self::new(score, self.document.0, self.ordinal.0, self.address)
    }

    pub(super) fn score(&self) -> f32 {
        f32::from_bits(self.score)
    }

    pub(super) fn document(&self) -> u128 {
        self.document.0
    }

    pub(super) fn ordinal(&self) -> u32 {
        u32::try_from(self.ordinal.0).unwrap_or(u32::MAX)
    }
}

/// Keeps the best of the candidates it is offered.
pub(super) struct Best {
    limit: usize,
    /// The worst of them on top.
    kept: BinaryHeap<Reverse<Candidate>>,
}

impl Best {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, kept: BinaryHeap::with_capacity(limit.min(1024) + 1) }
    }

    /// The score that a passage has to exceed: a little below the worst one kept, since a passage
    /// that equals it may still come before it.
    pub(super) fn threshold(&self) -> f32 {
        match self.kept.peek() {
            Some(Reverse(worst)) if self.kept.len() >= self.limit => worst.score().next_down(),
            _ => f32::MIN,
        }
    }

    pub(super) fn offer(&mut self, candidate: Candidate) {
        if self.kept.len() < self.limit {
            self.kept.push(Reverse(candidate));
        } else if let Some(mut worst) = self.kept.peek_mut()
            && worst.0 < candidate
        {
            *worst = Reverse(candidate);
        }
    }

    /// Returns what was kept, best first.
    pub(super) fn into_sorted(self) -> Vec<Candidate> {
        self.kept.into_sorted_vec().into_iter().map(|Reverse(candidate)| candidate).collect()
    }
}
