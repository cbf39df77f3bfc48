//! Deep research with a model that takes 300 ms a call: beside its time, in the same run, the
//! critical path, which is the calls that have to wait for one another and nothing else, and the
//! time all calls would take in a row. Questions that are looked into at once bring the first near
//! the second.

#![expect(clippy::unwrap_used, reason = "a bench that can't go on should stop there")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use serde_json::{Value, json};
use support::Server;
use tokio::runtime::Runtime;

const CALL: Duration = Duration::from_millis(300);
const QUESTIONS: [&str; 4] = [
    "When was the Sallow Dike breached?",
    "How many fish died in August 2018?",
    "How wide is the north breach?",
    "How many pairs of redshank bred in 2022?",
];
/// The plan, the reading of all questions at once, the look for gaps, the summary and the sections
/// one after the other.
const IN_A_CHAIN: u32 = 4 + QUESTIONS.len() as u32;
/// The same with one question read after the other.
const IN_A_ROW: u32 = IN_A_CHAIN + QUESTIONS.len() as u32 - 1;

/// A model that plans these questions, notes nothing that can be read (so that the documents' own
/// sentences take the place of its notes), sees no gap and writes a sentence a section; each call
/// takes its time and then answers at once.
fn rules() -> Value {
    let questions = QUESTIONS.map(|text| json!({"text": text, "why": "it is part of the story"}));
    let plan = json!({"question": "What happened at Sallow?", "questions": questions}).to_string();
    let delay_ms = u64::try_from(CALL.as_millis()).unwrap();
    let rule = |when: &str, reply: &str| json!({"when": [when], "reply": [reply], "delay_ms": delay_ms});
    json!([
        rule("You plan research", &plan),
        rule("You take notes", "?"),
        rule("You look for gaps", "{\"questions\": []}"),
        rule("You write one section", "The passages tell of it [1]."),
    ])
}

async fn report(server: &Server) {
    let session = server.session().await;
    let body = json!({"content": "What happened at Sallow?", "mode": "deep_research"});
    let frames = server.ask(&session, body).await;
    let calls = frames.last().unwrap().data["usage"]["calls"].as_u64();
    assert_eq!(calls, Some(u64::from(IN_A_ROW)), "the calls are those that the paths are made of");
}

fn bench(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let script = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(script.path(), rules().to_string()).unwrap();
    let config = format!(
        "[[models]]\nname = \"scripted\"\nprovider = \"scripted\"\nscript = \"{}\"\n",
        script.path().display()
    );
    let server = runtime.block_on(Server::with_config(&config));
    runtime.block_on(server.upload_library());

    let mut group = criterion.benchmark_group("research");
    group.sample_size(10).measurement_time(Duration::from_secs(30));
    group.bench_function("a report", |bencher| {
        bencher.to_async(&runtime).iter(|| report(&server));
    });
    group.bench_function("its critical path", |bencher| {
        bencher.to_async(&runtime).iter(|| tokio::time::sleep(CALL * IN_A_CHAIN));
    });
    group.bench_function("its calls in a row", |bencher| {
        bencher.to_async(&runtime).iter(|| tokio::time::sleep(CALL * IN_A_ROW));
    });
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
