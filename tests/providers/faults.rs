//! The fault table: what each refusal and each broken connection is told apart as.

use std::time::Duration;

use ibid::config::model::{ModelConfig, Timeouts, Vendor};
use ibid::provider::CallOptions;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use crate::replay::{Answer, Replay, Then};
use crate::{call, config, fixture};

async fn refused(vendor: Vendor, answer: Answer) -> String {
    let server = Replay::start([answer]).await;
    let said = call(&config(vendor, server.base_url()), &CallOptions::default()).await;
    assert_eq!(server.asked().len(), 1, "a provider makes one call");
    said.trim_start_matches(" | ").to_owned()
}

#[tokio::test]
async fn each_status_of_a_chat_server_has_its_kind() {
    let not_there = "no model `m` there, or no such address";
    for (status, name, expected) in [
        (400, "context_length", "ContextTooLong"),
        (400, "llama_cpp_context", "ContextTooLong"),
        (400, "bad_request", "Rejected(\"status 400, Invalid value for 'temperature'"),
        (401, "invalid_key", "Unauthorized"),
        (403, "invalid_key", "Unauthorized"),
        (402, "insufficient_quota", "Rejected(\"status 402"),
        (404, "model_not_found", not_there),
        (404, "ollama_model", "model 'qwen9' not found, try pulling it first"),
        (405, "bad_request", not_there),
        (408, "server_error", "Unavailable(\"status 408"),
        (409, "server_error", "Unavailable(\"status 409"),
        (413, "bad_request", "ContextTooLong"),
        (422, "bad_request", "Rejected(\"status 422"),
        (429, "rate_limit", "RateLimited { retry_after: None }"),
        (429, "insufficient_quota", "Rejected(\"status 429, You exceeded your current quota"),
        (500, "server_error", "Unavailable(\"status 500, The server had an error"),
        (502, "server_error", "Unavailable(\"status 502"),
        (503, "server_error", "Unavailable(\"status 503"),
        (529, "server_error", "Unavailable(\"status 529"),
    ] {
        let answer = Answer::json(status, &fixture(&format!("openai/refusals/{name}.json")));
        let said = refused(Vendor::OpenAi, answer).await;
        assert!(said.contains(expected), "{status} {name}: {said}");
    }
}

#[tokio::test]
async fn each_status_of_anthropic_has_its_kind() {
    for (status, name, expected) in [
        (400, "too_long", "ContextTooLong"),
        (400, "billing", "Rejected(\"status 400, Your credit balance is too low"),
        (401, "authentication", "Unauthorized"),
        (404, "not_found", "Rejected(\"no model `m` there"),
        (429, "rate_limit", "RateLimited { retry_after: None }"),
        (529, "overloaded", "Unavailable(\"status 529, Overloaded\")"),
    ] {
        let answer = Answer::json(status, &fixture(&format!("anthropic/refusals/{name}.json")));
        let said = refused(Vendor::Anthropic, answer).await;
        assert!(said.contains(expected), "{status} {name}: {said}");
    }
}

#[tokio::test]
async fn a_refusal_need_not_be_json_nor_short() {
    let page = format!("<html>{}</html>", "bad gateway ".repeat(100_000));
    for (status, body) in [(502, page.as_str()), (500, ""), (500, "{\"error\": 7}"), (500, "[[[")] {
        let said = refused(Vendor::OpenAi, Answer::json(status, body)).await;
        assert!(said.starts_with("Unavailable(\"status 50") && said.len() < 80, "{said}");
    }
    let long = format!("{{\"error\": {{\"message\": \"a\\nb {}\"}}}}", "x".repeat(10_000));
    let said = refused(Vendor::OpenAi, Answer::json(400, &long)).await;
    assert!(said.starts_with("Rejected(\"status 400, a b xxx") && said.len() < 400, "{said}");
}

