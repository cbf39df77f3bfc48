//! A client that knows nothing but the description of the API, and asks whatever that allows and
//! much that it does not. Every answer has to be one that the description names, and none a fault.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::process::Command;

use crate::install::{Installed, schemathesis};
use crate::server;
use crate::support::{Server, answer};

/// How long all of it may take.
const ALL: Duration = Duration::from_secs(300);

/// What every answer is held against.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_schema_conformance,response_headers_conformance";

/// Routes that are left out, and why.
const LEFT_OUT: [(&str, &str); 1] =
    [("/api/documents/events", "a stream without an end; the library's tests follow it")];

/// What makes the answers of a route worth looking at: without these most requests would end at the
/// door, at an `Accept` that the protocol asks for, or at a message that does not exist.
fn hints(server: &Server, session: &str, message: &str) -> String {
    let note = std::fs::read(server.data.path().join("server.json")).unwrap();
    let note: Value = serde_json::from_slice(&note).unwrap();
    let operator = note["operator"].as_str().unwrap();
    let mut hints = format!(
        "headers = {{ Authorization = \"Bearer {operator}\", Origin = \"{}\" }}\n\
         [[operations]]\ninclude-path = \"/mcp\"\n\
         headers = {{ Accept = \"application/json, text/event-stream\" }}\n\
         [[operations]]\ninclude-path-regex = \"messages/.mid.\"\n\
         parameters = {{ \"path.id\" = \"{session}\", \"path.mid\" = \"{message}\" }}\n",
        server.url
    );
    for (path, _) in LEFT_OUT {
        let _ = write!(hints, "[[operations]]\ninclude-path = \"{path}\"\nenabled = false\n");
    }
    hints
}

#[tokio::test]
async fn every_answer_is_one_that_the_description_names() {
    let Some(installed) = schemathesis().await else { return };
    let server = server().await;
    let session = server.session().await;
    let frames = server.ask(&session, json!({"content": "When do silver eels leave?"})).await;
    assert!(!answer(&frames).is_empty());
    let message = frames[0].data["message_id"].as_str().unwrap();
    let hints_file = installed.folder.join(format!("hints-{}.toml", server.pid()));
    std::fs::write(&hints_file, hints(&server, &session, message)).unwrap();
    for (path, why) in LEFT_OUT {
        eprintln!("left out: {path}: {why}");
    }
    let begun = Instant::now();
    let (is_content, told) = ask_everything(&installed, &hints_file, &server).await;
    std::fs::remove_file(hints_file).unwrap();
    eprintln!("asked everything in {:.0} s", begun.elapsed().as_secs_f32());
    assert!(is_content, "{told}");
    assert!(!told.contains("Authentication failed"), "it has to get past the door: {told}");
    // Nothing of it took the server down.
    assert_eq!(server.get("/readyz").await["status"], "ready");
}

/// Whether all answers were as described, and what there is to say about it.
async fn ask_everything(installed: &Installed, hints: &Path, server: &Server) -> (bool, String) {
    let running = Command::new(&installed.interpreter)
        .arg("--config-file")
        .arg(hints)
        .arg("run")
        .arg(format!("{}/openapi.json", server.url))
        .args(["--phases", "examples,coverage,fuzzing", "--max-examples", "6", "--seed", "1"])
        .args(["--checks", CHECKS, "--continue-on-failure", "--request-timeout", "20"])
        .args(["--generation-database", "none", "--no-shrink", "--no-color"])
        // It leaves a record of the run where it is started.
        .current_dir(installed.folder.as_path())
        .env("NO_PROXY", "*")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(ALL, running).await.expect("it ends in time").unwrap();
    let told = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    (output.status.success(), told.concat())
}
