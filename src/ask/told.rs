//! Stored words as Markdown that shows them. A document's own Markdown keeps its words and its code; what
//! its links lead to, its emphasis and its comments are of no use in an answer, which has marks of its own.

use std::borrow::Cow;
use std::ops::Range;

use pulldown_cmark::{BrokenLink, Event, LinkType, Options, Parser, Tag, TagEnd};

use super::prompt::Excerpt;
use crate::table::is_finished;

/// Longer introductions of a list, in bytes, are not told again with an item: of one that says nothing by
/// itself, and of a whole sentence.
const NEEDED_BYTES: usize = 300;
const HELPFUL_BYTES: usize = 120;
/// Words of one that says something, at least.
const LEAST_WORDS: usize = 3;

/// A stretch of a passage as it is told in an answer: a sentence in a cell of a table with the row and the
/// column that it is said of, an item with what introduces its list.
pub(crate) fn told_of(excerpt: &Excerpt, place: &Range<usize>) -> String {
    let stored = &excerpt.text[place.clone()];
    let items = excerpt.items();
    let item = items.iter().find(|item| item.range.start <= place.start && place.end <= item.range.end);
    let is_code = item.is_some_and(|item| item.is_code);
    let most = match item {
        _ if is_code => NEEDED_BYTES,
        Some(item) if item.range.start < place.start => 0,
        Some(_) if is_finished(stored) => HELPFUL_BYTES,
        _ => NEEDED_BYTES,
    };
    // "In particular:" introduces nothing.
    let helps = |of: &String| item.is_none() || of.split_whitespace().count() >= LEAST_WORDS;
    let own = if is_code { code(stored) } else { told(stored) };
    match excerpt.said_of(&items, place).filter(|of| of.len() <= most && helps(of)) {
        Some(of) => format!("{}: {own}", told(&of).trim_end_matches([':', ' '])),
        None => own,
    }
}

/// A stored line of code among words.
fn code(line: &str) -> String {
    let line = one_line(line);
    if line.contains('`') { format!("`` {line} ``") } else { format!("`{line}`") }
}

/// A stored sentence on one line, as it is told in an answer.
pub(crate) fn told(sentence: &str) -> String {
    let line = one_line(sentence);
    let cells = cells(&line).replace(": | ", ": ");
    let line = without_templates(&cells);
    let has_signs = ["](", "][", "`", "<", "&", "*", "_"].iter().any(|sign| line.contains(sign));
    let read = has_signs.then(|| read(&line)).flatten();
    finished(read.unwrap_or_else(|| {
        let mut told = String::with_capacity(line.len() + 8);
        push_escaped(&mut told, &line.replace("**", ""));
        told
    }))
}

/// A row, or a piece of one, without the signs around it.
fn cells(line: &str) -> Cow<'_, str> {
    match line.strip_prefix('|').and_then(|row| row.strip_suffix('|')) {
        Some(row) => {
            Cow::Owned(row.split('|').map(str::trim).collect::<Vec<_>>().join(" | ").trim().to_owned())
        }
        None => {
            let line = line.strip_prefix("| ").unwrap_or(line);
            Cow::Borrowed(line.strip_suffix(" |").unwrap_or(line))
        }
    }
}

/// A text without what its Markdown links lead to.
pub(crate) fn without_targets(text: &str) -> Cow<'_, str> {
    let Some(begins) = text.find("](").map(|at| at + 1) else { return Cow::Borrowed(text) };
    let Some(end) = text[begins..].find(')').map(|end| begins + end) else { return Cow::Borrowed(text) };
    Cow::Owned(format!("{}{}", &text[..begins], without_targets(&text[end + 1..])))
}

/// The same with plain links where a site generator is to fill in what they lead to, which Markdown knows
/// nothing of: `[eels]({% link eels.md %})`.
fn without_templates(line: &str) -> Cow<'_, str> {
    let Some(begins) = line.find("]({").map(|at| at + 2) else { return Cow::Borrowed(line) };
    let filled = ["%}", "}}"].iter().filter_map(|end| line[begins..].find(end)).min();
    match filled.and_then(|filled| line[begins + filled..].find(')').map(|end| begins + filled + end)) {
        Some(end) => Cow::Owned(format!("{}{}", &line[..begins], without_templates(&line[end..]))),
        None => Cow::Borrowed(line),
    }
}

