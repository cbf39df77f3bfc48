//! The sources of an answer as a reader wants them: one entry a number, each quote once. Shared by
//! the exports that are read.

use super::Bundle;
use crate::event::{Citation, Verdict};
use crate::session::{Message, MessageStatus};

/// A cited source.
pub(super) struct Source<'a> {
    pub(super) n: u32,
    pub(super) title: &'a str,
    /// The file name, if the document still exists.
    pub(super) name: Option<&'a str>,
    pub(super) quotes: Vec<Quote<'a>>,
}

/// A quote of a source.
pub(super) struct Quote<'a> {
    pub(super) text: &'a str,
    citation: &'a Citation,
}

impl Quote<'_> {
    /// The page, the headings above, and what stands above the columns of a table.
    pub(super) fn place(&self) -> String {
        let page = self.citation.page.map(|page| format!("p.\u{a0}{page}"));
        // The title is said already.
        let heading = self.citation.heading.as_deref().map(|heading| {
            let below = heading.strip_prefix(self.citation.title.as_str());
            flowing(below.map_or(heading, |below| below.trim_start_matches([' ', '›'])))
        });
        let heading = heading.filter(|heading| !heading.is_empty());
        let columns =
            self.citation.columns.as_deref().map(|columns| format!("columns: {}", flowing(columns)));
        [page, heading, columns].into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    /// What is to be said against it.
    pub(super) fn doubt(&self) -> Option<&'static str> {
        match self.citation.verdict {
            Verdict::Supported => None,
            Verdict::Partial => Some("carries part of the claim"),
            Verdict::Unsupported => Some("does not carry the claim"),
        }
    }
}

/// The sources that an answer cites, by their numbers.
pub(super) fn of<'a>(message: &'a Message, bundle: &'a Bundle) -> Vec<Source<'a>> {
    let mut sources: Vec<Source<'a>> = Vec::new();
    for citation in &message.citations {
        let at = sources.iter().position(|source| source.n == citation.n).unwrap_or_else(|| {
            let known = bundle.documents.iter().find(|known| known.document.id == citation.document_id);
            let name = known.map(|known| known.document.name.as_str());
            sources.push(Source { n: citation.n, title: &citation.title, name, quotes: Vec::new() });
            sources.len() - 1
        });
        let is_same = |quote: &Quote<'_>| {
            quote.citation.range() == citation.range() && quote.citation.verdict == citation.verdict
        };
        if !sources[at].quotes.iter().any(is_same) {
            sources[at].quotes.push(Quote { text: &citation.quote, citation });
        }
    }
    sources.sort_by_key(|source| source.n);
    sources
}

/// How an answer ended, if that needs a word.
pub(super) fn ending(message: &Message) -> Option<&'static str> {
    match message.status {
        MessageStatus::Complete => None,
        MessageStatus::Running => Some("still being written"),
        MessageStatus::Cancelled => Some("stopped by the reader"),
        MessageStatus::Interrupted => Some("cut short"),
        MessageStatus::Failed => Some("failed"),
    }
}

/// A quote without the line breaks of its page.
pub(super) fn flowing(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
