//! Sentences that say what something is. They open with it, and after it there are words of grammar or a
//! mark: "The dike is an earthwork", "Le barrage, un ouvrage", "Порог — это". Or they explain what it
//! is short for.

use ibid_index::analysis::{Language, Term, TermKind, terms};

use crate::abbreviation::explains;
use crate::ask::cite::Facts;

/// Content words of what is asked for, at most.
const MAX_WORDS: usize = 4;

/// How much a sentence looks as if it said what the words of a question are, from 0 to 1.
pub(super) fn said(asked: &Facts, sentence: &str, language: Option<Language>) -> f32 {
    if !(1..=MAX_WORDS).contains(&asked.words.len()) {
        return 0.0;
    }
    let is_asked = |words: &str| {
        let words = Facts::of(words, language).words;
        words.len() == asked.words.len() && words.iter().all(|(word, _)| asked.holds(word) == 1.0)
    };
    if explains(sentence, is_asked) {
        return 1.0;
    }
    let Some(end) = end_of_opening(asked, sentence, language) else { return 0.0 };
    let rest = after_brackets(sentence[end..].trim_start());
    let is_marked = rest.starts_with(|c: char| !c.is_alphanumeric());
    let mut follow = terms(rest, language).map(|term| is_grammar(&term));
    match (follow.next(), follow.next()) {
        (Some(true), Some(true)) => 1.0,
        (Some(true), _) if is_marked => 1.0,
        (Some(true), _) => 0.7,
        _ if is_marked => 0.7,
        _ => 0.3,
    }
}

/// Where the words of the question end, if the sentence opens with them and no others of meaning.
fn end_of_opening(asked: &Facts, sentence: &str, language: Option<Language>) -> Option<usize> {
    let opening = terms(sentence, language).filter(|term| !is_grammar(term)).take(asked.words.len());
    let opening: Vec<Term> = opening.collect();
    let is_whole = opening.len() == asked.words.len();
    let is_asked = opening.iter().all(|term| asked.holds(&term.stem) == 1.0);
    opening.last().filter(|_| is_whole && is_asked).map(|last| last.end)
}

fn is_grammar(term: &Term) -> bool {
    term.kind == TermKind::Stop
}

/// What follows a remark in brackets, if a text opens with one.
fn after_brackets(text: &str) -> &str {
    let inside = text.strip_prefix('(').and_then(|inside| inside.split_once(')'));
    inside.map_or(text, |(_, rest)| rest.trim_start())
}
