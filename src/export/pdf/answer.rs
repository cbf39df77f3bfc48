//! The Markdown of an answer on the page: headings, emphasis, lists, tables, code and quotations,
//! and every mark `[n]` as a link to its source. Pictures and tags are text; nothing is fetched.

use std::collections::HashSet;

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd, TextMergeStream};

use super::sheet::{Anchor, Sheet, Table};
use super::text::{Span, Style};

/// How far each level of a list goes in.
const INDENT: f32 = 18.0;
/// Between paragraphs.
const PARAGRAPH: f32 = 6.0;

/// Sets an answer.
pub(super) fn set(sheet: &mut Sheet, answer: usize, markdown: &str) {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    let mut setting = Setting { answer, ..Setting::new(sheet) };
    for event in TextMergeStream::new(Parser::new_ext(markdown, options)) {
        setting.take(event);
    }
    setting.flush();
}

struct Setting<'a> {
    sheet: &'a mut Sheet,
    answer: usize,
    /// The words of the paragraph, heading or cell so far.
    spans: Vec<Span>,
    style: Style,
    bold: u32,
    italic: u32,
    struck: u32,
    /// The numbers the lists are at; None for bullets.
    lists: Vec<Option<u64>>,
    /// The bullet or number that the next paragraph stands behind.
    marker: Option<String>,
    quoted: u32,
    heading: Option<HeadingLevel>,
    code: Option<String>,
    /// The rows of a table, its head first.
    rows: Vec<Vec<Vec<Span>>>,
    is_table: bool,
    /// Numbers whose first mark was set.
    marked: HashSet<u32>,
}

