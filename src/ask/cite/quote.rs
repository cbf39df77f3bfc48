//! The best quote for a claim among the sentences of a numbered passage. What it returns is a
//! range of the passage: the words of the quote are cut from the stored text, never composed.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use ibid_index::analysis::Language;
use uuid::Uuid;

use super::Mark;
use super::support::{Claim, Facts, Weights, support, verdict};
use crate::abbreviation::Abbreviations;
use crate::ask::prompt::Excerpt;
use crate::ask::sentence::{Item, Sentence, SentenceKind};
use crate::event::{Citation, Source};

/// How much better two sentences must carry a claim than the better one of them alone.
const PAIR_MARGIN: f32 = 0.12;

/// The supplied passages, taken apart for the claims held against them.
pub(crate) struct Shelf {
    passages: Vec<(Excerpt, Arc<Apart>)>,
    /// What their documents write short, as far as they explain it.
    abbreviations: HashMap<Uuid, Abbreviations>,
    language: Option<Language>,
}

/// A passage taken apart.
pub(crate) struct Apart {
    text: String,
    place: String,
    sentences: Vec<(Sentence, Facts)>,
    /// Where lines end that introduce code, and where that code does.
    code: Vec<(usize, usize)>,
    heading: Facts,
    /// All sentences and the heading as if they were one.
    all: Facts,
    folded: Folded,
    weights: Weights,
}

/// A claim as it is looked for: what its words weigh among the supplied passages, and its wording.
struct Sought {
    claim: Claim,
    folded: Folded,
}

/// A stretch of a passage and how far it carries the claim.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Quote {
    /// Its bytes in the excerpt.
    pub(crate) range: Range<usize>,
    /// From 0 to 1.
    pub(crate) support: f32,
}

impl Shelf {
    /// Takes the passages apart.
    pub(crate) fn new(excerpts: Vec<Excerpt>, language: Option<Language>) -> Self {
        Self::with(excerpts, language, |excerpt| Arc::new(Apart::new(excerpt, language)))
    }

    /// The passages as someone takes them apart, or has done so before.
    pub(super) fn with(
        excerpts: Vec<Excerpt>,
        language: Option<Language>,
        apart: impl Fn(&Excerpt) -> Arc<Apart>,
    ) -> Self {
        let passage = |excerpt: Excerpt| {
            let apart = apart(&excerpt);
            (excerpt, apart)
        };
        let texts = excerpts.iter().map(|excerpt| (excerpt.source.document_id, excerpt.text.as_str()));
        let abbreviations = Abbreviations::of_documents(texts);
        Self { passages: excerpts.into_iter().map(passage).collect(), abbreviations, language }
    }

    /// The language all is read in.
    pub(crate) fn language(&self) -> Option<Language> {
        self.language
    }

    /// Quote or nothing: the citation of a claim, its quote cut from the passage that is named.
    pub(crate) fn cite(&self, mark: &Mark) -> Option<Citation> {
        let (excerpt, apart) = self.passages.iter().find(|(excerpt, _)| excerpt.source.n == mark.n)?;
        let claim = self.written_as_in(excerpt, &mark.claim);
        let quote = apart.quote(&self.sought(&claim, Facts::of(&claim, self.language)))?;
        let Excerpt { source, text } = excerpt;
        Some(Citation {
            n: mark.n,
            document_id: source.document_id,
            version: source.version.clone(),
            title: source.title.clone(),
            page: source.page,
            heading: source.heading.clone(),
            columns: None,
            passage_id: source.passage_id,
            start: source.start + quote.range.start,
            end: source.start + quote.range.end,
            quote: text[quote.range].to_owned(),
            support: quote.support,
            verdict: verdict(quote.support),
            answer_start: mark.start,
            answer_end: mark.end,
        })
    }

    /// How far any passage carries the claim, of which these are the facts.
    pub(crate) fn support(&self, claim: &str, facts: Facts) -> f32 {
        let sought = self.sought(claim, facts);
        let quotes =
            self.passages.iter().filter_map(|(excerpt, apart)| match self.written_as_in(excerpt, claim) {
                Cow::Borrowed(_) => apart.quote(&sought),
                Cow::Owned(claim) => apart.quote(&self.sought(&claim, Facts::of(&claim, self.language))),
            });
        quotes.map(|quote| quote.support).fold(0.0, f32::max)
    }

