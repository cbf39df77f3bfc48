//! PDF: text by page, with a note for each page that has none. Pages are read one after another
//! on the calling thread: a worker uses one core, and its deep stack counts for broken files.

use std::collections::HashSet;
use std::ops::ControlFlow;

use unicode_normalization::UnicodeNormalization;
use unpdf::{
    Block, Error, ErrorMode, FieldType, FieldValue, FormField, Page, PageSelection, PageStreamOptions,
    ParseEvent, ParseOptions, PdfParser,
};

use super::compose::Composer;
use super::sniff::pdf_signature;
use super::{ExtractError, Limits};

const FORMAT: &str = "PDF";

pub(super) fn read(bytes: &[u8], limits: &Limits, out: &mut Composer) -> Result<(), ExtractError> {
    let bytes = &bytes[pdf_signature(bytes).unwrap_or_default()..];
    let parser = PdfParser::from_bytes_with_options(bytes, ParseOptions::new().lenient()).map_err(reason)?;
    if parser.page_count() > limits.pages {
        return Err(ExtractError::TooLarge { limit: format!("{} pages", limits.pages) });
    }
    // Written out in full, as the defaults ask a thread pool for its size and so start it.
    let options = PageStreamOptions {
        error_mode: ErrorMode::Lenient,
        extract_text: true,
        extract_resources: false,
        min_image_dimension: 64,
        pages: PageSelection::All,
        password: None,
        parallel: false,
        suppress_low_confidence_ocr: true,
        window_size: 1,
        emit_progress_every: u32::MAX,
    };
    let mut outcome = Ok(());
    let mut num_pages = 0_u32;
    let mut words = Words::default();
    let streamed = parser.for_each_page(options, |event| {
        let step = match event {
            ParseEvent::DocumentStart { metadata, form_fields, .. } => {
                out.title = metadata.title.filter(|title| is_a_title(title));
                read_form(&form_fields, out)
            }
            ParseEvent::PageParsed(page) => {
                num_pages += 1;
                read_page(&page, &mut words, out)
            }
            ParseEvent::PageFailed { page, .. } => {
                num_pages += 1;
                out.note(&format!("page {page} could not be read"));
                out.page(page)
            }
            ParseEvent::Progress { .. } | ParseEvent::DocumentEnd { .. } => Ok(()),
        };
        match step {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                outcome = Err(error);
                ControlFlow::Break(())
            }
        }
    });
    outcome?;
    streamed.map_err(reason)?;
    if num_pages == 0 {
        return Err(ExtractError::damaged(FORMAT, "no page could be found in it"));
    }
    if out.has_text() {
        out.title = out.title.take().filter(|title| stands_in(title, out.text()));
        return Ok(());
    }
    Err(ExtractError::no_text(
        FORMAT,
        "it may be a scan; run text recognition (OCR) over it and upload the result",
    ))
}

fn reason(error: Error) -> ExtractError {
    match error {
        Error::Encrypted | Error::InvalidPassword => ExtractError::Encrypted { format: FORMAT.to_owned() },
        error => ExtractError::damaged(FORMAT, error),
    }
}

/// Programs that print to PDF leave file names, numbers and their own name where the title goes.
fn is_a_title(title: &str) -> bool {
    let lower = title.trim().to_ascii_lowercase();
    let file =
        [".doc", ".docx", ".indd", ".pdf", ".tex", ".dvi", ".qxd", ".xls", ".xlsx", ".ppt", ".pptx", ".htm"];
    let worded = lower.split(|c: char| !c.is_alphabetic()).any(|word| word.chars().count() > 2);
    worded
        && lower != "document"
        && !lower.starts_with("microsoft ")
        && !lower.starts_with("untitled")
        && !file.iter().any(|end| lower.ends_with(end))
}

/// Whether a text that tells enough begins with most words of a title. What is left of a template, or of an
/// earlier paper in the same file, does not stand there.
fn stands_in(title: &str, text: &str) -> bool {
    let begins = text[..text.floor_char_boundary(FRONT_BYTES)].to_lowercase();
    let num_letters = begins.chars().filter(|c| c.is_alphabetic()).count();
    let title = title.to_lowercase();
    let words = title.split(|c: char| !c.is_alphanumeric()).filter(|word| word.chars().count() > 2);
    let (there, missing): (Vec<_>, Vec<_>) = words.partition(|word| begins.contains(word));
    num_letters < FRONT_LETTERS || there.len() >= missing.len()
}

