//! Files: the originals, their texts and their passages, one folder a document, named by ids and
//! never by what a person typed. Every file is complete under its name: it is written beside it,
//! synced, and renamed.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use serde::{Deserialize, Serialize};
use tokio::fs;
use tokio::task::spawn_blocking;
use uuid::Uuid;

use crate::document::{PageStart, Passage};

/// Memory for the layouts of recently read documents, in bytes.
const CACHE_BYTES: u64 = 32 * 1024 * 1024;
/// And for stretches of text that were read lately.
const RECENT_BYTES: u64 = 8 * 1024 * 1024;
/// Those that nobody read for so long are let go.
const UNREAD: Duration = Duration::from_secs(600);
/// The name of a document's text in its folder.
const TEXT: &str = "text";
/// And of its layout.
const LAYOUT: &str = "layout.json";
/// How often a folder is emptied that fills up again.
const REMOVALS: u32 = 8;

/// The files of all documents.
pub struct Files {
    documents: PathBuf,
    layouts: Cache<Uuid, Arc<Layout>>,
    recent: Cache<Stretch, Arc<str>>,
}

/// Where in a document's text something stands, in bytes.
type Stretch = (Uuid, usize, usize);

/// Where the pages and passages of a stored text are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layout {
    /// Where pages begin, in order; empty for formats without pages.
    pub pages: Vec<PageStart>,
    /// The passages, in order.
    pub passages: Vec<Passage>,
}

impl Layout {
    /// The page that a place in the text is on, where there are pages.
    #[must_use]
    pub fn page_at(&self, place: usize) -> Option<u32> {
        let begun = self.pages.partition_point(|page| page.start <= place);
        Some(self.pages.get(begun.checked_sub(1)?)?.page)
    }
}

impl Files {
    /// Opens the folder of documents, creating it when absent.
    ///
    /// # Errors
    /// If the folder can't be created.
    pub fn open(documents: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(documents)?;
        let layouts = Cache::builder()
            .max_capacity(CACHE_BYTES)
            .weigher(|_, layout: &Arc<Layout>| {
                let per_passage = size_of::<Passage>() + 48;
                u32::try_from(layout.passages.len() * per_passage + layout.pages.len() * 16)
                    .unwrap_or(u32::MAX)
            })
            .build();
        let recent = Cache::builder()
            .max_capacity(RECENT_BYTES)
            .time_to_idle(UNREAD)
            .weigher(|_: &Stretch, text: &Arc<str>| u32::try_from(text.len()).unwrap_or(u32::MAX))
            .build();
        Ok(Self { documents: documents.to_owned(), layouts, recent })
    }

    /// The folder of a document.
    #[must_use]
    pub fn folder(&self, document: Uuid) -> PathBuf {
        self.documents.join(document.to_string())
    }

    /// The bytes as uploaded.
    #[must_use]
    pub fn original(&self, document: Uuid) -> PathBuf {
        self.folder(document).join("original")
    }

    /// The extracted text, UTF-8; all ranges are byte offsets into it.
    #[must_use]
    pub fn text(&self, document: Uuid) -> PathBuf {
        self.folder(document).join(TEXT)
    }

    /// The [`Layout`], as JSON.
    #[must_use]
    pub fn layout_path(&self, document: Uuid) -> PathBuf {
        self.folder(document).join(LAYOUT)
    }

    /// Reads where the pages and passages of a document are.
    ///
    /// # Errors
    /// If the file is missing or damaged.
    pub async fn layout(&self, document: Uuid) -> io::Result<Arc<Layout>> {
        if let Some(layout) = self.layouts.get(&document) {
            return Ok(layout);
        }
        let texts = self.texts();
        spawn_blocking(move || texts.layout(document)).await?
    }

    /// Reads a stretch of a document's text.
    ///
    /// # Errors
    /// If the file is missing, or the range lies outside the text or cuts a character.
    pub async fn read_text(&self, document: Uuid, range: Range<usize>) -> io::Result<String> {
        let mut texts = self.read_texts(vec![(document, range)]).await?;
        texts.pop().unwrap_or_else(|| unreachable!("one range gives one text"))
    }

    /// Reads stretches of several documents' texts at once, each with its own outcome.
    ///
    /// # Errors
    /// If the reading itself could not be done.
    pub async fn read_texts(&self, ranges: Vec<(Uuid, Range<usize>)>) -> io::Result<Vec<io::Result<String>>> {
        let mut texts = self.texts();
        Ok(spawn_blocking(move || ranges.into_iter().map(|(id, range)| texts.read(id, range)).collect())
            .await?)
    }

    /// The texts, for work that reads as it goes and may block.
    #[must_use]
    pub fn texts(&self) -> Texts {
        Texts {
            documents: self.documents.clone(),
            layouts: self.layouts.clone(),
            recent: self.recent.clone(),
            open: HashMap::new(),
        }
    }

