//! What ibid adds between a model and its reader, beside relays that do less, in the same run: time
//! to the first word, the way of each word, processor time a word, memory a slow answer, and how soon
//! a call to the model ends when its reader has left. The model and the readers are in this process,
//! on one processor core; each server is a process of its own, on the other.
//!
//! `cargo bench --bench relay` takes about a minute and a half. Sizes can be set: `IBID_BENCH_ROUNDS`
//! (3; the medians are told), `IBID_BENCH_STREAMS` (256 answers at a time), `IBID_BENCH_IDLE` (1000
//! slow answers; what the limit on open files allows).

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench that can't go on should stop there")]

mod model;
mod readers;
mod yardstick;

#[path = "../beside/mod.rs"]
mod beside;
#[path = "../../tests/support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use beside::Beside;
use futures::future::join;
use model::{Manner, Model};
use readers::{Ask, Read, read};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use serde_json::json;
use support::Server;
use tokio::runtime::Builder;
use tokio::time::sleep;

/// Files a process holds that are none of its streams'.
const OTHER_FILES: usize = 1200;
/// Connections that are left over at least for stopping answers.
const MIN_STOPS: usize = 256;
/// Answers that are stopped at once, each by a connection of its own.
const MAX_STOPS: usize = 1000;

/// Says what this process is to be; the bench itself if it is not set.
const ROLE: &str = "IBID_BENCH_ROLE";

fn main() {
    raise_files();
    match std::env::var(ROLE).ok().as_deref() {
        Some(role) => yardstick::serve(role),
        // `cargo test` runs benches to see that they can be run.
        None if std::env::args().any(|argument| argument == "--test") => {}
        None => bench(),
    }
}

