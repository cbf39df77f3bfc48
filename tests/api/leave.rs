//! Answers that nobody reads, where the configuration lets them end.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Server, client, eventually, frames};

/// A server whose answers take about three seconds and go unread for one.
async fn impatient() -> (Server, String) {
    let words = "word ".repeat(30);
    let rules = json!([{"reply": words, "delay_ms": 100}]);
    let server = Server::scripted(&rules, "[ask]\ncancel_unread_s = 1").await;
    let session = server.session().await;
    (server, session)
}

/// The answer once it is over. Only looking at the message itself would count as reading it.
async fn ended(server: &Server, session: &str) -> Value {
    eventually("the answer ends", async || {
        let history = server.get(&format!("/api/chat/sessions/{session}")).await;
        let answer = history["messages"].get(1)?.clone();
        (answer["status"] != "running").then_some(answer)
    })
    .await
}

#[tokio::test]
async fn an_answer_whose_last_reader_left_ends_after_the_grace_time() {
    let (server, session) = impatient().await;
    let path = format!("/api/chat/sessions/{session}/messages");
    let mut response = server.send(Method::POST, &path, Some(json!({"content": "Say it."}))).await;
    let mut stream = String::new();
    while !stream.contains("event: token") {
        stream.push_str(std::str::from_utf8(&response.chunk().await.unwrap().unwrap()).unwrap());
    }
    drop(response);
    let answer = ended(&server, &session).await;
    assert_eq!(answer["status"], "cancelled");
    let content = answer["content"].as_str().unwrap();
    assert!(content.contains("word") && content.len() < 150, "what there was is kept: {content}");
}

#[tokio::test]
async fn an_answer_that_is_read_or_returned_to_in_time_goes_on() {
    let (server, session) = impatient().await;
    let read = server.ask(&session, json!({"content": "Say it."})).await;
    assert_eq!(read.last().unwrap().data["finish_reason"], "stop", "longer than the grace time");

    let session = server.session().await;
    let path = format!("/api/chat/sessions/{session}/messages");
    let mut response =
        server.send(Method::POST, &path, Some(json!({"content": "Say it.", "cache": false}))).await;
    let mut stream = String::new();
    while !stream.contains("event: token") {
        stream.push_str(std::str::from_utf8(&response.chunk().await.unwrap().unwrap()).unwrap());
    }
    drop(response);
    let id = frames(&stream)[0].data["message_id"].as_str().unwrap().to_owned();
    let events = server.events(&session, &id, 2).await;
    assert_eq!(events.last().unwrap().data["finish_reason"], "stop");
}

#[tokio::test]
async fn an_answer_that_nobody_ever_read_ends_too() {
    let (server, session) = impatient().await;
    let url = format!("{}/api/chat/sessions/{session}/messages", server.url);
    let body = json!({"content": "Say it.", "stream": false});
    let request = client().post(url).json(&body).timeout(Duration::from_millis(300));
    assert!(request.send().await.unwrap_err().is_timeout());
    assert_eq!(ended(&server, &session).await["status"], "cancelled");
}
