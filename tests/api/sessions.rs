use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::support::{Server, client};

#[tokio::test]
async fn a_session_is_created_listed_renamed_and_deleted() {
    let server = Server::start().await;
    let first = server.post("/api/chat/sessions", json!({"title": "Tide gates", "project_id": "p1"})).await;
    assert_eq!(first["title"], "Tide gates");
    assert_eq!(first["mode"], "regular");
    assert_eq!(first["message_count"], 0);
    let second = server.session().await;

    let listed = server.get("/api/chat/sessions").await;
    let ids: Vec<_> = listed["items"].as_array().unwrap().iter().map(|item| item["id"].clone()).collect();
    assert_eq!(ids, [json!(second), first["id"].clone()], "the latest comes first");

    let path = format!("/api/chat/sessions/{}", first["id"].as_str().unwrap());
    let renamed = server.json(Method::PATCH, &path, Some(json!({"title": "  New\n title "}))).await;
    assert_eq!(renamed["title"], "New title");
    let filed = server.json(Method::PATCH, &path, Some(json!({"project_id": " p2 "}))).await;
    assert_eq!((&filed["project_id"], &filed["title"]), (&json!("p2"), &json!("New title")));
    let taken_out = server.json(Method::PATCH, &path, Some(json!({"project_id": ""}))).await;
    assert_eq!(taken_out["project_id"], json!(null));
    let listed = server.get("/api/chat/sessions?limit=1").await;
    assert_eq!(listed["items"][0]["id"], first["id"], "a change brings it to the front");
    let cursor = listed["next_cursor"].as_str().unwrap();
    let rest = server.get(&format!("/api/chat/sessions?cursor={cursor}")).await;
    assert_eq!(rest["items"].as_array().unwrap().len(), 1);
    assert_eq!(rest["items"][0]["id"], json!(second));

    assert_eq!(server.send(Method::DELETE, &path, None).await.status(), StatusCode::NO_CONTENT);
    let problem = server.problem(StatusCode::NOT_FOUND, Method::GET, &path, None).await;
    assert_eq!(problem["code"], "not_found");
    assert_eq!(server.get("/api/chat/sessions").await["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_session_for_a_model_or_document_that_is_not_there_is_refused() {
    let server = Server::start().await;
    let with_model = Some(json!({"model": "nobody"}));
    let path = "/api/chat/sessions";
    let problem = server.problem(StatusCode::BAD_REQUEST, Method::POST, path, with_model).await;
    assert!(problem["detail"].as_str().unwrap().contains("extractive"), "it names what there is: {problem}");
    let with_document = Some(json!({"document_ids": ["018f0000-0000-7000-8000-000000000000"]}));
    server.problem(StatusCode::NOT_FOUND, Method::POST, path, with_document).await;
    let unknown_field = Some(json!({"tittle": "x"}));
    server.problem(StatusCode::BAD_REQUEST, Method::POST, path, unknown_field).await;
}

#[tokio::test]
async fn what_is_not_there_is_a_problem_in_json() {
    let server = Server::start().await;
    server.problem(StatusCode::NOT_FOUND, Method::GET, "/nowhere", None).await;
    server.problem(StatusCode::METHOD_NOT_ALLOWED, Method::DELETE, "/api/search", None).await;
    server.problem(StatusCode::NOT_FOUND, Method::GET, "/api/chat/sessions/not-a-uuid", None).await;
    server.problem(StatusCode::BAD_REQUEST, Method::GET, "/api/chat/sessions?cursor=zz", None).await;
}

#[tokio::test]
async fn a_page_from_elsewhere_can_not_drive_the_server() {
    let server = Server::start().await;
    let client = client();
    let url = format!("{}/api/chat/sessions", server.url);
    for (name, value) in [("origin", "https://evil.example"), ("host", "evil.example"), ("origin", "null")] {
        let request = client.post(&url).header(name, value).json(&json!({}));
        assert_eq!(request.send().await.unwrap().status(), StatusCode::FORBIDDEN, "{name}: {value}");
    }
}

#[tokio::test]
async fn a_session_asked_for_again_under_its_key_is_the_same() {
    let server = Server::start().await;
    let url = format!("{}/api/chat/sessions", server.url);
    let create = async |title: &str| {
        let body = json!({"title": title});
        let request = client().post(&url).header("idempotency-key", "k1").json(&body);
        request.send().await.unwrap()
    };
    let first: serde_json::Value = create("Gates").await.json().await.unwrap();
    let again: serde_json::Value = create("Gates").await.json().await.unwrap();
    assert_eq!(first, again);
    assert_eq!(create("Eels").await.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(server.get("/api/chat/sessions").await["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn sessions_of_a_project_and_a_task_are_listed_alone() {
    let server = Server::start().await;
    for (project, task) in [("p", "t"), ("p", "u"), ("q", "t"), ("p/t", "")] {
        let body = json!({"title": format!("{project} {task}"), "project_id": project, "task_id": task});
        server.post("/api/chat/sessions", body).await;
    }
    server.post("/api/chat/sessions", json!({"title": "none"})).await;
    let titles = async |query: &str| {
        let listed = server.get(&format!("/api/chat/sessions{query}")).await;
        let items = listed["items"].as_array().unwrap().clone();
        items.iter().map(|item| item["title"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(titles("?project_id=p").await, ["p u", "p t"]);
    assert_eq!(titles("?task_id=t").await, ["q t", "p t"]);
    assert_eq!(titles("?project_id=p&task_id=t").await, ["p t"]);
    assert_eq!(titles("?project_id=p/t").await, ["p/t"]);
    assert_eq!(titles("?project_id=none").await, [""; 0]);
    assert_eq!(titles("").await.len(), 5);

    // A page goes on within its list, and a change moves a session in all of its lists.
    let first = server.get("/api/chat/sessions?project_id=p&limit=1").await;
    let next = format!("?project_id=p&cursor={}", first["next_cursor"].as_str().unwrap());
    assert_eq!(titles(&next).await, ["p t"]);
    let elsewhere = format!("/api/chat/sessions?cursor={}", first["next_cursor"].as_str().unwrap());
    server.problem(StatusCode::BAD_REQUEST, Method::GET, &elsewhere, None).await;
    let all = server.get("/api/chat/sessions?task_id=t").await;
    let oldest = format!("/api/chat/sessions/{}", all["items"][1]["id"].as_str().unwrap());
    server.json(Method::PATCH, &oldest, Some(json!({"title": "renamed"}))).await;
    assert_eq!(titles("?project_id=p").await, ["renamed", "p u"]);
    assert_eq!(titles("?task_id=t").await, ["renamed", "q t"]);
    server.json(Method::DELETE, &oldest, None).await;
    assert_eq!(titles("?project_id=p").await, ["p u"]);
}
