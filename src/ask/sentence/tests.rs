use proptest::prelude::*;

use super::{Sentence, SentenceKind, has_unpaired_fence, sentences, sentences_and_cells};

#[track_caller]
fn check(text: &str, expected: &[&str]) {
    let found: Vec<&str> = sentences(text).into_iter().map(|sentence| &text[sentence.range]).collect();
    assert_eq!(found, expected, "in {text:?}");
}

#[test]
fn plain_sentences_part_at_full_stops() {
    check(
        "One is here. Two is there! Is three? Yes.",
        &["One is here.", "Two is there!", "Is three?", "Yes."],
    );
    check("", &[]);
    check("  \n\n ", &[]);
}

#[test]
fn rows_that_were_run_together_are_parted() {
    let text = "The trust took these. Dues, in thousands: 2021 2020 Gifts $ 4,029 $ 1,933\nSales, net 78 (66) Total — 12% 9% \
                Gifts were many. So were the givers.";
    check(
        text,
        &[
            "The trust took these.",
            "Dues, in thousands:",
            "2021 2020",
            "Gifts $ 4,029 $ 1,933",
            "Sales, net 78 (66)",
            "Total — 12% 9%",
            "Gifts were many.",
            "So were the givers.",
        ],
    );
    check("U.S. gifts 40 30 Dr. Lind 5 6", &["U.S. gifts 40 30", "Dr. Lind 5 6"]);
    check("They took much. Gifts 40 30 Sales 5 6", &["They took much.", "Gifts 40 30", "Sales 5 6"]);
    assert!(sentences(text)[2..6].iter().all(|sentence| sentence.kind == SentenceKind::Row));
    for prose in [
        "In 1874 2 ships were lost and 31 38 and 40 men. In 1901 12 Of them came back.",
        "Of 2,400 3,100 stayed, see pp. 12 14. Others left: 40 50, 60.",
        "In May 1890 Marta Lind built it, and in 1901 Jens Holm left.",
    ] {
        assert!(sentences(prose).iter().all(|sentence| sentence.kind == SentenceKind::Prose), "{prose}");
    }
}

#[test]
fn every_language_has_abbreviations_of_its_own() {
    check(
        "Он жил в г. Москве на ул. Ленина. В 1890 г. Это было иначе.",
        &["Он жил в г. Москве на ул. Ленина.", "В 1890 г.", "Это было иначе."],
    );
    check(
        "Это сказал А. В. Иванов на стр. 12. Он прав.",
        &["Это сказал А. В. Иванов на стр. 12.", "Он прав."],
    );
    check(
        "Kościół św. Jana stoi przy ul. Długiej. Jest stary.",
        &["Kościół św. Jana stoi przy ul. Długiej.", "Jest stary."],
    );
    check(
        "Se tabell på sid. 12 och rapporten av t.ex. Lund. Den är ny.",
        &["Se tabell på sid. 12 och rapporten av t.ex. Lund.", "Den är ny."],
    );
    check(
        "Volgens dhr. Jansen, zie blz. 5, klopt het. Het is waar.",
        &["Volgens dhr. Jansen, zie blz. 5, klopt het.", "Het is waar."],
    );
    check(
        "Bu kitabı Doç. Ayşe Kaya yazdı, bkz. Tablo. Bu doğru.",
        &["Bu kitabı Doç. Ayşe Kaya yazdı, bkz. Tablo.", "Bu doğru."],
    );
}

#[test]
fn abbreviations_titles_and_initials_do_not_end_a_sentence() {
    check(
        "See Fig. 2 and Dr. Smith et al. (2019). Done.",
        &["See Fig. 2 and Dr. Smith et al. (2019).", "Done."],
    );
    check(
        "Fruit, e.g. Apples, i.e. Malus, sold well. Next.",
        &["Fruit, e.g. Apples, i.e. Malus, sold well.", "Next."],
    );
    check(
        "It was J. R. R. Tolkien who wrote it. He did.",
        &["It was J. R. R. Tolkien who wrote it.", "He did."],
    );
    check("He moved to the U.S. Senate later. Good.", &["He moved to the U.S. Senate later.", "Good."]);
    check("He moved to the U.S. The rest stayed.", &["He moved to the U.S.", "The rest stayed."]);
    check("They joined Acme Inc. In May it closed.", &["They joined Acme Inc.", "In May it closed."]);
    check("It is certified by UL. The rest is not.", &["It is certified by UL.", "The rest is not."]);
    check("MR. SMITH CAME. HE LEFT.", &["MR. SMITH CAME.", "HE LEFT."]);
    check("It was J. A. Smith who wrote it. He did.", &["It was J. A. Smith who wrote it.", "He did."]);
    check("Pages pp. 12 to 14, No. 5, vol. 3 hold it.", &["Pages pp. 12 to 14, No. 5, vol. 3 hold it."]);
}

