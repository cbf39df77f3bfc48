//! What one user's questions can reach of another's documents, seen where it matters: in the prompts
//! that a model gets.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::post;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::team::{Person, UNHURRIED, user, with_keys};

type Prompts = Arc<Mutex<Vec<String>>>;

/// A model that records what it is asked and says the same each time.
async fn model() -> (String, Prompts) {
    let prompts = Prompts::default();
    let router = Router::new().route("/v1/chat/completions", post(answer)).with_state(Arc::clone(&prompts));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (url, prompts)
}

async fn answer(State(prompts): State<Prompts>, body: String) -> impl IntoResponse {
    prompts.lock().unwrap().push(body);
    let piece = |delta: Value, reason: Value| {
        let choice = json!({"index": 0, "delta": delta, "finish_reason": reason});
        let chunk = json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]});
        format!("data: {chunk}\n\n")
    };
    let text = piece(json!({"role": "assistant", "content": "It is so."}), Value::Null)
        + &piece(json!({}), json!("stop"))
        + "data: [DONE]\n\n";
    ([("content-type", "text/event-stream")], text)
}

fn canary(number: usize) -> String {
    format!("canary{number}zebra")
}

#[tokio::test]
async fn a_prompt_holds_nothing_that_its_asker_may_not_read() {
    let (url, prompts) = model().await;
    let config = format!(
        "{UNHURRIED}[[models]]\nname = \"fake\"\nprovider = \"openai\"\nmodel = \"m\"\nbase_url = \"{url}\"\n"
    );
    let server = with_keys(&config).await;
    let mut people: Vec<Person> = Vec::new();
    for number in 0..6 {
        let person = user(&server, &format!("user{number}")).await;
        let text =
            format!("# The secret of the vault\n\nThe secret word of the vault is {}.", canary(number));
        person.add("vault.md", &text, Some("vault")).await;
        people.push(person);
    }
    let ask = async |person: &Person| -> String {
        prompts.lock().unwrap().clear();
        let session = person.session().await;
        let answer = person.ask(&session, "What is the secret word of the vault?").await;
        assert_eq!(answer.status(), StatusCode::OK);
        prompts.lock().unwrap().concat()
    };
    for (number, person) in people.iter().enumerate() {
        let prompt = ask(person).await;
        for other in 0..people.len() {
            assert_eq!(
                prompt.contains(&canary(other)),
                other == number,
                "user{number} and {other}: {prompt}"
            );
        }
        let found = person.get("/api/search?q=secret+word+vault&limit=200").await;
        assert_eq!(found["hits"].as_array().unwrap().len(), 1, "{found}");
    }

    // Shared for reading, and only until it is not.
    let [owner, reader, third, ..] = people.as_slice() else { panic!("too few") };
    let share = async |sharing: Value| {
        owner.json(Method::PUT, "/api/collections/vault/sharing", Some(&sharing)).await;
    };
    share(json!({"readers": ["user1"]})).await;
    let prompt = ask(reader).await;
    assert!(prompt.contains(&canary(0)) && prompt.contains(&canary(1)), "{prompt}");
    assert!(!ask(third).await.contains(&canary(0)));
    let shared = reader.get("/api/documents").await;
    let items = shared["items"].as_array().unwrap();
    assert_eq!(items.len(), 2, "{shared}");
    let document = items.iter().find(|item| item["owner"] == "user0").unwrap()["id"].as_str().unwrap();
    assert_eq!(reader.status(&format!("/api/documents/{document}/text")).await, StatusCode::OK);
    let path = format!("/api/documents/{document}");
    let title = json!({"title": "mine"});
    for (method, body) in [(Method::DELETE, None), (Method::PATCH, Some(&title))] {
        assert_eq!(reader.refusal(method, &path, body).await, (403, "forbidden".to_owned()));
    }
    let collections = reader.get("/api/collections").await;
    let owners: Vec<&Value> =
        collections["items"].as_array().unwrap().iter().map(|item| &item["owner"]).collect();
    assert_eq!(owners, ["user0", "user1"], "{collections}");

    // A session that was pointed at the document while it was shared.
    let session = reader.post("/api/chat/sessions", json!({"document_ids": [document]})).await;
    let session = session["id"].as_str().unwrap();
    share(json!({"everyone": true})).await;
    assert!(ask(third).await.contains(&canary(0)));
    share(json!({})).await;
    assert!(!ask(reader).await.contains(&canary(0)));
    assert!(!ask(third).await.contains(&canary(0)));
    assert_eq!(reader.ask(session, "What is the secret word?").await.status(), StatusCode::NOT_FOUND);
    assert_eq!(reader.status(&path).await, StatusCode::NOT_FOUND);
    assert_eq!(owner.status(&path).await, StatusCode::OK);
}

#[tokio::test]
async fn the_same_key_of_two_users_is_two_keys() {
    let server = with_keys(UNHURRIED).await;
    let mut ids = Vec::new();
    for name in ["ada", "ben", "ada"] {
        let person = user(&server, name).await;
        let request = person.request(Method::POST, "/api/chat/sessions").header("idempotency-key", "k1");
        let response = request.json(&json!({"title": "eels"})).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::CREATED);
        let session: Value = response.json().await.unwrap();
        person.get(&format!("/api/chat/sessions/{}", session["id"].as_str().unwrap())).await;
        ids.push(session["id"].clone());
    }
    assert!(ids[0] != ids[1] && ids[0] == ids[2], "{ids:?}");
}
