//! A person at the page: Chromium, driven through WebDriver with real clicks and keys. Whatever is
//! looked for is waited for; nothing here sleeps for a guessed time. The protocol is a dozen JSON
//! requests, so it is spoken with the client the tests have anyway.
//!
//! Without a browser and its driver on the machine a test is skipped, except where `CI` is set.

#![expect(clippy::unwrap_used, reason = "a test that can't go on should stop there")]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::support::{PATIENCE, Server, client, eventually};

const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
/// How often a driver is started.
const STARTS: u32 = 5;
/// Under this name the protocol hands out elements.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
/// Runs before anything of the page does, and notes what must not happen there.
const WATCH: &str = "window.seen = [];
    for (const kind of ['error', 'unhandledrejection', 'securitypolicyviolation']) {
      addEventListener(kind, (event) => window.seen.push(`${kind}: ${event.message ?? event.reason ?? event.blockedURI}`), true);
    }
    for (const name of ['alert', 'confirm', 'prompt']) window[name] = (words) => void window.seen.push(`${name}: ${words}`);";
/// The first visible element that fits a selector and has these words, or this name.
const FIND: &str = "const [css, words] = arguments;
    return [...document.querySelectorAll(css)].find((one) => one.checkVisibility({ visibilityProperty: true })
      && (!words || one.textContent.includes(words) || one.getAttribute('aria-label')?.includes(words))) ?? null;";

pub(crate) const ENTER: &str = "\u{E007}";
pub(crate) const ESCAPE: &str = "\u{E00C}";
pub(crate) const DOWN: &str = "\u{E015}";
pub(crate) const TAB: &str = "\u{E004}";

/// A browser with one session of its own. Killed with its driver when this is dropped.
pub(crate) struct Browser {
    driver: Child,
    session: String,
    site: String,
    client: reqwest::Client,
    _profile: tempfile::TempDir,
}

/// Starts a driver on a port of its own, which it tells.
fn start(driver: &Path) -> Option<(Child, String)> {
    let mut driver =
        Command::new(driver).arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
    let port = lines.find_map(|line| {
        let line = line.ok()?;
        let port = line.split_once("started successfully on port ")?.1;
        Some(port.trim_end_matches('.').to_owned())
    });
    let Some(port) = port else {
        driver.wait().unwrap();
        return None;
    };
    // Whatever else it says must not fill the pipe.
    std::thread::spawn(move || lines.for_each(drop));
    Some((driver, port))
}

