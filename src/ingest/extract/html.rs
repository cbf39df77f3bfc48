//! HTML: the article without its menus where one can be told apart, else the whole body.
//! Headings, lists and tables keep their shape; what the page hides stays out.

mod element;
mod flow;
mod grid;

use dom_smoothie::{Config, Readability};
use scraper::{ElementRef, Html, Selector};

use self::element::{depth, letters};
use self::flow::{Piece, walk};
use super::ExtractError;
use super::compose::{Composer, fold};

/// Past this size, or this depth, telling the article apart costs more than it gives.
const MAX_ARTICLE_BYTES: usize = 4 << 20;
const MAX_ARTICLE_DEPTH: usize = 256;
/// An article with less of the page's text than this has lost something.
const MIN_ARTICLE_SHARE: usize = 2;

pub(super) fn read(html: &str, out: &mut Composer) -> Result<(), ExtractError> {
    let page = Html::parse_document(html);
    let root = page.root_element();
    out.declared_language = root.attr("lang").map(str::to_owned);
    out.title = first(&page, "title").or_else(|| first(&page, "h1")).map(|found| found.text().collect());
    if html.len() <= MAX_ARTICLE_BYTES && depth(root) <= MAX_ARTICLE_DEPTH {
        // What is code is told by classes.
        let config = Config { keep_classes: true, ..Config::default() };
        let article = Readability::new(html, None, Some(config)).ok().and_then(|mut page| page.parse().ok());
        if let Some(article) = article {
            let body = first(&page, "body").unwrap_or(root);
            let whole = walk(body, true, &mut |_| Ok(()))?;
            if letters(&article.text_content) * MIN_ARTICLE_SHARE >= whole {
                let content = Html::parse_fragment(&article.content);
                // The rows and cells of a table that was cut open are lost in reading.
                let is_whole =
                    ["tr", "td"].iter().all(|name| num(&content, name) >= tags(&article.content, name));
                if is_whole {
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

/// How many elements a page has of a name.
fn num(page: &Html, name: &str) -> usize {
    page.root_element()
        .descendants()
        .filter_map(ElementRef::wrap)
        .filter(|node| node.value().name() == name)
        .count()
}

/// How many tags open one of that name.
fn tags(html: &str, name: &str) -> usize {
    html.matches(&format!("<{name}")).count()
}

fn write(root: ElementRef<'_>, without_menus: bool, out: &mut Composer) -> Result<(), ExtractError> {
    walk(root, without_menus, &mut |piece| match piece {
        Piece::Heading(level, words) => out.heading(level, words),
        Piece::Paragraph(words) => out.paragraph(words),
        Piece::Item(words) => out.lines(&format!("- {}", fold(words))),
        Piece::End(level) => {
            out.end_section(level);
            Ok(())
        }
        Piece::Code(text) => out.code(text),
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
