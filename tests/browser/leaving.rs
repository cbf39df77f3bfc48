//! Leaving and coming back: a reload, a second tab, no network, a server that was killed.

use serde_json::json;

use crate::browser::{Browser, ENTER};
use crate::session::scripted_server;

const EELS: &str = "# Eels\n\nSilver eels leave the river in October.\n";
const QUESTION: &str = "When do silver eels leave?";

#[tokio::test]
async fn an_answer_goes_on_through_a_reload_a_second_tab_and_a_lost_network() {
    let words: Vec<String> = (1..=60).map(|number| format!("word{number}")).collect();
    let (server, _script) = scripted_server(&words.join(" "), 250).await;
    server.add("eels.md", EELS).await;
    let Some(browser) = Browser::open(&server).await else { return };
    browser.go("/").await;
    browser.write("#question", &format!("{QUESTION}{ENTER}")).await;
    browser.see(".prose", "word3 ").await;
    let place = browser.place().await;
    browser.reload().await;
    browser.see(".prose", "word6 ").await;

    let first = browser.tab().await;
    let second = browser.new_tab().await;
    browser.go(&place).await;
    browser.see(".prose", "word9 ").await;
    browser.turn_to(&first).await;
    browser.offline(true).await;
    browser.see("#banner", "The server is away").await;
    browser.offline(false).await;
    browser.see_gone("#banner", "").await;
    browser.see(".foot .tools", "").await;
    let here = browser.text(".prose").await;
    browser.turn_to(&second).await;
    browser.see(".foot .tools", "").await;
    assert_eq!(browser.text(".prose").await, here, "both tabs have the same words");
    assert_eq!(here.split_whitespace().collect::<Vec<_>>(), words, "none is missing, none is doubled");
}

#[tokio::test]
async fn a_question_of_another_tab_appears_in_this_one() {
    let (server, _script) = scripted_server("a short answer", 5).await;
    server.add("eels.md", EELS).await;
    let session = server.session().await;
    let Some(browser) = Browser::open(&server).await else { return };
    let first = browser.tab().await;
    browser.go(&format!("/s/{session}")).await;
    browser.see("#question", "").await;
    browser.new_tab().await;
    browser.go(&format!("/s/{session}")).await;
    browser.ask(QUESTION).await;
    browser.turn_to(&first).await;
    browser.see("h2.question", QUESTION).await;
    browser.see(".prose", "a short answer").await;
    browser.nothing_noticed().await;
}

#[tokio::test]
async fn a_page_whose_server_was_killed_goes_on_by_itself_once_there_is_one_again() {
    let (mut server, _script) = scripted_server(&"word after word ".repeat(200), 250).await;
    server.add("eels.md", EELS).await;
    let Some(browser) = Browser::open(&server).await else { return };
    browser.go("/").await;
    browser.write("#question", &format!("{QUESTION}{ENTER}")).await;
    browser.see(".prose", "word after word word after word").await;
    browser.eval("window.isTheSame = true", json!([])).await;
    server.kill();
    browser.see("#banner", "The server is away").await;
    server.start_again_there().await;
    browser.see_gone("#banner", "").await;
    browser.see(".foot .state", "The server stopped in mid-answer").await;
    browser.see(".prose", "word").await;
    assert_eq!(browser.eval("return window.isTheSame", json!([])).await, true, "nobody loaded it anew");
    // And all of it works again.
    browser.click(".foot button", "Ask again").await;
    browser.see("button.send", "Stop").await;
    browser.see(".prose", "word after word word after word").await;
    browser.click("button.send", "Stop").await;
    browser.see(".foot .state", "Stopped").await;
    browser.nothing_noticed().await;
}
