//! The relays that ibid is measured beside. `bare relay` words the model's events anew, one piece for
//! each read, and does nothing else. `durable relay` also searches for passages and puts question and
//! answer on disk.

use std::convert::Infallible;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use futures::stream;
use ibid_index::{Change, Document, PassageIndex, PassageText, Query, Scope};
use reqwest::Client;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::task::spawn_blocking;
use uuid::Uuid;

/// Passages given to the model.
const PASSAGES: usize = 8;

struct Relay {
    client: Client,
    model: String,
    keep: Option<(PassageIndex, Vec<Vec<String>>, File)>,
}

/// Serves until the process ends: `ROLE ADDRESS MODEL`.
pub(crate) fn serve(role: &str) {
    let [address, model] = std::env::args().skip(1).take(2).collect::<Vec<_>>().try_into().unwrap();
    let keep = (role == "durable relay").then(library);
    let relay = Arc::new(Relay { client: crate::support::client(), model, keep });
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind(address).await.unwrap();
        let listener = axum::serve::ListenerExt::tap_io(listener, |stream| _ = stream.set_nodelay(true));
        axum::serve(listener, Router::new().route("/chat", post(chat)).with_state(relay)).await.unwrap();
    });
}

/// The sample library, a passage a paragraph, and a file for what is said.
fn library() -> (PassageIndex, Vec<Vec<String>>, File) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/library");
    let texts = std::fs::read_dir(folder)
        .unwrap()
        .filter_map(|file| std::fs::read_to_string(file.unwrap().path()).ok());
    let texts: Vec<Vec<String>> = texts.map(|text| text.split("\n\n").map(str::to_owned).collect()).collect();
    let index = PassageIndex::in_memory().unwrap();
    let documents = texts.iter().enumerate().map(|(at, passages)| {
        let passage = |(ordinal, text): (u32, &String)| {
            Ok(PassageText { ordinal, heading: None, body: text.clone().into() })
        };
        Change::Put(Document {
            id: Uuid::from_u128(at as u128),
            version: "",
            name: "",
            title: "",
            collections: &[],
            language: None,
            passages: Box::new((0..).zip(passages).map(passage)),
        })
    });
    index.apply(documents).unwrap();
    (index, texts, tempfile::tempfile().unwrap())
}

impl Relay {
    /// The question with passages, itself on disk.
    fn prepare(&self, question: &str) -> String {
        let Some((index, texts, _)) = &self.keep else { return question.to_owned() };
        let found = index.search(&Scope::all(), &Query::new(question, None), PASSAGES).unwrap();
        let passage = |hit: &ibid_index::Hit| {
            texts[usize::try_from(hit.document.as_u128()).unwrap()][hit.ordinal as usize].as_str()
        };
        self.write(question);
        found.iter().map(passage).chain([question]).collect::<Vec<_>>().join("\n")
    }

    fn write(&self, text: &str) {
        if let Some((_, _, mut file)) = self.keep.as_ref().map(|(index, texts, file)| (index, texts, file)) {
            writeln!(file, "{}", json!(text)).unwrap();
            file.sync_data().unwrap();
        }
    }
}

async fn chat(State(relay): State<Arc<Relay>>, body: Bytes) -> Response {
    let body: Value = serde_json::from_slice(&body).unwrap();
    let question = body["messages"][0]["content"].as_str().unwrap().to_owned();
    let kept = Arc::clone(&relay);
    let prompt = match relay.keep.is_some() {
        true => spawn_blocking(move || kept.prepare(&question)).await.unwrap(),
        false => question,
    };
    let request = json!({"model": "m", "stream": true, "messages": [{"role": "user", "content": prompt}]});
    let sent = relay.client.post(format!("{}/chat/completions", relay.model)).json(&request).send();
    let state = (sent.await.unwrap(), Vec::new(), String::new(), Some(relay));
    let pieces = stream::unfold(state, |(mut response, mut rest, mut answer, relay)| async move {
        let relay = relay?;
        loop {
            let Ok(Some(bytes)) = response.chunk().await else {
                if relay.keep.is_some() {
                    spawn_blocking(move || relay.write(&answer)).await.unwrap();
                }
                let end = Ok::<_, Infallible>(Bytes::from_static(b"event: done\ndata: {}\n\n"));
                return Some((end, (response, rest, String::new(), None)));
            };
            rest.extend_from_slice(&bytes);
            let piece = worded(&mut rest, &mut answer);
            if !piece.is_empty() {
                return Some((Ok(Bytes::from(piece)), (response, rest, answer, Some(relay))));
            }
        }
    });
    ([("content-type", "text/event-stream")], Body::from_stream(pieces)).into_response()
}

#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(borrow)]
    choices: Vec<Choice<'a>>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(borrow)]
    delta: Delta<'a>,
}

#[derive(Deserialize)]
struct Delta<'a> {
    content: Option<&'a str>,
}

/// The whole lines of what was read, as events of the relay's own.
fn worded(rest: &mut Vec<u8>, answer: &mut String) -> Vec<u8> {
    let mut piece = Vec::new();
    let mut from = 0;
    while let Some(end) = rest[from..].iter().position(|byte| *byte == b'\n').map(|at| from + at) {
        let chunk = rest[from..end]
            .strip_prefix(b"data: ")
            .and_then(|data| serde_json::from_slice::<Chunk<'_>>(data).ok());
        let text = chunk.and_then(|chunk| chunk.choices.first()?.delta.content);
        if let Some(text) = text {
            answer.push_str(text);
            piece.extend_from_slice(b"event: token\ndata: {\"text\":");
            serde_json::to_writer(&mut piece, text).unwrap();
            piece.extend_from_slice(b"}\n\n");
        }
        from = end + 1;
    }
    rest.drain(..from);
    piece
}
