//! `ibid add`: files, folders and patterns become documents, with a bar that says how far.

mod paths;

use std::io::{IsTerminal, Write, stderr, stdout};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, bail};
use clap::Args;
use futures::StreamExt as _;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

pub(crate) use paths::why;

use super::Ending;
use super::connect::Client;
use super::screen::{Paint, line};
use super::upload::{Content, Item, Outcome, Settled, Uploads};

/// Documents on their way at the same time. Most of them only wait to be read.
const IN_FLIGHT: usize = 64;

/// Add documents: files, whole folders, patterns, or standard input.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ibid add report.pdf notes.md
  ibid add --collection papers ~/papers
  ibid add 'papers/**/*.pdf'
  curl -s https://example.org/page.html | ibid add - --name page.html

The same bytes again change nothing; the same name with new bytes is a new version.")]
pub(crate) struct Add {
    /// Files, folders, patterns, or `-` for standard input. Hidden files are passed over.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// The collection to put them in.
    #[arg(long, value_name = "NAME")]
    collection: Option<String>,
    /// The name of what comes from standard input.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Files sent at the same time [default: 4].
    #[arg(long, value_name = "N", default_value_t = 4, hide_default_value = true,
          value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=64))]
    jobs: usize,
    /// Print one JSON object a file.
    #[arg(long)]
    json: bool,
}

impl Add {
    /// Finds what is meant, before any server is troubled.
    pub(crate) fn items(&self) -> Result<(Vec<Item>, Vec<Settled>)> {
        let (stdin, paths): (Vec<&PathBuf>, Vec<&PathBuf>) =
            self.paths.iter().partition(|path| path.as_path() == Path::new("-"));
        let mut items = Vec::new();
        match (&self.name, stdin.as_slice()) {
            (Some(name), [_]) => items.push(Item { name: name.clone(), content: Content::Stdin }),
            (None, [_]) => bail!("standard input has no name: say what to call it with --name"),
            (Some(_), []) => bail!("--name is for standard input (`-`); files keep their names"),
            (None, []) => {}
            (_, [_, _, ..]) => bail!("standard input can be read only once"),
        }
        let expanded = paths::expand(&paths.into_iter().cloned().collect::<Vec<_>>());
        items.extend(
            expanded
                .files
                .into_iter()
                .map(|file| Item { name: file.name, content: Content::File(file.path) }),
        );
        let problems = expanded.problems.into_iter().map(|(path, why)| Settled {
            name: path.to_string_lossy().into_owned(),
            outcome: Outcome::Failed,
            document: None,
            error: Some(why),
            bytes: 0,
        });
        Ok((items, problems.collect()))
    }
}

pub(crate) async fn run(client: &Client, add: &Add, items: &[Item], problems: Vec<Settled>) -> Result<()> {
    let mut report = Report::new((items.len() + problems.len()) as u64, add.json);
    for problem in problems {
        report.take(problem)?;
    }
    load(client, add.collection.as_deref(), add.jobs, items, &mut report).await?;
    report.finish()
}

/// Uploads all items and reports each as it settles.
pub(crate) async fn load(
    client: &Client,
    collection: Option<&str>,
    jobs: usize,
    items: &[Item],
    report: &mut Report,
) -> Result<()> {
    let uploads = Uploads::new(client, collection, jobs).await?;
    let mut settling =
        futures::stream::iter(items).map(|item| uploads.run(item)).buffer_unordered(IN_FLIGHT.max(jobs));
    while let Some(settled) = settling.next().await {
        report.take(settled)?;
    }
    Ok(())
}

/// Progress on stderr, results on stdout.
pub(crate) struct Report {
    bar: ProgressBar,
    total: u64,
    bytes: u64,
    json: bool,
    lines: bool,
    ready: u64,
    new_versions: u64,
    already_there: u64,
    failed: Vec<(String, String)>,
}

