//! A passage as it is read for an answer: its lines, each with what can be compared in it, and what
//! stands above them.

use std::sync::Arc;

use ibid_index::analysis::{Language, Lexicon, Term, TermKind, terms};

use super::choose::ratio;
use super::form::heads_changes;
use super::record::read;
use super::row::{Row, rows};
use crate::abbreviation::Abbreviations;
use crate::ask::cite::{Facts, Number};
use crate::ask::prompt::Excerpt;
use crate::ask::sentence::{Item, Sentence, SentenceKind};
use crate::ask::told::without_targets;
use crate::document::HEADING_SEPARATOR;
use crate::table::is_finished;

/// A passage with its sentences.
pub(super) struct Read<'a> {
    pub(super) lines: Vec<Line<'a>>,
    /// Of all of them.
    pub(super) whole: Facts,
    /// Of its title.
    pub(super) title: Facts,
    /// Of its title and its headings.
    pub(super) heading: Facts,
    /// Of what stands above the columns of a table that it begins inside.
    columns: Facts,
    /// Whether it notes what changed from version to version.
    pub(super) is_of_changes: bool,
}

/// A sentence, a heading or a row of it.
pub(super) struct Line<'a> {
    pub(super) sentence: Sentence,
    pub(super) text: &'a str,
    pub(super) facts: Facts,
    /// Whether it ends as a sentence and has a word of grammar, without which few get along.
    pub(super) is_whole: bool,
    /// If it is a row of a table.
    pub(super) row: Option<Row>,
    /// The section it stands in, below the document's title; of a sentence in a cell what it is said of.
    pub(super) section: Option<Arc<Facts>>,
    /// What it is said of, in a cell or in an item of a list.
    pub(super) said_of: Option<Arc<Facts>>,
    /// Where what it goes on with begins, if it is a further sentence of an item.
    pub(super) goes_on_from: Option<usize>,
    /// The items of the list, or the code, that it introduces.
    pub(super) list: Vec<Item>,
    /// Whether the section begins with it.
    pub(super) opens_section: bool,
}

impl Line<'_> {
    /// How much of the section's heading the question says, if it is at least half, from 0 to 1.
    pub(super) fn is_below(&self, asked: &Facts) -> f32 {
        let Some(section) = &self.section else { return 0.0 };
        let num_said = section.words.iter().filter(|(word, _)| asked.holds(word) == 1.0).count();
        if section.words.is_empty() || num_said * 2 < section.words.len() {
            return 0.0;
        }
        ratio(num_said, section.words.len())
    }

    /// How far the section is what is asked for: the question says its heading, and no word that neither
    /// this nor the title says. From 0 to 1.
    pub(super) fn is_of_section(&self, asked: &Facts, title: &Facts) -> f32 {
        let Some(section) = &self.section else { return 0.0 };
        let is_above = |word: &str| section.holds(word) == 1.0 || title.holds(word) == 1.0;
        let is_all_said = asked.words.iter().all(|(word, _)| is_above(word));
        if is_all_said { self.is_below(asked) } else { 0.0 }
    }
}

impl<'a> Read<'a> {
    /// Reads a passage; what its document is known to write short is read in both forms.
    pub(super) fn of(
        excerpt: &'a Excerpt,
        language: Option<Language>,
        abbreviations: &Abbreviations,
        lexicon: &Lexicon,
    ) -> Self {
        let own = Language::detect(&excerpt.text);
        let has_grammar = |text: &str| terms(text, own).any(|term| term.kind == TermKind::Stop);
        // Of some languages the words of grammar are not known, and some do with few.
        let is_known = own.is_none_or(has_articles) && has_grammar(&excerpt.text);
        let items = excerpt.items();
        let line = |sentence: Sentence| {
            let text = &excerpt.text[sentence.range.clone()];
            // A page may begin inside a sentence, and code may stand inside one.
            let before = excerpt.text[..sentence.range.start].trim_end();
            let is_cut = text.starts_with(char::is_lowercase)
                && (before.ends_with("```") || (before.is_empty() && excerpt.source.page.is_some()));
            let is_whole = is_finished(text) && !is_cut && (!is_known || has_grammar(text));
            let otherwise = format!("{}\n{}", abbreviations.missing_in(text).join("\n"), joined(text));
            let facts = Facts::of(&without_targets(text), language).and(Facts::of(&otherwise, language));
            let facts = facts.with_parts(compounds(text, language, lexicon));
            let is_cell = sentence.kind == SentenceKind::Cell;
            let said_of = excerpt.said_of_sentence(&items, &sentence);
            let said_of = said_of.map(|of| Arc::new(Facts::of(&of, language)));
            let section = said_of.clone().filter(|_| is_cell);
            let opens_section = section.is_some() && begins_cell(&excerpt.text[..sentence.range.start]);
            let list = items.iter().filter(|item| !is_cut && item.leads.last() == Some(&sentence.range));
            let list = list.cloned().collect();
            Line {
                sentence,
                text,
                facts,
                is_whole,
                row: None,
                section,
                opens_section,
                said_of,
                goes_on_from: None,
                list,
            }
        };
        // It may be the name of a file, whose words are parted by other signs.
        let title = excerpt.source.title.replace(['_', '/'], " ");
        let heading = [title.as_str(), excerpt.source.heading.as_deref().unwrap_or_default()].join(". ");
        let mut lines: Vec<Line<'_>> = excerpt.sentences().into_iter().map(line).collect();
        let kinds = lines.iter().map(|line| (line.sentence.kind, line.sentence.range.clone()));
        let rows = rows(excerpt, kinds, language);
        lines.iter_mut().zip(rows).for_each(|(line, row)| line.row = row);
        join_items(&excerpt.text, &mut lines);
        let title = Facts::of(&title, language);
        let above = excerpt.source.heading.as_deref().unwrap_or_default();
        let above = above.rsplit(HEADING_SEPARATOR).next().unwrap_or_default();
        tell_sections(&mut lines, &title, above, language);
        let whole = lines.iter().map(|line| line.facts.clone()).reduce(Facts::and).unwrap_or_default();
        let columns = read(excerpt.source.columns.as_deref().unwrap_or_default(), language);
        let is_of_changes = heads_changes(&heading);
        Self { lines, whole, title, heading: Facts::of(&heading, language), columns, is_of_changes }
    }

