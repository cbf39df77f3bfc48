//! What came of a question, and what that adds up to. A rate is known only where something could be
//! right: a question without a page says nothing about pages.

use std::time::Duration;

use ibid::ask::cite::without_marks;
use ibid::ask::sentence::sentences;
use ibid::event::{Citation, Usage};
use ibid_index::analysis::is_unspaced;
use serde::{Deserialize, Serialize};
use unicode_segmentation::UnicodeSegmentation;
use uuid::Uuid;

use super::questions::Question;

/// What a search gave.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Found {
    pub(super) hits: Vec<Hit>,
    #[serde(skip)]
    pub(super) elapsed: Duration,
}

#[derive(Debug, Deserialize)]
pub(super) struct Hit {
    document_id: Uuid,
    page: Option<u32>,
    text: String,
}

/// What an answer gave.
#[derive(Debug, Default)]
pub(super) struct Asked {
    pub(super) model: Option<String>,
    /// What the server searched for first.
    pub(super) query: Option<String>,
    pub(super) text: String,
    pub(super) citations: Vec<Cited>,
    pub(super) usage: Usage,
    pub(super) first_token: Option<Duration>,
    pub(super) elapsed: Duration,
    pub(super) failure: Option<String>,
}

#[derive(Debug)]
pub(super) struct Cited {
    pub(super) citation: Citation,
    /// Whether the quote stands, byte for byte, where it says.
    pub(super) is_valid: bool,
}

/// What came of one question. Ranks count from 1; absent is not found.
#[derive(Debug, Serialize)]
pub(super) struct Outcome {
    pub(super) line: usize,
    pub(super) question: String,
    answerable: bool,
    /// The best rank of each document the answer needs.
    document_ranks: Vec<Option<usize>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    page_rank: Option<Option<usize>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quote_rank: Option<Option<usize>>,
    search_ms: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<Answer>,
}

#[derive(Debug, Serialize)]
struct Answer {
    text: String,
    /// Nothing was cited.
    refused: bool,
    citations: usize,
    valid_quotes: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    cites_document: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cites_page: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cites_quote: Option<bool>,
    /// Whether it says what the answer should.
    #[serde(skip_serializing_if = "Option::is_none")]
    says_answer: Option<bool>,
    /// Whether its first sentence does.
    #[serde(skip_serializing_if = "Option::is_none")]
    says_answer_first: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_token_ms: Option<f64>,
    total_ms: f64,
    usage: Usage,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<String>,
}

impl Outcome {
    /// What went wrong, in a few words.
    pub(super) fn miss(&self) -> Option<String> {
        let lost = self.document_ranks.first() == Some(&None);
        let Some(answer) = &self.answer else { return lost.then(|| "document not found".to_owned()) };
        if let Some(failure) = &answer.failure {
            return Some(failure.clone());
        }
        let miss = match answer {
            Answer { refused, .. } if *refused == self.answerable => {
                if *refused {
                    "nothing cited"
                } else {
                    "cites something"
                }
            }
            Answer { valid_quotes, citations, .. } if valid_quotes < citations => "a quote does not stand",
            _ if lost => "document not found",
            Answer { cites_document: Some(false), .. } => "document not cited",
            Answer { cites_page: Some(false), .. } => "page not cited",
            Answer { cites_quote: Some(false), .. } => "quote not cited",
            Answer { says_answer: Some(false), .. } => "answer not said",
            _ => return None,
        };
        Some(miss.to_owned())
    }
}

pub(super) fn judge(question: &Question, found: &Found, asked: Asked, was_asked: bool) -> Outcome {
    let rank = |is_right: &dyn Fn(&Hit) -> bool| found.hits.iter().position(is_right).map(|rank| rank + 1);
    let main = question.documents.first().copied();
    let quote = question.quote.as_deref().map(folded);
    let of_main = |id: Uuid| main.is_none_or(|main| main == id);
    Outcome {
        line: question.line,
        question: question.question.clone(),
        answerable: question.is_answerable,
        document_ranks: question.documents.iter().map(|id| rank(&|hit| hit.document_id == *id)).collect(),
        page_rank: question.page.map(|page| rank(&|hit| of_main(hit.document_id) && hit.page == Some(page))),
        quote_rank: quote
            .as_ref()
            .map(|quote| rank(&|hit| of_main(hit.document_id) && folded(&hit.text).contains(quote.as_str()))),
        search_ms: ms(found.elapsed),
        answer: was_asked.then(|| answer(question, quote.as_deref(), asked)),
    }
}

