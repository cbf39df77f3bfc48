use std::path::Path;
use std::process::Command;

use ibid::ingest::extract::{Limits, extract};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::Server;

/// The same sentence in many scripts, and a word of each that a reader of PDFs gives back whole. It
/// reads letters that run from right to left with spaces of its own, so these are compared without.
const SCRIPTS: [(&str, &str, &str); 10] = [
    ("Latin", "The mud rose by four centimetres.", "The mud rose"),
    ("Vietnamese", "Bùn dâng lên bốn xentimét.", "dâng lên bốn"),
    ("Greek", "Η λάσπη ανέβηκε τέσσερα εκατοστά.", "λάσπη ανέβηκε"),
    ("Cyrillic", "Ил поднялся на четыре сантиметра.", "поднялся на четыре"),
    ("Chinese", "泥在一年里上升了四厘米。", "泥在一年里上升了四厘米"),
    ("Korean", "진흙이 4센티미터 올랐다.", "진흙이"),
    ("Arabic", "ارتفع الطين بمقدار أربعة سنتيمترات.", "ارتفع الطين"),
    ("Hebrew", "הבוץ עלה בארבעה סנטימטרים.", "הבוץ עלה"),
    ("Devanagari", "कीचड़ ऊपर उठा।", "ऊपर"),
    ("Thai", "โคลนสูงขึ้นสี่เซนติเมตร", "โคลน"),
];

/// A server whose model answers with this, from a document of these words.
async fn answering(reply: &str, document: &str) -> (Server, String) {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("script.json");
    std::fs::write(&script, json!([{"when": ["mud"], "reply": reply}]).to_string()).unwrap();
    let config = format!(
        "[[models]]\nname = \"writer\"\nprovider = \"scripted\"\ndelay_ms = 0\nscript = \"{}\"\n",
        script.display()
    );
    let server = Server::with_config(&config).await;
    server.add("mud.md", document).await;
    let session = server.session().await;
    server.ask(&session, json!({"content": "How far did the mud rise?"})).await;
    (server, session)
}

async fn export(server: &Server, session: &str, query: &str) -> Vec<u8> {
    let path = format!("/api/chat/sessions/{session}/export?{query}");
    let response = server.send(Method::GET, &path, None).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert!(response.headers()["content-disposition"].to_str().unwrap().starts_with("attachment;"));
    response.bytes().await.unwrap().to_vec()
}

/// What our own reader of PDFs finds in it.
fn read_back(pdf: &[u8]) -> String {
    assert!(pdf.starts_with(b"%PDF-"));
    extract(pdf, "export.pdf", &Limits::default()).unwrap().text
}

fn squeezed(text: &str) -> String {
    text.split_whitespace().collect()
}

#[tokio::test]
async fn a_bundle_has_the_session_its_quotes_and_the_texts_they_stand_in() {
    let server = Server::with_library().await;
    let session = server.session().await;
    for question in ["How high did the water rise at Halewick?", "What did the restoration cost?"] {
        server.ask(&session, json!({"content": question})).await;
    }
    let shown = server.get(&format!("/api/chat/sessions/{session}")).await;
    let bundle: Value =
        serde_json::from_slice(&export(&server, &session, "format=json&documents=true").await).unwrap();
    assert_eq!((&bundle["format"], &bundle["version"]), (&json!("ibid-export"), &json!(1)));
    for (kept, shown) in
        bundle["messages"].as_array().unwrap().iter().zip(shown["messages"].as_array().unwrap())
    {
        for (name, value) in kept.as_object().unwrap() {
            assert_eq!(*value, shown[name], "{name} is as it is shown");
        }
    }
    let documents = bundle["documents"].as_array().unwrap();
    let mut checked = 0;
    for message in bundle["messages"].as_array().unwrap() {
        for citation in message["citations"].as_array().into_iter().flatten() {
            let document =
                documents.iter().find(|document| document["id"] == citation["document_id"]).unwrap();
            assert_eq!(document["version"], citation["version"]);
            let at = |name: &str| citation[name].as_u64().unwrap() as usize;
            let text = document["text"].as_str().unwrap();
            assert_eq!(text[at("start")..at("end")], *citation["quote"].as_str().unwrap());
            let around = bundle["passages"].as_array().unwrap().iter().find(|passage| {
                passage["passage_id"] == citation["passage_id"]
                    && passage["text"].as_str().unwrap().contains(citation["quote"].as_str().unwrap())
            });
            assert!(around.is_some(), "the passage of {citation}");
            checked += 1;
        }
    }
    assert!(checked > 2, "{bundle}");

    let one = shown["messages"][3]["id"].as_str().unwrap();
    let one: Value =
        serde_json::from_slice(&export(&server, &session, &format!("message={one}")).await).unwrap();
    let ids: Vec<_> = one["messages"].as_array().unwrap().iter().map(|message| &message["id"]).collect();
    assert_eq!(ids, [&shown["messages"][2]["id"], &shown["messages"][3]["id"]]);
    assert!(one["documents"].as_array().unwrap().iter().all(|document| document["text"].is_null()));
}

