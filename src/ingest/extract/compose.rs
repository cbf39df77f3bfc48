//! Writes the text that will be stored, normalising as it goes, so that every offset it hands
//! out is already an offset into the final text. It knows no file format.

use ibid_index::analysis::Language;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use super::sniff::Format;
use super::{ExtractError, Extracted, Heading, Limits};
use crate::document::PageStart;

const HEADING_CHARS: usize = 200;
/// Notes past this number say nothing new; the last one tells how many were left out.
const MAX_NOTES: usize = 50;
const NOTE_CHARS: usize = 300;
/// Word processors know nine levels; more would only make long paths.
const MAX_LEVEL: u8 = 9;
/// What stands before and behind code.
const FENCE: &str = "```";

pub(super) struct Composer {
    text: String,
    pages: Vec<PageStart>,
    headings: Vec<Heading>,
    notes: Vec<String>,
    num_notes: usize,
    /// Pages that began since the last character was written.
    waiting: Vec<u32>,
    /// Line feeds owed before the next character: 0, 1 or 2.
    gap: u8,
    max_bytes: usize,
    max_pages: u32,
    pub(super) title: Option<String>,
    /// The language the document declares, used when the text does not tell.
    pub(super) declared_language: Option<String>,
}

impl Composer {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            text: String::new(),
            pages: Vec::new(),
            headings: Vec::new(),
            notes: Vec::new(),
            num_notes: 0,
            waiting: Vec::new(),
            gap: 0,
            max_bytes: limits.text_bytes,
            max_pages: limits.pages,
            title: None,
            declared_language: None,
        }
    }

    pub(super) fn has_text(&self) -> bool {
        !self.text.is_empty()
    }

    pub(super) fn num_pages(&self) -> usize {
        self.pages.len() + self.waiting.len()
    }

    pub(super) fn note(&mut self, note: &str) {
        self.num_notes += 1;
        if self.notes.len() < MAX_NOTES {
            self.notes.push(note.chars().take(NOTE_CHARS).collect());
        }
    }

    /// Begins page `number`; what is written next is its first text.
    pub(super) fn page(&mut self, number: u32) -> Result<(), ExtractError> {
        if self.num_pages() >= self.max_pages as usize {
            return Err(ExtractError::TooLarge { limit: format!("{} pages", self.max_pages) });
        }
        self.waiting.push(number);
        self.gap = 2;
        Ok(())
    }

    /// A heading on a line of its own, white space folded.
    pub(super) fn heading(&mut self, level: u8, words: &str) -> Result<(), ExtractError> {
        let words = fold(words);
        if words.is_empty() {
            return Ok(());
        }
        self.blank();
        let start = self.put_line(&words)?;
        self.blank();
        if let Some(start) = start {
            self.mark_heading(start, level, &words);
        }
        Ok(())
    }

    /// Records a heading whose line is already part of the text.
    pub(super) fn mark_heading(&mut self, start: usize, level: u8, words: &str) {
        let text: String = fold(words).chars().filter(|&c| keeps(c)).take(HEADING_CHARS).nfc().collect();
        if !text.is_empty() {
            self.headings.push(Heading { start, level: level.clamp(1, MAX_LEVEL), text });
        }
    }

    /// What a heading of this level stands above ends here, and what it stands below goes on.
    pub(super) fn end_section(&mut self, level: u8) {
        let (start, level) = (self.text.len(), level.clamp(1, MAX_LEVEL));
        self.headings.push(Heading { start, level, text: String::new() });
    }

    /// A paragraph with blank lines around it; line feeds inside it stay, other space is folded.
    pub(super) fn paragraph(&mut self, words: &str) -> Result<(), ExtractError> {
        self.blank();
        self.lines(words)?;
        self.blank();
        Ok(())
    }

    /// Lines without blank lines around them, such as list items; space inside them is folded.
    pub(super) fn lines(&mut self, words: &str) -> Result<(), ExtractError> {
        for line in words.lines() {
            let line = fold(line);
            if !line.is_empty() {
                self.newline();
                self.put_line(&line)?;
                self.newline();
            }
        }
        Ok(())
    }

    /// A table row on one line, so that its words stay together; empty rows leave no trace.
    pub(super) fn row<S: AsRef<str>>(&mut self, cells: &[S]) -> Result<(), ExtractError> {
        if cells.iter().all(|cell| cell.as_ref().trim().is_empty()) {
            return Ok(());
        }
        let filled =
            cells.iter().rposition(|cell| !cell.as_ref().trim().is_empty()).map_or(0, |last| last + 1);
        let cells: Vec<String> = cells[..filled].iter().map(|cell| fold(cell.as_ref())).collect();
        self.lines(&cells.join(" | "))
    }

    /// Text as written, so that what is found in it is found in the file: lines, indentation and the
    /// space at their ends stay, only runs of blank lines shrink.
    pub(super) fn verbatim(&mut self, text: &str) -> Result<(), ExtractError> {
        let mut rest = text;
        while !rest.is_empty() {
            let end = rest.find(['\n', '\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}']);
            let (line, after) = match end {
                None => (rest, ""),
                Some(at) if rest[at..].starts_with("\r\n") => (&rest[..at], &rest[at + 2..]),
                Some(at) => {
                    let width = rest[at..].chars().next().map_or(1, char::len_utf8);
                    (&rest[..at], &rest[at + width..])
                }
            };
            if self.put_line(line)?.is_some() {
                self.gap = 1;
            } else {
                self.gap = (self.gap + 1).min(2);
            }
            rest = after;
        }
        Ok(())
    }

    /// Code between fences, unless it has some of its own.
    pub(super) fn code(&mut self, text: &str) -> Result<(), ExtractError> {
        let has_fence =
            text.lines().map(str::trim_start).any(|line| line.starts_with(FENCE) || line.starts_with("~~~"));
        let fence = if has_fence || text.trim().is_empty() { "" } else { FENCE };
        self.blank();
        self.lines(fence)?;
        self.verbatim(text.trim_matches(['\n', '\r']))?;
        self.lines(fence)?;
        self.blank();
        Ok(())
    }

    /// The next text begins on a new line.
    pub(super) fn newline(&mut self) {
        self.gap = self.gap.max(1);
    }

    /// The next text begins after a blank line.
    pub(super) fn blank(&mut self) {
        self.gap = 2;
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Appends one line, without its end. Says where it begins, or `None` if nothing was left of it.
    fn put_line(&mut self, line: &str) -> Result<Option<usize>, ExtractError> {
        let plain = line.bytes().all(|byte| byte == b'\t' || (0x20..0x7f).contains(&byte));
        let cleaned;
        let line = if plain {
            line
        } else {
            let kept = || line.chars().filter(|&c| keeps(c)).map(plain_space);
            cleaned = match is_nfc_quick(kept()) {
                IsNormalized::Yes => kept().collect::<String>(),
                IsNormalized::No | IsNormalized::Maybe => kept().nfc().collect(),
            };
            &cleaned
        };
        if line.trim().is_empty() {
            return Ok(None);
        }
        if self.text.len() + line.len() + 2 > self.max_bytes {
            return Err(ExtractError::TooLarge {
                limit: format!("{} of text", size_in_words(self.max_bytes as u64)),
            });
        }
        if !self.text.is_empty() {
            for _ in 0..self.gap {
                self.text.push('\n');
            }
        }
        self.gap = 0;
        let start = self.text.len();
        self.pages.extend(self.waiting.drain(..).map(|page| PageStart { page, start }));
        self.text.push_str(line);
        Ok(Some(start))
    }

    /// Hands over the text, once a format is done with it.
    pub(super) fn finish(mut self, format: Format) -> Result<Extracted, ExtractError> {
        if self.text.trim().is_empty() {
            return Err(ExtractError::Empty);
        }
        let start = self.text.len();
        self.pages.extend(self.waiting.drain(..).map(|page| PageStart { page, start }));
        if self.num_notes > self.notes.len() {
            let more = self.num_notes - self.notes.len();
            self.notes.push(format!("{more} more notes like these were left out"));
        }
        let title =
            self.title.map(|title| fold(&title).chars().filter(|&c| keeps(c)).take(300).nfc().collect());
        let title = title.filter(|title: &String| !title.trim().is_empty());
        let language =
            Language::detect(&self.text).map(|language| language.code().to_owned()).or_else(|| {
                let declared = self.declared_language.as_deref()?;
                let code: String = declared.trim().chars().take_while(char::is_ascii_alphabetic).collect();
                (code.len() == 2).then(|| code.to_ascii_lowercase())
            });
        Ok(Extracted {
            media_type: format.media_type(),
            title,
            language,
            text: self.text,
            pages: self.pages,
            headings: self.headings,
            notes: self.notes,
        })
    }
}

