//! A disk that is full, and one that is almost full: nothing new is taken, everything else goes on,
//! and the server recovers by itself.

#![expect(clippy::unwrap_used, reason = "a test that can't go on should stop there")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::support::{Server, answer, eventually};

/// A small file system, taken down with the value. Not every machine lets one be made.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// None, with the reason printed, where a file system can't be mounted.
    fn mount(mebibytes: u32) -> Option<Self> {
        let disk = Self(tempfile::tempdir().unwrap());
        let size = format!("size={mebibytes}m");
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(disk.path()).output();
        match mounted {
            Ok(output) if output.status.success() => Some(disk),
            Ok(output) => skipped(&String::from_utf8_lossy(&output.stderr)),
            Err(error) => skipped(&error.to_string()),
        }
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Takes all there is, from outside the server.
    fn fill(&self) -> PathBuf {
        let path = self.path().join("ballast");
        let mut file = std::fs::File::create(&path).unwrap();
        let piece = vec![b'x'; 64 * 1024];
        while std::io::Write::write_all(&mut file, &piece).is_ok() {}
        path
    }
}

fn skipped(reason: &str) -> Option<SmallDisk> {
    println!("skipped, no small file system can be mounted here: {}", reason.trim());
    None
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.path()).status();
    }
}

async fn refused(server: &Server, session: &str) {
    let path = format!("/api/chat/sessions/{session}/messages");
    let question = json!({"content": "When was the Halden gate raised?"});
    let problem = server.problem(StatusCode::INSUFFICIENT_STORAGE, Method::POST, &path, Some(question)).await;
    assert_eq!(problem["code"], "insufficient_storage");
    assert!(problem["detail"].as_str().unwrap().contains("delete documents"), "{problem}");
    let uploaded = server.upload_all(vec![("new.md".to_owned(), b"# New".to_vec())], None).await;
    assert_eq!(uploaded["code"], "insufficient_storage", "{uploaded}");
}

async fn reads_on(server: &Server, session: &str, document: &str) {
    let found = server.get("/api/search?q=Halden gate").await;
    assert_eq!(found["hits"][0]["document_id"], document, "{found}");
    assert!(server.text(document).await.contains("Halden gate"));
    let history = server.get(&format!("/api/chat/sessions/{session}")).await;
    assert_eq!(history["messages"][1]["status"], "complete");
}

const GATES: &str = "# Gates\n\nThe Halden gate was raised in 1953 by the water board of Halden.";

/// Needs no disk of its own: the mark is raised above what is free.
#[tokio::test]
async fn below_the_watermark_nothing_new_is_taken_and_everything_else_goes_on() {
    let mut server = Server::start().await;
    let document = server.add("gates.md", GATES).await["id"].as_str().unwrap().to_owned();
    let other =
        server.add("other.md", "# Other\n\nNothing of note.").await["id"].as_str().unwrap().to_owned();
    let session = server.session().await;
    server.ask(&session, json!({"content": "When was the Halden gate raised?"})).await;
    server.kill();
    server.configure("[storage]\nmin_free_bytes = 9000000000000000000\n").await;
    refused(&server, &session).await;
    reads_on(&server, &session, &document).await;
    assert_eq!(server.get("/readyz").await["status"], "read_only");
    server.json(Method::DELETE, &format!("/api/documents/{other}"), None).await;
    let folders = std::fs::read_dir(server.data.path().join("documents")).unwrap().count();
    assert_eq!(folders, 1, "a refused upload leaves nothing, and a deleted document neither");
    server.kill();
    server.configure("").await;
    server.ask(&session, json!({"content": "Who raised the Halden gate?"})).await;
}

