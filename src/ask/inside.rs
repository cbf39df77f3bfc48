//! What a stored passage begins inside of: a list, with what introduces that in an earlier passage, or code.

use std::io;
use std::ops::Range;

use uuid::Uuid;

use super::sentence::{begins_with_item, has_unpaired_fence, introduction};
use crate::document::Passage;
use crate::files::{Layout, Texts};

/// Passages before one in which what introduces its list is looked for.
const LIST_PASSAGES: usize = 8;
/// Passages before and behind one in which the code is that it may begin inside of.
const CODE_PASSAGES: usize = 64;

/// What introduces the list of which the text at a place of a document begins with an item; blocks.
pub(super) fn introduction_of(
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

/// Whether the text at a place of a document begins inside fenced code; blocks. A section begins outside of any,
/// and there is none on pages. In a section whose fences are no pairs it is not known, so that one that is not
/// closed hides nothing.
pub(super) fn begins_in_code(
    document: Uuid,
    layout: &Layout,
    place: &Range<usize>,
    texts: &mut Texts,
) -> io::Result<bool> {
    let num_before = layout.passages.partition_point(|passage| passage.start < place.start);
    let (before, rest) = layout.passages.split_at(num_before);
    let Some(own) = rest.first().filter(|own| own.page.is_none()) else { return Ok(false) };
    let of_section = |passage: &&Passage| passage.heading == own.heading;
    let Some(first) = before.iter().rev().take(CODE_PASSAGES).take_while(of_section).last() else {
        return Ok(false);
    };
    if !has_unpaired_fence(&texts.recall(document, first.start..place.start)?) {
        return Ok(false);
    }
    let last = rest.iter().take(CODE_PASSAGES).take_while(of_section).last().unwrap_or(own);
    Ok(has_unpaired_fence(&texts.recall(document, place.start..last.end)?))
}
