use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Server, answer, citations, client, eventually, frames, outline};

const EELS: &str = "# Eels\n\nSilver eels leave the Halden estuary in October. They swim at night.\n\n\
                    The count of 2019 found 412 eels at the weir.\n";

/// A server with a model that types slowly enough to be interrupted.
async fn slow_server() -> Server {
    let config = "[[models]]\nname = \"slow\"\nprovider = \"scripted\"\ndelay_ms = 60\n";
    Server::with_config(config).await
}

#[tokio::test]
async fn an_answer_streams_from_started_to_done_and_every_quote_is_where_it_says() {
    let server = Server::start().await;
    server.add("eels.md", EELS).await;
    let session = server.session().await;
    let frames = server.ask(&session, json!({"content": "When do silver eels leave the estuary?"})).await;

    let outline = outline(&frames);
    assert_eq!(outline[..4], ["started", "step", "sources", "token"]);
    assert_eq!(outline.last(), Some(&"done"));
    assert_eq!(
        frames.iter().map(|frame| frame.id).collect::<Vec<_>>(),
        (1..=frames.len() as u64).collect::<Vec<_>>()
    );
    assert!(frames.iter().all(|frame| frame.data["type"] == frame.event));

    let content = answer(&frames);
    assert!(content.contains("October"), "{content}");
    let citations = citations(&frames);
    assert!(!citations.is_empty());
    for citation in &citations {
        let text = server.text(citation["document_id"].as_str().unwrap()).await;
        let at = |name: &str| usize::try_from(citation[name].as_u64().unwrap()).unwrap();
        assert_eq!(text[at("start")..at("end")], *citation["quote"].as_str().unwrap());
        assert_eq!(citation["verdict"], "supported", "{citation}");
        assert!(at("answer_end") <= content.len());
    }
    let done = &frames.last().unwrap().data;
    assert_eq!(done["finish_reason"], "stop");
    assert_eq!(done["citations"], citations.len());
    assert_eq!(done["grounding"]["unsupported"], json!([]));
}

#[tokio::test]
async fn a_row_is_cited_with_what_stands_above_its_columns() {
    let server = Server::start().await;
    let rivers =
        (0..3000).map(|number| format!("Ladder {number} | {} | {}\n", 10_000 + number, 20_000 + number));
    let sheet = format!("Eels that passed | 2023 | 2022\n{}", rivers.collect::<String>());
    server.add("ladders.csv", sheet.replace(" | ", ",").into_bytes()).await;
    let session = server.session().await;
    let frames = server.ask(&session, json!({"content": "How many eels passed ladder 2170 in 2023?"})).await;
    let columns = "Eels that passed | 2023 | 2022";
    let sources = &frames.iter().find(|frame| frame.event == "sources").unwrap().data["sources"];
    assert_eq!(sources[0]["columns"], columns);
    let cited = &citations(&frames)[0];
    assert_eq!(cited["quote"], "Ladder 2170 | 12170 | 22170");
    assert_eq!(cited["columns"], columns);
    assert_eq!(cited["verdict"], "supported");

    let found = server.get("/api/search?q=ladder%202170&limit=1").await;
    assert_eq!(found["hits"][0]["columns"], columns);
    let first = server.get("/api/search?q=ladder%200%20passed&limit=1").await;
    assert!(first["hits"][0]["text"].as_str().unwrap().starts_with(columns));
    assert!(first["hits"][0].get("columns").is_none(), "it has them itself");

    // A row whose passage has the heads is cited with them too.
    let frames = server.ask(&session, json!({"content": "How many eels passed ladder 3 in 2023?"})).await;
    let cited = &citations(&frames)[0];
    assert_eq!((&cited["quote"], &cited["columns"]), (&json!("Ladder 3 | 10003 | 20003"), &json!(columns)));
}

