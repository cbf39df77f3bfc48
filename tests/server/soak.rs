//! A long day: people upload, ask, leave, cancel, search, rename and delete without end, and what the
//! server takes stays what it was. A usual run lasts seconds and only sees that all of it works and
//! nothing runs away; `IBID_SOAK_S` gives a longer one, from an hour on with slopes, and
//! `IBID_SOAK_SEED` the same acts again. `IBID_SOAK_PAUSE_MS` is the rest between two acts.

use std::path::Path;
use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::support::dice::Dice;
use crate::support::{Server, eventually, frames};

/// Length of a usual run, and the rest between two acts of a person in it.
const USUAL_S: u64 = 20;
const USUAL_PAUSE_MS: u64 = 10;
/// From this long on the run is told by slopes.
const SLOPES_FROM_S: u64 = 3600;
/// People at work at the same time.
const NUM_PEOPLE: u64 = 3;
/// What one of them keeps; more is deleted, the oldest first.
const NUM_DOCUMENTS: usize = 12;
const NUM_SESSIONS: usize = 6;
/// Sentences of a document, about 100 KB.
const NUM_SENTENCES: u64 = 1_500;
/// How often a name is written over in one act.
const NUM_RENAMES: u64 = 100;

const MIB: u64 = 1 << 20;
/// Held back in every data folder, see `space`.
const RESERVE_BYTES: u64 = 16 * MIB;
/// What a folder takes before anything is in it, and what is being merged or written anew.
const FLOOR_BYTES: u64 = 8 * MIB;
/// What a run too short for slopes may add from its middle to its end.
const ALLOWANCE_BYTES: u64 = 96 * MIB;

/// How things stood at one moment.
struct Sample {
    at_s: f64,
    resident_bytes: u64,
    /// Of these, what is of no file: the rest are pages of the program and of the index.
    own_bytes: u64,
    num_open_files: u64,
    folder_bytes: u64,
}

/// Someone at work, with what they keep.
struct Person<'a> {
    server: &'a Server,
    who: u64,
    dice: Dice,
    num_acts: u64,
    num_renames: u64,
    documents: Vec<String>,
    /// The newest version of the one document that is written again and again.
    log: Option<String>,
    sessions: Vec<String>,
}

#[tokio::test]
async fn a_server_in_constant_use_takes_no_more_memory_files_or_disk_than_before() {
    let seconds = number("IBID_SOAK_S", USUAL_S);
    let pause = Duration::from_millis(number("IBID_SOAK_PAUSE_MS", USUAL_PAUSE_MS));
    let mut dice = Dice::seeded("IBID_SOAK_SEED");
    // What is kept for a time on purpose is kept for less here, so that it comes and goes.
    let server = Server::scripted(&rules(), "[ask]\ncache_s = 30\n").await;
    eventually("the server rests", async || (num_open_files(&server) > 0).then_some(())).await;
    let at_first = num_open_files(&server);

    let begun = Instant::now();
    let until = begun + Duration::from_secs(seconds);
    let people = (0..NUM_PEOPLE).map(|who| Person::new(&server, who, dice.fork()).work(until, pause));
    let (people, (samples, live_bytes)) =
        futures::join!(futures::future::join_all(people), watch(&server, begun, until));

    let acts: u64 = people.iter().map(|(acts, _)| acts).sum();
    let renames: u64 = people.iter().map(|(_, renames)| renames).sum();
    let told = judge(&samples, seconds);
    println!("{seconds} s, {acts} acts, {renames} names written over: {told}");
    let folder_bytes = folder_bytes(server.data.path());
    println!("data folder {} KiB, of which live {} KiB", folder_bytes / 1024, live_bytes / 1024);
    let allowed = 3 * live_bytes + RESERVE_BYTES + FLOOR_BYTES;
    assert!(folder_bytes <= allowed, "the data folder has {folder_bytes} bytes, for {live_bytes} that live");
    eventually("open files are as many as at first", async || {
        (num_open_files(&server) <= at_first + 4).then_some(())
    })
    .await;
}

/// Samples until the end; then also how much of the folder is in use, which is what a backup of it takes.
async fn watch(server: &Server, begun: Instant, until: Instant) -> (Vec<Sample>, u64) {
    let every = (until - begun) / 200;
    let mut samples = Vec::new();
    while Instant::now() < until {
        sleep(every).await;
        let sample = Sample {
            at_s: begun.elapsed().as_secs_f64(),
            resident_bytes: memory_bytes(server, "VmRSS:"),
            own_bytes: memory_bytes(server, "RssAnon:"),
            num_open_files: num_open_files(server),
            folder_bytes: folder_bytes(server.data.path()),
        };
        println!(
            "{:.0} s: {} KiB resident, {} of them its own, {} open files, {} KiB on disk",
            sample.at_s,
            sample.resident_bytes / 1024,
            sample.own_bytes / 1024,
            sample.num_open_files,
            sample.folder_bytes / 1024
        );
        samples.push(sample);
    }
    let backup = server.send(Method::GET, "/api/backup", None).await;
    assert_eq!(backup.status(), StatusCode::OK);
    (samples, backup.bytes().await.unwrap().len() as u64)
}

