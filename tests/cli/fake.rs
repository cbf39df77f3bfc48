//! A server that holds a data folder and answers from a script, and the binary run against it.
//! It shows what the commands make of the API; how the API behaves is tested elsewhere.

#![expect(clippy::unwrap_used, reason = "a server that can't be set up is a test that fails")]

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use rustix::fs::{FlockOperation, flock};

pub(crate) type Answer = Box<dyn Fn(&Asked) -> Response + Send>;

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) route: String,
    pub(crate) query: String,
    pub(crate) last_event_id: Option<String>,
    pub(crate) body: String,
}

#[derive(Default)]
struct Script {
    answers: Mutex<HashMap<String, Answer>>,
    asked: Mutex<Vec<Asked>>,
}

pub(crate) struct Fake {
    folder: tempfile::TempDir,
    script: Arc<Script>,
    _lock: File,
    _runtime: tokio::runtime::Runtime,
}

impl Fake {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        std::fs::create_dir(&data).unwrap();
        let lock = File::create(data.join("lock")).unwrap();
        flock(&lock, FlockOperation::NonBlockingLockExclusive).unwrap();

        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let script = Arc::new(Script::default());
        let router = Router::new().fallback(answer).with_state(script.clone());
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        runtime.spawn(async move { axum::serve(listener, router).await.unwrap() });
        let server = serde_json::json!({ "url": url, "pid": std::process::id() });
        std::fs::write(data.join("server.json"), server.to_string()).unwrap();
        Self { folder, script, _lock: lock, _runtime: runtime }
    }

    /// What `route` (`GET /api/…`) answers from now on.
    pub(crate) fn on(&self, route: &str, answer: impl Fn(&Asked) -> Response + Send + 'static) {
        self.script.answers.lock().unwrap().insert(route.into(), Box::new(answer));
    }

    pub(crate) fn on_json(&self, route: &str, body: serde_json::Value) {
        self.on(route, move |_| json(200, &body));
    }

    /// The requests of a route so far.
    pub(crate) fn asked(&self, route: &str) -> Vec<Asked> {
        let asked = self.script.asked.lock().unwrap();
        asked.iter().filter(|asked| asked.route == route).cloned().collect()
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = ibid(self.folder.path(), arguments);
        command.env("IBID_DATA", self.folder.path().join("data"));
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        ran(self.command(arguments).stdin(Stdio::null()).output().unwrap())
    }

    pub(crate) fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.folder.path().join("files").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }
}

async fn answer(State(script): State<Arc<Script>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let header = |name: &str| parts.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    let body = axum::body::to_bytes(body, 1 << 24).await.unwrap();
    let asked = Asked {
        route: format!("{} {}", parts.method, parts.uri.path()),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        last_event_id: header("last-event-id"),
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    script.asked.lock().unwrap().push(asked.clone());
    match script.answers.lock().unwrap().get(&asked.route) {
        Some(answer) => answer(&asked),
        None => problem(404, &format!("no script for {}", asked.route)),
    }
}

pub(crate) fn json(status: u16, body: &serde_json::Value) -> Response {
    let status = axum::http::StatusCode::from_u16(status).unwrap();
    (status, [("content-type", "application/json")], body.to_string()).into_response()
}

pub(crate) fn problem(status: u16, detail: &str) -> Response {
    json(
        status,
        &serde_json::json!({ "title": "Refused", "status": status, "detail": detail, "code": "refused" }),
    )
}

/// Frames numbered from `first`; if `torn`, the connection ends in the middle of another one.
pub(crate) fn frames(first: usize, events: &[serde_json::Value], torn: bool) -> Response {
    let frame = |(index, event): (usize, &serde_json::Value)| {
        let name = event["type"].as_str().unwrap();
        Ok(Bytes::from(format!("id: {}\nevent: {name}\ndata: {event}\n\n", first + index)))
    };
    let mut pieces: Vec<Result<Bytes, std::io::Error>> = events.iter().enumerate().map(frame).collect();
    pieces.insert(0, Ok(Bytes::from_static(b"retry: 10\n\n")));
    if torn {
        pieces.push(Ok(Bytes::from_static(b"id: 99\nevent: token\ndata: {\"type\":\"tok")));
    }
    let body = Body::from_stream(futures::stream::iter(pieces));
    ([("content-type", "text/event-stream")], body).into_response()
}

/// The binary, away from the settings of whoever runs the tests.
pub(crate) fn ibid(home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ibid"));
    command.args(arguments).env_clear().env("HOME", home).current_dir(home);
    command
}

/// The binary with nothing there yet.
pub(crate) fn alone(arguments: &[&str], env: &[(&str, &str)]) -> Ran {
    let home = tempfile::tempdir().unwrap();
    ran(ibid(home.path(), arguments).envs(env.iter().copied()).stdin(Stdio::null()).output().unwrap())
}

#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

pub(crate) fn ran(output: Output) -> Ran {
    Ran {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}
