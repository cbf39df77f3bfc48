//! Looking into one question: search, then read what was found and note the exact words that
//! matter. A model that is asked for quotes is believed only as far as they stand in the text.

use ibid_index::analysis::{Language, Term, TermKind, terms};
use schemars::JsonSchema;
use serde::Deserialize;

use super::budget::Phase;
use super::model::{self, ask_for};
use super::{Desk, Evidence};
use crate::Error;
use crate::ask::cite::Facts;
use crate::ask::framing::is_framing;
use crate::ask::prompt::{Excerpt, Prompt};
use crate::ask::retrieve::{self, Found};
use crate::event::{Note, StepKind, StepResult, SubQuestion, Usage};
use crate::provider::extractive;

/// Most notes of one question.
const MAX_NOTES: usize = 8;

/// What a model notes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Reading {
    /// The quotes that help to answer the question; none if the passages do not speak of it.
    notes: Vec<Quoted>,
}

/// One quote.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Quoted {
    /// The number of the passage.
    passage: serde_json::Number,
    /// One or two sentences of it, copied letter by letter.
    quote: String,
}

/// Searches and reads for one question; `served` is the one that it serves. Both steps are in the
/// record when this returns.
pub(super) async fn look_into(
    desk: &Desk<'_>,
    question: SubQuestion,
    served: Option<String>,
) -> Result<(u32, Evidence), Error> {
    let mut step = desk.begin(StepKind::Search, Some(&question), Some(&question.text), None);
    let found = retrieve::retrieve(desk.app, &desk.asked.caller, &desk.asked.scope, &question.text).await?;
    step.note.clone_from(&found.manner.note);
    let passages: Vec<_> = found.excerpts.iter().map(|excerpt| excerpt.source.clone()).collect();
    let result =
        StepResult { passages: passages.clone(), matched: found.matched.clone(), ..StepResult::default() };
    desk.finish(step, usize::try_from(found.num_candidates).ok(), result).await?;

    let mut step = desk.begin(StepKind::Read, Some(&question), None, None);
    let (notes, usage) = if found.excerpts.is_empty() {
        (Vec::new(), Usage::default())
    } else {
        let (notes, usage, remark) = read(desk, &question.text, served.as_deref(), &found).await;
        step.note = remark;
        (notes, usage)
    };
    let result = StepResult { notes: notes.clone(), usage, ..StepResult::default() };
    desk.finish(step, Some(notes.len()), result).await?;
    Ok((question.id, Evidence { passages, matched: found.matched, notes }))
}

async fn read(
    desk: &Desk<'_>,
    question: &str,
    served: Option<&str>,
    found: &Found,
) -> (Vec<Note>, Usage, Option<String>) {
    let Some(model) = desk.model else {
        return (quoted(desk, question, served, &found.excerpts), Usage::default(), None);
    };
    let prompt = Prompt {
        passages: found.excerpts.clone(),
        ..model::prompt(include_str!("../prompts/read.md"), question, &found.excerpts, "")
    };
    let answered = ask_for::<Reading>(desk, model, Phase::Research, "notes", prompt).await;
    let usage = answered.usage;
    match answered.value {
        Ok(reading) => {
            let notes = reading.notes.iter().filter_map(|noted| place(noted, &found.excerpts));
            (notes.take(MAX_NOTES).collect(), usage, None)
        }
        Err(why) => {
            let notes = quoted(desk, question, served, &found.excerpts);
            (notes, usage, Some(format!("read without a model, because {why}")))
        }
    }
}

/// Notes without a model: the sentences that answer. A question that serves another one only brings
/// up passages; what counts in them is what answers the one that is served.
fn quoted(desk: &Desk<'_>, question: &str, served: Option<&str>, excerpts: &[Excerpt]) -> Vec<Note> {
    let asked = served.unwrap_or(question);
    let plain = plain_words(asked);
    let found = |n: u32| excerpts.iter().find(|excerpt| excerpt.source.n == n);
    let quotes = extractive::quotes(asked, excerpts, &desk.app.index).into_iter();
    let mut told: Vec<_> = quotes.filter_map(|(n, words)| Some((found(n)?, words))).enumerate().collect();
    // A row says little without its table, unless it is the one that is asked for, and a name alone seldom
    // answers; they are told last.
    told.sort_by_key(|(place, (_, words))| (*place > 0 && is_row(words)) || !speaks_of(&plain, words));
    let note = |(_, (excerpt, words)): (usize, (&Excerpt, String))| {
        let at = excerpt.text.find(&words)?;
        Some(note_at(excerpt, at, words))
    };
    told.into_iter().filter_map(note).take(MAX_NOTES).collect()
}

