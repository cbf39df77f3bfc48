//! What a browser makes of the page: answers with their citations, the exact words of a source, and
//! hostile words as words.

use serde_json::{Value, json};

use crate::chromium::{between, dump, escaped, find};
use crate::support::{Server, citations};

/// Letters of one to four bytes before and within what will be cited.
const EELS: &str = "# Eels of the Grève\n\nThe café at Öland sells “smoked eel” 𝒳𝒴 🐟🐟 all summer.\n\n\
    Silver eels leave the Grève in October “under a new moon” 🌑, on the ebb.\n";
/// Would leave an element or a mark of its own if anything took it for more than text.
const HOSTILE: &str =
    "<img src=x onerror=document.body.dataset.owned=1><script>document.title='owned'</script>";

async fn ask(server: &Server, session: &str, question: &str) -> Vec<Value> {
    citations(&server.ask(session, json!({"content": question})).await)
}

#[tokio::test]
async fn a_session_opens_with_its_citations_and_sources() {
    let Some(browser) = find() else { return };
    let server = Server::start().await;
    server.add("eels.md", EELS).await;
    let session = server.session().await;
    let cited = ask(&server, &session, "When do silver eels leave?").await;
    assert!(!cited.is_empty());

    let html = dump(&browser, &format!("{}/s/{session}", server.url)).await;
    assert!(html.contains("When do silver eels leave?</h2>"), "{html}");
    assert_eq!(html.matches("<button type=\"button\" class=\"mark ").count(), cited.len(), "{html}");
    assert!(html.contains("class=\"mark supported\""), "{html}");
    let sources = between(&html, "aria-label=\"Sources\"", "<p class=\"tools\"").unwrap();
    assert!(sources.contains(cited[0]["title"].as_str().unwrap()), "{sources}");

    let html = dump(&browser, &format!("{}/s/{session}/citations", server.url)).await;
    for citation in &cited {
        assert!(html.contains(&escaped(citation["quote"].as_str().unwrap())), "{html}");
    }
}

#[tokio::test]
async fn the_marked_words_of_a_source_are_the_quote_whatever_stands_before_it() {
    let Some(browser) = find() else { return };
    let server = Server::start().await;
    server.add("eels.md", EELS).await;
    let session = server.session().await;
    let cited = ask(&server, &session, "When do silver eels leave?").await;
    let citation = &cited[0];
    assert!(citation["start"].as_u64().unwrap() > 40, "the quote stands behind the long letters");
    let place = format!(
        "{}/d/{}?start={}&end={}",
        server.url,
        citation["document_id"].as_str().unwrap(),
        citation["start"],
        citation["end"]
    );
    let html = dump(&browser, &place).await;
    let marked = between(&html, "<mark>", "</mark>");
    assert_eq!(marked, Some(&*escaped(citation["quote"].as_str().unwrap())), "{html}");
}

#[tokio::test]
async fn hostile_words_from_anywhere_are_shown_as_words() {
    let Some(browser) = find() else { return };
    let script = tempfile::tempdir().unwrap();
    let file = script.path().join("script.json");
    let reply = format!(
        "# {HOSTILE}\n\n{HOSTILE} says so [1].\n\n- {HOSTILE}\n\n| {HOSTILE} |\n|---|\n| {HOSTILE} |\n\n\
         > {HOSTILE}\n\n![picture](http://127.0.0.1:1/p.png) [go](javascript:document.title='owned') \
         [there](http://127.0.0.1:1/?q=secret)\n\n```\n{HOSTILE}\n```\n"
    );
    std::fs::write(&file, json!([{"when": [], "reply": [reply]}]).to_string()).unwrap();
    let config = format!(
        "[[models]]\nname = \"hostile\"\nprovider = \"scripted\"\ndelay_ms = 0\nscript = \"{}\"\n",
        file.display()
    );
    let server = Server::with_config(&config).await;
    let text = format!("# Eels\n\nSilver eels {HOSTILE} leave in October.\n");
    let name = "<img src=x onerror=document.body.dataset.owned=1>.txt";
    let document = server.add(name, text).await;
    assert_eq!(document["status"], "ready", "{document}");
    let session = server.post("/api/chat/sessions", json!({"title": HOSTILE})).await;
    let session = session["id"].as_str().unwrap();
    ask(&server, session, &format!("When do silver eels leave? {HOSTILE}")).await;

    let id = document["id"].as_str().unwrap();
    let views = [
        format!("/s/{session}"),
        format!("/s/{session}/citations"),
        "/library".to_owned(),
        format!("/d/{id}"),
    ];
    for view in views {
        let html = dump(&browser, &format!("{}{view}", server.url)).await;
        assert!(html.contains(&escaped("<img src=x onerror=")), "{view} shows it: {html}");
        assert!(!html.contains("<img"), "{view}: {html}");
        assert_eq!(html.matches("<script").count(), 1, "{view}: {html}");
        assert!(!html.contains("data-owned") && !html.contains("<title>owned"), "{view}: {html}");
        assert!(!html.contains("href=\"javascript:"), "{view}: {html}");
    }
    let html = dump(&browser, &format!("{}/s/{session}", server.url)).await;
    let prose = between(&html, "<div class=\"prose\"", "<footer").unwrap();
    assert!(prose.contains("<table>") && prose.contains("<blockquote>") && prose.contains("<li>"), "{prose}");
    let link = "rel=\"noreferrer noopener nofollow\" target=\"_blank\">http://127.0.0.1:1/?q=secret</a>";
    assert!(prose.contains(link), "a link says where it leads: {prose}");
}

#[tokio::test]
async fn a_deep_research_is_shown_with_its_plan_and_what_it_covered() {
    let Some(browser) = find() else { return };
    let server = Server::start().await;
    server.add("eels.md", EELS).await;
    let session = server.session().await;
    let body = json!({"content": "When do silver eels leave?", "mode": "deep_research"});
    server.ask(&session, body).await;
    let stored = server.get(&format!("/api/chat/sessions/{session}")).await;
    let questions = stored["messages"][1]["plan"]["questions"].as_array().unwrap();

    let html = dump(&browser, &format!("{}/s/{session}", server.url)).await;
    let plan = between(&html, "<ol class=\"plan\">", "</ol>").unwrap();
    for question in questions {
        assert!(plan.contains(&escaped(question["text"].as_str().unwrap())), "{plan}");
    }
    assert!(html.contains("1 document searched"), "{html}");
}

#[tokio::test]
async fn the_library_lists_what_is_there_and_why_something_is_not() {
    let Some(browser) = find() else { return };
    let server = Server::start().await;
    server.add("eels.md", EELS).await;
    let broken = server.add("broken.pdf", "%PDF-1.4 nothing").await;
    assert_eq!(broken["status"], "failed");
    let html = dump(&browser, &format!("{}/library", server.url)).await;
    assert_eq!(html.matches("class=\"document ").count(), 2, "{html}");
    assert!(html.contains(&escaped(broken["error"].as_str().unwrap())), "{html}");
}
