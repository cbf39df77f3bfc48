//! A session, typeset: A4 pages with the questions, the answers as their Markdown means them, and
//! after each answer a table of its sources that every mark leads to. Letters come from the fonts of
//! the machine, and Latin, Greek and Cyrillic from one that is built in, so that a machine without
//! fonts gives the same page.

mod answer;
mod fonts;
mod paint;
mod sheet;
#[cfg(test)]
mod tests;
mod text;

use super::markdown::{made_by, remarks, subtitle};
use super::{Bundle, sources};
use crate::Error;
use crate::session::{Message, Role};
use fonts::Fonts;
use sheet::{Anchor, Sheet, Table};
use text::{Span, Style};

/// A question that is longer than this, in bytes, is set as text and not as a heading.
const MAX_HEADING_BYTES: usize = 240;

/// Letters without a font that are listed; whole books of them would fill pages.
const MAX_LISTED: usize = 400;

/// Typesets a session. Letters that no font has are shown as boxes, told in the log and at the end.
///
/// # Errors
/// If not even the font that is built in can be written.
pub(super) fn write(bundle: &Bundle) -> Result<Vec<u8>, Error> {
    match typeset(bundle, Fonts::of_this_machine()) {
        Ok(bytes) => Ok(bytes),
        Err(error) => {
            tracing::warn!(%error, "a font of this machine can't be written; the PDF uses the built-in one only");
            typeset(bundle, Fonts::built_in()).map_err(Error::internal)
        }
    }
}

fn typeset(bundle: &Bundle, fonts: Fonts) -> Result<Vec<u8>, String> {
    let mut sheet = Sheet::new(fonts);
    let title = if bundle.session.title.is_empty() { "Untitled" } else { &bundle.session.title };
    sheet.paragraph(&[Span::new(title, Style::TITLE)], 0.0);
    sheet.space(4.0);
    sheet.paragraph(&[Span::new(&subtitle(bundle), Style::SMALL.gray())], 0.0);
    sheet.space(10.0);
    sheet.rule();
    for (number, message) in (0..).zip(&bundle.messages) {
        match message.role {
            Role::User => question(&mut sheet, message),
            Role::Assistant => answer(&mut sheet, number, message, bundle),
        }
    }
    note_missing(&mut sheet);
    paint::paint(sheet, title, bundle.exported_at)
}

fn question(sheet: &mut Sheet, message: &Message) {
    let text = message.content.trim();
    sheet.space(18.0);
    sheet.mark(text);
    if text.len() <= MAX_HEADING_BYTES {
        sheet.heading(&[Span::new(&sources::flowing(text), Style::QUESTION)]);
        return;
    }
    for paragraph in text.lines().filter(|line| !line.trim().is_empty()) {
        sheet.paragraph(&[Span::new(paragraph, Style::BODY.bold())], 0.0);
        sheet.space(4.0);
    }
}

fn answer(sheet: &mut Sheet, number: usize, message: &Message, bundle: &Bundle) {
    sheet.space(3.0);
    sheet.heading(&[Span::new(&made_by(message), Style::SMALL.gray().italic())]);
    sheet.space(6.0);
    if let Some(plan) = message.plan.as_ref().filter(|plan| plan.questions.len() > 1) {
        for (number, question) in (1..).zip(&plan.questions) {
            sheet.item(&format!("{number}."), &[Span::new(&question.text, Style::SMALL)], 16.0);
        }
        sheet.space(6.0);
    }
    answer::set(sheet, number, &message.content);
    if let Some(error) = &message.error {
        sheet.paragraph(&[Span::new(&format!("Failed: {}", error.message), Style::BODY.italic())], 0.0);
    }
    for remark in remarks(message) {
        sheet.space(2.0);
        sheet.paragraph(&[Span::new(&remark, Style::SMALL.gray())], 0.0);
    }
    sources_table(sheet, number, message, bundle);
}

fn sources_table(sheet: &mut Sheet, answer: usize, message: &Message, bundle: &Bundle) {
    let cited = sources::of(message, bundle);
    if cited.is_empty() {
        return;
    }
    let head = |text: &str| vec![Span::new(text, Style::SMALL.bold())];
    let mut table = Table::new(vec![0.05, 0.35, 0.60], vec![head(""), head("Source"), head("Quote")]);
    for source in &cited {
        for (at, quote) in source.quotes.iter().enumerate() {
            let is_first = at == 0;
            let entry = Anchor::Source { answer, n: source.n };
            let back = Anchor::Mark { answer, n: source.n };
            let mark = format!("[{}]", source.n);
            let number = match is_first {
                true => vec![Span::new(&mark, Style::SMALL.to(back).at(entry))],
                false => Vec::new(),
            };
            let mut document = Vec::new();
            if is_first {
                document.push(Span::new(&sources::flowing(source.title), Style::SMALL.italic()));
            }
            let place = quote.place();
            if !place.is_empty() {
                let joint = if is_first { ", " } else { "" };
                document.push(Span::new(&format!("{joint}{place}"), Style::SMALL));
            }
            let mut words = vec![Span::new(&format!("“{}”", sources::flowing(quote.text)), Style::SMALL)];
            if let Some(doubt) = quote.doubt() {
                words.push(Span::new(&format!(" ({doubt})"), Style::SMALL.gray().italic()));
            }
            table.row(vec![number, document, words]);
        }
    }
    sheet.space(8.0);
    sheet.heading(&[Span::new("Sources", Style::BODY.bold())]);
    sheet.space(3.0);
    sheet.table(&table);
}

fn note_missing(sheet: &mut Sheet) {
    let missing = sheet.missing();
    if missing.is_empty() {
        return;
    }
    let mut listed: Vec<String> =
        missing.iter().take(MAX_LISTED).map(|c| format!("U+{:04X}", u32::from(*c))).collect();
    if missing.len() > MAX_LISTED {
        listed.push(format!("{} more", missing.len() - MAX_LISTED));
    }
    tracing::warn!(letters = %listed.join(" "), "no font on this machine has these letters; they are boxes in the PDF");
    sheet.space(12.0);
    let note = format!(
        "The machine that made this page has no font for {}; they are shown as boxes.",
        listed.join(", ")
    );
    sheet.paragraph(&[Span::new(&note, Style::SMALL.gray())], 0.0);
}
