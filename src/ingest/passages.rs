//! Cuts a text into passages, the spans that are searched and cited. The only place that names
//! text-splitter and the only one that speaks of chunks.
//!
//! Structure comes first. A heading begins a passage, unless the section is so small that it is
//! better read with its neighbour under the same parent. A page begins a passage too, so that a
//! citation names the page its words stand on; a sentence that runs over a page's end is finished
//! first, because half a sentence supports no claim. What is still longer than a passage may be is
//! cut where text-splitter finds the best place, into pieces of about equal length.
//!
//! Passages take at most 1,250 characters: longer ones find more of the wanted spans but hand the
//! reader more to check, and overlap costs more precision than it gives. Measured on gold spans,
//! 150 to 200 words sit where the gain begins to flatten. The sections of a document that is hardly
//! longer than a passage stay whole: cut in two, neither half of an abstract says what it is about.

use text_splitter::{Characters, ChunkCapacity, ChunkConfig, MarkdownSplitter, TextSplitter};
use unicode_segmentation::UnicodeSegmentation;

use crate::document::{HEADING_SEPARATOR, PageStart, Passage};
use crate::ingest::extract::{Extracted, Heading};

/// Most characters of a passage.
pub const MAX_CHARS: usize = 1_250;
/// A document with no more characters, and without pages, is not cut within its sections.
pub const SHORT_CHARS: usize = 2_000;
/// A section with fewer characters is small enough to be merged.
const SMALL_CHARS: usize = 300;
/// Never aim for pieces shorter than this when a section is cut.
const MIN_TARGET: usize = 500;
/// What long texts are cut to, where the last piece matters little.
const TARGET: usize = 1_100;
/// text-splitter looks at this much at a time: its cost grows faster than its input.
const WINDOW_BYTES: usize = 32 << 10;
/// How far past a page's start the end of a sentence is looked for.
const SENTENCE_BYTES: usize = 600;

/// What `split` needs to know of a text.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The stored text.
    pub text: &'a str,
    /// Where pages begin, in order.
    pub pages: &'a [PageStart],
    /// Headings, in order.
    pub headings: &'a [Heading],
    /// Whether the text is Markdown.
    pub markdown: bool,
}

impl<'a> From<&'a Extracted> for View<'a> {
    fn from(extracted: &'a Extracted) -> Self {
        Self {
            text: &extracted.text,
            pages: &extracted.pages,
            headings: &extracted.headings,
            markdown: extracted.is_markdown(),
        }
    }
}

/// Cuts a text into passages that are in order, do not overlap, and together hold every character
/// that is not white space.
#[must_use]
pub fn split(view: View<'_>) -> Vec<Passage> {
    let mut places = Places::new(view);
    let mut passages = Vec::new();
    let mut put = |start: usize, end: usize| {
        let slice = &view.text[start..end];
        let start = start + (slice.len() - slice.trim_start().len());
        let end = start + slice.trim().len();
        if start < end {
            let (page, heading) = places.at(start);
            let ordinal = u32::try_from(passages.len()).unwrap_or(u32::MAX);
            passages.push(Passage { ordinal, start, end, page, heading, columns: None });
        }
    };
    let is_short = is_short(view);
    for group in groups(view) {
        let mut rest = group.start;
        if is_short {
            put(rest, group.end);
            continue;
        }
        for cut in cuts(&view.text[group.start..group.end], view.markdown) {
            put(rest, group.start + cut);
            rest = group.start + cut;
        }
        put(rest, group.end);
    }
    passages
}

fn is_short(view: View<'_>) -> bool {
    let is_possible = view.pages.is_empty() && view.text.len() <= SHORT_CHARS * 4;
    is_possible && view.text.trim().chars().count() <= SHORT_CHARS
}

/// A stretch of text under one heading, or under none, on one page.
#[derive(Clone, Copy)]
struct Section {
    start: usize,
    end: usize,
    /// 0 for text that no heading begins.
    level: u8,
    /// Length of the heading line, 0 without one.
    heading_bytes: usize,
    /// Whether a page boundary begins it, which merging respects.
    page: bool,
}

impl Section {
    /// Whether it goes on with what stands around a section that ended.
    fn is_rest(&self) -> bool {
        self.level > 0 && self.heading_bytes == 0
    }
}

