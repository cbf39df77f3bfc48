//! What is kept and found again: `export`, `verify`, `history`.

use axum::response::IntoResponse as _;
use serde_json::json as value;

use crate::bodies::SESSION;
use crate::fake::{Fake, alone, json};

#[test]
fn an_export_is_written_whole_in_the_format_its_name_tells() {
    let fake = Fake::start();
    let route = format!("GET /api/chat/sessions/{SESSION}/export");
    fake.on(&route, |_| ([("content-type", "application/pdf")], "%PDF-1.7 …").into_response());
    let file = fake.file("answer.pdf", "old");
    let ran = fake.run(&["export", SESSION, "-o", file.to_str().unwrap()]);
    assert_eq!((ran.code, ran.out.as_str()), (0, ""), "{}", ran.err);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "%PDF-1.7 …");
    let ran = fake.run(&["export", SESSION, "--documents"]);
    assert_eq!(ran.out, "%PDF-1.7 …", "without a file it goes to standard output");
    let queries: Vec<String> = fake.asked(&route).into_iter().map(|asked| asked.query).collect();
    assert_eq!(queries, ["format=pdf", "format=json&documents=true"]);

    let ran = fake.run(&["export", SESSION, "--documents", "--format", "pdf"]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("--format json"), "{}", ran.err);
    fake.on(&route, |_| json(404, &value!({"detail": "session not found"})));
    let ran = fake.run(&["export", SESSION, "-o", file.to_str().unwrap()]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("session not found"), "{}", ran.err);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "%PDF-1.7 …", "a failure leaves the old file");
    assert_eq!(std::fs::read_dir(file.parent().unwrap()).unwrap().count(), 1, "and nothing beside it");
}

#[test]
fn the_history_shows_the_question_the_place_and_the_words() {
    let fake = Fake::start();
    fake.on_json(
        "GET /api/history",
        value!({"took_ms": 3, "hits": [{
            "session_id": SESSION, "session_title": "Eels", "message_id": SESSION,
            "created_at": "2026-01-02T03:04:05Z", "kind": "quote", "text": "They leave in October.",
            "highlights": [[14, 21]], "question": "When do eels leave?", "score": 1.5,
            "citation": {
                "n": 1, "document_id": SESSION, "version": "ab", "title": "Eel report", "page": 3,
                "passage_id": format!("{SESSION}:0"), "start": 0, "end": 22, "quote": "They leave in October.",
                "support": 1.0, "verdict": "supported", "answer_start": 0, "answer_end": 4,
            },
        }]}),
    );
    let ran = fake.run(&["history", "eels", "october", "--limit", "5"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    for words in [
        "Eels",
        "> When do eels leave?",
        "cited from Eel report, p. 3",
        "They leave in October.",
        "1 message",
    ] {
        assert!(ran.out.contains(words), "{words}: {}", ran.out);
    }
    assert_eq!(fake.asked("GET /api/history")[0].query, "q=eels+october&limit=5");
}

#[test]
fn what_is_no_bundle_is_not_verified_and_no_data_folder_is_made_for_it() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("b.json");
    std::fs::write(&file, "{\"format\": \"zip\"}").unwrap();
    let data = home.path().join("data");
    let ran = alone(&["verify", file.to_str().unwrap()], &[("IBID_DATA", data.to_str().unwrap())]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("this is a `zip`"), "{}", ran.err);
    assert!(!data.exists());
    let ran = alone(&["verify", "/nowhere.json"], &[]);
    assert!(ran.code == 1 && ran.err.contains("can't read `/nowhere.json`"), "{}", ran.err);
}
