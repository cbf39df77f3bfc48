mod parts;
mod records;

use std::sync::Arc;

use futures::StreamExt;
use ibid_index::analysis::Language;
use ibid_index::{Change, Document, PassageIndex, PassageText};
use proptest::prelude::*;
use uuid::Uuid;

use super::{stream, write};
use crate::ask::cite::fixtures::{Read, read};
use crate::ask::prompt::{Excerpt, Prompt};
use crate::ask::refusal::refusal;
use crate::document::PassageId;
use crate::event::{FinishReason, Source, Usage, Verdict};
use crate::provider::Delta;

fn prompt(question: &str, passages: &[&str]) -> Prompt {
    let excerpt = |(at, text): (usize, &&str)| Excerpt {
        source: Source {
            n: u32::try_from(at).unwrap() + 1,
            document_id: Uuid::from_u128(at as u128),
            version: String::new(),
            title: "Notes".into(),
            page: None,
            heading: None,
            columns: None,
            introduction: None,
            in_code: false,
            passage_id: PassageId { document: Uuid::from_u128(at as u128), ordinal: 0 },
            start: 0,
            end: text.len(),
            score: 1.0,
        },
        text: (*text).to_owned(),
    };
    Prompt {
        system: String::new(),
        history: Vec::new(),
        question: question.to_owned(),
        passages: passages.iter().enumerate().map(excerpt).collect(),
        user: String::new(),
        index: None,
    }
}

/// The same of passages of one document.
fn prompt_of_one(question: &str, passages: &[&str]) -> Prompt {
    let mut prompt = prompt(question, passages);
    prompt.passages.iter_mut().for_each(|passage| passage.source.document_id = Uuid::nil());
    prompt
}

const LIGHTHOUSE: &str = "# Lighthouse\n\nThe lighthouse stands on the northern cape. It was built in 1874 by Marta Lind\n\
                          after two ships were lost. The keeper's house burned down in 1911. All rights reserved by the \
                          lighthouse trust.";
const HARBOUR: &str =
    "The harbour was dredged in 1902. Fishing ended when the cannery closed. Who closed the harbour?";

#[track_caller]
fn first(question: &str, expected: &str) {
    let answer = write(&prompt(question, &[HARBOUR, LIGHTHOUSE]));
    assert_eq!(answer.pieces[0], expected, "{question}: {:?}", answer.pieces);
}

#[test]
fn the_first_sentence_is_the_one_that_answers() {
    first("Where does the lighthouse stand?", "The lighthouse stands on the northern cape. [2]");
    first("When was the keeper's house burned?", "The keeper's house burned down in 1911. [2]");
    first("When was the harbour dredged?", "The harbour was dredged in 1902. [1]");
    first("Who built the lighthouse?", "It was built in 1874 by Marta Lind after two ships were lost. [2]");
}

const ACCOUNTS: &str = "Accounts of the lighthouse trust\n(in thousands)\n\n| 2021 | 2020\nDues $ | 3,877 $ | 3,541\n\
                        Total dues and gifts | 9,929 | 8,761\nTotal costs | 7,304 | 6,870\n\n\
                        In 2021 the trust was glad of its total of four new members, who pay no dues. Costs of 2021 were \
                        those of paint.";
const TOWERS: &str =
    "| Tower | Built | Height |\n|---|---|---|\n| North | 1874 | 38 m |\n| South | 1901 | 27 m |";
const FACTS: &str = "Facts\n\nBuilt | 1874\nKeeper | Marta Lind\nLight | 21 m above the sea";

#[test]
fn a_number_is_found_in_its_row() {
    for (passage, question, expected) in [
        (ACCOUNTS, "What were the trust's total costs in 2021?", "Total costs | 7,304 | 6,870"),
        (ACCOUNTS, "What were the dues of the trust in 2021?", "Dues $ | 3,877 $ | 3,541"),
        (ACCOUNTS, "What were the total dues and gifts of 2020?", "Total dues and gifts | 9,929 | 8,761"),
        (TOWERS, "What is the height of the south tower?", "South, Height: 27 m"),
        (FACTS, "When was it built?", "Built | 1874"),
        (FACTS, "Who is the keeper?", "Keeper | Marta Lind"),
    ] {
        let answer = write(&prompt(question, &[LIGHTHOUSE, HARBOUR, passage]));
        let told = answer.pieces[0].replace('\\', "");
        assert!(told.starts_with(expected) && told.ends_with("[3]"), "{question}: {:?}", answer.pieces);
    }
}

