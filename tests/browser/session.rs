//! Asking, and what can be done with a question and its answer.

#![expect(clippy::unwrap_used, reason = "a test that can't go on should stop there")]

use serde_json::json;

use crate::browser::{Browser, DOWN, ENTER};
use crate::support::{Server, eventually};

const EELS: &str = "# Eels\n\nSilver eels leave the river in October.\n\nElvers arrive in April.\n";

/// A server whose model writes what is given here, a word at a time; and the file it has that from.
pub(crate) async fn scripted_server(reply: &str, delay_ms: u32) -> (Server, tempfile::NamedTempFile) {
    let script = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(script.path(), json!([{"when": [], "reply": reply}]).to_string()).unwrap();
    let config = format!(
        "[[models]]\nname = \"scripted\"\nprovider = \"scripted\"\ndelay_ms = {delay_ms}\nscript = \"{}\"\n",
        script.path().display()
    );
    (Server::with_config(&config).await, script)
}

#[tokio::test]
async fn a_question_is_asked_with_the_keyboard_and_the_session_can_be_renamed_and_filed() {
    let server = Server::start().await;
    server.add("eels.md", EELS).await;
    let Some(browser) = Browser::open(&server).await else { return };
    browser.go("/").await;
    browser.ask("When do silver eels leave?").await;
    browser.see(".prose", "October").await;
    let place = browser.place().await;
    assert!(place.starts_with("/s/"), "{place}");
    browser.see("[role=log]", "Answer ended, 1 citation.").await;

    browser.click("button", "More about this session").await;
    browser.click(".actions button", "Title and project").await;
    browser.rewrite("dialog input[name=title]", "Eels and months").await;
    browser.write("dialog input[name=project_id]", &format!("Rivers{ENTER}")).await;
    browser.see(".bar h1", "Eels and months").await;
    browser.see(".sessions .project", "Rivers").await;
    // A new session belongs to the project that is looked at, and is the only other one there.
    server.session().await;
    browser.pick("select[aria-label=Project]", "Rivers").await;
    eventually("only the project's sessions are listed", async || {
        (browser.count(".sessions a").await == 1).then_some(())
    })
    .await;
    browser.click("a", "New session").await;
    browser.ask("When do elvers arrive?").await;
    let sessions = server.get("/api/chat/sessions").await;
    assert_eq!(sessions["items"][0]["project_id"], "Rivers");
    browser.nothing_noticed().await;
}

#[tokio::test]
async fn an_answer_can_be_stopped_and_what_was_written_stays() {
    let (server, _script) = scripted_server(&"word after word ".repeat(200), 250).await;
    server.add("eels.md", EELS).await;
    let Some(browser) = Browser::open(&server).await else { return };
    browser.go("/").await;
    browser.write("#question", &format!("When do silver eels leave?{ENTER}")).await;
    browser.see(".prose", "word after").await;
    browser.click("button.send", "Stop").await;
    browser.see(".foot .state", "Stopped").await;
    let text = browser.text(".prose").await;
    browser.reload().await;
    assert!(browser.text(".prose").await.starts_with(text.trim()));
    browser.see("button.send", "Ask").await;
    browser.nothing_noticed().await;
}

#[tokio::test]
async fn a_question_is_edited_answered_again_and_every_branch_is_still_there() {
    let server = Server::start().await;
    server.add("eels.md", EELS).await;
    let Some(browser) = Browser::open(&server).await else { return };
    browser.go("/").await;
    browser.ask("When do silver eels leave the river?").await;
    browser.see(".prose", "October").await;
    browser.click(".foot button", "Answer again").await;
    browser.see(".foot .stepper", "2/2").await;
    browser.click(".foot button", "Earlier answer").await;
    browser.see(".foot .stepper", "1/2").await;
    // By keyboard, and on a branch of its own.
    browser.eval("document.querySelector('.head .tools button').focus()", json!([])).await;
    browser.press(ENTER).await;
    browser.rewrite(".exchange .box textarea", "When do elvers arrive?").await;
    browser.press(ENTER).await;
    browser.see("h2.question", "When do elvers arrive?").await;
    browser.see(".prose", "April").await;
    browser.see(".head .stepper", "2/2").await;
    assert_eq!(browser.count(".exchange").await, 1);
    browser.click(".head button", "Earlier question").await;
    browser.see(".prose", "October").await;
    browser.reload().await;
    browser.see("h2.question", "When do silver eels leave the river?").await;
    browser.see(".head .stepper", "1/2").await;
    browser.nothing_noticed().await;
}

