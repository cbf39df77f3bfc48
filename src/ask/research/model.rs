//! Calls to a model on behalf of a research: each paid for before it is made, cut off in time and
//! length, and where an object is asked for, read as one.

use futures::StreamExt;
use schemars::{JsonSchema, schema_for};
use serde::de::DeserializeOwned;
use tokio::time::timeout_at;
use uuid::Uuid;

use super::Desk;
use super::budget::Phase;
use crate::ask::prompt::{Excerpt, Prompt, estimate_tokens, render};
use crate::event::{FinishReason, Usage};
use crate::provider::{CallOptions, Delta, Model, ProviderError};

/// Most tokens of an answer.
const MAX_OUTPUT_TOKENS: u32 = 1_500;

/// What came of a call that asked for an object.
pub(super) struct Answered<T> {
    pub(super) value: Result<T, Why>,
    pub(super) usage: Usage,
    /// What was written, for a second try.
    pub(super) text: String,
}

/// Why there is no answer, in words that follow "because".
#[derive(Debug, thiserror::Error)]
pub(super) enum Why {
    #[error("the budget is spent")]
    Spent,
    #[error("the model's answer was cut off at its length limit")]
    Cut,
    #[error("{0}")]
    Failed(#[from] ProviderError),
    #[error("the model's answer can't be read: {0}")]
    Unreadable(String),
}

/// The prompt of a piece of work: passages inside a fence that nothing in them can guess, then what
/// else there is to know, then the question.
pub(super) fn prompt(system: &str, question: &str, passages: &[Excerpt], known: &str) -> Prompt {
    let fence = Uuid::new_v4().simple().to_string();
    let texts: String = passages.iter().map(render).collect();
    Prompt {
        system: system.replace("{fence}", &fence),
        history: Vec::new(),
        question: question.to_owned(),
        passages: Vec::new(),
        user: format!("<passages {fence}>\n{texts}{known}</passages {fence}>\n\nQuestion: {question}"),
        index: None,
    }
}

/// Asks for an object of this shape. The prompt says so too, for models that see no schema.
pub(super) async fn ask_for<T: DeserializeOwned + JsonSchema>(
    desk: &Desk<'_>,
    model: &Model,
    phase: Phase,
    name: &str,
    mut prompt: Prompt,
) -> Answered<T> {
    let schema = schema_for!(T).to_value();
    prompt.system =
        format!("{}\n\nReply with one JSON object of this schema and nothing else:\n{schema}", prompt.system);
    let (text, usage) = ask(desk, model, phase, prompt, Some((name.to_owned(), schema))).await;
    match text {
        Err(why) => Answered { value: Err(why), usage, text: String::new() },
        Ok(text) => Answered { value: read(&text), usage, text },
    }
}

/// Asks for text. What was written when the budget ends is kept if it is Markdown, since half a
/// section is worth something and half an object is not.
pub(super) async fn ask(
    desk: &Desk<'_>,
    model: &Model,
    phase: Phase,
    prompt: Prompt,
    json_schema: Option<(String, serde_json::Value)>,
) -> (Result<String, Why>, Usage) {
    let read = [&prompt.system, &prompt.user].map(|text| estimate_tokens(text)).iter().sum::<usize>()
        + prompt.history.iter().map(|turn| estimate_tokens(&turn.content)).sum::<usize>();
    let Some(ticket) = desk.purse.admit(phase, read as u64, MAX_OUTPUT_TOKENS) else {
        return (Err(Why::Spent), Usage::default());
    };
    let is_object = json_schema.is_some();
    let leave = Some(desk.purse.leave(&ticket));
    let options = CallOptions { max_output_tokens: Some(ticket.output_tokens), json_schema, leave };
    let mut deltas = model.stream(prompt, options);
    let (mut text, mut usage) = (String::new(), None);
    let outcome = loop {
        let Ok(delta) = timeout_at(ticket.until, deltas.next()).await else {
            desk.purse.refuse();
            break Err(Why::Spent);
        };
        match delta {
            Some(Ok(Delta::Text(more))) => text.push_str(&more),
            Some(Ok(Delta::Usage(counted))) => usage = Some(counted),
            Some(Ok(Delta::End(FinishReason::Stop))) => break Ok(()),
            Some(Ok(Delta::End(_))) => break Err(Why::Cut),
            Some(Ok(Delta::Model { .. } | Delta::Thinking)) => {}
            Some(Err(error)) => break Err(error.into()),
            None => break Err(ProviderError::Truncated("it has no end mark".to_owned()).into()),
        }
        if estimate_tokens(&text) > ticket.output_tokens as usize {
            // A vendor that does not keep to the limit is cut off at it.
            desk.purse.refuse();
            break Err(Why::Spent);
        }
    };
    drop(deltas);
    let usage = desk.purse.settle(&ticket, usage.filter(|_| matches!(outcome, Ok(()) | Err(Why::Cut))));
    match outcome {
        Err(Why::Spent | Why::Cut) if !is_object && !text.trim().is_empty() => {
            (Ok(whole_sentences(&text)), usage)
        }
        outcome => (outcome.map(|()| text), usage),
    }
}

/// A text cut after its last whole sentence.
fn whole_sentences(text: &str) -> String {
    let end = text.rfind(['.', '!', '?', ']', '\n']).map_or(0, |at| at + 1);
    text[..end].to_owned()
}

/// Reads an object that may stand in a code fence or among words.
fn read<T: DeserializeOwned>(text: &str) -> Result<T, Why> {
    let object = match (text.find('{'), text.rfind('}')) {
        (Some(start), Some(end)) if start < end => &text[start..=end],
        _ => return Err(Why::Unreadable("there is no JSON object in it".to_owned())),
    };
    serde_json::from_str(object).map_err(|error| Why::Unreadable(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::{read, whole_sentences};

    #[test]
    fn an_object_is_read_among_words_and_nothing_else_is() {
        let read = |text: &str| read::<Vec<u32>>(text).is_ok() || read::<serde_json::Value>(text).is_ok();
        assert!(read("Here you are:\n```json\n{\"a\": [1]}\n```"));
        for text in ["", "no", "}{", "{\"a\": }"] {
            assert!(!read(text), "{text}");
        }
    }

    #[test]
    fn what_is_cut_off_ends_with_a_sentence() {
        assert_eq!(whole_sentences("One is here [1]. Two is n"), "One is here [1].");
        assert_eq!(whole_sentences("nothing whole"), "");
    }
}
