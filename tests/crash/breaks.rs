//! One long answer, three kills of the server and ten breaks of the line while it is read: a client
//! of thirty lines ends with every byte of it. (A browser's own `EventSource` is held to the same in
//! `tests/browser`.)

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::process::Command;

use crate::support::gate::{CUTS, Gate, RESTARTS};
use crate::support::proxy::Proxy;
use crate::support::{Server, answer};

#[tokio::test]
async fn a_client_of_thirty_lines_ends_with_every_byte_after_kills_and_breaks() {
    let python = Command::new("python3").arg("--version").output().await;
    if !python.is_ok_and(|output| output.status.success()) {
        assert!(std::env::var_os("CI").is_none(), "no Python here, and `CI` is set");
        println!("skipped: there is no Python on this machine");
        return;
    }
    let gate = Gate::start().await;
    let mut server = Server::with_config(&gate.config()).await;
    server.upload_library().await;
    let proxy = Proxy::start(&server.url, String::new()).await;
    let session = server.session().await;
    let asked = json!({"content": "What happened on the marsh?", "mode": "deep_research"});
    let message = server.begin(&session, asked).await;

    let path = format!("/api/chat/sessions/{session}/messages/{message}");
    let script = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/crash/follow.py");
    let reader = Command::new("python3")
        .arg(script)
        .arg(format!("{}{path}/events", proxy.url))
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    gate.disturb(&mut server, &proxy).await;
    let output = reader.wait_with_output().await.unwrap();
    let read: Value = serde_json::from_slice(&output.stdout).unwrap();

    let kept = server.get(&path).await;
    assert_eq!(kept["status"], "complete");
    assert_eq!(read["text"], kept["content"], "every byte");
    let all = server.events(&session, &message, 0).await;
    assert_eq!(read["text"], json!(answer(&all)));
    assert_eq!(read["numbers"], json!((1..=all.len()).collect::<Vec<_>>()), "every event once, in order");
    assert!(read["breaks"].as_u64().unwrap() >= (CUTS + RESTARTS) as u64, "{read}");
    assert_eq!(kept["coverage"]["resumed"], RESTARTS);
    assert_eq!(kept["usage"]["calls"], gate.num_answered(), "what was answered is paid once: {kept}");
}
