//! What a client was told is there after the server is killed, at any moment. The client keeps its
//! own list of what was acknowledged, and only that list is believed.

#[path = "../support/mod.rs"]
mod support;

use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use support::{Server, answer, client, eventually, frames};

/// Cycles of the long test; more by the environment variable `IBID_CRASH_CYCLES`.
const CYCLES: u64 = 12;

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
async fn nothing_acknowledged_is_lost_over_many_kills_under_load() {
    let cycles = std::env::var("IBID_CRASH_CYCLES").map_or(CYCLES, |cycles| cycles.parse().unwrap());
    let mut server = Server::start().await;
    let documents: Arc<Mutex<Vec<String>>> = Arc::default();
    let questions: Arc<Mutex<Vec<(String, String)>>> = Arc::default();
    for cycle in 0..cycles {
        let load = async {
            let uploads = async {
                for number in 0.. {
                    let name = format!("{cycle}-{number}.md");
                    let text = format!("# Note {cycle} {number}\n\nHeron {cycle} {number} stands still.");
                    let Some(uploaded) = try_upload(&server, &name, text).await else { return };
                    documents.lock().await.push(uploaded["documents"][0]["id"].as_str().unwrap().to_owned());
                }
            };
            let chats = async {
                let Some(session) = try_post(&server, "/api/chat/sessions", json!({})).await else { return };
                let session = session["id"].as_str().unwrap().to_owned();
                for number in 0.. {
                    let content = format!("Where does heron {cycle} {number} stand?");
                    let path = format!("/api/chat/sessions/{session}/messages");
                    let body = json!({"content": content, "stream": false});
                    if try_post(&server, &path, body).await.is_none() {
                        return;
                    }
                    questions.lock().await.push((session.clone(), content));
                }
            };
            futures::future::join(uploads, chats).await;
        };
        let moment = Duration::from_millis(30 + (cycle * 7919) % 700);
        // The load ends with the server: first the kill, then the errors.
        let pid = rustix::process::Pid::from_raw(i32::try_from(server.pid()).unwrap()).unwrap();
        let kill = async {
            tokio::time::sleep(moment).await;
            rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        };
        futures::future::join(load, kill).await;
        server.restart().await;
    }

    let documents = documents.lock().await.clone();
    let questions = questions.lock().await.clone();
    assert!(!documents.is_empty() && !questions.is_empty(), "the load did something");
    for id in &documents {
        assert_eq!(server.settled(id).await["status"], "ready");
    }
    for (session, content) in &questions {
        let history = server.get(&format!("/api/chat/sessions/{session}")).await;
        let messages = history["messages"].as_array().unwrap();
        let asked = messages.iter().filter(|message| message["content"] == json!(content)).count();
        assert_eq!(asked, 1, "{content}");
        assert!(messages.iter().all(|message| message["status"] != "running"));
    }
    let mut cursor = String::new();
    let mut listed = 0;
    loop {
        let page = server.get(&format!("/api/documents?limit=500{cursor}")).await;
        listed += page["items"].as_array().unwrap().len();
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    // An upload under way at a kill may have been stored without its answer, one a cycle at most.
    let most = documents.len() + usize::try_from(cycles).unwrap();
    assert!((documents.len()..=most).contains(&listed), "{listed} listed, {} acknowledged", documents.len());
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

async fn try_upload(server: &Server, name: &str, text: String) -> Option<Value> {
    let part = reqwest::multipart::Part::text(text).file_name(name.to_owned());
    let form = reqwest::multipart::Form::new().part("file", part);
    let request = client().post(format!("{}/api/documents", server.url)).multipart(form);
    request.send().await.ok()?.json().await.ok()
}

async fn try_post(server: &Server, path: &str, body: Value) -> Option<Value> {
    let request = client().post(format!("{}{path}", server.url)).json(&body);
    request.send().await.ok()?.json().await.ok()
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
