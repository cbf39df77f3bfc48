//! The index as the rest of the program sees it: open, apply, search, compare with the store.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::fs;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use tantivy::{Directory, Index, IndexReader, ReloadPolicy};
use uuid::Uuid;

use crate::error::{IndexError, guarded};
use crate::mapped::Mapped;
use crate::passage::{Change, DocumentEntry, Hit, Scope, Spread};
use crate::query::Query;
use crate::schema::{self, Fields};
use crate::search::Snapshot;
use crate::vectors::Meaning;
use crate::writer::Writer;

/// Passages of documents, searchable in natural language.
///
/// All methods take `&self` and may be called from several threads; searches see the last commit
/// and wait for nothing.
pub struct PassageIndex {
    index: Index,
    mapped: Mapped,
    fields: Fields,
    reader: IndexReader,
    writer: Writer,
    snapshot: RwLock<Arc<Snapshot>>,
}

impl PassageIndex {
    /// Opens the index in a folder, creating both where absent.
    ///
    /// # Errors
    ///
    /// [`IndexError::OtherSchema`] and [`IndexError::Damaged`] mean that the folder should be set
    /// aside and the index rebuilt; [`IndexError::Locked`] that another process has it open.
    pub fn open(path: &Path) -> Result<Self, IndexError> {
        guarded(|| {
            fs::create_dir_all(path)?;
            schema::claim(path)?;
            let (schema, fields) = Fields::schema();
            let (mapped, directory) = Mapped::open(path)?;
            let index = if path.join("meta.json").exists() {
                let index = Index::open(directory)?;
                if index.schema() != schema {
                    return Err(IndexError::Damaged("meta.json does not match the schema".to_owned()));
                }
                index
            } else {
                Index::create(directory, schema, tantivy::IndexSettings::default())?
            };
            Self::new(index, mapped, fields)
        })
    }

    /// Makes an index that is gone when dropped.
    ///
    /// # Errors
    ///
    /// Only if the system refuses a thread.
    pub fn in_memory() -> Result<Self, IndexError> {
        let (schema, fields) = Fields::schema();
        Self::new(Index::create_in_ram(schema), Mapped::nothing(), fields)
    }

    fn new(index: Index, mapped: Mapped, fields: Fields) -> Result<Self, IndexError> {
        schema::prepare(&index);
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        let writer = Writer::open(&index, fields)?;
        let snapshot = RwLock::new(Arc::new(Snapshot::new(reader.searcher(), fields, None)?));
        Ok(Self { index, mapped, fields, reader, writer, snapshot })
    }

