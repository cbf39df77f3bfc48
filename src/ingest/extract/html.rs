//! HTML: the article without its menus where one can be told apart, else the whole body.
//! Headings, lists and tables keep their shape; what the page hides stays out.

use dom_smoothie::Readability;
use scraper::{ElementRef, Html, Node, Selector};

use super::ExtractError;
use super::compose::{Composer, fold};

/// Past this size, or this depth, telling the article apart costs more than it gives.
const MAX_ARTICLE_BYTES: usize = 4 << 20;
const MAX_ARTICLE_DEPTH: usize = 256;
/// An article with less of the page's text than this has lost something.
const MIN_ARTICLE_SHARE: usize = 2;
/// Tables nested deeper than this are layout, whatever they hold.
const MAX_TABLES: usize = 8;

pub(super) fn read(html: &str, out: &mut Composer) -> Result<(), ExtractError> {
    let page = Html::parse_document(html);
    let root = page.root_element();
    out.declared_language = root.attr("lang").map(str::to_owned);
    out.title = first(&page, "title").or_else(|| first(&page, "h1")).map(|found| found.text().collect());
    if html.len() <= MAX_ARTICLE_BYTES && depth(root) <= MAX_ARTICLE_DEPTH {
        let article = Readability::new(html, None, None).ok().and_then(|mut page| page.parse().ok());
        if let Some(article) = article {
            let body = first(&page, "body").unwrap_or(root);
            let whole = walk(body, true, &mut |_| Ok(()))?;
            if letters(&article.text_content) * MIN_ARTICLE_SHARE >= whole {
                let content = Html::parse_fragment(&article.content);
                // The rows of a table that was cut open are lost in reading.
                if num_rows(&content) >= article.content.matches("<tr").count() {
                    return write(content.root_element(), false, out);
                }
            }
        }
    }
    let body = first(&page, "body").unwrap_or(root);
    write(body, true, out)?;
    if out.has_text() { Ok(()) } else { write(body, false, out) }?;
    if out.has_text() {
        Ok(())
    } else {
        Err(ExtractError::no_text(
            "HTML page",
            "its words may be loaded by scripts; save it as PDF and upload that",
        ))
    }
}

/// All of a page, as in a book whose pages have no menus.
pub(super) fn read_body(html: &str, out: &mut Composer) -> Result<(), ExtractError> {
    let page = Html::parse_document(html);
    out.blank();
    write(first(&page, "body").unwrap_or(page.root_element()), false, out)?;
    out.blank();
    Ok(())
}

fn first<'a>(page: &'a Html, selector: &str) -> Option<ElementRef<'a>> {
    page.select(&Selector::parse(selector).ok()?).next()
}

fn num_rows(page: &Html) -> usize {
    page.root_element()
        .descendants()
        .filter_map(ElementRef::wrap)
        .filter(|node| node.value().name() == "tr")
        .count()
}

fn letters(text: &str) -> usize {
    text.chars().filter(|c| !c.is_whitespace()).count()
}

fn depth(root: ElementRef<'_>) -> usize {
    let (mut node, mut depth, mut deepest) = (*root, 1, 1);
    loop {
        if let Some(child) = node.first_child() {
            node = child;
            depth += 1;
            deepest = deepest.max(depth);
            continue;
        }
        while node.next_sibling().is_none() || node.id() == root.id() {
            match node.parent() {
                Some(parent) if node.id() != root.id() => node = parent,
                _ => return deepest,
            }
            depth -= 1;
        }
        let Some(sibling) = node.next_sibling() else { return deepest };
        node = sibling;
    }
}

