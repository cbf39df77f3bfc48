use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use super::model::{Act, Model};
use super::{content, data, leave_after, server};
use crate::support::{Server, client, eventually};

const OCTOBER: &[Act] = &[Act::Answer(&["They leave", " in", " October."])];

/// Starts as the document's example does, and gives the stream session and the chat.
async fn start(server: &Server, body: Value) -> (String, String) {
    let response = server.send(Method::POST, "/api/chat/start", Some(body)).await;
    assert_eq!(response.status(), StatusCode::CREATED);
    let started: Value = response.json().await.unwrap();
    let id = |name: &str| started[name].as_str().unwrap().to_owned();
    (id("sessionId"), id("chatId"))
}

/// Opens the stream as `curl --no-buffer` does.
async fn stream(server: &Server, session: &str) -> Response {
    server.send(Method::GET, &format!("/api/chat/stream?sessionId={session}"), None).await
}

/// Opens the stream as an `EventSource` does, the first time or after a break.
async fn event_source(server: &Server, session: &str, last_event_id: Option<u64>) -> Response {
    let url = format!("{}/api/chat/stream?sessionId={session}", server.url);
    let request = client().get(url).header("accept", "text/event-stream");
    let request = match last_event_id {
        Some(id) => request.header("last-event-id", id),
        None => request,
    };
    request.send().await.unwrap()
}

async fn said(server: &Server, chat: &str) -> Vec<(String, String)> {
    let history = server.get(&format!("/api/chat/history?chatId={chat}")).await;
    assert_eq!(history["chatId"], chat);
    let messages = history["messages"].as_array().unwrap().iter();
    let text = |message: &Value, name: &str| message[name].as_str().unwrap().to_owned();
    messages.map(|message| (text(message, "role"), text(message, "content"))).collect()
}

fn pair(role: &str, content: &str) -> (String, String) {
    (role.to_owned(), content.to_owned())
}

#[tokio::test]
async fn a_question_is_stored_at_the_start_and_answered_when_the_stream_is_opened() {
    let model = Model::start(OCTOBER).await;
    let server = server(&model.config()).await;
    let asked = json!({"modelId": "gpt-4-turbo", "prompt": "When do silver eels leave?"});
    let (session, chat) = start(&server, asked).await;
    assert_eq!(said(&server, &chat).await, [pair("user", "When do silver eels leave?")]);
    assert!(model.calls().is_empty());

    let response = stream(&server, &session).await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    assert_eq!(
        response.text().await.unwrap(),
        "data: {\"type\":\"typing\"}\n\n\
         data: {\"type\":\"typing\"}\n\n\
         data: {\"type\":\"token\",\"content\":\"They leave in October.\"}\n\n\
         data: {\"type\":\"done\"}\n\n"
    );
    let question = pair("user", "When do silver eels leave?");
    assert_eq!(said(&server, &chat).await, [question, pair("assistant", "They leave in October.")]);
}

