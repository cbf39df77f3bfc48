//! One table of every route and who gets what from it. A route without a row fails.

use std::collections::BTreeSet;
use std::path::Path;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::eventually;
use crate::team::{Person, UNHURRIED, user, user_with, with_keys};

/// Stands in everything that is the owner's.
const CANARY: &str = "xylocarp";

/// What another user with every permit but `admin` gets.
#[derive(Clone, Copy, PartialEq)]
enum Other {
    /// As if it did not exist.
    Nothing,
    /// An answer of their own, without a word of the owner's.
    TheirOwn,
    /// The same as everyone, even who shows nothing.
    Public,
    /// A refusal: it is for administrators.
    Refusal,
}
use Other::{Nothing, Public, Refusal, TheirOwn};

struct Row {
    route: &'static str,
    /// The scope it needs; empty if any credential will do.
    scope: &'static str,
    other: Other,
    body: Option<Value>,
}

fn row(route: &'static str, scope: &'static str, other: Other) -> Row {
    Row { route, scope, other, body: None }
}

fn with(route: &'static str, scope: &'static str, other: Other, body: Value) -> Row {
    Row { route, scope, other, body: Some(body) }
}

/// In an order in which what a row needs is still there.
fn rows() -> Vec<Row> {
    let question = json!({"content": "What is a xylocarp?", "stream": false});
    vec![
        row("GET /", "", Public),
        row("GET /library", "", Public),
        row("GET /s/{session}", "", Public),
        row("GET /s/{session}/citations", "", Public),
        row("GET /d/{document}", "", Public),
        row("GET /d/{document}/citations", "", Public),
        row("GET /assets/{name}", "", Public),
        row("GET /healthz", "", Public),
        row("GET /readyz", "", Public),
        row("GET /openapi.json", "", Public),
        row("GET /schema/events.json", "", Public),
        row("GET /docs", "", Public),
        row("GET /docs/style.css", "", Public),
        row("POST /api/login", "", Public),
        row("POST /api/logout", "", Public),
        row("GET /api/me", "", TheirOwn),
        row("GET /api/usage", "", TheirOwn),
        row("GET /api/models", "read", TheirOwn),
        row("GET /api/collections", "read", TheirOwn),
        with("PUT /api/collections/{name}/sharing", "write", TheirOwn, json!({"readers": []})),
        row("GET /api/documents", "read", TheirOwn),
        row("POST /api/documents", "write", TheirOwn),
        row("GET /api/documents/events", "read", TheirOwn),
        row("GET /api/documents/{id}", "read", Nothing),
        row("GET /api/documents/{id}/content", "read", Nothing),
        row("GET /api/documents/{id}/text", "read", Nothing),
        row("GET /api/documents/{id}/passages/{n}", "read", Nothing),
        row("GET /api/documents/{id}/pages", "read", Nothing),
        row("GET /api/documents/{id}/events", "read", Nothing),
        row("GET /api/documents/{id}/citations", "read", Nothing),
        row("GET /api/search", "read", TheirOwn),
        row("GET /api/history", "read", TheirOwn),
        row("GET /api/chat/sessions", "read", TheirOwn),
        with("POST /api/chat/sessions", "ask", TheirOwn, json!({})),
        row("GET /api/chat/sessions/{id}", "read", Nothing),
        with("PATCH /api/chat/sessions/{id}", "ask", Nothing, json!({"title": "xylocarp again"})),
        with("POST /api/chat/sessions/{id}/messages", "ask", Nothing, question),
        row("GET /api/chat/sessions/{id}/messages/{mid}", "read", Nothing),
        row("GET /api/chat/sessions/{id}/messages/{mid}/events", "read", Nothing),
        row("POST /api/chat/sessions/{id}/messages/{mid}/cancel", "ask", Nothing),
        with("POST /api/chat/sessions/{id}/messages/{mid}/plan", "ask", Nothing, json!({"approve": true})),
        with(
            "POST /api/chat/sessions/{id}/messages/{mid}/regenerate",
            "ask",
            Nothing,
            json!({"stream": false}),
        ),
        with(
            "PUT /api/chat/sessions/{id}/messages/{mid}/reaction",
            "ask",
            Nothing,
            json!({"reaction": "like", "note": "xylocarp indeed"}),
        ),
        row("DELETE /api/chat/sessions/{id}/messages/{mid}/reaction", "ask", Nothing),
        row("GET /api/chat/sessions/{id}/export", "read", Nothing),
        row("GET /api/commands", "read", TheirOwn),
        row("GET /v1/models", "read", TheirOwn),
        row("GET /v1/models/{*model}", "read", TheirOwn),
        with(
            "POST /v1/chat/completions",
            "ask",
            TheirOwn,
            json!({"model": "extractive", "messages": [{"role": "user", "content": "What is it?"}]}),
        ),
        with("POST /v1/responses", "ask", TheirOwn, json!({"input": "What is it?"})),
        with(
            "POST /mcp",
            "ask",
            TheirOwn,
            json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call",
                "params": {"name": "search", "arguments": {"query": "woody fruit"}}}),
        ),
        with("POST /chat/start", "ask", TheirOwn, json!({"modelId": "extractive", "prompt": "What is it?"})),
        with(
            "POST /api/chat/start",
            "ask",
            TheirOwn,
            json!({"modelId": "extractive", "prompt": "What is it?"}),
        ),
        row("GET /chat/stream", "read", Refusal),
        row("GET /api/chat/stream", "read", Refusal),
        row("GET /chat/history", "read", TheirOwn),
        row("GET /api/chat/history", "read", TheirOwn),
        row("GET /sessions", "read", TheirOwn),
        with("POST /sessions", "ask", TheirOwn, json!({})),
        row("GET /sessions/{id}", "read", Nothing),
        with("PATCH /sessions/{id}", "ask", Nothing, json!({"title": "xylocarp once more"})),
        with("POST /sessions/{id}/chat", "ask", Nothing, json!({"message": "What is a xylocarp?"})),
        with("POST /api/ai/chat/stream", "ask", TheirOwn, json!({"message": "What is it?"})),
        with(
            "POST /chat",
            "ask",
            TheirOwn,
            json!({"messages": [{"role": "user", "content": "What is it?"}], "stream": false}),
        ),
        row("DELETE /sessions/{id}", "ask", Nothing),
        row("GET /metrics", "admin", Refusal),
        row("GET /api/metrics", "admin", Refusal),
        row("GET /api/backup", "admin", Refusal),
        row("GET /api/keys", "admin", Refusal),
        with("POST /api/keys", "admin", Refusal, json!({"user": "eve"})),
        row("DELETE /api/keys/{id}", "admin", Refusal),
        with("PATCH /api/documents/{id}", "write", Nothing, json!({"title": "xylocarp retitled"})),
        row("POST /api/documents/{id}/reread", "write", Nothing),
        row("DELETE /api/documents/{id}", "write", Nothing),
        row("DELETE /api/chat/sessions/{id}", "ask", Nothing),
    ]
}

