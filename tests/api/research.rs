use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Frame, Server, answer, citations, eventually, frames, outline};

fn deep(question: &str) -> Value {
    json!({"content": question, "mode": "deep_research"})
}

fn steps<'a>(frames: &'a [Frame], kind: &str, state: &str) -> Vec<&'a Value> {
    let steps = frames.iter().filter(|frame| frame.event == "step").map(|frame| &frame.data);
    steps.filter(|step| step["kind"] == kind && step["state"] == state).collect()
}

fn last_plan(frames: &[Frame]) -> &Value {
    &frames.iter().rfind(|frame| frame.event == "plan").unwrap().data
}

/// Every citation's quote and every note stands where it says.
pub(crate) async fn check_quotes(server: &Server, frames: &[Frame]) {
    let content = answer(frames);
    let reads = steps(frames, "read", "finished");
    let notes = reads.iter().flat_map(|step| step["result"]["notes"].as_array().cloned().unwrap_or_default());
    let notes = notes.map(|mut note| {
        let passage = note["passage_id"].as_str().unwrap().to_owned();
        note["document_id"] = json!(passage[..36]);
        note
    });
    let citations = citations(frames);
    for quoted in citations.iter().cloned().chain(notes) {
        let text = server.text(quoted["document_id"].as_str().unwrap()).await;
        let at = |name: &str| usize::try_from(quoted[name].as_u64().unwrap()).unwrap();
        assert_eq!(text[at("start")..at("end")], *quoted["quote"].as_str().unwrap());
    }
    for citation in &citations {
        let at = |name: &str| usize::try_from(citation[name].as_u64().unwrap()).unwrap();
        let mark = format!("[{}]", citation["n"]);
        assert!(content[at("answer_end")..].trim_start().starts_with(&mark), "{citation} in {content}");
    }
}

/// A server whose model follows these rules, and the file it reads them from.
async fn scripted(rules: &Value, delay_ms: u64) -> Server {
    let folder = tempfile::tempdir().unwrap().keep();
    let script = folder.join("script.json");
    std::fs::write(&script, rules.to_string()).unwrap();
    let config = format!(
        "[[models]]\nname = \"scripted\"\nprovider = \"scripted\"\ndelay_ms = {delay_ms}\nscript = \"{}\"\n",
        script.display()
    );
    let server = Server::with_config(&config).await;
    server.upload_library().await;
    server
}

/// Rules that plan two questions, take a note on each, see no gap and write a sentence a section.
fn rules() -> Value {
    let plan = json!({"question": "What happened at Sallow?", "questions": [
        {"text": "When was the Sallow Dike breached?", "why": "the day"},
        {"text": "How many fish died in August 2018?", "why": "the damage"},
    ]});
    json!([
        {"when": ["You plan research"], "reply": plan.to_string()},
        {"when": ["You take notes"], "reply": "{\"notes\": [{\"passage\": 1, \"quote\": \"nobody wrote this\"}]}"},
        {"when": ["You look for gaps"], "reply": "{\"questions\": []}"},
        {"when": ["You write one section"], "reply": "The passages tell of it [1]. This mark is wrong [99]."},
    ])
}

