//! From a question to passages: search, and keep what the store says may be used. The index is a hint;
//! nothing leaves here that the store does not confirm.

mod choose;
mod defining;
mod reranked;

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use ibid_index::analysis::Language;
use ibid_index::{IndexError, Meaning, PassageIndex, Query};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;
use uuid::Uuid;

use super::framing::{is_framing, unframed};
use super::prompt::Excerpt;
use crate::Error;
use crate::access::{Caller, Readable};
use crate::app::App;
use crate::document::{Document, Passage};
use crate::files::{Layout, Texts};
use crate::store::{Records, keys};

/// Passages asked of the index for each one the writer can be given.
const CANDIDATES_PER_PASSAGE: usize = 5;
/// Passages asked of the index for each place that is shown.
const MATCHES_PER_PLACE: usize = 4;

/// What is noted of a search while passages wait for their vectors.
const PARTIAL: &str = "some passages are not embedded yet and were searched by their words alone";

/// Where to search. Documents are named by their newest version.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Scope {
    documents: Option<Vec<Uuid>>,
    collection: Option<String>,
}

impl Scope {
    /// Looks up what a request names. A document that has been superseded stands for its successor.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a document that does not exist, or if the store fails.
    pub async fn resolve(
        app: &App,
        caller: &Caller,
        documents: Option<&[Uuid]>,
        collection: Option<&str>,
    ) -> Result<Self, Error> {
        let mut newest = documents.map(|documents| Vec::with_capacity(documents.len()));
        for id in documents.unwrap_or_default() {
            let mut document = crate::documents::get(app, caller, *id).await?.value;
            let mut seen = HashSet::from([document.id]);
            while let Some(successor) = document.superseded_by.filter(|id| seen.insert(*id)) {
                match crate::documents::get(app, caller, successor).await {
                    Ok(record) => document = record.value,
                    Err(_) => break,
                }
            }
            newest.get_or_insert_default().push(document.id);
        }
        Ok(Self { documents: newest, collection: collection.map(str::to_owned) })
    }

    /// The collection it is limited to.
    pub(super) fn collection(&self) -> Option<&str> {
        self.collection.as_deref()
    }

    pub(super) fn contains(&self, document: &Document) -> bool {
        self.documents.as_ref().is_none_or(|documents| documents.contains(&document.id))
            && (self.collection.is_none() || self.collection == document.collection)
    }

    fn in_index(&self, readable: &Readable) -> ibid_index::Scope {
        ibid_index::Scope {
            documents: self.documents.clone(),
            collections: Some(readable.places(self.collection.as_deref())),
        }
    }
}

/// A passage that matched and may be used.
#[derive(Clone, Debug)]
pub struct Hit {
    /// Its document.
    pub document: Arc<Document>,
    /// Its place.
    pub passage: Passage,
    /// Its words, as stored.
    pub text: String,
    /// Higher is better, comparable within one search.
    pub score: f32,
    layout: Arc<Layout>,
}

/// A place that matched: a page, or a passage of a document that has no pages.
#[derive(Clone, Debug)]
pub struct Place {
    /// Its best passage.
    pub best: Hit,
    /// Its other passages that matched, best first.
    pub more: Vec<Hit>,
}

/// How a search looked for passages: the same for every reader of what it found.
#[derive(Clone, Debug, Default)]
pub struct Manner {
    /// Whether it compared what passages mean, and not their words alone.
    pub by_meaning: bool,
    /// Whether a model read the best of them with the question and put them in order.
    pub is_reranked: bool,
    /// What kept it from that, in part or altogether, where a model for it is configured.
    pub note: Option<String>,
}

impl Manner {
    fn add_note(&mut self, note: &str) {
        let before = self.note.take().map(|before| before + "; ");
        self.note = Some(before.unwrap_or_default() + note);
    }
}

/// What a search for the writer found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The numbered passages, best first.
    pub excerpts: Vec<Excerpt>,
    /// Passages that matched.
    pub num_candidates: u32,
    /// The documents of these, best first.
    pub matched: Vec<Uuid>,
    /// The language that most of them are in, as far as it is known.
    pub language: Option<Language>,
    /// The query.
    pub query: String,
    /// How it was looked for.
    pub manner: Manner,
}

/// The places that match best, best first, among what the caller may read at this moment. Several
/// passages of one page are one place, so that they don't crowd out other pages.
///
/// # Errors
/// If the index or the store fails.
pub async fn places(
    app: &App,
    caller: &Caller,
    scope: &Scope,
    query: &str,
    limit: usize,
) -> Result<(Vec<Place>, Manner), Error> {
    let (mut search, manner) = Search::new(app, caller, scope, query, limit * MATCHES_PER_PLACE).await?;
    Ok((spawn_blocking(move || search.places(limit)).await??, manner))
}