#[test]
fn whether_something_is_so_is_told_by_a_sentence_before_a_row() {
    const LADDERS: &str = "The ladder at the north tower is kept wet all day by a pump.\n\n\
        Ladder | Built | Wet\nNorth tower | 1901 | 27 m\nSouth tower | 1911 | 12 m";
    let answer = write(&prompt("Is the north tower ladder wet?", &[LIGHTHOUSE, HARBOUR, LADDERS]));
    assert!(answer.pieces[0].starts_with("The ladder at the north tower is kept wet"), "{:?}", answer.pieces);
}

#[test]
fn an_amount_is_told_in_the_units_and_by_the_measure_that_are_asked_for() {
    const STAY: &str =
        "The keepers stay at the 3 ladders. The keepers stay at the ladders for 6 weeks in spring.";
    const LENGTH: &str =
        "The length of the north ladder is a matter of dispute. The north ladder has a length of 27 m.";
    const MEASURE: &str = "## The north ladder\n\nIt has 12 metres of fence. It is 27 metres long.";
    const CASE: &str = "A keeper is given 2 weeks of severance for each year.";
    for (question, passage, expected) in [
        ("How long do keepers stay at the ladders?", STAY, "The keepers stay at the ladders for 6 weeks"),
        ("What is the length of the north ladder?", LENGTH, "The north ladder has a length of 27 m"),
        ("How long is the north ladder?", MEASURE, "It is 27 metres long."),
        ("How much severance does someone with 5 years get?", CASE, "A keeper is given 2 weeks"),
    ] {
        let answer = write(&prompt(question, &[LIGHTHOUSE, HARBOUR, passage]));
        assert!(answer.pieces[0].starts_with(expected), "{question}: {:?}", answer.pieces);
    }
}

#[test]
fn what_a_link_leads_to_says_nothing_and_a_link_alone_says_little() {
    const ADDRESS: &str = "Few read the [report](https://eels.org/severance-of-keepers) of May. \
        Towns told the keepers of their severance.";
    const POINTER: &str = "- [Rules about the severance of keepers](a.md)\n\n\
        All that is known about the severance of keepers is told at the weir.";
    for (passage, expected) in [(ADDRESS, "Towns told the keepers"), (POINTER, "All that is known about")] {
        let answer = write(&prompt("severance of keepers", &[LIGHTHOUSE, HARBOUR, passage]));
        assert!(answer.pieces[0].starts_with(expected), "{:?}", answer.pieces);
    }
}

#[test]
fn a_hyphen_parts_no_word_from_itself() {
    const MEETING: &str = "The wardens hold a meet-up at the weir. Everyone brings a net.";
    let told = write(&prompt("Who holds the meetup at the weir?", &[LIGHTHOUSE, HARBOUR, MEETING]));
    assert_eq!(told.pieces[0], "The wardens hold a meet-up at the weir. [3]");
    let told = write(&prompt("meetup", &[MEETING]));
    assert!(!told.refused, "{:?}", told.pieces);
}