#[test]
fn ordinals_with_a_full_stop_do_not_end_a_sentence() {
    check(
        "Am 5. Dezember 2021 stieg das Wasser. Im 19. Jahrhundert auch.",
        &["Am 5. Dezember 2021 stieg das Wasser.", "Im 19. Jahrhundert auch."],
    );
    check("Es waren 12. Dann kam der Winter.", &["Es waren 12.", "Dann kam der Winter."]);
}

#[test]
fn decimals_and_lower_case_do_not_end_a_sentence() {
    check("It grew 3.5 per cent. Then 0.2.", &["It grew 3.5 per cent.", "Then 0.2."]);
    check("\"Really?\" he asked. No.", &["\"Really?\" he asked.", "No."]);
}

#[test]
fn wrapped_lines_are_one_sentence_and_blank_lines_part() {
    check("The cat\nsat down. It\r\nslept.", &["The cat\nsat down.", "It\r\nslept."]);
    check("No stop here\n\nnor here", &["No stop here", "nor here"]);
    check("It ends on\u{c}page two.", &["It ends on\u{c}page two."]);
}

#[test]
fn headings_items_and_rows_are_units() {
    check("# Title\nText one. Text two.", &["Title", "Text one.", "Text two."]);
    check(
        "- first thing\n- second thing. More.\n  wrapped",
        &["first thing", "second thing.", "More.\n  wrapped"],
    );
    check("1. Alpha\n2. Beta\n(a) Gamma", &["Alpha", "Beta", "Gamma"]);
    check("| a | b |\n|---|---|\n| 1. X | 2 |", &["| a | b |", "| 1. X | 2 |"]);
    check(
        "Summary\nThe committee met on Monday to vote.",
        &["Summary", "The committee met on Monday to vote."],
    );
    let paged = "2.1 The new dike\n\nIt is 4.7 kilometres long and was finished in 2016.";
    check(paged, &["2.1 The new dike", "It is 4.7 kilometres long and was finished in 2016."]);
    assert_eq!(sentences(paged)[0].kind, SentenceKind::Heading);
    check("```\nlet a = b[1];\n```\nAfter.", &["let a = b[1];", "After."]);
    assert_eq!(sentences("Name\tAge\nAda\t36")[1].kind, SentenceKind::Row);
}

#[test]
fn names_of_manuals_stand_above_what_is_said_of_them() {
    for (line, is_heading) in [
        ("max_gates (integer)", true),
        ("-k FILE --keys=FILE", true),
        ("gates.keys.Lock", true),
        ("gates", true),
        ("a keeper of the gates", false),
        ("max_gates is the setting of keepers.", false),
    ] {
        let text =
            format!("{line}\n\nIt is told by the keepers of the gates who shut them each night at the ebb.");
        assert_eq!(sentences(&text)[0].kind == SentenceKind::Heading, is_heading, "{line}");
        let within = text.replacen("\n\n", "\n", 1);
        assert_ne!(sentences(&within)[0].kind, SentenceKind::Heading, "{line}");
    }
    let text = "- a gate\n\nmax_gates (integer)\n\nIt is 4.\n\n- a key\n\nIt is 5.";
    let above = |words: &str, heading| super::term_above(text, false, heading, text.find(words).unwrap());
    assert_eq!(above("It is 4.", None), Some("max_gates (integer)"));
    assert_eq!(above("It is 5.", None), None);
    assert_eq!(super::term_above("It is 4.", false, Some("max_gates"), 0), Some("max_gates"));
    for heading in ["The gates", "26.1. The gates", "U.S. gates"] {
        assert_eq!(super::term_above("It is 4.", false, Some(heading), 0), None, "{heading}");
    }
}

