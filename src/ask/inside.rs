//! What a stored passage begins inside of: a list, with what introduces that in an earlier passage, or code.

use std::io;
use std::ops::Range;

use uuid::Uuid;

use super::sentence::{begins_with_item, ends_in_code, introduction};
use crate::event::Source;
use crate::files::{Layout, Texts};

/// Passages before one in which what introduces its list is looked for.
const LIST_PASSAGES: usize = 8;
/// And those in which the code is that it may begin inside of.
const CODE_PASSAGES: usize = 64;

/// Tells a source what its text begins inside of.
pub(super) fn tell(source: &mut Source, layout: &Layout, text: &str, texts: &mut Texts) -> io::Result<()> {
    let (document, place) = (source.document_id, source.start..source.end);
    source.introduction = introduction_of(document, layout, place.clone(), text, texts)?;
    source.in_code = begins_in_code(document, layout, &place, texts)?;
    Ok(())
}

/// What introduces the list of which the text at a place of a document begins with an item.
fn introduction_of(
    document: Uuid,
    layout: &Layout,
    place: Range<usize>,
    text: &str,
    texts: &mut Texts,
) -> io::Result<Option<String>> {
    let num_before = layout.passages.partition_point(|passage| passage.start < place.start);
    let before = layout.passages[..num_before].get(num_before.saturating_sub(LIST_PASSAGES));
    let Some(before) = before.filter(|_| begins_with_item(text)) else { return Ok(None) };
    let text = texts.recall(document, before.start..place.end)?;
    Ok(introduction(&text, place.start - before.start))
}

/// Whether a fence is open where a text begins. A section begins outside of all; there are none on pages.
fn begins_in_code(
    document: Uuid,
    layout: &Layout,
    place: &Range<usize>,
    texts: &mut Texts,
) -> io::Result<bool> {
    let num_before = layout.passages.partition_point(|passage| passage.start < place.start);
    let (before, own) = layout.passages.split_at(num_before);
    let Some(own) = own.first().filter(|own| own.page.is_none()) else { return Ok(false) };
    let before = &before[num_before.saturating_sub(CODE_PASSAGES)..];
    let above = before.iter().rposition(|passage| passage.heading != own.heading).map_or(0, |at| at + 1);
    let Some(first) = before.get(above) else { return Ok(false) };
    Ok(ends_in_code(&texts.recall(document, first.start..place.start)?))
}