#[test]
fn what_stands_in_a_cell_is_told_with_its_row_and_column() {
    const GLOSSARY: &str = "| Term | Meaning | Found at |\n|---|---|---|\n\
        | Eel pass (EP) | A wet ramp that young fish climb. It is lined with bristles. | All of the sluices of the Mirk. |\n\
        | Sill | What a gate closes upon. | Every sluice and every lock. |";
    const DUTIES: &str = "| Duty | Keeper | Warden |\n|---|---|---|\n\
        | Gates | Opens them at dawn. | Pays for their repair each spring. |\n\
        | Keys | Keeps them in a box. | Counts them once a year. |";
    for (question, passage, expected) in [
        ("What is an eel pass?", GLOSSARY, "Eel pass (EP), Meaning: A wet ramp that young fish climb. [3]"),
        ("What is a sill?", GLOSSARY, "Sill, Meaning: What a gate closes upon. [3]"),
        ("Who counts the keys?", DUTIES, "Keys, Warden: Counts them once a year. [3]"),
        (
            "What does the warden do for the gates?",
            DUTIES,
            "Gates, Warden: Pays for their repair each spring. [3]",
        ),
    ] {
        let answer = write(&prompt(question, &[LIGHTHOUSE, HARBOUR, passage]));
        assert_eq!(answer.pieces[0], expected, "{question}");
    }
}

#[test]
fn what_something_is_is_told_by_a_sentence_that_opens_with_it() {
    let of = |question: &str, passages: &[&str]| write(&prompt(question, passages)).pieces[0].clone();
    // The others say the words as often and stand before it.
    let ladders =
        "The council closed the eel ladder, since the eel ladder is a cost. An eel ladder needs a keeper.";
    let about =
        "In spring much climbs here. An eel ladder (or pass) is a wet ramp of brushes for young eels.";
    let expected = "An eel ladder (or pass) is a wet ramp of brushes for young eels. [2]";
    for question in [
        "What is an eel ladder?",
        "eel ladder",
        "Define eel ladder",
        "What does “eel ladder” mean?",
        "What is meant by eel ladder?",
        "Tell me about the eel ladder",
    ] {
        assert_eq!(of(question, &[ladders, about]), expected, "{question}");
    }
    let who = [
        "Marta Lind and the trust met Kurt Olsen at the lighthouse.",
        "Marta Lind was a keeper from 1870 on.",
    ];
    assert_eq!(of("Who was Marta Lind?", &who), "Marta Lind was a keeper from 1870 on. [2]");
    let german = [
        "Der Aufseher prüft die Aalleiter und ist ein Angestellter des Amtes an der Aalleiter.",
        "Die Aalleiter ist eine nasse Rampe, auf der junge Aale in den Fluss steigen.",
    ];
    assert!(of("Was ist eine Aalleiter?", &german).starts_with("Die Aalleiter ist eine nasse Rampe"));
    assert!(of("Was bedeutet Aalleiter?", &german).starts_with("Die Aalleiter ist eine nasse Rampe"));
    let russian = ["Сторож говорит, что порог у реки низкий.", "Порог — это каменная стена в реке для рыбы."];
    assert!(of("Что такое порог?", &russian).starts_with("Порог — это"));
}

#[test]
fn what_something_stands_for_is_told_by_the_sentence_that_explains_it() {
    let passages = [
        "The OEP stands by its plan, and OEP staff count eels.",
        "In 2009 seven towns founded the Osmer Estuary Partnership (OEP) for the marsh.",
    ];
    let expected = "In 2009 seven towns founded the Osmer Estuary Partnership (OEP) for the marsh. [2]";
    for question in
        ["What does OEP stand for?", "What is OEP short for?", "What is the OEP?", "Wofür steht OEP?"]
    {
        let answer = write(&prompt_of_one(question, &passages));
        assert_eq!(answer.pieces[0], expected, "{question}");
    }
}

