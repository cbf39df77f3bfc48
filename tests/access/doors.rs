//! The ways in and out: keys made and revoked, signing in from a page, names that are not this
//! server's, networks it must not be open to, and secrets that must not be told.

use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use futures::StreamExt;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Server, client, eventually};
use crate::team::{Person, UNHURRIED, operator, user, user_with, with_keys};

#[tokio::test]
async fn a_revoked_key_and_its_open_streams_end_at_once() {
    let config = "[[models]]\nname = \"slow\"\nprovider = \"scripted\"\ndelay_ms = 3000\n";
    let server = with_keys(&format!("{UNHURRIED}{config}")).await;
    let made = operator(&server).post("/api/keys", json!({"user": "ada"})).await;
    let ada = Person::with(&server, made["key"].as_str());
    let other = user(&server, "ada").await;
    ada.add("eels.md", "Silver eels leave the estuary in October. They swim at night.", None).await;
    let session = ada.session().await;
    let path = format!("/api/chat/sessions/{session}/messages");
    let asking = json!({"content": "When do eels leave?"});
    let mut answer = ada.send(Method::POST, &path, Some(&asking)).await.bytes_stream();
    let mut library = ada.send(Method::GET, "/api/documents/events", None).await.bytes_stream();
    let mut theirs = other.send(Method::GET, "/api/documents/events", None).await.bytes_stream();
    answer.next().await.unwrap().unwrap();
    library.next().await.unwrap().unwrap();
    theirs.next().await.unwrap().unwrap();

    let begun = Instant::now();
    let key = format!("/api/keys/{}", made["id"].as_str().unwrap());
    operator(&server).send(Method::DELETE, &key, None).await;
    assert_eq!(ada.status("/api/me").await, StatusCode::UNAUTHORIZED);
    let ends = async {
        while answer.next().await.is_some() {}
        while library.next().await.is_some() {}
    };
    tokio::time::timeout(Duration::from_secs(5), ends).await.expect("the streams end");
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert_eq!(other.status("/api/me").await, StatusCode::OK);
    let still = tokio::time::timeout(Duration::from_millis(200), theirs.next()).await;
    assert!(still.is_err(), "the stream of another key goes on");
}