#[tokio::test]
async fn history_shows_what_was_streamed() {
    let server = Server::start().await;
    server.add("eels.md", EELS).await;
    let session = server.session().await;
    let frames = server.ask(&session, json!({"content": "How many eels were counted in 2019?"})).await;

    let history = server.get(&format!("/api/chat/sessions/{session}")).await;
    assert_eq!(history["title"], "How many eels were counted in 2019?");
    assert_eq!(history["message_count"], 2);
    let [question, reply] = history["messages"].as_array().unwrap().as_slice() else { panic!("{history}") };
    assert_eq!(question["role"], "user");
    assert_eq!(reply["role"], "assistant");
    assert_eq!(reply["parent_id"], question["id"]);
    assert_eq!(reply["status"], "complete");
    assert_eq!(reply["content"], answer(&frames));
    let strip = |mut citation: Value| {
        citation.as_object_mut().unwrap().remove("type");
        citation
    };
    let streamed: Vec<Value> = citations(&frames).into_iter().map(strip).collect();
    assert_eq!(reply["citations"], json!(streamed));
    assert!(!reply["sources"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn asking_with_no_documents_ends_in_done_without_citations() {
    let server = Server::start().await;
    let session = server.session().await;
    let frames = server.ask(&session, json!({"content": "When do silver eels leave?"})).await;
    assert!(citations(&frames).is_empty());
    let done = &frames.last().unwrap().data;
    assert_eq!(done["type"], "done");
    assert_eq!(done["grounding"]["receipt"]["documents_searched"], 0);
    assert_eq!(done["grounding"]["receipt"]["queries"], json!(["When do silver eels leave?"]));
}

#[tokio::test]
async fn what_no_document_speaks_of_is_told_with_the_refusal() {
    let server = Server::start().await;
    server.add("eels.md", EELS).await;
    let session = server.session().await;
    let question = json!({"content": "Tell me when the eels of Zanzibar were radiocarbon dated."});
    let frames = server.ask(&session, question).await;
    assert_eq!(answer(&frames), "Your documents do not answer this.");
    let receipt = &frames.last().unwrap().data["grounding"]["receipt"];
    assert_eq!(receipt["documents_searched"], 1);
    assert_eq!(receipt["unknown_words"], json!(["Zanzibar", "radiocarbon", "dated"]));
}

#[tokio::test]
async fn a_plain_answer_is_the_message_the_stream_would_have_made() {
    let server = Server::start().await;
    server.add("eels.md", EELS).await;
    let session = server.session().await;
    let path = format!("/api/chat/sessions/{session}/messages");
    let body = json!({"content": "When do silver eels leave?", "stream": false});
    let message = server.post(&path, body).await;
    assert_eq!(message["role"], "assistant");
    assert_eq!(message["status"], "complete");
    let id = message["id"].as_str().unwrap();
    assert_eq!(message, server.get(&format!("{path}/{id}")).await);
    assert_eq!(message["content"], answer(&server.events(&session, id, 0).await));
}

#[tokio::test]
async fn a_finished_answer_can_be_read_from_any_position() {
    let server = Server::start().await;
    server.add("eels.md", EELS).await;
    let session = server.session().await;
    let all = server.ask(&session, json!({"content": "When do silver eels leave?"})).await;
    let id = all[0].data["message_id"].as_str().unwrap();
    for after in 0..all.len() {
        assert_eq!(server.events(&session, id, after as u64).await, all[after..]);
    }
    let path = format!("/api/chat/sessions/{session}/messages/{id}/events");
    let end = server.send(Method::GET, &format!("{path}?after={}", all.len()), None).await;
    assert_eq!(end.status(), StatusCode::NO_CONTENT, "an EventSource stops coming back");
}

#[tokio::test]
async fn a_reader_that_leaves_changes_nothing_about_the_answer() {
    let server = slow_server().await;
    server.add("eels.md", EELS).await;
    let session = server.session().await;
    let path = format!("/api/chat/sessions/{session}/messages");
    let mut response = server.send(Method::POST, &path, Some(json!({"content": "Tell me of eels."}))).await;
    response.chunk().await.unwrap();
    drop(response);
    let message = eventually("the answer is complete", async || {
        let history = server.get(&format!("/api/chat/sessions/{session}")).await;
        let reply = history["messages"][1].clone();
        (reply["status"] == "complete").then_some(reply)
    })
    .await;
    assert!(!message["content"].as_str().unwrap().is_empty());
}

#[tokio::test]
async fn a_cancelled_answer_keeps_what_it_had() {
    let server = slow_server().await;
    server.add("eels.md", EELS).await;
    let session = server.session().await;
    let path = format!("/api/chat/sessions/{session}/messages");
    let mut response = server.send(Method::POST, &path, Some(json!({"content": "Tell me of eels."}))).await;
    let mut stream = String::new();
    while !stream.contains("event: token") {
        stream.push_str(std::str::from_utf8(&response.chunk().await.unwrap().unwrap()).unwrap());
    }
    let id = frames(&stream)[0].data["message_id"].as_str().unwrap().to_owned();
    let cancelled = server.post(&format!("{path}/{id}/cancel"), json!({})).await;
    assert_eq!(cancelled["status"], "cancelled");
    assert_eq!(cancelled["finish_reason"], "cancelled");
    while let Some(bytes) = response.chunk().await.unwrap() {
        stream.push_str(std::str::from_utf8(&bytes).unwrap());
    }
    let all = frames(&stream);
    assert_eq!(all.last().unwrap().data["finish_reason"], "cancelled");
    assert_eq!(cancelled["content"], answer(&all));
}

#[tokio::test]
async fn a_question_keeps_to_the_documents_it_names() {
    let server = Server::start().await;
    let one = server.add("one.md", "The heron stands on the old jetty.").await;
    let two = server.add("two.md", "The heron nests in the willow.").await;
    let session = server.session().await;
    for document in [&one, &two] {
        let body = json!({"content": "Where is the heron?", "document_ids": [document["id"]]});
        let frames = server.ask(&session, body).await;
        let cited: Vec<_> =
            citations(&frames).iter().map(|citation| citation["document_id"].clone()).collect();
        assert!(!cited.is_empty() && cited.iter().all(|id| *id == document["id"]), "{}", answer(&frames));
    }
}

#[tokio::test]
async fn a_follow_up_is_searched_as_a_question_of_its_own() {
    let server = Server::start().await;
    server
        .add("eels.md", "In 2019 the weir count found 412 eels. In 2021 the weir count found 365 eels.")
        .await;
    let session = server.session().await;
    server.ask(&session, json!({"content": "How many eels did the weir count find in 2019?"})).await;
    let frames = server.ask(&session, json!({"content": "And in 2021?"})).await;
    let query = frames.iter().find(|frame| frame.event == "step").unwrap().data["query"].clone();
    assert!(query.as_str().unwrap().contains("eels"), "{query}");
    assert!(answer(&frames).contains("365"), "{}", answer(&frames));
}

#[tokio::test]
async fn bad_questions_are_refused_before_anything_is_stored() {
    let server = Server::start().await;
    let session = server.session().await;
    let path = format!("/api/chat/sessions/{session}/messages");
    for (body, status) in [
        (json!({"content": "  "}), StatusCode::BAD_REQUEST),
        (json!({}), StatusCode::BAD_REQUEST),
        (json!({"content": "x", "mode": "shallow"}), StatusCode::BAD_REQUEST),
        (json!({"content": "x", "model": "nobody"}), StatusCode::BAD_REQUEST),
        (json!({"content": "x".repeat(40_000)}), StatusCode::PAYLOAD_TOO_LARGE),
        (
            json!({"content": "x", "document_ids": ["018f0000-0000-7000-8000-000000000000"]}),
            StatusCode::NOT_FOUND,
        ),
    ] {
        server.problem(status, Method::POST, &path, Some(body)).await;
    }
    assert_eq!(server.get(&format!("/api/chat/sessions/{session}")).await["message_count"], 0);
    let nowhere = "/api/chat/sessions/018f0000-0000-7000-8000-000000000000/messages";
    server.problem(StatusCode::NOT_FOUND, Method::POST, nowhere, Some(json!({"content": "x"}))).await;
}

#[tokio::test]
async fn a_question_sent_again_under_its_key_is_asked_once() {
    let server = slow_server().await;
    server.add("eels.md", EELS).await;
    let session = server.session().await;
    let url = format!("{}/api/chat/sessions/{session}/messages", server.url);
    let ask = async |body: Value| {
        let request = client().post(&url).header("idempotency-key", "k1").json(&body);
        let response = request.send().await.unwrap();
        (response.status(), response.text().await.unwrap())
    };
    let body = json!({"content": "Tell me of eels."});
    // All at once: one makes the answer, the others join it.
    let asked = futures::future::join_all((0..16).map(|_| ask(body.clone()))).await;
    let first = frames(&asked[0].1);
    assert!(asked.iter().all(|(status, text)| *status == StatusCode::OK && frames(text) == first));
    // And after its end.
    assert_eq!(frames(&ask(body).await.1), first);
    assert_eq!(server.get(&format!("/api/chat/sessions/{session}")).await["message_count"], 2);
    let (status, problem) = ask(json!({"content": "Tell me of herons."})).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
}

#[tokio::test]
async fn an_item_is_told_with_what_introduces_its_list_in_an_earlier_passage() {
    let server = Server::start().await;
    let items =
        (0..90).map(|at| format!("- lamp{at} burns in tower{at} and rope{at} hangs from beam{at},\n"));
    let list = format!(
        "# Duties\n\nThe keepers close every sluice when\n\n{}- an otter has been seen at the weir.\n",
        items.collect::<String>()
    );
    server.add("duties.md", list.into_bytes()).await;
    let session = server.session().await;
    let frames = server.ask(&session, json!({"content": "What if an otter is seen at the weir?"})).await;
    let sources = &frames.iter().find(|frame| frame.event == "sources").unwrap().data["sources"];
    assert_eq!(sources[0]["introduction"], "The keepers close every sluice when");
    let cited = &citations(&frames)[0];
    assert_eq!(cited["quote"], "an otter has been seen at the weir.");
    assert_eq!(cited["verdict"], "supported");
    let content = answer(&frames);
    assert!(content.starts_with("The keepers close every sluice when: an otter has been seen"), "{content}");
}

#[tokio::test]
async fn what_stands_below_code_that_began_in_an_earlier_passage_is_prose() {
    let server = Server::start().await;
    let code: String =
        (0..90).map(|at| format!("light lamp{at} of tower{at} with rope{at} below beam{at}\n")).collect();
    let manual = format!(
        "# Lamps\n\nThey are lit so:\n\n```\n{code}```\n\nThe otter sleeps below the weir at noon.\n"
    );
    server.add("lamps.md", manual.into_bytes()).await;
    let session = server.session().await;
    let frames = server.ask(&session, json!({"content": "Where does the otter sleep at noon?"})).await;
    let sources = &frames.iter().find(|frame| frame.event == "sources").unwrap().data["sources"];
    assert_eq!(sources[0]["in_code"], true, "{sources}");
    assert_eq!(citations(&frames)[0]["quote"], "The otter sleeps below the weir at noon.");
    let content = answer(&frames);
    assert!(content.starts_with("The otter sleeps below the weir"), "{content}");
}

#[tokio::test]
async fn a_fence_that_nothing_closes_hides_nothing() {
    let server = Server::start().await;
    let lines = (0..90).map(|at| format!("The lamp{at} of tower{at} burns with oil{at} below beam{at}.\n\n"));
    let log = format!("```\n{}The otter sleeps below the weir at noon.\n", lines.collect::<String>());
    server.add("log.txt", log.into_bytes()).await;
    let session = server.session().await;
    let frames = server.ask(&session, json!({"content": "Where does the otter sleep at noon?"})).await;
    let content = answer(&frames);
    assert!(content.starts_with("The otter sleeps below the weir"), "{content}");
}
