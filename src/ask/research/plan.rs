//! The plan: what to look into, and why. A model's plan is repaired once; if it still can't be
//! read, or without a model, the question's own parts are the plan.

use schemars::JsonSchema;
use serde::Deserialize;

use super::budget::Phase;
use super::dissent::is_for_dissent_only;
use super::model::{self, Answered, Why, ask_for};
use super::{Desk, Research};
use crate::Error;
use crate::ask::facets::facets;
use crate::ask::prompt::Turn;
use crate::ask::{asked, condense, recent};
use crate::event::{Estimate, Event, Plan, StepKind, StepResult, SubQuestion, Usage};
use crate::provider::Model;
use crate::session::Role;

/// Most questions of a plan before any is answered.
const MAX_QUESTIONS: usize = 6;
/// Most bytes of one question.
pub(super) const MAX_BYTES: usize = 1_000;
/// Tokens that a call takes, to tell beforehand what a plan may cost; passages make up most.
const TOKENS_PER_CALL: u64 = 7_000;
/// Seconds that a call takes.
const SECONDS_PER_CALL: u64 = 8;

/// What a model plans.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Planned {
    /// The question, rewritten so that it can be understood without the conversation.
    question: String,
    /// What has to be found out to answer it, each a question that can be searched by itself.
    questions: Vec<PlannedQuestion>,
}

/// One question to look into.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PlannedQuestion {
    /// The question.
    pub(super) text: String,
    /// What its answer is good for.
    pub(super) why: String,
}

/// A question that a look for gaps brings up.
pub(super) struct Further {
    pub(super) planned: PlannedQuestion,
    /// The question it helps to answer, if it is none of its own.
    pub(super) serves: Option<u32>,
}

/// Makes the plan and tells it.
pub(super) async fn draw_up(desk: &Desk<'_>, research: &mut Research) -> Result<(), Error> {
    let step = desk.begin(StepKind::Plan, None, None, None);
    let history = asked::history(desk.app, desk.asked).await?;
    let history = recent(desk.app, &history).to_vec();
    let question = condense::condense(&history, &desk.asked.content);
    let (plan, usage) = match desk.model {
        None => (own_parts(question), Usage::default()),
        Some(model) => ask_model(desk, model, history, question).await?,
    };
    let plan = Plan {
        awaiting_approval: desk.asked.approve_plan,
        estimate: estimate(desk, plan.questions.len()),
        ..plan
    };
    let num_questions = plan.questions.len();
    desk.recorder.append(&Event::Plan { plan: plan.clone() });
    // At once: work that is cancelled in a wait leaves a report that knows what was told.
    research.replan(plan);
    desk.finish(step, Some(num_questions), StepResult { usage, ..StepResult::default() }).await
}

/// Adds questions to the plan, as far as they are new.
pub(super) fn extend(research: &Research, desk: &Desk<'_>, new: Vec<Further>) -> Option<Plan> {
    let mut plan = research.plan.clone();
    let before = plan.questions.len();
    let mut id = research.next_question_id();
    for Further { planned: PlannedQuestion { text, why }, serves } in new {
        let Some(text) = clean(&text) else { continue };
        if plan.questions.iter().all(|known| known.text != text) {
            plan.questions.push(SubQuestion { id, text, why, round: research.num_rounds + 1, serves });
            id += 1;
        }
    }
    plan.estimate = estimate(desk, plan.questions.len());
    (plan.questions.len() > before).then_some(plan)
}

/// A text as a question of a plan: one line, neither empty nor endless.
pub(super) fn clean(text: &str) -> Option<String> {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    (!line.is_empty() && line.len() <= MAX_BYTES).then_some(line)
}

