//! A cross-encoder on this machine: an encoder in a folder that reads the question and a passage
//! together, and what judges by the state of the first token. Of `model.safetensors` it reads the
//! `pooler` and the `classifier` beside the encoder, as BERT for sequence classification has them.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use ndarray::{ArrayView2, Axis};

use crate::encoder::{Encoder, Folder, FolderError, Linear, side_by_side};

/// A model that judges how well a passage answers a question.
#[derive(Debug)]
pub struct CrossEncoder {
    encoder: Encoder,
    pooler: Linear,
    classifier: Linear,
}

impl CrossEncoder {
    /// Reads the model in `folder`; a few hundred milliseconds for one of 90 MB.
    ///
    /// # Errors
    /// Names the file that can't be used, and says why.
    pub fn open(folder: &Path) -> Result<Self, FolderError> {
        let (encoder, (pooler, classifier)) = Encoder::open(folder, None, head)?;
        Ok(Self { encoder, pooler, classifier })
    }

    /// The score of each passage, in order: higher is better, comparable between questions. What is
    /// not wanted any longer is left undone, and has 0.
    ///
    /// # Errors
    /// If it panicked.
    pub fn scores(
        &self,
        question: &str,
        passages: &[String],
        threads: usize,
        is_wanted: &AtomicBool,
    ) -> Result<Vec<f32>, &'static str> {
        side_by_side(passages.len(), threads, |number| {
            if !is_wanted.load(Ordering::Relaxed) {
                return 0.0;
            }
            let pair = [self.encoder.pair(question, &passages[number])];
            self.encoder.run(&pair, |states| self.judge(states)).into_iter().sum()
        })
    }

    fn judge(&self, states: &ArrayView2<'_, f32>) -> f32 {
        let first = states.row(0).insert_axis(Axis(0)).to_owned();
        let pooled = self.pooler.apply(&first).mapv_into(f32::tanh);
        self.classifier.apply(&pooled).sum()
    }
}

/// What stands upon the encoder.
fn head(folder: &Folder<'_>) -> Result<(Linear, Linear), String> {
    const WANTED: &str = "a reranker is wanted that gives one score (BERT for sequence classification with \
                          one label); others can be used through a server";
    let judges = folder.weights.matrix("classifier.weight", folder.dimensions);
    let labels = judges.map_err(|problem| format!("{problem}: {WANTED}"))?.nrows();
    if labels != 1 {
        return Err(format!("tells {labels} labels apart: {WANTED}"));
    }
    let pooler = Linear::new(folder.weights, "pooler.dense", folder.dimensions, folder.dimensions)?;
    Ok((pooler, Linear::new(folder.weights, "classifier", folder.dimensions, 1)?))
}
