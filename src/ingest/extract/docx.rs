//! Word documents: paragraphs, headings and code by their style, tables, lists, foot- and endnotes.
//! Headers, footers, comments and deleted text stay out.

use std::collections::HashMap;

use super::archive::Archive;
use super::blocks::{Blocks, Kind, is_for_code};
use super::compose::Composer;
use super::xml::{self, Node};
use super::{ExtractError, Limits};

const FORMAT: &str = "Word document";

pub(super) fn read(bytes: &[u8], limits: &Limits, out: &mut Composer) -> Result<(), ExtractError> {
    let mut archive = Archive::open(bytes, FORMAT, limits)?;
    let main = main_part(&mut archive, limits)?;
    let folder = main.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
    let beside = |name: &str| format!("{folder}/{name}");
    let styles = match archive.read_if_there(&beside("styles.xml"))? {
        Some(styles) => kinds_by_style(&styles, limits)?,
        None => HashMap::new(),
    };
    let mut notes = HashMap::new();
    for (part, kind) in [("footnotes.xml", "footnote"), ("endnotes.xml", "endnote")] {
        if let Some(part) = archive.read_if_there(&beside(part))? {
            read_notes(&part, kind, limits, &mut notes)?;
        }
    }
    if let Some(core) = archive.read_if_there("docProps/core.xml")? {
        out.title = xml::first_text(&core, FORMAT, limits, "title");
        out.declared_language = xml::first_text(&core, FORMAT, limits, "language");
    }
    let document = archive.read(&main)?;
    drop(archive);
    read_body(&document, limits, &styles, &notes, out)?;
    if out.has_text() { Ok(()) } else { Err(ExtractError::no_text(FORMAT, "upload one with words in it")) }
}

fn main_part(archive: &mut Archive<'_>, limits: &Limits) -> Result<String, ExtractError> {
    if let Some(relations) = archive.read_if_there("_rels/.rels")? {
        for relation in relations_of(&relations, limits)? {
            if relation.kind.ends_with("/officeDocument") {
                return Ok(super::archive::resolve("", &relation.target));
            }
        }
    }
    Ok("word/document.xml".to_owned())
}

pub(super) struct Relation {
    pub(super) id: String,
    pub(super) kind: String,
    pub(super) target: String,
}

/// The links from one part of an Office package to others.
pub(super) fn relations_of(part: &[u8], limits: &Limits) -> Result<Vec<Relation>, ExtractError> {
    let mut relations = Vec::new();
    xml::walk(part, "Office document", limits, |node| {
        if let Node::Open("Relationship", start) = node {
            let value = |name| xml::attribute(start, name).unwrap_or_default();
            relations.push(Relation { id: value("Id"), kind: value("Type"), target: value("Target") });
        }
        Ok(())
    })?;
    Ok(relations)
}

/// What paragraphs of a style are, by its id, if that is not text. A style inherits it from the one it is based on.
fn kinds_by_style(part: &[u8], limits: &Limits) -> Result<HashMap<String, Kind>, ExtractError> {
    let mut kinds = HashMap::new();
    let mut bases = Vec::new();
    let mut style = String::new();
    xml::walk(part, FORMAT, limits, |node| {
        let Node::Open(name, start) = node else { return Ok(()) };
        match name {
            "style" => style = xml::attribute(start, "styleId").unwrap_or_default(),
            "name" => {
                let name = xml::attribute(start, "val").unwrap_or_default().to_ascii_lowercase();
                let level = match name.as_str() {
                    "title" => Some(1),
                    name => name.strip_prefix("heading ").and_then(|level| level.trim().parse().ok()),
                };
                if let Some(level @ 1..=9) = level {
                    kinds.insert(style.clone(), Kind::Heading(level));
                } else if is_for_code(&name) {
                    kinds.insert(style.clone(), Kind::Code);
                }
            }
            "outlineLvl" => {
                if let Some(level @ 0..=8) =
                    xml::attribute(start, "val").and_then(|level| level.parse::<u8>().ok())
                {
                    kinds.entry(style.clone()).or_insert(Kind::Heading(level + 1));
                }
            }
            "basedOn" => bases.push((style.clone(), xml::attribute(start, "val").unwrap_or_default())),
            _ => {}
        }
        Ok(())
    })?;
    // Chains of styles are short, and their order in the file is free.
    for _ in 0..3 {
        for (style, base) in &bases {
            if let Some(kind) = kinds.get(base).copied() {
                kinds.entry(style.clone()).or_insert(kind);
            }
        }
    }
    Ok(kinds)
}

