use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::support::{Server, answer, citations, eventually, frames};

const REPORT: &str =
    "# Tide gates\n\nThe Halden gate was raised in 1953.\n\n## Repairs\n\nIts hinge was replaced in 1988.\n";

#[tokio::test]
async fn an_upload_becomes_text_passages_and_an_original_that_comes_back_unchanged() {
    let server = Server::start().await;
    let document = server.add("gates.md", REPORT).await;
    assert_eq!(document["status"], "ready", "{document}");
    assert_eq!(document["title"], "Tide gates");
    assert_eq!(document["name"], "gates.md");
    assert_eq!(document["language"], "en");
    assert_eq!(document["bytes"], REPORT.len());
    let id = document["id"].as_str().unwrap();

    let text = server.text(id).await;
    let passage = server.get(&format!("/api/documents/{id}/passages/0")).await;
    let range = |name: &str| usize::try_from(passage[name].as_u64().unwrap()).unwrap();
    assert_eq!(passage["text"], text[range("start")..range("end")]);
    let missing = format!("/api/documents/{id}/passages/999");
    server.problem(StatusCode::NOT_FOUND, Method::GET, &missing, None).await;

    let original = server.send(Method::GET, &format!("/api/documents/{id}/content"), None).await;
    let disposition = original.headers()["content-disposition"].to_str().unwrap().to_owned();
    assert!(disposition.starts_with("attachment"), "{disposition}");
    assert_eq!(original.text().await.unwrap(), REPORT);
}

