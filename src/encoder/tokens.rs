//! From a text to the numbers of its tokens, as BERT and its kin were trained with: words are cut
//! into the longest pieces that the vocabulary has (WordPiece). Reads `tokenizer.json` as far as it
//! describes that, and refuses another kind.

use std::collections::HashMap;

use serde::Deserialize;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// A longer word is unknown as a whole.
const MAX_WORD_CHARS: usize = 100;

/// Cuts texts into tokens.
#[derive(Debug)]
pub(super) struct Tokens {
    vocabulary: HashMap<String, u32>,
    continued: String,
    unknown: u32,
    first: u32,
    last: u32,
    lowers: bool,
    strips_accents: bool,
}

/// The tokens of one text, or of two that are read together.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Sequence {
    tokens: Vec<u32>,
    /// Where the second text begins; its end if there is none.
    second: usize,
}

impl Sequence {
    pub(super) fn len(&self) -> usize {
        self.tokens.len()
    }

    /// Each token with its position, and whether it is of the second text.
    pub(super) fn tokens(&self) -> impl Iterator<Item = (usize, u32, bool)> {
        self.tokens.iter().enumerate().map(|(position, token)| (position, *token, position >= self.second))
    }
}

#[derive(Deserialize)]
struct File {
    normalizer: Normalizer,
    model: Model,
}

#[derive(Deserialize)]
struct Normalizer {
    #[serde(rename = "type")]
    kind: String,
    lowercase: Option<bool>,
    strip_accents: Option<bool>,
}

#[derive(Deserialize)]
struct Model {
    #[serde(rename = "type")]
    kind: Option<String>,
    unk_token: Option<String>,
    #[serde(default = "hashes")]
    continuing_subword_prefix: String,
    vocab: HashMap<String, u32>,
}

fn hashes() -> String {
    "##".to_owned()
}

impl Tokens {
    /// Reads a tokenizer.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, String> {
        const WANTED: &str = "a WordPiece tokenizer, as BERT has it, is wanted; other models can be used \
                              through a server";
        let file: File = serde_json::from_slice(bytes)
            .map_err(|error| format!("is not as expected ({error}): {WANTED}"))?;
        let File { normalizer, model } = file;
        if model.kind.is_some_and(|kind| kind != "WordPiece") || normalizer.kind != "BertNormalizer" {
            return Err(format!("is of another kind: {WANTED}"));
        }
        let number = |token: &str| {
            let number = model.vocab.get(token).copied();
            number.ok_or_else(|| format!("has no token `{token}`: {WANTED}"))
        };
        let lowers = normalizer.lowercase.unwrap_or(true);
        Ok(Self {
            unknown: number(model.unk_token.as_deref().unwrap_or("[UNK]"))?,
            first: number("[CLS]")?,
            last: number("[SEP]")?,
            lowers,
            strips_accents: normalizer.strip_accents.unwrap_or(lowers),
            continued: model.continuing_subword_prefix,
            vocabulary: model.vocab,
        })
    }

    /// One more than the highest number of a token.
    pub(super) fn size(&self) -> usize {
        self.vocabulary.values().max().map_or(0, |highest| *highest as usize + 1)
    }

    /// The tokens of a text, between the marks for its beginning and its end; `most`, with these.
    pub(super) fn of(&self, text: &str, most: usize) -> Sequence {
        let mut tokens = vec![self.first];
        tokens.extend(self.cut(text, most.saturating_sub(2)));
        tokens.push(self.last);
        Sequence { second: tokens.len(), tokens }
    }

    /// The tokens of two texts, with marks before, between and after them; `most`, with these. If
    /// they are too many, the longer text is cut, and both where both are longer than half.
    pub(super) fn of_pair(&self, one: &str, other: &str, most: usize) -> Sequence {
        let room = most.saturating_sub(3);
        let (mut one, mut other) = (self.cut(one, room), self.cut(other, room));
        one.truncate(room.saturating_sub(other.len()).max(room / 2));
        other.truncate(room - one.len());
        let second = one.len() + 2;
        let mark = |mark: u32| std::iter::once(mark);
        let tokens = mark(self.first).chain(one).chain(mark(self.last)).chain(other).chain(mark(self.last));
        Sequence { tokens: tokens.collect(), second }
    }

    /// The first tokens of a text, `most` of them.
    fn cut(&self, text: &str, most: usize) -> Vec<u32> {
        let mut tokens = Vec::new();
        let mut word = String::new();
        for c in text.chars() {
            if tokens.len() >= most {
                break;
            }
            match Kind::of(c) {
                Kind::Nothing => {}
                Kind::Space => self.cut_word(&mut word, &mut tokens),
                Kind::Alone => {
                    self.cut_word(&mut word, &mut tokens);
                    self.spell(c, &mut word);
                    self.cut_word(&mut word, &mut tokens);
                }
                Kind::Word => self.spell(c, &mut word),
            }
        }
        self.cut_word(&mut word, &mut tokens);
        tokens.truncate(most);
        tokens
    }

    /// Adds a letter in the form that the vocabulary is in.
    fn spell(&self, c: char, word: &mut String) {
        let mut lower = |c: char| match self.lowers {
            true => word.extend(c.to_lowercase()),
            false => word.push(c),
        };
        match self.strips_accents {
            true => c.nfd().filter(|c| !is_combining_mark(*c)).for_each(&mut lower),
            false => lower(c),
        }
    }

    /// Cuts a word into the longest pieces, from its beginning on. One that can't be is unknown.
    fn cut_word(&self, word: &mut String, tokens: &mut Vec<u32>) {
        if word.is_empty() {
            return;
        }
        let begun = tokens.len();
        let mut rest = word.as_str();
        let mut piece = String::new();
        let is_too_long = word.chars().count() > MAX_WORD_CHARS;
        while !rest.is_empty() {
            let prefix = if tokens.len() == begun { "" } else { self.continued.as_str() };
            let found = rest.char_indices().rev().find_map(|(at, c)| {
                let end = at + c.len_utf8();
                piece.clear();
                piece.push_str(prefix);
                piece.push_str(&rest[..end]);
                Some((end, *self.vocabulary.get(&piece)?))
            });
            let Some((end, token)) = found.filter(|_| !is_too_long) else {
                tokens.truncate(begun);
                tokens.push(self.unknown);
                break;
            };
            tokens.push(token);
            rest = &rest[end..];
        }
        word.clear();
    }
}

