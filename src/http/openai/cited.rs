//! What an answer says and cites so far, told as clients of `/v1` expect it: claims by the position
//! of their characters, sources by addresses that a browser opens.

use schemars::JsonSchema;
use serde::Serialize;

use crate::event::Citation;
use crate::http::links::{self, Site};

/// An answer's words and citations.
pub(super) struct Cited {
    pub(super) content: String,
    site: Site,
    citations: Vec<Citation>,
}

/// Where a claim stands in the answer, and where its source is.
#[derive(Clone, Serialize, JsonSchema)]
pub(super) struct UrlCitation {
    /// First character of the claim in the answer.
    start_index: usize,
    /// One past its last character.
    end_index: usize,
    /// Opens the passage in this server.
    url: String,
    title: String,
}

/// A citation with its address.
#[derive(Clone, Serialize, JsonSchema)]
pub(super) struct Sourced {
    /// Opens the passage in this server.
    url: String,
    #[serde(flatten)]
    citation: Citation,
}

impl Cited {
    pub(super) fn at(site: Site) -> Self {
        Self { content: String::new(), site, citations: Vec::new() }
    }

    /// Takes a citation, and gives how many there were before.
    pub(super) fn add(&mut self, citation: Citation) -> usize {
        self.citations.push(citation);
        self.citations.len() - 1
    }

    /// The claims in the order of the answer, from this one on.
    pub(super) fn claims(&self, from: usize) -> impl Iterator<Item = UrlCitation> {
        let chars = |end: usize| self.content.get(..end).unwrap_or(&self.content).chars().count();
        self.citations.iter().skip(from).map(move |citation| UrlCitation {
            start_index: chars(citation.answer_start),
            end_index: chars(citation.answer_end),
            url: self.url(citation),
            title: links::title(&citation.title, citation.page),
        })
    }

    /// The citations with their quotes, ranges and verdicts.
    pub(super) fn sources(&self) -> Vec<Sourced> {
        let sourced = |citation: &Citation| Sourced { url: self.url(citation), citation: citation.clone() };
        self.citations.iter().map(sourced).collect()
    }

    fn url(&self, citation: &Citation) -> String {
        self.site.place(citation.document_id, citation.start, citation.end)
    }
}
