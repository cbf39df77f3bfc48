//! What is made of parts: lists, compounds, an amount in the next sentence, two things told apart.

use ibid_index::analysis::Lexicon;

use super::super::passage::Read;
use super::super::write;
use super::{prompt, prompt_of_one};
use crate::abbreviation::Abbreviations;

const GATES: &str = "# Gates\n\nThe tide gates of the dike are old. The keeper of the gates shuts them\n\n\
                     1.  at spring tides above 3.2 metres,\n\n2.  in a storm from the north, if\n\n    \
                     a)  the bell of the harbour rings,\n\n    b)  the ferry is in,\n\n3.  when an otter is seen.";

#[test]
fn an_item_is_told_with_what_introduces_its_list() {
    let answer = write(&prompt("At which spring tides does the keeper shut the gates?", &[GATES]));
    let expected = "The keeper of the gates shuts them: at spring tides above 3.2 metres, [1]";
    assert_eq!(answer.pieces[0], expected);
    let answer = write(&prompt("Does the bell of the harbour matter in a storm?", &[GATES]));
    let expected = "The keeper of the gates shuts them: in a storm from the north, if: the bell of the harbour rings, [1]";
    assert_eq!(answer.pieces[0], expected);
}

#[test]
fn what_introduces_a_list_is_told_with_its_items() {
    let rules = "The keepers count eels each spring. There are three rules for a tidy count:\n\n\
                 - Each eel is a row.\n- Each gate is a column.\n- Each night is a table.\n\nThe count is kept.";
    let answer = write(&prompt("What are the three rules for a tidy count?", &[rules]));
    let expected = [
        "There are three rules for a tidy count: [1]",
        "\n\n- Each eel is a row. [1]",
        "\n- Each gate is a column. [1]",
        "\n- Each night is a table. [1]",
    ];
    assert_eq!(answer.pieces, expected);
    let answer = write(&prompt("Is there a tidy count with rules?", &[rules]));
    assert!(!answer.pieces[0].contains("There are three rules"), "{:?}", answer.pieces);
    // One item of it may be asked for.
    let answer = write(&prompt("What is a gate in a tidy count?", &[rules]));
    assert!(answer.pieces[0].contains("Each gate is a column."), "{:?}", answer.pieces);
}

#[test]
fn a_further_sentence_of_an_item_is_told_with_its_first() {
    let levels = "The keepers know two levels of alarm:\n\n- Quiet: The bell is silent. This is the default.\n\
                  - Loud: The bell rings. Ships hear it.";
    let answer = write(&prompt("What is the default level of alarm?", &[levels]));
    let expected =
        "The keepers know two levels of alarm: Quiet: The bell is silent. This is the default. [1]";
    assert_eq!(answer.pieces[0], expected);
    // Of three the last is said of the first, and not of what the second says.
    let three = prompt("?", &["- Gates: Each has a bell. The length is 8 metres. Otters like them."]);
    let read = Read::of(&three.passages[0], None, &Abbreviations::default(), &Lexicon::default());
    let said_of = read.lines[2].said_of.as_ref().unwrap();
    assert_eq!([said_of.holds("gates"), said_of.holds("metres")], [1.0, 0.0]);
}

#[test]
fn what_stands_below_a_name_is_said_of_it() {
    let entries = "max_gates (positive whole number)\n\nDetermines how many there are. The default is told by keepers. \
                   The default is 12.\n\nmax_keys (integer)\n\nDetermines how many keys fit on a ring. \
                   The default is 40, told below max_gates.";
    let answer = write(&prompt("What is the default of max_gates?", &[entries]));
    assert_eq!(answer.pieces[0], "max_gates (positive whole number): The default is 12. [1]");
    let answer = write(&prompt("How many keys does the default of max_keys let on a ring?", &[entries]));
    assert!(answer.text().contains("max_keys (integer): The default is 40"), "{}", answer.text());
}