    /// A claim in the forms that a passage uses.
    fn written_as_in<'a>(&self, excerpt: &Excerpt, claim: &'a str) -> Cow<'a, str> {
        let abbreviations = &self.abbreviations[&excerpt.source.document_id];
        abbreviations.written_as_in(&excerpt.text, claim, self.language)
    }

    fn sought(&self, claim: &str, facts: Facts) -> Sought {
        let all = || self.passages.iter().map(|(_, apart)| &apart.weights);
        Sought { claim: Claim::new(facts, |word| Weights::among(all(), word)), folded: Folded::of(claim) }
    }
}

impl Apart {
    pub(super) fn new(excerpt: &Excerpt, language: Option<Language>) -> Self {
        let place = place(excerpt);
        let items = excerpt.items();
        let code = |item: &Item| Some((item.leads.last()?.end, item.end_of_code(&excerpt.text)?));
        let facts = |sentence: Sentence| {
            let words = &excerpt.text[sentence.range.clone()];
            let mut facts = match excerpt.said_of_sentence(&items, &sentence) {
                Some(of) => Facts::of(&format!("{of}: {words}"), language),
                None => Facts::of(words, language),
            };
            facts.fit();
            (sentence, facts)
        };
        let sentences: Vec<_> = excerpt.sentences().into_iter().map(facts).collect();
        let heading = Facts::of(&place, language);
        Self {
            weights: Weights::of(sentences.iter().map(|(_, facts)| facts)),
            all: sentences
                .iter()
                .map(|(_, facts)| facts.clone())
                .fold(heading.clone(), Facts::and)
                .for_lookup(),
            sentences,
            code: items.iter().filter_map(code).collect(),
            heading,
            folded: Folded::of(&excerpt.text),
            text: excerpt.text.clone(),
            place,
        }
    }

    /// Whether it is this passage that was taken apart.
    pub(super) fn is_of(&self, excerpt: &Excerpt) -> bool {
        self.text == excerpt.text && self.place == place(excerpt)
    }

    /// About how much memory it takes, in bytes: what is taken apart is many times the text (27 times,
    /// by what 3,000 passages of articles and abstracts were given of the heap).
    pub(super) fn bytes(&self) -> usize {
        512 + 26 * self.text.len()
    }

    /// The stretch that carries the claim best, with the code that it introduces; none if the passage is empty.
    fn quote(&self, sought: &Sought) -> Option<Quote> {
        let quote = self.verbatim(sought).or_else(|| self.best(&sought.claim.within(&self.all)))?;
        let code = self.code.iter().find(|(lead, _)| *lead == quote.range.end);
        let end = code.map_or(quote.range.end, |(_, end)| *end);
        Some(Quote { range: quote.range.start..end, ..quote })
    }

    /// The sentences that hold the claim word for word, white space and signs aside.
    fn verbatim(&self, Sought { claim, folded: claimed }: &Sought) -> Option<Quote> {
        let found = self.folded.find(claimed)?;
        let touched =
            |sentence: &Sentence| sentence.range.start < found.end && found.start < sentence.range.end;
        let first = self.sentences.iter().position(|(sentence, _)| touched(sentence))?;
        let last = self.sentences.iter().rposition(|(sentence, _)| touched(sentence))?;
        let range = self.sentences[first].0.range.start..self.sentences[last].0.range.end;
        let whole = first != last || Folded::of(&self.text[range.clone()]).words == claimed.words;
        let scored = support(claim, &self.sentences[first].1, &[&self.heading]);
        Some(Quote { range, support: if whole { 1.0 } else { scored } })
    }

