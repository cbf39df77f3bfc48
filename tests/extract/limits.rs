//! Files made to cost too much are refused in words, soon, and without the memory they ask for.

use std::io::{Cursor, Write};

use ibid::ingest::extract::{ExtractError, Limits, extract};
use zip::write::SimpleFileOptions;

use crate::files;

#[test]
fn a_zip_bomb_is_refused_before_it_is_unpacked() {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("word/document.xml", SimpleFileOptions::default()).unwrap();
    let zeros = vec![b' '; 1 << 20];
    (0..64).for_each(|_| zip.write_all(&zeros).unwrap());
    let bomb = zip.finish().unwrap().into_inner();
    assert!(bomb.len() < 1 << 20);
    let error = extract(&bomb, "a.docx", &Limits::default()).unwrap_err();
    assert_eq!(error, ExtractError::Bomb { format: "Word document".to_owned(), ratio: 100 });
}

#[test]
fn each_limit_has_its_own_words() {
    let long = files::docx(&files::w_paragraph("", "word").repeat(3_000));
    let cases = [
        (files::docx(""), Limits { entries: 3, ..Limits::default() }, "more than 3 parts"),
        (long.clone(), Limits { text_bytes: 2_000, ..Limits::default() }, "more than 2000 bytes of text"),
        (
            long,
            Limits { inflated_bytes: 9_000, ..Limits::default() },
            "more than 9000 bytes of unpacked content",
        ),
        (
            files::pptx(&[("a", "", ""), ("b", "", "")]),
            Limits { pages: 1, ..Limits::default() },
            "more than 1 pages",
        ),
        (files::pdf(&[&[b"a"], &[b"b"]]), Limits { pages: 1, ..Limits::default() }, "more than 1 pages"),
        (b"0123456789".to_vec(), Limits { text_bytes: 8, ..Limits::default() }, "more than 8 bytes of text"),
    ];
    for (bytes, limits, expected) in cases {
        let error = extract(&bytes, "a", &limits).unwrap_err();
        assert!(error.to_string().contains(expected), "{error} lacks {expected}");
    }
}

#[test]
fn deep_nesting_ends_in_words_not_in_a_crash() {
    let deep =
        |open: &str, close: &str, depth: usize| format!("{}x{}", open.repeat(depth), close.repeat(depth));
    let error =
        extract(&files::docx(&deep("<w:tbl>", "</w:tbl>", 5_000)), "a", &Limits::default()).unwrap_err();
    assert!(error.to_string().contains("nested more than 256 deep"), "{error}");
    let page = format!("<html><body>{}", deep("<div>", "</div>", 2_000));
    assert_eq!(extract(page.as_bytes(), "a", &Limits::default()).unwrap().text, "x");
    let rtf = format!("{{\\rtf1 {}", deep("{", "}", 50_000));
    assert!(matches!(extract(rtf.as_bytes(), "a", &Limits::default()), Err(ExtractError::Damaged { .. })));
}

#[test]
fn entities_are_not_expanded_and_many_attributes_take_no_time() {
    let laughs = r#"<!DOCTYPE w [<!ENTITY a "ha ha ha"><!ENTITY f SYSTEM "file:///etc/passwd">]>"#;
    let attributes: String = (0..80_000).map(|n| format!(" a{n}='1'")).collect();
    let body = format!("<w:p><w:pPr><w:pStyle{attributes}/></w:pPr><w:r><w:t>x&a;&f;y</w:t></w:r></w:p>");
    let document = format!("{laughs}<w:document xmlns:w=\"w\"><w:body>{body}</w:body></w:document>");
    let file = files::zip(&[("word/document.xml", &document)]);
    assert_eq!(extract(&file, "a", &Limits::default()).unwrap().text, "xy");
}
