//! A server that speaks OpenAI's embeddings, Cohere's rerank, and that of Text Embeddings Inference: a
//! bag of words, hashed, in which some words mean the same. It can be told to misbehave.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};

/// Words that mean the same as the first of their line.
const SYNONYMS: [&[&str]; 4] = [
    &["heron", "herons", "waterfowl", "bird"],
    &["nest", "nests", "breed", "hatch"],
    &["dike", "embankment", "levee"],
    &["cost", "costs", "expense", "price", "dear"],
];
const STOPS: [&str; 12] = ["the", "in", "of", "a", "is", "it", "where", "what", "do", "does", "how", "which"];

/// Numbers of a vector that is compared at the server.
const DIMENSIONS: usize = 64;

/// How the server answers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Mood {
    Well(usize),
    Failing(u16),
    Silent,
    /// The second vector of an answer is shorter than the first.
    Uneven,
    /// Refuses texts with this word.
    Picky(&'static str),
    /// Has no time for texts with this word.
    Stuck(&'static str),
}

#[derive(Clone)]
pub(crate) struct Fake {
    pub(crate) url: String,
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    mood: Mood,
    texts: Vec<String>,
    keys: Vec<String>,
}

impl Fake {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let inner = Inner { mood: Mood::Well(64), texts: Vec::new(), keys: Vec::new() };
        let fake = Self { url, inner: Arc::new(Mutex::new(inner)) };
        let router = Router::new()
            .route("/v1/embeddings", post(embeddings))
            .route("/v1/rerank", post(rerank))
            .with_state(fake.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        fake
    }

    /// The table of a configuration that uses it.
    pub(crate) fn config(&self, model: &str) -> String {
        format!(
            "[embeddings]\nprovider = \"openai\"\nmodel = \"{model}\"\nbase_url = \"{}\"\nquestion_timeout_ms = 2000\n",
            self.url
        )
    }

    /// The table of a configuration whose searches it reranks.
    pub(crate) fn reranking(&self, provider: &str, settings: &str) -> String {
        format!("[rerank]\nprovider = \"{provider}\"\nbase_url = \"{}\"\n{settings}\n", self.url)
    }

    pub(crate) fn be(&self, mood: Mood) {
        self.inner.lock().unwrap().mood = mood;
    }

    /// The texts that were embedded or judged since this was last asked.
    pub(crate) fn texts(&self) -> Vec<String> {
        std::mem::take(&mut self.inner.lock().unwrap().texts)
    }

    pub(crate) fn keys(&self) -> Vec<String> {
        self.inner.lock().unwrap().keys.clone()
    }
}

async fn embeddings(State(fake): State<Fake>, headers: HeaderMap, Json(request): Json<Value>) -> Response {
    let texts: Vec<String> = serde_json::from_value(request["input"].clone()).unwrap();
    let mood = {
        let mut inner = fake.inner.lock().unwrap();
        let key = headers.get("authorization").map(|key| key.to_str().unwrap().to_owned());
        inner.keys.extend(key);
        inner.mood
    };
    let refused = |word: &str| texts.iter().any(|text| text.contains(word));
    let dimensions = match mood {
        Mood::Well(dimensions) => dimensions,
        Mood::Uneven => 64,
        Mood::Picky(word) | Mood::Stuck(word) if !refused(word) => 64,
        Mood::Stuck(_) => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Mood::Picky(_) => {
            let error =
                json!({"error": {"message": "this text is not taken", "type": "invalid_request_error"}});
            return (StatusCode::BAD_REQUEST, Json(error)).into_response();
        }
        Mood::Failing(status) => {
            let error = json!({"error": {"message": "no", "type": "server_error"}});
            return (StatusCode::from_u16(status).unwrap(), Json(error)).into_response();
        }
        Mood::Silent => {
            tokio::time::sleep(Duration::from_secs(60)).await;
            return StatusCode::GATEWAY_TIMEOUT.into_response();
        }
    };
    let mut data: Vec<Value> = (0..)
        .zip(&texts)
        .map(|(index, text)| json!({"object": "embedding", "index": index, "embedding": vector(text, dimensions)}))
        .collect();
    if mood == Mood::Uneven && data.len() > 1 {
        data[1]["embedding"].as_array_mut().unwrap().pop();
    }
    // The order is told by the index.
    data.reverse();
    fake.inner.lock().unwrap().texts.extend(texts);
    Json(json!({"object": "list", "data": data, "model": request["model"], "usage": {"prompt_tokens": 1}}))
        .into_response()
}

async fn rerank(State(fake): State<Fake>, headers: HeaderMap, Json(request): Json<Value>) -> Response {
    let is_tei = request.get("texts").is_some();
    let asked = |name: &str| serde_json::from_value::<Vec<String>>(request[name].clone()).unwrap();
    let texts = if is_tei { asked("texts") } else { asked("documents") };
    let question = vector(request["query"].as_str().unwrap(), DIMENSIONS);
    let mood = {
        let mut inner = fake.inner.lock().unwrap();
        inner.keys.extend(headers.get("authorization").map(|key| key.to_str().unwrap().to_owned()));
        inner.texts.extend(texts.clone());
        inner.mood
    };
    match mood {
        Mood::Failing(status) => return StatusCode::from_u16(status).unwrap().into_response(),
        Mood::Silent => tokio::time::sleep(Duration::from_secs(60)).await,
        Mood::Well(_) | Mood::Uneven | Mood::Picky(_) | Mood::Stuck(_) => {}
    }
    let score = if is_tei { "score" } else { "relevance_score" };
    // How many words of the question, or others for them, are there.
    let likeness = |text: &str| -> f32 {
        let pairs = question.iter().zip(vector(text, DIMENSIONS));
        pairs.map(|(one, other)| one.min(1.0) * other.min(1.0)).sum()
    };
    // This server leaves the last step, from any number to one from 0 to 1, to who asks.
    let judged = |text: &str| if is_tei { likeness(text) - 2.5 } else { likeness(text) / 64.0 };
    let mut results: Vec<Value> =
        (0..).zip(&texts).map(|(index, text)| json!({"index": index, score: judged(text)})).collect();
    if mood == Mood::Uneven {
        results.pop();
    }
    // Best first, as it is done; which is which is told by the index.
    results.sort_by(|one, other| other[score].as_f64().unwrap().total_cmp(&one[score].as_f64().unwrap()));
    match is_tei {
        true => Json(Value::Array(results)),
        false => Json(json!({"id": "r", "model": request["model"], "results": results})),
    }
    .into_response()
}

fn vector(text: &str, dimensions: usize) -> Vec<f32> {
    let mut vector = vec![0.01_f32; dimensions];
    let text = text.to_lowercase();
    for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        if STOPS.contains(&word) {
            continue;
        }
        let same = SYNONYMS.iter().find(|words| words.contains(&word)).map_or(word, |words| words[0]);
        let hash = same.bytes().fold(5381_usize, |hash, byte| hash.wrapping_mul(33) ^ usize::from(byte));
        vector[hash % dimensions] += 1.0;
    }
    vector
}
