//! What is learnt from the library itself, without any model.

use serde_json::Value;
use uuid::Uuid;

use crate::support::{Server, eventually};

const BOATS: [&str; 10] =
    ["ferry", "vessel", "harbour", "sailor", "anchor", "pier", "deck", "cargo", "rudder", "quay"];
const CROPS: [&str; 10] =
    ["wheat", "barley", "harvest", "farmer", "field", "plough", "barn", "straw", "orchard", "cattle"];

/// A document of so many passages, each on one of two matters, in words that are together in all ways.
fn notes(num: usize, seed: usize) -> String {
    let mut text = String::new();
    for number in 0..num {
        let words = if number % 2 == 0 { BOATS } else { CROPS };
        let word = |at: usize| words[(seed + number / 2 + at * (1 + number % 3)) % words.len()];
        let lines = (0..18)
            .map(|line| format!("Seen that day: {}, {} and {}.", word(line), word(line + 1), word(line + 4)));
        text += &format!("# Note {seed}.{number}\n\n{}\n\n", lines.collect::<Vec<_>>().join(" "));
    }
    text
}

/// Adds notes until so many passages are there.
async fn fill(server: &Server, num_passages: u64) {
    for seed in 0_usize.. {
        let found = server.get("/api/documents?limit=500").await;
        let counts = found["items"].as_array().unwrap().iter().map(|item| item["passages"].as_u64().unwrap());
        if counts.sum::<u64>() >= num_passages {
            return;
        }
        server.add(&format!("notes-{seed}.md"), notes(100, seed)).await;
    }
}

/// The two documents in which the question finds one of its words, of which only one is about a boat.
async fn two(server: &Server) -> [String; 2] {
    let mut ids = Vec::new();
    for (name, text) in [
        ("one.md", "# One\n\nThe timetable at the barn names barley and straw and the plough.\n"),
        ("two.md", "# Two\n\nThe timetable at the pier names vessel and cargo and the anchor.\n"),
    ] {
        ids.push(server.add(name, text).await["id"].as_str().unwrap().to_owned());
    }
    ids.try_into().unwrap()
}

async fn first(server: &Server) -> String {
    let found = server.get("/api/search?q=When+does+the+timetable+of+the+rudder+begin%3F").await;
    let hits: Vec<&Value> = found["hits"].as_array().unwrap().iter().collect();
    let timetable = hits.iter().find(|hit| hit["text"].as_str().unwrap().contains("timetable")).unwrap();
    timetable["document_id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_large_library_tells_what_a_passage_is_about() {
    let mut server = Server::start().await;
    let [crops, boats] = two(&server).await;
    assert_eq!(first(&server).await, crops, "by words they are alike, and this is the first");
    fill(&server, 520).await;
    eventually("what was learnt is used", async || (first(&server).await == boats).then_some(())).await;
    let found = server.get("/api/search?q=timetable").await;
    assert_eq!((&found["by"], found.get("note")), (&Value::from("words"), None));
    assert!(server.get("/readyz").await.get("not_embedded").is_none());

    let learnt = server.data.path().join("learnt.safetensors");
    let before = std::fs::read(&learnt).unwrap();
    server.restart().await;
    eventually("it is known after a restart", async || (first(&server).await == boats).then_some(())).await;
    assert_eq!(std::fs::read(&learnt).unwrap(), before, "nothing is learnt twice");

    // Twice as much to learn from.
    fill(&server, 1_100).await;
    eventually("it is learnt anew", async || (std::fs::read(&learnt).unwrap() != before).then_some(())).await;
    eventually("and used", async || (first(&server).await == boats).then_some(())).await;

    server.kill();
    std::fs::write(&learnt, b"not this").unwrap();
    server.start_again().await;
    eventually("damaged, it is learnt again", async || (first(&server).await == boats).then_some(())).await;
}

#[tokio::test]
async fn a_library_that_teaches_nothing_is_looked_at_again_when_it_has_grown() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let server = Server::with_log("", &log).await;
    let [_, boats] = two(&server).await;
    let same = "The same is said each time. ".repeat(40);
    let numbers = (0..520).map(|number| format!("# {number}\n\n{same}\n\n"));
    server.add("numbers.md", numbers.collect::<String>()).await;
    let has_tried = || std::fs::read_to_string(&log).unwrap().contains("too few words to learn from");
    eventually("there is nothing to learn", async || has_tried().then_some(())).await;
    assert!(!server.data.path().join("learnt.safetensors").exists());
    fill(&server, 1_100).await;
    eventually("what was learnt is used", async || (first(&server).await == boats).then_some(())).await;
}

#[tokio::test]
async fn nothing_is_learnt_where_that_is_not_wanted() {
    let server = Server::with_config("[embeddings]\nprovider = \"none\"\n").await;
    let [crops, _] = two(&server).await;
    fill(&server, 520).await;
    server.add("last.md", format!("# Last\n\n{}", Uuid::nil())).await;
    assert_eq!(first(&server).await, crops);
    assert!(!server.data.path().join("learnt.safetensors").exists());
}
