//! The encoder of BERT: for each token of a text, a vector that depends on the others. Written out
//! here since it is short: what is used of a library is the product of two matrices.
//!
//! The tokens of several texts stand below one another in one matrix. All that treats each token by
//! itself takes them together, without padding; only attention looks at one text at a time.

use ndarray::linalg::general_mat_mul;
use ndarray::{Array1, Array2, Axis, Slice};
use serde::Deserialize;

use super::math;
use super::tokens::Sequence;
use super::weights::Weights;

/// What `config.json` says.
#[derive(Debug, Deserialize)]
pub(super) struct Shape {
    model_type: String,
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    intermediate_size: usize,
    max_position_embeddings: usize,
    #[serde(default = "gelu")]
    hidden_act: String,
    #[serde(default = "absolute")]
    position_embedding_type: String,
    #[serde(default = "epsilon")]
    layer_norm_eps: f32,
}

fn gelu() -> String {
    "gelu".to_owned()
}

fn absolute() -> String {
    "absolute".to_owned()
}

fn epsilon() -> f32 {
    1e-12
}

impl Shape {
    /// Says what it has that is not understood.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.model_type != "bert" {
            let words = "`bert` is wanted; other models can be used through a server";
            return Err(format!("has `model_type` `{}`: {words}", self.model_type));
        }
        if self.hidden_act != "gelu" || self.position_embedding_type != "absolute" {
            return Err(
                "has a `hidden_act` other than `gelu` or positions that are not `absolute`".to_owned()
            );
        }
        let sizes =
            [self.hidden_size, self.num_hidden_layers, self.num_attention_heads, self.intermediate_size];
        let is_sane = sizes.iter().all(|size| (1..=65_536).contains(size));
        if !is_sane || !self.hidden_size.is_multiple_of(self.num_attention_heads) || self.max_tokens() < 2 {
            return Err("has sizes that don't go together".to_owned());
        }
        Ok(())
    }

    /// Most tokens of a text.
    pub(super) fn max_tokens(&self) -> usize {
        self.max_position_embeddings
    }
}

#[derive(Debug)]
pub(super) struct Layers {
    words: Array2<f32>,
    positions: Array2<f32>,
    /// What is added to the tokens of the second of two texts; nothing if the model knows no second.
    second: Option<Array1<f32>>,
    norm: Norm,
    layers: Vec<Layer>,
    num_heads: usize,
}

#[derive(Debug)]
struct Layer {
    /// Query, key and value, below one another.
    attend: Linear,
    attended: Linear,
    attention_norm: Norm,
    widen: Linear,
    narrow: Linear,
    norm: Norm,
}

impl Layers {
    pub(super) fn new(shape: &Shape, weights: &Weights<'_>) -> Result<Self, String> {
        let hidden = shape.hidden_size;
        let mut positions = weights.matrix("embeddings.position_embeddings.weight", hidden)?;
        if positions.nrows() < shape.max_position_embeddings {
            return Err("has fewer positions than `config.json` says".to_owned());
        }
        let kinds = weights.matrix("embeddings.token_type_embeddings.weight", hidden)?;
        // Most tokens are of the first kind, whose vector is added once and for all.
        let first = kinds.rows().into_iter().next().ok_or("has no kinds of tokens")?;
        let second = kinds.rows().into_iter().nth(1).map(|second| &second - &first);
        positions += &first;
        let layers = (0..shape.num_hidden_layers).map(|number| Layer::new(shape, weights, number));
        Ok(Self {
            words: weights.matrix("embeddings.word_embeddings.weight", hidden)?,
            positions,
            second,
            norm: Norm::new(shape, weights, "embeddings.LayerNorm")?,
            layers: layers.collect::<Result<_, _>>()?,
            num_heads: shape.num_attention_heads,
        })
    }

    pub(super) fn dimensions(&self) -> usize {
        self.words.ncols()
    }

    pub(super) fn num_tokens(&self) -> usize {
        self.words.nrows()
    }

    /// The last states of all tokens of all texts, below one another.
    pub(super) fn run(&self, texts: &[Sequence]) -> Array2<f32> {
        let num_tokens = texts.iter().map(Sequence::len).sum();
        let mut states = Array2::zeros((num_tokens, self.dimensions()));
        let tokens = texts.iter().flat_map(Sequence::tokens);
        for (mut state, (position, token, is_second)) in states.rows_mut().into_iter().zip(tokens) {
            state += &self.words.row(token as usize);
            state += &self.positions.row(position);
            if let (true, Some(second)) = (is_second, &self.second) {
                state += second;
            }
        }
        self.norm.apply(&mut states);
        for layer in &self.layers {
            let attended = layer.attended.apply(&self.attention(&layer.attend.apply(&states), texts));
            states += &attended;
            layer.attention_norm.apply(&mut states);
            let mut wide = layer.widen.product(&states);
            math::gelu(wide.view_mut(), &layer.widen.bias);
            states += &layer.narrow.apply(&wide);
            layer.norm.apply(&mut states);
        }
        states
    }

