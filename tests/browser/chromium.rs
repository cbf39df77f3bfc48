//! A headless Chromium that opens an address, lets its scripts run, and gives what then stands
//! there as HTML. Without a browser on the machine a test is skipped, except where `CI` is set.

#![expect(clippy::unwrap_used, reason = "a test that can't go on should stop there")]

use std::path::PathBuf;
use std::process::Stdio;

use tokio::process::{Child, Command};

use crate::support::PATIENCE;

const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
/// How long scripts may wait for things, in the browser's own time.
const BUDGET: &str = "--virtual-time-budget=6000";

/// The browser of this machine, or a printed reason to skip the test.
#[expect(clippy::print_stderr, reason = "a skipped test has to say so")]
pub(crate) fn find() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .flat_map(|folder| NAMES.map(|name| folder.join(name)))
        .find(|file| file.is_file());
    assert!(found.is_some() || std::env::var_os("CI").is_none(), "no Chromium here, and `CI` is set");
    if found.is_none() {
        eprintln!("skipped: there is no Chromium on this machine");
    }
    found
}

/// What stands at an address once its scripts have run.
pub(crate) async fn dump(browser: &PathBuf, url: &str) -> String {
    let profile = tempfile::tempdir().unwrap();
    let running = headless(browser, &profile).args([BUDGET, "--dump-dom"]).arg(url).output();
    let output = tokio::time::timeout(PATIENCE, running).await.expect("the browser ends in time").unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// A browser that stays at an address for as long as the value lives.
pub(crate) fn open(browser: &PathBuf, url: &str) -> (Child, tempfile::TempDir) {
    let profile = tempfile::tempdir().unwrap();
    let running = headless(browser, &profile)
        .arg("--remote-debugging-port=0")
        .arg(url)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    (running, profile)
}

fn headless(browser: &PathBuf, profile: &tempfile::TempDir) -> Command {
    let mut command = Command::new(browser);
    command
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .args(["--disable-dev-shm-usage", "--window-size=1280,900", "--no-proxy-server"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    command
}

/// Text as it stands in dumped HTML.
pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// What stands between the first `open` and the `close` after it.
pub(crate) fn between<'a>(html: &'a str, open: &str, close: &str) -> Option<&'a str> {
    let rest = html.split_once(open)?.1;
    Some(rest.split_once(close)?.0)
}