fn answer(question: &Question, quote: Option<&str>, asked: Asked) -> Answer {
    let citations = || asked.citations.iter().map(|cited| &cited.citation);
    let main = question.documents.first().copied();
    let of_main = |citation: &Citation| main.is_none_or(|main| main == citation.document_id);
    let plain = without_marks(&asked.text);
    let first = sentences(&plain).first().map_or("", |sentence| &plain[sentence.range.clone()]);
    let says = |text: &str| {
        let is_judged = !question.answers.is_empty();
        is_judged.then(|| question.answers.iter().any(|answer| says(text, answer)))
    };
    Answer {
        refused: asked.citations.is_empty() && asked.failure.is_none(),
        citations: asked.citations.len(),
        valid_quotes: asked.citations.iter().filter(|cited| cited.is_valid).count(),
        cites_document: main.map(|_| citations().any(of_main)),
        cites_page: question
            .page
            .map(|page| citations().any(|citation| of_main(citation) && citation.page == Some(page))),
        // A citation may quote more than the answer needs, or one sentence of a longer quote.
        cites_quote: quote.map(|quote| {
            citations().filter(|citation| of_main(citation)).any(|citation| {
                let cited = folded(&citation.quote);
                cited.contains(quote) || (!cited.is_empty() && quote.contains(&cited))
            })
        }),
        says_answer: says(&plain),
        says_answer_first: says(first),
        text: asked.text,
        first_token_ms: asked.first_token.map(ms),
        total_ms: ms(asked.elapsed),
        usage: asked.usage,
        failure: asked.failure,
    }
}

/// What all outcomes add up to. Rates are from 0 to 1.
#[derive(Debug, Default, PartialEq, Serialize)]
pub(super) struct Summary {
    pub(super) questions: usize,
    pub(super) answerable: usize,
    /// Questions that ended in an error; they count as answered wrongly.
    pub(super) failed: usize,
    /// Documents among the first 1, 5 and 10 places.
    pub(super) document_recall: [Option<f64>; 3],
    pub(super) page_recall: [Option<f64>; 3],
    pub(super) quote_recall: [Option<f64>; 3],
    pub(super) search_ms: Option<Spread>,
    pub(super) answers: Option<Answers>,
}

/// The k of recall@k.
pub(super) const RANKS: [usize; 3] = [1, 5, super::DEPTH];

#[derive(Debug, Default, PartialEq, Serialize)]
pub(super) struct Answers {
    pub(super) document_cited: Option<f64>,
    pub(super) page_cited: Option<f64>,
    pub(super) quote_cited: Option<f64>,
    /// Of the answers whose words are known, those that say them: anywhere, and in the first sentence.
    pub(super) answer_said: Option<f64>,
    pub(super) answer_said_first: Option<f64>,
    /// Of all citations, those whose quote stands where they say.
    pub(super) quotes_valid: Option<f64>,
    pub(super) citations: usize,
    /// Of what was refused, what has no answer.
    pub(super) refusal_precision: Option<f64>,
    /// Of what has no answer, what was refused.
    pub(super) refusal_recall: Option<f64>,
    pub(super) first_token_ms: Option<Spread>,
    pub(super) total_ms: Option<Spread>,
    pub(super) usage: Usage,
}

/// How long it took, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Spread {
    pub(super) p50: f64,
    pub(super) p95: f64,
}

impl Summary {
    pub(super) fn of(outcomes: &[Outcome]) -> Self {
        let answers: Vec<(bool, &Answer)> = outcomes
            .iter()
            .filter_map(|outcome| Some((outcome.answerable, outcome.answer.as_ref()?)))
            .collect();
        let documents = || outcomes.iter().flat_map(|outcome| outcome.document_ranks.iter().copied());
        Self {
            questions: outcomes.len(),
            answerable: outcomes.iter().filter(|outcome| outcome.answerable).count(),
            failed: answers.iter().filter(|(_, answer)| answer.failure.is_some()).count(),
            document_recall: recall(documents()),
            page_recall: recall(outcomes.iter().filter_map(|outcome| outcome.page_rank)),
            quote_recall: recall(outcomes.iter().filter_map(|outcome| outcome.quote_rank)),
            search_ms: spread(outcomes.iter().map(|outcome| outcome.search_ms)),
            answers: (!answers.is_empty()).then(|| Answers::of(&answers)),
        }
    }
}

