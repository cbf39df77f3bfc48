//! What a library costs: how fast it comes in, how soon a server that is started on it is ready and
//! answers, how long a search takes, and what it holds in memory; beside an empty one, in the same run.
//!
//! `IBID_BENCH_PASSAGES` (10,000) says how large it is, `IBID_BENCH_ROUNDS` (5; the medians are told)
//! how often the server is started.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench that can't go on should stop there")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use serde_json::json;
use support::Server;
use tokio::runtime::Runtime;
use tokio::time::sleep;

/// Documents sent at once.
const AT_ONCE: usize = 20;
/// How long a server is left alone before its memory is read.
const REST: Duration = Duration::from_secs(8);
const WORDS: [&str; 24] = [
    "sluice",
    "marsh",
    "heron",
    "ledger",
    "harvest",
    "tide",
    "embankment",
    "survey",
    "pump",
    "archive",
    "reed",
    "ferry",
    "council",
    "drainage",
    "orchid",
    "gauge",
    "estuary",
    "plough",
    "budget",
    "otter",
    "flood",
    "canal",
    "meadow",
    "quarry",
];

fn main() {
    // `cargo test` runs benches to see that they can be run.
    if !std::env::args().any(|argument| argument == "--test") {
        Runtime::new().unwrap().block_on(bench());
    }
}

fn setting(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// A document of about a hundred passages, in words that are spread as those of a language are.
fn document(number: usize) -> String {
    let mut state = number as u64 + 1;
    let mut word = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let dice = (state >> 33) as f64 / f64::from(1_u32 << 31);
        // One in three words is common, the others are the rarer the longer their list gets.
        match dice {
            0.67.. => WORDS[(dice * 1e6) as usize % WORDS.len()].to_owned(),
            _ => format!("{}{}", WORDS[(dice * 1e5) as usize % WORDS.len()], (1.0 / (dice + 1e-4)) as usize),
        }
    };
    let mut text = format!("# Report {number}\n\n");
    for _ in 0..1_150 {
        let sentence: Vec<String> = (0..12).map(|_| word()).collect();
        text += &format!("The {}.\n", sentence.join(" "));
    }
    text
}

async fn bench() {
    let (num_passages, rounds) = (setting("IBID_BENCH_PASSAGES", 10_000), setting("IBID_BENCH_ROUNDS", 5));
    let mut server = Server::start().await;
    println!(
        "{:>10} {:>12} {:>14} {:>11} {:>10}",
        "passages", "ready (ms)", "answered (ms)", "search (ms)", "RSS (MiB)"
    );
    row(&mut server, rounds).await;

    let begun = Instant::now();
    let (mut number, mut bytes) = (0, 0);
    while passages(&server).await < num_passages {
        let files =
            (number..number + AT_ONCE).map(|number| (format!("{number}.md"), document(number).into_bytes()));
        let files: Vec<(String, Vec<u8>)> = files.collect();
        number += files.len();
        bytes += files.iter().map(|(_, bytes)| bytes.len()).sum::<usize>();
        let sent = server.upload_all(files, None).await;
        for document in sent["documents"].as_array().unwrap() {
            server.settled(document["id"].as_str().unwrap()).await;
        }
    }
    let seconds = begun.elapsed().as_secs_f64();
    let (num, mib) = (passages(&server).await, bytes as f64 / f64::from(1_u32 << 20));
    println!("{num} passages of {mib:.0} MiB in {seconds:.0} s, {:.1} MiB/s", mib / seconds);
    sleep(REST).await;
    row(&mut server, rounds).await;
}

/// Starts the server some times on what it has.
async fn row(server: &mut Server, rounds: usize) {
    let [mut ready, mut answered, mut searched, mut resident] = [const { Vec::<f64>::new() }; 4];
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
        server.ask(&session, json!({"content": "What did the survey of the embankment cost?"})).await;
        answered.push(begun.elapsed().as_secs_f64() * 1e3);
        sleep(REST).await;
        for word in WORDS {
            let begun = Instant::now();
            server.get(&format!("/api/search?limit=10&q={word}+of+the+council+archive")).await;
            searched.push(begun.elapsed().as_secs_f64() * 1e3);
        }
        resident.push(resident_mib(server));
    }
    let num = passages(server).await;
    let [ready, answered, searched, resident] = [ready, answered, searched, resident].map(median);
    println!("{num:>10} {ready:>12.0} {answered:>14.0} {searched:>11.1} {resident:>10.0}");
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
