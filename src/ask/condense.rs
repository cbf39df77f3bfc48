//! A follow-up made to stand alone without a model: words the question leaves out are carried over
//! from the questions before it. It rewrites nothing and invents nothing; the result is meant for
//! retrieval and the model-free writer, not for show.

use std::collections::HashSet;

use ibid_index::analysis::{Language, TermKind, terms};

use super::cite::Facts;
use super::prompt::Turn;
use crate::session::Role;

/// How many earlier questions may be followed back while each is itself a follow-up.
const MAX_QUESTIONS: usize = 4;

/// Makes a question stand alone.
///
/// A question leans on the one before if it has no content word of its own ("why?"), opens like
/// a continuation ("and in 2021?", "what about …"), or points with a pronoun at something it does
/// not name ("when was it sold?") in no more than a dozen words. Then the content words of the last
/// question that it does not replace are appended: a new number or year takes the place of the old
/// ones, and so does a new name in a "what about" question. A pronoun for a thing that the last
/// question did not name either takes the first name of the last answer. Any other question is
/// returned unchanged.
#[must_use]
pub fn condense(history: &[Turn], question: &str) -> String {
    if history.is_empty() {
        return question.to_owned();
    }
    let language = Language::detect(question).filter(|_| question.split_whitespace().count() > 4);
    let language = language.or_else(|| history.iter().rev().find_map(|turn| Language::detect(&turn.content)));
    let language = language.or_else(|| Language::from_code("en"));
    if !leans(question, language) {
        return question.to_owned();
    }
    let asked =
        history.iter().rev().filter(|turn| turn.role == Role::User && !turn.content.trim().is_empty());
    let asked: Vec<&str> = asked.take(MAX_QUESTIONS).map(|turn| turn.content.as_str()).collect();
    let stands = asked.iter().position(|earlier| !leans(earlier, language));
    let reach = stands.map_or(asked.len(), |at| at + 1);
    let mut carried: Vec<String> = Vec::new();
    let mut said = question.to_owned();
    for earlier in &asked[..reach] {
        let words = missing(earlier, &said, continues(question), language);
        if !words.is_empty() {
            said = format!("{said} {}", words.join(" "));
            carried.splice(0..0, words);
        }
    }
    let named =
        asked[..reach].iter().any(|earlier| Facts::of(earlier, language).words.iter().any(|(_, name)| *name));
    if points(question) && !named {
        carried.extend(first_name(history, &said, language));
    }
    if carried.is_empty() {
        return question.to_owned();
    }
    format!("{} ({})", question.trim(), carried.join(" "))
}

fn leans(question: &str, language: Option<Language>) -> bool {
    let facts = Facts::of(question, language);
    let own = facts.words.iter().filter(|(word, _)| !EMPTY.contains(&&**word)).count() + facts.numbers.len();
    let num_words = question.split_whitespace().count();
    let goes_on = begins_with(question, OPENINGS) || (begins_with(question, JOINTS) && own < STANDS);
    own == 0 || (num_words <= 12 && (goes_on || points(question)))
}

/// Whether a question goes on from the last one.
fn continues(question: &str) -> bool {
    begins_with(question, JOINTS) || begins_with(question, OPENINGS)
}

fn begins_with(question: &str, openings: &[&str]) -> bool {
    let lower = question.trim().to_lowercase();
    openings.iter().any(|opening| {
        lower.strip_prefix(opening).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
    })
}

/// Whether a question points at something with a pronoun before any name that could be meant.
pub(super) fn points(question: &str) -> bool {
    let mut named = false;
    for (at, word) in question.split_whitespace().enumerate() {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
        if PRONOUNS.contains(&bare.to_lowercase().as_str()) {
            return !named;
        }
        named |= at > 0 && bare.len() > 1 && bare.starts_with(char::is_uppercase);
    }
    false
}

/// The content words of an earlier question that the new one neither has nor replaces.
fn missing(earlier: &str, question: &str, continues: bool, language: Option<Language>) -> Vec<String> {
    let has = Facts::of(question, language);
    let before = Facts::of(earlier, language);
    let replaces_name = continues && has.words.iter().any(|(_, name)| *name);
    let found = terms(earlier, language).filter(|term| match term.kind {
        TermKind::Stop => false,
        TermKind::Number => has.numbers.is_empty(),
        TermKind::Word => {
            let name = before.words.iter().any(|(word, name)| **word == *term.stem && *name);
            has.holds(&term.stem) == 0.0 && !(name && replaces_name) && !EMPTY.contains(&term.stem.as_str())
        }
    });
    let mut words: Vec<String> = Vec::new();
    for term in found {
        let word = &earlier[term.start..term.end];
        if !words.iter().any(|known| known == word) {
            words.push(word.to_owned());
        }
    }
    words
}

/// The first run of capitalised words in the last answer that the question does not have.
fn first_name(history: &[Turn], question: &str, language: Option<Language>) -> Option<String> {
    let answer = &history.iter().rev().find(|turn| turn.role == Role::Assistant)?.content;
    let names: HashSet<_> = Facts::of(answer, language)
        .words
        .into_iter()
        .filter(|(_, name)| *name)
        .map(|(word, _)| word)
        .collect();
    let has = Facts::of(question, language);
    let mut run: Option<(usize, usize)> = None;
    for term in terms(answer, language) {
        let is_name = names.contains(&*term.stem) && answer[term.start..].starts_with(char::is_uppercase);
        match run {
            None if is_name && has.holds(&term.stem) == 0.0 => run = Some((term.start, term.end)),
            Some((start, end)) if is_name && answer[end..term.start] == *" " => run = Some((start, term.end)),
            Some(_) => break,
            None => {}
        }
    }
    run.map(|(start, end)| answer[start..end].to_owned())
}

