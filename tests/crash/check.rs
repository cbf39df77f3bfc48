//! A server held against the ledger: nothing acknowledged is missing or doubled, what was deleted
//! stays away, search finds what is ready and nothing else, and no reader saw words that are not kept.

#![expect(clippy::unwrap_used, reason = "a test that can't go on should stop there")]

use std::collections::{BTreeMap, BTreeSet};

use futures::StreamExt;
use serde_json::Value;

use crate::ledger::{Answered, Fate, Ledger};
use crate::load::{message_id, post, whole_frames};
use crate::support::{Server, answer, eventually};

/// How much a reader may have seen that is not there any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// Nothing: what was shown is kept.
    IsKept,
    /// The end of an answer that was not finished: it was on its way to the disk.
    MayEndEarlier,
}

/// Compares all that is settled. With `to_the_end` it waits until everything is.
pub(crate) async fn check(server: &Server, ledger: &Ledger, seen: Seen, to_the_end: bool) {
    send_again(server, ledger).await;
    documents(server, ledger, to_the_end).await;
    sessions(server, ledger).await;
    answers(server, ledger, seen, to_the_end).await;
}

/// What was asked under a key and not acknowledged is asked again, and is there once.
async fn send_again(server: &Server, ledger: &Ledger) {
    let unsure = std::mem::take(&mut ledger.lock().unsure);
    for asking in unsure {
        let mut response = post(server, &asking).await.unwrap();
        if response.status() == reqwest::StatusCode::NOT_FOUND {
            assert_ne!(ledger.lock().sessions[&asking.session], Fate::Alive);
            continue;
        }
        assert!(response.status().is_success(), "{asking:?}: {}", response.status());
        let mut stream = Vec::new();
        while message_id(&whole_frames(&stream)).is_none() {
            stream.extend_from_slice(&response.chunk().await.unwrap().unwrap());
        }
        let seen = whole_frames(&stream);
        let message = message_id(&seen).unwrap();
        let mut told = ledger.lock();
        told.num.sent_again += 1;
        told.answers.push(Answered { asking, message, seen, is_cancelled: false, is_checked: false });
    }
}

async fn documents(server: &Server, ledger: &Ledger, to_the_end: bool) {
    let listed = list(server, "/api/documents").await;
    let mut names = BTreeSet::new();
    let mut unknown = Vec::new();
    {
        let mut told = ledger.lock();
        for (id, document) in &listed {
            let name = document["name"].as_str().unwrap();
            assert!(names.insert(name), "`{name}` is there twice");
            match told.documents.get(id).map(|kept| kept.fate) {
                Some(Fate::Gone) => panic!("{document} was deleted and is there again"),
                Some(_) => {}
                None => unknown.extend(told.sent.get(name).map(|word| (id.clone(), word.clone()))),
            }
        }
        for (id, word) in unknown {
            // Stored, and the server died before it could say so.
            let fate = Fate::Alive;
            told.documents.insert(id, crate::ledger::Kept { word, fate });
        }
        for (id, kept) in &mut told.documents {
            match (kept.fate, listed.contains_key(id)) {
                (Fate::Alive, false) => panic!("document {id} ({}) was acknowledged and is gone", kept.word),
                (Fate::Unsure, is_there) => kept.fate = if is_there { Fate::Alive } else { Fate::Gone },
                _ => {}
            }
        }
    }
    let wanted: Vec<(String, String, bool)> = {
        let told = ledger.lock();
        let ready = |id: &String| listed.get(id).is_some_and(|document| document["status"] == "ready");
        let of_interest = told.documents.iter().filter(|(id, kept)| {
            !told.found.contains(*id) && (kept.fate == Fate::Gone || to_the_end || ready(id))
        });
        of_interest.map(|(id, kept)| (id.clone(), kept.word.clone(), kept.fate == Fate::Alive)).collect()
    };
    let checks = wanted.iter().map(|(id, word, is_alive)| found(server, id, word, *is_alive));
    futures::stream::iter(checks).buffer_unordered(8).collect::<Vec<()>>().await;
    if !to_the_end {
        let gone = wanted.into_iter().map(|(id, ..)| id);
        ledger.lock().found.extend(gone);
    }
}

