//! Pages being filled from top to bottom. What is put on them is set already; where a page ends is
//! decided here, so that no heading stands alone and no paragraph leaves a single line behind.

use std::collections::{BTreeSet, HashMap};

use super::fonts::Fonts;
use super::text::{Ink, Line, Span, Style};

/// A4, in points.
pub(super) const PAGE_WIDTH: f32 = 595.28;
pub(super) const PAGE_HEIGHT: f32 = 841.89;
pub(super) const LEFT: f32 = 82.0;
pub(super) const WIDTH: f32 = PAGE_WIDTH - 2.0 * LEFT;
const TOP: f32 = 76.0;
const BOTTOM: f32 = PAGE_HEIGHT - 82.0;
/// What has to fit below a heading.
const BELOW_HEADING: f32 = 46.0;
/// Between the columns of a table, and above and below the words in a row.
const GUTTER: f32 = 10.0;
const CELL_PADDING: f32 = 3.0;

/// A place that a link leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Anchor {
    /// The first mark of this number in an answer.
    Mark { answer: usize, n: u32 },
    /// The entry of this number in the sources of an answer.
    Source { answer: usize, n: u32 },
}

/// Something on a page, measured from its top left corner.
pub(super) enum Item {
    Line { x: f32, y: f32, line: Line },
    Rule { x: f32, y: f32, width: f32, thickness: f32, ink: Ink },
    Ground { x: f32, y: f32, width: f32, height: f32 },
}

/// A place that the outline names.
pub(super) struct Mark {
    pub(super) title: String,
    pub(super) page: usize,
    pub(super) y: f32,
}

/// Pages being filled.
pub(super) struct Sheet {
    pub(super) fonts: Fonts,
    pub(super) pages: Vec<Vec<Item>>,
    pub(super) anchors: HashMap<Anchor, (usize, f32)>,
    pub(super) outline: Vec<Mark>,
    y: f32,
}

/// Rows of cells under a head that is repeated on every page.
pub(super) struct Table {
    /// The columns' shares of the width.
    shares: Vec<f32>,
    head: Vec<Vec<Span>>,
    rows: Vec<Vec<Vec<Span>>>,
}

impl Table {
    pub(super) fn new(shares: Vec<f32>, head: Vec<Vec<Span>>) -> Self {
        Self { shares, head, rows: Vec::new() }
    }

    pub(super) fn row(&mut self, cells: Vec<Vec<Span>>) {
        self.rows.push(cells);
    }
}

impl Sheet {
    pub(super) fn new(fonts: Fonts) -> Self {
        Self { fonts, pages: vec![Vec::new()], anchors: HashMap::new(), outline: Vec::new(), y: TOP }
    }

    /// The letters that no font has.
    pub(super) fn missing(&self) -> &BTreeSet<char> {
        self.fonts.missing()
    }

    /// Room between two things; none at the top of a page.
    pub(super) fn space(&mut self, height: f32) {
        if self.y > TOP {
            self.y += height;
        }
    }

    /// Names this place in the outline. What follows must come with [`Sheet::heading`], or the name
    /// may lead to the end of the page before.
    pub(super) fn mark(&mut self, title: &str) {
        self.need(BELOW_HEADING);
        let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
        let cut = title.char_indices().nth(100).map_or(title.len(), |(at, _)| at);
        let title = title[..cut].to_owned();
        self.outline.push(Mark { title, page: self.pages.len() - 1, y: self.y });
    }

    /// A line across the page.
    pub(super) fn rule(&mut self) {
        self.push_rule(LEFT, WIDTH, 0.6, Ink::Gray);
        self.y += 4.0;
    }

    /// Words that what follows belongs to.
    pub(super) fn heading(&mut self, spans: &[Span]) {
        let lines = self.fonts.set(spans, WIDTH);
        let height: f32 = lines.iter().map(|line| line.height).sum();
        self.need(height + BELOW_HEADING);
        lines.into_iter().for_each(|line| self.put(LEFT, line));
    }

    /// A paragraph, indented on both sides by as much.
    pub(super) fn paragraph(&mut self, spans: &[Span], indent: f32) {
        let lines = self.fonts.set(spans, WIDTH - 2.0 * indent);
        self.flow(lines, LEFT + indent);
    }

    /// A paragraph behind a bullet or a number.
    pub(super) fn item(&mut self, marker: &str, spans: &[Span], indent: f32) {
        let style = spans.first().map_or(Style::BODY, |span| Style::BODY.sized(span.style.size));
        let lines = self.fonts.set(spans, WIDTH - indent);
        let Some(first) = lines.first() else { return };
        let is_rtl = first.is_rtl;
        let two: f32 = lines.iter().take(2).map(|line| line.height).sum();
        self.need(two);
        if let Some(mut marker) = self.fonts.set(&[Span::new(marker, style)], WIDTH).into_iter().next() {
            marker.height = 0.0;
            let width = marker.glyphs.iter().map(|glyph| glyph.w).sum::<f32>();
            let x = if is_rtl { LEFT + WIDTH - indent + 6.0 } else { LEFT + indent - 6.0 - width };
            // Set anywhere, it begins at its own left edge.
            let shift = marker.glyphs.iter().map(|glyph| glyph.x).fold(f32::INFINITY, f32::min);
            self.put(x - if shift.is_finite() { shift } else { 0.0 }, marker);
        }
        self.flow(lines, if is_rtl { LEFT } else { LEFT + indent });
    }

