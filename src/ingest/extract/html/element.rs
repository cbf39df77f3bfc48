//! What an element of a page is for.

use scraper::ElementRef;

pub(super) fn heading_level(name: &str) -> Option<u8> {
    match name.as_bytes() {
        [b'h', level @ b'1'..=b'6'] => Some(level - b'0'),
        _ => None,
    }
}

pub(super) fn is_block(name: &str) -> bool {
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
pub(super) fn is_shown(element: ElementRef<'_>, without_menus: bool) -> bool {
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

/// A table that holds headings or other tables, or that has one column, arranges a page.
pub(super) fn holds_data(table: ElementRef<'_>) -> bool {
    let mut has_columns = false;
    for element in table.descendants().skip(1).filter_map(ElementRef::wrap) {
        let name = element.value().name();
        if name == "table" || heading_level(name).is_some() {
            return false;
        }
        has_columns |= name == "tr" && cells(element).nth(1).is_some();
    }
    has_columns
}

fn cells(row: ElementRef<'_>) -> impl Iterator<Item = ElementRef<'_>> {
    row.child_elements().filter(|cell| matches!(cell.value().name(), "td" | "th"))
}

/// Whether a text laid out by its writer is marked as one for machines.
pub(super) fn holds_code(pre: ElementRef<'_>) -> bool {
    let is_marked = |element: &ElementRef<'_>| {
        matches!(element.value().name(), "code" | "samp" | "kbd")
            || element.value().classes().any(|class| CODE.iter().any(|sign| class.contains(sign)))
    };
    let around = pre.parent().and_then(ElementRef::wrap);
    let within = pre.child_elements().next();
    [Some(pre), around, within].iter().flatten().any(is_marked)
}

/// In the names that pages give to code.
const CODE: &[&str] = &[
    "code",
    "highlight",
    "listing",
    "source",
    "screen",
    "synopsis",
    "language",
    "lang-",
    "console",
    "terminal",
];

/// Whether a text is a letter or a page of a book rather than code: nearly all of it is words.
pub(super) fn reads_as_prose(text: &str) -> bool {
    let (mut num, mut num_plain) = (0, 0);
    for word in text.split_whitespace() {
        num += 1;
        let plain = word.trim_matches(['.', ',', ';', ':', '?', '!', '(', ')', '"', '\'', '“', '”']);
        num_plain += usize::from(
            !plain.is_empty() && plain.chars().all(|c| c.is_alphabetic() || c == '-' || c == '’'),
        );
    }
    num >= PROSE_WORDS && num_plain * 5 >= num * 4
}

/// Words of a text laid out by its writer that is taken for prose, at least.
const PROSE_WORDS: usize = 25;

/// Letters of a description from which on it is a section of its own.
const LONG_DESCRIPTION: usize = 250;

/// Whether a description is more than a line or two.
pub(super) fn is_long(description: ElementRef<'_>) -> bool {
    let mut num = 0;
    description.text().any(|text| {
        num += letters(text);
        num >= LONG_DESCRIPTION
    })
}

/// Whether a description has others first in it.
pub(super) fn begins_with_definitions(description: ElementRef<'_>) -> bool {
    let mut filled = description
        .children()
        .skip_while(|node| node.value().as_text().is_some_and(|text| text.trim().is_empty()));
    let first = filled.next().and_then(ElementRef::wrap);
    first.is_some_and(|first| first.value().name() == "dl")
}

pub(super) fn letters(text: &str) -> usize {
    text.chars().filter(|c| !c.is_whitespace()).count()
}

pub(super) fn depth(root: ElementRef<'_>) -> usize {
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
