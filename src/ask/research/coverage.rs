//! What a research looked at and what it did not: as numbers for the last event, and in the words
//! that end a report.

use std::collections::HashSet;
use std::fmt::Write;

use uuid::Uuid;

use super::words::Words;
use super::{Desk, Research};
use crate::ask::draft::Draft;
use crate::ask::refusal::refusal;
use crate::ask::retrieve::{num_documents, num_looked_at};
use crate::ask::told::escaped;
use crate::event::{Coverage, Reading, Source};
use crate::{Error, documents};

/// Documents named as found but not read.
const MAX_SKIPPED: usize = 50;
/// How many the report itself names of those that were read, and of those that were not.
const MAX_NAMED: usize = 8;

/// Counts what was searched, read and cited. `told` are the questions that the report tells of.
pub(super) async fn coverage(
    desk: &Desk<'_>,
    draft: &Draft<'_>,
    research: &Research,
    told: &[u32],
) -> Result<Coverage, Error> {
    let searched = num_documents(desk.app, &desk.asked.caller, &desk.asked.scope).await?;
    let mut matched: Vec<Uuid> = Vec::new();
    let mut readings: Vec<Reading> = Vec::new();
    for found in research.questions().filter_map(|(_, found)| found) {
        matched.extend(&found.matched);
        found.passages.iter().for_each(|source| note(&mut readings, source));
    }
    let mut once = HashSet::new();
    matched.retain(|document| once.insert(*document));
    let cited: HashSet<Uuid> = draft.citations().iter().map(|citation| citation.document_id).collect();
    let unmatched = searched.saturating_sub(matched.len() as u64);
    matched.retain(|document| readings.iter().all(|reading| reading.document_id != *document));
    matched.truncate(MAX_SKIPPED);
    let (mut not_found, mut not_done) = (Vec::new(), Vec::new());
    for (question, found) in research.questions().filter(|(question, _)| question.serves.is_none()) {
        match found {
            None => not_done.push(question.text.clone()),
            // Its parts speak for it.
            Some(_) if research.is_whole(question) => {}
            Some(_) if told.contains(&question.id) => {}
            Some(_) => not_found.push(question.text.clone()),
        }
    }
    if research.plan.questions.is_empty() {
        not_done.push(desk.asked.content.clone());
    }
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    Ok(Coverage {
        searched,
        read: count(readings.len()),
        cited: count(cited.len()),
        skipped: matched,
        unmatched,
        readings,
        not_found,
        not_done,
        resumed: research.num_resumed,
    })
}

fn note(readings: &mut Vec<Reading>, source: &Source) {
    let known = readings.iter().position(|reading| reading.document_id == source.document_id);
    let at = known.unwrap_or_else(|| {
        readings.push(Reading { document_id: source.document_id, pages: Vec::new() });
        readings.len() - 1
    });
    let pages = &mut readings[at].pages;
    if let Some(page) = source.page
        && let Err(place) = pages.binary_search(&page)
    {
        pages.insert(place, page);
    }
}

/// What the report says about itself. None of it is a claim from a document. `unanswered` is the
/// question where nothing answers it; `agrees` tells that disagreement was asked for and none was found.
pub(super) async fn colophon(
    desk: &Desk<'_>,
    words: &Words,
    coverage: &Coverage,
    unanswered: Option<&str>,
    agrees: bool,
) -> String {
    let mut text = String::new();
    if let Some(question) = unanswered {
        text.push_str(refusal(question));
        text.push_str("\n\n");
    }
    if agrees {
        let _ = writeln!(text, "## {}\n\n{}\n", words.disagree, words.agree);
    }
    for (heading, questions) in [(words.not_found, &coverage.not_found), (words.not_done, &coverage.not_done)]
    {
        if !questions.is_empty() {
            let _ = writeln!(text, "## {heading}\n");
            questions.iter().for_each(|question| {
                let _ = writeln!(text, "- {}", escaped(question));
            });
            text.push('\n');
        }
    }
    let Coverage { searched, cited, unmatched, .. } = coverage;
    let _ = writeln!(text, "## {}\n\n- {}: {searched}", words.what_was_read, words.searched);
    let pages = |reading: &Reading| (reading.document_id, reading.pages.clone());
    list(desk, words, &mut text, words.read, coverage.readings.iter().map(pages)).await;
    let _ = writeln!(text, "- {}: {cited}", words.cited);
    list(desk, words, &mut text, words.unread, coverage.skipped.iter().map(|id| (*id, Vec::new()))).await;
    if *unmatched > 0 {
        let _ = writeln!(text, "- {}: {unmatched}", words.unmatched(num_looked_at(desk.app)));
    }
    if coverage.resumed > 0 {
        let _ = writeln!(text, "\n{}", words.resumed);
    }
    text
}

/// Counts documents, if there are any, and names the first, with pages where there are any.
async fn list(
    desk: &Desk<'_>,
    words: &Words,
    text: &mut String,
    heading: &str,
    documents: impl ExactSizeIterator<Item = (Uuid, Vec<u32>)>,
) {
    let num_all = documents.len();
    if num_all == 0 {
        return;
    }
    let mut named = Vec::new();
    for (id, pages) in documents.take(MAX_NAMED) {
        if let Ok(document) = documents::get(desk.app, &desk.asked.caller, id).await {
            let pages = if pages.is_empty() { String::new() } else { format!(", {}", words.pages(&pages)) };
            named.push(escaped(&document.value.title) + &pages);
        }
    }
    if named.len() < num_all {
        named.push("…".to_owned());
    }
    let _ = writeln!(text, "- {heading} ({num_all}): {}", named.join("; "));
}
