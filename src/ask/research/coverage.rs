//! What a research looked at and what it did not: as numbers for the last event, and in the words
//! that end a report.

use std::collections::HashSet;
use std::fmt::Write;

use uuid::Uuid;

use super::{Desk, Research};
use crate::ask::draft::Draft;
use crate::ask::retrieve::num_documents;
use crate::event::Coverage;
use crate::provider::extractive::{REFUSAL, plain_markdown};
use crate::{Error, documents};

/// Documents named as found but not read.
const MAX_SKIPPED: usize = 50;
/// Of these, how many the report itself names.
const MAX_NAMED: usize = 8;

/// Counts what was searched, read and cited.
pub(super) async fn coverage(
    desk: &Desk<'_>,
    draft: &Draft<'_>,
    research: &Research,
) -> Result<Coverage, Error> {
    let searched = num_documents(desk.app, &desk.asked.caller, &desk.asked.scope).await?;
    let mut matched: Vec<Uuid> = Vec::new();
    let mut read: HashSet<Uuid> = HashSet::new();
    for found in research.questions().filter_map(|(_, found)| found) {
        matched.extend(&found.matched);
        read.extend(found.passages.iter().map(|source| source.document_id));
    }
    let mut once = HashSet::new();
    matched.retain(|document| once.insert(*document));
    let cited: HashSet<Uuid> = draft.citations().iter().map(|citation| citation.document_id).collect();
    let unmatched = searched.saturating_sub(matched.len() as u64);
    matched.retain(|document| !read.contains(document));
    matched.truncate(MAX_SKIPPED);
    let (mut not_found, mut not_done) = (Vec::new(), Vec::new());
    for (question, found) in research.questions().filter(|(question, _)| question.serves.is_none()) {
        match found {
            None => not_done.push(question.text.clone()),
            // Its parts speak for it.
            Some(_) if research.is_whole(question) => {}
            Some(_) if research.notes_for(question.id).next().is_none() => {
                not_found.push(question.text.clone());
            }
            Some(_) => {}
        }
    }
    if research.plan.questions.is_empty() {
        not_done.push(desk.asked.content.clone());
    }
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    Ok(Coverage {
        searched,
        read: count(read.len()),
        cited: count(cited.len()),
        skipped: matched,
        unmatched,
        not_found,
        not_done,
        resumed: research.num_resumed,
    })
}

/// What the report says about itself. None of it is a claim from a document.
pub(super) async fn colophon(desk: &Desk<'_>, coverage: &Coverage, is_refusal: bool) -> String {
    let mut text = String::new();
    if is_refusal {
        text.push_str(REFUSAL);
        text.push_str("\n\n");
    }
    for (heading, questions) in [
        ("Not found in your documents", &coverage.not_found),
        ("Not looked into, since the work ended before", &coverage.not_done),
    ] {
        if !questions.is_empty() {
            let _ = writeln!(text, "## {heading}\n");
            questions.iter().for_each(|question| {
                let _ = writeln!(text, "- {}", plain_markdown(question));
            });
            text.push('\n');
        }
    }
    let Coverage { searched, read, cited, unmatched, .. } = coverage;
    let _ = write!(
        text,
        "## What was read\n\nOf {searched} searched documents, passages of {read} were read and {cited} cited; {} \
         matched without being read, and {unmatched} never matched.",
        coverage.skipped.len(),
    );
    let mut titles = Vec::new();
    for id in coverage.skipped.iter().take(MAX_NAMED) {
        if let Ok(document) = documents::get(desk.app, &desk.asked.caller, *id).await {
            titles.push(plain_markdown(&document.value.title));
        }
    }
    if !titles.is_empty() {
        let more = coverage.skipped.len() - titles.len();
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let _ = write!(text, " Not read: {}{more}.", titles.join("; "));
    }
    if coverage.resumed > 0 {
        text.push_str(
            " The server stopped during this work, which then went on from its last finished step.",
        );
    }
    text.push('\n');
    text
}
