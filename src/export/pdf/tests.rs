use super::{Fonts, typeset};
use crate::export::sample::bundle;
use crate::ingest::extract::{Limits, extract};

fn read_back(pdf: &[u8]) -> String {
    extract(pdf, "export.pdf", &Limits::default()).map(|read| read.text).unwrap_or_default()
}

#[test]
fn a_machine_without_fonts_gives_the_same_page_and_says_what_is_missing() {
    let content =
        "The mud rose [1]. Η λάσπη ανέβηκε. Ил **поднялся** *на* четыре [2]. Bùn dâng. 泥\n\n`code`\n";
    let pdf = typeset(&bundle(content), Fonts::built_in()).unwrap();
    let text = read_back(&pdf);
    for words in ["The mud rose [1]", "Η λάσπη ανέβηκε", "Ил поднялся на четыре", "Bùn dâng", "code", "p. 3"]
    {
        assert!(text.replace('\u{a0}', " ").contains(words), "{words}: {text}");
    }
    assert!(text.contains("no font for U+6CE5;"), "{text}");
    assert!(pdf.len() < 200_000, "only the letters that are used go in: {} bytes", pdf.len());
}

#[test]
fn a_long_answer_leaves_no_heading_alone_and_loses_no_line() {
    let content: String = (0..80)
        .map(|number| {
            format!("## Part {number}\n\n{}\n\n", "It rose again and again. ".repeat(number % 9 + 1))
        })
        .collect();
    let pdf = typeset(&bundle(&content), Fonts::built_in()).unwrap();
    let read = extract(&pdf, "export.pdf", &Limits::default()).unwrap();
    let text = &read.text;
    for number in 0..80 {
        assert!(text.contains(&format!("Part {number}")), "{number}");
    }
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let expected: usize = (0..80).map(|number| number % 9 + 1).sum();
    assert_eq!(words.matches("It rose again and again.").count(), expected);
    assert!(read.pages.len() > 3, "{:?}", read.pages);
    for page in &read.pages[1..] {
        let last = text[..page.start].trim_end().lines().last().unwrap_or_default();
        assert!(!last.starts_with("Part "), "a heading stands alone: {last}");
    }
}
