//! `OpenAI`'s embeddings, and every server that speaks them. Tries again by the same rules as calls
//! to models that write, and like them leaves a server alone for a while that keeps failing.

use serde::{Deserialize, Serialize};

use super::EmbedError;
use crate::config::embeddings::EmbeddingsConfig;
use crate::config::model::ModelError;
use crate::provider::ProviderError;
use crate::provider::retry::{BACKOFF_CAP, MAX_CALLS, is_passing, pause};
use crate::provider::service::Service;

/// The most that is read of an answer: 2,048 vectors of 3,072 numbers, generously written.
const MAX_BYTES: usize = 256 << 20;
/// A text that every model takes.
pub(super) const HARMLESS: &str = "ibid";

/// A model behind the embeddings API.
pub(crate) struct OpenAi {
    service: Service,
    dimensions: Option<usize>,
}

#[derive(Serialize)]
struct Request<'a> {
    model: &'a str,
    input: &'a [String],
    encoding_format: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    dimensions: Option<usize>,
}

#[derive(Deserialize)]
struct Answer {
    data: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    index: Option<usize>,
    embedding: Vec<f32>,
}

impl OpenAi {
    pub(super) fn new(config: &EmbeddingsConfig) -> Result<Self, ModelError> {
        let service = Service::new(&config.at_server(), "/embeddings", MAX_BYTES)?;
        Ok(Self { service, dimensions: config.dimensions })
    }

    pub(super) fn name(&self) -> &str {
        self.service.model()
    }

    /// Notes that nobody waited for an answer any longer.
    pub(super) fn timed_out(&self) {
        self.service.timed_out();
    }

    /// The vectors of the texts, in order, from one call.
    pub(super) async fn embed(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, EmbedError> {
        let request = Request {
            model: self.service.model(),
            input: texts,
            encoding_format: "float",
            dimensions: self.dimensions,
        };
        in_order(self.service.ask(&request).await?, texts.len(), self.dimensions)
    }

    /// The same with more tries; a text that the server refuses for what it is gets a vector of
    /// nothing, so that it does not hold up the others.
    pub(super) async fn embed_each(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, EmbedError> {
        match self.embed_again(texts).await {
            Err(EmbedError::Provider(error)) if is_about_the_text(&error) => {}
            outcome => return outcome,
        }
        // If it refuses any text, it is not these texts.
        let harmless = self.embed_again(&[HARMLESS.to_owned()]).await?;
        let length = harmless.first().map_or(0, Vec::len);
        let mut vectors = Vec::with_capacity(texts.len());
        for text in texts {
            match self.embed_again(std::slice::from_ref(text)).await {
                Ok(found) => vectors.extend(found),
                Err(EmbedError::Provider(error)) if is_about_the_text(&error) => {
                    vectors.push(vec![0.0; length]);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(vectors)
    }

    async fn embed_again(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, EmbedError> {
        let mut attempt = 1;
        loop {
            match self.embed(texts).await {
                Err(EmbedError::Provider(error)) if is_passing(&error) && attempt < MAX_CALLS => {
                    tokio::time::sleep(pause(attempt, &error).min(BACKOFF_CAP)).await;
                }
                outcome => return outcome,
            }
            attempt += 1;
        }
    }
}

/// Puts the vectors in the order of the texts, and makes sure that they are vectors.
fn in_order(answer: Answer, wanted: usize, dimensions: Option<usize>) -> Result<Vec<Vec<f32>>, EmbedError> {
    let mut items = answer.data;
    let got = items.len();
    if got != wanted {
        return Err(EmbedError::Wrong(format!("{got} vectors came for {wanted} texts")));
    }
    if items.iter().all(|item| item.index.is_some()) {
        items.sort_by_key(|item| item.index);
    }
    let vectors: Vec<Vec<f32>> = items.into_iter().map(|item| item.embedding).collect();
    let length = dimensions.or_else(|| vectors.first().map(Vec::len)).unwrap_or_default();
    if let Some(other) = vectors.iter().find(|vector| vector.len() != length || vector.is_empty()) {
        return Err(EmbedError::Wrong(format!("a vector has {} numbers and not {length}", other.len())));
    }
    if vectors.iter().flatten().any(|number| !number.is_finite()) {
        return Err(EmbedError::Wrong("a vector holds what is no number".to_owned()));
    }
    Ok(vectors)
}

fn is_about_the_text(error: &ProviderError) -> bool {
    matches!(error, ProviderError::ContextTooLong | ProviderError::Rejected(_))
}
