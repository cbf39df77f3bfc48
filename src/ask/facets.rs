//! A question taken apart without a model: its clauses, each able to be searched by itself. Works
//! on punctuation, the words that join clauses and those that open a question; it does not parse.

mod clause;

use ibid_index::analysis::{Language, TermKind, terms};

use self::clause::{Clause, clauses, told_apart};
use crate::ask::condense::points;
use crate::ask::framing::is_framing;
use crate::ask::sentence::sentences;

/// Most parts of a question.
const MAX_FACETS: usize = 6;
/// Content words below which a clause that asks nothing is not searched by itself.
const LEAST_WORDS: usize = 3;
/// Content words below which half a question is not searched by itself.
const LEAST_IN_HALF: usize = 2;

/// The parts of a question that can be looked into one by one; empty if it has only one. A part
/// that names nothing is put under the subject of the one before it that does.
pub(crate) fn facets(question: &str) -> Vec<String> {
    let (question, carried) = without_carried(question);
    let language = Language::of_question(question).or_else(|| Language::from_code("en"));
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
    let is_question = question.trim_end().ends_with('?');
    let leads = parts.iter().position(|part| !pins(&part.text).is_empty()).unwrap_or(0);
    let subject = carried.map_or_else(|| subject(&parts[leads], language), str::to_owned);
    let names = carried.is_some() || !pins(&parts[leads].text).is_empty();
    let put = |(at, part): (usize, Clause)| {
        let text = part.as_written(is_question);
        let says_enough = !names && num_words(&part.text, language) > 1 && !points(&part.text, language);
        let is_own = !pins(&part.text).is_empty() || says_enough;
        // What a part leaves out was said before it, not after.
        let may_lean = carried.is_some() || at > leads;
        match may_lean && !is_own && !subject.is_empty() {
            true => capitalised(&under(&subject, &text)),
            false => capitalised(&text),
        }
    };
    parts.into_iter().enumerate().map(put).collect()
}

/// The two things of which a question asks how they differ.
pub(crate) fn sides(question: &str) -> Option<[String; 2]> {
    told_apart(without_carried(question).0).map(|sides| sides.map(str::to_owned))
}

/// A question put under a subject: `Sallow Dike: how wide was the breach?`
pub(crate) fn under(subject: &str, question: &str) -> String {
    let known = question.split_once(": ").filter(|(known, _)| known.split(' ').count() <= MAX_SUBJECT);
    match known {
        Some((known, rest)) => format!("{subject}, {known}: {rest}"),
        None => format!("{subject}: {question}"),
    }
}

/// Longest subject before a colon, in words.
const MAX_SUBJECT: usize = 6;