/// Every route in the sources of the server.
fn routes() -> BTreeSet<String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = vec![source.join("http.rs"), source.join("web.rs")];
    let mut folders = vec![source.join("http")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    let mut found = BTreeSet::new();
    for file in files {
        let text = std::fs::read_to_string(file).unwrap();
        // One dialect's routes are under `/api` as well.
        let nested = text.matches(".nest(").count();
        let is_nested = text.contains(".nest(\"/api\", started");
        assert_eq!(nested, usize::from(is_nested), "routes are nested in a way this table does not know");
        for call in text.split(".route(").skip(1) {
            let path = call.split('"').nth(1).unwrap();
            // Up to the parenthesis that closes the call.
            let mut depth = 1;
            let end = call.find(|c| {
                depth += i32::from(c == '(') - i32::from(c == ')');
                depth == 0
            });
            let call = &call[..end.unwrap()];
            if call.contains("mcp::route(") {
                found.insert(format!("POST {path}"));
            }
            for method in ["get", "post", "put", "patch", "delete"] {
                let is_named = call.match_indices(&format!("{method}(")).any(|(at, _)| {
                    !call[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':')
                });
                if is_named {
                    let method = method.to_uppercase();
                    found.insert(format!("{method} {path}"));
                    if is_nested && path.starts_with("/chat/") {
                        found.insert(format!("{method} /api{path}"));
                    }
                }
            }
        }
    }
    found
}

