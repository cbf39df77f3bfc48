//! What Prometheus gets to read: numbers that move, and no words of anyone.

use reqwest::Method;
use serde_json::json;

use crate::support::{Server, eventually};

async fn numbers(server: &Server) -> String {
    let answer = server.send(Method::GET, "/metrics", None).await;
    assert!(answer.status().is_success());
    assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("application/openmetrics-text"));
    answer.text().await.unwrap()
}

/// The value of the line that begins with this name and these labels.
fn value(numbers: &str, name: &str) -> f64 {
    let line = numbers.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no `{name}` in\n{numbers}")).parse().unwrap()
}

#[tokio::test]
async fn what_happens_is_counted() {
    let server = Server::scripted(&json!([{"reply": "The gate was raised in 1953 [1]."}]), "").await;
    server.add("gates.md", "# Gates\n\nThe Halden gate was raised in 1953.").await;
    let session = server.session().await;
    for _ in 0..2 {
        let again = server.session().await;
        server.ask(&again, json!({"content": "When was the gate raised?"})).await;
    }
    server
        .ask(&session, json!({"content": "Which gate?", "mode": "deep_research", "model": "extractive"}))
        .await;
    let numbers = numbers(&server).await;
    let messages = "method=\"POST\",route=\"/api/chat/sessions/{id}/messages\",status=\"200\"";
    assert_eq!(value(&numbers, &format!("ibid_http_requests_total{{{messages}}}")), 3.0);
    assert_eq!(value(&numbers, "ibid_run_seconds_count{mode=\"regular\",outcome=\"stop\"}"), 2.0);
    assert_eq!(value(&numbers, "ibid_run_seconds_count{mode=\"deep_research\",outcome=\"stop\"}"), 1.0);
    assert_eq!(value(&numbers, "ibid_first_token_seconds_count{mode=\"regular\"}"), 2.0);
    assert_eq!(value(&numbers, "ibid_cache_hits_total"), 1.0);
    assert_eq!(value(&numbers, "ibid_cache_misses_total"), 1.0);
    assert!(value(&numbers, "ibid_output_tokens_total{model=\"scripted\"}") > 0.0);
    assert_eq!(value(&numbers, "ibid_index_documents"), 1.0);
    assert_eq!(value(&numbers, "ibid_index_passages"), 1.0);
    for positive in
        ["ibid_store_bytes", "ibid_index_bytes", "ibid_connections", "ibid_build_info{version=\"0.1.0\"}"]
    {
        assert!(value(&numbers, positive) > 0.0, "{positive}");
    }
    if cfg!(target_os = "linux") {
        assert!(value(&numbers, "process_resident_memory_bytes") > 1e6);
        assert!(value(&numbers, "process_open_fds") > 3.0);
    }
    assert!(numbers.ends_with("# EOF\n"));
}

#[tokio::test]
async fn a_failing_model_and_a_stream_that_is_read_are_seen() {
    let models = "[[models]]\nname = \"m\"\nprovider = \"scripted\"\ndelay_ms = 200\n\
         [[models]]\nname = \"gone\"\nprovider = \"openai\"\nmodel = \"x\"\nbase_url = \"http://127.0.0.1:9/v1\"\n";
    let server = Server::with_config(models).await;
    let session = server.session().await;
    let path = format!("/api/chat/sessions/{session}/messages");
    let stream = server.send(Method::POST, &path, Some(json!({"content": "What is here?"}))).await;
    assert_eq!(stream.headers()["x-accel-buffering"], "no");
    assert_eq!(stream.headers()["cache-control"], "no-cache, no-transform");
    let at_work = numbers(&server).await;
    assert_eq!((value(&at_work, "ibid_streams"), value(&at_work, "ibid_runs")), (1.0, 1.0));
    drop(stream);
    eventually("the reader is gone", async || {
        (value(&numbers(&server).await, "ibid_streams") == 0.0).then_some(())
    })
    .await;

    let session = server.session().await;
    server.ask(&session, json!({"content": "What is here?", "model": "gone"})).await;
    let numbers = numbers(&server).await;
    assert!(value(&numbers, "ibid_provider_errors_total{model=\"gone\",class=\"unavailable\"}") > 0.0);
    let failed = "ibid_run_seconds_count{mode=\"regular\",outcome=\"provider_unavailable\"}";
    assert_eq!(value(&numbers, failed), 1.0);
}

#[tokio::test]
async fn nobody_can_make_up_labels_or_find_words_of_others_in_them() {
    let server = Server::start().await;
    server.upload("canary-name.md", "canary text", Some("canary-collection")).await;
    server.send(Method::GET, "/canary-path/1", None).await;
    server.send(Method::GET, "/canary-path/2", None).await;
    server.send(Method::GET, "/api/search?q=canary", None).await;
    server.send(Method::from_bytes(b"CANARY").unwrap(), "/api/search", None).await;
    let numbers = numbers(&server).await;
    assert!(!numbers.to_lowercase().contains("canary"), "{numbers}");
    let nowhere = "ibid_http_requests_total{method=\"GET\",route=\"none\",status=\"404\"}";
    assert_eq!(value(&numbers, nowhere), 2.0);
}

#[tokio::test]
async fn the_dashboard_and_the_page_for_operators_name_only_numbers_that_exist() {
    // Models that are not there are counted too.
    let at = "base_url = \"http://127.0.0.1:9/v1\"";
    let models = format!(
        "[embeddings]\nprovider = \"openai\"\nmodel = \"m\"\n{at}\n[rerank]\nprovider = \"tei\"\n{at}\n"
    );
    let server = Server::with_config(&models).await;
    let session = server.session().await;
    // What has not happened yet has no number.
    server.ask(&session, json!({"content": "What is here?"})).await;
    let numbers = numbers(&server).await;
    let types: Vec<&str> = numbers.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
    let known: Vec<&str> = types.iter().filter_map(|line| line.split(' ').next()).collect();
    for text in [include_str!("../../fixtures/grafana.json"), include_str!("../../OPERATIONS.md")] {
        let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let mut number_of_names = 0;
        for word in words.filter(|word| word.starts_with("ibid_") || word.starts_with("process_")) {
            let endings = ["_total", "_bucket", "_count"];
            let name = endings.iter().find_map(|ending| word.strip_suffix(ending)).unwrap_or(word);
            assert!(known.contains(&name), "there is no `{word}`");
            number_of_names += 1;
        }
        assert!(number_of_names > 15);
    }
    for name in known {
        assert!(include_str!("../../OPERATIONS.md").contains(name), "`{name}` is not explained");
    }
}
