//! What a text means, as a vector: made by a model in a folder or by a server, and kept in the index
//! crate's `Vectors`. A closed set and one match, as with the providers that write. When passages are
//! embedded is decided in `ingest/embedding`; here is how, and what a search does with a question.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use ibid_index::{IndexError, Meaning, VectorModel, Vectors};
use thiserror::Error;
use tokio::sync::Notify;
use tokio::task::{JoinError, spawn_blocking};
use tokio::time::timeout;
use uuid::Uuid;

use crate::config::Config;
use crate::config::embeddings::{Embedding, EmbeddingsConfig};
use crate::config::model::ModelError;
use crate::provider::ProviderError;
use local::{FolderError, Local};
use openai::OpenAi;

pub mod local;
mod openai;

/// Most of a question that is embedded, in bytes: no model reads more.
const MAX_QUESTION_BYTES: usize = 8 * 1024;

/// The model of the vectors, the vectors, and what waits for some.
pub struct Embeddings {
    engine: Engine,
    config: EmbeddingsConfig,
    folder: PathBuf,
    /// Opened once it is known how long the model's vectors are.
    vectors: OnceLock<Arc<Vectors>>,
    /// Documents of which passages may lack vectors; a hint, the store has the list.
    waiting: Mutex<VecDeque<Uuid>>,
    pub(crate) news: Notify,
    num_embedded: AtomicU64,
    num_failures: AtomicU64,
}

enum Engine {
    Local(Arc<Local>),
    OpenAi(OpenAi),
}

