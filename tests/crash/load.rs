//! Everything that people do with a server at once, until it dies under them: uploads, questions in
//! both modes, cancels, deletes. Whatever was acknowledged goes into the ledger.

#![expect(clippy::unwrap_used, reason = "a test that can't go on should stop there")]

use futures::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::ledger::{Answered, Asking, Fate, Kept, Ledger, word};
use crate::support::dice::Dice;
use crate::support::{Frame, Server, client, frames};

/// Rules for a model that researches two questions, a piece every few milliseconds.
pub(crate) fn config(script: &std::path::Path) -> String {
    let plan = json!({"question": "What is known of herons?", "questions": [
        {"text": "Where does the grey heron stand?", "why": "the place"},
        {"text": "How many herons were counted in 1953?", "why": "the number"},
    ]});
    let rules = json!([
        {"when": ["You plan research"], "reply": plan.to_string(), "delay_ms": 1},
        {"when": ["You take notes"], "reply": "?", "delay_ms": 20},
        {"when": ["You look for gaps"], "reply": "{\"questions\": []}", "delay_ms": 20},
        {"when": ["You write one section"], "reply": "The passages tell of it [1].", "delay_ms": 5},
    ]);
    std::fs::write(script, rules.to_string()).unwrap();
    format!(
        "[[models]]\nname = \"scripted\"\nprovider = \"scripted\"\ndelay_ms = 6\nscript = \"{}\"\n",
        script.display()
    )
}

/// Documents that stay, so that every question has an answer.
pub(crate) async fn settle_in(server: &Server) {
    let standing = "# Standing\n\nThe grey heron stands in the reeds of the Halden all morning. ".to_owned();
    server
        .add("standing.md", standing + &"It waits there for eels and does not move at all. ".repeat(4))
        .await;
    server.add("counting.md", "# Counting\n\nIn 1953 the wardens counted 41 herons on the marsh.").await;
}

/// One cycle's load; it ends when the server no longer answers.
pub(crate) async fn load(server: &Server, ledger: &Ledger, cycle: u64, dice: &mut Dice) {
    let uploads = join_all((0..2).map(|who| upload(server, ledger, (cycle, who), dice.fork())));
    let chats = join_all((0..2).map(|who| chat(server, ledger, (cycle, who), dice.fork())));
    let research = async {
        // More than the server gets done between kills would only pile up.
        if cycle.is_multiple_of(4) {
            research(server, ledger, cycle).await;
        }
    };
    futures::join!(uploads, chats, research);
}

async fn upload(server: &Server, ledger: &Ledger, (cycle, who): (u64, u64), mut dice: Dice) {
    let mut mine: Vec<String> = Vec::new();
    for number in 0.. {
        let name = format!("{cycle}-{who}-{number}.md");
        let word = word(cycle * 100_000 + who * 50_000 + number);
        ledger.lock().sent.insert(name.clone(), word.clone());
        let text = format!("# Note {cycle} {who} {number}\n\nThe heron called {word} stands still.");
        let Some(id) = try_upload(server, &name, text).await else { return };
        {
            let mut told = ledger.lock();
            told.num.uploads += 1;
            told.documents.insert(id.clone(), Kept { word, fate: Fate::Alive });
        }
        mine.push(id);
        if dice.below(4) == 0 {
            let id = mine.swap_remove(usize::try_from(dice.below(mine.len() as u64)).unwrap());
            let fate = |fate| ledger.lock().documents.get_mut(&id).unwrap().fate = fate;
            fate(Fate::Unsure);
            if try_delete(server, &format!("/api/documents/{id}")).await.is_none() {
                return;
            }
            fate(Fate::Gone);
            ledger.lock().num.deletes += 1;
        }
    }
}

async fn chat(server: &Server, ledger: &Ledger, (cycle, who): (u64, u64), mut dice: Dice) {
    let mut session = String::new();
    for number in 0.. {
        if session.is_empty() {
            let Some(opened) = open_session(server, ledger).await else { return };
            session = opened;
        }
        let asking = Asking {
            session: session.clone(),
            content: format!("Where does the grey heron stand, {cycle} {who} {number}?"),
            is_deep: false,
            key: format!("{cycle}-{who}-{number}"),
        };
        let cancel_at = (dice.below(4) == 0).then(|| usize::try_from(dice.below(12)).unwrap());
        if !ask(server, ledger, asking, cancel_at).await {
            return;
        }
        if dice.below(5) == 0 {
            let fate = |fate| ledger.lock().sessions.insert(session.clone(), fate);
            fate(Fate::Unsure);
            if try_delete(server, &format!("/api/chat/sessions/{session}")).await.is_none() {
                return;
            }
            fate(Fate::Gone);
            ledger.lock().num.deletes += 1;
            session.clear();
        }
    }
}

