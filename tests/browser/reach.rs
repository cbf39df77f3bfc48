//! For everyone: no serious fault by axe-core on any screen, at the width of a laptop and of a phone,
//! light and dark; nothing wider than the screen; and soon there. axe-core is fetched by `.ci/run`
//! into `target/`; without it its test is skipped, except where `CI` is set.

#![expect(clippy::unwrap_used, reason = "a test that can't go on should stop there")]

use std::path::Path;

use serde_json::{Value, json};

use crate::browser::{Browser, ENTER, TAB};
use crate::session::scripted_server;
use crate::signin::asking_server;
use crate::support::gate::Gate;
use crate::support::{Server, eventually};

const AXE: &str = "target/axe-core/axe.min.js";
/// Faults a reader would be stopped by.
const RUN: &str = "const run = await axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa', 'best-practice'] });
    return run.violations.filter(({ impact }) => ['serious', 'critical'].includes(impact))
      .map(({ id, nodes }) => `${id}: ${nodes.map(({ html, any }) => `${html.slice(0, 160)} ${any[0]?.message ?? ''}`).join(' | ')}`);";
/// Generous: on a quiet machine it is a tenth of this.
const FIRST_PAINT_MS: f64 = 1000.0;

#[expect(clippy::print_stderr, reason = "a skipped test has to say so")]
fn axe() -> Option<String> {
    let found = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(AXE)).ok();
    assert!(found.is_some() || std::env::var_os("CI").is_none(), "`{AXE}` is not there, and `CI` is set");
    if found.is_none() {
        eprintln!("skipped: `{AXE}` is not there; `.ci/run` fetches it");
    }
    found
}

