//! An encoder on this machine: a folder in the layout of Hugging Face with a BERT-like model, run on
//! the processor. Reads the folder and cuts texts into tokens; `layers` does the arithmetic. What is
//! made of the states is up to who uses them: `embed` pools them, `rerank` judges by them.
//!
//! | file | what is read of it |
//! |---|---|
//! | `config.json` | the encoder's shape; `model_type` is `bert` |
//! | `tokenizer.json` | how words become tokens, by WordPiece |
//! | `model.safetensors` | the weights, as f32, f16 or bf16 |

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use ndarray::{ArrayView2, Axis, Slice};
use serde::de::DeserializeOwned;
use thiserror::Error;

pub(crate) use layers::Linear;
use layers::{Layers, Shape};
pub(crate) use tokens::Sequence;
use tokens::Tokens;
pub(crate) use weights::Weights;

mod layers;
mod math;
mod tokens;
mod weights;

/// Most tokens of a text where the folder does not say.
const MAX_TOKENS: usize = 512;
/// Tokens run through the layers at once: more use no core better and take more memory.
const TOKENS_AT_ONCE: usize = 2_048;

/// An encoder, ready to run.
#[derive(Debug)]
pub(crate) struct Encoder {
    tokens: Tokens,
    layers: Layers,
    max_tokens: usize,
}

/// What a folder holds beside the encoder, while it is being read.
pub(crate) struct Folder<'a> {
    /// `tokenizer.json`, as it is.
    pub(crate) tokenizer: &'a [u8],
    /// `model.safetensors`, as it is.
    pub(crate) model: &'a [u8],
    /// The same, by name.
    pub(crate) weights: &'a Weights<'a>,
    /// Numbers of a state.
    pub(crate) dimensions: usize,
    /// Most tokens of a text.
    pub(crate) max_tokens: usize,
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
    pub(crate) fn unusable(file: &str, problem: impl Into<String>) -> Self {
        Self::Unusable { file: file.to_owned(), problem: problem.into() }
    }
}

impl Encoder {
    /// Reads the encoder in `folder`, and by `rest` what stands in its files beside it; a few hundred
    /// milliseconds for one of 90 MB. It takes `max_tokens` of a text, or as many as it has positions.
    ///
    /// # Errors
    /// Names the file that can't be used, and says why.
    pub(crate) fn open<T>(
        folder: &Path,
        max_tokens: Option<usize>,
        rest: impl FnOnce(&Folder<'_>) -> Result<T, String>,
    ) -> Result<(Self, T), FolderError> {
        let shape: Shape = json(folder, "config.json")?;
        shape.check().map_err(|problem| FolderError::unusable("config.json", problem))?;
        let max_tokens = max_tokens.unwrap_or(MAX_TOKENS).clamp(2, shape.max_tokens());
        let tokenizer = read(folder, "tokenizer.json")?;
        let tokens =
            Tokens::read(&tokenizer).map_err(|problem| FolderError::unusable("tokenizer.json", problem))?;

        let model = read(folder, "model.safetensors")?;
        let in_model = |problem| FolderError::unusable("model.safetensors", problem);
        let weights = Weights::read(&model).map_err(in_model)?;
        let layers = Layers::new(&shape, &weights).map_err(in_model)?;
        if tokens.size() > layers.num_tokens() {
            let problem = format!("has {} tokens, the weights {}", tokens.size(), layers.num_tokens());
            return Err(FolderError::unusable("tokenizer.json", problem));
        }
        let dimensions = layers.dimensions();
        let rest =
            rest(&Folder { tokenizer: &tokenizer, model: &model, weights: &weights, dimensions, max_tokens });
        Ok((Self { tokens, layers, max_tokens }, rest.map_err(in_model)?))
    }

    /// Numbers of a state.
    pub(crate) fn dimensions(&self) -> usize {
        self.layers.dimensions()
    }

    /// The tokens of a text; what is longer than the model reads is cut.
    pub(crate) fn text(&self, text: &str) -> Sequence {
        self.tokens.of(text, self.max_tokens)
    }

    /// The tokens of two texts that are read together; of what is longer than the model reads, the
    /// longer text is cut.
    pub(crate) fn pair(&self, one: &str, other: &str) -> Sequence {
        self.tokens.of_pair(one, other, self.max_tokens)
    }

    /// What `make` makes of the states of each text, one row for each of its tokens; in order.
    pub(crate) fn run<T>(
        &self,
        texts: &[Sequence],
        mut make: impl FnMut(&ArrayView2<'_, f32>) -> T,
    ) -> Vec<T> {
        let mut made = Vec::with_capacity(texts.len());
        let mut rest = texts;
        while !rest.is_empty() {
            let mut num_tokens = 0;
            let fitting = rest.iter().take_while(|text| {
                num_tokens += text.len();
                num_tokens <= TOKENS_AT_ONCE
            });
            let (batch, after) = rest.split_at(fitting.count().max(1));
            let states = self.layers.run(batch);
            let mut first = 0;
            for text in batch {
                made.push(make(&states.slice_axis(Axis(0), Slice::from(first..first + text.len()))));
                first += text.len();
            }
            rest = after;
        }
        made
    }
}

/// Does `num` pieces of work on as many threads as there are to be used, in the order of their
/// numbers; what each made, by its number.
///
/// # Errors
/// If a piece of work panicked.
pub(crate) fn side_by_side<T: Send>(
    num: usize,
    threads: usize,
    work: impl Fn(usize) -> T + Sync,
) -> Result<Vec<T>, &'static str> {
    let next = AtomicUsize::new(0);
    let take = || {
        let mut made = Vec::new();
        loop {
            match next.fetch_add(1, Ordering::Relaxed) {
                number if number < num => made.push((number, work(number))),
                _ => return made,
            }
        }
    };
    let mut made = Vec::with_capacity(num);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads.min(num)).map(|_| scope.spawn(take)).collect();
        for thread in threads {
            made.extend(thread.join().map_err(|_| "the encoder panicked")?);
        }
        Ok::<_, &str>(())
    })?;
    made.sort_unstable_by_key(|(number, _)| *number);
    Ok(made.into_iter().map(|(_, made)| made).collect())
}

fn read(folder: &Path, file: &str) -> Result<Vec<u8>, FolderError> {
    fs::read(folder.join(file)).map_err(|source| FolderError::Unreadable { file: file.to_owned(), source })
}

fn json<T: DeserializeOwned>(folder: &Path, file: &str) -> Result<T, FolderError> {
    let bytes = read(folder, file)?;
    serde_json::from_slice(&bytes)
        .map_err(|error| FolderError::unusable(file, format!("is not as expected: {error}")))
}

/// What a file says that a folder may have.
///
/// # Errors
/// If it is there and says something else.
pub(crate) fn json_if_there<T: DeserializeOwned>(
    folder: &Path,
    file: &str,
) -> Result<Option<T>, FolderError> {
    if folder.join(file).exists() { json(folder, file).map(Some) } else { Ok(None) }
}