impl Report {
    pub(crate) fn new(total: u64, json: bool) -> Self {
        let lines = !stderr().is_terminal();
        let target =
            if lines || total == 0 { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let bar = ProgressBar::with_draw_target(Some(total), target);
        // The template is a constant; were it ever wrong, the default bar is no reason to fail.
        if let Ok(style) =
            ProgressStyle::with_template("{spinner} {wide_bar} {pos}/{len} files {msg} ETA {eta}")
        {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(120));
        Self {
            bar,
            total,
            bytes: 0,
            json,
            lines,
            ready: 0,
            new_versions: 0,
            already_there: 0,
            failed: Vec::new(),
        }
    }

    /// Reports one document.
    pub(crate) fn take(&mut self, settled: Settled) -> Result<()> {
        self.bytes += settled.bytes;
        match settled.outcome {
            Outcome::Ready => self.ready += 1,
            Outcome::NewVersion => self.new_versions += 1,
            Outcome::AlreadyThere => self.already_there += 1,
            Outcome::Failed => {}
        }
        if self.json {
            let mut out = stdout();
            writeln!(out, "{}", serde_json::to_string(&settled)?)?;
            out.flush()?;
        } else if self.lines {
            self.line(&settled)?;
        }
        let notes = settled.document.iter().flat_map(|document| &document.notes).filter(|_| !self.json);
        for note in notes {
            self.above(&format!("note: {}: {}", line(&settled.name), line(note)))?;
        }
        if settled.outcome == Outcome::Failed {
            let why = settled.error.unwrap_or_else(|| "no reason given".into());
            let text = format!("failed: {}: {}", line(&settled.name), line(&why));
            if !self.lines {
                self.above(&Paint::for_stream(&stderr()).bad(&text))?;
            }
            self.failed.push((settled.name, why));
        }
        self.bar.inc(1);
        let seconds = self.bar.elapsed().as_secs_f64().max(0.001);
        self.bar.set_message(format!("{:.1} MB/s", self.bytes as f64 / 1e6 / seconds));
        Ok(())
    }

    fn line(&self, settled: &Settled) -> Result<()> {
        let outcome = match settled.outcome {
            Outcome::Ready => "ready",
            Outcome::NewVersion => "new version",
            Outcome::AlreadyThere => "already there",
            Outcome::Failed => "failed",
        };
        let detail = match (&settled.document, &settled.error) {
            (_, Some(error)) => format!(": {}", line(error)),
            (Some(document), None) => format!(" ({} passages)", document.passages),
            (None, None) => String::new(),
        };
        let (done, total) = (self.bar.position() + 1, self.total);
        writeln!(stderr(), "[{done}/{total}] {outcome}: {}{detail}", line(&settled.name))?;
        Ok(())
    }

    /// Prints a line without tearing the bar.
    fn above(&self, text: &str) -> Result<()> {
        self.bar.suspend(|| writeln!(stderr(), "{text}"))?;
        Ok(())
    }

    /// The sum of it; an error if any document failed.
    pub(crate) fn finish(self) -> Result<()> {
        self.bar.finish_and_clear();
        if !self.json {
            writeln!(stdout(), "{}", self.summary())?;
            for (name, why) in &self.failed {
                writeln!(stdout(), "  failed: {}: {}", line(name), line(why))?;
            }
        }
        if self.failed.is_empty() { Ok(()) } else { Err(Ending::Reported.into()) }
    }

    pub(crate) fn summary(&self) -> String {
        let failed = self.failed.len() as u64;
        let counts = [
            (self.ready, "ready"),
            (self.new_versions, "new versions"),
            (self.already_there, "already there"),
            (failed, "failed"),
        ];
        let said: Vec<String> = counts
            .into_iter()
            .filter(|(number, what)| *number > 0 || *what == "ready")
            .map(|(number, what)| format!("{number} {what}"))
            .collect();
        said.join(", ")
    }
}
