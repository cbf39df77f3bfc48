//! What introduces the list that a stored passage begins inside: it stands in an earlier one.

use std::io;
use std::ops::Range;

use uuid::Uuid;

use super::sentence::{begins_with_item, introduction};
use crate::files::{Layout, Texts};

/// Passages before one in which what introduces its list is looked for.
const PASSAGES_BEFORE: usize = 8;

/// What introduces the list of which the text at a place of a document begins with an item; blocks.
pub(super) fn introduction_of(
    document: Uuid,
    layout: &Layout,
    place: Range<usize>,
    text: &str,
    texts: &mut Texts,
) -> io::Result<Option<String>> {
    let num_before = layout.passages.partition_point(|passage| passage.start < place.start);
    let before = layout.passages[..num_before].get(num_before.saturating_sub(PASSAGES_BEFORE));
    let Some(before) = before.filter(|_| begins_with_item(text)) else { return Ok(None) };
    let text = texts.recall(document, before.start..place.end)?;
    Ok(introduction(&text, place.start - before.start))
}
