//! A process that stands ready to read uploads, one after the other. To load the program takes longer than
//! to read most of them, so it is loaded once; for each upload the process forks, and the child reads that
//! one behind walls of its own and ends.
//!
//! The two sides speak through a socket, the process's standard input. The server sends a `Request` as
//! JSON, and with it what the child gets as its standard input, output and errors; once the child has
//! ended, the process answers with its wait status, four bytes. When the socket is closed the process ends.

use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream as StdUnixStream;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{ExitCode, ExitStatus, Stdio};

use fork::ProcessFork;
use rustix::cmsg_space;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::AsyncReadExt;
use tokio::net::UnixStream;
use tokio::net::unix::pipe;
use tokio::process::{Child, Command};

use super::Request;

/// Longest request.
const MAX_REQUEST_BYTES: usize = 4096;

/// The server's side. Its process, and whoever that reads for, end when this is dropped.
#[derive(Debug)]
pub(super) struct ForkServer {
    process: Child,
    socket: UnixStream,
}

/// What a child says.
pub(super) struct Output {
    pub(super) answer: pipe::Receiver,
    pub(super) complaints: pipe::Receiver,
}

impl ForkServer {
    /// Starts `program` with neither environment nor a folder of its own.
    pub(super) fn start(program: &Path) -> io::Result<Self> {
        let (socket, theirs) = StdUnixStream::pair()?;
        socket.set_nonblocking(true)?;
        let process = Command::new(program)
            .arg("worker")
            .env_clear()
            .current_dir("/")
            // A group, so that it is killed together with its child.
            .process_group(0)
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        Ok(Self { process, socket: UnixStream::from_std(socket)? })
    }

    /// Has a child read `original`. Fails if the process is gone, else [`Self::status`] is to be called
    /// before the next request.
    pub(super) fn read(&self, request: &Request, original: &File) -> io::Result<Output> {
        let request = serde_json::to_vec(request)?;
        let (answer, answered) = io::pipe()?;
        let (complaints, complained) = io::pipe()?;
        let streams = [original.as_fd(), answered.as_fd(), complained.as_fd()];
        let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(3))];
        let mut sent = SendAncillaryBuffer::new(&mut space);
        if !sent.push(SendAncillaryMessage::ScmRights(&streams)) || request.len() > MAX_REQUEST_BYTES {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        // One request is small and alone in the socket: it goes out whole.
        sendmsg(&self.socket, &[IoSlice::new(&request)], &mut sent, SendFlags::empty())?;
        Ok(Output {
            answer: pipe::Receiver::from_owned_fd(answer.into())?,
            complaints: pipe::Receiver::from_owned_fd(complaints.into())?,
        })
    }

    /// Waits for the end of the child.
    pub(super) async fn status(&mut self) -> io::Result<ExitStatus> {
        let mut status = [0; size_of::<i32>()];
        self.socket.read_exact(&mut status).await?;
        Ok(ExitStatus::from_raw(i32::from_ne_bytes(status)))
    }
}

impl Drop for ForkServer {
    fn drop(&mut self) {
        // Not yet waited for, it still holds its number.
        let pid = self.process.id().and_then(|id| Pid::from_raw(id.try_into().ok()?));
        if let Some(pid) = pid {
            kill_process_group(pid, Signal::KILL).ok();
        }
    }
}

/// The process's side: forks for each request; in the children, `read` makes the answer. They must be
/// started before any thread is.
pub(super) fn serve(read: fn(&Request) -> ExitCode) -> ExitCode {
    loop {
        let (request, streams) = match receive() {
            Ok(Some(received)) => received,
            Ok(None) => return ExitCode::SUCCESS,
            Err(_) => return ExitCode::from(2),
        };
        match fork::fork_process() {
            Ok(ProcessFork::Child) => {
                return if take(streams).is_ok() { read(&request) } else { ExitCode::from(2) };
            }
            Ok(ProcessFork::Parent(child)) => {
                // The child alone holds the output, so that its end is the end of the child.
                drop(streams);
                let status = fork::waitpid(child.get());
                let told = status.is_ok_and(|status| {
                    rustix::io::write(io::stdin(), &status.to_ne_bytes()) == Ok(size_of_val(&status))
                });
                if !told {
                    return ExitCode::from(2);
                }
            }
            Err(_) => return ExitCode::from(2),
        }
    }
}

/// The next request and the streams it came with; none once the socket is closed.
fn receive() -> io::Result<Option<(Request, [OwnedFd; 3])>> {
    let mut sent = [0; MAX_REQUEST_BYTES];
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(3))];
    let mut received = RecvAncillaryBuffer::new(&mut space);
    let read = recvmsg(io::stdin(), &mut [IoSliceMut::new(&mut sent)], &mut received, RecvFlags::empty())?;
    if read.bytes == 0 {
        return Ok(None);
    }
    let request = serde_json::from_slice(&sent[..read.bytes])?;
    let mut streams = Vec::new();
    for message in received.drain() {
        if let RecvAncillaryMessage::ScmRights(descriptors) = message {
            streams.extend(descriptors);
        }
    }
    let streams = streams.try_into().map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
    Ok(Some((request, streams)))
}

/// Makes them the standard streams of this process; the socket was the first of these.
fn take([input, output, errors]: [OwnedFd; 3]) -> rustix::io::Result<()> {
    use rustix::stdio::{dup2_stderr, dup2_stdin, dup2_stdout};

    dup2_stdin(input)?;
    dup2_stdout(output)?;
    dup2_stderr(errors)
}
