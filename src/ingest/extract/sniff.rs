//! Tells what a file is from its bytes. The name is asked only when the bytes are text and
//! several kinds of text would do.

use std::path::Path;

use super::archive::Archive;
use super::charset;
use super::{ExtractError, Limits};

pub(super) const MARKDOWN: &str = "text/markdown";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Pdf,
    Docx,
    Pptx,
    Xlsx,
    Xls,
    Odt,
    Ods,
    Odp,
    Epub,
    Rtf,
    Html,
    Markdown,
    Csv,
    Json,
    Xml,
    Code,
    Text,
}

impl Format {
    pub(super) fn media_type(self) -> &'static str {
        match self {
            Self::Pdf => "application/pdf",
            Self::Docx => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            Self::Pptx => "application/vnd.openxmlformats-officedocument.presentationml.presentation",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Self::Xls => "application/vnd.ms-excel",
            Self::Odt => "application/vnd.oasis.opendocument.text",
            Self::Ods => "application/vnd.oasis.opendocument.spreadsheet",
            Self::Odp => "application/vnd.oasis.opendocument.presentation",
            Self::Epub => "application/epub+zip",
            Self::Rtf => "application/rtf",
            Self::Html => "text/html",
            Self::Markdown => MARKDOWN,
            Self::Csv => "text/csv",
            Self::Json => "application/json",
            Self::Xml => "application/xml",
            Self::Code => "text/x-source",
            Self::Text => "text/plain",
        }
    }
}

const CODE: &[&str] = &[
    "rs", "py", "js", "mjs", "ts", "tsx", "jsx", "java", "c", "h", "cc", "cpp", "hpp", "cs", "go", "rb",
    "php", "swift", "kt", "scala", "sh", "bash", "sql", "r", "jl", "lua", "pl", "hs", "ml", "ex", "erl",
    "clj", "dart", "zig", "css", "scss", "toml", "yaml", "yml", "ini", "cfg", "conf", "tex", "bib", "vue",
    "proto", "ipynb",
];

pub(super) fn format(bytes: &[u8], name: &str, limits: &Limits) -> Result<Format, ExtractError> {
    if pdf_signature(bytes).is_some() && !starts_as_text(bytes) {
        return Ok(Format::Pdf);
    }
    if bytes.starts_with(b"{\\rtf") {
        return Ok(Format::Rtf);
    }
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06") {
        return zip_format(bytes, limits);
    }
    if bytes.starts_with(&[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1]) {
        return compound_format(bytes);
    }
    if !charset::looks_like_text(bytes) {
        return Err(unsupported(bytes));
    }
    Ok(text_format(bytes, name))
}

/// Where a PDF begins: mail, download and print programs put stray bytes before the signature, which
/// readers accept.
pub(super) fn pdf_signature(bytes: &[u8]) -> Option<usize> {
    bytes[..bytes.len().min(1024)].windows(5).position(|window| window == b"%PDF-")
}

/// A text that merely speaks of `%PDF-` begins with printable words; a PDF with its signature.
fn starts_as_text(bytes: &[u8]) -> bool {
    !bytes.trim_ascii_start().starts_with(b"%PDF-") && charset::looks_like_text(bytes)
}

fn zip_format(bytes: &[u8], limits: &Limits) -> Result<Format, ExtractError> {
    let mut archive = Archive::open(bytes, "document", limits)?;
    if let Some(declared) = archive.read_if_there("mimetype")? {
        let declared = String::from_utf8_lossy(&declared).trim().to_owned();
        let known = [
            ("application/epub+zip", Format::Epub),
            ("application/vnd.oasis.opendocument.text", Format::Odt),
            ("application/vnd.oasis.opendocument.spreadsheet", Format::Ods),
            ("application/vnd.oasis.opendocument.presentation", Format::Odp),
        ];
        if let Some((_, format)) = known.iter().find(|(prefix, _)| declared.starts_with(prefix)) {
            return Ok(*format);
        }
    }
    for (member, format) in [
        ("word/document.xml", Format::Docx),
        ("ppt/presentation.xml", Format::Pptx),
        ("xl/workbook.xml", Format::Xlsx),
    ] {
        if archive.holds(member) {
            return Ok(format);
        }
    }
    // Word may name its main part otherwise; the part list says what the package is.
    if let Some(types) = archive.read_if_there("[Content_Types].xml")? {
        let types = String::from_utf8_lossy(&types);
        for (mark, format) in [
            ("wordprocessingml.document.main", Format::Docx),
            ("presentationml.presentation.main", Format::Pptx),
            ("spreadsheetml.sheet.main", Format::Xlsx),
        ] {
            if types.contains(mark) {
                return Ok(format);
            }
        }
    }
    let advice = "unpack it and upload the documents inside".to_owned();
    Err(ExtractError::Unsupported { what: "a zip archive".to_owned(), advice })
}

