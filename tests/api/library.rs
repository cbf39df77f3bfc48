//! The sample library, asked its own questions without a model.

use std::collections::HashMap;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::{Server, answer, citations};

/// How many of the answerable questions have to cite the document they are about.
const RIGHT_DOCUMENT: f64 = 0.85;
/// How many have to cite the very sentence.
const RIGHT_SENTENCE: f64 = 0.6;
/// How many of the unanswerable ones have to be refused.
const REFUSED: f64 = 0.5;

struct Library {
    server: Server,
    /// Names and texts by id.
    documents: HashMap<String, (String, String)>,
}

impl Library {
    async fn start() -> Self {
        let server = Server::with_library().await;
        let listed = server.get("/api/documents?limit=500").await;
        let mut documents = HashMap::new();
        for document in listed["items"].as_array().unwrap() {
            let id = document["id"].as_str().unwrap().to_owned();
            let text = server.text(&id).await;
            documents.insert(id, (document["name"].as_str().unwrap().to_owned(), text));
        }
        Self { server, documents }
    }

    /// Asks, after the questions before it, and checks what has to hold of every citation.
    async fn ask(&self, question: &Value) -> (String, Vec<Value>) {
        let session = self.server.session().await;
        for earlier in question["history"].as_array().into_iter().flatten() {
            self.server.ask(&session, json!({"content": earlier})).await;
        }
        let frames = self.server.ask(&session, json!({"content": question["question"]})).await;
        let citations = citations(&frames);
        for citation in &citations {
            let (_, text) = &self.documents[citation["document_id"].as_str().unwrap()];
            let at = |name: &str| usize::try_from(citation[name].as_u64().unwrap()).unwrap();
            assert_eq!(text[at("start")..at("end")], *citation["quote"].as_str().unwrap());
        }
        (answer(&frames), citations)
    }

    fn name(&self, citation: &Value) -> &str {
        &self.documents[citation["document_id"].as_str().unwrap()].0
    }
}

#[tokio::test]
async fn the_sample_library_answers_its_questions_from_the_right_places() {
    let library = Library::start().await;
    let (mut asked, mut right_document, mut right_sentence, mut wrong_pages) = (0, 0, 0, Vec::new());
    let (mut unanswerable, mut refused) = (0, 0);
    let mut misses = Vec::new();
    for question in questions() {
        let (answer, citations) = library.ask(&question).await;
        if question["kind"] == "unanswerable" {
            unanswerable += 1;
            refused += u32::from(citations.is_empty());
            continue;
        }
        asked += 1;
        let expected = question["document"].as_str().unwrap();
        let quote = folded(question["quote"].as_str().unwrap());
        let from_document: Vec<_> =
            citations.iter().filter(|citation| library.name(citation) == expected).collect();
        let sentence = from_document.iter().find(|citation| {
            let cited = folded(citation["quote"].as_str().unwrap());
            cited.contains(&quote) || quote.contains(&cited)
        });
        right_document += u32::from(!from_document.is_empty());
        right_sentence += u32::from(sentence.is_some());
        match sentence {
            Some(citation) if question["page"].is_number() && citation["page"] != question["page"] => {
                wrong_pages.push(format!("{}: {}", question["id"], citation["page"]));
            }
            Some(_) => {}
            None => misses.push(format!("{} {}\n    {answer}", question["id"], question["question"])),
        }
    }
    println!("{right_document} of {asked} cite the document, {right_sentence} the sentence");
    println!("{refused} of {unanswerable} unanswerable ones are refused");
    println!("without the sentence:\n{}", misses.join("\n"));
    assert!(wrong_pages.is_empty(), "{wrong_pages:?}");
    assert!(f64::from(right_document) >= RIGHT_DOCUMENT * f64::from(asked), "{right_document} of {asked}");
    assert!(f64::from(right_sentence) >= RIGHT_SENTENCE * f64::from(asked), "{right_sentence} of {asked}");
    assert!(f64::from(refused) >= REFUSED * f64::from(unanswerable), "{refused} of {unanswerable}");
}

fn questions() -> Vec<Value> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/questions.jsonl");
    let lines = std::fs::read_to_string(file).unwrap();
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Letters and digits only: line ends, hyphens at them and table bars differ by format.
fn folded(text: &str) -> String {
    text.chars().filter(|char| char.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}
