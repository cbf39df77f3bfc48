//! `ibid eval`: what a file of questions measures, and what is wrong with one that can't be used.

use serde_json::{Value, json as value};

use crate::bodies::{DOCUMENT, SESSION, answer, document, session};
use crate::fake::{Fake, frames, json, problem};

const OTHER: &str = "0198f2a4-5c1e-7d3a-9b1f-2f6d1c0a7e99";

/// A library of one text, in which the quote of the answer stands from byte 10 on.
fn library() -> Fake {
    let fake = Fake::start();
    fake.on_json(
        "GET /api/documents",
        value!({"items": [document("eels.md", "ready")], "next_cursor": null}),
    );
    let text = "# Ladders\nThe ladder rises at 35 degrees. It is steep.";
    fake.on(&format!("GET /api/documents/{DOCUMENT}/text"), move |_| {
        axum::response::IntoResponse::into_response(text)
    });
    let hit = |id: &str, page: u32, text: &str| value!({"document_id": id, "title": "Eels", "page": page, "text": text, "score": 1.0});
    let hits =
        [hit(OTHER, 4, "Smelt spawn on gravel."), hit(DOCUMENT, 4, "The ladder\nrises at 35 degrees.")];
    fake.on_json("GET /api/search", value!({"hits": hits, "took_ms": 1}));
    fake.on("POST /api/chat/sessions", |_| json(201, &session()));
    fake.on(&format!("DELETE /api/chat/sessions/{SESSION}"), |_| json(200, &Value::Null));
    fake
}

fn messages() -> String {
    format!("POST /api/chat/sessions/{SESSION}/messages")
}

/// Cites the ladder when asked about it, and nothing otherwise; one question breaks.
fn answering() -> Fake {
    let fake = library();
    fake.on(&messages(), |asked| {
        if asked.body.contains("steep") {
            let mut events = answer();
            events[6]["end"] = value!(41);
            events[7]["usage"] = value!({"input_tokens": 300, "output_tokens": 20, "calls": 1});
            frames(1, &events, false)
        } else if asked.body.contains("break") {
            problem(500, "the disk fell out")
        } else {
            let mut events = answer();
            events.remove(6);
            frames(1, &events, false)
        }
    });
    fake
}

const QUESTIONS: &str = r#"
{"question": "How steep?", "document": "eels.md", "page": 4, "quote": "The ladder rises at 35 degrees.", "answer": ["35", "thirty-five"], "history": ["Is it?"]}
{"question": "How long?", "document": "eels.md", "page": 5, "answer": "9 metres"}
{"question": "Who owns the moon?", "answerable": false}
"#;

