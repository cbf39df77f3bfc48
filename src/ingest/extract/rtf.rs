//! Rich Text Format: paragraphs, table rows, outline levels and the title. Pictures, style sheets
//! and everything marked as ignorable stay out. One pass, no recursion.

use encoding_rs::Encoding;

use super::ExtractError;
use super::compose::Composer;

const FORMAT: &str = "RTF document";
const MAX_GROUPS: usize = 10_000;

#[derive(Clone, Copy)]
struct Group {
    skipped: bool,
    title: bool,
    /// Characters to pass over after `\u`, for readers without Unicode.
    fallback: usize,
}

struct Reader<'a, 'o> {
    out: &'o mut Composer,
    rest: &'a [u8],
    groups: Vec<Group>,
    group: Group,
    encoding: &'static Encoding,
    /// Bytes of the document's code page not yet decoded: a character may take two.
    pending: Vec<u8>,
    words: String,
    title: String,
    cells: Vec<String>,
    level: Option<u8>,
    high_surrogate: Option<u16>,
    to_skip: usize,
}

pub(super) fn read(bytes: &[u8], out: &mut Composer) -> Result<(), ExtractError> {
    let group = Group { skipped: false, title: false, fallback: 1 };
    let mut reader = Reader {
        out,
        rest: bytes,
        groups: Vec::new(),
        group,
        encoding: encoding_rs::WINDOWS_1252,
        pending: Vec::new(),
        words: String::new(),
        title: String::new(),
        cells: Vec::new(),
        level: None,
        high_surrogate: None,
        to_skip: 0,
    };
    reader.run()?;
    let title = std::mem::take(&mut reader.title);
    out.title = Some(title).filter(|title| !title.trim().is_empty());
    if out.has_text() { Ok(()) } else { Err(ExtractError::no_text(FORMAT, "upload one with words in it")) }
}

impl Reader<'_, '_> {
    fn run(&mut self) -> Result<(), ExtractError> {
        while let Some((&byte, after)) = self.rest.split_first() {
            self.rest = after;
            match byte {
                b'{' => {
                    self.decode();
                    self.to_skip = 0;
                    if self.groups.len() >= MAX_GROUPS {
                        return Err(ExtractError::damaged(FORMAT, "its groups are nested too deep"));
                    }
                    self.groups.push(self.group);
                }
                b'}' => {
                    self.decode();
                    self.to_skip = 0;
                    let Some(group) = self.groups.pop() else { break };
                    self.group = group;
                }
                b'\\' => self.control()?,
                b'\r' | b'\n' => {}
                byte => self.byte(byte),
            }
        }
        self.paragraph()
    }

    fn byte(&mut self, byte: u8) {
        if self.to_skip > 0 {
            self.to_skip -= 1;
        } else if !self.group.skipped || self.group.title {
            self.pending.push(byte);
        }
    }

    fn decode(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        let bytes = std::mem::take(&mut self.pending);
        let (text, _) = self.encoding.decode_without_bom_handling(&bytes);
        self.put(&text);
    }

    fn put(&mut self, text: &str) {
        if self.group.title {
            self.title.push_str(text);
        } else if !self.group.skipped {
            self.words.push_str(text);
        }
    }

    fn control(&mut self) -> Result<(), ExtractError> {
        let letters = self.rest.iter().take(32).take_while(|byte| byte.is_ascii_alphabetic()).count();
        if letters == 0 {
            return self.symbol();
        }
        let (word, after) = self.rest.split_at(letters);
        let sign = usize::from(after.first() == Some(&b'-'));
        let digits = after[sign..].iter().take(10).take_while(|byte| byte.is_ascii_digit()).count();
        let number = if digits > 0 {
            std::str::from_utf8(&after[..sign + digits]).ok().and_then(|number| number.parse::<i64>().ok())
        } else {
            None
        };
        self.rest = if digits > 0 { &after[sign + digits..] } else { after };
        if self.rest.first() == Some(&b' ') {
            self.rest = &self.rest[1..];
        }
        self.decode();
        self.word(word, number)
    }

