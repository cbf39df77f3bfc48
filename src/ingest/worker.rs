//! Reads an upload in a process of its own, so that a hostile file harms nothing but its reader.
//!
//! The parent starts `ibid worker <request>` with an empty environment and no path: the opened
//! original is the child's standard input. The request is JSON, a `Request`. The child lowers its
//! own limits and confines itself before it reads a byte, then writes three frames to standard output:
//!
//! 1. one line of JSON, a `Reply`: what was found, or why nothing was; after a failure nothing follows;
//! 2. the text, exactly `text_bytes` bytes of UTF-8;
//! 3. `pages` lines of JSON, where each page begins, then `num_passages` lines, a passage each, in order.
//!
//! Then both end. The child opens no file and no socket once it runs; where the system can (see
//! `confine`), it is made unable to. The parent trusts none of it: lengths, UTF-8 and
//! the order of the passages are checked while they stream to disk, in bounded memory. That the
//! ranges lie on character boundaries is left to whoever reads them, with `str::get`.

mod child;
mod confine;
mod receive;
mod self_test;

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;
use tracing::debug;

use crate::ingest::extract::{ExtractError, Limits, size_in_words};

pub use child::main;
use receive::Broken;
pub use self_test::NotConfined;

/// As much of the child's complaints as is kept.
const STDERR_BYTES: u64 = 16 << 10;
/// The parent waits this much longer than the child may take, to let it say so itself.
const GRACE: Duration = Duration::from_millis(500);

/// Starts extractors.
#[derive(Clone, Debug)]
pub struct Extractor {
    /// The binary to run, usually the running one.
    pub program: PathBuf,
    /// What one file may cost.
    pub limits: Limits,
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

/// What the child is asked. Of the name only the extension is sent: command lines are public.
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

impl Extractor {
    /// Starts a reader that tries what a hostile file might make it do.
    ///
    /// # Errors
    /// Says what was not denied, or what the system lacks to deny it.
    pub async fn check_confinement(&self) -> Result<(), NotConfined> {
        let program = self.program.clone();
        let asked = tokio::task::spawn_blocking(move || self_test::ask(&program)).await;
        asked.map_err(std::io::Error::from)?
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
        let input = tokio::fs::File::open(original).await.map_err(server("the upload can't be opened"))?;
        let extension =
            Path::new(name).extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        let extension: String = extension.chars().take(16).collect();
        let request = Request { name: format!("document.{extension}"), limits: self.limits.clone() };
        let request = serde_json::to_string(&request).map_err(server("the request can't be written"))?;
        let mut child = Command::new(&self.program)
            .arg("worker")
            .arg(request)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::from(input.into_std().await))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(server("the reader can't be started"))?;
        let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
            return Err(ExtractError::Server { detail: "the reader has no output".to_owned() });
        };

        let limit = Duration::from_secs(self.limits.seconds) + GRACE;
        let conversation = async {
            let received = receive::receive(stdout, out_dir, &self.limits);
            let (received, complaints) = tokio::join!(received, read_bounded(stderr));
            // A child that broke the protocol may live on; one that kept it has ended its output.
            if !matches!(received, Ok(_) | Err(Broken::Refused(_) | Broken::Ended)) {
                child.start_kill().ok();
            }
            (received, complaints, child.wait().await)
        };
        let Ok((received, complaints, status)) = tokio::time::timeout(limit, conversation).await else {
            child.start_kill().ok();
            child.wait().await.ok();
            return Err(ExtractError::TimedOut { seconds: self.limits.seconds });
        };
        let status = status.map_err(server("the reader was lost"))?;
        if !complaints.is_empty() {
            debug!(%status, complaints, "the extractor complained");
        }
        match received {
            Ok(files) if status.success() => files.keep(out_dir).await.map_err(not_stored),
            Err(Broken::Refused(error)) => Err(error),
            Err(Broken::Disk(error)) => Err(not_stored(error)),
            Err(Broken::Protocol) => Err(ExtractError::Crashed),
            Ok(_) | Err(Broken::Ended) => Err(self.why(status, &complaints)),
        }
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