/// What the owner has.
struct Things {
    document: String,
    session: String,
    /// Of another dialect.
    chat: String,
    stream: String,
    message: String,
    key: String,
}

impl Things {
    fn path(&self, route: &str) -> (Method, String) {
        let (method, path) = route.split_once(' ').unwrap();
        let id = if path.contains("/documents/") {
            &self.document
        } else if path.contains("/keys/") {
            &self.key
        } else if path.starts_with("/sessions") {
            &self.chat
        } else {
            &self.session
        };
        let path = path.replace("{id}", id).replace("{mid}", &self.message).replace("{n}", "0");
        let path = path.replace("{*model}", "extractive");
        let path = path.replace("{name}", if path.contains("assets") { "app.js" } else { "nuts" });
        let path = path.replace("{session}", &self.session).replace("{document}", &self.document);
        let query = match path.as_str() {
            "/api/search" => "?q=xylocarp".to_owned(),
            "/api/history" => "?q=woody".to_owned(),
            "/chat/stream" | "/api/chat/stream" => format!("?sessionId={}", self.stream),
            _ => String::new(),
        };
        (method.parse().unwrap(), format!("{path}{query}"))
    }
}

/// Asks a route, with something to upload if it takes that.
async fn ask(person: &Person, things: &Things, row: &Row) -> reqwest::Response {
    let (method, path) = things.path(row.route);
    if row.route == "POST /api/documents" {
        return person.upload("other.md", "Nothing of note.", None).await;
    }
    person.send(method, &path, row.body.as_ref()).await
}

#[tokio::test]
async fn every_route_answers_its_owner_and_tells_nobody_else_anything() {
    let rows = rows();
    let named: BTreeSet<String> = rows.iter().map(|row| row.route.to_owned()).collect();
    let routes = routes();
    assert!(routes.len() > 30, "the routes are not found: {routes:?}");
    assert_eq!(named, routes, "every route has its row in this table, and no row is without a route");

    let server = with_keys(UNHURRIED).await;
    let all = json!(["read", "ask", "write", "admin"]);
    let owner = user_with(&server, json!({"user": "ada", "scopes": all})).await;
    let other = user(&server, "bob").await;
    let nobody = Person::with(&server, None);
    let soon = jiff::Timestamp::now() + std::time::Duration::from_secs(1);
    let expired = user_with(&server, json!({"user": "ada", "scopes": all, "expires_at": soon})).await;
    let altered = Person::with(&server, owner.credential.as_deref().map(alter).as_deref());
    let things = things(&owner).await;
    eventually("the key expires", async || {
        (expired.status("/api/me").await == StatusCode::UNAUTHORIZED).then_some(())
    })
    .await;

    for row in &rows {
        let route = row.route;
        if row.other == Public {
            let status = ask(&nobody, &things, row).await.status();
            assert_ne!(status, StatusCode::UNAUTHORIZED, "{route}");
            continue;
        }
        for (who, person) in [("no one", &nobody), ("expired", &expired), ("altered", &altered)] {
            let response = ask(person, &things, row).await;
            assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{who}: {route}");
            assert!(!response.text().await.unwrap().contains(CANARY), "{who}: {route}");
        }
        if !row.scope.is_empty() {
            let scopes: Vec<&str> =
                ["read", "ask", "write", "admin"].into_iter().filter(|scope| *scope != row.scope).collect();
            let short = user_with(&server, json!({"user": "ada", "scopes": scopes})).await;
            let status = ask(&short, &things, row).await.status();
            assert_eq!(status, StatusCode::FORBIDDEN, "without {}: {route}", row.scope);
        }
        let response = ask(&other, &things, row).await;
        let status = response.status();
        match row.other {
            Nothing => assert_eq!(status, StatusCode::NOT_FOUND, "{route}"),
            Refusal => assert_eq!(status, StatusCode::FORBIDDEN, "{route}"),
            TheirOwn | Public => assert!(status.is_success(), "{route}: {status}"),
        }
        if route != "GET /api/documents/events" {
            let text = response.text().await.unwrap();
            let is_echo = text.contains("\"q\"");
            assert!(is_echo || !text.contains(CANARY), "{route} tells bob: {text}");
        }
        let response = ask(&owner, &things, row).await;
        let status = response.status();
        // A regular answer has no plan, which only its owner may learn.
        let is_fine = status.is_success() || (route.ends_with("/plan") && status == StatusCode::BAD_REQUEST);
        assert!(is_fine, "the owner: {route}: {status}");
    }
}

