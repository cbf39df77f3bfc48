//! Uploads under an `Idempotency-Key`.

use futures::StreamExt;
use reqwest::multipart::{Form, Part};
use reqwest::{Body, Response, StatusCode};
use serde_json::Value;

use crate::support::{Server, client, eventually};

const EELS: &str = "Silver eels leave the estuary in October.";

async fn upload(server: &Server, key: &str, files: Vec<(&'static str, Body)>) -> Response {
    let mut form = Form::new().text("collection", "river");
    for (name, body) in files {
        form = form.part("file", Part::stream(body).file_name(name));
    }
    let request = client().post(format!("{}/api/documents", server.url)).header("idempotency-key", key);
    request.multipart(form).send().await.unwrap()
}

/// What was accepted and what was not, without how far the work on it is.
fn outcome(uploaded: &Value) -> (Vec<(Value, Value)>, Value) {
    let documents = uploaded["documents"].as_array().unwrap().iter();
    let documents = documents.map(|document| (document["id"].clone(), document["duplicate"].clone()));
    (documents.collect(), uploaded["rejected"].clone())
}

#[tokio::test]
async fn an_upload_sent_again_under_its_key_gets_the_first_answer() {
    let server = Server::with_config("[ingest]\nmax_file_bytes = 1048576\n").await;
    let files = || {
        vec![("eels.md", EELS.into()), ("large.bin", vec![0_u8; 2 << 20].into()), ("b.md", "Herons.".into())]
    };
    let first = upload(&server, "k1", files()).await;
    assert_eq!(first.status(), StatusCode::ACCEPTED);
    let first: Value = first.json().await.unwrap();
    assert_eq!(first["rejected"][0]["code"], "too_large");
    let again: Value = upload(&server, "k1", files()).await.json().await.unwrap();
    assert_eq!(outcome(&again), outcome(&first));
    assert_eq!(again["documents"][0]["duplicate"], Value::Null, "the first time it was new");
    let other: Value = upload(&server, "k2", files()).await.json().await.unwrap();
    assert_eq!(other["documents"][0]["duplicate"], true, "under another key it is another upload");

    for files in [
        vec![("eels.md", EELS.into())],
        vec![("eels.md", EELS.into()), ("large.bin", vec![1_u8; 2 << 20].into()), ("b.md", "Herons.".into())],
        vec![("eels.md", EELS.into()), ("large.bin", vec![0_u8; 2 << 20].into()), ("c.md", "Herons.".into())],
    ] {
        let other = upload(&server, "k1", files).await;
        assert_eq!(other.status(), StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(other.json::<Value>().await.unwrap()["code"], "idempotency_key_reused");
    }
    let listed = server.get("/api/documents").await;
    assert_eq!(listed["items"].as_array().unwrap().len(), 2, "nothing came of them");

    for document in first["documents"].as_array().unwrap() {
        let id = document["id"].as_str().unwrap();
        server.settled(id).await;
        server.send(reqwest::Method::DELETE, &format!("/api/documents/{id}"), None).await;
    }
    assert_eq!(upload(&server, "k1", files()).await.status(), StatusCode::NOT_FOUND);
    // A small one, since it is refused before its body is read.
    let unnamed = upload(&server, "", vec![("eels.md", EELS.into())]).await;
    assert_eq!(unnamed.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn an_upload_sent_again_while_it_runs_waits_for_it() {
    let server = Server::start().await;
    let (sender, receiver) = futures::channel::mpsc::unbounded::<std::io::Result<&'static str>>();
    sender.unbounded_send(Ok(&EELS[..20])).unwrap();
    let slow = async {
        let response = upload(&server, "k1", vec![("eels.md", Body::wrap_stream(receiver))]).await;
        response.json::<Value>().await.unwrap()
    };
    let meanwhile = async {
        eventually("the first bytes are there", async || {
            let folders = std::fs::read_dir(server.data.path().join("documents")).unwrap();
            (folders.count() > 0).then_some(())
        })
        .await;
        let mut again = Box::pin(upload(&server, "k1", vec![("eels.md", EELS.into())]));
        let early = tokio::time::timeout(std::time::Duration::from_millis(300), &mut again).await;
        assert!(early.is_err(), "it does not overtake the first");
        sender.unbounded_send(Ok(&EELS[20..])).unwrap();
        drop(sender);
        again.await.json::<Value>().await.unwrap()
    };
    let (first, again) = tokio::join!(slow, meanwhile);
    assert_eq!(outcome(&again), outcome(&first));
    assert_eq!(first["documents"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_upload_cut_off_is_carried_out_by_the_next_under_its_key() {
    let server = Server::start().await;
    let broken = futures::stream::iter([Ok(&EELS[..20]), Err(std::io::Error::other("gone"))]).boxed();
    let form = Form::new().part("file", Part::stream(Body::wrap_stream(broken)).file_name("eels.md"));
    let url = format!("{}/api/documents", server.url);
    let cut = client().post(&url).header("idempotency-key", "k1").multipart(form).send().await;
    assert!(cut.is_err(), "{cut:?}");
    let whole = upload(&server, "k1", vec![("eels.md", EELS.into())]).await;
    assert_eq!(whole.status(), StatusCode::ACCEPTED);
}