impl Browser {
    /// A browser for the pages of this server; `None`, with a printed reason, where there is none.
    #[expect(clippy::print_stderr, reason = "a skipped test has to say so")]
    pub(crate) async fn open(server: &Server) -> Option<Self> {
        let (browser, driver) = (find_program(&BROWSERS), find_program(&["chromedriver"]));
        let is_required = std::env::var_os("CI").is_some();
        let (Some(browser), Some(driver)) = (browser, driver) else {
            assert!(!is_required, "no Chromium with its driver here, and `CI` is set");
            eprintln!("skipped: there is no Chromium with its driver on this machine");
            return None;
        };
        // A driver ends at once if another program was quicker to take the port it had chosen.
        let (driver, port) = (0..STARTS).find_map(|_| start(&driver)).expect("the driver says where it is");
        let base = format!("http://127.0.0.1:{port}/session");
        let profile = tempfile::tempdir().unwrap();
        let arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
            "--no-proxy-server",
            "--window-size=1280,900",
        ];
        let mut arguments: Vec<String> = arguments.map(str::to_owned).into();
        arguments.push(format!("--user-data-dir={}", profile.path().display()));
        let options = json!({"binary": browser, "args": arguments});
        let wanted = json!({"capabilities": {"alwaysMatch": {"browserName": "chrome", "goog:chromeOptions": options}}});
        let client = client();
        let response = client.post(&base).json(&wanted).send().await.unwrap();
        let opened: Value = response.json().await.unwrap();
        let id = opened["value"]["sessionId"].as_str().unwrap_or_else(|| panic!("no browser: {opened}"));
        let session = format!("{base}/{id}");
        let this = Self { driver, session, site: server.url.clone(), client, _profile: profile };
        this.cdp("Page.addScriptToEvaluateOnNewDocument", json!({"source": WATCH})).await;
        Some(this)
    }

    async fn post(&self, path: &str, body: Value) -> Result<Value, Value> {
        let request = self.client.post(format!("{}/{path}", self.session)).json(&body).timeout(PATIENCE);
        let response = request.send().await.unwrap();
        let is_fine = response.status().is_success();
        let mut told: Value = response.json().await.unwrap();
        let value = told["value"].take();
        if is_fine { Ok(value) } else { Err(value) }
    }

    /// A command of the DevTools protocol, for what no person can do with keys and clicks.
    pub(crate) async fn cdp(&self, command: &str, parameters: Value) -> Value {
        let body = json!({"cmd": command, "params": parameters});
        self.post("goog/cdp/execute", body).await.unwrap_or_else(|error| panic!("{command}: {error}"))
    }

    /// Opens an address of the page.
    pub(crate) async fn go(&self, path: &str) {
        self.post("url", json!({"url": format!("{}{path}", self.site)})).await.unwrap();
    }

    pub(crate) async fn reload(&self) {
        self.post("refresh", json!({})).await.unwrap();
    }

    /// The server is to be found at another address.
    pub(crate) fn follow(&mut self, site: &str) {
        site.clone_into(&mut self.site);
    }

    /// What a script returns.
    pub(crate) async fn eval(&self, script: &str, arguments: Value) -> Value {
        let body = json!({"script": script, "args": arguments});
        self.post("execute/sync", body).await.unwrap_or_else(|error| panic!("{script}: {error}"))
    }

    /// What an `async` script resolves to.
    pub(crate) async fn eval_async(&self, script: &str) -> Value {
        let script = format!(
            "const end = arguments[arguments.length - 1]; (async () => {{ {script} }})().then(end, (e) => end(String(e)));"
        );
        let body = json!({"script": script, "args": []});
        self.post("execute/async", body).await.unwrap_or_else(|error| panic!("{script}: {error}"))
    }

    async fn look(&self, css: &str, words: &str) -> Option<String> {
        let found = self.eval(FIND, json!([css, words])).await;
        found[ELEMENT].as_str().map(str::to_owned)
    }

    /// Waits until something that fits can be seen.
    pub(crate) async fn see(&self, css: &str, words: &str) -> String {
        eventually(&format!("`{css}` with “{words}” is seen"), async || self.look(css, words).await).await
    }

    /// Waits until nothing that fits can be seen.
    pub(crate) async fn see_gone(&self, css: &str, words: &str) {
        eventually(&format!("`{css}` with “{words}” is gone"), async || {
            self.look(css, words).await.is_none().then_some(())
        })
        .await;
    }

    /// Clicks, once it is there and nothing is in the way.
    pub(crate) async fn click(&self, css: &str, words: &str) {
        eventually(&format!("`{css}` with “{words}” can be clicked"), async || {
            let element = self.look(css, words).await?;
            // To the middle: bars stand at both edges.
            let there = "arguments[0].scrollIntoView({ block: 'center', behavior: 'instant' })";
            self.post("execute/sync", json!({"script": there, "args": [{ELEMENT: element}]})).await.ok()?;
            self.post(&format!("element/{element}/click"), json!({})).await.ok()
        })
        .await;
    }

    /// Moves the pointer over something and leaves it there.
    pub(crate) async fn hover(&self, css: &str) {
        self.see(css, "").await;
        let script = "const at = document.querySelector(arguments[0]).getBoundingClientRect();
            return { x: at.left + at.width / 2, y: at.top + at.height / 2 }";
        let at = self.eval(script, json!([css])).await;
        let event = json!({"type": "mouseMoved", "x": at["x"], "y": at["y"]});
        self.cdp("Input.dispatchMouseEvent", event).await;
    }

    /// Chooses from a list that drops down.
    pub(crate) async fn pick(&self, css: &str, words: &str) {
        let script = "return [...document.querySelectorAll(`${arguments[0]} option`)]
            .find((one) => one.textContent.includes(arguments[1])) ?? null";
        eventually(&format!("`{words}` can be chosen in `{css}`"), async || {
            let element = self.eval(script, json!([css, words])).await[ELEMENT].as_str()?.to_owned();
            self.post(&format!("element/{element}/click"), json!({})).await.ok()
        })
        .await;
    }

    /// Types into something, `ENTER` and the like included.
    pub(crate) async fn write(&self, css: &str, keys: &str) {
        eventually(&format!("`{css}` can be written in"), async || {
            let element = self.eval("return document.querySelector(arguments[0])", json!([css])).await;
            let element = element[ELEMENT].as_str()?.to_owned();
            self.post(&format!("element/{element}/value"), json!({"text": keys})).await.ok()
        })
        .await;
    }

    /// Puts other words in place of those in a field.
    pub(crate) async fn rewrite(&self, css: &str, words: &str) {
        let element = self.see(css, "").await;
        self.post(&format!("element/{element}/clear"), json!({})).await.unwrap();
        self.write(css, words).await;
    }

    /// Presses keys wherever the focus is.
    pub(crate) async fn press(&self, keys: &str) {
        let active = self.eval("return document.activeElement", json!([])).await;
        let element = active[ELEMENT].as_str().unwrap().to_owned();
        self.post(&format!("element/{element}/value"), json!({"text": keys})).await.unwrap();
    }

    /// The words of the first that fits.
    pub(crate) async fn text(&self, css: &str) -> String {
        self.see(css, "").await;
        let text = self.eval("return document.querySelector(arguments[0])?.textContent", json!([css])).await;
        text.as_str().unwrap_or_default().to_owned()
    }

    pub(crate) async fn count(&self, css: &str) -> u64 {
        let count = self.eval("return document.querySelectorAll(arguments[0]).length", json!([css])).await;
        count.as_u64().unwrap()
    }

    /// Where the page is, without the server's address.
    pub(crate) async fn place(&self) -> String {
        let place = self.eval("return location.pathname + location.search", json!([])).await;
        place.as_str().unwrap().to_owned()
    }

    /// Asks the way a person does, and waits for the end of the answer.
    pub(crate) async fn ask(&self, question: &str) {
        let before = self.count(".exchange").await;
        self.write("#question", &format!("{question}{ENTER}")).await;
        let css = format!(".exchange:nth-of-type({}) .foot .tools", before + 1);
        self.see(&css, "").await;
    }

    /// The size of the window, as of a laptop or a phone.
    pub(crate) async fn resize(&self, width: u32, height: u32) {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 700});
        self.cdp("Emulation.setDeviceMetricsOverride", size).await;
    }

    /// Takes the network away, or gives it back.
    pub(crate) async fn offline(&self, is_offline: bool) {
        let conditions = json!({"offline": is_offline, "latency": 0, "throughput": -1});
        self.post("chromium/network_conditions", json!({"network_conditions": conditions})).await.unwrap();
    }

    /// Drops files and folders from outside onto what is at the middle of the window.
    pub(crate) async fn drop_files(&self, files: &[&Path]) {
        let data = json!({"items": [], "files": files, "dragOperationsMask": 1});
        for kind in ["dragEnter", "dragOver", "drop"] {
            let event = json!({"type": kind, "x": 640, "y": 400, "data": data});
            self.cdp("Input.dispatchDragEvent", event).await;
        }
    }

    /// The handle of this tab.
    pub(crate) async fn tab(&self) -> Value {
        let response =
            self.client.get(format!("{}/window", self.session)).timeout(PATIENCE).send().await.unwrap();
        response.json::<Value>().await.unwrap()["value"].take()
    }

    /// Opens another tab and goes there.
    pub(crate) async fn new_tab(&self) -> Value {
        let opened = self.post("window/new", json!({"type": "tab"})).await.unwrap();
        self.turn_to(&opened["handle"]).await;
        self.cdp("Page.addScriptToEvaluateOnNewDocument", json!({"source": WATCH})).await;
        opened["handle"].clone()
    }

    pub(crate) async fn turn_to(&self, tab: &Value) {
        self.post("window", json!({"handle": tab})).await.unwrap();
    }

    /// Everything that went wrong in the page or was refused by its policy since it was loaded.
    pub(crate) async fn noticed(&self) -> Value {
        self.eval("return window.seen", json!([])).await
    }

    /// Asserts that nothing went wrong.
    pub(crate) async fn nothing_noticed(&self) {
        assert_eq!(self.noticed().await, json!([]));
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The driver takes its browser along when it is asked to, not when it is killed.
        let session = self.session.clone();
        // A client of its own: this runtime waits here, and so would a connection that lives on it.
        let ending = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            if let Ok(runtime) = runtime {
                let _ = runtime.block_on(async { client().delete(session).timeout(PATIENCE).send().await });
            }
        });
        let _ = ending.join();
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

fn find_program(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .flat_map(|folder| names.iter().map(move |name| folder.join(name)))
        .find(|file| file.is_file())
}
