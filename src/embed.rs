//! What a text means, as a vector: made by a model in a folder, by a server, or by what was learnt from
//! the library itself, and kept in the index crate's `Vectors`. A closed set and one match, as with the
//! providers that write. When passages are embedded is decided in `ingest/embedding`; here is how, and
//! what a search does with a question.

use std::collections::VecDeque;
use std::io::Write;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use ibid_index::analysis::Language;
use ibid_index::{IndexError, Meaning, VectorModel, Vectors};
use thiserror::Error;
use tokio::sync::Notify;
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use uuid::Uuid;

use crate::config::Config;
use crate::config::embeddings::{Embedding, EmbeddingsConfig};
use crate::config::model::ModelError;
use crate::encoder::{FolderError, side_by_side};
use crate::provider::ProviderError;
use corpus::{Corpus, CorpusError};
use local::{Local, Prompts};
use openai::OpenAi;
pub(crate) use unhurried::unhurried;

pub mod corpus;
pub mod local;
mod openai;
mod unhurried;

const AWAY: &str = "the embedding model is not available";

/// Most of a question that is embedded, in bytes: no model reads more.
const MAX_QUESTION_BYTES: usize = 8 * 1024;

/// Where in the data folder it is kept what was learnt from the library.
const LEARNT: &str = "learnt.safetensors";

/// The model of the vectors, the vectors, and what waits for some.
pub struct Embeddings {
    /// The model that somebody chose; if nobody did, one is learnt from the library.
    chosen: Option<Engine>,
    config: EmbeddingsConfig,
    prompts: Prompts,
    data: PathBuf,
    /// What searches use. There is nothing before it is known how long the model's vectors are.
    shown: RwLock<Option<Space>>,
    /// Documents of which passages may lack vectors; a hint, the store has the list.
    waiting: Mutex<VecDeque<Uuid>>,
    pub(crate) news: Notify,
    num_embedded: AtomicU64,
    num_failures: AtomicU64,
}

/// What makes vectors.
#[derive(Clone)]
pub(crate) enum Engine {
    Local(Arc<Local>),
    OpenAi(Arc<OpenAi>),
    Corpus(Arc<Corpus>),
}

/// Vectors that can be compared with one another, and what makes them.
#[derive(Clone)]
pub struct Space {
    engine: Engine,
    /// Those of passages.
    pub vectors: Arc<Vectors>,
}

impl Space {
    /// What makes the vectors, if that was learnt from the library.
    pub(crate) fn corpus(&self) -> Option<&Corpus> {
        match &self.engine {
            Engine::Corpus(corpus) => Some(corpus),
            Engine::Local(_) | Engine::OpenAi(_) => None,
        }
    }
}

