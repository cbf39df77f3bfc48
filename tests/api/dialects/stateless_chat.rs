use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::model::{Act, Model};
use super::{content, data, last_call, leave_after, server, stream_of};
use crate::support::{Server, eventually};

fn hello(stream: bool) -> Value {
    json!({"messages": [{"role": "user", "content": "When do silver eels leave?"}], "stream": stream})
}

/// Whether neither a session nor an answer is on disk.
async fn assert_nothing_is_kept(server: &Server) {
    assert_eq!(server.get("/api/chat/sessions").await["items"], json!([]));
    assert_eq!(std::fs::read_dir(server.data.path().join("answers")).unwrap().count(), 0);
}

#[tokio::test]
async fn both_kinds_of_request_give_the_answer_and_store_nothing() {
    let model = Model::start(&[Act::Answer(&["They leave", " in October [1]."])]).await;
    let server = server(&model.config()).await;
    let stream = stream_of(&server, "/chat", hello(true)).await;
    assert!(
        stream.starts_with("data: {\"type\":\"token\",\"content\":\"They leave in October [1]\"}\n\n"),
        "{stream}"
    );
    assert!(stream.ends_with("\n\ndata: [DONE]\n\n"), "{stream}");
    assert!(stream.lines().all(|line| line.is_empty() || line.starts_with("data: ")));
    let frames = data(&stream);
    let cited = &frames[frames.len() - 2]["citations"][0];
    assert_eq!(cited["quote"], "Silver eels leave the Halden estuary in October.");
    // A client that joins the content of every frame has the answer.
    let joined: String = frames.iter().filter_map(|frame| frame["content"].as_str()).collect();
    assert_eq!(joined, "They leave in October [1].");

    let body = server.post("/chat", hello(false)).await;
    assert_eq!(body["role"], "assistant");
    assert_eq!(body["content"], "They leave in October [1].");
    assert_eq!(body["citations"][0], *cited);
    assert_nothing_is_kept(&server).await;

    // An answer can be sent back as it came.
    let question = json!({"role": "user", "content": "Why do silver eels leave the estuary?"});
    let first = hello(false)["messages"][0].clone();
    server.post("/chat", json!({"messages": [first, body, question], "stream": false})).await;
    let (said, _) = last_call(&model);
    assert_eq!(said, ["When do silver eels leave?", "They leave in October [1]."]);
}

#[tokio::test]
async fn the_wishes_of_the_request_stand_in_for_those_of_the_configuration() {
    let model = Model::start(&[Act::Answer(&["Aye."])]).await;
    let config = format!("{}[ask]\nsystem = \"Speak like a sailor.\"\n", model.config());
    let server = server(&config).await;
    let system = |number: usize| model.calls()[number][0]["content"].as_str().unwrap().to_owned();
    server.post("/chat", hello(false)).await;
    assert!(system(0).contains("Speak like a sailor."));
    let mut own = hello(false);
    own["system"] = json!("Answer in one word.");
    server.post("/chat", own).await;
    assert!(system(1).contains("Answer in one word.") && !system(1).contains("sailor"));
    // The rules of citing come first either way.
    let rules = "Use only the numbers you were given.";
    assert!(system(0).contains(rules) && system(1).find(rules) < system(1).find("Answer in one word."));
}

#[tokio::test]
async fn a_refused_key_is_401_and_a_limited_rate_429_after_several_tries() {
    for stream in [true, false] {
        let model = Model::start(&[Act::Refuse(401)]).await;
        let server = server(&model.config()).await;
        server.problem(StatusCode::UNAUTHORIZED, Method::POST, "/chat", Some(hello(stream))).await;
        assert_eq!(model.calls().len(), 1);
    }
    let model = Model::start(&[Act::Refuse(429)]).await;
    let server = server(&model.config()).await;
    server.problem(StatusCode::TOO_MANY_REQUESTS, Method::POST, "/chat", Some(hello(true))).await;
    assert_eq!(model.calls().len(), 3);
    assert_nothing_is_kept(&server).await;
}

#[tokio::test]
async fn a_rate_that_is_limited_once_is_not_seen() {
    let model = Model::start(&[Act::Refuse(429), Act::Answer(&["In October."])]).await;
    let server = server(&model.config()).await;
    assert_eq!(server.post("/chat", hello(false)).await["content"], "In October.");
}

#[tokio::test]
async fn a_model_that_breaks_off_is_told_before_the_end() {
    let model = Model::start(&[Act::BreakOff(&["They leave in"])]).await;
    let server = server(&model.config()).await;
    let frames = data(&stream_of(&server, "/chat", hello(true)).await);
    assert_eq!(content(&frames, "token"), "They leave in");
    let [.., error, done] = frames.as_slice() else { panic!("{frames:?}") };
    assert_eq!(error["type"], "error");
    assert_eq!(done, "[DONE]");
    server.problem(StatusCode::BAD_GATEWAY, Method::POST, "/chat", Some(hello(false))).await;
}

#[tokio::test]
async fn an_answer_whose_reader_leaves_is_stopped_at_the_model() {
    let model = Model::start(&[Act::GoOn]).await;
    let server = server(&model.config()).await;
    let response = server.send(Method::POST, "/chat", Some(hello(true))).await;
    leave_after(response, |read| read.contains("word")).await;
    let begun = Instant::now();
    eventually("the model is left", async || model.was_left().then_some(())).await;
    assert!(begun.elapsed() < Duration::from_secs(10));
    assert_nothing_is_kept(&server).await;
}

#[tokio::test]
async fn a_crash_in_the_middle_leaves_nothing() {
    let model = Model::start(&[Act::GoOn]).await;
    let mut server = server(&model.config()).await;
    let response = server.send(Method::POST, "/chat", Some(hello(true))).await;
    leave_after(response, |read| read.contains("word")).await;
    let response = server.send(Method::POST, "/chat", Some(hello(true))).await;
    server.restart().await;
    drop(response);
    assert_nothing_is_kept(&server).await;
}

#[tokio::test]
async fn a_conversation_has_to_end_with_a_question() {
    let server = server("").await;
    for body in [
        json!({"messages": []}),
        json!({"messages": [{"role": "assistant", "content": "Hello"}]}),
        json!({"messages": [{"role": "user", "content": ""}]}),
        json!({"messages": [{"role": "tool", "content": "Hello"}]}),
        json!({"messages": [{"role": "user", "content": "Hello"}], "model": "none"}),
    ] {
        server.problem(StatusCode::BAD_REQUEST, Method::POST, "/chat", Some(body)).await;
    }
}
