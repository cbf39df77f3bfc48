//! The library: adding, finding, moving, choosing.

#![expect(clippy::unwrap_used, reason = "a test that can't go on should stop there")]

use std::path::Path;

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::support::{Server, eventually};

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
    // Once more: the same bytes are read again, as the same document.
    browser.click(".document .fault button", "Try again").await;
    eventually("it was read again", async || {
        let read = "return performance.getEntriesByType('resource').filter(({ name, responseStatus }) =>
            name.endsWith('/reread') && responseStatus === 200).length";
        (browser.eval(read, json!([])).await == 1).then_some(())
    })
    .await;
    browser.see(".document.failed .fault", "").await;
    assert_eq!(server.get("/api/documents").await["items"].as_array().unwrap().len(), 2);
    browser.nothing_noticed().await;
}

/// An upload's own answer says `queued`; what came of the document may be told before it arrives.
#[tokio::test]
async fn a_late_answer_does_not_undo_what_was_told_since() {
    let server = Server::start().await;
    let Some(browser) = Browser::open(&server).await else { return };
    let folder = tempfile::tempdir().unwrap();
    browser.go("/library").await;
    let slow = "const told = Object.getOwnPropertyDescriptor(XMLHttpRequestEventTarget.prototype, 'onload');
        Object.defineProperty(XMLHttpRequest.prototype, 'onload', { set(then) {
            told.set.call(this, (event) => setTimeout(() => { then.call(this, event); window.answered = true; }, 1500));
        } })";
    browser.eval(slow, json!([])).await;
    browser
        .write("input[type=file]:not([webkitdirectory])", &file(folder.path(), "broken.pdf", "%PDF-1.4 no"))
        .await;
    browser.see(".document.failed .fault", "").await;
    eventually("the upload is answered", async || {
        (browser.eval("return window.answered === true", json!([])).await == true).then_some(())
    })
    .await;
    assert_eq!(browser.count(".document.failed .fault").await, 1, "the older state came back");
}

#[tokio::test]
async fn what_is_refused_says_why_and_what_waits_for_a_lost_server_goes_by_itself() {
    let server = Server::with_config("[ingest]\nmax_file_bytes = 1048576\n").await;
    let Some(browser) = Browser::open(&server).await else { return };
    let folder = tempfile::tempdir().unwrap();
    let files = "input[type=file]:not([webkitdirectory])";
    browser.go("/library").await;
    browser.see(".total", "Nothing here yet").await;
    browser.write(files, &file(folder.path(), "long.md", &"too long. ".repeat(200_000))).await;
    browser.see(".upload.failed .status", "larger than 1 MiB").await;
    browser.see(".upload.failed button", "Try again").await;
    browser.click(".uploads button", "Clear this list").await;
    browser.see_gone(".uploads", "").await;

    browser.offline(true).await;
    let both = [file(folder.path(), "eels.md", EELS), file(folder.path(), "owls.md", OWLS)];
    browser.write(files, &both.join("\n")).await;
    browser.see("#banner", "The server is away").await;
    browser.see(".uploads", "eels.md").await;
    browser.offline(false).await;
    browser.see(".document.ready", "Eels").await;
    browser.see(".document.ready", "Owls").await;
    browser.see_gone(".uploads", "").await;
    // The same again is known.
    browser.write(files, &both[0]).await;
    browser.see(".upload.known .status", "already in the library").await;
}

#[tokio::test]
async fn all_that_is_listed_is_chosen_and_deleted_at_once_but_not_without_a_question() {
    let server = Server::start().await;
    server.add("eels.md", EELS).await;
    server.add("eels.md", EELS.replace("October", "November")).await;
    server.add("owls.md", OWLS).await;
    let Some(browser) = Browser::open(&server).await else { return };
    browser.go("/library").await;
    browser.see(".document", "Owls").await;
    assert_eq!(browser.count(".document").await, 2, "older versions are not in the way");
    browser.click("label", "Older versions").await;
    browser.see(".document.superseded", "older version").await;
    browser.click("label", "Older versions").await;
    browser.see_gone(".document.superseded", "").await;
    browser.click(".tally input", "").await;
    browser.see(".chosen", "2 documents chosen").await;
    browser.click(".chosen button", "Delete").await;
    browser.click("dialog button", "Keep").await;
    browser.see(".document", "Owls").await;
    browser.click(".chosen button", "Delete").await;
    browser.click("dialog button[value=yes]", "Delete").await;
    browser.see_gone(".document", "Owls").await;
    browser.see_gone(".chosen", "").await;
    let left = server.get("/api/documents").await;
    assert_eq!(left["items"], json!([]), "{left}");
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
async fn what_is_read_anew_stands_where_it_stood() {
    let server = Server::start().await;
    let eels = server.add("eels.md", EELS).await;
    server.add("owls.md", OWLS).await;
    let Some(browser) = Browser::open(&server).await else { return };
    browser.go("/library").await;
    let order = async || {
        let ids = "return [...document.querySelectorAll('.document')].map(({ dataset }) => dataset.id)";
        browser.eval(ids, json!([])).await
    };
    browser.see(".document .title", "Eels").await;
    let before = order().await;
    browser.click("button", "More about Eels").await;
    browser.click(".actions button", "Read it again").await;
    browser.see(".total", "“Eels” reads as before.").await;
    assert_eq!(order().await, before);
    // As if an older reader had lost a letter.
    let text = server.data.path().join("documents").join(eels["id"].as_str().unwrap()).join("text");
    let damaged = std::fs::read_to_string(&text).unwrap().replacen('e', "3", 1);
    std::fs::write(text, damaged).unwrap();
    browser.click("button", "More about Eels").await;
    browser.click(".actions button", "Read it again").await;
    eventually("the new reading stands in place of the old one", async || {
        let after = order().await;
        let is_other = after[1] != before[1] && after[1] != Value::Null;
        (is_other && after[0] == before[0] && after[2] == Value::Null).then_some(())
    })
    .await;
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
