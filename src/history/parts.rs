//! The parts of a message that are found on their own: stretches of a question or an answer, and
//! each cited quote. The same message always gives the same parts, so a part is named by its number.

use ibid_index::analysis::Language;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::session::{Message, Role};

/// Paragraphs are joined up to this many bytes.
const MAX_PART_BYTES: usize = 1500;

/// What a part of a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PartKind {
    /// Words of a question.
    Question,
    /// Words of an answer.
    Answer,
    /// A quote that an answer cites.
    Quote,
}

/// A part of a message.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Part {
    pub(super) kind: PartKind,
    pub(super) text: String,
    /// Which of the message's citations it is the quote of.
    pub(super) citation: Option<usize>,
}

/// The parts of a message, in their order.
pub(super) fn of(message: &Message) -> Vec<Part> {
    let kind = match message.role {
        Role::User => PartKind::Question,
        Role::Assistant => PartKind::Answer,
    };
    let said = stretches(&message.content);
    let mut parts: Vec<Part> =
        said.into_iter().map(|text| Part { kind, text: text.to_owned(), citation: None }).collect();
    for (at, citation) in message.citations.iter().enumerate() {
        let first = message.citations[..at].iter().all(|before| before.quote != citation.quote);
        if first {
            parts.push(Part { kind: PartKind::Quote, text: citation.quote.clone(), citation: Some(at) });
        }
    }
    parts
}

/// The language of a message, as far as it shows.
pub(super) fn language(message: &Message) -> Option<Language> {
    Language::detect(&message.content)
}

/// A text cut between paragraphs, or between words where a paragraph is long.
fn stretches(text: &str) -> Vec<&str> {
    let mut stretches = Vec::new();
    let mut rest = text.trim();
    while rest.len() > MAX_PART_BYTES {
        let window = &rest[..rest.floor_char_boundary(MAX_PART_BYTES)];
        let cut = window.rfind("\n\n").or_else(|| window.rfind(char::is_whitespace));
        let cut = cut.filter(|cut| *cut > 0).unwrap_or(window.len());
        stretches.push(rest[..cut].trim_end());
        rest = rest[cut..].trim_start();
    }
    if !rest.is_empty() {
        stretches.push(rest);
    }
    stretches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_between_paragraphs_and_loses_no_word() {
        let text = format!("{}\n\n{}\n\n{}", "eel ".repeat(300), "gate ".repeat(250), "größe".repeat(900));
        let stretches = stretches(&text);
        assert!(stretches.iter().all(|stretch| stretch.len() <= MAX_PART_BYTES));
        assert!(stretches[0].ends_with("eel") && stretches[1].starts_with("gate"), "{stretches:?}");
        let squeeze = |text: &str| text.split_whitespace().collect::<String>();
        assert_eq!(squeeze(&stretches.concat()), squeeze(&text));
    }
}
