//! Passages that say what a short question is about before those that have its words more often.

use std::collections::HashMap;

use ibid_index::Hit;
use ibid_index::analysis::Language;

use super::Search;
use crate::Error;
use crate::ask::topic::Topic;

/// Passages that are looked at, the best ones.
const LOOKED_AT: usize = 60;
/// Passages that come first for it, at most: what else is known of it is to be heard too.
const FIRST: usize = 3;

impl Search {
    /// Puts first of what was found what says what the question is about; blocks.
    pub(super) fn defining_first(&mut self, mut found: Vec<Hit>) -> Result<Vec<Hit>, Error> {
        // Most questions are longer, in whatever language.
        if Topic::of_question(&self.query, None).is_none()
            && Topic::of_question(&self.query, Language::of_question(&self.query)).is_none()
        {
            return Ok(found);
        }
        let looked_at: Vec<&Hit> = found.iter().take(LOOKED_AT).collect();
        let mut topics: HashMap<Option<Language>, Option<Topic>> = HashMap::new();
        let mut defining = Vec::new();
        for usable in self.confirm(&looked_at)? {
            let language = usable.document.language.as_deref().and_then(Language::from_code);
            let topic = topics.entry(language).or_insert_with(|| Topic::of_question(&self.query, language));
            let Some(topic) = topic else { continue };
            let Some(hit) = usable.read(&mut self.texts) else { continue };
            if topic.is_told_in(&hit.text) {
                defining.push((hit.document.id, hit.passage.ordinal));
                if defining.len() == FIRST {
                    break;
                }
            }
        }
        let best = found.first().map_or(0.0, |best| best.score);
        let defines = |hit: &Hit| defining.contains(&(hit.document, hit.ordinal));
        found.iter_mut().filter(|hit| defines(hit)).for_each(|hit| hit.score = best);
        found.sort_by_key(|hit| !defines(hit));
        Ok(found)
    }
}
