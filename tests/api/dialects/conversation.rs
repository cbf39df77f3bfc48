use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::model::{Act, Model};
use super::{content, data, last_call, leave_after, server, stream_of};
use crate::support::eventually;

const PATH: &str = "/api/ai/chat/stream";

#[tokio::test]
async fn a_conversation_is_opened_and_goes_on_under_its_id() {
    let model = Model::start(&[Act::Answer(&["They leave", " in October."])]).await;
    let server = server(&model.config()).await;
    let body = json!({"message": "When do silver eels leave?"});
    let response = server.send(Method::POST, PATH, Some(body)).await;
    let id = response.headers()["x-conversation-id"].to_str().unwrap().to_owned();
    let stream = response.text().await.unwrap();
    let message = data(&stream).last().unwrap()["messageId"].as_str().unwrap().to_owned();
    assert_eq!(
        stream,
        format!(
            "data: {{\"type\":\"chunk\",\"content\":\"They leave in October.\"}}\n\n\
             data: {{\"type\":\"done\",\"conversationId\":\"{id}\",\"messageId\":\"{message}\"}}\n\n"
        )
    );
    for number in 0..7 {
        let message = format!("How many silver eels were counted at weir {number}?");
        stream_of(&server, PATH, json!({"conversationId": id, "message": message})).await;
    }
    let history = server.get(&format!("/api/chat/sessions/{id}")).await;
    assert_eq!(history["message_count"], 16);
    assert_eq!(history["messages"][1]["content"], "They leave in October.");
    // Of the fourteen messages before the last question the model is told ten.
    let (said, _) = last_call(&model);
    assert_eq!(said.len(), 10);
    assert!(said[0].ends_with("weir 1?"), "{}", said[0]);
}

#[tokio::test]
async fn a_reader_that_leaves_changes_nothing_about_what_is_stored() {
    let config = "[[models]]\nname = \"typist\"\nprovider = \"scripted\"\ndelay_ms = 20\n";
    let server = server(config).await;
    let body = json!({"message": "When do silver eels leave?"});
    let response = server.send(Method::POST, PATH, Some(body)).await;
    let id = response.headers()["x-conversation-id"].to_str().unwrap().to_owned();
    let read = leave_after(response, |read| read.contains("chunk")).await;
    let read = content(&data(&read), "chunk");
    let answer = eventually("the answer is complete", async || {
        let history = server.get(&format!("/api/chat/sessions/{id}")).await;
        (history["messages"][1]["status"] == "complete").then(|| history["messages"][1]["content"].clone())
    })
    .await;
    let answer = answer.as_str().unwrap();
    assert!(answer.starts_with(&read) && answer.len() > read.len(), "{read} of {answer}");
}

#[tokio::test]
async fn a_failing_model_is_told_as_the_last_event_and_what_it_wrote_stays() {
    let model = Model::start(&[Act::BreakOff(&["They leave in"])]).await;
    let server = server(&model.config()).await;
    let body = json!({"message": "When do silver eels leave?"});
    let response = server.send(Method::POST, PATH, Some(body)).await;
    let id = response.headers()["x-conversation-id"].to_str().unwrap().to_owned();
    let frames = data(&response.text().await.unwrap());
    let last = frames.last().unwrap();
    assert_eq!(last["type"], "error");
    assert!(!last["message"].as_str().unwrap().is_empty());
    let history = server.get(&format!("/api/chat/sessions/{id}")).await;
    assert_eq!(history["messages"][1]["content"], "They leave in");
}

#[tokio::test]
async fn a_request_that_cannot_be_carried_out_opens_no_conversation() {
    let server = server("").await;
    for (status, body) in [
        (StatusCode::BAD_REQUEST, json!({"message": " "})),
        (StatusCode::BAD_REQUEST, json!({"conversationId": "018f0000-0000-7000-8000-000000000000"})),
        (
            StatusCode::NOT_FOUND,
            json!({"conversationId": "018f0000-0000-7000-8000-000000000000", "message": "Hello"}),
        ),
    ] {
        let problem: Value = server.problem(status, Method::POST, PATH, Some(body)).await;
        assert!(!problem["detail"].as_str().unwrap().is_empty());
    }
    assert_eq!(server.get("/api/chat/sessions").await["items"], json!([]));
}
