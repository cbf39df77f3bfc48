//! Answers made again and questions changed and sent again: what was there stays beside it.

use ibid::space::Space;
use ibid::store::{Batch, Order, Store, keys};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::sync::Arc;

use crate::support::{Server, answer, client, eventually, frames};

const EELS: &str = "In 2019 the weir count found 412 eels. In 2021 the weir count found 365 eels.\n\n\
                    The heron nests in the willow by the jetty since 2019.\n";

/// The messages of a session and, of those, the words on the branch that is shown.
async fn history(server: &Server, session: &str) -> (Vec<Value>, Vec<Value>) {
    let history = server.get(&format!("/api/chat/sessions/{session}")).await;
    let messages = history["messages"].as_array().unwrap().clone();
    assert_eq!(history["message_count"], messages.len());
    let active: Vec<Value> = messages.iter().filter(|message| message["active"] == true).cloned().collect();
    assert_eq!(active.last().map(|last| last["id"].clone()), history.get("active").cloned());
    (messages, active.into_iter().map(|message| message["id"].clone()).collect())
}

/// Asks and gives the ids of the question and the answer.
async fn ask(server: &Server, session: &str, body: Value) -> (Value, Value) {
    let frames = server.ask(session, body).await;
    assert_eq!(frames.last().unwrap().event, "done");
    (frames[0].data["user_message_id"].clone(), frames[0].data["message_id"].clone())
}

/// Makes an answer again and gives its frames.
async fn regenerate(
    server: &Server,
    session: &str,
    answer: &Value,
    body: Option<Value>,
) -> Vec<crate::support::Frame> {
    let path = format!("/api/chat/sessions/{session}/messages/{}/regenerate", answer.as_str().unwrap());
    let response = server.send(Method::POST, &path, body).await;
    assert_eq!(response.status(), StatusCode::OK);
    frames(&response.text().await.unwrap())
}

