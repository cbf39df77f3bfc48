use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::Server;

const EELS: &str = "# Eels\n\nSilver eels leave the Halden estuary in October. They swim at night.\n";

/// A server with one answered question: the session, and the path of the reaction to its answer.
async fn answered() -> (Server, String, String) {
    let server = Server::start().await;
    server.add("eels.md", EELS).await;
    let session = server.session().await;
    let frames = server.ask(&session, json!({"content": "When do silver eels leave?"})).await;
    let message = frames[0].data["message_id"].as_str().unwrap().to_owned();
    let path = format!("/api/chat/sessions/{session}/messages/{message}/reaction");
    (server, session, path)
}

async fn shown(server: &Server, session: &str) -> Value {
    server.get(&format!("/api/chat/sessions/{session}")).await["messages"][1]["reaction"].clone()
}

#[tokio::test]
async fn a_reaction_is_kept_changed_shown_exported_and_taken_back() {
    let (mut server, session, path) = answered().await;
    let liked = server.json(Method::PUT, &path, Some(json!({"reaction": "like", "note": " exact "}))).await;
    assert_eq!(
        (&liked["reaction"]["reaction"], &liked["reaction"]["note"]),
        (&json!("like"), &json!("exact"))
    );
    server.restart().await;
    assert_eq!(shown(&server, &session).await["reaction"], "like");

    server.json(Method::PUT, &path, Some(json!({"reaction": "dislike"}))).await;
    let disliked = shown(&server, &session).await;
    assert_eq!((&disliked["reaction"], &disliked["note"]), (&json!("dislike"), &Value::Null), "no old note");
    let bundle = server.get(&format!("/api/chat/sessions/{session}/export")).await;
    assert_eq!(bundle["messages"][1]["reaction"]["reaction"], "dislike");

    server.json(Method::PUT, &path, Some(json!({"reaction": null}))).await;
    assert_eq!(shown(&server, &session).await, Value::Null);
    server.json(Method::PUT, &path, Some(json!({"reaction": "like"}))).await;
    server.json(Method::DELETE, &path, None).await;
    assert_eq!(shown(&server, &session).await, Value::Null);
}

#[tokio::test]
async fn a_reaction_that_says_too_much_or_to_nothing_is_refused() {
    let (server, session, path) = answered().await;
    let long = Some(json!({"reaction": "like", "note": "x".repeat(4_001)}));
    server.problem(StatusCode::PAYLOAD_TOO_LARGE, Method::PUT, &path, long).await;
    let lone_note = Some(json!({"reaction": null, "note": "why"}));
    server.problem(StatusCode::BAD_REQUEST, Method::PUT, &path, lone_note).await;
    let unknown = Some(json!({"reaction": "love"}));
    server.problem(StatusCode::BAD_REQUEST, Method::PUT, &path, unknown).await;
    let history = server.get(&format!("/api/chat/sessions/{session}")).await;
    let question = history["messages"][0]["id"].as_str().unwrap();
    let to_question = format!("/api/chat/sessions/{session}/messages/{question}/reaction");
    server
        .problem(StatusCode::BAD_REQUEST, Method::PUT, &to_question, Some(json!({"reaction": "like"})))
        .await;
    let elsewhere = path.replace(&session, &server.session().await);
    server.problem(StatusCode::NOT_FOUND, Method::PUT, &elsewhere, Some(json!({"reaction": "like"}))).await;
    assert_eq!(shown(&server, &session).await, Value::Null, "nothing of it was kept");
}
