//! Rows of a table as they are seen: a cell that reaches into further rows stands in each of them, and one
//! that is as wide as several columns leaves the others empty, so that each value stays in its column.

use scraper::ElementRef;

use super::super::compose::fold;

/// Rows and columns that one cell may take.
const MAX_SPAN: usize = 1_000;
/// Columns of a row.
const MAX_COLUMNS: usize = 1_000;
/// A longer cell, in bytes, is not said again in each of the rows that it reaches into.
const REPEATED_BYTES: usize = 120;

/// The row of a table that is being read.
#[derive(Default)]
pub(super) struct GridRow {
    cells: Vec<String>,
    /// Whether it has a cell of its own.
    is_begun: bool,
    /// How many rows and columns the cell that is open takes.
    span: (usize, usize),
    /// What reaches into it from above, by column, and into how many rows still.
    above: Vec<(usize, String)>,
}

impl GridRow {
    /// A cell begins.
    pub(super) fn open(&mut self, cell: ElementRef<'_>) {
        let span = |name| cell.attr(name).and_then(|span| span.trim().parse().ok()).unwrap_or(1);
        self.span = (span("rowspan").clamp(1, MAX_SPAN), span("colspan").clamp(1, MAX_SPAN));
    }

    /// The cell ends, with these words.
    pub(super) fn close(&mut self, words: &str) {
        self.take_above();
        self.is_begun = true;
        let (num_rows, num_columns) = std::mem::replace(&mut self.span, (1, 1));
        let words = fold(words);
        let again = if words.len() <= REPEATED_BYTES { words.clone() } else { String::new() };
        for at in 0..num_columns.min(MAX_COLUMNS.saturating_sub(self.cells.len()).max(1)) {
            if num_rows > 1 {
                let column = self.cells.len();
                self.above.resize(self.above.len().max(column + 1), (0, String::new()));
                self.above[column] = (num_rows - 1, if at == 0 { again.clone() } else { String::new() });
            }
            self.cells.push(if at == 0 { words.clone() } else { String::new() });
        }
    }

    /// The row ends. None if it had no cell of its own.
    pub(super) fn end(&mut self) -> Option<Vec<String>> {
        while self.cells.len() < self.above.len() {
            self.take_above();
            if self.cells.len() < self.above.len() {
                self.cells.push(String::new());
            }
        }
        let cells = std::mem::take(&mut self.cells);
        std::mem::take(&mut self.is_begun).then_some(cells)
    }

    fn take_above(&mut self) {
        while let Some((num_left, words)) = self.above.get_mut(self.cells.len()).filter(|(num, _)| *num > 0) {
            *num_left -= 1;
            self.cells.push(words.clone());
        }
    }
}
