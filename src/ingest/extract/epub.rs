//! Electronic books: the chapters in reading order, each an HTML page.

use std::collections::HashMap;

use super::archive::{Archive, resolve};
use super::compose::Composer;
use super::xml::{self, Node};
use super::{ExtractError, Limits, charset, html};

const FORMAT: &str = "EPUB";

pub(super) fn read(bytes: &[u8], limits: &Limits, out: &mut Composer) -> Result<(), ExtractError> {
    let mut archive = Archive::open(bytes, FORMAT, limits)?;
    let container = archive.read("META-INF/container.xml")?;
    let mut package = None;
    xml::walk(&container, FORMAT, limits, |node| {
        if let Node::Open("rootfile", start) = node {
            package = package.take().or_else(|| xml::attribute(start, "full-path"));
        }
        Ok(())
    })?;
    let package = package.ok_or_else(|| ExtractError::damaged(FORMAT, "its package is not named"))?;
    let opf = archive.read(&package)?;
    out.title = xml::first_text(&opf, FORMAT, limits, "title");
    out.declared_language = xml::first_text(&opf, FORMAT, limits, "language");
    let encrypted = archive.read_if_there("META-INF/encryption.xml")?.unwrap_or_default();
    let encrypted = String::from_utf8_lossy(&encrypted).into_owned();
    for chapter in chapters(&opf, limits)? {
        if encrypted.contains(&chapter) {
            return Err(ExtractError::Encrypted { format: FORMAT.to_owned() });
        }
        match archive.read_if_there(&resolve(&package, &percent_decoded(&chapter)))? {
            Some(page) => html::read_body(&charset::decode_html(&page), out)?,
            None => out.note(&format!("chapter {chapter} is missing")),
        }
    }
    if out.has_text() { Ok(()) } else { Err(ExtractError::no_text(FORMAT, "its pages may be pictures")) }
}

/// References of the chapters, in reading order.
fn chapters(opf: &[u8], limits: &Limits) -> Result<Vec<String>, ExtractError> {
    let mut items = HashMap::new();
    let mut spine = Vec::new();
    xml::walk(opf, FORMAT, limits, |node| {
        match node {
            Node::Open("item", start) => {
                if let (Some(id), Some(href)) = (xml::attribute(start, "id"), xml::attribute(start, "href")) {
                    items.insert(id, href);
                }
            }
            Node::Open("itemref", start) => spine.extend(xml::attribute(start, "idref")),
            _ => {}
        }
        Ok(())
    })?;
    Ok(spine.iter().filter_map(|id| items.remove(id)).collect())
}

fn percent_decoded(reference: &str) -> String {
    let mut bytes = Vec::with_capacity(reference.len());
    let mut rest = reference.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(decoded) if byte == b'%' => {
                bytes.push(decoded);
                rest = &after[2..];
            }
            _ => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
