//! What a question is about, apart from the words that say how it is to be answered.

use std::collections::HashSet;

use ibid_index::analysis::{Language, TermKind, terms};

use super::cue::{is_form, measure};
use crate::ask::cite::{Facts, writes_nouns_with_capitals};
use crate::ask::framing::is_framing;

/// The facts of a question without words of grammar, of its own language too, and without those of
/// the form of its answer: "many" in "how many", "year" in "in which year".
pub(super) fn subject(question: &str, language: Option<Language>) -> Facts {
    let mut asked = Facts::of(question, language);
    let mut left_out: Vec<&str> = Vec::new();
    let own = Language::of_question(question).filter(|own| Some(*own) != language);
    let grammar = own.into_iter().flat_map(|own| terms(question, Some(own)));
    let grammar = grammar.filter(|term| term.kind == TermKind::Stop);
    left_out.extend(grammar.map(|term| &question[term.start..term.end]));
    left_out.extend(question.split(|c: char| !c.is_alphanumeric()).filter(|word| is_light(word)));
    left_out.extend(span_of_time(question));
    let measure = measure(question).filter(|measure| is_form(measure));
    left_out.extend(measure.as_deref());
    let left_out = stems(question, language, |word| left_out.contains(&word));
    if asked.words.iter().any(|(word, _)| !left_out.contains(&**word)) {
        asked.words.retain(|(word, _)| !left_out.contains(&**word));
    }
    asked
}

/// The stems of the words of a question that are no nouns, where these show: what it asks about they are not,
/// and many of them take another form in an answer ("singt", "sang"). None if it has no noun.
pub(super) fn no_nouns(question: &str, language: Option<Language>) -> HashSet<String> {
    let is_noun = |word: &str| word.starts_with(char::is_uppercase);
    let mut words = question.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).skip(1);
    let shows = language.is_some_and(writes_nouns_with_capitals) && words.any(is_noun);
    if shows { stems(question, language, |word| !is_noun(word)) } else { HashSet::new() }
}

/// The stems of the words of a question that frame it.
pub(super) fn framing(question: &str, language: Option<Language>) -> HashSet<String> {
    stems(question, language, is_framing)
}

fn stems(text: &str, language: Option<Language>, is_meant: impl Fn(&str) -> bool) -> HashSet<String> {
    terms(text, language).filter(|term| is_meant(&text[term.start..term.end])).map(|term| term.stem).collect()
}

/// The span that an answer is to name: `year` in "in which year".
fn span_of_time(question: &str) -> Option<&str> {
    let words = question.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let words: Vec<&str> = words.collect();
    let pair = words.windows(2).find(|pair| {
        let [opener, span] = [pair[0], pair[1]].map(str::to_lowercase);
        OPENERS.contains(&opener.as_str()) && SPANS.contains(&span.as_str())
    })?;
    Some(pair[1])
}

/// Whether a word stands for anyone or anything, or for having it, so that an answer names that in its place.
fn is_light(word: &str) -> bool {
    LIGHT.contains(&word.to_lowercase().as_str())
}

#[rustfmt::skip]
const LIGHT: &[&str] = &[
    "someone", "somebody", "anyone", "anybody", "everyone", "everybody", "something", "anything", "nothing",
    "nobody", "get", "gets", "got", "getting", "jemand", "jemanden", "niemand", "etwas", "nichts", "bekomme",
    "bekommt", "bekommen", "quelqu", "quelque", "chose", "rien", "alguien", "nadie", "algo", "nada",
    "qualcuno", "qualcosa", "nessuno", "niente", "alguém", "ninguém", "iemand", "iets", "niets",
    "någon", "något", "noen", "noe", "nogen", "noget", "ktoś", "coś",
];

#[rustfmt::skip]
const OPENERS: &[&str] = &[
    "which", "what", "welches", "welchem", "welcher", "welchen", "quelle", "quel", "qué", "quale", "che",
    "qual", "que", "ce", "welk", "welke", "vilket", "hvilket", "hvilken", "minä", "którym", "kterém",
    "ktorom", "якому", "каком", "какой", "hangi", "melyik", "kojoj", "koje", "ποιο", "ποια", "أي", "چه",
    "किस",
];
#[rustfmt::skip]
const SPANS: &[&str] = &[
    "year", "date", "day", "month", "decade", "century", "jahr", "datum", "tag", "monat", "jahrzehnt",
    "jahrhundert", "année", "date", "jour", "mois", "siècle", "año", "fecha", "día", "mes", "siglo", "anno",
    "data", "giorno", "mese", "secolo", "ano", "dia", "mês", "século", "an", "dată", "secol", "jaar",
    "eeuw", "år", "dag", "århundrade", "århundre", "århundrede", "vuonna", "roku", "wieku", "roce",
    "století", "storočí", "році", "столітті", "году", "веке", "год", "yıl", "yılda", "yılında", "tarihte",
    "yüzyılda", "évben", "században", "godini", "godine", "έτος", "χρονιά", "αιώνα", "عام", "سنة", "تاريخ",
    "قرن", "سال", "سالی", "تاریخی", "قرنی", "वर्ष", "साल", "तारीख",
];
