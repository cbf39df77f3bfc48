//! Reads an upload in a process of its own, so that a hostile file harms nothing but its reader.
//!
//! The parent starts `ibid worker` with an empty environment and no path, and that forks a child for each
//! upload (see `fork_server`): the opened original is the child's standard input. The child lowers its
//! own limits and confines itself before it reads a byte, then writes three frames to standard output:
//!
//! 1. one line of JSON, a `Reply`: what was found, or why nothing was; after a failure nothing follows;
//! 2. the text, exactly `text_bytes` bytes of UTF-8;
//! 3. `pages` lines of JSON, where each page begins, then `num_passages` lines, a passage each, in order.
//!
//! Then it ends. The child opens no file and no socket once it runs; where the system can (see
//! `confine`), it is made unable to. The parent trusts none of it: lengths, UTF-8 and
//! the order of the passages are checked while they stream to disk, in bounded memory. That the
//! ranges lie on character boundaries is left to whoever reads them, with `str::get`.

mod child;
mod confine;
mod fork_server;
mod receive;
mod self_test;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt};
use tracing::debug;

use crate::ingest::extract::{ExtractError, Limits, size_in_words};

pub use child::main;
use fork_server::{ForkServer, Output};
use receive::Broken;
pub use self_test::NotConfined;

/// As much of the child's complaints as is kept.
const STDERR_BYTES: u64 = 16 << 10;
/// The parent waits this much longer than the child may take, to let it say so itself.
const GRACE: Duration = Duration::from_millis(500);

/// Starts extractors.
#[derive(Debug)]
pub struct Extractor {
    program: PathBuf,
    /// What one file may cost.
    pub limits: Limits,
    /// Processes that wait for the next upload; one that serves nobody is dropped by [`Extractor::rest`].
    idle: Mutex<Vec<ForkServer>>,
}

/// What an extractor found; the text and the passages are in files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extraction {
    /// What the content is.
    pub media_type: String,
    /// The title the document gives itself.
    pub title: Option<String>,
    /// ISO 639-1 code of its language.
    pub language: Option<String>,
    /// Number of pages, for formats with pages.
    pub pages: Option<u32>,
    /// Things worth knowing about the document.
    pub notes: Vec<String>,
    /// Number of passages in `layout.json`.
    pub num_passages: u32,
    /// Length of the file `text`.
    pub text_bytes: u64,
}

/// What the child is asked. Of the name only the extension is sent, which is all it takes.
#[derive(Debug, Serialize, Deserialize)]
struct Request {
    name: String,
    limits: Limits,
}

/// The first frame of the answer.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Reply {
    Found(Extraction),
    Failed(ExtractError),
}

/// Starts a reader that tries what a hostile file might make it do.
///
/// # Errors
/// Says what was not denied, or what the system lacks to deny it.
pub(super) async fn check_confinement() -> Result<(), NotConfined> {
    let program = std::env::current_exe()?;
    let asked = tokio::task::spawn_blocking(move || self_test::ask(&program)).await;
    asked.map_err(std::io::Error::from)?
}

impl Extractor {
    /// One that runs `program`, usually the running one, and lets a file cost as much as `limits`.
    #[must_use]
    pub fn new(program: PathBuf, limits: Limits) -> Self {
        Self { program, limits, idle: Mutex::default() }
    }

