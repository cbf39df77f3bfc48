//! PowerPoint presentations: a slide is a page, its title a heading; speaker notes follow it.

use super::archive::{Archive, resolve};
use super::blocks::{Blocks, Kind};
use super::compose::Composer;
use super::docx::relations_of;
use super::xml::{self, Node};
use super::{ExtractError, Limits};

const FORMAT: &str = "presentation";
const MAIN: &str = "ppt/presentation.xml";

pub(super) fn read(bytes: &[u8], limits: &Limits, out: &mut Composer) -> Result<(), ExtractError> {
    let mut archive = Archive::open(bytes, FORMAT, limits)?;
    if let Some(core) = archive.read_if_there("docProps/core.xml")? {
        out.title = xml::first_text(&core, FORMAT, limits, "title");
    }
    for (index, slide) in slides(&mut archive, limits)?.iter().enumerate() {
        let number = u32::try_from(index + 1).unwrap_or(u32::MAX);
        out.page(number)?;
        let before = out.text().len();
        let part = archive.read(slide)?;
        read_slide(&part, limits, out, true)?;
        if out.text().len() == before {
            out.note(&format!("slide {number} has no text"));
        }
        if let Some(part) = notes_of(slide, &mut archive, limits)? {
            read_slide(&part, limits, out, false)?;
        }
    }
    if out.has_text() {
        Ok(())
    } else {
        Err(ExtractError::no_text(FORMAT, "its slides may be pictures; upload one with words"))
    }
}

/// The slides in the order they are shown.
fn slides(archive: &mut Archive<'_>, limits: &Limits) -> Result<Vec<String>, ExtractError> {
    let by_name = archive.names("ppt/slides/slide", ".xml");
    let (Some(main), Some(relations)) =
        (archive.read_if_there(MAIN)?, archive.read_if_there("ppt/_rels/presentation.xml.rels")?)
    else {
        return Ok(by_name);
    };
    let relations = relations_of(&relations, limits)?;
    let mut slides = Vec::new();
    xml::walk(&main, FORMAT, limits, |node| {
        if let Node::Open("sldId", start) = node {
            // The element has a plain `id` too; the one with a prefix names the relation.
            let named = start.attributes().with_checks(false).filter_map(Result::ok).find(|attribute| {
                attribute.key.prefix().is_some() && attribute.key.local_name().as_ref() == "id"
            });
            let relation = named.and_then(|id| relations.iter().find(|relation| relation.id == *id.value));
            slides.extend(relation.map(|relation| resolve(MAIN, &relation.target)));
        }
        Ok(())
    })?;
    slides.retain(|slide| archive.holds(slide));
    Ok(if slides.is_empty() { by_name } else { slides })
}

fn notes_of(
    slide: &str,
    archive: &mut Archive<'_>,
    limits: &Limits,
) -> Result<Option<Vec<u8>>, ExtractError> {
    let Some((folder, name)) = slide.rsplit_once('/') else { return Ok(None) };
    let Some(relations) = archive.read_if_there(&format!("{folder}/_rels/{name}.rels"))? else {
        return Ok(None);
    };
    let relations = relations_of(&relations, limits)?;
    let Some(notes) = relations.iter().find(|relation| relation.kind.ends_with("/notesSlide")) else {
        return Ok(None);
    };
    archive.read_if_there(&resolve(slide, &notes.target))
}

fn read_slide(part: &[u8], limits: &Limits, out: &mut Composer, titled: bool) -> Result<(), ExtractError> {
    let mut blocks = Blocks::default();
    let mut kind = Kind::Body;
    let mut in_text = false;
    let mut furniture = false;
    xml::walk(part, FORMAT, limits, |node| {
        match node {
            Node::Open("sp", _) => (kind, furniture) = (Kind::Body, false),
            Node::Open("ph", start) => match xml::attribute(start, "type").as_deref() {
                Some("title" | "ctrTitle") if titled => kind = Kind::Heading(1),
                Some("sldNum" | "dt" | "ftr" | "hdr") => furniture = true,
                _ => {}
            },
            Node::Open("p", _) => blocks.open_paragraph(),
            Node::Close("p") if furniture => {
                blocks = Blocks::default();
            }
            Node::Close("p") => blocks.close_paragraph(kind, out)?,
            Node::Open("t", _) => in_text = true,
            Node::Close("t") => in_text = false,
            Node::Text(text) if in_text => blocks.push(&text),
            Node::Open("br", _) => blocks.push("\n"),
            Node::Open("tab", _) => blocks.push(" "),
            Node::Open("tbl", _) => {
                kind = Kind::Body;
                blocks.open_table(out)?;
            }
            Node::Open("tc", _) => blocks.open_cell(),
            Node::Close("tc") => blocks.close_cell(1),
            Node::Close("tr") => blocks.close_row(out)?,
            Node::Close("tbl") => blocks.close_table(out)?,
            _ => {}
        }
        Ok(())
    })
}