    /// Applies the changes in order and in one commit: all of them are searchable when this
    /// returns, or none is after an error.
    ///
    /// # Errors
    ///
    /// [`IndexError::Passages`] if a document's passages can't be read, [`IndexError::Io`] if the
    /// disk refuses.
    pub fn apply<'a>(&self, changes: impl IntoIterator<Item = Change<'a>>) -> Result<(), IndexError> {
        guarded(|| self.writer.apply(changes, || self.show()))
    }

    /// Brings together what many small changes have left in files of their own, so that searches have
    /// few of them to look through; for a time when nothing else is to be done. It finds the same as
    /// before, and so do searches meanwhile.
    ///
    /// # Errors
    ///
    /// [`IndexError::Io`] if the disk refuses, which takes nothing from the index.
    pub fn settle(&self) -> Result<(), IndexError> {
        guarded(|| self.writer.settle(|| self.show()))
    }

    /// Lets searches see the last commit.
    fn show(&self) -> Result<(), IndexError> {
        self.reader.reload()?;
        let snapshot = Snapshot::new(self.reader.searcher(), self.fields, Some(&self.snapshot()))?;
        *self.snapshot.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(snapshot);
        self.mapped.forget_unread();
        Ok(())
    }

    /// Reads words of the query that stand nowhere in the index as the nearest that do, one letter away:
    /// searches and highlights then look for those too. A word of the query with fewer than five letters
    /// is left as it is.
    ///
    /// # Errors
    ///
    /// [`IndexError::Damaged`] and [`IndexError::Io`] if the files can't be read.
    pub fn spelled(&self, query: Query) -> Result<Query, IndexError> {
        guarded(|| self.snapshot().spelled(query))
    }

    /// Returns the `limit` passages in `scope` that answer best, best first.
    ///
    /// # Errors
    ///
    /// [`IndexError::Damaged`] and [`IndexError::Io`] if the files can't be read.
    pub fn search(&self, scope: &Scope, query: &Query, limit: usize) -> Result<Vec<Hit>, IndexError> {
        guarded(|| self.snapshot().search(scope, query, None, limit))
    }

    /// The same, by what passages mean as well as by their words. Passages that have no vector yet
    /// are found by their words alone.
    ///
    /// # Errors
    ///
    /// [`IndexError::Damaged`] and [`IndexError::Io`] if the files can't be read.
    pub fn search_with_meaning(
        &self,
        scope: &Scope,
        query: &Query,
        meaning: &Meaning,
        limit: usize,
    ) -> Result<Vec<Hit>, IndexError> {
        guarded(|| self.snapshot().search(scope, query, Some(meaning), limit))
    }

    /// Returns what is indexed of every document, for comparing the index with the store.
    ///
    /// # Errors
    ///
    /// [`IndexError::Damaged`] and [`IndexError::Io`] if the files can't be read.
    pub fn documents(&self) -> Result<BTreeMap<Uuid, DocumentEntry>, IndexError> {
        guarded(|| self.snapshot().documents())
    }

    /// Returns the number of documents in `scope`.
    ///
    /// # Errors
    ///
    /// [`IndexError::Damaged`] and [`IndexError::Io`] if the files can't be read.
    pub fn num_documents(&self, scope: &Scope) -> Result<u64, IndexError> {
        guarded(|| self.snapshot().num_documents(scope))
    }

    /// Returns the words of a query, numbers and words of grammar aside, that stand in no passage in
    /// `scope`, as they are written in the query.
    ///
    /// # Errors
    ///
    /// [`IndexError::Damaged`] and [`IndexError::Io`] if the files can't be read.
    pub fn unknown_words(&self, scope: &Scope, query: &Query) -> Result<Vec<String>, IndexError> {
        guarded(|| self.snapshot().unknown_words(scope, query))
    }

    /// Returns the number of passages that can be found.
    #[must_use]
    pub fn num_passages(&self) -> u64 {
        self.snapshot().num_passages()
    }

    /// Returns in how many passages a word stands, in the form that [`terms`](crate::analysis::terms)
    /// gives it in their language; in their titles and headings too. Some that were deleted a moment ago
    /// may be among them.
    ///
    /// # Errors
    ///
    /// [`IndexError::Damaged`] and [`IndexError::Io`] if the files can't be read.
    pub fn num_passages_with(&self, stem: &str) -> Result<u64, IndexError> {
        guarded(|| self.snapshot().num_passages_with(stem))
    }

    /// Returns the documents that have a word, in the form of [`terms`](crate::analysis::terms), and how they
    /// have it.
    ///
    /// # Errors
    ///
    /// [`IndexError::Damaged`] and [`IndexError::Io`] if the files can't be read.
    pub fn documents_with(&self, stem: &str) -> Result<HashMap<Uuid, Spread>, IndexError> {
        guarded(|| self.snapshot().documents_with(stem))
    }

    /// Returns the word that a search looks for in place of one that stands nowhere, both in the form of
    /// [`terms`](crate::analysis::terms), see [`spelled`](Self::spelled).
    ///
    /// # Errors
    ///
    /// [`IndexError::Damaged`] and [`IndexError::Io`] if the files can't be read.
    pub fn nearest(&self, stem: &str) -> Result<Option<String>, IndexError> {
        guarded(|| self.snapshot().nearest(stem))
    }

    /// Reads every file and compares its checksum, which finds damage that opening does not.
    ///
    /// # Errors
    ///
    /// [`IndexError::Damaged`] names the files that differ.
    pub fn verify(&self) -> Result<(), IndexError> {
        guarded(|| {
            let directory = self.index.directory();
            let mut damaged = Vec::new();
            for file in self.index.load_metas()?.list_segment_files() {
                let exists = directory.exists(&file).map_err(tantivy::TantivyError::from)?;
                if exists && !directory.validate_checksum(&file).map_err(tantivy::TantivyError::from)? {
                    damaged.push(file.display().to_string());
                }
            }
            damaged.sort_unstable();
            if damaged.is_empty() { Ok(()) } else { Err(IndexError::Damaged(damaged.join(", "))) }
        })
    }

    fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshot.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for PassageIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PassageIndex").field("num_passages", &self.num_passages()).finish_non_exhaustive()
    }
}
