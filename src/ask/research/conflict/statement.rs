//! The sentences that may disagree: those with a value, on what was asked.

use std::rc::Rc;

use ibid_index::analysis::Language;

use super::value::{Asked, Kind, Value, values};
use super::{Side, share};
use crate::ask::cite::Facts;
use crate::ask::sentence::{SentenceKind, sentences_and_cells};
use crate::event::Source;

/// Words of the question that a sentence with what it stands under must have, as a share.
const ON_TOPIC: f32 = 0.5;

/// A sentence with a value, and what it stands in.
pub(super) struct Statement<'a> {
    pub(super) source: &'a Source,
    pub(super) start: usize,
    pub(super) text: String,
    pub(super) facts: Facts,
    /// With its title and heading.
    pub(super) around: Facts,
    /// The whole passage with its title and heading.
    pub(super) passage: Rc<Facts>,
    pub(super) values: Vec<Value>,
}

/// How a statement is on what was asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bearing {
    /// Whether it says what it speaks of only together with its passage. Then it counts for nothing
    /// but the very measure that was asked for.
    pub(super) leans: bool,
    /// The share of the question that the sentence itself has.
    pub(super) share: f32,
}

/// The statements of a passage.
pub(super) fn statements_of<'a>(
    source: &'a Source,
    text: &str,
    language: Option<Language>,
) -> Vec<Statement<'a>> {
    let heading = format!("{}. {}", source.title, source.heading.as_deref().unwrap_or_default());
    let heading = Facts::of(&heading, language);
    let passage = Rc::new(Facts::of(text, language).and(heading.clone()));
    let statement = |range: std::ops::Range<usize>| {
        let words = &text[range.clone()];
        let facts = Facts::of(words, language);
        if facts.numbers.is_empty() || facts.words.len() < 2 {
            return None;
        }
        let values = values(words, &facts, language);
        (!values.is_empty()).then(|| Statement {
            source,
            start: source.start + range.start,
            text: words.to_owned(),
            around: facts.clone().and(heading.clone()),
            facts,
            passage: Rc::clone(&passage),
            values,
        })
    };
    let told = sentences_and_cells(text, source.in_code).into_iter();
    // A row says what its columns mean only together with its table.
    let told = told.filter(|sentence| matches!(sentence.kind, SentenceKind::Prose | SentenceKind::Item));
    told.filter_map(|sentence| statement(sentence.range)).collect()
}

impl Statement<'_> {
    /// How it is on the question; none if it is not.
    pub(super) fn bearing(&self, asked: &Asked) -> Option<Bearing> {
        let question = &asked.facts.words;
        let covers = |facts: &Facts| {
            let held = question.iter().filter(|(word, _)| facts.holds(word) > 0.0).count();
            share(held, question.len())
        };
        let itself = covers(&self.facts);
        if itself > 0.0 && covers(&self.around) >= ON_TOPIC {
            return Some(Bearing { leans: false, share: itself });
        }
        let leans = asked.has_names() && self.names(asked) && covers(&self.passage) >= ON_TOPIC;
        leans.then_some(Bearing { leans, share: itself })
    }

    /// Whether its passage has every name of the question.
    pub(super) fn names(&self, asked: &Asked) -> bool {
        asked.facts.words.iter().filter(|(_, name)| *name).all(|(word, _)| self.passage.holds(word) > 0.0)
    }

    /// Whether both name years and none in common: then they tell of different times.
    pub(super) fn is_of_another_time(&self, other: &Self) -> bool {
        self.have_none_in_common(other, |kind| matches!(kind, Kind::Year(_)))
    }

    /// Whether both name amounts and none in common.
    pub(super) fn counts_otherwise(&self, other: &Self) -> bool {
        self.have_none_in_common(other, |kind| *kind == Kind::Amount)
    }

    fn have_none_in_common(&self, other: &Self, of: impl Fn(&Kind) -> bool) -> bool {
        let numbers = |statement: &Self| -> Vec<f64> {
            let counted = statement.values.iter().filter(|value| of(&value.kind));
            counted.map(|value| value.number.value).collect()
        };
        let (mine, theirs) = (numbers(self), numbers(other));
        !mine.is_empty() && !theirs.is_empty() && !mine.iter().any(|number| theirs.contains(number))
    }

    pub(super) fn side(&self, value: &Value) -> Side {
        Side {
            value: value.written.clone(),
            source: self.source.clone(),
            start: self.start,
            words: self.text.clone(),
        }
    }

    /// Whether it is this side.
    pub(super) fn is(&self, side: &Side) -> bool {
        self.source.document_id == side.source.document_id && self.start == side.start
    }
}
