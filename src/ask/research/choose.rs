//! The passages of a report, best first: what many questions found near the top and what notes were
//! taken from. Every note keeps a passage to stand in; how many others there are is configured.

use std::collections::HashMap;

use super::conflict::Conflict;
use super::{Evidence, Research};
use crate::document::PassageId;
use crate::event::{Note, Source};

/// Ranks are counted from here, so that first places do not outweigh everything ("reciprocal rank
/// fusion"). Lower than the customary 60, which is meant for long lists: these have a dozen entries.
const RANK_FROM: f64 = 5.0;
/// What a place found for a question of the first round counts, and for one that a gap brought.
const FIRST_ROUND: f64 = 1.0;
const LATER_ROUND: f64 = 0.5;
/// What a note counts, as a share of a first place.
const NOTED: f64 = 0.5;

/// A passage that was found, under as many questions as found it.
struct Candidate<'a> {
    /// In its shortest form: each question may have joined other neighbours to it.
    source: &'a Source,
    standing: f64,
    is_noted: bool,
}

/// The passages that a report is written from, numbered: `wanted` of them, and more only if notes
/// or contradictions need them.
pub(super) fn choose(research: &Research, conflicts: &[Conflict], wanted: usize) -> Vec<Source> {
    let evidence: Vec<(f64, &Evidence)> = research
        .questions()
        .filter_map(|(question, found)| {
            Some((if question.round == 0 { FIRST_ROUND } else { LATER_ROUND }, found?))
        })
        .collect();
    let mut chosen: Vec<Source> = Vec::new();
    let mut num_others = wanted;
    for candidate in candidates(&evidence) {
        if candidate.is_noted || num_others > 0 {
            join(&mut chosen, candidate.source);
        }
        num_others = wanted.saturating_sub(chosen.len());
    }
    for (_, found) in &evidence {
        for note in &found.notes {
            let wider = found.passages.iter().find(|source| holds(source, note));
            if !chosen.iter().any(|source| holds(source, note)) {
                wider.into_iter().for_each(|source| join(&mut chosen, source));
            }
        }
    }
    for side in conflicts.iter().flat_map(|conflict| &conflict.sides) {
        join(&mut chosen, &side.source);
    }
    for (n, source) in (1..).zip(&mut chosen) {
        source.n = n;
    }
    chosen
}

fn candidates<'a>(evidence: &[(f64, &'a Evidence)]) -> Vec<Candidate<'a>> {
    let mut candidates: Vec<Candidate<'a>> = Vec::new();
    let mut known: HashMap<PassageId, usize> = HashMap::new();
    for (weight, found) in evidence {
        let mut rank = RANK_FROM;
        for source in &found.passages {
            let at = *known.entry(source.passage_id).or_insert(candidates.len());
            if at == candidates.len() {
                candidates.push(Candidate { source, standing: 0.0, is_noted: false });
            }
            let candidate = &mut candidates[at];
            candidate.standing += weight / rank;
            rank += 1.0;
            if source.end - source.start < candidate.source.end - candidate.source.start {
                candidate.source = source;
            }
            if !candidate.is_noted && found.notes.iter().any(|note| holds(source, note)) {
                candidate.is_noted = true;
                candidate.standing += NOTED / RANK_FROM;
            }
        }
    }
    candidates.sort_by(|a, b| b.standing.total_cmp(&a.standing));
    candidates
}

/// Adds a passage, or widens the one that it overlaps.
fn join(chosen: &mut Vec<Source>, source: &Source) {
    let overlaps = |known: &&mut Source| {
        known.document_id == source.document_id && known.start < source.end && source.start < known.end
    };
    match chosen.iter_mut().find(overlaps) {
        Some(known) => {
            if source.start < known.start {
                (known.start, known.page) = (source.start, source.page);
            }
            known.end = known.end.max(source.end);
        }
        None => chosen.push(source.clone()),
    }
}

/// Whether a note stands in a passage.
pub(super) fn holds(source: &Source, note: &Note) -> bool {
    source.document_id == note.passage_id.document && source.start <= note.start && note.end <= source.end
}
