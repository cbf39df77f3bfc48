//! `ibid history`: what was asked, answered and cited before.

use std::io::{Write, stdout};
use std::ops::Range;

use anyhow::Result;
use clap::Args;
use ibid::event::Citation;
use ibid::history::PartKind;
use serde::Deserialize;
use uuid::Uuid;

use super::answer::{count, place};
use super::connect::Client;
use super::screen::{Paint, flow, line, width};
use super::search::excerpt;

/// Find earlier questions, answers and cited passages, best first.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ibid history tide gates
  ibid history --limit 5 'what did the restoration cost'
  ibid history --json eels | jq -r '.hits[].session_id'")]
pub(crate) struct History {
    /// What to look for, in plain words.
    #[arg(required = true)]
    query: Vec<String>,
    /// Most messages to show.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// Print the server's answer as it is.
    #[arg(long)]
    json: bool,
}

#[derive(Deserialize)]
struct Found {
    hits: Vec<Hit>,
    took_ms: f64,
}

#[derive(Deserialize)]
struct Hit {
    session_id: Uuid,
    session_title: String,
    created_at: jiff::Timestamp,
    kind: PartKind,
    text: String,
    #[serde(default)]
    highlights: Vec<(usize, usize)>,
    question: Option<String>,
    citation: Option<Citation>,
}

pub(crate) async fn run(client: &Client, history: &History) -> Result<()> {
    let (query, limit) = (history.query.join(" "), history.limit.to_string());
    let parameters = [("q", query.as_str()), ("limit", &limit)];
    let mut out = stdout();
    if history.json {
        writeln!(out, "{}", client.text("/api/history", &parameters).await?)?;
        return Ok(());
    }
    let found: Found = client.get("/api/history", &parameters).await?;
    let paint = Paint::for_stream(&out);
    for (index, hit) in found.hits.iter().enumerate() {
        write_hit(&mut out, index + 1, hit, paint)?;
    }
    let summary = format!("{} in {:.0} ms", count(found.hits.len() as u64, "message"), found.took_ms);
    writeln!(out, "{}", paint.dim(&summary))?;
    Ok(())
}

fn write_hit(out: &mut impl Write, rank: usize, hit: &Hit, paint: Paint) -> Result<()> {
    let detail = format!("({:.0}, session {})", hit.created_at, hit.session_id);
    writeln!(out, "{rank:>3}. {} {}", paint.bold(&line(&hit.session_title)), paint.dim(&detail))?;
    if let Some(question) = &hit.question {
        writeln!(out, "{}", flow(&format!("> {}", line(question)), &[], paint, 5, width()))?;
    }
    let what = match (hit.kind, &hit.citation) {
        (PartKind::Quote, Some(cited)) => {
            Some(format!("cited from {}", place(&cited.title, cited.page, cited.heading.as_deref())))
        }
        (PartKind::Question, _) => Some("asked".to_owned()),
        _ => None,
    };
    if let Some(what) = what {
        writeln!(out, "     {}", paint.dim(&what))?;
    }
    let highlights: Vec<Range<usize>> = hit.highlights.iter().map(|(start, end)| *start..*end).collect();
    let shown = excerpt(&hit.text, &highlights);
    let within: Vec<Range<usize>> = highlights
        .iter()
        .filter(|hit| hit.start >= shown.start && hit.end <= shown.end)
        .map(|hit| hit.start - shown.start..hit.end - shown.start)
        .collect();
    writeln!(out, "{}\n", flow(&hit.text[shown], &within, paint, 5, width()))?;
    Ok(())
}
