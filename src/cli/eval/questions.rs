//! Reads a file of questions: one JSON object a line, each complaint with the number of its line.
//! Fields that are not known are for other readers of the file.

use anyhow::{Result, bail};
use serde::{Deserialize, Deserializer};
use uuid::Uuid;

use super::library::Library;

/// How many bad lines are told at once.
const MAX_COMPLAINTS: usize = 10;

/// A question, and where its answer stands.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Question {
    /// The line of the file, from 1.
    pub(super) line: usize,
    pub(super) question: String,
    /// Asked before it, in the same session.
    pub(super) history: Vec<String>,
    /// The documents that hold the answer, the main one first.
    pub(super) documents: Vec<Uuid>,
    /// The page of the first of them.
    pub(super) page: Option<u32>,
    pub(super) quote: Option<String>,
    /// Words of which the answer has to say one or the other; none if that is not judged.
    pub(super) answers: Vec<String>,
    pub(super) is_answerable: bool,
}

#[derive(Deserialize)]
struct Line {
    question: String,
    #[serde(default)]
    history: Vec<String>,
    document: Option<String>,
    #[serde(default)]
    also: Vec<String>,
    page: Option<u32>,
    quote: Option<String>,
    #[serde(default, deserialize_with = "one_or_several")]
    answer: Vec<String>,
    answerable: Option<bool>,
}

fn one_or_several<'de, D: Deserializer<'de>>(json: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "`answer` is neither words nor a list of words")]
    enum Given {
        One(String),
        Several(Vec<String>),
        Nothing(()),
    }
    Ok(match Given::deserialize(json)? {
        Given::One(answer) => vec![answer],
        Given::Several(answers) => answers,
        Given::Nothing(()) => Vec::new(),
    })
}

/// Reads all lines, or says what is wrong with those that can't be used.
pub(super) fn read(text: &str, library: &Library) -> Result<Vec<Question>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (mut questions, mut complaints) = (Vec::new(), Vec::new());
    for (line, json) in (1..).zip(text.lines()).filter(|(_, json)| !json.trim().is_empty()) {
        match question(line, json, library) {
            Ok(question) => questions.push(question),
            Err(complaint) => complaints.push(format!("line {line}: {complaint}")),
        }
    }
    let num_more = complaints.len().saturating_sub(MAX_COMPLAINTS);
    complaints.truncate(MAX_COMPLAINTS);
    if num_more > 0 {
        complaints.push(format!("and {num_more} more lines"));
    }
    if !complaints.is_empty() {
        bail!("{}", complaints.join("\n"));
    }
    if questions.is_empty() {
        bail!("it holds no question");
    }
    Ok(questions)
}

fn question(line: usize, json: &str, library: &Library) -> Result<Question, String> {
    let read: Line = serde_json::from_str(json).map_err(|error| complaint(&error))?;
    let expects = read.document.is_some() || read.quote.is_some() || !read.answer.is_empty();
    if read.question.trim().is_empty() {
        return Err("`question` is empty".to_owned());
    }
    if read.page.is_some() && read.document.is_none() {
        return Err("`page` needs a `document`".to_owned());
    }
    if read.page == Some(0) {
        return Err("`page` counts from 1".to_owned());
    }
    if read.quote.as_deref().is_some_and(|quote| super::score::folded(quote).is_empty()) {
        return Err("`quote` has no words".to_owned());
    }
    let has_words = |answer: &String| super::score::words(answer).next().is_some();
    if !read.answer.is_empty() && !read.answer.iter().any(has_words) {
        return Err("`answer` has no words".to_owned());
    }
    let is_answerable = match read.answerable {
        Some(false) if expects => {
            return Err("`answerable` is false, yet it says what the answer is or where it stands".to_owned());
        }
        None if !expects => {
            return Err("give `document`, `quote` or `answer`, or `\"answerable\": false`".to_owned());
        }
        given => given.unwrap_or(true),
    };
    let documents = read.document.iter().chain(&read.also);
    let documents = documents.map(|named| library.find(named).map_err(|why| format!("`document` {why}")));
    Ok(Question {
        line,
        question: read.question,
        history: read.history,
        documents: documents.collect::<Result<_, _>>()?,
        page: read.page,
        quote: read.quote,
        answers: read.answer,
        is_answerable,
    })
}

