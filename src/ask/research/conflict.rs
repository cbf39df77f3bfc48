//! Where documents disagree: sentences of different documents that speak of the same thing and
//! give another year, date or number for it. Counts words, so it keeps to cases where nearly all
//! else is the same; two values that a word explains ("with the land") may still be told here.

use std::collections::HashSet;

use ibid_index::analysis::{Language, TermKind, terms};
use uuid::Uuid;

use super::{Desk, Research};
use crate::Error;
use crate::ask::cite::{Facts, Number};
use crate::ask::sentence::{SentenceKind, sentences};
use crate::event::Source;

/// Most conflicts told.
const MAX_CONFLICTS: usize = 5;
/// Share of the shorter sentence's content words that the other must have.
const SAME: f32 = 0.6;
/// How many they must share at least.
const LEAST_SHARED: usize = 3;
/// How far apart two amounts of the same measure may be, the larger over the smaller: beyond, they
/// measure different things.
const NEAR: f64 = 1.5;
/// Words of the question that a sentence with its title and heading must have, as a share.
const ON_TOPIC: f32 = 0.5;

/// Documents that disagree on one thing.
#[derive(Clone, Debug)]
pub(super) struct Conflict {
    /// One entry for each value, the first told first.
    pub(super) sides: Vec<Side>,
}

/// What one document says.
#[derive(Clone, Debug)]
pub(super) struct Side {
    /// The value.
    pub(super) value: String,
    /// The passage of the sentence, numbered within its step.
    pub(super) source: Source,
    /// First byte of the sentence in the stored text.
    pub(super) start: usize,
    /// The sentence as stored.
    pub(super) words: String,
}

struct Statement<'a> {
    source: &'a Source,
    start: usize,
    text: String,
    facts: Facts,
    /// What the sentence stands under.
    around: Facts,
    values: Vec<Value>,
}

struct Value {
    number: Number,
    /// As written, with its unit.
    written: String,
    kind: Kind,
    /// Content words within two words of it.
    beside: Vec<String>,
    /// The word after it: what is counted.
    counted: Option<String>,
}

impl Value {
    /// The word of the question that says what the value measures: the thing counted, or for a
    /// value with a unit a word beside it.
    fn measure<'a>(&self, question: &'a Facts) -> Option<&'a str> {
        let is_it = |word: &&str| match self.number.unit {
            Some(unit) if TIMES.contains(&unit) => false,
            Some(_) => self.beside.iter().any(|beside| beside == word),
            None => self.counted.as_deref() == Some(*word),
        };
        question.words.iter().filter(|(_, name)| !name).map(|(word, _)| word.as_str()).find(is_it)
    }

    fn is_near(&self, other: &Self) -> bool {
        let (a, b) = (self.number.value, other.number.value);
        a > 0.0 && b > 0.0 && a.max(b) / a.min(b) <= NEAR
    }
}

/// Units of spans of time: documents name many that have nothing to do with one another.
const TIMES: &[&str] = &["s", "min", "h", "day", "week", "month", "year", "ms"];

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    /// A year on its own or with the day it belongs to (`14 september`).
    Year(Option<String>),
    Amount,
}

/// The conflicts among the passages that were read.
pub(super) async fn conflicts(desk: &Desk<'_>, research: &Research) -> Result<Vec<Conflict>, Error> {
    let mut sources: Vec<&Source> = Vec::new();
    for (_, found) in research.questions() {
        for source in found.iter().flat_map(|found| &found.passages) {
            let is_inside = |known: &&Source| {
                known.document_id == source.document_id
                    && known.start <= source.start
                    && source.end <= known.end
            };
            if !sources.iter().any(is_inside) {
                sources.push(source);
            }
        }
    }
    let asked = &research.plan.question;
    let mut texts = Vec::with_capacity(sources.len());
    for source in sources {
        if let Ok(text) = desk.app.files.read_text(source.document_id, source.start..source.end).await {
            texts.push((source, text));
        }
    }
    Ok(among(asked, &texts))
}

fn among(asked: &str, texts: &[(&Source, String)]) -> Vec<Conflict> {
    let sample: String = texts.iter().flat_map(|(_, text)| text.chars().take(400)).collect();
    let language = Language::detect(&sample).or_else(|| Language::detect(asked));
    let question = Facts::of(asked, language);
    let mut statements: Vec<Statement<'_>> = Vec::new();
    for (source, text) in texts {
        statements.extend(statements_of(source, text, &question, language));
    }
    let mut conflicts: Vec<Conflict> = Vec::new();
    let mut told: HashSet<(Uuid, usize)> = HashSet::new();
    for (at, one) in statements.iter().enumerate() {
        for other in &statements[at + 1..] {
            let place = |statement: &Statement<'_>| (statement.source.document_id, statement.start);
            if conflicts.len() == MAX_CONFLICTS || told.contains(&place(one)) || told.contains(&place(other))
            {
                continue;
            }
            if let Some((mine, theirs)) = disagree(&question, asks_time(asked), one, other) {
                told.extend([place(one), place(other)]);
                conflicts.push(Conflict { sides: vec![one.side(mine), other.side(theirs)] });
            }
        }
    }
    conflicts
}

