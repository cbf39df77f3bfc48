//! From a claim to the very words, and all of them again later.

use reqwest::Method;
use serde_json::json;

use crate::browser::{Browser, ENTER, ESCAPE};
use crate::session::scripted_server;
use crate::support::{Server, citations, eventually};

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

/// Whether the first that fits begins where it can be read without scrolling.
async fn is_in_sight(browser: &Browser, css: &str) -> bool {
    let script = "const at = document.querySelector(arguments[0])?.getClientRects()[0];
        return Boolean(at) && at.top >= 0 && at.bottom <= innerHeight && document.elementFromPoint(at.left + 2, at.top + 2)
          ?.closest(arguments[0]) !== null";
    browser.eval(script, json!([css])).await == true
}

#[tokio::test]
async fn a_row_is_shown_with_what_stands_above_its_columns() {
    let server = Server::start().await;
    let rows: String = (0..3000)
        .map(|number| format!("Ladder {number},{},{}\n", 10_000 + number, 20_000 + number))
        .collect();
    server.add("ladders.csv", format!("Eels that passed,2023,2022\n{rows}")).await;
    let session = server.session().await;
    server.ask(&session, json!({"content": "How many eels passed ladder 2170 in 2023?"})).await;
    let Some(browser) = Browser::open(&server).await else { return };
    browser.go(&format!("/s/{session}")).await;
    browser.hover(".prose button.mark").await;
    browser.see("#card .where", "columns: Eels that passed | 2023 | 2022").await;
    browser.click(".prose button.mark", "").await;
    browser.see("#panel .where", "columns: Eels that passed | 2023 | 2022").await;
}

#[tokio::test]
async fn a_quote_in_a_pdf_is_in_sight_on_its_page_and_the_original_opens_there() {
    let server = Server::start().await;
    let report = include_bytes!("../../fixtures/library/osmer-restoration-report.pdf");
    let document = server.add("report.pdf", report.to_vec()).await;
    let session = server.session().await;
    let asked = server.ask(&session, json!({"content": "How wide are the breaches in the old dike?"})).await;
    let cited = citations(&asked);
    let page = cited[0]["page"].as_u64().unwrap();
    assert!(page > 1, "{cited:?}");
    let Some(browser) = Browser::open(&server).await else { return };
    browser.go(&format!("/s/{session}")).await;
    // The pointer alone shows the quote.
    browser.hover(".prose button.mark").await;
    browser.see("#card blockquote", cited[0]["quote"].as_str().unwrap()).await;
    browser.see("#card .where", &format!("p. {page}")).await;

    browser.click(".prose button.mark", "").await;
    browser.see("#panel .where", &format!("p. {page}")).await;
    browser.see("#panel .verdict", "supported").await;
    eventually("the quote is in sight", async || is_in_sight(&browser, "#panel mark").await.then_some(()))
        .await;
    let shown = browser.eval("return document.querySelector('#panel .leaf input').value", json!([])).await;
    assert_eq!(shown, page.to_string());
    let original = browser
        .eval("return document.querySelector('#panel a[target]').getAttribute('href')", json!([]))
        .await;
    let path = format!("/api/documents/{}/content", document["id"].as_str().unwrap());
    assert_eq!(original, format!("{path}#page={page}"));
    let response = server.send(Method::GET, &path, None).await;
    let headers = response.headers();
    assert!(headers["content-disposition"].to_str().unwrap().starts_with("inline;"), "{headers:?}");
    assert_eq!(headers["content-security-policy"], "sandbox; default-src 'none'");

    // To another page, and the whole of the text beside nothing else.
    browser.rewrite("#panel .leaf input", &format!("1{ENTER}")).await;
    eventually("the first page is in sight", async || {
        is_in_sight(&browser, "#panel [aria-label='Page 1']").await.then_some(())
    })
    .await;
    browser.click("#panel a", "Whole text").await;
    browser.see("main .stored mark", "").await;
    eventually("the quote is in sight", async || is_in_sight(&browser, "main mark").await.then_some(()))
        .await;
    browser.nothing_noticed().await;
}

#[tokio::test]
async fn what_a_source_does_not_carry_is_marked_and_can_be_listed_alone() {
    let reply = "Silver eels leave the Grève in October “under a new moon” 🌑, on the ebb [1]. \
        In 1987 the mayor gave every fisherman a **golden** boat [1]. Nobody knows why he did that to them.";
    let (server, _script) = scripted_server(reply, 0).await;
    server.add("eels.md", EELS).await;
    let Some(browser) = Browser::open(&server).await else { return };
    browser.go("/").await;
    browser.ask("When do silver eels leave?").await;
    browser.see(".prose .mark.supported", "1").await;
    browser.see(".prose .mark.unsupported", "1").await;
    browser.see(".prose .unsupported", "golden").await;
    browser.see(".grounding", "not found in the sources").await;
    browser.click(".bar a", "Citations").await;
    browser.see(".cited .verdict.unsupported", "not supported").await;
    browser.see(".cited .claim", "gave every fisherman a golden boat").await;
    browser.see(".bare .unsupported", "golden boat").await;
    browser.click("label", "Only what its quote").await;
    browser.see_gone(".cited.is-supported", "").await;
    browser.see(".cited.is-unsupported", "").await;
    browser.nothing_noticed().await;
}

#[tokio::test]
async fn a_quote_that_several_answers_cite_is_told_once_with_all_of_them() {
    let server = Server::start().await;
    let document = server.add("eels.md", EELS).await;
    for question in ["When do silver eels leave?", "In which month do silver eels leave the Grève?"] {
        let session = server.session().await;
        server.ask(&session, json!({"content": question})).await;
    }
    let Some(browser) = Browser::open(&server).await else { return };
    browser.go(&format!("/d/{}/citations", document["id"].as_str().unwrap())).await;
    browser.see(".cited .quote", "Silver eels leave").await;
    let script = "return [...document.querySelectorAll('.cited')].map((one) => one.querySelectorAll('.asked a').length)";
    assert_eq!(browser.eval(script, json!([])).await, json!([2]));
    browser.click(".cited a", "In which month").await;
    browser.see("h2.question", "In which month").await;
    browser.nothing_noticed().await;
}