/// About two pages.
const FRONT_BYTES: usize = 8 << 10;
/// Letters that tell whether a title is theirs; a cover may be a picture.
const FRONT_LETTERS: usize = 500;

/// What was filled into the fields of a form, each with the last part of the field's name, before the
/// first page: which page a field is on is not known.
fn read_form(fields: &[FormField], out: &mut Composer) -> Result<(), ExtractError> {
    for field in fields {
        let value = match &field.value {
            Some(FieldValue::Text(text) | FieldValue::Choice(text)) => text.clone(),
            Some(FieldValue::Choices(texts)) => texts.join(", "),
            Some(FieldValue::Boolean(true)) if field.field_type != FieldType::PushButton => "[x]".to_owned(),
            Some(FieldValue::Boolean(_)) | None => continue,
        };
        if value.trim().is_empty() {
            continue;
        }
        let name = field.name.rsplit('.').next().unwrap_or_default();
        // Some forms number their fields: `Keeper[0]`.
        let name = name.split('[').next().unwrap_or_default();
        out.row(&[name, &value])?;
    }
    Ok(())
}

fn read_page(page: &Page, seen: &mut Words, out: &mut Composer) -> Result<(), ExtractError> {
    out.page(page.number)?;
    let before = out.text().len();
    for block in &page.elements {
        match block {
            Block::Paragraph(paragraph) => {
                let words = letters(&seen.joined(&paragraph.plain_text()));
                match paragraph.heading_level() {
                    Some(level) => out.heading(level, &words)?,
                    None => out.paragraph(&words)?,
                }
            }
            Block::Table(table) => {
                out.blank();
                for row in &table.rows {
                    let cells: Vec<String> =
                        row.cells.iter().map(|cell| letters(&seen.joined(&cell.plain_text()))).collect();
                    out.row(&cells)?;
                }
                out.blank();
            }
            Block::Code { content } | Block::Raw { content } => {
                out.blank();
                out.verbatim(&letters(content))?;
                out.blank();
            }
            Block::Image { .. } | Block::HorizontalRule | Block::PageBreak | Block::SectionBreak => {}
        }
    }
    if out.text().len() == before {
        let number = page.number;
        let unreadable =
            page.suppressed_text_runs > 0 || page.undecoded_text_codes > 0 || page.ocr_text_suppressed;
        let drawn = page.image_op_count + page.fill_op_count > 0;
        out.note(&if unreadable {
            format!("page {number} has text in a font that can't be read")
        } else if page.undecodable_content_streams > 0 {
            format!("page {number} could not be read")
        } else if drawn && page.omitted_page_number_chars == 0 {
            format!("page {number} has no text layer")
        } else {
            format!("page {number} is blank")
        });
    }
    Ok(())
}

/// First halves that keep their hyphen when a line ends after it, as `long-term` does.
const COMPOUNDS: &[&str] = &[
    "all", "cross", "eighty", "ex", "fifty", "forty", "full", "half", "high", "in", "long", "low", "mid",
    "multi", "new", "ninety", "non", "off", "on", "one", "part", "re", "self", "seventy", "short", "sixty",
    "so", "third", "thirty", "twenty", "two", "well", "year",
];
/// What follows a hyphen that stands for the rest of a word, as in `pre- and postwar`.
const CONJUNCTIONS: &[&str] =
    &["and", "or", "to", "und", "oder", "bis", "et", "ou", "en", "of", "y", "o", "e"];

/// Words of a document that are remembered, the first ones.
const MAX_WORDS: usize = 200_000;

/// The words of a document so far, in lower case. They tell how a word that is divided at a line end is
/// written where it is not.
#[derive(Default)]
struct Words(HashSet<Box<str>>);

/// How the halves of what a hyphen and the end of a line part belong together.
enum Joint {
    /// As one word.
    Word,
    /// With the hyphen.
    Compound,
    /// Not at all.
    Apart,
}

impl Words {
    /// Makes one line of the lines of a paragraph, and one word of a word divided at a line end. The
    /// reader below may have joined the lines already, leaving the hyphen and a space.
    fn joined(&mut self, words: &str) -> String {
        let mut text = String::with_capacity(words.len());
        for word in words.split_whitespace() {
            let before = text.trim_end_matches(['-', '\u{ad}', '\u{2010}']);
            let is_hyphen = before.len() < text.len()
                && text.len() - before.len() == text.chars().next_back().map_or(0, char::len_utf8);
            match if is_hyphen { self.joint(before, word) } else { Joint::Apart } {
                Joint::Word => text.truncate(before.len()),
                Joint::Compound => {}
                Joint::Apart => {
                    if self.0.len() < MAX_WORDS {
                        self.0.insert(bare(word).into());
                    }
                    if !text.is_empty() {
                        text.push(' ');
                    }
                }
            }
            text.push_str(word);
        }
        text
    }