#[tokio::test]
async fn what_can_not_be_exported_is_a_problem() {
    let server = Server::start().await;
    let session = server.session().await;
    let path = format!("/api/chat/sessions/{session}/export");
    server.problem(StatusCode::BAD_REQUEST, Method::GET, &format!("{path}?format=docx"), None).await;
    let nobody = "018f0000-0000-7000-8000-000000000000";
    server.problem(StatusCode::NOT_FOUND, Method::GET, &format!("{path}?message={nobody}"), None).await;
    let path = format!("/api/chat/sessions/{nobody}/export");
    server.problem(StatusCode::NOT_FOUND, Method::GET, &path, None).await;
    for format in ["json", "markdown", "pdf"] {
        export(&server, &session, &format!("format={format}")).await;
    }
}

#[tokio::test]
async fn markdown_has_each_answer_with_its_numbered_quotes() {
    let reply = "The mud rose by **four** centimetres [1]. ![x](https://evil.example/x.png)";
    let (server, session) = answering(reply, "# Mud\n\nThe mud rose by four centimetres.\n").await;
    let text = String::from_utf8(export(&server, &session, "format=markdown").await).unwrap();
    assert!(text.starts_with("# How far did the mud rise?\n"), "{text}");
    assert!(text.contains("> **How far did the mud rise?**"), "{text}");
    assert!(text.contains("The mud rose by **four** centimetres [1]. \\![x]("), "{text}");
    let sources = text.split_once("**Sources**").unwrap().1;
    assert!(sources.contains("- **\\[1\\]** *Mud* (mud.md)"), "{text}");
    assert!(sources.contains("“The mud rose by four centimetres.”"), "{text}");
}

#[tokio::test]
async fn a_pdf_has_letters_of_every_script_that_the_machine_has_fonts_for() {
    let sentences = SCRIPTS.map(|(_, sentence, _)| sentence);
    let reply: String = sentences.iter().map(|sentence| format!("{sentence} [1]\n\n")).collect();
    let (server, session) = answering(&reply, &format!("# Mud\n\n{}\n", sentences.join("\n\n"))).await;
    let pdf = export(&server, &session, "format=pdf").await;
    let text = squeezed(&read_back(&pdf));
    // The page itself says which letters no font had.
    let missing: Vec<char> = text
        .match_indices("U+")
        .filter_map(|(at, _)| {
            let digits: String = text[at + 2..].chars().take_while(char::is_ascii_hexdigit).take(5).collect();
            char::from_u32(u32::from_str_radix(&digits, 16).ok()?)
        })
        .collect();
    for (script, sentence, words) in SCRIPTS {
        if sentence.chars().any(|c| missing.contains(&c)) {
            assert!(std::env::var_os("CI").is_none(), "in CI there must be a font for {script}");
            eprintln!("skipped {script}: this machine has no font for it");
            continue;
        }
        assert!(text.contains(&squeezed(words)), "{script}: {text}");
    }
    assert!(
        !missing.iter().any(|c: &char| c.is_ascii_lowercase() || ('а'..='я').contains(c)),
        "built in: {missing:?}"
    );
}

