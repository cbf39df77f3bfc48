//! `ibid ask`: how an answer looks, and what happens when it is cut off, fails or is cancelled.

use std::io::{Read, Write};
use std::process::Stdio;

use serde_json::{Value, json as value};

use crate::bodies::{ANSWER, SESSION, SHOWN, answer, session};
use crate::fake::{Fake, frames, json, problem, ran};

fn messages() -> String {
    format!("POST /api/chat/sessions/{SESSION}/messages")
}

fn answering() -> Fake {
    let fake = Fake::start();
    fake.on("POST /api/chat/sessions", |_| json(201, &session()));
    fake.on(&messages(), |_| frames(1, &answer(), false));
    fake
}

#[test]
fn asking_shows_the_answer_then_each_source_with_its_exact_quote() {
    let fake = answering();
    let ran = fake.run(&["ask", "How", "steep?", "--mode", "deep_research", "--collection", "eels"]);
    assert_eq!((ran.code, ran.out.as_str()), (0, SHOWN), "{}", ran.err);
    assert!(ran.err.contains("searched “eel slope”: 4 passages"), "{}", ran.err);
    assert!(ran.err.contains("1 of 1 claim supported by its sources, 1.5 s"), "{}", ran.err);
    assert!(ran.err.contains(&format!("ibid ask --session {SESSION}")), "{}", ran.err);
    let asked: Value = serde_json::from_str(&fake.asked(&messages())[0].body).unwrap();
    let expected =
        value!({"content": "How steep?", "stream": true, "mode": "deep_research", "collection": "eels"});
    assert_eq!(asked, expected);
}

#[test]
fn an_answer_cut_off_at_any_event_is_read_on_from_there() {
    for cut in 0..answer().len() {
        let fake = answering();
        fake.on(&messages(), move |_| frames(1, &answer()[..cut], true));
        if cut == 0 {
            // Nothing came, so the question is sent again, under the same idempotency key.
            let again = std::sync::atomic::AtomicBool::new(false);
            fake.on(&messages(), move |_| {
                let first = !again.swap(true, std::sync::atomic::Ordering::Relaxed);
                if first { frames(1, &[], true) } else { frames(1, &answer(), false) }
            });
        }
        let events = format!("GET /api/chat/sessions/{SESSION}/messages/{ANSWER}/events");
        fake.on(&events, move |asked| {
            assert_eq!(asked.last_event_id, Some(cut.to_string()));
            frames(cut + 1, &answer()[cut..], false)
        });
        let ran = fake.run(&["ask", "How steep?"]);
        assert_eq!((ran.code, ran.out.as_str()), (0, SHOWN), "cut at {cut}: {}", ran.err);
    }
}

#[test]
fn raw_events_are_one_json_object_a_line() {
    let ran = answering().run(&["ask", "--json", "How steep?"]);
    let events: Vec<Value> = ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((ran.code, events), (0, answer()));
}

#[test]
fn a_question_can_come_from_standard_input() {
    let fake = answering();
    let mut child = fake
        .command(&["ask", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all("How steep?\n".as_bytes()).unwrap();
    assert_eq!(ran(child.wait_with_output().unwrap()).code, 0);
    assert!(fake.asked(&messages())[0].body.contains("\"How steep?\""));
}

#[test]
fn an_answer_that_fails_keeps_its_beginning_and_says_why() {
    let fake = answering();
    fake.on(&messages(), |_| {
        let mut events = answer()[..4].to_vec();
        events.push(value!({"type": "error", "code": "unavailable", "message": "the model is gone", "retryable": true}));
        frames(1, &events, false)
    });
    let ran = fake.run(&["ask", "How steep?"]);
    assert_eq!((ran.code, ran.out.as_str()), (1, "It rises \n"));
    assert!(
        ran.err.ends_with("ibid: the model is gone (unavailable); asking again may work\n"),
        "{}",
        ran.err
    );
}

#[test]
fn a_refusal_is_told_in_the_words_of_the_server() {
    let fake = answering();
    fake.on(&messages(), |_| problem(422, "no model is named `gpt`"));
    let ran = fake.run(&["ask", "--model", "gpt", "How steep?"]);
    assert_eq!((ran.code, ran.err.as_str()), (1, "ibid: no model is named `gpt`\n"));
}

#[test]
fn the_first_ctrl_c_cancels_the_answer_and_shows_what_there_is() {
    let fake = answering();
    // The stream stays open until the cancel arrives, as a real one would.
    let (cancel, cancelled) = tokio::sync::watch::channel(false);
    fake.on(&messages(), move |_| {
        let mut cancelled = cancelled.clone();
        let mut events = answer();
        events[7]["finish_reason"] = value!("cancelled");
        let end = events.split_off(5);
        let text = |events: &[Value], first: usize| -> String {
            let frame = |(at, event): (usize, &Value)| {
                format!("id: {}\nevent: {}\ndata: {event}\n\n", first + at, event["type"].as_str().unwrap())
            };
            events.iter().enumerate().map(frame).collect()
        };
        let (start, end) = (text(&events, 1), text(&end[2..], 6));
        let later = async move {
            cancelled.wait_for(|is| *is).await.unwrap();
            Ok(end)
        };
        let body = futures::StreamExt::chain(
            futures::stream::iter([Ok::<_, std::io::Error>(start)]),
            futures::stream::once(later),
        );
        axum::response::Response::new(axum::body::Body::from_stream(body))
    });
    fake.on(&format!("POST /api/chat/sessions/{SESSION}/messages/{ANSWER}/cancel"), move |_| {
        cancel.send(true).unwrap();
        json(202, &value!({}))
    });
    let mut child =
        fake.command(&["ask", "How steep?"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut out = child.stdout.take().unwrap();
    let mut beginning = [0; 9];
    out.read_exact(&mut beginning).unwrap();
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let mut err = String::new();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{err}");
    assert!(err.contains("cancelled; what there was is kept"), "{err}");
}
