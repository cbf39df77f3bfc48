//! What can be counted and measured of a running server, in the words of Prometheus. Labels come
//! from closed sets (routes, methods, modes, configured models); nothing a person wrote is among them.

mod process;

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry};
use tokio::task::spawn_blocking;

use crate::Error;
use crate::app::App;
use crate::event::{Event, FinishReason};
use crate::ingest::num_not_embedded;
use crate::session::Mode;

/// Bounds of the histograms of requests, in seconds.
const REQUEST_BUCKETS: [f64; 11] = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];
/// Bounds of the histograms of answers, in seconds: a research takes minutes.
const RUN_BUCKETS: [f64; 12] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0];

/// What is counted while it happens. The rest is read when someone asks, see [`text`].
pub struct Metrics {
    registry: Registry,
    requests: Family<Answered, Counter>,
    request_seconds: Family<Route, Histogram>,
    run_seconds: Family<Ended, Histogram>,
    first_token_seconds: Family<OfMode, Histogram>,
    /// Connections that are open.
    pub connections: Gauge,
    /// Connections that were not taken, since too many were open.
    pub connections_refused: Counter,
    /// Streams of events that are being read.
    pub streams: Gauge,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    method: &'static str,
    route: String,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    route: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    mode: &'static str,
    outcome: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfMode {
    mode: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfModel {
    model: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Failed {
    model: String,
    class: &'static str,
}

impl Metrics {
    /// Numbers that begin at nothing.
    #[must_use]
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("ibid");
        let of_requests = || Histogram::new(REQUEST_BUCKETS);
        let of_runs = || Histogram::new(RUN_BUCKETS);
        Self {
            requests: add(&mut registry, "http_requests", "Requests answered", Family::default()),
            request_seconds: add(
                &mut registry,
                "http_request_seconds",
                "Time from a request to the head of its answer",
                Family::new_with_constructor(of_requests as fn() -> Histogram),
            ),
            run_seconds: add(
                &mut registry,
                "run_seconds",
                "Time from a question to the end of its answer",
                Family::new_with_constructor(of_runs as fn() -> Histogram),
            ),
            first_token_seconds: add(
                &mut registry,
                "first_token_seconds",
                "Time from a question to the first text of its answer",
                Family::new_with_constructor(of_runs as fn() -> Histogram),
            ),
            connections: add(&mut registry, "connections", "Open connections", Gauge::default()),
            connections_refused: add(
                &mut registry,
                "connections_refused",
                "Connections not taken, since too many were open",
                Counter::default(),
            ),
            streams: add(&mut registry, "streams", "Event streams being read", Gauge::default()),
            registry,
        }
    }

    /// Counts a request and the time it took up to the head of its answer.
    pub fn answered(&self, method: &'static str, route: &str, status: u16, spent: Duration) {
        self.requests.get_or_create(&Answered { method, route: route.to_owned(), status }).inc();
        let route = Route { route: route.to_owned() };
        self.request_seconds.get_or_create(&route).observe(spent.as_secs_f64());
    }

    /// Counts an answer, how it ended, and where its time went.
    pub fn run_ended(&self, mode: Mode, last: &Event, spent: Duration) {
        let mode = match mode {
            Mode::Regular => "regular",
            Mode::DeepResearch => "deep_research",
        };
        let outcome = match last {
            Event::Done { finish_reason, timings_ms, .. } => {
                let first = Duration::from_millis(timings_ms.first_token).as_secs_f64();
                self.first_token_seconds.get_or_create(&OfMode { mode }).observe(first);
                match finish_reason {
                    FinishReason::Stop => "stop",
                    FinishReason::Length => "length",
                    FinishReason::Budget => "budget",
                    FinishReason::Cancelled => "cancelled",
                    FinishReason::Interrupted => "interrupted",
                }
            }
            Event::Error { code, .. } => code.as_str(),
            _ => return,
        };
        let ended = Ended { mode, outcome: outcome.to_owned() };
        self.run_seconds.get_or_create(&ended).observe(spent.as_secs_f64());
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

fn add<M: Metric + Clone>(registry: &mut Registry, name: &str, help: &str, metric: M) -> M {
    registry.register(name, help, metric.clone());
    metric
}

/// Everything that is counted, and how things stand at this moment.
///
/// # Errors
/// If the sizes on disk can't be read.
pub async fn text(app: &Arc<App>) -> Result<String, Error> {
    let mut now = Registry::with_prefix("ibid");
    let cache = app.cache.counts();
    now.register("cache_hits", "Answers given again", ConstCounter::new(cache.hits));
    now.register("cache_misses", "Answers that were not kept yet", ConstCounter::new(cache.misses));
    gauge(&mut now, "runs", "Answers being made", app.runs.num_live() as u64);
    gauge(&mut now, "ingest_queue", "Documents waiting to be read", app.ingest.num_queued());
    of_models(app, &mut now);
    of_embeddings(app, &mut now);
    of_reranker(app, &mut now);
    gauge(&mut now, "index_passages", "Passages that can be found", app.index.num_passages());
    let (data, index) = (app.config.data.clone(), Arc::clone(&app.index));
    let (sizes, documents) = spawn_blocking(move || {
        let sizes = ["store", "index"].map(|folder| bytes_below(&data.join(folder)));
        (sizes, index.documents().map(|documents| documents.len() as u64))
    })
    .await?;
    gauge(&mut now, "index_documents", "Documents that can be found", documents?);
    gauge(&mut now, "store_bytes", "Size of the store on disk", sizes[0]);
    gauge(&mut now, "index_bytes", "Size of the index on disk", sizes[1]);
    let info = Info { version: env!("CARGO_PKG_VERSION") };
    let build: Family<Info, Gauge> = Family::default();
    build.get_or_create(&info).set(1);
    now.register("build_info", "The version that runs", build);

    let mut text = String::new();
    encode_registry(&mut text, &app.metrics.registry).map_err(Error::internal)?;
    encode_registry(&mut text, &now).map_err(Error::internal)?;
    encode_registry(&mut text, &process::registry()).map_err(Error::internal)?;
    encode_eof(&mut text).map_err(Error::internal)?;
    Ok(text)
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Info {
    version: &'static str,
}

fn gauge(registry: &mut Registry, name: &str, help: &str, value: u64) {
    registry.register(name, help, ConstGauge::new(value));
}

fn of_embeddings(app: &App, now: &mut Registry) {
    let Some(embeddings) = &app.embeddings else { return };
    let counted = |number| ConstCounter::new(number);
    now.register(
        "embedded_passages",
        "Passages embedded since the start",
        counted(embeddings.num_embedded()),
    );
    now.register(
        "embedding_failures",
        "Calls for embeddings that failed",
        counted(embeddings.num_failures()),
    );
    if let Some(number) = num_not_embedded(app) {
        gauge(now, "embedding_queue", "Passages that have no vector yet", number);
    }
}

fn of_reranker(app: &App, now: &mut Registry) {
    let Some(reranker) = &app.reranker else { return };
    let counted = |number| ConstCounter::new(number);
    now.register(
        "reranked_passages",
        "Passages read with a question since the start",
        counted(reranker.num_reranked()),
    );
    now.register("rerank_failures", "Searches that were not reranked", counted(reranker.num_failures()));
}

fn of_models(app: &App, now: &mut Registry) {
    let (read, written) = (Family::<OfModel, Counter>::default(), Family::<OfModel, Counter>::default());
    let failures = Family::<Failed, Counter>::default();
    for model in app.models.iter() {
        let of = OfModel { model: model.name().to_owned() };
        let tally = model.tally();
        read.get_or_create(&of).inc_by(tally.input_tokens());
        written.get_or_create(&of).inc_by(tally.output_tokens());
        for (class, number) in tally.failures() {
            failures.get_or_create(&Failed { model: of.model.clone(), class }).inc_by(number);
        }
    }
    now.register("input_tokens", "Tokens read by a model", read);
    now.register("output_tokens", "Tokens written by a model", written);
    now.register("provider_errors", "Calls to a model that failed", failures);
}

/// The bytes of all files in a folder and the folders in it; what is removed meanwhile counts nothing.
fn bytes_below(folder: &std::path::Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let of_entry = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => bytes_below(&entry.path()),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    };
    entries.filter_map(Result::ok).map(of_entry).sum()
}
