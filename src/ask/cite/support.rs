//! How far one text carries another, from what can be counted: content words (rare ones weigh
//! more), numbers with their units, names and negation. It does not know what words mean: a
//! paraphrase in other words scores low, never high.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use ibid_index::analysis::{Language, TermKind, terms};

use super::negation::denials;
use super::number::{Number, numbers};
use super::words::WordSet;
use crate::event::Verdict;

/// From here on a quote is taken to say what was claimed.
pub const SUPPORTED: f32 = 0.6;
/// From here on a quote is taken to say part of it.
pub const PARTIAL: f32 = 0.35;

/// The verdict of a support between 0 and 1.
#[must_use]
pub fn verdict(support: f32) -> Verdict {
    match support {
        support if support >= SUPPORTED => Verdict::Supported,
        support if support >= PARTIAL => Verdict::Partial,
        _ => Verdict::Unsupported,
    }
}

/// Letters that two words begin with alike at least, if only their endings differ.
const KIN: usize = 5;

/// How much of a compound is here if all its parts are.
const BY_PARTS: f32 = 0.8;

/// What can be compared in a sentence.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    /// Content words, each once, in reading order; the flag tells a name.
    pub(crate) words: Vec<(Arc<str>, bool)>,
    /// Numbers.
    pub(crate) numbers: Vec<Number>,
    /// The parts of words that are compounds, where they were told.
    compounds: Vec<(Arc<str>, Vec<Arc<str>>)>,
    clauses: Vec<Clause>,
    set: WordSet,
}

#[derive(Clone, Debug, Default)]
struct Clause {
    words: WordSet,
    negated: bool,
}

impl Facts {
    /// Reads a text.
    pub(crate) fn of(text: &str, language: Option<Language>) -> Self {
        let mut facts = Self { numbers: numbers(text, language), ..Self::default() };
        let nouns_are_capitals = language.is_some_and(writes_nouns_with_capitals);
        let mut denials = denials(text, language).into_iter().peekable();
        let mut denied_before =
            |end| std::iter::from_fn(|| denials.next_if(|denial| denial.start < end)).count() > 0;
        let mut clause = Clause::default();
        let mut end = 0;
        // The place of the word before, if it may be half a name.
        let mut half: Option<usize> = None;
        for term in terms(text, language) {
            let between = &text[end.min(term.start)..term.start];
            let surface = &text[term.start..term.end];
            if ends_clause(between, surface) && !clause.words.is_empty() {
                facts.clauses.push(std::mem::take(&mut clause));
            }
            let denies = denied_before(term.end);
            clause.negated |= denies;
            if term.kind == TermKind::Word && !denies {
                let capital = surface.starts_with(char::is_uppercase);
                let opens = end == 0 || between.contains(['.', '!', '?', ':', '|', '\n', '“', '"']);
                let is_inside = !opens || surface.chars().skip(1).any(char::is_uppercase);
                // Where every noun has a capital, two of them side by side are a name.
                let is_second = half.is_some() && capital && between == " ";
                let name = capital && if nouns_are_capitals { is_second } else { is_inside };
                if let Some(first) = half.filter(|_| is_second && nouns_are_capitals) {
                    facts.words[first].1 = true;
                }
                // What is kept of a passage for a time has each word once.
                let word = facts.set.get(&term.stem).cloned().unwrap_or_else(|| term.stem.into());
                clause.words.insert(Arc::clone(&word));
                half = None;
                if facts.set.insert(Arc::clone(&word)) {
                    facts.words.push((word, name));
                    half = (capital && is_inside).then(|| facts.words.len() - 1);
                }
            } else {
                half = None;
            }
            end = term.end;
        }
        facts.clauses.push(clause);
        facts
    }

    /// The same, knowing of what words the compounds among its own are made.
    pub(crate) fn with_compounds(mut self, compounds: Vec<(Arc<str>, Vec<Arc<str>>)>) -> Self {
        self.compounds = compounds;
        self
    }

    /// The same, with the parts of compounds as words beside them.
    pub(crate) fn with_parts(self, compounds: Vec<(Arc<str>, Vec<Arc<str>>)>) -> Self {
        let parts = compounds.into_iter().flat_map(|(_, parts)| parts).map(|part| (part, false)).collect();
        self.and(Self { words: parts, ..Self::default() })
    }

    /// How much of one of its words is in another text: the word, or most of it if its parts are.
    pub(crate) fn held_by(&self, other: &Self, word: &str) -> f32 {
        let whole = other.holds(word);
        match self.compounds.iter().find(|(compound, _)| **compound == *word) {
            Some((_, parts)) if whole < 1.0 => {
                let held: f32 = parts.iter().map(|part| other.holds(part)).sum();
                whole.max(BY_PARTS * held / parts.len() as f32)
            }
            _ => whole,
        }
    }

