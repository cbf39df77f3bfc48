//! Models that read less than they are given, and other refusals of a model, as the reader sees them.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Frame, Server, answer, citations};

const QUESTION: &str = "Why did about 600 fish die in August 2018?";

/// A server with the sample library, whose model reads at most so many words where this is said.
async fn short_sighted(words: u64, rules: &Value) -> Server {
    let mut all = vec![];
    for rule in rules.as_array().unwrap() {
        let mut rule = rule.clone();
        rule["over_words"] = words.into();
        rule["error"] = json!({"kind": "context_too_long"});
        all.push(rule);
    }
    let server = Server::scripted(&json!(all), "").await;
    server.upload_library().await;
    server
}

fn sources(frames: &[Frame]) -> Vec<usize> {
    let sources = frames.iter().filter(|frame| frame.event == "sources");
    sources.map(|frame| frame.data["sources"].as_array().unwrap().len()).collect()
}

fn note(frames: &[Frame]) -> Option<&str> {
    frames.iter().filter(|frame| frame.event == "step").find_map(|frame| frame.data["note"].as_str())
}

#[tokio::test]
async fn a_model_that_can_not_read_so_much_is_given_fewer_passages_once() {
    let server = short_sighted(0, &json!([])).await;
    let session = server.session().await;
    let whole = server.ask(&session, json!({"content": QUESTION})).await;
    let words = whole.last().unwrap().data["usage"]["input_tokens"].as_u64().unwrap();
    let num_whole = sources(&whole)[0];
    assert!(num_whole > 3 && note(&whole).is_none());

    let server = short_sighted(words * 3 / 4, &json!([{}])).await;
    let session = server.session().await;
    let frames = server.ask(&session, json!({"content": QUESTION})).await;
    assert_eq!(frames.last().unwrap().event, "done", "{frames:?}");
    let [first, second] = sources(&frames)[..] else { panic!("{frames:?}") };
    assert_eq!(first, num_whole);
    assert!(second > 0 && second < first);
    assert!(note(&frames).unwrap().contains(&format!("{second} of {first} passages")), "{:?}", note(&frames));
    assert!(!citations(&frames).is_empty());
    let history = server.get(&format!("/api/chat/sessions/{session}")).await;
    assert_eq!(history["messages"][1]["sources"].as_array().unwrap().len(), second);

    let server = short_sighted(0, &json!([{}])).await;
    let session = server.session().await;
    let frames = server.ask(&session, json!({"content": QUESTION})).await;
    assert_eq!(sources(&frames).len(), 2, "it is tried once more and no more");
    let error = &frames.last().unwrap().data;
    assert_eq!((&error["code"], &error["retryable"]), (&json!("context_too_long"), &json!(false)));
    assert!(error["message"].as_str().unwrap().contains("context_tokens"), "it says what to do: {error}");
    let path = format!("/api/chat/sessions/{session}/messages");
    let body = json!({"content": QUESTION, "stream": false});
    server.problem(StatusCode::PAYLOAD_TOO_LARGE, Method::POST, &path, Some(body)).await;
}

/// Lets a report be written by a model that reads at most so many words for its summary, and gives
/// the step that wrote it.
async fn summary(max_words: Option<u64>) -> Value {
    let plan = json!({"question": "What happened at Sallow?", "questions": [
        {"text": "When was the Sallow Dike breached?", "why": "the day"},
        {"text": "How many fish died in August 2018?", "why": "the damage"},
    ]});
    let refused = json!({
        "when": ["You write one section", "What happened at Sallow?"],
        "over_words": max_words.unwrap_or(1_000_000),
        "error": {"kind": "context_too_long"},
    });
    let rules = json!([
        {"when": ["You plan research"], "reply": plan.to_string()},
        {"when": ["You look for gaps"], "reply": "{\"questions\": []}"},
        refused,
        {"when": ["You write one section"], "reply": "The passages tell of it [1]."},
    ]);
    let server = Server::scripted(&rules, "").await;
    server.upload_library().await;
    let session = server.session().await;
    let body = json!({"content": "What happened at Sallow?", "mode": "deep_research"});
    let frames = server.ask(&session, body).await;
    assert_eq!(frames.last().unwrap().event, "done");
    assert!(answer(&frames).contains("## In short"), "{}", answer(&frames));
    let mut steps = frames.into_iter().filter(|frame| frame.data["kind"] == "write").map(|frame| frame.data);
    steps.find(|step| step["state"] == "finished" && step.get("question_id").is_none()).unwrap()
}

#[tokio::test]
async fn a_part_of_a_report_is_written_from_fewer_passages_too() {
    let whole = summary(None).await;
    let words = whole["result"]["usage"]["input_tokens"].as_u64().unwrap();
    let shorter = summary(Some(words * 3 / 4)).await;
    assert!(shorter["note"].as_str().unwrap().contains("passages are used"), "{shorter}");
    let none = summary(Some(0)).await;
    assert!(
        none["note"].as_str().unwrap().contains("without a model, because the prompt is longer"),
        "{none}"
    );
}

#[tokio::test]
async fn a_refusal_of_the_model_has_its_status_in_a_plain_answer() {
    for (error, status, code, wait) in [
        (json!({"kind": "rate_limited", "retry_after_s": 77}), 429, "provider_rate_limited", Some("77")),
        (json!({"kind": "rate_limited", "retry_after_s": 0}), 429, "provider_rate_limited", Some("1")),
        (json!({"kind": "unauthorized"}), 502, "provider_unauthorized", None),
        (json!({"kind": "rejected"}), 502, "provider_rejected", None),
    ] {
        let server = Server::scripted(&json!([{ "error": error }]), "").await;
        let session = server.session().await;
        let path = format!("/api/chat/sessions/{session}/messages");
        let body = json!({"content": "Anything?", "stream": false});
        let response = server.send(Method::POST, &path, Some(body)).await;
        assert_eq!(response.status().as_u16(), status, "{code}");
        let retry_after =
            response.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(retry_after.as_deref(), wait, "{code}");
        let problem: Value = response.json().await.unwrap();
        assert_eq!(problem["code"], code);
        let id = problem["message_id"].as_str().unwrap();
        let stored = server.get(&format!("{path}/{id}")).await;
        assert_eq!(stored["error"]["code"], code);
        let seconds = wait.map(|wait| wait.parse::<u64>().unwrap());
        assert_eq!(stored["error"]["retry_after_s"].as_u64(), seconds);
    }
}
