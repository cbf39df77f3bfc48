//! Marks into citations, while the answer is being written. The scanner holds back what may become
//! a mark, never a word, and says what each mark is to carry; a shelf finds the quote that carries
//! it. The scanner keeps no passage, so that an answer that is slow to come holds little. Whether
//! the answer as a whole stands on its sources is the work of `ground`.

#[cfg(test)]
pub(crate) mod fixtures;
mod mark;
mod negation;
mod number;
mod quote;
mod shelves;
mod support;
#[cfg(test)]
mod tests;
mod words;

use ibid_index::analysis::Language;

use self::mark::Reading;
pub(crate) use self::negation::denials;
pub(crate) use self::number::{Number, unit_named};
pub(crate) use self::quote::Shelf;
pub use self::shelves::Shelves;
pub(crate) use self::support::{Facts, Weights, writes_nouns_with_capitals};
pub use self::support::{PARTIAL, SUPPORTED, verdict};
use super::sentence::{MAX_SENTENCE_BYTES, sentences};

/// How far back of a place its sentence is looked for, in bytes: sentences are cut long before, and
/// without a bound one line without end would be read again for each of its marks.
const REACH_BYTES: usize = 2 * MAX_SENTENCE_BYTES;

/// What comes out of the scanner. A mark follows the text that holds it; where the claim
/// comes after the mark ("According to \[1\], …") it follows the end of that sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// More of the answer; a mark is never cut in two.
    Text(String),
    /// A mark of a supplied passage, and what it is to carry.
    Mark(Mark),
}

/// A claim that a passage is named for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The number of the passage.
    pub n: u32,
    /// Where the claim begins in the answer, in bytes.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
    /// Its words, without marks.
    pub claim: String,
}

/// Reads an answer as it comes and checks its citation marks.
///
/// Marks are normalised to `[1][3]`. One that names no supplied passage is dropped and counted,
/// with the space before it. Links, escaped brackets, code, years and task boxes pass untouched.
pub struct Scanner {
    /// The numbers of the passages that can be cited.
    numbers: Vec<u32>,
    language: Option<Language>,
    answer: String,
    /// A bracket that may become a mark; a whole mark waiting for the character after it.
    held: String,
    /// Spaces that belong to a mark if one follows, or to nothing if it was dropped.
    gap: String,
    after_drop: bool,
    code: Code,
    /// Marks whose claim comes after them: number and place in the answer.
    waiting: Vec<(u32, usize)>,
    /// Where the last run of marks ended, the numbers in it and the claim they stand on.
    last: Option<LastMarks>,
    dropped: u32,
    pieces: Vec<Piece>,
}

struct LastMarks {
    end: usize,
    numbers: Vec<u32>,
    claim: Option<(usize, usize)>,
}

/// Where in Markdown code the text stands; brackets in code are no marks.
#[derive(Default)]
struct Code {
    ticks: usize,
    run: usize,
    fence: bool,
    escaped: bool,
}

impl Scanner {
    /// A scanner for an answer over the passages of these numbers, read in this language.
    #[must_use]
    pub fn new(numbers: Vec<u32>, language: Option<Language>) -> Self {
        Self {
            numbers,
            language,
            answer: String::new(),
            held: String::new(),
            gap: String::new(),
            after_drop: false,
            code: Code::default(),
            waiting: Vec::new(),
            last: None,
            dropped: 0,
            pieces: Vec::new(),
        }
    }

    /// Takes more of the answer and returns what is certain by now. Where the text was cut between
    /// calls makes no difference to what comes out in all.
    pub fn push(&mut self, delta: &str) -> Vec<Piece> {
        for c in delta.chars() {
            self.step(c);
        }
        std::mem::take(&mut self.pieces)
    }

    /// Ends the answer and returns what was held back.
    pub fn finish(&mut self) -> Vec<Piece> {
        self.settle();
        if !self.after_drop {
            self.release_gap();
        }
        self.gap.clear();
        self.resolve_waiting();
        std::mem::take(&mut self.pieces)
    }

    /// The answer so far, as it came out.
    #[must_use]
    pub fn answer(&self) -> &str {
        &self.answer
    }

    /// Number of marks that named no supplied passage.
    #[must_use]
    pub fn dropped_marks(&self) -> u32 {
        self.dropped
    }

