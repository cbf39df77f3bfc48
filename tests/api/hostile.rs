//! Requests that nobody means well: each is answered, none with a fault of the server's.

use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{PATIENCE, Server, client};

/// Every kind of route that reads a JSON body.
const READERS: [(&str, &str); 15] = [
    ("POST", "/api/chat/sessions"),
    ("PATCH", "/api/chat/sessions/{id}"),
    ("POST", "/api/chat/sessions/{id}/messages"),
    ("PATCH", "/api/documents/{document}"),
    ("PUT", "/api/collections/birds/sharing"),
    ("POST", "/api/keys"),
    ("POST", "/api/login"),
    ("POST", "/v1/chat/completions"),
    ("POST", "/mcp"),
    ("POST", "/sessions"),
    ("PATCH", "/sessions/{id}"),
    ("POST", "/sessions/{id}/chat"),
    ("POST", "/api/ai/chat/stream"),
    ("POST", "/chat/start"),
    ("POST", "/chat"),
];

/// What no reader of these routes can use.
fn bodies() -> Vec<Vec<u8>> {
    let deep = 10_000;
    let within =
        |value: &str| format!("{{\"content\":{value},\"message\":{value},\"title\":{value}}}").into();
    vec![
        format!("{}{}", "[".repeat(deep), "]".repeat(deep)).into(),
        format!("{}1{}", "{\"content\":".repeat(deep), "}".repeat(deep)).into(),
        within("1e999999"),
        within("-1e-999999"),
        within(&"9".repeat(5_000)),
        within("\"\\ud800\""),
        within("\"\\udc00\\ud800\""),
        within("\"\\u0000\""),
        b"{\"content\":\"\xff\xfe\",\"message\":\"\xc0\x80\"}".to_vec(),
        b"{\"content\":\"a\0b\"}".to_vec(),
        b"\0".to_vec(),
        b"\xef\xbb\xbf{}".to_vec(),
        Vec::new(),
        b"null".to_vec(),
        b"[]".to_vec(),
    ]
}

struct Asked {
    server: Server,
    client: Client,
    session: String,
    document: String,
}

impl Asked {
    async fn start() -> Self {
        let server = Server::start().await;
        let document = server.add("eels.md", "# Eels\n\nSilver eels leave in October.").await;
        let document = document["id"].as_str().unwrap().to_owned();
        let session = server.session().await;
        Self { server, client: client(), session, document }
    }

    fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let path = path.replace("{id}", &self.session).replace("{document}", &self.document);
        self.client
            .request(method.parse::<Method>().unwrap(), format!("{}{path}", self.server.url))
            .header("accept", "application/json, text/event-stream")
            .timeout(PATIENCE)
    }
}

/// An answer with no fault, and with a media type if it has words.
async fn has_no_fault(request: RequestBuilder, what: &str) -> StatusCode {
    let response = request.send().await.unwrap();
    let (status, kind) = (response.status(), response.headers().get("content-type").cloned());
    let text = response.bytes().await.unwrap();
    let said = String::from_utf8_lossy(&text);
    assert!(!status.is_server_error(), "{what}: {status} {said}");
    assert!(text.is_empty() || kind.is_some(), "{what}: {status} without a media type: {said}");
    status
}

#[tokio::test]
async fn no_body_is_a_fault_of_the_server() {
    let asked = Asked::start().await;
    for (method, path) in READERS {
        for body in bodies() {
            let start = String::from_utf8_lossy(&body[..body.len().min(40)]).into_owned();
            let request = asked.request(method, path).header("content-type", "application/json").body(body);
            has_no_fault(request, &format!("{method} {path} {start}")).await;
        }
        let words = asked.request(method, path).header("content-type", "text/plain").body("{}");
        let status = has_no_fault(words, &format!("{method} {path} as text")).await;
        let is_refused = [StatusCode::UNSUPPORTED_MEDIA_TYPE, StatusCode::FORBIDDEN].contains(&status);
        assert!(is_refused, "{method} {path}: {status}");
    }
}

#[tokio::test]
async fn a_refusal_reaches_a_client_that_is_still_sending() {
    let asked = Asked::start().await;
    for bytes in [100_000, 1 << 20, 20 << 20] {
        for path in ["/api/documents", "/api/login", "/no/such/path"] {
            let foreign = asked.request("POST", path).header("origin", "http://elsewhere.example");
            let status = has_no_fault(foreign.body(vec![b'a'; bytes]), &format!("{path} {bytes}")).await;
            assert!(status.is_client_error(), "{path} {bytes}: {status}");
        }
    }
}

#[tokio::test]
async fn a_body_that_is_nested_ten_thousand_deep_is_refused() {
    let asked = Asked::start().await;
    let deep = format!("{{\"title\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
    for path in ["/api/chat/sessions", "/sessions"] {
        let request = asked.request("POST", path).header("content-type", "application/json");
        let response = request.body(deep.clone()).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{path}");
        assert!(response.headers()["content-type"].to_str().unwrap().contains("json"), "{path}");
    }
}

#[tokio::test]
async fn no_address_is_a_fault_of_the_server() {
    let asked = Asked::start().await;
    let odd =
        ["%00", "%ff%fe", "%c0%80", "%ed%a0%80", "..%2f..%2fetc%2fpasswd", "%", "18446744073709551616", "-1"];
    for odd in odd {
        for path in [
            format!("/api/documents/{odd}"),
            format!("/api/documents/{}/passages/{odd}", asked.document),
            format!("/api/documents/{}/citations?page={odd}&limit={odd}", asked.document),
            format!("/api/documents?cursor={odd}&name={odd}"),
            format!("/api/search?q={odd}&collection={odd}"),
            format!("/api/search?q=eels&limit={odd}"),
            format!("/api/history?q={odd}"),
            format!("/api/chat/sessions?cursor={odd}"),
            format!("/api/chat/sessions/{}/export?format={odd}", asked.session),
            format!("/v1/models/{odd}"),
            format!("/sessions/{odd}"),
            format!("/chat/stream?sessionId={odd}"),
            format!("/chat/history?chatId={odd}"),
            format!("/assets/{odd}"),
        ] {
            has_no_fault(asked.request("GET", &path), &path).await;
        }
        let path = format!("/api/collections/{odd}/sharing");
        has_no_fault(asked.request("PUT", &path).json(&json!({"everyone": true})), &path).await;
    }
}

/// A client library would refuse to send these.
#[tokio::test]
async fn raw_bytes_and_a_megabyte_of_query_are_refused_and_not_a_fault() {
    let asked = Asked::start().await;
    let address = asked.server.url.trim_start_matches("http://").to_owned();
    let megabyte = vec![b'a'; 1 << 20];
    let targets: [&[u8]; 4] = [
        b"/api/search?q=\xff\xfe",
        b"/api/documents/\xff",
        b"/api/search?q=a\0b",
        &[b"/api/search?q=", &megabyte[..]].concat(),
    ];
    for target in targets {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        let request =
            [b"GET ", target, b" HTTP/1.1\r\nHost: ", address.as_bytes(), b"\r\nConnection: close\r\n\r\n"];
        // Whoever refuses early may hang up before all of it is sent.
        let _ = stream.write_all(&request.concat()).await;
        let mut answer = Vec::new();
        let _ =
            tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("it is answered");
        let line = String::from_utf8_lossy(&answer[..answer.len().min(30)]).into_owned();
        assert!(!line.starts_with("HTTP/1.1 5"), "{line}");
        assert!(line.is_empty() || line.starts_with("HTTP/1.1 "), "{line}");
    }
    assert_eq!(asked.server.get("/readyz").await["status"], "ready");
}
