//! A browser's own `EventSource`, which nobody here can tell what to do after a break: through three
//! kills of the server and ten breaks of the line it ends with every byte of the answer.

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::support::gate::{CUTS, Gate, RESTARTS};
use crate::support::proxy::Proxy;
use crate::support::{Server, answer};

/// A page of the server's own origin that reads a stream and hands in what it read.
const PAGE: &str = r#"<!doctype html><script>
const path = decodeURIComponent(location.hash.slice(1));
const source = new EventSource(path);
let text = "", numbers = [], breaks = 0;
const note = event => numbers.push(Number(event.lastEventId));
const end = event => {
  note(event);
  source.close();
  // Over a line of its own: the one of the stream would be used again.
  const url = `http://localhost:${location.port}/result`;
  fetch(url, { method: "POST", mode: "no-cors", body: JSON.stringify({ text, numbers, breaks }) });
};
for (const name of ["started", "plan", "step", "sources", "citation"]) source.addEventListener(name, note);
source.addEventListener("token", event => { note(event); text += JSON.parse(event.data).text; });
source.addEventListener("done", end);
source.onerror = event => { if (event.data) end(event); else breaks += 1; };
</script>"#;

#[tokio::test]
async fn an_event_source_ends_with_every_byte_after_kills_and_breaks() {
    let gate = Gate::start().await;
    let mut server = Server::with_config(&gate.config()).await;
    let Some(mut browser) = Browser::open(&server).await else { return };
    server.upload_library().await;
    let proxy = Proxy::start(&server.url, PAGE.to_owned()).await;
    let session = server.session().await;
    let asked = json!({"content": "What happened on the marsh?", "mode": "deep_research"});
    let message = server.begin(&session, asked).await;

    let path = format!("/api/chat/sessions/{session}/messages/{message}");
    browser.follow(&proxy.url);
    browser.go(&format!("/reader#{path}/events")).await;
    gate.disturb(&mut server, &proxy).await;
    let read: Value = serde_json::from_str(&proxy.result().await).unwrap();

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
