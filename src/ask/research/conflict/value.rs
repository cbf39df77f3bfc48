//! The values of a sentence: its numbers with what they measure or count, as far as the words beside
//! them tell.

use ibid_index::analysis::{Language, Term, TermKind, terms};

use crate::ask::cite::{Facts, Number, unit_named};

/// How far apart two amounts of the same measure may be, the larger over the smaller: beyond, they
/// measure different things.
const NEAR: f64 = 1.5;
/// Units of spans of time: documents name many that have nothing to do with one another.
const TIMES: &[&str] = &["s", "min", "h", "day", "week", "month", "year", "ms"];
/// Units of area, and words that ask for one without naming it.
const AREAS: &[&str] = &["ha", "acre", "km²", "m²"];
const ASK_AREA: &[&str] =
    &["area", "acreage", "fläche", "grundfläche", "superficie", "surface", "área", "oppervlakte"];

/// A number that can be compared.
pub(super) struct Value {
    pub(super) number: Number,
    /// As written, with its unit.
    pub(super) written: String,
    pub(super) kind: Kind,
    /// Content words within two words of it.
    pub(super) beside: Vec<String>,
    /// The word after it: what is counted.
    counted: Option<String>,
}

/// What kind of value it is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    /// A year on its own or with the day it belongs to (`14 september`).
    Year(Option<String>),
    Amount,
}

/// What a question asks about, as far as values can answer it.
pub(super) struct Asked {
    pub(super) facts: Facts,
    /// Its content words.
    pub(super) words: Vec<Asking>,
    /// Whether it asks for a point in time; then other figures are beside it.
    pub(super) time: bool,
    /// The units that it asks for.
    units: Vec<&'static str>,
}

/// A content word of a question.
pub(super) struct Asking {
    pub(super) stem: String,
    /// As written, and where.
    pub(super) surface: String,
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Asked {
    pub(super) fn of(question: &str, language: Option<Language>) -> Self {
        let words: Vec<Term> = terms(question, language).collect();
        let surface = |term: &Term| question[term.start..term.end].to_owned();
        let mut units: Vec<_> = words.iter().filter_map(|term| unit_named(&surface(term))).collect();
        if words.iter().any(|term| ASK_AREA.contains(&surface(term).to_lowercase().as_str())) {
            units.extend(AREAS);
        }
        let told = words.iter().filter(|term| term.kind == TermKind::Word);
        let told = told.map(|term| Asking {
            stem: term.stem.clone(),
            surface: surface(term),
            start: term.start,
            end: term.end,
        });
        let told = told.collect();
        Self { facts: Facts::of(question, language), time: asks_time(question), words: told, units }
    }
}

impl Asked {
    pub(super) fn has_names(&self) -> bool {
        self.facts.words.iter().any(|(_, name)| *name)
    }
}

impl Value {
    /// What the value measures, if the question asks for it: its unit, the thing counted, or for a
    /// value with a unit a word beside it.
    pub(super) fn measure<'a>(&self, asked: &'a Asked) -> Option<&'a str> {
        let plain = || asked.facts.words.iter().filter(|(_, name)| !name).map(|(word, _)| &**word);
        match self.number.unit {
            Some(unit) if TIMES.contains(&unit) => None,
            Some(unit) if asked.units.contains(&unit) => Some(unit),
            Some(_) => plain().find(|word| self.beside.iter().any(|beside| beside == word)),
            None => plain().find(|word| self.counted.as_deref() == Some(*word)),
        }
    }

    pub(super) fn is_near(&self, other: &Self) -> bool {
        let (a, b) = (self.number.value, other.number.value);
        a > 0.0 && b > 0.0 && a.max(b) / a.min(b) <= NEAR
    }

    /// Whether the passage of this value counts it into the other: both stand there, and what is
    /// between them as well.
    pub(super) fn is_part_of(&self, other: &Self, passage: &Facts) -> bool {
        let (mine, theirs) = (self.number.value, other.number.value);
        let is_there = |value: f64| {
            passage.numbers.iter().any(|number| {
                number.unit == self.number.unit && (number.value - value).abs() <= value.abs() * ROUNDED
            })
        };
        theirs > mine && is_there(theirs) && is_there(theirs - mine)
    }
}

