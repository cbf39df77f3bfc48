//! Bytes that change behind the server's back. Whatever is hit, there are three ways on: it does not
//! matter, the index is made anew, or the folder is refused with words that say what to do. No
//! panic, and no answer that was never given.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::dice::Dice;
use crate::support::{Server, client};

/// Alterations of a usual run; another number by `IBID_DAMAGES`.
const DAMAGES: u64 = 60;

/// How a start on an altered folder went.
#[derive(Debug, PartialEq)]
enum Outcome {
    Started,
    Refused(String),
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files(&path, found),
            false => found.push(path),
        }
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        match path.is_dir() {
            true => copy(&path, &target),
            false => drop(std::fs::copy(&path, &target).unwrap()),
        }
    }
}

/// Changes a file: a bit, a stretch of zeros, or its end is gone. Tells what was done.
fn alter(path: &Path, dice: &mut Dice) -> String {
    let mut bytes = std::fs::read(path).unwrap();
    // The store's file is mostly room; what is written is at its beginning.
    let written = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |at| at + 1);
    let at = usize::try_from(dice.below(written.max(1) as u64)).unwrap();
    let what = match dice.below(3) {
        0 if written > 0 => {
            bytes[at] ^= 1 << dice.below(8);
            format!("a bit at {at} of {written}")
        }
        1 => {
            let end = (at + 1 + usize::try_from(dice.below(512)).unwrap()).min(bytes.len());
            bytes[at..end].fill(0);
            format!("zeros at {at}..{end} of {written}")
        }
        _ => {
            bytes.truncate(at);
            format!("cut at {at} of {written}")
        }
    };
    std::fs::write(path, bytes).unwrap();
    what
}

#[tokio::test]
async fn damage_is_harmless_or_repaired_or_refused_with_words_that_help() {
    let num = std::env::var("IBID_DAMAGES").map_or(DAMAGES, |num| num.parse().unwrap());
    let mut dice = Dice::seeded("IBID_DAMAGE_SEED");
    let mut server = Server::start().await;
    for number in 0..6 {
        let text = format!("# Heron {number}\n\nHeron number {number} stands in the reeds of the Halden.");
        server.add(&format!("{number}.md"), text).await;
    }
    let session = server.session().await;
    server.ask(&session, json!({"content": "Where does heron number 3 stand?"})).await;
    server.ask(&session, json!({"content": "Which heron?", "mode": "deep_research"})).await;
    server.kill();

    let mut tally = std::collections::BTreeMap::new();
    for _ in 0..num {
        let place = tempfile::tempdir().unwrap();
        let data = place.path().join("data");
        copy(server.data.path(), &data);
        let mut all = Vec::new();
        files(&data, &mut all);
        all.retain(|path| !["test.toml", "lock", "reserve"].iter().any(|name| path.ends_with(name)));
        // Half of the time the store, which is one file among many.
        let stores: Vec<_> =
            all.iter().filter(|path| path.starts_with(data.join("store"))).cloned().collect();
        let among = if dice.below(2) == 0 { stores } else { all };
        let victim = &among[usize::try_from(dice.below(among.len() as u64)).unwrap()];
        let what = format!("{}: {}", victim.strip_prefix(&data).unwrap().display(), alter(victim, &mut dice));
        let outcome = start(&data, &session, &what).await;
        match &outcome {
            Outcome::Started => {}
            Outcome::Refused(words) => {
                assert!(words.contains("ibid restore FILE DIR"), "{what}: {words}");
                assert!(!words.contains("panicked"), "{what}: {words}");
            }
        }
        let kind = match outcome {
            Outcome::Started => "started",
            Outcome::Refused(_) => "refused",
        };
        let part = victim.strip_prefix(&data).unwrap().components().next().unwrap();
        *tally.entry((part.as_os_str().to_str().unwrap().to_owned(), kind)).or_insert(0) += 1;
    }
    println!("{num} alterations: {tally:?}");
}

/// Starts a server on a folder and asks it for all there is; every answer must be an answer.
async fn start(data: &Path, session: &str, what: &str) -> Outcome {
    let errors = data.join("errors");
    let mut child = Command::new(env!("CARGO_BIN_EXE_ibid"))
        .arg("--data")
        .arg(data)
        .args(["serve", "--quiet", "--listen", "127.0.0.1:0"])
        .stdout(Stdio::null())
        .stderr(std::fs::File::create(&errors).unwrap())
        .spawn()
        .unwrap();
    let begun = std::time::Instant::now();
    let url = loop {
        if let Some(status) = child.try_wait().unwrap() {
            assert_eq!(status.code(), Some(65), "{what}: {}", std::fs::read_to_string(&errors).unwrap());
            return Outcome::Refused(std::fs::read_to_string(errors).unwrap());
        }
        let note = std::fs::read(data.join("server.json")).unwrap_or_default();
        let note: Value = serde_json::from_slice(&note).unwrap_or_default();
        if note["pid"] == child.id() {
            break note["url"].as_str().unwrap().to_owned();
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "{what}: it hangs");
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    let get = async |path: String| {
        let response = client().request(Method::GET, format!("{url}{path}")).send().await.unwrap();
        let status = response.status();
        let body = response.text().await.unwrap();
        (status, body)
    };
    let (_, listed) = get("/api/documents?limit=500".to_owned()).await;
    let listed: Value = serde_json::from_str(&listed).unwrap_or_default();
    for document in listed["items"].as_array().into_iter().flatten() {
        for part in ["", "/text", "/content", "/passages/0"] {
            get(format!("/api/documents/{}{part}", document["id"].as_str().unwrap())).await;
        }
    }
    get("/api/search?q=heron".to_owned()).await;
    let (status, history) = get(format!("/api/chat/sessions/{session}")).await;
    if status.is_success() {
        let history: Value = serde_json::from_str(&history).unwrap();
        assert_eq!(history["messages"].as_array().map(Vec::len), Some(4), "{what}: {history}");
        assert_eq!(history["messages"][0]["content"], "Where does heron number 3 stand?", "{what}");
    } else {
        assert!(status.is_server_error(), "{what}: {status} {history}");
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let errors = std::fs::read_to_string(errors).unwrap();
    assert!(!errors.contains("panicked"), "{what}: {errors}");
    Outcome::Started
}
