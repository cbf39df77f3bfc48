//! Asking, and what can be done with a question and its answer.

use serde_json::json;

use crate::browser::{Browser, ENTER};
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
