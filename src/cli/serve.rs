//! `ibid serve`: opens the data folder, says where it listens and how to try it, and stops in an
//! orderly way. Everything it prints it asks its own API for.

use std::io::{ErrorKind, Write, stdout};
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args;
use ibid::app::{App, OpenError};
use ibid::config::access::Mode;
use ibid::config::{Config, parse_listen};
use ibid::document::Document;
use ibid::http::Tls;
use ibid::ingest::check_confinement;
use ibid::session::Session;
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

use super::Ending;
use super::add::{self, Reader, Report};
use super::answer::count;
use super::connect::Client;
use super::samples;
use super::screen::Paint;

const FIRST_SESSION: &str = "First questions";
const ANY_QUESTION: &str = "What are these documents about?";

/// Run the server until Ctrl-C.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ibid serve --samples
  ibid --data ./library serve --listen 127.0.0.1:8080
  IBID_LISTEN=127.0.0.1:0 ibid serve --quiet

While it runs, the other commands talk to it; without it, they do the same work by themselves.
A second Ctrl-C stops at once.")]
pub(crate) struct Serve {
    /// Where to listen: an address, or a port on 127.0.0.1; port 0 picks a free one. Other than
    /// loopback addresses need access control in the configuration
    /// [env: IBID_LISTEN] [default: 127.0.0.1:4747].
    #[arg(long, value_name = "ADDR", value_parser = parse_listen)]
    pub(crate) listen: Option<SocketAddr>,
    /// Show this certificate (PEM, with its chain) and speak HTTPS only; read again on SIGHUP.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// The private key of the certificate (PEM).
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,
    /// Listen where other machines can reach it although nobody is asked who they are: all of them
    /// may then read, change and delete everything.
    #[arg(long)]
    pub(crate) allow_open_network: bool,
    /// Put the sample library in: eighteen documents about a saltmarsh, invented for trying ibid.
    #[arg(long)]
    samples: bool,
    /// Print nothing but warnings and errors.
    #[arg(long, short)]
    quiet: bool,
}

#[derive(Deserialize)]
struct Models {
    items: Vec<Model>,
}

#[derive(Deserialize)]
struct Model {
    name: String,
    provider: String,
    #[serde(default)]
    default: bool,
}

impl Serve {
    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet
    }
}

pub(crate) async fn run(config: &Config, serve: &Serve) -> Result<()> {
    let tls = open_tls(config)?;
    set_limits();
    let listener = listen(config.listen).await?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    let url = format!("{scheme}://{}", listener.local_addr()?);
    // A process of its own takes as long to start as the folder to open.
    let confined = tokio::spawn(check_confinement(config.ingest.limits().sandbox));
    let app = match App::open(config.clone()).await {
        Ok(app) => app,
        Err(OpenError::InUse { url: Some(url) }) => {
            bail!("data folder `{}` is already served at {url}", config.data.display())
        }
        Err(error) => {
            return Err(error).with_context(|| format!("can't use data folder `{}`", config.data.display()));
        }
    };
    confined.await?.context("`sandbox = \"required\"` is set under `[ingest]`, and can't be had here")?;
    let operator = app.gate.operator().to_owned();
    let (stop, stopped) = oneshot::channel();
    let shutdown = async {
        // A dropped sender means that start-up failed, which ends the server as well.
        let _ = stopped.await;
    };
    // Whoever is answered can also stop it.
    let mut stops = Stops::listen()?;
    let mut server = tokio::spawn(ibid::http::serve(app, listener, tls, shutdown));
    let client = Client::at(&url, Some(&operator))?;

    let greeting = async {
        if serve.samples {
            load_samples(&client, config, serve.quiet).await?;
        }
        if serve.quiet { Ok(()) } else { greet(&client, config, &url, serve.samples).await }
    };
    let greeted = tokio::select! {
        greeted = greeting => Some(greeted),
        ended = &mut server => return Ok(ended.context("the server ended abnormally")??),
        () = stops.next() => None,
    };
    match greeted {
        Some(Ok(())) => tokio::select! {
            ended = &mut server => return Ok(ended.context("the server ended abnormally")??),
            () = stops.next() => {}
        },
        // Someone who reads only the first lines still wants the server.
        Some(Err(error)) if super::is_broken_pipe(&error) => stops.next().await,
        Some(Err(error)) => {
            drop(stop);
            return Err(error);
        }
        None => {}
    }

    if !serve.quiet {
        let grace = config.server.shutdown_grace_s;
        let text = format!("\nstopping: running answers get {grace} s to end; Ctrl-C again to stop at once");
        // Nobody may be reading any more; the stop goes on all the same.
        let _ = writeln!(stdout(), "{text}");
    }
    // The server may have ended by itself meanwhile; the join below tells how.
    let _ = stop.send(());
    drop(client);
    tokio::select! {
        ended = server => Ok(ended.context("the server ended abnormally")??),
        () = stops.next() => std::process::exit(130),
    }
}

