//! The report: a summary, a section for each question, where documents disagree, and what was not
//! found. Each part is written whole and recorded before the next; every sentence of a document
//! goes through the draft, which checks its quote.

use std::collections::HashSet;
use std::fmt::Write;

use uuid::Uuid;

use super::budget::Phase;
use super::choose::{choose, holds};
use super::conflict::{Conflict, conflicts};
use super::dissent::asks_for_dissent;
use super::look::{plain_words, speaks_of};
use super::model::{Why, ask, prompt};
use super::words::Words;
use super::{Desk, Part, Research, coverage};
use crate::Error;
use crate::ask::draft::Draft;
use crate::ask::prompt::{Excerpt, Prompt, estimate_tokens, recall, render, with_wishes};
use crate::ask::told::{escaped, told_of};
use crate::event::{Event, Note, Source, StepKind, StepResult, SubQuestion, Usage};
use crate::provider::{Model, ProviderError};

/// Sentences of a summary without a model.
const SUMMARY_SENTENCES: usize = 3;

/// A question that the report tells of, and the notes of its section.
struct Section {
    question: SubQuestion,
    heading: String,
    notes: Vec<Note>,
}

/// Writes what is not written yet.
pub(super) async fn write(
    desk: &Desk<'_>,
    draft: &mut Draft<'_>,
    research: &mut Research,
) -> Result<(), Error> {
    draft.flush().await?;
    let conflicts = conflicts(desk, research).await?;
    let excerpts = supply(desk, draft, research, &conflicts).await?;
    let words = research.words(desk);
    let sections = sections(research, words);
    if is_worth_a_summary(desk, &sections) {
        summary(desk, draft, research, &excerpts, &sections).await?;
    }
    for section in &sections {
        tell(desk, draft, research, &excerpts, section).await?;
    }
    if !conflicts.is_empty() && research.begin_part(&Part::Conflicts) {
        let step = desk.begin(StepKind::Write, None, None, Some(Part::CONFLICTS));
        draft.write_part(&table(desk, &conflicts, &excerpts, words).await).await?;
        desk.finish(step, None, StepResult::default()).await?;
    }
    let told: Vec<u32> = sections.iter().map(|section| section.question.id).collect();
    let coverage = coverage::coverage(desk, draft, research, &told).await?;
    if research.begin_part(&Part::Colophon) {
        let has_looked = research.questions().any(|(_, found)| found.is_some());
        let question = &research.plan.question;
        let is_refusal = sections.is_empty() && conflicts.is_empty() && has_looked;
        let agrees = conflicts.is_empty() && !is_refusal && asks_for_dissent(question);
        let unanswered = is_refusal.then_some(question.as_str());
        let text = coverage::colophon(desk, words, &coverage, unanswered, agrees).await;
        desk.begin(StepKind::Write, None, None, Some(Part::COLOPHON));
        draft.begin_colophon();
        draft.write_part(&text).await?;
    }
    draft.cover(coverage);
    Ok(())
}

/// The sections in the order of the plan. A sentence is told once, in the section that it stands
/// highest in. What only the question as a whole has found is told with the part that it speaks of,
/// or else at the end.
fn sections(research: &Research, words: &Words) -> Vec<Section> {
    let own = research.plan.questions.iter().filter(|question| question.serves.is_none());
    let (whole, parts): (Vec<_>, Vec<_>) = own.partition(|question| research.is_whole(question));
    let place = |note: &Note| (note.passage_id.document, note.start);
    let rank = |id: u32, note: &Note| research.notes_for(id).position(|other| place(other) == place(note));
    let mut told: HashSet<(Uuid, usize)> = HashSet::new();
    let mut sections: Vec<Section> = Vec::new();
    for question in &parts {
        let is_higher_elsewhere = |note: &Note| {
            let here = rank(question.id, note);
            parts.iter().any(|other| rank(other.id, note).is_some_and(|there| Some(there) < here))
        };
        let stays = |note: &&Note| !is_higher_elsewhere(note) && told.insert(place(note));
        let mut notes: Vec<Note> = research.notes_for(question.id).filter(stays).cloned().collect();
        if notes.is_empty() && question.round == 0 {
            // Told elsewhere, but a reader who looks for this question should find its answer.
            notes.extend(research.notes_for(question.id).next().cloned());
        }
        sections.push(Section { question: (*question).clone(), heading: question.text.clone(), notes });
    }
    for question in whole {
        let mut rest = Vec::new();
        for note in research.notes_for(question.id).filter(|note| told.insert(place(note))) {
            match sections.iter_mut().find(|part| part.question.round == 0 && part.is_spoken_of(note)) {
                Some(part) => part.notes.push(note.clone()),
                None => rest.push(note.clone()),
            }
        }
        let heading = words.also_found.to_owned();
        sections.push(Section { question: question.clone(), heading, notes: rest });
    }
    sections.retain(|section| !section.notes.is_empty());
    sections
}