    /// Removes everything a document has here.
    ///
    /// # Errors
    /// If a file can't be removed.
    pub async fn remove(&self, document: Uuid) -> io::Result<()> {
        self.layouts.invalidate(&document);
        for _ in 0..REMOVALS {
            match fs::remove_dir_all(self.folder(document)).await {
                // Its text is being written at this moment.
                Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {}
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => return Ok(()),
            }
        }
        // Whoever writes finds the document gone, and removes what it wrote.
        Ok(())
    }

    /// The documents that have a folder here.
    ///
    /// # Errors
    /// If the folder can't be read.
    pub async fn documents(&self) -> io::Result<Vec<Uuid>> {
        let mut entries = fs::read_dir(&self.documents).await?;
        let mut documents = Vec::new();
        while let Some(entry) = entries.next_entry().await? {
            documents.extend(entry.file_name().to_str().and_then(|name| name.parse::<Uuid>().ok()));
        }
        Ok(documents)
    }
}

/// The folder of a document that the store does not know yet. Dropped before it is kept, it goes.
pub struct NewFolder(Option<PathBuf>);

impl NewFolder {
    /// Makes it.
    ///
    /// # Errors
    /// If the disk refuses.
    pub async fn new(files: &Files, document: Uuid) -> io::Result<Self> {
        let folder = files.folder(document);
        fs::create_dir(&folder).await?;
        Ok(Self(Some(folder)))
    }

    /// Makes the names in it durable.
    ///
    /// # Errors
    /// If the disk refuses.
    pub async fn sync(&self) -> io::Result<()> {
        match &self.0 {
            Some(folder) => sync_folder(folder.clone()).await,
            None => Ok(()),
        }
    }

    /// The store knows the document from now on.
    pub fn keep(&mut self) {
        self.0 = None;
    }
}

impl Drop for NewFolder {
    fn drop(&mut self) {
        if let Some(folder) = self.0.take() {
            // What can't be removed now has no document and goes at the next start.
            tokio::task::spawn_blocking(move || std::fs::remove_dir_all(folder));
        }
    }
}

/// Texts that are being read from. Each is opened once.
pub struct Texts {
    documents: PathBuf,
    layouts: Cache<Uuid, Arc<Layout>>,
    recent: Cache<Stretch, Arc<str>>,
    open: HashMap<Uuid, std::fs::File>,
}

impl Texts {
    /// Reads where the pages and passages of a document are; blocks.
    ///
    /// # Errors
    /// If the file is missing or damaged.
    pub fn layout(&self, document: Uuid) -> io::Result<Arc<Layout>> {
        if let Some(layout) = self.layouts.get(&document) {
            return Ok(layout);
        }
        let bytes = std::fs::read(self.documents.join(document.to_string()).join(LAYOUT))?;
        let layout: Arc<Layout> = Arc::new(serde_json::from_slice(&bytes).map_err(io::Error::from)?);
        self.layouts.insert(document, Arc::clone(&layout));
        Ok(layout)
    }

    /// A stretch of a document's text as it was when it was read last, which may be now; blocks. Texts
    /// never change, but they are deleted, and disks fail: what is shown as a quote is read anew.
    ///
    /// # Errors
    /// As [`Texts::read`].
    pub fn recall(&mut self, document: Uuid, range: Range<usize>) -> io::Result<String> {
        let stretch = (document, range.start, range.end);
        if let Some(text) = self.recent.get(&stretch) {
            return Ok(text.as_ref().to_owned());
        }
        let text = self.read(document, range)?;
        self.recent.insert(stretch, text.as_str().into());
        Ok(text)
    }

    /// Reads a stretch of a document's text; blocks.
    ///
    /// # Errors
    /// If the file is missing, or the range lies outside the text or cuts a character.
    pub fn read(&mut self, document: Uuid, range: Range<usize>) -> io::Result<String> {
        let file = match self.open.entry(document) {
            Entry::Occupied(file) => file.into_mut(),
            Entry::Vacant(place) => {
                let path = self.documents.join(document.to_string()).join(TEXT);
                place.insert(std::fs::File::open(path)?)
            }
        };
        read_range(file, range)
    }
}

/// Makes the names inside a folder, and the folder's own name, durable.
///
/// # Errors
/// If a folder can't be synced.
pub async fn sync_folder(folder: PathBuf) -> io::Result<()> {
    spawn_blocking(move || {
        std::fs::File::open(&folder)?.sync_all()?;
        folder.parent().map_or(Ok(()), |parent| std::fs::File::open(parent)?.sync_all())
    })
    .await?
}

/// Reads a stretch of an open text; blocks.
pub(crate) fn read_range(file: &std::fs::File, range: Range<usize>) -> io::Result<String> {
    use std::os::unix::fs::FileExt;
    let mut bytes = vec![0; range.len()];
    file.read_exact_at(&mut bytes, range.start as u64)?;
    String::from_utf8(bytes)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "the range cuts a character"))
}
