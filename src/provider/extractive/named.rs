//! Who and which year a question names. A library has a figure like the one that is asked for of many, and a
//! sentence that has all the other words of the question may be about another company or another year.

use std::collections::HashSet;
use std::ops::RangeInclusive;
use std::sync::Arc;

use ibid_index::{IndexError, PassageIndex};
use uuid::Uuid;

use super::passage::Read;
use crate::ask::cite::{Facts, Number, Weights};

/// The share of its passages from which on a document is about what they name, and need not name it in each. It
/// is also about what it begins with: who wrote it, and of whom.
const ABOUT: f32 = 0.05;
/// How much of the names must be there, as a share of what the rarest weighs: who asks for two may be told of
/// either, but `Marriott International` is more than `international`.
const ENOUGH: f32 = 0.5;
/// Words that may be named by their first letters alone.
const SHORTENED: RangeInclusive<usize> = 2..=5;

/// What a question names.
#[derive(Default)]
pub(super) struct Named<'a> {
    names: Vec<Name>,
    years: Vec<Year<'a>>,
}

struct Name {
    /// It, and what else may stand for it.
    forms: Vec<String>,
    weight: f32,
    /// The documents that are about it.
    about: HashSet<Uuid>,
}

struct Year<'a> {
    number: &'a Number,
    about: HashSet<Uuid>,
}

impl<'a> Named<'a> {
    /// Reads what is named, and asks the index which documents are about that.
    pub(super) fn by(
        asked: &'a Facts,
        weights: &Weights,
        index: Option<&PassageIndex>,
    ) -> Result<Self, IndexError> {
        let about = |form: &String| about(form, index);
        let words = asked.words.iter().filter(|(_, is_name)| *is_name);
        let words: Vec<&str> = words.map(|(word, _)| &**word).collect();
        let name = |(at, forms): (usize, Vec<String>)| {
            let about =
                forms.iter().map(about).collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect();
            Ok(Name { forms, weight: weights.of_word(words[at]), about })
        };
        let names = forms(&words).into_iter().enumerate().map(name).collect::<Result<_, IndexError>>()?;
        let years = asked.numbers.iter().filter(|number| number.is_year());
        let year = |number: &'a Number| Ok(Year { number, about: about(&number.value.to_string())? });
        Ok(Self { names, years: years.map(year).collect::<Result<_, IndexError>>()? })
    }

    /// What of it a passage of a document may speak of, since it says so or its document is about that; nothing
    /// if it speaks of others. Where no year is told at all, it may be the one that was asked for.
    pub(super) fn meant_in(&self, passage: &Read<'_>, document: Uuid) -> Option<Facts> {
        let names: Vec<&Name> = self.names.iter().filter(|name| name.is_in(passage, document)).collect();
        let years: Vec<&Year<'_>> = self.years.iter().filter(|year| year.is_in(passage, document)).collect();
        let most = self.names.iter().map(|name| name.weight).fold(0.0, f32::max);
        let is_of_others = names.iter().map(|name| name.weight).sum::<f32>() < ENOUGH * most;
        let is_of_other_years =
            !self.years.is_empty() && years.is_empty() && passage.numbers().any(Number::is_year);
        if is_of_others || is_of_other_years {
            return None;
        }
        let names = names.iter().map(|name| Arc::from(name.forms[0].as_str()));
        Some(Facts::alone(names, years.iter().map(|year| year.number.clone())))
    }
}

impl Year<'_> {
    fn is_in(&self, passage: &Read<'_>, document: Uuid) -> bool {
        self.about.contains(&document) || passage.numbers().any(|number| self.number.agrees(number))
    }
}

impl Name {
    fn is_in(&self, passage: &Read<'_>, document: Uuid) -> bool {
        let stands_in = |facts: &Facts| self.forms.iter().any(|form| facts.holds(form) > 0.0);
        self.about.contains(&document)
            || stands_in(&passage.heading)
            || stands_in(&passage.whole)
            || is_short_for(&self.forms[0], &passage.heading)
            || passage.lines.iter().any(|line| is_short_for(&self.forms[0], &line.facts))
    }
}

/// The words of names, each with what it and its neighbours are together: `bestbuy` in the name of a file, or
/// `eu`.
fn forms(words: &[&str]) -> Vec<Vec<String>> {
    let mut forms: Vec<Vec<String>> = words.iter().map(|word| vec![(*word).to_owned()]).collect();
    for num in SHORTENED {
        for (at, together) in words.windows(num).enumerate() {
            let run_together = (num == 2).then(|| together.concat());
            let initials: String = together.iter().filter_map(|word| word.chars().next()).collect();
            for forms in &mut forms[at..at + num] {
                forms.extend(run_together.iter().chain([&initials]).cloned());
            }
        }
    }
    forms
}

/// Whether words that follow one another begin with the letters of a name.
fn is_short_for(name: &str, facts: &Facts) -> bool {
    let initials = || facts.words.iter().filter_map(|(word, _)| word.chars().next()).collect::<String>();
    SHORTENED.contains(&name.chars().count()) && initials().contains(name)
}

/// The documents that are about a word.
fn about(form: &str, index: Option<&PassageIndex>) -> Result<HashSet<Uuid>, IndexError> {
    let documents = index.map(|index| index.documents_with(form)).transpose()?.unwrap_or_default();
    let about = documents.into_iter().filter(|(_, spread)| spread.begins || spread.share >= ABOUT);
    Ok(about.map(|(document, _)| document).collect())
}
