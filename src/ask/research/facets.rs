//! A question taken apart without a model: its clauses, each able to be searched by itself. Works
//! on punctuation, the words that join clauses and those that open a question; it does not parse.

mod clause;

use ibid_index::analysis::{Language, TermKind, terms};

use self::clause::{Clause, clauses};
use crate::ask::sentence::sentences;

/// Most parts of a question.
const MAX_FACETS: usize = 6;
/// Content words below which a clause that asks nothing is not searched by itself.
const LEAST_WORDS: usize = 3;
/// Content words below which half a question is not searched by itself.
const LEAST_IN_HALF: usize = 2;

/// The parts of a question that can be looked into one by one; empty if it has only one. A part
/// that names nothing is put under the subject of the others.
pub(super) fn facets(question: &str) -> Vec<String> {
    let (question, carried) = without_carried(question);
    let language = Language::detect(question).or_else(|| Language::from_code("en"));
    let mut parts: Vec<Clause> = Vec::new();
    for sentence in sentences(question) {
        let mut clauses = clauses(&question[sentence.range], language);
        merge_short(&mut clauses, language);
        parts.extend(clauses);
    }
    merge_short(&mut parts, language);
    parts.truncate(MAX_FACETS);
    if parts.len() < 2 {
        return Vec::new();
    }
    let leading = parts.iter().find(|part| !pins(&part.text).is_empty()).unwrap_or(&parts[0]);
    let subject = carried.map_or_else(|| subject(leading, language), str::to_owned);
    let names = carried.is_some() || !pins(&leading.text).is_empty();
    let leads = leading.text.clone();
    let put = |part: Clause| {
        let text = part.as_written();
        let is_own = !pins(&part.text).is_empty() || (!names && num_words(&part.text, language) > 1);
        match subject.is_empty() || part.text == leads || is_own {
            true => capitalised(&text),
            false => capitalised(&under(&subject, &text)),
        }
    };
    parts.into_iter().map(put).collect()
}

/// A question put under a subject: `Sallow Dike: how wide was the breach?`
pub(super) fn under(subject: &str, question: &str) -> String {
    let known = question.split_once(": ").filter(|(known, _)| known.split(' ').count() <= MAX_SUBJECT);
    match known {
        Some((known, rest)) => format!("{subject}, {known}: {rest}"),
        None => format!("{subject}: {question}"),
    }
}

/// Longest subject before a colon, in words.
const MAX_SUBJECT: usize = 6;

/// A text that begins with a capital, as a heading does.
pub(super) fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// A follow-up and the words that were carried over to it, in brackets after its end.
fn without_carried(question: &str) -> (&str, Option<&str>) {
    let trimmed = question.trim_end();
    let cut = trimmed.strip_suffix(')').and_then(|inner| inner.rsplit_once(" ("));
    match cut {
        Some((asked, carried)) if asked.ends_with(['?', '.', '!']) => (asked, Some(carried)),
        _ => (question, None),
    }
}