/// A text on one line, with the signs escaped that Markdown would act on.
pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 8);
    push_escaped(&mut escaped, &one_line(text).replace("**", ""));
    finished(escaped)
}

/// A text on one line; the signs before the lines of a block quote are none of it.
fn one_line(text: &str) -> String {
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default();
    let others = lines.map(|line| line.trim_start_matches([' ', '>']));
    let lines = std::iter::once(first).chain(others);
    lines.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ")
}

/// The words and the code of a line of Markdown; `None` if its signs may be something else.
fn read(line: &str) -> Option<String> {
    // A line out of a paragraph opens no list and no heading.
    const WITHIN: &str = "a ";
    let within = format!("{WITHIN}{line}");
    let mut told = String::with_capacity(line.len() + 8);
    // Where a link leads may be said far below; numbers in brackets are notes.
    let is_reference = |link: &BrokenLink<'_>| {
        link.link_type == LinkType::Reference && !link.reference.chars().all(|c| c.is_ascii_digit())
    };
    let lead = |link: BrokenLink<'_>| is_reference(&link).then(|| ("".into(), "".into()));
    let parser = Parser::new_with_broken_link_callback(&within, Options::empty(), Some(lead));
    for (event, range) in parser.into_offset_iter() {
        match event {
            Event::Text(words) => {
                let words =
                    if range.start == 0 { words.strip_prefix(WITHIN).unwrap_or(&words) } else { &words };
                push_escaped(&mut told, words);
            }
            Event::Code(code) if !code.contains('`') => {
                told.push('`');
                told.push_str(&code);
                told.push('`');
            }
            Event::InlineHtml(html) if html.starts_with("<!--") => {}
            Event::InlineHtml(html) if BLOCKS.contains(&name(&html)) => told.push(' '),
            Event::InlineHtml(html) if INLINE.contains(&name(&html)) => {}
            Event::InlineHtml(html) => push_escaped(&mut told, &html),
            Event::Start(Tag::Strong) if is_dunder(&within[range.clone()]) => told.push_str("\\_\\_"),
            // A product: 2*3*4.
            Event::Start(Tag::Emphasis | Tag::Strong)
                if within[..range.start].ends_with(char::is_alphanumeric) =>
            {
                return None;
            }
            Event::End(TagEnd::Strong) if is_dunder(&within[range.clone()]) => told.push_str("\\_\\_"),
            Event::Start(
                Tag::Paragraph | Tag::Link { .. } | Tag::Image { .. } | Tag::Emphasis | Tag::Strong,
            )
            | Event::End(_) => {}
            _ => return None,
        }
    }
    Some(one_line(&told))
}

