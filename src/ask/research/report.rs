//! The report: a summary, a section for each question, where documents disagree, and what was not
//! found. Each part is written whole and recorded before the next; every sentence of a document
//! goes through the draft, which checks its quote.

use std::collections::HashSet;
use std::fmt::Write;

use uuid::Uuid;

use super::budget::Phase;
use super::conflict::{Conflict, conflicts};
use super::model::{Why, ask, prompt};
use super::{Desk, Part, Research, coverage};
use crate::Error;
use crate::ask::draft::Draft;
use crate::ask::prompt::{Excerpt, Prompt, estimate_tokens, render, with_wishes};
use crate::event::{Event, Note, Source, StepKind, StepResult, SubQuestion, Usage};
use crate::provider::extractive::{plain_markdown, quotes};
use crate::provider::{Model, ProviderError};

/// Sentences of a summary without a model.
const SUMMARY_SENTENCES: usize = 3;

/// Writes what is not written yet.
pub(super) async fn write(
    desk: &Desk<'_>,
    draft: &mut Draft<'_>,
    research: &mut Research,
) -> Result<(), Error> {
    draft.flush().await?;
    let conflicts = conflicts(desk, research).await?;
    let excerpts = supply(desk, draft, research, &conflicts).await?;
    let told =
        research.questions().filter(|(_, found)| found.is_some_and(|found| !found.notes.is_empty())).count();
    if told > 1 {
        part(desk, draft, research, Part::Summary, &excerpts, None).await?;
    }
    let questions = research.plan.questions.clone();
    let mut seen = HashSet::new();
    for question in &questions {
        let notes = fresh_notes(research, question.id, &mut seen);
        if !notes.is_empty() {
            part(desk, draft, research, Part::Section(question.id), &excerpts, Some((question, &notes)))
                .await?;
        }
    }
    if !conflicts.is_empty() && research.begin_part(&Part::Conflicts) {
        let step = desk.begin(StepKind::Write, None, None, Some(Part::CONFLICTS));
        draft.write_part(&table(&conflicts, &excerpts)).await?;
        desk.finish(step, None, StepResult::default()).await?;
    }
    let coverage = coverage::coverage(desk, draft, research).await?;
    if research.begin_part(&Part::Colophon) {
        let text = coverage::colophon(desk, &coverage, told == 0).await;
        desk.begin(StepKind::Write, None, None, Some(Part::COLOPHON));
        draft.begin_colophon();
        draft.write_part(&text).await?;
    }
    draft.cover(coverage);
    Ok(())
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

/// Writes the summary, or the section of a question from its notes.
async fn part(
    desk: &Desk<'_>,
    draft: &mut Draft<'_>,
    research: &mut Research,
    part: Part,
    excerpts: &[Excerpt],
    section: Option<(&SubQuestion, &[Note])>,
) -> Result<(), Error> {
    if research.parts.contains(&part) {
        return Ok(());
    }
    let label = section.is_none().then_some(Part::SUMMARY);
    let heading = section.map_or("In short", |(question, _)| &question.text);
    let question = section.map_or(&research.plan.question, |(question, _)| &question.text);
    let own = match section {
        Some((_, notes)) => listed(notes.iter().filter_map(|note| cited(note, excerpts))),
        None => {
            let best = quotes(question, excerpts).into_iter().take(SUMMARY_SENTENCES);
            listed(best.map(|(n, words)| format!("{} [{n}]", plain_markdown(&words))))
        }
    };
    if own.is_empty() {
        return Ok(());
    }
    let mut step = desk.begin(StepKind::Write, section.map(|(question, _)| question), None, label);
    let mut result = StepResult::default();
    let written = match desk.model {
        None => None,
        Some(model) => {
            let notes = section.map_or(&[][..], |(_, notes)| notes);
            let (text, usage, note) = from_model(desk, model, question, excerpts, notes).await;
            result.usage = usage;
            step.note = note.or(step.note);
            if let Err(why) = &text {
                step.note = Some(format!("written without a model, because {why}"));
            }
            text.ok().filter(|text| !text.trim().is_empty())
        }
    };
    let text = written.map_or(own, |text| text.trim().to_owned());
    let text = format!("## {}\n\n{text}\n\n", plain_markdown(heading));
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
    let mut excerpts = Vec::with_capacity(research.sources.len());
    for source in &research.sources {
        // Deleted meanwhile: its number stays unused, and marks that name it are dropped.
        let Ok(text) = desk.app.files.read_text(source.document_id, source.start..source.end).await else {
            continue;
        };
        let layout = desk.app.files.layout(source.document_id).await?;
        let pages = layout.pages.iter().filter(|page| (source.start..source.end).contains(&page.start));
        excerpts.push(Excerpt { source: source.clone(), text, pages: pages.copied().collect() });
    }
    if draft.is_supplied() {
        return Ok(excerpts);
    }
    let queries = research.plan.questions.iter().map(|question| question.text.clone());
    draft.supply_report(excerpts.clone(), queries.collect());
    if is_new {
        desk.recorder.append(&Event::Sources { sources: research.sources.clone() });
    }
    draft.replay(&research.text, research.num_citations, research.colophon_at).await?;
    Ok(excerpts)
}

/// The passages of a report: first those with notes, one question after the other taking its best,
/// then those of contradictions, then others that were read, until there are `wanted`.
fn choose(research: &Research, conflicts: &[Conflict], wanted: usize) -> Vec<Source> {
    let mut chosen: Vec<Source> = Vec::new();
    let evidence: Vec<_> = research.questions().filter_map(|(_, found)| found).collect();
    let longest = evidence.iter().map(|found| found.passages.len()).max().unwrap_or(0);
    let ranked = || {
        (0..longest).flat_map(|rank| {
            evidence.iter().filter_map(move |found| Some((*found, found.passages.get(rank)?)))
        })
    };
    for (found, source) in ranked() {
        if found.notes.iter().any(|note| holds(source, note)) {
            join(&mut chosen, source);
        }
    }
    for side in conflicts.iter().flat_map(|conflict| &conflict.sides) {
        join(&mut chosen, &side.source);
    }
    for (_, source) in ranked() {
        if chosen.len() < wanted {
            join(&mut chosen, source);
        }
    }
    for (n, source) in (1..).zip(&mut chosen) {
        source.n = n;
    }
    chosen
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

fn holds(source: &Source, note: &Note) -> bool {
    source.document_id == note.passage_id.document && source.start <= note.start && note.end <= source.end
}

/// The notes of a question that no section before has told.
fn fresh_notes(research: &Research, id: u32, seen: &mut HashSet<(Uuid, usize)>) -> Vec<Note> {
    let own = research.notes().filter(|(question, _)| question.id == id).map(|(_, note)| note);
    own.filter(|note| seen.insert((note.passage_id.document, note.start))).cloned().collect()
}

/// A note as a sentence of the report.
fn cited(note: &Note, excerpts: &[Excerpt]) -> Option<String> {
    let excerpt = excerpts.iter().find(|excerpt| holds(&excerpt.source, note))?;
    Some(format!("{} [{}]", plain_markdown(&note.quote), excerpt.source.n))
}

/// One sentence as it is, more as a list.
fn listed(sentences: impl Iterator<Item = String>) -> String {
    let sentences: Vec<String> = sentences.collect();
    match sentences.as_slice() {
        [only] => only.clone(),
        many => many.iter().map(|sentence| format!("- {sentence}")).collect::<Vec<_>>().join("\n"),
    }
}

fn table(conflicts: &[Conflict], excerpts: &[Excerpt]) -> String {
    let mut text = "## Where your documents disagree\n\n".to_owned();
    for conflict in conflicts {
        text.push_str("| What it says | Value | Where |\n|---|---|---|\n");
        for side in &conflict.sides {
            let end = side.start + side.words.len();
            let inside = |source: &Source| source.start <= side.start && end <= source.end;
            let excerpt = excerpts.iter().find(|excerpt| {
                excerpt.source.document_id == side.source.document_id && inside(&excerpt.source)
            });
            let Some(excerpt) = excerpt else { continue };
            let turned = excerpt.pages.iter().rfind(|page| page.start <= side.start);
            let page = turned.map(|page| page.page).or(excerpt.source.page);
            let page = page.map(|page| format!(", p. {page}")).unwrap_or_default();
            let cell = |words: &str| plain_markdown(words).replace('|', "\\|");
            let (words, title) = (cell(&side.words), cell(&side.source.title));
            let _ =
                writeln!(text, "| {words} [{}] | {} | {title}{page} |", excerpt.source.n, cell(&side.value));
        }
        text.push('\n');
    }
    text
}
