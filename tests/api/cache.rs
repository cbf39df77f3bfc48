//! Answers that are given again: when they are, and when they may not be.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Frame, Server, answer, citations, eventually};

const EELS: &str = "# Eels\n\nSilver eels leave the Halden estuary in October. They swim at night.\n";
const QUESTION: &str = "When do silver eels leave the estuary?";

/// A server with a model that quotes, and a document for it.
async fn server(settings: &str) -> Server {
    let server = Server::scripted(&json!([]), settings).await;
    server.add("eels.md", EELS).await;
    server
}

/// Asks in a session of its own.
async fn ask(server: &Server, body: Value) -> Vec<Frame> {
    let session = server.session().await;
    let frames = server.ask(&session, body).await;
    assert_eq!(frames.last().unwrap().event, "done");
    assert!(answer(&frames).contains("October"), "{}", answer(&frames));
    frames
}

async fn is_cached(server: &Server, body: Value) -> bool {
    ask(server, body).await[0].data["cached"] == true
}

fn question() -> Value {
    json!({"content": QUESTION})
}

#[tokio::test]
async fn the_same_question_gets_the_same_events_as_a_message_of_its_own() {
    let server = server("").await;
    let first = ask(&server, question()).await;
    assert!(first[0].data.get("cached").is_none());
    let session = server.session().await;
    let again = server.ask(&session, question()).await;
    assert_eq!(again[0].data["cached"], true);
    let between = |frames: &[Frame]| frames[1..frames.len() - 1].to_vec();
    assert_eq!(between(&again), between(&first));
    assert!(!citations(&again).is_empty());
    let (done, before) = (&again.last().unwrap().data, &first.last().unwrap().data);
    assert_eq!(done["grounding"], before["grounding"]);
    assert_eq!(done["usage"], json!({"input_tokens": 0, "output_tokens": 0, "calls": 0}));
    assert_eq!(before["usage"]["calls"], 1);
    for name in ["message_id", "user_message_id", "session_id"] {
        assert_ne!(again[0].data[name], first[0].data[name], "{name}");
    }

    let id = again[0].data["message_id"].as_str().unwrap();
    assert_eq!(done["message_id"], id);
    let message = server.get(&format!("/api/chat/sessions/{session}/messages/{id}")).await;
    assert_eq!((&message["cached"], &message["status"]), (&json!(true), &json!("complete")));
    assert_eq!(message["content"], answer(&first));
    assert_eq!(server.events(&session, id, 0).await, again, "it has a record of its own");
}

#[tokio::test]
async fn whatever_decides_the_answer_makes_it_another_question() {
    let server = server("[[models]]\nname = \"other\"\nprovider = \"scripted\"\ndelay_ms = 0\n").await;
    let session = server.session().await;
    let asked = async |body: Value| server.ask(&session, body).await[0].data["cached"] == true;
    assert!(!asked(question()).await);
    assert!(!asked(question()).await, "it follows another conversation");
    assert!(is_cached(&server, question()).await);
    assert!(!is_cached(&server, json!({"content": QUESTION, "model": "scripted"})).await);
    assert!(!is_cached(&server, json!({"content": QUESTION, "mode": "deep_research"})).await);
    assert!(!is_cached(&server, json!({"content": "When do eels leave the estuary?"})).await);
    assert!(!is_cached(&server, json!({"content": QUESTION, "cache": false})).await);
    assert!(!is_cached(&server, json!({"content": QUESTION, "model": "extractive"})).await);
    assert!(
        !is_cached(&server, json!({"content": QUESTION, "model": "extractive"})).await,
        "quoting is cheap"
    );
    assert!(is_cached(&server, question()).await);
}