impl Section {
    /// Whether a note has a word of what is asked here, the subject before it aside.
    fn is_spoken_of(&self, note: &Note) -> bool {
        let asked = self.heading.split_once(": ").map_or(self.heading.as_str(), |(_, asked)| asked);
        let plain = plain_words(asked);
        !plain.is_empty() && speaks_of(&plain, &note.quote)
    }
}

/// Whether a summary says something that is not to be read a few lines below it: a model's does,
/// and without a model one of a report that is much longer.
fn is_worth_a_summary(desk: &Desk<'_>, sections: &[Section]) -> bool {
    let num_notes: usize = sections.iter().map(|section| section.notes.len()).sum();
    match desk.model {
        Some(_) => sections.len() > 1,
        None => sections.len() > 2 && num_notes > 2 * SUMMARY_SENTENCES,
    }
}

impl Part {
    pub(super) const SUMMARY: &str = "summary";
    pub(super) const CONFLICTS: &str = "conflicts";
    pub(super) const COLOPHON: &str = "coverage";
}

impl Research {
    /// Whether a part is still to be written; from here on it is not.
    fn begin_part(&mut self, part: &Part) -> bool {
        let is_new = !self.parts.contains(part);
        if is_new {
            self.parts.push(part.clone());
        }
        is_new
    }
}

/// Writes the summary: without a model, the best sentence of each of the first sections.
async fn summary(
    desk: &Desk<'_>,
    draft: &mut Draft<'_>,
    research: &mut Research,
    excerpts: &[Excerpt],
    sections: &[Section],
) -> Result<(), Error> {
    let best = sections.iter().filter_map(|section| section.notes.first()).take(SUMMARY_SENTENCES);
    let own = listed(best.filter_map(|note| cited(note, excerpts)));
    let asked = research.plan.question.clone();
    let heading = research.words(desk).in_short;
    let work = Work { part: Part::Summary, question: None, heading, asked: &asked, notes: &[], own };
    part(desk, draft, research, excerpts, work).await
}

/// Writes the section of a question from its notes.
async fn tell(
    desk: &Desk<'_>,
    draft: &mut Draft<'_>,
    research: &mut Research,
    excerpts: &[Excerpt],
    section: &Section,
) -> Result<(), Error> {
    let Section { question, heading, notes } = section;
    let own = listed(notes.iter().filter_map(|note| cited(note, excerpts)));
    let work = Work {
        part: Part::Section(question.id),
        question: Some(question),
        heading,
        asked: &question.text,
        notes,
        own,
    };
    part(desk, draft, research, excerpts, work).await
}

/// A part to be written.
struct Work<'a> {
    part: Part,
    question: Option<&'a SubQuestion>,
    heading: &'a str,
    /// What a model is asked, and from which notes; from all passages if there are none.
    asked: &'a str,
    notes: &'a [Note],
    /// What it says without a model.
    own: String,
}

/// Writes a part by the model, or as the documents' own sentences where there is none.
async fn part(
    desk: &Desk<'_>,
    draft: &mut Draft<'_>,
    research: &mut Research,
    excerpts: &[Excerpt],
    Work { part, question, heading, asked, notes, own }: Work<'_>,
) -> Result<(), Error> {
    if own.is_empty() || research.parts.contains(&part) {
        return Ok(());
    }
    let label = question.is_none().then_some(Part::SUMMARY);
    let mut step = desk.begin(StepKind::Write, question, None, label);
    let mut result = StepResult::default();
    let written = match desk.model {
        None => None,
        Some(model) => {
            let (text, usage, note) = from_model(desk, model, asked, excerpts, notes).await;
            result.usage = usage;
            step.note = note.or(step.note);
            if let Err(why) = &text {
                step.note = Some(format!("written without a model, because {why}"));
            }
            text.ok().filter(|text| !text.trim().is_empty())
        }
    };
    let text = written.map_or(own, |text| text.trim().to_owned());
    let text = format!("## {}\n\n{text}\n\n", escaped(heading));
    research.parts.push(part);
    draft.write_part(&text).await?;
    desk.finish(step, None, result).await
}

/// What the model writes, what that cost, and what the reader should know of it. If the model can't
/// read all passages, it is given about half of them once.
async fn from_model(
    desk: &Desk<'_>,
    model: &Model,
    question: &str,
    excerpts: &[Excerpt],
    notes: &[Note],
) -> (Result<String, Why>, Usage, Option<String>) {
    let room = desk.app.config.ask.context_tokens;
    let prompt = section_prompt(desk, question, excerpts, notes, room);
    let passages = prompt.passages.clone();
    let (text, usage) = ask(desk, model, Phase::Report, prompt, None).await;
    if !matches!(text, Err(Why::Failed(ProviderError::ContextTooLong))) || passages.len() < 2 {
        return (text, usage, None);
    }
    let read: usize = passages.iter().map(|excerpt| estimate_tokens(&render(excerpt))).sum();
    let shorter = section_prompt(desk, question, excerpts, notes, read / 2);
    let note = format!(
        "the model can't read so much at once: {} of {} passages are used",
        shorter.passages.len(),
        passages.len()
    );
    let (text, more) = ask(desk, model, Phase::Report, shorter, None).await;
    (text, usage.and(more), Some(note))
}