#[test]
fn marks_after_the_stop_belong_to_the_sentence_before() {
    check("It rained. [1][2] It stopped [3].", &["It rained. [1][2]", "It stopped [3]."]);
    check("It rained.[1] It stopped.", &["It rained.[1]", "It stopped."]);
}

#[test]
fn cjk_stops_end_a_sentence() {
    check("今日は晴れ。明日は雨！本当？はい。", &["今日は晴れ。", "明日は雨！", "本当？", "はい。"]);
}

#[test]
fn a_link_is_not_cut() {
    check(
        "Read [why they come. And when?](eels.md) It is short. [Or this?](b.md)",
        &["Read [why they come. And when?](eels.md) It is short.", "[Or this?](b.md)"],
    );
    check(
        "Eels [climb](../eels/climb.md#how) and rest. See ../eels first.",
        &["Eels [climb](../eels/climb.md#how) and rest.", "See ../eels first."],
    );
    check("See https://eels.org/?All=1 first. Then go.", &["See https://eels.org/?All=1 first.", "Then go."]);
    check("It came [to us. Then it left. [1]", &["It came [to us.", "Then it left. [1]"]);
}

#[test]
fn front_matter_is_no_prose() {
    let text = "---\ntitle: Eels\nredirect_from:\n  - /eels/\n---\nThey come in May.";
    let found = sentences(text);
    assert!(found[..3].iter().all(|sentence| sentence.kind == SentenceKind::Code));
    assert_eq!((&text[found[3].range.clone()], found[3].kind), ("They come in May.", SentenceKind::Prose));
    for prose in ["---\nThey come.\n---\nIn May.", "---\nThey come: eels."] {
        assert!(sentences(prose).iter().all(|sentence| sentence.kind == SentenceKind::Prose), "{prose}");
    }
}

#[test]
fn a_text_may_begin_inside_code() {
    let text = "gate lock\n```\n\nThe gate is old.\n\n```\ngate shut\n";
    let kinds =
        |in_code| sentences_and_cells(text, in_code).iter().map(|sentence| sentence.kind).collect::<Vec<_>>();
    assert_eq!(kinds(true), [SentenceKind::Code, SentenceKind::Prose, SentenceKind::Code]);
    assert_eq!(kinds(false), [SentenceKind::Prose, SentenceKind::Code, SentenceKind::Prose]);
    assert!(has_unpaired_fence("Shut it:\n\n~~~\ngate shut"));
    assert!(!has_unpaired_fence("Shut it:\n\n~~~\ngate shut\n~~~\nIt is old."));
    assert!(!has_unpaired_fence("```gate shut``` is how.\n\nIt is old."));
}

#[test]
fn cells_of_prose_are_parted_in_documents() {
    let text =
        "| Term | Meaning |\n|---|---|\n| Eel pass | A ramp for eels. They climb it. |\n| Toll | 4 |\n";
    let found = |sentences: Vec<Sentence>| -> Vec<_> {
        sentences.into_iter().map(|sentence| (sentence.kind, &text[sentence.range])).collect()
    };
    assert_eq!(
        found(sentences_and_cells(text, false)),
        [
            (SentenceKind::Row, "| Term | Meaning |"),
            (SentenceKind::Label, "Eel pass"),
            (SentenceKind::Cell, "A ramp for eels."),
            (SentenceKind::Cell, "They climb it."),
            (SentenceKind::Row, "| Toll | 4 |"),
        ]
    );
    assert_eq!(
        found(sentences(text))[1],
        (SentenceKind::Row, "| Eel pass | A ramp for eels. They climb it. |")
    );
}

#[test]
fn a_page_without_stops_is_cut() {
    let text = "word ".repeat(1000);
    let found = sentences(&text);
    assert!(found.len() > 4);
    assert!(found.iter().all(|sentence| sentence.range.len() <= super::MAX_SENTENCE_BYTES));
}

proptest! {
    #[test]
    fn ranges_are_ordered_and_on_boundaries(text in "(?s).{0,200}|([A-Za-z]{1,6}[.!?。] ?\n?|\\[1\\]|- |\\| |# |é\u{2029}|```\n){0,40}") {
        let mut end = 0;
        for sentence in sentences(&text) {
            prop_assert!(sentence.range.start >= end);
            end = sentence.range.end;
            let words = text.get(sentence.range);
            prop_assert!(words.is_some_and(|words| !words.is_empty() && words == words.trim()));
        }
    }
}
