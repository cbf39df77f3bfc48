use std::fs;
use std::sync::atomic::AtomicBool;

use ibid::rerank::local::CrossEncoder;
use reqwest::Method;
use serde_json::{Value, json};

use crate::fake::{Fake, Mood};
use crate::folder;
use crate::support::{Server, answer, eventually};

const QUESTION: &str = "Where by the river does waterfowl hatch?";

/// Words find the flood first, which has the river more often; what hatches there is told of the marsh.
async fn library(server: &Server) -> [String; 2] {
    let mut ids = Vec::new();
    for (name, text) in [
        ("flood.md", "# Flood\n\nThe river rose. The river fell. Nobody was at the river."),
        ("marsh.md", "# Marsh\n\nHerons nest in reeds by the river mouth."),
    ] {
        ids.push(server.add(name, text).await["id"].as_str().unwrap().to_owned());
    }
    ids.try_into().unwrap()
}

async fn search(server: &Server) -> Value {
    server.get(&format!("/api/search?q={QUESTION}")).await
}

fn documents(found: &Value) -> Vec<&str> {
    found["hits"].as_array().unwrap().iter().map(|hit| hit["document_id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn the_reranker_puts_what_was_found_in_order() {
    let fake = Fake::start().await;
    let mut server = Server::start().await;
    let [flood, marsh] = library(&server).await;
    let found = search(&server).await;
    assert_eq!((documents(&found), &found["reranked"]), (vec![&*flood, &*marsh], &json!(false)));

    server.kill();
    server.configure(&fake.reranking("cohere", "model = \"bag\"")).await;
    let found = search(&server).await;
    assert_eq!((documents(&found), &found["reranked"]), (vec![&*marsh, &*flood], &json!(true)), "{found}");
    assert_eq!(found["by"], "words");
    assert!(found.get("note").is_none(), "{found}");
    let score = |number: usize| found["hits"][number]["score"].as_f64().unwrap();
    assert!(score(0) > score(1) && score(0) <= 1.0, "{found}");
    let read = fake.texts();
    assert!(read.iter().any(|text| text.starts_with("Marsh\n") || text.starts_with("# Marsh")), "{read:?}");

    let session = server.session().await;
    let frames = server.ask(&session, json!({"content": QUESTION})).await;
    let sources = frames.iter().find(|frame| frame.event == "sources").unwrap();
    assert_eq!(sources.data["sources"][0]["document_id"], marsh, "{}", answer(&frames));
    let metrics = server.send(Method::GET, "/metrics", None).await.text().await.unwrap();
    assert!(metrics.contains("ibid_reranked_passages_total 4"), "{metrics}");
    assert!(metrics.contains("ibid_rerank_failures_total 0"), "{metrics}");
}

#[tokio::test]
async fn only_the_best_are_read_and_the_others_follow() {
    let fake = Fake::start().await;
    let server = Server::with_config(&fake.reranking("cohere", "model = \"bag\"\ncandidates = 1")).await;
    let [flood, marsh] = library(&server).await;
    let found = search(&server).await;
    assert_eq!((documents(&found), &found["reranked"]), (vec![&*flood, &*marsh], &json!(true)));
    let score = |number: usize| found["hits"][number]["score"].as_f64().unwrap();
    assert!(score(0) >= score(1) && score(0) <= 1.0, "{found}");
    let read = fake.texts();
    assert!(read.len() == 1 && read[0].contains("rose"), "{read:?}");
    assert_eq!(server.get("/api/search?q=glacier").await["hits"], json!([]));
    assert!(fake.texts().is_empty(), "nothing was found and something was read");
}

#[tokio::test]
async fn text_embeddings_inference_is_spoken_too_and_scores_become_shares() {
    let fake = Fake::start().await;
    let server = Server::with_config(&fake.reranking("tei", "")).await;
    let [flood, marsh] = library(&server).await;
    let found = search(&server).await;
    assert_eq!((documents(&found), &found["reranked"]), (vec![&*marsh, &*flood], &json!(true)), "{found}");
    let share = |logit: f64| 1.0 / (1.0 + (-logit).exp());
    for (hit, likeness) in found["hits"].as_array().unwrap().iter().zip([4.0, 1.0]) {
        let score = hit["score"].as_f64().unwrap();
        assert!((score - share(likeness - 2.5)).abs() < 0.02, "{found}");
    }
}

#[tokio::test]
async fn a_reranker_that_is_away_leaves_the_order_and_says_so() {
    let fake = Fake::start().await;
    let settings = "model = \"bag\"\ntimeout_ms = 400";
    let server = Server::with_config(&fake.reranking("cohere", settings)).await;
    let [flood, marsh] = library(&server).await;
    for (mood, reason) in
        [(Mood::Failing(500), "not available"), (Mood::Silent, "in time"), (Mood::Uneven, "not available")]
    {
        fake.be(mood);
        let found = search(&server).await;
        assert_eq!((documents(&found), &found["reranked"]), (vec![&*flood, &*marsh], &json!(false)));
        let note = found["note"].as_str().unwrap();
        assert!(note.starts_with("not reranked: ") && note.contains(reason), "{mood:?}: {note}");
    }
    let session = server.session().await;
    let frames = server.ask(&session, json!({"content": QUESTION})).await;
    let step = frames.iter().rfind(|frame| frame.event == "step" && frame.data["kind"] == "search").unwrap();
    assert!(step.data["note"].as_str().unwrap().contains("not reranked"), "{}", step.data);
    assert_eq!(frames.last().unwrap().event, "done");
    fake.be(Mood::Well(64));
    eventually("it is asked again", async || (search(&server).await["reranked"] == true).then_some(())).await;
}

#[tokio::test]
async fn two_models_that_are_away_are_both_told_of() {
    let fake = Fake::start().await;
    let both = format!("{}{}", fake.config("bag"), fake.reranking("cohere", "model = \"bag\""));
    let server = Server::with_config(&both).await;
    let [flood, _] = library(&server).await;
    crate::search::embedded(&server).await;
    let found = search(&server).await;
    assert_eq!((&found["by"], &found["reranked"]), (&json!("words_and_meaning"), &json!(true)), "{found}");
    fake.be(Mood::Failing(503));
    let found = search(&server).await;
    assert_eq!(documents(&found)[0], flood);
    let note = found["note"].as_str().unwrap();
    assert!(note.starts_with("searched by words alone: ") && note.contains("; not reranked: "), "{note}");
}

#[tokio::test]
async fn its_key_is_sent_and_nowhere_seen() {
    let fake = Fake::start().await;
    let key = tempfile::NamedTempFile::new().unwrap();
    fs::write(key.path(), "sk-rerank-canary\n").unwrap();
    let log = tempfile::NamedTempFile::new().unwrap();
    let settings = format!("model = \"bag\"\napi_key_file = \"{}\"", key.path().display());
    let server = Server::with_log(&fake.reranking("cohere", &settings), log.path()).await;
    library(&server).await;
    search(&server).await;
    fake.be(Mood::Failing(401));
    search(&server).await;
    assert_eq!(fake.keys(), ["Bearer sk-rerank-canary", "Bearer sk-rerank-canary"]);
    let log = fs::read_to_string(log.path()).unwrap();
    assert!(log.contains("reranking failed"), "the log is empty");
    assert!(!log.contains("canary") && !log.contains("reeds"), "{log}");
}

#[test]
fn scores_are_those_that_the_weights_give() {
    /// Computed apart from ibid, in double precision, from the same formula for the weights.
    const KNOWN: [(&str, &str, f32); 4] = [
        ("the tide gates", "old dike.", 0.618_275_7),
        ("The tide gates", "Heron nesting in reeds", 0.620_666_8),
        ("old dike", "the tide gates.", 0.618_957_7),
        // Of 16 tokens it reads, the question has one.
        ("heron", "tide tide tide tide tide tide tide tide tide tide tide tide tide tide", 0.609_301_5),
    ];
    let folder = tempfile::tempdir().unwrap();
    folder::write_reranker(folder.path(), 1);
    let model = CrossEncoder::open(folder.path()).unwrap();
    let is_wanted = AtomicBool::new(true);
    for (question, passage, known) in KNOWN {
        let passages = [passage.to_owned(), "herons".to_owned(), passage.to_owned()];
        let scores = model.scores(question, &passages, 2, &is_wanted).unwrap();
        assert!((scores[0] - known).abs() < 1e-4, "{question}, {passage}: {scores:?}, not {known}");
        assert_eq!(scores[0], scores[2]);
        assert_ne!(scores[0], scores[1]);
    }
    let unwanted = model.scores("dike", &["tide".to_owned()], 1, &AtomicBool::new(false)).unwrap();
    assert_eq!(unwanted, [0.0]);
}

#[test]
fn a_folder_that_holds_no_reranker_is_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    folder::write(folder.path(), 0.0);
    let refusal = || CrossEncoder::open(folder.path()).unwrap_err().to_string();
    assert!(refusal().contains("no `classifier.weight`") && refusal().contains("one label"), "{}", refusal());
    folder::write_reranker(folder.path(), 3);
    assert!(refusal().contains("model.safetensors") && refusal().contains("3 labels"), "{}", refusal());
}

#[tokio::test]
async fn a_reranker_in_a_folder_works_alike() {
    let model = tempfile::tempdir().unwrap();
    folder::write_reranker(model.path(), 1);
    let config = format!("[rerank]\nprovider = \"local\"\nfolder = \"{}\"\n", model.path().display());
    let server = Server::with_config(&config).await;
    for (name, text) in [
        ("tide.md", "# Tide\n\nthe tide gates in the reeds"),
        ("dike.md", "# Dike\n\nold dike. herons nesting in reeds"),
        ("reeds.md", "# Reeds\n\nreeds"),
    ] {
        server.add(name, text).await;
    }
    let found = server.get("/api/search?q=reeds").await;
    assert_eq!(found["reranked"], true, "{found}");
    let hits = found["hits"].as_array().unwrap();
    let texts: Vec<String> = hits.iter().map(|hit| hit["text"].as_str().unwrap().to_owned()).collect();
    let shown: Vec<f64> = hits.iter().map(|hit| hit["score"].as_f64().unwrap()).collect();
    let reranker = CrossEncoder::open(model.path()).unwrap();
    let scores = reranker.scores("reeds", &texts, 1, &AtomicBool::new(true)).unwrap();
    assert_eq!(hits.len(), 3);
    assert!(shown.is_sorted_by(|one, other| one >= other), "{shown:?}");
    for (shown, score) in shown.iter().zip(scores) {
        let share = 1.0 / (1.0 + f64::from(-score).exp());
        assert!((shown - share).abs() < 1e-5, "{shown} is not {share}");
    }
}