/// The prompt of a section: of the passages that serve it the first one, and more as far as there is
/// room, with their notes.
fn section_prompt(
    desk: &Desk<'_>,
    question: &str,
    excerpts: &[Excerpt],
    notes: &[Note],
    mut room: usize,
) -> Prompt {
    let serves =
        |excerpt: &&Excerpt| notes.is_empty() || notes.iter().any(|note| holds(&excerpt.source, note));
    let mut is_first = true;
    let fits = |excerpt: &&Excerpt| {
        let cost = estimate_tokens(&render(excerpt));
        let fits = cost <= room || is_first;
        is_first = false;
        room = room.saturating_sub(cost);
        fits
    };
    let passages: Vec<Excerpt> = excerpts.iter().filter(serves).take_while(fits).cloned().collect();
    let mut known = String::new();
    for line in notes.iter().filter_map(|note| cited(note, &passages)) {
        let _ = writeln!(known, "- {line}");
    }
    let prompt = prompt(include_str!("../prompts/section.md"), question, &passages, &known);
    Prompt { system: with_wishes(prompt.system, desk.asked.system.as_deref()), passages, ..prompt }
}

/// Chooses the passages of the report and numbers them, or takes those that were chosen before a
/// crash, and hands them to the draft with what is written.
async fn supply(
    desk: &Desk<'_>,
    draft: &mut Draft<'_>,
    research: &mut Research,
    conflicts: &[Conflict],
) -> Result<Vec<Excerpt>, Error> {
    let is_new = research.sources.is_empty();
    if is_new {
        research.sources = choose(research, conflicts, desk.app.config.research.passages);
    }
    // The number of what was deleted meanwhile stays unused, and marks that name it are dropped.
    let excerpts = recall(&desk.app.files, research.sources.clone()).await?;
    if draft.is_supplied() {
        return Ok(excerpts);
    }
    let queries = research.plan.questions.iter().map(|question| question.text.clone());
    draft.supply_report(&excerpts, queries.collect());
    if is_new {
        desk.recorder.append(&Event::Sources { sources: research.sources.clone() });
    }
    draft.replay(&research.text, research.num_citations, research.colophon_at).await?;
    Ok(excerpts)
}

/// A note as a sentence of the report.
fn cited(note: &Note, excerpts: &[Excerpt]) -> Option<String> {
    let excerpt = excerpts.iter().find(|excerpt| holds(&excerpt.source, note))?;
    let start = note.start - excerpt.source.start;
    Some(format!("{} [{}]", told_of(excerpt, &(start..start + note.quote.len())), excerpt.source.n))
}

/// One sentence as it is, more as a list.
fn listed(sentences: impl Iterator<Item = String>) -> String {
    let sentences: Vec<String> = sentences.collect();
    match sentences.as_slice() {
        [only] => only.clone(),
        many => many.iter().map(|sentence| format!("- {sentence}")).collect::<Vec<_>>().join("\n"),
    }
}

async fn table(desk: &Desk<'_>, conflicts: &[Conflict], excerpts: &[Excerpt], words: &Words) -> String {
    let mut text = format!("## {}\n\n", words.disagree);
    for conflict in conflicts {
        if conflicts.len() > 1 {
            let _ = writeln!(text, "### {}\n", escaped(&conflict.as_question(words)));
        }
        let _ = writeln!(text, "| {} |\n|---|---|---|", words.columns.join(" | "));
        for side in &conflict.sides {
            let end = side.start + side.words.len();
            let inside = |source: &Source| source.start <= side.start && end <= source.end;
            let excerpt = excerpts.iter().find(|excerpt| {
                excerpt.source.document_id == side.source.document_id && inside(&excerpt.source)
            });
            let Some(excerpt) = excerpt else { continue };
            let layout = desk.app.files.layout(side.source.document_id).await;
            let page = layout.ok().and_then(|layout| layout.page_at(side.start));
            let page = page.map(|page| format!(", {}", words.pages(&[page]))).unwrap_or_default();
            let cell = |text: &str| escaped(text).replace('|', "\\|");
            let (sentence, value, title) = (cell(&side.words), cell(&side.value), cell(&side.source.title));
            let _ = writeln!(text, "| {sentence} [{}] | {value} | {title}{page} |", excerpt.source.n);
        }
        text.push('\n');
    }
    text
}