/// Words that join a question to the last one, if it does not say enough itself.
const JOINTS: &[&str] = &["and", "but", "or", "also", "then", "und", "aber", "et", "y"];
/// Content words of a question that says enough: "And how fast did the mud rise?".
const STANDS: usize = 3;

/// How a question begins that always goes on from the last one.
const OPENINGS: &[&str] = &[
    "what about",
    "how about",
    "what else",
    "who else",
    "where else",
    "why not",
    "was ist mit",
    "wie sieht es mit",
    "et pour",
    "qué tal",
];

/// Words that stand for something named before.
const PRONOUNS: &[&str] = &[
    "it", "its", "they", "them", "their", "he", "him", "his", "she", "her", "this", "that", "these", "those",
    "there", "former", "latter", "er", "sie", "ihn", "ihm", "dessen", "deren", "elle", "ils", "elles", "lui",
    "ello", "ellos",
];

/// Stems of words that ask for more without saying of what.
const EMPTY: &[&str] = &[
    "second", "first", "third", "last", "next", "other", "one", "ones", "detail", "explain", "exampl",
    "example", "mean", "elabor", "continu", "reason", "exact", "sure", "pleas", "please", "tell", "more",
    "go", "happen", "summar", "summaris", "summari",
];

#[cfg(test)]
mod tests {
    use super::condense;
    use crate::ask::prompt::Turn;
    use crate::session::Role;

    #[track_caller]
    fn check(history: &[&str], question: &str, expected: &str) {
        let turn = |(at, content): (usize, &&str)| Turn {
            role: if at % 2 == 0 { Role::User } else { Role::Assistant },
            content: (*content).to_owned(),
        };
        let history: Vec<Turn> = history.iter().enumerate().map(turn).collect();
        assert_eq!(condense(&history, question), expected);
    }

    const REVENUE: &[&str] = &["What was the revenue of Acme in 2020?", "It was $3 million [1]."];

    #[test]
    fn a_question_that_stands_alone_is_unchanged() {
        check(&[], "Why?", "Why?");
        check(REVENUE, "Who founded the University of Oslo?", "Who founded the University of Oslo?");
        check(REVENUE, "And how fast did the mud rise?", "And how fast did the mud rise?");
        check(
            REVENUE,
            "What did Ada Lovelace say about her work?",
            "What did Ada Lovelace say about her work?",
        );
    }

    #[test]
    fn a_new_year_or_name_takes_the_place_of_the_old() {
        check(REVENUE, "and in 2021?", "and in 2021? (revenue Acme)");
        check(REVENUE, "What about Globex?", "What about Globex? (revenue 2020)");
    }

    #[test]
    fn a_bare_question_carries_all_content_words() {
        check(REVENUE, "Why?", "Why? (revenue Acme 2020)");
        check(REVENUE, "Summarize this.", "Summarize this. (revenue Acme 2020)");
        check(REVENUE, "What about the second one?", "What about the second one? (revenue Acme 2020)");
    }

    #[test]
    fn follow_ups_are_followed_back_to_the_question_that_stands() {
        let history = [REVENUE, &["and in 2021?", "It was $4 million [1]."]].concat();
        check(&history, "Why?", "Why? (revenue Acme 2021)");
        check(&history, "and profit?", "and profit? (revenue Acme 2021)");
    }

    #[test]
    fn a_pronoun_without_a_name_in_the_question_takes_it_from_the_answer() {
        check(
            &["Who founded the company?", "The company was founded by Ada Lovelace in 1998 [1]."],
            "When was she born?",
            "When was she born? (founded company Ada Lovelace)",
        );
        check(REVENUE, "When was it founded?", "When was it founded? (revenue Acme 2020)");
    }

    #[test]
    fn no_question_breaks_its_analysis_or_loses_a_word() {
        use crate::ask::{commands, sentence};

        let mut examples: Vec<Vec<u8>> = include_str!("../../fixtures/questions.jsonl")
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
            .map(|question| question["question"].as_str().unwrap().as_bytes().to_vec())
            .collect();
        examples.push("/deep What did it cost, who paid (and why) and was it worth €21.3 million?".into());
        examples
            .push("Und was ist mit 2021, 漢字。和 Acme’s “report”: how; where, when?\n\nWhy not it".into());
        let words = [
            " and ",
            "? ",
            ", ",
            " it ",
            "what about ",
            "(",
            ")",
            ": ",
            "/model ",
            "//",
            " 3.5% ",
            "\n\n",
            "Acme ",
        ];
        crate::fuzz::fuzz("question", &examples, &words, |bytes| {
            let text = String::from_utf8_lossy(bytes);
            let (earlier, asked) = text.split_at(text.floor_char_boundary(text.len() / 2));
            let turns = [(Role::User, earlier), (Role::Assistant, &*text)];
            let turns = turns.map(|(role, content)| Turn { role, content: content.to_owned() });
            for question in [asked, &text] {
                assert!(condense(&turns, question).trim_start().starts_with(question.trim()));
            }
            for term in super::terms(&text, super::Language::detect(&text)) {
                assert!(text.get(term.start..term.end).is_some_and(|word| !word.is_empty()));
            }
            let mut end = 0;
            for sentence in sentence::sentences(&text) {
                assert!(sentence.range.start >= end && text.get(sentence.range.clone()).is_some());
                end = sentence.range.end;
            }
            commands::hear(&text);
        });
    }
}