/// Whether what may be emphasis is a name in a program: `__init__`.
fn is_dunder(strong: &str) -> bool {
    let name = strong.strip_prefix("__").and_then(|rest| rest.strip_suffix("__"));
    name.is_some_and(|name| name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'))
}

/// Elements of HTML that part what stands before and behind them.
#[rustfmt::skip]
const BLOCKS: &[&str] = &[
    "blockquote", "br", "center", "dd", "details", "div", "dl", "dt", "h1", "h2", "h3", "h4", "h5", "h6", "hr",
    "img", "li", "ol", "p", "pre", "section", "summary", "table", "tbody", "td", "th", "thead", "tr", "ul",
];
/// And those that stand among words. Other tags may be types of a program.
#[rustfmt::skip]
const INLINE: &[&str] = &[
    "a", "abbr", "b", "cite", "code", "del", "em", "font", "i", "ins", "kbd", "mark", "q", "s", "small", "span",
    "strong", "sub", "sup", "tt", "u",
];

/// The name of the element that a tag opens or closes.
fn name(tag: &str) -> &str {
    let tag = tag.trim_start_matches(['<', '/']);
    &tag[..tag.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(tag.len())]
}

fn push_escaped(told: &mut String, text: &str) {
    for (at, c) in text.char_indices() {
        let anywhere = matches!(c, '[' | ']' | '*' | '_' | '`' | '<' | '\\' | '~' | '!');
        let image_or_text = c != '!' || text[at + 1..].starts_with('[');
        let inside_word = c == '_'
            && text[..at].ends_with(char::is_alphanumeric)
            && text[at + 1..].starts_with(char::is_alphanumeric);
        let opens_block = told.is_empty() && matches!(c, '#' | '>' | '-' | '+' | '=' | '|');
        if (anywhere && image_or_text && !inside_word) || opens_block {
            told.push('\\');
        }
        told.push(c);
    }
}

/// The same, opening no list.
fn finished(mut told: String) -> String {
    let digits = told.len() - told.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    if digits > 0 && told[digits..].starts_with(['.', ')']) && told[digits + 1..].starts_with(' ') {
        told.insert(digits, '\\');
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_markdown_of_a_document_is_told_by_its_words() {
        for (stored, shown) in [
            ("The [eel ladder](/docs/eels#ladder \"Eels\") is wet.", "The eel ladder is wet."),
            ("A _sluice_ is **a gate**.", "A sluice is a gate."),
            ("Call `open_gate(2 * 3)` first<!-- not\nyet -->.", "Call `open_gate(2 * 3)` first."),
            ("![the gate](gate.png) It is open.", "the gate It is open."),
            ("Call x.__init__(), **not** __main__.", "Call x.\\_\\_init\\_\\_(), not \\_\\_main\\_\\_."),
            ("A __big gate__ of __Mirk__.", "A big gate of Mirk."),
            ("Of 2*3*4 gates, `x", "Of 2\\*3\\*4 gates, \\`x"),
            ("Use snake_case and Vec<T> or a < b.", "Use snake_case and Vec\\<T> or a \\< b."),
            ("See [12] and [the note][3].", "See \\[12\\] and \\[the note\\]\\[3\\]."),
            ("# of eels: [761](counts)", "\\# of eels: 761"),
            ("1874. The [gate](g) fell.", "1874\\. The gate fell."),
            ("[Eels](e) came.", "Eels came."),
            ("It has a maximum\n> of 5\n> > gates.", "It has a maximum of 5 gates."),
            ("As [“Eels”][eels] says [12][13].", "As “Eels” says \\[12\\]\\[13\\]."),
            ("| `a` | 2 |", "`a` | 2"),
            ("the gates. |", "the gates."),
            ("|x| is less than |y| here.", "\\|x| is less than |y| here."),
            ("Go [up]({% page \"/eels/\" %}#up) or [on]({{< ref \"b.md\" >}}).", "Go up or on."),
            ("One<br/>two <b>three</b>&mdash;four &amp; <li>five</li>", "One two three—four & five"),
            ("Gate: | Thorn", "Gate: Thorn"),
            ("|TGN|Tidal gauges|", "TGN | Tidal gauges"),
            ("Of Vec<T> and a&b", "Of Vec\\<T> and a&b"),
            ("Sets [a]({x y)", "Sets \\[a\\]({x y)"),
            ("Costs* rose.\n  *estimated", "Costs\\* rose. \\*estimated"),
        ] {
            assert_eq!(told(stored), shown, "{stored}");
        }
    }

    #[test]
    fn what_links_lead_to_is_left_out() {
        for (text, rest) in [
            ("The [eels](https://a.b/5-c) and ![a gate](g.png \"Gate\").", "The [eels] and ![a gate]."),
            ("Of [2](3", "Of [2](3"),
            ("No link (here)", "No link (here)"),
        ] {
            assert_eq!(without_targets(text), rest);
        }
    }

    #[test]
    fn a_name_keeps_all_its_signs() {
        assert_eq!(escaped("[Eels](e) and _more_ `code`"), "\\[Eels\\](e) and \\_more\\_ \\`code\\`");
        assert_eq!(escaped("2. Gates"), "2\\. Gates");
    }
}
