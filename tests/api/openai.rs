//! `/v1` and `/mcp` as they go over the wire, without the help of a client.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Server, client, eventually};

const EELS: &str = "# Eels\n\nÜber alles: silver eels leave the Halden estuary in October. They swim at \
                    night.\n\nThe count of 2019 found 412 eels at the weir.\n";
const CHAT: &str = "/v1/chat/completions";

async fn server() -> Server {
    let server = Server::start().await;
    server.add("eels.md", EELS).await;
    server
}

fn asking(question: &str) -> Value {
    json!({"model": "extractive", "messages": [{"role": "user", "content": question}]})
}

fn with(mut body: Value, more: &Value) -> Value {
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

/// The data of each frame of a stream, which must end with `[DONE]`.
async fn chunks(server: &Server, body: Value) -> Vec<Value> {
    let response = server.send(Method::POST, CHAT, Some(with(body, &json!({"stream": true})))).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let text = response.text().await.unwrap();
    let mut data: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
    assert_eq!(data.pop(), Some("[DONE]"));
    data.into_iter().map(|data| serde_json::from_str(data).unwrap()).collect()
}

/// OpenAI's envelope of a request that must fail with this status.
async fn refusal(server: &Server, status: StatusCode, method: Method, path: &str, body: Value) -> Value {
    let response = server.send(method, path, Some(body)).await;
    assert_eq!(response.status(), status, "{path}");
    assert_eq!(response.headers()["content-type"], "application/json");
    assert!(response.headers().contains_key("x-request-id"));
    let body: Value = response.json().await.unwrap();
    assert!(body["error"]["message"].is_string() && body["error"]["type"].is_string(), "{body}");
    body["error"].clone()
}

#[tokio::test]
async fn a_completion_ties_each_claim_to_its_place_in_characters() {
    let server = server().await;
    let body = asking("When do silver eels leave the estuary, and how many were counted in 2019?");
    let answer = server.post(CHAT, body).await;
    assert_eq!(answer["object"], "chat.completion");
    assert_eq!(answer["choices"][0]["finish_reason"], "stop");
    let content: Vec<char> = answer["choices"][0]["message"]["content"].as_str().unwrap().chars().collect();
    let annotations = answer["choices"][0]["message"]["annotations"].as_array().unwrap();
    let sources = answer["sources"].as_array().unwrap();
    assert!(!annotations.is_empty() && annotations.len() == sources.len(), "{answer}");
    for (annotation, source) in annotations.iter().zip(sources) {
        let at = |name: &str| usize::try_from(annotation["url_citation"][name].as_u64().unwrap()).unwrap();
        let claim: String = content[at("start_index")..at("end_index")].iter().collect();
        assert!(claim.contains(source["quote"].as_str().unwrap().trim_end_matches('.')), "{claim}: {source}");
        // The link opens the page at the quote, and the quote stands there.
        assert_eq!(annotation["url_citation"]["url"], source["url"]);
        let text = server.text(source["document_id"].as_str().unwrap()).await;
        let (start, end) = (source["start"].as_u64().unwrap(), source["end"].as_u64().unwrap());
        let document = source["document_id"].as_str().unwrap();
        assert_eq!(source["url"], format!("{}/d/{document}?start={start}&end={end}", server.url));
        let range = usize::try_from(start).unwrap()..usize::try_from(end).unwrap();
        assert_eq!(&text[range], source["quote"].as_str().unwrap());
    }
    assert_eq!(server.get("/api/chat/sessions").await["items"], json!([]), "nothing is stored");
}

#[tokio::test]
async fn chunks_put_together_are_the_completion() {
    let server = server().await;
    let body = asking("When do silver eels leave the estuary?");
    let whole = server.post(CHAT, body.clone()).await;
    let chunks = chunks(&server, with(body, &json!({"stream_options": {"include_usage": true}}))).await;
    assert!(chunks.iter().all(|chunk| chunk["object"] == "chat.completion.chunk"));
    assert_eq!(chunks[0]["choices"][0]["delta"]["role"], "assistant");
    let said = chunks.iter().filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str());
    assert_eq!(said.collect::<String>(), whole["choices"][0]["message"]["content"]);
    let [.., cited, last, usage] = chunks.as_slice() else { panic!("{chunks:?}") };
    assert_eq!(cited["choices"][0]["delta"]["annotations"], whole["choices"][0]["message"]["annotations"]);
    assert_eq!(cited["sources"], whole["sources"]);
    assert_eq!(last["choices"][0]["finish_reason"], "stop");
    assert_eq!(usage["choices"], json!([]));
    assert_eq!(usage["usage"], whole["usage"]);
}

#[tokio::test]
async fn an_earlier_turn_is_part_of_the_question() {
    let server = Server::start().await;
    server
        .add("eels.md", "In 2019 the weir count found 412 eels. In 2021 the weir count found 365 eels.")
        .await;
    let messages = json!([
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": "How many eels did the weir count find in 2019?"},
        {"role": "assistant", "content": "412 eels [1]"},
        {"role": "user", "content": [{"type": "text", "text": "And in 2021?"}]},
    ]);
    let answer = server.post(CHAT, json!({"messages": messages, "seed": 7, "logit_bias": {}})).await;
    let content = answer["choices"][0]["message"]["content"].as_str().unwrap();
    assert!(content.contains("365"), "{content}");
}