    fn best(&self, claim: &Claim) -> Option<Quote> {
        let mut best: Option<(usize, f32)> = None;
        for (at, (sentence, facts)) in self.sentences.iter().enumerate() {
            let mut scored = support(claim, facts, &self.context(at));
            if matches!(sentence.kind, SentenceKind::Heading | SentenceKind::Label) {
                scored *= 0.8;
            }
            if best.is_none_or(|(_, most)| scored > most + 1e-4) {
                best = Some((at, scored));
            }
        }
        let (at, alone) = best?;
        let single = Quote { range: self.sentences[at].0.range.clone(), support: alone };
        let pairs = [at.checked_sub(1).map(|before| before..at + 1), Some(at..at + 2)];
        let pairs = pairs.into_iter().flatten().filter(|pair| self.may_pair(pair));
        let scored = pairs.map(|pair| {
            let range = self.sentences[pair.start].0.range.start..self.sentences[pair.end - 1].0.range.end;
            // A pair is read anew so that the clauses of both are weighed together.
            let facts = self.joined(&pair);
            Quote { support: support(claim, &facts, &[&self.heading]), range }
        });
        let better = scored.max_by(|a, b| a.support.total_cmp(&b.support));
        Some(better.filter(|pair| pair.support > single.support + PAIR_MARGIN).unwrap_or(single))
    }

    fn may_pair(&self, pair: &Range<usize>) -> bool {
        use SentenceKind::{Code, Heading, Row};
        let kinds = self.sentences.get(pair.clone());
        kinds.is_some_and(|pair| pair.iter().all(|(s, _)| !matches!(s.kind, Heading | Row | Code)))
    }

    fn joined(&self, pair: &Range<usize>) -> Facts {
        let facts = self.sentences[pair.clone()].iter().map(|(_, facts)| facts.clone());
        facts.reduce(Facts::and).unwrap_or_default()
    }

    /// What a reader has in mind at a sentence: the title, the headings and the sentence before,
    /// or the first row of its table.
    fn context(&self, at: usize) -> [&Facts; 2] {
        use SentenceKind::{Cell, Label, Row};
        let is_of_row = |(sentence, _): &&(Sentence, Facts)| matches!(sentence.kind, Row | Label | Cell);
        let num_rows = self.sentences[..at].iter().rev().take_while(is_of_row).count();
        let in_table = self.sentences[at].0.kind == Row;
        let before = if in_table { at - num_rows } else { at.saturating_sub(1) };
        [if before == at { &self.heading } else { &self.sentences[before].1 }, &self.heading]
    }
}

/// What a reader sees above a passage.
fn place(excerpt: &Excerpt) -> String {
    let Source { title, heading, columns, .. } = &excerpt.source;
    [title.as_str(), heading.as_deref().unwrap_or(""), columns.as_deref().unwrap_or("")].join(". ")
}

/// A text as its words alone, in lower case and one space apart, with the way back to its bytes.
struct Folded {
    words: String,
    origins: Vec<(usize, Range<usize>)>,
}

impl Folded {
    fn of(text: &str) -> Self {
        let mut folded = Self { words: String::from(" "), origins: Vec::new() };
        let mut chars = text.char_indices().peekable();
        let mut inside = false;
        while let Some((at, c)) = chars.next() {
            let digit_before = folded.words.ends_with(|c: char| c.is_ascii_digit());
            let digit_after = chars.peek().is_some_and(|(_, next)| next.is_ascii_digit());
            let joins = inside && matches!(c, '.' | ',') && digit_before && digit_after;
            if c.is_alphanumeric() || c == '%' || joins {
                if !inside {
                    folded.origins.push((folded.words.len(), at..at));
                }
                inside = true;
                folded.words.extend(c.to_lowercase());
                if let Some((_, origin)) = folded.origins.last_mut() {
                    origin.end = at + c.len_utf8();
                }
            } else if inside {
                inside = false;
                folded.words.push(' ');
            }
        }
        if inside {
            folded.words.push(' ');
        }
        folded.words.shrink_to_fit();
        folded.origins.shrink_to_fit();
        folded
    }

    /// Where another text's words stand in this one; texts of fewer than three words are not
    /// looked for, since they stand anywhere.
    fn find(&self, other: &Self) -> Option<Range<usize>> {
        let num_words = other.origins.len();
        let long_enough = num_words >= 3 || other.words.chars().count() > 12;
        let at = long_enough.then(|| self.words.find(&other.words)).flatten()?;
        let first = self.origins.binary_search_by_key(&(at + 1), |(folded, _)| *folded).ok()?;
        let last = first + num_words.checked_sub(1)?;
        Some(self.origins[first].1.start..self.origins.get(last)?.1.end)
    }
}