/// Words to embed.
pub(crate) struct Text {
    pub(crate) words: String,
    pub(crate) language: Option<Language>,
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
    /// The library can't be read to learn from it.
    #[error("the library can't be read: {0}")]
    Unread(Box<crate::Error>),
    /// The server stops.
    #[error("the server stops")]
    Stopping,
    /// Nothing can be learnt from the library.
    #[error("the library: {0}")]
    Learnt(#[from] CorpusError),
    /// What was learnt can't be kept.
    #[error("what was learnt from the library can't be kept: {0}")]
    File(#[from] std::io::Error),
}

impl Embeddings {
    /// Prepares the configured model, if there is one. Reads a model that runs here, which takes a
    /// moment; calls no server.
    ///
    /// # Errors
    /// If the model can't be used as configured.
    pub async fn open(config: &Config) -> Result<Option<Self>, EmbedError> {
        let settings = config.embeddings.clone();
        let chosen = match (settings.provider, settings.folder.clone()) {
            (Embedding::None, _) | (Embedding::Local, None) => return Ok(None),
            (Embedding::Corpus, _) => None,
            (Embedding::Local, Some(folder)) => {
                let name = folder.display().to_string();
                let model =
                    spawn_blocking(move || Local::open(&folder)).await.map_err(|error| broken(&error))?;
                let model = model.map_err(|source| EmbedError::Folder { folder: name, source })?;
                Some(Engine::Local(Arc::new(model)))
            }
            (Embedding::OpenAi, _) => Some(Engine::OpenAi(Arc::new(OpenAi::new(&settings)?))),
        };
        let trained = match &chosen {
            Some(Engine::Local(model)) => model.prompts().clone(),
            Some(Engine::OpenAi(_) | Engine::Corpus(_)) | None => Prompts::default(),
        };
        let prompts = Prompts {
            question: settings.question_prefix.clone().unwrap_or(trained.question),
            passage: settings.passage_prefix.clone().unwrap_or(trained.passage),
        };
        Ok(Some(Self {
            chosen,
            config: settings,
            prompts,
            data: config.data.clone(),
            shown: RwLock::default(),
            waiting: Mutex::default(),
            news: Notify::new(),
            num_embedded: AtomicU64::new(0),
            num_failures: AtomicU64::new(0),
        }))
    }

    /// What searches use, once the model was heard of or enough was learnt.
    #[must_use]
    pub fn shown(&self) -> Option<Space> {
        self.shown.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Lets searches use it.
    pub(crate) fn show(&self, space: Space) {
        *self.shown.write().unwrap_or_else(PoisonError::into_inner) = Some(space);
    }

    /// The model that somebody chose; `None` if one is learnt from the library.
    pub(crate) fn chosen(&self) -> Option<&Engine> {
        self.chosen.as_ref()
    }

    /// Opens the vectors of a model, which may be asked for one to know their length.
    ///
    /// # Errors
    /// If the model can't be reached, or the folder can't be used.
    pub(crate) async fn open_vectors(&self, engine: Engine) -> Result<Space, EmbedError> {
        let dimensions = match &engine {
            Engine::Local(model) => model.dimensions(),
            Engine::Corpus(corpus) => corpus.dimensions(),
            Engine::OpenAi(server) => {
                server.embed(&[openai::HARMLESS.to_owned()]).await?.first().map_or(0, Vec::len)
            }
        };
        let (folder, name) = (self.data.join("vectors"), self.name(&engine));
        let opened = spawn_blocking(move || Vectors::open(&folder, VectorModel { name, dimensions })).await;
        let (vectors, damaged) = opened.map_err(|error| broken(&error))??;
        for file in damaged {
            tracing::warn!(file, "vectors are damaged: their passages are embedded again");
        }
        Ok(Space { engine, vectors: Arc::new(vectors) })
    }

    /// Tells a model from any other. A prefix changes what a vector says, so vectors made with another
    /// one are of another model.
    fn name(&self, engine: &Engine) -> String {
        let prefix = &self.prompts.passage;
        match engine {
            Engine::Local(model) => format!("local {}\n{prefix}", model.digest()),
            Engine::OpenAi(server) => format!("openai {}\n{prefix}", server.name()),
            Engine::Corpus(corpus) => format!("corpus {}", corpus.digest()),
        }
    }

    /// What was learnt before, if it is there and whole.
    pub(crate) async fn learnt(&self) -> Option<Arc<Corpus>> {
        let path = self.data.join(LEARNT);
        let read = spawn_blocking(move || std::fs::read(path).ok().map(|file| Corpus::read(&file))).await;
        match read.ok()?? {
            Ok(corpus) => Some(Arc::new(corpus)),
            Err(error) => {
                tracing::warn!(%error, "the library is learnt from again");
                None
            }
        }
    }

    /// Keeps what was learnt.
    ///
    /// # Errors
    /// If it can't be written.
    pub(crate) async fn keep_learnt(&self, file: Vec<u8>) -> Result<Arc<Corpus>, EmbedError> {
        let data = self.data.clone();
        let kept = spawn_blocking(move || {
            let corpus = Corpus::read(&file)?;
            // Whole or absent. It need not outlive a power cut: it is learnt again.
            let mut written = tempfile::NamedTempFile::new_in(&data)?;
            written.write_all(&file)?;
            written.persist(data.join(LEARNT)).map_err(|error| error.error)?;
            Ok(Arc::new(corpus))
        });
        kept.await.map_err(|error| broken(&error))?
    }

    /// Puts a question beside all vectors there are; `None` where nothing was learnt yet.
    ///
    /// # Errors
    /// Why that can't be done now, in words for the reader.
    pub async fn meaning(&self, question: &str) -> Result<Option<Meaning>, &'static str> {
        const OTHER: &str = "the embedding model gives vectors of another length than before";
        let question = &question[..question.floor_char_boundary(MAX_QUESTION_BYTES)];
        let Some(Space { engine, vectors }) = self.shown() else {
            return if self.chosen.is_some() { Err(AWAY) } else { Ok(None) };
        };
        let vector = match engine {
            // It takes less time than a change of threads, and finds nothing that words don't.
            Engine::Corpus(corpus) => {
                return Ok(vectors.meaning(&corpus.question(question)).map(Meaning::beside_words));
            }
            Engine::Local(model) => {
                let text = format!("{}{question}", self.prompts.question);
                self.in_time(None, embed_here(model, vec![text])).await?
            }
            Engine::OpenAi(server) => {
                let text = format!("{}{question}", self.prompts.question);
                self.in_time(Some(&server), server.embed(&[text])).await?
            }
        };
        vectors.meaning(&vector).map(Some).ok_or(OTHER)
    }

    /// A question's vector, if it is made in time.
    async fn in_time(
        &self,
        server: Option<&OpenAi>,
        made: impl Future<Output = Result<Vec<Vec<f32>>, EmbedError>>,
    ) -> Result<Vec<f32>, &'static str> {
        match timeout(Duration::from_millis(self.config.question_timeout_ms), made).await {
            Ok(Ok(made)) => Ok(made.into_iter().next().unwrap_or_default()),
            Ok(Err(error)) => {
                self.failed(&error);
                Err(AWAY)
            }
            Err(_) => {
                self.num_failures.fetch_add(1, Ordering::Relaxed);
                if let Some(server) = server {
                    server.timed_out();
                }
                Err("the embedding model did not answer in time")
            }
        }
    }

    /// The vectors of passages, in order; one of nothing for a passage that the model refuses.
    ///
    /// # Errors
    /// If the model can't be reached or answers wrongly.
    pub(crate) async fn passages(
        &self,
        space: &Space,
        texts: Vec<Text>,
    ) -> Result<Vec<Vec<f32>>, EmbedError> {
        let prefixed = |texts: Vec<Text>| -> Vec<String> {
            texts.iter().map(|text| format!("{}{}", self.prompts.passage, text.words)).collect()
        };
        let vectors = match &space.engine {
            Engine::Corpus(corpus) => {
                let corpus = Arc::clone(corpus);
                let place = move |text: &Text| corpus.passage(&text.words, text.language);
                let made = unhurried(move || texts.iter().map(place).collect()).await;
                made.map_err(|error| broken(&error))?
            }
            Engine::Local(model) => {
                let (model, threads) = (Arc::clone(model), self.config.threads);
                let (texts, batch) = (prefixed(texts), self.config.batch);
                let made = unhurried(move || embed_all(&model, &texts, batch, threads)).await;
                made.map_err(|error| broken(&error))??
            }
            Engine::OpenAi(server) => {
                let mut vectors = Vec::with_capacity(texts.len());
                for batch in prefixed(texts).chunks(self.config.batch) {
                    vectors.extend(server.embed_each(batch).await?);
                }
                vectors
            }
        };
        self.num_embedded.fetch_add(vectors.len() as u64, Ordering::Relaxed);
        Ok(vectors)
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

    /// Begins a new line.
    pub(crate) fn clear_line(&self) {
        self.waiting().clear();
    }

    pub(crate) fn next(&self) -> Option<Uuid> {
        self.waiting().pop_front()
    }

    /// Drops what is known of a document that is gone.
    pub(crate) fn forget(&self, document: Uuid) {
        if let Some(space) = self.shown() {
            space.vectors.forget(document);
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

async fn embed_here(model: Arc<Local>, texts: Vec<String>) -> Result<Vec<Vec<f32>>, EmbedError> {
    spawn_blocking(move || model.embed(&texts)).await.map_err(|error| broken(&error))
}

fn broken(error: &impl std::fmt::Display) -> EmbedError {
    EmbedError::Wrong(error.to_string())
}

/// Embeds on a few threads, batch by batch; texts of about one length go together.
fn embed_all(
    model: &Local,
    texts: &[String],
    batch: usize,
    threads: usize,
) -> Result<Vec<Vec<f32>>, EmbedError> {
    let mut order: Vec<usize> = (0..texts.len()).collect();
    order.sort_unstable_by_key(|number| std::cmp::Reverse(texts[*number].len()));
    let batches: Vec<&[usize]> = order.chunks(batch).collect();
    let made = side_by_side(batches.len(), threads, |number| {
        let of_batch: Vec<&String> = batches[number].iter().map(|number| &texts[*number]).collect();
        model.embed(&of_batch)
    });
    let mut vectors = vec![Vec::new(); texts.len()];
    for (number, vector) in order.iter().zip(made.map_err(|error| broken(&error))?.into_iter().flatten()) {
        vectors[*number] = vector;
    }
    Ok(vectors)
}