/// A library and sessions with something of every kind in them.
async fn furnished() -> (Server, Vec<(&'static str, String)>) {
    let server = Server::with_library().await;
    let broken = server.add("broken.pdf", "%PDF-1.4 nothing").await;
    assert_eq!(broken["status"], "failed");
    server.add("eels.md", "# Eels\n\nSilver eels leave in October.\n").await;
    let eels = server.add("eels.md", "# Eels\n\nSilver eels leave in November.\n").await;
    let new = json!({"title": "Mud", "project_id": "Marsh"});
    let regular = server.post("/api/chat/sessions", new).await["id"].as_str().unwrap().to_owned();
    server.ask(&regular, json!({"content": "How fast did the mud rise?"})).await;
    server.ask(&regular, json!({"content": "What is the price of uranium in Tokyo?"})).await;
    let deep = server.session().await;
    let question = "What did the restoration cost, and how many redshank pairs bred in 2022?";
    server.ask(&deep, json!({"content": question, "mode": "deep_research"})).await;
    let eels = eels["id"].as_str().unwrap();
    let screens = vec![
        ("a new session", "/".to_owned()),
        ("a session", format!("/s/{regular}")),
        ("a report", format!("/s/{deep}")),
        ("citations of a session", format!("/s/{regular}/citations")),
        ("the library", "/library".to_owned()),
        ("a document", format!("/d/{eels}")),
        ("citations of a document", format!("/d/{eels}/citations")),
        ("nothing", "/s/018f0000-0000-7000-8000-000000000000".to_owned()),
    ];
    (server, screens)
}

async fn judge(browser: &Browser, axe: &str, screen: &str, faults: &mut Vec<String>) {
    // In the page's own world, as the driver runs scripts there, past the page's policy.
    browser.eval(axe, json!([])).await;
    let found: Value = browser.eval_async(RUN).await;
    let found = found.as_array().unwrap_or_else(|| panic!("axe on {screen}: {found}"));
    faults.extend(found.iter().map(|fault| format!("{screen}: {fault}")));
    let wide = "return document.documentElement.scrollWidth > innerWidth + 1";
    if browser.eval(wide, json!([])).await == true {
        faults.push(format!("{screen} is wider than the screen"));
    }
}

#[tokio::test]
async fn no_screen_has_a_serious_fault_for_anyone() {
    let Some(axe) = axe() else { return };
    let (server, screens) = furnished().await;
    let Some(browser) = Browser::open(&server).await else { return };
    let mut faults = Vec::new();
    for (width, height, scheme) in
        [(1280, 860, "light"), (390, 800, "dark"), (390, 800, "light"), (1280, 860, "dark")]
    {
        browser.resize(width, height).await;
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        browser.cdp("Emulation.setEmulatedMedia", features).await;
        for (name, path) in &screens {
            browser.go(path).await;
            browser.see("main h1, main h2", "").await;
            browser.see("main .prose, main .cited, main .document, main .stored, main .lede", "").await;
            judge(&browser, &axe, &format!("{name}, {width}, {scheme}"), &mut faults).await;
        }
        // What opens over a screen.
        browser.go(&screens[1].1).await;
        browser.click(".prose button.mark", "").await;
        browser.see("#panel mark", "").await;
        judge(&browser, &axe, &format!("a source, {width}, {scheme}"), &mut faults).await;
        browser.click("#panel button", "Close").await;
        browser.click("button", "More about this session").await;
        browser.see(".actions button", "").await;
        judge(&browser, &axe, &format!("a menu, {width}, {scheme}"), &mut faults).await;
        browser.click(".actions button", "Title and project").await;
        browser.see("dialog input", "").await;
        judge(&browser, &axe, &format!("a dialog, {width}, {scheme}"), &mut faults).await;
        browser.click("dialog button", "Cancel").await;
        browser.click("#question", "").await;
        browser.click("button", "All documents").await;
        browser.see("dialog .pick label", "").await;
        judge(&browser, &axe, &format!("the scope, {width}, {scheme}"), &mut faults).await;
        browser.click("dialog button", "Done").await;
        browser.write("#question", "/").await;
        browser.see(".commands li", "").await;
        judge(&browser, &axe, &format!("commands, {width}, {scheme}"), &mut faults).await;
        browser.go("/library").await;
        browser.write("main input[type=search]", "redshank").await;
        browser.see(".passages mark", "").await;
        judge(&browser, &axe, &format!("a search, {width}, {scheme}"), &mut faults).await;
        browser.go("/library").await;
        browser.click(".documents button", "More about Eels").await;
        browser.click(".actions button", "Delete").await;
        browser.see("dialog p", "").await;
        judge(&browser, &axe, &format!("deleting, {width}, {scheme}"), &mut faults).await;
        browser.click("dialog button", "Keep").await;
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[tokio::test]
async fn no_screen_that_comes_and_goes_has_a_serious_fault_for_anyone() {
    let Some(axe) = axe() else { return };
    let mut faults = Vec::new();
    let (asking, _key) = asking_server().await;
    let gate = Gate::start().await;
    let server = Server::with_config(&gate.config()).await;
    let empty = Server::with_config("[ingest]\nmax_file_bytes = 10\n").await;
    let folder = tempfile::tempdir().unwrap();
    let long = folder.path().join("long.md");
    std::fs::write(&long, "much too long").unwrap();
    let Some(mut browser) = Browser::open(&server).await else { return };
    for (width, scheme) in [(1280, "light"), (390, "dark"), (390, "light"), (1280, "dark")] {
        browser.resize(width, 800).await;
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        browser.cdp("Emulation.setEmulatedMedia", features).await;
        let called = |name: &str| format!("{name}, {width}, {scheme}");
        browser.follow(&empty.url);
        browser.go("/").await;
        browser.see(".lede", "The library is empty").await;
        judge(&browser, &axe, &called("a first visit"), &mut faults).await;
        browser.go("/library").await;
        browser.see(".total", "Nothing here yet").await;
        judge(&browser, &axe, &called("an empty library"), &mut faults).await;
        browser.write("input[type=file]:not([webkitdirectory])", &long.display().to_string()).await;
        browser.see(".upload.failed", "").await;
        judge(&browser, &axe, &called("a refused file"), &mut faults).await;
        browser.offline(true).await;
        browser.write("main input[type=search]", "x").await;
        browser.see("#banner", "").await;
        judge(&browser, &axe, &called("a server that is away"), &mut faults).await;
        browser.offline(false).await;
        browser.follow(&asking.url);
        browser.go("/").await;
        browser.write("#credential", &format!("wrong{ENTER}")).await;
        browser.see(".fault", "not good").await;
        judge(&browser, &axe, &called("signing in"), &mut faults).await;
    }
    // A research that waits for its reader, and one that is under way.
    browser.follow(&server.url);
    server.upload_library().await;
    for (width, scheme) in [(1280, "light"), (390, "dark")] {
        browser.resize(width, 800).await;
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        browser.cdp("Emulation.setEmulatedMedia", features).await;
        browser.go("/").await;
        browser.click(".modes label", "Deep research").await;
        browser.click("label", "Show me the plan first").await;
        browser.write("#question", &format!("What happened on the marsh?{ENTER}")).await;
        browser.see("button.send", "Stop").await;
        gate.let_one_past();
        browser.see(".draft", "").await;
        judge(&browser, &axe, &format!("a plan, {width}, {scheme}"), &mut faults).await;
        browser.click(".draft button", "Start the research").await;
        browser.see("ol.plan .steps .started", "").await;
        judge(&browser, &axe, &format!("steps, {width}, {scheme}"), &mut faults).await;
        browser.click("button.send", "Stop").await;
        browser.see(".foot .state", "Stopped").await;
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// What the focus is on, and whether that can be seen. A field's box shows it for the question.
const FOCUS: &str = "const one = document.activeElement;
    if (!one || one === document.body) return ['nothing', true];
    const style = getComputedStyle(one), box = one.closest('.box, .modes label');
    const drawn = style.outlineStyle !== 'none' || (box && (box.matches('.box') || getComputedStyle(box.querySelector('span')).outlineStyle !== 'none'));
    const rect = one.getBoundingClientRect();
    window.met ??= new Set();
    window.met.add(one);
    return [`${one.localName} ${one.className} ${one.textContent.slice(0, 40)}`, Boolean(drawn && rect.width)];";
/// What can be operated and was not met on the way. Of radio buttons the chosen one is met.
const MISSED: &str = "return [...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex=\"0\"]')]
    .filter((one) => one.checkVisibility() && !one.disabled && one.type !== 'radio' && !window.met.has(one))
    .map((one) => one.outerHTML.slice(0, 120))";

#[tokio::test]
async fn everything_is_reached_with_the_keyboard_and_the_focus_can_always_be_seen() {
    let (server, screens) = furnished().await;
    let Some(browser) = Browser::open(&server).await else { return };
    for (name, path) in
        screens.iter().filter(|(name, _)| ["a session", "the library", "a document"].contains(name))
    {
        browser.go(path).await;
        browser.see("main .prose, main .document, main .stored", "").await;
        if *name == "a session" {
            browser.click(".prose button.mark", "").await;
            browser.see("#panel mark", "").await;
        }
        // A key first: then the browser shows where the focus is.
        browser.press(TAB).await;
        browser.eval("document.querySelector('.skip').focus()", json!([])).await;
        let mut unseen = Vec::new();
        for _ in 0..250 {
            let at = browser.eval(FOCUS, json!([])).await;
            if at[0] == "nothing" {
                break;
            }
            if at[1] == false {
                unseen.push(at[0].to_string());
            }
            browser.press(TAB).await;
        }
        assert_eq!(unseen, Vec::<String>::new(), "{name}: the focus can be seen");
        assert_eq!(browser.eval(MISSED, json!([])).await, json!([]), "{name}: all is reached");
    }
}

#[tokio::test]
async fn a_long_answer_is_told_to_a_screen_reader_paragraph_by_paragraph_and_once() {
    let reply = "Silver eels leave in October [1].\n\nElvers arrive in April.\n\nThat is all.";
    let (server, _script) = scripted_server(reply, 60).await;
    server.add("eels.md", "# Eels\n\nSilver eels leave in October.\n").await;
    let Some(browser) = Browser::open(&server).await else { return };
    browser.go("/").await;
    let watch = "window.told = [];
        new MutationObserver((all) => all.forEach((one) => one.addedNodes.forEach((node) => window.told.push(node.textContent))))
          .observe(document.querySelector('[role=log]'), { childList: true })";
    browser.eval(watch, json!([])).await;
    browser.ask("When do silver eels leave?").await;
    let told = eventually("the end is told", async || {
        let told = browser.eval("return window.told", json!([])).await;
        told.as_array()
            .unwrap()
            .last()
            .is_some_and(|last| last.as_str().unwrap().starts_with("Answer ended"))
            .then_some(told)
    })
    .await;
    let told: Vec<&str> = told.as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect();
    for words in ["Silver eels leave in October", "Elvers arrive in April.", "That is all."] {
        assert_eq!(told.iter().filter(|one| one.contains(words)).count(), 1, "{told:?}");
    }
    assert!(told.len() <= 6, "no word by word: {told:?}");
}

#[tokio::test]
async fn the_first_words_are_painted_at_once() {
    let server = Server::start().await;
    let Some(browser) = Browser::open(&server).await else { return };
    browser.go("/").await;
    browser.see("#question", "").await;
    let paint = "return performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null";
    let painted =
        eventually("something is painted", async || browser.eval(paint, json!([])).await.as_f64()).await;
    println!("first contentful paint after {painted:.0} ms");
    assert!(painted < FIRST_PAINT_MS, "{painted} ms");
}
