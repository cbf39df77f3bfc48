//! Does the confinement hold? A child puts up its walls as it would for an upload, tries what must not
//! work, and says what came of it; the parent reads that. Nothing here decides what is done about it.

use std::fs::File;
use std::io::{self, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use rustix::process::{Pid, Resource, Rlimit, getppid, getrlimit, setrlimit, test_kill_process};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::confine::confine;

/// The argument that asks for it in place of a request.
pub(super) const FLAG: &str = "--self-test";

/// What came of a self-test.
#[derive(Debug, Serialize, Deserialize)]
struct Outcome {
    /// What of the walls is missing.
    missing: Option<String>,
    /// What was tried, and whether it was denied.
    tried: Vec<(String, bool)>,
}

/// Why uploads are read by someone who is not, or not wholly, confined.
#[derive(Debug, Error)]
pub enum NotConfined {
    /// The system has not all that it takes.
    #[error("{0}")]
    Missing(String),
    /// The walls are up and have a hole.
    #[error("a reader of uploads could still {0}")]
    Hole(String),
    /// It could not be found out.
    #[error("the reader of uploads does not say whether it is confined: {0}")]
    Unknown(#[from] io::Error),
}

/// The child's side: tries everything, writes the outcome, fails unless all was denied.
pub(super) fn run() -> ExitCode {
    // What has to be known beforehand, since asking is denied as well.
    let (parent, open_files) = (getppid(), getrlimit(Resource::Nofile));
    let missing = confine().err().map(|missing| missing.to_string());
    let tried: Vec<_> =
        attempts(parent, open_files).into_iter().map(|(what, denied)| (what.to_owned(), denied)).collect();
    let is_confined = missing.is_none() && tried.iter().all(|(_, denied)| *denied);
    let mut out = io::stdout().lock();
    let told = serde_json::to_writer(&mut out, &Outcome { missing, tried }).map_err(io::Error::from);
    let told = told.and_then(|()| out.write_all(b"\n"));
    if is_confined && told.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The parent's side: asks a child of this program.
pub(super) fn ask(program: &Path) -> Result<(), NotConfined> {
    let mut command = Command::new(program);
    command.arg("worker").arg(FLAG).env_clear().current_dir("/").stdin(Stdio::null()).stderr(Stdio::null());
    let told = command.output()?;
    let outcome: Outcome = serde_json::from_slice(&told.stdout).map_err(io::Error::from)?;
    if let Some(missing) = outcome.missing {
        return Err(NotConfined::Missing(missing));
    }
    match outcome.tried.into_iter().find(|(_, denied)| !denied) {
        Some((what, _)) => Err(NotConfined::Hole(what)),
        None => Ok(()),
    }
}

/// What must not work, and whether it was refused.
fn attempts(parent: Option<Pid>, open_files: Rlimit) -> [(&'static str, bool); 15] {
    let scratch = std::env::temp_dir().join(format!("ibid-self-test-{}", std::process::id()));
    let parents_memory = format!("/proc/{}/mem", parent.map_or(1, |parent| parent.as_raw_nonzero().get()));
    let environment = std::env::vars_os().next().is_none();
    [
        ("connect to the network", is_denied(TcpStream::connect(("127.0.0.1", 9)))),
        ("listen on the network", is_denied(TcpListener::bind(("127.0.0.1", 0)))),
        ("send to the network", is_denied(UdpSocket::bind(("127.0.0.1", 0)))),
        ("connect to a local service", is_denied(UnixStream::connect("/run/ibid-self-test"))),
        ("read a file", is_denied(File::open("/etc/passwd"))),
        ("read its parent's memory", is_denied(File::open(parents_memory))),
        ("list a folder", is_denied(std::fs::read_dir("/"))),
        ("write a file", is_denied(File::create(&scratch))),
        ("remove a file", is_denied(std::fs::remove_file(&scratch))),
        ("change its folder", is_denied(std::env::set_current_dir("/"))),
        ("start a program", is_denied(Command::new("/bin/sh").args(["-c", ":"]).spawn())),
        ("put code into memory", is_denied(code_in_memory())),
        ("signal its parent", is_denied(signal(parent))),
        ("raise its limits", is_denied(setrlimit(Resource::Nofile, open_files).map_err(io::Error::from))),
        ("see the server's environment", environment),
    ]
}

fn is_denied<T>(outcome: io::Result<T>) -> bool {
    outcome.is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied)
}

#[cfg(target_os = "linux")]
fn code_in_memory() -> io::Result<()> {
    use rustix::fs::{MemfdFlags, memfd_create};
    Ok(memfd_create("ibid-self-test", MemfdFlags::CLOEXEC).map(drop)?)
}

#[cfg(not(target_os = "linux"))]
fn code_in_memory() -> io::Result<()> {
    Ok(())
}

fn signal(parent: Option<Pid>) -> io::Result<()> {
    let parent = parent.ok_or(io::ErrorKind::NotFound)?;
    Ok(test_kill_process(parent)?)
}