#[test]
fn the_section_that_is_asked_for_answers_with_its_first_sentence() {
    let study = "In spring the limits of the method were set.\n\n## Limits of the method\n\nThe plots \
                 were few. Two lay under ice. One was lost.\n\n## Thanks\n\nThe keepers carried the poles.";
    let further = "Ice moved two more of them. The poles were short.";
    let mut prompt = prompt_of_one("What are the limits of the method?", &[study, further]);
    for passage in &mut prompt.passages {
        passage.source.title = "Eels at the sluice".into();
        passage.source.heading = Some("Eels at the sluice".into());
    }
    prompt.passages[1].source.heading = Some("Eels at the sluice › 5 Limits of the method".into());
    let told = |question: &str, prompt: &Prompt| {
        let answer = write(&Prompt { question: question.to_owned(), ..prompt.clone() });
        answer
            .pieces
            .iter()
            .map(|piece| piece.trim_start_matches(['\n', '-', ' ']).to_owned())
            .collect::<Vec<_>>()
    };
    for question in [
        "What are the limits of the method?",
        "method limits",
        "What are the limits of the sluice's method for eels?",
    ] {
        assert_eq!(told(question, &prompt)[0], "The plots were few. [1]", "{question}");
    }
    let all = told("What are the limits of the method?", &prompt).join(" ");
    assert!(all.contains("[2]") && !all.contains("keepers"), "{all}");
    assert_eq!(
        told("Which limits of the method were there in 2 plots?", &prompt)[0],
        "Two lay under ice. [1]"
    );
    // A section of another thing, and the document's title, say nothing of what is in them.
    assert!(!told("What are the limits of the budget?", &prompt)[0].contains("were few"));
    for question in ["Who are the eels at the sluice?", "Limits of the method in 2016"] {
        let answer = write(&Prompt { question: question.to_owned(), ..prompt.clone() });
        assert!(answer.refused, "{question}: {:?}", answer.pieces);
    }
}

#[test]
fn a_row_of_figures_answers_no_question_for_something_else() {
    let works = "| Works | 2017 | 2018 |\n|---|---|---|\n| Sluice and eel ladder | 2.1 | 2.6 |\n| Bank, repaired | 1.7 | 0.9 |";
    let prose = "An eel ladder was built in 2018. The old bank broke in 2018. It was old.";
    let counts = "| Year | Eels | Birds |\n|---|---|---|\n| 2017 | 761 | 54 |\n| 2018 | 890 | 61 |";
    let of = |question: &str, passages: &[&str]| write(&prompt(question, passages)).pieces[0].clone();
    assert_eq!(of("What is an eel ladder?", &[works, prose]), "An eel ladder was built in 2018. [2]");
    assert!(!of("Why was the bank repaired?", &[works, prose]).contains('|'));
    assert_eq!(of("What broke in 2018?", &[counts, works, prose]), "The old bank broke in 2018. [3]");
    assert!(write(&prompt("What broke in 2018?", &[counts])).refused);
    assert!(of("How many eels came in 2018?", &[counts, prose]).contains("890"));
    assert!(of("What is the sluice and eel ladder?", &[prose, works]).contains("2.6"));
}

#[test]
fn heads_of_columns_are_no_answer() {
    let answer = write(&prompt("What of 2020?", &[ACCOUNTS]));
    assert!(answer.refused, "{:?}", answer.pieces);
}

#[test]
fn what_stands_at_the_edge_of_a_page_is_no_answer() {
    for edge in ["Report OEP-2023-04 Page 3 of 5", "Bericht OEP-2023-04 Seite 3 von 5"] {
        let answer = write(&prompt("What is report OEP-2023-04?", &[edge]));
        assert!(answer.refused, "{:?}", answer.pieces);
    }
    let answer =
        write(&prompt("What is report OEP-2023-04?", &["Report OEP-2023-04 tells of eels on page 3."]));
    assert!(!answer.refused);
}

#[test]
fn what_a_follow_up_asks_goes_before_what_was_carried_over() {
    first("And the keeper's house? (built lighthouse)", "The keeper's house burned down in 1911. [2]");
    let tower = "Маяк стоит на мысе. Его построила Марта Линд в 1874 году. Высота башни 38 метров.";
    let answer = write(&prompt("Какой он высоты? (построил маяк)", &[tower]));
    assert_eq!(answer.pieces[0], "Высота башни 38 метров. [1]", "{:?}", answer.pieces);
    let tower = "灯塔由林玛塔在1874年建造。灯塔位于北角。";
    let answer = write(&prompt("它位于哪里？ (灯塔是 谁建造的)", &[tower]));
    assert_eq!(answer.pieces[0], "灯塔位于北角。 [1]", "{:?}", answer.pieces);
}

