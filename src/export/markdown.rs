//! A session as Markdown: each question, its answer, and below it the sources by their numbers with
//! the exact quotes. Opening it loads nothing: pictures become links and tags become text.

use std::fmt::Write;

use jiff::tz::TimeZone;
use pulldown_cmark::{Event, Options, Parser, Tag};

use super::Bundle;
use super::sources::{self, Source};
use crate::session::{Liking, Message, Mode, Role};

/// Characters that Markdown would take for its own.
const SPECIAL: &[char] = &['\\', '`', '*', '_', '[', ']', '<', '>', '#', '|', '~', '&', '!', '$'];

/// Writes a session.
pub(super) fn write(bundle: &Bundle) -> String {
    let mut out = String::new();
    let title = if bundle.session.title.is_empty() { "Untitled" } else { &bundle.session.title };
    line(&mut out, &format!("# {}\n", plain(title)));
    line(&mut out, &format!("*{}*", plain(&subtitle(bundle))));
    for message in &bundle.messages {
        match message.role {
            Role::User => question(&mut out, message),
            Role::Assistant => answer(&mut out, message, bundle),
        }
    }
    out
}

/// When the session was, and how much of it there is.
pub(super) fn subtitle(bundle: &Bundle) -> String {
    let questions = bundle.messages.iter().filter(|message| message.role == Role::User).count();
    let date = bundle.session.created_at.to_zoned(TimeZone::UTC).strftime("%-d %B %Y");
    let plural = if questions == 1 { "question" } else { "questions" };
    format!("{date} · {questions} {plural} · answered by ibid from the reader’s own documents")
}

/// What stands above an answer: how it was made.
pub(super) fn made_by(message: &Message) -> String {
    let mode = match message.mode {
        Some(Mode::DeepResearch) => "Deep research",
        Some(Mode::Regular) | None => "Answer",
    };
    let model = message.model.as_deref().map(|model| format!(" · {model}")).unwrap_or_default();
    let ending = sources::ending(message).map(|ending| format!(" · {ending}")).unwrap_or_default();
    format!("{mode}{model}{ending}")
}

/// What stands below an answer: how it holds, and what the reader thinks of it.
pub(super) fn remarks(message: &Message) -> Vec<String> {
    let mut remarks = Vec::new();
    if let Some(grounding) = message.grounding.as_ref().filter(|grounding| grounding.sentences > 0) {
        let (supported, all) = (grounding.supported, grounding.sentences);
        let claims = if all == 1 { "claim is" } else { "claims are" };
        remarks.push(format!("{supported} of {all} {claims} supported by the sources."));
    }
    if let Some(coverage) = &message.coverage {
        remarks.push(format!(
            "{} documents searched, {} read, {} cited.",
            coverage.searched, coverage.read, coverage.cited
        ));
        remarks.extend(coverage.not_found.iter().map(|question| format!("Not found: {question}")));
        remarks.extend(coverage.not_done.iter().map(|question| format!("Not looked into: {question}")));
    }
    if let Some(reaction) = &message.reaction {
        let word = match reaction.reaction {
            Liking::Like => "The reader found this helpful",
            Liking::Dislike => "The reader did not find this helpful",
        };
        let note = reaction.note.as_deref().map(|note| format!(": {note}")).unwrap_or_default();
        remarks.push(format!("{word}{note}."));
    }
    remarks
}

fn question(out: &mut String, message: &Message) {
    out.push_str("\n---\n\n");
    for text in message.content.trim().lines() {
        line(out, format!("> **{}**", plain(text)).replace("> ****", ">").trim_end());
    }
}

fn answer(out: &mut String, message: &Message, bundle: &Bundle) {
    line(out, &format!("\n*{}*\n", plain(&made_by(message))));
    if let Some(plan) = message.plan.as_ref().filter(|plan| plan.questions.len() > 1) {
        for (number, question) in (1..).zip(&plan.questions) {
            line(out, &format!("{number}. {}", plain(&question.text)));
        }
        out.push('\n');
    }
    line(out, inert(message.content.trim()).trim_end());
    if let Some(error) = &message.error {
        line(out, &format!("\n*Failed: {}*", plain(&error.message)));
    }
    let remarks = remarks(message);
    if !remarks.is_empty() {
        out.push('\n');
        remarks.iter().for_each(|remark| line(out, &format!("*{}*\n", plain(remark))));
    }
    let sources = sources::of(message, bundle);
    if !sources.is_empty() {
        out.push_str("\n**Sources**\n\n");
        for source in &sources {
            write_source(out, source);
        }
    }
}