fn statements_of<'a>(
    source: &'a Source,
    text: &str,
    question: &Facts,
    language: Option<Language>,
) -> Vec<Statement<'a>> {
    let heading = format!("{}. {}", source.title, source.heading.as_deref().unwrap_or_default());
    let heading = Facts::of(&heading, language);
    let statement = |range: std::ops::Range<usize>| {
        let words = &text[range.clone()];
        let facts = Facts::of(words, language);
        if facts.numbers.is_empty() || facts.words.len() < 2 {
            return None;
        }
        let around = facts.clone().and(heading.clone());
        let held = question.words.iter().filter(|(word, _)| around.holds(word) > 0.0).count();
        let is_on_topic = !question.words.is_empty() && share(held, question.words.len()) >= ON_TOPIC;
        let itself = question.words.iter().any(|(word, _)| facts.holds(word) > 0.0);
        let values = values(words, &facts, language);
        (is_on_topic && itself && !values.is_empty()).then(|| Statement {
            source,
            start: source.start + range.start,
            text: words.to_owned(),
            facts,
            around,
            values,
        })
    };
    let told = sentences(text).into_iter();
    // A row says what its columns mean only together with its table.
    let told = told.filter(|sentence| matches!(sentence.kind, SentenceKind::Prose | SentenceKind::Item));
    told.filter_map(|sentence| statement(sentence.range)).collect()
}

/// The values on which two statements differ, if they are statements about the same thing.
fn disagree(
    question: &Facts,
    asks_time: bool,
    one: &Statement<'_>,
    other: &Statement<'_>,
) -> Option<(String, String)> {
    if one.source.document_id == other.source.document_id {
        return None;
    }
    let shared = one.facts.words.iter().filter(|(word, _)| other.facts.holds(word) == 1.0).count();
    let shorter = one.facts.words.len().min(other.facts.words.len());
    let names_agree = {
        let lacks = |a: &Statement<'_>, b: &Statement<'_>| {
            a.facts.words.iter().any(|(word, name)| *name && b.around.holds(word) == 0.0)
        };
        !(lacks(one, other) && lacks(other, one))
    };
    let is_alike = shared >= LEAST_SHARED && share(shared, shorter) >= SAME && names_agree;
    for mine in &one.values {
        for theirs in &other.values {
            let is_said_there =
                other.facts.holds_number(&mine.number) || one.facts.holds_number(&theirs.number);
            let units = mine.number.unit == theirs.number.unit;
            if is_said_there || !units {
                continue;
            }
            let conflicting = match (&mine.kind, &theirs.kind) {
                // The same day of another year, in words about the same: a slip in one of them.
                (Kind::Year(Some(day)), Kind::Year(Some(same))) => day == same && shared >= 2,
                (Kind::Year(_), Kind::Year(_)) => is_alike,
                (Kind::Amount, Kind::Amount) if !asks_time => {
                    let same_measure =
                        mine.measure(question).is_some_and(|word| theirs.measure(question) == Some(word));
                    let same_beside = mine.beside.iter().any(|word| theirs.beside.contains(word));
                    mine.is_near(theirs) && ((is_alike && same_beside) || (same_measure && names_agree))
                }
                _ => false,
            };
            if conflicting {
                return Some((mine.written.clone(), theirs.written.clone()));
            }
        }
    }
    None
}

