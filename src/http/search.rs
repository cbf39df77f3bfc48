//! Ranked passages with the matched words marked.

use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::extract::State;
use ibid_index::analysis::Language;
use ibid_index::{Highlighter, IndexError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;
use uuid::Uuid;

use super::error::Problem;
use super::extract::Query;
use crate::Error;
use crate::access::Caller;
use crate::app::App;
use crate::ask::retrieve::{self, Hit, Place, Scope};
use crate::document::PassageId;

const DEFAULT_LIMIT: usize = 10;
const MAX_LIMIT: usize = 200;

/// What to search for, and where.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct SearchQuery {
    /// What to look for, in natural language.
    q: String,
    /// Only in these documents: repeated, or ids separated by commas.
    #[serde(default)]
    document_ids: Vec<String>,
    /// Only in this collection.
    collection: Option<String>,
    /// How many places, at most 200; 10 if absent.
    limit: Option<usize>,
}

/// What was found.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct SearchResult {
    /// Best first.
    hits: Vec<FoundPassage>,
    /// What was compared.
    by: By,
    /// Whether the reranker read the best of them with the question and put them in order.
    reranked: bool,
    /// What kept the search from comparing meanings or from reranking, in part or altogether, where
    /// it should.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    /// How long it took, in milliseconds.
    took_ms: u64,
}

/// What a search compares with the question.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum By {
    /// The words of passages.
    Words,
    /// Their words, and what they mean to the embedding model.
    WordsAndMeaning,
}

/// The best passage of a place that matches: of a page, where a document has pages.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct FoundPassage {
    passage_id: PassageId,
    document_id: Uuid,
    version: String,
    title: String,
    /// The document's file name.
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    heading: Option<String>,
    /// If it begins inside a table, what stands above the table's columns, its lines parted by ` / `.
    #[serde(skip_serializing_if = "Option::is_none")]
    columns: Option<String>,
    text: String,
    /// Where the passage is in the stored text, in bytes.
    start: usize,
    end: usize,
    /// Higher is better, comparable within one search.
    score: f32,
    /// Where in `text` the matched words are, in bytes.
    highlights: Vec<[usize; 2]>,
    /// Other passages of the same page that match, best first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    more: Vec<FurtherPassage>,
}

/// A passage that matches less well than another one of its page.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct FurtherPassage {
    passage_id: PassageId,
    /// Where the passage is in the stored text, in bytes.
    start: usize,
    end: usize,
    score: f32,
    /// Where in the passage the matched words are, in bytes from its start.
    highlights: Vec<[usize; 2]>,
}

pub(super) async fn search(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<SearchQuery>,
) -> Result<Json<SearchResult>, Problem> {
    let begun = Instant::now();
    let documents = document_ids(&query.document_ids)?;
    let scope = Scope::resolve(&app, &caller, documents.as_deref(), query.collection.as_deref()).await?;
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT);
    let (places, manner) = retrieve::places(&app, &caller, &scope, &query.q, limit).await?;
    // Marking words is work for a processor: it holds up no other answer.
    let hits = spawn_blocking(move || {
        let asked = app.index.spelled(ibid_index::Query::new(query.q, None))?;
        let mut highlighter = Highlighter::new(&asked);
        Ok(places.into_iter().map(|place| found(&mut highlighter, place)).collect())
    });
    let hits = hits.await.map_err(Error::from)?.map_err(|error: IndexError| Error::from(error))?;
    let took_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let by = if manner.by_meaning { By::WordsAndMeaning } else { By::Words };
    Ok(Json(SearchResult { hits, by, reranked: manner.is_reranked, note: manner.note, took_ms }))
}

fn document_ids(given: &[String]) -> Result<Option<Vec<Uuid>>, Error> {
    let ids = given.iter().flat_map(|ids| ids.split(',')).map(str::trim).filter(|id| !id.is_empty());
    let ids = ids.map(|id| {
        id.parse().map_err(|_| Error::Invalid(format!("`document_ids` holds `{id}`, which is not a UUID")))
    });
    let ids = ids.collect::<Result<Vec<Uuid>, Error>>()?;
    Ok(Some(ids).filter(|ids| !ids.is_empty()))
}

fn found(highlighter: &mut Highlighter<'_>, place: Place) -> FoundPassage {
    let Place { best: hit, more } = place;
    FoundPassage {
        passage_id: passage_id(&hit),
        document_id: hit.document.id,
        version: hit.document.version.clone(),
        title: hit.document.title.clone(),
        name: hit.document.name.clone(),
        page: hit.passage.page,
        start: hit.passage.start,
        end: hit.passage.end,
        score: hit.score,
        highlights: highlights(highlighter, &hit),
        heading: hit.passage.heading,
        columns: hit.passage.columns,
        text: hit.text,
        more: more.iter().map(|hit| further(highlighter, hit)).collect(),
    }
}

fn further(highlighter: &mut Highlighter<'_>, hit: &Hit) -> FurtherPassage {
    FurtherPassage {
        passage_id: passage_id(hit),
        start: hit.passage.start,
        end: hit.passage.end,
        score: hit.score,
        highlights: highlights(highlighter, hit),
    }
}

fn passage_id(hit: &Hit) -> PassageId {
    PassageId { document: hit.document.id, ordinal: hit.passage.ordinal }
}

fn highlights(highlighter: &mut Highlighter<'_>, hit: &Hit) -> Vec<[usize; 2]> {
    let language = hit.document.language.as_deref().and_then(Language::from_code);
    let ranges = highlighter.find(&hit.text, language).into_iter();
    ranges.map(|range| [range.start, range.end]).collect()
}