#[tokio::test]
async fn a_chat_has_the_name_its_client_gives_it_and_threads_its_questions() {
    let model = Model::start(OCTOBER).await;
    let server = server(&model.config()).await;
    for number in 0..2 {
        let (session, chat) = start(
            &server,
            json!({
                "modelId": "main", "prompt": format!("When do silver eels leave weir {number}?"),
                "chatId": "conversation-123", "projectId": "p/1", "taskId": "t1"
            }),
        )
        .await;
        assert_eq!(chat, "conversation-123");
        stream(&server, &session).await.text().await.unwrap();
    }
    let roles: Vec<String> =
        said(&server, "conversation-123").await.into_iter().map(|(role, _)| role).collect();
    assert_eq!(roles, ["user", "assistant", "user", "assistant"]);
    let listed = server.get("/api/chat/sessions?project_id=p%2F1&task_id=t1").await;
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    // What the other routes do with an answer can be done with one of these.
    let history = server.get("/api/chat/history?chatId=conversation-123").await;
    let answer = &history["messages"][1];
    assert_eq!(answer["conversationId"], listed["items"][0]["id"]);
    let of = |value: &Value| value.as_str().unwrap().to_owned();
    let conversation = format!("/api/chat/sessions/{}", of(&answer["conversationId"]));
    let path = format!("{conversation}/messages/{}/reaction", of(&answer["id"]));
    server.json(Method::PUT, &path, Some(json!({"reaction": "like"}))).await;
    let history = server.get("/api/chat/history?chatId=conversation-123").await;
    assert_eq!(history["messages"][1]["reaction"]["reaction"], "like");
    let export = server.send(Method::GET, &format!("{conversation}/export?format=pdf"), None).await;
    assert_eq!(export.headers()["content-type"], "application/pdf");
    // The session itself is a name for it too, and without one the newest chats are told.
    let id = listed["items"][0]["id"].as_str().unwrap();
    assert_eq!(said(&server, id).await.len(), 4);
    assert_eq!(server.get("/chat/history").await["messages"].as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn an_event_source_that_comes_back_reads_on_where_it_was() {
    let config = "[[models]]\nname = \"typist\"\nprovider = \"scripted\"\ndelay_ms = 30\n";
    let server = server(config).await;
    let asked = json!({"modelId": "typist", "prompt": "When do silver eels leave?"});
    let (session, chat) = start(&server, asked).await;
    let first = event_source(&server, &session, None).await;
    let first = leave_after(first, |read| read.matches("token").count() > 1 && read.ends_with("\n\n")).await;
    let ids = |stream: &str| -> Vec<u64> {
        stream.lines().filter_map(|line| line.strip_prefix("id: ")?.parse().ok()).collect()
    };
    let seen = *ids(&first).last().unwrap();
    let rest = event_source(&server, &session, Some(seen)).await.text().await.unwrap();
    assert!(ids(&rest).iter().all(|id| *id > seen));
    let answer = content(&data(&first), "token") + &content(&data(&rest), "token");
    assert_eq!(said(&server, &chat).await[1], pair("assistant", &answer));
    // Whoever has it all is told not to come back.
    let last = *ids(&rest).last().unwrap();
    assert_eq!(event_source(&server, &session, Some(last)).await.status(), StatusCode::NO_CONTENT);
    // From the beginning it is the same answer again.
    let again = stream(&server, &session).await.text().await.unwrap();
    assert_eq!(content(&data(&again), "token"), answer);
    assert!(!again.contains("id:"));
}

#[tokio::test]
async fn a_stream_opened_twice_at_once_is_answered_once() {
    let model = Model::start(OCTOBER).await;
    let server = server(&model.config()).await;
    let (session, chat) = start(&server, json!({"modelId": "main", "prompt": "When do eels leave?"})).await;
    let open = async || stream(&server, &session).await.text().await.unwrap();
    let streams = futures::future::join_all((0..5).map(|_| open())).await;
    assert!(streams.iter().all(|stream| *stream == streams[0]));
    assert_eq!(model.calls().len(), 1);
    assert_eq!(said(&server, &chat).await.len(), 2);
}

#[tokio::test]
async fn a_stream_session_can_be_opened_ten_times_within_its_time() {
    let server = server("[ask]\nstream_session_s = 2\n").await;
    let (session, _) =
        start(&server, json!({"modelId": "extractive", "prompt": "When do eels leave?"})).await;
    for _ in 0..10 {
        assert_eq!(stream(&server, &session).await.status(), StatusCode::OK);
    }
    let refused: Value = stream(&server, &session).await.json().await.unwrap();
    assert_eq!((&refused["statusCode"], &refused["code"]), (&json!(429), &json!("too_often")));
    let gone = eventually("the stream session expires", async || {
        let response = stream(&server, &session).await;
        (response.status() == StatusCode::GONE).then_some(response)
    })
    .await;
    let gone: Value = gone.json().await.unwrap();
    assert_eq!((&gone["code"], &gone["error"]), (&json!("expired"), &json!("Gone")));
}

#[tokio::test]
async fn what_is_wrong_before_the_stream_is_typed() {
    let server = server("").await;
    let unknown = stream(&server, "cm2exxxxx").await;
    assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
    assert_eq!(unknown.json::<Value>().await.unwrap()["statusCode"], 404);
    for (status, body) in [
        (400, json!({"modelId": "extractive", "prompt": " "})),
        (400, json!({"modelId": "gpt-4-turbo", "prompt": "When do eels leave?"})),
        (400, json!({"modelId": "extractive", "prompt": "When do eels leave?", "chatId": ""})),
        (400, json!({"prompt": "When do eels leave?"})),
    ] {
        let response = server.send(Method::POST, "/chat/start", Some(body)).await;
        assert_eq!(response.status().as_u16(), status);
        let refused: Value = response.json().await.unwrap();
        assert_eq!(refused["statusCode"], status);
        assert!(!refused["message"].as_str().unwrap().is_empty());
    }
    let history = server.send(Method::GET, "/chat/history?chatId=none", None).await;
    assert_eq!(history.status(), StatusCode::NOT_FOUND);
    // None of these left a chat behind.
    assert_eq!(server.get("/api/chat/sessions").await["items"], json!([]));
}

#[tokio::test]
async fn a_started_question_outlives_a_crash_and_is_answered_after_it() {
    let mut server = server("").await;
    let (session, chat) =
        start(&server, json!({"modelId": "extractive", "prompt": "When do eels leave?"})).await;
    server.restart().await;
    let answer = content(&data(&stream(&server, &session).await.text().await.unwrap()), "token");
    assert!(answer.contains("October"), "{answer}");
    assert_eq!(said(&server, &chat).await[1], pair("assistant", &answer));
}

#[tokio::test]
async fn questions_that_are_started_together_are_all_in_the_history() {
    let model = Model::start(OCTOBER).await;
    let server = server(&model.config()).await;
    let mut sessions = Vec::new();
    for number in 0..3 {
        let prompt = format!("When do silver eels leave weir {number}?");
        let asked = json!({"modelId": "main", "prompt": prompt, "chatId": "c"});
        sessions.push(start(&server, asked).await.0);
    }
    for session in sessions.iter().rev() {
        stream(&server, session).await.text().await.unwrap();
    }
    let roles: Vec<String> = said(&server, "c").await.into_iter().map(|(role, _)| role).collect();
    assert_eq!(roles, ["user", "user", "user", "assistant", "assistant", "assistant"]);
}