/// The numbers of a sentence that can be compared.
fn values(text: &str, facts: &Facts, language: Option<Language>) -> Vec<Value> {
    let words = terms(text, language);
    let value = |number: &Number| {
        let at = words.iter().position(|term| term.start <= number.start && number.start < term.end)?;
        let term = &words[at];
        let near = |from: usize, to: usize| words.get(from..to.min(words.len())).unwrap_or_default();
        let beside = near(at.saturating_sub(2), at).iter().chain(near(at + 1, at + 4));
        let beside =
            beside.filter(|term| term.kind == TermKind::Word).map(|term| term.stem.clone()).collect();
        let is_year = number.unit.is_none() && is_year(&text[term.start..term.end]);
        let kind = if is_year { Kind::Year(day_before(text, term.start)) } else { Kind::Amount };
        // A day of a month belongs to its year.
        let is_day = !is_year && is_month(words.get(at + 1).map_or("", |term| &text[term.start..term.end]));
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

fn is_year(word: &str) -> bool {
    word.len() == 4 && word.parse::<u32>().is_ok_and(|year| (1000..2100).contains(&year))
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

/// Whether a question asks for a point in time; then other figures are beside it.
fn asks_time(question: &str) -> bool {
    const WORDS: &[&str] =
        &["when", "year", "date", "wann", "jahr", "datum", "quand", "année", "cuándo", "año"];
    question.to_lowercase().split(|c: char| !c.is_alphabetic()).any(|word| WORDS.contains(&word))
}

pub(super) fn is_month(word: &str) -> bool {
    const MONTHS: &[&str] = &[
        "jan", "feb", "mar", "mär", "apr", "may", "mai", "jun", "jul", "aug", "sep", "oct", "okt", "nov",
        "dec", "dez",
    ];
    let lower = word.to_lowercase();
    let begins: String = lower.chars().take(3).collect();
    MONTHS.contains(&begins.as_str()) && lower.chars().all(char::is_alphabetic)
}

impl Statement<'_> {
    fn side(&self, value: String) -> Side {
        Side { value, source: self.source.clone(), start: self.start, words: self.text.clone() }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of words in a sentence are small")]
fn share(part: usize, whole: usize) -> f32 {
    if whole == 0 { 0.0 } else { part as f32 / whole as f32 }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::among;
    use crate::document::PassageId;
    use crate::event::Source;

    #[track_caller]
    fn check(question: &str, one: &str, other: &str, values: Option<[&str; 2]>) {
        let source = |title: &str| {
            let document_id = Uuid::now_v7();
            Source {
                n: 1,
                document_id,
                version: String::new(),
                title: title.to_owned(),
                page: None,
                heading: None,
                passage_id: PassageId { document: document_id, ordinal: 0 },
                start: 0,
                end: 0,
                score: 1.0,
            }
        };
        let (a, b) = (source("Report"), source("Newspaper"));
        let found = among(question, &[(&a, one.to_owned()), (&b, other.to_owned())]);
        let found: Vec<Vec<_>> = found
            .iter()
            .map(|conflict| conflict.sides.iter().map(|side| side.value.as_str()).collect())
            .collect();
        let expected: Vec<Vec<_>> = values.into_iter().map(Vec::from).collect();
        assert_eq!(found, expected, "{one} | {other}");
    }

    #[test]
    fn another_year_for_the_same_day_is_a_conflict() {
        check(
            "In which year was the Sallow Dike breached?",
            "On 14 September 2016 the old Sallow Dike was opened in two places and the tide returned.",
            "On 14 September 2015 a digger took the last clay out of the Sallow Dike, and the tide went in.",
            Some(["2016", "2015"]),
        );
    }

    #[test]
    fn another_amount_of_the_same_measure_is_a_conflict() {
        check(
            "What did the Sallow restoration cost?",
            "The Sallow works cost €18.6 million.",
            "The Sallow marsh cost €21.3 million, a figure that was quarrelled over.",
            Some(["€18.6 million", "€21.3 million"]),
        );
    }

    #[test]
    fn another_number_of_the_same_thing_counted_is_a_conflict() {
        check(
            "How many hectares of marsh were restored at Sallow?",
            "At Sallow the tide returned to 412 hectares of marsh.",
            "The tide reached 385 hectares of the marsh at Sallow.",
            Some(["412 hectares", "385 hectares"]),
        );
    }

    #[test]
    fn the_same_value_and_other_things_are_no_conflict() {
        let question = "How many eels were counted at the Halden weir?";
        check(
            question,
            "In 2019 the count at the Halden weir found 412 eels.",
            "At the Halden weir 412 eels were counted in 2019.",
            None,
        );
        check(
            question,
            "In 2019 the count at the Halden weir found 412 eels.",
            "The Halden weir is 31 metres long.",
            None,
        );
        check(
            "When was the gate built?",
            "The Halden gate was built in 1953.",
            "The Osmer gate was built in 1961.",
            None,
        );
        check(
            "In which year was the dike built?",
            "The dike is built for ten years of Halden storms.",
            "The dike of Halden was built to stand for seven years.",
            None,
        );
        check(
            "What did the Sallow works cost?",
            "The Sallow works cost €18.6 million.",
            "A day at the Sallow works costs €4.",
            None,
        );
    }
}
