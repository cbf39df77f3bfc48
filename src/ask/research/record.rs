//! A research read back from its events: what a killed server had found out, written and spent.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::budget::{Budget, Purse};
use super::{Evidence, Part, Research};
use crate::config::ResearchConfig;
use crate::event::{Event, Step, StepKind, StepResult, StepState, Usage};

/// The research as far as its events tell. Work without its end in them was not done.
pub(in crate::ask) fn taken_up(events: &[Event], budget: Budget, config: &ResearchConfig) -> Research {
    let (usage, elapsed) = spent(events);
    let mut research = Research::new(Purse::new(budget, config, usage, elapsed));
    let mut found: HashMap<u32, StepResult> = HashMap::new();
    let mut part = None;
    for event in events {
        match event {
            Event::Plan { plan } => research.replan(plan.clone()),
            Event::Sources { sources } => research.sources.clone_from(sources),
            Event::Citation { .. } => research.num_citations += 1,
            Event::Token { text } => {
                if let Some(part) = part.take() {
                    if part == Part::Colophon {
                        research.colophon_at = Some(research.text.len());
                    }
                    research.parts.push(part);
                }
                research.text.push_str(text);
            }
            Event::Step { step } => {
                research.next_step.fetch_max(step.id + 1, Ordering::Relaxed);
                take(&mut research, &mut found, step);
                if step.kind == StepKind::Write && step.state == StepState::Started {
                    part = part_of(step);
                }
            }
            Event::Started { .. } | Event::Done { .. } | Event::Error { .. } => {}
        }
    }
    research
}

fn take(research: &mut Research, found: &mut HashMap<u32, StepResult>, step: &Step) {
    if step.state != StepState::Finished {
        return;
    }
    let result = step.result.clone().unwrap_or_default();
    match (step.kind, step.question_id) {
        (StepKind::Search, Some(question)) => {
            found.insert(question, result);
        }
        (StepKind::Read, Some(question)) => {
            let searched = found.remove(&question).unwrap_or_default();
            let evidence =
                Evidence { passages: searched.passages, matched: searched.matched, notes: result.notes };
            research.note(question, evidence);
        }
        (StepKind::Gap, _) => {
            research.num_rounds += 1;
            research.has_no_gaps = step.found == Some(0);
        }
        (StepKind::Resume, _) => research.num_resumed += 1,
        _ => {}
    }
}

fn part_of(step: &Step) -> Option<Part> {
    match (step.question_id, step.note.as_deref()) {
        (Some(question), _) => Some(Part::Section(question)),
        (None, Some(Part::SUMMARY)) => Some(Part::Summary),
        (None, Some(Part::CONFLICTS)) => Some(Part::Conflicts),
        (None, Some(Part::COLOPHON)) => Some(Part::Colophon),
        (None, _) => None,
    }
}

/// What finished steps cost, and how long was worked until the last of them.
fn spent(events: &[Event]) -> (Usage, Duration) {
    let mut usage = Usage::default();
    let mut elapsed_ms = 0;
    for event in events {
        if let Event::Step { step: Step { result: Some(result), .. } } = event {
            usage = usage.and(result.usage);
            elapsed_ms = elapsed_ms.max(result.at_ms);
        }
    }
    (usage, Duration::from_millis(elapsed_ms))
}
