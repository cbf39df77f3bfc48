//! Paragraphs and tables as markup languages nest them, flattened into lines: a table row is one
//! line, and a paragraph met inside another (a footnote, a text box) follows it.

use super::ExtractError;
use super::compose::Composer;

/// What a finished paragraph is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Heading(u8),
    Item,
    /// A line of code, or several.
    Code,
    Body,
}

/// Whether a style of paragraphs is for code, by its name: "HTML Preformatted", "Source Code".
pub(super) fn is_for_code(style: &str) -> bool {
    let name = style.replace("_20_", " ").to_lowercase();
    let mut words = name.split(|c: char| !c.is_alphanumeric());
    let is_sign = |word: &str| {
        matches!(
            word,
            "code" | "codeblock" | "sourcecode" | "preformatted" | "verbatim" | "listing" | "programlisting"
        )
    };
    !name.contains("caption") && words.any(is_sign)
}

#[derive(Default)]
pub(super) struct Blocks {
    open: Vec<String>,
    after: Vec<String>,
    /// Code that may go on.
    code: String,
    tables: Vec<Table>,
}

#[derive(Default)]
struct Table {
    cells: Vec<String>,
    cell: Option<String>,
    /// Paragraphs that were open around the table.
    outside: Vec<String>,
}

impl Blocks {
    pub(super) fn open_paragraph(&mut self) {
        self.open.push(String::new());
    }

    /// Adds to the innermost open paragraph; text outside of one is layout.
    pub(super) fn push(&mut self, words: &str) {
        if let Some(words_so_far) = self.open.last_mut() {
            words_so_far.push_str(words);
        }
    }

    /// Puts a paragraph after the open one.
    pub(super) fn push_after(&mut self, words: String) {
        self.after.push(words);
    }

    pub(super) fn close_paragraph(&mut self, kind: Kind, out: &mut Composer) -> Result<(), ExtractError> {
        let Some(words) = self.open.pop() else { return Ok(()) };
        if let Some(cell) = self.tables.last_mut().and_then(|table| table.cell.as_mut()) {
            for words in std::iter::once(words).chain(std::mem::take(&mut self.after)) {
                cell.push(' ');
                cell.push_str(&words);
            }
            return Ok(());
        }
        if !self.open.is_empty() {
            self.after.push(words);
            return Ok(());
        }
        if kind == Kind::Code {
            self.code.push_str(&words);
            self.code.push('\n');
            return Ok(());
        }
        self.end_code(out)?;
        match kind {
            Kind::Heading(level) => out.heading(level, &words)?,
            Kind::Item if !words.trim().is_empty() => out.lines(&format!("- {}", words.trim()))?,
            Kind::Item | Kind::Code => {}
            Kind::Body => out.paragraph(&words)?,
        }
        std::mem::take(&mut self.after).iter().try_for_each(|words| out.paragraph(words))
    }

    /// What comes next is no code, or nothing comes.
    pub(super) fn end_code(&mut self, out: &mut Composer) -> Result<(), ExtractError> {
        let code = std::mem::take(&mut self.code);
        if code.trim().is_empty() { Ok(()) } else { out.code(&code) }
    }

    pub(super) fn open_table(&mut self, out: &mut Composer) -> Result<(), ExtractError> {
        if self.tables.is_empty() {
            self.end_code(out)?;
            out.blank();
        }
        let outside = std::mem::take(&mut self.open);
        self.tables.push(Table { outside, ..Table::default() });
        Ok(())
    }

    /// Writes what has waited for what comes next.
    pub(super) fn finish(mut self, out: &mut Composer) -> Result<(), ExtractError> {
        self.end_code(out)?;
        self.after.iter().try_for_each(|words| out.paragraph(words))
    }

    pub(super) fn open_cell(&mut self) {
        if let Some(table) = self.tables.last_mut() {
            table.cell = Some(String::new());
        }
    }

    /// Closes a cell that counts `times` times.
    pub(super) fn close_cell(&mut self, times: usize) {
        let Some(table) = self.tables.last_mut() else { return };
        let Some(cell) = table.cell.take() else { return };
        // Blank repeated cells only keep columns apart, repeated words are of little use.
        let times = times.clamp(1, 32);
        table.cells.extend(std::iter::repeat_n(cell, times));
    }

    pub(super) fn close_row(&mut self, out: &mut Composer) -> Result<(), ExtractError> {
        self.close_cell(1);
        let Some((table, outer)) = self.tables.split_last_mut() else { return Ok(()) };
        let cells = std::mem::take(&mut table.cells);
        match outer.last_mut().and_then(|table| table.cell.as_mut()) {
            Some(cell) => {
                cell.push(' ');
                cell.push_str(&cells.join(" "));
                Ok(())
            }
            None => out.row(&cells),
        }
    }

    pub(super) fn close_table(&mut self, out: &mut Composer) -> Result<(), ExtractError> {
        self.close_row(out)?;
        if let Some(table) = self.tables.pop() {
            self.open = table.outside;
        }
        if self.tables.is_empty() {
            out.blank();
        }
        Ok(())
    }
}
