//! What tiers include and how fast one may ask: exact under a crowd, given back after a failure, and
//! right again after a crash.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Server, eventually};
use crate::team::{Person, UNHURRIED, operator, user, with_keys};

/// A server with one small tier and a scripted model: it fails when told to, and can be slow.
async fn small(more: &str) -> Server {
    let script = r#"[
        {"when": ["fail"], "error": {"kind": "rejected"}},
        {"when": ["slowly"], "reply": "one two three four five six seven eight nine ten", "delay_ms": 2000},
        {"reply": "It is so.", "delay_ms": 0, "usage": {"input_tokens": 70, "output_tokens": 7}}
    ]"#;
    let file = tempfile::NamedTempFile::new().unwrap().into_temp_path();
    std::fs::write(&file, script).unwrap();
    let script = file.keep().unwrap();
    let server = with_keys(&format!(
        "tier = \"small\"\n[[models]]\nname = \"m\"\nprovider = \"scripted\"\nscript = \"{}\"\n\
         [[models]]\nname = \"large\"\nprovider = \"extractive\"\n\
         [[models]]\nname = \"far\"\nprovider = \"openai\"\nmodel = \"vendors-far\"\n\
         base_url = \"http://127.0.0.1:9/v1\"\n\
         [[tiers]]\nname = \"small\"\nmodels = [\"m\", \"far\"]\nmessages_per_day = 10\ndocuments = 2\n\
         stored_bytes = 100\ndeep_runs_per_day = 0\n\
         [[tiers]]\nname = \"big\"\n{more}",
        script.display()
    ))
    .await;
    // A model that can't be opened would have told by now.
    std::fs::remove_file(script).unwrap();
    server
}

async fn used(person: &Person) -> (u64, u64) {
    let usage = person.get("/api/usage").await;
    (usage["messages"]["used"].as_u64().unwrap(), usage["tokens"]["used"].as_u64().unwrap())
}

/// The tokens of an answer.
fn spent(answer: &Value) -> u64 {
    let count = |name: &str| answer["usage"][name].as_u64().unwrap_or_else(|| panic!("{answer}"));
    count("input_tokens") + count("output_tokens")
}

