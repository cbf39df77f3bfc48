//! What is too deep, too many or too big is refused in words, and a failure of ours harms nobody else.

use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::support::{Server, client};

async fn problem(answer: reqwest::Response) -> (StatusCode, Value) {
    (answer.status(), answer.json().await.unwrap_or_default())
}

#[tokio::test]
async fn json_nested_without_end_is_a_bad_request() {
    let server = Server::start().await;
    for depth in [200, 100_000] {
        let nested = format!("{{\"title\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        let answer = client()
            .post(format!("{}/api/chat/sessions", server.url))
            .header("content-type", "application/json")
            .body(nested)
            .send();
        let (status, problem) = problem(answer.await.unwrap()).await;
        assert_eq!((status, &problem["code"]), (StatusCode::BAD_REQUEST, &"invalid_request".into()));
    }
    assert_eq!(server.send(Method::GET, "/healthz", None).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_form_has_a_bounded_number_of_parts_and_bounded_text() {
    let server = Server::start().await;
    let send = async |form| {
        let request = client().post(format!("{}/api/documents", server.url)).multipart(form);
        problem(request.send().await.unwrap()).await
    };
    let many = (0..1001).fold(reqwest::multipart::Form::new(), |form, _| form.text("note", "x"));
    let (status, told) = send(many).await;
    assert_eq!((status, &told["code"]), (StatusCode::PAYLOAD_TOO_LARGE, &"too_large".into()), "{told}");
    let long = reqwest::multipart::Form::new().text("collection", "x".repeat(5000));
    let (status, told) = send(long).await;
    assert_eq!((status, &told["code"]), (StatusCode::PAYLOAD_TOO_LARGE, &"too_large".into()), "{told}");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_crash_leaves_no_image_of_the_memory() {
    let server = Server::start().await;
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", server.pid())).unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    let numbers: Vec<&str> = line.split_whitespace().filter(|word| word.parse::<u64>().is_ok()).collect();
    assert_eq!(numbers, ["0", "0"], "{line}");
}

#[tokio::test]
async fn headers_are_bounded_in_bytes_and_in_number() {
    let server = Server::with_config("[server]\nmax_header_bytes = 16384\n").await;
    let url = format!("{}/healthz", server.url);
    let big = client().get(&url).header("x-big", "x".repeat(20_000)).send().await.unwrap();
    assert_eq!(big.status(), StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
    let many = (0..150).fold(client().get(&url), |request, n| request.header(format!("x-{n}"), "y"));
    assert_eq!(many.send().await.unwrap().status(), StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
    let fine = client().get(&url).header("x-big", "x".repeat(8_000)).send().await.unwrap();
    assert_eq!(fine.status(), StatusCode::OK);
}