/// What a character does to the word it stands in.
enum Kind {
    Nothing,
    Space,
    /// It is a word by itself: a mark of punctuation, or an ideograph.
    Alone,
    Word,
}

impl Kind {
    fn of(c: char) -> Self {
        match c {
            '\t' | '\n' | '\r' => Self::Space,
            '\0' | '\u{fffd}' => Self::Nothing,
            _ if c.is_control() || is_format(c) => Self::Nothing,
            _ if c.is_whitespace() => Self::Space,
            _ if c.is_ascii_punctuation() || is_ideograph(c) || is_punctuation(c) => Self::Alone,
            _ => Self::Word,
        }
    }
}

/// Characters that are not seen, such as a soft hyphen.
fn is_format(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{180e}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{e000}'..='\u{f8ff}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0001}'..='\u{e007f}')
}

fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{2a6df}' | '\u{2a700}'..='\u{2ceaf}' | '\u{2f800}'..='\u{2fa1f}')
}

/// Punctuation beyond ASCII, in the scripts that most texts are written in.
fn is_punctuation(c: char) -> bool {
    matches!(c, '¡' | '§' | '«' | '¶' | '·' | '»' | '¿' | '\u{37e}' | '\u{387}' | '\u{55a}'..='\u{55f}'
        | '\u{589}' | '\u{58a}' | '\u{5be}' | '\u{5c0}' | '\u{5c3}' | '\u{5c6}' | '\u{5f3}' | '\u{5f4}'
        | '\u{60c}' | '\u{60d}' | '\u{61b}' | '\u{61d}'..='\u{61f}' | '\u{66a}'..='\u{66d}' | '\u{6d4}'
        | '\u{964}' | '\u{965}' | '\u{970}' | '\u{e4f}' | '\u{e5a}' | '\u{e5b}' | '\u{10fb}'
        | '\u{2010}'..='\u{2027}' | '\u{2030}'..='\u{2043}' | '\u{2045}'..='\u{2051}' | '\u{2053}'..='\u{205e}'
        | '\u{207d}' | '\u{207e}' | '\u{208d}' | '\u{208e}' | '\u{2308}'..='\u{230b}' | '\u{2329}' | '\u{232a}'
        | '\u{2768}'..='\u{2775}' | '\u{27e6}'..='\u{27ef}' | '\u{2983}'..='\u{2998}' | '\u{2e00}'..='\u{2e4f}'
        | '\u{3001}'..='\u{3003}' | '\u{3008}'..='\u{3011}' | '\u{3014}'..='\u{301f}' | '\u{3030}' | '\u{303d}'
        | '\u{30a0}' | '\u{30fb}' | '\u{fe10}'..='\u{fe19}' | '\u{fe30}'..='\u{fe52}' | '\u{fe54}'..='\u{fe61}'
        | '\u{fe63}' | '\u{fe68}' | '\u{fe6a}' | '\u{fe6b}' | '\u{ff01}'..='\u{ff03}' | '\u{ff05}'..='\u{ff0a}'
        | '\u{ff0c}'..='\u{ff0f}' | '\u{ff1a}' | '\u{ff1b}' | '\u{ff1f}' | '\u{ff20}' | '\u{ff3b}'..='\u{ff3d}'
        | '\u{ff3f}' | '\u{ff5b}' | '\u{ff5d}' | '\u{ff5f}'..='\u{ff65}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokenizer() -> Tokens {
        let pieces =
            ["[UNK]", "[CLS]", "[SEP]", "tide", "##s", "gate", ".", "a", "##b", "##ab", "水", "cafe"];
        let vocabulary: HashMap<&str, usize> = pieces.into_iter().zip(0..).collect();
        let file = serde_json::json!({
            "normalizer": {"type": "BertNormalizer", "lowercase": true, "strip_accents": null},
            "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "vocab": vocabulary},
        });
        Tokens::read(file.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn a_word_becomes_the_longest_pieces_there_are() {
        let known = [
            ("Tides gate.", vec![1, 3, 4, 5, 6, 2]),
            ("aab ab", vec![1, 7, 9, 7, 8, 2]),
            ("tide\u{ad}s\u{200b} 水水", vec![1, 3, 4, 10, 10, 2]),
            ("Café dike", vec![1, 11, 0, 2]),
            ("", vec![1, 2]),
        ];
        for (text, numbers) in known {
            assert_eq!(tokenizer().of(text, 16).tokens, numbers, "{text}");
        }
        assert_eq!(tokenizer().of(&"a".repeat(101), 16).tokens, [1, 0, 2], "a word without end is unknown");
    }

    #[test]
    fn a_long_text_is_cut_and_keeps_its_end_mark() {
        assert_eq!(tokenizer().of(&"tides ".repeat(9), 5).tokens, [1, 3, 4, 3, 2]);
        assert_eq!(tokenizer().of("tides", 2).tokens, [1, 2]);
    }

    #[test]
    fn two_texts_are_told_apart_and_the_longer_one_is_cut() {
        let pair = |one: &str, other: &str, most| tokenizer().of_pair(one, other, most);
        let whole = pair("tides", "gate.", 16);
        assert_eq!(whole, Sequence { tokens: vec![1, 3, 4, 2, 5, 6, 2], second: 4 });
        let seconds: Vec<bool> = whole.tokens().map(|(.., is_second)| is_second).collect();
        assert_eq!(seconds, [false, false, false, false, true, true, true]);
        let gates = "gate ".repeat(9);
        assert_eq!(pair("tides", &gates, 9).tokens, [1, 3, 4, 2, 5, 5, 5, 5, 2]);
        assert_eq!(pair(&gates, "tides", 9).tokens, [1, 5, 5, 5, 5, 2, 3, 4, 2]);
        assert_eq!(pair(&gates, &"a ".repeat(9), 8).tokens, [1, 5, 5, 2, 7, 7, 7, 2]);
        assert_eq!(pair(&gates, "tides", 3).tokens, [1, 2, 2]);
        assert!(tokenizer().of("tides", 9).tokens().all(|(.., is_second)| !is_second));
    }

    #[test]
    fn another_kind_of_tokenizer_is_refused_in_words() {
        let other = serde_json::json!({"normalizer": {"type": "Sequence"}, "model": {"type": "Unigram", "vocab": {}}});
        let refusal = Tokens::read(other.to_string().as_bytes()).unwrap_err();
        assert!(refusal.contains("WordPiece") && refusal.contains("a server"), "{refusal}");
    }
}
