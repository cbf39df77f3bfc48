//! A real server for tests: the built binary on a port of its own and a data folder of its own,
//! spoken to over HTTP only.

#![allow(dead_code, reason = "each test binary uses its own part")]
#![expect(clippy::unwrap_used, reason = "a test that can't go on should stop there")]

pub(crate) mod dice;
pub(crate) mod gate;
pub(crate) mod proxy;

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

/// How long anything may take before a test gives up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A port that is free.
const ANYWHERE: &str = "127.0.0.1:0";

/// A running server. It is killed, not asked to stop, when this is dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) url: String,
    pub(crate) data: tempfile::TempDir,
    config: String,
    client: reqwest::Client,
}

/// One event of an answer as it came over the wire.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Frame {
    pub(crate) id: u64,
    pub(crate) event: String,
    pub(crate) data: Value,
}

impl Server {
    /// A server on an empty folder, with no model.
    pub(crate) async fn start() -> Self {
        Self::with_config("").await
    }

    /// A server on an empty folder, with this configuration file; `{data}` in it stands for the folder.
    pub(crate) async fn with_config(config: &str) -> Self {
        Self::in_folder(tempfile::tempdir().unwrap(), config).await
    }

    /// The same on a folder that is there already.
    pub(crate) async fn in_folder(data: tempfile::TempDir, config: &str) -> Self {
        let config = config.replace("{data}", &data.path().display().to_string());
        let client = client();
        let (child, url) = launch(data.path(), &config, ANYWHERE).await;
        Self { child, url, data, config, client }
    }

    /// A server on an empty folder, that logs all it has to say to this file.
    pub(crate) async fn with_log(config: &str, log: &Path) -> Self {
        let data = tempfile::tempdir().unwrap();
        let (child, url) = launch_logging(data.path(), config, ANYWHERE, Some(log)).await;
        Self { child, url, data, config: config.to_owned(), client: client() }
    }

    /// A server on an empty folder, whose model follows these rules.
    pub(crate) async fn scripted(rules: &Value, settings: &str) -> Self {
        let script = tempfile::NamedTempFile::new().unwrap().into_temp_path().keep().unwrap();
        std::fs::write(&script, rules.to_string()).unwrap();
        let model = "[[models]]\nname = \"scripted\"\nprovider = \"scripted\"\ndelay_ms = 0";
        Self::with_config(&format!("{settings}\n{model}\nscript = \"{}\"\n", script.display())).await
    }

    /// A server that has read the sample library.
    pub(crate) async fn with_library() -> Self {
        let server = Self::start().await;
        server.upload_library().await;
        server
    }

    /// SIGKILL, at once.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Kills, and starts again on the same folder.
    pub(crate) async fn restart(&mut self) {
        self.kill();
        self.start_again().await;
    }

    /// Starts again on the same folder, after it was killed.
    pub(crate) async fn start_again(&mut self) {
        (self.child, self.url) = launch(self.data.path(), &self.config, ANYWHERE).await;
    }

    /// Starts again on the same folder and at the same address, after it was killed.
    pub(crate) async fn start_again_there(&mut self) {
        let address = self.url.trim_start_matches("http://").to_owned();
        (self.child, self.url) = launch(self.data.path(), &self.config, &address).await;
    }

    /// Starts again on the same folder with another configuration, after it was killed.
    pub(crate) async fn configure(&mut self, config: &str) {
        self.config = config.replace("{data}", &self.data.path().display().to_string());
        self.start_again().await;
    }

    /// The process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits for the process to end by itself.
    pub(crate) async fn exit(&mut self) -> std::process::ExitStatus {
        eventually("the server exits", async || self.child.try_wait().unwrap()).await
    }

    pub(crate) async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Response {
        let mut request = self.client.request(method, format!("{}{path}", self.url));
        if let Some(body) = body {
            request = request.json(&body);
        }
        request.send().await.unwrap()
    }

    /// The JSON that a request gives, which must succeed.
    pub(crate) async fn json(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let response = self.send(method, path, body).await;
        let status = response.status();
        let text = response.text().await.unwrap();
        assert!(status.is_success(), "{path}: {status} {text}");
        if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() }
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.json(Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Value {
        self.json(Method::POST, path, Some(body)).await
    }

    /// The problem that a request gives, which must fail with this status.
    pub(crate) async fn problem(
        &self,
        status: StatusCode,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Value {
        let response = self.send(method, path, body).await;
        assert_eq!(response.status(), status, "{path}");
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        let problem: Value = response.json().await.unwrap();
        assert_eq!(problem["status"], status.as_u16());
        problem
    }

    /// Uploads one file and gives its entry of the answer, at once.
    pub(crate) async fn upload(
        &self,
        name: &str,
        bytes: impl Into<Vec<u8>>,
        collection: Option<&str>,
    ) -> Value {
        let uploaded = self.upload_all(vec![(name.to_owned(), bytes.into())], collection).await;
        uploaded["documents"][0].clone()
    }

    pub(crate) async fn upload_all(&self, files: Vec<(String, Vec<u8>)>, collection: Option<&str>) -> Value {
        let mut form = reqwest::multipart::Form::new();
        if let Some(collection) = collection {
            form = form.text("collection", collection.to_owned());
        }
        for (name, bytes) in files {
            form = form.part("file", reqwest::multipart::Part::bytes(bytes).file_name(name));
        }
        let request = self.client.post(format!("{}/api/documents", self.url)).multipart(form);
        request.send().await.unwrap().json().await.unwrap()
    }

    /// Uploads one file and waits until it is ready or failed.
    pub(crate) async fn add(&self, name: &str, bytes: impl Into<Vec<u8>>) -> Value {
        let id = self.upload(name, bytes, None).await["id"].as_str().unwrap().to_owned();
        self.settled(&id).await
    }

    /// A document once it is ready or failed.
    pub(crate) async fn settled(&self, id: &str) -> Value {
        eventually("the document is read", async || {
            let document = self.get(&format!("/api/documents/{id}")).await;
            matches!(document["status"].as_str(), Some("ready" | "failed")).then_some(document)
        })
        .await
    }

    pub(crate) async fn upload_library(&self) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/library");
        let mut files = Vec::new();
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            files.push((entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap()));
        }
        let uploaded = self.upload_all(files, None).await;
        for document in uploaded["documents"].as_array().unwrap() {
            let document = self.settled(document["id"].as_str().unwrap()).await;
            assert_eq!(document["status"], "ready", "{document}");
        }
    }

