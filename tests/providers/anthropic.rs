//! The Messages API: what is sent, and what each recorded answer is read as.

use ibid::config::model::{ModelConfig, Vendor};
use ibid::provider::CallOptions;
use serde_json::json;

use crate::replay::{Answer, Replay};
use crate::{call, config, fixture};

#[tokio::test]
async fn each_recording_is_read_the_same_however_it_is_cut() {
    let zurich = "The Zürich treaty – 条約 – was signed in 1859 [1]. | 412+14 in 1 | Stop";
    for (name, expected) in [
        ("answer", zurich),
        ("crlf", zurich),
        ("thinking", "~~~In 1859~ [1]. | 412+30 in 1 | Stop"),
        ("object", "~{\"questions\": [\"when?\"]} | 412+12 in 1 | Stop"),
        ("max_tokens", "In 1859 the | 412+3 in 1 | Length"),
        ("no_message_stop", "In 1859 | Truncated(\"it has no end mark\")"),
        ("malformed", "In 1859 | Truncated(\"a piece of it is no message event\")"),
        ("overloaded_midway", "In 1859 | Unavailable(\"Overloaded\")"),
        ("refusal", "In | Rejected(\"the model refuses to answer\")"),
        ("empty", " | Truncated(\"the model finished without writing anything\")"),
    ] {
        let recording = fixture(&format!("anthropic/{name}.sse"));
        for cut in [1, 7, 64, usize::MAX] {
            let server = Replay::start([Answer::stream(&recording, cut)]).await;
            let said = call(&config(Vendor::Anthropic, server.base_url()), &CallOptions::default()).await;
            assert_eq!(said, expected, "{name}, cut after {cut}");
        }
    }
}

#[tokio::test]
async fn an_answer_in_one_piece_is_an_answer_too() {
    let server = Replay::start([Answer::json(200, &fixture("anthropic/answer.json"))]).await;
    let said = call(&config(Vendor::Anthropic, server.base_url()), &CallOptions::default()).await;
    assert_eq!(said, "In 1859 [1]. | 412+8 in 1 | Stop");
}

#[tokio::test]
async fn the_request_is_a_messages_request() {
    let server = Replay::start([Answer::stream(fixture("anthropic/object.sse"), 100)]).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    std::fs::write(&file, "sk-canary-7c1f\n").unwrap();
    let config = ModelConfig {
        model: Some("claude-sonnet-4-6".to_owned()),
        api_key_file: Some(file),
        ..config(Vendor::Anthropic, server.base_url())
    };
    let schema = json!({"type": "object"});
    let options = CallOptions { json_schema: Some(("plan".to_owned(), schema)), ..CallOptions::default() };
    call(&config, &options).await;

    let asked = &server.asked()[0];
    assert_eq!(asked.path, "/v1/messages");
    assert_eq!(asked.headers["anthropic-version"], "2023-06-01");
    assert_eq!(asked.headers["x-api-key"], "sk-canary-7c1f");
    assert!(!asked.headers.contains_key("authorization"));
    assert_eq!(
        asked.body,
        json!({
            "model": "claude-sonnet-4-6",
            "system": "Answer from the passages.",
            "messages": [
                {"role": "user", "content": "What is it about?"},
                {"role": "assistant", "content": "A treaty [1]."},
                {"role": "user", "content": "<passages>…</passages>\nWhen was the treaty signed?"},
            ],
            "max_tokens": 8192,
            "stream": true,
            "tools": [{"name": "plan", "description": "Takes the answer.", "input_schema": {"type": "object"}}],
            "tool_choice": {"type": "tool", "name": "plan"},
        })
    );
}
