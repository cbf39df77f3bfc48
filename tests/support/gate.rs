//! A model's server that answers a call only when it is let through, so that a test decides how far
//! a research gets and knows what was paid for. And the long answer that survives everything.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::extract::State;
use axum::response::IntoResponse;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use super::proxy::Proxy;
use super::{Server, eventually};

/// Breaks of the line, and restarts of the server, that a long answer goes through.
pub(crate) const CUTS: usize = 10;
pub(crate) const RESTARTS: usize = 3;
/// Calls that pass before the first break: then about half of the breaks fall into the writing.
const LEAD: usize = 5;
/// What is looked into: so much at first, and the rest in a further round.
const PLANNED: usize = 6;
const QUESTIONS: [&str; 9] = [
    "When was the Sallow Dike breached?",
    "How many fish died in August 2018?",
    "How long is the set-back dike?",
    "When do silver eels leave the estuary?",
    "What is a surface elevation table?",
    "How high did the water rise at Halewick in December 2021?",
    "What did the restoration cost?",
    "How steep is the eel ladder?",
    "How low did the oxygen fall?",
];
/// Calls that are let through at once when nothing is to be held up any more.
const ALL: usize = 10_000;

pub(crate) struct Gate {
    base_url: String,
    stage: Arc<Stage>,
}

struct Stage {
    permits: Semaphore,
    num_waiting: AtomicUsize,
    num_answered: AtomicUsize,
    num_gaps: AtomicUsize,
    questions: Vec<String>,
}

/// Counts a call as waiting as long as its asker does.
struct Waiting(Arc<Stage>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.num_waiting.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Gate {
    /// A model that researches the sample library.
    pub(crate) async fn start() -> Self {
        let stage = Arc::new(Stage {
            permits: Semaphore::new(0),
            num_waiting: AtomicUsize::new(0),
            num_answered: AtomicUsize::new(0),
            num_gaps: AtomicUsize::new(0),
            questions: QUESTIONS.map(str::to_owned).to_vec(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(Arc::clone(&stage));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { base_url, stage }
    }

    /// A configuration with this model alone, which reads one thing at a time.
    pub(crate) fn config(&self) -> String {
        format!(
            "[research]\nparallel = 1\n\n[[models]]\nname = \"gated\"\nprovider = \"openai\"\nmodel = \"m\"\nbase_url = \"{}\"\n\n\
             [models.timeouts]\nfirst_token_s = 600.0\nidle_s = 600.0\n",
            self.base_url
        )
    }

    pub(crate) fn num_answered(&self) -> usize {
        self.stage.num_answered.load(Ordering::SeqCst)
    }

    /// Lets one call through and waits for the next: then all that the first led to is recorded.
    pub(crate) async fn let_one_through(&self) {
        let before = self.num_answered();
        self.stage.permits.add_permits(1);
        eventually("a call is answered and another waits", async || {
            let is_waiting = self.stage.num_waiting.load(Ordering::SeqCst) == 1;
            (self.num_answered() > before && is_waiting).then_some(())
        })
        .await;
    }

    /// Lets one call through where none follows it, as while a plan waits for its reader.
    pub(crate) fn let_one_past(&self) {
        self.stage.permits.add_permits(1);
    }

    /// Holds nothing up any more.
    pub(crate) fn open(&self) {
        self.stage.permits.add_permits(ALL);
    }

    /// Breaks the line ten times and kills the server three times while an answer is read through
    /// the line; every break comes after more of the answer did, and the last one after some of its
    /// text. Then lets it end.
    pub(crate) async fn disturb(&self, server: &mut Server, proxy: &Proxy) {
        for _ in 0..LEAD {
            self.let_one_through().await;
        }
        for number in 0..CUTS + RESTARTS {
            let before = proxy.num_events();
            self.let_one_through().await;
            eventually("more of the answer gets through", async || {
                (proxy.num_events() > before).then_some(())
            })
            .await;
            if number % 4 == 1 && number / 4 < RESTARTS {
                server.kill();
                proxy.cut();
                server.start_again().await;
                proxy.lead_to(&server.url);
            } else {
                proxy.cut();
            }
        }
        assert!(proxy.num_texts() > 2, "breaks fall between parts of the text");
        self.open();
    }
}

async fn answer(State(stage): State<Arc<Stage>>, body: String) -> impl IntoResponse {
    stage.num_waiting.fetch_add(1, Ordering::SeqCst);
    let waiting = Waiting(Arc::clone(&stage));
    stage.permits.acquire().await.unwrap().forget();
    stage.num_answered.fetch_add(1, Ordering::SeqCst);
    drop(waiting);
    let request: Value = serde_json::from_str(&body).unwrap();
    let system = request["messages"][0]["content"].as_str().unwrap_or_default();
    let as_questions = |texts: &[String]| -> Vec<Value> {
        texts.iter().map(|text| json!({"text": text, "why": "it is asked"})).collect()
    };
    let (first, further) = stage.questions.split_at(PLANNED);
    let reply = if system.contains("You plan research") {
        json!({"question": "What happened on the marsh?", "questions": as_questions(first)}).to_string()
    } else if system.contains("You look for gaps") {
        let is_first = stage.num_gaps.fetch_add(1, Ordering::SeqCst) == 0;
        json!({"questions": if is_first { as_questions(further) } else { Vec::new() }}).to_string()
    } else if system.contains("You take notes") {
        "?".to_owned()
    } else {
        "The passages tell of it, “ünd so weiter” 𝒳🐟 [1].".to_owned()
    };
    let chunk = |delta: Value, reason: Value, usage: Value| {
        let choices = if usage.is_null() {
            json!([{"index": 0, "delta": delta, "finish_reason": reason}])
        } else {
            json!([])
        };
        let chunk = json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
            "choices": choices, "usage": usage});
        format!("data: {chunk}\n\n")
    };
    let usage = json!({"prompt_tokens": 50, "completion_tokens": 10, "total_tokens": 60});
    let stream = [
        chunk(json!({"role": "assistant", "content": reply}), Value::Null, Value::Null),
        chunk(json!({}), json!("stop"), Value::Null),
        chunk(Value::Null, Value::Null, usage),
        "data: [DONE]\n\n".to_owned(),
    ];
    ([("content-type", "text/event-stream")], stream.concat())
}