    /// Lines of code on a ground of their own.
    pub(super) fn code(&mut self, code: &str, indent: f32) {
        let (x, width) = (LEFT + indent, WIDTH - indent);
        let style = Style::BODY.mono();
        self.space(2.0);
        for line in code.trim_end().lines() {
            // Spaces at the start of a line are kept, which a break between words would swallow.
            let line = line.replace('\t', "    ");
            let lead = line.len() - line.trim_start().len();
            let line = format!("{}{}", "\u{a0}".repeat(lead), &line[lead..]);
            for line in self.fonts.set(&[Span::new(&line, style)], width - 12.0) {
                self.need(line.height);
                let (y, height) = (self.y, line.height);
                self.push(Item::Ground { x, y, width, height });
                self.put(x + 6.0, line);
            }
        }
        self.space(2.0);
    }

    /// A table with rules above, below and under its head.
    pub(super) fn table(&mut self, table: &Table) {
        let room = WIDTH - GUTTER * table.shares.len().saturating_sub(1) as f32;
        let all: f32 = table.shares.iter().sum();
        let widths: Vec<f32> = table.shares.iter().map(|share| room * share / all).collect();
        let head = self.cells(&table.head, &widths);
        let head_height = height(&head) + 2.0 * CELL_PADDING;
        self.need(head_height + BELOW_HEADING);
        self.head(&head, &widths);
        for (number, row) in table.rows.iter().enumerate() {
            let cells = self.cells(row, &widths);
            let is_whole = height(&cells) + 2.0 * CELL_PADDING <= BOTTOM - TOP - head_height;
            if is_whole && self.y + height(&cells) + 2.0 * CELL_PADDING > BOTTOM {
                self.new_page();
                self.head(&head, &widths);
            } else if number > 0 {
                self.push_rule(LEFT, WIDTH, 0.5, Ink::Faint);
            }
            self.row(cells, &head, &widths);
        }
        self.push_rule(LEFT, WIDTH, 0.7, Ink::Black);
        self.y += 4.0;
    }

    /// How wide words are on one line.
    pub(super) fn natural_width(&mut self, spans: &[Span]) -> f32 {
        self.fonts.set(spans, f32::MAX).first().map_or(0.0, |line| line.width)
    }

    fn cells(&mut self, row: &[Vec<Span>], widths: &[f32]) -> Vec<Vec<Line>> {
        row.iter().zip(widths).map(|(cell, width)| self.fonts.set(cell, *width)).collect()
    }

    fn head(&mut self, head: &[Vec<Line>], widths: &[f32]) {
        self.push_rule(LEFT, WIDTH, 0.7, Ink::Black);
        self.row(head.to_vec(), &[], widths);
        self.push_rule(LEFT, WIDTH, 0.4, Ink::Black);
    }

    /// A row; one that is longer than the page goes on under the head on the next.
    fn row(&mut self, cells: Vec<Vec<Line>>, head: &[Vec<Line>], widths: &[f32]) {
        let mut cells: Vec<_> = cells.into_iter().map(|cell| cell.into_iter().peekable()).collect();
        loop {
            let top = self.y + CELL_PADDING;
            let mut bottom = top;
            let mut x = LEFT;
            for (cell, width) in cells.iter_mut().zip(widths) {
                let mut y = top;
                while let Some(line) = cell.next_if(|line| y + line.height <= BOTTOM || y == TOP) {
                    self.note_anchors(&line, y);
                    let height = line.height;
                    self.push(Item::Line { x, y, line });
                    y += height;
                }
                bottom = bottom.max(y);
                x += width + GUTTER;
            }
            self.y = bottom + CELL_PADDING;
            if cells.iter_mut().all(|cell| cell.peek().is_none()) {
                return;
            }
            self.new_page();
            if !head.is_empty() {
                self.head(head, widths);
            }
        }
    }

    /// Puts lines on this page and the next, never one alone on either.
    fn flow(&mut self, lines: Vec<Line>, x: f32) {
        let Some(height) = lines.first().map(|line| line.height) else { return };
        let fit = ((BOTTOM - self.y) / height).max(0.0) as usize;
        let total = lines.len();
        let is_lonely_start = fit < 2 && fit < total && total > 1;
        if is_lonely_start {
            self.new_page();
        }
        let break_before = (!is_lonely_start && fit >= 3 && fit + 1 == total).then(|| fit - 1);
        for (number, line) in lines.into_iter().enumerate() {
            if Some(number) == break_before {
                self.new_page();
            }
            self.need(line.height);
            self.put(x, line);
        }
    }

    fn put(&mut self, x: f32, line: Line) {
        let (y, height) = (self.y, line.height);
        self.note_anchors(&line, y);
        self.push(Item::Line { x, y, line });
        self.y += height;
    }

    fn note_anchors(&mut self, line: &Line, y: f32) {
        let page = self.pages.len() - 1;
        for glyph in &line.glyphs {
            if let Some(anchor) = line.styles.get(glyph.metadata).and_then(|style| style.at) {
                self.anchors.entry(anchor).or_insert((page, y));
            }
        }
    }

    fn push_rule(&mut self, x: f32, width: f32, thickness: f32, ink: Ink) {
        let y = self.y;
        self.push(Item::Rule { x, y, width, thickness, ink });
    }

    fn push(&mut self, item: Item) {
        if let Some(page) = self.pages.last_mut() {
            page.push(item);
        }
    }

    /// Goes to the next page if there is less room than this.
    fn need(&mut self, height: f32) {
        if self.y + height > BOTTOM && self.y > TOP {
            self.new_page();
        }
    }

    fn new_page(&mut self) {
        self.pages.push(Vec::new());
        self.y = TOP;
    }
}

fn height(cells: &[Vec<Line>]) -> f32 {
    cells.iter().map(|cell| cell.iter().map(|line| line.height).sum()).fold(0.0, f32::max)
}
