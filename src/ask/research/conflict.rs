//! Where documents disagree: sentences of different documents that speak of the same thing and
//! give another year, date or number for it. Counts words, so it keeps to cases where nearly all
//! else is the same; two values that a word explains ("with the land") may still be told here.

mod statement;
#[cfg(test)]
mod tests;
mod value;

use ibid_index::analysis::Language;

use self::statement::{Bearing, Statement, statements_of};
pub(super) use self::value::is_month;
use self::value::{Asked, Kind, Value};
use super::words::Words;
use super::{Desk, Research};
use crate::Error;
use crate::ask::facets::{capitalised, under};
use crate::event::Source;

/// Most conflicts told.
const MAX_CONFLICTS: usize = 5;
/// Most documents told of one.
const MAX_SIDES: usize = 6;
/// Share of the shorter sentence's content words that the other must have.
const SAME: f32 = 0.6;
/// How many they must share at least.
const LEAST_SHARED: usize = 3;

/// Documents that disagree on one thing.
#[derive(Clone, Debug)]
pub(super) struct Conflict {
    /// What it is about, in words of the question.
    pub(super) about: String,
    /// Who says what, a document each for a value; those of one value stand together.
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

impl Conflict {
    /// The values, each once.
    pub(super) fn values(&self) -> Vec<&str> {
        let mut values: Vec<&str> = self.sides.iter().map(|side| side.value.as_str()).collect();
        values.dedup();
        values
    }

    /// What it is about and the values, as a question.
    pub(super) fn as_question(&self, words: &Words) -> String {
        let values = self.values().join(&format!(" {} ", words.or));
        if self.about.is_empty() {
            format!("{values}?")
        } else {
            capitalised(&under(&self.about, &values)) + "?"
        }
    }

