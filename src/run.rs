//! One answer being made, read back from its events: what history shows and what is kept when a
//! server was killed in mid-answer are the same fold.

use crate::event::{Event, FinishReason, StepState};
use crate::session::{Failure, Message, MessageStatus};

/// Fills an assistant message with what its events say. A message whose events have no end keeps
/// the status it came with.
pub fn fold(message: &mut Message, events: Vec<Event>) {
    for event in events {
        match event {
            Event::Started { model, mode, cached, .. } => {
                message.cached = cached;
                message.model = Some(model);
                message.mode = Some(mode);
            }
            Event::Plan { plan } => message.plan = Some(plan),
            Event::Sources { sources } => message.sources = sources,
            Event::Token { text } => message.content.push_str(&text),
            Event::Citation { citation } => message.citations.push(citation),
            Event::Done { finish_reason, grounding, usage, coverage, .. } => {
                message.coverage = coverage;
                message.status = status_after(finish_reason);
                message.finish_reason = Some(finish_reason);
                message.grounding = Some(grounding);
                message.usage = Some(usage);
            }
            Event::Error { code, message: words, retryable, retry_after_s } => {
                message.status = MessageStatus::Failed;
                message.error = Some(Failure { code, message: words, retryable, retry_after_s });
            }
            Event::Step { step } => {
                if step.state == StepState::Finished {
                    message.steps.push(step);
                }
            }
        }
    }
}

/// The status of an answer that ended for this reason.
#[must_use]
pub fn status_after(reason: FinishReason) -> MessageStatus {
    match reason {
        FinishReason::Stop | FinishReason::Length | FinishReason::Budget => MessageStatus::Complete,
        FinishReason::Cancelled => MessageStatus::Cancelled,
        FinishReason::Interrupted => MessageStatus::Interrupted,
    }
}

/// The status of an answer that ended with this event.
#[must_use]
pub fn status_at_end(last: &Event) -> MessageStatus {
    match last {
        Event::Done { finish_reason, .. } => status_after(*finish_reason),
        _ => MessageStatus::Failed,
    }
}
