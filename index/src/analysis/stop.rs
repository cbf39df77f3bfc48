//! Words of grammar, by language: articles, pronouns, prepositions, auxiliaries, and the words that
//! make a sentence a question. They say how something is asked, not what about. Each language has a
//! file of them, between spaces; those of scripts without spaces are found within the text, so that
//! only such stand there as are seldom a part of another word.

use std::collections::HashMap;
use std::sync::LazyLock;

use unicode_normalization::char::is_combining_mark;

use super::lower;

macro_rules! lists {
    ($($code:literal),*) => { &[$(($code, include_str!(concat!("stop/", $code, ".txt")))),*] };
}

/// The languages that have a list, with it. Where a text has as many words of several, the first counts:
/// English, then those of most documents.
const LISTS: &[(&str, &str)] = lists![
    "en", "da", "de", "es", "fi", "fr", "it", "nb", "nl", "pl", "pt", "ru", "sv", "ar", "bg", "bn", "ca",
    "cs", "el", "fa", "he", "hi", "hr", "hu", "id", "ja", "ko", "ro", "sk", "th", "tr", "uk", "ur", "vi",
    "zh"
];

/// Those that are written without spaces between words, or with words that grammar is glued to.
const UNSPACED: &[&str] = &["ja", "ko", "th", "zh"];

/// Number of languages that have a list.
pub(super) const NUM_LANGUAGES: usize = LISTS.len();

/// The code of one of them.
pub(super) fn code(number: usize) -> &'static str {
    LISTS[number].0
}

/// Which languages have a word among their words of grammar, one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Having(u64);

impl Having {
    pub(super) fn has(self, number: usize) -> bool {
        self.0 >> number & 1 == 1
    }

    pub(super) fn is_none(self) -> bool {
        self.0 == 0
    }
}

static HAVING: LazyLock<HashMap<String, Having>> = LazyLock::new(|| {
    let mut all: HashMap<String, Having> = HashMap::new();
    for (number, (_, list)) in LISTS.iter().enumerate() {
        for word in list.split_whitespace() {
            all.entry(lower(word).into_owned()).or_default().0 |= 1 << number;
        }
    }
    all
});

/// Returns which languages have this word, in lower case.
pub(super) fn having(word: &str) -> Having {
    HAVING.get(word).copied().unwrap_or_default()
}

/// Whether a word, in lower case, is one of the grammar of this language.
pub(super) fn is_stop(code: &str, word: &str) -> bool {
    LISTS.iter().position(|(other, _)| *other == code).is_some_and(|number| having(word).has(number))
}

/// By language and first character, the longest first.
type Unspaced = HashMap<&'static str, HashMap<char, Vec<&'static str>>>;

static WITHIN: LazyLock<Unspaced> = LazyLock::new(|| {
    let lists = LISTS.iter().filter(|(code, _)| UNSPACED.contains(code));
    let by_first = lists.map(|(code, list)| {
        let mut words: HashMap<char, Vec<&str>> = HashMap::new();
        for word in list.split_whitespace() {
            words.entry(word.chars().next().unwrap_or_default()).or_default().push(word);
        }
        words.values_mut().for_each(|words| words.sort_unstable_by_key(|word| usize::MAX - word.len()));
        (*code, words)
    });
    by_first.collect()
});

/// The word of grammar that a text of a script without spaces begins with.
pub(super) fn leading(code: &str, text: &str) -> Option<&'static str> {
    let words = WITHIN.get(code)?.get(&text.chars().next()?)?;
    let ends = |word: &&str| {
        let rest = text.strip_prefix(*word);
        rest.is_some_and(|rest| !rest.chars().next().is_some_and(is_combining_mark))
    };
    words.iter().copied().find(ends)
}

#[cfg(test)]
mod tests {
    use super::{Having, LISTS, UNSPACED, having, leading};

    #[test]
    fn every_list_has_words() {
        assert!(LISTS.len() <= 64, "there are more languages than bits");
        assert!(having("fjord") == Having::default() && having("").is_none());
        for (number, (code, list)) in LISTS.iter().enumerate() {
            assert!(list.split_whitespace().count() > 10, "{code}");
            assert!(list.split_whitespace().all(|word| having(&crate::analysis::lower(word)).has(number)));
        }
    }

    #[test]
    fn the_longest_word_is_taken() {
        assert_eq!(leading("zh", "什么时候开始"), Some("什么时候"));
        assert_eq!(leading("zh", "的"), Some("的"));
        assert_eq!(leading("ja", "どのような川"), Some("どのような"));
        assert_eq!(leading("th", "ใครสร้าง"), Some("ใคร"));
        // A mark makes another syllable of it.
        assert_eq!(leading("th", "กี่"), Some("กี่"));
        assert_eq!(leading("th", "ใด้"), None);
        assert_eq!(leading("en", "the"), None);
        assert!(UNSPACED.iter().all(|code| LISTS.iter().any(|(other, _)| other == code)));
    }
}
