//! What a report without a model says of the sample library, and what it keeps quiet about.

use serde_json::{Value, json};

use crate::support::{Frame, Server, answer, citations};

async fn deep(server: &Server, question: &str) -> Vec<Frame> {
    let session = server.session().await;
    server.ask(&session, json!({"content": question, "mode": "deep_research"})).await
}

fn quotes(frames: &[Frame]) -> Vec<String> {
    citations(frames).iter().map(|citation| citation["quote"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_report_quotes_what_the_regular_answer_quotes_rows_of_tables_too() {
    let server = Server::with_library().await;
    for (question, value) in [
        ("How high did the water rise at Halewick in December 2021?", "4.86 m"),
        ("How many euros per metre did the Halewick quay wall cost?", "9,400"),
        ("At what level does the tide gate close?", "2.85 m"),
        ("Wie groß ist die Fläche in Altsiel?", "128 ha"),
    ] {
        let session = server.session().await;
        let regular = server.ask(&session, json!({"content": question})).await;
        let deep = deep(&server, question).await;
        assert!(quotes(&regular).iter().any(|quote| quote.contains(value)), "{}", answer(&regular));
        assert!(quotes(&deep).iter().any(|quote| quote.contains(value)), "{}", answer(&deep));
    }
}

#[tokio::test]
async fn half_a_question_does_not_stand_for_the_whole_of_it() {
    let server = Server::with_library().await;
    for question in
        ["Which species of bat roosts in the chapel at Sallow?", "How many seals live in the Osmer estuary?"]
    {
        let frames = deep(&server, question).await;
        assert_eq!(quotes(&frames), [""; 0], "{}", answer(&frames));
        assert_eq!(frames.last().unwrap().data["coverage"]["not_found"], json!([question]));
    }
}

#[tokio::test]
async fn where_documents_disagree_is_compared_and_not_searched_for() {
    let server = Server::with_library().await;
    let planned = |frames: &[Frame]| {
        let plan = &frames.iter().find(|frame| frame.event == "plan").unwrap().data["questions"];
        let texts = plan.as_array().unwrap().iter().map(|question| question["text"].clone());
        Value::Array(texts.collect())
    };
    let frames = deep(&server, "What did the restoration cost, and where do the reports disagree?").await;
    assert_eq!(planned(&frames), json!(["What did the restoration cost?"]));
    let report = answer(&frames);
    let (_, table) = report.split_once("## Where your documents disagree").expect(&report);
    assert!(table.contains("| €18.6 million |") && table.contains("| €21.3 million |"), "{report}");

    let frames = deep(&server, "How long is the set-back dike, and who disagrees?").await;
    assert_eq!(planned(&frames), json!(["How long is the set-back dike?"]));
    let report = answer(&frames);
    assert!(report.contains("No two of the documents that were read"), "{report}");
    assert_eq!(frames.last().unwrap().data["grounding"]["unsupported"], json!([]), "it is no claim");
}

#[tokio::test]
async fn what_is_told_is_not_listed_as_not_found() {
    let server = Server::with_library().await;
    let question = "Why did lapwings decline, and how many redshank pairs were there in 2022?";
    let frames = deep(&server, question).await;
    let report = answer(&frames);
    assert!(report.contains("short wet grass"), "{report}");
    let missing = frames.last().unwrap().data["coverage"]["not_found"].clone();
    for text in missing.as_array().into_iter().flatten() {
        assert!(!report.contains(&format!("## {}\n", text.as_str().unwrap())), "{text} in {report}");
    }
}

#[tokio::test]
async fn a_report_speaks_of_itself_in_the_language_of_its_question() {
    let server = Server::with_library().await;
    let report = answer(&deep(&server, "Wie groß ist die Fläche in Altsiel?").await);
    assert!(report.contains("## Was gelesen wurde\n\n- Durchsuchte Dokumente: "), "{report}");
    assert!(!report.contains("What was read") && !report.contains("Cited"), "{report}");
    let (_, section) = report.split_once("\n\n").unwrap();
    assert!(
        section.lines().next().unwrap().contains("128 ha"),
        "the row that is asked for comes first: {report}"
    );
}

#[tokio::test]
async fn words_that_say_how_to_answer_are_no_subject() {
    let server = Server::with_library().await;
    let session = server.session().await;
    let question = "List all the species of birds counted in the marsh and how their numbers changed.";
    let frames = server.ask(&session, json!({"content": question})).await;
    assert!(!quotes(&frames).is_empty(), "{}", answer(&frames));
    let frames = deep(&server, question).await;
    assert!(quotes(&frames).iter().any(|quote| quote.contains("Birds were counted")), "{}", answer(&frames));
}
