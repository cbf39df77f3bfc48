//! How much of a question texts hold, by weight.
//!
//! Of a script without spaces the words are overlapping pairs of characters, and some stand only where
//! two words meet: in other company those are not found, though all that was asked is there. So there
//! the characters count, each held if one of its pairs is. Scripts of few letters are left out, where
//! any two stand together somewhere.

use std::sync::Arc;

use ibid_index::analysis::{Language, is_ideograph, is_unspaced};

use crate::ask::cite::{Facts, Weights};

/// The share of the question's weight that texts hold, each counting as far as it is near.
pub(super) fn coverage(asked: &Facts, texts: &[Option<(&Facts, f32)>], weights: &Weights) -> f32 {
    let (mut held, mut all) = (0.0, 0.0);
    let near = |share: &dyn Fn(&Facts) -> f32| {
        texts.iter().flatten().map(|(facts, near)| share(facts) * near).fold(0.0, f32::max)
    };
    let shares: Vec<f32> =
        asked.words.iter().map(|(word, _)| near(&|facts| asked.held_by(facts, word))).collect();
    for (at, (word, name)) in asked.words.iter().enumerate() {
        let weight = weights.of_word(word) * if *name { 1.5 } else { 1.0 };
        held += weight * of_characters(&asked.words, &shares, at);
        all += weight;
    }
    for number in &asked.numbers {
        // As heavy as a name that stands in hardly any sentence; but an amount may be a case of what is told.
        let weight = weights.of_word("") * if number.unit.is_some() { 0.75 } else { 1.5 };
        held += weight * near(&|facts| f32::from(u8::from(facts.holds_number(number))));
        all += weight;
    }
    if all > 0.0 { held / all } else { 0.0 }
}

/// About how many words of content a question has. Two characters make one in the scripts of East Asia,
/// four letters in those of Thai and its neighbours, and two syllables in Vietnamese, which parts them.
pub(super) fn num_words(asked: &Facts, language: Option<Language>) -> usize {
    let (mut num_parted, mut num_pairs, mut num_of_letters) = (0, 0, 0);
    for (word, _) in &asked.words {
        match word.chars().next() {
            Some('\u{0e00}'..='\u{17ff}') if word.starts_with(is_unspaced) => num_of_letters += 1_usize,
            Some(first) if is_unspaced(first) => num_pairs += 1_usize,
            _ => num_parted += 1_usize,
        }
    }
    if language.is_some_and(|language| language.code() == "vi") {
        num_parted = num_parted.div_ceil(2);
    }
    num_parted + num_pairs.div_ceil(2) + num_of_letters.div_ceil(4)
}

/// How much of a word is held: of a pair, how much of its characters, which its neighbours may hold.
fn of_characters(words: &[(Arc<str>, bool)], shares: &[f32], at: usize) -> f32 {
    let share = shares[at];
    let meet = |one: usize, other: usize| {
        let (Some(first), Some(second)) = (words.get(one), words.get(other)) else { return false };
        let [first, second] = [first, second].map(|(word, _)| word);
        let is_pair = |word: &str| word.chars().count() == 2 && word.chars().any(is_ideograph);
        is_pair(first) && is_pair(second) && first.chars().next_back() == second.chars().next()
    };
    let before = at.checked_sub(1).filter(|before| meet(*before, at)).map_or(0.0, |before| shares[before]);
    let behind = if meet(at, at + 1) { shares[at + 1] } else { 0.0 };
    f32::midpoint(share.max(before), share.max(behind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn covered(code: &str, question: &str, text: &str) -> f32 {
        let language = Language::from_code(code);
        let (asked, facts) = (Facts::of(question, language), Facts::of(text, language));
        coverage(&asked, &[Some((&facts, 1.0))], &Weights::default())
    }

    #[test]
    fn where_words_meet_nothing_is_missing() {
        assert_eq!(covered("zh", "灯塔北岬", "北岬有一座灯塔"), 1.0);
        assert!(covered("zh", "灯塔城市", "北岬有一座灯塔") < 0.75);
        assert_eq!(covered("zh", "城市", "北岬有一座灯塔"), 0.0);
        assert_eq!(covered("en", "lighthouse cape", "a lighthouse"), 0.5);
    }

    #[test]
    fn characters_are_counted_as_the_words_they_make() {
        let words = |code, text| {
            let language = Language::from_code(code);
            num_words(&Facts::of(text, language), language)
        };
        assert_eq!(words("zh", "北岬灯塔"), 2);
        assert_eq!(words("th", "ประภาคารเหนือ"), 3);
        assert_eq!(words("vi", "hải đăng"), 1);
        assert_eq!(words("en", "The keepers of the northern lighthouse"), 3);
    }
}
