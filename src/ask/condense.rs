//! A follow-up made to stand alone without a model: words the question leaves out are carried over
//! from the questions before it. It rewrites nothing and invents nothing; the result is meant for
//! retrieval and the model-free writer, not for show.

mod words;

use std::collections::HashSet;
use std::ops::Range;

use ibid_index::analysis::{Language, TermKind, is_unspaced, terms};

use self::words::Words;
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
    let language = spoken(history, question);
    let words = Words::of(language);
    if !leans(question, language, &words) {
        return question.to_owned();
    }
    let asked =
        history.iter().rev().filter(|turn| turn.role == Role::User && !turn.content.trim().is_empty());
    let asked: Vec<&str> = asked.take(MAX_QUESTIONS).map(|turn| turn.content.as_str()).collect();
    let stands = asked.iter().position(|earlier| !leans(earlier, language, &words));
    let reach = stands.map_or(asked.len(), |at| at + 1);
    let continues = words.joins(question) || words.goes_on(question);
    let mut carried: Vec<String> = Vec::new();
    let mut said = question.to_owned();
    for earlier in &asked[..reach] {
        let more = missing(earlier, &said, continues, language, &words);
        if !more.is_empty() {
            said = format!("{said} {}", more.join(" "));
            carried.splice(0..0, more);
        }
    }
    let named =
        asked[..reach].iter().any(|earlier| Facts::of(earlier, language).words.iter().any(|(_, name)| *name));
    if words.points(question) && !named {
        carried.extend(first_name(history, &said, language));
    }
    if carried.is_empty() {
        return question.to_owned();
    }
    format!("{} ({})", question.trim(), carried.join(" "))
}

/// A question as it was asked, without the words that [`condense`] put behind it in brackets, and without
/// what a reader puts there.
#[must_use]
pub(crate) fn as_asked(question: &str) -> &str {
    let carried = question.trim_end().strip_suffix(')').and_then(|inside| inside.rfind(" ("));
    carried.map_or(question, |at| question[..at].trim_end())
}

/// The language of a question, or where it is too short to show, of the conversation.
fn spoken(history: &[Turn], question: &str) -> Option<Language> {
    let said = question.split_whitespace().count() > 4;
    let asked = || {
        let earlier = history.iter().filter(|turn| turn.role == Role::User).map(|turn| turn.content.as_str());
        earlier.chain([question]).collect::<Vec<_>>().join(" ")
    };
    (said.then(|| Language::detect(question)).flatten())
        .or_else(|| history.iter().rev().find_map(|turn| Language::detect(&turn.content)))
        .or_else(|| Language::of_question(&asked()))
        .or_else(|| Language::from_code("en"))
}

/// Whether a question that [`condense`] leaves as it is may lean on those before it all the same, so that
/// a model is asked: one of few words and no name, in a language where that does not show.
#[must_use]
pub(super) fn may_lean(history: &[Turn], question: &str) -> bool {
    let language = spoken(history, question);
    let facts = Facts::of(question, language);
    !history.is_empty()
        && Words::of(language).may_lean_unseen()
        && num_words(question) <= FEW_WORDS
        && !facts.words.iter().any(|(_, is_name)| *is_name)
}

fn leans(question: &str, language: Option<Language>, words: &Words) -> bool {
    let facts = Facts::of(question, language);
    let more = words.more();
    let own = facts.words.iter().filter(|(word, _)| !more.iter().any(|more| **more == **word)).count()
        + facts.numbers.len();
    let goes_on = words.goes_on(question) || (words.joins(question) && own < STANDS);
    own == 0 || (num_words(question) <= MANY_WORDS && (goes_on || words.points(question)))
}

/// About how many words there are. Where they are not parted, two characters make one.
fn num_words(question: &str) -> usize {
    let num_unparted = question.chars().filter(|c| is_unspaced(*c)).count();
    question.split_whitespace().count().max(num_unparted / 2)
}

/// Whether a part of a question points at something that it does not name.
pub(super) fn points(question: &str, language: Option<Language>) -> bool {
    Words::of(language).points(question)
}

