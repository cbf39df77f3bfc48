//! A measured run as lines for a reader, and below them the questions to look into.

use std::io::{Result, Write};

use super::Run;
use super::score::{RANKS, Spread};
use crate::cli::answer::count;
use crate::cli::screen::{Paint, line};

/// How many questions that went wrong are named.
const MAX_MISSES: usize = 20;

pub(super) fn write(out: &mut impl Write, run: &Run, paint: Paint) -> Result<()> {
    let summary = &run.summary;
    let mode = run.mode.and_then(|mode| serde_json::to_value(mode).ok());
    let mode = mode.and_then(|mode| mode.as_str().map(str::to_owned));
    let way: Vec<String> = [mode, run.model.as_deref().map(line)].into_iter().flatten().collect();
    let title = if way.is_empty() { "search".to_owned() } else { way.join(", ") };
    let questions = count(summary.questions as u64, "question");
    writeln!(
        out,
        "{}: {questions}, {} answerable, {} failed",
        paint.bold(&title),
        summary.answerable,
        summary.failed
    )?;

    let [first, few, many] = RANKS.map(|rank| format!("@{rank}"));
    writeln!(out, "\n{}", paint.dim(&format!("{:<24}{first:>8}{few:>8}{many:>8}", "found by search")))?;
    for (what, recall) in [
        ("document", summary.document_recall),
        ("page", summary.page_recall),
        ("quote", summary.quote_recall),
    ] {
        let [first, few, many] = recall.map(rate);
        writeln!(out, "  {what:<22}{first:>8}{few:>8}{many:>8}")?;
    }
    if let Some(answers) = &summary.answers {
        writeln!(out, "\n{}", paint.dim("answers"))?;
        for (what, share) in [
            ("cite the document", answers.document_cited),
            ("cite the page", answers.page_cited),
            ("cite the quote", answers.quote_cited),
            ("say the answer", answers.answer_said),
            ("in the first sentence", answers.answer_said_first),
            ("quotes that stand", answers.quotes_valid),
            ("refusal precision", answers.refusal_precision),
            ("refusal recall", answers.refusal_recall),
        ] {
            writeln!(out, "  {what:<22}{:>8}", rate(share))?;
        }
    }
    let answers = summary.answers.as_ref();
    writeln!(out, "\n{}", paint.dim(&format!("{:<24}{:>8}{:>8}", "milliseconds", "p50", "p95")))?;
    for (what, spread) in [
        ("search", summary.search_ms),
        ("first words", answers.and_then(|answers| answers.first_token_ms)),
        ("whole answer", answers.and_then(|answers| answers.total_ms)),
    ] {
        if let Some(Spread { p50, p95 }) = spread {
            writeln!(out, "  {what:<22}{p50:>8.0}{p95:>8.0}")?;
        }
    }
    if let Some(answers) = answers {
        let usage = answers.usage;
        let calls = count(usage.calls.into(), "call");
        writeln!(out, "\n{} tokens read, {} written, {calls}", usage.input_tokens, usage.output_tokens)?;
    }
    misses(out, run, paint)
}

fn misses(out: &mut impl Write, run: &Run, paint: Paint) -> Result<()> {
    let misses: Vec<_> =
        run.questions.iter().filter_map(|outcome| Some((outcome, outcome.miss()?))).collect();
    if !misses.is_empty() {
        writeln!(out, "\n{}", paint.dim("to look into"))?;
    }
    for (outcome, miss) in misses.iter().take(MAX_MISSES) {
        writeln!(
            out,
            "  line {}: {} {}",
            outcome.line,
            line(&outcome.question),
            paint.bad(&format!("({})", line(miss)))
        )?;
    }
    if misses.len() > MAX_MISSES {
        writeln!(out, "  and {} more: --json has them all", misses.len() - MAX_MISSES)?;
    }
    writeln!(out)
}

fn rate(share: Option<f64>) -> String {
    share.map_or_else(|| "–".to_owned(), |share| format!("{share:.3}"))
}