/// A document that is there is ready and found by its word, alone; one that is not, is not.
async fn found(server: &Server, id: &str, word: &str, is_alive: bool) {
    let search = async || {
        let found = server.get(&format!("/api/search?q={word}")).await;
        let hits = found["hits"].as_array().unwrap().clone();
        hits.iter().map(|hit| hit["document_id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    if is_alive {
        let document = server.settled(id).await;
        assert_eq!(document["status"], "ready", "{document}");
        eventually(&format!("{word} is found in {id}"), async || (search().await == [id]).then_some(()))
            .await;
    } else {
        assert!(search().await.is_empty(), "`{word}` was deleted with {id} and is found");
    }
}

async fn sessions(server: &Server, ledger: &Ledger) {
    let listed = list(server, "/api/chat/sessions").await;
    let mut told = ledger.lock();
    for (id, fate) in &mut told.sessions {
        match (*fate, listed.contains_key(id)) {
            (Fate::Alive, false) => panic!("session {id} was acknowledged and is gone"),
            (Fate::Gone, true) => panic!("session {id} was deleted and is there again"),
            (Fate::Unsure, is_there) => *fate = if is_there { Fate::Alive } else { Fate::Gone },
            _ => {}
        }
    }
}

async fn answers(server: &Server, ledger: &Ledger, seen: Seen, to_the_end: bool) {
    let open: Vec<(usize, Answered)> = {
        let told = ledger.lock();
        let open = told.answers.iter().enumerate().filter(|(_, answered)| {
            (to_the_end || !answered.is_checked) && told.sessions[&answered.asking.session] == Fate::Alive
        });
        open.map(|(number, answered)| (number, answered.clone())).collect()
    };
    let checks = open.into_iter().map(async |(number, answered)| {
        let is_checked = is_as_seen(server, ledger, &answered, seen, to_the_end).await;
        (number, is_checked)
    });
    let checked: Vec<_> = futures::stream::iter(checks).buffer_unordered(8).collect().await;
    let mut told = ledger.lock();
    for (number, is_checked) in checked {
        told.answers[number].is_checked = is_checked;
    }
}

/// Whether the answer is over, and then it is what its reader saw, and goes on from there.
async fn is_as_seen(
    server: &Server,
    ledger: &Ledger,
    answered: &Answered,
    seen: Seen,
    to_the_end: bool,
) -> bool {
    let session = &answered.asking.session;
    let history = server.get(&format!("/api/chat/sessions/{session}")).await;
    let messages = history["messages"].as_array().unwrap();
    let asked = messages.iter().filter(|message| message["content"] == *answered.asking.content).count();
    assert_eq!(asked, 1, "the question is there once: {:?}", answered.asking);
    let is_it = |message: &&Value| message["id"] == *answered.message;
    let mut message = messages.iter().find(is_it).expect("the answer is in its session").clone();
    if message["status"] == "running" {
        assert!(answered.asking.is_deep || !answered.is_cancelled, "{message}");
        if !to_the_end {
            return false;
        }
        let path = format!("/api/chat/sessions/{session}/messages/{}", answered.message);
        message = eventually("the answer is over", async || {
            let message = server.get(&path).await;
            (message["status"] != "running").then_some(message)
        })
        .await;
    }
    let all = server.events(session, &answered.message, 0).await;
    let was_over = answered.seen.last().is_some_and(|last| last.event == "done");
    if seen == Seen::IsKept || was_over {
        assert!(all.len() >= answered.seen.len(), "{} of {} events", all.len(), answered.seen.len());
        assert_eq!(all[..answered.seen.len()], answered.seen, "what was seen is what is kept");
    }
    let terminal = all.iter().filter(|frame| matches!(frame.event.as_str(), "done" | "error")).count();
    assert_eq!((terminal, all.last().unwrap().event.as_str()), (1, "done"), "{message}");
    assert_eq!(message["content"], answer(&all));
    let status = message["status"].as_str().unwrap();
    match answered.asking.is_deep {
        true => {
            assert_eq!(status, "complete", "a research goes on: {message}");
            each_step_once(&all);
            ledger.lock().num.resumed += usize::from(!message["coverage"]["resumed"].is_null());
        }
        false if answered.is_cancelled => assert!(["cancelled", "complete"].contains(&status), "{message}"),
        // What its reader was told, which the events above have confirmed.
        false if was_over => {}
        false => assert!(["interrupted", "complete", "cancelled"].contains(&status), "{message}"),
    }
    true
}

/// No piece of a research is paid twice.
fn each_step_once(all: &[crate::support::Frame]) {
    let mut finished = BTreeSet::new();
    let mut calls = 0;
    let steps = all.iter().filter(|frame| frame.event == "step").map(|frame| &frame.data);
    for step in steps.filter(|step| step["state"] == "finished" && step["kind"] != "resume") {
        let paid = step["result"]["usage"]["calls"].as_u64().unwrap_or(0);
        let what = format!("{} {} {}", step["kind"], step["question_id"], step["note"]);
        assert!(paid == 0 || finished.insert(what), "paid twice: {step}");
        calls += paid;
    }
    let done = &all.last().unwrap().data;
    assert_eq!(done["usage"]["calls"], calls, "every call is told of once: {done}");
    assert!(calls <= 7, "a plan, two readings, a look for gaps, a summary, two sections: {calls}");
}

/// The whole of a list, by id.
async fn list(server: &Server, path: &str) -> BTreeMap<String, Value> {
    let mut items = BTreeMap::new();
    let mut cursor = String::new();
    loop {
        let page = server.get(&format!("{path}?limit=500{cursor}")).await;
        for item in page["items"].as_array().unwrap() {
            let id = item["id"].as_str().unwrap().to_owned();
            assert!(items.insert(id, item.clone()).is_none(), "listed twice: {item}");
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return items,
        }
    }
}
