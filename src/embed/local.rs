//! A model on this machine: a folder in the layout of Hugging Face with a BERT-like encoder, run on
//! the processor. Reads the folder, cuts texts into tokens, pools; `encoder` does the arithmetic.
//!
//! | file | what is read of it |
//! |---|---|
//! | `config.json` | the encoder's shape; `model_type` is `bert` |
//! | `tokenizer.json` | how words become tokens, by WordPiece |
//! | `model.safetensors` | the weights, as f32, f16 or bf16 |
//! | `1_Pooling/config.json` | if there: whether tokens are averaged (the default) or the first one stands for all |
//! | `sentence_bert_config.json` | if there: `max_seq_length`, most tokens of a text |
//! | `config_sentence_transformers.json` | if there: what the model was trained to see before a question and before a passage |
//! | `modules.json` | if there: that nothing else belongs to the model |

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use ndarray::{Axis, Slice};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use thiserror::Error;

use encoder::{Encoder, Shape};
use tokens::Tokens;
use weights::Weights;

mod encoder;
mod math;
mod tokens;
mod weights;

/// Most tokens of a text where the folder does not say.
const MAX_TOKENS: usize = 512;
/// Tokens run through the encoder at once: more use no core better and take more memory.
const TOKENS_AT_ONCE: usize = 2_048;

/// An encoder with everything that belongs to it.
#[derive(Debug)]
pub struct Local {
    tokens: Tokens,
    encoder: Encoder,
    takes_first: bool,
    prompts: Prompts,
    digest: String,
}

/// What a model was trained to see before a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prompts {
    /// Before a question.
    pub question: String,
    /// Before a passage.
    pub passage: String,
}

/// Why a folder holds no model that can be run.
#[derive(Debug, Error)]
pub enum FolderError {
    /// A file can't be read.
    #[error("`{file}` can't be read: {source}")]
    Unreadable {
        /// Its name in the folder.
        file: String,
        /// The system's words.
        source: std::io::Error,
    },
    /// A file does not say what it should.
    #[error("`{file}` {problem}")]
    Unusable {
        /// Its name in the folder.
        file: String,
        /// What is wrong with it, and what would do.
        problem: String,
    },
}

impl FolderError {
    fn unusable(file: &str, problem: impl Into<String>) -> Self {
        Self::Unusable { file: file.to_owned(), problem: problem.into() }
    }
}

impl Local {
    /// Reads the model in `folder`; a few hundred milliseconds for one of 90 MB.
    ///
    /// # Errors
    /// Names the file that can't be used, and says why.
    pub fn open(folder: &Path) -> Result<Self, FolderError> {
        check_modules(folder)?;
        let shape: Shape = json(folder, "config.json")?;
        shape.check().map_err(|problem| FolderError::unusable("config.json", problem))?;
        let pooling: Option<Pooling> = json_if_there(folder, "1_Pooling/config.json")?;
        let pooling = pooling.unwrap_or_default();
        let takes_first = pooling.takes_first()?;

        let limits: Option<Limits> = json_if_there(folder, "sentence_bert_config.json")?;
        let wanted = limits.and_then(|limits| limits.max_seq_length).unwrap_or(MAX_TOKENS);
        let max_tokens = wanted.clamp(2, shape.max_tokens());
        let trained: Option<Trained> = json_if_there(folder, "config_sentence_transformers.json")?;
        let prompts = trained.unwrap_or_default().prompts();
        let words = read(folder, "tokenizer.json")?;
        let tokens = Tokens::read(&words, max_tokens);
        let tokens = tokens.map_err(|problem| FolderError::unusable("tokenizer.json", problem))?;

        let bytes = read(folder, "model.safetensors")?;
        let mut digest = Sha256::new();
        for part in [&words, &bytes] {
            digest.update(part);
        }
        digest.update([u8::from(takes_first)]);
        digest.update(max_tokens.to_le_bytes());
        let weights = Weights::read(&bytes);
        let encoder = weights.and_then(|weights| Encoder::new(&shape, &weights));
        let encoder = encoder.map_err(|problem| FolderError::unusable("model.safetensors", problem))?;
        if tokens.size() > encoder.num_tokens() {
            let problem = format!("has {} tokens, the weights {}", tokens.size(), encoder.num_tokens());
            return Err(FolderError::unusable("tokenizer.json", problem));
        }
        let digest = digest.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { tokens, encoder, takes_first, prompts, digest })
    }

    /// Numbers of a vector.
    pub fn dimensions(&self) -> usize {
        self.encoder.dimensions()
    }

    /// What to put before texts, unless somebody says otherwise. [`embed`](Self::embed) adds nothing.
    pub fn prompts(&self) -> &Prompts {
        &self.prompts
    }

    /// Tells this model from any other one, also from one that takes its place in the folder.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The vectors of the texts, each of length 1, in order. What is longer than the model reads is
    /// cut.
    pub fn embed(&self, texts: &[impl AsRef<str>]) -> Vec<Vec<f32>> {
        let tokens: Vec<Vec<u32>> = texts.iter().map(|text| self.tokens.of(text.as_ref())).collect();
        let mut vectors = Vec::with_capacity(texts.len());
        let mut rest = tokens.as_slice();
        while !rest.is_empty() {
            let mut num_tokens = 0;
            let fitting = rest.iter().take_while(|text| {
                num_tokens += text.len();
                num_tokens <= TOKENS_AT_ONCE
            });
            let (batch, after) = rest.split_at(fitting.count().max(1));
            let states = self.encoder.run(batch);
            let mut first = 0;
            for text in batch {
                let states = states.slice_axis(Axis(0), Slice::from(first..first + text.len()));
                vectors.push(math::pool(&states, self.takes_first));
                first += text.len();
            }
            rest = after;
        }
        vectors
    }
}

