//! A bundle for tests, made by hand: one answer with two citations and a note of one document.

use serde_json::json;

use super::{Bundle, sha256};

/// The text of the document.
pub(crate) const TEXT: &str = "The mud rose by 4.2 cm in 2019.\nDer Schlick stieg, größer als gedacht, um vier Zentimeter.\nNobody knew why.\n";
const SESSION: &str = "018f0000-0000-7000-8000-000000000001";
const DOCUMENT: &str = "018f0000-0000-7000-8000-000000000002";
const QUESTION: &str = "018f0000-0000-7000-8000-000000000003";
const ANSWER: &str = "018f0000-0000-7000-8000-000000000004";

/// The bundle, with the text of its document.
pub(crate) fn bundle(content: &str) -> Bundle {
    let version = sha256(b"the original bytes");
    let at = "2026-01-02T03:04:05Z";
    let (first, second, third) = (0..31, 32..92, 93..109);
    let passage = format!("{DOCUMENT}:0");
    let citation = |n: u32, range: &std::ops::Range<usize>| {
        json!({
            "n": n, "document_id": DOCUMENT, "version": version, "title": "Mud", "page": 3,
            "heading": "Mud › Rise", "passage_id": passage, "start": range.start, "end": range.end,
            "quote": &TEXT[range.clone()], "support": 0.83, "verdict": "supported",
            "answer_start": 0, "answer_end": 4,
        })
    };
    let note = json!({
        "passage_id": passage, "start": third.start, "end": third.end, "quote": &TEXT[third.clone()],
    });
    let bundle = json!({
        "format": super::FORMAT, "version": super::VERSION, "exported_at": at,
        "session": {
            "id": SESSION, "title": "How far did the mud rise?", "created_at": at, "updated_at": at,
            "message_count": 2,
        },
        "messages": [
            {"id": QUESTION, "role": "user", "content": "How far did the mud rise?", "status": "complete", "created_at": at},
            {
                "id": ANSWER, "role": "assistant", "content": content, "status": "complete",
                "created_at": at, "parent_id": QUESTION,
                "citations": [citation(1, &first), citation(2, &second)],
                "steps": [{"id": 1, "kind": "read", "state": "finished", "result": {"notes": [note], "at_ms": 1}}],
            },
        ],
        "documents": [{
            "id": DOCUMENT, "name": "mud.md", "title": "Mud", "media_type": "text/markdown",
            "version": version, "status": "ready", "bytes": 18, "passages": 1, "created_at": at,
            "text_sha256": sha256(TEXT.as_bytes()), "text": TEXT,
        }],
        "passages": [{
            "document_id": DOCUMENT, "passage_id": passage, "start": 0, "end": TEXT.len(), "text": TEXT,
        }],
    });
    serde_json::from_value(bundle).unwrap_or_else(|error| panic!("the sample is a bundle: {error}"))
}
