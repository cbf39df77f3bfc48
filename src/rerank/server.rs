//! Cohere's rerank, and every server that speaks it (Jina, Voyage, vLLM, llama.cpp, Infinity,
//! `LiteLLM`), and that of Text Embeddings Inference, which has other names for the same.

use serde::{Deserialize, Serialize};

use super::RerankError;
use crate::config::model::ModelError;
use crate::config::rerank::{RerankConfig, Reranking};
use crate::provider::service::Service;

/// The most that is read of an answer: some servers send the passages back.
const MAX_BYTES: usize = 16 << 20;

pub(super) struct Server {
    service: Service,
    is_tei: bool,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Request<'a> {
    Cohere { model: &'a str, query: &'a str, documents: &'a [String] },
    Tei { query: &'a str, texts: &'a [String], truncate: bool },
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Answer {
    Cohere { results: Vec<Item> },
    Voyage { data: Vec<Item> },
    Tei(Vec<Item>),
}

#[derive(Deserialize)]
struct Item {
    index: usize,
    #[serde(alias = "relevance_score")]
    score: f32,
}

impl Server {
    pub(super) fn new(config: &RerankConfig) -> Result<Self, ModelError> {
        let service = Service::new(&config.at_server(), "/rerank", MAX_BYTES)?;
        Ok(Self { service, is_tei: config.provider == Reranking::Tei })
    }

    /// Notes that nobody waited for an answer any longer.
    pub(super) fn timed_out(&self) {
        self.service.timed_out();
    }

    /// The score of each passage, in order, from one call.
    pub(super) async fn scores(&self, question: &str, passages: &[String]) -> Result<Vec<f32>, RerankError> {
        let request = match self.is_tei {
            true => Request::Tei { query: question, texts: passages, truncate: true },
            false => Request::Cohere { model: self.service.model(), query: question, documents: passages },
        };
        let (Answer::Cohere { results: items } | Answer::Voyage { data: items } | Answer::Tei(items)) =
            self.service.ask(&request).await?;
        in_order(&items, passages.len())
    }
}

/// Puts the scores in the order of the passages, and makes sure that each has one.
fn in_order(items: &[Item], wanted: usize) -> Result<Vec<f32>, RerankError> {
    let wrong = |words: String| Err(RerankError::Wrong(words));
    let mut scores = vec![None; wanted];
    for Item { index, score } in items {
        if !score.is_finite() {
            return wrong(format!("the score of passage {index} is no number"));
        }
        match scores.get_mut(*index) {
            Some(place @ None) => *place = Some(*score),
            _ => return wrong(format!("passage {index} of {wanted} is not there, or has two scores")),
        }
    }
    let scores: Option<Vec<f32>> = scores.into_iter().collect();
    scores.ok_or_else(|| RerankError::Wrong(format!("{} scores came for {wanted} passages", items.len())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_passage_has_exactly_one_score() {
        let items = |items: &[(usize, f32)]| -> Vec<Item> {
            items.iter().map(|(index, score)| Item { index: *index, score: *score }).collect()
        };
        assert_eq!(in_order(&items(&[(1, 0.5), (0, 0.25)]), 2).unwrap(), [0.25, 0.5]);
        let refused = [
            (&[(0, 0.5)][..], "1 scores came for 2"),
            (&[(0, 0.5), (0, 0.6), (1, 0.1)], "passage 0 of 2"),
            (&[(0, 0.5), (2, 0.6)], "passage 2 of 2"),
            (&[(0, 0.5), (1, f32::NAN)], "no number"),
        ];
        for (scores, words) in refused {
            let refusal = in_order(&items(scores), 2).unwrap_err().to_string();
            assert!(refusal.contains(words), "{refusal}");
        }
    }

    #[test]
    fn the_answers_of_several_servers_are_read() {
        for answer in [
            r#"{"id": "x", "results": [{"index": 0, "relevance_score": 0.5, "document": {"text": "t"}}]}"#,
            r#"{"object": "list", "data": [{"index": 0, "relevance_score": 0.5}], "usage": {"total_tokens": 3}}"#,
            r#"[{"index": 0, "score": 0.5}]"#,
        ] {
            let (Answer::Cohere { results: items } | Answer::Voyage { data: items } | Answer::Tei(items)) =
                serde_json::from_str(answer).unwrap();
            assert_eq!(in_order(&items, 1).unwrap(), [0.5], "{answer}");
        }
    }
}