/// The old Office container: its directory names the streams in UTF-16.
fn compound_format(bytes: &[u8]) -> Result<Format, ExtractError> {
    let holds = |name: &str| {
        let wanted: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        // Directory entries begin at multiples of 128 bytes.
        bytes.chunks(128).any(|entry| entry.starts_with(&wanted))
    };
    if holds("EncryptedPackage") {
        return Err(ExtractError::Encrypted { format: "Office document".to_owned() });
    }
    if holds("Workbook") || holds("Book\0") {
        return Ok(Format::Xls);
    }
    let (what, advice) = if holds("WordDocument") {
        ("a Word document of the old kind (.doc)", "save it as .docx and upload that")
    } else if holds("PowerPoint Document") {
        ("a PowerPoint presentation of the old kind (.ppt)", "save it as .pptx and upload that")
    } else if holds("__properties_version1.0") {
        ("an Outlook message (.msg)", "save it as text, HTML or PDF and upload that")
    } else {
        ("an old Office file", "save it as .docx, .xlsx, .pptx or PDF and upload that")
    };
    Err(ExtractError::Unsupported { what: what.to_owned(), advice: advice.to_owned() })
}

fn unsupported(bytes: &[u8]) -> ExtractError {
    let kind = infer::get(bytes);
    let name = kind.map(|kind| kind.extension().to_ascii_uppercase());
    let (what, advice) = match (kind.map(|kind| kind.matcher_type()), name) {
        (Some(infer::MatcherType::Image), Some(name)) => (
            format!("a picture ({name})"),
            "run text recognition (OCR) over it, or convert it to a PDF with text",
        ),
        (Some(infer::MatcherType::Audio), Some(name)) => {
            (format!("a sound file ({name})"), "transcribe it and upload the text")
        }
        (Some(infer::MatcherType::Video), Some(name)) => {
            (format!("a video ({name})"), "transcribe it and upload the text")
        }
        (Some(infer::MatcherType::Archive), Some(name)) => {
            (format!("an archive ({name})"), "unpack it and upload the documents inside")
        }
        (Some(infer::MatcherType::App), _) => ("a program".to_owned(), "upload documents instead"),
        (Some(_), Some(name)) => {
            (format!("a file of the kind {name}"), "convert it to PDF, DOCX, HTML or text")
        }
        _ => ("a binary file of unknown kind".to_owned(), "convert it to PDF, DOCX, HTML or text"),
    };
    ExtractError::Unsupported { what, advice: advice.to_owned() }
}

fn text_format(bytes: &[u8], name: &str) -> Format {
    let extension =
        Path::new(name).extension().and_then(|extension| extension.to_str()).map(str::to_ascii_lowercase);
    let extension = extension.as_deref().unwrap_or("");
    let head = charset::decode_head(bytes);
    let head = head.trim_start();
    // Someone who names a page `.md` or `.txt` wants its source shown only if it is that: a page
    // saved by a browser under a wrong name is still a page. Source files may well quote HTML.
    if looks_like_html(head) && !CODE.contains(&extension) {
        return Format::Html;
    }
    match extension {
        "md" | "markdown" | "mdown" | "mkd" | "mdx" | "qmd" | "rmd" => Format::Markdown,
        "csv" | "tsv" | "tab" => Format::Csv,
        "json" | "jsonl" | "ndjson" | "geojson" => Format::Json,
        "htm" | "html" | "xhtml" if head.starts_with('<') => Format::Html,
        "xml" => Format::Xml,
        _ if CODE.contains(&extension) => Format::Code,
        _ if head.starts_with("<?xml") => Format::Xml,
        "" if looks_like_markdown(head) => Format::Markdown,
        _ => Format::Text,
    }
}

fn looks_like_html(head: &str) -> bool {
    let mut rest = head;
    // A declaration or comments may come first.
    loop {
        rest = rest.trim_start();
        let close = if rest.starts_with("<?xml") {
            "?>"
        } else if rest.starts_with("<!--") {
            "-->"
        } else {
            break;
        };
        let Some(end) = rest.find(close) else { return false };
        rest = &rest[end + close.len()..];
    }
    let start: String = rest.chars().take(15).collect::<String>().to_ascii_lowercase();
    ["<!doctype html", "<html", "<head>", "<head ", "<body", "<title>"]
        .iter()
        .any(|tag| start.starts_with(tag))
}

/// Two different marks of Markdown, for files whose name says nothing.
fn looks_like_markdown(head: &str) -> bool {
    let has = |test: fn(&str) -> bool| head.lines().any(test);
    let heading = has(|line| line.starts_with("# ") || line.starts_with("## "));
    let fence = has(|line| line.starts_with("```"));
    let link = head.contains("](");
    [heading, fence, link].into_iter().filter(|found| *found).count() >= 2
}
