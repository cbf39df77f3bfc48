use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::fake::{Fake, Mood};
use crate::search::{embedded, library};
use crate::support::{Server, eventually};

#[tokio::test]
async fn a_model_that_is_away_leaves_the_words_and_says_so() {
    let fake = Fake::start().await;
    let server = Server::with_config(&fake.config("bag")).await;
    let [dike, ..] = library(&server).await;
    embedded(&server).await;
    for (mood, reason) in
        [(Mood::Failing(500), "not available"), (Mood::Silent, "in time"), (Mood::Well(7), "another length")]
    {
        fake.be(mood);
        let found = server.get("/api/search?q=dike").await;
        assert_eq!(found["hits"][0]["document_id"], dike, "{found}");
        assert_eq!(found["by"], "words");
        assert!(found["note"].as_str().unwrap().contains(reason), "{mood:?}: {found}");
    }
    let session = server.session().await;
    let frames = server.ask(&session, json!({"content": "Who raised the dike?"})).await;
    let step = frames.iter().rfind(|frame| frame.event == "step" && frame.data["kind"] == "search").unwrap();
    assert!(step.data["note"].as_str().unwrap().contains("by words alone"), "{}", step.data);
    fake.be(Mood::Well(64));
    eventually("the model is used again", async || {
        let found = server.get("/api/search?q=embankment").await;
        (found["by"] == "words_and_meaning").then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_model_that_is_away_at_the_start_is_used_when_it_comes() {
    let fake = Fake::start().await;
    fake.be(Mood::Failing(503));
    let server = Server::with_config(&fake.config("bag")).await;
    let [_, herons, _] = library(&server).await;
    let found = server.get("/api/search?q=herons").await;
    assert_eq!((&found["by"], &found["hits"][0]["document_id"]), (&json!("words"), &json!(herons)));
    assert_eq!(server.get("/readyz").await["not_embedded"], 3);
    fake.be(Mood::Well(64));
    embedded(&server).await;
    assert_eq!(server.get("/api/search?q=waterfowl").await["hits"][0]["document_id"], herons);
}

#[tokio::test]
async fn vectors_of_uneven_length_are_not_kept() {
    let fake = Fake::start().await;
    let server = Server::with_config(&fake.config("bag")).await;
    eventually("the model was heard of", async || {
        let found = server.get("/api/search?q=dike").await;
        (found["by"] == "words_and_meaning").then_some(())
    })
    .await;
    fake.be(Mood::Uneven);
    let added = server
        .add("two.md", format!("# One\n\n{}\n\n# Two\n\n{}", "Eels. ".repeat(300), "Gulls. ".repeat(300)));
    added.await;
    eventually("the failure is counted", async || {
        let metrics = server.send(Method::GET, "/metrics", None).await.text().await.unwrap();
        (!metrics.contains("ibid_embedding_failures_total 0")).then_some(())
    })
    .await;
    assert_ne!(server.get("/readyz").await["not_embedded"], 0);
    fake.be(Mood::Well(64));
    embedded(&server).await;
}

#[tokio::test]
async fn damaged_vectors_are_made_again() {
    let fake = Fake::start().await;
    let mut server = Server::with_config(&fake.config("bag")).await;
    let [_, herons, _] = library(&server).await;
    embedded(&server).await;
    server.kill();
    for entry in std::fs::read_dir(server.data.path().join("vectors")).unwrap() {
        let path = entry.unwrap().path();
        let mut bytes = std::fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x40;
        std::fs::write(path, bytes).unwrap();
    }
    fake.texts();
    server.start_again().await;
    embedded(&server).await;
    assert_eq!(server.get("/api/search?q=waterfowl").await["hits"][0]["document_id"], herons);
    assert!(fake.texts().iter().any(|text| text.contains("reeds")));
}

#[tokio::test]
async fn the_key_is_sent_and_nowhere_seen() {
    let fake = Fake::start().await;
    let key = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(key.path(), "sk-embedding-canary\n").unwrap();
    let log = tempfile::NamedTempFile::new().unwrap();
    let config = format!("{}api_key_file = \"{}\"\n", fake.config("bag"), key.path().display());
    let server = Server::with_log(&config, log.path()).await;
    library(&server).await;
    embedded(&server).await;
    fake.be(Mood::Failing(401));
    server.get("/api/search?q=dike").await;
    assert!(fake.keys().iter().all(|key| key == "Bearer sk-embedding-canary") && !fake.keys().is_empty());
    let log = std::fs::read_to_string(log.path()).unwrap();
    assert!(log.contains("embedding failed"), "the log is empty");
    assert!(!log.contains("canary") && !log.contains("herons"), "{log}");
}

#[tokio::test]
async fn a_text_that_the_model_refuses_holds_up_no_other() {
    let fake = Fake::start().await;
    fake.be(Mood::Picky("sluice"));
    let server = Server::with_config(&fake.config("bag")).await;
    let [_, herons, ledger] = library(&server).await;
    embedded(&server).await;
    assert_eq!(server.get("/api/search?q=waterfowl").await["hits"][0]["document_id"], herons);
    assert_eq!(server.get("/api/search?q=sluice open").await["hits"][0]["document_id"], ledger);
    let missing = "/api/search?q=x&document_ids=7";
    server.problem(StatusCode::BAD_REQUEST, Method::GET, missing, None).await;
}
