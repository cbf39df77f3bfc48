//! A question as weighted terms. The text is never parsed as a query language: quotes, `AND`, `-`,
//! `:` and brackets are text like any other.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::analysis::{self, Analyser, Language, Lexicon, Term, TermKind};

/// Text and words beyond these are not searched for; the rest of a pasted page adds only time.
const MAX_BYTES: usize = 16 * 1024;
const MAX_WORDS: usize = 256;

/// What the title and the headings count for beside the joined body.
const TITLE_WEIGHT: f32 = 0.25;
/// The most neighbouring words that a name is tried to be made of.
const MAX_JOINED: usize = 4;
/// What the part of a compound counts for when the compound itself is in the index.
const PART_WEIGHT: f32 = 0.2;
/// What a word counts for that is looked for in place of one that stands nowhere.
const NEAREST_WEIGHT: f32 = 0.5;

/// A question of fewer words of content is searched for as a whole only.
const MIN_LONG_WORDS: usize = 10;
/// A clause of fewer words of content stays with the one before it.
const MIN_CLAUSE_WORDS: usize = 3;
/// What has more clauses than this is a page and not a question.
const MAX_CLAUSES: usize = 8;
/// What stands between clauses.
const BORDERS: &[char] =
    &[',', ';', ':', '?', '!', '.', '—', '，', '、', '。', '？', '；', '،', '؛', '؟', '۔', '।'];
/// Words that begin a clause, in the languages with most speakers among those that have them.
const CONJUNCTIONS: &[&str] = &[
    "and", "but", "or", "while", "whereas", "which", "who", "whose", "und", "aber", "oder", "während", "et",
    "mais", "ou", "y", "pero", "mientras", "e", "ma", "mentre", "mas", "enquanto", "en", "maar", "terwijl",
    "и", "но", "а",
];

/// What someone is looking for, in their own words.
#[derive(Clone, Debug)]
pub struct Query {
    text: String,
    /// Its words as its own language sees them.
    words: Vec<Term>,
    /// What is looked for in place of words that stand nowhere, by where they begin.
    nearest: BTreeMap<usize, String>,
}

/// The words of a query in the form that they take in each of some languages.
pub(crate) struct Forms<'a> {
    query: &'a Query,
    in_languages: Vec<(Option<Language>, Vec<Term>)>,
}

/// One thing that a query asks for: the position of its word, and which part of a compound it is. Its
/// forms in several languages are one word.
pub(crate) type Word = (usize, usize);

/// What to look up, and where; what each counts for, and which word it is a form of.
pub(crate) type Weighted = BTreeMap<(Place, String), (Word, f32)>;

/// The positions of neighbouring words that are looked for as one in the names of documents.
pub(crate) type Joined = Vec<Range<usize>>;
/// Stands for a position in a [`Word`] that is made of neighbours; its part is their number in [`Joined`].
pub(crate) const JOINED: usize = usize::MAX;

/// Where a weighted term is looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Place {
    Body,
    Title,
    TitleAlone,
    Name,
    Stops,
}

impl Place {
    pub(crate) const ALL: [Self; 5] = [Self::Body, Self::Title, Self::TitleAlone, Self::Name, Self::Stops];

    /// What the whole document is called, where a word counts once however often it stands.
    pub(crate) fn is_name(self) -> bool {
        matches!(self, Self::TitleAlone | Self::Name)
    }
}

impl Query {
    /// Takes natural language. The `language` decides which of its words are grammar; where it is
    /// not given, it is told from the words of grammar themselves, since a question is too short to
    /// tell it from anything else.
    #[must_use]
    pub fn new(text: impl Into<String>, language: Option<Language>) -> Self {
        let mut text = text.into();
        text.truncate(text.floor_char_boundary(MAX_BYTES));
        let language = language.or_else(|| Language::of_question(&text));
        let words = analysis::terms(&text, language).take(MAX_WORDS).collect();
        Self { text, words, nearest: BTreeMap::new() }
    }

    /// The same, with what is looked for in place of some words.
    pub(crate) fn with_nearest(self, nearest: BTreeMap<usize, String>) -> Self {
        Self { nearest, ..self }
    }

    /// The text that is searched for: what was given, unless that was very long.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Its word that begins there, as it is written.
    pub(crate) fn word_at(&self, start: usize) -> Option<&str> {
        let word = self.words.iter().find(|word| word.start == start)?;
        self.text.get(word.start..word.end)
    }

    /// All of its text, as the part of it to search for.
    pub(crate) fn whole(&self) -> Range<usize> {
        0..self.text.len()
    }