#[tokio::test]
async fn a_report_comes_with_its_plan_its_steps_and_exact_quotes() {
    let server = Server::with_library().await;
    let session = server.session().await;
    let question = "Why did about 600 fish die in August 2018, and how low did the oxygen fall?";
    let frames = server.ask(&session, deep(question)).await;
    let outline = outline(&frames);
    assert_eq!(outline[..4], ["started", "step", "plan", "step"]);
    assert_eq!(outline.last(), Some(&"done"));
    assert_eq!(frames.iter().filter(|frame| frame.event == "sources").count(), 1);
    let plan = &frames.iter().find(|frame| frame.event == "plan").unwrap().data;
    assert_eq!(plan["awaiting_approval"], false);
    assert!(plan["questions"].as_array().unwrap().len() > 1, "{plan}");
    for kind in ["search", "read", "gap"] {
        assert_eq!(steps(&frames, kind, "started").len(), steps(&frames, kind, "finished").len());
        assert!(!steps(&frames, kind, "finished").is_empty(), "{kind}");
    }
    let searched = steps(&frames, "search", "finished");
    assert!(searched.iter().all(|step| step["query"].is_string() && step["found"].as_u64().unwrap() > 0));
    check_quotes(&server, &frames).await;
    let content = answer(&frames);
    assert!(content.contains("hinge had seized") && content.contains("## What was read"), "{content}");
    let done = &frames.last().unwrap().data;
    assert_eq!(done["finish_reason"], "stop");
    assert_eq!(done["grounding"]["unsupported"], json!([]));
    let coverage = &done["coverage"];
    let sum = coverage["read"].as_u64().unwrap()
        + coverage["skipped"].as_array().map_or(0, |skipped| skipped.len() as u64)
        + coverage["unmatched"].as_u64().unwrap();
    assert_eq!(
        coverage["searched"].as_u64().unwrap(),
        sum,
        "each document is in one of the three: {coverage}"
    );

    let history = server.get(&format!("/api/chat/sessions/{session}")).await;
    let reply = &history["messages"][1];
    assert_eq!(reply["mode"], "deep_research");
    assert_eq!(reply["content"], content);
    assert_eq!(reply["coverage"], *coverage);
    assert_eq!(reply["plan"]["questions"], last_plan(&frames)["questions"]);
}

#[tokio::test]
async fn documents_that_disagree_stand_side_by_side_with_both_quotes() {
    let server = Server::with_library().await;
    let session = server.session().await;
    let frames = server.ask(&session, deep("In which year was the Sallow Dike breached?")).await;
    let content = answer(&frames);
    let (_, table) = content.split_once("## Where your documents disagree").expect(&content);
    let (table, _) = table.split_once("## What was read").unwrap();
    let rows: Vec<&str> =
        table.lines().filter(|line| line.starts_with("| ") && line.contains(" [")).collect();
    let with = |value: &str| rows.iter().filter(|row| row.contains(value)).count();
    let (earlier, later) = (with("| 2015 |"), with("| 2016 |"));
    assert!(earlier > 0 && later > 0, "{content}");
    assert_eq!(rows.len(), earlier + later, "one conflict and no other: {content}");
    let at = content.find("## Where your documents disagree").unwrap() as u64;
    let quoted: Vec<Value> = citations(&frames);
    let quoted: Vec<_> =
        quoted.iter().filter(|citation| citation["answer_start"].as_u64().unwrap() > at).collect();
    assert_eq!(quoted.len(), rows.len(), "each row has its quote");
    assert!(
        ["2015", "2016"]
            .iter()
            .all(|year| quoted.iter().any(|one| one["quote"].as_str().unwrap().contains(year)))
    );
    assert_ne!(quoted[0]["document_id"], quoted[1]["document_id"]);
    check_quotes(&server, &frames).await;
}

#[tokio::test]
async fn a_question_that_is_answered_nowhere_as_a_whole_is_searched_for_in_halves() {
    let server = Server::with_library().await;
    let session = server.session().await;
    let question = "Why is the eel ladder steeper than the Breton workshop advised?";
    let frames = server.ask(&session, deep(question)).await;
    let last = frames.iter().rfind(|frame| frame.event == "plan").unwrap();
    let later = last.data["questions"].as_array().unwrap().iter().filter(|one| one["round"] == 1);
    assert_eq!(later.filter(|half| half["serves"] == 1).count(), 2, "{}", last.data);
    let searched = frames.iter().filter(|frame| {
        let is_search = frame.data["kind"] == "search" && frame.data["state"] == "finished";
        frame.event == "step" && is_search
    });
    assert_eq!(searched.count(), 3, "the question and each of its halves");
    assert_eq!(frames.last().unwrap().data["coverage"]["not_found"], json!([question]));
}

#[tokio::test]
async fn documents_that_agree_get_no_table() {
    let server = Server::with_library().await;
    let session = server.session().await;
    for question in
        ["What is a surface elevation table?", "How high did the water rise at Halewick in December 2021?"]
    {
        let content = answer(&server.ask(&session, deep(question)).await);
        assert!(!content.contains("## Where your documents disagree"), "{content}");
    }
}

