//! Gaps: what is missing or contradicted after a round, as further questions. Without a model they
//! come from names that the notes have brought to light, and from values that contradict.

use std::collections::{HashMap, HashSet};
use std::fmt::Write;

use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

use super::budget::Phase;
use super::conflict::{conflicts, is_month};
use super::model::{ask_for, prompt};
use super::plan::{Further, PlannedQuestion, extend};
use super::steer::Helm;
use super::{Desk, Research};
use crate::Error;
use crate::ask::facets::{capitalised, halves, names, under};
use crate::ask::prompt::Prompt;
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

/// Looks for gaps and adds them to the plan. False if nothing is left to look into: there are none,
/// or no means to fill them, and the reader has added none meanwhile.
pub(super) async fn look(desk: &Desk<'_>, research: &mut Research, helm: &mut Helm) -> Result<bool, Error> {
    if research.has_open() || !desk.purse.has_time(Phase::Research) {
        return Ok(false);
    }
    let mut step = desk.begin(StepKind::Gap, None, None, None);
    let (new, usage) = match desk.model {
        None => (from_notes(desk, research).await?, Usage::default()),
        Some(model) => {
            let asking = ask_model(desk, model, what_is_known(research));
            match helm.during(desk, research, asking).await? {
                (Ok(new), usage) => {
                    (new.into_iter().map(|planned| Further { planned, serves: None }).collect(), usage)
                }
                (Err(why), usage) => {
                    step.note = Some(why);
                    (Vec::new(), usage)
                }
            }
        }
    };
    let plan = extend(research, desk, new.into_iter().take(MAX_NEW).collect());
    let num_new = plan.as_ref().map_or(0, |plan| plan.questions.len() - research.plan.questions.len());
    research.num_rounds += 1;
    research.has_no_gaps = plan.is_none();
    if let Some(plan) = plan {
        desk.recorder.append(&Event::Plan { plan: plan.clone() });
        research.replan(plan);
    }
    desk.finish(step, Some(num_new), StepResult { usage, ..StepResult::default() }).await?;
    Ok(research.has_open())
}

/// The prompt with all questions and their notes.
fn what_is_known(research: &Research) -> Prompt {
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
    prompt(include_str!("../prompts/gap.md"), &research.plan.question, &[], &known)
}

async fn ask_model(
    desk: &Desk<'_>,
    model: &Model,
    prompt: Prompt,
) -> (Result<Vec<PlannedQuestion>, String>, Usage) {
    let answered = ask_for::<Missing>(desk, model, Phase::Research, "gaps", prompt).await;
    let questions = answered.value.map(|missing| missing.questions).map_err(|why| why.to_string());
    (questions, answered.usage)
}

/// Further questions without a model, once: a second look would find the same names again.
async fn from_notes(desk: &Desk<'_>, research: &Research) -> Result<Vec<Further>, Error> {
    if research.num_rounds > 0 {
        return Ok(Vec::new());
    }
    let further = |text: String, why: &str, serves: Option<u32>| Further {
        planned: PlannedQuestion { text, why: why.to_owned() },
        serves,
    };
    let mut new = Vec::new();
    for conflict in conflicts(desk, research).await?.into_iter().take(1) {
        new.push(further(
            conflict.as_question(research.words(desk)),
            "documents give different values",
            None,
        ));
    }
    let parts = research.plan.questions.len() > 1;
    for (question, found) in research.questions().skip(usize::from(parts)) {
        // Where nothing matched, no part of it matches either.
        let may_hold_parts = found.is_some_and(|found| found.notes.is_empty() && !found.passages.is_empty());
        let halves = halves(&question.text).into_iter().flatten().filter(|_| may_hold_parts);
        let why = "nothing speaks of the whole question";
        new.extend(halves.map(|half| further(capitalised(&half), why, Some(question.id))));
    }
    let brought = brought_to_light(desk, research).await.join(" and ");
    if parts && !brought.is_empty() {
        let why = format!("the documents name {brought}");
        let asked = research.plan.questions.iter().skip(1);
        new.extend(asked.map(|question| further(under(&brought, &question.text), &why, Some(question.id))));
    }
    Ok(new)
}

/// Names that notes of more than one document share and the question does not have. One that most
/// of the documents name is where they are from, and leads nowhere.
async fn brought_to_light(desk: &Desk<'_>, research: &Research) -> Vec<String> {
    let asked = research.plan.question.to_lowercase();
    let mut seen: Vec<(String, HashSet<Uuid>)> = Vec::new();
    for (_, note) in research.notes() {
        for name in names(&note.quote) {
            if asked.contains(&name.to_lowercase()) || is_month(&name) {
                continue;
            }
            let document = note.passage_id.document;
            match seen.iter_mut().find(|(known, _)| *known == name) {
                Some((_, documents)) => {
                    documents.insert(document);
                }
                None => seen.push((name, HashSet::from([document]))),
            }
        }
    }
    seen.retain(|(_, documents)| documents.len() > 1);
    if seen.is_empty() {
        return Vec::new();
    }
    let mut texts: HashMap<Uuid, String> = HashMap::new();
    for source in research.questions().flat_map(|(_, found)| found).flat_map(|found| &found.passages) {
        let text = desk.app.files.read_text(source.document_id, source.start..source.end).await;
        texts.entry(source.document_id).or_default().push_str(&text.unwrap_or_default());
    }
    let is_everywhere =
        |name: &str| texts.values().filter(|text| text.contains(name)).count() * 2 > texts.len();
    seen.retain(|(name, _)| !is_everywhere(name));
    seen.sort_by_key(|(_, documents)| std::cmp::Reverse(documents.len()));
    seen.into_iter().take(MAX_NAMES).map(|(name, _)| name).collect()
}
