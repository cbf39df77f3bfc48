//! One search: the weighted terms of a query against a snapshot of the index, best passages first.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet, hash_map};
use std::ops::Range;

use tantivy::query::{EnableScoring, Query as _};
use tantivy::{DocAddress, Searcher};
use uuid::Uuid;

use crate::analysis::Language;
use crate::error::IndexError;
use crate::passage::{DocumentEntry, Hit, Scope, Spread};
use crate::query::{Forms, Place, Query};
use crate::schema::Fields;
use crate::vectors::Meaning;
use best::{Best, Candidate};
use columns::Filter;
use meaning::Nearness;
use segment::Segment;
use terms::{Statistics, Terms};
use whole::Documents;

mod best;
mod columns;
mod meaning;
mod names;
mod segment;
mod spelling;
mod standing;
mod terms;
mod whole;

/// The share of a clause's score that a passage gains.
const CLAUSE_WEIGHT: f32 = 0.5;
/// How many passages a clause is compared on.
const CLAUSE_DEPTH: usize = 100;
/// The share of its document's score that a passage gains.
const DOCUMENT_WEIGHT: f32 = 0.5;
/// What a document's later passages lose at most.
const CROWDING: f32 = 0.2;
/// How many passages are weighed against one another, if not more are wanted.
const DEPTH: usize = 500;

/// The index as of one commit.
pub(crate) struct Snapshot {
    searcher: Searcher,
    segments: Vec<Segment>,
    fields: Fields,
    /// The languages its passages were analysed in; `None` for those of unknown language.
    languages: Vec<Option<Language>>,
    documents: Documents,
}

impl Snapshot {
    /// Takes over what the snapshot `before` had opened of the segments that are still there.
    pub(crate) fn new(searcher: Searcher, fields: Fields, before: Option<&Self>) -> Result<Self, IndexError> {
        let segments = segment::open(&searcher, &fields, before.map_or(&[], |before| &before.segments))?;
        let mut languages: Vec<Option<Language>> =
            segments.iter().flat_map(|segment| segment.opened.languages.iter().copied()).collect();
        languages.sort_unstable();
        languages.dedup();
        let documents = Documents::new(&segments);
        Ok(Self { searcher, segments, fields, languages, documents })
    }

    pub(crate) fn num_passages(&self) -> u64 {
        self.searcher.num_docs()
    }

    pub(crate) fn num_passages_with(&self, stem: &str) -> Result<u64, IndexError> {
        terms::num_with(&self.segments, &self.fields, stem)
    }

    pub(crate) fn documents_with(&self, stem: &str) -> Result<HashMap<Uuid, Spread>, IndexError> {
        whole::spreads(&self.segments, &self.fields, stem)
    }

    /// Looks for the nearest word in place of each that stands nowhere.
    pub(crate) fn spelled(&self, query: Query) -> Result<Query, IndexError> {
        let nearest = spelling::nearest(&self.segments, &self.fields, &query.forms(&self.languages))?;
        Ok(query.with_nearest(nearest))
    }

    pub(crate) fn nearest(&self, stem: &str) -> Result<Option<String>, IndexError> {
        spelling::of_word(&self.segments, &self.fields, &[stem])
    }

