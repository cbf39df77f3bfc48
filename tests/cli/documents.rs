//! What is put in and what is found again: `add`, `documents`, `search`, `sessions`, `show`.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use axum::response::IntoResponse as _;
use serde_json::{Value, json as value};

use crate::bodies::{ANSWER, DOCUMENT, SESSION, SHOWN, answer, document, session};
use crate::fake::{Fake, json, problem, ran};

#[test]
fn adding_reports_every_file_and_fails_if_one_did() {
    let fake = Fake::start();
    fake.on_json(
        "GET /api/documents",
        value!({"items": [document("old.txt", "ready")], "next_cursor": null}),
    );
    fake.on("POST /api/documents", |asked| {
        let name =
            ["good.txt", "bad.txt", "same.txt"].into_iter().find(|name| asked.body.contains(name)).unwrap();
        let mut taken = document(name, if name == "bad.txt" { "failed" } else { "queued" });
        match name {
            "bad.txt" => taken["error"] = value!("it is encrypted"),
            "same.txt" => taken["duplicate"] = value!(true),
            _ => {}
        }
        json(202, &value!({ "documents": [taken] }))
    });
    fake.on_json(&format!("GET /api/documents/{DOCUMENT}"), document("good.txt", "ready"));
    for name in ["good.txt", "bad.txt", "same.txt"] {
        fake.file(name, "hello");
    }
    let folder = fake.file("none", "").parent().unwrap().to_path_buf();
    std::fs::remove_file(folder.join("none")).unwrap();
    let folder = folder.to_str().unwrap();

    let ran = fake.run(&["add", "--collection", "eels", folder, "missing.pdf"]);
    assert_eq!(ran.code, 1);
    assert!(ran.out.starts_with("1 ready, 1 already there, 2 failed\n"), "{}", ran.out);
    assert!(ran.out.contains("  failed: missing.pdf: no such file or folder\n"), "{}", ran.out);
    assert!(ran.out.contains("  failed: files/bad.txt: it is encrypted\n"), "{}", ran.out);
    assert_eq!(ran.err.lines().filter(|line| line.contains("/4] ")).count(), 4, "{}", ran.err);
    for upload in fake.asked("POST /api/documents") {
        let (collection, file) = (upload.body.find("name=\"collection\""), upload.body.find("name=\"file\""));
        assert!(collection.is_some() && collection < file, "{}", upload.body);
        assert!(
            upload.body.contains("filename=\"files/") && upload.body.contains("\r\nhello\r\n"),
            "{}",
            upload.body
        );
    }

    let ran = fake.run(&["add", "--json", folder]);
    let mut outcomes: Vec<(String, String)> = ran
        .out
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|line| (line["name"].as_str().unwrap().into(), line["outcome"].as_str().unwrap().into()))
        .collect();
    outcomes.sort_unstable();
    let expected =
        [("files/bad.txt", "failed"), ("files/good.txt", "ready"), ("files/same.txt", "already_there")];
    assert_eq!(outcomes, expected.map(|(name, outcome)| (name.to_owned(), outcome.to_owned())));
}