    /// Ends the processes that wait for another upload; the next one starts its own.
    pub fn rest(&self) {
        self.idle().clear();
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<ForkServer>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads `original` and leaves `text` and `layout.json` (a [`Layout`](crate::files::Layout)) in
    /// `out_dir`, both on disk when this returns. The child is killed when the time is up, and when
    /// the future is dropped.
    ///
    /// # Errors
    ///
    /// Says why the file could not be read; [`ExtractError::DiskFull`] and [`ExtractError::Server`] if
    /// that is not its fault.
    pub async fn extract(
        &self,
        original: &Path,
        name: &str,
        out_dir: &Path,
    ) -> Result<Extraction, ExtractError> {
        let extension =
            Path::new(name).extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        let extension: String = extension.chars().take(16).collect();
        let request = Request { name: format!("document.{extension}"), limits: self.limits.clone() };
        match self.attempt(&request, original, out_dir).await {
            // A process that died while it waited may be known as dead only by now.
            Err(error) => {
                debug!(%error, "the extractor is started anew");
                self.rest();
                let outcome = self.attempt(&request, original, out_dir).await;
                outcome.map_err(server("the reader can't be started, or was lost"))?
            }
            Ok(outcome) => outcome,
        }
    }

    /// The outer error is that of the process that forks, the inner one the file's.
    async fn attempt(
        &self,
        request: &Request,
        original: &Path,
        out_dir: &Path,
    ) -> std::io::Result<Result<Extraction, ExtractError>> {
        let input = match tokio::fs::File::open(original).await {
            Ok(input) => input.into_std().await,
            Err(error) => return Ok(Err(server("the upload can't be opened")(error))),
        };
        let (mut fork_server, output) = self.begin(request, &input)?;
        drop(input);

        let limit = Duration::from_secs(self.limits.seconds) + GRACE;
        let conversation = async {
            let received = receive::receive(output.answer, out_dir, &self.limits);
            let (received, complaints) = tokio::join!(received, read_bounded(output.complaints));
            let status = match received {
                Ok(_) | Err(Broken::Refused(_) | Broken::Ended) => fork_server.status().await.map(Some)?,
                // The child may live on: it ends with its fork server.
                Err(Broken::Protocol | Broken::Disk(_)) => None,
            };
            if status.is_some() {
                self.idle().push(fork_server);
            }
            std::io::Result::Ok((received, complaints, status))
        };
        let Ok(answered) = tokio::time::timeout(limit, conversation).await else {
            return Ok(Err(ExtractError::TimedOut { seconds: self.limits.seconds }));
        };
        let (received, complaints, status) = answered?;
        if !complaints.is_empty() {
            debug!(?status, complaints, "the extractor complained");
        }
        Ok(match (received, status) {
            (Ok(files), Some(status)) if status.success() => files.keep(out_dir).await.map_err(not_stored),
            (Err(Broken::Refused(error)), _) => Err(error),
            (Err(Broken::Disk(error)), _) => Err(not_stored(error)),
            (_, Some(status)) => Err(self.why(status, &complaints)),
            (_, None) => Err(ExtractError::Crashed),
        })
    }

    /// Has a process that waits begin, or one that is started for it.
    fn begin(&self, request: &Request, original: &File) -> std::io::Result<(ForkServer, Output)> {
        let waiting = self.idle().pop();
        let fork_server = waiting.map_or_else(|| ForkServer::start(&self.program), Ok)?;
        let output = fork_server.read(request, original)?;
        Ok((fork_server, output))
    }

    /// Puts the end of a child that gave no answer into words.
    fn why(&self, status: ExitStatus, complaints: &str) -> ExtractError {
        use rustix::process::Signal;
        use std::os::unix::process::ExitStatusExt;

        let out_of_memory = ExtractError::OutOfMemory { limit: size_in_words(self.limits.memory_bytes) };
        let killed_by = |signal: Signal| status.signal() == Some(signal.as_raw());
        if killed_by(Signal::XCPU) {
            return ExtractError::TimedOut { seconds: self.limits.seconds };
        }
        // A failed allocation aborts with this sentence; the kernel, out of memory, just kills.
        if complaints.contains("memory allocation of") || killed_by(Signal::KILL) {
            return out_of_memory;
        }
        ExtractError::Crashed
    }
}

fn not_stored(error: std::io::Error) -> ExtractError {
    if crate::space::is_full(&error) {
        return ExtractError::DiskFull;
    }
    server("the text can't be stored")(error)
}

fn server<E: std::fmt::Display>(what: &'static str) -> impl Fn(E) -> ExtractError {
    move |error| ExtractError::Server { detail: format!("{what}: {error}") }
}

/// The beginning of a stream; the rest is read and dropped, so that the writer never waits.
async fn read_bounded(mut stream: impl AsyncRead + Unpin) -> String {
    let mut kept = Vec::new();
    let read = (&mut stream).take(STDERR_BYTES).read_to_end(&mut kept).await;
    if read.is_ok() {
        tokio::io::copy(&mut stream, &mut tokio::io::sink()).await.ok();
    }
    String::from_utf8_lossy(&kept).into_owned()
}