#[derive(Deserialize)]
struct Limits {
    max_seq_length: Option<usize>,
}

#[derive(Deserialize)]
#[serde(default)]
struct Pooling {
    pooling_mode_cls_token: bool,
    pooling_mode_mean_tokens: bool,
}

impl Default for Pooling {
    fn default() -> Self {
        Self { pooling_mode_cls_token: false, pooling_mode_mean_tokens: true }
    }
}

impl Pooling {
    fn takes_first(&self) -> Result<bool, FolderError> {
        match (self.pooling_mode_cls_token, self.pooling_mode_mean_tokens) {
            (true, false) => Ok(true),
            (false, true) => Ok(false),
            _ => Err(FolderError::unusable(
                "1_Pooling/config.json",
                "asks for a pooling that is not known: mean tokens or the first token (cls)",
            )),
        }
    }
}

/// How Sentence Transformers keeps a model's prompts: under names, which it takes from a fixed list.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Trained {
    prompts: Option<HashMap<String, String>>,
    default_prompt_name: Option<String>,
}

impl Trained {
    fn prompts(&self) -> Prompts {
        let prompt = |names: &[&str]| {
            let names = names.iter().copied().chain(self.default_prompt_name.as_deref());
            let found = names.filter_map(|name| self.prompts.as_ref()?.get(name)).next();
            found.cloned().unwrap_or_default()
        };
        Prompts { question: prompt(&["query"]), passage: prompt(&["document", "passage", "corpus"]) }
    }
}

#[derive(Deserialize)]
struct Module {
    #[serde(rename = "type")]
    kind: String,
}

/// A step that is left out would give other vectors than the model's.
fn check_modules(folder: &Path) -> Result<(), FolderError> {
    let modules: Option<Vec<Module>> = json_if_there(folder, "modules.json")?;
    let known = |kind: &str| ["Transformer", "Pooling", "Normalize"].contains(&kind);
    for Module { kind } in modules.unwrap_or_default() {
        let kind = kind.rsplit('.').next().unwrap_or_default();
        if !known(kind) {
            return Err(FolderError::unusable(
                "modules.json",
                format!("has a step `{kind}`, which is not known"),
            ));
        }
    }
    Ok(())
}

fn read(folder: &Path, file: &str) -> Result<Vec<u8>, FolderError> {
    fs::read(folder.join(file)).map_err(|source| FolderError::Unreadable { file: file.to_owned(), source })
}

fn json<T: DeserializeOwned>(folder: &Path, file: &str) -> Result<T, FolderError> {
    let bytes = read(folder, file)?;
    serde_json::from_slice(&bytes)
        .map_err(|error| FolderError::unusable(file, format!("is not as expected: {error}")))
}

fn json_if_there<T: DeserializeOwned>(folder: &Path, file: &str) -> Result<Option<T>, FolderError> {
    if folder.join(file).exists() { json(folder, file).map(Some) } else { Ok(None) }
}