/// Why there is no vector.
#[derive(Debug, Error)]
pub enum EmbedError {
    /// The folder holds no model that can be run.
    #[error("the embedding model in `{folder}` can't be used: {source}")]
    Folder {
        /// The folder.
        folder: String,
        /// What is wrong with it.
        source: FolderError,
    },
    /// The server can't be used as configured.
    #[error("the embedding model can't be used: {0}")]
    Model(#[from] ModelError),
    /// The server failed.
    #[error("the embedding model failed: {0}")]
    Provider(#[from] ProviderError),
    /// The answer is not what was asked for.
    #[error("the embedding model answered wrongly: {0}")]
    Wrong(String),
    /// The vectors can't be kept.
    #[error("the vectors can't be kept: {0}")]
    Kept(#[from] IndexError),
}

impl Embeddings {
    /// Prepares the configured model, if there is one. Reads a model that runs here, which takes a
    /// moment; calls no server.
    ///
    /// # Errors
    /// If the model can't be used as configured.
    pub async fn open(config: &Config) -> Result<Option<Self>, EmbedError> {
        let settings = config.embeddings.clone();
        let engine = match (settings.provider, settings.folder.clone()) {
            (Embedding::None, _) | (Embedding::Local, None) => return Ok(None),
            (Embedding::Local, Some(folder)) => {
                let name = folder.display().to_string();
                let model =
                    spawn_blocking(move || Local::open(&folder)).await.map_err(|error| broken(&error))?;
                let model = model.map_err(|source| EmbedError::Folder { folder: name, source })?;
                Engine::Local(Arc::new(model))
            }
            (Embedding::OpenAi, _) => Engine::OpenAi(OpenAi::new(&settings)?),
        };
        Ok(Some(Self {
            engine,
            config: settings,
            folder: config.data.join("vectors"),
            vectors: OnceLock::new(),
            waiting: Mutex::default(),
            news: Notify::new(),
            num_embedded: AtomicU64::new(0),
            num_failures: AtomicU64::new(0),
        }))
    }

    /// What has been embedded, once the model was heard of.
    #[must_use]
    pub fn vectors(&self) -> Option<&Arc<Vectors>> {
        self.vectors.get()
    }

    /// Opens the vectors, for which the model is asked for one to know their length.
    ///
    /// # Errors
    /// If the model can't be reached, or the folder can't be used.
    pub(crate) async fn begin(&self) -> Result<Arc<Vectors>, EmbedError> {
        if let Some(vectors) = self.vectors.get() {
            return Ok(Arc::clone(vectors));
        }
        let dimensions = match &self.engine {
            Engine::Local(model) => model.dimensions(),
            Engine::OpenAi(_) => {
                self.embed(vec![openai::HARMLESS.to_owned()]).await?.first().map_or(0, Vec::len)
            }
        };
        // A prefix changes what a vector says, so vectors made with another one are of another model.
        let name = format!("{}\n{}", self.name(), self.config.passage_prefix);
        let (folder, model) = (self.folder.clone(), VectorModel { name, dimensions });
        let opened = spawn_blocking(move || Vectors::open(&folder, model)).await;
        let (vectors, damaged) = opened.map_err(|error| broken(&error))??;
        for file in damaged {
            tracing::warn!(file, "vectors are damaged: their passages are embedded again");
        }
        Ok(Arc::clone(self.vectors.get_or_init(|| Arc::new(vectors))))
    }

    /// Puts a question beside all vectors there are.
    ///
    /// # Errors
    /// Why that can't be done now, in words for the reader.
    pub async fn meaning(&self, question: &str) -> Result<Meaning, &'static str> {
        const AWAY: &str = "the embedding model is not available";
        let vectors = self.vectors.get().ok_or(AWAY)?;
        let question = &question[..question.floor_char_boundary(MAX_QUESTION_BYTES)];
        let text = format!("{}{question}", self.config.question_prefix);
        let limit = Duration::from_millis(self.config.question_timeout_ms);
        let found = match timeout(limit, self.embed(vec![text])).await {
            Ok(Ok(found)) => found,
            Ok(Err(error)) => {
                self.failed(&error);
                return Err(AWAY);
            }
            Err(_) => {
                self.num_failures.fetch_add(1, Ordering::Relaxed);
                if let Engine::OpenAi(server) = &self.engine {
                    server.timed_out();
                }
                return Err("the embedding model did not answer in time");
            }
        };
        let meaning = found.first().and_then(|question| vectors.meaning(question));
        meaning.ok_or("the embedding model gives vectors of another length than before")
    }

    /// The vectors of passages, in order; one of nothing for a passage that the model refuses.
    ///
    /// # Errors
    /// If the model can't be reached or answers wrongly.
    pub(crate) async fn passages(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, EmbedError> {
        let texts = texts.iter().map(|text| format!("{}{text}", self.config.passage_prefix));
        let texts: Vec<String> = texts.collect();
        let vectors = match &self.engine {
            Engine::Local(model) => {
                let (model, threads) = (Arc::clone(model), self.config.threads);
                let batch = self.config.batch;
                let made = spawn_blocking(move || side_by_side(&model, &texts, batch, threads)).await;
                made.map_err(|error| broken(&error))??
            }
            Engine::OpenAi(server) => {
                let mut vectors = Vec::with_capacity(texts.len());
                for batch in texts.chunks(self.config.batch) {
                    vectors.extend(server.embed_each(batch).await?);
                }
                vectors
            }
        };
        self.num_embedded.fetch_add(vectors.len() as u64, Ordering::Relaxed);
        Ok(vectors)
    }

    async fn embed(&self, texts: Vec<String>) -> Result<Vec<Vec<f32>>, EmbedError> {
        match &self.engine {
            Engine::Local(model) => {
                let model = Arc::clone(model);
                let made = spawn_blocking(move || model.embed(&texts)).await;
                made.map_err(|error| broken(&error))
            }
            Engine::OpenAi(server) => server.embed(&texts).await,
        }
    }

    /// Tells this model from any other.
    fn name(&self) -> String {
        match &self.engine {
            Engine::Local(model) => format!("local {}", model.digest()),
            Engine::OpenAi(server) => format!("openai {}", server.name()),
        }
    }

    /// Puts a document in line.
    pub(crate) fn enqueue(&self, document: Uuid) {
        self.waiting().push_back(document);
        self.news.notify_one();
    }

    /// Takes a document back that was taken from the line.
    pub(crate) fn put_back(&self, document: Uuid) {
        self.waiting().push_front(document);
    }

    pub(crate) fn next(&self) -> Option<Uuid> {
        self.waiting().pop_front()
    }

    /// Drops what is known of a document that is gone.
    pub(crate) fn forget(&self, document: Uuid) {
        if let Some(vectors) = self.vectors.get() {
            vectors.forget(document);
        }
    }

    pub(crate) fn failed(&self, error: &EmbedError) {
        self.num_failures.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(%error, "embedding failed");
    }

    /// Passages embedded since the start.
    #[must_use]
    pub fn num_embedded(&self) -> u64 {
        self.num_embedded.load(Ordering::Relaxed)
    }

    /// Failures since the start, those of questions included.
    #[must_use]
    pub fn num_failures(&self) -> u64 {
        self.num_failures.load(Ordering::Relaxed)
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, VecDeque<Uuid>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn broken(error: &JoinError) -> EmbedError {
    EmbedError::Wrong(error.to_string())
}

/// Embeds on a few threads, batch by batch; texts of about one length go together.
fn side_by_side(
    model: &Local,
    texts: &[String],
    batch: usize,
    threads: usize,
) -> Result<Vec<Vec<f32>>, EmbedError> {
    let mut order: Vec<usize> = (0..texts.len()).collect();
    order.sort_unstable_by_key(|number| std::cmp::Reverse(texts[*number].len()));
    let batches: Vec<&[usize]> = order.chunks(batch).collect();
    let next = std::sync::atomic::AtomicUsize::new(0);
    let work = || {
        let mut made = Vec::new();
        while let Some(numbers) = batches.get(next.fetch_add(1, Ordering::Relaxed)) {
            let of_batch: Vec<&String> = numbers.iter().map(|number| &texts[*number]).collect();
            made.extend(numbers.iter().copied().zip(model.embed(&of_batch)));
        }
        made
    };
    let mut vectors = vec![Vec::new(); texts.len()];
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads.min(batches.len())).map(|_| scope.spawn(work)).collect();
        for thread in threads {
            let made = thread.join().map_err(|_| EmbedError::Wrong("the encoder panicked".to_owned()))?;
            for (number, vector) in made {
                vectors[number] = vector;
            }
        }
        Ok(vectors)
    })
}