/// What a clause speaks of: its runs of content words, or of these only the named and the numbered
/// ones if they are many. A verb at its end is left out, which in a question is where verbs stand.
fn subject(clause: &Clause, language: Option<Language>) -> String {
    let text = clause.text.as_str();
    let mut runs: Vec<(usize, usize, usize, bool)> = Vec::new();
    let mut is_open = false;
    for term in terms(text, language) {
        let word = &text[term.start..term.end];
        if term.kind == TermKind::Stop || term.start < clause.subject_at() {
            is_open = false;
            continue;
        }
        let pins = term.kind == TermKind::Number || (word.starts_with(char::is_uppercase) && term.start > 0);
        match runs.last_mut() {
            Some((_, end, last, pinned))
                if is_open && text[*end..term.start].chars().all(|c| c == ' ' || c == '-') =>
            {
                (*end, *last, *pinned) = (term.end, term.start, *pinned || pins);
            }
            _ => runs.push((term.start, term.end, term.start, pins)),
        }
        is_open = true;
    }
    let ends_in_verb = |last: usize, end: usize| {
        clause.asks && end == text.len() && text[last..].starts_with(char::is_lowercase)
    };
    if let Some((start, end, last, pinned)) = runs.last().copied()
        && ends_in_verb(last, end)
    {
        let kept = text[start..last].trim_end();
        // "The old bridge" has no verb to lose.
        match kept.split(' ').count() {
            0 | 1 if runs.len() == 1 && !pinned => {}
            _ if kept.is_empty() => drop(runs.pop()),
            _ => {
                let pinned = !pins(&format!("a {kept}")).is_empty();
                runs.pop();
                runs.push((start, start + kept.len(), start, pinned));
            }
        }
    }
    let num_words: usize = runs.iter().map(|(start, end, ..)| text[*start..*end].split(' ').count()).sum();
    if num_words > MAX_SUBJECT && runs.iter().any(|(.., pinned)| *pinned) {
        runs.retain(|(.., pinned)| *pinned);
    }
    runs.iter().map(|(start, end, ..)| &text[*start..*end]).collect::<Vec<_>>().join(", ")
}

/// A text cut in two between its content words, for when all of it together finds nothing; none if
/// its halves would say too little.
pub(super) fn halves(text: &str) -> Option<[String; 2]> {
    let language = Language::detect(text).or_else(|| Language::from_code("en"));
    let words: Vec<_> =
        terms(text, language).into_iter().filter(|term| term.kind != TermKind::Stop).collect();
    if words.len() < 2 * LEAST_IN_HALF {
        return None;
    }
    let middle = words.len().div_ceil(2);
    let (first, last) = (&words[..middle], &words[middle..]);
    Some([first, last].map(|half| text[half[0].start..half[half.len() - 1].end].to_owned()))
}

/// The names in a text: runs of capitalised words, the first word of a sentence only if it goes on.
pub(super) fn names(text: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for sentence in sentences(text) {
        let sentence = &text[sentence.range];
        let mut run: Vec<&str> = Vec::new();
        let mut opens = false;
        for (at, word) in sentence.split_whitespace().chain([""]).enumerate() {
            let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
            let bare = bare.strip_suffix("'s").or_else(|| bare.strip_suffix("’s")).unwrap_or(bare);
            let is_capital = bare.starts_with(char::is_uppercase) && bare.chars().count() > 1;
            if is_capital {
                opens |= run.is_empty() && at == 0;
                run.push(bare);
            }
            let ends = !is_capital || word.ends_with([',', '.', ';', ':', ')', '?', '!', '”', '"']);
            if ends && !run.is_empty() {
                let name = run.join(" ");
                if (!opens || run.len() > 1) && !is_grammar(run[0]) && !names.contains(&name) {
                    names.push(name);
                }
                run.clear();
                opens = false;
            }
        }
    }
    names
}

/// Names and numbers: what ties a clause to its subject.
fn pins(text: &str) -> Vec<String> {
    let mut pins = names(text);
    for term in terms(text, None) {
        if term.kind == TermKind::Number {
            let number = &text[term.start..term.end];
            if !pins.iter().any(|pin| pin.contains(number)) {
                pins.push(number.to_owned());
            }
        }
    }
    pins
}

fn is_grammar(word: &str) -> bool {
    let lower = word.to_lowercase();
    terms(&lower, Language::from_code("en")).first().is_none_or(|term| term.kind == TermKind::Stop)
}

/// Number of content words.
fn num_words(text: &str, language: Option<Language>) -> usize {
    terms(text, language).iter().filter(|term| term.kind != TermKind::Stop).count()
}