/// A passage that may be used, before its words are read.
struct Match {
    document: Arc<Document>,
    layout: Arc<Layout>,
    passage: Passage,
    score: f32,
}

/// One search with all that it needs, to be carried out where it may hold up a processor and a disk:
/// from the index over the store to the words, without a change of threads.
struct Search {
    index: Arc<PassageIndex>,
    records: Records,
    texts: Texts,
    /// What the caller may read at this moment.
    readable: Readable,
    scope: Scope,
    query: String,
    meaning: Option<Meaning>,
    /// Passages asked of the index.
    limit: usize,
    /// What was found, if that is known already.
    found: Option<Vec<ibid_index::Hit>>,
}

impl Search {
    async fn new(
        app: &App,
        caller: &Caller,
        scope: &Scope,
        query: &str,
        limit: usize,
    ) -> Result<(Self, Manner), Error> {
        let readable = Readable::load(app, caller).await?;
        let (meaning, mut manner) = meaning(app, query).await;
        let search = Self {
            index: Arc::clone(&app.index),
            records: app.store.records(),
            texts: app.files.texts(),
            readable,
            scope: scope.clone(),
            query: query.to_owned(),
            meaning,
            limit,
            found: None,
        };
        let search = match &app.reranker {
            Some(reranker) => search.reranked(reranker, &mut manner).await?,
            None => search,
        };
        Ok((search, manner))
    }

    /// What was found, best first; looks into the index if that is not known yet, and blocks.
    fn find(&mut self) -> Result<Vec<ibid_index::Hit>, Error> {
        if let Some(found) = self.found.take() {
            return Ok(found);
        }
        let scope = self.scope.in_index(&self.readable);
        let query = self.index.spelled(Query::new(self.query.as_str(), None))?;
        let found = match &self.meaning {
            Some(meaning) => self.index.search_with_meaning(&scope, &query, meaning, self.limit)?,
            None => self.index.search(&scope, &query, self.limit)?,
        };
        self.defining_first(found)
    }

    /// Those of what was found that the store confirms, in the same order; blocks.
    fn confirm(&self, found: &[&ibid_index::Hit]) -> Result<Vec<Match>, Error> {
        let ids: HashSet<Uuid> = found.iter().map(|hit| hit.document).collect();
        let documents_keys: Vec<String> = ids.into_iter().map(keys::document).collect();
        let stored = self.records.get_many::<Document>(&documents_keys)?;
        let mut usable = HashMap::with_capacity(stored.len());
        for document in stored.into_iter().flatten().map(|record| record.value) {
            if document.is_searchable()
                && self.readable.admits(&document)
                && self.scope.contains(&document)
                // Or it was deleted between the look into the store and the look into its files.
                && let Ok(layout) = self.texts.layout(document.id)
            {
                usable.insert(document.id, (Arc::new(document), layout));
            }
        }
        let matched = |hit: &&ibid_index::Hit| {
            let (document, layout) = usable.get(&hit.document)?;
            let passage = layout.passages.get(hit.ordinal as usize)?.clone();
            let (document, layout) = (Arc::clone(document), Arc::clone(layout));
            Some(Match { document, layout, passage, score: hit.score })
        };
        Ok(found.iter().filter_map(matched).collect())
    }

    /// The best places; blocks.
    fn places(&mut self, limit: usize) -> Result<Vec<Place>, Error> {
        let found = self.find()?;
        let mut numbers: HashMap<(Uuid, u32), usize> = HashMap::new();
        let mut num_places = 0;
        let mut kept: Vec<(usize, Match)> = Vec::new();
        for some in found.chunks(limit.max(1)) {
            // With all places found, what is left are passages of their pages.
            let is_open = |hit: &&ibid_index::Hit| {
                let is_of_page =
                    |kept: &Match| kept.passage.page.is_some() && kept.document.id == hit.document;
                num_places < limit || kept.iter().any(|(_, kept)| is_of_page(kept))
            };
            let some: Vec<_> = some.iter().filter(is_open).collect();
            for found in self.confirm(&some)? {
                let number = match found.passage.page {
                    Some(page) => *numbers.entry((found.document.id, page)).or_insert(num_places),
                    None => num_places,
                };
                num_places = num_places.max(number + 1);
                if number < limit {
                    kept.push((number, found));
                }
            }
        }
        let mut places: BTreeMap<usize, Place> = BTreeMap::new();
        for (number, found) in kept {
            let Some(hit) = found.read(&mut self.texts) else { continue };
            match places.entry(number) {
                Entry::Vacant(place) => _ = place.insert(Place { best: hit, more: Vec::new() }),
                Entry::Occupied(place) => place.into_mut().more.push(hit),
            }
        }
        Ok(places.into_values().collect())
    }