async fn query(server: &Server, session: &str, body: Value) -> String {
    let frames = server.ask(session, body).await;
    let step = frames.iter().find(|frame| frame.event == "step").unwrap();
    step.data["query"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_answer_made_again_stands_beside_the_first() {
    let server = Server::start().await;
    server.add("eels.md", EELS).await;
    let session = server.session().await;
    let (question, first) = ask(&server, &session, json!({"content": "How many eels in 2019?"})).await;
    let made = regenerate(&server, &session, &first, None).await;
    assert_eq!(made[0].data["user_message_id"], question);
    let second = made[0].data["message_id"].clone();
    assert_ne!(second, first);
    assert!(answer(&made).contains("412"));

    let (messages, active) = history(&server, &session).await;
    assert_eq!(messages.len(), 3);
    assert_eq!(active, [question.clone(), second.clone()]);
    for (at, id) in [(1, &first), (2, &second)] {
        assert_eq!(messages[at]["id"], *id);
        assert_eq!(messages[at]["parent_id"], question);
        assert_eq!(messages[at]["siblings"], json!([first, second]));
        assert!(messages[at]["content"].as_str().unwrap().contains("412"));
    }
    assert!(messages[0].get("siblings").is_none());

    // As it was or as it is wanted now, once as one message.
    let body = json!({"mode": "deep_research", "stream": false});
    let path = format!("/api/chat/sessions/{session}/messages/{}/regenerate", first.as_str().unwrap());
    let third = server.post(&path, body).await;
    assert_eq!((&third["mode"], &third["parent_id"]), (&json!("deep_research"), &question));
    let (messages, active) = history(&server, &session).await;
    assert_eq!(active, [question, third["id"].clone()]);
    assert_eq!(messages[1]["siblings"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_follow_up_knows_its_own_branch_only() {
    let server = Server::start().await;
    server.add("eels.md", EELS).await;
    let session = server.session().await;
    let (_, eels) =
        ask(&server, &session, json!({"content": "How many eels did the weir count find in 2019?"})).await;
    let (messages, _) = history(&server, &session).await;
    assert_eq!(messages[0]["parent_id"], session.as_str(), "the first question follows the session");

    // The question changed and sent again follows what the first one followed.
    let changed =
        json!({"content": "Where did the heron nest in 2019?", "parent_id": messages[0]["parent_id"]});
    let (heron_question, heron) = ask(&server, &session, changed).await;
    let (messages, active) = history(&server, &session).await;
    assert_eq!(active, [heron_question.clone(), heron]);
    assert_eq!(messages[2]["siblings"], json!([messages[0]["id"], heron_question]));
    let on_heron = query(&server, &session, json!({"content": "And in 2021?"})).await;
    assert!(on_heron.contains("heron") && !on_heron.contains("eels"), "{on_heron}");

    let on_eels = query(&server, &session, json!({"content": "And in 2021?", "parent_id": eels})).await;
    assert!(on_eels.contains("eels") && !on_eels.contains("heron"), "{on_eels}");
    let (messages, active) = history(&server, &session).await;
    assert_eq!((messages.len(), active.len()), (8, 4));
    assert_eq!(active[1], eels);
}

#[tokio::test]
async fn the_branch_that_is_shown_can_be_chosen_and_is_gone_on_with() {
    let server = Server::start().await;
    server.add("eels.md", EELS).await;
    let session = server.session().await;
    let (first, _) = ask(&server, &session, json!({"content": "How many eels in 2019?"})).await;
    let (_, end) = ask(&server, &session, json!({"content": "And in 2021?"})).await;
    let changed = json!({"content": "Where does the heron nest?", "parent_id": session});
    let (_, heron) = ask(&server, &session, changed).await;
    let path = format!("/api/chat/sessions/{session}");
    let before = server.get(&path).await;
    assert_eq!(before["active"], heron);

    // Any message of a branch names it, to its end.
    let chosen = server.json(Method::PATCH, &path, Some(json!({"active": first}))).await;
    assert_eq!(chosen["active"], end);
    assert_eq!(chosen["updated_at"], before["updated_at"], "a look at another branch is no change");
    let (_, active) = history(&server, &session).await;
    assert_eq!(active.len(), 4);
    let (question, _) =
        ask(&server, &session, json!({"content": "Which was the lower count of eels?"})).await;
    let (messages, active) = history(&server, &session).await;
    assert_eq!(active.len(), 6);
    let asked = messages.iter().find(|message| message["id"] == question).unwrap();
    assert_eq!(asked["parent_id"], end);
    let renamed = server.json(Method::PATCH, &path, Some(json!({"title": "Eels", "active": heron}))).await;
    assert_eq!((&renamed["title"], &renamed["active"]), (&json!("Eels"), &heron));
}

#[tokio::test]
async fn what_can_not_be_made_again_or_followed_is_told() {
    let config = "[[models]]\nname = \"slow\"\nprovider = \"scripted\"\ndelay_ms = 200\n";
    let server = Server::with_config(config).await;
    server.add("eels.md", EELS).await;
    let session = server.session().await;
    let messages = format!("/api/chat/sessions/{session}/messages");
    let mut running =
        server.send(Method::POST, &messages, Some(json!({"content": "Tell me of eels."}))).await;
    let mut stream = String::new();
    while !stream.contains("event: started") {
        stream.push_str(std::str::from_utf8(&running.chunk().await.unwrap().unwrap()).unwrap());
    }
    let (_, active) = history(&server, &session).await;
    let (question, id) = (active[0].as_str().unwrap(), active[1].as_str().unwrap());
    let again = |id: &str| format!("{messages}/{id}/regenerate");
    let problem = server.problem(StatusCode::CONFLICT, Method::POST, &again(id), None).await;
    assert_eq!(problem["code"], "answer_running");
    server.post(&format!("{messages}/{id}/cancel"), json!({})).await;

    let nobody = "018f0000-0000-7000-8000-000000000000";
    server.problem(StatusCode::BAD_REQUEST, Method::POST, &again(question), None).await;
    server.problem(StatusCode::NOT_FOUND, Method::POST, &again(nobody), None).await;
    let other = server.session().await;
    let elsewhere = format!("/api/chat/sessions/{other}/messages/{id}/regenerate");
    server.problem(StatusCode::NOT_FOUND, Method::POST, &elsewhere, None).await;
    for (body, status) in [
        (json!({"model": "nobody"}), StatusCode::BAD_REQUEST),
        (json!({"approve_plan": true}), StatusCode::BAD_REQUEST),
        (json!({"content": "x"}), StatusCode::BAD_REQUEST),
    ] {
        server.problem(status, Method::POST, &again(id), Some(body)).await;
    }
    for (parent, status) in [
        (question, StatusCode::BAD_REQUEST),
        (nobody, StatusCode::NOT_FOUND),
        (&*other, StatusCode::NOT_FOUND),
    ] {
        let body = json!({"content": "x", "parent_id": parent});
        server.problem(status, Method::POST, &messages, Some(body)).await;
    }
    let path = format!("/api/chat/sessions/{session}");
    for (body, status) in [
        (json!({}), StatusCode::BAD_REQUEST),
        (json!({"active": nobody}), StatusCode::NOT_FOUND),
        (json!({"leaf": id}), StatusCode::BAD_REQUEST),
    ] {
        server.problem(status, Method::PATCH, &path, Some(body)).await;
    }
    assert_eq!(history(&server, &session).await.0.len(), 2, "nothing was stored on the way");
}

#[tokio::test]
async fn an_answer_is_made_again_once_for_a_key() {
    let server = Server::start().await;
    server.add("eels.md", EELS).await;
    let session = server.session().await;
    let (_, first) = ask(&server, &session, json!({"content": "How many eels in 2019?"})).await;
    let path = format!("/api/chat/sessions/{session}/messages/{}/regenerate", first.as_str().unwrap());
    let again = async |body: Value| {
        let request =
            client().post(format!("{}{path}", server.url)).header("idempotency-key", "k1").json(&body);
        let response = request.send().await.unwrap();
        (response.status(), response.text().await.unwrap())
    };
    let made = futures::future::join_all((0..8).map(|_| again(json!({})))).await;
    let one = frames(&made[0].1);
    assert!(made.iter().all(|(status, text)| *status == StatusCode::OK && frames(text) == one));
    assert_eq!(history(&server, &session).await.0.len(), 3);
    assert_eq!(again(json!({"stream": false})).await.0, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_session_from_before_there_were_branches_is_a_straight_line() {
    let mut server = Server::start().await;
    server.add("eels.md", EELS).await;
    let session = server.session().await;
    let (first, _) =
        ask(&server, &session, json!({"content": "How many eels did the weir count find in 2019?"})).await;
    let (second, answered) = ask(&server, &session, json!({"content": "And in 2021?"})).await;
    server.kill();
    forget_links(server.data.path(), &session).await;
    server.start_again().await;

    let shown = server.get(&format!("/api/chat/sessions/{session}")).await;
    assert!(shown.get("active").is_none(), "the links are gone: {shown}");
    let messages = shown["messages"].as_array().unwrap();
    assert!(messages.iter().all(|message| message["active"] == true && message.get("siblings").is_none()));
    assert_eq!(messages[0]["parent_id"], session.as_str());
    assert_eq!(messages[2]["parent_id"], messages[1]["id"]);

    let made = regenerate(&server, &session, &answered, None).await;
    let step = made.iter().find(|frame| frame.event == "step").unwrap();
    assert!(step.data["query"].as_str().unwrap().contains("eels"), "the line is still known: {step:?}");
    let changed = json!({"content": "And the heron?", "parent_id": messages[2]["parent_id"]});
    let (changed, _) = ask(&server, &session, changed).await;
    let (messages, active) = history(&server, &session).await;
    assert_eq!(active[0], first);
    assert_eq!(active[2], changed);
    let last = messages.iter().find(|message| message["id"] == changed).unwrap();
    assert_eq!(last["siblings"], json!([second, changed]));
}

/// Makes a session as it was stored before questions said what they follow.
async fn forget_links(data: &std::path::Path, session: &str) {
    let session: uuid::Uuid = session.parse().unwrap();
    let store = eventually("the store is free", async || {
        Store::open(&data.join("store"), Arc::new(Space::open(data, 0))).await.ok()
    })
    .await;
    let stored = store.get::<Value>(&keys::session(session)).await.unwrap().unwrap();
    let mut value = stored.value;
    value.as_object_mut().unwrap().remove("active").unwrap();
    let mut batch = Batch::new().put(keys::session(session), &value);
    for (key, record) in
        store.scan::<Value>(&keys::messages(session), None, 100, Order::Ascending).await.unwrap()
    {
        let mut message = record.value;
        if message["role"] == "user" {
            message.as_object_mut().unwrap().remove("parent_id").unwrap();
        }
        batch = batch.put(key, &message);
    }
    assert!(store.commit(batch).await.unwrap().is_done());
}