    fn step(&mut self, c: char) {
        if self.held.is_empty() {
            if !mark::opens(c) {
                self.plain(c);
            } else if self.code.admits_mark(c, &self.answer) {
                self.held.push(c);
            } else {
                self.emit(c.encode_utf8(&mut [0; 4]));
            }
            return;
        }
        if let Reading::Mark(numbers) = mark::read(&self.held) {
            let held = std::mem::take(&mut self.held);
            if c == '(' {
                self.emit(&held);
            } else {
                self.cite(&numbers);
            }
            return self.step(c);
        }
        self.held.push(c);
        if mark::read(&self.held) == Reading::Other {
            let held = std::mem::take(&mut self.held);
            let mut chars = held.chars();
            self.emit(&chars.next().map(String::from).unwrap_or_default());
            chars.for_each(|c| self.step(c));
        }
    }

    /// Decides what is still held when nothing more comes.
    fn settle(&mut self) {
        while !self.held.is_empty() {
            let held = std::mem::take(&mut self.held);
            if let Reading::Mark(numbers) = mark::read(&held) {
                return self.cite(&numbers);
            }
            let mut chars = held.chars();
            self.emit(&chars.next().map(String::from).unwrap_or_default());
            chars.for_each(|c| self.step(c));
        }
    }

    fn plain(&mut self, c: char) {
        if c == ' ' && !self.code.holds() {
            self.code.read(c, &self.answer);
            self.gap.push(c);
            return;
        }
        if self.after_drop && matches!(c, '.' | ',' | ';' | ':' | '!' | '?' | ')' | '\n' | '。' | '，') {
            self.gap.clear();
        }
        if self.after_drop && self.gap.len() > 1 {
            self.gap.truncate(1);
        }
        self.code.read(c, &self.answer);
        let is_within_word =
            c.is_ascii_alphanumeric() && self.answer.ends_with(|c: char| c.is_ascii_alphanumeric());
        self.emit(c.encode_utf8(&mut [0; 4]));
        if !self.waiting.is_empty() && !is_within_word {
            self.resolve_if_ended();
        }
    }

    fn emit(&mut self, text: &str) {
        self.release_gap();
        self.after_drop = false;
        self.say(text);
    }

    fn release_gap(&mut self) {
        let gap = std::mem::take(&mut self.gap);
        self.say(&gap);
    }

    fn say(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        self.answer.push_str(text);
        match self.pieces.last_mut() {
            Some(Piece::Text(last)) => last.push_str(text),
            _ => self.pieces.push(Piece::Text(text.to_owned())),
        }
    }

    fn cite(&mut self, numbers: &[u32]) {
        for &n in numbers {
            if !self.numbers.contains(&n) {
                self.dropped += 1;
                self.after_drop = true;
                continue;
            }
            let follows =
                self.gap.is_empty() && self.last.as_ref().is_some_and(|last| last.end == self.answer.len());
            if !follows {
                let claim = self.claim();
                self.last = Some(LastMarks { end: 0, numbers: Vec::new(), claim });
            }
            let Some(last) = self.last.as_mut() else { continue };
            if last.numbers.contains(&n) {
                continue;
            }
            last.numbers.push(n);
            let claim = last.claim;
            let place = self.answer.len() + self.gap.len();
            self.emit(&format!("[{n}]"));
            if let Some(last) = self.last.as_mut() {
                last.end = self.answer.len();
            }
            match claim {
                Some((start, end)) => self.mark(n, start, end),
                None => self.waiting.push((n, place)),
            }
        }
    }

    /// The claim a mark here stands on: the sentence just written, or the part of it since the last
    /// mark. None if the line holds nothing to check yet.
    fn claim(&self) -> Option<(usize, usize)> {
        let line = self.answer.rfind('\n').map_or(0, |at| at + 1);
        let before = self.answer.trim_end().len();
        // A wrapped sentence may begin some lines up; a blank line is as far as it can.
        if before <= line {
            return None;
        }
        let reach = self.reach(before);
        let paragraph = self.answer[reach..line.max(reach)].rfind("\n\n").map_or(reach, |at| reach + at + 2);
        let sentence = sentences(&self.answer[paragraph..before]).pop()?;
        let (start, end) = (paragraph + sentence.range.start, paragraph + sentence.range.end);
        let since = self.last.as_ref().map_or(start, |last| last.end.clamp(start, end));
        let rest = &self.answer[since..end];
        let begins = since + (rest.len() - rest.trim_start_matches(|c: char| !c.is_alphanumeric()).len());
        let tells = |from: usize| self.tells(&self.answer[from..end]);
        if since > start && begins < end && tells(begins) >= 2 {
            return Some((begins, end));
        }
        (tells(start) > 0).then_some((start, end))
    }

