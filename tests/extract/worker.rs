//! The worker is a process of its own: its answer is on disk, its limits hold, its death is told.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ibid::document::Passage;
use ibid::files::Layout;
use ibid::ingest::extract::{ExtractError, Limits};
use ibid::ingest::worker::{Extraction, Extractor};

use crate::files;

fn extractor(limits: Limits) -> Extractor {
    Extractor::new(PathBuf::from(env!("CARGO_BIN_EXE_ibid")), limits)
}

async fn run(
    extractor: &Extractor,
    bytes: &[u8],
    name: &str,
    dir: &Path,
) -> Result<Extraction, ExtractError> {
    let original = dir.join("original");
    std::fs::write(&original, bytes).unwrap();
    let out = dir.join("out");
    std::fs::create_dir_all(&out).unwrap();
    extractor.extract(&original, name, &out).await
}

fn stored(dir: &Path) -> (String, Vec<Passage>) {
    let text = std::fs::read_to_string(dir.join("out/text")).unwrap();
    let layout = std::fs::read(dir.join("out/layout.json")).unwrap();
    let layout: Layout = serde_json::from_slice(&layout).unwrap();
    (text, layout.passages)
}

fn left_over(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir.join("out")).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[tokio::test]
async fn a_file_becomes_text_and_passages_on_disk() {
    let dir = tempfile::tempdir().unwrap();
    let file = files::pdf(&[&[b"The first page speaks of bees."], &[b"The second page speaks of honey."]]);
    let found = run(&extractor(Limits::default()), &file, "bees.pdf", dir.path()).await.unwrap();
    let (text, passages) = stored(dir.path());
    assert_eq!((found.media_type.as_str(), found.pages, found.num_passages), ("application/pdf", Some(2), 2));
    assert_eq!(found.text_bytes, text.len() as u64);
    assert_eq!(passages[1].page, Some(2));
    assert_eq!(&text[passages[1].range()], "The second page speaks of honey.");
    assert_eq!(left_over(dir.path()).len(), 2);
}

#[tokio::test]
async fn a_refusal_keeps_its_words() {
    let dir = tempfile::tempdir().unwrap();
    let worker = extractor(Limits::default());
    let error = run(&worker, include_bytes!("encrypted.pdf"), "x.pdf", dir.path()).await.unwrap_err();
    assert_eq!(error, ExtractError::Encrypted { format: "PDF".to_owned() });
    assert_eq!(run(&worker, b"", "x.pdf", dir.path()).await.unwrap_err(), ExtractError::Empty);
    assert!(left_over(dir.path()).is_empty());
}

#[tokio::test]
async fn a_large_text_goes_through() {
    let dir = tempfile::tempdir().unwrap();
    let text = "Bees fly over the meadow, and the keeper counts every one of them all day long.\n"
        .repeat(20 << 20 >> 6);
    let text = &text[..20 << 20];
    let limits = Limits { seconds: 600, ..Limits::default() };
    let found = run(&extractor(limits), text.as_bytes(), "bees.txt", dir.path()).await.unwrap();
    let (stored, passages) = stored(dir.path());
    assert!(stored == text.trim_end());
    assert_eq!(found.num_passages as usize, passages.len());
    assert!(passages.len() > 15_000);
}

#[tokio::test]
async fn too_little_time_is_said_and_the_worker_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let text = "A sentence for the splitter to think about, and then some more. ".repeat(1_000_000);
    let start = Instant::now();
    let worker = extractor(Limits { seconds: 1, ..Limits::default() });
    let error = run(&worker, text.as_bytes(), "x.txt", dir.path()).await.unwrap_err();
    assert_eq!(error, ExtractError::TimedOut { seconds: 1 });
    assert!(start.elapsed() < Duration::from_secs(10));
    assert!(left_over(dir.path()).is_empty());
}