fn setting(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Everything that answers, by name.
struct Bench {
    asks: Vec<(&'static str, Ask)>,
    model: Model,
    server: Server,
    rounds: usize,
}

fn bench() {
    let cores = sched_getaffinity(None).unwrap();
    let mut cores = (0..CpuSet::MAX_CPU).filter(|core| cores.is_set(*core));
    let pair = cores.next().zip(cores.next());
    // Threads and processes begin where the one that starts them is.
    let stand = |core: Option<usize>| {
        let mut set = CpuSet::new();
        core.into_iter().for_each(|core| set.set(core));
        if core.is_some() {
            sched_setaffinity(None, &set).unwrap();
        }
    };
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    stand(pair.map(|(_, second)| second));
    let model = Model::start();
    stand(pair.map(|(first, _)| first));
    let relays = ["bare relay", "durable relay"].map(|role| (role, Beside::start(ROLE, role, &[&model.url])));
    let config = format!(
        "[ask]\ncache_s = 0\n\n[[models]]\nname = \"m\"\nprovider = \"openai\"\nmodel = \"m\"\nbase_url = \"{}\"\n\n\
         [models.timeouts]\nidle_s = 600.0\n",
        model.url
    );
    // One for each way to ask: what slow answers leave behind would hide what the next ones take.
    let [chat, server] = std::array::from_fn(|_| {
        let server = runtime.block_on(Server::with_config(&config));
        runtime.block_on(server.upload_library());
        server
    });
    stand(pair.map(|(_, second)| second));

    let mut asks = vec![("the model itself", Ask::chat(format!("{}/chat/completions", model.url), None))];
    for (role, relay) in &relays {
        asks.push((role, Ask::chat(format!("{}/chat", relay.url), Some(relay.child.id()))));
    }
    asks.push(("ibid, /v1", Ask::chat(format!("{}/v1/chat/completions", chat.url), Some(chat.pid()))));
    asks.push(("ibid, stored", Ask::stored(&server)));
    let bench = Bench { asks, model, server, rounds: setting("IBID_BENCH_ROUNDS", 3).max(1) };
    runtime.block_on(bench.run());
}

impl Bench {
    async fn run(&self) {
        println!("release binary: {:.1} MB", size_of_binary() as f64 / 1e6);
        let streams = setting("IBID_BENCH_STREAMS", 256);
        let sometimes = Duration::from_millis(20);
        self.first_words("one answer after the other", 1, 100, Manner { words: 5, pause: Duration::ZERO })
            .await;
        self.first_words("32 at a time, a word every 20 ms", 32, 192, Manner { words: 50, pause: sometimes })
            .await;
        let many = format!("{streams} at a time, a word every 20 ms");
        self.first_words(&many, streams, 3 * streams, Manner { words: 100, pause: sometimes }).await;
        self.bursts().await;
        self.slow().await;
    }

    /// Asks as many as that at a time, so many in all, and reads each answer.
    async fn ask_all(&self, ask: &Ask, at_once: usize, total: usize, manner: Manner) -> Read {
        self.model.set(manner);
        let places = ask.prepare(&self.server, total).await;
        read(ask, places, at_once, manner).await
    }

    /// Prints what is added to the time to the first word, and how long each word is on its way.
    async fn first_words(&self, title: &str, at_once: usize, total: usize, manner: Manner) {
        println!(
            "\n{title}\n{:18}{:>14}{:>9}{:>16}{:>9}",
            "", "first ms p50", "p99", "on the way p50", "p99"
        );
        let mut figures = vec![Vec::new(); self.asks.len()];
        for _ in 0..self.rounds {
            let mut direct = (0.0, 0.0);
            for (at, (_, ask)) in self.asks.iter().enumerate() {
                let read = self.ask_all(ask, at_once, total, manner).await;
                let (p50, p99) = (quantile(&read.first, 0.5), quantile(&read.first, 0.99));
                if at == 0 {
                    direct = (p50, p99);
                }
                let way = (quantile(&read.on_the_way, 0.5), quantile(&read.on_the_way, 0.99));
                figures[at].push([p50 - direct.0, p99 - direct.1, way.0, way.1]);
            }
        }
        for ((name, _), rounds) in self.asks.iter().zip(&figures).skip(1) {
            let [p50, p99, way50, way99] = medians(rounds);
            println!("{name:18}{p50:>+14.2}{p99:>+9.2}{way50:>16.3}{way99:>9.3}");
        }
    }

    /// Prints what a word costs when words come as fast as they can.
    async fn bursts(&self) {
        println!(
            "\n32 at a time, without pauses\n{:18}{:>14}{:>12}{:>10}",
            "", "CPU us a word", "words/s", "share"
        );
        let manner = Manner { words: 1000, pause: Duration::ZERO };
        let mut figures = vec![Vec::new(); self.asks.len()];
        for _ in 0..self.rounds {
            let mut direct = 1.0;
            for (at, (_, ask)) in self.asks.iter().enumerate() {
                let before = ask.pid.map_or(0.0, cpu_s);
                let read = self.ask_all(ask, 32, 96, manner).await;
                let words = read.words as f64;
                let rate = words / read.took.as_secs_f64();
                if at == 0 {
                    direct = rate;
                }
                let cpu = ask.pid.map_or(0.0, cpu_s) - before;
                figures[at].push([cpu * 1e6 / words, rate, rate / direct]);
            }
        }
        for ((name, _), rounds) in self.asks.iter().zip(&figures) {
            let [cpu, rate, share] = medians(rounds);
            println!("{name:18}{cpu:>14.1}{rate:>12.0}{share:>10.2}");
        }
    }

    /// Prints what slow answers hold, and how soon the model is left alone when their readers leave.
    async fn slow(&self) {
        let Rlimit { current, .. } = getrlimit(Resource::Nofile);
        let files = current.map_or(usize::MAX, |files| usize::try_from(files).unwrap_or(usize::MAX));
        // This process holds an end of what it asks and the far end of every call, the server the others.
        let connections = files.saturating_sub(OTHER_FILES) / 2;
        let number = setting("IBID_BENCH_IDLE", 1000).min(connections.saturating_sub(MIN_STOPS));
        let stops = connections.saturating_sub(number).clamp(1, MAX_STOPS);
        println!("\n{number} slow answers\n{:18}{:>14}{:>22}", "", "KiB each", "left alone after ms");
        self.model.set(Manner { words: 100_000, pause: Duration::from_secs(1) });
        for (name, ask) in self.asks.iter().skip(1) {
            let Some(pid) = ask.pid else { continue };
            let places = ask.prepare(&self.server, number).await;
            let before = rss_kib(pid);
            let held = readers::hold(ask, places).await;
            sleep(Duration::from_secs(3)).await;
            let each = (rss_kib(pid) as f64 - before as f64) / number as f64;
            let begun = Instant::now();
            let alone = async {
                while self.model.num_calls() > 0 && begun.elapsed() < Duration::from_secs(20) {
                    sleep(Duration::from_millis(1)).await;
                }
                begun.elapsed()
            };
            let (alone, ()) = join(alone, held.leave(stops)).await;
            println!("{name:18}{each:>14.1}{:>22.0}", alone.as_secs_f64() * 1e3);
        }
    }
}

fn raise_files() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).unwrap();
}

fn size_of_binary() -> u64 {
    std::fs::metadata(env!("CARGO_BIN_EXE_ibid")).unwrap().len()
}

/// Processor time of a process so far, in seconds.
fn cpu_s(pid: u32) -> f64 {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let of_task = |task: std::io::Result<std::fs::DirEntry>| -> Option<u64> {
        let text = std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse().ok()
    };
    tasks.filter_map(of_task).sum::<u64>() as f64 / 1e9
}

fn rss_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// In milliseconds.
fn quantile(times: &[Duration], share: f64) -> f64 {
    let mut times = times.to_vec();
    times.sort_unstable();
    let at = ((times.len() as f64 * share) as usize).min(times.len().saturating_sub(1));
    times.get(at).map_or(0.0, |time| time.as_secs_f64() * 1e3)
}

fn medians<const N: usize>(rounds: &[[f64; N]]) -> [f64; N] {
    std::array::from_fn(|at| {
        let mut column: Vec<f64> = rounds.iter().map(|round| round[at]).collect();
        column.sort_unstable_by(f64::total_cmp);
        column[column.len() / 2]
    })
}

/// A question that finds something in the sample library; no two are the same.
fn question(number: usize) -> String {
    format!("How fast did the mud rise, asked for the {number}th time?")
}

/// A question as chat completions have it.
fn chat(number: usize) -> serde_json::Value {
    json!({"model": "m", "stream": true, "messages": [{"role": "user", "content": question(number)}]})
}
