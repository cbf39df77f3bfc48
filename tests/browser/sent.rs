//! What goes over the wire for the page: its policy, its size, and to whom.

use std::collections::BTreeMap;
use std::path::Path;

use reqwest::{Method, StatusCode};

use crate::support::{Server, client};

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
    img-src 'self' data:; font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
const MAX_BYTES: usize = 150_000;

#[tokio::test]
async fn every_view_is_one_page_that_allows_nothing_inline_and_nothing_from_elsewhere() {
    let server = Server::start().await;
    for path in ["/", "/library", "/s/018f0000-0000-7000-8000-000000000000", "/s/x/citations", "/d/x"] {
        let response = server.send(Method::GET, path, None).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        let headers = response.headers();
        assert_eq!(headers["content-security-policy"], POLICY, "{path}");
        assert_eq!(headers["content-type"], "text/html; charset=utf-8");
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert_eq!(headers["referrer-policy"], "no-referrer");
        let html = response.text().await.unwrap();
        assert_eq!(html.matches("<script").count(), 1);
        for inline in ["<style", " style=", " onclick", " onload", "javascript:", "src=\"http", "href=\"http"]
        {
            assert!(!html.contains(inline), "{inline}");
        }
    }
    let other = server.send(Method::GET, "/healthz", None).await;
    assert_ne!(other.headers()["content-security-policy"], POLICY, "the page's policy is the page's alone");
    server.problem(StatusCode::NOT_FOUND, Method::GET, "/elsewhere", None).await;
}

#[tokio::test]
async fn all_that_the_page_loads_is_there_and_small() {
    let server = Server::start().await;
    let mut waiting = vec!["/".to_owned()];
    let mut sizes = BTreeMap::new();
    while let Some(path) = waiting.pop() {
        let response = server.send(Method::GET, &path, None).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        let expected = match Path::new(&path).extension().and_then(|kind| kind.to_str()) {
            Some("js") => "text/javascript; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            _ => "text/html; charset=utf-8",
        };
        assert_eq!(response.headers()["content-type"], expected, "{path}");
        let text = response.text().await.unwrap();
        let imported = text.lines().filter_map(|line| line.split_once(" from './")?.1.strip_suffix("';"));
        let named = text.split('"').filter_map(|quoted| quoted.strip_prefix("/assets/"));
        for name in imported.chain(named) {
            let path = format!("/assets/{name}");
            if !sizes.contains_key(&path) && !waiting.contains(&path) {
                waiting.push(path);
            }
        }
        sizes.insert(path, text.len());
    }
    let written = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/web/assets")).unwrap();
    assert_eq!(sizes.len(), written.count(), "each file is used: {sizes:?}");
    let total: usize = sizes.values().sum();
    assert!(total < MAX_BYTES, "{total} bytes: {sizes:?}");
}

#[tokio::test]
async fn a_file_of_the_page_is_sent_once() {
    let server = Server::start().await;
    for path in ["/", "/assets/app.js"] {
        let first = server.send(Method::GET, path, None).await;
        assert_eq!(first.headers()["cache-control"], "no-cache");
        let tag = first.headers()["etag"].clone();
        let ask = async |tag: &str| {
            let request = client().get(format!("{}{path}", server.url)).header("if-none-match", tag);
            request.send().await.unwrap()
        };
        let again = ask(tag.to_str().unwrap()).await;
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(again.headers()["etag"], tag);
        assert!(again.bytes().await.unwrap().is_empty());
        assert_eq!(ask("\"other\"").await.status(), StatusCode::OK);
    }
    let missing = server.send(Method::GET, "/assets/..%2Fweb.rs", None).await;
    assert_eq!(missing.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_page_is_for_this_machine_only() {
    let server = Server::start().await;
    for (name, value) in
        [("host", "evil.example"), ("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")]
    {
        for path in ["/", "/assets/app.js"] {
            let request = client().get(format!("{}{path}", server.url)).header(name, value);
            assert_eq!(request.send().await.unwrap().status(), StatusCode::FORBIDDEN, "{name}: {value}");
        }
    }
}

#[tokio::test]
async fn pages_begin_where_the_text_can_be_cut() {
    let server = Server::start().await;
    let report = include_bytes!("../../fixtures/library/osmer-restoration-report.pdf");
    let document = server.add("report.pdf", report.to_vec()).await;
    let id = document["id"].as_str().unwrap();
    let pages = server.get(&format!("/api/documents/{id}/pages")).await;
    let pages = pages["items"].as_array().unwrap();
    assert_eq!(pages.len() as u64, document["pages"].as_u64().unwrap());
    let text = server.text(id).await;
    let mut last = None;
    for (at, page) in pages.iter().enumerate() {
        assert_eq!(page["page"], at as u64 + 1);
        let start = usize::try_from(page["start"].as_u64().unwrap()).unwrap();
        assert!(text.is_char_boundary(start) && last < Some(start), "{page}");
        last = Some(start);
    }
}
