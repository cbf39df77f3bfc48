//! The prompt: what a provider sees. Instructions, the conversation so far, and the numbered
//! passages; never a document store.

use std::fmt::Write;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use ibid_index::PassageIndex;
use ibid_index::analysis::Language;
use uuid::Uuid;

use super::sentence::{Item, Sentence, SentenceKind, items, sentences_and_cells, term_above};
use crate::document::HEADING_SEPARATOR;
use crate::event::Source;
use crate::files::Files;
use crate::session::Role;
use crate::table::said_of;

/// Everything a provider needs to write one answer.
#[derive(Clone, Debug)]
pub struct Prompt {
    /// The instructions.
    pub system: String,
    /// Earlier turns, oldest first.
    pub history: Vec<Turn>,
    /// The question, made to stand alone.
    pub question: String,
    /// The numbered passages, in the order of their numbers.
    pub passages: Vec<Excerpt>,
    /// The last user message as a model reads it: the passages inside their fence, then the question.
    pub user: String,
    /// Where to learn how rare a word is; absent if that is told by the passages alone.
    pub index: Option<Arc<PassageIndex>>,
}

/// One earlier message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Who spoke.
    pub role: Role,
    /// What was said.
    pub content: String,
}

/// A numbered passage with its text. `text` is the stored text at `source.start..source.end`.
#[derive(Clone, Debug)]
pub struct Excerpt {
    /// Its number and place.
    pub source: Source,
    /// Its words, byte for byte as stored.
    pub text: String,
}

impl Excerpt {
    /// Its sentences, those in the cells of its tables among them.
    pub(crate) fn sentences(&self) -> Vec<Sentence> {
        sentences_and_cells(&self.text, self.source.in_code)
    }

    /// The items of its lists that something introduces.
    pub(crate) fn items(&self) -> Vec<Item> {
        items(&self.text, self.source.introduction.is_some(), self.source.in_code)
    }

    /// What a sentence is said of that says little without it: a cell, an item or a line of code. The items are
    /// its own.
    pub(crate) fn said_of_sentence(&self, items: &[Item], sentence: &Sentence) -> Option<String> {
        match sentence.kind {
            SentenceKind::Cell | SentenceKind::Item => self.said_of(items, &sentence.range),
            SentenceKind::Code => self.introduction(items, &sentence.range),
            _ => None,
        }
    }

    /// What a stretch is said of: in a cell of a table of its row, and its column where that is of use; in an
    /// item of a list of what introduces that; in a manual of the name that it stands below. The items are its
    /// own.
    pub(crate) fn said_of(&self, items: &[Item], place: &Range<usize>) -> Option<String> {
        self.introduction(items, place).or_else(|| {
            said_of(&self.text, self.source.columns.as_deref(), place, self.source.page.is_some())
                .or_else(|| self.term_above(place).map(str::to_owned))
        })
    }

    /// What introduces the item of a list, or the code, that a sentence stands in.
    fn introduction(&self, items: &[Item], place: &Range<usize>) -> Option<String> {
        let item = items.iter().find(|item| item.range.start <= place.start && place.end <= item.range.end);
        item.map(|item| item.introduction(&self.text, self.source.introduction.as_deref()))
    }
}

impl Excerpt {
    /// The name that a sentence stands below, unless it says it.
    fn term_above(&self, place: &Range<usize>) -> Option<&str> {
        let heading = self.source.heading.as_deref();
        let heading = heading.and_then(|heading| heading.rsplit(HEADING_SEPARATOR).next());
        let term = term_above(&self.text, self.source.in_code, heading, place.start)?;
        let name = term.split_whitespace().next()?;
        (!self.text[place.clone()].contains(name)).then_some(term)
    }
}

/// These passages with their words, without those whose documents are gone.
///
/// # Errors
/// If the reading itself could not be done.
pub(super) async fn recall(files: &Files, sources: Vec<Source>) -> io::Result<Vec<Excerpt>> {
    let ranges = sources.iter().map(|source| (source.document_id, source.start..source.end)).collect();
    let texts = files.read_texts(ranges).await?;
    let excerpts = sources.into_iter().zip(texts).filter_map(|(source, text)| {
        let text = text.ok()?;
        Some(Excerpt { source, text })
    });
    Ok(excerpts.collect())
}

/// Room for the instructions and the answer in a model's context, in tokens.
const RESERVED_TOKENS: usize = 2000;

/// About what the line above a passage takes.
const HEAD_BYTES: usize = 160;

/// Passages that are looked at to tell the language.
const SAMPLED_PASSAGES: usize = 4;

/// The prompt for an answer with citations. Passages that do not fit the model's context are left
/// out from the end, and of the conversation the oldest turns. What the one who asks has to say
/// about answers follows the rules and does not replace them.
#[must_use]
pub fn answer(
    wishes: Option<&str>,
    mut history: Vec<Turn>,
    question: String,
    mut passages: Vec<Excerpt>,
    context_tokens: usize,
) -> Prompt {
    let taken = RESERVED_TOKENS + estimate_tokens(&question) + wishes.map_or(0, estimate_tokens);
    let mut room = context_tokens.saturating_sub(taken);
    let fitting = num_fitting(passages.iter().map(|excerpt| estimate_tokens(&render(excerpt))), &mut room);
    passages.truncate(fitting);
    let turns = history.iter().rev().map(|turn| estimate_tokens(&turn.content));
    let spoken = num_fitting(turns, &mut room);
    history.drain(..history.len() - spoken);
    with_citations(wishes, history, question, passages)
}

/// How many of these fit into the room, one after the other; what they take is taken from it.
fn num_fitting(costs: impl Iterator<Item = usize>, room: &mut usize) -> usize {
    costs
        .take_while(|cost| {
            let fits = cost <= room;
            *room = room.saturating_sub(*cost);
            fits
        })
        .count()
}

