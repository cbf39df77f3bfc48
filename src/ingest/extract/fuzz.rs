//! Files of every format but PDF, altered at random: whole, and by the parts inside their containers,
//! which no alteration of a packed file would reach. PDF is read by a library that may panic, which
//! is what the worker is for.

use std::io::{Cursor, Read, Write};

use super::{Extracted, Limits, extract};
use crate::fuzz::{files, fuzz};
use crate::ingest::passages::{View, split};

const WORDS: &[&str] = &[
    "<",
    "</",
    "/>",
    ">",
    "&#x",
    "&amp;",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "<?xml ",
    "<!DOCTYPE ",
    "<table>",
    "<td>",
    "<p>",
    "<w:p>",
    "<w:tbl>",
    "<w:r><w:t>",
    "</w:t></w:r></w:p>",
    "w:val=\"",
    "<a:t>",
    "<c r=\"",
    "<v>",
    "<text:h ",
    "table:number-columns-repeated=\"",
    "xmlns:",
    "\\par ",
    "\\u-10179?",
    "\\'e4",
    "\\bin",
    "{\\*",
    "}",
    "\n\n",
    "# ",
    "| ",
    "---\n",
    "```\n",
    "PK\u{1}\u{2}",
    "%PDF-",
    "charset=utf-16",
    "\u{feff}",
    "\u{300}",
    "\u{200d}",
    "🐟",
];

#[test]
fn no_file_breaks_its_reader_or_gets_pages_and_passages_that_lie_outside_its_text() {
    let mut examples: Vec<Vec<u8>> = files("fixtures/library");
    examples.retain(|file| !file.starts_with(b"%PDF"));
    let rtf = r"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}}{\info{\title Bees}}\f0 H\'e4lf \u8364? \b bold\b0\par{\*\x y}\tab z\cell\row}";
    let xml =
        "<?xml version='1.0' encoding='utf-8'?><book><title>Bees</title><p>They fly &amp; hum.</p></book>";
    examples.extend(
        [rtf, xml, "a;b;c\n1;\"two\n lines\";3\n", "{\"a\": [1, 2]}"].map(|text| text.as_bytes().to_vec()),
    );
    fuzz("files", &examples, WORDS, |bytes| {
        if !bytes.starts_with(b"%PDF") {
            look(bytes);
        }
    });
}

#[test]
fn no_part_of_a_container_breaks_its_reader() {
    let containers: Vec<Vec<u8>> =
        files("fixtures/library").into_iter().filter(|file| file.starts_with(b"PK")).collect();
    // An input is the number of its container and the number of a part, and then the part.
    let mut examples = Vec::new();
    for (container, file) in (0..).zip(&containers) {
        for (part, (name, content)) in (0..).zip(parts(file)) {
            if name.ends_with("ml") || name.ends_with(".rels") || name.ends_with(".opf") {
                examples.push([&[container, part], &content[..]].concat());
            }
        }
    }
    let opened: Vec<_> = containers.iter().map(|file| parts(file)).collect();
    fuzz("parts", &examples, WORDS, |bytes| {
        let [container, part, content @ ..] = bytes else { return };
        let Some(parts) = opened.get(usize::from(*container)) else { return };
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        let stored =
            zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        for (at, (name, whole)) in parts.iter().enumerate() {
            zip.start_file(name.as_str(), stored).unwrap();
            zip.write_all(if at == usize::from(*part) { content } else { whole }).unwrap();
        }
        look(&zip.finish().unwrap().into_inner());
    });
}

/// What is in a container, without its pictures.
fn parts(file: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut zip = zip::ZipArchive::new(Cursor::new(file)).unwrap();
    let num_parts = zip.len();
    let read = |at| {
        let mut part = zip.by_index(at).unwrap();
        let mut content = Vec::new();
        part.read_to_end(&mut content).unwrap();
        (part.name().unwrap().into_owned(), content)
    };
    (0..num_parts).map(read).filter(|(_, content)| content.len() < 64 << 10).collect()
}

/// Reads a file, and compares what is told about its text with the text.
fn look(bytes: &[u8]) {
    let limits = Limits { inflated_bytes: 8 << 20, text_bytes: 4 << 20, ..Limits::default() };
    let Ok(extracted) = extract(bytes, "a", &limits) else { return };
    let Extracted { text, pages, headings, .. } = &extracted;
    assert!(text.len() <= limits.text_bytes && !text.contains(['\r', '\0']));
    assert!(pages.is_sorted_by_key(|page| page.start) && headings.is_sorted_by_key(|heading| heading.start));
    for start in pages.iter().map(|page| page.start).chain(headings.iter().map(|heading| heading.start)) {
        assert!(text.is_char_boundary(start), "{start} of {}", text.len());
    }
    let mut end = 0;
    for passage in split(View::from(&extracted)) {
        assert!(
            passage.start >= end && text.get(passage.range()).is_some_and(|text| !text.trim().is_empty())
        );
        end = passage.end;
    }
}
