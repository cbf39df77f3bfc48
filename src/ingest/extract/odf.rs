//! OpenDocument texts, spreadsheets and presentations: one content part, read in one walk.

use std::collections::HashSet;

use super::archive::Archive;
use super::blocks::{Blocks, Kind, is_for_code};
use super::compose::Composer;
use super::xml::{self, Node};
use super::{ExtractError, Limits};

const FORMAT: &str = "OpenDocument file";
/// Spaces in a row that are kept; they indent code.
const MAX_SPACES: usize = 64;

pub(super) fn read(bytes: &[u8], limits: &Limits, out: &mut Composer) -> Result<(), ExtractError> {
    let mut archive = Archive::open(bytes, FORMAT, limits)?;
    let manifest = archive.read_if_there("META-INF/manifest.xml")?.unwrap_or_default();
    if manifest.windows(15).any(|window| window == b"encryption-data") {
        return Err(ExtractError::Encrypted { format: FORMAT.to_owned() });
    }
    if let Some(meta) = archive.read_if_there("meta.xml")? {
        out.title = xml::first_text(&meta, FORMAT, limits, "title");
        out.declared_language = xml::first_text(&meta, FORMAT, limits, "language");
    }
    let content = archive.read("content.xml")?;
    drop(archive);
    read_content(&content, limits, out)?;
    if out.has_text() { Ok(()) } else { Err(ExtractError::no_text(FORMAT, "upload one with words in it")) }
}

fn read_content(content: &[u8], limits: &Limits, out: &mut Composer) -> Result<(), ExtractError> {
    let mut blocks = Blocks::default();
    // Styles of this document that are made of one for code.
    let mut code_styles = HashSet::new();
    let mut kinds = Vec::new();
    let mut repeats = Vec::new();
    let (mut skipped, mut items, mut paragraphs) = (0_usize, 0_usize, 0_usize);
    let mut sheet = false;
    let mut slide = 0;
    xml::walk(content, FORMAT, limits, |node| {
        match node {
            Node::Open("tracked-changes" | "annotation" | "note-citation", _) => skipped += 1,
            Node::Close("tracked-changes" | "annotation" | "note-citation") => skipped -= 1,
            _ if skipped > 0 => {}
            Node::Open("spreadsheet", _) => sheet = true,
            Node::Open("page", start) if start.name().as_ref().starts_with("draw") => {
                slide += 1;
                blocks.end_code(out)?;
                out.page(slide)?;
            }
            Node::Open("h", start) => {
                let level = xml::attribute(start, "outline-level").and_then(|level| level.parse().ok());
                kinds.push(Kind::Heading(level.unwrap_or(1)));
                blocks.open_paragraph();
                paragraphs += 1;
            }
            Node::Open("style", start) => {
                let value = |name| xml::attribute(start, name).unwrap_or_default();
                if value("family") == "paragraph" && is_for_code(&value("parent-style-name")) {
                    code_styles.insert(value("name"));
                }
            }
            Node::Open("p", start) => {
                let style = xml::attribute(start, "style-name").unwrap_or_default();
                let is_code = is_for_code(&style) || code_styles.contains(&style);
                kinds.push(match items {
                    _ if is_code => Kind::Code,
                    0 => Kind::Body,
                    _ => Kind::Item,
                });
                blocks.open_paragraph();
                paragraphs += 1;
            }
            Node::Close("h" | "p") => {
                paragraphs -= 1;
                blocks.close_paragraph(kinds.pop().unwrap_or(Kind::Body), out)?;
            }
            Node::Open("list-item", _) => items += 1,
            Node::Close("list-item") => items -= 1,
            Node::Text(text) if paragraphs > 0 => blocks.push(&text),
            Node::Open("s", start) => {
                let times = xml::attribute(start, "c").and_then(|times| times.parse().ok()).unwrap_or(1);
                blocks.push(&" ".repeat(times.min(MAX_SPACES)));
            }
            Node::Open("tab", _) => blocks.push("\t"),
            Node::Open("line-break", _) => blocks.push("\n"),
            Node::Open("table", start) => {
                if sheet {
                    out.heading(1, &xml::attribute(start, "name").unwrap_or_default())?;
                }
                blocks.open_table(out)?;
            }
            Node::Open("table-cell" | "covered-table-cell", start) => {
                let times =
                    xml::attribute(start, "number-columns-repeated").and_then(|times| times.parse().ok());
                repeats.push(times.unwrap_or(1));
                blocks.open_cell();
            }
            Node::Close("table-cell" | "covered-table-cell") => blocks.close_cell(repeats.pop().unwrap_or(1)),
            Node::Close("table-row") => blocks.close_row(out)?,
            Node::Close("table") => blocks.close_table(out)?,
            _ => {}
        }
        Ok(())
    })?;
    blocks.finish(out)
}
