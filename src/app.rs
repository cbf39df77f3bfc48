//! `App`: everything a request can reach, opened once and shared.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ibid_index::{IndexError, PassageIndex};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::access::{Gate, quota};
use crate::ask::cache::Cache;
use crate::ask::cite::Shelves;
use crate::config::Config;
use crate::config::model::ModelError;
use crate::embed::{EmbedError, Embeddings};
use crate::files::Files;
use crate::format::FormatError;
use crate::history::History;
use crate::idempotency::Turns;
use crate::ingest::Ingest;
use crate::metrics::Metrics;
use crate::provider::{Model, Models};
use crate::rerank::{RerankError, Reranker};
use crate::runs::Runs;
use crate::space::Space;
use crate::store::{Store, StoreError};
use crate::{Error, ask, expiry, format, history, ingest, stream_sessions};

/// The running program.
pub struct App {
    /// What was asked for at start.
    pub config: Config,
    /// Who gets in, and how often.
    pub gate: Gate,
    /// What is true.
    pub store: Store,
    /// Room on the disk.
    pub space: Arc<Space>,
    /// Originals, texts and passages.
    pub files: Files,
    /// Where to look first; the store has the last word.
    pub index: Arc<PassageIndex>,
    /// Who turns passages and questions into vectors, if anybody does.
    pub embeddings: Option<Embeddings>,
    /// Who reads the best passages of a search once more, if anybody does.
    pub reranker: Option<Reranker>,
    /// Who can write an answer.
    pub models: Models,
    /// Answers being made, and their record.
    pub runs: Arc<Runs>,
    /// Where to look for what was said before.
    pub history: History,
    /// Answers that can be given again.
    pub cache: Cache,
    /// Passages taken apart for citing.
    pub shelves: Shelves,
    /// What is counted for whoever measures.
    pub metrics: Metrics,
    /// Documents on their way in.
    pub ingest: Ingest,
    /// Requests under a key that are being carried out.
    pub turns: Turns,
    /// Work that must end before the process does.
    pub tasks: TaskTracker,
    /// Cancelled when the server begins to stop: streams that have no end of their own end then.
    pub stopping: CancellationToken,
    /// Holds the data folder as long as the app lives.
    lock: FolderLock,
}

impl App {
    /// Opens the data folder, repairs what a crash left behind, and starts the background work.
    ///
    /// # Errors
    /// [`OpenError::InUse`] if another process holds the folder.
    pub async fn open(config: Config) -> Result<Arc<Self>, OpenError> {
        std::fs::create_dir_all(&config.data)
            .map_err(|source| OpenError::Folder { path: config.data.display().to_string(), source })?;
        let lock = FolderLock::take(&config.data)?;
        let gate = Gate::open(&config).map_err(OpenError::Access)?;
        format::check(&config.data)?;
        // A store can't be opened on a full disk, so the reserve is for that first of all.
        let space = Arc::new(Space::open(&config.data, config.storage.min_free_bytes));
        let store = Store::open(&config.data.join("store"), Arc::clone(&space)).await?;
        let files = Files::open(&config.data.join("documents")).map_err(OpenError::Io)?;
        let index_folder = config.data.join("index");
        let was_killed = lock.was_killed;
        let index = spawn_blocking(move || open_index(&index_folder, was_killed))
            .await
            .map_err(|error| OpenError::Io(error.into()))??;
        let (history, said) = History::open(&config.data.join("history"), was_killed).await?;
        let runs = Arc::new(Runs::open(&config.data.join("answers")).map_err(OpenError::Io)?);
        let models = Models::new(&config.models)?;
        let embeddings = Embeddings::open(&config).await?;
        let reranker = Reranker::open(&config.rerank).await?;
        let (ingest, work) = Ingest::new(&config)?;
        let cache = Cache::new(Duration::from_secs(config.ask.cache_s));
        let app = Arc::new(Self {
            cache,
            shelves: Shelves::default(),
            metrics: Metrics::new(),
            turns: Turns::default(),
            config,
            gate,
            store,
            space,
            files,
            index: Arc::new(index),
            embeddings,
            reranker,
            models,
            runs,
            history,
            ingest,
            tasks: TaskTracker::new(),
            stopping: CancellationToken::new(),
            lock,
        });
        ask::recover(&app).await.map_err(OpenError::Recovery)?;
        ingest::start(&app, work).await.map_err(OpenError::Recovery)?;
        history::start(&app, said);
        ask::resume(&app).await.map_err(OpenError::Recovery)?;
        quota::recover(&app).await.map_err(OpenError::Recovery)?;
        let sweeping = Arc::clone(&app);
        tokio::spawn(async move {
            tokio::join!(
                expiry::sweep(&sweeping),
                stream_sessions::sweep(&sweeping),
                sweeping.space.watch(&sweeping.stopping),
            );
        });
        Ok(app)
    }

    /// Tells other processes that want this data folder where to find its server.
    ///
    /// # Errors
    /// If the note can't be written.
    pub fn announce(&self, url: &str) -> std::io::Result<()> {
        self.lock.announce(url, self.gate.operator())
    }

    /// The model of this name, or else of this name at its vendor; the default one if none is named.
    ///
    /// # Errors
    /// [`Error::UnknownModel`] if there is none; it says which there are.
    pub fn model(&self, name: Option<&str>) -> Result<&Model, Error> {
        let Some(name) = name else { return Ok(self.models.default_model()) };
        self.models.get(name).ok_or_else(|| {
            let names: Vec<&str> = self.models.iter().map(Model::name).collect();
            Error::UnknownModel { name: name.to_owned(), known: names.join(", ") }
        })
    }

