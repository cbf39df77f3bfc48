//! Bytes in, readable text out. The content decides what a file is; its name only breaks ties
//! between kinds of text. Nothing here is isolated or timed: that is the work of `worker`.

mod archive;
mod blocks;
mod charset;
mod compose;
mod docx;
mod epub;
#[cfg(test)]
mod fuzz;
mod html;
mod markdown;
mod odf;
mod pdf;
mod pptx;
mod rtf;
mod sheet;
mod sniff;
mod text;
mod xml;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::document::PageStart;
use compose::Composer;
pub(crate) use compose::size_in_words;
use sniff::Format;

/// Bounds on what one file may cost. The defaults fit a server with a few gigabytes of memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Largest stored text.
    pub text_bytes: usize,
    /// Most pages, slides or chapters.
    pub pages: u32,
    /// Most entries of a zip container.
    pub entries: usize,
    /// Most bytes unpacked from a zip container, all entries together.
    pub inflated_bytes: u64,
    /// Most unpacked bytes for each packed one, counted once more than 1 MB is unpacked.
    pub ratio: u64,
    /// Deepest nesting of XML elements.
    pub xml_depth: usize,
    /// Wall clock seconds, and processor seconds, that the worker may take.
    pub seconds: u64,
    /// Address space of the worker.
    pub memory_bytes: u64,
    /// Whether the worker may run unconfined.
    pub sandbox: Sandbox,
}

/// Whether a worker may read uploads where the system can't keep it from files, network and programs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sandbox {
    /// It is confined as far as the system can.
    #[default]
    Available,
    /// It must be confined, or nothing is read.
    Required,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            text_bytes: 200 << 20,
            pages: 20_000,
            entries: 10_000,
            inflated_bytes: 512 << 20,
            ratio: 100,
            xml_depth: 256,
            seconds: 60,
            memory_bytes: 2 << 30,
            sandbox: Sandbox::default(),
        }
    }
}

/// What was found in a file. All offsets are bytes of `text`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extracted {
    /// What the content is.
    pub media_type: &'static str,
    /// The title the document gives itself.
    pub title: Option<String>,
    /// ISO 639-1 code of the language, where the text is long enough to tell.
    pub language: Option<String>,
    /// The text to store: NFC, line feeds, no control characters, at most one blank line in a row.
    pub text: String,
    /// Where pages begin, in order; empty for formats without pages.
    pub pages: Vec<PageStart>,
    /// Headings in order.
    pub headings: Vec<Heading>,
    /// Things worth knowing, such as a page without a text layer.
    pub notes: Vec<String>,
}

impl Extracted {
    /// Whether the text is Markdown, whose structure passages should follow.
    #[must_use]
    pub fn is_markdown(&self) -> bool {
        self.media_type == sniff::MARKDOWN
    }
}

/// A heading inside the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heading {
    /// Byte offset of its line.
    pub start: usize,
    /// 1 for the outermost.
    pub level: u8,
    /// Its words, without markup, clipped to 200 characters; empty where a section ends and the one around it
    /// goes on.
    pub text: String,
}

/// Why a file could not be read, in words for the person who uploaded it.
#[derive(Clone, Debug, Error, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ExtractError {
    /// Nothing but white space, or nothing at all.
    #[error("the file is empty: check that it was saved, and upload it again")]
    Empty,
    /// A password is needed.
    #[error("the {format} is encrypted: save a copy without a password and upload that")]
    Encrypted {
        /// Such as `PDF`.
        format: String,
    },
    /// A format that holds no text we can read.
    #[error("this is {what}, which has no text to read: {advice}")]
    Unsupported {
        /// Such as `a JPEG image`.
        what: String,
        /// What to do instead.
        advice: String,
    },
    /// The container or its structure is broken.
    #[error("the {format} is damaged or incomplete ({detail}): open it, save a new copy and upload that")]
    Damaged {
        /// Such as `PDF`.
        format: String,
        /// What the reader stumbled on.
        detail: String,
    },
    /// A sound file without words.
    #[error("the {format} has no text in it: {advice}")]
    NoText {
        /// Such as `PDF`.
        format: String,
        /// What to do instead.
        advice: String,
    },
    /// More content than the limits allow.
    #[error("the file holds more than {limit}: split it and upload the parts")]
    TooLarge {
        /// Amount and unit.
        limit: String,
    },
    /// Unpacks to far more than its size, as files made to do harm do.
    #[error(
        "the {format} unpacks to more than {ratio} times its size, which is refused for safety: save it in another format"
    )]
    Bomb {
        /// Such as `Word document`.
        format: String,
        /// The allowed ratio.
        ratio: u64,
    },
    /// The worker ran into its memory limit.
    #[error("the file needs more than {limit} of memory to read: split it and upload the parts")]
    OutOfMemory {
        /// The limit, with its unit.
        limit: String,
    },
    /// The worker ran into its time limit.
    #[error("reading the file took longer than {seconds} seconds: split it and upload the parts")]
    TimedOut {
        /// The limit.
        seconds: u64,
    },
    /// The worker died.
    #[error(
        "the reader crashed on this file: save it in another format, such as PDF or plain text, and upload that"
    )]
    Crashed,
    /// There was no room for the text.
    #[error("the disk is full: free some space, then try again")]
    DiskFull,
    /// The server could not do its part; not the fault of the file.
    #[error("the server could not read the file ({detail}): try again later")]
    Server {
        /// What failed.
        detail: String,
    },
}

impl ExtractError {
    fn damaged(format: &str, detail: impl std::fmt::Display) -> Self {
        let detail = detail.to_string();
        let detail = match detail.char_indices().nth(200) {
            Some((cut, _)) => format!("{}…", &detail[..cut]),
            None => detail,
        };
        Self::Damaged { format: format.to_owned(), detail }
    }

    fn no_text(format: &str, advice: &str) -> Self {
        Self::NoText { format: format.to_owned(), advice: advice.to_owned() }
    }
}

/// Reads the text of a file, whatever it turns out to be.
///
/// # Errors
///
/// Says what is wrong with the file and what its owner can do, see [`ExtractError`].
pub fn extract(bytes: &[u8], name: &str, limits: &Limits) -> Result<Extracted, ExtractError> {
    if bytes.is_empty() {
        return Err(ExtractError::Empty);
    }
    let format = sniff::format(bytes, name, limits)?;
    let mut out = Composer::new(limits);
    match format {
        Format::Pdf => pdf::read(bytes, limits, &mut out),
        Format::Docx => docx::read(bytes, limits, &mut out),
        Format::Pptx => pptx::read(bytes, limits, &mut out),
        Format::Xlsx => sheet::read_xlsx(bytes, limits, &mut out),
        Format::Xls => sheet::read_xls(bytes, &mut out),
        Format::Odt | Format::Ods | Format::Odp => odf::read(bytes, limits, &mut out),
        Format::Epub => epub::read(bytes, limits, &mut out),
        Format::Rtf => rtf::read(bytes, &mut out),
        Format::Html => html::read(&charset::decode_html(bytes), &mut out),
        Format::Markdown => markdown::read(&charset::decode(bytes), &mut out),
        Format::Csv => text::read_csv(&charset::decode(bytes), name, &mut out),
        Format::Xml => text::read(&charset::decode_html(bytes), &mut out),
        Format::Json | Format::Code | Format::Text => text::read(&charset::decode(bytes), &mut out),
    }?;
    out.finish(format)
}
