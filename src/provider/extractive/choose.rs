//! Which sentences answer: every sentence of the passages weighed against the question, then the
//! best one and those that add to it. Works on counts of words, so a sentence that answers in
//! words the question does not use is found only through its surroundings.

use std::iter;
use std::ops::Range;
use std::sync::Arc;

use ibid_index::analysis::{Language, Lexicon};
use ibid_index::{IndexError, PassageIndex};

use super::candidate::{Candidate, Choice, MAX_SENTENCES, first_of, joined, next, told, with_list};
use super::coverage::num_words;
use super::cue::Asked;
use super::form::contrasts;
use super::named::Named;
use super::passage::{Read, compounds};
use super::record::{is_wide, told_record};
use super::subject::{framing, no_nouns, subject};
use super::weigh::{Scale, Worth};
use crate::abbreviation::Abbreviations;
use crate::ask::cite::{Facts, Weights};
use crate::ask::condense::as_asked;
use crate::ask::facets::{facets, sides};
use crate::ask::framing::unframed;
use crate::ask::prompt::Excerpt;
use crate::ask::sentence::sentences;
use crate::ask::topic::Topic;

/// Share of the question's weight that a sentence and its surroundings must cover.
///
/// A word weighs by how rare it is in the library and among the supplied sentences; one that stands
/// nowhere weighs most, a name or a number once and a half. Below this share of it the passages speak of
/// something else, and the honest answer is none. Half is the point where more of the question is
/// missing than there; it is not fitted to any collection.
const ENOUGH: f32 = 0.5;
/// From so many content words on a question has parts that no one sentence answers.
const MANY_PARTS: usize = 10;
/// What a sentence must cover of such a question: one of up to four parts. What several sentences cover
/// together tells little, since among many some hold each of its words.
const ENOUGH_OF_PARTS: f32 = 0.25;
/// Sentences of a question that are answered one by one, the last ones.
const MAX_ASKED: usize = 8;
/// Most bytes of an item that are told with a further sentence of it.
const ITEM_BYTES: usize = 400;

/// A passage that may speak of what a question names.
struct Meant<'s, 'a> {
    passage: usize,
    read: &'s Read<'a>,
    /// What of that it may speak of.
    named: Facts,
}

/// What sentences are chosen from, read once for all parts of a question.
struct Reading<'a> {
    passages: &'a [Excerpt],
    language: Option<Language>,
    shelf: Vec<Read<'a>>,
    /// How rare words are among the sentences.
    weights: Weights,
    index: Option<&'a PassageIndex>,
    /// The words of the passages, which tell of what words a compound of the question is made.
    lexicon: Lexicon,
}

/// The sentences of the answer in the order of telling; none if the passages do not answer. If they
/// do not answer all of a question, they may still answer parts of it: the sentences of a long one, the
/// clauses of a short one. Of a long one there is always some clause that something seems to answer.
pub(super) fn choose(question: &str, passages: &[Excerpt], index: Option<&PassageIndex>) -> Vec<Choice> {
    let sample: String = passages.iter().flat_map(|passage| passage.text.chars().take(600)).collect();
    let language = Language::detect(&sample).or_else(|| Language::of_question(question));
    let texts = passages.iter().map(|excerpt| (excerpt.source.document_id, excerpt.text.as_str()));
    let abbreviations = Abbreviations::of_documents(texts);
    let lexicon = Lexicon::of(passages.iter().map(|excerpt| excerpt.text.as_str()), language);
    let shelf = passages.iter().map(|excerpt| {
        let abbreviations = &abbreviations[&excerpt.source.document_id];
        Read::of(excerpt, language, abbreviations, &lexicon)
    });
    let shelf: Vec<Read<'_>> = shelf.collect();
    let weights = Weights::of(shelf.iter().flat_map(|read| read.lines.iter().map(|line| &line.facts)));
    let reading = Reading { passages, language, shelf, weights, index, lexicon };
    let answer = reading.answer_or_parts(question);
    let asked = sentences(question);
    if !answer.is_empty() || asked.len() < 2 {
        return answer;
    }
    // What someone has to say first may be long; what they ask stands last.
    let last = &asked[asked.len().saturating_sub(MAX_ASKED)..];
    joined(last.iter().map(|one| reading.answer_or_parts(&question[one.range.clone()])))
}