#[tokio::test]
async fn too_little_memory_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let text = "many words ".repeat(10 << 20);
    let worker = extractor(Limits { memory_bytes: 200 << 20, ..Limits::default() });
    let error = run(&worker, text.as_bytes(), "x.txt", dir.path()).await.unwrap_err();
    assert_eq!(error, ExtractError::OutOfMemory { limit: "200 MiB".to_owned() });
}

#[tokio::test]
async fn a_file_that_would_crash_its_reader_only_ends_the_worker() {
    let dir = tempfile::tempdir().unwrap();
    for depth in [10_380, 1_000_000] {
        let arrays =
            format!("BT /F1 12 Tf {}{} (words) Tj ET", "[".repeat(depth), "]".repeat(depth)).into_bytes();
        let file = files::pdf_of_streams(&[arrays]);
        match run(&extractor(Limits::default()), &file, "x.pdf", dir.path()).await {
            Ok(_)
            | Err(ExtractError::Crashed | ExtractError::NoText { .. } | ExtractError::Damaged { .. }) => {}
            Err(other) => panic!("{depth}: {other}"),
        }
        let page = format!("<html><body>{}{}", "<div>".repeat(3_000), "x");
        run(&extractor(Limits::default()), page.as_bytes(), "x", dir.path()).await.unwrap();
    }
}

#[tokio::test]
async fn a_worker_that_is_another_program_is_the_servers_fault() {
    let dir = tempfile::tempdir().unwrap();
    for program in ["/bin/false", "/bin/echo", "/no/such/program"] {
        let worker = Extractor::new(PathBuf::from(program), Limits::default());
        let error = run(&worker, b"x", "x.txt", dir.path()).await.unwrap_err();
        assert!(matches!(error, ExtractError::Server { .. }), "{program}: {error}");
    }
}

/// The program under a name of its own, by which [`processes`] tells its workers from those of other tests.
fn extractor_in(dir: &Path, limits: Limits) -> (Extractor, String) {
    let program = dir.join("reader");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_ibid"), &program).unwrap();
    let name = program.to_str().unwrap().to_owned();
    (Extractor::new(program, limits), name)
}

/// Processes with this in their command line, by number; a dead one has none.
fn processes(mark: &str) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let marked = processes.filter(|process| {
        let line = std::fs::read_to_string(process.path().join("cmdline"));
        line.is_ok_and(|line| line.contains(mark))
    });
    marked.filter_map(|process| process.file_name().to_str()?.parse().ok()).collect()
}

