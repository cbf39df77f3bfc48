//! Deep research: its plan in the reader's hand, its report to find one's way in.

use serde_json::json;

use crate::browser::{Browser, ENTER};
use crate::support::gate::Gate;
use crate::support::{Server, eventually};

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
            &format!("How fast did the mud rise, and how many redshank pairs bred in 2022?{ENTER}"),
        )
        .await;
    browser.see(".draft", "").await;
    browser.see(".work summary", "The plan waits for you.").await;
    let last = "return document.querySelector('.draft li:last-child textarea').value";
    let dropped = browser.eval(last, json!([])).await;
    browser.click(".draft li:last-child button", "Drop").await;
    browser.click(".draft button", "Add a question").await;
    browser.press("What did the restoration cost?").await;
    browser.click(".draft button", "Start the research").await;
    browser.see(".foot .tools", "").await;
    browser.click(".work summary", "").await;
    browser.see("ol.plan", "What did the restoration cost?").await;
    browser.see_gone("ol.plan > li .row > p", dropped.as_str().unwrap()).await;
    browser.see(".coverage", "18 documents searched").await;
    // From the list of contents to the part.
    browser.click(".contents .title", "What was read").await;
    let focus = "return document.activeElement.textContent";
    assert_eq!(browser.eval(focus, json!([])).await, "What was read");
    browser.nothing_noticed().await;
}

/// How many calls the meter says are spent, of how many.
async fn spent(browser: &Browser) -> Option<(u64, u64)> {
    let text = browser.text(".spent").await;
    let (calls, rest) = text.split_once(" calls · ")?;
    let (used, most) = calls.split_once(" of ")?;
    assert!(rest.contains(" tokens · ") && rest.ends_with('s'), "{text}");
    Some((used.parse().ok()?, most.parse().ok()?))
}

#[tokio::test]
async fn a_research_under_way_is_given_a_question_more_and_one_less_and_its_spending_is_seen() {
    let gate = Gate::start().await;
    let server = Server::with_config(&gate.config()).await;
    let Some(browser) = Browser::open(&server).await else { return };
    server.upload_library().await;
    browser.go("/").await;
    browser.click(".modes label", "Deep research").await;
    browser.write("#question", &format!("What happened on the marsh?{ENTER}")).await;
    gate.let_one_through().await;
    let dropped = "What is a surface elevation table?";
    browser.see("ol.plan > li", dropped).await;
    let (before, most) = eventually("the plan is paid for", async || spent(&browser).await).await;
    assert!(before < most, "{before} of {most}");

    browser.click("ol.plan button", &format!("Drop: {dropped}")).await;
    browser.see_gone("ol.plan > li", dropped).await;
    let added = "Who mends the tide gate?";
    browser.click(".work button", "Add a question").await;
    browser.write("dialog input[name=text]", &format!("{added}{ENTER}")).await;
    browser.see("ol.plan > li", added).await;
    gate.let_one_through().await;
    eventually("the meter rises", async || spent(&browser).await.filter(|(used, _)| *used > before)).await;

    gate.open();
    browser.see(".foot .tools", "").await;
    let session = browser.place().await.replace("/s/", "/api/chat/sessions/");
    let kept = server.get(&session).await;
    let plan = kept["messages"][1]["plan"].to_string();
    assert!(plan.contains(added) && !plan.contains(dropped), "{plan}");
    let searched = kept["messages"][1]["steps"].to_string();
    assert!(searched.contains(added), "it was looked into: {searched}");
    browser.nothing_noticed().await;
}

#[tokio::test]
async fn a_research_is_stopped_and_what_was_done_so_far_is_kept() {
    let gate = Gate::start().await;
    let server = Server::with_config(&gate.config()).await;
    let Some(browser) = Browser::open(&server).await else { return };
    server.upload_library().await;
    browser.go("/").await;
    browser.click(".modes label", "Deep research").await;
    browser.write("#question", &format!("What happened on the marsh?{ENTER}")).await;
    gate.let_one_through().await;
    browser.see("ol.plan .steps .finished", "Searched").await;
    browser.see(".work summary", "Reading").await;
    browser.reload().await;
    browser.see("ol.plan .steps .finished", "Searched").await;
    browser.click("button.send", "Stop").await;
    browser.see(".foot .state", "Stopped").await;
    browser.see("button.send", "Ask").await;
    browser.click(".work summary", "").await;
    browser.see("ol.plan > li", "When was the Sallow Dike breached?").await;
    browser.nothing_noticed().await;
}
