//! What is held at one moment, all in one value: a search keeps the one it began with, and a change
//! puts another in its place.

use std::collections::HashMap;
use std::sync::Arc;

use super::VectorEntry;
use super::segment::{Part, Segment};

/// All vectors at one moment.
#[derive(Clone, Default)]
pub(super) struct State {
    pub(super) segments: Vec<Arc<Segment>>,
    pub(super) documents: HashMap<u128, Held>,
    pub(super) next: u64,
}

/// What is held of a document.
#[derive(Clone)]
pub(super) struct Held {
    pub(super) version: Arc<str>,
    pub(super) runs: Vec<Run>,
}

/// Neighbouring passages whose vectors lie in neighbouring rows of a segment.
#[derive(Clone, Copy)]
pub(super) struct Run {
    pub(super) first: u32,
    pub(super) count: u32,
    /// The segment's number.
    pub(super) segment: u64,
    pub(super) row: u32,
}

impl State {
    /// Takes a segment in; what it says of a passage holds, whatever earlier ones said.
    pub(super) fn add(&mut self, segment: Segment) {
        let mut row = 0;
        for Part { document, version, first, count } in segment.parts() {
            let held = self.documents.entry(document.as_u128());
            let held = held.or_insert_with(|| Held { version: version.as_str().into(), runs: Vec::new() });
            if *held.version != **version {
                *held = Held { version: version.as_str().into(), runs: Vec::new() };
            }
            held.put(Run { first: *first, count: *count, segment: segment.number, row });
            row += count;
        }
        self.segments.push(Arc::new(segment));
    }

    pub(super) fn num_passages(&self) -> u64 {
        let runs = self.documents.values().flat_map(|held| &held.runs);
        runs.map(|run| u64::from(run.count)).sum()
    }

    pub(super) fn live_rows(&self) -> HashMap<u64, u32> {
        let mut live = HashMap::new();
        for run in self.documents.values().flat_map(|held| &held.runs) {
            *live.entry(run.segment).or_default() += run.count;
        }
        live
    }
}

impl Held {
    pub(super) fn entry(&self) -> VectorEntry {
        let mut num_passages = 0;
        for run in &self.runs {
            if run.first != num_passages {
                break;
            }
            num_passages += run.count;
        }
        VectorEntry { version: self.version.to_string(), num_passages }
    }

    /// Puts a run in its place; of earlier ones only what lies beside it stays.
    fn put(&mut self, new: Run) {
        let end = new.first + new.count;
        let mut runs = Vec::with_capacity(self.runs.len() + 1);
        for run in self.runs.drain(..) {
            let run_end = run.first + run.count;
            if run.first < new.first {
                runs.push(Run { count: run.count.min(new.first - run.first), ..run });
            }
            if run_end > end {
                let cut = end.saturating_sub(run.first);
                runs.push(Run { first: run.first + cut, count: run.count - cut, row: run.row + cut, ..run });
            }
        }
        runs.push(new);
        runs.sort_unstable_by_key(|run| run.first);
        self.runs = runs;
    }
}
