//! `ibid add`: files, folders and patterns become documents, with a bar that says how far.

mod paths;
mod report;

use std::io::{Write as _, stderr};
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::Args;
use futures::StreamExt as _;

pub(crate) use paths::why;
pub(crate) use report::{Reader, Report};

use super::Ending;
use super::connect::Client;
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
    let reader = if add.json { Reader::Program } else { Reader::Person };
    let mut report = Report::new((items.len() + problems.len()) as u64, reader);
    for problem in problems {
        report.take(problem)?;
    }
    let interrupted = tokio::select! {
        loaded = load(client, add.collection.as_deref(), add.jobs, items, &mut report) => loaded.map(|()| false)?,
        _ = tokio::signal::ctrl_c() => true,
    };
    let finished = report.finish();
    if interrupted {
        writeln!(stderr(), "interrupted: what was sent is kept; the same command goes on from there")?;
        return Err(Ending::Interrupted.into());
    }
    finished
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
