//! A model of vectors on this machine: an encoder in a folder, and how the states of its tokens
//! become one vector. Beside the encoder's files it reads:
//!
//! | file | what is read of it |
//! |---|---|
//! | `1_Pooling/config.json` | if there: whether tokens are averaged (the default) or the first one stands for all |
//! | `sentence_bert_config.json` | if there: `max_seq_length`, most tokens of a text |
//! | `config_sentence_transformers.json` | if there: what the model was trained to see before a question and before a passage |
//! | `modules.json` | if there: that nothing else belongs to the model |

use std::collections::HashMap;
use std::path::Path;

use ndarray::{ArrayView2, Axis};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::encoder::{Encoder, Folder, FolderError, Sequence, json_if_there};

/// An encoder with everything that belongs to it.
#[derive(Debug)]
pub struct Local {
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

impl Local {
    /// Reads the model in `folder`; a few hundred milliseconds for one of 90 MB.
    ///
    /// # Errors
    /// Names the file that can't be used, and says why.
    pub fn open(folder: &Path) -> Result<Self, FolderError> {
        check_modules(folder)?;
        let pooling: Option<Pooling> = json_if_there(folder, "1_Pooling/config.json")?;
        let takes_first = pooling.unwrap_or_default().takes_first()?;
        let limits: Option<Limits> = json_if_there(folder, "sentence_bert_config.json")?;
        let max_tokens = limits.and_then(|limits| limits.max_seq_length);
        let trained: Option<Trained> = json_if_there(folder, "config_sentence_transformers.json")?;
        let prompts = trained.unwrap_or_default().prompts();
        let (encoder, digest) = Encoder::open(folder, max_tokens, |folder| Ok(digest(folder, takes_first)))?;
        Ok(Self { encoder, takes_first, prompts, digest })
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
        let tokens: Vec<Sequence> = texts.iter().map(|text| self.encoder.text(text.as_ref())).collect();
        self.encoder.run(&tokens, |states| pool(states, self.takes_first))
    }
}

/// Tells a model from any other by all that its vectors depend on.
fn digest(folder: &Folder<'_>, takes_first: bool) -> String {
    let mut digest = Sha256::new();
    digest.update(folder.tokenizer);
    digest.update(folder.model);
    digest.update([u8::from(takes_first)]);
    digest.update(folder.max_tokens.to_le_bytes());
    crate::hex(&digest.finalize()[..8])
}

/// One vector of length 1 for a text: of its first token, or of all of them.
fn pool(states: &ArrayView2<'_, f32>, takes_first: bool) -> Vec<f32> {
    let mut pooled = match takes_first {
        true => states.row(0).to_owned(),
        false => states.sum_axis(Axis(0)),
    };
    let length = pooled.dot(&pooled).sqrt();
    if length > 0.0 {
        pooled /= length;
    }
    pooled.to_vec()
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
