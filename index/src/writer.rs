//! The one writer: turns documents into indexed passages, a commit a call.

use std::collections::HashMap;
use std::io;
use std::sync::{Mutex, PoisonError};

use tantivy::directory::{DirectoryLock, Lock};
use tantivy::index::SegmentId;
use tantivy::indexer::LogMergePolicy;
use tantivy::schema::Term as IndexTerm;
use tantivy::{Directory as _, Index, IndexWriter, TantivyDocument, TantivyError};

use crate::analysis::{self, Analyser, Language, Lexicon, TermKind};
use crate::error::IndexError;
use crate::passage::{Change, Document, PassageText};
use crate::schema::{Fields, NEXT_PLACE, NO_LANGUAGE, SAME_PLACE};

/// What a commit may hold in memory before it goes to disk in parts. The engine makes room for a part of
/// it with each commit, however little that writes.
const HEAP_BYTES: usize = 24 * 1024 * 1024;

/// Segments of up to so many passages are merged with each other; those above, with others of up to
/// `MERGED` times their size, and with small ones only up to `MERGED` times the size of these. Each
/// passage is so written anew once a level, and not with every few commits of an index that grows by a
/// little at a time.
const SMALL_SEGMENT: u32 = 1_000;
const MERGED: f64 = 2.0;
/// The share of deleted passages from which a segment is written anew without them.
const MAX_DELETED: f32 = 0.5;

/// At rest each segment has more than so many times the passages of all smaller ones together.
const AT_REST: u64 = 8;

/// What is read of a document before its compounds are taken apart.
const AHEAD_BYTES: usize = 1 << 20;

/// Held as long as the index is open. The engine's own lock lasts as long as its writer.
const LOCK: &str = "ibid-index.lock";

/// Owns the engine's writer and the lock on the folder.
pub(crate) struct Writer {
    index: Index,
    fields: Fields,
    /// Nothing at rest, since it takes megabytes and threads, and after a call failed: what it had
    /// written so far went with its writer.
    idle: Mutex<Option<IndexWriter>>,
    _lock: DirectoryLock,
}

impl Writer {
    pub(crate) fn open(index: &Index, fields: Fields) -> Result<Self, IndexError> {
        let lock = Lock { filepath: LOCK.into(), is_blocking: false };
        let lock = index.directory().acquire_lock(&lock);
        let lock = lock.map_err(|error| TantivyError::LockFailure(error, None))?;
        Ok(Self { index: index.clone(), fields, idle: Mutex::default(), _lock: lock })
    }

