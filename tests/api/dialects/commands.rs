use serde_json::json;

use super::model::{Act, Model};
use super::{last_call, server};
use crate::support::{Server, answer, outline};

async fn ask(server: &Server, session: &str, content: &str) -> String {
    answer(&server.ask(session, json!({"content": content})).await)
}

#[tokio::test]
async fn a_command_is_answered_as_a_message_and_calls_no_model() {
    let model = Model::start(&[Act::Answer(&["They leave in October [1]."])]).await;
    let server = server(&model.config()).await;
    let session = server.session().await;
    let frames = server.ask(&session, json!({"content": "/help"})).await;
    assert_eq!(outline(&frames), ["started", "token", "done"]);
    let listed = server.get("/api/commands").await;
    for command in listed["items"].as_array().unwrap() {
        assert!(answer(&frames).contains(&format!("`/{}", command["name"].as_str().unwrap())));
    }
    assert!(ask(&server, &session, "/docs").await.contains("- Eels"));
    assert!(ask(&server, &session, "/sources").await.contains("No answer here"));
    assert!(ask(&server, &session, "/frobnicate").await.contains("Did you mean"));
    assert!(
        ask(&server, &session, "/export").await.contains(&format!("/sessions/{session}/export?format=pdf"))
    );
    assert!(model.calls().is_empty());

    let history = server.get(&format!("/api/chat/sessions/{session}")).await;
    assert_eq!(history["message_count"], 10);
    assert_eq!(history["messages"][1]["content"], answer(&frames));
    assert_eq!(history["title"], "");

    ask(&server, &session, "When do silver eels leave?").await;
    let sources = ask(&server, &session, "/sources").await;
    assert!(sources.contains("Silver eels leave the Halden estuary in October."), "{sources}");
    let history = server.get(&format!("/api/chat/sessions/{session}")).await;
    assert_eq!(history["title"], "When do silver eels leave?");
}

#[tokio::test]
async fn a_command_may_say_how_a_question_is_answered() {
    let server = server("").await;
    let session = server.session().await;
    let frames = server.ask(&session, json!({"content": "/deep When do silver eels leave?"})).await;
    assert_eq!(frames[0].data["mode"], "deep_research");
    assert!(answer(&frames).contains("October"));
    let history = server.get(&format!("/api/chat/sessions/{session}")).await;
    assert_eq!(history["title"], "When do silver eels leave?");
    assert_eq!(history["messages"][0]["content"], "/deep When do silver eels leave?");

    ask(&server, &session, "/deep").await;
    let frames = server.ask(&session, json!({"content": "/docs"})).await;
    assert_eq!(frames[0].data["mode"], "regular");
    let frames = server.ask(&session, json!({"content": "How many eels were counted?"})).await;
    assert_eq!(frames[0].data["mode"], "deep_research");
    let frames = server.ask(&session, json!({"content": "/regular How many eels were counted?"})).await;
    assert_eq!(frames[0].data["mode"], "regular");
    let summary = ask(&server, &session, "/summarize silver eels").await;
    assert!(summary.contains("October"), "{summary}");
}

#[tokio::test]
async fn a_question_that_begins_with_a_slash_reaches_the_model() {
    let model = Model::start(&[Act::Answer(&["A file."])]).await;
    let server = server(&model.config()).await;
    let session = server.session().await;
    for (content, heard) in [
        ("/etc/passwd is what in silver eels?", "Question: /etc/passwd is what in silver eels?"),
        ("//help is what in silver eels?", "Question: /help is what in silver eels?"),
    ] {
        assert_eq!(ask(&server, &session, content).await, "A file.");
        assert!(last_call(&model).1.ends_with(heard), "{}", last_call(&model).1);
    }
}

#[tokio::test]
async fn the_model_is_told_nothing_from_before_a_clear_and_can_be_chosen() {
    let model = Model::start(&[Act::Answer(&["In October."])]).await;
    let server = server(&model.config()).await;
    let session = server.session().await;
    ask(&server, &session, "When do silver eels leave?").await;
    ask(&server, &session, "/help").await;
    ask(&server, &session, "Where do silver eels leave from?").await;
    assert_eq!(last_call(&model).0, ["When do silver eels leave?", "In October."]);
    ask(&server, &session, "/clear").await;
    ask(&server, &session, "How many silver eels were counted?").await;
    assert_eq!(last_call(&model).0, [""; 0]);

    let num_calls = model.calls().len();
    assert!(ask(&server, &session, "/model none").await.contains("no model `none`"));
    assert!(ask(&server, &session, "/model extractive").await.contains("`extractive` answers"));
    ask(&server, &session, "How many silver eels were counted?").await;
    assert_eq!(model.calls().len(), num_calls);
}

#[tokio::test]
async fn a_conversation_that_is_not_kept_has_commands_too() {
    let server = server("").await;
    let say = async |content: &str| {
        let body = json!({"messages": [{"role": "user", "content": content}], "stream": false});
        server.post("/chat", body).await["content"].as_str().unwrap().to_owned()
    };
    assert!(say("/help").await.contains("`/deep"));
    assert!(say("/docs").await.contains("- Eels"));
    assert!(say("/model").await.contains("`extractive` answers"));
    for kept_only in ["/sources", "/deep", "/model extractive", "/export"] {
        assert!(say(kept_only).await.contains("not kept here"), "{kept_only}");
    }
}
