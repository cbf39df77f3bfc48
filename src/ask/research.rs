//! Deep research on one screen: plan, look into each question, look for gaps, look again, write a
//! report. Every finished piece of work is in the run's events before the next begins, so a killed
//! server goes on from there. Without a model the same flow runs on the documents' own sentences.

pub(super) mod budget;
mod choose;
mod conflict;
mod coverage;
mod dissent;
mod gap;
mod look;
mod model;
mod plan;
pub(super) mod record;
mod report;
mod steer;
mod words;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use uuid::Uuid;

use self::budget::{Phase, Purse};
use self::steer::Helm;
pub use self::steer::change_plan;
use self::words::Words;
use super::asked::Asked;
use super::draft::Draft;
use crate::Error;
use crate::app::App;
use crate::config::model::Vendor;
use crate::event::{
    Event, FinishReason, Note, Plan, Source, Step, StepKind, StepResult, StepState, SubQuestion,
};
use crate::provider::Model;
use crate::runs::Recorder;

/// What a research has come to so far: all that a report is written from. It outlives the work on
/// it, so that a report can be written when that is stopped.
pub(super) struct Research {
    pub(super) purse: Arc<Purse>,
    plan: Plan,
    inquiries: Vec<Inquiry>,
    /// Rounds of looking for gaps that are over.
    num_rounds: u32,
    /// Whether the last look found none.
    has_no_gaps: bool,
    /// The passages of the report, once they are chosen.
    sources: Vec<Source>,
    /// The parts of the report that are written.
    parts: Vec<Part>,
    text: String,
    num_citations: usize,
    /// Where in the text the words about the report itself begin.
    colophon_at: Option<usize>,
    num_resumed: u32,
    next_step: Arc<AtomicU32>,
}

/// A question of the plan and what was found.
struct Inquiry {
    id: u32,
    /// None until it was looked into.
    found: Option<Evidence>,
}

/// What was found to one question.
#[derive(Clone, Debug, Default)]
struct Evidence {
    passages: Vec<Source>,
    matched: Vec<Uuid>,
    notes: Vec<Note>,
}

/// A part of the report, in its order.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Summary,
    Section(u32),
    Conflicts,
    Colophon,
}

/// Everything a piece of work needs beside the findings.
struct Desk<'a> {
    app: &'a App,
    asked: &'a Asked,
    recorder: &'a Recorder,
    purse: Arc<Purse>,
    next_step: Arc<AtomicU32>,
    /// None if nobody writes but the documents.
    model: Option<&'a Model>,
}

/// Goes on with a research that a stopped server left.
async fn resume(recorder: &Recorder, research: &mut Research) -> Result<(), Error> {
    research.num_resumed += 1;
    let id = research.next_step.fetch_add(1, Ordering::Relaxed);
    let note = Some("taken up again after the server had stopped".to_owned());
    let result = StepResult { at_ms: research.purse.elapsed_ms(), ..StepResult::default() };
    let (kind, state) = (StepKind::Resume, StepState::Finished);
    let step =
        Step { id, kind, state, query: None, found: None, note, question_id: None, result: Some(result) };
    recorder.append(&Event::Step { step });
    Ok(recorder.sync().await?)
}

/// Makes a report, or goes on with one.
pub(super) async fn research(
    app: &App,
    asked: &Asked,
    recorder: &Recorder,
    draft: &mut Draft<'_>,
    research: &mut Research,
    is_new: bool,
) -> Result<FinishReason, Error> {
    let desk = Desk::new(app, asked, recorder, research)?;
    if !is_new {
        resume(recorder, research).await?;
        draft.add_time(Duration::from_millis(research.purse.elapsed_ms()));
    }
    let mut helm = Helm::new(recorder);
    if research.plan.questions.is_empty() {
        plan::draw_up(&desk, research).await?;
    }
    helm.consent(&desk, research).await?;
    if research.sources.is_empty() {
        look_into_all(&desk, research, &mut helm).await?;
        while research.may_look_again(app.config.research.rounds)
            && gap::look(&desk, research, &mut helm).await?
        {
            look_into_all(&desk, research, &mut helm).await?;
        }
    }
    drop(helm);
    report::write(&desk, draft, research).await?;
    draft.spend(research.purse.usage());
    Ok(if research.purse.is_overdrawn() { FinishReason::Budget } else { FinishReason::Stop })
}

