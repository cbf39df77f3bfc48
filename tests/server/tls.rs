//! With a certificate the server speaks HTTPS only, takes up a renewed one, and says what is wrong
//! with files that can't work.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use reqwest::{StatusCode, Version};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::{PATIENCE, Server, eventually};

/// A certificate for this machine, written beside its key; gives the certificate.
fn issue(folder: &Path) -> String {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(folder.join("cert.pem"), cert.pem()).unwrap();
    std::fs::write(folder.join("key.pem"), signing_key.serialize_pem()).unwrap();
    cert.pem()
}

fn trusting(certificate: &str) -> reqwest::ClientBuilder {
    let root = reqwest::Certificate::from_pem(certificate.as_bytes()).unwrap();
    // An error would only say that another test has set it already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().tls_certs_only([root])
}

fn by_name(server: &Server, path: &str) -> String {
    let port = server.url.rsplit_once(':').unwrap().1;
    format!("https://localhost:{port}{path}")
}

fn settings(folder: &Path) -> String {
    let path = |name: &str| folder.join(name).display().to_string();
    format!("[server]\ntls_cert = '{}'\ntls_key = '{}'\n", path("cert.pem"), path("key.pem"))
}

fn command(data: &Path, arguments: &[&str]) -> Output {
    let file = data.join("test.toml");
    Command::new(env!("CARGO_BIN_EXE_ibid"))
        .arg("--data")
        .arg(data)
        .arg("--config")
        .arg(file)
        .args(arguments)
        .output()
        .unwrap()
}

#[tokio::test]
async fn both_versions_of_http_are_spoken_under_tls_and_nothing_without() {
    let folder = tempfile::tempdir().unwrap();
    let certificate = issue(folder.path());
    let server = Server::with_config(&settings(folder.path())).await;
    assert!(server.url.starts_with("https://"), "{}", server.url);
    let (two, one) = (trusting(&certificate), trusting(&certificate).http1_only());
    for (client, version) in [(two, Version::HTTP_2), (one, Version::HTTP_11)] {
        let answer = client.build().unwrap().get(by_name(&server, "/healthz")).send().await.unwrap();
        assert_eq!((answer.status(), answer.version()), (StatusCode::OK, version));
    }
    let plain = by_name(&server, "/healthz").replace("https", "http");
    assert!(trusting(&certificate).build().unwrap().get(plain).send().await.is_err());

    // The commands on this machine find their way without knowing the certificate.
    let listed = command(server.data.path(), &["documents"]);
    assert!(listed.status.success(), "{listed:?}");
}

#[tokio::test]
async fn links_to_sources_are_as_secure_as_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let certificate = issue(folder.path());
    let server = Server::with_config(&settings(folder.path())).await;
    let eels = folder.path().join("eels.md");
    std::fs::write(&eels, "# Eels\n\nSilver eels leave the estuary in October.\n").unwrap();
    let added = command(server.data.path(), &["add", eels.to_str().unwrap()]);
    assert!(added.status.success(), "{added:?}");
    let asking = json!({"model": "extractive", "messages": [{"role": "user", "content": "When do silver eels leave?"}]});
    let client = trusting(&certificate).http1_only().build().unwrap();
    let answer = client.post(by_name(&server, "/v1/chat/completions")).json(&asking).send().await.unwrap();
    let answer: Value = answer.json().await.unwrap();
    let url = answer["sources"][0]["url"].as_str().unwrap_or_else(|| panic!("{answer}"));
    assert!(url.starts_with(&by_name(&server, "/d/")), "{url}");
}

#[tokio::test]
async fn a_renewed_certificate_is_shown_after_a_hangup_and_a_broken_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let old = issue(folder.path());
    let server = Server::with_config(&settings(folder.path())).await;
    let hang_up = || {
        let pid = Pid::from_raw(i32::try_from(server.pid()).unwrap()).unwrap();
        kill_process(pid, Signal::HUP).unwrap();
    };
    let answers = async |certificate: &str| {
        // A client of its own, since a connection keeps the certificate it began with.
        let client = trusting(certificate).build().unwrap();
        client.get(by_name(&server, "/healthz")).send().await.is_ok()
    };
    assert!(answers(&old).await);
    let new = issue(folder.path());
    assert!(!answers(&new).await);
    hang_up();
    eventually("the new certificate is shown", async || answers(&new).await.then_some(())).await;
    assert!(!answers(&old).await);

    std::fs::write(folder.path().join("cert.pem"), "no certificate").unwrap();
    hang_up();
    assert!(answers(&new).await);
}

#[tokio::test]
async fn who_never_begins_with_tls_is_hung_up_on() {
    let folder = tempfile::tempdir().unwrap();
    issue(folder.path());
    let server = Server::with_config(&format!("{}head_timeout_s = 1\n", settings(folder.path()))).await;
    let mut silent = TcpStream::connect(server.url.strip_prefix("https://").unwrap()).await.unwrap();
    let read = timeout(PATIENCE, silent.read(&mut [0])).await.expect("the server closes");
    assert!(!matches!(read, Ok(1..)));
}

#[test]
fn files_that_cant_work_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| -> PathBuf { folder.path().join(name) };
    issue(folder.path());
    std::fs::rename(path("key.pem"), path("other-key.pem")).unwrap();
    issue(folder.path());
    std::fs::write(path("test.toml"), "").unwrap();
    let refusal = |certificate: &str, key: &str| {
        let (certificate, key) = (path(certificate), path(key));
        let (certificate, key) = (certificate.to_str().unwrap(), key.to_str().unwrap());
        let arguments = ["serve", "--listen", "127.0.0.1:0", "--tls-cert", certificate, "--tls-key", key];
        let ended = command(folder.path(), &arguments);
        assert_eq!(ended.status.code(), Some(78), "{ended:?}");
        String::from_utf8(ended.stderr).unwrap()
    };
    let told = refusal("cert.pem", "other-key.pem");
    assert!(told.contains("is not the one of the first certificate"), "{told}");
    let told = refusal("cert.pem", "cert.pem");
    assert!(told.contains("holds no private key"), "{told}");
    let told = refusal("key.pem", "key.pem");
    assert!(told.contains("holds no certificate"), "{told}");
    let told = refusal("none.pem", "key.pem");
    assert!(told.contains("can't read") && told.contains("none.pem"), "{told}");
}