    /// Words and numbers that stand in no text, to be looked up only.
    pub(crate) fn alone(
        words: impl Iterator<Item = Arc<str>>,
        numbers: impl Iterator<Item = Number>,
    ) -> Self {
        Self { set: words.collect(), numbers: numbers.collect(), ..Self::default() }
    }

    /// Gives back the room that nothing will be put into, for what is kept.
    pub(super) fn fit(&mut self) {
        self.words.shrink_to_fit();
        self.numbers.shrink_to_fit();
        self.clauses.shrink_to_fit();
        self.set.fit();
        self.clauses.iter_mut().for_each(|clause| clause.words.fit());
    }

    /// What tells whether a word or a number is here, and nothing else.
    pub(super) fn for_lookup(self) -> Self {
        let mut kept = Self { numbers: self.numbers, set: self.set, ..Self::default() };
        kept.fit();
        kept
    }

    /// Both together, as if they were one sentence.
    pub(crate) fn and(mut self, other: Self) -> Self {
        let new = other.words.into_iter().filter(|(word, _)| self.set.insert(Arc::clone(word)));
        self.words.extend(new);
        self.numbers.extend(other.numbers);
        self.clauses.extend(other.clauses);
        self
    }

    /// How much of a word is here: all, or most where only the ending differs.
    pub(crate) fn holds(&self, word: &str) -> f32 {
        if self.set.contains(word) {
            return 1.0;
        }
        let Some((last, c)) = word.char_indices().nth(KIN - 1) else { return 0.0 };
        let mut alike = self.set.beginning(&word[..last + c.len_utf8()]);
        let is_kin = |other: &Arc<str>| {
            let shared = word.chars().zip(other.chars()).take_while(|(a, b)| a == b).count();
            shared * 10 >= word.chars().count().max(other.chars().count()) * 7
        };
        if alike.any(is_kin) { 0.7 } else { 0.0 }
    }

    /// Whether a number is here.
    pub(crate) fn holds_number(&self, number: &Number) -> bool {
        self.numbers.iter().any(|other| number.agrees(other))
    }

    /// Whether the part of `self` that speaks of the claim denies what the claim says.
    fn denies(&self, claim: &Self) -> bool {
        let shared = |clause: &Clause| clause.words.num_shared(&claim.set);
        let most = self.clauses.iter().map(shared).max().unwrap_or(0);
        if most == 0 {
            return false;
        }
        let here = self.clauses.iter().filter(|clause| shared(clause) * 2 >= most);
        let mut relevant = here.clone();
        let negated = relevant.any(|clause| clause.negated);
        // What is denied beside the matter stands here if it is denied here too: "an eel, no fish of the sea".
        let is_denied_here = |denied: &Clause| {
            let mut denials = self.clauses.iter().filter(|clause| clause.negated);
            denials.any(|clause| clause.words.num_shared(&denied.words) * 2 >= denied.words.len())
        };
        negated != claim.clauses.iter().any(|clause| clause.negated && (negated || !is_denied_here(clause)))
    }
}

/// Whether every noun of a language begins with a capital, and not names alone.
pub(crate) fn writes_nouns_with_capitals(language: Language) -> bool {
    language.code() == "de"
}

/// Whether a clause ends between two words: at a sign, or before a word that says otherwise.
fn ends_clause(between: &str, word: &str) -> bool {
    let signs =
        [',', ';', ':', '—', '(', ')', '.', '،', '؛', '۔', '।', '、', '，', '；', '：', '。', '（', '）'];
    between.contains(signs)
        || matches!(word, "but" | "while" | "although" | "whereas" | "though" | "aber" | "mais" | "pero")
}

/// How much each word weighs: rare among the supplied sentences, and in the library if that was asked, is
/// heavy.
#[derive(Clone, Debug, Default)]
pub(crate) struct Weights {
    seen: HashMap<Arc<str>, u32>,
    sentences: u32,
    /// Words that weigh less than their rarity tells.
    lesser: HashSet<String>,
}

/// The share of its weight that a lesser word has.
const LESSER: f32 = 0.5;

