use reqwest::{Method, StatusCode};

use crate::support::Server;

#[tokio::test]
async fn hits_are_ranked_placed_and_marked() {
    let server = Server::start().await;
    server.add("eels.md", "# Eels\n\nSilver eels leave the estuary in October.").await;
    server.add("gates.md", "# Gates\n\nThe tide gate closes twice a day.").await;
    let found = server.get("/api/search?q=When do silver eels leave?").await;
    let hit = &found["hits"][0];
    assert_eq!(hit["title"], "Eels");
    let text = hit["text"].as_str().unwrap();
    let marked: Vec<&str> = hit["highlights"]
        .as_array()
        .unwrap()
        .iter()
        .map(|range| {
            let at = |end: usize| usize::try_from(range[end].as_u64().unwrap()).unwrap();
            &text[at(0)..at(1)]
        })
        .collect();
    assert!(
        marked.contains(&"Silver") && marked.contains(&"eels") && marked.contains(&"leave"),
        "{marked:?}"
    );
    let stored = server.text(hit["document_id"].as_str().unwrap()).await;
    let at = |name: &str| usize::try_from(hit[name].as_u64().unwrap()).unwrap();
    assert_eq!(stored[at("start")..at("end")], *text);
}

#[tokio::test]
async fn a_mistyped_word_is_found_and_marked() {
    let server = Server::start().await;
    server.add("gates.md", "# Gates\n\nThe tide gate closes at the estuary twice a day.").await;
    let found = server.get("/api/search?q=estaury").await;
    let hit = &found["hits"][0];
    let range = hit["highlights"][0].as_array().unwrap();
    let at = |end: usize| usize::try_from(range[end].as_u64().unwrap()).unwrap();
    assert_eq!(&hit["text"].as_str().unwrap()[at(0)..at(1)], "estuary");
}

#[tokio::test]
async fn what_a_document_writes_short_is_found_by_its_long_form() {
    let server = Server::start().await;
    let filler = "Mud settled between the stems and the creeks grew longer. ".repeat(40);
    let text = format!(
        "# Warnings\n\nThe tide gauge network (TGN) warns the town. {filler}\n\n# Keepers\n\nTwo keepers read the TGN at dawn. {filler}"
    );
    server.add("warnings.md", text).await;
    let found = server.get("/api/search?q=tide gauge network").await;
    let texts = found["hits"].as_array().unwrap().iter().map(|hit| hit["text"].as_str().unwrap());
    let texts: Vec<&str> = texts.collect();
    assert_eq!(texts.len(), 2, "{texts:?}");
    assert!(texts[0].contains("warns the town") && texts[1].contains("at dawn"), "{texts:?}");
}

#[tokio::test]
async fn a_passage_that_says_what_something_is_comes_before_those_that_have_its_word_more_often() {
    let server = Server::start().await;
    for number in 1..=5 {
        let log = format!("# Day {number}\n\nThe keeper closed sluice {number}; sluice {number} leaked.");
        server.add(&format!("log{number}.md"), log).await;
    }
    let terms = "# Terms\n\nMuch is written of rivers and of those who live by them, and of the fish there. A sluice is \
                 a gate that lets water through. Many are made of oak, and most of them are older than the towns.";
    let terms = server.add("terms.md", terms).await;
    for question in ["What is a sluice?", "sluice", "What does sluice mean?", "Define sluice"] {
        let found = server.get(&format!("/api/search?q={question}")).await;
        let hits = found["hits"].as_array().unwrap();
        assert_eq!(hits[0]["document_id"], terms["id"], "{question}: {found}");
        assert_eq!(hits.len(), 6, "{question}");
        let scores: Vec<f64> = hits.iter().map(|hit| hit["score"].as_f64().unwrap()).collect();
        assert!(scores.is_sorted_by(|one, other| one >= other), "{scores:?}");
    }
    let found = server.get("/api/search?q=Which sluice leaked when the keeper closed it that day?").await;
    assert_ne!(found["hits"][0]["document_id"], terms["id"], "{found}");
}

#[tokio::test]
async fn what_is_said_first_of_something_leaves_room_for_what_else_is_known() {
    let server = Server::start().await;
    let log =
        server.add("log.md", "# Sluice log\n\nOn Monday the sluice leaked; who mends the sluice?").await;
    for number in 1..=5 {
        let text = format!("# Book {number}\n\nThe sluice is a gate, says book {number}.");
        server.add(&format!("book{number}.md"), text).await;
    }
    let found = server.get("/api/search?q=What is the sluice?").await;
    let place = found["hits"].as_array().unwrap().iter().position(|hit| hit["document_id"] == log["id"]);
    assert_eq!(place, Some(3), "{found}");
}