    /// Its words in the forms of these languages; as they stand if there are none.
    ///
    /// Each word is looked up in the form it takes in each of the languages: the query's own may be
    /// another than the document's, and a form that only one language has costs the others nothing.
    pub(crate) fn forms(&self, languages: &[Option<Language>]) -> Forms<'_> {
        let languages = if languages.is_empty() { &[None] } else { languages };
        let in_language = |language: &Option<Language>| (*language, self.words_in(*language));
        Forms { query: self, in_languages: languages.iter().map(in_language).collect() }
    }

    /// Neighbouring words run together, as the names of files often have them: who asks about General
    /// Mills means `GENERALMILLS_2022.pdf`. Such a name may begin with a word of grammar, as Under Armour
    /// does, but does not end with one.
    fn joined(&self, words: &[&Term]) -> Vec<(String, Range<usize>)> {
        let mut joined = Vec::new();
        for (position, first) in words.iter().enumerate() {
            let mut name = String::new();
            let mut end = first.start;
            for next in words[position..].iter().take(MAX_JOINED) {
                let gap = self.text.get(end..next.start).unwrap_or_default();
                if !matches!(gap, "" | " " | "-" | "." | "&" | " & " | "'" | "’") {
                    break;
                }
                let word = analysis::lower(&self.text[next.start..next.end]);
                name.extend(word.chars().filter(|character| character.is_alphanumeric()));
                end = next.end;
                if name.len() < end - first.start && next.kind != TermKind::Stop {
                    joined.push((name.clone(), first.start..end));
                }
            }
        }
        joined
    }

    /// The clauses of a long question that asks for several things, as ranges of its text; none if
    /// it is short, of one piece, or of very many.
    pub(crate) fn clauses(&self) -> Vec<Range<usize>> {
        let is_content = |word: &&Term| word.kind != TermKind::Stop;
        if self.words.iter().filter(is_content).count() < MIN_LONG_WORDS {
            return Vec::new();
        }
        let mut clauses: Vec<Range<usize>> = Vec::new();
        let (mut start, mut last_end, mut num_content) = (0, 0, 0);
        for word in &self.words {
            // The words of a script without spaces overlap.
            let gap = self.text.get(last_end..word.start).unwrap_or_default();
            let is_border = gap.contains(BORDERS)
                || CONJUNCTIONS.contains(&self.text[word.start..word.end].to_lowercase().as_str());
            if is_border && num_content >= MIN_CLAUSE_WORDS {
                clauses.push(start..word.start);
                (start, num_content) = (word.start, 0);
            }
            num_content += usize::from(word.kind != TermKind::Stop);
            last_end = word.end;
        }
        match clauses.last_mut() {
            Some(last) if num_content < MIN_CLAUSE_WORDS => last.end = self.text.len(),
            _ => clauses.push(start..self.text.len()),
        }
        if (2..=MAX_CLAUSES).contains(&clauses.len()) { clauses } else { Vec::new() }
    }

    /// Its words in the form that they take in another language.
    fn words_in(&self, language: Option<Language>) -> Vec<Term> {
        let is_word = |term: &Term| self.words.binary_search_by_key(&term.start, |word| word.start).is_ok();
        analysis::terms(&self.text, language).filter(is_word).collect()
    }

    /// The parts of the compounds among its words, as a text and the query itself tell them.
    fn wanted_parts(&self, lexicon: &Lexicon) -> BTreeSet<String> {
        let words = self.words.iter().filter(|word| word.kind == TermKind::Word);
        words.flat_map(|word| lexicon.parts(&self.text[word.start..word.end])).collect()
    }

    /// The forms of its words, and of their parts, that are looked for in a text of this language.
    fn wanted(&self, language: Option<Language>) -> BTreeSet<String> {
        let only_stops = self.words.iter().all(|word| word.kind == TermKind::Stop);
        let mut wanted = BTreeSet::new();
        for term in self.words_in(language) {
            let Ok(at) = self.words.binary_search_by_key(&term.start, |word| word.start) else { continue };
            if !only_stops && self.words[at].kind == TermKind::Stop {
                continue;
            }
            let parts = analysis::parts(&self.text[term.start..term.end]);
            wanted.extend(
                parts.iter().filter(|part| part.len() > 2).map(|part| analysis::stem(part, language)),
            );
            wanted.insert(term.stem);
            wanted.extend(self.nearest.get(&term.start).cloned());
        }
        wanted
    }
}