#[test]
fn a_title_of_code_tells_how_and_not_what() {
    let titled = "The lock of the tide-mill\n\n```\nlock mill\n```\n\n\
                  - 6.4. The tide-mill\n- 6.5. The gates\n\n\
                  The lock opens at the ebb.";
    let answer = write(&prompt("How do I lock the tide mill?", &[titled]));
    assert_eq!(answer.pieces, ["The lock of the tide-mill [1]", "\n\n```\nlock mill\n```"]);
    let answer = write(&prompt("What opens the lock of the tide-mill?", &[titled]));
    assert_eq!(answer.pieces[0], "The lock opens at the ebb. [1]");
    let contents = "- 6.4. The old tide-mill of Osmer\n- 6.5. The gates of the harbour";
    assert!(write(&prompt("What is the old tide-mill of Osmer?", &[contents])).refused);
}

#[test]
fn what_code_cuts_off_is_no_sentence() {
    let cut = "The harbour is painted with\n\n```\npaint mill\n```\n\n\
               is what a tide mill is, and it is locked with:\n\n```\nlock mill\n```\n\nA tide mill grinds at the ebb.";
    let answer = write(&prompt("What is a tide mill?", &[cut]));
    assert_eq!(answer.pieces[0], "A tide mill grinds at the ebb. [1]");
}

#[test]
fn what_is_said_in_brackets_is_said_beside() {
    let passages =
        ["(The northern gate has a bell, as keepers know.) The northern gate has a bell, as ferrymen know."];
    let answer = write(&prompt("Does the northern gate have a bell?", &passages));
    assert!(answer.pieces[0].contains("as ferrymen know"), "{:?}", answer.pieces);
}

#[test]
fn a_compound_is_found_by_its_parts() {
    let passages = [
        "Der Anspruch auf Urlaub besteht für alle Wärter. Der Urlaub beträgt im Jahr 24 Tage.",
        "Die Wärter der Schleuse sammeln Muscheln, und der Leuchtturm ist weiß.",
    ];
    let answer = write(&prompt("Wie viele Urlaubstage haben die Wärter?", &passages));
    assert_eq!(answer.pieces[0], "Der Urlaub beträgt im Jahr 24 Tage. [1]");
    let passages =
        ["Der Leuchtturmwärter wohnt am Hafen. Der Wärter hat einen Hund, und der Leuchtturm eine Treppe."];
    let answer = write(&prompt("Wo wohnt der Wärter?", &passages));
    assert!(answer.pieces[0].starts_with("Der Leuchtturmwärter wohnt am Hafen."), "{:?}", answer.pieces);
    assert!(write(&prompt("Wie tief ist der Muschelteich?", &passages)).refused);
}

#[test]
fn what_is_counted_stands_behind_its_number() {
    let passages = [
        "In 1874 the gates of the dike were mended for 500 crowns. The dike has two gates.",
        "Section 12 tells how the gates of the dike are shut.",
    ];
    let answer = write(&prompt_of_one("How many gates does the dike have?", &passages));
    assert_eq!(answer.pieces[0], "The dike has two gates. [1]");
    let passages = ["Der Damm hat drei Tore. Im Jahr 1874 zahlte der Damm an Abs. 12 für Tore."];
    let answer = write(&prompt("Wie viele Tore hat der Damm?", &passages));
    assert_eq!(answer.pieces[0], "Der Damm hat drei Tore. [1]");
}

#[test]
fn the_number_of_a_section_is_no_amount() {
    let passages =
        ["The height of the tower is told in Section 12. The keeper says the height of the tower is 38 m."];
    let answer = write(&prompt("What is the height of the tower?", &passages));
    assert_eq!(answer.pieces[0], "The keeper says the height of the tower is 38 m. [1]");
}

#[test]
fn an_amount_may_stand_in_the_next_sentence() {
    let passages =
        ["The mesh size of the eel net was long discussed by the keepers. They chose 12 mm, which \
                     lets small ones out. The net is of hemp."];
    let answer = write(&prompt("What is the mesh size of the eel net?", &passages));
    let expected = "The mesh size of the eel net was long discussed by the keepers. [1] They chose 12 mm, which \
                    lets small ones out. [1]";
    assert!(answer.text().starts_with(expected), "{:?}", answer.pieces);
}

