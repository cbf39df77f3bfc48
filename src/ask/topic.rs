//! What a short question is about, and sentences that say what that is. They open with it, and after it
//! there are words of grammar or a mark: "The dike is an earthwork", "Le barrage, un ouvrage",
//! "Порог — это". Or they explain what it is short for.

use ibid_index::analysis::{Language, Term, TermKind, terms};

use super::framing::unframed;
use super::sentence::{Sentence, SentenceKind, sentences_and_cells};
use crate::abbreviation::{Form, explanation};

/// Content words of what is asked for, at most.
const MAX_WORDS: usize = 4;
/// Words of grammar before them take fewer bytes than this.
const OPENING_BYTES: usize = 40;
/// How much a sentence looks as if it said what something is that opens with it and a colon.
const MARKED: f32 = 0.9;

/// The content words of a short question, in the forms that they take in one language.
pub(crate) struct Topic {
    stems: Vec<String>,
    language: Option<Language>,
}

impl Topic {
    /// That of these words; `None` if there are too many of them, or none.
    pub(crate) fn of<'a>(
        stems: impl IntoIterator<Item = &'a str>,
        language: Option<Language>,
    ) -> Option<Self> {
        let stems: Vec<String> = stems.into_iter().take(MAX_WORDS + 1).map(str::to_owned).collect();
        (1..=MAX_WORDS).contains(&stems.len()).then_some(Self { stems, language })
    }

    /// That of a question, for texts in this language; the question may be in another one.
    pub(crate) fn of_question(question: &str, language: Option<Language>) -> Option<Self> {
        let question = unframed(question);
        let own = Language::of_question(question).filter(|own| Some(*own) != language);
        let grammar = own.into_iter().flat_map(|own| terms(question, Some(own))).filter(is_grammar);
        let grammar: Vec<usize> = grammar.map(|term| term.start).collect();
        let meant = |term: &Term| !is_grammar(term) && !grammar.contains(&term.start);
        let meant: Vec<Term> = terms(question, language).filter(meant).collect();
        Self::of(meant.iter().map(|term| term.stem.as_str()), language)
    }

    /// How much a sentence looks as if it said what that is, from 0 to 1.
    pub(crate) fn told_by(&self, sentence: &str) -> f32 {
        if self.is_abbreviated_in(sentence) {
            return 1.0;
        }
        let Some(end) = self.end_of_opening(sentence) else {
            let is_named = explanation(sentence, |words| self.is_said_by(words)).is_some();
            return if is_named { 0.7 } else { 0.0 };
        };
        let rest = after_brackets(sentence[end..].trim_start_matches(['*', '_', ' ']));
        if rest.trim_start_matches(['*', '_', ' ']).starts_with([':', '：', '—', '–']) {
            return MARKED;
        }
        let is_marked = rest.starts_with(|c: char| !c.is_alphanumeric());
        let mut follow = terms(rest, self.language).map(|term| is_grammar(&term));
        match (follow.next(), follow.next()) {
            (Some(true), Some(true)) => 1.0,
            (Some(true), _) if is_marked => 1.0,
            (Some(true), _) => 0.7,
            _ if is_marked => 0.7,
            _ => 0.3,
        }
    }

    /// Whether a text has a sentence that says what that is, in so many words or by what it stands under.
    pub(crate) fn is_told_in(&self, text: &str) -> bool {
        if !self.may_open_in(text) {
            return false;
        }
        let mut is_under = false;
        for Sentence { range, kind } in sentences_and_cells(text, false) {
            let words = &text[range];
            match kind {
                SentenceKind::Row if self.is_abbreviated_in(words) => return true,
                SentenceKind::Code | SentenceKind::Row => is_under = false,
                SentenceKind::Heading | SentenceKind::Label => is_under = self.is_label(words),
                _ if is_under || self.told_by(words) >= MARKED => return true,
                _ => {}
            }
        }
        false
    }

    /// Whether one of the words may stand where a sentence, a label or a bracket opens: a look at the letters,
    /// which is soon done.
    fn may_open_in(&self, text: &str) -> bool {
        const OPENS: [char; 12] = ['\n', '.', '|', '#', '(', ':', '?', '!', '。', '、', '।', '؟'];
        let lower = text.to_lowercase();
        self.stems.iter().any(|stem| {
            let beginning = &stem[..stem.char_indices().nth(4).map_or(stem.len(), |(at, _)| at)];
            lower.match_indices(beginning).any(|(at, _)| {
                let near = lower.floor_char_boundary(at.saturating_sub(OPENING_BYTES));
                near == 0 || lower[near..at].contains(OPENS)
            })
        })
    }

    /// Whether a label says just that, and perhaps in brackets what else it is called.
    pub(crate) fn is_label(&self, label: &str) -> bool {
        let rest = |end: usize| after_brackets(label[end..].trim_start());
        self.end_of_opening(label).is_some_and(|end| !rest(end).contains(char::is_alphanumeric))
            || explanation(label, |words| self.is_said_by(words)).is_some()
    }

    /// Whether a text tells the long form of the short one that was asked for.
    fn is_abbreviated_in(&self, text: &str) -> bool {
        explanation(text, |words| self.is_said_by(words)) == Some(Form::Short)
    }

    /// Whether a few words are these, and no others beside words of grammar.
    fn is_said_by(&self, words: &str) -> bool {
        let meant = terms(words, self.language).filter(|term| !is_grammar(term));
        let meant: Vec<Term> = meant.take(MAX_WORDS + 1).collect();
        meant.len() == self.stems.len() && meant.iter().all(|term| self.stems.contains(&term.stem))
    }

    /// Where the words end, if a sentence opens with them and no others of meaning.
    fn end_of_opening(&self, sentence: &str) -> Option<usize> {
        let meant = terms(sentence, self.language).filter(|term| !is_grammar(term));
        let opening = meant.take(self.stems.len()).take_while(|term| self.stems.contains(&term.stem));
        let opening: Vec<Term> = opening.collect();
        let before = opening.first().map_or("", |first| &sentence[..first.start]);
        let is_subordinate = |word: &str| SUBORDINATE.contains(&word.to_lowercase().as_str());
        // "--is-bare-gate" is another name.
        let is_within = before.trim_start_matches('-').ends_with('-');
        let is_one_of_them = |word: &str| DEMONSTRATIVE.contains(&word.to_lowercase().as_str());
        let tells_otherwise = |word| is_subordinate(word) || is_one_of_them(word);
        if is_within || before.contains(',') || before.split_whitespace().any(tells_otherwise) {
            return None;
        }
        opening.last().filter(|_| opening.len() == self.stems.len()).map(|last| last.end)
    }
}

