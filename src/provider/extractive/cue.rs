//! What kind of answer a question asks for, and the signs of it in a sentence. Signs, not
//! understanding: they only tip the scale between sentences that speak of the same thing.

use ibid_index::analysis::{Language, TermKind, terms};

use super::asking::asked;
use crate::ask::cite::{Facts, Number};

/// The kind of answer asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Person,
    Time,
    Place,
    /// In one of these units, if it is told which.
    Amount(&'static [&'static str]),
    Reason,
    Definition,
    /// Yes or no.
    Whether,
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
        if has(&["percentage", "percent"]) {
            Self::Amount(&["%"])
        } else if measure(question).is_some() {
            Self::Amount(units(&words))
        } else if has(&["what", "which"]) && has(&["year", "date", "century", "month", "day"]) {
            Self::Time
        } else if let Some(asked) = asked(question) {
            match asked {
                Self::Amount(_) => Self::Amount(units(&words)),
                other => other,
            }
        } else if has(&["what", "which"]) && has(&["country", "city", "place", "region", "state"]) {
            Self::Place
        } else if pair("what", &["is", "are", "was", "were"]) && names_quantity(&words) {
            Self::Amount(&[])
        } else if words.len() <= 6
            && (pair("what", &["is", "are", "was", "were"]) || words.first() == Some(&"define"))
        {
            Self::Definition
        } else if words.first().is_some_and(|first| AUXILIARIES.contains(first)) && is_english(question) {
            Self::Whether
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
            Self::Amount(units) => {
                let is_amount = |number: &&Number| !number.is_label && !question.holds_number(number);
                let mut new = facts.numbers.iter().filter(is_amount);
                let in_words = says(&[" one ", " half ", " dozen", " none ", " hundreds", " thousands"]);
                let in_units =
                    new.clone().any(|number| number.unit.is_some_and(|unit| units.contains(&unit)));
                let is_told = in_words || new.any(|number| units.is_empty() || number.unit.is_none());
                let is_often = units == OFTEN && says(FREQUENCIES);
                match is_told {
                    _ if in_units || is_often => return 1.0,
                    // It may be in a unit that is not known.
                    true if !units.is_empty() => return 0.5,
                    is_told => is_told,
                }
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
                let signs = [
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
                ];
                // It is said of what is asked for, or, as "it" or "these", of what was told before.
                let is_subject = |before: &str| {
                    let mut last = before.split_whitespace().rev().take(WORDS_BEFORE);
                    before.split_whitespace().count() <= 1
                        || last.any(|last| question.words.iter().any(|(word, _)| last.contains(&**word)))
                };
                signs.iter().filter_map(|sign| lower.find(sign)).any(|at| is_subject(&lower[..at]))
            }
            Self::Whether | Self::Anything => false,
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

/// The units that a question asks for an amount in, by the words of it, in lower case; none if it does not
/// tell.
fn units(words: &[&str]) -> &'static [&'static str] {
    let question = format!(" {} ", words.join(" "));
    let says = |phrase: &&str| question.contains(&format!(" {phrase} "));
    UNITS.iter().find(|(phrases, _)| phrases.iter().any(says)).map_or(&[], |(_, units)| units)
}

/// Whether a question is in English, or in a language that does not show.
fn is_english(question: &str) -> bool {
    Language::of_question(question).is_none_or(|language| language.code() == "en")
}

/// What an English question opens with that is answered by yes or no.
#[rustfmt::skip]
const AUXILIARIES: &[&str] = &[
    "is", "are", "was", "were", "am", "do", "does", "did", "can", "could", "may", "might", "must", "shall",
    "should", "will", "would", "has", "have", "had",
];

/// Words before what says what something is among which that is named.
const WORDS_BEFORE: usize = 3;

/// Whether what is asked for is a quantity: a `length` of something, or the `average` of it.
fn names_quantity(words: &[&str]) -> bool {
    let named = words.iter().position(|word| PREPOSITIONS.contains(word)).map_or(words, |at| &words[..at]);
    named.iter().any(|word| EXTREMES.contains(word))
        || named.last().is_some_and(|last| QUANTITIES.contains(&last.trim_end_matches('s')))
}