/// Writes the report of a research that was stopped, from what there is, calling nobody.
pub(super) async fn salvage(
    app: &App,
    asked: &Asked,
    recorder: &Recorder,
    draft: &mut Draft<'_>,
    research: &mut Research,
) -> Result<(), Error> {
    let desk = Desk { model: None, ..Desk::new(app, asked, recorder, research)? };
    draft.spend(research.purse.close());
    report::write(&desk, draft, research).await
}

/// Looks into every question that is open, some at a time; the reader may change the list meanwhile.
async fn look_into_all(desk: &Desk<'_>, research: &mut Research, helm: &mut Helm) -> Result<(), Error> {
    let mut under_way: Vec<u32> = Vec::new();
    let mut looks = FuturesUnordered::new();
    loop {
        while looks.len() < desk.app.config.research.parallel {
            let Some(question) = research.next_open(&under_way) else { break };
            // A report of nothing at all helps nobody: one question is looked into at any price.
            let is_first =
                research.inquiries.iter().all(|inquiry| inquiry.found.is_none()) && looks.is_empty();
            if !is_first && !desk.purse.has_time(Phase::Research) {
                break;
            }
            under_way.push(question.id);
            let served = research.served_by(&question).map(str::to_owned);
            looks.push(look::look_into(desk, question, served));
        }
        if looks.is_empty() {
            // What was asked for up to here is still done; from here on it is too late.
            let Some(change) = helm.waiting() else { return Ok(()) };
            helm.turn(desk, research, change).await?;
            continue;
        }
        tokio::select! {
            Some(found) = looks.next() => {
                let (id, evidence) = found?;
                research.note(id, evidence);
            }
            Some(change) = helm.next() => helm.turn(desk, research, change).await?,
        }
    }
}

impl Research {
    /// A research that has yet to begin.
    pub(super) fn new(purse: Purse) -> Self {
        Self {
            purse: Arc::new(purse),
            plan: Plan::default(),
            inquiries: Vec::new(),
            num_rounds: 0,
            has_no_gaps: false,
            sources: Vec::new(),
            parts: Vec::new(),
            text: String::new(),
            num_citations: 0,
            colophon_at: None,
            num_resumed: 0,
            next_step: Arc::new(AtomicU32::new(1)),
        }
    }

