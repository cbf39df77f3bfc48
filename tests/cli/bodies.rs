//! Bodies as the API sends them.

use serde_json::{Value, json as value};

pub(crate) const SESSION: &str = "0198f2a4-5c1e-7d3a-9b1f-2f6d1c0a7e55";
pub(crate) const ANSWER: &str = "0198f2a4-5c1e-7d3a-9b1f-2f6d1c0a7e56";
pub(crate) const DOCUMENT: &str = "0198f2a4-5c1e-7d3a-9b1f-2f6d1c0a7e57";

pub(crate) const SHOWN: &str = "It rises at 35 degrees [1].\n\n[1] The [31meel ladder\n    p. 4 › Design › Slope\n    \
                     columns: 2023 / 2022\n    “The ladder rises at 35 degrees.”\n    supported (0.93)\n";

pub(crate) fn session() -> Value {
    let now = "2026-01-02T03:04:05Z";
    value!({ "id": SESSION, "title": "Eels", "created_at": now, "updated_at": now, "message_count": 2 })
}

pub(crate) fn document(name: &str, status: &str) -> Value {
    value!({
        "id": DOCUMENT, "name": name, "title": name, "media_type": "text/plain", "version": "abc",
        "status": status, "bytes": 5, "passages": 3, "created_at": "2026-01-02T03:04:05Z"
    })
}

pub(crate) fn answer() -> Vec<Value> {
    let place = value!({
        "n": 1, "document_id": DOCUMENT, "version": "abc", "title": "The \u{1b}[31meel ladder", "page": 4,
        "heading": "Design › Slope", "passage_id": format!("{DOCUMENT}:2"), "start": 10, "end": 40
    });
    let mut source = place.clone();
    source["score"] = value!(3.5);
    let mut citation = place;
    citation["type"] = value!("citation");
    for (key, field) in [
        ("columns", value!("2023 / 2022")),
        ("quote", value!("The ladder rises at 35 degrees.")),
        ("support", value!(0.93)),
        ("verdict", value!("supported")),
        ("answer_start", value!(0)),
        ("answer_end", value!(22)),
    ] {
        citation[key] = field;
    }
    vec![
        value!({"type": "started", "message_id": ANSWER, "user_message_id": DOCUMENT, "session_id": SESSION,
                "mode": "regular", "model": "extractive"}),
        value!({"type": "step", "id": 1, "kind": "search", "state": "finished", "query": "eel slope", "found": 4}),
        value!({"type": "sources", "sources": [source]}),
        value!({"type": "token", "text": "It rises "}),
        value!({"type": "event_of_the_future", "any": "thing"}),
        value!({"type": "token", "text": "at 35 degrees [1]."}),
        citation,
        value!({"type": "done", "message_id": ANSWER, "finish_reason": "stop", "citations": 1,
                "grounding": {"sentences": 1, "cited": 1, "supported": 1, "unsupported": []},
                "usage": {"input_tokens": 0, "output_tokens": 0, "calls": 0},
                "timings_ms": {"retrieval": 3, "first_token": 4, "total": 1500}}),
    ]
}
