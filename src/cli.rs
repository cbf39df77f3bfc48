//! The command line: what was typed becomes what it means, once, and each command is a client of
//! the HTTP API. The only place that prints.

mod add;
mod answer;
mod ask;
mod backup;
mod config;
mod connect;
mod documents;
mod eval;
mod export;
mod follow;
mod history;
mod key;
mod mcp;
mod memory;
mod samples;
mod screen;
mod search;
mod serve;
mod sessions;
mod upload;
mod verify;

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand, ValueEnum};
use ibid::app::OpenError;
use ibid::backup::RestoreError;
use ibid::config::{Config, ConfigError, Flags};
use ibid::http::TlsError;
use ibid::store::StoreError;
use thiserror::Error;
use tracing_subscriber::EnvFilter;

use connect::{Client, connect};

/// `EX_CONFIG` of sysexits: something is wrong with the settings.
const BAD_CONFIGURATION: u8 = 78;
/// `EX_DATAERR` of sysexits: the data folder, or a backup, is not one that can be used.
const BAD_DATA: u8 = 65;

/// Answers from your own documents and, for every claim, the place.
#[derive(Debug, Parser)]
#[command(
    name = "ibid",
    version,
    after_help = "Examples:
  ibid add ~/papers              put documents in
  ibid ask 'What is ...?'        ask, and see each claim with its exact source
  ibid serve --samples           run the server, with something to try it on

Each command has more examples: ibid COMMAND --help"
)]
pub(crate) struct Cli {
    /// The folder that holds the documents and all that is known of them [env: IBID_DATA]
    /// [default: the platform's].
    #[arg(long, value_name = "DIR", global = true, help_heading = "Everywhere")]
    data: Option<PathBuf>,
    /// The configuration file [env: IBID_CONFIG] [default: the platform's, if there is one].
    #[arg(long, value_name = "FILE", global = true, help_heading = "Everywhere")]
    config: Option<PathBuf>,
    /// How to write the log, on standard error; IBID_LOG says how much of it (`debug`,
    /// `ibid=trace`, ...).
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = LogFormat::Text, global = true, help_heading = "Everywhere")]
    log_format: LogFormat,
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Serve),
    Add(add::Add),
    Ask(ask::Ask),
    Search(search::Search),
    Eval(eval::Eval),
    Documents(documents::Documents),
    Sessions(sessions::Sessions),
    Show(sessions::Show),
    History(history::History),
    Export(export::Export),
    Verify(verify::Verify),
    Key(key::Keys),
    Mcp(mcp::Mcp),
    Backup(backup::Backup),
    Restore(backup::Restore),
    Config(config::Show),
}

/// An end that is no failure of the program, and has been explained where it came up.
#[derive(Debug, Error)]
pub(crate) enum Ending {
    #[error("interrupted")]
    Interrupted,
    #[error("not everything went well")]
    Reported,
}

/// Runs the command that was typed.
pub(crate) fn main() -> ExitCode {
    let cli = Cli::parse();
    if matches!(cli.command, Command::Serve(_)) {
        memory::settle();
    }
    start_log(&cli);
    tell_panics();
    match run(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => explain(&error),
    }
}

/// What the index answers for is told as an error by whoever asked it.
fn tell_panics() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !ibid_index::is_guarded() {
            usual(panic);
        }
    }));
}

fn run(cli: &Cli) -> Result<()> {
    let mut flags = Flags { config: cli.config.clone(), data: cli.data.clone(), ..Flags::default() };
    if let Command::Serve(serve) = &cli.command {
        flags.listen = serve.listen;
        flags.allow_open_network = serve.allow_open_network;
        flags.tls_cert.clone_from(&serve.tls_cert);
        flags.tls_key.clone_from(&serve.tls_key);
    }
    let config = Config::load(&flags)?;
    // The one TLS provider of the process; an error would only say that it is set already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("can't start")?;
    let ended = runtime.block_on(command(&cli.command, &config));
    // A read of standard input that nobody waits for any more can't be called back.
    runtime.shutdown_background();
    ended
}