#[tokio::test]
async fn an_open_stream_ends_when_its_key_expires() {
    let server = with_keys(UNHURRIED).await;
    let soon = jiff::Timestamp::now() + Duration::from_secs(2);
    let ada = user_with(&server, json!({"user": "ada", "expires_at": soon})).await;
    let mut library = ada.send(Method::GET, "/api/documents/events", None).await.bytes_stream();
    let ends = async { while library.next().await.is_some() {} };
    tokio::time::timeout(Duration::from_secs(20), ends).await.expect("the stream ends");
    assert_eq!(ada.status("/api/me").await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn what_is_no_credential_opens_nothing() {
    let server = with_keys(UNHURRIED).await;
    let ada = user(&server, "ada").await;
    let good = ada.credential.clone().unwrap();
    let mut bad: Vec<String> = (0..good.len())
        .map(|at| {
            let mut bytes = good.clone().into_bytes();
            bytes[at] = if bytes[at] == b'a' { b'b' } else { b'a' };
            String::from_utf8(bytes).unwrap()
        })
        .collect();
    bad.extend(
        ["null", "undefined", "ibid_", "operator_", "local", "x", &"a".repeat(7000)].map(str::to_owned),
    );
    bad.push(good[..good.len() - 1].to_owned());
    bad.push(good.to_uppercase());
    for credential in bad {
        let person = Person::with(&server, Some(&credential));
        assert_eq!(person.status("/api/me").await, StatusCode::UNAUTHORIZED, "{credential}");
    }
    for header in ["", "Bearer", "Bearer ", "Basic YTpi", "bearer\t", &good, "Bearer  null"] {
        let request = client().get(format!("{}/api/me", server.url)).header("authorization", header);
        assert_eq!(request.send().await.unwrap().status(), StatusCode::UNAUTHORIZED, "{header}");
    }
    // In an address a credential counts on one route of a dialect only.
    let path = format!("/api/me?access_token={good}");
    assert_eq!(Person::with(&server, None).status(&path).await, StatusCode::UNAUTHORIZED);
    assert_eq!(ada.status("/api/me").await, StatusCode::OK);
}

#[tokio::test]
async fn a_page_signs_in_and_no_other_page_uses_that() {
    let server = with_keys(UNHURRIED).await;
    let ada = user(&server, "ada").await;
    let credential = json!({"credential": ada.credential});
    let login = async |origin: &str| {
        let request = client().post(format!("{}/api/login", server.url)).json(&credential);
        request.header("origin", origin).send().await.unwrap()
    };
    assert_eq!(login("https://evil.example").await.status(), StatusCode::FORBIDDEN);
    let response = login(&server.url).await;
    assert_eq!(response.status(), StatusCode::OK);
    let cookie = response.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    let cookie = cookie.split(';').next().unwrap().to_owned();

    let send = async |method: Method, origin: Option<&str>| {
        let mut request = client().request(method, format!("{}/api/chat/sessions", server.url));
        request = request.header("cookie", &cookie).json(&json!({}));
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        request.send().await.unwrap().status()
    };
    assert_eq!(send(Method::GET, None).await, StatusCode::OK);
    assert_eq!(send(Method::POST, Some(&server.url)).await, StatusCode::CREATED);
    assert_eq!(send(Method::POST, None).await, StatusCode::FORBIDDEN);
    assert_eq!(send(Method::POST, Some("https://evil.example")).await, StatusCode::FORBIDDEN);
    assert_eq!(send(Method::POST, Some("null")).await, StatusCode::FORBIDDEN);

    let out = client().post(format!("{}/api/logout", server.url)).header("origin", &server.url);
    let gone = out.send().await.unwrap().headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(gone.starts_with("ibid=;") && gone.contains("Max-Age=0"), "{gone}");
}

#[tokio::test]
async fn names_that_are_not_this_servers_are_refused() {
    let with_host = async |server: &Server, host: &str, origin: Option<&str>| {
        let note = std::fs::read(server.data.path().join("server.json")).unwrap();
        let note: Value = serde_json::from_slice(&note).unwrap();
        let mut request = client().get(format!("{}/api/me", server.url)).header("host", host);
        request = request.bearer_auth(note["operator"].as_str().unwrap());
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        request.send().await.unwrap().status()
    };
    let open = Server::start().await;
    let named = with_keys("hosts = [\"ibid.example\"]\n").await;
    for host in ["evil.example", "127.0.0.1.evil.example", "ibid.example.evil.example", ":4747"] {
        assert_eq!(with_host(&open, host, None).await, StatusCode::FORBIDDEN, "{host}");
        assert_eq!(with_host(&named, host, None).await, StatusCode::FORBIDDEN, "{host}");
    }
    let here = open.url.trim_start_matches("http://");
    assert_eq!(with_host(&open, here, Some("https://evil.example")).await, StatusCode::FORBIDDEN);
    assert_eq!(with_host(&open, here, Some(&open.url)).await, StatusCode::OK);
    assert_eq!(with_host(&named, "ibid.example:443", None).await, StatusCode::OK);
}

#[tokio::test]
async fn only_who_has_the_data_folder_makes_keys_where_nobody_is_asked() {
    let server = Server::start().await;
    let new = json!({"user": "eve", "scopes": ["admin"]});
    let anyone = Person::with(&server, None);
    assert_eq!(anyone.refusal(Method::POST, "/api/keys", Some(&new)).await.0, 403);
    assert_eq!(anyone.status("/api/keys").await, StatusCode::FORBIDDEN);
    operator(&server).post("/api/keys", new).await;
    let note = std::fs::metadata(server.data.path().join("server.json")).unwrap();
    assert_eq!(note.permissions().mode() & 0o777, 0o600);
}

/// The binary, with a data folder and a configuration of its own.
fn ibid(folder: &std::path::Path, config: &str, arguments: &[&str]) -> Command {
    let file = folder.join("ibid.toml");
    std::fs::write(&file, config).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_ibid"));
    command.env_clear().env("HOME", folder).arg("--data").arg(folder.join("data")).arg("--config").arg(file);
    command.args(arguments).stdin(Stdio::null());
    command
}

fn text(output: &Output) -> String {
    [String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)].concat()
}

#[test]
fn an_open_network_or_a_weak_secret_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for listen in ["0.0.0.0:0", "[::]:0", "192.0.2.7:4747"] {
        let output = ibid(folder.path(), "", &["serve", "--listen", listen]).output().unwrap();
        assert_eq!(output.status.code(), Some(78), "{listen}: {}", text(&output));
        assert!(text(&output).contains("ibid key create"), "{}", text(&output));
    }
    let jwt = "[access]\nmode = \"jwt\"\n[jwt]\naudience = \"ibid\"\nissuer = \"here\"\n";
    for (more, secret) in [
        ("algorithm = \"HS256\"\nsecret_env = \"S\"\n", Some("short")),
        ("algorithm = \"HS256\"\nsecret_env = \"S\"\n", None),
        ("algorithm = \"HS256\"\nsecret_env = \"S\"\n", Some("")),
        ("algorithm = \"HS256\"\n", None),
        ("algorithm = \"RS256\"\nsecret_env = \"S\"\n", Some("0123456789012345678901234567890123456789")),
        ("algorithm = \"none\"\n", None),
        ("jwks_url = \"http://keys.example/jwks\"\n", None),
        ("jwks_url = \"https://keys.example/jwks\"\nleeway_s = 61\n", None),
    ] {
        let mut command = ibid(folder.path(), &format!("{jwt}{more}"), &["config"]);
        if let Some(secret) = secret {
            command.env("S", secret);
        }
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(78), "{more}: {}", text(&output));
    }
}