/// Joins clauses with too little to search for to the one before, or else after.
fn merge_short(parts: &mut Vec<Clause>, language: Option<Language>) {
    let mut at = 0;
    while at < parts.len() && parts.len() > 1 {
        if parts[at].asks || num_words(&parts[at].text, language) >= LEAST_WORDS {
            at += 1;
            continue;
        }
        let short = parts.remove(at);
        match at.checked_sub(1) {
            Some(before) => parts[before].text = format!("{}, {}", parts[before].text, short.text),
            None => parts[0].text = format!("{}, {}", short.text, parts[0].text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{facets, halves, names, under};

    #[test]
    fn clauses_are_looked_into_one_by_one_under_the_subject_they_lack() {
        assert_eq!(
            facets("Why did about 600 fish die in August 2018, and how low did the oxygen level fall?"),
            [
                "Why did about 600 fish die in August 2018?",
                "600 fish die, August 2018: how low did the oxygen level fall?"
            ]
        );
        assert_eq!(
            facets(
                "Does the article on Twitch's revenue split policy differ compared to the article on Beeper's subscription plans?"
            ),
            [
                "Does the article on Twitch's revenue split policy differ?",
                "The article on Beeper's subscription plans"
            ]
        );
    }

    #[test]
    fn a_clause_that_asks_stands_alone_however_short_it_is() {
        assert_eq!(
            facets("What did the Halden bridge cost, who paid for it, was it worth it?"),
            [
                "What did the Halden bridge cost?",
                "Halden bridge: who paid for it?",
                "Halden bridge: was it worth it?"
            ]
        );
        assert_eq!(
            facets("In which year was the Osmer Weir opened, and how high was the wall?"),
            ["In which year was the Osmer Weir opened?", "Osmer Weir: how high was the wall?"]
        );
        assert_eq!(
            facets("Wann wurde das Wehr bei Halden gebaut und wer hat es bezahlt?"),
            ["Wann wurde das Wehr bei Halden gebaut?", "Wehr, Halden: wer hat es bezahlt?"]
        );
        assert_eq!(
            facets("What did it cost, and who paid? (Halden bridge)"),
            ["What did it cost?", "Halden bridge: who paid?"]
        );
    }

    #[test]
    fn a_clause_that_says_what_it_speaks_of_needs_no_other_subject() {
        assert_eq!(
            facets("How fast does the surface rise, and what does the mud do to the carbon?"),
            ["How fast does the surface rise?", "What does the mud do to the carbon?"]
        );
        assert_eq!(
            facets("How high is the old bridge, and who paid?"),
            ["How high is the old bridge?", "Old bridge: who paid?"]
        );
    }

    #[test]
    fn a_question_of_one_part_has_no_facets() {
        for question in [
            "In which year was the Sallow Dike breached?",
            "How much did 1,500 ducks eat?",
            "How long and how high is the set-back dike?",
            "How many eels pass the weir, where the old gate is?",
            "Who built the bridge, which was closed?",
            "Why was the gate built and used?",
            "How do the draft and the final plan differ?",
            "",
        ] {
            assert!(facets(question).is_empty(), "{question}: {:?}", facets(question));
        }
    }

    #[test]
    fn a_second_subject_stands_before_the_first() {
        assert_eq!(under("Mirk Sluice", "Who paid?"), "Mirk Sluice: Who paid?");
        assert_eq!(under("Mirk Sluice", "Sallow Dike: who paid?"), "Mirk Sluice, Sallow Dike: who paid?");
    }

    #[test]
    fn halves_are_cut_between_content_words() {
        let halves = |text| halves(text).map(|halves| halves.join(" / "));
        assert_eq!(
            halves("Is the old ladder steep at the mill gate?").unwrap(),
            "old ladder steep / mill gate"
        );
        assert!(halves("How steep is it?").is_none());
    }

    #[test]
    fn names_are_runs_of_capitals_without_the_first_word_of_a_sentence() {
        assert_eq!(
            names("The board removed Sam Altman. Microsoft Corp hired him, said Greg Brockman’s friend."),
            ["Sam Altman", "Microsoft Corp", "Greg Brockman"]
        );
    }
}
