//! Originals read anew. What an older program made of one is played by a text that was altered on disk.

use std::path::PathBuf;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Server, answer, citations, eventually};

const REPORT: &str =
    "# Tide gates\n\nThe Halden gate was raised in 1953.\n\n## Repairs\n\nIts hinge was replaced in 1988.\n";

fn path(document: &Value) -> String {
    format!("/api/documents/{}", document["id"].as_str().unwrap())
}

fn folder(server: &Server, document: &Value) -> PathBuf {
    server.data.path().join("documents").join(document["id"].as_str().unwrap())
}

/// As if the hinge had been lost on the first reader.
fn read_worse(server: &Server, document: &Value) {
    let text = folder(server, document).join("text");
    let read = std::fs::read_to_string(&text).unwrap();
    std::fs::write(text, read.replace("hinge", "h nge")).unwrap();
}

async fn reread(server: &Server, document: &Value) -> Value {
    server.post(&format!("{}/reread", path(document)), json!({})).await
}

async fn found(server: &Server, question: &str) -> Vec<Value> {
    let hits = server.get(&format!("/api/search?q={question}")).await;
    hits["hits"].as_array().unwrap().iter().map(|hit| hit["document_id"].clone()).collect()
}

#[tokio::test]
async fn a_document_that_reads_the_same_stays_as_it_is() {
    let server = Server::start().await;
    let document = server.add("gates.md", REPORT).await;
    assert_eq!(reread(&server, &document).await, document);
    eventually("nothing is left of the second reading", async || {
        let folders = std::fs::read_dir(server.data.path().join("documents")).unwrap().count();
        (folders == 1).then_some(())
    })
    .await;
    assert_eq!(server.get("/api/documents?superseded=true").await["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_reads_otherwise_takes_the_place_of_a_text_that_stays_for_its_citations() {
    let mut server = Server::start().await;
    let old = server.add("gates.md", REPORT).await;
    let later = server.add("later.md", "# Later\n\nNothing of the kind.\n").await;
    read_worse(&server, &old);
    let session = server.session().await;
    let told = server.ask(&session, json!({"content": "When was the Halden gate raised?"})).await;
    let cited = citations(&told).remove(0);
    assert_eq!(cited["document_id"], old["id"]);

    let new = reread(&server, &old).await;
    assert_ne!(new["id"], old["id"]);
    assert_eq!((&new["status"], &new["supersedes"]), (&json!("ready"), &old["id"]), "{new}");
    for same in ["name", "version", "bytes", "created_at"] {
        assert_eq!(new[same], old[same], "{same}");
    }
    assert_eq!(server.get(&path(&old)).await["superseded_by"], new["id"]);
    assert!(found(&server, "when was its hinge replaced").await.iter().all(|id| *id == new["id"]));
    assert!(server.text(new["id"].as_str().unwrap()).await.contains("hinge"));
    let text = server.text(old["id"].as_str().unwrap()).await;
    assert!(text.contains("h nge"), "the old text stays");
    let range = |name: &str| usize::try_from(cited[name].as_u64().unwrap()).unwrap();
    assert_eq!(cited["quote"], text[range("start")..range("end")]);
    let listed = server.get("/api/documents").await;
    let ids: Vec<_> = listed["items"].as_array().unwrap().iter().map(|item| &item["id"]).collect();
    assert_eq!(ids, [&later["id"], &new["id"]], "it stands where it stood");

    // A question limited to the old one asks the new one.
    let asked = json!({"content": "When was the hinge replaced?", "document_ids": [old["id"]]});
    let told = server.ask(&session, asked).await;
    assert!(answer(&told).contains("1988"), "{}", answer(&told));
    assert_eq!(citations(&told)[0]["document_id"], new["id"]);

    // Its bytes are there, and it reads as it did, also after a start.
    server.restart().await;
    let again = server.upload("gates.md", REPORT, None).await;
    assert_eq!((&again["id"], &again["duplicate"]), (&new["id"], &json!(true)));
    assert_eq!(reread(&server, &new).await["id"], new["id"]);
    let problem =
        server.problem(StatusCode::BAD_REQUEST, Method::POST, &format!("{}/reread", path(&old)), None).await;
    assert!(problem["detail"].as_str().unwrap().contains(new["id"].as_str().unwrap()), "{problem}");
}

#[tokio::test]
async fn two_readings_of_the_same_bytes_move_and_go_one_by_one() {
    let server = Server::start().await;
    let old = server.add("gates.md", REPORT).await;
    read_worse(&server, &old);
    let new = reread(&server, &old).await;
    let archive = Some(json!({"collection": "archive"}));
    let moved = server.json(Method::PATCH, &path(&new), archive).await;
    assert_eq!((&moved["collection"], &moved["id"]), (&json!("archive"), &new["id"]));
    assert_eq!(server.get(&path(&old)).await["collection"], "archive");
    let known = server.upload("gates.md", REPORT, Some("archive")).await;
    assert_eq!((&known["id"], &known["duplicate"]), (&new["id"], &json!(true)));

    let gone = server.send(Method::DELETE, &path(&old), None).await;
    assert_eq!(gone.status(), StatusCode::NO_CONTENT);
    let known = server.upload("gates.md", REPORT, Some("archive")).await;
    assert_eq!((&known["id"], &known["duplicate"]), (&new["id"], &json!(true)));
    let original = server.send(Method::GET, &format!("{}/content", path(&new)), None).await;
    assert_eq!(original.text().await.unwrap(), REPORT);
    server.send(Method::DELETE, &path(&new), None).await;
    let first = server.upload("gates.md", REPORT, Some("archive")).await;
    assert!(first["id"] != new["id"] && first["duplicate"] != json!(true), "{first}");
}

#[tokio::test]
async fn one_that_failed_gets_another_try_and_one_that_fails_now_stays_as_it_was() {
    let mut server = Server::with_config("[ingest]\nmax_text_bytes = 10000\n").await;
    let long = format!("# Gates\n\n{}", "The Halden gate was raised. ".repeat(1000));
    let failed = server.add("long.md", long).await;
    let good = server.add("gates.md", REPORT).await;
    assert_eq!((&failed["status"], &good["status"]), (&json!("failed"), &json!("ready")), "{failed}");
    assert_eq!(reread(&server, &failed).await["error"], failed["error"]);

    server.kill();
    server.configure("").await;
    let read = reread(&server, &failed).await;
    assert_eq!((&read["id"], &read["status"]), (&failed["id"], &json!("ready")), "{read}");
    assert!(found(&server, "Halden gate").await.contains(&failed["id"]));

    server.kill();
    server.configure("[ingest]\nmax_text_bytes = 10000\n").await;
    let target = format!("{}/reread", path(&read));
    let problem = server.problem(StatusCode::BAD_REQUEST, Method::POST, &target, None).await;
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("`long.md` stays as it was") && detail.contains("split it"), "{problem}");
    assert_eq!(server.get(&path(&read)).await, read);
    assert!(found(&server, "Halden gate").await.contains(&failed["id"]));
}

#[tokio::test]
async fn an_old_version_that_comes_back_brings_the_text_its_citations_point_into() {
    let server = Server::start().await;
    let old = server.add("gates.md", REPORT).await;
    read_worse(&server, &old);
    server.add("gates.md", REPORT.replace("1953", "1954")).await;
    let back = server.add("gates.md", REPORT).await;
    assert_eq!(back["id"], old["id"]);
    assert!(server.text(old["id"].as_str().unwrap()).await.contains("h nge"), "it was not read anew");
    assert_eq!(found(&server, "when was the gate raised").await[0], old["id"]);
}
