//! The reader's hand on the plan: consent before the work begins, and changes while it goes on.

use std::future::pending;
use std::pin::pin;

use tokio::sync::mpsc::UnboundedReceiver;
use uuid::Uuid;

use super::plan::{MAX_BYTES, clean, estimate};
use super::{Desk, Research};
use crate::access::Caller;
use crate::app::App;
use crate::event::{Event, Plan, PlanChange, SubQuestion};
use crate::runs::{Recorder, Steering};
use crate::session::{Mode, Role};
use crate::{Error, sessions};

/// Most questions of a plan.
const MAX_QUESTIONS: usize = 20;

/// Hands a reader's word on the plan to the research. When this returns, it is taken up and durable.
///
/// # Errors
/// [`Error::NotFound`] for an unknown message, [`Error::Invalid`] if it has no plan or the change makes
/// none, [`Error::TooLate`] once the report is being written.
pub async fn change_plan(
    app: &App,
    caller: &Caller,
    session: Uuid,
    message: Uuid,
    change: PlanChange,
) -> Result<(), Error> {
    let answer = sessions::header(app, caller, session, message).await?;
    if answer.role != Role::Assistant || answer.mode != Some(Mode::DeepResearch) {
        return Err(Error::Invalid(format!("message `{message}` has no plan; only deep research has one")));
    }
    if change.approve.is_none() && change.questions.is_none() {
        return Err(Error::Invalid("name `approve`, or the `questions` of the plan".to_owned()));
    }
    let num_questions = change.questions.as_ref().map_or(0, Vec::len);
    if num_questions > MAX_QUESTIONS {
        return Err(Error::Invalid(format!(
            "a plan has at most {MAX_QUESTIONS} questions, not {num_questions}"
        )));
    }
    let texts = change.questions.iter().flatten().filter_map(|question| question.text.as_deref());
    if let Some(text) = texts.into_iter().find(|text| clean(text).is_none()) {
        let num_bytes = text.len();
        return Err(Error::Invalid(format!(
            "a question of a plan has 1 to {MAX_BYTES} bytes, not {num_bytes}; leave `text` out to keep it"
        )));
    }
    if app.runs.steer(message, change).await {
        return Ok(());
    }
    Err(Error::TooLate(match app.runs.is_live(message) {
        true => {
            "the report is being written, so its plan can't change any more; wait for it and ask what is \
                 missing as the next question, or cancel it and ask anew"
                .to_owned()
        }
        false => {
            "the report is finished, so its plan can't change any more; ask what is missing as the next \
                  question of the session"
                .to_owned()
        }
    }))
}

/// Where a reader's changes arrive. Dropped when the plan can't change any more.
pub(super) struct Helm(Option<UnboundedReceiver<Box<Steering>>>);

impl Helm {
    pub(super) fn new(recorder: &Recorder) -> Self {
        Self(recorder.steering())
    }

    /// Waits until the plan may be carried out.
    pub(super) async fn consent(&mut self, desk: &Desk<'_>, research: &mut Research) -> Result<(), Error> {
        while research.plan.awaiting_approval {
            let Some(change) = self.next().await else { return Ok(()) };
            self.turn(desk, research, change).await?;
        }
        Ok(())
    }

    /// The next change.
    pub(super) async fn next(&mut self) -> Option<Box<Steering>> {
        match &mut self.0 {
            Some(changes) => changes.recv().await,
            None => pending().await,
        }
    }

    /// A change that is there already.
    pub(super) fn waiting(&mut self) -> Option<Box<Steering>> {
        self.0.as_mut()?.try_recv().ok()
    }

    /// Does a piece of work and takes up the changes that come meanwhile.
    pub(super) async fn during<T>(
        &mut self,
        desk: &Desk<'_>,
        research: &mut Research,
        work: impl Future<Output = T>,
    ) -> Result<T, Error> {
        let mut work = pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return Ok(done),
                Some(change) = self.next() => self.turn(desk, research, change).await?,
            }
        }
    }

    /// Takes up a change: it is in the record before the reader is told so.
    pub(super) async fn turn(
        &mut self,
        desk: &Desk<'_>,
        research: &mut Research,
        steering: Box<Steering>,
    ) -> Result<(), Error> {
        let mut plan = changed(&research.plan, &steering.change, research.next_question_id());
        plan.estimate = estimate(desk, plan.questions.len());
        desk.recorder.append(&Event::Plan { plan: plan.clone() });
        research.replan(plan);
        desk.recorder.sync().await?;
        // The reader may have gone; the change holds all the same.
        let _ = steering.taken.send(());
        Ok(())
    }
}

/// A plan with a reader's change. A question whose text changes gets a new id: it is another one.
fn changed(plan: &Plan, change: &PlanChange, mut next_id: u32) -> Plan {
    let mut plan = plan.clone();
    let consents = change.approve.unwrap_or(change.questions.is_some());
    plan.awaiting_approval &= !consents;
    let Some(wanted) = &change.questions else { return plan };
    let before = std::mem::take(&mut plan.questions);
    for wanted in wanted {
        let known = before.iter().find(|known| Some(known.id) == wanted.id);
        let text = wanted.text.as_deref().and_then(clean);
        let is_same = known.is_some_and(|known| text.as_ref().is_none_or(|text| *text == known.text));
        let why = wanted.why.clone().or_else(|| known.map(|known| known.why.clone()));
        let why = why.unwrap_or_else(|| "added by the reader".to_owned());
        let question = match (known, text) {
            (Some(known), _) if is_same => SubQuestion { why, ..known.clone() },
            (_, Some(text)) => {
                next_id += 1;
                SubQuestion { id: next_id - 1, text, why, round: 0, serves: None }
            }
            (_, None) => continue,
        };
        if plan.questions.iter().all(|known| known.id != question.id) {
            plan.questions.push(question);
        }
    }
    plan
}

#[cfg(test)]
mod tests {
    use super::changed;
    use crate::event::{ChangedQuestion, Plan, PlanChange, SubQuestion};

    #[test]
    fn questions_stay_change_come_and_go() {
        let question = |id, text: &str| SubQuestion {
            id,
            text: text.to_owned(),
            why: String::new(),
            round: 0,
            serves: None,
        };
        let plan = Plan {
            questions: vec![question(1, "one"), question(2, "two"), question(3, "three")],
            awaiting_approval: true,
            ..Plan::default()
        };
        let wish = |id, text: Option<&str>| ChangedQuestion { id, text: text.map(str::to_owned), why: None };
        let wishes = vec![
            wish(Some(3), None),
            wish(Some(1), Some("one more")),
            wish(None, Some("new")),
            wish(None, None),
        ];
        let change = PlanChange { approve: None, questions: Some(wishes) };
        let after = changed(&plan, &change, 4);
        let listed: Vec<_> =
            after.questions.iter().map(|question| (question.id, question.text.as_str())).collect();
        assert_eq!(listed, [(3, "three"), (4, "one more"), (5, "new")]);
        assert!(!after.awaiting_approval, "a change is consent");
        let only_edit = PlanChange { approve: Some(false), ..change };
        assert!(changed(&plan, &only_edit, 4).awaiting_approval);
        let consent = PlanChange { approve: Some(true), questions: None };
        assert_eq!(changed(&plan, &consent, 4).questions, plan.questions);
    }
}
