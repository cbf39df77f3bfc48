//! Gaps: what is missing or contradicted after a round, as further questions. Without a model they
//! come from names that the notes have brought to light, and from values that contradict.

use std::fmt::Write;

use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

use super::budget::Phase;
use super::conflict::{conflicts, is_month};
use super::facets::{halves, names};
use super::model::{ask_for, prompt};
use super::plan::{PlannedQuestion, extend};
use super::{Desk, Research};
use crate::Error;
use crate::event::{Event, StepKind, StepResult, Usage};
use crate::provider::Model;

/// Most questions a round adds.
const MAX_NEW: usize = 4;
/// Names that a further question takes from the notes.
const MAX_NAMES: usize = 2;

/// What a model finds missing.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Missing {
    /// What should be looked into next; none if nothing important is missing.
    questions: Vec<PlannedQuestion>,
}

/// Looks for gaps and adds them to the plan. False if there are none, or no means to fill them.
pub(super) async fn look(desk: &Desk<'_>, research: &mut Research) -> Result<bool, Error> {
    if research.inquiries.iter().any(|inquiry| inquiry.found.is_none())
        || !desk.purse.has_time(Phase::Research)
    {
        return Ok(false);
    }
    let mut step = desk.begin(StepKind::Gap, None, None, None);
    let (new, usage) = match desk.model {
        None => (from_notes(desk, research).await?, Usage::default()),
        Some(model) => match ask_model(desk, model, research).await {
            (Ok(new), usage) => (new, usage),
            (Err(why), usage) => {
                step.note = Some(why);
                (Vec::new(), usage)
            }
        },
    };
    let plan = extend(research, desk, new.into_iter().take(MAX_NEW).collect());
    let num_new = plan.as_ref().map_or(0, |plan| plan.questions.len() - research.plan.questions.len());
    if let Some(plan) = &plan {
        desk.recorder.append(&Event::Plan { plan: plan.clone() });
    }
    desk.finish(step, Some(num_new), StepResult { usage, ..StepResult::default() }).await?;
    research.num_rounds += 1;
    research.has_no_gaps = plan.is_none();
    plan.into_iter().for_each(|plan| research.replan(plan));
    Ok(!research.has_no_gaps)
}

async fn ask_model(
    desk: &Desk<'_>,
    model: &Model,
    research: &Research,
) -> (Result<Vec<PlannedQuestion>, String>, Usage) {
    let mut known = String::new();
    for (question, found) in research.questions() {
        let _ = writeln!(known, "Question: {}", question.text);
        for note in found.iter().flat_map(|found| &found.notes) {
            let _ = writeln!(known, "- {}", note.quote.split_whitespace().collect::<Vec<_>>().join(" "));
        }
        if found.is_none_or(|found| found.notes.is_empty()) {
            let _ = writeln!(known, "(nothing found)");
        }
    }
    let prompt = prompt(include_str!("../prompts/gap.md"), &research.plan.question, &[], &known);
    let answered = ask_for::<Missing>(desk, model, Phase::Research, "gaps", prompt).await;
    let questions = answered.value.map(|missing| missing.questions).map_err(|why| why.to_string());
    (questions, answered.usage)
}

/// Further questions without a model, once: a second look would find the same names again.
async fn from_notes(desk: &Desk<'_>, research: &Research) -> Result<Vec<PlannedQuestion>, Error> {
    if research.num_rounds > 0 {
        return Ok(Vec::new());
    }
    let mut new = Vec::new();
    for conflict in conflicts(desk, research).await?.into_iter().take(1) {
        let values: Vec<&str> = conflict.sides.iter().map(|side| side.value.as_str()).collect();
        let text = format!("{} ({})", research.plan.question, values.join(" "));
        new.push(PlannedQuestion { text, why: "documents give different values".to_owned() });
    }
    let parts = research.plan.questions.len() > 1;
    for (question, found) in research.questions().skip(usize::from(parts)) {
        // Where nothing matched, no part of it matches either.
        let may_hold_parts = found.is_some_and(|found| found.notes.is_empty() && !found.passages.is_empty());
        let halves = halves(&question.text).into_iter().flatten().filter(|_| may_hold_parts);
        let why = "nothing speaks of the whole question";
        new.extend(halves.map(|text| PlannedQuestion { text, why: why.to_owned() }));
    }
    let brought = brought_to_light(research);
    let is_wide = research.plan.questions.len() > 1;
    if is_wide && !brought.is_empty() {
        let brought = brought.join(" ");
        let why = format!("the documents name {brought}");
        let asked = research.plan.questions.iter().skip(1);
        new.extend(asked.map(|question| PlannedQuestion {
            text: format!("{} ({brought})", question.text),
            why: why.clone(),
        }));
    }
    Ok(new)
}

/// Names that notes of more than one document share and the question does not have.
fn brought_to_light(research: &Research) -> Vec<String> {
    let asked = research.plan.question.to_lowercase();
    let mut seen: Vec<(String, Vec<Uuid>)> = Vec::new();
    for (_, note) in research.notes() {
        for name in names(&note.quote) {
            if asked.contains(&name.to_lowercase()) || is_month(&name) {
                continue;
            }
            let document = note.passage_id.document;
            match seen.iter_mut().find(|(known, _)| *known == name) {
                Some((_, documents)) if documents.contains(&document) => {}
                Some((_, documents)) => documents.push(document),
                None => seen.push((name, vec![document])),
            }
        }
    }
    seen.retain(|(_, documents)| documents.len() > 1);
    seen.sort_by_key(|(_, documents)| std::cmp::Reverse(documents.len()));
    seen.into_iter().take(MAX_NAMES).map(|(name, _)| name).collect()
}