async fn wait_for_processes(mark: &str, number: usize) {
    let start = Instant::now();
    while processes(mark).len() != number {
        assert!(start.elapsed() < Duration::from_secs(5), "{:?} are there", processes(mark));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn dropping_the_future_kills_the_worker() {
    let dir = tempfile::tempdir().unwrap();
    let text = "A sentence for the splitter to think about, and then some more. ".repeat(1_000_000);
    let (worker, mark) = extractor_in(dir.path(), Limits { seconds: 600, ..Limits::default() });
    let mut reading = Box::pin(run(&worker, text.as_bytes(), "x.txt", dir.path()));
    let start = Instant::now();
    // The one that forks, and the one that reads.
    while processes(&mark).len() < 2 {
        assert!(start.elapsed() < Duration::from_secs(20), "the worker never started");
        let step = tokio::time::timeout(Duration::from_millis(10), &mut reading).await;
        assert!(step.is_err(), "the worker ended too soon: {step:?}");
    }
    drop(reading);
    wait_for_processes(&mark, 0).await;
    assert!(left_over(dir.path()).is_empty());
}

#[tokio::test]
async fn one_process_has_file_after_file_read_whatever_becomes_of_each() {
    let dir = tempfile::tempdir().unwrap();
    let limits = Limits { memory_bytes: 200 << 20, ..Limits::default() };
    let (worker, mark) = extractor_in(dir.path(), limits);
    let (note, too_much) = ("Bees make honey.", "many words ".repeat(10 << 20));
    run(&worker, note.as_bytes(), "a.txt", dir.path()).await.unwrap();
    let first = processes(&mark);
    assert_eq!(first.len(), 1);
    run(&worker, too_much.as_bytes(), "a.txt", dir.path()).await.unwrap_err();
    let found = run(&worker, note.as_bytes(), "a.txt", dir.path()).await.unwrap();
    assert_eq!((found.num_passages, processes(&mark)), (1, first));
    worker.rest();
    wait_for_processes(&mark, 0).await;
}

#[tokio::test]
async fn a_process_that_died_while_it_waited_is_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let (worker, mark) = extractor_in(dir.path(), Limits::default());
    run(&worker, b"Bees make honey.", "a.txt", dir.path()).await.unwrap();
    let [waiting] = processes(&mark)[..] else { panic!("{:?} are there", processes(&mark)) };
    let waiting = rustix::process::Pid::from_raw(waiting.try_into().unwrap()).unwrap();
    rustix::process::kill_process(waiting, rustix::process::Signal::KILL).unwrap();
    wait_for_processes(&mark, 0).await;
    run(&worker, b"Bees make honey.", "a.txt", dir.path()).await.unwrap();
}

/// What the hidden self-test of a worker says, and whether it is content.
#[cfg(target_os = "linux")]
fn self_test() -> (serde_json::Value, bool) {
    let told = std::process::Command::new(env!("CARGO_BIN_EXE_ibid"))
        .args(["worker", "--self-test"])
        .env_clear()
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    (serde_json::from_slice(&told.stdout).unwrap(), told.status.success())
}

#[cfg(target_os = "linux")]
#[test]
fn everything_a_worker_has_no_need_of_is_denied_to_it() {
    let (told, is_content) = self_test();
    assert_eq!(told["missing"], serde_json::Value::Null, "{told}");
    let tried = told["tried"].as_array().unwrap();
    assert!(tried.len() >= 12);
    for attempt in tried {
        assert_eq!(attempt[1], true, "{attempt}");
    }
    assert!(is_content);
}

/// Runs `then` on a thread that lives under a kernel without filters and without Landlock.
#[cfg(target_os = "linux")]
fn without_walls<T: Send>(then: impl FnOnce() -> T + Send) -> T {
    use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};

    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let calls = [libc::SYS_seccomp, libc::SYS_landlock_create_ruleset];
            let rules = calls.into_iter().map(|call| (call, Vec::new())).collect();
            let not_there = SeccompAction::Errno(38);
            let arch = std::env::consts::ARCH.try_into().unwrap();
            let filter = SeccompFilter::new(rules, SeccompAction::Allow, not_there, arch).unwrap();
            let program: BpfProgram = filter.try_into().unwrap();
            seccompiler::apply_filter(&program).unwrap();
            then()
        });
        thread.join().unwrap()
    })
}

#[cfg(target_os = "linux")]
#[test]
fn where_a_worker_cant_be_confined_it_reads_unless_it_has_to_be() {
    use ibid::ingest::extract::Sandbox;

    let (told, is_content) = without_walls(self_test);
    assert!(told["missing"].as_str().unwrap().contains("seccomp"), "{told}");
    assert!(!is_content);
    assert!(told["tried"].as_array().unwrap().iter().any(|attempt| attempt[1] == false), "{told}");

    for sandbox in [Sandbox::Available, Sandbox::Required] {
        let dir = tempfile::tempdir().unwrap();
        let limits = Limits { sandbox, ..Limits::default() };
        let found = without_walls(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(run(&extractor(limits), b"Bees make honey.", "a.txt", dir.path()))
        });
        match sandbox {
            Sandbox::Available => assert_eq!(found.unwrap().num_passages, 1),
            Sandbox::Required => {
                let error = found.unwrap_err().to_string();
                assert!(error.contains("seccomp"), "{error}");
            }
        }
    }
}