async fn things(owner: &Person) -> Things {
    let text = "# Xylocarp\n\nA xylocarp is a hard and woody fruit, such as a coconut.";
    let document = owner.add("xylocarp.md", text, Some("nuts")).await;
    let session = owner.session().await;
    let answer: Value = owner.ask(&session, "What is a xylocarp?").await.json().await.unwrap();
    assert!(answer["content"].as_str().unwrap().contains("woody"), "{answer}");
    let key = owner.post("/api/keys", json!({"user": "xylocarp"})).await["id"].as_str().unwrap().to_owned();
    let asked = json!({"modelId": "extractive", "prompt": "What is a xylocarp?"});
    let stream = owner.post("/chat/start", asked).await["sessionId"].as_str().unwrap().to_owned();
    let chat = owner.session().await;
    Things { document, session, chat, stream, message: answer["id"].as_str().unwrap().to_owned(), key }
}

/// A credential with its last character changed.
pub(crate) fn alter(credential: &str) -> String {
    let (rest, last) = credential.split_at(credential.len() - 1);
    format!("{rest}{}", if last == "0" { "1" } else { "0" })
}

#[tokio::test]
async fn ids_in_bodies_and_replays_are_objects_too() {
    let server = with_keys(UNHURRIED).await;
    let (ada, bob) = (user(&server, "ada").await, user(&server, "bob").await);
    let text = "# Xylocarp\n\nA xylocarp is a woody fruit.";
    let document = ada.add("xylocarp.md", text, None).await;
    let scoped = json!({"document_ids": [document]});
    assert_eq!(bob.refusal(Method::POST, "/api/chat/sessions", Some(&scoped)).await.0, 404);
    let (ours, theirs) = (bob.session().await, ada.session().await);
    let question = json!({"content": "What is it?", "stream": false, "document_ids": [document]});
    let path = format!("/api/chat/sessions/{ours}/messages");
    assert_eq!(bob.refusal(Method::POST, &path, Some(&question)).await.0, 404);
    assert_eq!(
        bob.refusal(Method::GET, &format!("/api/search?q=it&document_ids={document}"), None).await.0,
        404
    );

    // The same bytes and name are bob's own document, and the same key his own request.
    let copy: Value = bob.upload("xylocarp.md", text, None).await.json().await.unwrap();
    assert_ne!(copy["documents"][0]["id"], document.as_str());
    assert!(copy["documents"][0].get("duplicate").is_none(), "{copy}");
    assert!(ada.get(&format!("/api/documents/{document}")).await.get("superseded_by").is_none());
    let keyed = async |person: &Person| -> Value {
        let request = person.request(Method::POST, "/api/chat/sessions").header("idempotency-key", "one");
        request.json(&json!({})).send().await.unwrap().json().await.unwrap()
    };
    assert_ne!(keyed(&ada).await["id"], keyed(&bob).await["id"]);
    // A message is looked for in the session it is in, and that in its owner's.
    let answer: Value = ada.ask(&theirs, "What is a xylocarp?").await.json().await.unwrap();
    let message = answer["id"].as_str().unwrap();
    let path = format!("/api/chat/sessions/{ours}/messages/{message}/events");
    assert_eq!(bob.refusal(Method::GET, &path, None).await.0, 404);
}
