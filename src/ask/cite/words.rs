//! A few words in order. There is one of these for each clause of each passage that is kept, and most
//! hold a handful: one stretch of memory takes a fraction of what a tree does.

use std::cmp::Ordering;
use std::sync::Arc;

/// Words, each once, sorted.
#[derive(Clone, Debug, Default)]
pub(super) struct WordSet(Vec<Arc<str>>);

impl WordSet {
    /// Adds a word; false if it is there.
    pub(super) fn insert(&mut self, word: Arc<str>) -> bool {
        let Err(place) = self.place(&word) else { return false };
        self.0.insert(place, word);
        true
    }

    pub(super) fn get(&self, word: &str) -> Option<&Arc<str>> {
        self.place(word).ok().map(|place| &self.0[place])
    }

    pub(super) fn contains(&self, word: &str) -> bool {
        self.place(word).is_ok()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The words that begin so, which stand side by side.
    pub(super) fn beginning(&self, letters: &str) -> impl Iterator<Item = &Arc<str>> {
        let first = self.0.partition_point(|word| &**word < letters);
        self.0[first..].iter().take_while(move |word| word.starts_with(letters))
    }

    /// How many words are in both.
    pub(super) fn num_shared(&self, other: &Self) -> usize {
        let (mut ours, mut theirs) = (self.0.iter().peekable(), other.0.iter().peekable());
        let mut num_shared = 0;
        while let (Some(one), Some(another)) = (ours.peek(), theirs.peek()) {
            let order = one.cmp(another);
            num_shared += usize::from(order == Ordering::Equal);
            if order != Ordering::Greater {
                ours.next();
            }
            if order != Ordering::Less {
                theirs.next();
            }
        }
        num_shared
    }

    /// Gives back the room that nothing will be put into.
    pub(super) fn fit(&mut self) {
        self.0.shrink_to_fit();
    }

    fn place(&self, word: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|other| (**other).cmp(word))
    }
}

impl FromIterator<Arc<str>> for WordSet {
    fn from_iter<I: IntoIterator<Item = Arc<str>>>(words: I) -> Self {
        let mut words: Vec<_> = words.into_iter().collect();
        words.sort_unstable();
        words.dedup();
        Self(words)
    }
}

#[cfg(test)]
mod tests {
    use super::WordSet;

    fn set(words: &[&str]) -> WordSet {
        words.iter().map(|word| (*word).into()).collect()
    }

    #[test]
    fn it_finds_what_was_put_in_and_what_two_have_in_common() {
        let mut words = set(&["marsh", "dike", "tide", "dike"]);
        assert!(words.insert("mud".into()) && !words.insert("mud".into()));
        assert!(words.contains("mud") && words.contains("dike") && !words.contains("mu"));
        assert_eq!(words.num_shared(&set(&["heron", "mud", "tide", "zone"])), 2);
        assert_eq!(words.num_shared(&WordSet::default()), 0);
        let beginning: Vec<&str> = words.beginning("m").map(|word| &**word).collect();
        assert_eq!(beginning, ["marsh", "mud"]);
        assert_eq!(words.beginning("z").count(), 0);
    }
}