#[tokio::test]
async fn an_empty_library_gives_a_report_that_says_so() {
    let server = Server::start().await;
    let session = server.session().await;
    let frames = server.ask(&session, deep("When do silver eels leave the estuary?")).await;
    let content = answer(&frames);
    assert!(content.starts_with("Your documents do not answer this."), "{content}");
    let done = &frames.last().unwrap().data;
    assert_eq!(done["finish_reason"], "stop");
    assert_eq!(done["coverage"]["not_found"], json!(["When do silver eels leave the estuary?"]));
    assert_eq!(done["grounding"]["sentences"], 0);
    assert_eq!(done["grounding"]["receipt"]["documents_searched"], 0);
}

#[tokio::test]
async fn modes_can_change_from_message_to_message() {
    let server = Server::with_library().await;
    let session = server.session().await;
    server.ask(&session, json!({"content": "How long is the set-back dike?"})).await;
    server.ask(&session, deep("How long is the set-back dike?")).await;
    let frames = server.ask(&session, json!({"content": "How high is it?"})).await;
    assert_eq!(frames.last().unwrap().data["finish_reason"], "stop");
    let history = server.get(&format!("/api/chat/sessions/{session}")).await;
    let messages = history["messages"].as_array().unwrap();
    let modes: Vec<_> = messages.iter().map(|message| message["mode"].as_str().unwrap()).collect();
    assert_eq!(modes, ["regular", "regular", "deep_research", "deep_research", "regular", "regular"]);
    assert!(
        messages[1]["plan"].is_null() && messages[3]["plan"].is_object() && messages[5]["plan"].is_null()
    );
    let path = format!("/api/chat/sessions/{session}/messages");
    for for_research in
        [json!({"content": "x", "budget": {"calls": 1}}), json!({"content": "x", "approve_plan": true})]
    {
        server.problem(StatusCode::BAD_REQUEST, Method::POST, &path, Some(for_research)).await;
    }
    let plan = format!("{path}/{}/plan", messages[1]["id"].as_str().unwrap());
    server.problem(StatusCode::BAD_REQUEST, Method::POST, &plan, Some(json!({"approve": true}))).await;
}

#[tokio::test]
async fn a_model_writes_the_sections_and_its_false_quotes_and_marks_are_dropped() {
    let mut rules = rules();
    let note = json!({"notes": [
        {"passage": 1, "quote": "nobody wrote this"}, {"passage": 77, "quote": "nor this"},
    ]});
    rules[1]["reply"] = json!(note.to_string());
    let server = scripted(&rules, 0).await;
    let session = server.session().await;
    let frames = server.ask(&session, deep("What happened at Sallow?")).await;
    let content = answer(&frames);
    assert!(
        !content.contains("## When was") && !content.contains("## How many"),
        "false quotes are no notes, and without notes there is no section: {content}"
    );
    let done = &frames.last().unwrap().data;
    assert_eq!(done["coverage"]["not_found"].as_array().unwrap().len(), 2);

    // Notes that can't be read fall back to the documents' own sentences.
    rules[1]["reply"] = json!("I would rather not.");
    let server = scripted(&rules, 0).await;
    let session = server.session().await;
    let frames = server.ask(&session, deep("What happened at Sallow?")).await;
    check_quotes(&server, &frames).await;
    let content = answer(&frames);
    assert!(content.contains("The passages tell of it [1]. This mark is wrong."), "{content}");
    let done = &frames.last().unwrap().data;
    assert!(done["grounding"]["dropped_marks"].as_u64().unwrap() > 0);
    // A plan, two readings, a look for gaps, a summary and two sections.
    assert_eq!(done["usage"]["calls"], 7);
}

