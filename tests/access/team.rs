//! A server that asks who its callers are, and the people who call it.

use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::support::{self, Server};

/// Limits out of the way of tests that are about something else.
pub(crate) const UNHURRIED: &str = "[limits]\nuser_requests = 0\nsession_requests = 0\naddress_requests = 0\n\
                                    user_runs = 0\n";

/// One who calls a server with a credential, or none.
#[derive(Clone)]
pub(crate) struct Person {
    client: reqwest::Client,
    url: String,
    pub(crate) credential: Option<String>,
}

/// A server with keys, and this besides in its configuration.
pub(crate) async fn with_keys(config: &str) -> Server {
    Server::with_config(&format!("[access]\nmode = \"keys\"\n{config}")).await
}

/// Whoever is at the server's machine.
pub(crate) fn operator(server: &Server) -> Person {
    let note = std::fs::read(server.data.path().join("server.json")).unwrap();
    let note: Value = serde_json::from_slice(&note).unwrap();
    Person::with(server, note["operator"].as_str())
}

/// A new user with a key for reading, asking and writing.
pub(crate) async fn user(server: &Server, name: &str) -> Person {
    user_with(server, json!({"user": name})).await
}

pub(crate) async fn user_with(server: &Server, key: Value) -> Person {
    let made = operator(server).post("/api/keys", key).await;
    Person::with(server, made["key"].as_str())
}

impl Person {
    pub(crate) fn with(server: &Server, credential: Option<&str>) -> Self {
        let credential = credential.map(str::to_owned);
        Self { client: support::client(), url: server.url.clone(), credential }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.url));
        match &self.credential {
            Some(credential) => request.bearer_auth(credential),
            None => request,
        }
    }

    pub(crate) async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Response {
        let mut request = self.request(method, path);
        if let Some(body) = body {
            request = request.json(body);
        }
        if path == "/mcp" {
            // Its protocol wants both.
            request = request.header("accept", "application/json, text/event-stream");
        }
        request.send().await.unwrap()
    }

    pub(crate) async fn status(&self, path: &str) -> StatusCode {
        self.send(Method::GET, path, None).await.status()
    }

    /// The status of a refusal and its code.
    pub(crate) async fn refusal(&self, method: Method, path: &str, body: Option<&Value>) -> (u16, String) {
        let response = self.send(method, path, body).await;
        let status = response.status();
        let body: Value = response.json().await.unwrap_or_default();
        (status.as_u16(), body["code"].as_str().unwrap_or_default().to_owned())
    }

    pub(crate) async fn json(&self, method: Method, path: &str, body: Option<&Value>) -> Value {
        let response = self.send(method, path, body).await;
        let status = response.status();
        let text = response.text().await.unwrap();
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.json(Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Value {
        self.json(Method::POST, path, Some(&body)).await
    }

    pub(crate) async fn upload(&self, name: &str, text: &str, collection: Option<&str>) -> Response {
        let mut form = reqwest::multipart::Form::new();
        if let Some(collection) = collection {
            form = form.text("collection", collection.to_owned());
        }
        let part = reqwest::multipart::Part::bytes(text.as_bytes().to_vec()).file_name(name.to_owned());
        self.request(Method::POST, "/api/documents").multipart(form.part("file", part)).send().await.unwrap()
    }

    /// Uploads a document and waits until it can be found; its id.
    pub(crate) async fn add(&self, name: &str, text: &str, collection: Option<&str>) -> String {
        let uploaded: Value = self.upload(name, text, collection).await.json().await.unwrap();
        let id = uploaded["documents"][0]["id"].as_str().unwrap_or_else(|| panic!("{uploaded}")).to_owned();
        support::eventually("the document is read", async || {
            let document = self.get(&format!("/api/documents/{id}")).await;
            (document["status"] == "ready").then_some(())
        })
        .await;
        id
    }

    pub(crate) async fn session(&self) -> String {
        self.post("/api/chat/sessions", json!({})).await["id"].as_str().unwrap().to_owned()
    }

    /// Asks in a session, and waits for the whole answer.
    pub(crate) async fn ask(&self, session: &str, content: &str) -> Response {
        let body = json!({"content": content, "stream": false});
        self.send(Method::POST, &format!("/api/chat/sessions/{session}/messages"), Some(&body)).await
    }
}