#[tokio::test]
async fn the_same_bytes_twice_are_one_document() {
    let server = Server::start().await;
    let first = server.add("gates.md", REPORT).await;
    let again = server.upload("copy-of-gates.md", REPORT, None).await;
    assert_eq!(again["id"], first["id"]);
    assert_eq!(again["duplicate"], true);
    let elsewhere = server.upload("gates.md", REPORT, Some("archive")).await;
    assert_ne!(elsewhere["id"], first["id"], "a collection has its own copy");
    let listed = server.get("/api/documents?collection=archive").await;
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn files_of_a_form_are_taken_in_their_order() {
    let server = Server::start().await;
    // The first ones take longest to get to the disk.
    let version =
        |number: usize| format!("# Gates {number}\n\n{}", "Raised. ".repeat((12 - number) * 20_000));
    let files = (0..12).map(|number| ("gates.md".to_owned(), version(number).into_bytes())).collect();
    let uploaded = server.upload_all(files, None).await;
    let documents = uploaded["documents"].as_array().unwrap();
    assert_eq!(documents.len(), 12, "{uploaded}");
    for (number, document) in documents.iter().enumerate() {
        assert_eq!(document["bytes"], version(number).len());
        let before = number.checked_sub(1).map(|before| documents[before]["id"].clone());
        assert_eq!(document.get("supersedes").cloned(), before, "{number}");
    }
}

#[tokio::test]
async fn what_came_before_the_part_that_breaks_a_form_is_kept() {
    let server = Server::start().await;
    let part = |name: &str| {
        format!("--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n{name}\r\n")
    };
    let broken = format!("{}{}--b\r\nno header", part("a.txt"), part("b.txt"));
    let request = crate::support::client().post(format!("{}/api/documents", server.url));
    let request = request.header("content-type", "multipart/form-data; boundary=b").body(broken);
    assert_eq!(request.send().await.unwrap().status(), StatusCode::BAD_REQUEST);
    let listed = server.get("/api/documents").await;
    let mut names: Vec<_> = listed["items"].as_array().unwrap().iter().map(|item| &item["name"]).collect();
    names.sort_by_key(ToString::to_string);
    assert_eq!(names, ["a.txt", "b.txt"]);
}

#[tokio::test]
async fn new_bytes_under_a_name_supersede_and_the_old_text_stays() {
    let server = Server::start().await;
    let old = server.add("gates.md", REPORT).await;
    let new = server.add("gates.md", REPORT.replace("1953", "1954")).await;
    assert_eq!(new["supersedes"], old["id"]);
    let old_path = format!("/api/documents/{}", old["id"].as_str().unwrap());
    assert_eq!(server.get(&old_path).await["superseded_by"], new["id"]);
    assert!(server.text(old["id"].as_str().unwrap()).await.contains("1953"));

    let hits = server.get("/api/search?q=when was the gate raised").await;
    let found: Vec<_> =
        hits["hits"].as_array().unwrap().iter().map(|hit| hit["document_id"].clone()).collect();
    assert!(!found.is_empty() && found.iter().all(|id| *id == new["id"]), "only the newest is searched");
    let listed = server.get("/api/documents").await;
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    let listed = server.get("/api/documents?superseded=true").await;
    assert_eq!(listed["items"].as_array().unwrap().len(), 2);

    // The first bytes come back: they are the newest again.
    let back = server.add("gates.md", REPORT).await;
    assert_eq!(back["id"], old["id"]);
    eventually("the first version is searched again", async || {
        let hits = server.get("/api/search?q=when was the gate raised").await;
        (hits["hits"][0]["document_id"] == old["id"]).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_deleted_document_is_gone_from_search_and_answers_at_once() {
    let server = Server::start().await;
    let document = server.add("gates.md", REPORT).await;
    let session = server.session().await;
    let question = json!({"content": "When was the Halden gate raised?"});
    assert!(!citations(&server.ask(&session, question.clone()).await).is_empty());

    let path = format!("/api/documents/{}", document["id"].as_str().unwrap());
    assert_eq!(server.send(Method::DELETE, &path, None).await.status(), StatusCode::NO_CONTENT);
    assert_eq!(server.get("/api/search?q=Halden gate").await["hits"], json!([]));
    let after = server.ask(&session, question).await;
    assert!(citations(&after).is_empty(), "{}", answer(&after));
    server.problem(StatusCode::NOT_FOUND, Method::GET, &path, None).await;
    let again = server.add("gates.md", REPORT).await;
    assert_ne!(again["id"], document["id"]);
}

#[tokio::test]
async fn a_file_that_can_not_be_read_fails_with_a_reason_and_spoils_nothing_else() {
    let server = Server::start().await;
    let files = vec![
        ("empty.txt".to_owned(), Vec::new()),
        ("broken.pdf".to_owned(), b"%PDF-1.7\nnothing that a PDF needs".to_vec()),
        ("good.md".to_owned(), REPORT.into()),
    ];
    let uploaded = server.upload_all(files, None).await;
    let mut states = Vec::new();
    for document in uploaded["documents"].as_array().unwrap() {
        let document = server.settled(document["id"].as_str().unwrap()).await;
        assert_eq!(document["status"] == "failed", document["error"].is_string(), "{document}");
        states.push(document["status"].clone());
    }
    assert_eq!(states, ["failed", "failed", "ready"]);
}

#[tokio::test]
async fn a_file_over_the_limit_is_refused_and_its_neighbours_are_not() {
    let server = Server::with_config("[ingest]\nmax_file_bytes = 1000\n").await;
    let files = vec![("big.txt".to_owned(), vec![b'a'; 5000]), ("small.md".to_owned(), REPORT.into())];
    let uploaded = server.upload_all(files, None).await;
    assert_eq!(uploaded["documents"][0]["name"], "small.md");
    assert_eq!(uploaded["rejected"][0]["name"], "big.txt");
    assert_eq!(uploaded["rejected"][0]["code"], "too_large");
    let alone = server.upload_all(vec![("big.txt".to_owned(), vec![b'a'; 5000])], None).await;
    assert_eq!(alone["code"], "too_large");
    eventually("a refused file leaves nothing behind", async || {
        let left = std::fs::read_dir(server.data.path().join("documents")).unwrap().count();
        (left == 1).then_some(())
    })
    .await;
}

#[tokio::test]
async fn progress_of_a_document_is_told_until_it_is_ready() {
    let server = Server::start().await;
    let document = server.upload("gates.md", REPORT, None).await;
    let path = format!("/api/documents/{}/events", document["id"].as_str().unwrap());
    let stream = server.send(Method::GET, &path, None).await.text().await.unwrap();
    let frames = frames(&stream);
    assert!(frames.iter().all(|frame| frame.event == "document"));
    assert_eq!(frames.last().unwrap().data["status"], "ready");
}

#[tokio::test]
async fn an_upload_that_is_no_form_is_refused_with_what_to_do() {
    let server = Server::start().await;
    let problem =
        server.problem(StatusCode::BAD_REQUEST, Method::POST, "/api/documents", Some(json!({}))).await;
    assert_eq!(problem["code"], "invalid_request");
    let nothing = server.upload_all(Vec::new(), Some("x")).await;
    assert!(nothing["detail"].as_str().unwrap().contains("filename"), "{nothing}");
}

#[tokio::test]
async fn a_document_can_be_given_a_title_that_outlives_its_being_read_again() {
    let mut server = Server::start().await;
    let document = server.add("gates.md", REPORT).await;
    let path = format!("/api/documents/{}", document["id"].as_str().unwrap());
    let changed = server.json(Method::PATCH, &path, Some(json!({"title": "  Halden\n papers "}))).await;
    assert_eq!((&changed["title"], &changed["status"]), (&json!("Halden papers"), &json!("ready")));
    let hits = server.get("/api/search?q=Halden papers").await;
    assert_eq!(hits["hits"][0]["title"], "Halden papers", "{hits}");
    // Without its text it is read from the original again, which has a title of its own.
    server.kill();
    let folder = server.data.path().join("documents").join(document["id"].as_str().unwrap());
    std::fs::remove_file(folder.join("layout.json")).unwrap();
    std::fs::remove_dir_all(server.data.path().join("index")).unwrap();
    server.start_again().await;
    eventually("it is read again", async || folder.join("layout.json").exists().then_some(())).await;
    let again = server.settled(document["id"].as_str().unwrap()).await;
    assert_eq!(again["title"], "Halden papers");
    server.problem(StatusCode::BAD_REQUEST, Method::PATCH, &path, Some(json!({"title": " "}))).await;
    server.problem(StatusCode::BAD_REQUEST, Method::PATCH, &path, Some(json!({"name": "x"}))).await;
}

#[tokio::test]
async fn a_moved_document_is_found_where_it_is_and_takes_its_versions_along() {
    let server = Server::start().await;
    let old = server.add("gates.md", REPORT).await;
    let new = server.add("gates.md", REPORT.replace("1953", "1954")).await;
    let path = |document: &serde_json::Value| format!("/api/documents/{}", document["id"].as_str().unwrap());
    let archive = json!({"collection": "archive"});
    server.problem(StatusCode::BAD_REQUEST, Method::PATCH, &path(&old), Some(archive.clone())).await;
    let moved = server.json(Method::PATCH, &path(&new), Some(archive.clone())).await;
    assert_eq!(moved["collection"], "archive");
    assert_eq!(server.get(&path(&old)).await["collection"], "archive");
    let collections = server.get("/api/collections").await;
    let items = collections["items"].as_array().unwrap();
    assert_eq!(items.len(), 1, "{collections}");
    assert_eq!((&items[0]["name"], &items[0]["documents"]), (&json!("archive"), &json!(1)));
    let hits = server.get("/api/search?q=gate raised&collection=archive").await;
    assert_eq!(hits["hits"][0]["document_id"], new["id"], "{hits}");

    // Its name and its bytes are free where it was, and taken where it is.
    let again = server.upload("gates.md", REPORT, None).await;
    assert_ne!(again["id"], old["id"]);
    server.settled(again["id"].as_str().unwrap()).await;
    let taken = server.problem(StatusCode::BAD_REQUEST, Method::PATCH, &path(&again), Some(archive)).await;
    assert!(taken["detail"].as_str().unwrap().contains("gates.md"), "{taken}");
    let known = server.upload("gates.md", REPORT.replace("1953", "1954"), Some("archive")).await;
    assert_eq!((&known["id"], &known["duplicate"]), (&new["id"], &json!(true)));

    let other = server.add("other.md", "# Other\n\nNothing of the kind.\n").await;
    server.json(Method::PATCH, &path(&other), Some(json!({"collection": "archive"}))).await;
    let back = server.json(Method::PATCH, &path(&other), Some(json!({"collection": ""}))).await;
    assert_eq!(back["collection"], json!(null));
}