#[test]
fn two_things_are_told_apart_by_what_each_is() {
    let passages = [
        "A weir is a low wall across a river. It is older than a sluice.",
        "The sluice is a gate that can be shut. The keeper paints the sluice and the weir.",
    ];
    let answer = write(&prompt_of_one("What is the difference between a weir and a sluice?", &passages));
    let expected =
        ["A weir is a low wall across a river. [1]", "\n\n- The sluice is a gate that can be shut. [2]"];
    assert_eq!(answer.pieces[..2], expected);
    let contrast = ["A weir only holds the river back, while a sluice can be shut."];
    let answer =
        write(&prompt("How does a weir differ from a sluice?", &[contrast[0], passages[0], passages[1]]));
    assert!(answer.text().starts_with(contrast[0]), "{}", answer.text());
}

#[test]
fn references_and_heads_of_columns_answer_last() {
    let passages = [
        "1 M. A. Lind, “The Tide Gate,” Trans. of the Harbour Society, vol. 3, pp. 1–12. The tide gate was invented by Kurt Olsen.",
        "Gate | Inventor\nThorn | Marta Lind of Alder\nSallow | Ida Berg of Thorn",
    ];
    let answer = write(&prompt_of_one("Who invented the tide gate?", &passages));
    assert_eq!(answer.pieces[0], "The tide gate was invented by Kurt Olsen. [1]");
    let cited = [
        "1 M. A. Lind, “Who invented the tide gate by night,” Trans. of the Harbour Society, vol. 3, pp. 1–12.",
        "The tide gate was invented one night by Kurt Olsen.",
    ];
    let answer = write(&prompt_of_one("Who invented the tide gate by night?", &cited));
    assert_eq!(answer.pieces[0], "The tide gate was invented one night by Kurt Olsen. [2]");
    let answer = write(&prompt_of_one("Which inventor is that of Thorn?", &passages[1..]));
    assert!(!answer.pieces[0].contains("Gate | Inventor"), "{:?}", answer.pieces);
}

#[test]
fn what_a_german_question_asks_about_is_in_its_nouns() {
    let passages = ["Marta Lind trug beim Fest am Hafen die Hymne der Wärter vor. Das Fest war im Mai."];
    let answer = write(&prompt("Wer sang die Hymne?", &passages));
    assert!(answer.pieces[0].starts_with("Marta Lind trug beim Fest"), "{:?}", answer.pieces);
    // Where no noun shows, all words are alike.
    assert!(write(&prompt("wer sang die hymne in rom?", &passages)).refused);
    assert!(write(&prompt("Wer sang die Ballade?", &passages)).refused);
}

#[test]
fn how_to_do_something_is_told_with_the_code() {
    let manual = "# Manual\n\n## Shutting the gates\n\nThe gates of the dike are old, and the keepers shut the gates.\n\n\
                  To shut the gates by hand, run:\n\n```sh\ngate shut --all\ngate lock\n```\n\nThey open by themselves.";
    let answer = write(&prompt("How do I shut the gates?", &[manual]));
    let expected = "To shut the gates by hand, run: [1]\n\n```\ngate shut --all\ngate lock\n```";
    assert_eq!(answer.text(), expected);
}

