//! What a library costs: how soon a server that is started on it is ready and answers, and what it holds
//! in memory, beside an empty one; and how fast text comes in and how long a search takes, beside plain
//! tantivy behind the same web framework. All in the same run, all through HTTP.
//!
//! `IBID_BENCH_PASSAGES` (10,000) says how large it is, `IBID_BENCH_ROUNDS` (5; the medians are told)
//! how often the server is started.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench that can't go on should stop there")]

mod plain;

#[path = "../beside/mod.rs"]
mod beside;
#[path = "../../tests/support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use plain::Plain;
use serde_json::json;
use support::Server;
use tokio::runtime::Runtime;
use tokio::time::sleep;

const PASSAGES_OF_DOCUMENT: usize = 100;
/// Documents sent at once.
const AT_ONCE: usize = 20;
const NUM_QUESTIONS: usize = 200;
/// How long a server is left alone before its memory is read.
const REST: Duration = Duration::from_secs(8);
/// Different words there are.
const VOCABULARY: f64 = 40_000.0;

fn main() {
    if std::env::var_os(plain::FOLDER).is_some() {
        plain::serve();
    // `cargo test` runs benches to see that they can be run.
    } else if !std::env::args().any(|argument| argument == "--test") {
        Runtime::new().unwrap().block_on(bench());
    }
}

fn setting(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Draws words that are as unevenly common as those of a language: by Zipf's law, the n-th most common
/// one comes up one n-th as often as the first.
struct Dice(u64);

impl Dice {
    fn word(&mut self) -> String {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let dice = (self.0 >> 33) as f64 / f64::from(1_u32 << 31);
        let mut rank = VOCABULARY.powf(dice) as usize + 8;
        let mut word = String::new();
        while rank > 0 {
            word += ["ka", "to", "mi", "re", "su", "no", "la", "be"][rank % 8];
            rank /= 8;
        }
        word
    }

    fn words(&mut self, num: usize) -> String {
        (0..num).map(|_| self.word()).collect::<Vec<_>>().join(" ")
    }
}

/// A document of about [`PASSAGES_OF_DOCUMENT`] passages.
fn document(number: usize) -> String {
    let mut dice = Dice(number as u64 + 1);
    let sentences = (0..1_150).map(|_| format!("The {}.\n", dice.words(12)));
    format!("# Report {number}\n\n{}", sentences.collect::<String>())
}

/// Questions of four to nine words.
fn questions() -> Vec<String> {
    let mut dice = Dice(7_777_777);
    (0..NUM_QUESTIONS).map(|number| format!("What does the {} say?", dice.words(1 + number % 6))).collect()
}

async fn bench() {
    let (num_passages, rounds) = (setting("IBID_BENCH_PASSAGES", 10_000), setting("IBID_BENCH_ROUNDS", 5));
    let mut server = Server::start().await;
    println!("{:>10} {:>12} {:>14} {:>10}", "passages", "ready (ms)", "answered (ms)", "RSS (MiB)");
    row(&mut server, rounds).await;

    let files: Vec<(String, Vec<u8>)> = (0..num_passages.div_ceil(PASSAGES_OF_DOCUMENT))
        .map(|number| (format!("{number}.md"), document(number).into_bytes()))
        .collect();
    let plain = Plain::start();
    let begun = Instant::now();
    for some in files.chunks(AT_ONCE) {
        plain.add(some).await;
    }
    let theirs = begun.elapsed();
    let begun = Instant::now();
    let mut sent = Vec::new();
    for some in files.chunks(AT_ONCE) {
        let accepted = server.upload_all(some.to_vec(), None).await;
        sent.extend(accepted["documents"].as_array().unwrap().clone());
    }
    for document in sent {
        server.settled(document["id"].as_str().unwrap()).await;
    }
    let ours = begun.elapsed();
    sleep(REST).await;
    row(&mut server, rounds).await;

    let bytes: usize = files.iter().map(|(_, text)| text.len()).sum();
    let (num, mib) = (passages(&server).await, bytes as f64 / f64::from(1_u32 << 20));
    println!("\n{num} passages, {mib:.0} MiB");
    println!("{:14}{:>8}{:>17}{:>8}", "", "MiB/s", "search ms, p50", "p95");
    let searched = search(&server, &plain, rounds).await;
    for ((name, took), [p50, p95]) in [("ibid", ours), ("plain tantivy", theirs)].into_iter().zip(searched) {
        println!("{name:14}{:>8.1}{p50:>17.2}{p95:>8.2}", mib / took.as_secs_f64());
    }
}

/// How long searches take on both, in milliseconds, half of them and all but one in twenty.
async fn search(server: &Server, plain: &Plain, rounds: usize) -> [[f64; 2]; 2] {
    let mut took = [const { Vec::<f64>::new() }; 2];
    for _ in 0..rounds {
        for question in questions() {
            let begun = Instant::now();
            let found = plain.search(&question).await;
            took[1].push(begun.elapsed().as_secs_f64() * 1e3);
            let begun = Instant::now();
            let also = server.get(&format!("/api/search?limit={}&q={question}", plain::HITS)).await;
            took[0].push(begun.elapsed().as_secs_f64() * 1e3);
            for hits in [&found["hits"], &also["hits"]] {
                assert!(!hits.as_array().unwrap().is_empty(), "nothing was found: {question}");
            }
        }
    }
    took.map(|mut took| {
        took.sort_unstable_by(f64::total_cmp);
        [took.len() / 2, took.len() * 19 / 20].map(|at| took[at])
    })
}

/// Starts the server some times on what it has.
async fn row(server: &mut Server, rounds: usize) {
    let [mut ready, mut answered, mut resident] = [const { Vec::<f64>::new() }; 3];
    for _ in 0..rounds {
        server.kill();
        let begun = Instant::now();
        server.start_again().await;
        while server.get("/readyz").await["status"] != "ready" {
            sleep(Duration::from_millis(1)).await;
        }
        ready.push(begun.elapsed().as_secs_f64() * 1e3);
        let begun = Instant::now();
        let session = server.session().await;
        server.ask(&session, json!({"content": "What does the report say of kato?"})).await;
        answered.push(begun.elapsed().as_secs_f64() * 1e3);
        sleep(REST).await;
        resident.push(resident_mib(server));
    }
    let num = passages(server).await;
    let [ready, answered, resident] = [ready, answered, resident].map(median);
    println!("{num:>10} {ready:>12.0} {answered:>14.0} {resident:>10.0}");
}

async fn passages(server: &Server) -> usize {
    let metrics = server.send(reqwest::Method::GET, "/metrics", None).await.text().await.unwrap();
    let line = metrics.lines().find_map(|line| line.strip_prefix("ibid_index_passages "));
    line.unwrap().parse().unwrap()
}

fn resident_mib(server: &Server) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_unstable_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}