/// Sections, small neighbours merged.
fn groups(view: View<'_>) -> impl Iterator<Item = Section> + '_ {
    let mut sections = sections(view).into_iter().peekable();
    std::iter::from_fn(move || {
        let mut group = sections.next()?;
        let mut length = char_count(&view.text[group.start..group.end]);
        // The lowest level seen bounds the branch of the tree the group stays in.
        while let Some(next) = sections.peek() {
            let next_length = char_count(&view.text[next.start..next.end]);
            let same_branch = next.level >= group.level && next.level > 0;
            let bare = is_bare(view.text, &group) && next.level > group.level;
            let small = length < SMALL_CHARS || next_length < SMALL_CHARS && length < 2 * SMALL_CHARS;
            let fits = small && length + next_length <= MAX_CHARS;
            // What follows where a section ends, as after an entry of a glossary, is not below its heading, nor the
            // next entry below none.
            let is_apart = next.is_rest() || (group.is_rest() && next.heading_bytes > 0);
            if next.page || !same_branch || is_apart || !(fits || bare) {
                break;
            }
            if bare {
                group.heading_bytes = next.start + next.heading_bytes - group.start;
            }
            group.end = next.end;
            length += next_length;
            sections.next();
        }
        Some(group)
    })
}

/// Whether a section has nothing below its heading.
fn is_bare(text: &str, section: &Section) -> bool {
    section.heading_bytes > 0
        && text
            .get(section.start + section.heading_bytes..section.end)
            .is_some_and(|body| body.trim().is_empty())
}

fn char_count(text: &str) -> usize {
    // Only lengths up to a passage matter; the count of a huge section would be wasted.
    if text.len() > MAX_CHARS * 4 { text.len() / 4 + 1 } else { text.trim().chars().count() }
}

fn sections(view: View<'_>) -> Vec<Section> {
    let text = view.text;
    let mut starts: Vec<Section> = Vec::with_capacity(view.headings.len() + view.pages.len() + 1);
    starts.push(Section { start: 0, end: 0, level: 0, heading_bytes: 0, page: true });
    for heading in view.headings.iter().filter(|heading| text.is_char_boundary(heading.start)) {
        let heading_bytes = text[heading.start..].find('\n').unwrap_or(text.len() - heading.start);
        starts.push(Section {
            start: heading.start,
            end: 0,
            level: heading.level,
            heading_bytes,
            page: false,
        });
    }
    for page in view.pages.iter().filter(|page| text.is_char_boundary(page.start)) {
        let start = page_cut(text, page.start);
        starts.push(Section { start, end: 0, level: 0, heading_bytes: 0, page: true });
    }
    starts.sort_by_key(|section| section.start);
    starts.dedup_by(|later, earlier| {
        let same = later.start == earlier.start;
        if same {
            earlier.page |= later.page;
            if earlier.level == 0 {
                (earlier.level, earlier.heading_bytes) = (later.level, later.heading_bytes);
            }
        }
        same
    });
    let ends: Vec<usize> = starts.iter().skip(1).map(|section| section.start).chain([text.len()]).collect();
    for (section, end) in starts.iter_mut().zip(ends) {
        section.end = end;
    }
    starts.retain(|section| !text[section.start..section.end].trim().is_empty());
    starts
}

/// Where to cut for a page: at its start, or after the sentence that runs on into it.
fn page_cut(text: &str, start: usize) -> usize {
    let before = text[..start].trim_end();
    let runs_on = before
        .ends_with(|c: char| c.is_lowercase() || matches!(c, ',' | '-' | '–' | '(' | '’' | '\''))
        && text[start..].starts_with(char::is_lowercase);
    if !runs_on {
        return start;
    }
    let mut limit = (start + SENTENCE_BYTES).min(text.len());
    while !text.is_char_boundary(limit) {
        limit -= 1;
    }
    // A blank line ends the paragraph, and with it any hope for the sentence's end.
    let window = &text[start..limit];
    let window = window.find("\n\n").map_or(window, |end| &window[..end]);
    let sentence = window.unicode_sentences().next().unwrap_or("");
    if sentence.trim_end().ends_with(['.', '!', '?', '…', '”', '"', ')']) {
        start + sentence.len()
    } else {
        start
    }
}

/// Offsets at which a stretch of text is cut.
fn cuts(text: &str, markdown: bool) -> Vec<usize> {
    let mut found = Vec::new();
    if text.len() <= MAX_CHARS || text.len() <= MAX_CHARS * 4 && text.trim().chars().count() <= MAX_CHARS {
        return found;
    }
    let splitter = Splitter::new(text, markdown);
    let mut start = 0;
    while start < text.len() {
        let end = window_end(text, start);
        let mut chunks = splitter.starts(&text[start..end]);
        if end < text.len() && chunks.len() > 1 {
            // The last piece is cut again together with what follows it.
            let last = chunks.pop().unwrap_or_default();
            found.extend(chunks.iter().map(|chunk| start + chunk));
            start += last;
        } else {
            found.extend(chunks.iter().map(|chunk| start + chunk));
            start = end;
        }
    }
    found.sort_unstable();
    found.dedup();
    found.retain(|cut| *cut > 0);
    found
}

/// The end of the window that begins at `start`: after a paragraph if one ends there, or a line,
/// or a word.
fn window_end(text: &str, start: usize) -> usize {
    let mut end = (start + WINDOW_BYTES).min(text.len());
    if end == text.len() {
        return end;
    }
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let mut half = start + WINDOW_BYTES / 2;
    while !text.is_char_boundary(half) {
        half += 1;
    }
    let tail = &text[half..end];
    let cut = tail.rfind("\n\n").or_else(|| tail.rfind('\n')).or_else(|| tail.rfind(' '));
    cut.map_or(end, |cut| half + cut + 1)
}

enum Splitter {
    Text(TextSplitter<Characters>),
    Markdown(MarkdownSplitter<Characters>),
}

impl Splitter {
    fn new(text: &str, markdown: bool) -> Self {
        // Pieces of about equal length, rather than full ones and a scrap.
        let length = if text.len() <= 16 * MAX_CHARS { text.trim().chars().count() } else { usize::MAX };
        let target = if length <= 8 * MAX_CHARS {
            let pieces = length.div_ceil(TARGET);
            (length / pieces).clamp(MIN_TARGET, TARGET)
        } else {
            TARGET
        };
        let capacity = ChunkCapacity::new(target);
        let capacity = capacity.with_max(MAX_CHARS).unwrap_or(capacity);
        let config = ChunkConfig::new(capacity).with_trim(true);
        if markdown {
            Self::Markdown(MarkdownSplitter::new(config))
        } else {
            Self::Text(TextSplitter::new(config))
        }
    }

    /// Where chunks begin. Only these are used: text between two of them belongs to the first,
    /// so nothing is lost whatever the splitter trims.
    fn starts(&self, text: &str) -> Vec<usize> {
        match self {
            Self::Text(splitter) => splitter.chunk_indices(text).map(|(start, _)| start).collect(),
            Self::Markdown(splitter) => splitter.chunk_indices(text).map(|(start, _)| start).collect(),
        }
    }
}

/// Follows pages and headings through the text; asked for growing offsets only.
struct Places<'a> {
    pages: &'a [PageStart],
    headings: &'a [Heading],
    page: Option<u32>,
    path: Vec<&'a Heading>,
}

impl<'a> Places<'a> {
    fn new(view: View<'a>) -> Self {
        Self { pages: view.pages, headings: view.headings, page: None, path: Vec::new() }
    }

    /// The page and the headings in force at `offset`; a heading is in force from its own line on.
    fn at(&mut self, offset: usize) -> (Option<u32>, Option<String>) {
        while let Some((first, rest)) = self.pages.split_first().filter(|(first, _)| first.start <= offset) {
            self.page = Some(first.page);
            self.pages = rest;
        }
        while let Some((first, rest)) = self.headings.split_first().filter(|(first, _)| first.start <= offset)
        {
            self.path.retain(|heading| heading.level < first.level);
            self.path.extend((!first.text.is_empty()).then_some(first));
            self.headings = rest;
        }
        let words: Vec<&str> = self.path.iter().map(|heading| heading.text.as_str()).collect();
        (self.page, (!words.is_empty()).then(|| words.join(HEADING_SEPARATOR)))
    }
}
