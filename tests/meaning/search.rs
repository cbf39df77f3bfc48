use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::fake::{Fake, Mood};
use crate::folder;
use crate::support::{Server, answer, eventually};

const DIKE: &str = "# The dike\n\nThe old dike was raised by two metres after the flood.";
const HERONS: &str = "# Herons\n\nHerons nest in the reeds by the river mouth.";
const LEDGER: &str = "# Ledger\n\nIt costs four million to keep the sluice open.";

/// Waits until nothing is left to embed.
pub(crate) async fn embedded(server: &Server) {
    eventually("everything is embedded", async || {
        let ready = server.get("/readyz").await;
        (ready["not_embedded"] == 0).then_some(())
    })
    .await;
}

pub(crate) async fn library(server: &Server) -> [String; 3] {
    let mut ids = Vec::new();
    for (name, text) in [("dike.md", DIKE), ("herons.md", HERONS), ("ledger.md", LEDGER)] {
        ids.push(server.add(name, text).await["id"].as_str().unwrap().to_owned());
    }
    ids.try_into().unwrap()
}

fn ids(found: &Value) -> Vec<String> {
    let hits = found["hits"].as_array().unwrap().iter();
    hits.map(|hit| hit["document_id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_question_that_shares_no_word_with_its_passage_finds_it() {
    let fake = Fake::start().await;
    let server = Server::with_config(&fake.config("bag")).await;
    let [dike, herons, ledger] = library(&server).await;
    embedded(&server).await;
    for (question, wanted) in
        [("where do waterfowl breed?", &herons), ("embankment", &dike), ("price", &ledger)]
    {
        let found = server.get(&format!("/api/search?q={question}")).await;
        assert_eq!(found["by"], "words_and_meaning", "{found}");
        assert!(found.get("note").is_none(), "{found}");
        assert_eq!(ids(&found)[0], *wanted, "{question}: {found}");
    }
    let metrics = server.send(Method::GET, "/metrics", None).await.text().await.unwrap();
    assert!(metrics.contains("ibid_embedded_passages_total 3"), "{metrics}");
    assert!(metrics.contains("ibid_embedding_queue 0"), "{metrics}");
}

#[tokio::test]
async fn without_a_model_a_search_goes_by_words_and_has_nothing_to_note() {
    let server = Server::start().await;
    let [dike, ..] = library(&server).await;
    let found = server.get("/api/search?q=dike").await;
    assert_eq!((ids(&found), &found["by"]), (vec![dike], &json!("words")));
    assert!(found.get("note").is_none(), "{found}");
    assert!(server.get("/readyz").await.get("not_embedded").is_none());
}

#[tokio::test]
async fn an_answer_is_written_from_what_its_question_means() {
    let fake = Fake::start().await;
    let server = Server::with_config(&fake.config("bag")).await;
    let [_, herons, _] = library(&server).await;
    embedded(&server).await;
    let session = server.session().await;
    let frames = server.ask(&session, json!({"content": "Where do waterfowl breed?"})).await;
    let sources = frames.iter().find(|frame| frame.event == "sources").unwrap();
    assert_eq!(sources.data["sources"][0]["document_id"], herons, "{}", answer(&frames));
    let deep = json!({"content": "Where do waterfowl breed?", "mode": "deep_research"});
    let frames = server.ask(&session, deep).await;
    let found = frames.iter().any(|frame| frame.event == "step" && frame.data.to_string().contains(&herons));
    assert!(found, "{frames:?}");
}

#[tokio::test]
async fn scopes_and_deletions_hold_for_what_is_found_by_meaning() {
    let fake = Fake::start().await;
    let server = Server::with_config(&fake.config("bag")).await;
    let [dike, herons, ledger] = library(&server).await;
    let other = server.upload("birds.md", "# Birds\n\nHerons hatch in spring.", Some("birds")).await;
    let other = server.settled(other["id"].as_str().unwrap()).await["id"].as_str().unwrap().to_owned();
    embedded(&server).await;
    let found = server.get(&format!("/api/search?q=waterfowl&document_ids={dike},{ledger}")).await;
    assert!(ids(&found).iter().all(|id| [&dike, &ledger].contains(&id)), "{found}");
    assert_eq!(ids(&server.get("/api/search?q=waterfowl&collection=birds").await), [other]);
    let gone = server.send(Method::DELETE, &format!("/api/documents/{herons}"), None).await;
    assert!(gone.status().is_success());
    let found = server.get("/api/search?q=waterfowl").await;
    assert!(!ids(&found).contains(&herons), "{found}");
}

#[tokio::test]
async fn vectors_survive_a_restart_and_are_made_only_once() {
    let fake = Fake::start().await;
    let mut server = Server::with_config(&fake.config("bag")).await;
    let [_, herons, _] = library(&server).await;
    embedded(&server).await;
    fake.texts();
    server.restart().await;
    embedded(&server).await;
    assert_eq!(ids(&server.get("/api/search?q=waterfowl").await)[0], herons);
    let again = fake.texts();
    assert!(again.iter().all(|text| !text.contains("reeds")), "{again:?}");
    // A new title is a new text to embed; another model embeds everything.
    let path = format!("/api/documents/{herons}");
    server.json(Method::PATCH, &path, Some(json!({"title": "Waders"}))).await;
    eventually("the new title is embedded", async || {
        fake.texts().iter().any(|text| text.contains("Waders") && text.contains("reeds")).then_some(())
    })
    .await;
    server.kill();
    server.configure(&fake.config("other bag")).await;
    embedded(&server).await;
    assert_eq!(ids(&server.get("/api/search?q=waterfowl").await)[0], herons);
    assert!(fake.texts().iter().any(|text| text.contains("sluice")));
}

#[tokio::test]
async fn a_new_version_takes_the_place_of_the_old_one_in_meaning_too() {
    let fake = Fake::start().await;
    let server = Server::with_config(&fake.config("bag")).await;
    let [_, herons, _] = library(&server).await;
    embedded(&server).await;
    let newer = server.add("herons.md", "# Herons\n\nThe embankment path is closed.").await;
    let newer = newer["id"].as_str().unwrap();
    embedded(&server).await;
    let found = server.get("/api/search?q=levee").await;
    assert!(ids(&found).iter().any(|id| id == newer) && !ids(&found).contains(&herons), "{found}");
}

#[tokio::test]
async fn a_model_in_a_folder_works_alike() {
    let model = tempfile::tempdir().unwrap();
    folder::write(model.path(), 0.0);
    let config = |folder: &std::path::Path| {
        format!("[embeddings]\nprovider = \"local\"\nfolder = \"{}\"\n", folder.display())
    };
    let mut server = Server::with_config(&config(model.path())).await;
    library(&server).await;
    embedded(&server).await;
    assert_eq!(server.get("/api/search?q=tide gate").await["by"], "words_and_meaning");
    let files = |server: &Server| {
        let folder = std::fs::read_dir(server.data.path().join("vectors")).unwrap();
        let mut names: Vec<_> = folder.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let before = files(&server);
    server.restart().await;
    embedded(&server).await;
    assert_eq!(files(&server), before);
    // Another model under the same path is noticed, and that it wants something before a passage.
    folder::write(model.path(), 0.5);
    server.restart().await;
    embedded(&server).await;
    assert_ne!(files(&server), before);
    let prompts = json!({"prompts": {"query": "tide ", "document": "heron "}});
    std::fs::write(model.path().join("config_sentence_transformers.json"), prompts.to_string()).unwrap();
    let before = files(&server);
    server.restart().await;
    embedded(&server).await;
    assert_ne!(files(&server), before);
    assert_eq!(server.get("/api/search?q=tide gate").await["by"], "words_and_meaning");
    let metrics = server.send(Method::GET, "/metrics", None).await.text().await.unwrap();
    assert!(metrics.contains("ibid_embedded_passages_total 3"), "{metrics}");
}

#[tokio::test]
async fn passages_and_questions_are_sent_with_their_prefixes() {
    let fake = Fake::start().await;
    let prefixes = "passage_prefix = \"search_document: \"\nquestion_prefix = \"search_query: \"\n";
    let server = Server::with_config(&format!("{}{prefixes}", fake.config("bag"))).await;
    library(&server).await;
    embedded(&server).await;
    server.get("/api/search?q=levee").await;
    let (questions, passages): (Vec<_>, Vec<_>) =
        fake.texts().into_iter().filter(|text| text != "ibid").partition(|text| text.contains("levee"));
    assert_eq!(questions, ["search_query: levee"]);
    assert!(passages.len() == 3 && passages.iter().all(|text| text.starts_with("search_document: ")));
}

#[tokio::test]
async fn a_search_while_passages_wait_says_so() {
    let fake = Fake::start().await;
    let server = Server::with_config(&fake.config("bag")).await;
    library(&server).await;
    embedded(&server).await;
    fake.be(Mood::Stuck("willows took"));
    let more = server.add("more.md", "# More\n\nThe willows took root.").await;
    assert_eq!(more["status"], "ready");
    let found = server.get("/api/search?q=willows").await;
    assert_eq!(found["hits"][0]["document_id"], more["id"]);
    assert!(found["note"].as_str().unwrap().contains("not embedded yet"), "{found}");
    assert_eq!(server.send(Method::GET, "/readyz", None).await.status(), StatusCode::OK);
}
