//! The contracts of other clients, each driven as its own document's examples do.

mod commands;
mod conversation;
mod model;
mod session_chat;
mod start_and_stream;
mod stateless_chat;

use futures::StreamExt;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::support::Server;

/// A document to find something in.
const EELS: &str = "# Eels\n\nSilver eels leave the Halden estuary in October. They swim at night.\n\n\
                    The count of 2019 found 412 eels at the weir.\n";

/// A server with that document and this configuration.
async fn server(config: &str) -> Server {
    let server = Server::with_config(config).await;
    server.add("eels.md", EELS).await;
    server
}

/// The whole stream that a POST gives, byte for byte.
async fn stream_of(server: &Server, path: &str, body: Value) -> String {
    let response = server.send(Method::POST, path, Some(body)).await;
    assert_eq!(response.status(), StatusCode::OK, "{path}");
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    assert!(response.headers()["cache-control"].to_str().unwrap().starts_with("no-cache"));
    response.text().await.unwrap()
}

/// What the `data` lines of a stream hold.
fn data(stream: &str) -> Vec<Value> {
    let lines = stream.lines().filter_map(|line| line.strip_prefix("data: "));
    lines.map(|line| serde_json::from_str(line).unwrap_or_else(|_| json!(line))).collect()
}

/// The content of all frames of a kind.
fn content(frames: &[Value], kind: &str) -> String {
    let of_kind = frames.iter().filter(|frame| frame["type"] == kind);
    of_kind.map(|frame| frame["content"].as_str().unwrap()).collect()
}

/// Reads a stream until this much of it was seen, and hangs up.
async fn leave_after(response: Response, seen: impl Fn(&str) -> bool) -> String {
    let mut bytes = response.bytes_stream();
    let mut read = String::new();
    while let Some(piece) = bytes.next().await {
        read.push_str(std::str::from_utf8(&piece.unwrap()).unwrap());
        if seen(&read) {
            return read;
        }
    }
    panic!("the stream ended before: {read}");
}

/// What the model was told before the question, and the question, of its last call.
fn last_call(model: &model::Model) -> (Vec<String>, String) {
    let mut said: Vec<String> = model.calls().last().unwrap()[1..]
        .iter()
        .map(|message| message["content"].as_str().unwrap().to_owned())
        .collect();
    let question = said.pop().unwrap();
    (said, question)
}
