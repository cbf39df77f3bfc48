//! Signing in and out, where a server asks who its readers are.

#![expect(clippy::unwrap_used, reason = "a test that can't go on should stop there")]

use serde_json::{Value, json};

use crate::browser::{Browser, ENTER};
use crate::support::{Server, client};

/// A server that asks, and a key for one reader.
pub(crate) async fn asking_server() -> (Server, String) {
    let server = Server::with_config("[access]\nmode = \"keys\"\n").await;
    let note = std::fs::read(server.data.path().join("server.json")).unwrap();
    let note: Value = serde_json::from_slice(&note).unwrap();
    let wanted = client().post(format!("{}/api/keys", server.url)).json(&json!({"user": "ada"}));
    let made = wanted.bearer_auth(note["operator"].as_str().unwrap()).send().await.unwrap();
    let made: Value = made.json().await.unwrap();
    (server, made["key"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_wrong_key_is_told_of_and_a_good_one_opens_what_was_wanted_until_the_reader_signs_out() {
    let (server, key) = asking_server().await;
    let Some(browser) = Browser::open(&server).await else { return };
    browser.go("/library").await;
    browser.see("h1", "Sign in").await;
    browser.see_gone("a", "Library").await;
    browser.write("#credential", &format!("ibid_wrong{ENTER}")).await;
    browser.see("[role=alert]", "key or token is not good").await;
    let typed = "return document.activeElement.id + document.activeElement.value";
    assert_eq!(browser.eval(typed, json!([])).await, "credential");

    browser.write("#credential", &key).await;
    browser.click("button", "Sign in").await;
    browser.see(".bar h1", "Library").await;
    assert_eq!(browser.eval("return document.cookie", json!([])).await, "", "no script can read it");
    let kept = "return JSON.stringify([localStorage, sessionStorage]).includes('ibid_')";
    assert_eq!(browser.eval(kept, json!([])).await, false);
    browser.reload().await;
    browser.see(".bar h1", "Library").await;
    browser.click("a", "New session").await;
    browser.ask("When do silver eels leave?").await;
    browser.click("button", "Sign out ada").await;
    browser.see("h1", "Sign in").await;

    // What needs no key is there as before, and nothing else is.
    let statuses =
        "return Promise.all(['/healthz', '/assets/app.js', '/', '/api/chat/sessions', '/api/documents']
        .map((path) => fetch(path).then(({ status }) => status)))";
    assert_eq!(browser.eval_async(statuses).await, json!([200, 200, 200, 401, 401]));
    browser.nothing_noticed().await;
}
