//! The pieces of a page in reading order: headings, paragraphs, items, code and rows.

use scraper::{ElementRef, Node};

use super::super::ExtractError;
use super::super::compose::fold;
use super::element::{
    begins_with_definitions, heading_level, holds_code, holds_data, is_block, is_long, is_shown, letters,
    reads_as_prose,
};
use super::grid::GridRow;

/// Tables nested deeper than this are layout, whatever they hold.
const MAX_TABLES: usize = 8;
/// Definitions nested deeper than this are short ones, however long they are.
const MAX_DEFINITIONS: usize = 8;

/// A piece of the page in reading order.
pub(super) enum Piece<'a> {
    Heading(u8, &'a str),
    /// What a heading of this level stands above ends here.
    End(u8),
    Paragraph(&'a str),
    Item(&'a str),
    /// Text laid out by its writer.
    Source(&'a str),
    Code(&'a str),
    Row(&'a [String]),
    Gap,
}

type Emit<'e> = dyn FnMut(Piece<'_>) -> Result<(), ExtractError> + 'e;

struct Flow<'e> {
    emit: &'e mut Emit<'e>,
    words: String,
    heading: Option<u8>,
    /// Of the last heading of the page.
    level: u8,
    item: bool,
    /// The terms that the next description is of.
    terms: Vec<String>,
    in_term: bool,
    /// What is told with the words of the next item.
    label: Option<String>,
    /// Descriptions around this place; the level of the heading for one that has its own.
    definitions: Vec<Option<u8>>,
    pre: usize,
    is_code: bool,
    /// Tables around this place; `true` for one that holds data, not layout.
    tables: Vec<bool>,
    row: GridRow,
    letters: usize,
}

/// Shows the pieces below `root` in order. Says how many letters they have. Without recursion,
/// as pages may nest a million elements.
pub(super) fn walk<'e>(
    root: ElementRef<'_>,
    without_menus: bool,
    emit: &'e mut Emit<'e>,
) -> Result<usize, ExtractError> {
    let mut flow = Flow {
        emit,
        words: String::new(),
        heading: None,
        level: 0,
        item: false,
        terms: Vec::new(),
        in_term: false,
        label: None,
        definitions: Vec::new(),
        pre: 0,
        is_code: false,
        tables: Vec::new(),
        row: GridRow::default(),
        letters: 0,
    };
    let mut node = *root;
    loop {
        let enter = match node.value() {
            Node::Text(text) => {
                flow.push(text);
                false
            }
            Node::Element(_) => match ElementRef::wrap(node) {
                Some(element) if node.id() == root.id() || is_shown(element, without_menus) => {
                    flow.open(element)?;
                    true
                }
                _ => false,
            },
            _ => false,
        };
        if let Some(child) = node.first_child().filter(|_| enter) {
            node = child;
            continue;
        }
        let mut entered = enter;
        loop {
            if let Some(element) = ElementRef::wrap(node).filter(|_| entered) {
                flow.close(element.value().name())?;
            }
            if node.id() == root.id() {
                flow.flush()?;
                return Ok(flow.letters);
            }
            if let Some(sibling) = node.next_sibling() {
                node = sibling;
                break;
            }
            let Some(parent) = node.parent() else { return Ok(flow.letters) };
            node = parent;
            entered = true;
        }
    }
}

impl Flow<'_> {
    fn push(&mut self, text: &str) {
        self.letters += letters(text);
        if self.pre > 0 && !self.in_data() {
            self.words.push_str(text);
        } else {
            self.words.extend(text.chars().map(|c| if matches!(c, '\n' | '\r') { ' ' } else { c }));
        }
    }

    fn in_data(&self) -> bool {
        self.tables.contains(&true)
    }

    fn open(&mut self, element: ElementRef<'_>) -> Result<(), ExtractError> {
        let name = element.value().name();
        match name {
            "br" => self.words.push(if self.in_data() { ' ' } else { '\n' }),
            "table" => {
                if !self.in_data() {
                    self.flush()?;
                    self.tell_label(":")?;
                    (self.emit)(Piece::Gap)?;
                }
                let data = !self.in_data() && self.tables.len() < MAX_TABLES && holds_data(element);
                self.tables.push(data);
                if data {
                    self.row = GridRow::default();
                }
            }
            "td" | "th" if self.in_data() => {
                self.words.push(' ');
                if self.tables.last() == Some(&true) {
                    self.row.open(element);
                }
            }
            _ if self.in_data() => self.words.push_str(if is_block(name) { " " } else { "" }),
            "pre" => {
                self.flush()?;
                self.tell_label(":")?;
                self.is_code = holds_code(element) || (self.pre > 0 && self.is_code);
                self.pre += 1;
            }
            "dt" => {
                self.flush()?;
                self.in_term = true;
            }
            "dd" => self.open_description(element)?,
            "li" => {
                self.flush()?;
                self.item = true;
            }
            // Paragraphs inside an item belong to its line.
            "p" | "div" if self.item && self.words.trim().is_empty() => {}
            _ => {
                if let Some(level) = heading_level(name) {
                    self.flush()?;
                    self.tell_label("")?;
                    self.heading = Some(level);
                } else if is_block(name) {
                    self.flush()?;
                    if matches!(name, "ul" | "ol" | "dl") {
                        self.tell_label(":")?;
                        (self.emit)(Piece::Gap)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn close(&mut self, name: &str) -> Result<(), ExtractError> {
        match name {
            "table" => {
                if self.tables.last() == Some(&true) {
                    self.close_row()?;
                    self.words.clear();
                } else if !self.in_data() {
                    self.flush()?;
                }
                self.tables.pop();
                if !self.in_data() {
                    (self.emit)(Piece::Gap)?;
                }
            }
            "td" | "th" if self.tables.last() == Some(&true) => {
                self.row.close(&std::mem::take(&mut self.words));
            }
            "tr" if self.tables.last() == Some(&true) => self.close_row()?,
            "caption" if self.tables.last() == Some(&true) => {
                let caption = std::mem::take(&mut self.words);
                (self.emit)(Piece::Paragraph(&caption))?;
            }
            _ if self.in_data() => self.words.push_str(if is_block(name) { " " } else { "" }),
            "pre" => {
                self.pre -= 1;
                if self.pre == 0 {
                    let text = std::mem::take(&mut self.words);
                    let is_code = self.is_code || !reads_as_prose(&text);
                    (self.emit)(if is_code { Piece::Code(&text) } else { Piece::Source(&text) })?;
                }
            }
            "dt" => {
                self.in_term = false;
                let term = fold(&std::mem::take(&mut self.words));
                self.terms.extend((!term.is_empty()).then_some(term));
            }
            "dd" => {
                self.flush()?;
                self.tell_label("")?;
                if let Some(level) = self.definitions.pop().flatten() {
                    (self.emit)(Piece::End(level))?;
                }
            }
            _ if is_block(name) || name == "li" || heading_level(name).is_some() => {
                self.flush()?;
                if matches!(name, "ul" | "ol" | "dl") {
                    self.tell_terms()?;
                    (self.emit)(Piece::Gap)?;
                }
                if name == "li" {
                    self.item = false;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// A long description stands below its terms as a section does; a short one on a line with them.
    fn open_description(&mut self, element: ElementRef<'_>) -> Result<(), ExtractError> {
        self.flush()?;
        // A table of contents has as many terms as lines.
        if begins_with_definitions(element) {
            self.tell_terms()?;
        }
        let terms = std::mem::take(&mut self.terms).join(", ");
        let around = self.definitions.iter().take(MAX_DEFINITIONS).flatten().last();
        let level = around.map_or(self.level, |level| *level) + 1;
        let has_heading = !terms.is_empty() && self.definitions.len() < MAX_DEFINITIONS && is_long(element);
        self.definitions.push(has_heading.then_some(level));
        if has_heading {
            return (self.emit)(Piece::Heading(level, &terms));
        }
        self.item = !terms.is_empty();
        self.label = self.item.then_some(terms);
        Ok(())
    }

    /// Terms that nothing was said of.
    fn tell_terms(&mut self) -> Result<(), ExtractError> {
        std::mem::take(&mut self.terms).iter().try_for_each(|term| (self.emit)(Piece::Item(term)))
    }

    /// What was to be told with the words of an item that has none.
    fn tell_label(&mut self, end: &str) -> Result<(), ExtractError> {
        let Some(label) = self.label.take() else { return Ok(()) };
        self.item = false;
        (self.emit)(Piece::Item(&(label + end)))
    }

    fn close_row(&mut self) -> Result<(), ExtractError> {
        match self.row.end() {
            Some(cells) => (self.emit)(Piece::Row(&cells)),
            None => Ok(()),
        }
    }

    fn flush(&mut self) -> Result<(), ExtractError> {
        if self.pre > 0 && !self.words.ends_with('\n') {
            self.words.push('\n');
        }
        if self.in_term {
            self.words.push(' ');
        }
        if self.pre > 0 || self.in_term {
            self.heading = None;
            return Ok(());
        }
        let words = std::mem::take(&mut self.words);
        let heading = self.heading.take();
        if words.trim().is_empty() {
            return Ok(());
        }
        if let Some(level) = heading {
            self.level = level;
            return (self.emit)(Piece::Heading(level, &words));
        }
        let is_item = std::mem::take(&mut self.item);
        match self.label.take() {
            Some(label) => (self.emit)(Piece::Item(&format!("{}: {words}", label.trim_end_matches(':')))),
            None if is_item => (self.emit)(Piece::Item(&words)),
            None => (self.emit)(Piece::Paragraph(&words)),
        }
    }
}
