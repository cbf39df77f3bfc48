//! Time to the first token over HTTP, from the question's first byte out to the first token in:
//! without a model, through a model server that answers at once, and, as the yardstick in the same
//! run, from that model server directly.

#![expect(clippy::unwrap_used, reason = "a bench that can't go on should stop there")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::time::Duration;

use axum::Router;
use axum::response::IntoResponse;
use axum::routing::post;
use criterion::{Criterion, criterion_group, criterion_main};
use reqwest::Method;
use serde_json::json;
use support::{Server, client};
use tokio::runtime::Runtime;

/// What a model server streams: one word and the end.
const REPLY: &str = concat!(
    "data: {\"id\":\"1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":",
    "[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"Yes.\"},\"finish_reason\":null}]}\n\n",
    "data: {\"id\":\"1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":",
    "[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n",
);

async fn model_server() -> String {
    let reply = async || ([("content-type", "text/event-stream")], REPLY).into_response();
    let app = Router::new().route("/v1/chat/completions", post(reply));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, app).await.unwrap() });
    url
}

/// Asks and reads up to the first token.
async fn first_token(server: &Server, session: &str, model: &str) {
    let path = format!("/api/chat/sessions/{session}/messages");
    let body = json!({"content": "How many hectares were restored?", "model": model});
    let mut response = server.send(Method::POST, &path, Some(body)).await;
    let mut stream = Vec::new();
    while !stream.windows(12).any(|window| window == b"event: token") {
        stream.extend_from_slice(&response.chunk().await.unwrap().unwrap());
    }
}

async fn first_byte(client: &reqwest::Client, url: &str) {
    let body = json!({"model": "m", "stream": true, "messages": [{"role": "user", "content": "Yes?"}]});
    let mut response = client.post(format!("{url}/chat/completions")).json(&body).send().await.unwrap();
    response.chunk().await.unwrap().unwrap();
}

fn bench(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let model = runtime.block_on(model_server());
    let config = format!(
        "[[models]]\nname = \"model\"\nprovider = \"openai\"\nmodel = \"m\"\nbase_url = \"{model}\"\n"
    );
    let server = runtime.block_on(Server::with_config(&config));
    runtime.block_on(server.upload_library());
    let session = runtime.block_on(server.session());
    let client = client();

    let mut group = criterion.benchmark_group("first_token");
    group.sample_size(50).measurement_time(Duration::from_secs(10));
    group.bench_function("the model directly", |bencher| {
        bencher.to_async(&runtime).iter(|| first_byte(&client, &model));
    });
    group.bench_function("through ibid", |bencher| {
        bencher.to_async(&runtime).iter(|| first_token(&server, &session, "model"));
    });
    group.bench_function("without a model", |bencher| {
        bencher.to_async(&runtime).iter(|| first_token(&server, &session, "extractive"));
    });
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
