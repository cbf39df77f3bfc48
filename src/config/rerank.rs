//! The `[rerank]` table: what reads the best passages that a search found once more, each together
//! with the question, and puts them in order.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::ConfigError;
use super::model::{ModelConfig, Timeouts, Vendor};

/// The model that reranks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RerankConfig {
    /// Who reranks. Default: nobody.
    pub provider: Reranking,
    /// The model's folder, if it runs here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folder: Option<PathBuf>,
    /// Its name at the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Where the API is, up to what comes before `/rerank`: `https://api.cohere.com/v2`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
    /// The environment variable that holds the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_key_env: Option<String>,
    /// The file that holds the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_key_file: Option<PathBuf>,
    /// Passages of a search that are read once more, the best ones; the others follow them as they
    /// were. Default: 20.
    pub candidates: usize,
    /// Threads of a model that runs here. Default: half of the processor's cores.
    pub threads: usize,
    /// How long a search waits for the order, in milliseconds, and before that for its turn at a model
    /// that runs here; then it goes without. Default: 5,000.
    pub timeout_ms: u64,
}

/// Who reranks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reranking {
    /// Nobody.
    #[default]
    None,
    /// A cross-encoder in a folder, on this machine's processor.
    Local,
    /// A server that speaks Cohere's `/rerank`, as most do.
    Cohere,
    /// One that speaks that of Hugging Face's Text Embeddings Inference.
    Tei,
}

impl Default for RerankConfig {
    fn default() -> Self {
        Self {
            provider: Reranking::None,
            folder: None,
            model: None,
            base_url: None,
            api_key_env: None,
            api_key_file: None,
            candidates: 20,
            threads: std::thread::available_parallelism().map_or(1, |cores| cores.get().div_ceil(2)),
            timeout_ms: 5_000,
        }
    }
}

impl RerankConfig {
    /// Its server as a model of the configuration, with the same rules for addresses and keys.
    pub(crate) fn at_server(&self) -> ModelConfig {
        ModelConfig {
            model: self.model.clone().or_else(|| Some("rerank".to_owned())),
            base_url: self.base_url.clone(),
            api_key_env: self.api_key_env.clone(),
            api_key_file: self.api_key_file.clone(),
            timeouts: Timeouts { total_s: 60.0, ..Timeouts::default() },
            ..ModelConfig::new("rerank", Vendor::OpenAi)
        }
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let wrong = |words: &str| Err(ConfigError::Search(format!("`[rerank]` {words}")));
        let is_remote = self.model.is_some()
            || self.base_url.is_some()
            || self.api_key_env.is_some()
            || self.api_key_file.is_some();
        match self.provider {
            Reranking::None if is_remote || self.folder.is_some() => {
                return wrong("names a model but no `provider`: set it to \"local\", \"cohere\" or \"tei\"");
            }
            Reranking::Local if self.folder.is_none() => {
                return wrong("needs `folder`, the folder of the model");
            }
            Reranking::Local if is_remote => {
                return wrong("with provider \"local\" takes `folder` and nothing about a server");
            }
            Reranking::Cohere if self.model.is_none() => {
                return wrong("needs `model`, the model's name at the server");
            }
            Reranking::Cohere | Reranking::Tei if self.base_url.is_none() => {
                return wrong("needs `base_url`, the server's address up to what comes before `/rerank`");
            }
            Reranking::Cohere | Reranking::Tei if self.folder.is_some() => {
                return wrong("with a server takes no `folder`: set `provider` to \"local\" for that");
            }
            Reranking::Cohere | Reranking::Tei => self.at_server().check_alone()?,
            Reranking::None | Reranking::Local => {}
        }
        if !(1..=1_000).contains(&self.candidates) || !(1..=256).contains(&self.threads) {
            return wrong("takes `candidates` of 1 to 1000 passages, and 1 to 256 `threads`");
        }
        if !(1..=60_000).contains(&self.timeout_ms) {
            return wrong("takes a `timeout_ms` of 1 to 60000, a minute");
        }
        Ok(())
    }
}
