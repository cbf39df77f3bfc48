//! How an answer looks in a terminal: its text with the marks painted, and below it each source
//! with the exact quotes. Shared by `ask`, as it comes, and `show`, from history.

use std::io::{Result, Write};

use ibid::event::{Citation, Coverage, Event, Grounding, Plan, Source, Step, StepKind, StepState, Verdict};

use super::screen::{Paint, clean, flow, line};

/// Writes the cited sources by their numbers, each with its title, page, heading and quotes; a quote
/// from a table with what stands above the columns.
pub(crate) fn write_sources(
    out: &mut impl Write,
    citations: &[Citation],
    paint: Paint,
    width: usize,
) -> Result<()> {
    let mut numbers: Vec<u32> = citations.iter().map(|citation| citation.n).collect();
    numbers.sort_unstable();
    numbers.dedup();
    for n in numbers {
        let mut quotes: Vec<&Citation> = Vec::new();
        for citation in citations.iter().filter(|citation| citation.n == n) {
            let is_same = |seen: &&Citation| (seen.start, seen.end, seen.verdict) == key(citation);
            if !quotes.iter().any(is_same) {
                quotes.push(citation);
            }
        }
        let Some(first) = quotes.first() else { continue };
        let place = place(&first.title, None, None);
        writeln!(out, "\n{} {}", paint.mark(&format!("[{n}]")), paint.bold(&place))?;
        for citation in quotes {
            let where_to = place_in(citation.page, citation.heading.as_deref());
            if !where_to.is_empty() {
                writeln!(out, "    {}", paint.dim(&where_to))?;
            }
            if let Some(columns) = &citation.columns {
                writeln!(out, "{}", above(columns, paint, 4, width))?;
            }
            writeln!(out, "{}", flow(&format!("“{}”", citation.quote), &[], paint, 4, width))?;
            writeln!(out, "    {}", verdict(citation, paint))?;
        }
    }
    Ok(())
}

fn key(citation: &Citation) -> (usize, usize, Verdict) {
    (citation.start, citation.end, citation.verdict)
}

fn verdict(citation: &Citation, paint: Paint) -> String {
    let support = format!("({:.2})", citation.support);
    match citation.verdict {
        Verdict::Supported => paint.dim(&format!("supported {support}")).into_owned(),
        Verdict::Partial => format!("partly supported {support}"),
        Verdict::Unsupported => paint.bad(&format!("not supported {support}")).into_owned(),
    }
}

/// `Title, p. 3 › Heading`.
pub(crate) fn place(title: &str, page: Option<u32>, heading: Option<&str>) -> String {
    let within = place_in(page, heading);
    let title = line(title);
    if within.is_empty() { title } else { format!("{title}, {within}") }
}

fn place_in(page: Option<u32>, heading: Option<&str>) -> String {
    let page = page.map(|page| format!("p. {page}"));
    let heading = heading.map(line).filter(|heading| !heading.is_empty());
    [page, heading].into_iter().flatten().collect::<Vec<_>>().join(" › ")
}

/// What stands above the columns of a table.
pub(crate) fn above(columns: &str, paint: Paint, indent: usize, width: usize) -> String {
    flow(&format!("columns: {}", line(columns)), &[], paint, indent, width)
}

/// One line for a piece of work, if it is worth one.
pub(crate) fn step(event: &Event) -> Option<String> {
    let Event::Step { step: Step { kind, state, query, found, note, .. } } = event else { return None };
    let what = match (kind, state) {
        (StepKind::Plan, StepState::Started) => "planning",
        (StepKind::Plan, StepState::Finished) => return None,
        (StepKind::Search, StepState::Started) => "searching",
        (StepKind::Search, StepState::Finished) => "searched",
        (StepKind::Read, StepState::Started) => "reading",
        (StepKind::Read, StepState::Finished) => "read",
        (StepKind::Gap, StepState::Started) => "looking for gaps",
        (StepKind::Gap, StepState::Finished) => "looked for gaps",
        (StepKind::Write, StepState::Started) => "writing",
        (StepKind::Resume, _) => "resumed",
        (StepKind::Write, StepState::Finished) => return None,
    };
    let query = query.as_deref().map(|query| format!(" “{}”", line(query)));
    let of = match kind {
        StepKind::Read => "note",
        StepKind::Gap => "further question",
        _ => "passage",
    };
    let found = found.map(|found| format!(": {}", count(found.into(), of)));
    let note = note.as_deref().map(|note| format!(" ({})", line(note)));
    Some([Some(what.to_owned()), query, found, note].into_iter().flatten().collect())
}

/// The questions of a plan, a line each.
pub(crate) fn plan(plan: &Plan) -> String {
    let mut lines = vec![format!("plan: {}", count(plan.questions.len() as u64, "question"))];
    lines
        .extend(plan.questions.iter().map(|question| format!("  {}. {}", question.id, line(&question.text))));
    if plan.estimate.calls > 0 {
        let estimate = &plan.estimate;
        lines.push(format!(
            "  about {}, {} tokens, {} s",
            count(estimate.calls.into(), "call"),
            estimate.tokens,
            estimate.seconds
        ));
    }
    if plan.awaiting_approval {
        lines.push("  it waits for approval".to_owned());
    }
    lines.join("\n")
}

/// What a deep research looked at, in one line.
pub(crate) fn coverage(coverage: &Coverage) -> String {
    let mut text = format!(
        "{} searched, {} read, {} cited, {} came up unread, {} did not come up",
        count(coverage.searched, "document"),
        coverage.read,
        coverage.cited,
        coverage.skipped.len(),
        coverage.unmatched
    );
    for (what, questions) in [("not found", &coverage.not_found), ("not looked into", &coverage.not_done)] {
        for question in questions {
            text += &format!("\n{what}: {}", line(question));
        }
    }
    text
}

/// What stands behind the answer, in one line; a second one when nothing relevant was found.
pub(crate) fn grounding(grounding: &Grounding) -> String {
    let mut text = match grounding.sentences {
        0 => "no claims".to_owned(),
        all => format!("{} of {} supported by its sources", grounding.supported, count(all.into(), "claim")),
    };
    if grounding.dropped_marks > 0 {
        text += &format!(", {} dropped", count(grounding.dropped_marks.into(), "mark"));
    }
    if let Some(receipt) = &grounding.receipt {
        let queries: Vec<String> = receipt.queries.iter().map(|query| format!("“{}”", line(query))).collect();
        text += &format!(
            "\nsearched {} for {}",
            count(receipt.documents_searched, "document"),
            queries.join(", ")
        );
        if !receipt.unknown_words.is_empty() {
            text += &format!("; not in any: {}", line(&receipt.unknown_words.join(", ")));
        }
    }
    text
}

/// The titles of the passages the writer was given, for when it cited none of them.
pub(crate) fn titles(sources: &[Source]) -> String {
    let mut titles: Vec<String> = Vec::new();
    for source in sources {
        let title = line(&source.title);
        if !titles.contains(&title) {
            titles.push(title);
        }
    }
    titles.join("; ")
}

/// `1 passage`, `2 passages`.
pub(crate) fn count(number: u64, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

/// Part of an answer, safe for the terminal and with its marks painted.
pub(crate) fn text(text: &str, paint: Paint) -> String {
    paint.marks(&clean(text))
}