fn with_citations(
    wishes: Option<&str>,
    history: Vec<Turn>,
    question: String,
    passages: Vec<Excerpt>,
) -> Prompt {
    // Nothing in a document can guess it, so nothing in a document can close the fence.
    let fence = Uuid::new_v4().simple().to_string();
    let system = with_wishes(include_str!("prompts/answer.md").replace("{fence}", &fence), wishes);
    let length: usize = passages.iter().map(|excerpt| excerpt.text.len() + HEAD_BYTES).sum();
    let mut user = String::with_capacity(length + question.len() + HEAD_BYTES);
    let _ = writeln!(user, "<passages {fence}>");
    for excerpt in &passages {
        user.push_str(&render(excerpt));
    }
    let _ = write!(user, "</passages {fence}>\n\nQuestion: {question}");
    Prompt { system, history, question, passages, user, index: None }
}

impl Prompt {
    /// The prompt of an answer with about half of its passages, the best one always among them, and
    /// half of its conversation, and a note that says so; None if there is nothing to leave out.
    pub(super) fn halved(&self, wishes: Option<&str>) -> Option<(Self, String)> {
        let costs: Vec<usize> =
            self.passages.iter().map(|excerpt| estimate_tokens(&render(excerpt))).collect();
        let mut room = costs.iter().sum::<usize>() / 2;
        let kept = num_fitting(costs.into_iter(), &mut room).max(1).min(self.passages.len());
        let turns = self.history.iter().rev().map(|turn| estimate_tokens(&turn.content));
        let mut room = turns.clone().sum::<usize>() / 2;
        let spoken = num_fitting(turns, &mut room);
        if kept == self.passages.len() && spoken == self.history.len() {
            return None;
        }
        let num_passages = self.passages.len();
        let mut note =
            format!("the model can't read so much at once: {kept} of {num_passages} passages are used");
        if !self.history.is_empty() {
            let _ = write!(note, ", and {spoken} of {} earlier messages", self.history.len());
        }
        let history = self.history[self.history.len() - spoken..].to_vec();
        let passages = self.passages[..kept].to_vec();
        let shorter = with_citations(wishes, history, self.question.clone(), passages);
        Some((Self { index: self.index.clone(), ..shorter }, note))
    }
}

/// Instructions, and after them what the one who asks has to say about answers.
pub(super) fn with_wishes(mut instructions: String, wishes: Option<&str>) -> String {
    if let Some(wishes) = wishes {
        let _ = write!(instructions, "\n{}\n\n{wishes}\n", include_str!("prompts/wishes.md").trim_end());
    }
    instructions
}

/// The prompt that makes a follow-up stand alone.
#[must_use]
pub fn condense(history: &[Turn], question: &str) -> Prompt {
    Prompt {
        system: include_str!("prompts/condense.md").to_owned(),
        history: history.to_vec(),
        question: question.to_owned(),
        passages: Vec::new(),
        user: format!("Rewrite this question: {question}"),
        index: None,
    }
}

/// The language most of the passages are in, as far as a sample tells.
#[must_use]
pub fn language(passages: &[Excerpt]) -> Option<Language> {
    let sample: Vec<&str> =
        passages.iter().take(SAMPLED_PASSAGES).map(|excerpt| excerpt.text.as_str()).collect();
    Language::detect(&sample.join("\n"))
}

pub(super) fn render(excerpt: &Excerpt) -> String {
    let source = &excerpt.source;
    let mut rendered = String::with_capacity(excerpt.text.len() + HEAD_BYTES);
    let _ = write!(rendered, "[{}] {}", source.n, source.title);
    if let Some(page) = source.page {
        let _ = write!(rendered, ", page {page}");
    }
    if let Some(heading) = &source.heading {
        rendered.push_str(", ");
        rendered.push_str(heading);
    }
    rendered.push('\n');
    if let Some(columns) = &source.columns {
        let _ = writeln!(rendered, "(columns: {columns})");
    }
    if let Some(introduction) = &source.introduction {
        let _ = writeln!(rendered, "(list: {introduction})");
    }
    rendered.push_str(&excerpt.text);
    rendered.push_str("\n\n");
    rendered
}

/// About how many tokens a text has: four ASCII letters make one, other letters one each. Meant to
/// err on the high side.
#[must_use]
pub fn estimate_tokens(text: &str) -> usize {
    let ascii = text.bytes().filter(u8::is_ascii).count();
    let others = text.chars().count() - ascii;
    ascii.div_ceil(4) + others
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ask::cite::fixtures::excerpts;

    #[test]
    fn a_passage_inside_a_list_is_given_with_what_introduces_that() {
        let mut passages = excerpts();
        passages[0].source.introduction = Some("The gates are shut".to_owned());
        let prompt = answer(None, Vec::new(), "Who?".to_owned(), passages, 10_000);
        assert!(prompt.user.contains("page 7\n(list: The gates are shut)\nAcme was founded"));
        assert!(prompt.system.contains("(list:"));
    }

    #[test]
    fn a_passage_inside_a_table_is_given_with_what_stands_above_its_columns() {
        let mut passages = excerpts();
        passages[0].source.columns = Some("(In thousands) / 2023 2022".to_owned());
        let prompt = answer(None, Vec::new(), "Who?".to_owned(), passages, 10_000);
        assert!(prompt.user.contains("page 7\n(columns: (In thousands) / 2023 2022)\nAcme was founded"));
        assert_eq!(prompt.user.matches("(columns:").count(), 1);
        assert!(prompt.system.contains("(columns:"));
    }
}
