//! A model that invents sources: whatever it writes, a citation is sent only for a passage that was
//! in its prompt and with words that stand there, and altered words don't pass for what stands there.

use serde_json::json;

use crate::support::dice::Dice;
use crate::support::{Server, answer, citations};

/// Claims that the model writes.
const CLAIMS: usize = 500;

/// What stands in the document, in parts of which each can be altered.
const TOLD: [[&str; 3]; 4] = [
    ["Silver eels leave the Halden estuary in ", "October", "."],
    ["The weir count of ", "2019", " found 412 eels."],
    ["The eel ladder rises at ", "35", " degrees."],
    ["The ladder was paid for by the ", "Halden", " water board."],
];
const ALTERED: [&str; 4] = ["January", "2016", "70", "Osmer"];

#[tokio::test]
async fn no_invented_mark_becomes_a_citation_and_no_altered_claim_is_called_supported() {
    let mut dice = Dice::seeded("IBID_FORGED_SEED");
    let document = format!("# Eels\n\n{}\n", TOLD.map(|parts| parts.concat()).join(" "));
    let mut reply = String::new();
    let (mut exact, mut altered) = (0, 0);
    for _ in 0..CLAIMS {
        let at = dice.pick(TOLD.len());
        let [before, fact, after] = TOLD[at];
        let number = 2 + dice.below(998);
        let (fact, mark) = match dice.below(8) {
            0 => (fact, format!("[{number}]")),
            1 => (fact, format!("【{number}†source】")),
            2 => (fact, "[018f0000-0000-7000-8000-000000000000]".to_owned()),
            3 => (fact, format!("[0] [doc {number}] [1](https://evil.example/{number})")),
            4..6 => {
                exact += 1;
                (fact, "[1]".to_owned())
            }
            _ => {
                altered += 1;
                (ALTERED[at], "[1]".to_owned())
            }
        };
        reply.push_str(&format!("{before}{fact}{} {mark}.\n\n", after.trim_end_matches('.')));
    }
    let server = Server::scripted(&json!([{"reply": reply}]), "").await;
    let stored = server.add("eels.md", document).await;
    let session = server.session().await;
    let read = server.ask(&session, json!({"content": "When do silver eels leave the estuary?"})).await;
    assert_eq!(read.last().unwrap().data["finish_reason"], "stop");

    let text = server.text(stored["id"].as_str().unwrap()).await;
    let said = answer(&read);
    let (mut supported, mut doubted) = (0, 0);
    for citation in citations(&read) {
        let at = |name: &str| usize::try_from(citation[name].as_u64().unwrap()).unwrap();
        assert_eq!((&citation["n"], &citation["document_id"]), (&json!(1), &stored["id"]));
        assert_eq!(text[at("start")..at("end")], *citation["quote"].as_str().unwrap());
        let claim = &said[at("answer_start")..at("answer_end")];
        let is_altered = ALTERED.iter().any(|fact| claim.contains(fact));
        assert_eq!(citation["verdict"] == "supported", !is_altered, "{claim}: {citation}");
        if is_altered { doubted += 1 } else { supported += 1 }
    }
    assert_eq!((supported, doubted), (exact, altered), "every real mark is a citation");
    assert!(!said.contains('【') && exact > 50 && altered > 50);
    let dropped = read.last().unwrap().data["grounding"]["dropped_marks"].as_u64().unwrap();
    assert!(dropped > 50, "{dropped} marks were dropped");
}