const PREPOSITIONS: &[&str] = &["of", "for", "in", "to", "at", "by", "on", "from", "per", "between"];
const EXTREMES: &[&str] = &["maximum", "minimum", "average", "mean", "median", "total"];
#[rustfmt::skip]
const QUANTITIES: &[&str] = &[
    "length", "height", "width", "depth", "weight", "size", "area", "volume", "number", "amount", "cost",
    "price", "rate", "percentage", "share", "proportion", "ratio", "budget", "salary", "fee", "speed",
    "distance", "duration", "age", "population", "temperature", "revenue", "income", "profit", "value", "default",
    "limit", "capacity", "threshold",
];

const OFTEN: &[&str] = &["h", "day", "week", "month", "year"];
const FREQUENCIES: &[&str] = &[
    " every ",
    " each ",
    " per ",
    " once ",
    " twice ",
    " daily",
    " weekly",
    " monthly",
    " quarterly",
    " annual",
    " yearly",
    " hourly",
    " biweekly",
];

/// What asks for an amount, and in which units that is told.
#[rustfmt::skip]
const UNITS: &[(&[&str], &[&str])] = &[
    (&["how often", "how frequently", "wie oft", "wie häufig", "à quelle fréquence", "con qué frecuencia"], OFTEN),
    (
        &[
            "how old", "wie alt", "quel âge", "hoe oud", "hur gammal", "hvor gammel", "combien de temps",
            "cuánto tiempo", "quanto tempo", "hur länge", "hvor lenge", "hvor længe", "jak długo", "jak dlouho",
            "как долго", "як довго", "kuinka kauan", "mennyi ideig",
        ],
        &["ms", "s", "min", "h", "day", "week", "month", "year"],
    ),
    (
        &["how long", "wie lang", "wie lange", "hoe lang", "hur lång", "hvor lang", "hvor langt"],
        &["ms", "s", "min", "h", "day", "week", "month", "year", "mm", "cm", "m", "km", "ft", "mile"],
    ),
    (
        &["how tall", "how deep", "how wide", "how thick", "how far", "wie tief", "wie breit", "wie weit"],
        &["mm", "cm", "m", "km", "ft", "mile"],
    ),
    (&["how fast", "wie schnell", "hoe snel", "hur snabbt", "hvor hurtigt", "hvor fort"], &["km/h", "mile", "km", "m"]),
    (&["how heavy", "wie schwer"], &["mg", "g", "kg", "t", "lb"]),
    (&["how hot", "how cold"], &["°c", "°f"]),
];

/// Whether a question asks how to do something, which is told in steps.
pub(super) fn asks_way(question: &str) -> bool {
    let lower = question.trim_start_matches(['¿', ' ']).to_lowercase();
    WAYS.iter().any(|opener| lower.starts_with(opener))
}

#[rustfmt::skip]
const WAYS: &[&str] = &[
    "how do ", "how can ", "how to ", "how should ", "how would ", "wie kann ", "wie können ", "wie mache ",
    "wie muss ", "comment ", "cómo ", "come ", "como ", "hoe kan ", "hoe moet ", "hur kan ", "hur gör ",
    "hvordan ", "jak ", "как ", "nasıl ",
];

/// Whether a question may ask for what changed from version to version.
pub(super) fn asks_change(question: &str) -> bool {
    let lower = question.to_lowercase();
    CHANGES.iter().any(|sign| lower.contains(sign))
}

#[rustfmt::skip]
const CHANGES: &[&str] = &[
    "version", "versión", "versão", "release", "chang", "deprecat", "since", "new in", "what's new", "what’s new", "added",
    "removed", "fixed", "introduced", "geändert", "neu in", "veraltet", "seit", "entfernt", "nouveau", "modifié",
    "obsolète", "depuis", "nuevo", "cambi", "obsoleto", "desde",
];