#[test]
fn questions_are_asked_judged_and_added_up() {
    let fake = answering();
    let file = fake.file("questions.jsonl", QUESTIONS);
    let ran = fake.run(&["eval", "--json", "--model", "one", "--model", "two", file.to_str().unwrap()]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let measured: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(measured["runs"].as_array().unwrap().len(), 2);
    let summary = &measured["runs"][0]["summary"];
    for (what, expected) in [
        ("/questions", value!(3)),
        ("/answerable", value!(2)),
        ("/failed", value!(0)),
        ("/document_recall", value!([0.0, 1.0, 1.0])),
        ("/page_recall", value!([0.0, 0.5, 0.5])),
        ("/quote_recall", value!([0.0, 1.0, 1.0])),
        ("/answers/document_cited", value!(0.5)),
        ("/answers/page_cited", value!(0.5)),
        ("/answers/quote_cited", value!(1.0)),
        ("/answers/answer_said", value!(0.5)),
        ("/answers/answer_said_first", value!(0.5)),
        ("/answers/quotes_valid", value!(1.0)),
        ("/answers/refusal_precision", value!(0.5)),
        ("/answers/refusal_recall", value!(1.0)),
        ("/answers/usage/input_tokens", value!(300)),
    ] {
        assert_eq!(summary.pointer(what), Some(&expected), "{what}: {summary}");
    }
    let asked = fake.asked(&messages());
    let first: Value = serde_json::from_str(&asked[0].body).unwrap();
    let expected = value!({"content": "Is it?", "stream": true, "cache": false, "model": "one"});
    assert_eq!((first, asked.len()), (expected, 8));
    assert_eq!(fake.asked(&format!("DELETE /api/chat/sessions/{SESSION}")).len(), 6);
    // What the server made of the question is what is searched for.
    assert_eq!(fake.asked("GET /api/search")[0].query, "q=eel+slope&limit=10");
}

#[test]
fn the_table_names_what_went_wrong() {
    let fake = answering();
    let file = fake.file("questions.jsonl", QUESTIONS);
    let ran = fake.run(&["eval", file.to_str().unwrap()]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    for words in [
        "extractive: 3 questions, 2 answerable, 0 failed\n",
        "  document                 0.000   1.000   1.000\n",
        "  quotes that stand        1.000\n",
        "300 tokens read, 20 written, 1 call\n",
        "to look into\n  line 3: How long? (nothing cited)\n",
    ] {
        assert!(ran.out.contains(words), "{words}\n{}", ran.out);
    }
}

#[test]
fn a_quote_that_does_not_stand_where_it_says_is_found_out() {
    let fake = answering();
    fake.on(&messages(), |_| frames(1, &answer(), false));
    let file = fake.file("questions.jsonl", "{\"question\": \"How steep?\", \"document\": \"eels.md\"}");
    let ran = fake.run(&["eval", file.to_str().unwrap()]);
    assert!(ran.out.contains("  quotes that stand        0.000\n"), "{}", ran.out);
    assert!(ran.out.contains("line 1: How steep? (a quote does not stand)"), "{}", ran.out);
}

#[test]
fn a_search_can_be_measured_without_asking() {
    let fake = library();
    let file = fake.file("questions.jsonl", QUESTIONS);
    let ran = fake.run(&["eval", "--search-only", "--collection", "eels", file.to_str().unwrap()]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out.starts_with("search: 3 questions") && !ran.out.contains("answers"), "{}", ran.out);
    assert!(fake.asked("POST /api/chat/sessions").is_empty());
    assert_eq!(fake.asked("GET /api/search")[0].query, "q=How+steep%3F&limit=10&collection=eels");
}

#[test]
fn a_question_that_fails_is_counted_and_the_rest_is_asked() {
    let fake = answering();
    let lines = "{\"question\": \"Does it break?\", \"document\": \"eels.md\"}\n{\"question\": \"How steep?\", \"document\": \"eels.md\"}";
    let file = fake.file("questions.jsonl", lines);
    let ran = fake.run(&["eval", file.to_str().unwrap()]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out.contains("2 questions, 2 answerable, 1 failed"), "{}", ran.out);
    assert!(ran.out.contains("line 1: Does it break? (the disk fell out)"), "{}", ran.out);
}

#[test]
fn every_bad_line_is_told_before_anything_is_asked() {
    let fake = answering();
    let file = fake.file(
        "questions.jsonl",
        "{\"question\": \"x\", \"document\": \"cod.md\"}\n\n{\"question\": \"y\"}\nnot json\n",
    );
    let ran = fake.run(&["eval", file.to_str().unwrap()]);
    assert_eq!(ran.code, 1);
    for words in [
        "line 1: `document` `cod.md` is not in the library",
        "line 3: give `document`, `quote` or `answer`",
        "line 4: expected ident, at column 2",
    ] {
        assert!(ran.err.contains(words), "{words}\n{}", ran.err);
    }
    assert!(fake.asked("POST /api/chat/sessions").is_empty());
    let ran = fake.run(&["eval", "/nowhere.jsonl"]);
    assert!(ran.code == 1 && ran.err.contains("can't read `/nowhere.jsonl`"), "{}", ran.err);
}