fn write_source(out: &mut String, source: &Source<'_>) {
    let document = match source.name {
        Some(name) if name != source.title => format!("*{}* ({})", plain(source.title), plain(name)),
        _ => format!("*{}*", plain(source.title)),
    };
    line(out, &format!("- **\\[{}\\]** {document}", source.n));
    for quote in &source.quotes {
        let place = quote.place();
        let place = if place.is_empty() { String::new() } else { format!("{}: ", plain(&place)) };
        let doubt = quote.doubt().map(|doubt| format!(" *({doubt})*")).unwrap_or_default();
        line(out, &format!("  - {place}“{}”{doubt}", plain(&sources::flowing(quote.text))));
    }
}

fn line(out: &mut String, text: &str) {
    // Writing to a string can't fail.
    let _ = writeln!(out, "{text}");
}

/// Text that shows as it is.
fn plain(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if SPECIAL.contains(&c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// How often what is left of an answer is read again.
const MAX_READINGS: usize = 8;

/// An answer whose Markdown loads nothing and runs nothing. A picture or a tag that is taken away can
/// make another one of what stood around it, so what is left is read again.
fn inert(answer: &str) -> String {
    let mut left = answer.to_owned();
    for _ in 0..MAX_READINGS {
        let next = disarmed(&left);
        if next == left {
            return left;
        }
        left = next;
    }
    // Written to outwit this: it is shown as it is.
    plain(&left)
}

/// A text whose pictures and tags, as they are read now, are text.
fn disarmed(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    let events = Parser::new_ext(text, Options::ENABLE_TABLES).into_offset_iter();
    for (event, range) in events {
        if range.start < done {
            continue;
        }
        match event {
            Event::Start(Tag::Image { .. }) => {
                out.push_str(&text[done..range.start]);
                out.push('\\');
                done = range.start;
            }
            Event::Html(_) | Event::InlineHtml(_) => {
                out.push_str(&text[done..range.start]);
                out.push_str(&text[range.clone()].replace('<', "&lt;"));
                done = range.end;
            }
            _ => {}
        }
    }
    out.push_str(&text[done..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opening_an_answer_loads_nothing() {
        let answer = "See ![map](https://evil.example/m.png) and <img src=\"https://evil.example/x\"> [1].\n\n\
                      <script>alert(1)</script>\n\n`a < b`\n";
        let inert = inert(answer);
        let loads = |event: &Event<'_>| {
            matches!(event, Event::Start(Tag::Image { .. }) | Event::Html(_) | Event::InlineHtml(_))
        };
        assert!(!Parser::new(&inert).any(|event| loads(&event)), "{inert}");
        assert!(inert.contains("`a < b`") && inert.contains("[1]"), "{inert}");
    }

    #[test]
    fn a_tag_taken_away_makes_no_picture_of_what_stood_around_it() {
        let answer =
            "![map <b>of](p < b](720) ![a](9) <!-- x -->\n\n![a<x](y \"<b>\") ![<b](<c>) `![<i](d>) `";
        let inert = inert(answer);
        assert!(
            !Parser::new(&inert).any(|event| matches!(event, Event::Start(Tag::Image { .. }))),
            "{inert}"
        );
    }

    #[test]
    fn escaped_text_reads_as_it_was() {
        let text = "1 * 2 * 3 < 4 & _x_ [y](z) `code` ![a](b) # | ~ <b> &amp;";
        let escaped = plain(text);
        let shown: String = Parser::new_ext(&escaped, Options::ENABLE_TABLES)
            .filter_map(|event| match event {
                Event::Text(text) => Some(text.into_string()),
                Event::Start(Tag::Paragraph) | Event::End(_) => None,
                other => Some(format!("{other:?}")),
            })
            .collect();
        assert_eq!(shown, text);
    }

    #[test]
    fn no_answer_loads_anything_when_it_is_opened() {
        let examples = [
            "# A\n\n![map](https://evil.example/m.png) <img src=x onerror=y> [1] `a < b`\n\n<script>x</script>\n",
            "- a\n  1. b ![x][y]\n\n[y]: https://evil.example/z\n\n| a | b |\n|---|---|\n| ![i](j) | <b>c</b> |",
            "> ![a ![b](c) d](e) <!-- x --> <?php ?> <![CDATA[y]]> ~~z~~ \\![k](l)\n\n```\n![m](n)\n```",
        ];
        let examples = examples.map(|example| example.as_bytes().to_vec());
        let words = [
            "![", "](", ")", "<img ", "<!--", "-->", "\n\n", "    ", "> ", "| ", "```", "[x]: y\n", "\\",
            "&lt;",
        ];
        crate::fuzz::fuzz("markdown", &examples, &words, |bytes| {
            let answer = String::from_utf8_lossy(bytes);
            let inert = inert(&answer);
            let mut events = Parser::new_ext(&inert, Options::ENABLE_TABLES);
            let loads = |event: &Event<'_>| {
                matches!(event, Event::Start(Tag::Image { .. }) | Event::Html(_) | Event::InlineHtml(_))
            };
            assert!(!events.any(|event| loads(&event)), "{answer:?} became {inert:?}");
        });
    }
}
