//! Pairs of sentences that disagree, and pairs that only look as if they did.

use uuid::Uuid;

use super::among;
use crate::document::PassageId;
use crate::event::Source;

#[track_caller]
fn check(question: &str, one: &str, other: &str, values: Option<[&str; 2]>) {
    let source = |title: &str| {
        let document_id = Uuid::now_v7();
        Source {
            n: 1,
            document_id,
            version: String::new(),
            title: title.to_owned(),
            page: None,
            heading: None,
            columns: None,
            introduction: None,
            in_code: false,
            passage_id: PassageId { document: document_id, ordinal: 0 },
            start: 0,
            end: 0,
            score: 1.0,
        }
    };
    let (a, b) = (source("Report"), source("Newspaper"));
    let found = among(&[question], &[(&a, one.to_owned()), (&b, other.to_owned())]);
    let found: Vec<Vec<_>> = found
        .iter()
        .map(|conflict| conflict.sides.iter().map(|side| side.value.as_str()).collect())
        .collect();
    let expected: Vec<Vec<_>> = values.into_iter().map(Vec::from).collect();
    assert_eq!(found, expected, "{one} | {other}");
}

#[test]
fn another_year_for_the_same_day_is_a_conflict() {
    check(
        "In which year was the Sallow Dike breached?",
        "On 14 September 2016 the old Sallow Dike was opened in two places and the tide returned.",
        "On 14 September 2015 a digger took the last clay out of the Sallow Dike, and the tide went in.",
        Some(["2016", "2015"]),
    );
}

#[test]
fn another_day_is_no_other_amount() {
    check(
        "Why did Sam Altman leave the board?",
        "The board of Sam Altman met on November 17, 2023 to speak of it.",
        "The board of Sam Altman met on November 18, 2023 to speak of it.",
        None,
    );
}

#[test]
fn another_amount_of_the_same_measure_is_a_conflict() {
    check(
        "What did the Sallow restoration cost?",
        "The Sallow works cost €18.6 million.",
        "The Sallow marsh cost €21.3 million, a figure that was quarrelled over.",
        Some(["€18.6 million", "€21.3 million"]),
    );
}

#[test]
fn another_number_of_the_same_thing_counted_is_a_conflict() {
    check(
        "How many hectares of marsh were restored at Sallow?",
        "At Sallow the tide returned to 412 hectares of marsh.",
        "The tide reached 385 hectares of the marsh at Sallow.",
        Some(["412 hectares", "385 hectares"]),
    );
}

#[test]
fn the_same_value_and_other_things_are_no_conflict() {
    let question = "How many eels were counted at the Halden weir?";
    check(
        question,
        "In 2019 the count at the Halden weir found 412 eels.",
        "At the Halden weir 412 eels were counted in 2019.",
        None,
    );
    check(
        question,
        "In 2019 the count at the Halden weir found 412 eels.",
        "The Halden weir is 31 metres long.",
        None,
    );
    check(
        "When was the gate built?",
        "The Halden gate was built in 1953.",
        "The Osmer gate was built in 1961.",
        None,
    );
    check(
        "In which year was the dike built?",
        "The dike is built for ten years of Halden storms.",
        "The dike of Halden was built to stand for seven years.",
        None,
    );
    check(
        "What did the Sallow works cost?",
        "The Sallow works cost €18.6 million.",
        "A day at the Sallow works costs €4.",
        None,
    );
}

#[test]
fn another_extent_of_the_same_area_is_a_conflict_in_whatever_unit_words() {
    check(
        "How large is the area of the Halden marsh?",
        "By the end of May the Halden marsh had reached 240 ha, an area as large as the town.",
        "Halden is a marsh by the sea. We took as our study area the 221 hectares below the tide.",
        Some(["240 ha", "221 hectares"]),
    );
}

#[test]
fn what_a_passage_counts_into_the_other_value_is_no_conflict() {
    check(
        "How many hectares of marsh were restored at Halden?",
        "At Halden 240 hectares of marsh were restored.",
        "The fund bought 221 hectares of marsh at Halden. The other 19 hectares were given, which makes 240 hectares.",
        None,
    );
}

#[test]
fn amounts_of_different_years_are_no_conflict() {
    check(
        "How many pairs of terns bred at Halden?",
        "In 2022 there were 62 pairs of terns that bred at Halden.",
        "In 2023 there were 60 pairs of terns that bred at Halden.",
        None,
    );
}