impl<'a> Setting<'a> {
    fn new(sheet: &'a mut Sheet) -> Self {
        Self {
            sheet,
            answer: 0,
            spans: Vec::new(),
            style: Style::BODY,
            bold: 0,
            italic: 0,
            struck: 0,
            lists: Vec::new(),
            marker: None,
            quoted: 0,
            heading: None,
            code: None,
            rows: Vec::new(),
            is_table: false,
            marked: HashSet::new(),
        }
    }

    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(&tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) => match &mut self.code {
                Some(code) => code.push_str(&text),
                None => self.words(&text),
            },
            Event::Code(text) | Event::InlineMath(text) | Event::DisplayMath(text) => {
                let style = self.current().mono();
                self.spans.push(Span::new(&text, style));
            }
            Event::Html(text) | Event::InlineHtml(text) => self.words(text.trim_end()),
            Event::SoftBreak => self.words(" "),
            Event::HardBreak => self.flush(),
            Event::Rule => {
                self.flush();
                self.sheet.space(PARAGRAPH);
                self.sheet.rule();
            }
            Event::FootnoteReference(name) => self.words(&format!("[{name}]")),
            Event::TaskListMarker(is_done) => self.words(if is_done { "[x] " } else { "[ ] " }),
        }
    }

    fn start(&mut self, tag: &Tag<'_>) {
        match tag {
            Tag::Heading { level, .. } => {
                self.flush();
                self.heading = Some(*level);
            }
            Tag::Strong => self.bold += 1,
            Tag::Emphasis => self.italic += 1,
            Tag::Strikethrough => self.struck += 1,
            Tag::List(first) => {
                self.flush();
                self.lists.push(*first);
            }
            Tag::Item => {
                self.flush();
                let marker = match self.lists.last_mut() {
                    Some(Some(number)) => {
                        *number += 1;
                        format!("{}.", *number - 1)
                    }
                    _ => "•".to_owned(),
                };
                self.marker = Some(marker);
            }
            Tag::CodeBlock(CodeBlockKind::Fenced(_) | CodeBlockKind::Indented) => {
                self.flush();
                self.code = Some(String::new());
            }
            Tag::BlockQuote(_) => {
                self.flush();
                self.quoted += 1;
            }
            Tag::Table(_) => {
                self.flush();
                self.begin_table();
            }
            Tag::TableHead | Tag::TableRow => self.rows.push(Vec::new()),
            Tag::Paragraph => self.flush(),
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Strong => self.bold = self.bold.saturating_sub(1),
            TagEnd::Emphasis => self.italic = self.italic.saturating_sub(1),
            TagEnd::Strikethrough => self.struck = self.struck.saturating_sub(1),
            TagEnd::Paragraph | TagEnd::Heading(_) | TagEnd::Item | TagEnd::HtmlBlock => self.flush(),
            TagEnd::List(_) => {
                self.flush();
                self.lists.pop();
                if self.lists.is_empty() {
                    self.sheet.space(PARAGRAPH / 2.0);
                }
            }
            TagEnd::CodeBlock => {
                let code = self.code.take().unwrap_or_default();
                self.sheet.code(&code, INDENT * self.lists.len() as f32);
                self.sheet.space(PARAGRAPH);
            }
            TagEnd::BlockQuote(_) => {
                self.flush();
                self.quoted = self.quoted.saturating_sub(1);
            }
            TagEnd::TableCell => {
                let cell = std::mem::take(&mut self.spans);
                if let Some(row) = self.rows.last_mut() {
                    row.push(cell);
                }
            }
            TagEnd::Table => self.end_table(),
            _ => {}
        }
    }

    /// The style of the words that come now.
    fn current(&self) -> Style {
        let base = match self.heading {
            Some(HeadingLevel::H1) => self.style.sized(13.0).bold(),
            Some(HeadingLevel::H2) => self.style.sized(11.5).bold(),
            Some(_) => self.style.sized(10.5).bold(),
            None => self.style,
        };
        let in_head = self.is_table && self.rows.len() == 1;
        Style {
            bold: base.bold || self.bold > 0 || in_head,
            italic: self.italic > 0,
            struck: self.struck > 0,
            ..base
        }
    }

    /// Words, with each mark among them as a link.
    fn words(&mut self, text: &str) {
        let style = self.current();
        let mut rest = text;
        while let Some((before, mark, numbers, after)) = next_mark(rest) {
            self.spans.push(Span::new(before, style));
            let n = numbers.first().copied().unwrap_or_default();
            let answer = self.answer;
            let mut link = style.to(Anchor::Source { answer, n });
            if self.marked.insert(n) {
                link = link.at(Anchor::Mark { answer, n });
            }
            self.spans.push(Span::new(mark, link));
            rest = after;
        }
        self.spans.push(Span::new(rest, style));
    }

    /// Puts the paragraph, heading or item on the page.
    fn flush(&mut self) {
        if self.is_table {
            return;
        }
        let spans: Vec<Span> = self.spans.drain(..).filter(|span| !span.text.is_empty()).collect();
        let is_empty = spans.iter().all(|span| span.text.trim().is_empty());
        if let Some(level) = self.heading.take_if(|_| !is_empty) {
            self.sheet.space(if level == HeadingLevel::H1 { 12.0 } else { 9.0 });
            self.sheet.heading(&spans);
            self.sheet.space(3.0);
            return;
        }
        if is_empty {
            return;
        }
        let indent = INDENT * self.lists.len() as f32;
        match self.marker.take() {
            Some(marker) => {
                self.sheet.item(&marker, &spans, indent);
                self.sheet.space(2.0);
            }
            None if self.quoted > 0 => {
                self.sheet.paragraph(&spans, INDENT * self.quoted as f32);
                self.sheet.space(PARAGRAPH);
            }
            None if indent > 0.0 => {
                self.sheet.item("", &spans, indent);
                self.sheet.space(2.0);
            }
            None => {
                self.sheet.paragraph(&spans, 0.0);
                self.sheet.space(PARAGRAPH);
            }
        }
    }

    fn begin_table(&mut self) {
        self.is_table = true;
        self.style = Style::SMALL;
        self.rows.clear();
    }

    fn end_table(&mut self) {
        self.is_table = false;
        self.style = Style::BODY;
        let mut rows = std::mem::take(&mut self.rows).into_iter();
        let Some(head) = rows.next() else { return };
        let rows: Vec<_> = rows.collect();
        // A column gets room for its longest cell, but none more than half of the page for that.
        let shares = (0..head.len()).map(|column| {
            let cells = std::iter::once(&head).chain(&rows).filter_map(|row| row.get(column));
            let widest = cells.map(|cell| self.sheet.natural_width(cell)).fold(0.0, f32::max);
            widest.clamp(36.0, super::sheet::WIDTH / 2.0)
        });
        let mut table = Table::new(shares.collect(), head.clone());
        rows.into_iter().for_each(|row| table.row(row));
        self.sheet.space(4.0);
        self.sheet.table(&table);
        self.sheet.space(PARAGRAPH);
    }
}

/// The first mark in a text: what is before it, itself, its numbers, what is after.
fn next_mark(text: &str) -> Option<(&str, &str, Vec<u32>, &str)> {
    for (start, _) in text.match_indices('[') {
        let length = text[start..].find(']')?;
        let mark = &text[start..=start + length];
        let numbers: Option<Vec<u32>> =
            mark[1..length].split(',').map(|number| number.trim().parse().ok()).collect();
        if let Some(numbers) = numbers {
            return Some((&text[..start], mark, numbers, &text[start + length + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_found_among_other_brackets() {
        let (before, mark, numbers, after) = next_mark("in [sic] 2019 [1, 3] it rose").unwrap();
        assert_eq!((before, mark, numbers, after), ("in [sic] 2019 ", "[1, 3]", vec![1, 3], " it rose"));
        assert_eq!(next_mark("none [here"), None);
    }
}