/// What secures connections, if that is configured; from then on a SIGHUP has it read again.
fn open_tls(config: &Config) -> Result<Option<Tls>> {
    let (Some(certificate), Some(key)) = (&config.server.tls_cert, &config.server.tls_key) else {
        return Ok(None);
    };
    let tls = Tls::open(certificate, key)?;
    let mut hangup = signal(SignalKind::hangup()).context("can't listen for signals")?;
    let shown = tls.clone();
    tokio::spawn(async move {
        while hangup.recv().await.is_some() {
            match shown.reload() {
                Ok(()) => tracing::info!("the certificate was read again"),
                Err(error) => tracing::error!(%error, "the certificate stays the old one"),
            }
        }
    });
    Ok(Some(tls))
}

/// Every connection is an open file: takes as many as this user may have. And a crash leaves no image of
/// the memory behind, which holds keys and texts.
fn set_limits() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let no_image = Rlimit { current: Some(0), maximum: Some(0) };
    for (resource, limit) in
        [(Resource::Nofile, Rlimit { current: maximum, maximum }), (Resource::Core, no_image)]
    {
        if let Err(error) = setrlimit(resource, limit) {
            tracing::debug!(%error, "a limit stays as it is");
        }
    }
}

async fn listen(address: SocketAddr) -> Result<TcpListener> {
    match TcpListener::bind(address).await {
        Ok(listener) => Ok(listener),
        Err(error) if error.kind() == ErrorKind::AddrInUse => bail!(
            "port {} is taken by another program: stop that one, or choose a port with `--listen {}:0`",
            address.port(),
            address.ip()
        ),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            bail!("port {} is not allowed: choose one above 1023", address.port())
        }
        Err(error) => Err(error).with_context(|| format!("can't listen on {address}")),
    }
}

/// Ctrl-C, or the signal a service manager sends; listened for without a gap.
struct Stops {
    interrupt: Signal,
    terminate: Signal,
}

impl Stops {
    fn listen() -> Result<Self> {
        let on = |kind| signal(kind).context("can't listen for signals");
        Ok(Self { interrupt: on(SignalKind::interrupt())?, terminate: on(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

async fn load_samples(client: &Client, config: &Config, quiet: bool) -> Result<()> {
    let items = samples::items();
    let reader = if quiet { Reader::Nobody } else { Reader::Person };
    let mut report = Report::new(items.len() as u64, reader);
    add::load(client, None, config.ingest.jobs.clamp(1, 4), &items, &mut report).await?;
    // A sample that can't be read has been told of; the server is of use without it.
    report.finish().or_else(|error| if error.is::<Ending>() { Ok(()) } else { Err(error) })
}

async fn greet(client: &Client, config: &Config, url: &str, samples: bool) -> Result<()> {
    let models: Models = client.get("/api/models", &[]).await?;
    let documents: Vec<Document> = client.list("/api/documents").await?;
    let question = if samples { samples::QUESTION } else { ANY_QUESTION };

    let mut out = stdout();
    let paint = Paint::for_stream(&out);
    let names: Vec<String> = models.items.iter().map(describe).collect();
    let searchable = documents.iter().filter(|document| document.is_searchable()).count();
    writeln!(out, "ibid listens on {}", paint.bold(url))?;
    writeln!(out, "  data       {}", config.data.display())?;
    writeln!(out, "  models     {}", names.join(", "))?;
    writeln!(out, "  documents  {}", count(searchable as u64, "document"))?;
    let shown = match config.access.mode {
        Mode::None => None,
        Mode::Keys => Some("a key: make one with `ibid key create NAME`"),
        Mode::Jwt => Some("a token of the configured issuer"),
    };
    if let Some(shown) = shown {
        writeln!(out, "\nWho asks shows {shown}. Ctrl-C stops.")?;
        return Ok(out.flush()?);
    }
    let session = first_session(client).await?;
    writeln!(out, "\nAsk from here:\n\n  {}\n", curl(url, session.id, question))?;
    writeln!(out, "or with `ibid ask`; put documents in with `ibid add PATH`. Ctrl-C stops.")?;
    out.flush()?;
    Ok(())
}

fn describe(model: &Model) -> String {
    let default = if model.default { ", default" } else { "" };
    if model.name == model.provider && !model.default {
        return model.name.clone();
    }
    format!("{} ({}{default})", model.name, model.provider)
}

async fn first_session(client: &Client) -> Result<Session> {
    let sessions: Vec<Session> = client.list("/api/chat/sessions").await?;
    match sessions.into_iter().find(|session| session.title == FIRST_SESSION) {
        Some(session) => Ok(session),
        None => client.post("/api/chat/sessions", &serde_json::json!({ "title": FIRST_SESSION })).await,
    }
}

/// One line that shows a whole answer: started, sources, tokens, citations, done.
fn curl(url: &str, session: uuid::Uuid, question: &str) -> String {
    let body = serde_json::json!({ "content": question });
    format!(
        "curl -N {url}/api/chat/sessions/{session}/messages -H 'content-type: application/json' -d '{body}'"
    )
}