    /// The words of the report, in the language of the question.
    fn words(&self, desk: &Desk<'_>) -> &'static Words {
        let planned = Some(self.plan.question.as_str()).filter(|question| !question.is_empty());
        Words::of(planned.unwrap_or(&desk.asked.content))
    }

    fn may_look_again(&self, rounds: u32) -> bool {
        self.num_rounds < rounds && !self.has_no_gaps
    }

    fn has_open(&self) -> bool {
        self.inquiries.iter().any(|inquiry| inquiry.found.is_none())
    }

    /// Takes a new plan; what was found to questions that stay stays.
    fn replan(&mut self, plan: Plan) {
        let mut before = std::mem::take(&mut self.inquiries);
        for question in &plan.questions {
            let is_same = |known: &SubQuestion| known.id == question.id && known.text == question.text;
            let known = before.iter().position(|inquiry| inquiry.id == question.id);
            let found = match known {
                Some(at) if self.plan.questions.iter().any(is_same) => before.swap_remove(at).found,
                _ => None,
            };
            self.inquiries.push(Inquiry { id: question.id, found });
        }
        self.plan = plan;
    }

    /// Takes what was found, unless the question was dropped meanwhile.
    fn note(&mut self, id: u32, evidence: Evidence) {
        if let Some(inquiry) = self.inquiries.iter_mut().find(|inquiry| inquiry.id == id) {
            inquiry.found = Some(evidence);
        }
    }

    fn next_open(&self, under_way: &[u32]) -> Option<SubQuestion> {
        let is_open = |inquiry: &&Inquiry| inquiry.found.is_none() && !under_way.contains(&inquiry.id);
        let open = self.inquiries.iter().find(is_open)?;
        self.plan.questions.iter().find(|question| question.id == open.id).cloned()
    }

    /// The words of the question that another one helps to answer.
    fn served_by(&self, question: &SubQuestion) -> Option<&str> {
        let served = self.plan.questions.iter().find(|known| Some(known.id) == question.serves)?;
        Some(&served.text)
    }

    /// The questions of the plan with what was found, in the order of the plan.
    fn questions(&self) -> impl Iterator<Item = (&SubQuestion, Option<&Evidence>)> {
        self.plan
            .questions
            .iter()
            .zip(&self.inquiries)
            .map(|(question, inquiry)| (question, inquiry.found.as_ref()))
    }

    /// All notes with the question they were made for.
    fn notes(&self) -> impl Iterator<Item = (&SubQuestion, &Note)> {
        self.questions().flat_map(|(question, found)| {
            found.into_iter().flat_map(move |found| found.notes.iter().map(move |note| (question, note)))
        })
    }

    /// Whether a question is the whole one beside its parts.
    fn is_whole(&self, question: &SubQuestion) -> bool {
        let num_planned = self.plan.questions.iter().filter(|question| question.round == 0).count();
        num_planned > 1 && question.text == self.plan.question
    }

    /// The notes that help to answer a question: its own, and those of questions that serve it.
    fn notes_for(&self, id: u32) -> impl Iterator<Item = &Note> {
        let helps = move |question: &SubQuestion| question.serves.unwrap_or(question.id) == id;
        self.notes().filter(move |(question, _)| helps(question)).map(|(_, note)| note)
    }

    fn next_question_id(&self) -> u32 {
        self.plan.questions.iter().map(|question| question.id).max().unwrap_or(0) + 1
    }
}

impl<'a> Desk<'a> {
    fn new(
        app: &'a App,
        asked: &'a Asked,
        recorder: &'a Recorder,
        research: &Research,
    ) -> Result<Self, Error> {
        let model = app.model(Some(&asked.model))?;
        let writes = model.config().provider != Vendor::Extractive;
        Ok(Self {
            app,
            asked,
            recorder,
            purse: Arc::clone(&research.purse),
            next_step: Arc::clone(&research.next_step),
            model: writes.then_some(model),
        })
    }

    /// Says that a piece of work begins.
    fn begin(
        &self,
        kind: StepKind,
        question: Option<&SubQuestion>,
        query: Option<&str>,
        note: Option<&str>,
    ) -> Step {
        let step = Step {
            id: self.next_step.fetch_add(1, Ordering::Relaxed),
            kind,
            state: StepState::Started,
            query: query.map(str::to_owned),
            found: None,
            note: note.map(str::to_owned),
            question_id: question.map(|question| question.id),
            result: None,
        };
        self.recorder.append(&Event::Step { step: step.clone() });
        step
    }

    /// Says that it is over, and what it brought in; from here on it is never done again.
    async fn finish(&self, step: Step, found: Option<usize>, result: StepResult) -> Result<(), Error> {
        let found = found.and_then(|found| u32::try_from(found).ok());
        let result = Some(StepResult { at_ms: self.purse.elapsed_ms(), ..result });
        self.recorder
            .append(&Event::Step { step: Step { state: StepState::Finished, found, result, ..step } });
        Ok(self.recorder.sync().await?)
    }
}
