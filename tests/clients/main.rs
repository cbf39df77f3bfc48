//! The official clients of the contracts that ibid speaks, run as their users would run them, each
//! from the registry it comes from. Where one can't be installed its test is skipped and says why.

#![expect(clippy::unwrap_used, reason = "a test that can't go on should stop there")]

#[path = "../support/mod.rs"]
mod support;

mod install;

use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;

use crate::install::{node, python};
use crate::support::{PATIENCE, Server};

const EELS: &str = "# Eels\n\nSilver eels leave the Halden estuary in October. They swim at night.\n\n\
                    The count of 2019 found 412 eels at the weir.\n";

/// A server that has read about the eels.
async fn server() -> Server {
    let server = Server::start().await;
    server.add("eels.md", EELS).await;
    server
}

/// Runs a script of this folder against a server; it must end content.
async fn run(interpreter: &Path, script: &str, server: &Server, folder: &Path) {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(script);
    // Node looks for packages beside the script.
    let beside = folder.join(script);
    std::fs::copy(source, &beside).unwrap();
    let running = Command::new(interpreter)
        .arg(&beside)
        .env("BASE", format!("{}/v1", server.url))
        .env("URL", format!("{}/mcp", server.url))
        .env("IBID", env!("CARGO_BIN_EXE_ibid"))
        .env("DATA", server.data.path())
        .env("NO_PROXY", "*")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(PATIENCE, running).await.expect("the client ends in time").unwrap();
    let told = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    assert!(output.status.success(), "{}\n{}", told[0], told[1]);
}

#[tokio::test]
async fn the_openai_package_for_python_is_content() {
    let Some(python) = python().await else { return };
    run(&python.interpreter, "openai_client.py", &server().await, &python.folder).await;
}

#[tokio::test]
async fn the_chat_model_of_langchain_is_content() {
    let Some(python) = python().await else { return };
    run(&python.interpreter, "langchain_client.py", &server().await, &python.folder).await;
}

#[tokio::test]
async fn the_openai_package_for_node_is_content() {
    let Some(node) = node().await else { return };
    run(&node.interpreter, "openai_client.mjs", &server().await, &node.folder).await;
}

#[tokio::test]
async fn the_mcp_package_for_python_is_content_over_http_and_on_standard_output() {
    let Some(python) = python().await else { return };
    run(&python.interpreter, "mcp_client.py", &server().await, &python.folder).await;
}

#[tokio::test]
async fn the_description_of_the_api_is_valid_openapi() {
    let Some(python) = python().await else { return };
    run(&python.interpreter, "openapi_check.py", &server().await, &python.folder).await;
}
