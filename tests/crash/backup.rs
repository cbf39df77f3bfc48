//! Backups made while everything goes on, what comes back of them, and data folders of other times.

use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::check::{Seen, check};
use crate::ledger::{Fate, Ledger};
use crate::load::{config, load, settle_in};
use crate::support::dice::Dice;
use crate::support::{Server, answer, citations};

fn ibid(data: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ibid"));
    command.arg("--data").arg(data).args(arguments);
    command.env_remove("OPENAI_API_KEY").env_remove("ANTHROPIC_API_KEY").env_remove("XAI_API_KEY");
    command.output().unwrap()
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Restores into a folder of its own and starts a server on it.
async fn restored(file: &Path, config: &str) -> Server {
    let folder = tempfile::tempdir().unwrap();
    let output = ibid(folder.path(), &["restore", file.to_str().unwrap(), folder.path().to_str().unwrap()]);
    assert!(output.status.success(), "{}", said(&output));
    Server::in_folder(folder, config).await
}

#[tokio::test]
async fn a_backup_made_under_load_brings_back_all_that_was_acknowledged_before_it() {
    let place = tempfile::tempdir().unwrap();
    let config = config(&place.path().join("script.json"));
    let file = place.path().join("backup.tar");
    let mut dice = Dice::seeded("IBID_BACKUP_SEED");
    let mut server = Server::with_config(&config).await;
    settle_in(&server).await;
    let before = Ledger::default();
    // What is acknowledged before, and then a backup while other things go on.
    let halt = async |server: &Server, ms| {
        tokio::time::sleep(std::time::Duration::from_millis(ms)).await;
        let pid = rustix::process::Pid::from_raw(i32::try_from(server.pid()).unwrap()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    };
    futures::future::join(load(&server, &before, 4, &mut dice), halt(&server, 1_500)).await;
    server.restart().await;
    check(&server, &before, Seen::IsKept, true).await;
    let during = Ledger::default();
    let backup = async {
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        let (data, file) = (server.data.path().to_owned(), file.clone());
        let made = move || ibid(&data, &["backup", file.to_str().unwrap()]);
        let output = tokio::task::spawn_blocking(made).await.unwrap();
        assert!(output.status.success(), "{}", said(&output));
        halt(&server, 300).await;
    };
    futures::future::join(load(&server, &during, 8, &mut dice), backup).await;

    let copy = restored(&file, &config).await;
    check(&copy, &before, Seen::IsKept, true).await;
    // Of what went on meanwhile each thing is there or not, but nothing is there by half.
    let documents = copy.get("/api/documents?limit=500").await;
    for document in documents["items"].as_array().unwrap() {
        let settled = copy.settled(document["id"].as_str().unwrap()).await;
        assert_eq!(settled["status"], "ready", "{settled}");
    }
    let sessions = copy.get("/api/chat/sessions?limit=500").await;
    for session in sessions["items"].as_array().unwrap() {
        let history = copy.get(&format!("/api/chat/sessions/{}", session["id"].as_str().unwrap())).await;
        assert_eq!(history["messages"].as_array().unwrap().len(), history["message_count"], "{history}");
    }
    let num = during.lock().documents.values().filter(|kept| kept.fate == Fate::Alive).count();
    println!("backed up while {num} documents came in");
}

#[tokio::test]
async fn a_backup_that_is_not_whole_or_not_ours_restores_nothing_and_says_why() {
    let place = tempfile::tempdir().unwrap();
    let server = Server::start().await;
    server.add("gates.md", "# Gates\n\nThe Halden gate was raised in 1953.").await;
    let file = place.path().join("whole.tar");
    let output = ibid(server.data.path(), &["backup", file.to_str().unwrap()]);
    assert!(output.status.success(), "{}", said(&output));
    let again = ibid(server.data.path(), &["backup", file.to_str().unwrap()]);
    assert!(!again.status.success() && said(&again).contains("is there already"), "{}", said(&again));

    let whole = std::fs::read(&file).unwrap();
    let text = b"The Halden gate";
    let at = whole.windows(text.len()).position(|bytes| bytes == text).unwrap();
    let mut altered = whole.clone();
    altered[at] ^= 1;
    let newer = String::from_utf8_lossy(&whole[512..600]).find("\"format\":1").unwrap() + 512 + 9;
    let mut from_the_future = whole.clone();
    from_the_future[newer] = b'7';
    for (name, bytes, words) in [
        ("short", &whole[..whole.len() / 2], "nothing was restored"),
        ("without its end", &whole[..whole.len() - 2048], "nothing was restored"),
        ("altered", &altered[..], "is not what it was"),
        ("newer", &from_the_future[..], "newer ibid (format 7"),
        ("strange", &b"not a tar file at all"[..], "nothing was restored"),
        ("empty", &b""[..], "nothing was restored"),
    ] {
        let bad = place.path().join("bad.tar");
        std::fs::write(&bad, bytes).unwrap();
        let folder = place.path().join("into");
        let output = ibid(&folder, &["restore", bad.to_str().unwrap(), folder.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(65), "{name}: {}", said(&output));
        assert!(said(&output).contains(words), "{name}: {}", said(&output));
        assert!(!folder.exists(), "{name}");
    }
    let taken = ibid(place.path(), &["restore", file.to_str().unwrap(), place.path().to_str().unwrap()]);
    assert!(said(&taken).contains("is there already"), "{}", said(&taken));
}

#[tokio::test]
async fn a_folder_of_a_newer_format_is_refused_and_left_as_it_is() {
    let mut server = Server::start().await;
    let data = server.data.path().to_owned();
    server.kill();
    assert_eq!(std::fs::read_to_string(data.join("format")).unwrap(), "1\n");
    std::fs::write(data.join("format"), "2\n").unwrap();
    let refused = ibid(&data, &["documents"]);
    assert_eq!(refused.status.code(), Some(65), "{}", said(&refused));
    assert!(said(&refused).contains("written by a newer ibid (format 2"), "{}", said(&refused));
    std::fs::remove_file(data.join("format")).unwrap();
    let noted = ibid(&data, &["documents"]);
    assert!(noted.status.success(), "a folder from before formats were noted opens: {}", said(&noted));
    assert_eq!(std::fs::read_to_string(data.join("format")).unwrap(), "1\n");
}

/// Data folders as they were once, each with what was in it: `NAME.zip` and `NAME.json`.
const FORMATS: &str = "tests/crash/formats";

#[tokio::test]
async fn data_folders_of_every_format_so_far_open_with_all_they_held() {
    let formats = Path::new(env!("CARGO_MANIFEST_DIR")).join(FORMATS);
    let mut num = 0;
    for entry in std::fs::read_dir(formats).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "zip") {
            continue;
        }
        num += 1;
        assert!(path.metadata().unwrap().len() < 200_000, "{}", path.display());
        let held: Value =
            serde_json::from_slice(&std::fs::read(path.with_extension("json")).unwrap()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let mut archive = zip::ZipArchive::new(std::fs::File::open(&path).unwrap()).unwrap();
        archive.extract(folder.path()).unwrap();
        let server = Server::in_folder(folder, "").await;
        assert_eq!(contents(&server).await, held, "{}", path.display());
    }
    assert!(num > 0);
}

/// What readers get of all there is.
async fn contents(server: &Server) -> Value {
    crate::support::eventually("the index is whole", async || {
        (server.get("/readyz").await["status"] == "ready").then_some(())
    })
    .await;
    let mut documents = Vec::new();
    for document in server.get("/api/documents?limit=500&superseded=true").await["items"].as_array().unwrap()
    {
        let id = document["id"].as_str().unwrap();
        let found = server.get(&format!("/api/search?q=Halden gate&document_ids={id}")).await;
        let text = &found["hits"][0]["text"];
        documents.push(json!({"document": document, "text": server.text(id).await, "found": text}));
    }
    let mut sessions = Vec::new();
    for session in server.get("/api/chat/sessions?limit=500").await["items"].as_array().unwrap() {
        let session = server.get(&format!("/api/chat/sessions/{}", session["id"].as_str().unwrap())).await;
        let mut messages = Vec::new();
        for message in session["messages"].as_array().unwrap() {
            let of = |name: &str| message[name].clone();
            messages.push(
                json!({"id": of("id"), "role": of("role"), "content": of("content"), "status": of("status")}),
            );
            if message["role"] == "assistant" {
                let events =
                    server.events(session["id"].as_str().unwrap(), message["id"].as_str().unwrap(), 0).await;
                assert_eq!(answer(&events), message["content"].as_str().unwrap());
                messages.push(json!({"quotes": citations(&events).iter().map(|one| one["quote"].clone()).collect::<Vec<_>>()}));
            }
        }
        sessions.push(json!({"id": session["id"], "title": session["title"], "messages": messages}));
    }
    json!({"documents": documents, "sessions": sessions})
}

/// Makes the folder of today's format, for the tests of tomorrow. Run it once for each new format:
/// `cargo test --test crash -- --ignored the_folder_of_this_format_is_made`.
#[tokio::test]
#[ignore = "writes into the repository"]
async fn the_folder_of_this_format_is_made() {
    let mut server = Server::start().await;
    server.add("gates.md", "# Gates\n\nThe Halden gate was raised in 1951.").await;
    server.add("gates.md", "# Gates\n\nThe Halden gate was raised in 1953 by the water board.").await;
    let session = server.session().await;
    server.ask(&session, json!({"content": "When was the Halden gate raised?"})).await;
    let deep = json!({"content": "Who raised the Halden gate, and when?", "mode": "deep_research"});
    server.ask(&session, deep).await;
    let held = contents(&server).await;
    let pid = rustix::process::Pid::from_raw(i32::try_from(server.pid()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    server.exit().await;
    let formats = Path::new(env!("CARGO_MANIFEST_DIR")).join(FORMATS);
    std::fs::create_dir_all(&formats).unwrap();
    let format = std::fs::read_to_string(server.data.path().join("format")).unwrap();
    let name = formats.join(format!("{}.zip", format.trim()));
    std::fs::write(name.with_extension("json"), serde_json::to_vec_pretty(&held).unwrap()).unwrap();
    let mut archive = zip::ZipWriter::new(std::fs::File::create(name).unwrap());
    pack(&mut archive, server.data.path(), server.data.path());
    archive.finish().unwrap();
}

/// Everything but what is only of the moment, or can be made anew.
fn pack(archive: &mut zip::ZipWriter<std::fs::File>, root: &Path, folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.strip_prefix(root).unwrap().to_str().unwrap();
        if ["reserve", "index", "lock", "test.toml"].contains(&name) {
            continue;
        }
        if path.is_dir() {
            pack(archive, root, &path);
            continue;
        }
        let mut bytes = Vec::new();
        std::fs::File::open(&path).unwrap().read_to_end(&mut bytes).unwrap();
        archive.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        std::io::Write::write_all(archive, &bytes).unwrap();
    }
}
