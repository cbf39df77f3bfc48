//! One search: the weighted terms of a query against a snapshot of the index, best passages first.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BinaryHeap, HashSet};

use tantivy::columnar::{BytesColumn, Column, StrColumn};
use tantivy::query::{BooleanQuery, BoostQuery, EnableScoring, Occur, Query as _, TermQuery};
use tantivy::schema::{IndexRecordOption, Term as IndexTerm};
use tantivy::{DocId, Searcher, SegmentReader};
use uuid::Uuid;

use crate::analysis::Language;
use crate::error::IndexError;
use crate::passage::{DocumentEntry, Hit, Scope};
use crate::query::{Place, Query};
use crate::schema::{Fields, NO_LANGUAGE};

/// The index as of one commit.
#[derive(Clone)]
pub(crate) struct Snapshot {
    searcher: Searcher,
    fields: Fields,
    /// The languages its passages were analysed in; `None` for those of unknown language.
    languages: Vec<Option<Language>>,
}

impl Snapshot {
    pub(crate) fn new(searcher: Searcher, fields: Fields) -> Result<Self, IndexError> {
        let mut languages = Vec::new();
        for segment in searcher.segment_readers() {
            let index = segment.inverted_index(fields.language)?;
            let mut codes = index.terms().stream()?;
            while let Some((code, _)) = codes.next() {
                let code = String::from_utf8_lossy(code);
                let language = if code == NO_LANGUAGE { None } else { Language::from_code(&code) };
                if !languages.contains(&language) {
                    languages.push(language);
                }
            }
        }
        languages.sort_unstable();
        Ok(Self { searcher, fields, languages })
    }

    pub(crate) fn num_passages(&self) -> u64 {
        self.searcher.num_docs()
    }

    /// Returns the best `limit` passages in scope, best first. Equal scores are ordered by document
    /// and position, so that the same index always gives the same answer.
    pub(crate) fn search(&self, scope: &Scope, query: &Query, limit: usize) -> Result<Vec<Hit>, IndexError> {
        let Some(union) = self.union(query)? else {
            return Ok(Vec::new());
        };
        if limit == 0 {
            return Ok(Vec::new());
        }
        let weight = union.weight(EnableScoring::enabled_from_searcher(&self.searcher))?;
        let mut best = Best::new(limit);
        for segment in self.searcher.segment_readers() {
            let Some(filter) = Filter::new(segment, scope)? else {
                continue;
            };
            let ids = Ids::open(segment)?;
            let mut failure = None;
            weight.for_each_pruning(best.threshold(), segment, &mut |passage, score| {
                if filter.admits(passage)
                    && let Err(error) = best.offer(score, || ids.of(passage))
                {
                    failure = Some(error);
                    return f32::INFINITY;
                }
                best.threshold()
            })?;
            if let Some(error) = failure {
                return Err(error);
            }
        }
        Ok(best.into_hits())
    }

    /// A flat union of single terms, which lets the engine skip whole blocks of passages that can't
    /// reach the best ones.
    fn union(&self, query: &Query) -> Result<Option<BooleanQuery>, IndexError> {
        let mut failure = None;
        let terms = query.terms(&self.languages, |stem| {
            let term = IndexTerm::from_field_text(self.fields.body, stem);
            let found = self.searcher.doc_freq(&term);
            found.map_err(|error| failure = Some(error)).is_ok_and(|num_passages| num_passages > 0)
        });
        if let Some(error) = failure {
            return Err(error.into());
        }
        let mut clauses: Vec<(Occur, Box<dyn tantivy::query::Query>)> = Vec::with_capacity(terms.len());
        for ((place, stem), weight) in terms {
            let term = IndexTerm::from_field_text(self.field(place), &stem);
            if self.searcher.doc_freq(&term)? > 0 {
                let term = TermQuery::new(term, IndexRecordOption::WithFreqs);
                clauses.push((Occur::Should, Box::new(BoostQuery::new(Box::new(term), weight))));
            }
        }
        Ok((!clauses.is_empty()).then(|| BooleanQuery::new(clauses)))
    }

