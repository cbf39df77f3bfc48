//! A server that is asked one thing and gives one answer in JSON, no stream: for vectors, or for an
//! order of passages. It is left alone for a while when it keeps failing, like models that write.

use std::time::Duration;

use reqwest::{Response, header};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::ProviderError;
use super::breaker::Breaker;
use super::http::{Endpoint, innermost};
use super::retry::is_down;
use crate::config::model::{ModelConfig, ModelError};

/// How long one call may take.
const CALL_LIMIT: Duration = Duration::from_secs(60);

pub(crate) struct Service {
    endpoint: Endpoint,
    breaker: Breaker,
    max_bytes: usize,
}

impl Service {
    /// That at `path` under the model's base URL, of whose answers `max_bytes` are read.
    pub(crate) fn new(config: &ModelConfig, path: &str, max_bytes: usize) -> Result<Self, ModelError> {
        Ok(Self { endpoint: Endpoint::new(config, path)?, breaker: Breaker::default(), max_bytes })
    }

    /// The model's name at the server.
    pub(crate) fn model(&self) -> &str {
        &self.endpoint.model
    }

    /// Notes that nobody waited for an answer any longer.
    pub(crate) fn timed_out(&self) {
        self.breaker.failed();
    }

    /// The answer to one call.
    pub(crate) async fn ask<T: DeserializeOwned>(
        &self,
        request: &impl Serialize,
    ) -> Result<T, ProviderError> {
        let permit = self.breaker.admit().map_err(|_| {
            let words = "it failed several times in a row and is left alone for some seconds";
            ProviderError::Unavailable(words.to_owned())
        })?;
        let outcome = match tokio::time::timeout(CALL_LIMIT, self.call(request)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(ProviderError::TimedOut("no answer")),
        };
        match &outcome {
            Err(error) if is_down(error) => permit.failed(),
            _ => permit.answered(),
        }
        outcome
    }

    async fn call<T: DeserializeOwned>(&self, request: &impl Serialize) -> Result<T, ProviderError> {
        let mut builder = self.endpoint.client.post(self.endpoint.url.clone());
        if let Some(key) = &self.endpoint.key {
            builder = builder.bearer_auth(key.expose());
        }
        let sent = builder.header(header::ACCEPT, "application/json").json(request).send().await;
        let response = sent.map_err(|error| Endpoint::unsent(&error))?;
        if !response.status().is_success() {
            return Err(self.endpoint.refusal(response).await);
        }
        let body = self.body(response).await?;
        serde_json::from_slice(&body)
            .map_err(|_| ProviderError::Truncated("the answer is not what was asked for".to_owned()))
    }

    async fn body(&self, mut response: Response) -> Result<Vec<u8>, ProviderError> {
        let mut body = Vec::new();
        let broken = |error: reqwest::Error| ProviderError::Truncated(innermost(&error));
        while let Some(piece) = response.chunk().await.map_err(broken)? {
            if body.len() + piece.len() > self.max_bytes {
                let words = format!("the answer is longer than {} MiB", self.max_bytes >> 20);
                return Err(ProviderError::Truncated(words));
            }
            body.extend_from_slice(&piece);
        }
        Ok(body)
    }
}
