//! From a question to passages: search, and keep what the store says may be used. The index is a hint;
//! nothing leaves here that the store does not confirm.

mod choose;

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use ibid_index::Query;
use ibid_index::analysis::Language;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;
use uuid::Uuid;

use super::framing::unframed;
use super::prompt::Excerpt;
use crate::Error;
use crate::access::{Caller, Readable};
use crate::app::App;
use crate::document::{Document, Passage};
use crate::files::{Layout, Texts};
use crate::store::keys;

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
    /// What kept it from that, in part or altogether, where a model for it is configured.
    pub note: Option<String>,
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
    let (readable, found, manner) = search(app, caller, scope, query, limit * MATCHES_PER_PLACE).await?;
    let mut numbers: HashMap<(Uuid, u32), usize> = HashMap::new();
    let mut num_places = 0;
    let mut kept: Vec<Match> = Vec::new();
    let mut place_of = HashMap::new();
    for some in found.chunks(limit.max(1)) {
        // With all places found, what is left are passages of their pages.
        let is_open = |hit: &&ibid_index::Hit| {
            num_places < limit
                || kept.iter().any(|kept| kept.passage.page.is_some() && kept.document.id == hit.document)
        };
        let some: Vec<_> = some.iter().filter(is_open).collect();
        for found in confirm(app, &readable, scope, &some).await? {
            let number = match found.passage.page {
                Some(page) => *numbers.entry((found.document.id, page)).or_insert(num_places),
                None => num_places,
            };
            num_places = num_places.max(number + 1);
            if number < limit {
                place_of.insert((found.document.id, found.passage.ordinal), number);
                kept.push(found);
            }
        }
    }
    let mut places: BTreeMap<usize, Place> = BTreeMap::new();
    let mut texts = app.files.texts();
    let read = move || kept.into_iter().filter_map(|found| found.read(&mut texts)).collect::<Vec<_>>();
    for hit in spawn_blocking(read).await? {
        match places.entry(place_of[&(hit.document.id, hit.passage.ordinal)]) {
            Entry::Vacant(place) => _ = place.insert(Place { best: hit, more: Vec::new() }),
            Entry::Occupied(place) => place.into_mut().more.push(hit),
        }
    }
    Ok((places.into_values().collect(), manner))
}

/// A passage that may be used, before its words are read.
struct Match {
    document: Arc<Document>,
    layout: Arc<Layout>,
    passage: Passage,
    score: f32,
}

/// What the index finds in what the caller may read at this moment, best first.
async fn search(
    app: &App,
    caller: &Caller,
    scope: &Scope,
    query: &str,
    limit: usize,
) -> Result<(Readable, Vec<ibid_index::Hit>, Manner), Error> {
    let readable = Readable::load(app, caller).await?;
    let (index, in_index) = (Arc::clone(&app.index), scope.in_index(&readable));
    let (meaning, manner) = meaning(app, query).await;
    let text = query.to_owned();
    let found = spawn_blocking(move || {
        let query = Query::new(text, None);
        match &meaning {
            Some(meaning) => index.search_with_meaning(&in_index, &query, meaning, limit),
            None => index.search(&in_index, &query, limit),
        }
    });
    Ok((readable, found.await??, manner))
}

/// Those of what was found that the store confirms, in the same order.
async fn confirm(
    app: &App,
    readable: &Readable,
    scope: &Scope,
    found: &[&ibid_index::Hit],
) -> Result<Vec<Match>, Error> {
    let ids: HashSet<Uuid> = found.iter().map(|hit| hit.document).collect();
    let documents_keys: Vec<String> = ids.into_iter().map(keys::document).collect();
    let stored = app.store.get_many::<Document>(&documents_keys).await?;
    let mut usable = HashMap::with_capacity(stored.len());
    for document in stored.into_iter().flatten().map(|record| record.value) {
        if document.is_searchable()
            && readable.admits(&document)
            && scope.contains(&document)
            // Or it was deleted between the look into the store and the look into its files.
            && let Ok(layout) = app.files.layout(document.id).await
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

/// The question's vector, if there is a model that makes one in time.
async fn meaning(app: &App, query: &str) -> (Option<ibid_index::Meaning>, Manner) {
    let Some(embeddings) = &app.embeddings else { return (None, Manner::default()) };
    match embeddings.meaning(query).await {
        // What is learnt from the library only orders what words find.
        Ok(meaning) if embeddings.chosen().is_none() => (meaning, Manner::default()),
        Ok(meaning) => {
            let is_partial = crate::ingest::num_not_embedded(app) != Some(0);
            let note = is_partial.then(|| PARTIAL.to_owned());
            (meaning, Manner { by_meaning: true, note })
        }
        Err(why) => {
            let note = Some(format!("searched by words alone: {why}"));
            (None, Manner { by_meaning: false, note })
        }
    }
}

impl Match {
    /// Adds its words; blocks. None if it is gone meanwhile.
    fn read(self, texts: &mut Texts) -> Option<Hit> {
        let Self { document, layout, passage, score } = self;
        let text = texts.read(document.id, passage.range()).ok()?;
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
    let (readable, found, manner) = search(app, caller, scope, unframed(query), num_looked_at(app)).await?;
    let matches = confirm(app, &readable, scope, &found.iter().collect::<Vec<_>>()).await?;
    let mut texts = app.files.texts();
    // Reading and comparing is work for a processor and a disk: it holds up no other answer.
    let chosen = spawn_blocking(move || choose::chosen(&mut texts, matches, wanted, max_tokens)).await?;
    Ok(Found { query: query.to_owned(), manner, ..chosen? })
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