    fn field(&self, place: Place) -> tantivy::schema::Field {
        match place {
            Place::Body => self.fields.body,
            Place::Title => self.fields.title,
            Place::Name => self.fields.name,
            Place::Pairs => self.fields.pairs,
            Place::Stops => self.fields.stops,
        }
    }

    /// Returns what is indexed of each document, read from columns alone.
    pub(crate) fn documents(&self) -> Result<BTreeMap<Uuid, DocumentEntry>, IndexError> {
        let mut documents: BTreeMap<Uuid, DocumentEntry> = BTreeMap::new();
        for segment in self.searcher.segment_readers() {
            let ids = Ids::open(segment)?;
            let mut counts = vec![(0_u32, 0_u64); ids.document.num_terms()];
            for passage in segment.doc_ids_alive() {
                let document = ids.document.ords().first(passage);
                let version = ids.version.ords().first(passage);
                let (Some(document), Some(version)) = (document, version) else {
                    return Err(IndexError::Damaged(format!("passage {passage} has no document")));
                };
                let slot = usize::try_from(document).ok().and_then(|document| counts.get_mut(document));
                let (count, latest) =
                    slot.ok_or_else(|| IndexError::Damaged(format!("no document {document}")))?;
                (*count, *latest) = (*count + 1, version);
            }
            for (document, (count, version)) in (0..).zip(counts) {
                if count > 0 {
                    let id = ids.document(document)?;
                    let version = ids.version(version)?;
                    documents.entry(id).or_insert(DocumentEntry { version, num_passages: 0 }).num_passages +=
                        count;
                }
            }
        }
        Ok(documents)
    }
}

/// What identifies the passages of a segment.
struct Ids {
    document: BytesColumn,
    version: StrColumn,
    ordinal: Column<u64>,
}

impl Ids {
    fn open(segment: &SegmentReader) -> Result<Self, IndexError> {
        let columns = segment.fast_fields();
        let missing = |column: &str| IndexError::Damaged(format!("a segment has no column `{column}`"));
        Ok(Self {
            document: columns.bytes("document")?.ok_or_else(|| missing("document"))?,
            version: columns.str("version")?.ok_or_else(|| missing("version"))?,
            ordinal: columns.u64("ordinal")?,
        })
    }

    fn of(&self, passage: DocId) -> Result<(Uuid, u32, String), IndexError> {
        let unknown = || IndexError::Damaged(format!("passage {passage} has no document"));
        let document = self.document(self.document.ords().first(passage).ok_or_else(unknown)?)?;
        let ordinal = self.ordinal.first(passage).and_then(|ordinal| u32::try_from(ordinal).ok());
        let version = self.version(self.version.ords().first(passage).ok_or_else(unknown)?)?;
        Ok((document, ordinal.ok_or_else(unknown)?, version))
    }

    fn document(&self, ordinal: u64) -> Result<Uuid, IndexError> {
        let mut bytes = Vec::with_capacity(16);
        self.document.ord_to_bytes(ordinal, &mut bytes)?;
        Uuid::from_slice(&bytes).map_err(|error| IndexError::Damaged(format!("document id: {error}")))
    }

    fn version(&self, ordinal: u64) -> Result<String, IndexError> {
        let mut version = String::new();
        self.version.ord_to_str(ordinal, &mut version)?;
        Ok(version)
    }
}

/// Which passages of a segment are alive and in scope.
struct Filter<'a> {
    segment: &'a SegmentReader,
    documents: Option<(Column<u64>, HashSet<u64>)>,
    collections: Option<(Column<u64>, HashSet<u64>)>,
}

