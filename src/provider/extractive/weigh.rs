//! How well a sentence answers a question: what of the question it covers with what stands around it, and
//! the signs of an answer in it. Counts and signs, not understanding.

use ibid_index::analysis::{Language, terms};

use super::choose::ratio;
use super::coverage::coverage;
use super::cue::{Asked, asks_change, asks_way, counted, counts, measure, names_reason};
use super::form::{begins_with_pronoun, is_bracketed, is_change_note, is_debris, is_pointer, is_reference};
use super::passage::{Line, Read};
use crate::ask::cite::{Facts, Weights};
use crate::ask::sentence::{Item, SentenceKind};
use crate::ask::topic::Topic;

/// A longer sentence, in bytes, is hard to read.
const LONG_BYTES: usize = 450;

/// What it counts for that a list or code follows, if it is asked how to do something.
const STEPS: f32 = 0.25;

/// What the first words of a sentence count for, if they are asked for.
const OPENING: &[f32] = &[1.0, 0.75, 0.5, 0.25];

/// What it counts for that a sentence stands below a heading that the question says.
const BELOW: f32 = 0.15;

/// How much what the sentence before one is about counts as said in it, if a pronoun stands for that.
const MEANT: f32 = 0.8;

/// What a line of code and what introduces it must say of a question, if the line gives a value.
const SET: f32 = 0.75;

/// What a sentence loses that notes what changed, unless that is asked for.
const CHANGED: f32 = 0.2;

/// What a sentence loses that is said beside another.
const BRACKETED: f32 = 0.15;

/// What the sign of an answer counts for in the next sentence.
const NEXT: f32 = 0.15;

/// What parts a label from what it tells.
const SIGNS: &[&str] = &[":", "：", " — ", " – "];
/// Words and bytes of a label before it, at most.
const LABEL_WORDS: usize = 4;
const LABEL_BYTES: usize = 60;

/// A question, as sentences are weighed against it.
pub(super) struct Scale<'q> {
    asked: &'q Facts,
    /// What was asked last, where more was carried over: that says what it is about, not what is asked of it.
    own: Option<Facts>,
    weights: &'q Weights,
    kind: Asked,
    /// The measure it asks for, which an answer may have beside its number: "80 metres long".
    measure: Option<String>,
    /// Whether it asks how to do something.
    asks_way: bool,
    /// Whether it may ask for what changed.
    asks_change: bool,
    /// What it asks the number of.
    counted: Option<String>,
    /// The options of a program that it names: `--keys`.
    options: Vec<String>,
    language: Option<Language>,
    /// What it is about, if an answer may say what that is.
    topic: Option<Topic>,
}

/// What a sentence is worth to a question.
#[derive(Clone, Copy, Debug)]
pub(super) struct Worth {
    /// How much of the question it covers with its surroundings, from 0 to 1.
    pub(super) coverage: f32,
    /// How it stands among others.
    pub(super) score: f32,
}

impl<'q> Scale<'q> {
    pub(super) fn new(
        question: &str,
        asked: &'q Facts,
        own: Option<Facts>,
        weights: &'q Weights,
        language: Option<Language>,
    ) -> Self {
        let kind = Asked::by(question).of(asked);
        let asks_way = asks_way(question);
        let topic = Topic::of(asked.words.iter().map(|(word, _)| &**word), language)
            .filter(|_| matches!(kind, Asked::Person | Asked::Definition | Asked::Whether | Asked::Anything))
            .filter(|_| !asks_way);
        let measure = measure(question).and_then(|measure| terms(&measure, language).next());
        Self {
            asked,
            own,
            weights,
            kind,
            measure: measure.map(|measure| measure.stem),
            asks_way,
            asks_change: kind == Asked::Time || asks_change(question),
            counted: counted(question, language),
            options: question
                .split_whitespace()
                .map(|word| word.trim_end_matches(['?', ',', '.']))
                .filter(|word| word.starts_with('-'))
                .map(str::to_owned)
                .collect(),
            language,
            topic,
        }
    }

