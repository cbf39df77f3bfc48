//! A second look at the best of what a search found: a model reads each passage together with the
//! question, which tells more than to compare what each is about by itself and costs too much for
//! all passages of a library. It runs here, or behind a server.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use thiserror::Error;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::config::model::ModelError;
use crate::config::rerank::{RerankConfig, Reranking};
use crate::encoder::FolderError;
use crate::provider::ProviderError;
use local::CrossEncoder;
use server::Server;

pub mod local;
mod server;

/// Most of a question that is read with each passage, in bytes.
const MAX_QUESTION_BYTES: usize = 8 * 1024;

/// The model that reranks.
pub struct Reranker {
    engine: Engine,
    config: RerankConfig,
    /// For how many searches at a time: they take turns at a model that runs here, since side by side all of
    /// them would be late.
    turns: Semaphore,
    num_reranked: AtomicU64,
    num_failures: AtomicU64,
}

enum Engine {
    Local(Arc<CrossEncoder>),
    Server(Server),
}

/// Why there is no order.
#[derive(Debug, Error)]
pub enum RerankError {
    /// The folder holds no model that can be run.
    #[error("the reranker in `{folder}` can't be used: {source}")]
    Folder {
        /// The folder.
        folder: String,
        /// What is wrong with it.
        source: FolderError,
    },
    /// The server can't be used as configured.
    #[error("the reranker can't be used: {0}")]
    Model(#[from] ModelError),
    /// The server failed.
    #[error("the reranker failed: {0}")]
    Provider(#[from] ProviderError),
    /// The answer is not what was asked for.
    #[error("the reranker answered wrongly: {0}")]
    Wrong(String),
}

impl Reranker {
    /// Prepares the configured model, if there is one. Reads a model that runs here, which takes a
    /// moment; calls no server.
    ///
    /// # Errors
    /// If the model can't be used as configured.
    pub async fn open(config: &RerankConfig) -> Result<Option<Self>, RerankError> {
        let engine = match (config.provider, config.folder.clone()) {
            (Reranking::None, _) | (Reranking::Local, None) => return Ok(None),
            (Reranking::Local, Some(folder)) => {
                let name = folder.display().to_string();
                let model = spawn_blocking(move || CrossEncoder::open(&folder)).await;
                let model = model.map_err(|error| RerankError::Wrong(error.to_string()))?;
                let model = model.map_err(|source| RerankError::Folder { folder: name, source })?;
                Engine::Local(Arc::new(model))
            }
            (Reranking::Cohere | Reranking::Tei, _) => Engine::Server(Server::new(config)?),
        };
        let num_turns = match engine {
            Engine::Local(_) => 1,
            Engine::Server(_) => Semaphore::MAX_PERMITS,
        };
        Ok(Some(Self {
            engine,
            config: config.clone(),
            turns: Semaphore::new(num_turns),
            num_reranked: AtomicU64::new(0),
            num_failures: AtomicU64::new(0),
        }))
    }

    /// How many passages of a search it reads.
    pub(crate) fn candidates(&self) -> usize {
        self.config.candidates
    }

    /// How well each passage answers the question, from 0 to 1, in order.
    ///
    /// # Errors
    /// Why that can't be told now, in words for the reader.
    pub(crate) async fn scores(
        &self,
        question: &str,
        passages: Vec<String>,
    ) -> Result<Vec<f32>, &'static str> {
        if passages.is_empty() {
            return Ok(Vec::new());
        }
        let question = &question[..question.floor_char_boundary(MAX_QUESTION_BYTES)];
        let num = passages.len() as u64;
        let patience = Duration::from_millis(self.config.timeout_ms);
        let Ok(_turn) = timeout(patience, self.turns.acquire()).await else {
            self.num_failures.fetch_add(1, Ordering::Relaxed);
            return Err("the reranker is busy with other searches");
        };
        let judged = async {
            match &self.engine {
                Engine::Local(model) => {
                    Ok::<_, RerankError>(shares(self.here(model, question, passages).await?))
                }
                Engine::Server(server) => {
                    let scores = server.scores(question, &passages).await?;
                    // Some servers leave the last step to who asks.
                    let are_shares = scores.iter().all(|score| (0.0..=1.0).contains(score));
                    Ok(if are_shares { scores } else { shares(scores) })
                }
            }
        };
        match timeout(patience, judged).await {
            Ok(Ok(scores)) => {
                self.num_reranked.fetch_add(num, Ordering::Relaxed);
                Ok(scores)
            }
            Ok(Err(error)) => {
                self.num_failures.fetch_add(1, Ordering::Relaxed);
                tracing::warn!(%error, "reranking failed");
                Err("the reranker is not available")
            }
            Err(_) => {
                self.num_failures.fetch_add(1, Ordering::Relaxed);
                if let Engine::Server(server) = &self.engine {
                    server.timed_out();
                }
                Err("the reranker did not answer in time")
            }
        }
    }

    /// By the model that runs here; it stops soon after nobody waits for it any longer.
    async fn here(
        &self,
        model: &Arc<CrossEncoder>,
        question: &str,
        passages: Vec<String>,
    ) -> Result<Vec<f32>, RerankError> {
        let broken = |error: &dyn std::fmt::Display| RerankError::Wrong(error.to_string());
        let is_wanted = Wanted(Arc::new(AtomicBool::new(true)));
        let (model, question, threads) = (Arc::clone(model), question.to_owned(), self.config.threads);
        let still = Arc::clone(&is_wanted.0);
        let scores = spawn_blocking(move || model.scores(&question, &passages, threads, &still)).await;
        scores.map_err(|error| broken(&error))?.map_err(|error| broken(&error))
    }

    /// Passages read with a question since the start.
    #[must_use]
    pub fn num_reranked(&self) -> u64 {
        self.num_reranked.load(Ordering::Relaxed)
    }

    /// Searches that went without since the start.
    #[must_use]
    pub fn num_failures(&self) -> u64 {
        self.num_failures.load(Ordering::Relaxed)
    }
}

/// Tells the threads when it is dropped that what they make is wanted no longer.
struct Wanted(Arc<AtomicBool>);

impl Drop for Wanted {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// From 0 to 1 what a model gives as it comes out of its last layer: by the logistic function.
fn shares(mut scores: Vec<f32>) -> Vec<f32> {
    scores.iter_mut().for_each(|score| *score = 1.0 / (1.0 + (-*score).exp()));
    scores
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_search_whose_turn_does_not_come_goes_without() {
        let config = RerankConfig {
            provider: Reranking::Tei,
            base_url: Some("http://127.0.0.1:9".to_owned()),
            timeout_ms: 20,
            ..RerankConfig::default()
        };
        let mut reranker = Reranker::open(&config).await.unwrap().unwrap();
        reranker.turns = Semaphore::new(1);
        let turn = reranker.turns.acquire().await.unwrap();
        let asked = || reranker.scores("Why?", vec!["So.".to_owned()]);
        assert!(asked().await.unwrap_err().contains("busy"));
        drop(turn);
        assert!(asked().await.unwrap_err().contains("not available"), "nobody listens there");
        assert_eq!((reranker.num_failures(), reranker.num_reranked()), (2, 0));
        assert_eq!(reranker.scores("Why?", Vec::new()).await, Ok(Vec::new()));
    }
}