/// Compares the middle third with the last one, or takes the slope over both if they are long enough.
fn judge(samples: &[Sample], seconds: u64) -> String {
    let settled = &samples[samples.len() / 3..];
    let (middle, last) = settled.split_at(settled.len() / 2);
    let median = |samples: &[Sample], of: fn(&Sample) -> u64| {
        let mut values: Vec<u64> = samples.iter().map(of).collect();
        values.sort_unstable();
        values[values.len() / 2]
    };
    let files = |samples| median(samples, |sample| sample.num_open_files);
    let memory = |samples| median(samples, |sample| sample.resident_bytes);
    let disk = |samples| median(samples, |sample| sample.folder_bytes);
    let slope = slope(settled) * 3600.0 / 1024.0;
    let told = format!(
        "open files {} then {}, memory {} then {} KiB ({slope:+.0} KiB an hour), disk {} then {} KiB",
        files(middle),
        files(last),
        memory(middle) / 1024,
        memory(last) / 1024,
        disk(middle) / 1024,
        disk(last) / 1024,
    );
    assert!(files(last) <= files(middle) + 8, "{told}");
    assert!(memory(last) <= memory(middle) + ALLOWANCE_BYTES, "{told}");
    assert!(seconds < SLOPES_FROM_S || slope <= 1024.0, "{told}");
    told
}

/// Growth of the memory in bytes a second, by least squares.
#[expect(clippy::cast_precision_loss, reason = "no memory is so large")]
fn slope(samples: &[Sample]) -> f64 {
    let num = samples.len() as f64;
    let mean = |of: &dyn Fn(&Sample) -> f64| samples.iter().map(of).sum::<f64>() / num;
    let at = mean(&|sample| sample.at_s);
    let bytes = mean(&|sample| sample.resident_bytes as f64);
    let common = mean(&|sample| (sample.at_s - at) * (sample.resident_bytes as f64 - bytes));
    common / mean(&|sample| (sample.at_s - at).powi(2)).max(f64::MIN_POSITIVE)
}

impl<'a> Person<'a> {
    fn new(server: &'a Server, who: u64, dice: Dice) -> Self {
        let (documents, sessions) = (Vec::new(), Vec::new());
        Self { server, who, dice, num_acts: 0, num_renames: 0, documents, log: None, sessions }
    }

    /// Acts until the time is up; gives the number of acts and of names written over.
    async fn work(mut self, until: Instant, pause: Duration) -> (u64, u64) {
        self.upload().await;
        while Instant::now() < until {
            match self.dice.below(16) {
                0 => self.upload().await,
                1 => self.write_again().await,
                2 => self.research().await,
                3..6 => self.search().await,
                6..8 => self.rename().await,
                8 => self.open_session().await,
                9..11 => self.leave().await,
                11..13 => self.cancel().await,
                _ => self.ask().await,
            }
            self.num_acts += 1;
            sleep(pause).await;
        }
        (self.num_acts, self.num_renames)
    }

    async fn upload(&mut self) {
        let name = format!("{}-{}.md", self.who, self.num_acts);
        let document = self.server.add(&name, self.text()).await;
        assert_eq!(document["status"], "ready", "{document}");
        self.documents.push(document["id"].as_str().unwrap().to_owned());
        if self.documents.len() > NUM_DOCUMENTS {
            let oldest = self.documents.remove(0);
            self.delete(&format!("/api/documents/{oldest}")).await;
        }
    }

    /// A new version of the same name; the one before it goes.
    async fn write_again(&mut self) {
        let document = self.server.add(&format!("log-{}.md", self.who), self.text()).await;
        let id = document["id"].as_str().unwrap().to_owned();
        if let Some(older) = self.log.replace(id) {
            self.delete(&format!("/api/documents/{older}")).await;
        }
    }

    async fn search(&mut self) {
        let word = self.word();
        self.server.get(&format!("/api/search?q={word}")).await;
        self.server.get(&format!("/api/history?q={word}")).await;
    }

    async fn rename(&mut self) {
        let session = self.session().await;
        for number in 0..NUM_RENAMES {
            let title = format!("{} {number}", self.word());
            let path = format!("/api/chat/sessions/{session}");
            self.server.json(Method::PATCH, &path, Some(json!({"title": title}))).await;
            self.num_renames += 1;
        }
    }

