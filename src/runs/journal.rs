//! The files behind runs. One thread writes for all of them, and readers see an event only once it is
//! written: what was seen outlives the process. Whatever waits when the thread comes round is one
//! write a run, so a busy server makes fewer of them. Only `sync` makes lines outlive a power cut.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;

use tokio::sync::oneshot;

use super::{Frame, Live};

pub(super) struct Journal {
    orders: mpsc::Sender<Order>,
}

/// Events taken up before those that are there are written.
const ROUND: usize = 4096;

enum Order {
    Append(Arc<RunFile>, Frame),
    Seal(Arc<RunFile>, Arc<str>),
    Sync(Arc<RunFile>, oneshot::Sender<io::Result<()>>),
    Close(Arc<RunFile>),
}

/// The file of one run, with what waits for its write. Only the journal's thread touches either.
pub(super) struct RunFile {
    file: File,
    live: Arc<Live>,
    pending: Mutex<Pending>,
}

#[derive(Default)]
struct Pending {
    /// What is not in the file yet; after a failed write, the rest of it.
    lines: Vec<u8>,
    /// What readers have not seen yet.
    frames: Vec<Frame>,
}

impl Pending {
    fn add(&mut self, line: &str) {
        self.lines.extend_from_slice(line.as_bytes());
        self.lines.push(b'\n');
    }
}

impl Journal {
    pub(super) fn start() -> io::Result<Self> {
        let (orders, waiting) = mpsc::channel();
        thread::Builder::new().name("run-journal".to_owned()).spawn(move || write_all(&waiting))?;
        Ok(Self { orders })
    }

    /// Puts an event in line to be written and then shown.
    pub(super) fn append(&self, file: &Arc<RunFile>, frame: Frame) {
        // The thread outlives every journal handle; if it is gone, `sync` reports it.
        let _ = self.orders.send(Order::Append(Arc::clone(file), frame));
    }

    /// Puts a line in line that readers are shown later.
    pub(super) fn seal(&self, file: &Arc<RunFile>, line: Arc<str>) {
        let _ = self.orders.send(Order::Seal(Arc::clone(file), line));
    }

    /// Writes all that was appended, durably. After a failure it can be tried again.
    pub(super) async fn sync(&self, file: &Arc<RunFile>) -> io::Result<()> {
        let (reply, outcome) = oneshot::channel();
        let stopped = || io::Error::other("the journal has stopped");
        self.orders.send(Order::Sync(Arc::clone(file), reply)).map_err(|_| stopped())?;
        outcome.await.map_err(|_| stopped())?
    }

    /// Ends the run for its readers, after all that was appended.
    pub(super) fn close(&self, file: &Arc<RunFile>) {
        let _ = self.orders.send(Order::Close(Arc::clone(file)));
    }
}

impl RunFile {
    /// Opens the file for appending after its first `len` bytes, creating it when absent, and makes
    /// its name durable.
    pub(super) fn open(path: &Path, len: u64, live: Arc<Live>) -> io::Result<Self> {
        let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
        std::fs::create_dir_all(folder)?;
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        file.set_len(len)?;
        File::open(folder)?.sync_all()?;
        Ok(Self { file, live, pending: Mutex::default() })
    }

    /// Keeps an event for the write of this round. True if it is the first to wait.
    fn add(&self, frame: Frame) -> bool {
        let mut pending = self.pending();
        let is_first = pending.frames.is_empty();
        pending.add(&frame.data);
        pending.frames.push(frame);
        is_first
    }

    /// Writes what waits and shows it. After a failure readers go on all the same, and the rest
    /// waits for the next write: no line is ever left out or torn in the middle.
    fn write(&self) -> io::Result<()> {
        let mut pending = self.pending();
        let outcome = loop {
            if pending.lines.is_empty() {
                break Ok(());
            }
            match (&self.file).write(&pending.lines) {
                Ok(0) => break Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => drop(pending.lines.drain(..written)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
        };
        let frames = std::mem::take(&mut pending.frames);
        drop(pending);
        self.live.show(frames);
        outcome
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn write_all(waiting: &mpsc::Receiver<Order>) {
    while let Ok(first) = waiting.recv() {
        let mut touched: Vec<Arc<RunFile>> = Vec::new();
        for order in std::iter::once(first).chain(waiting.try_iter().take(ROUND)) {
            match order {
                Order::Append(file, frame) => {
                    if file.add(frame) {
                        touched.push(file);
                    }
                }
                Order::Seal(file, line) => file.pending().add(&line),
                Order::Sync(file, reply) => {
                    let outcome = file.write().and_then(|()| file.file.sync_data());
                    // A caller that went away has nothing to learn.
                    drop(reply.send(outcome));
                }
                Order::Close(file) => {
                    note(file.write());
                    file.live.close();
                }
            }
        }
        for file in touched {
            note(file.write());
        }
    }
}

/// A failed write is told to whoever syncs; here it is only noted.
fn note(outcome: io::Result<()>) {
    if let Err(error) = outcome {
        tracing::warn!(%error, "an answer's events wait to be written");
    }
}