async fn command(command: &Command, config: &Config) -> Result<()> {
    match command {
        Command::Serve(serve) => serve::run(config, serve).await,
        Command::Config(show) => config::run(config, show),
        Command::Verify(asked) => interruptible(Box::pin(verify::run(config, asked))).await,
        Command::Ask(ask) => {
            let client = connect(config).await?;
            let asked = ask::run(&client, ask).await;
            close(client, asked).await
        }
        Command::Add(add) => {
            let (items, problems) = add.items()?;
            let client = connect(config).await?;
            let added = add::run(&client, add, &items, problems).await;
            close(client, added).await
        }
        Command::Search(search) => {
            let client = connect(config).await?;
            let found = interruptible(search::run(&client, search)).await;
            close(client, found).await
        }
        Command::Eval(eval) => {
            let client = connect(config).await?;
            let measured = interruptible(eval::run(&client, eval)).await;
            close(client, measured).await
        }
        Command::Documents(documents) => {
            let client = connect(config).await?;
            let done = interruptible(documents::run(&client, documents)).await;
            close(client, done).await
        }
        Command::Sessions(sessions) => {
            let client = connect(config).await?;
            let done = interruptible(sessions::run(&client, sessions)).await;
            close(client, done).await
        }
        Command::Key(keys) => {
            let client = connect(config).await?;
            let done = interruptible(key::run(&client, keys)).await;
            close(client, done).await
        }
        Command::Mcp(_) => {
            let client = connect(config).await?;
            let ended = interruptible(mcp::run(&client)).await;
            close(client, ended).await
        }
        Command::Backup(backup) => {
            let client = connect(config).await?;
            let made = interruptible(backup::run(&client, backup)).await;
            close(client, made).await
        }
        Command::Restore(restore) => backup::restore(restore).await,
        Command::Show(show) => {
            let client = connect(config).await?;
            let shown = interruptible(sessions::show(&client, show)).await;
            close(client, shown).await
        }
        Command::History(history) => {
            let client = connect(config).await?;
            let found = interruptible(history::run(&client, history)).await;
            close(client, found).await
        }
        Command::Export(export) => {
            let client = connect(config).await?;
            let exported = interruptible(export::run(&client, export)).await;
            close(client, exported).await
        }
    }
}

/// Ends the server of this process even after a failure, whose cause is then the one to tell.
async fn close(client: Client, ended: Result<()>) -> Result<()> {
    // What is being written gets its time, unless the reader insists.
    let closed = interruptible(client.close()).await;
    ended.and(closed)
}

async fn interruptible(command: impl Future<Output = Result<()>>) -> Result<()> {
    tokio::select! {
        ended = command => ended,
        _ = tokio::signal::ctrl_c() => Err(Ending::Interrupted.into()),
    }
}

fn start_log(cli: &Cli) {
    let is_screen = std::io::stderr().is_terminal();
    let default = match &cli.command {
        // A line for each request is for a file or a service manager; on a screen it buries the rest.
        Command::Serve(serve) if !serve.is_quiet() && is_screen => "info,ibid::access=warn",
        Command::Serve(serve) if !serve.is_quiet() => "info",
        _ => "warn",
    };
    let wanted = std::env::var("IBID_LOG").ok();
    let (filter, mistake) = match EnvFilter::try_new(wanted.as_deref().unwrap_or(default)) {
        Ok(filter) => (filter, None),
        Err(mistake) => (EnvFilter::new(default), Some(mistake)),
    };
    // These libraries log whole bodies, or a client's mistakes, and bodies hold people's documents; or
    // they warn of what is as it should be, such as a merge that lost its segment to a deletion.
    let filter = ["async_openai=off", "rmcp=error", "tantivy::indexer=error"].into_iter().fold(
        filter,
        |filter, silence| match silence.parse() {
            Ok(silence) => filter.add_directive(silence),
            Err(_) => filter,
        },
    );
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // Colours are for people; a file or a service manager wants the words.
    let log = log.with_ansi(is_screen);
    match cli.log_format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().init(),
    }
    if let Some(mistake) = mistake {
        tracing::warn!(%mistake, "IBID_LOG is not understood: say, for example, `debug` or `info,ibid::ask=trace`");
    }
}

/// Says what went wrong and turns it into an exit code.
fn explain(error: &anyhow::Error) -> ExitCode {
    if is_broken_pipe(error) {
        return ExitCode::SUCCESS;
    }
    let code = match error.downcast_ref::<Ending>() {
        Some(Ending::Reported) => return ExitCode::FAILURE,
        Some(Ending::Interrupted) => return ExitCode::from(130),
        None if error.is::<ConfigError>() || error.is::<TlsError>() => ExitCode::from(BAD_CONFIGURATION),
        None if is_bad_data(error) => ExitCode::from(BAD_DATA),
        None => ExitCode::FAILURE,
    };
    // With standard error closed there is nobody left to tell.
    let _ = writeln!(std::io::stderr(), "ibid: {}", screen::clean(&format!("{error:#}")));
    code
}

/// Whether the fault lies in what is on disk, so that trying again would not help.
fn is_bad_data(error: &anyhow::Error) -> bool {
    let is_bad =
        |error: &OpenError| matches!(error, OpenError::Format(_) | OpenError::Store(StoreError::Damaged(_)));
    error.downcast_ref().is_some_and(is_bad) || error.is::<RestoreError>()
}

/// Whether a reader such as `head` has had enough.
pub(crate) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let is_broken = |error: &std::io::Error| error.kind() == std::io::ErrorKind::BrokenPipe;
    // Only what is written to our own output counts: those errors carry no context.
    error.downcast_ref().is_some_and(is_broken)
}
