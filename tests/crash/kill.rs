//! One kill at one moment that matters, each with what has to be there afterwards.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use crate::support::{Server, answer, eventually, frames};

#[tokio::test]
async fn an_upload_acknowledged_just_before_a_kill_is_there_and_is_read() {
    let mut server = Server::start().await;
    let document = server.upload("gates.md", "# Gates\n\nThe Halden gate was raised in 1953.", None).await;
    server.restart().await;
    let document = server.settled(document["id"].as_str().unwrap()).await;
    assert_eq!(document["status"], "ready", "{document}");
    eventually("it is found", async || {
        let found = server.get("/api/search?q=Halden gate").await;
        (found["hits"][0]["document_id"] == document["id"]).then_some(())
    })
    .await;
}

#[tokio::test]
async fn an_answer_cut_short_by_a_kill_keeps_its_question_and_its_text() {
    let config = "[[models]]\nname = \"slow\"\nprovider = \"scripted\"\ndelay_ms = 100\n";
    let mut server = Server::with_config(config).await;
    server
        .add("gates.md", "# Gates\n\nThe Halden gate was raised in 1953 by the water board of Halden.")
        .await;
    let session = server.session().await;
    let path = format!("/api/chat/sessions/{session}/messages");
    let question = json!({"content": "When was the Halden gate raised?"});
    let mut response = server.send(Method::POST, &path, Some(question)).await;
    let mut stream = String::new();
    while stream.matches("event: token").count() < 4 {
        stream.push_str(std::str::from_utf8(&response.chunk().await.unwrap().unwrap()).unwrap());
    }
    // The journal's thread rests this long at most before lines reach the system.
    tokio::time::sleep(Duration::from_millis(150)).await;
    server.restart().await;

    let whole = &stream[..stream.rfind("\n\n").unwrap() + 2];
    let seen = frames(whole);
    let history = server.get(&format!("/api/chat/sessions/{session}")).await;
    assert_eq!(history["messages"][0]["content"], "When was the Halden gate raised?");
    let reply = &history["messages"][1];
    assert_eq!(reply["status"], "interrupted");
    assert!(reply["content"].as_str().unwrap().starts_with(&answer(&seen)), "{reply}");
    let id = reply["id"].as_str().unwrap();
    let all = server.events(&session, id, 0).await;
    assert_eq!(all[..seen.len()], seen, "the stream goes on where it broke off");
    assert_eq!(all.last().unwrap().data["finish_reason"], "interrupted");
}

#[tokio::test]
async fn an_index_that_is_gone_is_rebuilt_from_the_store() {
    let mut server = Server::start().await;
    for number in 0..5 {
        server.add(&format!("{number}.md"), format!("# Note {number}\n\nHeron number {number}.")).await;
    }
    server.kill();
    std::fs::remove_dir_all(server.data.path().join("index")).unwrap();
    server.start_again().await;
    found_again(&server, 5).await;
}

#[tokio::test]
async fn a_damaged_index_is_rebuilt_from_the_store() {
    let mut server = Server::start().await;
    server.add("heron.md", "# Heron\n\nThe heron stands in the reeds.").await;
    server.kill();
    std::fs::write(server.data.path().join("index/meta.json"), "{").unwrap();
    server.start_again().await;
    found_again(&server, 1).await;
}

#[tokio::test]
async fn bytes_of_the_index_altered_behind_its_back_are_noticed_after_a_kill() {
    let mut server = Server::start().await;
    server.add("heron.md", "# Heron\n\nThe heron stands in the reeds.").await;
    server.kill();
    let segments = std::fs::read_dir(server.data.path().join("index")).unwrap();
    let mut files = segments.map(|entry| entry.unwrap().path());
    // Opening does not look at the lengths of fields, and another one only shifts scores.
    let altered =
        files.find(|path| path.extension().is_some_and(|extension| extension == "fieldnorm")).unwrap();
    let mut bytes = std::fs::read(&altered).unwrap();
    bytes[0] ^= 0x01;
    std::fs::write(&altered, bytes).unwrap();
    server.start_again().await;
    found_again(&server, 1).await;
    assert!(!altered.exists(), "the index was made anew");
}

#[tokio::test]
async fn a_server_asked_to_stop_gives_answers_their_time_and_keeps_what_they_have() {
    let config = "[server]\nshutdown_grace_s = 1\n\n[[models]]\nname = \"slow\"\nprovider = \"scripted\"\ndelay_ms = 400\n";
    let mut server = Server::with_config(config).await;
    server
        .add("gates.md", "# Gates\n\nThe Halden gate was raised in 1953 by the water board of Halden.")
        .await;
    let session = server.session().await;
    let path = format!("/api/chat/sessions/{session}/messages");
    let question = json!({"content": "When was the Halden gate raised?"});
    let mut response = server.send(Method::POST, &path, Some(question)).await;
    let mut stream = String::new();
    while !stream.contains("event: token") {
        stream.push_str(std::str::from_utf8(&response.chunk().await.unwrap().unwrap()).unwrap());
    }
    let pid = rustix::process::Pid::from_raw(i32::try_from(server.pid()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    while let Ok(Some(bytes)) = response.chunk().await {
        stream.push_str(std::str::from_utf8(&bytes).unwrap());
    }
    let seen = frames(&stream);
    assert_eq!(seen.last().unwrap().data["finish_reason"], "interrupted", "the reader is told");
    assert!(server.exit().await.success());
    assert!(!server.data.path().join("server.json").exists(), "an orderly end leaves no note");

    server.start_again().await;
    let history = server.get(&format!("/api/chat/sessions/{session}")).await;
    assert_eq!(history["messages"][1]["status"], "interrupted");
    assert_eq!(history["messages"][1]["content"], answer(&seen));
}

/// Waits until so many passages tell of herons.
async fn found_again(server: &Server, num_passages: usize) {
    eventually("the passages are found again", async || {
        let found = server.get("/api/search?q=heron").await;
        let hits = found["hits"].as_array();
        hits.is_some_and(|hits| hits.len() == num_passages).then_some(())
    })
    .await;
}