#[test]
fn a_question_the_passages_do_not_speak_of_is_refused() {
    for question in
        ["What is the boiling point of mercury?", "Who painted the ceiling of the Sistine Chapel?", "?", ""]
    {
        let answer = write(&prompt(question, &[HARBOUR, LIGHTHOUSE]));
        assert_eq!((answer.text().as_str(), answer.refused), (refusal(question), true), "{question}");
    }
    assert!(write(&prompt("When was it built?", &[])).refused);
}

const COSTS: &str =
    "In thousands\n\n| 2021 | 2020\nTotal costs | 7,304 | 6,870\n\nCosts of paint rose in either year.";

/// What is answered from one passage of a document with this title, if it is not refused.
fn told(question: &str, title: &str, text: &str, index: Option<PassageIndex>) -> Option<String> {
    let mut prompt = prompt(question, &[text]);
    prompt.passages[0].source.title = title.to_owned();
    prompt.index = index.map(Arc::new);
    let answer = write(&prompt);
    (!answer.refused).then(|| answer.pieces[0].replace('\\', ""))
}

/// A library of that document alone, which has so many other passages, one of them saying something.
fn library(title: &str, text: &str, num_others: u32, said: &str) -> PassageIndex {
    let body = |ordinal| match ordinal {
        0 => text.to_owned(),
        1 => said.to_owned(),
        _ => "Nothing to tell.".to_owned(),
    };
    let passage = |ordinal| Ok(PassageText { ordinal, heading: None, body: body(ordinal).into() });
    let library = PassageIndex::in_memory().unwrap();
    let document = Change::Put(Document {
        id: Uuid::from_u128(0),
        version: "",
        name: "costs.pdf",
        title,
        collections: &[],
        language: Language::from_code("en"),
        passages: Box::new((0..=num_others).map(passage)),
    });
    library.apply([document]).unwrap();
    library
}

#[test]
fn what_is_said_of_another_is_no_answer() {
    let asked_of = |name: &str, title: &str| {
        let question = format!("What were {name}'s total costs in 2021?");
        told(&question, title, COSTS, Some(library(title, COSTS, 10, ""))).is_some()
    };
    for (name, title) in [
        ("Alder Trust", "Annual report of the Alder Trust"),
        ("Alder", "ALDER_2021.pdf"),
        ("Best Boats", "BESTBOATS_2021.pdf"),
        ("Eel Union", "Report of the EU"),
        ("the EU", "Report of the Eel Union"),
    ] {
        assert!(asked_of(name, title), "{name}, {title}");
    }
    for (name, title) in [
        ("Birch Trust", "Annual report of the Alder Trust"),
        ("Birch", "ALDER_2021.pdf"),
        ("Best Cars", "BESTBOATS_2021.pdf"),
        ("Eel Union", "Report of the EC"),
        ("the EC", "Report of the Eel Union"),
    ] {
        assert!(!asked_of(name, title), "{name}, {title}");
    }
    // Who asks for two may be told of either.
    let both = "Did the costs of paint rise in either year at Alder or at Birch?";
    assert!(told(both, "Report of Alder", COSTS, None).is_some());
    // A long question says in many words what it is about.
    let long = "When was the lighthouse on the northern cape, whose keeper's house burned down, built after two ships \
                were lost, according to Birch?";
    assert!(told(long, "Notes", LIGHTHOUSE, None).is_some());
    assert!(told("When was the lighthouse built, according to Birch?", "Notes", LIGHTHOUSE, None).is_none());
}

#[test]
fn a_document_need_not_name_what_it_is_about_in_every_passage() {
    let question = "What were Alder's total costs in 2021?";
    let answered = |num_others, said| {
        told(question, "Report", COSTS, Some(library("Report", COSTS, num_others, said))).is_some()
    };
    assert!(answered(10, "This is the report of Alder."));
    assert!(!answered(10, "This is the report of Birch."));
    // One among many mentions it in passing, unless it is the one that the document begins with.
    assert!(!answered(60, "Among others Alder sells paint."));
    let begins = library("Report", "The report of Alder.", 60, COSTS);
    assert!(told(question, "Report", COSTS, Some(begins)).is_some());
}

