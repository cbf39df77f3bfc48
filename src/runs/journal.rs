//! The files behind runs. One thread writes for all of them, and readers see an event only once it is
//! written: what was seen outlives the process. Whatever waits of a run when the thread comes round is
//! one write, so a busy server makes fewer of them. Only `sync` makes lines outlive a power cut. It
//! holds up nobody's words: files are synced beside the thread, several at a time, which lets the file
//! system commit them together.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;

use tokio::sync::{Notify, Semaphore, oneshot};
use tokio::task::spawn_blocking;

use super::{Frame, Live};

/// Files that stay open between two writes. Those of further runs are opened for each, so that an
/// answer that is slow to come costs no open file.
const MAX_OPEN: usize = 256;
/// Files synced at the same time.
const SYNCS: usize = 8;
/// What may wait of a run, in bytes, before its writer waits as well.
const MAX_WAITING: usize = 256 << 10;

pub(super) struct Journal {
    orders: mpsc::Sender<Order>,
    syncs: Semaphore,
}

/// Of `Write` and `Tell` at most one a run is in line for each that waits for it.
enum Order {
    Write(Arc<RunFile>),
    Tell(Arc<RunFile>, oneshot::Sender<io::Result<()>>),
    Close(Arc<RunFile>),
}

impl Journal {
    pub(super) fn start() -> io::Result<Self> {
        let (orders, waiting) = mpsc::channel();
        thread::Builder::new().name("run-journal".to_owned()).spawn(move || carry_out(&waiting))?;
        Ok(Self { orders, syncs: Semaphore::new(SYNCS) })
    }

    /// Has the file created, if it is not there.
    pub(super) fn open(&self, file: &Arc<RunFile>) {
        self.put(file, |_| {});
    }

    /// Puts an event in line to be written and then shown.
    pub(super) fn append(&self, file: &Arc<RunFile>, frame: Frame) {
        self.put(file, |waiting| {
            waiting.add(&frame.data);
            waiting.frames.push(frame);
        });
    }

    /// Puts a line in line that readers are shown later.
    pub(super) fn seal(&self, file: &Arc<RunFile>, line: &str) {
        self.put(file, |waiting| waiting.add(line));
    }

    fn put(&self, file: &Arc<RunFile>, add: impl FnOnce(&mut Waiting)) {
        let mut waiting = file.waiting();
        add(&mut waiting);
        if !std::mem::replace(&mut waiting.is_in_line, true) {
            // The thread outlives every journal handle; if it is gone, `sync` reports it.
            let _ = self.orders.send(Order::Write(Arc::clone(file)));
        }
    }

    /// Writes all that was appended, durably. After a failure it can be tried again.
    pub(super) async fn sync(&self, file: &Arc<RunFile>) -> io::Result<()> {
        let (reply, outcome) = oneshot::channel();
        let stopped = || io::Error::other("the journal has stopped");
        self.orders.send(Order::Tell(Arc::clone(file), reply)).map_err(|_| stopped())?;
        outcome.await.map_err(|_| stopped())??;
        let _turn = self.syncs.acquire().await.map_err(io::Error::other)?;
        let file = Arc::clone(file);
        spawn_blocking(move || file.sync()).await?
    }

    /// Ends the run for its readers, after all that was appended.
    pub(super) fn close(&self, file: &Arc<RunFile>) {
        let _ = self.orders.send(Order::Close(Arc::clone(file)));
    }
}

fn carry_out(orders: &mpsc::Receiver<Order>) {
    let num_open = Arc::default();
    while let Ok(order) = orders.recv() {
        match order {
            Order::Write(file) => note(file.write(&num_open)),
            // A caller that went away has nothing to learn.
            Order::Tell(file, reply) => drop(reply.send(file.write(&num_open))),
            Order::Close(file) => {
                note(file.write(&num_open));
                file.live.close();
            }
        }
    }
}

/// A failed write is told to whoever syncs; here it is only noted.
fn note(outcome: io::Result<()>) {
    if let Err(error) = outcome {
        tracing::warn!(%error, "an answer's events wait to be written");
    }
}

/// The file of one run, with what waits for its write.
pub(super) struct RunFile {
    path: PathBuf,
    live: Arc<Live>,
    waiting: Mutex<Waiting>,
    /// Told when less waits.
    written: Notify,
    /// The file while it is open, and what it begins with until it was open for the first time. Only
    /// the journal's thread looks.
    handle: Mutex<Handle>,
    /// Whether its name is durable.
    is_named: AtomicBool,
}