/// A piece of the page in reading order.
enum Piece<'a> {
    Heading(u8, &'a str),
    Paragraph(&'a str),
    Item(&'a str),
    Source(&'a str),
    Row(&'a [String]),
    Gap,
}

fn write(root: ElementRef<'_>, without_menus: bool, out: &mut Composer) -> Result<(), ExtractError> {
    walk(root, without_menus, &mut |piece| match piece {
        Piece::Heading(level, words) => out.heading(level, words),
        Piece::Paragraph(words) => out.paragraph(words),
        Piece::Item(words) => out.lines(&format!("- {}", fold(words))),
        Piece::Source(text) => {
            out.blank();
            out.verbatim(text)?;
            out.blank();
            Ok(())
        }
        Piece::Row(cells) => out.row(cells),
        Piece::Gap => {
            out.blank();
            Ok(())
        }
    })?;
    Ok(())
}

type Emit<'e> = dyn FnMut(Piece<'_>) -> Result<(), ExtractError> + 'e;

struct Flow<'e> {
    emit: &'e mut Emit<'e>,
    words: String,
    heading: Option<u8>,
    item: bool,
    pre: usize,
    /// Tables around this place; `true` for one that holds data, not layout.
    tables: Vec<bool>,
    cells: Vec<String>,
    letters: usize,
}

/// Shows the pieces below `root` in order. Says how many letters they have. Without recursion,
/// as pages may nest a million elements.
fn walk<'e>(
    root: ElementRef<'_>,
    without_menus: bool,
    emit: &'e mut Emit<'e>,
) -> Result<usize, ExtractError> {
    let mut flow = Flow {
        emit,
        words: String::new(),
        heading: None,
        item: false,
        pre: 0,
        tables: Vec::new(),
        cells: Vec::new(),
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
                    (self.emit)(Piece::Gap)?;
                }
                let data = !self.in_data() && self.tables.len() < MAX_TABLES && holds_data(element);
                self.tables.push(data);
            }
            "td" | "th" if self.in_data() => self.words.push(' '),
            _ if self.in_data() => self.words.push_str(if is_block(name) { " " } else { "" }),
            "pre" => {
                self.flush()?;
                self.pre += 1;
            }
            "li" => {
                self.flush()?;
                self.item = true;
            }
            // Paragraphs inside an item belong to its line.
            "p" | "div" if self.item && self.words.trim().is_empty() => {}
            _ => {
                if let Some(level) = heading_level(name) {
                    self.flush()?;
                    self.heading = Some(level);
                } else if is_block(name) {
                    self.flush()?;
                    if matches!(name, "ul" | "ol" | "dl") {
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
                self.cells.push(std::mem::take(&mut self.words));
            }
            "tr" if self.tables.last() == Some(&true) => self.close_row()?,
            "caption" if self.tables.last() == Some(&true) => {
                let caption = std::mem::take(&mut self.words);
                (self.emit)(Piece::Paragraph(&caption))?;
            }
            _ if self.in_data() => self.words.push_str(if is_block(name) { " " } else { "" }),
            "pre" => {
                let text = std::mem::take(&mut self.words);
                self.pre -= 1;
                (self.emit)(Piece::Source(&text))?;
            }
            _ if is_block(name) || name == "li" || heading_level(name).is_some() => {
                self.flush()?;
                if matches!(name, "ul" | "ol" | "dl") {
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

    fn close_row(&mut self) -> Result<(), ExtractError> {
        let cells = std::mem::take(&mut self.cells);
        (self.emit)(Piece::Row(&cells))
    }

    fn flush(&mut self) -> Result<(), ExtractError> {
        let words = std::mem::take(&mut self.words);
        let heading = self.heading.take();
        if words.trim().is_empty() {
            return Ok(());
        }
        match heading {
            _ if self.pre > 0 => (self.emit)(Piece::Source(&words)),
            Some(level) => (self.emit)(Piece::Heading(level, &words)),
            None if std::mem::take(&mut self.item) => (self.emit)(Piece::Item(&words)),
            None => (self.emit)(Piece::Paragraph(&words)),
        }
    }
}

fn heading_level(name: &str) -> Option<u8> {
    match name.as_bytes() {
        [b'h', level @ b'1'..=b'6'] => Some(level - b'0'),
        _ => None,
    }
}

fn is_block(name: &str) -> bool {
    matches!(
        name,
        "p" | "div"
            | "section"
            | "article"
            | "main"
            | "header"
            | "footer"
            | "aside"
            | "nav"
            | "ul"
            | "ol"
            | "dl"
            | "dt"
            | "dd"
            | "blockquote"
            | "figure"
            | "figcaption"
            | "address"
            | "details"
            | "summary"
            | "hr"
            | "form"
            | "fieldset"
            | "td"
            | "th"
            | "tr"
            | "caption"
            | "body"
            | "center"
            | "title"
            | "option"
            | "li"
    ) || heading_level(name).is_some()
}

/// Scripts and hidden parts never are; menus and the like are not where the caller says so.
fn is_shown(element: ElementRef<'_>, without_menus: bool) -> bool {
    let name = element.value().name();
    let program = matches!(
        name,
        "script"
            | "style"
            | "noscript"
            | "template"
            | "svg"
            | "iframe"
            | "object"
            | "head"
            | "select"
            | "textarea"
            | "button"
            | "canvas"
            | "audio"
            | "video"
    );
    let menu = matches!(name, "nav" | "footer" | "aside")
        || matches!(element.attr("role"), Some("navigation" | "banner" | "contentinfo" | "search"));
    let hidden = element.attr("hidden").is_some()
        || element.attr("style").is_some_and(|style| {
            let style: String =
                style.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_ascii_lowercase();
            style.contains("display:none") || style.contains("visibility:hidden")
        });
    !(program || hidden || menu && without_menus || is_permalink(element))
}

/// A sign that leads to the place where it stands, as manuals have one behind each heading.
fn is_permalink(element: ElementRef<'_>) -> bool {
    let leads_here =
        element.value().name() == "a" && element.attr("href").is_some_and(|to| to.starts_with('#'));
    leads_here && matches!(element.text().collect::<String>().trim(), "¶" | "#" | "§" | "🔗" | "⚓")
}

/// A table that holds headings or other tables arranges a page.
fn holds_data(table: ElementRef<'_>) -> bool {
    let mut inside = table.descendants().skip(1).filter_map(ElementRef::wrap);
    !inside
        .any(|element| element.value().name() == "table" || heading_level(element.value().name()).is_some())
}
