use std::fs;

use ibid::embed::local::{Local, Prompts};
use serde_json::json;

use crate::folder;

/// Computed apart from ibid, in double precision, from the same formula for the weights.
const TIDE_GATES: [f32; folder::HIDDEN] = [
    0.089603, -0.36137, -0.214013, -0.000163, 0.04224, -0.134002, -0.07572, 0.509233, 0.62571, -0.038304,
    -0.352798, -0.115506,
];
const NESTING: [f32; folder::HIDDEN] = [
    0.285481, -0.480318, -0.159028, 0.21413, -0.027866, -0.031661, -0.07407, 0.075472, 0.565659, 0.140484,
    -0.512734, -0.03302,
];
const FIRST_TOKEN: [f32; folder::HIDDEN] = [
    0.027083, -0.308955, -0.20396, -0.011125, 0.030481, -0.213504, -0.045614, 0.616377, 0.577204, -0.085997,
    -0.283905, -0.111418,
];

fn assert_close(found: &[f32], known: &[f32]) {
    let largest = found.iter().zip(known).map(|(one, other)| (one - other).abs()).fold(0.0, f32::max);
    assert!(found.len() == known.len() && largest < 1e-4, "{found:?}\n{known:?}");
}

#[test]
fn vectors_are_those_that_the_weights_give() {
    let folder = tempfile::tempdir().unwrap();
    folder::write(folder.path(), 0.0);
    let model = Local::open(folder.path()).unwrap();
    assert_eq!(model.dimensions(), folder::HIDDEN);
    let vectors = model.embed(&["The old tide gates.", "heron nesting in aquatic reeds"]);
    assert_close(&vectors[0], &TIDE_GATES);
    assert_close(&vectors[1], &NESTING);
    // Alone or with others, a text has the same vector.
    assert_close(&model.embed(&["heron nesting in aquatic reeds"])[0], &NESTING);

    let pooling = json!({"pooling_mode_mean_tokens": false, "pooling_mode_cls_token": true});
    fs::write(folder.path().join("1_Pooling/config.json"), pooling.to_string()).unwrap();
    let other = Local::open(folder.path()).unwrap();
    assert_close(&other.embed(&["The old tide gates."])[0], &FIRST_TOKEN);
    assert_ne!(other.digest(), model.digest());
}

#[test]
fn what_the_model_was_trained_to_see_before_a_text_is_read() {
    let folder = tempfile::tempdir().unwrap();
    folder::write(folder.path(), 0.0);
    let prompts = |file: serde_json::Value| {
        fs::write(folder.path().join("config_sentence_transformers.json"), file.to_string()).unwrap();
        let Prompts { question, passage } = Local::open(folder.path()).unwrap().prompts().clone();
        [question, passage]
    };
    assert_eq!(*Local::open(folder.path()).unwrap().prompts(), Prompts::default());
    let nothing = json!({"__version__": {"pytorch": "2.1"}, "prompts": null, "default_prompt_name": null});
    assert_eq!(prompts(nothing), ["", ""]);
    assert_eq!(
        prompts(json!({"prompts": {"query": "query: ", "passage": "passage: "}})),
        ["query: ", "passage: "]
    );
    assert_eq!(prompts(json!({"prompts": {"query": "find: ", "document": ""}})), ["find: ", ""]);
    let by_default =
        json!({"prompts": {"query": "find: ", "plain": "text: "}, "default_prompt_name": "plain"});
    assert_eq!(prompts(by_default), ["find: ", "text: "]);
}

#[test]
fn a_text_longer_than_the_model_reads_is_cut() {
    let folder = tempfile::tempdir().unwrap();
    folder::write(folder.path(), 0.0);
    let model = Local::open(folder.path()).unwrap();
    let vectors = model.embed(&["tide gate ".repeat(7), "tide gate ".repeat(500)]);
    assert_close(&vectors[0], &vectors[1]);
    assert_eq!(model.embed(&[""]).len(), 1);
}

#[test]
fn a_folder_that_is_not_understood_is_refused_with_the_file_and_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let refusal = |file: &str, content: &[u8]| {
        folder::write(folder.path(), 0.0);
        fs::write(folder.path().join(file), content).unwrap();
        let refusal = Local::open(folder.path()).unwrap_err().to_string();
        fs::remove_file(folder.path().join(file)).unwrap();
        refusal
    };
    let config = json!({"model_type": "llama", "hidden_size": 12, "num_hidden_layers": 2, "num_attention_heads": 3,
        "intermediate_size": 20, "max_position_embeddings": 16});
    for (file, content, reason) in [
        ("config.json", config.to_string().into_bytes(), "llama"),
        ("config.json", b"{}".to_vec(), "not as expected"),
        ("model.safetensors", b"nothing".to_vec(), "damaged"),
        ("tokenizer.json", b"{\"model\": 1}".to_vec(), "WordPiece"),
        ("1_Pooling/config.json", b"{\"pooling_mode_mean_tokens\": false}".to_vec(), "pooling"),
        ("modules.json", b"[{\"type\": \"sentence_transformers.models.Dense\"}]".to_vec(), "Dense"),
    ] {
        let words = refusal(file, &content);
        assert!(words.contains(file) && words.contains(reason), "{words}");
    }
    folder::write(folder.path(), 0.0);
    fs::remove_file(folder.path().join("model.safetensors")).unwrap();
    assert!(Local::open(folder.path()).unwrap_err().to_string().contains("model.safetensors"));
}