/// What so many questions may cost: a call to read each and one to write of it, and three for the
/// plan, the gaps and the summary.
pub(super) fn estimate(desk: &Desk<'_>, num_questions: usize) -> Estimate {
    let (calls, tokens, seconds) = desk.purse.whole();
    let num = u32::try_from(num_questions).unwrap_or(u32::MAX);
    if desk.model.is_none() {
        return Estimate { calls: 0, tokens: 0, seconds: 1 + u64::from(num) / 8 };
    }
    let expected = num.saturating_mul(2).saturating_add(3);
    Estimate {
        calls: expected.min(calls),
        tokens: (u64::from(expected) * TOKENS_PER_CALL).min(tokens),
        seconds: (u64::from(expected) * SECONDS_PER_CALL).min(seconds),
    }
}

/// The question as it stands, then its parts. Where documents disagree is no part to be looked for,
/// but seen by comparing what was read; if only one other part is left, that is the plan.
fn own_parts(question: String) -> Plan {
    let (compared, parts): (Vec<_>, Vec<_>) =
        facets(&question).into_iter().partition(|facet| is_for_dissent_only(facet));
    let whole = ("the question as it was asked", question.clone());
    let whole = Some(whole).filter(|_| compared.is_empty() || parts.len() != 1);
    let parts = parts.into_iter().map(|facet| ("a part of the question", facet));
    let questions = (1..).zip(whole.into_iter().chain(parts)).filter_map(|(id, (why, text))| {
        Some(SubQuestion { id, text: clean(&text)?, why: why.to_owned(), round: 0, serves: None })
    });
    let questions: Vec<_> = questions.collect();
    // Too long to be a line of a plan; it is searched by its beginning.
    let questions = if questions.is_empty() { vec![beginning(&question)] } else { questions };
    Plan { question, questions, ..Plan::default() }
}

fn beginning(question: &str) -> SubQuestion {
    let text = question[..question.floor_char_boundary(MAX_BYTES)].to_owned();
    SubQuestion { id: 1, text, why: "the beginning of the question".to_owned(), round: 0, serves: None }
}

async fn ask_model(
    desk: &Desk<'_>,
    model: &Model,
    history: Vec<Turn>,
    question: String,
) -> Result<(Plan, Usage), Error> {
    let mut prompt = model::prompt(include_str!("../prompts/plan.md"), &desk.asked.content, &[], "");
    prompt.user = format!("Plan the research for this question: {}", desk.asked.content);
    prompt.history = history;
    let first: Answered<Planned> = ask_for(desk, model, Phase::Research, "plan", prompt.clone()).await;
    let mut usage = first.usage;
    let answered = match first.value {
        Err(Why::Unreadable(cause)) => {
            prompt.history.push(Turn { role: Role::User, content: prompt.user.clone() });
            prompt.history.push(Turn { role: Role::Assistant, content: first.text });
            prompt.user = format!("This can't be read: {cause}. Reply again, with the JSON object only.");
            let second = ask_for(desk, model, Phase::Research, "plan", prompt).await;
            usage = usage.and(second.usage);
            second
        }
        _ => first,
    };
    let planned = match answered.value {
        Ok(planned) => planned,
        Err(Why::Failed(error)) => return Err(error.into()),
        Err(why) => {
            tracing::warn!(%why, "the plan is the question itself");
            let text = clean(&question).unwrap_or_else(|| beginning(&question).text);
            let why = format!("there is no finer plan, because {why}");
            let only = SubQuestion { id: 1, text, why, round: 0, serves: None };
            return Ok((Plan { question, questions: vec![only], ..Plan::default() }, usage));
        }
    };
    let questions =
        planned.questions.into_iter().filter_map(|planned| Some((clean(&planned.text)?, planned.why)));
    let questions: Vec<_> = (1..)
        .zip(questions.take(MAX_QUESTIONS))
        .map(|(id, (text, why))| SubQuestion { id, text, why, round: 0, serves: None })
        .collect();
    let stands_alone = clean(&planned.question).unwrap_or(question);
    let plan = match questions.is_empty() {
        true => own_parts(stands_alone),
        false => Plan { question: stands_alone, questions, ..Plan::default() },
    };
    Ok((plan, usage))
}
