//! A model's server on this machine that writes without end, to see at its own socket what a
//! reader's cancel does.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::support::{PATIENCE, Server};

/// Cancels that are timed.
const ROUNDS: usize = 9;

/// Writes a word every few milliseconds until the other side is gone, and tells when that was seen.
async fn write_on(mut stream: TcpStream, closed: mpsc::UnboundedSender<Instant>) {
    let mut request = vec![0; 64 * 1024];
    let _ = stream.read(&mut request).await;
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
    let word = json!({"id": "c", "object": "chat.completion.chunk", "created": 0, "model": "m",
        "choices": [{"index": 0, "delta": {"content": "on "}, "finish_reason": null}]});
    let _ = stream.write_all(head.as_bytes()).await;
    let (mut from, mut to) = stream.split();
    let write = async {
        while to.write_all(format!("data: {word}\n\n").as_bytes()).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let hang_up = async { while from.read(&mut request).await.is_ok_and(|bytes| bytes > 0) {} };
    tokio::select! { () = write => {}, () = hang_up => {} }
    let _ = closed.send(Instant::now());
}

#[tokio::test]
async fn a_cancel_closes_the_call_to_the_model_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
    let (closed, mut closings) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(write_on(stream, closed.clone()));
        }
    });
    let config = format!(
        "[[models]]\nname = \"endless\"\nprovider = \"openai\"\nmodel = \"m\"\nbase_url = \"{base_url}\"\n"
    );
    let server = Server::with_config(&config).await;
    server.add("gates.md", "# Gates\n\nThe Halden gate was raised in 1953.").await;
    let mut taken = Vec::new();
    for _ in 0..ROUNDS {
        let session = server.session().await;
        let path = format!("/api/chat/sessions/{session}/messages");
        let question = json!({"content": "When was the Halden gate raised?"});
        let mut response = server.send(Method::POST, &path, Some(question)).await;
        let mut stream = String::new();
        while stream.matches("event: token").count() < 3 {
            stream.push_str(&String::from_utf8_lossy(&response.chunk().await.unwrap().unwrap()));
        }
        let message =
            crate::support::frames(&stream[..stream.rfind("\n\n").unwrap() + 2])[0].data["message_id"]
                .as_str()
                .unwrap()
                .to_owned();
        let begun = Instant::now();
        let cancelled = server.post(&format!("{path}/{message}/cancel"), json!({})).await;
        assert_eq!(cancelled["status"], "cancelled");
        assert!(cancelled["content"].as_str().unwrap().starts_with("on on"), "{cancelled}");
        let closing = tokio::time::timeout(PATIENCE, closings.recv()).await;
        let closing = closing.expect("the call to the model stays open").unwrap();
        taken.push(closing.saturating_duration_since(begun));
    }
    taken.sort_unstable();
    println!("a cancel closes the call after {:.1?} (median of {ROUNDS})", taken[ROUNDS / 2]);
    assert!(taken[ROUNDS / 2] < Duration::from_millis(500), "{taken:?}");
}