#[tokio::test]
async fn a_plan_that_can_not_be_read_twice_is_the_question_itself() {
    let mut rules = rules();
    rules[0]["reply"] = json!("{\"questions\": \"as you like\"}");
    let server = scripted(&rules, 0).await;
    let session = server.session().await;
    let question = "How many fish died in August 2018?";
    let frames = server.ask(&session, deep(question)).await;
    let plan = &frames.iter().find(|frame| frame.event == "plan").unwrap().data;
    assert_eq!(plan["questions"].as_array().unwrap().len(), 1);
    assert_eq!(plan["questions"][0]["text"], question);
    assert_eq!(frames.last().unwrap().data["finish_reason"], "stop");
    // Two for the plan, then notes and gaps, which are the same for any question.
    assert!(frames.last().unwrap().data["usage"]["calls"].as_u64().unwrap() >= 4);
}

#[tokio::test]
async fn a_budget_holds_and_what_is_there_is_told() {
    let mut rules = rules();
    rules[1]["reply"] = json!("not an object");
    let server = scripted(&rules, 0).await;
    let session = server.session().await;
    let ask = async |budget: Value| {
        let mut body = deep("What happened at Sallow?");
        body["budget"] = budget;
        server.ask(&session, body).await
    };
    let frames = ask(json!({"calls": 3})).await;
    let done = &frames.last().unwrap().data;
    assert_eq!(done["finish_reason"], "budget");
    assert!(done["usage"]["calls"].as_u64().unwrap() <= 3, "{done}");
    assert!(!citations(&frames).is_empty());
    check_quotes(&server, &frames).await;

    let frames = ask(json!({"tokens": 3000})).await;
    let done = &frames.last().unwrap().data;
    assert_eq!(done["finish_reason"], "budget");
    let tokens =
        done["usage"]["input_tokens"].as_u64().unwrap() + done["usage"]["output_tokens"].as_u64().unwrap();
    assert!(tokens <= 3000, "{done}");

    let most = ask(json!({"calls": u32::MAX, "tokens": u64::MAX, "seconds": u64::MAX})).await;
    assert_eq!(most.last().unwrap().data["finish_reason"], "stop", "limits may be as high as numbers go");

    let none = ask(json!({"calls": 0})).await;
    assert_eq!(none.last().unwrap().data["usage"]["calls"], 0);
    assert!(!citations(&none).is_empty(), "one question is looked into at any price");
}

#[tokio::test]
async fn a_model_that_stalls_or_never_stops_is_cut_off() {
    let mut stalling = rules();
    stalling[1] = json!({"when": ["You take notes"], "reply": "late late late", "delay_ms": 60_000});
    let server = scripted(&stalling, 0).await;
    let session = server.session().await;
    let mut body = deep("What happened at Sallow?");
    body["budget"] = json!({"seconds": 3});
    let begun = std::time::Instant::now();
    let frames = server.ask(&session, body).await;
    assert!(begun.elapsed() < Duration::from_secs(6), "{:?}", begun.elapsed());
    assert_eq!(frames.last().unwrap().data["finish_reason"], "budget");
    assert!(!citations(&frames).is_empty());

    let mut endless = rules();
    endless[1]["reply"] = json!("?");
    endless[3]["reply"] = json!("Word after word it goes on. ".repeat(20_000));
    let server = scripted(&endless, 0).await;
    let session = server.session().await;
    let frames = server.ask(&session, deep("What happened at Sallow?")).await;
    assert_eq!(frames.last().unwrap().data["finish_reason"], "budget");
    assert!(answer(&frames).len() < 40_000, "{}", answer(&frames).len());
}

/// Posts a question and reads its stream until this is in it.
async fn ask_until(
    server: &Server,
    session: &str,
    body: Value,
    sign: &str,
) -> (String, reqwest::Response, String) {
    let path = format!("/api/chat/sessions/{session}/messages");
    let mut response = server.send(Method::POST, &path, Some(body)).await;
    let mut stream = String::new();
    while !stream.contains(sign) {
        let bytes = response.chunk().await.unwrap().expect("the stream goes on");
        stream.push_str(&String::from_utf8_lossy(&bytes));
    }
    let whole = &stream[..stream.rfind("\n\n").unwrap() + 2];
    let id = frames(whole)[0].data["message_id"].as_str().unwrap().to_owned();
    (id, response, stream)
}