/// Joins words by single spaces, as a browser shows them.
pub(super) fn fold(words: &str) -> String {
    let mut folded = String::with_capacity(words.len());
    for word in words.split(|c: char| c.is_whitespace() || c == '\0').filter(|word| !word.is_empty()) {
        if !folded.is_empty() {
            folded.push(' ');
        }
        folded.push_str(word);
    }
    folded
}

/// A size for people.
pub(crate) fn size_in_words(bytes: u64) -> String {
    if bytes >= 1 << 30 && bytes.is_multiple_of(1 << 30) {
        format!("{} GiB", bytes >> 30)
    } else if bytes >= 1 << 20 {
        format!("{} MiB", bytes >> 20)
    } else {
        format!("{bytes} bytes")
    }
}

/// Drops what no reader can see: control and tag characters, soft hyphens, and the marks that
/// reorder text to disguise it. Joiners stay, some scripts need them.
fn keeps(c: char) -> bool {
    match c {
        '\t' => true,
        '\u{ad}' | '\u{feff}' | '\u{200b}' | '\u{2060}' | '\u{fff9}'..='\u{fffb}' => false,
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => false,
        '\u{e0000}'..='\u{e007f}' => false,
        '\u{fdd0}'..='\u{fdef}' => false,
        _ => !c.is_control() && (c as u32 & 0xfffe) != 0xfffe,
    }
}

fn plain_space(c: char) -> char {
    match c {
        '\u{a0}' | '\u{2007}' | '\u{202f}' => ' ',
        _ => c,
    }
}