impl Reading<'_> {
    /// What answers a question as a whole, of these passages.
    fn answer(
        &self,
        question: &str,
        asked: &Facts,
        weights: &Weights,
        shelf: &[Meant<'_, '_>],
    ) -> Vec<Choice> {
        let mut candidates = self.weigh(question, asked, weights, shelf);
        candidates.sort_by(|a, b| {
            b.score.total_cmp(&a.score).then(a.passage.cmp(&b.passage)).then(a.start.cmp(&b.start))
        });
        let covering = |share: f32| candidates.iter().position(|candidate| candidate.coverage >= share);
        let of_part = || covering(ENOUGH_OF_PARTS).filter(|_| num_words(asked, self.language) >= MANY_PARTS);
        let Some(first) = covering(ENOUGH).or_else(of_part) else { return Vec::new() };
        let mut chosen = vec![candidates.remove(first)];
        if !chosen[0].list.is_empty() {
            return with_list(&chosen[0], &self.passages[chosen[0].passage]);
        }
        while chosen.len() < MAX_SENTENCES {
            let Some(next) = next(&candidates, &chosen, asked) else { break };
            chosen.push(candidates.remove(next));
        }
        self.with_records(told(chosen, self.passages), asked, Asked::by(question) == Asked::Reason)
    }

    /// The same, told of each row what of it is asked for; wide rows of which that is not known only by themselves.
    fn with_records(&self, mut choices: Vec<Choice>, asked: &Facts, asks_reason: bool) -> Vec<Choice> {
        for choice in &mut choices {
            let excerpt = self.passages.iter().find(|excerpt| excerpt.source.n == choice.n);
            let asked = (asked, asks_reason);
            let record = |excerpt| told_record(excerpt, choice.place.clone(), asked, self.language);
            choice.record = excerpt.and_then(record);
        }
        let mut at = 0..;
        choices.retain(|choice| at.next() == Some(0) || choice.record.is_some() || !is_wide(&choice.text));
        choices
    }

    /// Every sentence of these passages that may be told, weighed against a question.
    fn weigh<'a>(
        &'a self,
        question: &str,
        asked: &Facts,
        weights: &Weights,
        shelf: &'a [Meant<'_, '_>],
    ) -> Vec<Candidate<'a>> {
        let as_asked = as_asked(question);
        let own = (as_asked != question).then(|| self.asked(as_asked)).filter(|own| !own.words.is_empty());
        let scale = Scale::new(as_asked, asked, own, weights, self.language);
        let mut candidates = Vec::new();
        for Meant { passage, read, named } in shelf {
            // Of the passages the first were found to be the best.
            let late = 0.015 * ratio((*passage).min(8), 1);
            for (at, line) in read.lines.iter().enumerate() {
                let Some(Worth { coverage, score }) = scale.weigh(read, at, named) else { continue };
                let gain = scale.next_shows(read, at);
                let Range { start, end } = line.sentence.range;
                let from = line.goes_on_from.filter(|from| end - from <= ITEM_BYTES);
                let said_of = line.said_of.as_deref().filter(|_| from.is_some());
                let start = from.unwrap_or(start);
                candidates.push(Candidate {
                    passage: *passage,
                    text: &self.passages[*passage].text[start..end],
                    start,
                    is_row: line.row.is_some(),
                    list: &line.list,
                    next: gain.map(|_| read.lines[at + 1].sentence.range.clone()),
                    facts: said_of.cloned().into_iter().fold(line.facts.clone(), Facts::and),
                    coverage,
                    score: score - late + gain.unwrap_or(0.0),
                });
            }
        }
        candidates
    }

    /// What answers a question as a whole; if nothing does and it is short, what answers its clauses.
    fn answer_or_parts(&self, question: &str) -> Vec<Choice> {
        let asked = self.asked(question);
        let is_long = num_words(&asked, self.language) >= MANY_PARTS;
        let weights = self.weights(question, &asked);
        let named = if is_long { Named::default() } else { self.named(&asked, &weights) };
        let shelf = self.shelf.iter().zip(self.passages).enumerate();
        let shelf = shelf.filter_map(|(passage, (read, excerpt))| {
            let named = named.meant_in(read, excerpt.source.document_id)?;
            Some(Meant { passage, read, named })
        });
        let shelf: Vec<Meant<'_, '_>> = shelf.collect();
        if let Some(sides) = sides(question) {
            return self.told_apart(question, &sides, &shelf);
        }
        let whole = self.answer(question, &asked, &weights, &shelf);
        if !whole.is_empty() || is_long {
            return whole;
        }
        joined(facets(question).iter().map(|clause| {
            let asked = self.asked(clause);
            self.answer(clause, &asked, &self.weights(clause, &asked), &shelf)
        }))
    }

    /// How two things differ, if a sentence tells that, what each of them is, and what else is told of both.
    fn told_apart(&self, question: &str, sides: &[String; 2], shelf: &[Meant<'_, '_>]) -> Vec<Choice> {
        let both = self.asked(&sides.join("\n"));
        let mut of_both = self.answer(question, &both, &self.weights(question, &both), shelf);
        let asked = sides.each_ref().map(|side| self.asked(side));
        let differs = |choice: &Choice| {
            let facts = Facts::of(&choice.text, self.language);
            let is_held =
                |asked: &Facts| asked.words.iter().all(|(word, _)| asked.held_by(&facts, word) > 0.0);
            asked.iter().all(is_held) && contrasts(&choice.text)
        };
        let difference = of_both.iter().position(differs).map(|at| of_both.remove(at));
        let definition = |(side, asked): (&String, &Facts)| {
            let weights = self.weights(side, asked);
            let told = first_of(self.answer(&format!("What is {side}?"), asked, &weights, shelf));
            let topic = Topic::of(asked.words.iter().map(|(word, _)| &**word), self.language);
            let says = |first: &Choice| topic.is_some_and(|topic| topic.told_by(&first.text) > 0.0);
            if told.first().is_some_and(says) { told } else { Vec::new() }
        };
        let definitions = sides.iter().zip(&asked).map(definition);
        joined(iter::once(difference.into_iter().collect()).chain(definitions).chain([of_both]))
    }

    /// What a question names; nothing if the index can't be read.
    fn named<'a>(&self, asked: &'a Facts, weights: &Weights) -> Named<'a> {
        let named = Named::by(asked, weights, self.index);
        let named = named.inspect_err(|error| tracing::warn!(%error, "what is told may be about others"));
        named.unwrap_or_default()
    }

    /// How rare the words of a question are, and all others among the sentences.
    fn weights(&self, question: &str, asked: &Facts) -> Weights {
        let mut weights = self.weights.clone();
        weights.lessen(no_nouns(question, self.language));
        if let Some(index) = self.index
            && let Err(error) = add_library(&mut weights, asked, index)
        {
            tracing::warn!(%error, "how rare words are is told by the passages alone");
        }
        weights
    }

    /// What a question is about.
    fn asked(&self, question: &str) -> Facts {
        let mut asked = subject(unframed(question), self.language);
        let framing = framing(question, self.language);
        if asked.words.iter().any(|(word, _)| !framing.contains(&**word)) {
            // "Report" is of the subject where the passages speak of one.
            let is_said = |word: &str| self.shelf.iter().any(|read| read.says(word));
            asked.words.retain(|(word, _)| !framing.contains(&**word) || is_said(word));
        }
        if let Some(index) = self.index
            && let Err(error) = spell(&mut asked, index)
        {
            tracing::warn!(%error, "words of the question are taken as they are spelled");
        }
        asked.with_compounds(compounds(question, self.language, &self.lexicon))
    }
}

/// Reads words as those that were searched for in their place.
fn spell(asked: &mut Facts, index: &PassageIndex) -> Result<(), IndexError> {
    for (word, _) in &mut asked.words {
        if let Some(nearest) = index.nearest(word)? {
            *word = nearest.into();
        }
    }
    Ok(())
}

fn add_library(weights: &mut Weights, asked: &Facts, index: &PassageIndex) -> Result<(), IndexError> {
    let known = |(word, _): &'_ (Arc<str>, bool)| Ok((Arc::clone(word), index.num_passages_with(word)?));
    let known: Vec<(Arc<str>, u64)> = asked.words.iter().map(known).collect::<Result<_, IndexError>>()?;
    weights.add_library(index.num_passages(), known.iter().map(|(word, num)| (word, *num)));
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "counts of words in a sentence are small")]
pub(super) fn ratio(part: usize, whole: usize) -> f32 {
    if whole == 0 { 0.0 } else { part as f32 / whole as f32 }
}
