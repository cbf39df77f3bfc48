//! What kind of answer a question asks for, and the signs of it in a sentence. Signs, not
//! understanding: they only tip the scale between sentences that speak of the same thing.

use ibid_index::analysis::is_unspaced;

use super::asking::asked;
use crate::ask::cite::Facts;

/// The kind of answer asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Person,
    Time,
    Place,
    Amount,
    Reason,
    Definition,
    Anything,
}

impl Asked {
    pub(super) fn by(question: &str) -> Self {
        let lower = question.to_lowercase();
        let words: Vec<&str> =
            lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
        let has = |options: &[&str]| words.iter().any(|word| options.contains(word));
        let pair = |first: &str, seconds: &[&str]| {
            words.windows(2).any(|pair| pair[0] == first && seconds.contains(&pair[1]))
        };
        if measure(question).is_some() || has(&["percentage", "percent"]) {
            Self::Amount
        } else if has(&["what", "which"]) && has(&["year", "date", "century", "month", "day"]) {
            Self::Time
        } else if let Some(asked) = asked(question) {
            asked
        } else if has(&["what", "which"]) && has(&["country", "city", "place", "region", "state"]) {
            Self::Place
        } else if words.len() <= 6
            && (pair("what", &["is", "are", "was", "were"]) || words.first() == Some(&"define"))
        {
            Self::Definition
        } else {
            Self::Anything
        }
    }

    /// The same, by what the question is about: who somebody is, is no other name.
    pub(super) fn of(self, asked: &Facts) -> Self {
        let are_names = !asked.words.is_empty() && asked.words.iter().all(|(_, is_name)| *is_name);
        if self == Self::Person && are_names { Self::Definition } else { self }
    }

    /// How strongly a sentence shows the sign, from 0 to 1. What the question says itself is none.
    pub(super) fn shown(self, sentence: &str, facts: &Facts, question: &Facts) -> f32 {
        let new_name = || facts.words.iter().any(|(word, name)| *name && question.holds(word) == 0.0);
        let new_number = || facts.numbers.iter().any(|number| !question.holds_number(number));
        let year = || {
            facts
                .numbers
                .iter()
                .any(|number| (1000.0..2100.0).contains(&number.value) && !question.holds_number(number))
        };
        let lower = format!(" {} ", sentence.to_lowercase());
        let says = |signs: &[&str]| signs.iter().any(|sign| lower.contains(sign));
        let shown = match self {
            Self::Person | Self::Place => new_name(),
            Self::Time => {
                year() || says(MONTHS) || (new_number() && says(&[" century", "centuries", " bc", " ad "]))
            }
            Self::Amount => {
                new_number() || says(&[" one ", " half ", " dozen", " none ", " hundreds", " thousands"])
            }
            Self::Reason => says(&[
                "because",
                " due to ",
                " since ",
                " so that ",
                " in order to ",
                " to avoid ",
                "result of",
                "weil ",
                " wegen ",
                "parce qu",
                " porque ",
                " perché ",
                "потому",
                "çünkü",
                "لأن",
                "بسبب",
                "زیرا",
                "क्योंकि",
                "因为",
                "因為",
                "由于",
                "由於",
                "ため",
                "때문",
            ]),
            Self::Definition => {
                let at = says(&[
                    " is a ",
                    " is an ",
                    " is the ",
                    " are ",
                    " was a ",
                    " was the ",
                    " refers to ",
                    " means ",
                    " ist ein",
                    " est un",
                ]);
                at && !facts.words.is_empty()
            }
            Self::Anything => false,
        };
        f32::from(u8::from(shown))
    }
}

const MONTHS: &[&str] = &[
    "january",
    "february",
    "april",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
    "januar",
    "februar",
    "märz",
    "oktober",
    "dezember",
];

/// The measure that a question asks for: `wide` in "how wide".
pub(super) fn measure(question: &str) -> Option<String> {
    let lower = question.to_lowercase();
    let words: Vec<&str> =
        lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let is_measure = |word| MEASURES.contains(word) || FORMS.contains(word);
    let asked = words.windows(2).find(|pair| pair[0] == "how" && is_measure(&pair[1]))?;
    Some(asked[1].to_owned())
}

/// Whether a measure belongs to the form of the question: an answer in numbers does not repeat it,
/// as "80 metres wide" repeats the others.
pub(super) fn is_form(measure: &str) -> bool {
    FORMS.contains(&measure)
}

const FORMS: &[&str] = &["many", "much", "often", "fast", "quickly", "far", "big", "large"];
const MEASURES: &[&str] =
    &["long", "tall", "old", "high", "low", "deep", "wide", "heavy", "hot", "cold", "steep", "thick"];

/// Whether a sentence is page furniture or debris rather than something said.
pub(super) fn is_debris(sentence: &str) -> bool {
    let lower = sentence.to_lowercase();
    let num_words = sentence.split_whitespace().count();
    let letters = sentence.chars().filter(|c| c.is_alphabetic()).count();
    let visible = sentence.chars().filter(|c| !c.is_whitespace()).count();
    let unspaced = sentence.chars().filter(|c| is_unspaced(*c)).count() > 5;
    let furniture = [
        "all rights reserved",
        "©",
        "cookie",
        "subscribe to",
        "sign up for",
        "click here",
        "terms of use",
        "privacy policy",
        "follow us",
        "log in to",
        "this page intentionally",
    ];
    (num_words < 4 && !unspaced)
        || letters * 2 < visible
        || sentence.contains("....")
        || sentence.contains(". . . .")
        // Bylines and mastheads are told by what parts their items.
        || sentence.matches(" · ").count() >= 2
        || ends_with_page(&lower)
        || furniture.iter().any(|sign| lower.contains(sign))
}

/// Whether a line, in lower case, ends as those at the edge of a page do: "Page 3 of 5".
fn ends_with_page(line: &str) -> bool {
    let page = ["page", "seite", "página", "pagina", "sida", "side", "strona", "страница", "стр."];
    let is_number = |word: &str| word.parse::<u32>().is_ok();
    let mut words = line.rsplit(' ');
    let (total, _of) = (words.next(), words.next());
    total.is_some_and(is_number)
        && words.next().is_some_and(is_number)
        && words.next().is_some_and(|word| page.contains(&word))
}