fn read_notes(
    part: &[u8],
    kind: &'static str,
    limits: &Limits,
    notes: &mut HashMap<(&'static str, String), String>,
) -> Result<(), ExtractError> {
    let mut id = String::new();
    let mut words = String::new();
    xml::walk(part, FORMAT, limits, |node| {
        match node {
            Node::Open(name, start) if name == kind => id = xml::attribute(start, "id").unwrap_or_default(),
            Node::Open("tab" | "br" | "p", _) => words.push(' '),
            Node::Text(text) => words.push_str(&text),
            Node::Close(name) if name == kind => {
                notes.insert((kind, std::mem::take(&mut id)), std::mem::take(&mut words));
            }
            _ => {}
        }
        Ok(())
    })
}

fn read_body(
    part: &[u8],
    limits: &Limits,
    styles: &HashMap<String, Kind>,
    notes: &HashMap<(&'static str, String), String>,
    out: &mut Composer,
) -> Result<(), ExtractError> {
    let mut blocks = Blocks::default();
    // One kind for each open paragraph.
    let mut kinds: Vec<Kind> = Vec::new();
    let mut in_text = false;
    let mut skipped = 0;
    xml::walk(part, FORMAT, limits, |node| {
        match node {
            // The other reading of a drawing says the same again; what moved away is elsewhere.
            Node::Open("Fallback" | "moveFrom" | "del", _) => skipped += 1,
            Node::Close("Fallback" | "moveFrom" | "del") => skipped -= 1,
            _ if skipped > 0 => {}
            Node::Open("p", _) => {
                blocks.open_paragraph();
                kinds.push(Kind::Body);
            }
            Node::Close("p") => blocks.close_paragraph(kinds.pop().unwrap_or(Kind::Body), out)?,
            Node::Open("pStyle", start) => {
                let styled = xml::attribute(start, "val").and_then(|style| styles.get(&style).copied());
                if let (Some(styled), Some(kind)) = (styled, kinds.last_mut()) {
                    *kind = styled;
                }
            }
            Node::Open("outlineLvl", start) => {
                let level = xml::attribute(start, "val").and_then(|level| level.parse::<u8>().ok());
                if let (Some(level @ 0..=8), Some(kind)) = (level, kinds.last_mut()) {
                    *kind = Kind::Heading(level + 1);
                }
            }
            Node::Open("numPr", _) => {
                if let Some(kind @ Kind::Body) = kinds.last_mut() {
                    *kind = Kind::Item;
                }
            }
            Node::Open("t", _) => in_text = true,
            Node::Close("t") => in_text = false,
            Node::Text(text) if in_text => blocks.push(&text),
            Node::Open("tab", _) => blocks.push("\t"),
            Node::Open("br" | "cr", _) => blocks.push("\n"),
            Node::Open("noBreakHyphen", _) => blocks.push("-"),
            Node::Open(name @ ("footnoteReference" | "endnoteReference"), start) => {
                let kind = if name.starts_with('f') { "footnote" } else { "endnote" };
                let id = xml::attribute(start, "id").unwrap_or_default();
                if let Some(note) = notes.get(&(kind, id)) {
                    blocks.push_after(note.clone());
                }
            }
            Node::Open("tbl", _) => blocks.open_table(out)?,
            Node::Open("tc", _) => blocks.open_cell(),
            Node::Close("tc") => blocks.close_cell(1),
            Node::Close("tr") => blocks.close_row(out)?,
            Node::Close("tbl") => blocks.close_table(out)?,
            _ => {}
        }
        Ok(())
    })?;
    blocks.finish(out)
}