#[test]
fn a_known_name_with_other_bytes_is_a_new_version_and_standard_input_needs_a_name() {
    let fake = Fake::start();
    let mut old = document("notes.md", "ready");
    old["id"] = value!(ANSWER);
    fake.on_json("GET /api/documents", value!({"items": [old], "next_cursor": null}));
    fake.on("POST /api/documents", |_| json(201, &value!({ "documents": [document("notes.md", "ready")] })));
    let mut child = fake
        .command(&["add", "-", "--name", "notes.md"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"# Notes").unwrap();
    let added = ran(child.wait_with_output().unwrap());
    assert_eq!((added.code, added.out.as_str()), (0, "1 new version\n"), "{}", added.err);
    assert!(fake.asked("POST /api/documents")[0].body.contains("\r\n# Notes\r\n"));

    let nameless = fake.run(&["add", "-"]);
    assert_eq!(nameless.code, 1);
    assert!(nameless.err.contains("--name"), "{}", nameless.err);
}

#[test]
fn a_busy_server_is_asked_again() {
    let fake = Fake::start();
    fake.on_json("GET /api/documents", value!({"items": [], "next_cursor": null}));
    let calls = std::sync::atomic::AtomicUsize::new(0);
    fake.on("POST /api/documents", move |_| {
        let mut busy = problem(503, "too many uploads");
        busy.headers_mut().insert("retry-after", axum::http::HeaderValue::from_static("0"));
        let first = calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 0;
        if first { busy } else { json(201, &value!({ "documents": [document("a.txt", "ready")] })) }
    });
    let file = fake.file("a.txt", "hello");
    let ran = fake.run(&["add", file.to_str().unwrap()]);
    assert_eq!((ran.code, ran.out.as_str()), (0, "1 ready\n"), "{}", ran.err);
}

#[test]
fn searching_sends_plain_words_and_shows_passages_by_rank() {
    let fake = Fake::start();
    let hit = value!({
        "passage_id": format!("{DOCUMENT}:2"), "document_id": DOCUMENT, "version": "abc", "title": "Eels",
        "page": 2, "heading": "Slope", "columns": "2023 / 2022", "text": "The ladder\nrises.", "start": 0, "end": 17, "score": 4.25,
        "highlights": [[4, 10]], "more": [{"passage_id": format!("{DOCUMENT}:3"), "start": 20, "end": 30}]
    });
    fake.on_json(
        "GET /api/search",
        value!({"hits": [hit], "note": "not reranked: it is away", "took_ms": 3}),
    );
    let ran = fake.run(&["search", "ladder", "&", "slope", "--limit", "3", "--collection", "eels"]);
    let expected = format!(
        "  1. Eels, p. 2 › Slope (4.25, document {DOCUMENT})\n     columns: 2023 / 2022\n     \
         The ladder rises.\n     \
         and 1 more passage on this page\n\n1 place in 3 ms\nnot reranked: it is away\n"
    );
    assert_eq!((ran.code, ran.out), (0, expected), "{}", ran.err);
    assert_eq!(fake.asked("GET /api/search")[0].query, "q=ladder+%26+slope&limit=3&collection=eels");
}

#[test]
fn a_session_is_shown_with_its_cited_sources() {
    let fake = Fake::start();
    let mut citation = answer()[6].clone();
    citation.as_object_mut().unwrap().remove("type");
    let now = "2026-01-02T03:04:05Z";
    let mut history = session();
    history["messages"] = value!([
        {"id": DOCUMENT, "role": "user", "content": "How steep?", "status": "complete", "created_at": now,
         "active": true},
        {"id": ANSWER, "role": "assistant", "content": "Gently.", "status": "complete", "created_at": now,
         "active": false},
        {"id": ANSWER, "role": "assistant", "content": "It rises at 35 degrees [1].", "status": "interrupted",
         "created_at": now, "citations": [citation], "active": true},
    ]);
    fake.on_json(&format!("GET /api/chat/sessions/{SESSION}"), history);
    fake.on_json("GET /api/chat/sessions", value!({"items": [session()], "next_cursor": null}));
    let ran = fake.run(&["show", "--last"]);
    let expected =
        format!("Eels\n\n> How steep?\n\n{SHOWN}\ninterrupted: the server stopped in mid-answer\n");
    assert_eq!((ran.code, ran.out), (0, expected), "{}", ran.err);
}

#[test]
fn a_list_is_read_to_its_last_page() {
    let fake = Fake::start();
    fake.on("GET /api/documents", |asked| match asked.query.as_str() {
        "limit=100" => json(200, &value!({"items": [document("a.txt", "ready")], "next_cursor": "x y"})),
        "limit=100&cursor=x+y" => {
            json(200, &value!({"items": [document("b.txt", "failed")], "next_cursor": null}))
        }
        other => problem(400, other),
    });
    let ran = fake.run(&["documents"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let shown: Vec<&str> = ran.out.lines().map(|line| line.split("  ").nth(1).unwrap()).collect();
    assert_eq!(shown, ["a.txt", "b.txt"]);
}

#[test]
fn documents_are_found_by_name_and_deleted_by_id() {
    let fake = Fake::start();
    fake.on_json("GET /api/documents", value!({"items": [document("a.txt", "ready")], "next_cursor": null}));
    fake.on(&format!("DELETE /api/documents/{DOCUMENT}"), |_| {
        axum::http::StatusCode::NO_CONTENT.into_response()
    });
    let ran = fake.run(&["documents", "delete", "a.txt"]);
    assert_eq!((ran.code, ran.out), (0, format!("deleted a.txt ({DOCUMENT})\n")), "{}", ran.err);
    let ran = fake.run(&["documents", "show", "b.txt"]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("no document has the id or name `b.txt`"), "{}", ran.err);
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let fake = Fake::start();
    fake.on_json(&format!("GET /api/documents/{DOCUMENT}"), document("a.txt", "ready"));
    fake.on(&format!("GET /api/documents/{DOCUMENT}/text"), |_| "line\n".repeat(1 << 20).into_response());
    let mut child = fake
        .command(&["documents", "text", DOCUMENT])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    let ended = ran(child.wait_with_output().unwrap());
    assert_eq!((first.as_str(), ended.code, ended.err.as_str()), ("line\n", 0, ""));
}

#[test]
fn an_interrupted_add_says_what_there_is() {
    let fake = Fake::start();
    fake.on_json("GET /api/documents", value!({"items": [], "next_cursor": null}));
    fake.on("POST /api/documents", |asked| {
        let (name, status) =
            if asked.body.contains("slow.txt") { ("slow.txt", "queued") } else { ("a.txt", "ready") };
        json(202, &value!({ "documents": [document(name, status)] }))
    });
    fake.on_json(&format!("GET /api/documents/{DOCUMENT}"), document("slow.txt", "extracting"));
    let files = ["a.txt", "slow.txt"].map(|name| fake.file(name, "hello").display().to_string());
    let mut child = fake
        .command(&["add", &files[0], &files[1]])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut err = BufReader::new(child.stderr.take().unwrap());
    let mut first = String::new();
    err.read_line(&mut first).unwrap();
    assert_eq!(first, "[1/2] ready: a.txt (3 passages)\n");
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::INT)
        .unwrap();
    let mut rest = String::new();
    err.read_line(&mut rest).unwrap();
    let ended = child.wait_with_output().unwrap();
    assert_eq!((ended.status.code(), ended.stdout.as_slice()), (Some(130), &b"1 ready\n"[..]));
    assert!(rest.starts_with("interrupted: what was sent is kept"), "{rest}");
}

#[test]
fn originals_are_read_anew_one_by_one_or_all_of_ones_own() {
    let fake = Fake::start();
    let named = |name: &str, id: &str, status: &str| {
        let mut document = document(name, status);
        document["id"] = value!(id);
        document
    };
    let [better, same, broken] = [DOCUMENT, SESSION, ANSWER];
    let mut theirs = named("theirs.pdf", "0198f2a4-5c1e-7d3a-9b1f-2f6d1c0a7e58", "ready");
    theirs["owner"] = value!("eve");
    let library = [
        named("better.html", better, "ready"),
        named("same.md", same, "ready"),
        named("broken.pdf", broken, "failed"),
        theirs,
    ];
    fake.on_json("GET /api/documents", value!({"items": library, "next_cursor": null}));
    fake.on_json("GET /api/me", value!({"mode": "none", "user": "local", "scopes": []}));
    let path = |id: &str| format!("POST /api/documents/{id}/reread");
    let anew = named("better.html", "0198f2a4-5c1e-7d3a-9b1f-2f6d1c0a7e59", "ready");
    fake.on_json(&path(better), anew);
    fake.on_json(&path(same), named("same.md", same, "ready"));
    let mut still = named("broken.pdf", broken, "failed");
    still["error"] = value!("it is encrypted");
    fake.on_json(&path(broken), still);

    let ran = fake.run(&["documents", "reread", "--all"]);
    let expected = "1 read anew, 1 unchanged, 1 failed\n  failed: broken.pdf: it is encrypted\n";
    assert_eq!((ran.code, ran.out.as_str()), (1, expected), "{}", ran.err);
    let ran = fake.run(&["documents", "reread", "same.md", "--json"]);
    let told: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((ran.code, &told["outcome"]), (0, &value!("unchanged")), "{}", ran.err);
    fake.on(&path(same), |_| problem(400, "`same.md` stays as it was"));
    let ran = fake.run(&["documents", "reread", "same.md"]);
    assert_eq!(ran.code, 1);
    assert!(ran.out.contains("`same.md` stays as it was"), "{}", ran.out);
    for wrong in [&["documents", "reread"][..], &["documents", "reread", "same.md", "--all"]] {
        assert_eq!(fake.run(wrong).code, 2, "{wrong:?}");
    }
}