    async fn open_session(&mut self) {
        self.sessions.push(self.server.session().await);
        if self.sessions.len() > NUM_SESSIONS {
            let oldest = self.sessions.remove(0);
            self.delete(&format!("/api/chat/sessions/{oldest}")).await;
        }
    }

    /// Asks, reads to the end, says what it was worth and reads it again.
    async fn ask(&mut self) {
        let session = self.session().await;
        let question = self.question();
        let read = self.server.ask(&session, json!({"content": question})).await;
        assert_eq!(read.last().unwrap().event, "done", "{read:?}");
        let message = read[0].data["message_id"].as_str().unwrap();
        let path = format!("/api/chat/sessions/{session}/messages/{message}/reaction");
        self.server.json(Method::PUT, &path, Some(json!({"reaction": "like"}))).await;
        assert_eq!(self.server.events(&session, message, 1).await, read[1..]);
    }

    async fn research(&mut self) {
        let session = self.session().await;
        let question = json!({"content": self.question(), "mode": "deep_research"});
        let read = self.server.ask(&session, question).await;
        assert_eq!(read.last().unwrap().event, "done", "{read:?}");
    }

    async fn leave(&mut self) {
        let session = self.session().await;
        let question = json!({"content": self.question()});
        self.server.begin(&session, question).await;
    }

    async fn cancel(&mut self) {
        let session = self.session().await;
        let path = format!("/api/chat/sessions/{session}/messages");
        let question = json!({"content": self.question(), "cache": false});
        let mut response = self.server.send(Method::POST, &path, Some(question)).await;
        let mut stream = String::new();
        while !stream.contains("event: token") {
            stream.push_str(&String::from_utf8_lossy(&response.chunk().await.unwrap().unwrap()));
        }
        let message = frames(&stream[..stream.rfind("\n\n").unwrap()])[0].data["message_id"].clone();
        self.server.post(&format!("{path}/{}/cancel", message.as_str().unwrap()), json!({})).await;
        response.text().await.unwrap();
    }

    /// The session in use, which is the newest.
    async fn session(&mut self) -> String {
        if self.sessions.is_empty() {
            self.open_session().await;
        }
        self.sessions.last().unwrap().clone()
    }

    async fn delete(&self, path: &str) {
        assert_eq!(self.server.send(Method::DELETE, path, None).await.status(), StatusCode::NO_CONTENT);
    }

    fn question(&mut self) -> String {
        format!("What is known of {} and {}?", self.word(), self.word())
    }

    fn text(&mut self) -> String {
        let mut text = format!("# {}\n", self.word());
        for number in 0..NUM_SENTENCES {
            let words = [self.word(), self.word(), self.word()];
            text.push_str(&format!(
                "The keeper saw {} near {} and wrote down {}. ",
                words[0], words[1], words[2]
            ));
            if number % 8 == 7 {
                text.push_str("\n\n");
            }
        }
        text
    }

    /// One of some thousand words.
    fn word(&mut self) -> String {
        let mut syllable = || ["ma", "re", "lo", "tin", "sel", "dor", "ke", "bru"][self.dice.pick(8)];
        [syllable(), syllable(), syllable(), syllable()].concat()
    }
}

fn rules() -> Value {
    let plan = json!({"question": "What is known?", "questions": [
        {"text": "What did the keeper see?", "why": "the thing"},
        {"text": "What was written down?", "why": "the record"},
    ]});
    json!([
        {"when": ["You plan research"], "reply": plan.to_string(), "delay_ms": 1},
        {"when": ["You take notes"], "reply": "?", "delay_ms": 5},
        {"when": ["You look for gaps"], "reply": "{\"questions\": []}", "delay_ms": 5},
        {"when": ["You write one section"], "reply": "The passages tell of it [1].", "delay_ms": 5},
        {"reply": "The passages tell of it [1], and of more than that [2].", "delay_ms": 5},
    ])
}

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |number| number.parse().unwrap())
}

fn memory_bytes(server: &Server, kind: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status.lines().find(|line| line.starts_with(kind)).unwrap();
    let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib * 1024
}

fn num_open_files(server: &Server) -> u64 {
    std::fs::read_dir(format!("/proc/{}/fd", server.pid())).unwrap().count() as u64
}

/// What a folder takes on the disk. Files come and go meanwhile.
fn folder_bytes(folder: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let sizes = entries.flatten().map(|entry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => folder_bytes(&entry.path()),
        Ok(metadata) => metadata.blocks() * 512,
        Err(_) => 0,
    });
    sizes.sum()
}
