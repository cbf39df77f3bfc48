//! The library: adding, finding, moving, choosing.

#![expect(clippy::unwrap_used, reason = "a test that can't go on should stop there")]

use std::path::Path;

use serde_json::json;

use crate::browser::Browser;
use crate::support::Server;

const EELS: &str = "# Eels\n\nSilver eels leave the river in October.\n";
const OWLS: &str = "# Owls\n\nThe barn owl hunts over the north meadow.\n";

/// A file of this name and text, below a folder.
fn file(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

#[tokio::test]
async fn picked_files_go_into_the_named_collection_and_a_broken_one_says_why() {
    let server = Server::start().await;
    let Some(browser) = Browser::open(&server).await else { return };
    let folder = tempfile::tempdir().unwrap();
    browser.go("/library").await;
    browser.write("input[aria-label='Collection for new files']", "rivers").await;
    let both = [file(folder.path(), "eels.md", EELS), file(folder.path(), "broken.pdf", "%PDF-1.4 nothing")];
    browser.write("input[type=file]:not([webkitdirectory])", &both.join("\n")).await;
    browser.see(".document.ready", "Eels").await;
    browser.see(".document.failed .fault", "").await;
    browser.see("select[aria-label='Show a collection']", "rivers (2)").await;
    // Only what can't be read, with its reason.
    browser.click("label", "Not readable").await;
    browser.see_gone(".document", "Eels").await;
    let listed = server.get("/api/documents?status=failed").await;
    browser.see(".document .fault", listed["items"][0]["error"].as_str().unwrap()).await;
    browser.nothing_noticed().await;
}

#[tokio::test]
async fn a_dropped_folder_comes_in_with_the_paths_of_its_files() {
    let server = Server::start().await;
    let Some(browser) = Browser::open(&server).await else { return };
    let folder = tempfile::tempdir().unwrap();
    let papers = folder.path().join("papers");
    file(&papers, "eels.md", EELS);
    file(&papers, "birds/owls.md", OWLS);
    file(&papers, ".hidden/secret.md", "# Not this\n");
    // Onto a session: what is dropped goes to the library from anywhere.
    browser.go("/").await;
    browser.see("#question", "").await;
    browser.drop_files(&[&papers]).await;
    browser.see(".document.ready .facts", "papers/eels.md").await;
    browser.see(".document.ready .facts", "papers/birds/owls.md").await;
    assert_eq!(browser.place().await, "/library");
    assert_eq!(
        server.get("/api/documents").await["items"].as_array().unwrap().len(),
        2,
        "what is hidden stays out"
    );
    browser.nothing_noticed().await;
}

#[tokio::test]
async fn a_document_is_renamed_moved_and_found_in_its_collection() {
    let server = Server::start().await;
    server.add("eels.md", EELS).await;
    server.add("owls.md", OWLS).await;
    let Some(browser) = Browser::open(&server).await else { return };
    browser.go("/library").await;
    browser.click("button", "More about Eels").await;
    browser.click(".actions button", "Title and collection").await;
    browser.rewrite("dialog input[name=title]", "On eels").await;
    browser.write("dialog input[name=collection]", "rivers").await;
    browser.click("dialog button", "Save").await;
    browser.see(".document .title", "On eels").await;
    browser.see("select[aria-label='Show a collection']", "rivers (1)").await;
    // The others are chosen, and moved together.
    browser.click("input[aria-label='Choose Owls']", "").await;
    browser.click(".chosen button", "Move").await;
    browser.write("dialog input[name=collection]", "rivers").await;
    browser.click("dialog button[value=yes]", "Move").await;
    browser.see("select[aria-label='Show a collection']", "rivers (2)").await;
    // A name that is taken there is refused in words, and the dialog waits for another.
    let again = server.add("owls.md", "# Owls again\n\nAnother owl.\n").await;
    assert_eq!(again["status"], "ready");
    browser.click("button", "More about Owls again").await;
    browser.click(".actions button", "Title and collection").await;
    browser.write("dialog input[name=collection]", "rivers").await;
    browser.click("dialog button", "Save").await;
    browser.see("dialog .fault", "owls.md").await;
    browser.nothing_noticed().await;
}

#[tokio::test]
async fn texts_are_searched_and_chosen_documents_limit_a_question() {
    let server = Server::start().await;
    server.add("eels.md", EELS).await;
    let owls = server.add("owls.md", OWLS).await;
    let Some(browser) = Browser::open(&server).await else { return };
    browser.go("/library").await;
    browser.write("main input[type=search]", "meadow").await;
    browser.see(".passages mark", "meadow").await;
    browser.click(".passages .title", "Owls").await;
    browser.see("#panel mark", "north meadow").await;
    browser.click("#panel button", "Close").await;
    browser.rewrite("main input[type=search]", "owl").await;
    browser.click("input[aria-label='Choose Owls']", "").await;
    browser.click(".chosen button", "Ask about these").await;
    browser.see(".chip", "Owls").await;
    browser.ask("When do silver eels leave the river?").await;
    let sessions = server.get("/api/chat/sessions").await;
    let path = format!("/api/chat/sessions/{}", sessions["items"][0]["id"].as_str().unwrap());
    assert_eq!(server.get(&path).await["messages"][0]["document_ids"], json!([owls["id"]]));
    browser.see(".asked", "Only in Owls").await;
    browser.nothing_noticed().await;
}

#[tokio::test]
async fn older_versions_can_be_opened_and_lead_to_the_newest() {
    let server = Server::start().await;
    let old = server.add("eels.md", EELS).await;
    server.add("eels.md", EELS.replace("October", "November")).await;
    let Some(browser) = Browser::open(&server).await else { return };
    browser.go("/library").await;
    browser.click(".facts a", "has earlier versions").await;
    browser.see(".stored", "November").await;
    browser.click(".facts a", "now").await;
    browser.see(".stored", "October").await;
    assert_eq!(browser.place().await, format!("/d/{}", old["id"].as_str().unwrap()));
    browser.click(".badge a", "Open the newest").await;
    browser.see(".stored", "November").await;
    browser.nothing_noticed().await;
}