    /// What a line of a passage is worth that speaks of `named`; `None` if it is not to be told.
    pub(super) fn weigh(&self, read: &Read<'_>, at: usize, named: &Facts) -> Option<Worth> {
        let line = &read.lines[at];
        let Line { text, facts, row, .. } = line;
        let of_section = line.is_of_section(self.asked, &read.title);
        let mut shown = self.kind.shown(text, facts, self.asked);
        if let Some(noun) = &self.counted {
            shown = if counts(text, facts, self.asked, noun, self.language) { 1.0 } else { 0.5 * shown };
        }
        let is_measured = shown > 0.0 && self.measure.as_ref().is_some_and(|word| facts.holds(word) == 1.0);
        let is_near = of_section > 0.0 || self.covered(self.asked, &[Some((facts, 1.0))]) > 0.0;
        if !(is_near || is_measured) || self.is_unfit(read, line, shown) {
            return None;
        }
        // A cell or an item is told with what it is said of.
        let said_of = line.said_of.as_deref();
        let is_below = line.is_below(self.asked);
        let section = line.section.as_deref().filter(|_| is_below > 0.0).map(|section| (section, 0.9));
        // Of a question of many parts a heading says one.
        let is_below = is_below * (2.0 * self.covered(self.asked, &[section])).min(1.0);
        let heads = |near: f32| row.as_ref().map(|row| (&*row.heads, near));
        let before = at.checked_sub(1).map(|before| &read.lines[before]);
        let coverage = self.covered(
            self.asked,
            &[
                Some((facts, 1.0)),
                Some((&read.heading, 0.7)),
                said_of.map(|of| (of, 0.9)),
                section,
                heads(0.7),
                Some((named, 0.7)),
                before.map(|before| (&before.facts, 0.6)),
                Some((&read.whole, 0.5)),
            ],
        );
        let of_before = before.filter(|before| self.is_of_before(line, before));
        // What stands above a row is meant in it, and a section's heading in all of the section.
        let said = [
            Some((facts, 1.0)),
            heads(0.9),
            row.as_ref().map(|_| (&read.heading, 0.9)),
            said_of.map(|of| (of, 0.9)),
            section,
            of_before.map(|before| (&before.facts, MEANT)),
        ];
        let itself = self.covered(self.asked, &said);
        let of_own = self.own.as_ref().map_or(itself, |own| self.covered(own, &said));
        let near = nearness(self.asked, facts).max(said_of.map_or(0.0, |of| nearness(self.asked, of)));
        // A row says of what it names how much or when; seldom yes or no.
        let row = row.as_ref().filter(|_| self.kind != Asked::Whether);
        let (labelled, meant) = row.map_or((0.0, 0.0), |row| row.fit(self.asked, &read.heading));
        // What stands before a colon there is a part of what changed.
        let is_change = self.is_change(read, line);
        let is_field = (self.is_field(text) && !is_change) || self.is_setting(line, shown);
        let labelled = if is_field { 1.0 } else { labelled };
        let is_named = before.is_some_and(|before| self.is_named_by(before));
        let named = f32::from(u8::from(is_named));
        let told = self.topic.as_ref().map_or(0.0, |topic| topic.told_by(text).max(named));
        let score = 0.25 * (itself + of_own)
            + 0.5 * coverage
            + 0.15 * near
            + 0.25 * shown.max(labelled).max(named)
            + if is_measured { 0.15 } else { 0.0 }
            + 0.4 * meant
            + 0.25 * told
            + (of_section * if line.opens_section { 0.3 } else { 0.2 }).max(BELOW * is_below)
            + 0.1 * itself * self.opening(facts)
            + if self.asks_way && self.introduces(line) { STEPS } else { 0.0 }
            - if is_change { CHANGED } else { 0.0 }
            - self.dryness(line, labelled, is_field);
        Some(Worth { coverage, score })
    }

    /// Whether a sentence is about what the one before it is about, and does not name that: "It was built in 1874."
    fn is_of_before(&self, line: &Line<'_>, before: &Line<'_>) -> bool {
        let is_prose = |line: &Line<'_>| line.sentence.kind == SentenceKind::Prose && line.is_whole;
        is_prose(line) && is_prose(before) && begins_with_pronoun(line.text, self.language)
    }

