//! The power fails: a file system of our own is shut down without writing its cache back, under
//! load, and what was acknowledged is there all the same. It needs root, a loop device and ext4, and
//! says so where it has not got them. `IBID_POWER_CUTS` gives another number of cuts.

#![expect(clippy::unwrap_used, reason = "a test that can't go on should stop there")]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::check::{Seen, check};
use crate::ledger::Ledger;
use crate::load::{config, load, settle_in};
use crate::support::dice::Dice;
use crate::support::{Server, eventually};

/// Cuts of a usual run.
const CUTS: u64 = 5;
/// How long the server lives under load at most, in milliseconds.
const LONGEST_MS: u64 = 1_000;
/// Shuts the file system down as a power cut would: nothing is written any more, the journal is not
/// flushed (`EXT4_IOC_SHUTDOWN`, which is `_IOR('X', 125, u32)`, with `NOLOGFLUSH`).
const SHUTDOWN: &str = "import fcntl, os, struct, sys\n\
    fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587d, struct.pack('I', 2))";

/// An ext4 file system in a file.
struct Disk {
    folder: tempfile::TempDir,
}

impl Disk {
    /// None, with the reason printed, where there can't be one.
    fn make() -> Option<Self> {
        let disk = Self { folder: tempfile::tempdir().unwrap() };
        std::fs::create_dir(disk.mounted()).unwrap();
        let image = disk.image();
        let image = image.to_str().unwrap();
        for (program, arguments) in [
            ("python3", vec!["--version"]),
            ("truncate", vec!["--size=512M", image]),
            ("mkfs.ext4", vec!["-q", "-F", image]),
        ] {
            if let Err(reason) = run(program, &arguments) {
                return skipped(&reason);
            }
        }
        match disk.mount() {
            Ok(()) => Some(disk),
            Err(reason) => skipped(&reason),
        }
    }

    fn image(&self) -> std::path::PathBuf {
        self.folder.path().join("image")
    }

    fn mounted(&self) -> std::path::PathBuf {
        self.folder.path().join("disk")
    }

    fn mount(&self) -> Result<(), String> {
        run("mount", &["-o", "loop", self.image().to_str().unwrap(), self.mounted().to_str().unwrap()])
    }

    /// From here on nothing reaches the disk.
    fn cut(&self) {
        run("python3", &["-c", SHUTDOWN, self.mounted().to_str().unwrap()]).unwrap();
    }

    /// As after the power came back.
    async fn bring_back(&self) {
        eventually("the file system lets go", async || {
            run("umount", &[self.mounted().to_str().unwrap()]).ok()
        })
        .await;
        self.mount().unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = run("umount", &["--lazy", self.mounted().to_str().unwrap_or_default()]);
    }
}

fn skipped(reason: &str) -> Option<Disk> {
    println!("SKIPPED, the power can't be cut here: {}", reason.trim());
    None
}

fn run(program: &str, arguments: &[&str]) -> Result<(), String> {
    let ran = Command::new(program).args(arguments).stdin(Stdio::null()).output();
    match ran {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!("{program}: {}", String::from_utf8_lossy(&output.stderr))),
        Err(error) => Err(format!("{program}: {error}")),
    }
}

fn signal(server: &Server, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(server.pid()).unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

#[tokio::test]
async fn nothing_acknowledged_is_lost_when_the_power_fails() {
    let Some(disk) = Disk::make() else { return };
    let cuts = std::env::var("IBID_POWER_CUTS").map_or(CUTS, |cuts| cuts.parse().unwrap());
    let mut dice = Dice::seeded("IBID_POWER_SEED");
    let script = tempfile::tempdir().unwrap();
    let config = config(&script.path().join("script.json"));
    let data = tempfile::tempdir_in(disk.mounted()).unwrap();
    // Otherwise the folder itself is what the first cut takes.
    std::fs::File::open(disk.mounted()).unwrap().sync_all().unwrap();
    let mut server = Server::in_folder(data, &config).await;
    settle_in(&server).await;
    let ledger = Ledger::default();
    for cycle in 1..=cuts {
        let moment = Duration::from_millis(200 + dice.below(LONGEST_MS));
        let fall = async {
            tokio::time::sleep(moment).await;
            // Stopped first, so that nothing is acknowledged after the cut.
            signal(&server, Signal::STOP);
            disk.cut();
            signal(&server, Signal::KILL);
        };
        futures::future::join(load(&server, &ledger, cycle, &mut dice), fall).await;
        server.kill();
        disk.bring_back().await;
        server.start_again().await;
        check(&server, &ledger, Seen::MayEndEarlier, false).await;
    }
    check(&server, &ledger, Seen::MayEndEarlier, true).await;
    println!("{cuts} power cuts: {:?}; nothing lost, nothing doubled", ledger.lock().num);
    server.kill();
}

/// The same tools, seen to do what they are for: what is not synced does not survive a cut.
#[tokio::test]
async fn a_cut_takes_what_was_not_synced() {
    let Some(disk) = Disk::make() else { return };
    let kept = disk.mounted().join("kept");
    let lost = disk.mounted().join("lost");
    let write = |path: &Path| std::fs::write(path, vec![b'x'; 100_000]).unwrap();
    write(&kept);
    std::fs::File::open(&kept).unwrap().sync_all().unwrap();
    std::fs::File::open(disk.mounted()).unwrap().sync_all().unwrap();
    write(&lost);
    disk.cut();
    disk.bring_back().await;
    assert_eq!(std::fs::read(&kept).unwrap().len(), 100_000);
    assert!(!std::fs::read(&lost).is_ok_and(|bytes| bytes.len() == 100_000), "a cut that cuts nothing");
}