/// Words before what a clause that is none by itself is about: it says when or where something is, not what.
#[rustfmt::skip]
const SUBORDINATE: &[&str] = &[
    "when", "if", "although", "though", "because", "while", "since", "after", "before", "unless", "until", "as",
    "in", "on", "at", "for", "with", "without", "by", "from", "to", "of", "under", "during", "wenn", "falls",
    "weil", "obwohl", "nachdem", "bevor", "während", "auf", "mit", "ohne", "für", "bei", "nach", "vor", "quand",
    "si", "lorsque", "parce", "avant", "après", "dans", "pour", "avec", "sans", "sur", "cuando", "porque",
    "aunque", "antes", "después", "en", "para", "con", "sin", "por", "quando", "perché", "prima", "dopo", "per",
    "senza", "su", "depois", "com", "sem", "wanneer", "als", "omdat", "voor", "met", "zonder", "när",
    "om", "medan", "efter", "före", "med", "utan", "för", "når", "hvis", "fordi", "etter", "før", "uten",
];

/// Words before what was told of already: "This gate is old" does not say what a gate is.
#[rustfmt::skip]
const DEMONSTRATIVE: &[&str] = &[
    "this", "these", "that", "those", "such", "some", "other", "another", "diese", "dieser", "dieses", "jene", "jener",
    "jenes", "solche", "andere", "ce", "cet", "cette", "ces", "este", "esta", "estos", "estas", "ese", "esa", "esos",
    "esas", "questo", "questa", "questi", "queste", "esse", "essa", "esses", "essas", "deze", "dit", "denna", "detta",
    "dessa", "denne", "dette", "disse",
];

fn is_grammar(term: &Term) -> bool {
    term.kind == TermKind::Stop
}

