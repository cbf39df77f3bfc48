//! How well a finished answer stands on its sources, sentence by sentence. It counts and points;
//! it changes nothing in the answer.

use ibid_index::analysis::Language;

use super::cite::{Facts, PARTIAL, SUPPORTED, Shelf, without_marks};
use super::refusal::reports_nothing;
use super::sentence::{Sentence, SentenceKind, sentences};
use crate::event::{AnswerSpan, Citation, Grounding, Verdict};

/// Weighs each sentence of the answer. A sentence is a claim unless it is a heading, a question,
/// the lead-in of a list, a word about the answer itself, or a note that something was not found.
/// A claim is supported if a citation of its own carries it, or else any supplied passage; it is
/// unsupported if none carries even part of it. Between the two it counts as neither.
///
/// The receipt of an answer that found nothing is the caller's to add: only it knows the queries.
#[must_use]
pub(super) fn ground(answer: &str, citations: &[Citation], shelf: &Shelf, dropped: u32) -> Grounding {
    let language = shelf.language();
    let mut grounding = Grounding { dropped_marks: dropped, ..Grounding::default() };
    for sentence in sentences(answer) {
        let claim = without_marks(&answer[sentence.range.clone()]);
        let heads_table = sentence.kind == SentenceKind::Row
            && answer[sentence.range.end..].trim_start_matches([' ', '\n']).starts_with("|-");
        let facts = Facts::of(&claim, language);
        if heads_table || !is_claim(&claim, &sentence, &facts, language) {
            continue;
        }
        let range = &sentence.range;
        let own = citations
            .iter()
            .filter(|citation| citation.answer_start < range.end && range.start < citation.answer_end);
        let best = own.clone().map(|citation| citation.verdict).min_by_key(|verdict| rank(*verdict));
        grounding.sentences += 1;
        grounding.cited += u32::from(best.is_some());
        let support = match best {
            Some(Verdict::Supported) => 1.0,
            Some(Verdict::Partial) => PARTIAL.max(shelf.support(&claim, facts)),
            Some(Verdict::Unsupported) | None => shelf.support(&claim, facts),
        };
        grounding.supported += u32::from(support >= SUPPORTED);
        if support < PARTIAL {
            grounding.unsupported.push(AnswerSpan { start: range.start, end: range.end });
        }
    }
    grounding
}

fn rank(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Supported => 0,
        Verdict::Partial => 1,
        Verdict::Unsupported => 2,
    }
}

fn is_claim(sentence: &str, place: &Sentence, facts: &Facts, language: Option<Language>) -> bool {
    let sentence = sentence.trim().trim_end_matches(['*', '_', ')', '"', '”']);
    let is_text = !matches!(place.kind, SentenceKind::Heading | SentenceKind::Code);
    // Greek asks with a semicolon.
    let is_greek = language.is_some_and(|language| language.code() == "el");
    let leads_or_asks =
        sentence.ends_with([':', '?', '：', '？', '؟']) || (is_greek && sentence.ends_with(';'));
    let says_something = facts.words.len() + facts.numbers.len() >= 2;
    is_text
        && !leads_or_asks
        && says_something
        && !speaks_of_itself(sentence)
        && !reports_nothing(sentence, language)
}

/// "Here is what the documents say", "In summary": words about the answer.
fn speaks_of_itself(sentence: &str) -> bool {
    let lower = sentence.to_lowercase();
    let opens = [
        "here is ",
        "here are ",
        "here's ",
        "based on the ",
        "i hope",
        "let me ",
        "i can ",
        "i will ",
        "note that the documents",
    ];
    let short = lower.split_whitespace().count() <= 12;
    short
        && opens.iter().any(|opening| lower.starts_with(opening))
        && !lower.contains(|c: char| c.is_ascii_digit() || c == ',')
}

#[cfg(test)]
mod tests {
    use ibid_index::analysis::Language;

    use super::ground;
    use crate::ask::cite::Shelf;
    use crate::ask::cite::fixtures::{Read, excerpts, read};

    #[track_caller]
    fn check(text: &str, counts: [u32; 3], unsupported: &[&str]) {
        check_in("en", text, counts, unsupported);
    }

    #[track_caller]
    fn check_in(code: &str, text: &str, [sentences, cited, supported]: [u32; 3], unsupported: &[&str]) {
        let language = Language::from_code(code);
        let (pieces, scanner) = read(&excerpts(), language, [text]);
        let citations: Vec<_> = pieces.into_iter().filter_map(Read::citation).collect();
        let answer = scanner.answer();
        let found = ground(answer, &citations, &Shelf::new(excerpts(), language), scanner.dropped_marks());
        assert_eq!([found.sentences, found.cited, found.supported], [sentences, cited, supported], "{text}");
        let spans: Vec<_> = found.unsupported.iter().map(|span| &answer[span.start..span.end]).collect();
        assert_eq!(spans, unsupported);
    }

    #[test]
    fn cited_carried_and_invented_sentences_are_told_apart() {
        check(
            "# Acme\nHere is what your documents say:\nAcme was founded in Oslo in 1998 [1]. The board approved the merger \
             in May 2020. Elephants paint watercolours on Mars. Is that all?",
            [3, 1, 2],
            &["Elephants paint watercolours on Mars."],
        );
    }

    #[test]
    fn a_claim_without_a_mark_may_write_out_what_the_passages_write_short() {
        let language = Language::from_code("en");
        let mut excerpts = excerpts();
        excerpts[0].text = "The tide gauge network (TGN) began in 1904.".to_owned();
        excerpts[1].text = "The TGN warned the town twice.".to_owned();
        let found =
            ground("The tide gauge network warned the town twice.", &[], &Shelf::new(excerpts, language), 0);
        assert_eq!((found.sentences, found.supported), (1, 1), "{found:?}");
    }

    #[test]
    fn a_mark_does_not_save_a_false_claim() {
        check(
            "Elephants paint watercolours on Mars [1].",
            [1, 1, 0],
            &["Elephants paint watercolours on Mars [1]."],
        );
        check("Acme was founded in Oslo in 1998 [2].", [1, 1, 1], &[]);
    }

    #[test]
    fn a_question_is_no_claim_however_its_language_marks_it() {
        check_in("el", "Πότε χτίστηκε ο παλιός φάρος;", [0, 0, 0], &[]);
        check_in("ar", "متى بنيت المنارة القديمة؟", [0, 0, 0], &[]);
        check("Elephants paint watercolours;", [1, 0, 0], &["Elephants paint watercolours;"]);
    }

    #[test]
    fn saying_that_nothing_was_found_is_no_claim() {
        check("Los documentos no mencionan el precio de la torre.", [0, 0, 0], &[]);
        check("Your documents do not answer this.", [0, 0, 0], &[]);
        check("The company does not sell hardware.", [1, 0, 1], &[]);
    }
}