#[tokio::test]
async fn a_full_disk_costs_nothing_that_was_acknowledged_and_heals_by_itself() {
    let Some(disk) = SmallDisk::mount(64) else { return };
    let config = "[storage]\nmin_free_bytes = 8388608\n\n[[models]]\nname = \"slow\"\nprovider = \"scripted\"\ndelay_ms = 60\n";
    let mut server = Server::in_folder(tempfile::tempdir_in(disk.path()).unwrap(), config).await;
    let document = server.add("gates.md", GATES).await["id"].as_str().unwrap().to_owned();
    let session = server.session().await;
    let question = json!({"content": "When was the Halden gate raised?"});
    server.ask(&session, question.clone()).await;
    let reserve = server.data.path().join("reserve");
    eventually("a reserve is held", async || reserve.exists().then_some(())).await;

    // Filled by uploads until they are refused.
    let mut acknowledged = Vec::new();
    for number in 0.. {
        let text = format!("# Filler {number}\n\n{}", format!("Filler {number} fills. ").repeat(100_000));
        let uploaded = server.upload_all(vec![(format!("{number}.md"), text.into_bytes())], None).await;
        match uploaded["documents"][0]["id"].as_str() {
            Some(id) => acknowledged.push(id.to_owned()),
            None => {
                assert_eq!(uploaded["code"], "insufficient_storage", "{uploaded}");
                break;
            }
        }
        assert!(number < 60, "the disk is not that large");
    }
    assert!(!acknowledged.is_empty());
    reads_on(&server, &session, &document).await;

    // And to the last byte from outside, killed, and started again.
    let ballast = disk.fill();
    eventually("the reserve is given up", async || (!reserve.exists()).then_some(())).await;
    refused(&server, &session).await;
    reads_on(&server, &session, &document).await;
    std::fs::remove_file(&ballast).unwrap();
    eventually("the reserve is taken back where there is room", async || {
        // It stays out as long as the documents fill the disk; room is made by deleting one of two.
        if reserve.exists() {
            return Some(());
        }
        let id = acknowledged.pop()?;
        server.json(Method::DELETE, &format!("/api/documents/{id}"), None).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
        None
    })
    .await;
    server.kill();
    let ballast = disk.fill();
    server.start_again().await;
    refused(&server, &session).await;
    reads_on(&server, &session, &document).await;
    for id in &acknowledged {
        server.get(&format!("/api/documents/{id}")).await;
    }
    if let Some(id) = acknowledged.pop() {
        server.json(Method::DELETE, &format!("/api/documents/{id}"), None).await;
    }

    // Room again, and all goes on without a restart.
    std::fs::remove_file(ballast).unwrap();
    // Few stay: each takes its room again for its text and its passages.
    for id in acknowledged.split_off(acknowledged.len().min(3)) {
        server.json(Method::DELETE, &format!("/api/documents/{id}"), None).await;
    }
    let roomy = Instant::now();
    let path = format!("/api/chat/sessions/{session}/messages");
    eventually("questions are taken again", async || {
        let response = server.send(Method::POST, &path, Some(question.clone())).await;
        response.status().is_success().then_some(())
    })
    .await;
    assert!(roomy.elapsed() < Duration::from_secs(10), "{:?}", roomy.elapsed());
    for id in &acknowledged {
        assert_eq!(server.settled(id).await["status"], "ready");
    }
    server.restart().await;
    reads_on(&server, &session, &document).await;
}

#[tokio::test]
async fn an_answer_under_way_when_the_disk_fills_up_ends_once_there_is_room() {
    let Some(disk) = SmallDisk::mount(48) else { return };
    let config = "[storage]\nmin_free_bytes = 1048576\n\n[[models]]\nname = \"slow\"\nprovider = \"scripted\"\ndelay_ms = 60\n";
    let server = Server::in_folder(tempfile::tempdir_in(disk.path()).unwrap(), config).await;
    server.add("gates.md", GATES).await;
    let session = server.session().await;
    let path = format!("/api/chat/sessions/{session}/messages");
    let question = json!({"content": "When was the Halden gate raised?"});
    let mut response = server.send(Method::POST, &path, Some(question)).await;
    let mut stream = String::new();
    while !stream.contains("event: token") {
        stream.push_str(std::str::from_utf8(&response.chunk().await.unwrap().unwrap()).unwrap());
    }
    let reserve = server.data.path().join("reserve");
    let ballast = disk.fill();
    // The reserve is given up and taken as well, so that nothing at all is left.
    eventually("the reserve is given up", async || (!reserve.exists()).then_some(())).await;
    let more = disk.path().join("more");
    std::fs::rename(&ballast, &more).unwrap();
    let ballast = disk.fill();
    let ended = async {
        while let Some(bytes) = response.chunk().await.unwrap() {
            stream.push_str(std::str::from_utf8(&bytes).unwrap());
        }
        stream
    };
    let freed = async {
        tokio::time::sleep(Duration::from_secs(3)).await;
        std::fs::remove_file(ballast).unwrap();
        std::fs::remove_file(more).unwrap();
    };
    let (stream, ()) = futures::future::join(ended, freed).await;
    let seen = crate::support::frames(&stream);
    assert_eq!(seen.last().unwrap().event, "done", "{stream}");
    let message = server.get(&format!("{path}/{}", seen[0].data["message_id"].as_str().unwrap())).await;
    assert_eq!(message["status"], "complete", "{message}");
    assert_eq!(message["content"], answer(&seen));
    eventually("the question is found in the history, and the answer", async || {
        let found = server.get("/api/history?q=Halden").await;
        (found["hits"].as_array().unwrap().len() == 2).then_some(())
    })
    .await;
}