/// A text that begins with a capital, as a heading does.
pub(crate) fn capitalised(text: &str) -> String {
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

/// A run of content words.
struct Run {
    start: usize,
    end: usize,
    /// Where its last word begins.
    last: usize,
    is_named: bool,
    has_number: bool,
}

/// Whether words with this between them are one run.
fn joins(between: &str) -> bool {
    between.chars().all(|c| c == ' ' || c == '-')
}

/// What a clause speaks of: its runs of content words, or of these only those with names and numbers
/// if it has names. A verb at its end is left out, which in a question is where verbs stand.
fn subject(clause: &Clause, language: Option<Language>) -> String {
    let text = clause.text.as_str();
    let mut runs: Vec<Run> = Vec::new();
    let mut is_open = false;
    for term in terms(text, language) {
        let word = &text[term.start..term.end];
        if term.kind == TermKind::Stop || term.start < clause.subject_at() || is_framing(word) {
            is_open = false;
            continue;
        }
        let has_number = term.kind == TermKind::Number;
        let is_named = word.starts_with(char::is_uppercase) && term.start > 0;
        match runs.last_mut() {
            // The words of a script without spaces overlap.
            Some(run) if is_open && joins(text.get(run.end..term.start).unwrap_or_default()) => {
                (run.end, run.last) = (term.end, term.start);
                run.is_named |= is_named;
                run.has_number |= has_number;
            }
            _ => runs.push(Run { start: term.start, end: term.end, last: term.start, is_named, has_number }),
        }
        is_open = true;
    }
    let num_runs = runs.len();
    if let Some(run) = runs.last_mut()
        && clause.asks
        && !clause.names_a_thing()
        && run.end == text.len()
        && text[run.last..].starts_with(char::is_lowercase)
    {
        let kept = text[run.start..run.last].trim_end();
        // "The old bridge" has no verb to lose.
        match kept.split(' ').count() {
            0 | 1 if num_runs == 1 && !run.is_named && !run.has_number => {}
            _ if kept.is_empty() => drop(runs.pop()),
            _ => (run.end, run.last) = (run.start + kept.len(), run.start),
        }
    }
    if runs.iter().any(|run| run.is_named) {
        runs.retain(|run| run.is_named || run.has_number);
    }
    // What was done to it, in English, is no part of a name: "Sam Altman removed".
    let bare = |run: &Run| {
        let run = &text[run.start..run.end];
        match run.rsplit_once(' ') {
            Some((name, done)) if done.ends_with("ed") && done.starts_with(char::is_lowercase) => name,
            _ => run,
        }
    };
    runs.iter().map(bare).collect::<Vec<_>>().join(", ")
}

/// A text cut in two between its content words, for when all of it together finds nothing; none if
/// its halves would say too little.
pub(crate) fn halves(text: &str) -> Option<[String; 2]> {
    let language = Language::of_question(text).or_else(|| Language::from_code("en"));
    let words: Vec<_> = terms(text, language)
        .filter(|term| term.kind != TermKind::Stop && !is_framing(&text[term.start..term.end]))
        .collect();
    if words.len() < 2 * LEAST_IN_HALF {
        return None;
    }
    let middle = words.len().div_ceil(2);
    let (first, last) = (&words[..middle], &words[middle..]);
    Some([first, last].map(|half| text[half[0].start..half[half.len() - 1].end].to_owned()))
}

/// The names in a text: runs of capitalised words, the first word of a sentence only if it goes on.
pub(crate) fn names(text: &str) -> Vec<String> {
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
    terms(&lower, Language::from_code("en")).next().is_none_or(|term| term.kind == TermKind::Stop)
}

/// Number of content words.
fn num_words(text: &str, language: Option<Language>) -> usize {
    terms(text, language).filter(|term| term.kind != TermKind::Stop).count()
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
    use super::{MAX_FACETS, facets, halves, names, under};

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
            ["Halden bridge: What did it cost?", "Halden bridge: who paid?"]
        );
    }

    #[test]
    fn a_part_leans_on_what_was_said_before_it_and_on_the_names_in_that() {
        assert_eq!(
            facets("Why did lapwings decline, and how many redshank pairs were there in 2022?"),
            ["Why did lapwings decline?", "How many redshank pairs were there in 2022?"]
        );
        assert_eq!(
            facets(
                "What are the risks of the Thornholme project, when will it be built and what will it cost?"
            ),
            [
                "What are the risks of the Thornholme project?",
                "Thornholme project: when will it be built?",
                "Thornholme project: what will it cost?"
            ]
        );
        assert_eq!(
            facets("Why was Sam Altman removed from OpenAI, and who replaced him?"),
            ["Why was Sam Altman removed from OpenAI?", "Sam Altman, OpenAI: who replaced him?"]
        );
        assert_eq!(
            facets("List all species of birds in the reed and how their numbers changed."),
            ["List all species of birds in the reed", "Species, birds, reed: how their numbers changed"]
        );
    }

    #[test]
    fn two_sides_that_are_to_be_compared_are_looked_into_one_by_one() {
        assert_eq!(
            facets("Compare the ladder that was built with what the French workshop advised."),
            ["The ladder that was built", "What the French workshop advised"]
        );
        assert_eq!(
            facets("Vergleiche die Leiter am Wehr mit der Leiter am Hafen."),
            ["Die Leiter am Wehr", "Der Leiter am Hafen"]
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

    #[test]
    fn words_of_a_script_without_spaces_overlap() {
        let question = "漢字。, 咂咂咂和？, \u{fffd}y qu\u{fffd}\u{fffd}咂和？";
        assert!(facets(question).iter().all(|facet| !facet.trim().is_empty()));
    }

    #[test]
    fn no_question_breaks_into_parts_that_are_empty_or_too_many() {
        let examples = [
            "What did the dike cost, who paid for it, and was it worth €21.3 million?",
            "Wie breit war der Bruch, und wann wurde er geschlossen? Warum?",
            "When was it (Sallow Dike: the old one) breached; how wide; why? (Osmer restoration)",
            "漢字。和？¿Qué costó y quién lo pagó?",
        ];
        let examples = examples.map(|example| example.as_bytes().to_vec());
        let words = [" and ", ", who ", "? ", ": ", "; ", " (", ")", " und ", " how ", "Dike ", "\n\n"];
        crate::fuzz::fuzz("facets", &examples, &words, |bytes| {
            let text = String::from_utf8_lossy(bytes);
            let parts = facets(&text);
            assert!(parts.len() <= MAX_FACETS && parts.iter().all(|part| !part.trim().is_empty()));
        });
    }
}