    /// Each token becomes a mixture of its text's values, by how well its query fits their keys.
    fn attention(&self, queries_keys_values: &Array2<f32>, texts: &[Sequence]) -> Array2<f32> {
        let hidden = self.dimensions();
        let width = hidden / self.num_heads;
        let scale = 1.0 / (width as f32).sqrt();
        let mut mixed = Array2::zeros((queries_keys_values.nrows(), hidden));
        let mut first = 0;
        for text in texts {
            let rows = first..first + text.len();
            let mut shares = Array2::zeros((text.len(), text.len()));
            for head in 0..self.num_heads {
                let part = |number: usize| {
                    let column = number * hidden + head * width;
                    let mut part = queries_keys_values.view();
                    part.slice_axis_inplace(Axis(0), Slice::from(rows.clone()));
                    part.slice_axis_inplace(Axis(1), Slice::from(column..column + width));
                    part
                };
                let (queries, keys, values) = (part(0), part(1), part(2));
                general_mat_mul(1.0, &queries, &keys.t(), 0.0, &mut shares);
                math::softmax(shares.view_mut(), scale);
                let column = head * width;
                let mut place = mixed.view_mut();
                place.slice_axis_inplace(Axis(0), Slice::from(rows.clone()));
                place.slice_axis_inplace(Axis(1), Slice::from(column..column + width));
                general_mat_mul(1.0, &shares, &values, 0.0, &mut place);
            }
            first = rows.end;
        }
        mixed
    }
}

impl Layer {
    fn new(shape: &Shape, weights: &Weights<'_>, number: usize) -> Result<Self, String> {
        let (hidden, wide) = (shape.hidden_size, shape.intermediate_size);
        let name = |part: &str| format!("encoder.layer.{number}.{part}");
        let linear = |part: &str, input, output| Linear::new(weights, &name(part), input, output);
        let attend = ["query", "key", "value"];
        let attend = attend.map(|part| linear(&format!("attention.self.{part}"), hidden, hidden));
        let [query, key, value] = attend;
        Ok(Self {
            attend: Linear::joined(&[query?, key?, value?])?,
            attended: linear("attention.output.dense", hidden, hidden)?,
            attention_norm: Norm::new(shape, weights, &name("attention.output.LayerNorm"))?,
            widen: linear("intermediate.dense", hidden, wide)?,
            narrow: linear("output.dense", wide, hidden)?,
            norm: Norm::new(shape, weights, &name("output.LayerNorm"))?,
        })
    }
}

/// A matrix and what is added to its product.
#[derive(Debug)]
pub(crate) struct Linear {
    weight: Array2<f32>,
    bias: Array1<f32>,
}

impl Linear {
    /// That of a name; the words of the refusal say what is wrong with it.
    pub(crate) fn new(
        weights: &Weights<'_>,
        name: &str,
        input: usize,
        output: usize,
    ) -> Result<Self, String> {
        let weight = weights.matrix(&format!("{name}.weight"), input)?;
        if weight.nrows() != output {
            return Err(format!("has `{name}` with {} rows, `config.json` says {output}", weight.nrows()));
        }
        Ok(Self { weight, bias: weights.vector(&format!("{name}.bias"), output)? })
    }

    fn joined(parts: &[Self]) -> Result<Self, String> {
        let weights: Vec<_> = parts.iter().map(|part| part.weight.view()).collect();
        let biases: Vec<_> = parts.iter().map(|part| part.bias.view()).collect();
        let join = |error: ndarray::ShapeError| format!("has parts that don't go together: {error}");
        Ok(Self {
            weight: ndarray::concatenate(Axis(0), &weights).map_err(join)?,
            bias: ndarray::concatenate(Axis(0), &biases).map_err(join)?,
        })
    }

    fn product(&self, states: &Array2<f32>) -> Array2<f32> {
        states.dot(&self.weight.t())
    }

    /// The product of each row, and what is added.
    pub(crate) fn apply(&self, states: &Array2<f32>) -> Array2<f32> {
        let mut product = self.product(states);
        product += &self.bias;
        product
    }
}

#[derive(Debug)]
struct Norm {
    stretch: Array1<f32>,
    shift: Array1<f32>,
    epsilon: f32,
}

impl Norm {
    fn new(shape: &Shape, weights: &Weights<'_>, name: &str) -> Result<Self, String> {
        Ok(Self {
            stretch: weights.vector(&format!("{name}.weight"), shape.hidden_size)?,
            shift: weights.vector(&format!("{name}.bias"), shape.hidden_size)?,
            epsilon: shape.layer_norm_eps,
        })
    }

    fn apply(&self, states: &mut Array2<f32>) {
        math::normalise(states.view_mut(), &self.stretch, &self.shift, self.epsilon);
    }
}