#[tokio::test]
async fn what_can_not_be_had_is_refused_in_their_envelope() {
    let server = server().await;
    let ask = asking("When do silver eels leave?");
    let image = json!([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]);
    for more in [
        json!({"n": 2}),
        json!({"tool_choice": "required"}),
        json!({"tool_choice": {"type": "function", "function": {"name": "f"}}}),
        json!({"response_format": {"type": "json_schema"}}),
        json!({"modalities": ["audio"]}),
        json!({"messages": image}),
        json!({"messages": []}),
        json!({"messages": [{"role": "tool", "content": "x"}]}),
        json!({"messages": "x"}),
    ] {
        let error =
            refusal(&server, StatusCode::BAD_REQUEST, Method::POST, CHAT, with(ask.clone(), &more)).await;
        assert_eq!(error["type"], "invalid_request_error", "{more}");
    }
    let unknown = with(ask.clone(), &json!({"model": "gpt-none"}));
    let error = refusal(&server, StatusCode::NOT_FOUND, Method::POST, CHAT, unknown).await;
    assert_eq!(error["code"], "model_not_found");
    refusal(&server, StatusCode::NOT_FOUND, Method::GET, "/v1/models/gpt-none", json!({})).await;
    refusal(&server, StatusCode::NOT_FOUND, Method::GET, "/v1/assistants", json!({})).await;
    refusal(&server, StatusCode::METHOD_NOT_ALLOWED, Method::GET, CHAT, json!({})).await;
    // What clients send as a matter of course does no harm.
    let usual = json!({"n": 1, "tool_choice": "auto", "tools": [], "response_format": {"type": "text"},
        "stream": null, "temperature": 0, "max_tokens": null, "user": "someone"});
    server.post(CHAT, with(ask, &usual)).await;
}

#[tokio::test]
async fn a_model_that_fails_has_a_status_of_its_own_and_is_not_tried_again_in_vain() {
    let config = "[[models]]\nname = \"down\"\nprovider = \"scripted\"\nscript = \"{data}/down.json\"\n";
    let data = tempfile::tempdir().unwrap();
    std::fs::write(data.path().join("down.json"), r#"[{"error": {"kind": "unauthorized"}}]"#).unwrap();
    let server = Server::with_config(&config.replace("{data}", &data.path().display().to_string())).await;
    let body = with(asking("Tell me of eels."), &json!({"model": "down", "stream": true}));
    let response = server.send(Method::POST, CHAT, Some(body)).await;
    assert_eq!(response.status(), StatusCode::BAD_GATEWAY);
    assert_eq!(response.headers()["x-should-retry"], "false");
    let error: Value = response.json().await.unwrap();
    assert_eq!(error["error"]["code"], "provider_unauthorized");
}

#[tokio::test]
async fn a_client_that_leaves_stops_its_answer() {
    let server =
        Server::with_config("[[models]]\nname = \"slow\"\nprovider = \"scripted\"\ndelay_ms = 20000\n").await;
    server.add("eels.md", EELS).await;
    for body in [json!({"stream": true}), json!({})] {
        let body = with(with(asking("Tell me of eels."), &json!({"model": "slow"})), &body);
        let request = client().post(format!("{}{CHAT}", server.url)).json(&body).send();
        let asked = tokio::spawn(request);
        let runs = async || server.get("/readyz").await["runs"].as_u64().unwrap();
        eventually("the answer is being made", async || (runs().await == 1).then_some(())).await;
        asked.abort();
        eventually("the answer stops", async || (runs().await == 0).then_some(())).await;
    }
}

#[tokio::test]
async fn deep_research_tells_its_steps_as_reasoning() {
    let server = server().await;
    let body = with(asking("When do silver eels leave the estuary?"), &json!({"model": "extractive:deep"}));
    let chunks = chunks(&server, body).await;
    let thoughts =
        chunks.iter().filter_map(|chunk| chunk["choices"][0]["delta"]["reasoning_content"].as_str());
    let thoughts: String = thoughts.collect();
    assert!(thoughts.contains("Plan:") && thoughts.contains("Searching:"), "{thoughts}");
    let models = server.get("/v1/models").await;
    let ids: Vec<_> = models["data"].as_array().unwrap().iter().map(|model| model["id"].clone()).collect();
    assert_eq!(ids, ["extractive", "extractive:deep"]);
    assert_eq!(server.get("/v1/models/extractive:deep").await["id"], "extractive:deep");
}

#[tokio::test]
async fn another_site_reaches_neither_v1_nor_mcp() {
    let server = server().await;
    let ping = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
    for (header, value) in [("origin", "https://evil.example"), ("host", "evil.example")] {
        for (path, body) in [("/mcp", &ping), (CHAT, &asking("When do eels leave?"))] {
            let request = client().post(format!("{}{path}", server.url)).header(header, value);
            let request = request.header("accept", "application/json, text/event-stream").json(body);
            assert_eq!(request.send().await.unwrap().status(), StatusCode::FORBIDDEN, "{header} {path}");
        }
    }
    let request = client().post(format!("{}/mcp", server.url)).json(&ping);
    let request = request.header("accept", "application/json, text/event-stream");
    let tools: Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(tools["result"]["tools"].as_array().unwrap().len(), 4, "{tools}");
}