#[test]
fn a_value_is_told_from_code_with_what_introduces_it() {
    let manual = "# Gates\n\nThe default settings of the night profile are:\n\n```toml\n[profile.night]\n\
                  gate-level = 3 # metres\nshut = true\n```\n\nThe gate-level of a profile is told by its keeper.\n\n\
                  ```toml\nbell = 4\n```";
    let answer = write(&prompt("What is the default gate-level in the night profile?", &[manual]));
    let expected = "The default settings of the night profile are: `gate-level = 3 # metres` [1]";
    assert_eq!(answer.pieces[0], expected, "{:?}", answer.pieces);
    // Not where nothing tells what it is of, or what something is is asked for.
    for question in ["What is the default bell?", "What is a gate-level?"] {
        let answer = write(&prompt(question, &[manual]));
        let told = answer.text();
        assert!(!told.contains("`bell") && !told.contains("`gate"), "{question}: {told}");
    }
    // Nor for another name, or where little of the question is said.
    let manual = "The limits of the night profile are:\n\n```\nweir gates = 7\n```\n\n\
                  A keeper may have a profile of these:\n\n```\ngates = 8\n```\n\nThe night profile is for keepers.";
    let told = write(&prompt("What is the limit of gates in the night profile?", &[manual])).text();
    assert!(!told.contains("`weir gates") && !told.contains("`gates"), "{told}");
}

#[test]
fn what_a_page_of_a_manual_says_of_its_name_is_what_that_does() {
    let page = "NAME\n\nsluice-gate — Shuts the weir at night\n\nDESCRIPTION\n\n\
                Every sluice-gate does its work well, and it is painted.";
    let answer = write(&prompt("What does the sluice-gate do?", &[page]));
    assert_eq!(answer.pieces[0], "sluice-gate — Shuts the weir at night [1]");
}

#[test]
fn a_pronoun_stands_for_what_the_sentence_before_is_about() {
    let text = "The mill was built in 1901 beside a sluice of the weir. The old sluice of Mirk is dry. \
                It was built in 1874 by Marta Lind.";
    let answer = write(&prompt("When was the old sluice of Mirk built?", &[text]));
    assert_eq!(answer.pieces[0], "It was built in 1874 by Marta Lind. [1]");
    // A sentence that names something itself is about that.
    let named = text.replace("It was", "A gate was");
    let answer = write(&prompt("When was the old sluice of Mirk built?", &[&named]));
    assert!(answer.pieces[0].starts_with("The old sluice"), "{:?}", answer.pieces);
}

#[test]
fn notes_of_changes_answer_where_changes_are_asked_for() {
    let changes = "# Changelog\n\n- sluice-gate: The sluice-gate does its work at night.";
    let notes = "Changed in version 3: The sluice-gate does its work at dawn. The sluice-gate does its work at dusk, and \
                 keepers sleep.";
    let mut asked = prompt("What does the sluice-gate do?", &[changes, notes]);
    asked.passages[0].source.heading = Some("Changelog › 3.0".to_owned());
    let answer = write(&asked);
    assert!(answer.pieces[0].starts_with("The sluice-gate does its work at dusk"), "{:?}", answer.pieces);
    let passages = [
        "Changed in version 3: the sluice-gate shuts it at dawn.",
        "Keepers say that the sluice-gate shuts it at dusk.",
    ];
    let answer = write(&prompt("What does the sluice-gate shut?", &passages));
    assert!(answer.pieces[0].starts_with("Keepers say"), "{:?}", answer.pieces);
    let answer = write(&prompt("What does the sluice-gate do since version 3?", &[notes]));
    assert!(answer.pieces[0].starts_with("Changed in version 3"), "{:?}", answer.pieces);
}

#[test]
fn what_a_page_begins_with_inside_a_sentence_answers_last() {
    let passages =
        ["gates of the dike are shut because of the tide. In spring the gates of the dike are shut \
                     because of the storms."];
    let mut prompt = prompt("Why are the gates of the dike shut?", &passages);
    assert!(write(&prompt).pieces[0].starts_with("gates of the dike"));
    prompt.passages[0].source.page = Some(2);
    let answer = write(&prompt);
    assert!(answer.pieces[0].starts_with("In spring the gates"), "{:?}", answer.pieces);
}

#[test]
fn what_opens_with_the_matter_goes_first() {
    let passages =
        ["Beside the harbour office, for long, stands the eel ladder. The eel ladder, for long, stands \
                     beside the harbour office."];
    let answer = write(&prompt("Where has the eel ladder stood for long?", &passages));
    assert!(answer.pieces[0].starts_with("The eel ladder, for long"), "{:?}", answer.pieces);
}