    /// How early a sentence speaks of what is asked, from 0 to 1: what it is about tends to stand first.
    fn opening(&self, facts: &Facts) -> f32 {
        let mut first = facts.words.iter().zip(OPENING);
        first.find(|((word, _), _)| self.asked.holds(word) > 0.0).map_or(0.0, |(_, share)| *share)
    }

    /// What a sentence gains by the next one, if that has the sign of an answer which it lacks, and no word of the
    /// question: "The size of a chunk was a question of design. We chose 64 MB."
    pub(super) fn next_shows(&self, read: &Read<'_>, at: usize) -> Option<f32> {
        let (line, next) = (&read.lines[at], read.lines.get(at + 1)?);
        let is_prose = |line: &Line<'_>| line.sentence.kind == SentenceKind::Prose && line.is_whole;
        let asks_amount = matches!(self.kind, Asked::Amount(_) | Asked::Time);
        let shown = |line: &Line<'_>| self.kind.shown(line.text, &line.facts, self.asked);
        let goes_on = asks_amount && is_prose(line) && is_prose(next) && self.counted.is_none();
        (goes_on && shown(line) == 0.0 && self.covered(self.asked, &[Some((&next.facts, 1.0))]) == 0.0)
            .then(|| NEXT * shown(next))
            .filter(|gain| *gain > 0.0)
    }

    fn covered(&self, asked: &Facts, texts: &[Option<(&Facts, f32)>]) -> f32 {
        coverage(asked, texts, self.weights)
    }

    /// Whether a line says nothing that could be told of what is asked.
    fn is_unfit(&self, read: &Read<'_>, line: &Line<'_>, shown: f32) -> bool {
        let Line { sentence, text, facts, row, .. } = line;
        let is_row = sentence.kind == SentenceKind::Row;
        let has_reasons = || row.as_ref().is_some_and(|row| names_reason(&row.heads, self.language));
        if sentence.kind == SentenceKind::Code {
            return !self.is_setting(line, shown);
        }
        matches!(sentence.kind, SentenceKind::Heading | SentenceKind::Label)
            || text.ends_with(['?', '？', '؟'])
            || (text.ends_with([':', '：']) && !self.may_be_list(line, shown))
            || (!is_row && is_debris(text))
            // A row gives no reasons, unless there is a column of them.
            || (is_row && self.kind == Asked::Reason && !has_reasons())
            || row.as_ref().is_some_and(|row| row.is_bare || row.is_mute(self.asked, facts, &read.heading))
            || (!self.introduces(line) && read.is_heading(line, self.asked))
    }

    /// Whether a list answers: not if yes or no is asked for, and if it is someone or a number, only one that is
    /// introduced with that.
    fn may_be_list(&self, line: &Line<'_>, shown: f32) -> bool {
        let may_be = match self.kind {
            Asked::Whether => false,
            Asked::Person | Asked::Time | Asked::Place | Asked::Amount(_) => shown > 0.0,
            Asked::Reason | Asked::Definition | Asked::Anything => true,
        };
        may_be && self.introduces(line)
    }

    /// Whether a line introduces a list, or code. What stands above code without a colon is its title, and tells
    /// how something is done but not what it is.
    fn introduces(&self, line: &Line<'_>) -> bool {
        let is_title = |code: &Item| code.is_code && !line.text.ends_with([':', '：']);
        line.list.first().is_some_and(|first| self.asks_way || !is_title(first))
    }