#[tokio::test]
async fn an_answer_is_judged_with_a_note_found_again_and_kept_as_a_file() {
    let server = Server::start().await;
    server.add("eels.md", EELS).await;
    let Some(browser) = Browser::open(&server).await else { return };
    browser.go("/").await;
    browser.ask("When do silver eels leave the river?").await;
    browser.click(".foot button", "Bad").await;
    browser.click(".foot button", "Add a note").await;
    browser.write("dialog textarea", "Which October?").await;
    browser.click("dialog button", "Keep").await;
    browser.see(".foot button[title='Which October?']", "Note").await;
    browser.reload().await;
    browser.see(".foot button[aria-pressed=true]", "Bad").await;
    browser.click(".foot button", "Bad").await;
    browser.see(".foot button[data-is=dislike][aria-pressed=false]", "").await;

    browser.click("button", "More about this session").await;
    let script = "return [...document.querySelectorAll('.actions:popover-open a')].map((one) => one.getAttribute('href'))";
    let files = browser.eval(script, json!([])).await;
    assert_eq!(files.as_array().unwrap().len(), 3, "{files}");
    for file in files.as_array().unwrap() {
        let response = server.send(reqwest::Method::GET, file.as_str().unwrap(), None).await;
        assert!(response.status().is_success(), "{file}");
        let disposition = response.headers()["content-disposition"].to_str().unwrap().to_owned();
        assert!(disposition.starts_with("attachment"), "{disposition}");
    }
    browser.press(crate::browser::ESCAPE).await;
    // What was said is found, and leads to where it was said.
    browser.click("a", "New session").await;
    browser.write("#nav input[type=search]", "silver October").await;
    browser.click(".sessions a", "October").await;
    browser.see("h2.question", "When do silver eels leave the river?").await;
    // And the document knows where it is cited.
    browser.click("a", "Library").await;
    browser.click("button", "More about Eels").await;
    browser.click(".actions button", "What cites it").await;
    browser.see(".cited .quote", "Silver eels leave the river in October.").await;
    browser.click(".cited a", "When do silver eels").await;
    browser.see("h2.question", "When do silver eels leave the river?").await;
    browser.nothing_noticed().await;
}

#[tokio::test]
async fn a_slash_offers_the_commands_there_are() {
    let server = Server::start().await;
    server.add("eels.md", EELS).await;
    let Some(browser) = Browser::open(&server).await else { return };
    let commands = server.get("/api/commands").await;
    let commands = commands["items"].as_array().unwrap();
    browser.go("/").await;
    browser.write("#question", "/").await;
    browser.see(".commands li", "/help").await;
    assert_eq!(browser.count(".commands li").await, commands.len() as u64);
    browser.press(DOWN).await;
    let chosen = "return document.querySelector('.commands [aria-selected=true]').id
        === document.activeElement.getAttribute('aria-activedescendant')";
    assert_eq!(browser.eval(chosen, json!([])).await, true);
    browser.press("doc").await;
    browser.see_gone(".commands li", "/help").await;
    browser.press(ENTER).await;
    assert_eq!(browser.eval("return document.activeElement.value", json!([])).await, "/docs ");
    browser.ask("").await;
    browser.see(".prose", "Eels").await;
    browser.nothing_noticed().await;
}