impl<'a> Filter<'a> {
    /// Returns `None` if nothing of the segment is in scope.
    fn new(segment: &'a SegmentReader, scope: &Scope) -> Result<Option<Self>, IndexError> {
        let columns = segment.fast_fields();
        let mut filter = Self { segment, documents: None, collections: None };
        if let Some(documents) = &scope.documents {
            let Some(column) = columns.bytes("document")? else { return Ok(None) };
            filter.documents =
                Some((column.ords().clone(), ordinals(&column, documents.iter().map(Uuid::as_bytes))?));
        }
        if let Some(collections) = &scope.collections {
            let Some(column) = columns.str("collection")? else { return Ok(None) };
            filter.collections =
                Some((column.ords().clone(), ordinals(&column, collections.iter().map(String::as_bytes))?));
        }
        let is_empty = [&filter.documents, &filter.collections]
            .into_iter()
            .flatten()
            .any(|(_, admitted)| admitted.is_empty());
        Ok((!is_empty).then_some(filter))
    }

    fn admits(&self, passage: DocId) -> bool {
        !self.segment.is_deleted(passage)
            && [&self.documents, &self.collections].into_iter().flatten().all(|(column, admitted)| {
                column.first(passage).is_some_and(|ordinal| admitted.contains(&ordinal))
            })
    }
}

/// Looks values up in a column's dictionary, or walks through it once if there are many.
fn ordinals<'v, V: AsRef<[u8]> + 'v + ?Sized>(
    column: &BytesColumn,
    values: impl ExactSizeIterator<Item = &'v V>,
) -> Result<HashSet<u64>, IndexError> {
    let dictionary = column.dictionary();
    let mut found = HashSet::new();
    if values.len() < dictionary.num_terms() / 16 {
        for value in values {
            found.extend(dictionary.term_ord(value.as_ref())?);
        }
        return Ok(found);
    }
    let wanted: HashSet<&[u8]> = values.map(AsRef::as_ref).collect();
    let mut terms = dictionary.stream()?;
    while terms.advance() {
        if wanted.contains(terms.key()) {
            found.insert(terms.term_ord());
        }
    }
    Ok(found)
}

/// The best passages so far.
struct Best {
    limit: usize,
    /// The worst of them on top.
    kept: BinaryHeap<Reverse<Ranked>>,
}

#[derive(PartialEq, Eq)]
struct Ranked {
    score: Rounded,
    document: Reverse<Uuid>,
    ordinal: Reverse<u32>,
    version: String,
}

/// A score without its last bits, which depend on the order in which terms were added up.
#[derive(Clone, Copy, PartialEq)]
struct Rounded(f32);

impl Best {
    fn new(limit: usize) -> Self {
        Self { limit, kept: BinaryHeap::with_capacity(limit.min(1024) + 1) }
    }

    /// The score that a passage must exceed to be offered: a little less than the worst one kept,
    /// because of those that are equal once rounded.
    fn threshold(&self) -> f32 {
        match self.kept.peek() {
            Some(Reverse(worst)) if self.kept.len() >= self.limit => worst.score.0.next_down(),
            _ => f32::MIN,
        }
    }

    fn offer(
        &mut self,
        score: f32,
        ids: impl FnOnce() -> Result<(Uuid, u32, String), IndexError>,
    ) -> Result<(), IndexError> {
        let (document, ordinal, version) = ids()?;
        let score = Rounded::new(score);
        self.kept.push(Reverse(Ranked {
            score,
            document: Reverse(document),
            ordinal: Reverse(ordinal),
            version,
        }));
        if self.kept.len() > self.limit {
            self.kept.pop();
        }
        Ok(())
    }

    fn into_hits(self) -> Vec<Hit> {
        let mut ranked: Vec<Ranked> = self.kept.into_iter().map(|Reverse(ranked)| ranked).collect();
        ranked.sort_unstable_by(|one, other| other.cmp(one));
        let hit = |ranked: Ranked| Hit {
            document: ranked.document.0,
            version: ranked.version,
            ordinal: ranked.ordinal.0,
            score: ranked.score.0,
        };
        ranked.into_iter().map(hit).collect()
    }
}

impl Rounded {
    /// Rounds down, so that the rounded score is never above the engine's.
    fn new(score: f32) -> Self {
        Self(f32::from_bits(score.to_bits() & !0x3f))
    }
}

impl Eq for Rounded {}

impl Ord for Rounded {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Rounded {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.score, self.document, self.ordinal).cmp(&(other.score, other.document, other.ordinal))
    }
}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