/// The content words of an earlier question that the new one neither has nor replaces.
fn missing(
    earlier: &str,
    question: &str,
    continues: bool,
    language: Option<Language>,
    words: &Words,
) -> Vec<String> {
    let has = Facts::of(question, language);
    let before = Facts::of(earlier, language);
    let more = words.more();
    let replaces_name = continues && has.words.iter().any(|(_, name)| *name);
    let found = terms(earlier, language).filter(|term| match term.kind {
        TermKind::Stop => false,
        TermKind::Number => has.numbers.is_empty(),
        TermKind::Word => {
            let name = before.words.iter().any(|(word, name)| **word == *term.stem && *name);
            has.holds(&term.stem) == 0.0 && !(name && replaces_name) && !more.contains(&term.stem)
        }
    });
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for term in found {
        match ranges.last_mut() {
            // Pairs of characters that share one are a word together.
            Some(last) if term.start < last.end => last.end = term.end,
            _ => ranges.push(term.start..term.end),
        }
    }
    let mut carried: Vec<String> = Vec::new();
    for word in ranges.into_iter().map(|range| &earlier[range]) {
        if !carried.iter().any(|known| known == word) {
            carried.push(word.to_owned());
        }
    }
    carried
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

/// Words of a question that leans by more than having none of its own, at most.
const MANY_WORDS: usize = 12;
/// And of one that may lean without showing it.
const FEW_WORDS: usize = 6;
/// Content words of a question that says enough: "And how fast did the mud rise?".
const STANDS: usize = 3;

#[cfg(test)]
mod tests {
    use super::{condense, may_lean};
    use crate::ask::prompt::Turn;
    use crate::session::Role;

    fn turns(history: &[&str]) -> Vec<Turn> {
        let turn = |(at, content): (usize, &&str)| Turn {
            role: if at % 2 == 0 { Role::User } else { Role::Assistant },
            content: (*content).to_owned(),
        };
        history.iter().enumerate().map(turn).collect()
    }

    #[track_caller]
    fn check(history: &[&str], question: &str, expected: &str) {
        assert_eq!(condense(&turns(history), question), expected);
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
    fn follow_ups_lean_in_every_language() {
        for (earlier, question, expected) in [
            ("Wann wurde der Leuchtturm gebaut?", "Und wie hoch ist er?", "(Leuchtturm gebaut)"),
            ("¿Cuánto costó el faro del puerto en 1890?", "¿Y en 1902?", "(costó faro puerto)"),
            (
                "¿Quién construyó el faro del puerto?",
                "¿Qué edad tenía él entonces?",
                "(construyó faro puerto)",
            ),
            ("Quanto costò il faro del porto?", "E perché?", "(costò faro porto)"),
            ("Кто построил старый маяк?", "А когда его продали?", "(построил старый маяк)"),
            ("Kto zbudował starą latarnię?", "Kiedy ją sprzedano?", "(zbudował starą latarnię)"),
            ("Eski feneri kim yaptı?", "Peki ya limanı?", "(Eski feneri yaptı)"),
            ("من بنى المنارة القديمة؟", "وماذا عن الميناء؟", "(بنى المنارة القديمة)"),
            ("灯塔是谁建造的？", "它有多高？", "(灯塔是 谁建造的)"),
            ("灯塔有多高？", "谁建造了它？", "(灯塔有)"),
            ("灯塔1890年花了多少钱？", "1902年呢？", "(灯塔 年花了)"),
            ("灯台は誰が建てましたか？", "それはいつ売られましたか？", "(灯台は 建て)"),
            ("등대는 누가 지었습니까?", "그것은 언제 팔렸습니까?", "(등대는 지었습)"),
            ("ใครสร้างประภาคาร", "มันสูงเท่าไร", "(สร้า งประภาคาร)"),
            ("Ai đã xây ngọn hải đăng?", "Nó cao bao nhiêu?", "(xây ngọn hải đăng)"),
            ("Milloin vanha majakka rakennettiin?", "Kuka sen myi?", "(vanha majakka rakennettiin)"),
        ] {
            check(&[earlier, "1."], question, &format!("{question} {expected}"));
        }
        // An article is no pronoun, and a name begins like a word.
        for (earlier, question) in [
            ("Hvem byggede fyret?", "Hvad hedder den højeste mølle?"),
            ("灯塔是谁建造的？", "那不勒斯有多少座古老的教堂和博物馆？"),
        ] {
            check(&[earlier, "1."], question, question);
        }
    }

    #[test]
    fn a_model_is_asked_where_leaning_may_not_show() {
        let said = turns(&["¿Quién fundó la empresa?", "La fundó Marta Lind en 1874 [1]."]);
        assert!(may_lean(&said, "¿Cuándo se vendió?"));
        assert!(may_lean(&turns(&["Hvem byggede fyret?", "Marta Lind [1]."]), "Hvornår blev det solgt?"));
        assert!(!may_lean(&said, "¿Cuándo nació Marta Lind?"));
        assert!(!may_lean(
            &said,
            "¿Cuántos ladrillos y cuánta cal se usaron entonces para levantar aquella torre?"
        ));
        assert!(!may_lean(&[], "¿Cuándo se vendió?"));
        assert!(!may_lean(&turns(REVENUE), "What is photosynthesis?"));
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