/// The content words and numbers of a question that are no names.
pub(super) fn plain_words(question: &str) -> Vec<String> {
    let language = Language::of_question(question).or_else(|| Language::from_code("en"));
    let capitals_are_names = language.is_some_and(|language| language.code() != "de");
    let is_name = |term: &Term| capitals_are_names && question[term.start..].starts_with(char::is_uppercase);
    let is_framing = |term: &Term| is_framing(&question[term.start..term.end]);
    let told = terms(question, language)
        .filter(|term| term.kind != TermKind::Stop && !is_name(term) && !is_framing(term));
    told.map(|term| term.stem).collect()
}

/// Whether a sentence has more of a question than the names in it.
pub(super) fn speaks_of(plain: &[String], words: &str) -> bool {
    let facts = Facts::of(words, Language::detect(words).or_else(|| Language::from_code("en")));
    let is_number = |word: &str| terms(words, None).any(|term| term.stem == word);
    plain.is_empty() || plain.iter().any(|word| facts.holds(word) > 0.0 || is_number(word))
}

fn is_row(words: &str) -> bool {
    words.contains(" | ")
}

/// Where a model's quote stands, white space aside; none if it does not.
fn place(noted: &Quoted, excerpts: &[Excerpt]) -> Option<Note> {
    let n = u32::try_from(noted.passage.as_u64()?).ok()?;
    let excerpt = excerpts.iter().find(|excerpt| excerpt.source.n == n)?;
    let words: Vec<&str> = noted.quote.split_whitespace().collect();
    let first = *words.first()?;
    excerpt.text.match_indices(first).find_map(|(start, _)| {
        let mut end = start;
        for (at, word) in words.iter().enumerate() {
            let rest = &excerpt.text[end..];
            let gap = rest.len() - rest.trim_start().len();
            let is_apart = at == 0 || gap > 0;
            if !is_apart || !rest[gap..].starts_with(word) {
                return None;
            }
            end += gap + word.len();
        }
        Some(note_at(excerpt, start, excerpt.text[start..end].to_owned()))
    })
}

fn note_at(excerpt: &Excerpt, at: usize, quote: String) -> Note {
    let start = excerpt.source.start + at;
    Note { passage_id: excerpt.source.passage_id, start, end: start + quote.len(), quote }
}

#[cfg(test)]
mod tests {
    use schemars::schema_for;

    use super::{Quoted, Reading, place};
    use crate::ask::cite::fixtures::excerpts;

    #[test]
    fn a_quote_is_noted_where_it_stands_and_not_at_all_if_it_does_not() {
        let excerpts = excerpts();
        let text = &excerpts[0].text;
        let words: Vec<&str> = text.split_whitespace().take(4).collect();
        let noted = Quoted { passage: 1.into(), quote: words.join("\n ") };
        let note = place(&noted, &excerpts).unwrap();
        let from = excerpts[0].source.start;
        assert_eq!(text[note.start - from..note.end - from], note.quote);
        for (passage, quote) in [(1, "Words that nobody wrote"), (99, words[0]), (-1, words[0]), (1, " ")] {
            assert!(place(&Quoted { passage: passage.into(), quote: quote.to_owned() }, &excerpts).is_none());
        }
    }
    #[test]
    fn the_shape_of_notes_can_be_asked_for_as_binding() {
        let schema = schema_for!(Reading).to_value();
        assert_eq!(schema["additionalProperties"], false);
        assert_eq!(schema["$defs"]["Quoted"]["additionalProperties"], false);
        assert!(!schema.to_string().contains("\"format\""), "vendors refuse formats: {schema}");
    }
}