    /// What a writer is given of so many that are found: so many passages and tokens at most; blocks.
    fn choose(&mut self, wanted: usize, max_tokens: usize) -> Result<Found, Error> {
        let found = self.find()?;
        let matches = self.confirm(&found.iter().collect::<Vec<_>>())?;
        choose::chosen(&mut self.texts, matches, wanted, max_tokens)
    }
}

/// The question's vector, if there is a model that makes one in time.
async fn meaning(app: &App, query: &str) -> (Option<Meaning>, Manner) {
    let Some(embeddings) = &app.embeddings else { return (None, Manner::default()) };
    match embeddings.meaning(query).await {
        // What is learnt from the library only orders what words find.
        Ok(meaning) if embeddings.chosen().is_none() => (meaning, Manner::default()),
        Ok(meaning) => {
            let is_partial = crate::ingest::num_not_embedded(app) != Some(0);
            let note = is_partial.then(|| PARTIAL.to_owned());
            (meaning, Manner { by_meaning: true, note, ..Manner::default() })
        }
        Err(why) => {
            let note = Some(format!("searched by words alone: {why}"));
            (None, Manner { note, ..Manner::default() })
        }
    }
}

impl Match {
    /// Adds its words; blocks. None if it is gone meanwhile.
    fn read(self, texts: &mut Texts) -> Option<Hit> {
        let Self { document, layout, passage, score } = self;
        let text = texts.recall(document.id, passage.range()).ok()?;
        Some(Hit { document, passage, text, score, layout })
    }
}

/// The passages a writer is given: near-duplicates dropped, no document filling the list,
/// neighbours joined, all within the budget of the configuration.
///
/// # Errors
/// If the index or the store fails.
pub async fn retrieve(app: &App, caller: &Caller, scope: &Scope, query: &str) -> Result<Found, Error> {
    let (wanted, max_tokens) = (app.config.ask.passages, app.config.ask.context_tokens);
    let (mut search, manner) = Search::new(app, caller, scope, unframed(query), num_looked_at(app)).await?;
    let chosen = spawn_blocking(move || search.choose(wanted, max_tokens)).await??;
    Ok(Found { query: query.to_owned(), manner, ..chosen })
}

/// How many passages a search for the writer looks at, the best ones.
pub(super) fn num_looked_at(app: &App) -> usize {
    app.config.ask.passages * CANDIDATES_PER_PASSAGE
}

/// How many documents a search in this scope looks at.
///
/// # Errors
/// If the index fails.
pub async fn num_documents(app: &App, caller: &Caller, scope: &Scope) -> Result<u64, Error> {
    if let (Some(documents), None) = (&scope.documents, &scope.collection) {
        return Ok(documents.len() as u64);
    }
    let readable = Readable::load(app, caller).await?;
    let (index, in_index) = (Arc::clone(&app.index), scope.in_index(&readable));
    Ok(spawn_blocking(move || index.num_documents(&in_index)).await??)
}

/// The words of some queries that stand in no document of the scope, each once; those of the frame aside.
///
/// # Errors
/// If the index or the store fails.
pub(super) async fn unknown_words(
    app: &App,
    caller: &Caller,
    scope: &Scope,
    queries: Vec<String>,
) -> Result<Vec<String>, Error> {
    let readable = Readable::load(app, caller).await?;
    let (index, in_index) = (Arc::clone(&app.index), scope.in_index(&readable));
    let look = move || {
        let mut unknown: Vec<String> = Vec::new();
        for query in queries {
            for word in index.unknown_words(&in_index, &Query::new(query, None))? {
                if !is_framing(&word) && !unknown.contains(&word) {
                    unknown.push(word);
                }
            }
        }
        Ok::<_, IndexError>(unknown)
    };
    Ok(spawn_blocking(look).await??)
}

/// What changes whenever a search in this scope may begin to find something else: what the caller may
/// read, and the revisions of its documents, or how often its collection or the library has changed.
///
/// # Errors
/// If the store fails.
pub(super) async fn revision(
    app: &App,
    caller: &Caller,
    scope: &Scope,
) -> Result<(Vec<String>, Vec<Option<u64>>), Error> {
    let places = Readable::load(app, caller).await?.places(scope.collection.as_deref());
    let Some(documents) = &scope.documents else {
        return Ok((places, vec![Some(app.ingest.num_changes(scope.collection.as_deref()))]));
    };
    let keys: Vec<String> = documents.iter().copied().map(keys::document).collect();
    let stored = app.store.get_many::<IgnoredAny>(&keys).await?;
    let revisions = stored.into_iter().map(|record| record.map(|record| record.revision));
    Ok((places, revisions.collect()))
}