    /// Applies all changes or none, then runs `committed` before another call may begin.
    pub(crate) fn apply<'a>(
        &self,
        changes: impl IntoIterator<Item = Change<'a>>,
        committed: impl FnOnce() -> Result<(), IndexError>,
    ) -> Result<(), IndexError> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let mut writer = self.writer(&mut idle)?;
        let mut analysers = HashMap::new();
        for change in changes {
            match change {
                Change::Put(document) => {
                    let language = document.language;
                    let analyser = analysers.entry(language).or_insert_with(|| Analyser::new(language));
                    if let Err(error) = self.put(&writer, document, analyser) {
                        return Err(cause(writer, error));
                    }
                }
                Change::Delete(document) => _ = writer.delete_term(self.document_term(document)),
            }
        }
        writer.commit()?;
        *idle = Some(writer);
        committed()
    }

    /// Takes the engine's writer, or makes one.
    fn writer(&self, idle: &mut Option<IndexWriter>) -> Result<IndexWriter, IndexError> {
        idle.take().map_or_else(|| open(&self.index), Ok)
    }

    /// Makes the smallest segments one, as many of them as it takes for each that is left to be
    /// [`AT_REST`] times as large as all smaller ones; then runs `settled` while no call may begin, and
    /// gives back what writing takes. Others may write meanwhile, and undo some of it.
    pub(crate) fn settle(&self, settled: impl FnOnce() -> Result<(), IndexError>) -> Result<(), IndexError> {
        let mut sizes = Vec::new();
        for segment in self.index.searchable_segment_metas()? {
            sizes.push((u64::from(segment.num_docs()), segment.id()));
        }
        sizes.sort_unstable();
        let num_small = num_to_merge(sizes.iter().map(|(size, _)| *size));
        let small: Vec<SegmentId> = sizes.iter().take(num_small).map(|(_, id)| *id).collect();
        if !small.is_empty() && !self.merge(&small)? {
            return Ok(());
        }
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if !small.is_empty() {
            settled()?;
        }
        *idle = None;
        Ok(())
    }

    /// Whether these segments are one now; not if the engine merged some of them by itself meanwhile.
    fn merge(&self, segments: &[SegmentId]) -> Result<bool, IndexError> {
        let merging = {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            let mut writer = self.writer(&mut idle)?;
            let merging = writer.merge(segments);
            *idle = Some(writer);
            merging
        };
        match merging.wait() {
            Ok(_) => Ok(true),
            Err(TantivyError::InvalidArgument(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn put(
        &self,
        writer: &IndexWriter,
        document: Document<'_>,
        analyser: &mut Analyser,
    ) -> Result<(), IndexError> {
        writer.delete_term(self.document_term(document.id));
        let fields = self.fields;
        let language = document.language;
        let name = name_lines(without_extension(document.name), analyser);
        let title_alone = name_lines(document.title, analyser);
        let mut lexicon = Lexicon::new(language);
        let mut passages = document.passages;
        let ahead = read_ahead(&mut passages, &mut lexicon, analyser);
        let title = Block::above(document.title, analyser, &mut lexicon);
        let mut heading = (None, Block::default());
        let num_ahead = ahead.len();
        for (number, passage) in ahead.into_iter().chain(passages).enumerate() {
            let passage = passage.map_err(|source| IndexError::Passages { document: document.id, source })?;
            let PassageText { ordinal, heading: above, body } = passage;
            if number >= num_ahead {
                lexicon.add(&body, analyser);
            }
            if heading.0 != above {
                let block = above.as_deref().map(|above| Block::above(above, analyser, &mut lexicon));
                heading = (above, block.unwrap_or_default());
            }
            let body = Block::of(&body, analyser, &mut lexicon);
            let blocks = [&title, &heading.1, &body];

            let mut indexed = TantivyDocument::new();
            indexed.add_bytes(fields.document, document.id.as_bytes());
            let (high, low) = document.id.as_u64_pair();
            indexed.add_u64(fields.document_high, high);
            indexed.add_u64(fields.document_low, low);
            indexed.add_text(fields.version, document.version);
            indexed.add_u64(fields.ordinal, u64::from(ordinal));
            for collection in document.collections {
                indexed.add_text(fields.collection, collection);
            }
            indexed.add_text(fields.language, language.map_or(NO_LANGUAGE, Language::code));
            indexed.add_text(fields.body, blocks.map(|block| block.words.as_str()).concat());
            indexed.add_text(fields.title, [&*title.words, &*heading.1.words].concat());
            indexed.add_text(fields.title_alone, &title_alone);
            indexed.add_text(fields.name, &name);
            indexed.add_text(fields.stops, blocks.map(|block| block.stops.as_str()).concat());
            writer.add_document(indexed)?;
        }
        Ok(())
    }

    fn document_term(&self, document: uuid::Uuid) -> IndexTerm {
        IndexTerm::from_field_bytes(self.fields.document, document.as_bytes())
    }
}

/// Takes the first passages of a document in a language that joins words, for the words in them.
fn read_ahead<'a>(
    passages: &mut impl Iterator<Item = io::Result<PassageText<'a>>>,
    lexicon: &mut Lexicon,
    analyser: &mut Analyser,
) -> Vec<io::Result<PassageText<'a>>> {
    let mut ahead = Vec::new();
    let mut num_bytes = 0;
    while analyser.language().is_some_and(Language::joins_words) && num_bytes < AHEAD_BYTES {
        let Some(passage) = passages.next() else { break };
        if let Ok(passage) = &passage {
            num_bytes += passage.body.len();
            lexicon.add(&passage.body, analyser);
        }
        ahead.push(passage);
    }
    ahead
}

fn open(index: &Index) -> Result<IndexWriter, IndexError> {
    let writer = index.writer_with_num_threads(1, HEAP_BYTES)?;
    let mut merging = LogMergePolicy::default();
    merging.set_min_layer_size(SMALL_SEGMENT);
    merging.set_level_log_size(MERGED.log2());
    merging.set_del_docs_ratio_before_merge(MAX_DELETED);
    writer.set_merge_policy(Box::new(merging));
    Ok(writer)
}

/// How many of the segments, the smallest first, are to be one.
fn num_to_merge(sizes: impl Iterator<Item = u64>) -> usize {
    let mut total = 0;
    let is_small = |size: &u64| {
        let is_small = total == 0 || *size <= total * AT_REST;
        total += (*size).max(1);
        is_small
    };
    // One alone is as it should be.
    match sizes.take_while(is_small).count() {
        1 => 0,
        num => num,
    }
}

/// Why the engine's thread gave up, where all that was heard of it is that it did.
fn cause(mut writer: IndexWriter, error: IndexError) -> IndexError {
    if !matches!(error, IndexError::Engine(_)) {
        return error;
    }
    // To prepare a commit is to ask the thread how it ended.
    writer.prepare_commit().err().map_or(error, IndexError::from)
}

/// The terms of a stretch of text, one a line.
#[derive(Default)]
struct Block {
    words: String,
    stops: String,
}

impl Block {
    /// What stands above a passage: all of it in one place, before the first word of the passage.
    fn above(text: &str, analyser: &mut Analyser, lexicon: &mut Lexicon) -> Self {
        Self::read(text, analyser, lexicon, SAME_PLACE)
    }

    fn of(text: &str, analyser: &mut Analyser, lexicon: &mut Lexicon) -> Self {
        Self::read(text, analyser, lexicon, NEXT_PLACE)
    }

    fn read(text: &str, analyser: &mut Analyser, lexicon: &mut Lexicon, place: &str) -> Self {
        let language = analyser.language();
        let is_joined = language.is_some_and(Language::joins_words);
        let mut block = Self::default();
        analyser.each_term(text, |term| {
            if term.kind == TermKind::Stop {
                push_line(&mut block.stops, &[term.stem]);
                return;
            }
            push_line(&mut block.words, &[place, term.stem]);
            if let Some(unmarked) = analysis::unmarked(term.stem, language) {
                push_line(&mut block.words, &[SAME_PLACE, &unmarked]);
            }
            let word = &text[term.start..term.end];
            let parts = analysis::parts(word);
            for part in &parts {
                push_line(&mut block.words, &[SAME_PLACE, &analysis::stem(part, language)]);
            }
            if is_joined && parts.is_empty() && term.kind == TermKind::Word {
                for part in lexicon.known_parts(word) {
                    push_line(&mut block.words, &[SAME_PLACE, part]);
                }
            }
        });
        block
    }
}

fn without_extension(name: &str) -> &str {
    match name.rsplit_once('.') {
        Some((stem, extension)) if (1..=5).contains(&extension.len()) && !stem.is_empty() => stem,
        _ => name,
    }
}

/// The words of what a document is called. Short numbers are left out: `Chapter 3` should not answer
/// every question with a 3 in it.
fn name_lines(name: &str, analyser: &mut Analyser) -> String {
    let language = analyser.language();
    let mut lines = String::new();
    analyser.each_term(name, |term| {
        let mut parts = analysis::parts(&name[term.start..term.end]);
        if parts.is_empty() {
            parts.push(term.stem.to_owned());
        }
        for part in parts {
            let is_number = part.bytes().all(|byte| byte.is_ascii_digit());
            if term.kind != TermKind::Stop && part.len() > 1 && (!is_number || part.len() > 2) {
                let stem = analysis::stem(&part, language);
                push_line(&mut lines, &[&analysis::unmarked(&stem, language).unwrap_or(stem)]);
            }
        }
    });
    lines
}

fn push_line(lines: &mut String, pieces: &[&str]) {
    for piece in pieces {
        lines.push_str(piece);
    }
    lines.push('\n');
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::path::Path;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;

    use tantivy::directory::error::{DeleteError, OpenReadError, OpenWriteError};
    use tantivy::directory::{FileHandle, RamDirectory, WatchCallback, WatchHandle, WritePtr};
    use tantivy::{Directory, IndexSettings};

    use super::*;
    use crate::schema;

    /// A folder on a disk without room for another file.
    #[derive(Clone, Debug, Default)]
    struct Full {
        files: RamDirectory,
        is_full: Arc<AtomicBool>,
        has_refused: Arc<AtomicBool>,
    }

    impl Directory for Full {
        fn open_write(&self, path: &Path) -> Result<WritePtr, OpenWriteError> {
            if self.is_full.load(Ordering::SeqCst) {
                self.has_refused.store(true, Ordering::SeqCst);
                let error = io::Error::from(io::ErrorKind::StorageFull);
                return Err(OpenWriteError::wrap_io_error(error, path.to_owned()));
            }
            self.files.open_write(path)
        }

        fn get_file_handle(&self, path: &Path) -> Result<Arc<dyn FileHandle>, OpenReadError> {
            self.files.get_file_handle(path)
        }

        fn delete(&self, path: &Path) -> Result<(), DeleteError> {
            self.files.delete(path)
        }

        fn exists(&self, path: &Path) -> Result<bool, OpenReadError> {
            self.files.exists(path)
        }

        fn atomic_read(&self, path: &Path) -> Result<Vec<u8>, OpenReadError> {
            self.files.atomic_read(path)
        }

        fn atomic_write(&self, path: &Path, data: &[u8]) -> io::Result<()> {
            self.files.atomic_write(path, data)
        }

        fn sync_directory(&self) -> io::Result<()> {
            self.files.sync_directory()
        }

        fn watch(&self, callback: WatchCallback) -> tantivy::Result<WatchHandle> {
            self.files.watch(callback)
        }
    }

    #[test]
    fn at_rest_segments_are_few_and_a_large_one_is_not_written_anew_for_little() {
        let check = |sizes: &[u64], num| assert_eq!(num_to_merge(sizes.iter().copied()), num, "{sizes:?}");
        check(&[], 0);
        check(&[0, 0], 2);
        check(&[3, 6, 8, 20, 23, 42], 6);
        check(&[10, 100_000], 0);
        check(&[1, 1, 100_000], 2);
        check(&[12_500, 100_000], 2);
        check(&[1, 10, 200, 5_000], 0);
    }

    #[test]
    fn segments_that_the_engine_merged_by_itself_are_no_fault() {
        let (schema, fields) = Fields::schema();
        let index = Index::create_in_ram(schema);
        schema::prepare(&index);
        let writer = Writer::open(&index, fields).unwrap();
        for number in 0..3 {
            let passage = PassageText { ordinal: 0, heading: None, body: "Eels climb ladders.".into() };
            let document = Document {
                id: uuid::Uuid::from_u128(number),
                version: "1",
                name: "eels.md",
                title: "Eels",
                collections: &[],
                language: None,
                passages: Box::new([Ok(passage)].into_iter()),
            };
            writer.apply([Change::Put(document)], || Ok(())).unwrap();
        }
        let segments = index.searchable_segment_ids().unwrap();
        assert!(writer.merge(&segments).unwrap());
        assert!(!writer.merge(&segments).unwrap());
        assert_eq!(index.reader().unwrap().searcher().num_docs(), 3);
    }

    #[test]
    fn a_disk_that_fills_up_among_the_passages_of_a_document_is_told_from_a_fault() {
        let disk = Full::default();
        let (schema, fields) = Fields::schema();
        let index = Index::create(disk.clone(), schema, IndexSettings::default()).unwrap();
        schema::prepare(&index);
        let writer = Writer::open(&index, fields).unwrap();
        let put = |num_passages: u32| {
            let wait = |ordinal| {
                while ordinal == 1
                    && disk.is_full.load(Ordering::SeqCst)
                    && !disk.has_refused.load(Ordering::SeqCst)
                {
                    thread::yield_now();
                }
            };
            let passages = (0..num_passages).map(|ordinal| {
                wait(ordinal);
                Ok(PassageText { ordinal, heading: None, body: "Eels climb ladders.".into() })
            });
            let document = Document {
                id: uuid::Uuid::nil(),
                version: "1",
                name: "eels.md",
                title: "Eels",
                collections: &[],
                language: None,
                passages: Box::new(passages),
            };
            writer.apply([Change::Put(document)], || Ok(()))
        };
        // Full before anything can be written, and full in the middle of it.
        disk.is_full.store(true, Ordering::SeqCst);
        let error = put(1).unwrap_err();
        assert!(matches!(&error, IndexError::Io(io) if io.kind() == io::ErrorKind::StorageFull), "{error}");
        disk.is_full.store(false, Ordering::SeqCst);
        put(1).unwrap();
        disk.has_refused.store(false, Ordering::SeqCst);
        disk.is_full.store(true, Ordering::SeqCst);
        let error = put(50_000).unwrap_err();
        assert!(matches!(&error, IndexError::Io(io) if io.kind() == io::ErrorKind::StorageFull), "{error}");
        disk.is_full.store(false, Ordering::SeqCst);
        put(2).unwrap();
        assert_eq!(index.reader().unwrap().searcher().num_docs(), 2);
    }
}