impl Weights {
    /// Counts in how many of the sentences each word stands.
    pub(crate) fn of<'a>(sentences: impl Iterator<Item = &'a Facts>) -> Self {
        sentences.fold(Self::default(), |mut weights, facts| {
            weights.sentences += 1;
            for (word, _) in &facts.words {
                *weights.seen.entry(Arc::clone(word)).or_default() += 1;
            }
            weights
        })
    }

    /// Counts the texts of a library too: `num` of them, and in how many each of the words stands.
    pub(crate) fn add_library<'a>(&mut self, num: u64, words: impl Iterator<Item = (&'a Arc<str>, u64)>) {
        let clamped = |num: u64| u32::try_from(num).unwrap_or(u32::MAX / 2);
        self.sentences = self.sentences.saturating_add(clamped(num));
        for (word, num) in words {
            let seen = self.seen.entry(Arc::clone(word)).or_default();
            *seen = seen.saturating_add(clamped(num));
        }
    }

    /// Lets some words weigh less.
    pub(crate) fn lessen(&mut self, words: HashSet<String>) {
        self.lesser = words;
    }

    /// The inverse document frequency of a word, a sentence being the document.
    pub(crate) fn of_word(&self, word: &str) -> f32 {
        let share = if self.lesser.contains(word) { LESSER } else { 1.0 };
        share * Self::among(std::iter::once(self), word)
    }

    /// The same among the sentences of all of these.
    #[expect(clippy::cast_precision_loss, reason = "counts of sentences in one prompt are small")]
    pub(super) fn among<'a>(all: impl Iterator<Item = &'a Self>, word: &str) -> f32 {
        let (seen, sentences) = all.fold((0, 0), |(seen, sentences), weights| {
            (seen + weights.seen.get(word).copied().unwrap_or(0), sentences + weights.sentences)
        });
        (1.0 + (sentences as f32 + 1.0) / (seen as f32 + 0.5)).ln()
    }
}

/// A claim, and how much each of its words weighs.
pub(super) struct Claim {
    pub(super) facts: Facts,
    /// The words' weights, names one and a half times.
    weights: Vec<f32>,
    /// The weight of all words, of those that were left out too.
    weight: f32,
    /// How many numbers it has, those that were left out too.
    num_numbers: usize,
    lacks_name: bool,
}

impl Claim {
    /// A claim whose words weigh so much.
    pub(super) fn new(facts: Facts, weight: impl Fn(&str) -> f32) -> Self {
        let weighed = |(word, is_name): &(Arc<str>, bool)| weight(word) * if *is_name { 1.5 } else { 1.0 };
        let weights: Vec<f32> = facts.words.iter().map(weighed).collect();
        let (weight, num_numbers) = (weights.iter().sum(), facts.numbers.len());
        Self { facts, weights, weight, num_numbers, lacks_name: false }
    }

    /// What is left of it where nothing else is known than `all`. It scores against every part of
    /// that as the whole does, and sooner: most words of a claim are nowhere in most passages.
    pub(super) fn within(&self, all: &Facts) -> Self {
        let words = self.facts.words.iter().zip(&self.weights);
        let (known, unknown): (Vec<_>, Vec<_>) = words.partition(|((word, _), _)| all.holds(word) > 0.0);
        let numbers = self.facts.numbers.iter().filter(|number| all.holds_number(number));
        let facts = Facts {
            compounds: Vec::new(),
            words: known.iter().map(|(word, _)| (*word).clone()).collect(),
            numbers: numbers.cloned().collect(),
            clauses: self.facts.clauses.clone(),
            set: known.iter().map(|((word, _), _)| word.clone()).collect(),
        };
        Self {
            facts,
            weights: known.iter().map(|(_, weight)| **weight).collect(),
            lacks_name: self.lacks_name || unknown.iter().any(|((_, is_name), _)| *is_name),
            ..*self
        }
    }
}

/// How far `quote`, standing in `context`, carries `claim`, from 0 to 1.
///
/// The share of the claim's words that the quote holds, by weight; a word only the title, the
/// heading or a sentence just before holds counts in part. A missing name or number keeps the claim
/// from being supported, no agreeing number at all or a denial from being supported even in part.
pub(super) fn support(claim: &Claim, quote: &Facts, context: &[&Facts]) -> f32 {
    let (mut held, mut missing_name) = (0.0, claim.lacks_name);
    for ((word, is_name), weight) in claim.facts.words.iter().zip(&claim.weights) {
        let share = match quote.holds(word) {
            whole if whole >= 0.7 => whole,
            _ => context.iter().map(|context| context.holds(word)).fold(0.0, f32::max) * 0.7,
        };
        missing_name |= *is_name && share == 0.0;
        held += weight * share;
    }
    let (mut quoted, mut near) = (0, 0);
    for number in &claim.facts.numbers {
        let is_quoted = quote.holds_number(number);
        quoted += usize::from(is_quoted);
        near += usize::from(is_quoted || context.iter().any(|context| context.holds_number(number)));
    }
    let total = claim.num_numbers;
    let mut support = match (claim.weight > 0.0, total) {
        (true, _) => held / claim.weight,
        (false, 0) => return 0.0,
        (false, _) => 1.0,
    };
    if missing_name || near < total {
        support = support.min(SUPPORTED - 0.05);
    }
    if total > 0 && near == 0 {
        support = support.min(PARTIAL - 0.05);
    } else if quoted < total {
        support *= 0.85;
    }
    if support > 0.0 && quote.denies(&claim.facts) { support * 0.3 } else { support }
}