async fn research(server: &Server, ledger: &Ledger, cycle: u64) {
    let Some(session) = open_session(server, ledger).await else { return };
    let content = format!("What is known of herons, {cycle}?");
    let asking = Asking { session, content, is_deep: true, key: format!("deep-{cycle}") };
    ask(server, ledger, asking, None).await;
}

/// Asks and reads as far as it goes, cancelling after so many tokens. False if the server is gone.
async fn ask(server: &Server, ledger: &Ledger, asking: Asking, cancel_at: Option<usize>) -> bool {
    let mut stream = Vec::new();
    let mut is_cancelled = false;
    let is_whole = async {
        let mut response = post(server, &asking).await?;
        assert_eq!(response.status(), StatusCode::OK);
        while let Some(bytes) = response.chunk().await.ok()? {
            stream.extend_from_slice(&bytes);
            if let Some(at) = cancel_at
                && !is_cancelled
                && whole_frames(&stream).iter().filter(|frame| frame.event == "token").count() >= at
                && let Some(message) = message_id(&whole_frames(&stream))
            {
                let path = format!("/api/chat/sessions/{}/messages/{message}/cancel", asking.session);
                let request = client().post(format!("{}{path}", server.url)).send().await.ok()?;
                is_cancelled = request.status().is_success();
            }
        }
        Some(())
    };
    let is_whole = is_whole.await.is_some();
    let seen = whole_frames(&stream);
    let mut told = ledger.lock();
    match message_id(&seen) {
        Some(message) => {
            told.num.answers += usize::from(!asking.is_deep);
            told.num.researches += usize::from(asking.is_deep);
            told.num.cancels += usize::from(is_cancelled);
            told.num.cut_short += usize::from(!is_whole);
            told.answers.push(Answered { asking, message, seen, is_cancelled, is_checked: false });
        }
        None => told.unsure.push(asking),
    }
    is_whole
}

/// Sends a question under its key, for the first time or again.
pub(crate) async fn post(server: &Server, asking: &Asking) -> Option<reqwest::Response> {
    let mode = if asking.is_deep { "deep_research" } else { "regular" };
    let request = client()
        .post(format!("{}/api/chat/sessions/{}/messages", server.url, asking.session))
        .header("idempotency-key", &asking.key)
        .json(&json!({"content": asking.content, "mode": mode}));
    request.send().await.ok()
}

pub(crate) fn message_id(seen: &[Frame]) -> Option<String> {
    Some(seen.first()?.data["message_id"].as_str()?.to_owned())
}

/// The frames that arrived in full.
pub(crate) fn whole_frames(stream: &[u8]) -> Vec<Frame> {
    let end = stream.windows(2).rposition(|pair| pair == b"\n\n").map_or(0, |at| at + 2);
    frames(std::str::from_utf8(&stream[..end]).unwrap())
}

async fn open_session(server: &Server, ledger: &Ledger) -> Option<String> {
    let request = client().post(format!("{}/api/chat/sessions", server.url)).json(&json!({}));
    let session: Value = request.send().await.ok()?.json().await.ok()?;
    let id = session["id"].as_str().unwrap().to_owned();
    ledger.lock().sessions.insert(id.clone(), Fate::Alive);
    Some(id)
}

async fn try_upload(server: &Server, name: &str, text: String) -> Option<String> {
    let part = reqwest::multipart::Part::text(text).file_name(name.to_owned());
    let form = reqwest::multipart::Form::new().part("file", part);
    let request = client().post(format!("{}/api/documents", server.url)).multipart(form);
    let uploaded: Value = request.send().await.ok()?.json().await.ok()?;
    Some(uploaded["documents"][0]["id"].as_str().unwrap().to_owned())
}

async fn try_delete(server: &Server, path: &str) -> Option<()> {
    let answer = client().request(Method::DELETE, format!("{}{path}", server.url)).send().await.ok()?;
    assert_eq!(answer.status(), StatusCode::NO_CONTENT, "{path}");
    Some(())
}