    /// Number of content words and numbers, the words of attribution left out.
    fn tells(&self, text: &str) -> usize {
        let facts = Facts::of(&without_marks(text), self.language);
        let speaks = |word: &str| ATTRIBUTION.iter().any(|stem| word.starts_with(stem));
        facts.numbers.len() + facts.words.iter().filter(|(word, _)| !speaks(word)).count()
    }

    fn resolve_if_ended(&mut self) {
        let Some(&(_, place)) = self.waiting.first() else { return };
        let ended = self.answer.ends_with('\n') || {
            let line = self.line(place);
            let containing = sentences(&self.answer[line..]);
            containing.iter().any(|sentence| line + sentence.range.start > place)
        };
        if ended {
            self.resolve_waiting();
        }
    }

    /// Where the line of a place begins, within reach.
    fn line(&self, place: usize) -> usize {
        let reach = self.reach(place);
        self.answer[reach..place].rfind('\n').map_or(reach, |at| reach + at + 1)
    }

    fn reach(&self, place: usize) -> usize {
        self.answer.floor_char_boundary(place.saturating_sub(REACH_BYTES))
    }

    fn resolve_waiting(&mut self) {
        for (n, place) in std::mem::take(&mut self.waiting) {
            let line = self.line(place);
            let found = sentences(&self.answer[line..])
                .into_iter()
                .find(|sentence| line + sentence.range.end > place);
            let range = found.map_or(place..self.answer.len(), |s| line + s.range.start..line + s.range.end);
            self.mark(n, range.start, range.end);
        }
    }

    fn mark(&mut self, n: u32, start: usize, end: usize) {
        let claim = without_marks(&self.answer[start..end]);
        self.pieces.push(Piece::Mark(Mark { n, start, end, claim }));
    }
}

impl Code {
    fn holds(&self) -> bool {
        self.fence || self.ticks > 0
    }

    /// Reads an opening bracket; whether it may begin a mark.
    fn admits_mark(&mut self, bracket: char, before: &str) -> bool {
        let escaped = self.escaped;
        self.read(bracket, before);
        !escaped && !self.holds()
    }

    fn read(&mut self, c: char, before: &str) {
        let escaped = self.escaped;
        self.escaped = c == '\\' && !escaped;
        if c == '`' && (!escaped || self.holds()) {
            self.run += 1;
            return;
        }
        let run = std::mem::take(&mut self.run);
        if run > 0 {
            let line = before.trim_end_matches('`').rsplit('\n').next().unwrap_or_default();
            if run >= 3 && line.trim().is_empty() {
                self.fence = !self.fence;
                self.ticks = 0;
            } else if self.ticks == run {
                self.ticks = 0;
            } else if self.ticks == 0 {
                self.ticks = run;
            }
        }
        if c == '\n' && before.ends_with('\n') {
            self.ticks = 0;
        }
    }
}

/// Stems of words that only say where a claim comes from.
const ATTRIBUTION: &[&str] = &[
    "accord", "sourc", "passag", "document", "state", "report", "note", "see", "describ", "mention", "laut",
    "selon",
];

/// A text without its `[n]` marks.
#[must_use]
pub fn without_marks(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('[') {
        let close = rest[open..].find(']').map(|at| open + at + 1);
        let Some(close) = close.filter(|close| matches!(mark::read(&rest[open..*close]), Reading::Mark(_)))
        else {
            plain.push_str(&rest[..=open]);
            rest = &rest[open + 1..];
            continue;
        };
        plain.push_str(rest[..open].trim_end_matches(' '));
        rest = &rest[close..];
    }
    plain.push_str(rest);
    plain
}