impl Forms<'_> {
    /// The words of content that are no compounds and no numbers: where each begins, and its forms.
    pub(crate) fn of_words(&self) -> BTreeMap<usize, Vec<&str>> {
        let mut words = self.of_content();
        words.retain(|start, _| {
            self.query.word_at(*start).is_some_and(|word| analysis::parts(word).is_empty())
        });
        words
    }

    /// The parts of the word that begins there, in each of the languages in which it is a compound.
    pub(crate) fn parts_at(&self, start: usize, mut num_with: impl FnMut(&str) -> u64) -> Vec<Vec<String>> {
        let word = self.query.word_at(start).unwrap_or_default();
        let languages = self.in_languages.iter().map(|(language, _)| *language);
        let parts = languages.map(|language| analysis::parts_of(word, language, &mut num_with));
        parts.filter(|parts| !parts.is_empty()).collect()
    }

    /// The words of content that are no numbers: where each begins, and its forms.
    pub(crate) fn of_content(&self) -> BTreeMap<usize, Vec<&str>> {
        let words = self.query.words.iter().filter(|word| word.kind == TermKind::Word);
        let mut words: BTreeMap<usize, Vec<&str>> = words.map(|word| (word.start, Vec::new())).collect();
        for term in self.in_languages.iter().flat_map(|(_, terms)| terms) {
            if let Some(forms) = words.get_mut(&term.start)
                && !forms.contains(&term.stem.as_str())
            {
                forms.push(&term.stem);
            }
        }
        words
    }

    /// What to look up for the words within a range of the text.
    pub(crate) fn terms(
        &self,
        within: &Range<usize>,
        mut num_with: impl FnMut(&str) -> u64,
    ) -> (Weighted, Joined) {
        let words: Vec<&Term> = self.query.words.iter().filter(|word| within.contains(&word.start)).collect();
        let mut weights = Weighted::new();
        if words.iter().all(|word| word.kind == TermKind::Stop) {
            for (_, terms) in &self.in_languages {
                for (position, term) in terms.iter().filter(|term| within.contains(&term.start)).enumerate() {
                    weights.insert((Place::Stops, term.stem.clone()), ((position, 0), 1.0));
                    weights.insert((Place::Body, term.stem.clone()), ((position, 0), 1.0));
                }
            }
            return (weights, Joined::new());
        }
        let joined = self.query.joined(&words);
        let content: Vec<usize> =
            words.iter().filter(|word| word.kind != TermKind::Stop).map(|word| word.start).collect();
        let mut counted: Vec<(Word, Place, String, f32)> = Vec::new();
        let mut forms: Vec<Vec<&str>> = vec![Vec::new(); content.len()];
        for (language, terms) in &self.in_languages {
            let terms = terms.iter().filter(|term| content.binary_search(&term.start).is_ok());
            for (position, term) in terms.enumerate() {
                let whole = (position, 0);
                let surface = &self.query.text[term.start..term.end];
                let parts = analysis::parts_of(surface, *language, &mut num_with);
                let part_weight =
                    if !parts.is_empty() && num_with(&term.stem) > 0 { PART_WEIGHT } else { 1.0 };
                for (number, part) in (1..).zip(parts) {
                    let word = (position, number);
                    counted.push((word, Place::Body, part.clone(), part_weight));
                    counted.push((word, Place::Title, part.clone(), part_weight * TITLE_WEIGHT));
                    counted.push((word, Place::TitleAlone, part.clone(), 1.0));
                    counted.push((word, Place::Name, part, 1.0));
                }
                let nearest = self.query.nearest.get(&term.start);
                let stems = [(Some(&term.stem), 1.0), (nearest, NEAREST_WEIGHT)];
                for (stem, share) in stems.into_iter().filter_map(|(stem, share)| Some((stem?, share))) {
                    // Most words have few forms, however many the languages.
                    if !forms[position].contains(&stem.as_str()) {
                        forms[position].push(stem);
                        counted.push((whole, Place::Body, stem.clone(), share));
                        counted.push((whole, Place::Title, stem.clone(), share * TITLE_WEIGHT));
                        let name = analysis::unmarked(stem, *language).unwrap_or_else(|| stem.clone());
                        counted.push((whole, Place::TitleAlone, name.clone(), share));
                        counted.push((whole, Place::Name, name, share));
                    }
                }
            }
        }
        for (number, (name, _)) in joined.iter().enumerate() {
            let mut forms = Vec::new();
            for (language, _) in &self.in_languages {
                let stem = analysis::stem(name, *language);
                if !forms.contains(&stem) {
                    forms.push(stem);
                }
            }
            let name = |stem| ((JOINED, number), Place::Name, stem, 1.0);
            counted.extend(forms.into_iter().map(name));
        }
        // Several languages have many forms in common, which are one.
        counted.sort_by(|(one, at, form, counts), (word, place, stem, weight)| {
            (one, at, form).cmp(&(word, place, stem)).then(counts.total_cmp(weight))
        });
        counted.dedup_by(|(word, place, stem, _), (one, at, form, _)| {
            (&*word, &*place, &*stem) == (&*one, &*at, &*form)
        });
        // A word said twice counts twice, but its forms in several languages are one word. A name
        // is named once, however often.
        for (word, place, stem, weight) in counted {
            let (_, total) = weights.entry((place, stem)).or_insert((word, 0.0));
            *total = if place.is_name() { weight } else { *total + weight };
        }
        let position = |at: usize| content.partition_point(|start| *start < at);
        (weights, joined.into_iter().map(|(_, at)| position(at.start)..position(at.end)).collect())
    }
}