    /// Whether a line tells what is asked for behind a label that is just that: "Source: the Eel Trust".
    fn is_field(&self, text: &str) -> bool {
        let sign = SIGNS.iter().filter_map(|sign| Some((text.find(sign)?, sign.len()))).min();
        let Some((at, length)) = sign else { return false };
        let (label, value) = (&text[..at], &text[at + length..]);
        let is_short = label.split_whitespace().count() <= LABEL_WORDS && label.len() <= LABEL_BYTES;
        let is_asked = || {
            let label = Facts::of(label, self.language);
            !label.words.is_empty() && label.words.iter().all(|(word, _)| self.asked.holds(word) == 1.0)
        };
        // An option is another name, unless it is asked for as one.
        let option = label.split([' ', ',', '=']).next().filter(|option| option.starts_with('-'));
        let is_meant = option.is_none_or(|option| self.options.iter().any(|asked| asked == option));
        is_short && is_meant && value.contains(char::is_alphanumeric) && is_asked()
    }

    /// Whether a line of code sets what is asked for, `gates = 3`, and what introduces it says what that is of.
    fn is_setting(&self, line: &Line<'_>, shown: f32) -> bool {
        let may_be = match self.kind {
            Asked::Person | Asked::Time | Asked::Place | Asked::Amount(_) => shown > 0.0,
            Asked::Anything => !self.asks_way,
            Asked::Reason | Asked::Definition | Asked::Whether => false,
        };
        let is_code = line.sentence.kind == SentenceKind::Code;
        let Some(said_of) = line.said_of.as_deref().filter(|_| is_code && may_be) else { return false };
        let Some((name, value)) = line.text.split_once(['=', ':']) else { return false };
        let [name, value] = [name, value].map(|part| Facts::of(part, self.language));
        let is_new = |facts: &Facts| {
            facts.words.iter().any(|(word, _)| self.asked.holds(word) < 1.0)
                || facts.numbers.iter().any(|number| !self.asked.holds_number(number))
        };
        let by_name = self.covered(self.asked, &[Some((&name, 1.0))]);
        let in_all = self.covered(self.asked, &[Some((&line.facts, 1.0)), Some((said_of, 1.0))]);
        by_name > 0.0 && !is_new(&name) && is_new(&value) && in_all >= SET.max(by_name + f32::EPSILON)
    }

    /// Whether a line only notes what changed.
    fn is_change(&self, read: &Read<'_>, line: &Line<'_>) -> bool {
        !self.asks_change && (read.is_of_changes || is_change_note(line.text))
    }

    /// Whether the line before a sentence names what is asked for: in a glossary, or below a heading, it is
    /// followed by what that is.
    fn is_named_by(&self, before: &Line<'_>) -> bool {
        matches!(before.sentence.kind, SentenceKind::Label | SentenceKind::Heading)
            && self.topic.as_ref().is_some_and(|topic| topic.is_label(before.text))
    }

    /// What a sentence loses by its form.
    fn dryness(&self, line: &Line<'_>, labelled: f32, is_field: bool) -> f32 {
        let Line { sentence, text, is_whole, row, .. } = line;
        let dry = match self.kind {
            _ if sentence.kind != SentenceKind::Row => 0.0,
            // It says what something is where its label is just that.
            Asked::Definition if labelled < 1.0 => 0.4,
            _ => 0.1,
        };
        let long = if text.len() > LONG_BYTES { 0.05 } else { 0.0 };
        // A title, a byline, a caption: words that stand there without saying anything.
        let is_said = *is_whole || is_field || self.introduces(line);
        let is_fragment = (sentence.kind == SentenceKind::Prose && !is_said) || is_pointer(text);
        // It tells columns apart, or who wrote where.
        let is_aside = row.as_ref().is_some_and(|row| row.is_head) || is_reference(text);
        let bracketed = if is_bracketed(text) { BRACKETED } else { 0.0 };
        dry + long + bracketed + if is_fragment || is_aside { 0.3 } else { 0.0 }
    }
}

/// The share of neighbouring words of the question that are close in the sentence too.
fn nearness(asked: &Facts, facts: &Facts) -> f32 {
    let place = |word: &str| facts.words.iter().position(|(other, _)| **other == *word);
    let pairs = asked.words.windows(2);
    let num_pairs = pairs.len();
    let close = pairs.filter(|pair| match (place(&pair[0].0), place(&pair[1].0)) {
        (Some(one), Some(other)) => one.abs_diff(other) <= 2,
        _ => false,
    });
    ratio(close.count(), num_pairs)
}