    /// Takes a document that says this too, beside those that say the same.
    fn join(&mut self, side: Side, like: &dyn Fn(&Side) -> bool) {
        let is_told = |known: &Side| known.source.document_id == side.source.document_id;
        if self.sides.len() < MAX_SIDES && !self.sides.iter().any(is_told) {
            let at = self.sides.iter().rposition(like).map_or(self.sides.len(), |at| at + 1);
            self.sides.insert(at, side);
        }
    }
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
    let mut texts = Vec::with_capacity(sources.len());
    for source in sources {
        if let Ok(text) = desk.app.files.read_text(source.document_id, source.start..source.end).await {
            texts.push((source, text));
        }
    }
    let whole = std::iter::once(research.plan.question.as_str());
    let planned = research.plan.questions.iter().filter(|question| question.round == 0);
    let mut questions: Vec<&str> = whole.chain(planned.map(|question| question.text.as_str())).collect();
    questions.dedup();
    Ok(among(&questions, &texts))
}

fn among(questions: &[&str], texts: &[(&Source, String)]) -> Vec<Conflict> {
    let sample: String = texts.iter().flat_map(|(_, text)| text.chars().take(400)).collect();
    let language = Language::detect(&sample).or_else(|| Language::detect(questions.first()?));
    let mut statements: Vec<Statement<'_>> = Vec::new();
    for (source, text) in texts {
        statements.extend(statements_of(source, text, language));
    }
    let mut conflicts: Vec<Conflict> = Vec::new();
    let whole = questions.first().map(|question| Asked::of(question, language));
    for (at, question) in questions.iter().enumerate() {
        let asked = Asked::of(question, language);
        // A part is short and much is near it; there, what it or the whole names has to be near too.
        let named = if asked.has_names() { Some(&asked) } else { whole.as_ref() };
        let is_near =
            |statement: &&Statement<'_>| at == 0 || named.is_some_and(|named| statement.names(named));
        let on_it = statements
            .iter()
            .filter(is_near)
            .filter_map(|statement| Some((statement, statement.bearing(&asked)?)));
        let mut on_it: Vec<(&Statement<'_>, Bearing)> = on_it.collect();
        // Those that say most of what was asked speak for their documents.
        on_it.sort_by(|(_, a), (_, b)| a.leans.cmp(&b.leans).then(b.share.total_cmp(&a.share)));
        for (at, (one, bearing)) in on_it.iter().enumerate() {
            for (other, with) in &on_it[at + 1..] {
                if let Some((mine, theirs)) = disagree(&asked, bearing.leans || with.leans, one, other) {
                    tell(&mut conflicts, &asked, (one, mine), (other, theirs));
                }
            }
        }
    }
    conflicts
}

/// Adds a disagreement to the conflict over the same values or with one of its statements, or else
/// as a new one. A statement is in no more than one.
fn tell(
    conflicts: &mut Vec<Conflict>,
    asked: &Asked,
    (one, mine): (&Statement<'_>, &Value),
    (other, theirs): (&Statement<'_>, &Value),
) {
    let holds = |statement: &Statement<'_>| {
        conflicts.iter().position(|conflict| conflict.sides.iter().any(|side| statement.is(side)))
    };
    let agrees = |value: &Value| {
        let written = value.written.clone();
        move |side: &Side| side.value == written
    };
    let says = |conflict: &Conflict, value: &Value| conflict.sides.iter().any(agrees(value));
    let same = |conflict: &Conflict| says(conflict, mine) && says(conflict, theirs);
    if let Some(known) = conflicts.iter().position(same) {
        conflicts[known].join(one.side(mine), &agrees(mine));
        conflicts[known].join(other.side(theirs), &agrees(theirs));
        return;
    }
    match (holds(one), holds(other)) {
        (Some(at), None) if conflicts[at].sides.iter().any(|side| one.is(side) && agrees(mine)(side)) => {
            conflicts[at].join(other.side(theirs), &agrees(theirs));
        }
        (None, Some(at)) if conflicts[at].sides.iter().any(|side| other.is(side) && agrees(theirs)(side)) => {
            conflicts[at].join(one.side(mine), &agrees(mine));
        }
        (None, None) if conflicts.len() < MAX_CONFLICTS => conflicts.push(Conflict {
            about: about(asked, one, other, &[&mine.written, &theirs.written]),
            sides: vec![one.side(mine), other.side(theirs)],
        }),
        _ => {}
    }
}

/// The names of the question and the words of it that both have, in their order.
fn about(asked: &Asked, one: &Statement<'_>, other: &Statement<'_>, values: &[&String]) -> String {
    let is_name = |stem: &str| asked.facts.words.iter().any(|(word, name)| *name && **word == *stem);
    let is_shared = |stem: &str| one.around.holds(stem) > 0.0 && other.around.holds(stem) > 0.0;
    let in_value = |surface: &str| values.iter().any(|value| value.split(' ').any(|word| word == surface));
    let mut about = String::new();
    let mut last_end = 0;
    for word in &asked.words {
        let is_kept = (is_name(&word.stem) || is_shared(&word.stem)) && !in_value(&word.surface);
        if is_kept && !about.contains(&word.surface) {
            let is_next = word.start == last_end + 1;
            about += if about.is_empty() {
                ""
            } else if is_next {
                " "
            } else {
                ", "
            };
            about += &word.surface;
            last_end = word.end;
        }
    }
    about
}

/// The values on which two statements differ, if they are statements about the same thing.
fn disagree<'a>(
    asked: &Asked,
    leans: bool,
    one: &'a Statement<'_>,
    other: &'a Statement<'_>,
) -> Option<(&'a Value, &'a Value)> {
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
    let is_alike = !leans && shared >= LEAST_SHARED && share(shared, shorter) >= SAME && names_agree;
    for mine in &one.values {
        for theirs in &other.values {
            let is_said_there =
                other.facts.holds_number(&mine.number) || one.facts.holds_number(&theirs.number);
            let is_part = mine.is_part_of(theirs, &one.passage) || theirs.is_part_of(mine, &other.passage);
            if is_said_there || is_part || mine.number.unit != theirs.number.unit {
                continue;
            }
            let conflicting = match (&mine.kind, &theirs.kind) {
                // The same day of another year, in words about the same: a slip in one of them.
                (Kind::Year(Some(day)), Kind::Year(Some(same))) => !leans && day == same && shared >= 2,
                // With another figure for each year it is a series.
                (Kind::Year(_), Kind::Year(_)) => is_alike && (asked.time || !one.counts_otherwise(other)),
                (Kind::Amount, Kind::Amount) if !asked.time => {
                    let measure = mine.measure(asked);
                    let same_measure = measure.is_some() && theirs.measure(asked) == measure;
                    let same_beside = mine.beside.iter().any(|word| theirs.beside.contains(word));
                    let same_time = !one.is_of_another_time(other);
                    same_time
                        && mine.is_near(theirs)
                        && ((is_alike && same_beside) || (same_measure && names_agree))
                }
                _ => false,
            };
            if conflicting {
                return Some((mine, theirs));
            }
        }
    }
    None
}

#[expect(clippy::cast_precision_loss, reason = "counts of words in a sentence are small")]
fn share(part: usize, whole: usize) -> f32 {
    if whole == 0 { 0.0 } else { part as f32 / whole as f32 }
}
