//! The writer without a model: it answers with the sentences of the passages that answer, each
//! with its mark. It sees a [`Prompt`] and nothing else, writes no word of its own except the one
//! sentence of refusal, and is no summariser.

mod asking;
mod candidate;
mod choose;
mod coverage;
mod cue;
mod form;
mod named;
mod passage;
mod record;
mod row;
mod subject;
#[cfg(test)]
mod tests;
mod weigh;

use futures::stream;
use futures::{StreamExt, TryStreamExt};
use ibid_index::PassageIndex;
use tokio::task::spawn_blocking;

use self::candidate::{Choice, Role};
use super::{Delta, DeltaStream, ProviderError};
use crate::ask::prompt::{Excerpt, Prompt};
use crate::ask::refusal::refusal;
use crate::ask::told::{told, told_of};
use crate::event::{FinishReason, Usage};

/// An answer made of quoted sentences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The answer in Markdown, in the order of writing; joined, they are the whole.
    pub pieces: Vec<String>,
    /// Whether the passages do not answer, so that nothing is quoted.
    pub refused: bool,
}

impl Answer {
    /// The whole answer.
    #[must_use]
    pub fn text(&self) -> String {
        self.pieces.concat()
    }
}

/// Writes the answer: the sentence that answers best, then as a list those that add to it.
#[must_use]
pub fn write(prompt: &Prompt) -> Answer {
    let chosen = choose::choose(&prompt.question, &prompt.passages, prompt.index.as_deref());
    if chosen.is_empty() {
        return Answer { pieces: vec![refusal(&prompt.question).to_owned()], refused: true };
    }
    let piece = |(at, choice): (usize, &Choice)| {
        let excerpt = prompt.passages.iter().find(|excerpt| excerpt.source.n == choice.n)?;
        let num_before = chosen[..at].iter().filter(|choice| choice.role != Role::Next).count();
        Some(match choice.role {
            Role::Own => {
                let own = choice.record.clone().unwrap_or_else(|| told_of(excerpt, &choice.place));
                layout(num_before, choice, &own)
            }
            // What introduces a list is not said again with each item.
            Role::Item | Role::Next => layout(num_before, choice, &told(&choice.text)),
            Role::Code => format!("\n\n```\n{}\n```", choice.text.trim_end()),
        })
    };
    let pieces = chosen.iter().enumerate().filter_map(piece).collect();
    Answer { pieces, refused: false }
}

/// The sentences that answer, each with the number of its passage and its words as stored; none if
/// the passages do not answer.
#[must_use]
pub fn quotes(question: &str, passages: &[Excerpt], index: &PassageIndex) -> Vec<(u32, String)> {
    choose::choose(question, passages, Some(index))
        .into_iter()
        .filter(|choice| choice.role != Role::Code)
        .map(|choice| (choice.n, choice.text))
        .collect()
}

/// The same as a provider's stream, a word at a time. The choosing is work for a processor and is
/// done where it holds up no other answer.
#[must_use]
pub fn stream(prompt: Prompt) -> DeltaStream {
    let written = async move {
        let answer = spawn_blocking(move || write(&prompt)).await;
        let text = answer.map_err(|error| ProviderError::Unavailable(error.to_string()))?.text();
        let words = text.split_inclusive(' ').map(|word| Delta::Text(word.to_owned()));
        let end = [Delta::Usage(Usage::default()), Delta::End(FinishReason::Stop)];
        let deltas: Vec<_> = words.chain(end).map(Ok).collect();
        Ok(stream::iter(deltas))
    };
    stream::once(written).try_flatten().boxed()
}

fn layout(num_before: usize, choice: &Choice, told: &str) -> String {
    let lead = match (num_before, choice.role) {
        (0, _) => "",
        (_, Role::Next) => " ",
        (1, _) => "\n\n- ",
        _ => "\n- ",
    };
    format!("{lead}{told} [{}]", choice.n)
}
