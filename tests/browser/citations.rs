//! From a claim to the very words, and all of them again later.

use serde_json::json;

use crate::browser::{Browser, ENTER, ESCAPE};
use crate::support::{Server, citations};

/// Letters of one to four bytes before and within what will be cited.
const EELS: &str = "# Eels of the Grève\n\nThe café at Öland sells “smoked eel” 𝒳𝒴 🐟🐟 all summer.\n\n\
    Silver eels leave the Grève in October “under a new moon” 🌑, on the ebb.\n";

#[tokio::test]
async fn a_mark_opens_the_quote_byte_for_byte_and_gives_the_focus_back() {
    let server = Server::start().await;
    server.add("eels.md", EELS).await;
    let session = server.session().await;
    let cited = citations(&server.ask(&session, json!({"content": "When do silver eels leave?"})).await);
    let quote = cited[0]["quote"].as_str().unwrap();
    let Some(browser) = Browser::open(&server).await else { return };
    browser.go(&format!("/s/{session}")).await;
    browser.see("h2.question", "When do silver eels leave?").await;
    browser.see(".mark.supported", "").await;
    assert_eq!(browser.count(".prose button.mark").await, cited.len() as u64);
    // With the keyboard alone.
    browser.eval("document.querySelector('.prose .mark').focus()", json!([])).await;
    browser.press(ENTER).await;
    browser.see("#panel mark", "").await;
    assert_eq!(browser.text("#panel mark").await, quote);
    let focus = "return document.activeElement.closest('#panel') !== null";
    assert_eq!(browser.eval(focus, json!([])).await, true);
    browser.press(ESCAPE).await;
    browser.see_gone("#panel", "").await;
    let focus = "return document.activeElement.classList.contains('mark')";
    assert_eq!(browser.eval(focus, json!([])).await, true);
    // The address of the place itself shows the same words.
    let place = format!(
        "/d/{}?start={}&end={}",
        cited[0]["document_id"].as_str().unwrap(),
        cited[0]["start"],
        cited[0]["end"]
    );
    browser.go(&place).await;
    assert_eq!(browser.text("main mark").await, quote);
    browser.nothing_noticed().await;
}

#[tokio::test]
async fn all_citations_of_a_session_are_listed_and_a_replaced_source_says_so() {
    let server = Server::start().await;
    server.add("eels.md", EELS).await;
    let session = server.session().await;
    let cited = citations(&server.ask(&session, json!({"content": "When do silver eels leave?"})).await);
    server.add("eels.md", "# Eels of the Grève\n\nSilver eels leave in November now.\n").await;
    let Some(browser) = Browser::open(&server).await else { return };
    browser.go(&format!("/s/{session}")).await;
    browser.see(".sources .badge", "superseded").await;
    browser.click(".bar a", "Citations").await;
    for citation in &cited {
        browser.see(".cited .quote", citation["quote"].as_str().unwrap()).await;
    }
    browser.see("h2 .badge", "superseded").await;
    browser.click(".cited .quote", "").await;
    browser.see("#panel .badge", "newer version").await;
    assert_eq!(browser.text("#panel mark").await, cited[0]["quote"].as_str().unwrap());
    browser.nothing_noticed().await;
}