    /// They are written as elsewhere in the document, or else as their letters and digits suggest.
    fn joint(&self, before: &str, after: &str) -> Joint {
        let first = before.rsplit(char::is_whitespace).next().unwrap_or("");
        let (Some(end), Some(start)) = (first.chars().next_back(), after.chars().next()) else {
            return Joint::Apart;
        };
        if !end.is_alphanumeric() || !start.is_alphanumeric() || CONJUNCTIONS.contains(&after) {
            return Joint::Apart;
        }
        let (one, other) = (bare(first), bare(after));
        if self.0.contains(&*format!("{one}-{other}")) {
            return Joint::Compound;
        }
        if end.is_lowercase() && start.is_lowercase() {
            let half = one.rsplit(|c: char| !c.is_alphabetic()).next().unwrap_or("");
            let is_one_word = self.0.contains(&*format!("{one}{other}")) || !COMPOUNDS.contains(&half);
            return if is_one_word { Joint::Word } else { Joint::Compound };
        }
        // `Coca-Cola`, `COVID-19`, `10-month`, but `Note 5- Revenue` and a rating of `BBB- with` a view.
        let is_worded = after.chars().nth(1).is_some_and(char::is_lowercase);
        let is_compound = match end {
            _ if end.is_lowercase() => true,
            _ if end.is_numeric() => start.is_lowercase() || !is_worded,
            _ => !start.is_lowercase() && !is_worded,
        };
        if is_compound { Joint::Compound } else { Joint::Apart }
    }
}

/// A word in lower case without what stands around it.
fn bare(word: &str) -> String {
    word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase()
}

/// Ligatures as letters, so that a search finds the word; nothing else is folded.
fn letters(words: &str) -> String {
    if words.is_ascii() {
        return words.to_owned();
    }
    let mut text = String::with_capacity(words.len());
    for c in words.chars() {
        match c {
            '\u{fb00}'..='\u{fb06}' => text.extend(std::iter::once(c).nfkd()),
            c => text.push(c),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Words, stands_in};

    #[track_caller]
    fn check(lines: &[&str], expected: &str) {
        let mut words = Words::default();
        let read: Vec<String> = lines.iter().map(|line| words.joined(line)).collect();
        assert_eq!(read.last().unwrap(), expected);
    }

    #[test]
    fn a_word_divided_at_a_line_end_is_written_as_elsewhere() {
        check(&["the sed- iment"], "the sediment");
        check(&["a long- term view"], "a long-term view");
        check(&["The eel-friendly gate.", "an eel-\nfriendly sluice"], "an eel-friendly sluice");
        check(&["Overland it is drier.", "the over-\nland route"], "the overland route");
        check(&["state-of-the-art pumps", "(state-of-the- art)"], "(state-of-the-art)");
        check(&["halfway up", "half- way"], "halfway");
    }

    #[test]
    fn a_title_stands_where_its_text_begins() {
        let text =
            format!("The Tide Gates of Sallow\n\n{}", "The keepers shut them at spring tides. ".repeat(20));
        for (title, stands) in [
            ("Tide Gates of Sallow", true),
            ("The tide gates: a report", true),
            ("Proceedings Template - WORD", false),
            ("Eel ladders", false),
        ] {
            assert_eq!(stands_in(title, &text), stands, "{title}");
        }
        assert!(stands_in("Eel ladders", "Page 1"), "of a picture nothing is known");
        let late = format!("{} Eel ladders", "The gates are shut. ".repeat(1000));
        assert!(!stands_in("Eel ladders", &late));
    }

    #[test]
    fn a_name_or_a_number_keeps_its_hyphen() {
        check(&["OEP- 201402 of"], "OEP-201402 of");
        check(&["COVID- 19 and non- GAAP"], "COVID-19 and non-GAAP");
        check(&["Coca- Cola, 10- month, 2019- 2020"], "Coca-Cola, 10-month, 2019-2020");
        check(&["based on XML-based", "in XML- based files"], "in XML-based files");
    }

    #[test]
    fn a_hyphen_that_stands_for_a_word_stays_apart() {
        check(&["pre- and postwar"], "pre- and postwar");
        check(&["rated BBB- with a stable outlook"], "rated BBB- with a stable outlook");
        check(&["Note 5- Revenue"], "Note 5- Revenue");
    }
}
