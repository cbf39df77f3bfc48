//! The `[embeddings]` table: what turns passages and questions into vectors. A model finds what shares
//! no word with a question; without the table, what is learnt from the library itself only puts what
//! words found in a better order.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::ConfigError;
use super::model::{ModelConfig, Timeouts, Vendor};

/// The model of the vectors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EmbeddingsConfig {
    /// Who makes vectors. Default: what is learnt from the library.
    pub provider: Embedding,
    /// The model's folder, if it runs here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folder: Option<PathBuf>,
    /// Its name at the vendor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Where the API is, up to and including the version; `OpenAI`'s own if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
    /// The environment variable that holds the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_key_env: Option<String>,
    /// The file that holds the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_key_file: Option<PathBuf>,
    /// Numbers of a vector to ask for, of a model that can shorten its vectors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dimensions: Option<usize>,
    /// What is put before a passage, if the model was trained with that: `passage: `. Default: what
    /// the model's folder says; nothing for a server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passage_prefix: Option<String>,
    /// What is put before a question: `query: `. Default: likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub question_prefix: Option<String>,
    /// Passages sent at once. Default: 32.
    pub batch: usize,
    /// Threads that embed passages with a model that runs here. Default: half of the processor's cores.
    pub threads: usize,
    /// How long a search waits for its question's vector, in milliseconds; then it goes by words
    /// alone. Default: 1,500.
    pub question_timeout_ms: u64,
}

/// Who makes vectors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Embedding {
    /// Nobody.
    None,
    /// What is learnt from the passages of the library, once there are enough.
    #[default]
    Corpus,
    /// A model in a folder, on this machine's processor.
    Local,
    /// A server that speaks `OpenAI`'s `/embeddings`.
    OpenAi,
}

impl Default for EmbeddingsConfig {
    fn default() -> Self {
        Self {
            provider: Embedding::Corpus,
            folder: None,
            model: None,
            base_url: None,
            api_key_env: None,
            api_key_file: None,
            dimensions: None,
            passage_prefix: None,
            question_prefix: None,
            batch: 32,
            threads: std::thread::available_parallelism().map_or(1, |cores| cores.get().div_ceil(2)),
            question_timeout_ms: 1_500,
        }
    }
}

impl EmbeddingsConfig {
    /// Its server as a model of the configuration, with the same rules for addresses and keys.
    pub(crate) fn at_server(&self) -> ModelConfig {
        ModelConfig {
            model: self.model.clone(),
            base_url: self.base_url.clone(),
            api_key_env: self.api_key_env.clone(),
            api_key_file: self.api_key_file.clone(),
            timeouts: Timeouts { total_s: 60.0, ..Timeouts::default() },
            ..ModelConfig::new("embeddings", Vendor::OpenAi)
        }
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let wrong = |words: &str| Err(ConfigError::Search(format!("`[embeddings]` {words}")));
        let is_remote = self.model.is_some()
            || self.base_url.is_some()
            || self.api_key_env.is_some()
            || self.api_key_file.is_some()
            || self.dimensions.is_some();
        match self.provider {
            Embedding::None | Embedding::Corpus if is_remote || self.folder.is_some() => {
                return wrong("names a model but no `provider`: set it to \"local\" or \"openai\"");
            }
            Embedding::Local if self.folder.is_none() => {
                return wrong("needs `folder`, the folder of the model");
            }
            Embedding::Local if is_remote => {
                return wrong("with provider \"local\" takes `folder` and nothing about a server");
            }
            Embedding::OpenAi if self.model.is_none() => {
                return wrong("needs `model`, the model's name at the server");
            }
            Embedding::OpenAi if self.folder.is_some() => {
                return wrong("with provider \"openai\" takes no `folder`");
            }
            Embedding::OpenAi => self.at_server().check_alone()?,
            Embedding::None | Embedding::Corpus | Embedding::Local => {}
        }
        if !(1..=2_048).contains(&self.batch) || !(1..=256).contains(&self.threads) {
            return wrong("takes a `batch` of 1 to 2048 passages, and 1 to 256 `threads`");
        }
        if !(1..=60_000).contains(&self.question_timeout_ms) {
            return wrong("takes a `question_timeout_ms` of 1 to 60000, a minute");
        }
        if self.dimensions.is_some_and(|dimensions| !(1..=16_384).contains(&dimensions)) {
            return wrong("takes `dimensions` of 1 to 16384");
        }
        Ok(())
    }
}