#[test]
fn what_is_told_of_another_year_is_no_answer() {
    let answered = |year, text, index| {
        told(
            &format!("In thousands, what were the total costs of paint in either year, or in {year}?"),
            "Report",
            text,
            index,
        )
        .is_some()
    };
    assert!(answered(2021, COSTS, None) && answered(2020, COSTS, None));
    assert!(!answered(2012, COSTS, None));
    assert!(answered(2012, COSTS, Some(library("Report", COSTS, 4, "Of the year 2012."))));
    // Where no year is told it may be that one.
    assert!(answered(2012, "In thousands, the total costs of paint in either year were 6,870.", None));
}

#[test]
fn what_the_document_writes_short_is_found_by_its_long_form_and_the_other_way_round() {
    let explained = "Warnings come from the tide gauge network (TGN).";
    let told = |question: &str, told: &str| write(&prompt_of_one(question, &[explained, told])).text();
    let short = "Each morning the TGN is read by two keepers of the harbour.";
    let long = "Each morning the tide gauge network is read by two keepers of the harbour.";
    assert!(
        told("Who reads the tide gauge network each morning?", short).starts_with("Each morning the TGN")
    );
    assert!(told("Who reads the TGN each morning?", long).starts_with("Each morning the tide gauge"));
}

#[test]
fn a_question_of_many_parts_is_answered_by_several_sentences_together() {
    let question = "Which year was the northern harbour dredged for fishing, which year did the keeper's house of the \
                    lighthouse burn down, and which cannery closed before the tourists, hotels and painters arrived?";
    let answer = write(&prompt(question, &[HARBOUR, LIGHTHOUSE]));
    assert!(answer.text().contains("1902") && answer.text().contains("1911"), "{}", answer.text());
    let elsewhere = "Which year did the parliament of Finland pass the forestry law, which minister signed it, and how many \
                     sawmills, paper factories and villages protested against the northern quota?";
    assert!(write(&prompt(elsewhere, &[HARBOUR, LIGHTHOUSE])).refused);
}

#[test]
fn a_long_question_of_which_little_is_found_is_refused() {
    let question = "Which politician, whose memoir of a diplomatic career in distant capitals won several literary prizes \
                    and was filmed in Lisbon, built the lighthouse?";
    assert!(write(&prompt(question, &[HARBOUR, LIGHTHOUSE])).refused);
    let chatty = "Good morning, I trust the holidays were restful and everyone came home with wonderful pictures, souvenirs \
                  and stories. When was the lighthouse built?";
    assert!(write(&prompt(chatty, &[HARBOUR, LIGHTHOUSE])).text().contains("1874"));
}

#[test]
fn what_is_common_in_the_library_weighs_little() {
    let question = "Which lighthouse is on the market of the company?";
    let mut prompt = prompt(question, &[HARBOUR, LIGHTHOUSE]);
    assert!(write(&prompt).refused);
    let library = PassageIndex::in_memory().unwrap();
    let report = |ordinal| {
        let body = "The company gained on the market.".into();
        Ok(PassageText { ordinal, heading: None, body })
    };
    let report = Change::Put(Document {
        id: Uuid::from_u128(7),
        version: "1",
        name: "report.txt",
        title: "Report",
        collections: &[],
        language: Language::from_code("en"),
        passages: Box::new((0..300).map(report)),
    });
    library.apply([report]).unwrap();
    prompt.index = Some(Arc::new(library));
    assert!(write(&prompt).text().contains("northern cape"), "{}", write(&prompt).text());
}

#[test]
fn a_mistyped_word_is_read_as_the_one_that_was_searched_for() {
    let question = "Who built the lighthuose?";
    let mut prompt = prompt(question, &[HARBOUR, LIGHTHOUSE]);
    assert!(write(&prompt).refused);
    let library = PassageIndex::in_memory().unwrap();
    let body = LIGHTHOUSE.into();
    let lighthouse = Change::Put(Document {
        id: Uuid::from_u128(1),
        version: "",
        name: "notes.md",
        title: "Notes",
        collections: &[],
        language: Language::from_code("en"),
        passages: Box::new([Ok(PassageText { ordinal: 0, heading: None, body })].into_iter()),
    });
    library.apply([lighthouse]).unwrap();
    prompt.index = Some(Arc::new(library));
    assert!(write(&prompt).text().contains("Marta Lind"), "{}", write(&prompt).text());
}

