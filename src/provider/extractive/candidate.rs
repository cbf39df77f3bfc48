//! Sentences that may be told: what one adds to others, and how the chosen ones stand in an answer.

use std::iter;
use std::ops::Range;

use super::choose::ratio;
use crate::ask::cite::Facts;
use crate::ask::prompt::Excerpt;
use crate::ask::sentence::Item;

/// Most sentences of an answer.
pub(super) const MAX_SENTENCES: usize = 5;
/// Most items that are told of a list.
const MAX_ITEMS: usize = 12;
/// A further sentence must be at least this good, as a share of the best.
const FURTHER: f32 = 0.6;
/// Share of words in common from which on two sentences say the same.
const SAME: f32 = 0.65;

/// A chosen sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Choice {
    /// The number of its passage.
    pub(super) n: u32,
    /// Its bytes in that.
    pub(super) place: Range<usize>,
    /// Its words as stored.
    pub(super) text: String,
    pub(super) role: Role,
    /// If it is a row, what of it is asked for.
    pub(super) record: Option<String>,
}

/// How a sentence stands in an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// By itself.
    Own,
    /// An item below what introduces its list.
    Item,
    /// Code below what introduces it.
    Code,
    /// It goes on with what the one before it began.
    Next,
}

/// A sentence that may be told.
pub(super) struct Candidate<'a> {
    pub(super) passage: usize,
    pub(super) text: &'a str,
    pub(super) start: usize,
    /// Whether it is a row of a table.
    pub(super) is_row: bool,
    /// The items of the list, or the code, that it introduces.
    pub(super) list: &'a [Item],
    /// The next sentence, if the sign of an answer is in that.
    pub(super) next: Option<Range<usize>>,
    pub(super) facts: Facts,
    /// How much of the question it covers with its surroundings.
    pub(super) coverage: f32,
    pub(super) score: f32,
}

/// The candidate that adds most, if one adds enough.
pub(super) fn next(candidates: &[Candidate<'_>], chosen: &[Candidate<'_>], asked: &Facts) -> Option<usize> {
    let least = chosen.first().map_or(0.0, |first| first.score) * FURTHER;
    let mut best: Option<(usize, f32)> = None;
    // Half a list answers nothing beside something else.
    let adds = |candidate: &Candidate<'_>| candidate.score >= least && candidate.list.is_empty();
    for (at, candidate) in candidates.iter().enumerate().filter(|(_, candidate)| adds(candidate)) {
        let likeness = chosen.iter().map(|known| likeness(known, candidate)).fold(0.0, f32::max);
        if likeness >= SAME || chosen.iter().any(|known| is_less(candidate, known, asked)) {
            continue;
        }
        let new_word = asked.words.iter().any(|(word, _)| {
            candidate.facts.holds(word) > 0.0 && chosen.iter().all(|known| known.facts.holds(word) == 0.0)
        });
        let gain = candidate.score - 0.4 * likeness + if new_word { 0.15 } else { 0.0 };
        if best.is_none_or(|(_, most)| gain > most) {
            best = Some((at, gain));
        }
    }
    best.map(|(at, _)| at)
}

/// Whether a row says less of the question than another one and nothing else of it: that of New York, where New
/// Jersey is asked for.
fn is_less(row: &Candidate<'_>, known: &Candidate<'_>, asked: &Facts) -> bool {
    let [ours, theirs] = [row, known].map(|of| {
        let words = asked.words.iter().map(|(word, _)| of.facts.holds(word) == 1.0);
        words.chain(asked.numbers.iter().map(|number| of.facts.holds_number(number))).collect::<Vec<_>>()
    });
    let is_within = ours.iter().zip(&theirs).all(|(ours, theirs)| *theirs || !ours);
    row.is_row && known.is_row && is_within && ours != theirs
}

/// How alike two sentences are, from 0 to 1. Two that agree in words but not in their numbers are
/// not alike: documents that disagree are both to be heard.
fn likeness(one: &Candidate<'_>, other: &Candidate<'_>) -> f32 {
    let differ = |a: &Facts, b: &Facts| a.numbers.iter().any(|number| !b.holds_number(number));
    let numbers_differ = differ(&one.facts, &other.facts) && differ(&other.facts, &one.facts);
    if numbers_differ && one.passage != other.passage {
        return 0.0;
    }
    let (short, long) = if one.facts.words.len() <= other.facts.words.len() {
        (&one.facts, &other.facts)
    } else {
        (&other.facts, &one.facts)
    };
    let shared = short.words.iter().filter(|(word, _)| long.holds(word) == 1.0).count();
    ratio(shared, short.words.len())
}

/// The best sentence first, the others document by document in the order they were found there.
pub(super) fn told(mut chosen: Vec<Candidate<'_>>, passages: &[Excerpt]) -> Vec<Choice> {
    let document = |candidate: &Candidate<'_>| passages[candidate.passage].source.document_id;
    let order: Vec<_> = chosen.iter().map(document).collect();
    let place = |candidate: &Candidate<'_>| order.iter().position(|known| *known == document(candidate));
    chosen[1..].sort_by_key(|candidate| {
        (place(candidate), passages[candidate.passage].source.start + candidate.start)
    });
    let choices = |candidate: Candidate<'_>| {
        let excerpt = &passages[candidate.passage];
        let own = candidate.start..candidate.start + candidate.text.len();
        let next = candidate.next.map(|next| Choice::new(excerpt, next, Role::Next));
        iter::once(Choice::new(excerpt, own, Role::Own)).chain(next)
    };
    chosen.into_iter().flat_map(choices).collect()
}

impl Choice {
    fn new(excerpt: &Excerpt, place: Range<usize>, role: Role) -> Self {
        Self { n: excerpt.source.n, text: excerpt.text[place.clone()].to_owned(), place, role, record: None }
    }
}

/// What introduces a list, and below it the items.
pub(super) fn with_list(lead: &Candidate<'_>, excerpt: &Excerpt) -> Vec<Choice> {
    let own = Choice::new(excerpt, lead.start..lead.start + lead.text.len(), Role::Own);
    let item = |item: &Item| {
        let role = if item.is_code { Role::Code } else { Role::Item };
        Choice::new(excerpt, item.range.clone(), role)
    };
    let items = lead.list.iter().take(MAX_ITEMS).map(item);
    iter::once(own).chain(items).collect()
}

/// The best sentence of an answer, with what goes on with it.
pub(super) fn first_of(answer: Vec<Choice>) -> Vec<Choice> {
    let mut choices = answer.into_iter();
    let first = choices.next();
    first.into_iter().chain(choices.take_while(|choice| choice.role != Role::Own)).collect()
}

/// All of them, each once, as far as there is room.
pub(super) fn joined(answers: impl Iterator<Item = Vec<Choice>>) -> Vec<Choice> {
    let mut chosen: Vec<Choice> = Vec::new();
    for choice in answers.flatten() {
        if !chosen.contains(&choice) {
            chosen.push(choice);
        }
    }
    chosen.truncate(MAX_SENTENCES);
    chosen
}