    /// Brings one of the indexes in order, unless the disk has little room left; for when nothing else is
    /// to be done. If that fails, searches take a little longer, and it is done after the next change.
    pub(crate) async fn settle(&self, index: &Arc<PassageIndex>) {
        if self.space.is_low() {
            return;
        }
        let index = Arc::clone(index);
        if let Ok(Err(error)) = spawn_blocking(move || index.settle()).await {
            let error: &(dyn std::error::Error + 'static) = &error;
            tracing::warn!(error, "an index can't be brought in order now");
        }
    }

    /// Ends the background work: answers still being made get until `grace` is over, then what they
    /// have is kept and they are stopped.
    pub async fn close(&self) {
        self.stopping.cancel();
        self.tasks.close();
        let grace = Duration::from_secs(self.config.server.shutdown_grace_s);
        if tokio::time::timeout(grace, self.tasks.wait()).await.is_err() {
            self.runs.cancel_all();
            self.tasks.wait().await;
        }
        self.lock.withdraw();
    }
}

/// Why the data folder could not be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// Another process holds it.
    #[error("the data folder is in use by another ibid{}", url.as_ref().map(|url| format!(" at {url}")).unwrap_or_default())]
    InUse {
        /// Where that one listens, if it says so.
        url: Option<String>,
    },
    /// It can't be created.
    #[error("the data folder `{path}` can't be used: {source}")]
    Folder {
        /// Its path.
        path: String,
        /// The system's words.
        source: std::io::Error,
    },
    /// It is of a kind that is not opened.
    #[error("the data folder is not opened: {0}")]
    Format(#[from] FormatError),
    /// The store can't be opened.
    #[error("the store can't be opened: {0}")]
    Store(#[from] StoreError),
    /// The index can't be opened, and could not be set aside either.
    #[error("the index can't be opened: {0}")]
    Index(#[from] IndexError),
    /// A configured model can't be used.
    #[error("a configured model can't be used: {0}")]
    Model(#[from] ModelError),
    /// The configured embedding model can't be used.
    #[error(transparent)]
    Embeddings(#[from] EmbedError),
    /// The model that reranks can't be used as configured.
    #[error(transparent)]
    Reranker(#[from] RerankError),
    /// Who may ask can't be told.
    #[error("who may ask can't be told: {0}")]
    Access(#[source] Error),
    /// What a crash left behind could not be repaired.
    #[error("what the last run left behind could not be repaired: {0}")]
    Recovery(#[source] Error),
    /// The system refused something else.
    #[error("the data folder can't be used: {0}")]
    Io(#[from] std::io::Error),
}

/// Opens the index, and after a kill reads all of it: damage can lie where opening does not look.
/// One of an older make, or a damaged one, is thrown away: it is rebuilt from the store, which has
/// everything.
pub(crate) fn open_index(folder: &Path, verify: bool) -> Result<PassageIndex, OpenError> {
    let opened = PassageIndex::open(folder).and_then(|index| {
        if verify {
            index.verify()?;
        }
        Ok(index)
    });
    match opened {
        Ok(index) => Ok(index),
        Err(error @ (IndexError::OtherSchema { .. } | IndexError::Damaged(_))) => {
            tracing::warn!(%error, folder = %folder.display(), "the index is rebuilt");
            std::fs::remove_dir_all(folder)?;
            Ok(PassageIndex::open(folder)?)
        }
        Err(error) => Err(error.into()),
    }
}

/// The exclusive hold on a data folder, and the note about who has it.
struct FolderLock {
    note: std::path::PathBuf,
    /// Whether the last holder left without taking its note with it.
    was_killed: bool,
    _file: File,
}

/// What `server.json` says.
#[derive(Serialize, Deserialize)]
struct Note {
    url: String,
    pid: u32,
    /// What this machine's commands show the server; only who may read this folder gets to see it.
    #[serde(default)]
    operator: Option<String>,
}

impl FolderLock {
    fn take(data: &Path) -> Result<Self, OpenError> {
        let note = data.join("server.json");
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(data.join("lock"))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { was_killed: note.exists(), note, _file: file }),
            Err(std::fs::TryLockError::WouldBlock) => Err(OpenError::InUse { url: server_url(data) }),
            Err(std::fs::TryLockError::Error(error)) => Err(error.into()),
        }
    }

    fn announce(&self, url: &str, operator: &str) -> std::io::Result<()> {
        use std::os::unix::fs::OpenOptionsExt;
        let note = Note { url: url.to_owned(), pid: std::process::id(), operator: Some(operator.to_owned()) };
        let draft = self.note.with_extension("tmp");
        // One that a crash left may be readable by others.
        if let Err(error) = std::fs::remove_file(&draft)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            return Err(error);
        }
        let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&draft)?;
        file.write_all(&serde_json::to_vec(&note)?)?;
        std::fs::rename(draft, &self.note)
    }

    /// Takes the note away, the sign of an orderly end.
    fn withdraw(&self) {
        // One that stays is harmless: it is believed only while the lock is held, and makes the next
        // start look closer.
        let _ = std::fs::remove_file(&self.note);
    }
}

/// Where the server that holds this data folder listens, if it says so.
fn server_url(data: &Path) -> Option<String> {
    Some(note(data)?.url)
}

/// What commands show the server that holds this data folder.
#[must_use]
pub fn operator(data: &Path) -> Option<String> {
    note(data)?.operator
}

fn note(data: &Path) -> Option<Note> {
    serde_json::from_slice(&std::fs::read(data.join("server.json")).ok()?).ok()
}