#[tokio::test]
async fn a_pdf_sets_what_markdown_means_and_links_marks_to_their_sources() {
    let rows: String = (0..60).map(|year| format!("| {year} | rose [1] |\n")).collect();
    let reply = format!(
        "## The rise\n\nIt rose by **four** centimetres [1].\n\n- first\n- second\n\n```\nlet rise = 4;\n```\n\n\
         | Year | Rise |\n|---|---|\n{rows}\n![picture](https://evil.example/x.png) <script>x</script>\n"
    );
    let (server, session) = answering(&reply, "# Mud\n\nThe mud rose by four centimetres.\n").await;
    let pdf = export(&server, &session, "format=pdf").await;
    let text = read_back(&pdf);
    for words in
        ["The rise", "• first", "let rise = 4;", "59", "Sources", "“The mud rose by four centimetres.”"]
    {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(!text.contains("**") && !text.contains("```") && !text.contains("|--"), "{text}");
    let pages = extract(&pdf, "export.pdf", &Limits::default()).unwrap().pages.len();
    assert!(pages > 1, "a long table goes on: {text}");
    let raw = String::from_utf8_lossy(&pdf);
    assert!(
        raw.contains("/Link") && !raw.contains("evil.example"),
        "marks lead to sources, and nothing outside"
    );
}

#[tokio::test]
async fn an_answer_of_strange_letters_and_endless_words_is_set_all_the_same() {
    let endless = "x".repeat(3000);
    let reply = format!(
        "{endless} \u{0}\u{7}\u{202e}back\u{202c} \u{10ffff} \u{1F468}\u{200d}\u{1F469} \u{fe0f}\n\n\
         > > > deep\n\n1. a\n   1. b\n      1. c\n         1. d\n\n|a|\n|-|\n|{endless}|\n\n### \n\n[999] [] [1"
    );
    let (server, session) = answering(&reply, "# Mud\n\nThe mud rose.\n").await;
    let text = squeezed(&read_back(&export(&server, &session, "format=pdf").await));
    assert!(text.matches('x').count() >= 6000, "no letter is lost at an edge");
    assert!(text.contains("U+10FFFF") && !text.contains("U+200D"), "a joiner has no shape to miss: {text}");
}

/// Runs `ibid verify` on a bundle: whether it holds, and what is said.
fn verify(server: &Server, bundle: &[u8], more: &[&str]) -> (bool, String) {
    let file = server.data.path().join("bundle.json");
    std::fs::write(&file, bundle).unwrap();
    let ran = Command::new(env!("CARGO_BIN_EXE_ibid"))
        .arg("--data")
        .arg(server.data.path())
        .arg("verify")
        .args(more)
        .arg(&file)
        .output()
        .unwrap();
    let said = String::from_utf8(ran.stdout).unwrap() + &String::from_utf8(ran.stderr).unwrap();
    assert!(ran.status.code() == Some(0) || ran.status.code() == Some(1), "{said}");
    (ran.status.success(), said)
}

#[tokio::test]
async fn a_bundle_is_verified_against_the_library_and_each_fault_is_named() {
    let mud = "# Mud\n\nThe mud rose by four centimetres.\n";
    let (server, session) = answering("The mud rose by four centimetres [1].", mud).await;
    let lean = export(&server, &session, "").await;
    let full = export(&server, &session, "documents=true").await;
    let document = server.get("/api/documents").await["items"][0]["id"].as_str().unwrap().to_owned();
    let (holds, said) = verify(&server, &lean, &[]);
    assert!(holds && said.contains("everything holds: 1 of 1 citation"), "{said}");

    let text = server.data.path().join("documents").join(&document).join("text");
    let stored = std::fs::read_to_string(&text).unwrap();
    std::fs::write(&text, stored.replace("four", "five")).unwrap();
    let (holds, said) = verify(&server, &lean, &[]);
    assert!(!holds && said.contains("the stored text is not the one that was cited"), "{said}");
    assert!(said.contains("[1] Mud  is not in the text"), "{said}");
    std::fs::write(&text, stored).unwrap();

    let original = text.with_file_name("original");
    std::fs::write(&original, "other bytes").unwrap();
    let (holds, said) = verify(&server, &lean, &[]);
    assert!(!holds && said.contains("the original bytes have another hash"), "{said}");
    std::fs::write(&original, mud).unwrap();

    server.json(Method::DELETE, &format!("/api/documents/{document}"), None).await;
    let (holds, said) = verify(&server, &lean, &[]);
    assert!(
        !holds && said.contains("is not in the library") && said.contains("1 document could not"),
        "{said}"
    );
    assert!(verify(&server, &full, &[]).0, "the texts in the bundle stand in for the library");
    assert!(verify(&server, &full, &["--offline"]).0);
    let forged = String::from_utf8(full).unwrap().replace("four", "five");
    let (holds, said) = verify(&server, forged.as_bytes(), &["--json"]);
    let verdicts: Value = serde_json::from_str(&said).unwrap();
    assert!(
        !holds
            && verdicts["sealed"] == false
            && verdicts["documents"][0]["faults"][0] == "bundled_text_differs"
    );

    let again = server.add("mud again.md", mud).await;
    assert_ne!(again["id"], json!(document), "the same bytes under another id");
    let (holds, said) = verify(&server, &lean, &[]);
    assert!(holds, "{said}");
}

#[test]
fn the_fonts_that_are_built_in_come_with_their_licence() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/export/pdf/fonts");
    let licence = std::fs::read_to_string(folder.join("LICENSE.txt")).unwrap();
    assert!(licence.contains("SIL OPEN FONT LICENSE") && licence.contains("Ibid Serif"));
}
