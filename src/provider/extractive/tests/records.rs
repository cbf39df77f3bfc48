//! Rows of sheets, of which those values are told that are asked for.

use super::super::write;
use super::{prompt, prompt_of_one};

const GATES: &str = "gate | riverName | eels_2022 | eels_2023 | eel_share | reason_shut | remark\n\
                     North Thorn | Osmer | 4 | 12 | .5 | high water | old\n\
                     North Alder | Osmer | 3 | 7 | .2 | a lost key | -\n\
                     South Alder | Lune | 9 | 2 | .1 | frost | new";

#[track_caller]
fn check(question: &str, expected: &[&str]) {
    let answer = write(&prompt(question, &["The keepers count what comes.", GATES]));
    assert_eq!(answer.pieces, expected, "{question}");
}

#[test]
fn the_values_that_are_asked_for_are_told_with_their_heads() {
    check("How many eels were there at North Thorn in 2023?", &["North Thorn, eels_2023: 12 [2]"]);
    check("Which river is the North Thorn gate at?", &["North Thorn, riverName: Osmer [2]"]);
    check("What share of eels came to North Alder?", &["North Alder, eel_share: .2 [2]"]);
    check("How many eels came to South Alder?", &["South Alder, eels_2022: 9; eels_2023: 2 [2]"]);
    // Nothing above the columns tells which of them.
    let all = "South Alder, riverName: Lune; eels_2022: 9; eels_2023: 2; eel_share: .1; reason_shut: frost; remark: new [2]";
    check("What is known of South Alder?", &[all]);
}

#[test]
fn a_wide_row_is_told_by_itself_and_not_beside_others() {
    let wide = |name: &str| {
        format!("{name} | {}", (0..20).map(|at| format!("value{at}")).collect::<Vec<_>>().join(" | "))
    };
    let sheet = format!("{}\n{}", wide("gates").replace("| ", "| c"), wide("Thorn of Osmer"));
    let answer = write(&prompt("What is known of Thorn of Osmer?", &[&sheet]));
    assert_eq!(answer.pieces, [format!("{} [1]", wide("Thorn of Osmer"))]);
    let kept = "The Thorn of Osmer is kept by Marta Lind.";
    let answer = write(&prompt("Who keeps Thorn of Osmer?", &[kept, &sheet]));
    assert_eq!(answer.pieces, [format!("{kept} [1]")]);
}

#[test]
fn a_column_of_reasons_tells_why() {
    check("Why was North Alder shut?", &["North Alder, reason_shut: a lost key [2]"]);
    let without = GATES.replace("reason_shut", "shut");
    assert!(write(&prompt("Why was North Alder shut?", &[&without])).refused);
}

#[test]
fn a_row_on_a_page_is_told_whole() {
    let mut prompt = prompt("How many eels were there at North Thorn in 2023?", &[GATES]);
    prompt.passages[0].source.page = Some(3);
    assert_eq!(write(&prompt).pieces, ["North Thorn | Osmer | 4 | 12 | .5 | high water | old [1]"]);
}

#[test]
fn the_columns_of_a_cut_sheet_tell_which_value_is_meant() {
    let (heads, rows) = GATES.split_once('\n').unwrap();
    let mut prompt = prompt("How many eels were there at North Alder in 2023?", &[rows]);
    prompt.passages[0].source.columns = Some(heads.to_owned());
    assert_eq!(write(&prompt).pieces, ["North Alder, eels_2023: 7 [1]"]);
}

#[test]
fn a_label_before_a_colon_tells_what_is_asked_for() {
    let passages =
        ["The source is told below in brief by the keepers.", "Source: the Eel Trust of Osmer, 2010"];
    let answer = write(&prompt_of_one("What is the source?", &passages));
    assert_eq!(answer.pieces[0], "Source: the Eel Trust of Osmer, 2010 [2]");
    let options =
        "- --source: Shows them all by night.\n- --is-source FILE: Tells whether it is one, of the source.";
    let told =
        |question: &str| write(&prompt_of_one(question, &[options, "A source is what is counted."])).pieces;
    assert_eq!(told("What does --source do?")[0], "\\--source: Shows them all by night. [1]");
    assert_eq!(told("What is a source?")[0], "A source is what is counted. [2]");
}
