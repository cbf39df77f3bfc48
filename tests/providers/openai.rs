//! Chat completions: what is sent, and what each recorded answer is read as.

use ibid::config::model::{ModelConfig, Vendor};
use ibid::provider::CallOptions;
use serde_json::json;

use crate::replay::{Answer, Replay};
use crate::{call, config, fixture};

const ZURICH: &str = "The Zürich treaty – 条約 – was signed in 1859 [1]. | 412+14 in 1 | Stop";

#[tokio::test]
async fn each_recording_is_read_the_same_however_it_is_cut() {
    for (name, expected) in [
        ("answer", ZURICH),
        ("crlf", ZURICH),
        ("comments", "Signed in 1859 [1]. | 412+9 in 1 | Stop"),
        ("empty_deltas", "In 1859 [1]. | 412+5 in 1 | Stop"),
        ("tool_calls", "In 1859 [1]. | 412+21 in 1 | Stop"),
        ("reasoning", "~~~In 1859 [1]. | 412+40 in 1 | Stop"),
        ("parts", "~In 1859 [1]. | Stop"),
        ("bare", "In 1859 [1]. | Stop"),
        ("no_usage", "In 1859 [1]. | Stop"),
        ("no_done", "In 1859 [1]. | 412+5 in 1 | Stop"),
        ("no_finish_reason", "In 1859 [1]. | Stop"),
        ("length", "In 1859 the treaty | 412+4 in 1 | Length"),
        ("refusal", "I can't help with that. | Stop"),
        ("no_end_mark", "In 1859 the | Truncated(\"it has no end mark\")"),
        ("malformed", "In 1859 | Truncated(\"a piece of it is not JSON\")"),
        ("error_midway", "In 1859 | Unavailable(\"The server had an error while processing your request.\")"),
        ("error_first", " | RateLimited { retry_after: None }"),
        ("error_event", "In | Unavailable(\"engine is dead\")"),
        ("content_filter", "In 18 | Rejected(\"its content filter ended the answer\")"),
        ("empty", " | Truncated(\"the model finished without writing anything\")"),
        (
            "spent_on_thought",
            "~ | Rejected(\"the model used up its output tokens before it wrote anything: allow it more\")",
        ),
    ] {
        let recording = fixture(&format!("openai/{name}.sse"));
        for cut in [1, 7, 64, usize::MAX] {
            let server = Replay::start([Answer::stream(&recording, cut)]).await;
            let said = call(&config(Vendor::OpenAi, server.base_url()), &CallOptions::default()).await;
            assert_eq!(said, expected, "{name}, cut after {cut}");
        }
    }
}

#[tokio::test]
async fn an_answer_in_one_piece_is_an_answer_too() {
    let server = Replay::start([Answer::json(200, &fixture("openai/answer.json"))]).await;
    let said = call(&config(Vendor::OpenAi, server.base_url()), &CallOptions::default()).await;
    assert_eq!(said, "In 1859 [1]. | 412+5 in 1 | Stop");
}

#[tokio::test]
async fn the_request_holds_the_conversation_and_asks_for_usage() {
    let server = Replay::start([Answer::stream(fixture("openai/answer.sse"), 100)]).await;
    let config = ModelConfig {
        model: Some("qwen3:8b".to_owned()),
        max_output_tokens: Some(900),
        ..config(Vendor::OpenAi, server.base_url())
    };
    let options = CallOptions { max_output_tokens: Some(1200), ..CallOptions::default() };
    call(&config, &options).await;

    let asked = &server.asked()[0];
    assert_eq!(asked.path, "/v1/chat/completions");
    assert_eq!(asked.headers["accept"], "text/event-stream");
    assert_eq!(asked.headers["content-type"], "application/json");
    assert!(!asked.headers.contains_key("authorization"), "no key, no header");
    assert_eq!(
        asked.body,
        json!({
            "model": "qwen3:8b",
            "messages": [
                {"role": "system", "content": "Answer from the passages."},
                {"role": "user", "content": "What is it about?"},
                {"role": "assistant", "content": "A treaty [1]."},
                {"role": "user", "content": "<passages>…</passages>\nWhen was the treaty signed?"},
            ],
            "stream": true,
            "stream_options": {"include_usage": true},
            "max_tokens": 900,
        })
    );
}

#[tokio::test]
async fn a_schema_is_sent_as_binding_only_if_it_meets_the_vendors_conditions() {
    let closed = json!({
        "type": "object",
        "properties": {"questions": {"type": "array", "items": {"type": "string"}}},
        "required": ["questions"],
        "additionalProperties": false,
    });
    let mut open = closed.clone();
    open["additionalProperties"] = json!(true);
    for (schema, strict) in [(closed, Some(true)), (open, None)] {
        let server = Replay::start([Answer::stream(fixture("openai/answer.sse"), 100)]).await;
        let mut config = config(Vendor::OpenAi, server.base_url());
        let options =
            CallOptions { json_schema: Some(("plan".to_owned(), schema.clone())), ..CallOptions::default() };
        call(&config, &options).await;
        config.structured_output = Some(false);
        call(&config, &options).await;

        let mut expected = json!({"type": "json_schema", "json_schema": {"name": "plan", "schema": schema}});
        if let Some(strict) = strict {
            expected["json_schema"]["strict"] = json!(strict);
        }
        assert_eq!(server.asked()[0].body["response_format"], expected);
        assert!(server.asked()[1].body.get("response_format").is_none(), "switched off");
    }
}

#[tokio::test]
async fn a_server_that_refuses_to_count_is_asked_once_more_and_then_never_again() {
    let server = Replay::start([
        Answer::json(400, &fixture("openai/refusals/stream_options.json")),
        Answer::stream(fixture("openai/no_usage.sse"), 100),
    ])
    .await;
    let model = crate::model(&[config(Vendor::OpenAi, server.base_url())]);
    assert_eq!(crate::ask(&model).await, "In 1859 [1]. | 0+0 in 1 | Stop");
    assert_eq!(crate::ask(&model).await, "In 1859 [1]. | 0+0 in 1 | Stop");
    let counts: Vec<bool> = server.asked().iter().map(|a| a.body.get("stream_options").is_some()).collect();
    assert_eq!(counts, [true, false, false]);
}

#[tokio::test]
async fn xai_speaks_the_same() {
    let server = Replay::start([Answer::stream(fixture("openai/answer.sse"), 9)]).await;
    assert_eq!(call(&config(Vendor::Xai, server.base_url()), &CallOptions::default()).await, ZURICH);
}
