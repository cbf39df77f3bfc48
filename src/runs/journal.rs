//! The files behind runs. One thread writes for all of them and rests a moment between rounds, so
//! that a token costs a queue entry and not a system call. Only `sync` makes lines durable.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

/// How long lines may wait for company, and so what a killed process may lose.
const REST: Duration = Duration::from_millis(50);

pub(super) struct Journal {
    orders: mpsc::Sender<Order>,
}

enum Order {
    Append(Arc<RunFile>, Arc<str>),
    Sync(Arc<RunFile>, oneshot::Sender<io::Result<()>>),
}

/// The file of one run, with the lines that wait for the next round. Only the journal's thread
/// touches either.
pub(super) struct RunFile {
    file: File,
    pending: Mutex<Pending>,
}

#[derive(Default)]
struct Pending {
    lines: Vec<u8>,
    /// The first failure, told to whoever syncs.
    failure: Option<io::Error>,
}

impl Journal {
    pub(super) fn start() -> io::Result<Self> {
        let (orders, waiting) = mpsc::channel();
        thread::Builder::new().name("run-journal".to_owned()).spawn(move || write_all(&waiting))?;
        Ok(Self { orders })
    }

    pub(super) fn append(&self, file: &Arc<RunFile>, line: Arc<str>) {
        // The thread outlives every journal handle; if it is gone, `sync` reports it.
        let _ = self.orders.send(Order::Append(Arc::clone(file), line));
    }

    pub(super) async fn sync(&self, file: &Arc<RunFile>) -> io::Result<()> {
        let (reply, outcome) = oneshot::channel();
        let stopped = || io::Error::other("the journal has stopped");
        self.orders.send(Order::Sync(Arc::clone(file), reply)).map_err(|_| stopped())?;
        outcome.await.map_err(|_| stopped())?
    }
}

impl RunFile {
    /// Creates the file with these lines, or cuts it back to them, and makes its name durable.
    pub(super) fn create(path: &Path, whole_lines: &str) -> io::Result<Self> {
        let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
        std::fs::create_dir_all(folder)?;
        let mut file = OpenOptions::new().create(true).append(true).open(path)?;
        file.set_len(0)?;
        file.write_all(whole_lines.as_bytes())?;
        File::open(folder)?.sync_all()?;
        Ok(Self { file, pending: Mutex::default() })
    }

    /// Keeps a line for the next round. True if it is the first to wait.
    fn add(&self, line: &str) -> bool {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        let is_first = pending.lines.is_empty();
        pending.lines.extend_from_slice(line.as_bytes());
        pending.lines.push(b'\n');
        is_first
    }

    fn write(&self) {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = std::mem::take(&mut pending.lines);
        if let Err(error) = (&self.file).write_all(&lines) {
            pending.failure.get_or_insert(error);
        }
    }

    fn sync(&self) -> io::Result<()> {
        self.write();
        let failure = self.pending.lock().unwrap_or_else(PoisonError::into_inner).failure.take();
        failure.map_or_else(|| self.file.sync_data(), Err)
    }
}

fn write_all(waiting: &mpsc::Receiver<Order>) {
    while let Ok(first) = waiting.recv() {
        let mut touched = Vec::new();
        let until = Instant::now() + REST;
        let mut next = Some(first);
        while let Some(order) = next {
            match order {
                Order::Append(file, line) => {
                    if file.add(&line) {
                        touched.push(file);
                    }
                }
                // A caller that went away has nothing to learn.
                Order::Sync(file, reply) => drop(reply.send(file.sync())),
            }
            next = waiting.recv_timeout(until.saturating_duration_since(Instant::now())).ok();
        }
        for file in touched {
            file.write();
        }
    }
}