#[tokio::test]
async fn each_message_has_its_own_mode_and_model_and_an_unsent_one_waits_for_its_writer() {
    let (server, _script) = scripted_server("Silver eels leave in October [1].", 0).await;
    server.add("eels.md", EELS).await;
    let Some(browser) = Browser::open(&server).await else { return };
    browser.go("/").await;
    browser.ask("When do silver eels leave the river?").await;
    browser.pick("select[aria-label=Model]", "extractive").await;
    browser.click(".modes label", "Deep research").await;
    browser.ask("When do elvers arrive?").await;
    let path = browser.place().await.replace("/s/", "/api/chat/sessions/");
    let messages = server.get(&path).await["messages"].clone();
    let told = |at: usize| (messages[at]["mode"].clone(), messages[at]["model"].clone());
    assert_eq!(told(1), (json!("regular"), json!("scripted")), "{messages}");
    assert_eq!(told(3), (json!("deep_research"), json!("extractive")), "{messages}");

    let place = browser.place().await;
    browser.write("#question", "Half a question").await;
    browser.click("a", "Library").await;
    browser.see(".document", "Eels").await;
    browser.click(&format!(".sessions a[href='{place}']"), "").await;
    browser.see("h2.question", "When do elvers arrive?").await;
    assert_eq!(
        browser.eval("return document.querySelector('#question').value", json!([])).await,
        "Half a question"
    );
    browser.nothing_noticed().await;
}

#[tokio::test]
async fn a_session_is_renamed_and_deleted_where_it_is_listed() {
    let server = Server::start().await;
    server.add("eels.md", EELS).await;
    let Some(browser) = Browser::open(&server).await else { return };
    for title in ["Eels", "Elvers"] {
        server.post("/api/chat/sessions", json!({"title": title})).await;
    }
    browser.go("/").await;
    browser.see(".sessions .state", "Today").await;
    browser.hover(".sessions a").await;
    browser.click(".sessions button", "More about Elvers").await;
    browser.click(".actions button", "Title and project").await;
    browser.rewrite("dialog input[name=title]", &format!("Glass eels{ENTER}")).await;
    browser.see(".sessions a", "Glass eels").await;
    browser.click(".sessions a", "Glass eels").await;
    browser.see(".bar h1", "Glass eels").await;
    browser.click(".sessions button", "More about Glass eels").await;
    browser.click(".actions button", "Delete").await;
    browser.click("dialog button[value=yes]", "Delete").await;
    browser.see_gone(".sessions a", "Glass eels").await;
    browser.see("h1", "Ask your own documents.").await;
    let left = server.get("/api/chat/sessions").await;
    assert_eq!(left["items"].as_array().unwrap().len(), 1, "{left}");
    browser.nothing_noticed().await;
}

#[tokio::test]
async fn an_answer_is_copied_with_its_sources() {
    let server = Server::start().await;
    server.add("eels.md", EELS).await;
    let Some(browser) = Browser::open(&server).await else { return };
    let wanted = json!({"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]});
    browser.cdp("Browser.grantPermissions", wanted).await;
    browser.go("/").await;
    browser.ask("When do silver eels leave the river?").await;
    browser.click(".foot button", "Copy").await;
    browser.see(".foot button", "Copied").await;
    let copied = browser.eval_async("return navigator.clipboard.readText()").await;
    let copied = copied.as_str().unwrap();
    assert!(
        copied.contains("[1] Eels") && copied.contains("“Silver eels leave the river in October.”"),
        "{copied}"
    );
}

#[tokio::test]
async fn a_reader_who_scrolls_is_not_moved_by_what_is_written() {
    let reply = "Silver eels leave the river.\n\n".repeat(150);
    let (server, _script) = scripted_server(&reply, 20).await;
    server.add("eels.md", EELS).await;
    let Some(browser) = Browser::open(&server).await else { return };
    browser.resize(1280, 600).await;
    browser.go("/").await;
    browser.write("#question", &format!("When do silver eels leave?{ENTER}")).await;
    browser.see(".prose p:nth-child(20)", "").await;
    browser.eval("window.first = document.querySelector('.prose p'); document.querySelector('main').scrollTop = 150", json!([])).await;
    let place = "return [window.first.isConnected, Math.round(window.first.getBoundingClientRect().top)]";
    let before = browser.eval(place, json!([])).await;
    browser.see(".prose p:nth-child(60)", "").await;
    assert_eq!(browser.eval(place, json!([])).await, before, "the same words in the same place");
    browser.click("button.send", "Stop").await;
    browser.nothing_noticed().await;
}