#[tokio::test]
async fn of_two_hundred_questions_at_once_exactly_ten_pass() {
    let server = small(UNHURRIED).await;
    let ada = user(&server, "ada").await;
    let mut sessions = Vec::new();
    for _ in 0..20 {
        sessions.push(ada.session().await);
    }
    let questions = (0..200).map(|number| {
        let (ada, session) = (ada.clone(), sessions[number % sessions.len()].clone());
        tokio::spawn(async move {
            let answer = ada.ask(&session, "What is it?").await;
            let retry_after = answer.headers().get("retry-after").is_some();
            (answer.status(), retry_after, answer.json::<Value>().await.unwrap())
        })
    });
    let (mut passed, mut tokens) = (0, 0);
    for question in futures::future::join_all(questions).await {
        let (status, retry_after, body) = question.unwrap();
        if status == StatusCode::OK {
            passed += 1;
            tokens += spent(&body);
        } else {
            assert_eq!((status.as_u16(), &body["code"]), (429, &json!("quota_exceeded")), "{body}");
            assert!(retry_after, "{body}");
        }
    }
    assert_eq!(passed, 10);
    assert!(tokens >= 77, "{tokens}");
    assert_eq!(used(&ada).await, (10, tokens));
    // Another user has their own.
    let bob = user(&server, "bob").await;
    let session = bob.session().await;
    assert_eq!(bob.ask(&session, "What is it?").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_failure_or_a_cancelled_answer_gives_back_what_it_held() {
    let server = small(UNHURRIED).await;
    let ada = user(&server, "ada").await;
    let session = ada.session().await;
    assert_eq!(ada.ask(&session, "Please fail.").await.status(), StatusCode::BAD_GATEWAY);
    assert_eq!(used(&ada).await, (0, 0));

    let path = format!("/api/chat/sessions/{session}/messages");
    let asking = json!({"content": "Tell it slowly."});
    let mut stream = ada.send(Method::POST, &path, Some(&asking)).await;
    let mut text = String::new();
    while !text.contains("message_id") {
        text.push_str(&String::from_utf8_lossy(&stream.chunk().await.unwrap().unwrap()));
    }
    let (messages, tokens) = used(&ada).await;
    assert!(messages == 1 && tokens > 1000, "held while it is made: {messages} {tokens}");
    let history = ada.get(&format!("/api/chat/sessions/{session}")).await;
    let answer = history["messages"].as_array().unwrap().last().unwrap()["id"].as_str().unwrap().to_owned();
    ada.send(Method::POST, &format!("{path}/{answer}/cancel"), None).await;
    assert_eq!(used(&ada).await, (0, 0));
    let answer: Value = ada.ask(&session, "What is it?").await.json().await.unwrap();
    let spent = spent(&answer);
    assert_eq!(used(&ada).await, (1, spent));

    // Deleting the session stops the answer, which gives back as well.
    ada.send(Method::POST, &path, Some(&asking)).await;
    ada.send(Method::DELETE, &format!("/api/chat/sessions/{session}"), None).await;
    eventually("it is given back", async || (used(&ada).await == (1, spent)).then_some(())).await;
}

#[tokio::test]
async fn what_answers_held_when_the_server_was_killed_is_given_back() {
    let config = "[[models]]\nname = \"slow\"\nprovider = \"scripted\"\ndelay_ms = 1000\n";
    let mut server = with_keys(&format!("{UNHURRIED}{config}")).await;
    let ada = user(&server, "ada").await;
    ada.add("eels.md", "Silver eels leave the estuary in October. They swim at night.", None).await;
    let session = ada.session().await;
    let path = format!("/api/chat/sessions/{session}/messages");
    let mut stream = ada.send(Method::POST, &path, Some(&json!({"content": "When do eels leave?"}))).await;
    stream.chunk().await.unwrap();
    assert_eq!(used(&ada).await.0, 1);
    server.restart().await;
    let ada = Person::with(&server, ada.credential.as_deref());
    assert_eq!(used(&ada).await, (0, 0));
    let history = ada.get(&format!("/api/chat/sessions/{session}")).await;
    assert_eq!(history["messages"][1]["status"], "interrupted");
}

#[tokio::test]
async fn a_tier_says_which_models_and_how_many_documents() {
    let server = small(UNHURRIED).await;
    let ada = user(&server, "ada").await;
    let session = ada.session().await;
    let path = format!("/api/chat/sessions/{session}/messages");
    let large = json!({"content": "What is it?", "model": "large", "stream": false});
    let response = ada.send(Method::POST, &path, Some(&large)).await;
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    let problem: Value = response.json().await.unwrap();
    assert_eq!(problem["code"], "tier_required");
    assert!(problem["detail"].as_str().unwrap().contains("big"), "{problem}");
    // A model is itself under its name at the vendor, too.
    ada.post("/chat/start", json!({"modelId": "vendors-far", "prompt": "What is it?"})).await;
    let deep = json!({"content": "What is it?", "mode": "deep_research", "stream": false});
    assert_eq!(ada.refusal(Method::POST, &path, Some(&deep)).await.1, "quota_exceeded");
    let models = ada.get("/api/models").await;
    assert_eq!(models["items"].as_array().unwrap().len(), 2, "{models}");

    let one = ada.add("one.md", "One thing.", None).await;
    ada.add("two.md", "Two things.", None).await;
    let refused = ada.upload("three.md", "Three things.", None).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    ada.send(Method::DELETE, &format!("/api/documents/{one}"), None).await;
    let too_long = "Many things. ".repeat(20);
    assert_eq!(ada.upload("three.md", &too_long, None).await.status(), StatusCode::TOO_MANY_REQUESTS);
    ada.add("three.md", "Three things.", None).await;
    let usage = ada.get("/api/usage").await;
    assert_eq!((&usage["documents"]["used"], &usage["stored_bytes"]["used"]), (&json!(2), &json!(24)));
}

#[tokio::test]
async fn asking_too_often_is_told_with_the_time_to_wait() {
    let server =
        small("[limits]\nwindow_s = 600\nsession_requests = 2\naddress_requests = 3\nuser_requests = 40\n")
            .await;
    let ada = user(&server, "ada").await;
    let session = ada.session().await;
    for _ in 0..2 {
        assert_eq!(ada.ask(&session, "What is it?").await.status(), StatusCode::OK);
    }
    let response = ada.ask(&session, "What is it?").await;
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    let wait: u64 = response.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=301).contains(&wait), "{wait}");
    assert_eq!(response.headers()["ratelimit-limit"], "2", "the limit that was reached");
    assert_eq!(response.headers()["ratelimit-remaining"], "0");
    assert_eq!(response.headers()["ratelimit-reset"], response.headers()["retry-after"]);
    assert_eq!(response.json::<Value>().await.unwrap()["code"], "rate_limited");
    // Other clients' contracts tell as much.
    let asked = json!({"modelId": "m", "prompt": "What is it?", "chatId": session});
    let stream = ada.post("/chat/start", asked).await["sessionId"].as_str().unwrap().to_owned();
    let message = json!({"message": "What is it?", "conversationId": session});
    for (method, path, body) in [
        (Method::POST, format!("/sessions/{session}/chat"), Some(json!({"message": "What is it?"}))),
        (Method::POST, "/api/ai/chat/stream".to_owned(), Some(message)),
        (Method::GET, format!("/chat/stream?sessionId={stream}"), None),
    ] {
        let response = ada.send(method, &path, body.as_ref()).await;
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS, "{path}");
        assert!(response.headers().contains_key("retry-after"), "{path}");
        assert_eq!(response.headers()["ratelimit-remaining"], "0", "{path}");
    }
    // Nothing was used up by it, and another session is free.
    assert_eq!(used(&ada).await.0, 2);
    let another = ada.session().await;
    assert_eq!(ada.ask(&another, "What is it?").await.status(), StatusCode::OK);

    let guesser = Person::with(&server, Some("ibid_guess"));
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(guesser.status("/api/me").await.as_u16());
    }
    assert_eq!(statuses, [401, 401, 401, 429]);
    // Who has a good key at the same address is not kept out by that.
    assert_eq!(ada.status("/api/me").await, StatusCode::OK);
    let mut last = ada.send(Method::GET, "/api/me", None).await;
    assert_eq!(last.headers()["ratelimit-limit"], "40");
    for _ in 0..40 {
        last = ada.send(Method::GET, "/api/me", None).await;
    }
    assert_eq!(last.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(last.headers()["ratelimit-remaining"], "0");
    assert_eq!(operator(&server).status("/api/me").await, StatusCode::OK);
}

#[tokio::test]
async fn a_session_that_expired_says_so() {
    let server = small(&format!("{UNHURRIED}[sessions]\nexpire_s = 1\n")).await;
    let (ada, bob) = (user(&server, "ada").await, user(&server, "bob").await);
    let session = ada.session().await;
    let path = format!("/api/chat/sessions/{session}");
    eventually("it expires", async || {
        (ada.refusal(Method::GET, &path, None).await == (410, "expired".to_owned())).then_some(())
    })
    .await;
    assert_eq!(bob.status(&path).await, StatusCode::NOT_FOUND);
    assert_eq!(ada.get("/api/chat/sessions").await["items"], json!([]));
    assert_eq!(ada.ask(&session, "What is it?").await.status(), StatusCode::GONE);
}