#[tokio::test]
async fn a_search_keeps_to_its_documents_and_its_collection() {
    let server = Server::start().await;
    let one = server.add("one.md", "The heron stands in the reeds.").await;
    let two = server.upload("two.md", "A heron flew over the dike.", Some("birds")).await;
    server.settled(two["id"].as_str().unwrap()).await;
    let ids = async |query: &str| -> Vec<serde_json::Value> {
        let found = server.get(&format!("/api/search?q=heron{query}")).await;
        found["hits"].as_array().unwrap().iter().map(|hit| hit["document_id"].clone()).collect()
    };
    assert_eq!(ids("").await.len(), 2);
    assert_eq!(ids("&collection=birds").await, [two["id"].clone()]);
    let one_id = one["id"].as_str().unwrap();
    let two_id = two["id"].as_str().unwrap();
    assert_eq!(ids(&format!("&document_ids={one_id}")).await, [one["id"].clone()]);
    assert_eq!(ids(&format!("&document_ids={one_id}&document_ids={two_id}")).await.len(), 2);
    assert_eq!(ids(&format!("&document_ids={one_id},{two_id}")).await.len(), 2);
    assert_eq!(ids(&format!("&document_ids={one_id}&collection=birds")).await.len(), 0);
    server.problem(StatusCode::BAD_REQUEST, Method::GET, "/api/search?q=x&document_ids=7", None).await;
    server.problem(StatusCode::BAD_REQUEST, Method::GET, "/api/search", None).await;
}

#[tokio::test]
async fn query_syntax_is_only_text() {
    let server = Server::start().await;
    server.add("one.md", "The heron stands in the reeds.").await;
    for query in ["\"heron", "heron AND", "heron:", "(heron", "-heron", "heron^2~", "title:[a TO", "*"] {
        let query: String = query.bytes().map(|byte| format!("%{byte:02X}")).collect();
        server.get(&format!("/api/search?q={query}")).await;
    }
}

#[tokio::test]
async fn a_page_is_one_hit_with_its_other_passages_beside_it() {
    let server = Server::with_library().await;
    let found = server.get("/api/search?q=creek mud tide&limit=200").await;
    let hits = found["hits"].as_array().unwrap();
    let mut pages = std::collections::HashSet::new();
    let mut passages = std::collections::HashSet::new();
    let (mut num_more, mut num_marked) = (0, 0);
    for hit in hits {
        assert!(passages.insert(hit["passage_id"].to_string()), "{hit}");
        let Some(page) = hit["page"].as_u64() else {
            assert!(hit.get("more").is_none(), "{hit}");
            continue;
        };
        assert!(pages.insert((hit["document_id"].to_string(), page)), "a page twice: {hit}");
        let id = hit["document_id"].as_str().unwrap();
        let text = server.text(id).await;
        for more in hit["more"].as_array().into_iter().flatten() {
            assert!(passages.insert(more["passage_id"].to_string()), "{more}");
            assert!(more["score"].as_f64() <= hit["score"].as_f64());
            let at = |value: &serde_json::Value| usize::try_from(value.as_u64().unwrap()).unwrap();
            let passage = &text[at(&more["start"])..at(&more["end"])];
            // What only its title or its name answers has no word to mark.
            for marked in more["highlights"].as_array().unwrap() {
                let word = passage[at(&marked[0])..at(&marked[1])].to_lowercase();
                assert!(["creek", "mud", "tide"].iter().any(|stem| word.starts_with(stem)), "{word}");
                num_marked += 1;
            }
            num_more += 1;
        }
    }
    assert!(num_more > 0 && num_marked > 0 && pages.len() > 5, "{num_more} more on {} pages", pages.len());
    let few = server.get("/api/search?q=creek mud tide&limit=3").await;
    let ids =
        |hits: &[serde_json::Value]| hits.iter().map(|hit| hit["passage_id"].clone()).collect::<Vec<_>>();
    let few = few["hits"].as_array().unwrap();
    assert_eq!(ids(few), ids(&hits[..3]));

    // Four matches are looked at for each place; of these, a page has all that it has, however late.
    let matches = |hits: &[serde_json::Value]| -> Vec<(f64, String)> {
        let all = hits.iter().flat_map(|hit| {
            let more = hit["more"].as_array().into_iter().flatten();
            more.chain([hit]).map(|found| (found["score"].as_f64().unwrap(), found["passage_id"].to_string()))
        });
        all.collect()
    };
    let mut scores: Vec<f64> = matches(hits).into_iter().map(|(score, _)| score).collect();
    scores.sort_unstable_by(|one, other| other.total_cmp(one));
    let looked_at = matches(&hits[..3]).into_iter().filter(|(score, _)| *score > scores[4 * 3]);
    let expected: std::collections::BTreeSet<String> = looked_at.map(|(_, id)| id).collect();
    let shown: std::collections::BTreeSet<String> = matches(few).into_iter().map(|(_, id)| id).collect();
    assert!(shown.is_superset(&expected) && expected.len() > 3, "{shown:?} of {expected:?}");
}