#[test]
fn copies_are_dropped_and_disagreement_is_shown() {
    let first = "The bridge over the Ula is 240 metres long.";
    let copied = write(&prompt("How long is the bridge over the Ula?", &[first, first]));
    assert_eq!(copied.text().matches("240").count(), 1);
    let other = "The bridge over the Ula is 255 metres long.";
    let differing = write(&prompt("How long is the bridge over the Ula?", &[first, other]));
    assert!(differing.text().contains("240 metres") && differing.text().contains("255 metres"));
}

#[test]
fn every_quoted_sentence_is_found_again_by_the_scanner() {
    let hostile = "Sales of *Nova* rose by 12% to [40] units_sold | per day in\nMay. 1. Nova sales | are \\ counted #1 daily `here`.";
    let prompt = prompt("How did sales of Nova rise?", &[hostile, LIGHTHOUSE]);
    let answer = write(&prompt);
    let (pieces, scanner) = read(&prompt.passages, None, [answer.text().as_str()]);
    let citations: Vec<_> = pieces.into_iter().filter_map(Read::citation).collect();
    assert_eq!(scanner.dropped_marks(), 0, "{}", answer.text());
    assert_eq!(citations.len(), answer.pieces.len(), "{}", answer.text());
    for citation in citations {
        assert_eq!(citation.quote, prompt.passages[0].text[citation.start..citation.end]);
        assert_eq!(citation.verdict, Verdict::Supported, "{citation:?}");
    }
}

#[test]
fn words_of_grammar_are_known_where_a_text_is_too_short_to_show_its_language() {
    let prompt =
        prompt("When do silver eels leave?", &["# Eels\n\nSilver eels leave the estuary in October.\n"]);
    assert_eq!(write(&prompt).text(), "Silver eels leave the estuary in October. [1]");
}

#[tokio::test]
async fn the_stream_is_the_answer_and_then_its_end() {
    let prompt = prompt("When was the harbour dredged?", &[HARBOUR]);
    let expected = write(&prompt).text();
    let deltas: Vec<Delta> = stream(prompt).map(Result::unwrap).collect().await;
    let text: String = deltas
        .iter()
        .filter_map(|delta| if let Delta::Text(text) = delta { Some(text.as_str()) } else { None })
        .collect();
    assert_eq!(text, expected);
    assert_eq!(deltas[deltas.len() - 2..], [Delta::Usage(Usage::default()), Delta::End(FinishReason::Stop)]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn whatever_the_passages_hold_each_quoted_sentence_is_cited_and_stands(
        texts in proptest::collection::vec("((Nova|sales|rose|in|May|[0-9]{1,4}|%|Dr\\.|the|東京は晴れ。|é|\\[1\\]|#|\\||`|\\*|_|- |\t)[ .\n]{1,2}){0,40}|(?s).{0,80}", 0..4),
        question in "(Nova |sales |rose |May |2019 |who |é){0,6}[?]?",
    ) {
        let passages: Vec<&str> = texts.iter().map(String::as_str).collect();
        let prompt = prompt(&question, &passages);
        let answer = write(&prompt);
        let (pieces, scanner) = read(&prompt.passages, None, [answer.text().as_str()]);
        prop_assert_eq!(scanner.answer(), answer.text());
        prop_assert_eq!(scanner.dropped_marks(), 0);
        let mut num_citations = 0;
        for citation in pieces.into_iter().filter_map(Read::citation) {
            num_citations += 1;
            let stored = &prompt.passages[citation.n as usize - 1].text;
            prop_assert_eq!(&stored[citation.start..citation.end], citation.quote.as_str());
        }
        prop_assert_eq!(num_citations, if answer.refused { 0 } else { answer.pieces.len() });
    }
}
