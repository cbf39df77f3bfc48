//! The log tells what was done and for which request, and at its most talkative still no secret.

use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Server, client, eventually};

const KEY: &str = "sk-canarykey-51d0";
const QUESTION: &str = "canaryquestion";
const DOCUMENT: &str = "canarydocument";
const ANSWER: &str = "canaryanswer";
const QUERY: &str = "canaryquery";
const BODY: &str = "canarybody";
const NAME: &str = "canaryname";

/// A model's server that fails once, with the prompt in its complaint, and then answers.
async fn model() -> String {
    let asked = std::sync::Arc::new(AtomicUsize::new(0));
    let answer = move |body: String| {
        let number = asked.fetch_add(1, Ordering::Relaxed);
        async move { if number == 0 { complaint(&body) } else { stream() } }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await.unwrap() });
    url
}

fn complaint(body: &str) -> Response {
    let said = json!({"error": {"message": format!("no: {body}"), "type": "server_error"}});
    (StatusCode::INTERNAL_SERVER_ERROR, axum::Json(said)).into_response()
}

fn stream() -> Response {
    let piece = |delta: Value, end: Value| {
        let choices = json!([{"index": 0, "delta": delta, "finish_reason": end}]);
        let whole = json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices});
        format!("data: {whole}\n\n")
    };
    let said = piece(json!({"content": format!("It says {ANSWER} [1].")}), Value::Null);
    let body = format!("{said}{}data: [DONE]\n\n", piece(json!({}), "stop".into()));
    ([(header::CONTENT_TYPE, "text/event-stream")], body).into_response()
}

#[tokio::test]
async fn nothing_anyone_wrote_and_no_key_is_in_the_most_talkative_log() {
    let folder = tempfile::tempdir().unwrap();
    let (key, log) = (folder.path().join("key"), folder.path().join("log"));
    std::fs::write(&key, KEY).unwrap();
    let config = format!(
        "[[models]]\nname = \"m\"\nprovider = \"openai\"\nmodel = \"x\"\nbase_url = \"{}\"\napi_key_file = '{}'\n",
        model().await,
        key.display()
    );
    let server = Server::with_log(&config, &log).await;
    server.add(&format!("{NAME}.md"), format!("# Bees\n\nThe {DOCUMENT} bee makes honey.")).await;
    let session = server.session().await;
    let answer = client()
        .post(format!("{}/api/chat/sessions/{session}/messages", server.url))
        .header("x-request-id", "asked-by-hand-7")
        .json(&json!({"content": format!("Which bee makes honey, {QUESTION}?")}))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.headers()["x-request-id"], "asked-by-hand-7");
    let answer = answer.text().await.unwrap();
    assert!(answer.contains(ANSWER) && answer.contains("event: done"), "{answer}");
    server.ask(&session, json!({"content": format!("And the {QUESTION}?"), "mode": "deep_research"})).await;
    server.get(&format!("/api/search?q={QUERY} honey")).await;
    for path in ["/api/search?limit=", "/", "/api/documents/", "/api/documents?cursor="] {
        server.send(Method::GET, &format!("{path}{QUERY}"), None).await;
    }
    let broken =
        client().post(format!("{}/api/chat/sessions", server.url)).body(format!("{{\"title\": {BODY}}}"));
    broken.header("content-type", "application/json").send().await.unwrap();
    server.send(Method::POST, "/api/chat/sessions", Some(json!({"mode": BODY}))).await;
    server.upload(&format!("{NAME}.pdf"), format!("%PDF-1.7 {DOCUMENT}"), None).await;

    let framed = reqwest::Client::builder().no_proxy().http2_prior_knowledge().build().unwrap();
    let asked = framed.get(format!("{}/api/search?q={QUERY}", server.url)).bearer_auth(KEY);
    asked.header("cookie", format!("ibid={KEY}")).send().await.unwrap();

    let told = eventually("the end of the run is logged", async || {
        let log = std::fs::read_to_string(&log).unwrap();
        log.contains("a call to a model failed").then_some(log)
    })
    .await;
    assert!(told.contains("TRACE"), "the log says too little to mean anything");
    for secret in [KEY, QUESTION, DOCUMENT, ANSWER, QUERY, BODY, NAME] {
        let lines: Vec<&str> = told.lines().filter(|line| line.contains(secret)).collect();
        assert!(lines.is_empty(), "`{secret}` is in the log:\n{}", lines.join("\n"));
    }
    let failure = told.lines().find(|line| line.contains("a call to a model failed")).unwrap();
    assert!(failure.contains("asked-by-hand-7"), "which request was it? {failure}");
    let access = told.lines().find(|line| line.contains("answered") && line.contains("/messages")).unwrap();
    for part in
        ["asked-by-hand-7", "POST", "/api/chat/sessions/{id}/messages", "status=200", "duration_ms=", "local"]
    {
        assert!(access.contains(part), "no {part}: {access}");
    }
}
