//! A model folder as small as can be, its weights from a formula, so that what it should give can be
//! computed elsewhere.

use std::collections::BTreeMap;
use std::path::Path;

use safetensors::tensor::{Dtype, TensorView};
use serde_json::json;

pub(crate) const HIDDEN: usize = 12;
const HEADS: usize = 3;
const LAYERS: usize = 2;
const WIDE: usize = 20;
const POSITIONS: usize = 16;

const WORDS: [&str; 17] = [
    "[PAD]", "[UNK]", "[CLS]", "[SEP]", "the", "tide", "gate", "##s", "heron", "nest", "##ing", "in", "reed",
    "of", "old", ".", "dike",
];

/// Writes a model of vectors; `salt` makes another one of it.
pub(crate) fn write(folder: &Path, salt: f64) {
    write_with(folder, salt, &[]);
}

/// Writes a reranker that tells so many labels apart.
pub(crate) fn write_reranker(folder: &Path, labels: usize) {
    let head = [
        ("pooler.dense.weight", vec![HIDDEN, HIDDEN]),
        ("pooler.dense.bias", vec![HIDDEN]),
        ("classifier.weight", vec![labels, HIDDEN]),
        ("classifier.bias", vec![labels]),
    ];
    write_with(folder, 0.0, &head);
}

fn write_with(folder: &Path, salt: f64, head: &[(&str, Vec<usize>)]) {
    std::fs::create_dir_all(folder.join("1_Pooling")).unwrap();
    let vocabulary: BTreeMap<&str, usize> = WORDS.into_iter().zip(0..).collect();
    let put = |file: &str, content: serde_json::Value| {
        std::fs::write(folder.join(file), content.to_string()).unwrap();
    };
    put(
        "config.json",
        json!({"model_type": "bert", "hidden_size": HIDDEN, "num_hidden_layers": LAYERS,
            "num_attention_heads": HEADS, "intermediate_size": WIDE, "max_position_embeddings": POSITIONS,
            "hidden_act": "gelu", "layer_norm_eps": 1e-12, "vocab_size": WORDS.len()}),
    );
    put(
        "tokenizer.json",
        json!({"normalizer": {"type": "BertNormalizer", "lowercase": true, "strip_accents": null},
            "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                "max_input_chars_per_word": 100, "vocab": vocabulary}}),
    );
    put("1_Pooling/config.json", json!({"pooling_mode_mean_tokens": true, "pooling_mode_cls_token": false}));

    let head = head.iter().map(|(name, shape)| ((*name).to_owned(), shape.clone()));
    let tensors: Vec<(String, Vec<usize>, Vec<u8>)> = shapes()
        .into_iter()
        .chain(head)
        .enumerate()
        .map(|(number, (name, shape))| {
            let bytes = (0..shape.iter().product::<usize>())
                .flat_map(|at| value(&name, number, at, salt).to_le_bytes())
                .collect();
            (name, shape, bytes)
        })
        .collect();
    let views = tensors.iter().map(|(name, shape, bytes)| {
        (name.as_str(), TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap())
    });
    std::fs::write(folder.join("model.safetensors"), safetensors::serialize(views, None).unwrap()).unwrap();
}

/// Number `at` of tensor number `number`.
fn value(name: &str, number: usize, at: usize, salt: f64) -> f32 {
    let wave = (0.7 * at as f64 + 1.3 * number as f64 + salt).sin();
    match name {
        _ if name.ends_with("LayerNorm.weight") => (1.0 + 0.1 * wave) as f32,
        _ if name.ends_with("bias") || name.starts_with("pooler") => (0.1 * wave) as f32,
        _ if name.starts_with("classifier") => (5.0 * wave) as f32,
        _ => (0.5 * wave) as f32,
    }
}

fn shapes() -> Vec<(String, Vec<usize>)> {
    let mut shapes = Vec::new();
    let mut add = |name: String, shape: &[usize]| shapes.push((name, shape.to_vec()));
    add("embeddings.word_embeddings.weight".to_owned(), &[WORDS.len(), HIDDEN]);
    add("embeddings.position_embeddings.weight".to_owned(), &[POSITIONS, HIDDEN]);
    add("embeddings.token_type_embeddings.weight".to_owned(), &[2, HIDDEN]);
    add("embeddings.LayerNorm.weight".to_owned(), &[HIDDEN]);
    add("embeddings.LayerNorm.bias".to_owned(), &[HIDDEN]);
    for layer in 0..LAYERS {
        let parts = [
            ("attention.self.query", HIDDEN, HIDDEN),
            ("attention.self.key", HIDDEN, HIDDEN),
            ("attention.self.value", HIDDEN, HIDDEN),
            ("attention.output.dense", HIDDEN, HIDDEN),
            ("intermediate.dense", WIDE, HIDDEN),
            ("output.dense", HIDDEN, WIDE),
        ];
        for (part, rows, columns) in parts {
            add(format!("encoder.layer.{layer}.{part}.weight"), &[rows, columns]);
            add(format!("encoder.layer.{layer}.{part}.bias"), &[rows]);
        }
        for part in ["attention.output.LayerNorm", "output.LayerNorm"] {
            add(format!("encoder.layer.{layer}.{part}.weight"), &[HIDDEN]);
            add(format!("encoder.layer.{layer}.{part}.bias"), &[HIDDEN]);
        }
    }
    shapes
}
