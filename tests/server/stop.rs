//! A server that is asked to stop says so at once, lets answers end, and leaves at the second word.

use std::time::{Duration, Instant};

use reqwest::Method;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Server, eventually};

/// A server that is at an answer of half a minute, and the question.
async fn at_work() -> (Server, String) {
    let words = "word ".repeat(60);
    let server = Server::scripted(&json!([{"reply": words, "delay_ms": 500}]), "").await;
    let session = server.session().await;
    let message = server.begin(&session, json!({"content": "Say it."})).await;
    (server, format!("/api/chat/sessions/{session}/messages/{message}"))
}

fn terminate(server: &Server) {
    let pid = Pid::from_raw(i32::try_from(server.pid()).unwrap()).unwrap();
    kill_process(pid, Signal::TERM).unwrap();
}

#[tokio::test]
async fn a_server_asked_to_stop_is_not_ready_from_then_on() {
    let (server, _) = at_work().await;
    let mut open = TcpStream::connect(server.url.strip_prefix("http://").unwrap()).await.unwrap();
    let mut ask = async || {
        open.write_all(b"GET /readyz HTTP/1.1\r\nhost: localhost\r\n\r\n").await.ok()?;
        let mut answer = vec![0; 4096];
        let read = open.read(&mut answer).await.ok()?;
        Some(String::from_utf8_lossy(&answer[..read]).into_owned())
    };
    assert!(ask().await.unwrap().starts_with("HTTP/1.1 200"));
    terminate(&server);
    let asked = Instant::now();
    loop {
        // A connection that is closed, or one that is not made, is as clear a word.
        match ask().await {
            Some(answer) if answer.starts_with("HTTP/1.1 200") => {}
            _ => break,
        }
    }
    assert!(asked.elapsed() < Duration::from_millis(500), "{:?}", asked.elapsed());
}

#[tokio::test]
async fn a_second_word_ends_it_at_once_and_nothing_that_was_seen_is_lost() {
    let (mut server, path) = at_work().await;
    let before: Value = eventually("something is written", async || {
        let message = server.get(&path).await;
        message["content"].as_str().is_some_and(|content| content.len() > 10).then_some(message)
    })
    .await;
    terminate(&server);
    tokio::time::sleep(Duration::from_millis(300)).await;
    let again = Instant::now();
    terminate(&server);
    server.exit().await;
    assert!(again.elapsed() < Duration::from_secs(3), "{:?}", again.elapsed());
    server.start_again().await;
    let after = server.json(Method::GET, &path, None).await;
    assert_eq!(after["status"], "interrupted");
    assert!(after["content"].as_str().unwrap().starts_with(before["content"].as_str().unwrap()), "{after}");
}