impl Answers {
    fn of(answers: &[(bool, &Answer)]) -> Self {
        let each = || answers.iter().map(|(_, answer)| *answer);
        let citations: usize = each().map(|answer| answer.citations).sum();
        let valid: usize = each().map(|answer| answer.valid_quotes).sum();
        let refused = answers.iter().filter(|(_, answer)| answer.refused);
        let unanswerable = answers.iter().filter(|(answerable, _)| !answerable);
        Self {
            document_cited: share(each().filter_map(|answer| answer.cites_document)),
            page_cited: share(each().filter_map(|answer| answer.cites_page)),
            quote_cited: share(each().filter_map(|answer| answer.cites_quote)),
            answer_said: share(each().filter_map(|answer| answer.says_answer)),
            answer_said_first: share(each().filter_map(|answer| answer.says_answer_first)),
            quotes_valid: (citations > 0).then(|| valid as f64 / citations as f64),
            citations,
            refusal_precision: share(refused.map(|(answerable, _)| !answerable)),
            refusal_recall: share(unanswerable.map(|(_, answer)| answer.refused)),
            first_token_ms: spread(each().filter_map(|answer| answer.first_token_ms)),
            total_ms: spread(each().map(|answer| answer.total_ms)),
            usage: each().fold(Usage::default(), |sum, answer| sum.and(answer.usage)),
        }
    }
}

fn recall(ranks: impl Iterator<Item = Option<usize>>) -> [Option<f64>; 3] {
    let ranks: Vec<_> = ranks.collect();
    RANKS.map(|most| share(ranks.iter().map(|rank| rank.is_some_and(|rank| rank <= most))))
}

fn share(right: impl Iterator<Item = bool>) -> Option<f64> {
    let (mut num_right, mut num_all) = (0_u32, 0_u32);
    for is_right in right {
        num_right += u32::from(is_right);
        num_all += 1;
    }
    (num_all > 0).then(|| f64::from(num_right) / f64::from(num_all))
}

/// The nearest ranks of the median and of the slowest twentieth.
fn spread(times: impl Iterator<Item = f64>) -> Option<Spread> {
    let mut times: Vec<f64> = times.collect();
    times.sort_unstable_by(f64::total_cmp);
    let at = |percent: usize| times.get((times.len() * percent).div_ceil(100).saturating_sub(1)).copied();
    Some(Spread { p50: at(50)?, p95: at(95)? })
}

fn ms(time: Duration) -> f64 {
    (time.as_secs_f64() * 10_000.0).round() / 10.0
}

/// The words of a text in lower case, without what stands between them. Of a script whose words are not
/// parted, or carry their grammar, as Korean does, each character is one.
pub(super) fn words<'a>(text: &'a str) -> impl Iterator<Item = String> {
    let parted = |word: &'a str| {
        let (mut parts, mut rest) = (Vec::new(), word);
        while let Some(at) = rest.find(is_unspaced) {
            let length = rest[at..].chars().next().map_or(0, char::len_utf8);
            parts.extend([&rest[..at], &rest[at..at + length]]);
            rest = &rest[at + length..];
        }
        parts.push(rest);
        parts.into_iter().filter(|part: &&str| !part.is_empty())
    };
    text.unicode_words().flat_map(parted).map(str::to_lowercase)
}

/// Whether the words of an answer stand in a text, one after the other: 10 is not said by 2010.
fn says(text: &str, answer: &str) -> bool {
    let (text, answer): (Vec<String>, Vec<String>) = (words(text).collect(), words(answer).collect());
    !answer.is_empty() && text.windows(answer.len()).any(|said| said == answer)
}

/// Letters and digits only: line ends, hyphens at them and table bars differ by format.
pub(super) fn folded(text: &str) -> String {
    text.chars().filter(|char| char.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_and_the_slowest_twentieth_are_times_that_occurred() {
        let times = || (1..=40).map(f64::from);
        assert_eq!(spread(times()), Some(Spread { p50: 20.0, p95: 38.0 }));
        assert_eq!(spread([7.0].into_iter()), Some(Spread { p50: 7.0, p95: 7.0 }));
        assert_eq!(spread(std::iter::empty()), None);
    }

    #[test]
    fn an_answer_is_said_by_its_words_and_not_by_parts_of_others() {
        for (text, answer, is_said) in [
            ("It is **4.7 kilometres** long.", "4.7 Kilometres", true),
            ("It was built in 2010.", "10", false),
            ("首都は東京です。", "東京", true),
            ("수도는 서울에서", "서울", true),
            ("수도는 서울에서", "부산", false),
            ("By Rollo, a Norse leader", "norse leader.", true),
            ("By Rollo, a Norse leader", "leader Norse", false),
            ("Nothing", "", false),
        ] {
            assert_eq!(says(text, answer), is_said, "{text} {answer}");
        }
    }

    #[test]
    fn recall_counts_what_stands_high_enough_and_is_unknown_without_anything_to_find() {
        let ranks = [Some(1), Some(4), Some(9), None];
        assert_eq!(recall(ranks.into_iter()), [Some(0.25), Some(0.5), Some(0.75)]);
        assert_eq!(recall(std::iter::empty()), [None; 3]);
    }
}