/// How far a sum of rounded numbers may be off, as a share.
const ROUNDED: f64 = 1e-3;

/// The numbers of a sentence that can be compared.
pub(super) fn values(text: &str, facts: &Facts, language: Option<Language>) -> Vec<Value> {
    let words: Vec<Term> = terms(text, language).collect();
    let value = |number: &Number| {
        let at = words.iter().position(|term| term.start <= number.start && number.start < term.end)?;
        let term = &words[at];
        let surface = &text[term.start..term.end];
        if surface.starts_with(char::is_alphabetic) && surface.contains(|c: char| c.is_ascii_digit()) {
            return None;
        }
        let near = |from: usize, to: usize| words.get(from..to.min(words.len())).unwrap_or_default();
        let beside = near(at.saturating_sub(2), at).iter().chain(near(at + 1, at + 4));
        let beside =
            beside.filter(|term| term.kind == TermKind::Word).map(|term| term.stem.clone()).collect();
        let is_year = number.is_year() && surface.len() == 4;
        let kind = if is_year { Kind::Year(day_before(text, term.start)) } else { Kind::Amount };
        // A day of a month belongs to its year.
        let word = |term: Option<&Term>| term.map_or("", |term| &text[term.start..term.end]);
        let counts = words.get(at + 1).is_some_and(|next| next.kind == TermKind::Word);
        let is_after_month = !counts && number.value <= 31.0 && is_month(word(words[..at].last()));
        let is_day = !is_year && (is_after_month || is_month(word(words.get(at + 1))));
        let next = words.get(at + 1).filter(|next| !is_year && next.kind == TermKind::Word);
        let end = next.map_or(term.end, |next| next.end);
        let before = text[..term.start].chars().next_back().filter(|c| matches!(c, '€' | '$' | '£' | '¥'));
        let start = term.start - before.map_or(0, char::len_utf8);
        let written = text[start..end].split_whitespace().collect::<Vec<_>>().join(" ");
        let counted = next.map(|next| next.stem.clone());
        (!is_day).then(|| Value { number: number.clone(), written, kind, beside, counted })
    };
    facts.numbers.iter().filter_map(value).collect()
}

/// The day and month just before a year, or before the comma before it, in one order.
fn day_before(text: &str, year: usize) -> Option<String> {
    let words: Vec<&str> =
        text[..year].split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let [.., one, other] = words.as_slice() else { return None };
    let (day, month) = if is_month(other) { (one, other) } else { (other, one) };
    let day: u32 = day.trim_end_matches(char::is_alphabetic).parse().ok()?;
    let month: String = month.to_lowercase().chars().take(3).collect();
    (is_month(&month) && (1..=31).contains(&day)).then(|| format!("{day} {month}"))
}

fn asks_time(question: &str) -> bool {
    const WORDS: &[&str] =
        &["when", "year", "date", "wann", "jahr", "datum", "quand", "année", "cuándo", "año"];
    question.to_lowercase().split(|c: char| !c.is_alphabetic()).any(|word| WORDS.contains(&word))
}

pub(in crate::ask::research) fn is_month(word: &str) -> bool {
    const MONTHS: &[&str] = &[
        "jan", "feb", "mar", "mär", "apr", "may", "mai", "jun", "jul", "aug", "sep", "oct", "okt", "nov",
        "dec", "dez",
    ];
    let lower = word.to_lowercase();
    let begins: String = lower.chars().take(3).collect();
    MONTHS.contains(&begins.as_str()) && lower.chars().all(char::is_alphabetic)
}