    pub(crate) async fn session(&self) -> String {
        let session = self.post("/api/chat/sessions", json!({})).await;
        session["id"].as_str().unwrap().to_owned()
    }

    /// Asks, and reads the stream to its end.
    pub(crate) async fn ask(&self, session: &str, body: Value) -> Vec<Frame> {
        let path = format!("/api/chat/sessions/{session}/messages");
        let response = self.send(Method::POST, &path, Some(body)).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        frames(&response.text().await.unwrap())
    }

    /// Asks, and leaves as soon as the answer has a name.
    pub(crate) async fn begin(&self, session: &str, body: Value) -> String {
        let path = format!("/api/chat/sessions/{session}/messages");
        let mut response = self.send(Method::POST, &path, Some(body)).await;
        let mut stream = String::new();
        while !stream.contains("\"message_id\"") || !stream.ends_with("\n\n") {
            stream.push_str(&String::from_utf8_lossy(&response.chunk().await.unwrap().unwrap()));
        }
        frames(&stream)[0].data["message_id"].as_str().unwrap().to_owned()
    }

    /// Reads an answer's events from after a position.
    pub(crate) async fn events(&self, session: &str, message: &str, after: u64) -> Vec<Frame> {
        let path = format!("/api/chat/sessions/{session}/messages/{message}/events?after={after}");
        frames(&self.send(Method::GET, &path, None).await.text().await.unwrap())
    }

    /// The stored text of a document.
    pub(crate) async fn text(&self, document: &str) -> String {
        let path = format!("/api/documents/{document}/text");
        self.send(Method::GET, &path, None).await.text().await.unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A client for this machine only.
pub(crate) fn client() -> reqwest::Client {
    // An error would only say that another test has set it already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    // A connection that rested as long as the server lets it may be closed under the next request.
    let rest = Duration::from_secs(30);
    reqwest::Client::builder().no_proxy().pool_idle_timeout(rest).build().unwrap()
}

/// The server that is driven: the one built with the tests, or the one that `IBID_PROGRAM` names.
pub(crate) fn program() -> std::ffi::OsString {
    std::env::var_os("IBID_PROGRAM").unwrap_or_else(|| env!("CARGO_BIN_EXE_ibid").into())
}

async fn launch(data: &Path, config: &str, address: &str) -> (Child, String) {
    launch_logging(data, config, address, None).await
}

async fn launch_logging(data: &Path, config: &str, address: &str, log: Option<&Path>) -> (Child, String) {
    let file = data.join("test.toml");
    std::fs::write(&file, config).unwrap();
    let mut command = Command::new(program());
    if let Some(log) = log {
        command.env("IBID_LOG", "trace").stderr(std::fs::File::create(log).unwrap());
    }
    let child = command
        .arg("--data")
        .arg(data)
        .arg("--config")
        .arg(file)
        .args(["serve", "--quiet", "--listen", address])
        .env_remove("OPENAI_API_KEY")
        .env_remove("ANTHROPIC_API_KEY")
        .env_remove("XAI_API_KEY")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let url = eventually("the server says where it is", async || {
        let note = std::fs::read(data.join("server.json")).ok()?;
        let note: Value = serde_json::from_slice(&note).ok()?;
        // One left by a killed server names another process.
        (note["pid"] == child.id()).then(|| note["url"].as_str().unwrap().to_owned())
    })
    .await;
    (child, url)
}

/// The frames of a whole event stream.
pub(crate) fn frames(stream: &str) -> Vec<Frame> {
    let blocks = stream.split("\n\n").filter(|block| block.contains("data:"));
    blocks
        .map(|block| {
            let field = |name: &str| {
                let line = block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
                line.unwrap_or_default().trim_start().to_owned()
            };
            let data = serde_json::from_str(&field("data")).unwrap();
            Frame { id: field("id").parse().unwrap_or(0), event: field("event"), data }
        })
        .collect()
}

/// The names of events, with repeats in a row told once.
pub(crate) fn outline(frames: &[Frame]) -> Vec<&str> {
    let mut names: Vec<&str> = frames.iter().map(|frame| frame.event.as_str()).collect();
    names.dedup();
    names
}

/// The text of an answer.
pub(crate) fn answer(frames: &[Frame]) -> String {
    let tokens = frames.iter().filter(|frame| frame.event == "token");
    tokens.map(|frame| frame.data["text"].as_str().unwrap()).collect()
}

/// The citations of an answer.
pub(crate) fn citations(frames: &[Frame]) -> Vec<Value> {
    frames.iter().filter(|frame| frame.event == "citation").map(|frame| frame.data.clone()).collect()
}

/// Asks again and again until there is something.
pub(crate) async fn eventually<T>(what: &str, mut attempt: impl AsyncFnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(value) = attempt().await {
            return value;
        }
        assert!(begun.elapsed() < PATIENCE, "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
