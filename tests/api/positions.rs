//! A stream that breaks anywhere goes on there: at every position while the answer is written, and
//! wherever a reader is cut, any number of times.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use crate::support::dice::Dice;
use crate::support::{Frame, Server, frames};

/// Words of the answer; each is an event.
const WORDS: usize = 200;
/// Readers that are cut again and again.
const CUT_READERS: usize = 40;

/// A server whose answers take about two seconds, and the path of a session's messages.
async fn typing() -> (Server, String) {
    let words: Vec<String> = (0..WORDS).map(|number| format!("word{number} “é” 𝒳\n")).collect();
    let server = Server::scripted(&json!([{"reply": words, "delay_ms": 10}]), "").await;
    let session = server.session().await;
    (server, format!("/api/chat/sessions/{session}/messages"))
}

#[tokio::test]
async fn an_answer_under_way_is_read_on_from_every_position() {
    let (server, path) = typing().await;
    let session = path.split('/').nth(4).unwrap().to_owned();
    let message = server.begin(&session, json!({"content": "Say it."})).await;
    // All at once, most of them before there is so much.
    let readers = (0..WORDS as u64).map(|after| server.events(&session, &message, after));
    let (all, rests) =
        futures::join!(server.events(&session, &message, 0), futures::future::join_all(readers));
    assert!(all.len() > WORDS, "{}", all.len());
    for (after, rest) in rests.into_iter().enumerate() {
        assert_eq!(rest, all[after..], "after {after}");
    }
}

#[tokio::test]
async fn a_reader_that_is_cut_again_and_again_has_every_event_once() {
    let mut dice = Dice::seeded("IBID_CUT_SEED");
    let (server, path) = typing().await;
    let session = path.split('/').nth(4).unwrap().to_owned();
    let message = server.begin(&session, json!({"content": "Say it."})).await;
    let readers = (0..CUT_READERS).map(|_| cut_again_and_again(&server, &path, &message, dice.fork()));
    let read = futures::future::join_all(readers).await;
    let all = server.events(&session, &message, 0).await;
    let num_cuts: usize = read.iter().map(|(_, cuts)| cuts).sum();
    assert!(num_cuts > 10 * CUT_READERS, "{num_cuts} cuts");
    for (joined, _) in read {
        assert_eq!(joined, all);
    }
    let unknown = format!("{path}/018f0000-0000-7000-8000-000000000000/events?after=3");
    assert_eq!(server.send(Method::GET, &unknown, None).await.status(), reqwest::StatusCode::NOT_FOUND);
}

/// Reads a few pieces, hangs up in the middle of whatever comes, and comes back with the last whole
/// event's id, until the end.
async fn cut_again_and_again(
    server: &Server,
    path: &str,
    message: &str,
    mut dice: Dice,
) -> (Vec<Frame>, usize) {
    let mut joined: Vec<Frame> = Vec::new();
    let mut num_cuts = 0;
    while joined.last().is_none_or(|last| last.event != "done") {
        let after = joined.last().map_or(0, |last| last.id);
        let mut response =
            server.send(Method::GET, &format!("{path}/{message}/events?after={after}"), None).await;
        let mut stream = Vec::new();
        for _ in 0..=dice.below(12) {
            match response.chunk().await.unwrap() {
                Some(bytes) => stream.extend_from_slice(&bytes),
                None => break,
            }
        }
        drop(response);
        num_cuts += 1;
        let read = stream.len() - dice.pick(stream.len().min(80) + 1);
        let whole = stream[..read].windows(2).rposition(|pair| pair == b"\n\n").map_or(0, |at| at + 2);
        joined.extend(frames(std::str::from_utf8(&stream[..whole]).unwrap()));
        tokio::time::sleep(Duration::from_millis(dice.below(20))).await;
    }
    (joined, num_cuts)
}