/// What is wrong with the JSON, without the line number inside the line, which is always 1.
fn complaint(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let what = text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what);
    format!("{what}, at column {}", error.column())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0198f2a4-5c1e-7d3a-9b1f-2f6d1c0a7e57";

    fn library() -> Library {
        let document = serde_json::json!({
            "id": ID, "name": "eels.pdf", "title": "Eels", "media_type": "application/pdf", "version": "abc",
            "status": "ready", "bytes": 5, "passages": 3, "created_at": "2026-01-02T03:04:05Z"
        });
        Library::of(vec![serde_json::from_value(document).unwrap()])
    }

    #[test]
    fn a_line_says_what_is_asked_and_where_the_answer_stands() {
        let text = format!(
            "\u{feff}{{\"id\": 7, \"question\": \"How steep?\", \"document\": \"eels.pdf\", \"page\": 4}}\n\n\
             {{\"question\": \"And long?\", \"document\": \"{ID}\", \"history\": [\"How steep?\"]}}\n\
             {{\"question\": \"Who?\", \"document\": null, \"answerable\": false}}\n"
        );
        let read = read(&text, &library()).unwrap();
        let id: Uuid = ID.parse().unwrap();
        assert_eq!(read.iter().map(|question| question.line).collect::<Vec<_>>(), [1, 3, 4]);
        assert_eq!((read[0].documents.as_slice(), read[0].page), (&[id][..], Some(4)));
        assert_eq!((read[1].documents[0], read[1].history.len()), (id, 1));
        assert_eq!(
            read.iter().map(|question| question.is_answerable).collect::<Vec<_>>(),
            [true, true, false]
        );
    }

    #[test]
    fn an_answer_is_one_or_any_of_several() {
        let text = "{\"question\": \"x\", \"answer\": \"4\"}\n{\"question\": \"x\", \"answer\": [\"four\", \"4\"]}\n\
                    {\"question\": \"x\", \"answer\": null, \"quote\": \"y\"}";
        let read = read(text, &library()).unwrap();
        let answers: Vec<usize> = read.iter().map(|question| question.answers.len()).collect();
        assert_eq!((answers, read[0].is_answerable), (vec![1, 2, 0], true));
    }

    #[test]
    fn a_document_in_a_folder_is_found_by_the_end_of_its_name() {
        let document = |n: u128, name: &str| {
            serde_json::from_value(serde_json::json!({
                "id": Uuid::from_u128(n), "name": name, "title": "Eels", "media_type": "text/plain",
                "version": "abc", "status": "ready", "bytes": 5, "passages": 3, "created_at": "2026-01-02T03:04:05Z"
            }))
            .unwrap()
        };
        let names = ["a/eels.txt", "b/eels.txt", "b/herons.txt", "rivers.txt", "b/rivers.txt"];
        let library = Library::of((0..).zip(names).map(|(n, name)| document(n, name)).collect());
        let find = |named: &str| library.find(named).map(|id| id.as_u128());
        assert_eq!((find("herons.txt"), find("b/eels.txt"), find("rivers.txt")), (Ok(2), Ok(1), Ok(3)));
        assert!(find("eels.txt").unwrap_err().contains("2 documents") && find("ons.txt").is_err());
    }

    #[test]
    fn each_bad_line_is_named_with_what_to_do() {
        for (json, words) in [
            ("{\"question\": \"x\"", "EOF while parsing an object, at column 16"),
            ("{\"document\": \"eels.pdf\"}", "missing field `question`"),
            ("{\"question\": \" \", \"answerable\": false}", "`question` is empty"),
            ("{\"question\": \"x\"}", "give `document`, `quote` or `answer`, or `\"answerable\": false`"),
            ("{\"question\": \"x\", \"page\": 2, \"quote\": \"y\"}", "`page` needs a `document`"),
            ("{\"question\": \"x\", \"document\": \"eels.pdf\", \"page\": 0}", "`page` counts from 1"),
            ("{\"question\": \"x\", \"quote\": \" – \"}", "`quote` has no words"),
            ("{\"question\": \"x\", \"answer\": [\"–\", \"?\"]}", "`answer` has no words"),
            ("{\"question\": \"x\", \"answer\": 4}", "`answer` is neither words nor a list of words"),
            (
                "{\"question\": \"x\", \"document\": \"cod.pdf\"}",
                "`document` `cod.pdf` is not in the library",
            ),
            ("{\"question\": \"x\", \"quote\": \"y\", \"answerable\": false}", "`answerable` is false, yet"),
        ] {
            let error = read(&format!("\n{json}\n"), &library()).unwrap_err().to_string();
            assert!(error.starts_with("line 2: ") && error.contains(words), "{error}");
        }
        let many = "{}\n".repeat(12);
        let error = read(&many, &library()).unwrap_err().to_string();
        assert!(error.contains("line 10: ") && error.ends_with("and 2 more lines"), "{error}");
        assert_eq!(read(" \n", &library()).unwrap_err().to_string(), "it holds no question");
    }
}