    fn symbol(&mut self) -> Result<(), ExtractError> {
        let Some((&symbol, after)) = self.rest.split_first() else { return Ok(()) };
        self.rest = after;
        match symbol {
            b'\'' => {
                let hex = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
                if let Some(byte) = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
                    self.rest = &after[2..];
                    self.byte(byte);
                }
            }
            b'\\' | b'{' | b'}' => self.byte(symbol),
            b'~' => self.byte(b' '),
            b'_' => self.byte(b'-'),
            b'*' => self.group.skipped = true,
            b'\r' | b'\n' => {
                self.decode();
                self.paragraph()?;
            }
            _ => {}
        }
        Ok(())
    }

    fn word(&mut self, word: &[u8], number: Option<i64>) -> Result<(), ExtractError> {
        match word {
            b"ansicpg" => {
                let label = match number {
                    Some(932) => "shift_jis".to_owned(),
                    Some(936) => "gbk".to_owned(),
                    Some(949) => "euc-kr".to_owned(),
                    Some(950) => "big5".to_owned(),
                    Some(65_001) => "utf-8".to_owned(),
                    Some(10_000) => "macintosh".to_owned(),
                    Some(page) => format!("windows-{page}"),
                    None => String::new(),
                };
                self.encoding = Encoding::for_label(label.as_bytes()).unwrap_or(self.encoding);
            }
            b"mac" => self.encoding = encoding_rs::MACINTOSH,
            b"uc" => {
                self.group.fallback =
                    number.and_then(|count| usize::try_from(count).ok()).unwrap_or(1).min(16);
            }
            b"u" => self.unicode(number.unwrap_or(0)),
            b"bin" => {
                let length = number.and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
                self.rest = &self.rest[length.min(self.rest.len())..];
            }
            b"title" if self.group.skipped => self.group.title = true,
            b"fonttbl" | b"colortbl" | b"stylesheet" | b"info" | b"pict" | b"object" | b"header"
            | b"headerl" | b"headerr" | b"headerf" | b"footer" | b"footerl" | b"footerr" | b"footerf"
            | b"fldinst" | b"themedata" | b"listtable" | b"listoverridetable" | b"rsidtbl" | b"generator"
            | b"xmlnstbl" | b"datastore" | b"latentstyles" | b"pntext" | b"bkmkstart" | b"bkmkend" => {
                self.group.skipped = true;
            }
            b"author" | b"operator" | b"subject" | b"company" if self.group.skipped => {
                self.group.title = false;
            }
            b"par" | b"sect" | b"page" => self.paragraph()?,
            b"line" => self.put("\n"),
            b"tab" => self.put(" "),
            b"cell" | b"nestcell" if !self.group.skipped => self.cells.push(std::mem::take(&mut self.words)),
            b"row" | b"nestrow" if !self.group.skipped => {
                let cells = std::mem::take(&mut self.cells);
                self.out.row(&cells)?;
                self.words.clear();
            }
            b"pard" => self.level = None,
            b"outlinelevel" => {
                self.level =
                    number.and_then(|level| u8::try_from(level + 1).ok()).filter(|level| *level < 10);
            }
            b"emdash" => self.put("—"),
            b"endash" => self.put("–"),
            b"lquote" => self.put("‘"),
            b"rquote" => self.put("’"),
            b"ldblquote" => self.put("“"),
            b"rdblquote" => self.put("”"),
            b"bullet" => self.put("•"),
            _ => {}
        }
        Ok(())
    }

    /// A UTF-16 unit, written as a signed number; a pair of them makes a rarer character.
    fn unicode(&mut self, number: i64) {
        let unit = (number & 0xffff) as u16;
        self.to_skip = self.group.fallback;
        match (self.high_surrogate.take(), unit) {
            (_, 0xd800..=0xdbff) => self.high_surrogate = Some(unit),
            (Some(high), 0xdc00..=0xdfff) => self.put(&String::from_utf16_lossy(&[high, unit])),
            _ => self.put(&String::from_utf16_lossy(&[unit])),
        }
    }

    fn paragraph(&mut self) -> Result<(), ExtractError> {
        self.decode();
        if self.group.skipped {
            return Ok(());
        }
        if !self.cells.is_empty() {
            // A paragraph inside a table cell.
            self.words.push(' ');
            return Ok(());
        }
        let words = std::mem::take(&mut self.words);
        match self.level {
            Some(level) => self.out.heading(level, &words),
            None => self.out.paragraph(&words),
        }
    }
}