/// Whether what stands above a column says that there are reasons in it.
pub(super) fn names_reason(head: &Facts, language: Option<Language>) -> bool {
    REASONS.iter().any(|word| terms(word, language).any(|term| head.holds(&term.stem) == 1.0))
}

#[rustfmt::skip]
const REASONS: &[&str] = &[
    "reason", "cause", "why", "motive", "explanation", "Grund", "Ursache", "raison", "motif", "razón", "motivo", "causa",
    "reden", "oorzaak", "orsak", "årsag", "årsak", "przyczyna", "powód", "причина",
];

/// What a question asks the number of: `gates` in "how many gates".
pub(super) fn counted(question: &str, language: Option<Language>) -> Option<String> {
    let lower = question.to_lowercase();
    let at = MANY.iter().find_map(|phrase| {
        let at = lower.find(phrase)?;
        lower[..at].chars().next_back().is_none_or(|c| !c.is_alphanumeric()).then_some(at + phrase.len())
    })?;
    let noun = terms(&lower[at..], language).find(|term| term.kind == TermKind::Word)?;
    Some(noun.stem)
}

#[rustfmt::skip]
const MANY: &[&str] = &[
    "how many ", "wie viele ", "wie vielen ", "wieviele ", "hoeveel ", "hur många ", "hvor mange ", "combien de ",
    "combien d'", "combien d’", "cuántos ", "cuántas ", "quanti ", "quante ", "quantos ", "quantas ", "câți ", "câte ",
    "сколько ", "ile ", "ilu ", "kolik ", "koľko ", "koliko ", "hány ", "kaç ", "kuinka monta ",
];

/// Words between a number and what it is the number of: "61,000 edge servers".
const WORDS_BETWEEN: usize = 2;

/// Whether a new number stands before the word that is counted.
pub(super) fn counts(
    text: &str,
    facts: &Facts,
    question: &Facts,
    noun: &str,
    language: Option<Language>,
) -> bool {
    let numbers = facts.numbers.iter().filter(|number| !number.is_label && !question.holds_number(number));
    let behind = |number: &Number| {
        let rest = text.get(number.start..)?;
        let behind = terms(rest, language).skip(1).take(WORDS_BETWEEN + 1);
        behind.take_while(|term| term.kind == TermKind::Word).find(|term| term.stem == noun)
    };
    numbers.filter_map(behind).next().is_some()
}

/// The measure that a question asks for: `wide` in "how wide".
pub(super) fn measure(question: &str) -> Option<String> {
    let lower = question.to_lowercase();
    let words: Vec<&str> =
        lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let is_measure = |word| MEASURES.contains(word) || FORMS.contains(word);
    let asked = words.windows(2).find(|pair| HOW.contains(&pair[0]) && is_measure(&pair[1]))?;
    Some(asked[1].to_owned())
}

/// Whether a measure belongs to the form of the question: an answer in numbers does not repeat it,
/// as "80 metres wide" repeats the others.
pub(super) fn is_form(measure: &str) -> bool {
    FORMS.contains(&measure)
}

/// What a measure is asked for with, in the languages that do so with a word of its own.
const HOW: &[&str] = &["how", "wie", "hoe", "hur", "hvor"];
#[rustfmt::skip]
const FORMS: &[&str] = &[
    "many", "much", "often", "fast", "quickly", "far", "big", "large", "long", "lang", "lange", "hoch", "groß",
    "weit", "alt", "schwer", "tief", "breit", "schnell", "oft", "häufig", "teuer", "viel", "viele", "vielen",
    "hoog", "groot", "ver", "oud", "zwaar", "diep", "breed", "snel", "vaak", "duur", "veel", "lång", "långt",
    "länge", "hög", "högt", "stor", "stort", "gammal", "tung", "djup", "snabbt", "ofta", "många", "mycket",
    "langt", "længe", "lenge", "høj", "højt", "høy", "høyt", "gammel", "dyb", "dyp", "bred", "hurtigt", "fort",
    "ofte", "mange", "meget", "mye",
];
const MEASURES: &[&str] =
    &["tall", "old", "high", "low", "deep", "wide", "heavy", "hot", "cold", "steep", "thick"];
