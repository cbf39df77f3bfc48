//! How far an `add` has come, and what became of each file: progress on stderr, results on stdout.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write, stderr, stdout};
use std::time::Duration;

use anyhow::Result;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::Ending;
use crate::cli::answer::count;
use crate::cli::screen::line;
use crate::cli::upload::{Outcome, Settled};

/// Who reads the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reader {
    /// Someone at a terminal, or at the log it was redirected to.
    Person,
    /// A program: one JSON object a file.
    Program,
    /// Nobody asked for it; only failures are told.
    Nobody,
}

/// Takes documents as they settle.
pub(crate) struct Report {
    bar: ProgressBar,
    total: u64,
    bytes: u64,
    reader: Reader,
    has_bar: bool,
    outcomes: BTreeMap<Outcome, u64>,
    failed: Vec<(String, String)>,
}

impl Report {
    pub(crate) fn new(total: u64, reader: Reader) -> Self {
        let has_bar = stderr().is_terminal() && reader != Reader::Nobody && total > 0;
        let target = if has_bar { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(total), target);
        // The template is a constant; were it ever wrong, the default bar is no reason to fail.
        if let Ok(style) =
            ProgressStyle::with_template("{spinner} {wide_bar} {pos}/{len} files {msg} ETA {eta}")
        {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(120));
        Self { bar, total, bytes: 0, reader, has_bar, outcomes: BTreeMap::new(), failed: Vec::new() }
    }

    /// Reports one document.
    pub(crate) fn take(&mut self, settled: Settled) -> Result<()> {
        self.bytes += settled.bytes;
        self.bar.inc(1);
        let seconds = self.bar.elapsed().as_secs_f64().max(0.001);
        self.bar.set_message(format!("{:.1} MB/s", self.bytes as f64 / 1e6 / seconds));
        match self.reader {
            Reader::Person => self.tell(&settled)?,
            Reader::Program => {
                let mut out = stdout();
                writeln!(out, "{}", serde_json::to_string(&settled)?)?;
                out.flush()?;
            }
            Reader::Nobody => {}
        }
        *self.outcomes.entry(settled.outcome).or_default() += 1;
        if settled.outcome == Outcome::Failed {
            let why = settled.error.unwrap_or_else(|| "no reason given".into());
            self.failed.push((settled.name, why));
        }
        Ok(())
    }

    /// A line for each document where there is no bar, and in any case what is worth knowing of it.
    fn tell(&self, settled: &Settled) -> Result<()> {
        let name = line(&settled.name);
        if !self.has_bar {
            let outcome = said(settled.outcome);
            let detail = match (&settled.document, &settled.error) {
                (_, Some(error)) => format!(": {}", line(error)),
                (Some(document), None) => format!(" ({})", count(document.passages.into(), "passage")),
                (None, None) => String::new(),
            };
            writeln!(stderr(), "[{}/{}] {outcome}: {name}{detail}", self.bar.position(), self.total)?;
        }
        for note in settled.document.iter().flat_map(|document| &document.notes) {
            self.bar.suspend(|| writeln!(stderr(), "note: {name}: {}", line(note)))?;
        }
        Ok(())
    }

    /// The sum of it; an error if any document failed.
    pub(crate) fn finish(self) -> Result<()> {
        self.bar.finish_and_clear();
        let failures = self.failed.iter();
        let mut failures = failures.map(|(name, why)| format!("failed: {}: {}", line(name), line(why)));
        match self.reader {
            Reader::Person => {
                writeln!(stdout(), "{}", self.summary())?;
                failures.try_for_each(|failure| writeln!(stdout(), "  {failure}"))?;
            }
            Reader::Program => {}
            Reader::Nobody => failures.try_for_each(|failure| writeln!(stderr(), "{failure}"))?,
        }
        if self.failed.is_empty() { Ok(()) } else { Err(Ending::Reported.into()) }
    }

    fn summary(&self) -> String {
        let outcomes = self.outcomes.iter();
        let said: Vec<String> = outcomes
            .map(|(outcome, number)| match outcome {
                Outcome::NewVersion => count(*number, said(*outcome)),
                _ => format!("{number} {}", said(*outcome)),
            })
            .collect();
        if said.is_empty() { "nothing to do".to_owned() } else { said.join(", ") }
    }
}

fn said(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Ready => "ready",
        Outcome::NewVersion => "new version",
        Outcome::AlreadyThere => "already there",
        Outcome::Reread => "read anew",
        Outcome::Unchanged => "unchanged",
        Outcome::Failed => "failed",
    }
}