#[tokio::test]
async fn a_change_of_the_documents_in_scope_ends_it() {
    let server = server("").await;
    let river = server.upload("river.md", EELS, Some("river")).await;
    server.settled(river["id"].as_str().unwrap()).await;
    let eels = server.get("/api/documents?name=eels.md").await["items"][0].clone();
    let in_one = json!({"content": QUESTION, "document_ids": [eels["id"]]});
    let in_river = json!({"content": QUESTION, "collection": "river"});
    let all = || [question(), in_one.clone(), in_river.clone()];
    let cached = async || {
        let mut cached = Vec::new();
        for body in all() {
            cached.push(is_cached(&server, body).await);
        }
        cached
    };
    assert_eq!(cached().await, [false, false, false]);
    assert_eq!(cached().await, [true, true, true]);
    let other = server.add("bats.md", "Bats hunt over the estuary.").await;
    assert_eq!(cached().await, [false, true, true], "a new document");
    assert_eq!(cached().await, [true, true, true]);
    let path = format!("/api/documents/{}", other["id"].as_str().unwrap());
    assert_eq!(server.send(Method::DELETE, &path, None).await.status(), StatusCode::NO_CONTENT);
    assert_eq!(cached().await, [false, true, true], "one less");
    server.add("eels.md", format!("{EELS}\nThey return as glass eels.\n")).await;
    assert_eq!(cached().await, [false, false, true], "a new version");
    let more = server.upload("more.md", "The river is long.", Some("river")).await;
    server.settled(more["id"].as_str().unwrap()).await;
    assert_eq!(cached().await, [false, true, false], "the collection");
}

#[tokio::test]
async fn an_answer_made_again_is_new_and_takes_the_place_of_the_one_that_is_kept() {
    let server = server("").await;
    let session = server.session().await;
    let first = server.ask(&session, question()).await;
    let id = first[0].data["message_id"].as_str().unwrap();
    let path = format!("/api/chat/sessions/{session}/messages/{id}/regenerate");
    let again = server.post(&path, json!({"stream": false})).await;
    assert!(again.get("cached").is_none());
    assert_eq!(again["usage"]["calls"], 1);
    assert!(is_cached(&server, question()).await);
}

#[tokio::test]
async fn an_answer_that_no_longer_holds_is_made_anew() {
    let server = server("").await;
    let first = ask(&server, question()).await;
    let citation = &citations(&first)[0];
    let path = format!("documents/{}/text", citation["document_id"].as_str().unwrap());
    let path = server.data.path().join(path);
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("in October", "by October")).unwrap();
    let again = ask(&server, question()).await;
    assert!(again[0].data.get("cached").is_none());
    std::fs::remove_file(&path).unwrap();
    let session = server.session().await;
    let last = server.ask(&session, question()).await.pop().unwrap();
    assert_eq!(last.event, "done", "a text that can't be read fails no answer: {last:?}");
}

#[tokio::test]
async fn only_whole_answers_are_kept_and_only_for_their_time() {
    let rules = json!([{"when": ["eels"], "reply": "They leave in October [1] and", "error": {"kind": "truncated", "after": 5}}]);
    let server = Server::scripted(&rules, "[ask]\ncache_s = 1").await;
    server.add("eels.md", EELS).await;
    let session = server.session().await;
    for _ in 0..2 {
        let other = server.session().await;
        let failed = server.ask(&other, question()).await;
        assert_eq!(failed.last().unwrap().data["code"], "provider_truncated");
        assert!(failed[0].data.get("cached").is_none());
    }
    let body = || json!({"content": "What swims at night?"});
    server.ask(&session, body()).await;
    eventually("its time is over", async || {
        let session = server.session().await;
        (server.ask(&session, body()).await[0].data["cached"] != true).then_some(())
    })
    .await;

    let server = self::server("[ask]\ncache_s = 0").await;
    assert!(!is_cached(&server, question()).await);
    assert!(!is_cached(&server, question()).await);
}

#[tokio::test]
async fn what_another_model_stood_in_for_is_not_kept() {
    let rules = json!([{"error": {"kind": "unavailable"}}]);
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("script.json");
    std::fs::write(&script, rules.to_string()).unwrap();
    let models = format!(
        "[[models]]\nname = \"down\"\nprovider = \"scripted\"\nscript = \"{}\"\nfallback = \"up\"\n\
         [[models]]\nname = \"up\"\nprovider = \"scripted\"\ndelay_ms = 0\n",
        script.display()
    );
    let server = Server::with_config(&models).await;
    server.add("eels.md", EELS).await;
    assert!(!is_cached(&server, question()).await);
    assert!(!is_cached(&server, question()).await);
}
