//! What holds for the passages of any text.

use ibid::document::PageStart;
use ibid::ingest::extract::{Heading, Limits, extract};
use ibid::ingest::passages::{MAX_CHARS, SHORT_CHARS, View, split};
use proptest::prelude::*;

/// A text with made-up pages and headings at places that need not make sense.
#[derive(Debug)]
struct Sample {
    text: String,
    pages: Vec<PageStart>,
    headings: Vec<Heading>,
    markdown: bool,
}

fn sample() -> impl Strategy<Value = Sample> {
    let piece = prop_oneof![
        4 => "[a-z]{1,9}[ ,.]{1,2}",
        2 => "([A-Z][a-z ]{5,60}\\. ){1,12}",
        2 => Just("\n\n".to_owned()),
        1 => Just("\n# Heading\n".to_owned()),
        1 => Just("\n```\ncode();\n".to_owned()),
        1 => Just("| a | b |\n".to_owned()),
        1 => Just("   \u{3000}\t".to_owned()),
        1 => "[x]{900,2500}",
        1 => "[日本語。é😀\u{301}]{1,400}",
    ];
    let text = prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat());
    let marks = prop::collection::vec((0..100_usize, 1..5_u8, any::<bool>()), 0..12);
    (text, marks, any::<bool>()).prop_map(|(text, marks, markdown)| {
        let mut starts: Vec<(usize, u8, bool)> = marks
            .into_iter()
            .map(|(percent, level, page)| {
                let mut start = text.len() * percent / 100;
                while !text.is_char_boundary(start) {
                    start -= 1;
                }
                (start, level, page)
            })
            .collect();
        starts.sort_unstable();
        let (pages, headings): (Vec<_>, Vec<_>) = starts.into_iter().partition(|(_, _, page)| *page);
        let pages =
            pages.iter().zip(1..).map(|((start, _, _), page)| PageStart { page, start: *start }).collect();
        let headings = headings.into_iter().zip(1..);
        let headings =
            headings.map(|((start, level, _), n)| Heading { start, level, text: format!("h{n}") }).collect();
        Sample { text, pages, headings, markdown }
    })
}

/// The headings in force at an offset, found the slow way: of each level the last, unless an
/// outer one came after it.
fn path_at(headings: &[Heading], offset: usize) -> Option<String> {
    let before: Vec<&Heading> = headings.iter().filter(|heading| heading.start <= offset).collect();
    let in_force = |index: usize| before[index + 1..].iter().all(|later| later.level > before[index].level);
    let path: Vec<&str> =
        (0..before.len()).filter(|&n| in_force(n)).map(|n| before[n].text.as_str()).collect();
    (!path.is_empty()).then(|| path.join(" › "))
}

proptest! {
    #[test]
    fn passages_cover_the_text_in_order_and_know_their_place(sample in sample()) {
        let Sample { text, pages, headings, markdown } = &sample;
        let passages = split(View { text, pages, headings, markdown: *markdown });
        let mut end = 0;
        for (ordinal, passage) in passages.iter().enumerate() {
            prop_assert_eq!(passage.ordinal as usize, ordinal);
            let Some(words) = text.get(passage.range()) else { panic!("not on boundaries: {passage:?}") };
            prop_assert!(!words.is_empty() && words.trim() == words, "{:?}", words);
            let most = if pages.is_empty() && text.trim().chars().count() <= SHORT_CHARS { SHORT_CHARS } else { MAX_CHARS };
            prop_assert!(words.chars().count() <= most, "{} characters", words.chars().count());
            prop_assert!(passage.start >= end);
            prop_assert!(text[end..passage.start].trim().is_empty(), "lost {:?}", &text[end..passage.start]);
            end = passage.end;
            let page = pages.iter().rev().find(|page| page.start <= passage.start).map(|page| page.page);
            prop_assert_eq!(passage.page, page);
            prop_assert_eq!(passage.heading.clone(), path_at(headings, passage.start));
        }
        prop_assert!(text[end..].trim().is_empty(), "lost {:?}", &text[end..]);
    }
}

