use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::model::{Act, Model};
use super::{content, data, last_call, server, stream_of};
use crate::support::Server;

async fn open(server: &Server) -> String {
    let opened = server.post("/sessions", json!({})).await;
    assert_eq!(opened["success"], true);
    opened["id"].as_str().unwrap().to_owned()
}

async fn refusal(server: &Server, status: u16, path: &str, body: Value) -> Value {
    let response = server.send(Method::POST, path, Some(body)).await;
    assert_eq!(response.status().as_u16(), status, "{path}");
    let refusal: Value = response.json().await.unwrap();
    assert_eq!(refusal["success"], false);
    assert!(!refusal["error"]["message"].as_str().unwrap().is_empty());
    refusal["error"]["code"].clone()
}

#[tokio::test]
async fn an_answer_comes_as_named_chunks_and_then_whole() {
    let model = Model::start(&[Act::Answer(&["They leave", " in October."])]).await;
    let server = server(&model.config()).await;
    let session = open(&server).await;
    let chat = format!("/sessions/{session}/chat");
    let stream = stream_of(&server, &chat, json!({"message": "When do eels leave?"})).await;
    assert_eq!(
        stream,
        "event: chunk\ndata: {\"type\":\"chunk\",\"content\":\"They leave in October.\"}\n\n\
         event: complete\ndata: {\"type\":\"complete\",\"content\":\"They leave in October.\"}\n\n"
    );
    let shown = server.get(&format!("/sessions/{session}")).await;
    let said: Vec<_> = shown["messages"].as_array().unwrap().iter().collect();
    assert_eq!(said[0]["role"], "user");
    assert_eq!(said[0]["content"], "When do eels leave?");
    assert_eq!(said[1]["role"], "assistant");
    assert_eq!(said[1]["content"], "They leave in October.");
}

#[tokio::test]
async fn a_session_can_be_listed_renamed_and_deleted() {
    let server = Server::start().await;
    let session = open(&server).await;
    let path = format!("/sessions/{session}");
    let renamed = server.json(Method::PATCH, &path, Some(json!({"title": "Eels"}))).await;
    assert_eq!(renamed["title"], "Eels");
    assert_eq!(server.get("/sessions").await["sessions"][0]["title"], "Eels");
    assert_eq!(server.json(Method::DELETE, &path, None).await, json!({"success": true}));
    assert_eq!(server.get("/sessions").await["sessions"], json!([]));
    let response = server.send(Method::GET, &path, None).await;
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    assert_eq!(response.json::<Value>().await.unwrap()["error"]["code"], "NOT_FOUND");
}

#[tokio::test]
async fn the_model_is_told_the_whole_session() {
    let model = Model::start(&[Act::Answer(&["An answer."])]).await;
    let server = server(&model.config()).await;
    let session = open(&server).await;
    for number in 0..8 {
        let message = json!({"message": format!("How many silver eels were counted at weir {number}?")});
        stream_of(&server, &format!("/sessions/{session}/chat"), message).await;
    }
    let (said, question) = last_call(&model);
    assert_eq!(said.len(), 14);
    assert!(said[0].ends_with("weir 0?"), "{}", said[0]);
    assert!(question.ends_with("weir 7?"), "{question}");
}

#[tokio::test]
async fn what_is_wrong_before_the_stream_has_a_status_and_a_code() {
    let model = Model::start(&[Act::Refuse(401)]).await;
    let server = server(&model.config()).await;
    let session = open(&server).await;
    let chat = format!("/sessions/{session}/chat");
    for body in [json!({"message": ""}), json!({}), json!({"message": 3}), json!([])] {
        assert_eq!(refusal(&server, 400, &chat, body).await, "VALIDATION_ERROR");
    }
    for unknown in ["018f0000-0000-7000-8000-000000000000", "nothing"] {
        let path = format!("/sessions/{unknown}/chat");
        assert_eq!(refusal(&server, 404, &path, json!({"message": "Hello"})).await, "NOT_FOUND");
    }
    assert_eq!(refusal(&server, 500, &chat, json!({"message": "Hello eels"})).await, "API_KEY_MISSING");
    // The question was stored before the model was asked.
    let shown = server.get(&format!("/sessions/{session}")).await;
    assert_eq!(shown["messages"][0]["content"], "Hello eels");
}

#[tokio::test]
async fn a_model_that_breaks_off_ends_the_stream_with_an_error_and_its_words_stay() {
    let model = Model::start(&[Act::BreakOff(&["They leave in"])]).await;
    let server = server(&model.config()).await;
    let session = open(&server).await;
    let chat = format!("/sessions/{session}/chat");
    let stream = stream_of(&server, &chat, json!({"message": "When do eels leave?"})).await;
    let frames = data(&stream);
    assert_eq!(content(&frames, "chunk"), "They leave in");
    assert!(stream.contains("event: error\n"));
    let last = frames.last().unwrap();
    assert_eq!((&last["type"], &last["error"]["code"]), (&json!("error"), &json!("AI_ERROR")));
    let shown = server.get(&format!("/sessions/{session}")).await;
    assert_eq!(shown["messages"][1]["content"], "They leave in");
}