/// What follows a remark in brackets, if a text opens with one.
fn after_brackets(text: &str) -> &str {
    let inside = text.strip_prefix('(').and_then(|inside| inside.split_once(')'));
    inside.map_or(text, |(_, rest)| rest.trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_says_what_something_is_if_it_opens_with_it() {
        for (question, code, sentence, told) in [
            ("What is an eel ladder?", "en", "An eel ladder is a ramp for young eels.", 1.0),
            ("What is an eel ladder?", "en", "Eel ladders (or passes) are the ramps of eels.", 1.0),
            ("What is an eel ladder?", "en", "Eel ladders (wet passes) are the ramps of eels.", 1.0),
            ("What is an eel ladder?", "en", "Eel ladders are wet.", 0.7),
            ("What is an eel ladder?", "en", "**Eel ladder**: Evidence of eels.", MARKED),
            ("What is an eel ladder?", "en", "Eel ladder – ramp for young eels", MARKED),
            ("What is an eel ladder?", "en", "Eel ladder keepers are paid.", 0.3),
            ("What is an eel ladder?", "en", "The council closed an eel ladder.", 0.0),
            ("What is an eel ladder?", "en", "An eel is a fish.", 0.0),
            ("What is an eel ladder?", "en", "This eel ladder is a wonder.", 0.0),
            ("What is an eel ladder?", "en", "When eel ladders are wet, eels climb.", 0.0),
            ("What is an eel ladder?", "en", "--is-eel-ladder: Whether it is one.", 0.0),
            ("What does --ladder do?", "en", "--ladder: Shows the ladder.", MARKED),
            ("What is an eel ladder?", "en", "Further, an eel ladder is a wonder.", 0.0),
            ("Who was Marta Lind?", "en", "Marta Lind, the keeper, left.", 1.0),
            ("What is the OEP?", "en", "Seven towns founded the Osmer Estuary Partnership (OEP) then.", 1.0),
            ("What is the Osmer Estuary Partnership?", "en", "Ask the Osmer Estuary Partnership (OEP).", 0.7),
            ("What is the Osmer?", "en", "Ask at the Osmer Partnership (OP).", 0.0),
            ("What is the OEP?", "en", "The OEP has two members.", 0.7),
            ("Was ist eine Aalleiter?", "de", "Die Aalleiter ist eine Rampe.", 1.0),
            ("What is an Aalleiter?", "de", "Die Aalleiter ist eine Rampe.", 1.0),
            ("Что такое порог?", "ru", "Порог — это стена.", MARKED),
        ] {
            let topic = Topic::of_question(question, Language::from_code(code)).unwrap();
            assert_eq!(topic.told_by(sentence), told, "{question} {sentence}");
        }
    }

    #[test]
    fn a_label_says_just_what_is_asked_for() {
        let topic = Topic::of_question("What is an eel ladder?", Language::from_code("en")).unwrap();
        for (label, is_label) in [
            ("Eel ladder", true),
            ("**Eel ladder** (EL):", true),
            ("Eel ladder keeper", false),
            ("Eel", false),
        ] {
            assert_eq!(topic.is_label(label), is_label, "{label}");
        }
        let short = Topic::of_question("What is EL?", Language::from_code("en")).unwrap();
        assert!(short.is_label("Eel ladder (EL)"));
    }

    #[test]
    fn a_question_of_many_words_or_of_none_has_no_topic() {
        assert!(Topic::of_question("What is it?", Language::from_code("en")).is_none());
        let long = "Which towns paid for the eel ladder at the Mirk sluice?";
        assert!(Topic::of_question(long, Language::from_code("en")).is_none());
    }

    #[test]
    fn it_is_told_in_prose_and_not_in_headings() {
        let topic = Topic::of_question("dike", Language::from_code("en")).unwrap();
        assert!(topic.is_told_in("It rained.\n\nThe dike is an earthwork."));
        let short = Topic::of_question("What does TGN mean?", Language::from_code("en")).unwrap();
        assert!(short.is_told_in("|OET|Osmer Eel Trust|\n|TGN|Tidal Gauge Network|"));
        assert!(topic.is_told_in("## Dike (wall)\n\nAn earthwork that holds the sea."));
        assert!(topic.is_told_in("| Toll | 4 |\n| Dike | An earthwork that holds the sea. |"));
        assert!(!topic.is_told_in("## Dike\n\n## Sluice\n\nA gate that holds the sea."));
        assert!(!topic.is_told_in("# The dike: an earthwork\n\nIt rained on the dike."));
        assert!(!topic.is_told_in(""));
    }
}
