use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Server, eventually};

const EELS: &str = "# Eels\n\nSilver eels leave the Halden estuary in October. They swim at night.\n";
const GATES: &str = "# Gates\n\nThe Mirk sluice has two oak gates. They were hung in 1911.\n";

async fn hits(server: &Server, query: &str) -> Vec<Value> {
    server.get(&format!("/api/history?q={query}")).await["hits"].as_array().unwrap().clone()
}

/// What is found once anything is: an answer is findable a moment after its end.
async fn found(server: &Server, query: &str, at_least: usize) -> Vec<Value> {
    eventually("the history has it", async || {
        let hits = hits(server, query).await;
        (hits.len() >= at_least).then_some(hits)
    })
    .await
}

async fn cited(server: &Server, document: &str, query: &str) -> Value {
    server.get(&format!("/api/documents/{document}/citations{query}")).await
}

#[tokio::test]
async fn questions_answers_and_quotes_are_found_after_a_restart_and_without_the_folder() {
    let mut server = Server::start().await;
    server.add("eels.md", EELS).await;
    server.add("gates.md", GATES).await;
    let session = server.session().await;
    server.ask(&session, json!({"content": "When do silver eels leave the estuary?"})).await;
    let other = server.session().await;
    server.ask(&other, json!({"content": "When were the oak gates hung?"})).await;

    let by_words = async |server: &Server| {
        let hits = found(server, "estuary", 2).await;
        let kinds: Vec<_> = hits.iter().map(|hit| hit["kind"].as_str().unwrap()).collect();
        assert!(kinds.contains(&"question") && kinds.iter().any(|kind| *kind != "question"), "{kinds:?}");
        for hit in &hits {
            assert_eq!(hit["session_id"], json!(session), "the other session is about gates: {hit}");
            let [start, end] = [0, 1].map(|at| hit["highlights"][0][at].as_u64().unwrap() as usize);
            assert_eq!(hit["text"].as_str().unwrap()[start..end].to_lowercase(), "estuary");
        }
        let answer = hits.iter().find(|hit| hit["kind"] != "question").unwrap();
        assert_eq!(answer["question"], "When do silver eels leave the estuary?");
    };
    by_words(&server).await;
    assert_eq!(found(&server, "hung oak", 1).await[0]["session_id"], json!(other));

    server.restart().await;
    by_words(&server).await;

    server.kill();
    std::fs::remove_dir_all(server.data.path().join("history")).unwrap();
    server.start_again().await;
    by_words(&server).await;
}

#[tokio::test]
async fn what_was_deleted_is_found_no_more() {
    let server = Server::start().await;
    let eels = server.add("eels.md", EELS).await["id"].as_str().unwrap().to_owned();
    let session = server.session().await;
    server.ask(&session, json!({"content": "When do silver eels leave the estuary?"})).await;
    found(&server, "estuary", 1).await;
    assert!(!cited(&server, &eels, "").await["items"].as_array().unwrap().is_empty());

    server.json(Method::DELETE, &format!("/api/chat/sessions/{session}"), None).await;
    assert!(hits(&server, "estuary").await.is_empty(), "at once: the store has the last word");
    assert!(cited(&server, &eels, "").await["items"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn the_citations_of_a_document_come_latest_first_and_page_by_page() {
    let mut server = Server::with_library().await;
    let session = server.session().await;
    for question in ["How high did the water rise at Halewick?", "What did the restoration cost?"] {
        server.ask(&session, json!({"content": question})).await;
    }
    let history = server.get(&format!("/api/chat/sessions/{session}")).await;
    let answers: Vec<&Value> = history["messages"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|message| message["role"] == "assistant")
        .collect();
    let report =
        answers[0]["citations"].as_array().unwrap().iter().find(|citation| citation["page"].is_u64());
    let document = report.unwrap()["document_id"].as_str().unwrap().to_owned();
    // The latest answer first, and each from its beginning.
    let expected: Vec<(Value, Value)> = answers
        .iter()
        .rev()
        .flat_map(|answer| {
            let citations = answer["citations"].as_array().cloned().unwrap_or_default();
            let of_this = citations.into_iter().filter(|citation| citation["document_id"] == document);
            of_this.map(|citation| (answer["id"].clone(), citation["quote"].clone())).collect::<Vec<_>>()
        })
        .collect();
    assert!(expected.len() > 1, "the test needs more than one: {expected:?}");

    let listed = async |server: &Server| {
        let mut items = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = cited(server, &document, &format!("?limit=1{cursor}")).await;
            items.extend(page["items"].as_array().unwrap().clone());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return items,
            }
        }
    };
    let items = listed(&server).await;
    let names: Vec<_> =
        items.iter().map(|item| (item["message_id"].clone(), item["quote"].clone())).collect();
    assert_eq!(names, expected);
    assert!(items.iter().all(|item| item["session_title"] == history["title"]), "{items:?}");

    let page = items[0]["page"].as_u64().unwrap();
    let on_page = cited(&server, &document, &format!("?page={page}")).await;
    let on_page = on_page["items"].as_array().unwrap();
    assert_eq!(on_page.len(), items.iter().filter(|item| item["page"] == page).count());
    assert!(cited(&server, &document, "?page=999").await["items"].as_array().unwrap().is_empty());

    server.restart().await;
    assert_eq!(listed(&server).await, items);
    server.json(Method::DELETE, &format!("/api/documents/{document}"), None).await;
    let path = format!("/api/documents/{document}/citations");
    server.problem(StatusCode::NOT_FOUND, Method::GET, &path, None).await;
}