    /// Returns the best `limit` passages in scope, best first. Equal scores are ordered by document
    /// and position, so that the same index always gives the same answer.
    pub(crate) fn search(
        &self,
        scope: &Scope,
        query: &Query,
        meaning: Option<&Meaning>,
        limit: usize,
    ) -> Result<Vec<Hit>, IndexError> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let filter = Filter::new(scope);
        let forms = query.forms(&self.languages);
        let terms = self.terms(&forms, &query.whole())?;
        let mut found = self.best(&filter, &terms, limit.max(DEPTH))?;
        let names = self.names(&terms)?;
        self.admit_named(&names, &filter, &terms, limit.max(DEPTH), &mut found)?;
        let clauses = query.clauses();
        self.add_clauses(&filter, &clauses, &forms, limit, &mut found)?;
        let reaching = meaning.filter(|meaning| !meaning.is_beside_words);
        let near = reaching.map(|meaning| Nearness::new(&self.segments, &filter, meaning));
        let near = near.transpose()?;
        if let Some(near) = &near {
            near.admit(&self.segments, limit.max(DEPTH), &mut found);
        }
        self.add_documents(&terms, &mut found)?;
        self.weigh_names(&names, &terms, &mut found)?;
        let standing = self.standing(&terms, &mut found)?;
        standing.weigh_closeness(&names, &mut found);
        match (&near, meaning) {
            (Some(near), _) => near.fuse(&mut found),
            (None, Some(meaning)) => meaning::weigh(meaning, !clauses.is_empty(), &mut found),
            (None, None) => {}
        }
        spread(&mut found);
        if !clauses.is_empty() {
            standing.prefer_new(&mut found);
        }
        found.truncate(limit);
        self.hits(&found)
    }

    /// A long question often asks for several things, and what answers one of them well can lose
    /// to what touches on all of them. So its clauses are searched for as well, and a passage gains
    /// a share of the best score that a clause gives it.
    fn add_clauses(
        &self,
        filter: &Filter<'_>,
        clauses: &[Range<usize>],
        forms: &Forms<'_>,
        limit: usize,
        found: &mut Vec<Candidate>,
    ) -> Result<(), IndexError> {
        let mut gains: BTreeMap<DocAddress, Candidate> = BTreeMap::new();
        for clause in clauses {
            let terms = self.terms(forms, clause)?;
            for candidate in self.best(filter, &terms, limit.max(CLAUSE_DEPTH))? {
                let gain = gains.entry(candidate.address).or_insert(candidate);
                *gain = candidate.max(*gain);
            }
        }
        for candidate in &mut *found {
            if let Some(gain) = gains.remove(&candidate.address) {
                *candidate = candidate.with_score(candidate.score() + CLAUSE_WEIGHT * gain.score());
            }
        }
        // What only a clause found scores at least as much for the whole question as for it.
        found.extend(gains.into_values().map(|gain| gain.with_score((1.0 + CLAUSE_WEIGHT) * gain.score())));
        Ok(())
    }

    /// A passage gains a share of what its document scores for the words of the question: what a
    /// document is about is often said in another passage than the answer.
    fn add_documents(&self, terms: &Terms, found: &mut [Candidate]) -> Result<(), IndexError> {
        let around = self.documents.scores(&self.segments, terms.of(Place::Body))?;
        for candidate in found {
            let gain = DOCUMENT_WEIGHT * around.of(candidate.address);
            *candidate = candidate.with_score(candidate.score() + gain);
        }
        Ok(())
    }

    /// The best passages for these terms.
    fn best(&self, filter: &Filter<'_>, terms: &Terms, limit: usize) -> Result<Vec<Candidate>, IndexError> {
        let Some(union) = terms.union() else {
            return Ok(Vec::new());
        };
        let statistics = Statistics { segments: &self.segments, fields: &self.fields, terms };
        let scoring = EnableScoring::enabled_from_statistics_provider(&statistics, &self.searcher);
        let weight = union.weight(scoring)?;
        let mut best = Best::new(limit);
        for (segment_ord, segment) in (0..).zip(&self.segments) {
            let Some(filter) = filter.on(segment)? else {
                continue;
            };
            weight.for_each_pruning(best.threshold(), &segment.reader, &mut |passage, score| {
                let (document, ordinal) = segment.opened.ids.of(passage);
                if filter.admits(passage, document) {
                    let address = DocAddress::new(segment_ord, passage);
                    best.offer(Candidate::new(score, document, ordinal, address));
                }
                best.threshold()
            })?;
        }
        Ok(best.into_sorted())
    }

    fn hits(&self, found: &[Candidate]) -> Result<Vec<Hit>, IndexError> {
        // All passages of a document are of one version.
        let mut versions: HashMap<u128, String> = HashMap::new();
        let hit = |candidate: &Candidate| {
            let version = match versions.entry(candidate.document()) {
                hash_map::Entry::Occupied(known) => known.get().clone(),
                hash_map::Entry::Vacant(new) => {
                    let DocAddress { segment_ord, doc_id } = candidate.address;
                    new.insert(self.segments[segment_ord as usize].opened.versions.of(doc_id)?).clone()
                }
            };
            let document = Uuid::from_u128(candidate.document());
            Ok(Hit { document, version, ordinal: candidate.ordinal(), score: candidate.score() })
        };
        found.iter().map(hit).collect()
    }

    /// What to look up for the part of the query that lies `within` a range of its text.
    fn terms(&self, forms: &Forms<'_>, within: &Range<usize>) -> Result<Terms, IndexError> {
        Terms::new(&self.segments, &self.fields, forms, within)
    }

    /// Returns the number of documents that have passages in scope.
    pub(crate) fn num_documents(&self, scope: &Scope) -> Result<u64, IndexError> {
        let filter = Filter::new(scope);
        let mut found = HashSet::new();
        for segment in &self.segments {
            let Some(filter) = filter.on(segment)? else { continue };
            let first = segment.opened.runs.iter().map(|run| (run.first, segment.opened.ids.of(run.first).0));
            found.extend(first.filter(|(passage, id)| filter.admits(*passage, *id)).map(|(_, id)| id));
        }
        Ok(found.len() as u64)
    }

    pub(crate) fn unknown_words(&self, scope: &Scope, query: &Query) -> Result<Vec<String>, IndexError> {
        let forms = query.forms(&self.languages);
        spelling::unknown(&self.segments, &self.fields, &Filter::new(scope), query, &forms)
    }

    /// Returns what is indexed of each document, read from columns alone.
    pub(crate) fn documents(&self) -> Result<BTreeMap<Uuid, DocumentEntry>, IndexError> {
        let mut documents: BTreeMap<Uuid, DocumentEntry> = BTreeMap::new();
        for segment in &self.segments {
            for passage in segment.reader.doc_ids_alive() {
                let (document, _) = segment.opened.ids.of(passage);
                let entry = match documents.entry(Uuid::from_u128(document)) {
                    Entry::Occupied(entry) => entry.into_mut(),
                    Entry::Vacant(entry) => {
                        let version = segment.opened.versions.of(passage)?;
                        entry.insert(DocumentEntry { version, num_passages: 0 })
                    }
                };
                entry.num_passages += 1;
            }
        }
        Ok(documents)
    }
}

/// Puts the best first, and lets the passages of one document make room for other documents: the
/// second and the tenth of them say less that is new.
fn spread(found: &mut [Candidate]) {
    found.sort_unstable_by(|one, other| other.cmp(one));
    let mut num_before: HashMap<u128, u16> = HashMap::new();
    for candidate in &mut *found {
        let rank = num_before.entry(candidate.document()).or_insert(0);
        *rank = rank.saturating_add(1);
        let loss = CROWDING * (1.0 - 1.0 / f32::from(*rank));
        *candidate = candidate.with_score(candidate.score() * (1.0 - loss));
    }
    found.sort_unstable_by(|one, other| other.cmp(one));
}