#[tokio::test]
async fn a_key_made_without_a_server_opens_the_next_one_and_is_told_once() {
    let folder = tempfile::tempdir().unwrap();
    let keys = "[access]\nmode = \"keys\"\n";
    let made = ibid(folder.path(), keys, &["key", "create", "ada", "--scope", "read,ask", "--expires", "7"]);
    let made = { made }.output().unwrap();
    assert!(made.status.success(), "{}", text(&made));
    let key = String::from_utf8(made.stdout).unwrap().trim().to_owned();
    assert!(key.starts_with("ibid_") && key.len() == 69, "{key}");

    let log = folder.path().join("log");
    let mut server = ibid(folder.path(), keys, &["serve", "--quiet", "--listen", "127.0.0.1:0"]);
    server.env("IBID_LOG", "trace").stderr(std::fs::File::create(&log).unwrap()).stdout(Stdio::null());
    let mut server = server.spawn().unwrap();
    let note = eventually("the server says where it is", async || {
        let note = std::fs::read(folder.path().join("data/server.json")).ok()?;
        serde_json::from_slice::<Value>(&note).ok().filter(|note| note["pid"] == server.id())
    })
    .await;
    let url = note["url"].as_str().unwrap();
    let ask = async |path: &str| client().get(format!("{url}{path}")).bearer_auth(&key).send().await.unwrap();
    let me: Value = ask("/api/me").await.json().await.unwrap();
    assert_eq!((&me["user"], &me["scopes"]), (&json!("ada"), &json!(["read", "ask"])));
    // What an `EventSource` can't put in a header may stand in the address of its one route.
    let stream = format!("{url}/chat/stream?sessionId={}", uuid::Uuid::nil());
    let open = async |url: String| client().get(url).send().await.unwrap().status();
    assert_eq!(open(format!("{stream}&access_token={key}")).await, StatusCode::NOT_FOUND);
    assert_eq!(open(stream).await, StatusCode::UNAUTHORIZED);
    let login = client().post(format!("{url}/api/login")).header("origin", url);
    assert_eq!(login.json(&json!({"credential": key})).send().await.unwrap().status(), StatusCode::OK);

    // Through the running server, and with what it tells its own machine only.
    let listed = ibid(folder.path(), keys, &["key", "list"]).output().unwrap();
    let line = text(&listed);
    assert!(line.contains("ada  read,ask, until ") && !line.contains(&key), "{line}");
    let id = line.split_whitespace().next().unwrap();
    let revoked = ibid(folder.path(), keys, &["key", "revoke", id]).output().unwrap();
    assert!(revoked.status.success(), "{}", text(&revoked));
    assert_eq!(ask("/api/me").await.status(), StatusCode::UNAUTHORIZED);
    let config = text(&ibid(folder.path(), keys, &["config"]).output().unwrap());
    server.kill().unwrap();
    server.wait().unwrap();
    let told = std::fs::read_to_string(&log).unwrap() + &config;
    assert!(told.contains("a key was revoked"), "{told}");
    let operator = note["operator"].as_str().unwrap();
    assert!(!told.contains(&key) && !told.contains(operator), "a secret is in the log");
}
