//! For everyone: no serious fault by axe-core on any screen, at the width of a laptop and of a phone,
//! light and dark; nothing wider than the screen; and soon there. axe-core is fetched by `.ci/run`
//! into `target/`; without it its test is skipped, except where `CI` is set.

#![expect(clippy::unwrap_used, reason = "a test that can't go on should stop there")]

use std::path::Path;

use serde_json::{Value, json};

use crate::browser::{Browser, ENTER};
use crate::signin::asking_server;
use crate::support::Server;

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
    let Some(mut browser) = Browser::open(&server).await else { return };
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
        browser.click("button", "All documents").await;
        browser.see("dialog .pick label", "").await;
        judge(&browser, &axe, &format!("the scope, {width}, {scheme}"), &mut faults).await;
        browser.click("dialog button", "Done").await;
        browser.write("#question", "/").await;
        browser.see(".commands li", "").await;
        judge(&browser, &axe, &format!("commands, {width}, {scheme}"), &mut faults).await;
    }
    let (asking, _key) = asking_server().await;
    for width in [1280, 390] {
        browser.resize(width, 800).await;
        browser.follow(&server.url);
        browser.go("/").await;
        browser.click(".modes label", "Deep research").await;
        browser.click("label", "Show me the plan first").await;
        browser.write("#question", &format!("How fast did the mud rise?{ENTER}")).await;
        browser.see(".draft", "").await;
        judge(&browser, &axe, &format!("a plan, {width}"), &mut faults).await;
        browser.follow(&asking.url);
        browser.go("/").await;
        browser.write("#credential", &format!("wrong{ENTER}")).await;
        browser.see(".fault", "not good").await;
        judge(&browser, &axe, &format!("signing in, {width}"), &mut faults).await;
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[tokio::test]
async fn the_first_words_are_painted_at_once() {
    let server = Server::start().await;
    let Some(browser) = Browser::open(&server).await else { return };
    browser.go("/").await;
    browser.see("#question", "").await;
    let paint = "return performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null";
    let painted = crate::support::eventually("something is painted", async || {
        browser.eval(paint, json!([])).await.as_f64()
    })
    .await;
    println!("first contentful paint after {painted:.0} ms");
    assert!(painted < FIRST_PAINT_MS, "{painted} ms");
}
