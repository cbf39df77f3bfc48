//! Deep research: its plan in the reader's hand, its report to find one's way in.

use serde_json::json;

use crate::browser::Browser;
use crate::support::Server;

#[tokio::test]
async fn a_plan_is_changed_before_it_begins_and_the_report_shows_what_was_covered() {
    let server = Server::with_library().await;
    let Some(browser) = Browser::open(&server).await else { return };
    browser.go("/").await;
    browser.click(".modes label", "Deep research").await;
    browser.click("label", "Show me the plan first").await;
    browser
        .write(
            "#question",
            &format!(
                "How fast did the mud rise, and how many redshank pairs bred in 2022?{}",
                crate::browser::ENTER
            ),
        )
        .await;
    browser.see(".draft", "").await;
    browser.see(".work summary", "The plan waits for you.").await;
    let last = "return document.querySelector('.draft li:last-child input').value";
    let dropped = browser.eval(last, json!([])).await;
    browser.click(".draft li:last-child button", "Drop").await;
    browser.click(".draft button", "Add a question").await;
    browser.press("What did the restoration cost?").await;
    browser.click(".draft button", "Start the research").await;
    browser.see(".foot .tools", "").await;
    browser.click(".work summary", "").await;
    browser.see("ol.plan", "What did the restoration cost?").await;
    browser.see_gone("ol.plan > li > p", dropped.as_str().unwrap()).await;
    browser.see(".coverage", "18 documents searched").await;
    // From the list of contents to the part.
    browser.click(".contents .title", "What was read").await;
    let focus = "return document.activeElement.textContent";
    assert_eq!(browser.eval(focus, json!([])).await, "What was read");
    browser.nothing_noticed().await;
}
