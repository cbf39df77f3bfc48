//! `ibid mcp`: the server's `/mcp` on standard input and output, for programs that start their
//! tools. Messages pass through as they are; what they mean is the server's business.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result};
use clap::Args;
use futures::StreamExt as _;
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::{AbortHandle, JoinSet};

use crate::cli::connect::Client;

/// The version of a message that names none, once one was agreed on.
const VERSION: &str = "io.modelcontextprotocol/protocolVersion";
/// Requests under way at a time; more wait.
const MAX_UNDER_WAY: usize = 32;
const INTERNAL_ERROR: i32 = -32603;
const PARSE_ERROR: i32 = -32700;

/// Offer the library to a program that speaks the Model Context Protocol, such as an assistant.
///
/// It speaks on standard input and output until the input ends, and uses the server that holds the
/// data folder, or is one itself.
#[derive(Args, Debug)]
#[command(after_help = "Example, in the settings of such a program:
  {\"mcpServers\": {\"ibid\": {\"command\": \"ibid\", \"args\": [\"mcp\"]}}}")]
pub(crate) struct Mcp {}

/// What is remembered between messages.
#[derive(Default)]
struct Talk {
    /// The version of the protocol that `initialize` settled.
    version: Option<String>,
    /// Requests under way, to stop one that is cancelled.
    under_way: HashMap<String, AbortHandle>,
}

type Shared = Arc<Mutex<Talk>>;

pub(crate) async fn run(client: &Client) -> Result<()> {
    let (out, lines) = mpsc::channel::<String>(64);
    let writing = tokio::spawn(write(lines));
    let talk = Shared::default();
    let room = Arc::new(Semaphore::new(MAX_UNDER_WAY));
    let mut exchanges = JoinSet::new();
    let mut input = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = input.next_line().await.context("can't read standard input")? {
        if line.trim().is_empty() {
            continue;
        }
        let Ok(message) = serde_json::from_str::<Value>(&line) else {
            out.send(failure(&Value::Null, PARSE_ERROR, "this line is not JSON")).await?;
            continue;
        };
        if stop_cancelled(&talk, &message) {
            continue;
        }
        let id = message["id"].clone();
        let is_handshake = message["method"] == "initialize";
        let request = request(client, &talk, &message, line);
        let (talk_, out, permit) = (Arc::clone(&talk), out.clone(), Arc::clone(&room).acquire_owned().await?);
        let key = id.to_string();
        let exchange = exchanges.spawn(async move {
            let _permit = permit;
            if let Err(error) = exchange(request, &talk_, &out, is_handshake).await
                && !id.is_null()
            {
                // With standard output closed there is nobody left to tell.
                let _ = out.send(failure(&id, INTERNAL_ERROR, &format!("{error:#}"))).await;
            }
            lock(&talk_).under_way.remove(&id.to_string());
        });
        if key != "null" && !exchange.is_finished() {
            lock(&talk).under_way.insert(key, exchange);
        }
        if is_handshake {
            // What comes next depends on the version that this settles.
            while exchanges.join_next().await.is_some() {}
        }
        while exchanges.try_join_next().is_some() {}
    }
    while exchanges.join_next().await.is_some() {}
    drop(out);
    writing.await.context("writing ended abnormally")?
}

/// Stops the request that a message cancels. Such a message goes no further: each request stands
/// alone at the server, and a dropped one is stopped there.
fn stop_cancelled(talk: &Shared, message: &Value) -> bool {
    let is_cancelling = message["method"] == "notifications/cancelled";
    if is_cancelling
        && let Some(exchange) = lock(talk).under_way.remove(&message["params"]["requestId"].to_string())
    {
        exchange.abort();
    }
    is_cancelling
}

/// A message as the request that carries it.
fn request(client: &Client, talk: &Shared, message: &Value, line: String) -> RequestBuilder {
    let mut request = client
        .request(Method::POST, client.url("/mcp", &[]))
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream");
    let (method, params) = (message["method"].as_str(), &message["params"]);
    let version = params["_meta"][VERSION].as_str().map(str::to_owned);
    if let Some(version) = version.or_else(|| lock(talk).version.clone()) {
        request = request.header("mcp-protocol-version", version);
    }
    if let Some(method) = method {
        request = request.header("mcp-method", method);
    }
    if let Some(name) = params["name"].as_str().or_else(|| params["uri"].as_str()) {
        request = request.header("mcp-name", name);
    }
    request.body(line)
}

/// Sends a message and passes on what comes back.
async fn exchange(
    request: RequestBuilder,
    talk: &Shared,
    out: &mpsc::Sender<String>,
    is_handshake: bool,
) -> Result<()> {
    let answer = request.send().await.context("can't reach the server")?;
    let is_stream = media_type(&answer).starts_with("text/event-stream");
    if is_stream {
        return pass_on(answer, out).await;
    }
    let status = answer.status();
    let body = answer.text().await.context("the connection broke off")?;
    if body.trim().is_empty() {
        return Ok(());
    }
    let message: Value =
        serde_json::from_str(&body).with_context(|| format!("the server answered {status}: {body}"))?;
    if message.get("jsonrpc").is_none() {
        let detail = message["detail"].as_str().unwrap_or("it gave no reason").to_owned();
        anyhow::bail!("the server answered {status}: {detail}");
    }
    if is_handshake {
        lock(talk).version = message["result"]["protocolVersion"].as_str().map(str::to_owned);
    }
    out.send(message.to_string()).await.context("standard output is closed")
}

/// The messages of an event stream, a line each.
async fn pass_on(answer: Response, out: &mpsc::Sender<String>) -> Result<()> {
    let mut body = answer.bytes_stream();
    let mut rest = Vec::new();
    while let Some(piece) = body.next().await {
        rest.extend_from_slice(&piece.context("the connection broke off")?);
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = rest.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            if let Some(data) = line.strip_prefix("data:").map(str::trim).filter(|data| !data.is_empty()) {
                out.send(data.to_owned()).await.context("standard output is closed")?;
            }
        }
    }
    Ok(())
}

async fn write(mut lines: mpsc::Receiver<String>) -> Result<()> {
    let mut output = tokio::io::stdout();
    while let Some(line) = lines.recv().await {
        output.write_all(line.as_bytes()).await?;
        output.write_all(b"\n").await?;
        output.flush().await?;
    }
    Ok(())
}

fn media_type(answer: &Response) -> String {
    let value = answer.headers().get("content-type").and_then(|value| value.to_str().ok());
    value.unwrap_or_default().to_owned()
}

fn failure(id: &Value, code: i32, message: &str) -> String {
    json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": message } }).to_string()
}

fn lock(talk: &Shared) -> std::sync::MutexGuard<'_, Talk> {
    talk.lock().unwrap_or_else(PoisonError::into_inner)
}