#[tokio::test]
async fn the_wait_that_is_asked_for_is_read_in_every_notation() {
    let limit = fixture("openai/refusals/rate_limit.json");
    for (name, value, expected) in [
        ("retry-after", "12", "Some(12s)"),
        ("retry-after", "0.5", "Some(500ms)"),
        ("retry-after-ms", "250", "Some(250ms)"),
        ("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT", "Some(0ns)"),
        ("retry-after", "-3", "None"),
        ("retry-after", "soon", "None"),
    ] {
        let said = refused(Vendor::OpenAi, Answer::json(429, &limit).header(name, value)).await;
        assert_eq!(said, format!("RateLimited {{ retry_after: {expected} }}"), "{name}: {value}");
    }
    let later = jiff::Timestamp::now() + Duration::from_secs(3600);
    let later = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&later).unwrap();
    let said = refused(Vendor::OpenAi, Answer::json(429, &limit).header("retry-after", &later)).await;
    assert!(said.starts_with("RateLimited { retry_after: Some(35") || said.contains("3600"), "{said}");
}

#[tokio::test]
async fn a_redirect_is_not_followed_with_the_key_in_hand() {
    let said =
        refused(Vendor::OpenAi, Answer::json(307, "{}").header("location", "http://127.0.0.1:9/")).await;
    assert!(said.starts_with("Rejected(\"status 307, a redirect: set `base_url`"), "{said}");
}

#[tokio::test]
async fn what_cannot_be_reached_is_unavailable() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let plain = Replay::start([Answer::json(200, "{}")]).await;
    let without_tls = plain.base_url().replace("http:", "https:");
    for base_url in [format!("http://{free}/v1"), "http://ibid.invalid/v1".to_owned(), without_tls] {
        let said = call(&config(Vendor::OpenAi, &base_url), &CallOptions::default()).await;
        assert!(said.starts_with(" | Unavailable(\"no connection: "), "{base_url}: {said}");
    }
}

#[tokio::test]
async fn a_connection_that_closes_before_the_answer_is_unavailable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            connection.shutdown().await.unwrap();
        }
    });
    let said = call(&config(Vendor::OpenAi, &base_url), &CallOptions::default()).await;
    assert!(said.starts_with(" | Unavailable("), "{said}");
}

#[tokio::test]
async fn a_connection_that_is_never_made_times_out() {
    // A listener whose queue is full leaves further connections unanswered.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut fillers = Vec::new();
    for _ in 0..4 {
        let connecting = tokio::net::TcpStream::connect(address);
        fillers.push(tokio::time::timeout(Duration::from_millis(50), connecting).await);
    }
    let config = ModelConfig {
        timeouts: Timeouts { connect_s: 0.1, ..Timeouts::default() },
        ..config(Vendor::OpenAi, &format!("http://{address}/v1"))
    };
    assert_eq!(call(&config, &CallOptions::default()).await, " | TimedOut(\"no connection\")");
}

#[tokio::test]
async fn a_broken_stream_is_truncated_where_it_broke() {
    let cut = "data: {\"choices\":[{\"delta\":{\"content\":\"In 1859\"}}]}\n\n";
    let bad_utf8 = [cut.as_bytes(), b"data: \xff\xfe\n\n"].concat();
    let long = format!("{cut}data: {}", "x".repeat(3 << 20));
    for (answer, expected) in [
        (Answer::stream(cut, 9).then(Then::Break), "In 1859 | Truncated("),
        (Answer::stream(bad_utf8, 9), "In 1859 | Truncated(\"a line is not UTF-8\")"),
        (Answer::stream(&long, 4096), "In 1859 | Truncated(\"a line is longer than 1 MiB\")"),
        (Answer::stream("", 9), " | Truncated(\"it has no end mark\")"),
        (Answer::json(200, "{\"choices\":"), " | Truncated(\"the answer is not JSON\")"),
        (Answer::json(200, "<html>"), " | Truncated(\"the answer is not JSON\")"),
        (Answer::json(200, "{\"error\":{\"message\":\"no\",\"code\":\"500\"}}"), " | Unavailable(\"no\")"),
    ] {
        let server = Replay::start([answer]).await;
        let said = call(&config(Vendor::OpenAi, server.base_url()), &CallOptions::default()).await;
        assert!(said.starts_with(expected), "expected {expected}, got {said}");
    }
}

#[tokio::test]
async fn an_answer_that_is_marked_complete_survives_the_loss_of_its_connection() {
    let complete = fixture("openai/no_done.sse");
    for then in [Then::Break, Then::Hang] {
        let server = Replay::start([Answer::stream(&complete, 50).then(then)]).await;
        let said = call(&config(Vendor::OpenAi, server.base_url()), &CallOptions::default()).await;
        assert_eq!(said, "In 1859 [1]. | 412+5 in 1 | Stop");
    }
}