#[derive(Default)]
struct Waiting {
    /// What is not in the file yet; after a failed write, the rest of it.
    lines: Vec<u8>,
    /// What readers have not seen yet.
    frames: Vec<Frame>,
    /// Whether the thread will look.
    is_in_line: bool,
}

impl Waiting {
    fn add(&mut self, line: &str) {
        self.lines.extend_from_slice(line.as_bytes());
        self.lines.push(b'\n');
    }
}

impl RunFile {
    /// A file that begins with `len` bytes that are there; it is created when absent. Nothing is done
    /// with it yet.
    pub(super) fn new(path: PathBuf, len: u64, live: Arc<Live>) -> Self {
        let handle = Mutex::new(Handle { open: None, begins: Some(len) });
        let (waiting, written, is_named) = Default::default();
        Self { path, live, waiting, written, handle, is_named }
    }

    /// Resolves once so little waits that more may, or once it can't be written: that is told by
    /// `sync`, and waiting for it would never end.
    pub(super) async fn has_room(&self) {
        while self.is_behind() {
            self.written.notified().await;
        }
    }

    fn is_behind(&self) -> bool {
        let waiting = self.waiting();
        waiting.is_in_line && waiting.lines.len() > MAX_WAITING
    }

    /// Writes what waits and shows it. After a failure readers go on all the same, and the rest
    /// waits for the next write: no line is ever left out or torn in the middle.
    fn write(&self, num_open: &Arc<AtomicUsize>) -> io::Result<()> {
        let (mut lines, frames) = {
            let mut waiting = self.waiting();
            waiting.is_in_line = false;
            (std::mem::take(&mut waiting.lines), std::mem::take(&mut waiting.frames))
        };
        let outcome = self
            .handle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .write(&self.path, &mut lines, num_open);
        let is_written = lines.is_empty();
        if !is_written {
            let mut waiting = self.waiting();
            lines.append(&mut waiting.lines);
            waiting.lines = lines;
        }
        self.live.show(frames, is_written);
        self.written.notify_one();
        outcome
    }

    /// Makes what is written durable, and the first time the file's name; blocks.
    fn sync(&self) -> io::Result<()> {
        let sync = || {
            File::open(&self.path)?.sync_data()?;
            if !self.is_named.load(Ordering::Relaxed) {
                // Its folder may be as new as the file.
                for folder in self.path.ancestors().skip(1).take(2) {
                    File::open(folder)?.sync_all()?;
                }
                self.is_named.store(true, Ordering::Relaxed);
            }
            Ok(())
        };
        sync().or_else(unless_gone)
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A file that is gone went with its session: nobody wants what would have been in it.
fn unless_gone(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

struct Handle {
    open: Option<Open>,
    begins: Option<u64>,
}

/// An open file, and how many there are.
struct Open(File, Arc<AtomicUsize>);

impl Drop for Open {
    fn drop(&mut self) {
        self.1.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Handle {
    /// Writes lines and takes away what is written.
    fn write(&mut self, path: &Path, lines: &mut Vec<u8>, num_open: &Arc<AtomicUsize>) -> io::Result<()> {
        if lines.is_empty() && self.begins.is_none() {
            return Ok(());
        }
        let mut file = match self.file(path, num_open) {
            Ok(file) => file,
            Err(error) => {
                unless_gone(error)?;
                lines.clear();
                return Ok(());
            }
        };
        let mut written = 0;
        let outcome = loop {
            if written == lines.len() {
                break Ok(());
            }
            match file.write(&lines[written..]) {
                Ok(0) => break Err(io::ErrorKind::WriteZero.into()),
                Ok(more) => written += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
        };
        lines.drain(..written);
        if num_open.load(Ordering::Relaxed) > MAX_OPEN {
            self.open = None;
        }
        outcome
    }

    fn file(&mut self, path: &Path, num_open: &Arc<AtomicUsize>) -> io::Result<&File> {
        let open = match self.open.take() {
            Some(open) => open,
            None => {
                if let (Some(_), Some(folder)) = (self.begins, path.parent()) {
                    std::fs::create_dir_all(folder)?;
                }
                let file = OpenOptions::new().append(true).create(self.begins.is_some()).open(path)?;
                if let Some(len) = self.begins {
                    file.set_len(len)?;
                    self.begins = None;
                }
                num_open.fetch_add(1, Ordering::Relaxed);
                Open(file, Arc::clone(num_open))
            }
        };
        Ok(&self.open.insert(open).0)
    }
}
