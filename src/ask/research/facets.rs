//! A question taken apart without a model: its clauses, each able to be searched by itself. Works
//! on punctuation and the words that join clauses; it does not parse.

use ibid_index::analysis::{Language, TermKind, terms};

use crate::ask::sentence::sentences;

/// Most parts of a question.
const MAX_FACETS: usize = 6;
/// Content words below which a clause is not searched by itself.
const LEAST_WORDS: usize = 3;

/// Content words below which half a question is not searched by itself.
const LEAST_IN_HALF: usize = 2;

/// The parts of a question that can be looked into one by one; empty if it has only one. A part
/// that names nothing gets the names and numbers of the others, in brackets.
pub(super) fn facets(question: &str) -> Vec<String> {
    let language = Language::detect(question).or_else(|| Language::from_code("en"));
    let mut parts: Vec<String> = Vec::new();
    for sentence in sentences(question) {
        let mut clauses = clauses(&question[sentence.range]);
        merge_short(&mut clauses, language);
        parts.extend(clauses);
    }
    merge_short(&mut parts, language);
    parts.truncate(MAX_FACETS);
    if parts.len() < 2 {
        return Vec::new();
    }
    let named: Vec<Vec<String>> = parts.iter().map(|part| pins(part)).collect();
    let with_pins = parts.iter().enumerate().map(|(at, part)| {
        if !named[at].is_empty() {
            return part.clone();
        }
        let others = named.iter().flatten().fold(Vec::new(), |mut known: Vec<&str>, pin| {
            if !known.contains(&pin.as_str()) {
                known.push(pin);
            }
            known
        });
        if others.is_empty() { part.clone() } else { format!("{part} ({})", others.join(" ")) }
    });
    with_pins.collect()
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

/// Cuts a sentence where clauses are joined.
fn clauses(sentence: &str) -> Vec<String> {
    let lower = sentence.to_lowercase();
    // Lowering changes the length of few letters; where it does, nothing is cut.
    if lower.len() != sentence.len() {
        return vec![sentence.to_owned()];
    }
    let mut cuts: Vec<(usize, usize)> = Vec::new();
    for (at, _) in lower.match_indices([',', ';', ':', '–', '—']) {
        let sign = lower[at..].chars().next().map_or(1, char::len_utf8);
        let splits_number = lower[at + sign..].starts_with(|c: char| c.is_ascii_digit());
        if !splits_number {
            cuts.push((at, at + sign));
        }
    }
    for joint in JOINTS {
        cuts.extend(lower.match_indices(joint).map(|(at, joint)| (at, at + joint.len())));
    }
    for opener in OPENERS {
        // The opener itself stays with its clause.
        for conjunction in [" and ", " or ", " und ", " et ", " y "] {
            let joint = format!("{conjunction}{opener} ");
            cuts.extend(lower.match_indices(&joint).map(|(at, _)| (at, at + conjunction.len())));
        }
    }
    cuts.sort_unstable();
    let mut parts = Vec::new();
    let mut start = 0;
    for (from, to) in cuts {
        if from > start {
            parts.push(sentence[start..from].to_owned());
        }
        start = start.max(to);
    }
    parts.push(sentence[start..].to_owned());
    let bare = |part: String| {
        let part = part.trim().trim_end_matches(['?', '.', '!', ',']).trim();
        let rest = ["and ", "but ", "while ", "und ", "et "].iter().find_map(|word| part.strip_prefix(word));
        rest.unwrap_or(part).to_owned()
    };
    parts.into_iter().map(bare).filter(|part| !part.is_empty()).collect()
}

/// Joins clauses with too little to search for to the one before, or else after.
fn merge_short(parts: &mut Vec<String>, language: Option<Language>) {
    let num_words =
        |part: &str| terms(part, language).iter().filter(|term| term.kind != TermKind::Stop).count();
    let mut at = 0;
    while at < parts.len() && parts.len() > 1 {
        if num_words(&parts[at]) >= LEAST_WORDS {
            at += 1;
            continue;
        }
        let short = parts.remove(at);
        match at.checked_sub(1) {
            Some(before) => parts[before] = format!("{}, {short}", parts[before]),
            None => parts[0] = format!("{short}, {}", parts[0]),
        }
    }
}

/// Words between two clauses that belong to neither.
const JOINTS: &[&str] = &[
    " while ",
    " whereas ",
    " compared to ",
    " compared with ",
    " in comparison to ",
    " as opposed to ",
    " versus ",
    " vs. ",
    " and also ",
    " as well as ",
    " während ",
    " tandis que ",
    " mientras ",
];

/// Words a clause begins with after a conjunction.
const OPENERS: &[&str] = &[
    "how", "what", "when", "where", "who", "which", "why", "whether", "is", "are", "was", "were", "has",
    "have", "had", "did", "does", "do", "the", "wie", "was", "wann", "wo", "wer", "comment", "quand", "où",
];

#[cfg(test)]
mod tests {
    use super::{facets, halves, names};

    #[test]
    fn clauses_are_looked_into_one_by_one_with_the_names_they_lack() {
        assert_eq!(
            facets("Why did about 600 fish die in August 2018, and how low did the oxygen level fall?"),
            [
                "Why did about 600 fish die in August 2018",
                "how low did the oxygen level fall (August 600 2018)"
            ]
        );
        assert_eq!(
            facets(
                "Does the article on Twitch's revenue split policy differ compared to the article on Beeper's subscription plans?"
            ),
            [
                "Does the article on Twitch's revenue split policy differ",
                "the article on Beeper's subscription plans"
            ]
        );
    }

    #[test]
    fn a_question_of_one_part_has_no_facets() {
        assert!(facets("In which year was the Sallow Dike breached?").is_empty());
        assert!(facets("How much did 1,500 ducks eat?").is_empty());
        assert!(facets("").is_empty());
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