    /// Whether one of its lines has a word.
    pub(super) fn says(&self, word: &str) -> bool {
        self.lines.iter().any(|line| line.facts.holds(word) == 1.0)
    }

    /// The numbers in it and above it.
    pub(super) fn numbers(&self) -> impl Iterator<Item = &Number> {
        [&self.whole, &self.heading, &self.columns].into_iter().flat_map(|facts| &facts.numbers)
    }

    /// Whether a line says nothing that the question, or the title and the headings above it, do not
    /// say: a heading that is laid out as text.
    pub(super) fn is_heading(&self, line: &Line<'_>, asked: &Facts) -> bool {
        let Line { text, facts, .. } = line;
        let label = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.').len();
        let mut numbers = facts.numbers.iter().filter(|number| number.start >= label);
        let without_hyphens = joined(text).to_lowercase();
        let is_joined = |word: &str| without_hyphens.lines().any(|joined| joined.starts_with(word));
        let is_above = |word: &str| asked.holds(word) == 1.0 || self.heading.holds(word) == 1.0;
        !is_finished(text)
            && facts.words.iter().all(|(word, _)| is_above(word) || is_joined(word))
            && numbers.all(|number| asked.holds_number(number) || self.heading.holds_number(number))
    }
}

/// Tells the further sentences of an item that they are said of its first: "This is the default." says nothing
/// by itself.
fn join_items(text: &str, lines: &mut [Line<'_>]) {
    for at in 1..lines.len() {
        let (before, line) = lines.split_at_mut(at);
        let (Some(before), Some(line)) = (before.last(), line.first_mut()) else { continue };
        let is_item = |line: &Line<'_>| line.sentence.kind == SentenceKind::Item;
        let between = before.sentence.range.end..line.sentence.range.start;
        // The marker of the next item stands between two.
        if is_item(before) && is_item(line) && text[between].trim().is_empty() {
            line.said_of = match before.goes_on_from {
                Some(_) => before.said_of.clone(),
                None => {
                    let of = before.said_of.iter().map(|of| Facts::clone(of));
                    Some(Arc::new(of.fold(before.facts.clone(), Facts::and)))
                }
            };
            line.goes_on_from = before.goes_on_from.or(Some(before.sentence.range.start));
        }
    }
}

/// Tells each line the section that it stands in, unless it is a cell, which has its own.
fn tell_sections(lines: &mut [Line<'_>], title: &Facts, above: &str, language: Option<Language>) {
    let below_title = |heading: &str| {
        let facts = Facts::of(before_brackets(heading), language);
        let is_title = facts.words.iter().all(|(word, _)| title.holds(word) == 1.0);
        (!is_title).then(|| Arc::new(facts))
    };
    let (mut section, mut is_begun) = (below_title(above), true);
    for line in lines {
        match line.sentence.kind {
            SentenceKind::Heading => (section, is_begun) = (below_title(line.text), false),
            SentenceKind::Cell => {}
            _ => {
                line.section.clone_from(&section);
                line.opens_section = !is_begun;
                is_begun = true;
            }
        }
    }
}

/// A heading without the remark in brackets at its end: `max_gates (integer)`.
fn before_brackets(heading: &str) -> &str {
    let parts = heading.strip_suffix(')').and_then(|heading| heading.rsplit_once('('));
    parts.map(|(before, _)| before).filter(|before| !before.trim().is_empty()).unwrap_or(heading)
}

/// The compounds of a text, of which other words stand by themselves elsewhere, each with these.
pub(super) fn compounds(
    text: &str,
    language: Option<Language>,
    lexicon: &Lexicon,
) -> Vec<(Arc<str>, Vec<Arc<str>>)> {
    let words = terms(text, language).filter(|term| term.kind == TermKind::Word);
    let compound = |term: Term| {
        let parts = lexicon.parts(&text[term.start..term.end]);
        let parts: Vec<Arc<str>> = parts.iter().map(|part| part.as_str().into()).collect();
        (!parts.is_empty()).then(|| (term.stem.into(), parts))
    };
    words.filter_map(compound).collect()
}

/// The words of a text that have a hyphen in them, without it: some write `meet-up`, and some `meetup`.
fn joined(text: &str) -> String {
    let is_joined = |word: &&str| {
        let mut parts = word.split('-');
        word.contains('-') && parts.all(|part| !part.is_empty() && part.chars().all(char::is_alphabetic))
    };
    let words = text.split(|c: char| !c.is_alphanumeric() && c != '-').filter(is_joined);
    words.map(|word| word.replace('-', "")).collect::<Vec<_>>().join("\n")
}

/// Whether what stands before a sentence parts it from another cell.
fn begins_cell(before: &str) -> bool {
    before.trim_end_matches(' ').ends_with(['|', '\t', '\n'])
}

/// Whether a language puts an article, a word by itself, before most nouns.
fn has_articles(language: Language) -> bool {
    let codes = ["ca", "da", "de", "el", "en", "es", "fr", "hu", "it", "nb", "nl", "pt", "ro", "sv"];
    codes.contains(&language.code())
}
