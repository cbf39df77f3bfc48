//! The best of what the index finds, in the order of whoever reads them once more.

use std::collections::HashMap;

use ibid_index::Hit;
use tokio::task::spawn_blocking;

use super::{Manner, Search};
use crate::Error;
use crate::ingest::in_context;
use crate::rerank::Reranker;

impl Search {
    /// Looks into the index, and has the best of what is found put in order. Without an order, it
    /// stays as it was found, and the manner says why.
    pub(super) async fn reranked(mut self, reranker: &Reranker, manner: &mut Manner) -> Result<Self, Error> {
        let num = reranker.candidates();
        let (mut search, best, texts, rest) = spawn_blocking(move || {
            let mut found = self.find()?;
            let rest = found.split_off(num.min(found.len()));
            let (best, texts) = self.texts_of(found)?;
            Ok::<_, Error>((self, best, texts, rest))
        })
        .await??;
        let found = match reranker.scores(&search.query, texts).await {
            Ok(scores) => {
                manner.is_reranked = true;
                in_order(best, &scores, rest)
            }
            Err(why) => {
                manner.add_note(&format!("not reranked: {why}"));
                [best, rest].concat()
            }
        };
        search.found = Some(found);
        Ok(search)
    }

    /// Those of what was found that may be used, with their words and what stands above them; blocks.
    fn texts_of(&mut self, found: Vec<Hit>) -> Result<(Vec<Hit>, Vec<String>), Error> {
        let mut texts = HashMap::with_capacity(found.len());
        for usable in self.confirm(&found.iter().collect::<Vec<_>>())? {
            let Some(hit) = usable.read(&mut self.texts) else { continue };
            let words = in_context(&hit.document, &hit.passage, &hit.text);
            texts.insert((hit.document.id, hit.passage.ordinal), words);
        }
        let with_words = |hit: Hit| {
            let words = texts.remove(&(hit.document, hit.ordinal))?;
            Some((hit, words))
        };
        Ok(found.into_iter().filter_map(with_words).unzip())
    }
}

/// The best by their new scores, then the rest with scores that go on below these.
fn in_order(mut best: Vec<Hit>, scores: &[f32], mut rest: Vec<Hit>) -> Vec<Hit> {
    for (hit, score) in best.iter_mut().zip(scores) {
        hit.score = *score;
    }
    best.sort_by(|one, other| other.score.total_cmp(&one.score));
    if let (Some(last), Some(first)) = (best.last(), rest.first().map(|hit| hit.score.max(f32::MIN_POSITIVE)))
    {
        rest.iter_mut().for_each(|hit| hit.score = hit.score / first * last.score);
    }
    best.append(&mut rest);
    best
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn what_is_read_once_more_comes_first_and_the_scores_fall() {
        let hit = |ordinal, score| Hit { document: Uuid::nil(), version: String::new(), ordinal, score };
        let best = vec![hit(0, 9.0), hit(1, 8.0), hit(2, 7.0)];
        let found = in_order(best.clone(), &[0.2, 0.9, 0.2], vec![hit(3, 6.0), hit(4, 3.0)]);
        let order: Vec<u32> = found.iter().map(|hit| hit.ordinal).collect();
        assert_eq!(order, [1, 0, 2, 3, 4], "of as good ones, the one that was found first");
        assert!(found.is_sorted_by(|one, other| one.score >= other.score), "{found:?}");
        assert_eq!(found[4].score, 0.1);
        assert_eq!(in_order(Vec::new(), &[], vec![hit(3, 6.0)]), [hit(3, 6.0)]);
    }
}