#[tokio::test]
async fn a_plan_waits_for_approval_and_can_be_edited() {
    let server = Server::with_library().await;
    let session = server.session().await;
    let mut body = deep("Why did about 600 fish die in August 2018, and how low did the oxygen fall?");
    body["approve_plan"] = json!(true);
    let (id, response, _) = ask_until(&server, &session, body, "event: plan").await;
    drop(response);
    tokio::time::sleep(Duration::from_millis(200)).await;
    let path = format!("/api/chat/sessions/{session}/messages/{id}");
    let waiting = server.get(&path).await;
    assert_eq!(waiting["status"], "running");
    assert_eq!(waiting["plan"]["awaiting_approval"], true);
    assert_eq!(
        waiting["steps"].as_array().unwrap().len(),
        1,
        "nothing but the plan before consent: {waiting}"
    );

    server.problem(StatusCode::BAD_REQUEST, Method::POST, &format!("{path}/plan"), Some(json!({}))).await;
    let endless = json!({"questions": [{"text": "x".repeat(2_000)}]});
    server.problem(StatusCode::BAD_REQUEST, Method::POST, &format!("{path}/plan"), Some(endless)).await;
    let questions = json!([{"id": 1}, {"text": "How long is the set-back dike?"}]);
    let edit = json!({"approve": false, "questions": questions});
    let edited = server.post(&format!("{path}/plan"), edit).await;
    assert_eq!(edited["plan"]["awaiting_approval"], true);
    assert_eq!(edited["plan"]["questions"].as_array().unwrap().len(), 2);
    server.post(&format!("{path}/plan"), json!({"approve": true})).await;
    let message = eventually("the report is complete", async || {
        let message = server.get(&path).await;
        (message["status"] == "complete").then_some(message)
    })
    .await;
    assert!(message["content"].as_str().unwrap().contains("4.7 kilometres long"), "{message}");
    let consent = Some(json!({"approve": true}));
    let late = server.problem(StatusCode::CONFLICT, Method::POST, &format!("{path}/plan"), consent).await;
    assert_eq!(late["code"], "too_late");
    assert!(late["detail"].as_str().unwrap().contains("next question of the session"), "{late}");
}

#[tokio::test]
async fn a_question_can_be_added_while_the_research_goes_on() {
    let mut rules = rules();
    rules[1] = json!({"when": ["You take notes"], "reply": ["not ", "an ", "object"], "delay_ms": 400});
    let server = scripted(&rules, 0).await;
    let session = server.session().await;
    let (id, mut response, mut stream) =
        ask_until(&server, &session, deep("What happened at Sallow?"), "\"kind\":\"read\"").await;
    let questions = json!([{"id": 1}, {"id": 2}, {"text": "How long is the set-back dike?"}]);
    let path = format!("/api/chat/sessions/{session}/messages/{id}/plan");
    server.post(&path, json!({"questions": questions})).await;
    while let Some(bytes) = response.chunk().await.unwrap() {
        stream.push_str(&String::from_utf8_lossy(&bytes));
    }
    let all = frames(&stream);
    assert_eq!(last_plan(&all)["questions"].as_array().unwrap().len(), 3);
    assert_eq!(steps(&all, "read", "finished").len(), 3);
    assert!(answer(&all).contains("## How long is the set-back dike?"), "{}", answer(&all));
}

#[tokio::test]
async fn a_cancelled_research_keeps_what_it_found_with_citations() {
    let mut rules = rules();
    rules[1]["reply"] = json!("?");
    rules[2]["delay_ms"] = json!(60_000);
    let server = scripted(&rules, 0).await;
    let session = server.session().await;
    let (id, mut response, mut stream) =
        ask_until(&server, &session, deep("What happened at Sallow?"), "\"kind\":\"gap\"").await;
    let cancelled =
        server.post(&format!("/api/chat/sessions/{session}/messages/{id}/cancel"), json!({})).await;
    assert_eq!(cancelled["status"], "cancelled");
    assert_eq!(cancelled["finish_reason"], "cancelled");
    while let Some(bytes) = response.chunk().await.unwrap() {
        stream.push_str(&String::from_utf8_lossy(&bytes));
    }
    let all = frames(&stream);
    assert!(!citations(&all).is_empty(), "{}", answer(&all));
    check_quotes(&server, &all).await;
    assert_eq!(cancelled["content"], answer(&all));

    // In the middle of reading, before anything is known.
    rules[1]["delay_ms"] = json!(60_000);
    let server = scripted(&rules, 0).await;
    let session = server.session().await;
    let (id, _response, _) =
        ask_until(&server, &session, deep("What happened at Sallow?"), "\"kind\":\"read\"").await;
    let cancelled =
        server.post(&format!("/api/chat/sessions/{session}/messages/{id}/cancel"), json!({})).await;
    assert_eq!(cancelled["status"], "cancelled");
    assert_eq!(cancelled["coverage"]["not_done"].as_array().unwrap().len(), 2, "{cancelled}");
}