/// Finds what a query is about in texts.
pub struct Highlighter<'a> {
    query: &'a Query,
    /// What is wanted in each language that came up so far.
    in_languages: Vec<(BTreeSet<String>, Analyser)>,
}

impl<'a> Highlighter<'a> {
    /// Looks for the words of a query; for those of grammar only if it has no others.
    #[must_use]
    pub fn new(query: &'a Query) -> Self {
        Self { query, in_languages: Vec::new() }
    }

    /// Returns the words of `text` that the query is about, as byte ranges in reading order.
    /// `language` is the one `text` was indexed in.
    pub fn find(&mut self, text: &str, language: Option<Language>) -> Vec<Range<usize>> {
        let known = self.in_languages.iter().position(|(_, analyser)| analyser.language() == language);
        let known = known.unwrap_or_else(|| {
            self.in_languages.push((self.query.wanted(language), Analyser::new(language)));
            self.in_languages.len() - 1
        });
        let (wanted, analyser) = &mut self.in_languages[known];
        let lexicon = Lexicon::of([text, self.query.text()], language);
        let by_parts = self.query.wanted_parts(&lexicon);
        let is_sought = |stem: &str| wanted.contains(stem) || by_parts.contains(stem);
        let mut ranges: Vec<Range<usize>> = Vec::new();
        analyser.each_term(text, |term| {
            let word = &text[term.start..term.end];
            let in_part = |part: &String| part.len() > 2 && wanted.contains(&analysis::stem(part, language));
            let is_wanted = is_sought(term.stem)
                || analysis::parts(word).iter().any(in_part)
                || (term.kind == TermKind::Word && lexicon.parts(word).iter().any(|part| is_sought(part)));
            if !is_wanted {
                return;
            }
            match ranges.last_mut() {
                Some(last) if term.start < last.end => last.end = term.end,
                _ => ranges.push(term.start..term.end),
            }
        });
        ranges
    }
}

#[cfg(test)]
mod tests {
    use super::Query;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let query = Query::new(text, None);
        let clauses: Vec<&str> = query.clauses().into_iter().map(|clause| &text[clause]).collect();
        assert_eq!(clauses, expected);
    }

    #[test]
    fn a_long_question_comes_apart_where_it_asks_for_something_else() {
        check(
            "Which harbour did the northern fleet leave in spring, and who wrote the botanist's letters about drying mosses?",
            &[
                "Which harbour did the northern fleet leave in spring, ",
                "and who wrote the botanist's letters about drying mosses?",
            ],
        );
    }

    #[test]
    fn a_long_question_in_a_script_without_spaces_comes_apart_too() {
        check(
            "银鳗什么时候离开河口？2019年的统计在堰坝发现了多少条鳗鱼？",
            &["银鳗什么时候离开河口？", "2019年的统计在堰坝发现了多少条鳗鱼？"],
        );
        check("銀ウナギは河口をいつ離れますか", &[]);
        check("은뱀장어는 언제 하구를 떠나는가?", &[]);
    }

    #[test]
    fn a_short_question_or_one_of_one_piece_stays_whole() {
        check("Who left the harbour, and who stayed in the city?", &[]);
        check("northern fleet harbour spring botanist letters mosses walls archive lighthouse keeper", &[]);
        check("", &[]);
        check(&"northern harbour mosses, ".repeat(20), &[]);
    }

    #[test]
    fn a_pasted_book_is_cut_on_a_character() {
        let query = Query::new("ü".repeat(1_000_000), None);
        assert!(query.text().len() <= super::MAX_BYTES && query.text().ends_with('ü'));
    }

    #[test]
    fn a_few_words_behind_the_last_border_stay_with_their_clause() {
        check(
            "Compare annual rainfall over northern walls, southern harbour towns under heavy spring storms, please explain",
            &[
                "Compare annual rainfall over northern walls, ",
                "southern harbour towns under heavy spring storms, please explain",
            ],
        );
    }
}