fn words_of(text: &str, name: &str) -> Vec<(Option<String>, String)> {
    let found = extract(text.as_bytes(), name, &Limits::default()).unwrap();
    let passages = split(View::from(&found));
    passages
        .into_iter()
        .map(|passage| (passage.heading.clone(), found.text[passage.range()].to_owned()))
        .collect()
}

#[test]
fn a_heading_begins_a_passage_and_small_sections_share_one() {
    let long = "The meadow was mown in June. ".repeat(25);
    let text = format!(
        "# Guide\n\n## Meadow\n\n{long}\n\n## Tools\n\nscythe\n\n## Dates\n\nJune\n\n# Index\n\nnone\n"
    );
    let found = words_of(&text, "guide.md");
    let starts: Vec<&str> = found.iter().map(|(_, words)| words.lines().next().unwrap()).collect();
    assert_eq!(starts, ["# Guide", "## Tools", "# Index"]);
    assert_eq!(found[1].0.as_deref(), Some("Guide › Tools"));
    assert!(found[1].1.ends_with("June"), "the small sibling joined: {}", found[1].1);
}

#[test]
fn each_long_entry_of_a_glossary_is_a_passage_of_its_own() {
    let told = "It is told of by the keepers who count at night. ".repeat(8);
    let prose = "The keepers wrote this glossary for those who come after them. ".repeat(40);
    let html = format!(
        "<body><h1>The book of gates</h1><p>{prose}</p><h2>Glossary</h2><p>{told}</p><dl><dt>alder</dt><dd>A gate.</dd>\
         <dt>bell</dt><dd>{told}</dd><dt>cord</dt><dd>{told}</dd><dt>dike</dt><dd>A wall.</dd></dl>\
         <p>These were all.</p></body>"
    );
    let found = words_of(&html, "glossary.html");
    let entries: Vec<(&str, &str)> = found
        .iter()
        .map(|(heading, words)| (heading.as_deref().unwrap_or_default(), words.as_str()))
        .skip_while(|(heading, _)| !heading.ends_with("Glossary"))
        .map(|(heading, words)| (heading.rsplit(" › ").next().unwrap(), words.lines().next().unwrap()))
        .collect();
    let expected =
        [("Glossary", "Glossary"), ("bell", "bell"), ("cord", "cord"), ("Glossary", "- dike: A wall.")];
    assert_eq!(entries, expected);
}

#[test]
fn a_page_begins_a_passage_unless_a_sentence_runs_over() {
    let text = "One page ends here.\n\nAnother begins, and its last sentence goes on\n\nfor a while. Then a third page.";
    let at = |words: &str| text.find(words).unwrap();
    let starts = [0, at("Another"), at("for a")];
    let pages: Vec<PageStart> =
        starts.iter().zip(1..).map(|(&start, page)| PageStart { page, start }).collect();
    let passages = split(View { text, pages: &pages, headings: &[], markdown: false });
    let found: Vec<(Option<u32>, &str)> =
        passages.iter().map(|passage| (passage.page, &text[passage.range()])).collect();
    assert_eq!(
        found,
        [
            (Some(1), "One page ends here."),
            (Some(2), "Another begins, and its last sentence goes on\n\nfor a while."),
            (Some(3), "Then a third page."),
        ]
    );
}

#[test]
fn a_long_section_is_cut_at_sentences_into_equal_parts() {
    let text = "Every sentence here is a plain one. ".repeat(60);
    let found = words_of(&text, "plain.txt");
    assert_eq!(found.len(), 2);
    for (_, words) in found {
        assert!(words.ends_with('.') && words.len() > 400, "{}", words.len());
    }
}

#[test]
fn a_short_document_is_one_passage_and_a_longer_one_is_cut() {
    let num_passages =
        |text: &str, pages: &[PageStart]| split(View { text, pages, headings: &[], markdown: false }).len();
    let sentence = "The eels leave in autumn when the water is high and dark. ";
    let abstract_like = sentence.repeat(SHORT_CHARS / sentence.len());
    assert!(abstract_like.len() > MAX_CHARS);
    assert_eq!(num_passages(&abstract_like, &[]), 1);
    assert_eq!(num_passages(&abstract_like, &[PageStart { page: 1, start: 0 }]), 2);
    assert!(num_passages(&abstract_like.repeat(2), &[]) > 2);
}