#[tokio::test]
async fn a_killed_research_goes_on_from_its_last_finished_step() {
    for sign in ["\"kind\":\"gap\"", "\"note\":\"summary\"", "event: token"] {
        let mut rules = rules();
        rules[1]["reply"] = json!("?");
        rules[2]["delay_ms"] = json!(300);
        rules[3]["reply"] = json!(["The passages tell of it ", "[1]."]);
        rules[3]["delay_ms"] = json!(300);
        let mut server = scripted(&rules, 0).await;
        let session = server.session().await;
        let (id, response, stream) =
            ask_until(&server, &session, deep("What happened at Sallow?"), sign).await;
        drop(response);
        tokio::time::sleep(Duration::from_millis(150)).await;
        server.restart().await;
        let path = format!("/api/chat/sessions/{session}/messages/{id}");
        let message = eventually("the report is complete", async || {
            let message = server.get(&path).await;
            (message["status"] == "complete").then_some(message)
        })
        .await;
        assert_eq!(message["coverage"]["resumed"], 1, "{message}");
        let all = server.events(&session, &id, 0).await;
        let whole = &stream[..stream.rfind("\n\n").unwrap() + 2];
        let seen = frames(whole);
        assert_eq!(all[..seen.len()], seen, "the stream goes on where it broke off");
        assert_eq!(steps(&all, "read", "finished").len(), 2, "nothing is read twice");
        assert_eq!(all.iter().filter(|frame| frame.event == "plan").count(), 1);
        let headings = answer(&all).matches("## In short").count();
        assert_eq!(headings, 1, "nothing is written twice: {}", answer(&all));
        let calls = all.last().unwrap().data["usage"]["calls"].as_u64().unwrap();
        assert_eq!(calls, 7, "what was paid before counts, and is not paid again");
        check_quotes(&server, &all).await;
        assert!(message["content"].as_str().unwrap().contains("The server stopped during this work"));
        assert!(message["grounding"]["unsupported"].as_array().unwrap().len() <= 3, "{message}");
    }
}

#[tokio::test]
async fn a_research_left_at_a_shutdown_goes_on_at_the_next_start() {
    let mut rules = rules();
    rules[2]["delay_ms"] = json!(60_000);
    let mut server = scripted(&rules, 0).await;
    let session = server.session().await;
    let mut body = deep("What happened at Sallow?");
    body["approve_plan"] = json!(true);
    let (id, response, _) = ask_until(&server, &session, body, "event: plan").await;
    drop(response);
    let pid = rustix::process::Pid::from_raw(i32::try_from(server.pid()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let begun = std::time::Instant::now();
    server.exit().await;
    assert!(begun.elapsed() < Duration::from_secs(10), "it waits for no reader");
    server.restart().await;
    let path = format!("/api/chat/sessions/{session}/messages/{id}");
    let waiting = server.get(&path).await;
    assert_eq!(waiting["status"], "running");
    assert_eq!(waiting["plan"]["awaiting_approval"], true);
    let questions = json!([{"text": "How long is the set-back dike?"}]);
    server.post(&format!("{path}/plan"), json!({"questions": questions})).await;
    let cancelled = server.post(&format!("{path}/cancel"), json!({})).await;
    assert_eq!(cancelled["status"], "cancelled");
}
