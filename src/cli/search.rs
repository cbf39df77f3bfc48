//! `ibid search`: ranked passages with the matched words marked. No model is involved.

use std::io::{Write, stdout};
use std::ops::Range;

use anyhow::Result;
use clap::Args;
use serde::Deserialize;
use serde::de::IgnoredAny;
use uuid::Uuid;

use super::answer::{above, count, place};
use super::connect::Client;
use super::screen::{Paint, flow, width};

/// Characters shown of a passage, unless all of it is asked for.
const SHOWN: usize = 420;

/// Find passages, best first.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ibid search smelt migration
  ibid search --collection papers --limit 20 'limits of the method'
  ibid search --json revenue | jq -r '.hits[].title'")]
pub(crate) struct Search {
    /// What to look for, in plain words.
    #[arg(required = true)]
    query: Vec<String>,
    /// Most places to show: pages, or passages of documents without pages.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// Search only this collection.
    #[arg(long, value_name = "NAME")]
    collection: Option<String>,
    /// Show passages whole.
    #[arg(long)]
    full: bool,
    /// Print the server's answer as it is.
    #[arg(long)]
    json: bool,
}

#[derive(Deserialize)]
struct Found {
    hits: Vec<Hit>,
    /// What of the search could not be done as configured.
    note: Option<String>,
    took_ms: f64,
}

#[derive(Deserialize)]
struct Hit {
    document_id: Uuid,
    title: String,
    page: Option<u32>,
    heading: Option<String>,
    columns: Option<String>,
    text: String,
    score: f32,
    #[serde(default)]
    highlights: Vec<(usize, usize)>,
    /// Other passages of its page.
    #[serde(default)]
    more: Vec<IgnoredAny>,
}

pub(crate) async fn run(client: &Client, search: &Search) -> Result<()> {
    let query = search.query.join(" ");
    let limit = search.limit.to_string();
    let mut parameters = vec![("q", query.as_str()), ("limit", &limit)];
    parameters.extend(search.collection.as_deref().map(|name| ("collection", name)));
    let mut out = stdout();
    if search.json {
        writeln!(out, "{}", client.text("/api/search", &parameters).await?)?;
        return Ok(());
    }
    let found: Found = client.get("/api/search", &parameters).await?;
    let paint = Paint::for_stream(&out);
    for (index, hit) in found.hits.iter().enumerate() {
        write_hit(&mut out, index + 1, hit, search.full, paint)?;
    }
    let summary = format!("{} in {:.0} ms", count(found.hits.len() as u64, "place"), found.took_ms);
    writeln!(out, "{}", paint.dim(&summary))?;
    if let Some(note) = &found.note {
        writeln!(out, "{}", paint.dim(note))?;
    }
    Ok(())
}

fn write_hit(out: &mut impl Write, rank: usize, hit: &Hit, full: bool, paint: Paint) -> Result<()> {
    let place = place(&hit.title, hit.page, hit.heading.as_deref());
    let detail = format!("({:.2}, document {})", hit.score, hit.document_id);
    writeln!(out, "{rank:>3}. {} {}", paint.bold(&place), paint.dim(&detail))?;
    if let Some(columns) = &hit.columns {
        writeln!(out, "{}", above(columns, paint, 5, width()))?;
    }
    let highlights: Vec<Range<usize>> = hit.highlights.iter().map(|(start, end)| *start..*end).collect();
    let shown = if full { 0..hit.text.len() } else { excerpt(&hit.text, &highlights) };
    let within: Vec<Range<usize>> = highlights
        .iter()
        .filter(|hit| hit.start >= shown.start && hit.end <= shown.end)
        .map(|hit| hit.start - shown.start..hit.end - shown.start)
        .collect();
    let before = if shown.start > 0 { "     …\n" } else { "" };
    let after = if shown.end < hit.text.len() { " …" } else { "" };
    writeln!(out, "{before}{}{after}", flow(&hit.text[shown], &within, paint, 5, width()))?;
    if !hit.more.is_empty() {
        let more = format!("and {} on this page", count(hit.more.len() as u64, "more passage"));
        writeln!(out, "     {}", paint.dim(&more))?;
    }
    writeln!(out)?;
    Ok(())
}

/// The stretch of at most [`SHOWN`] characters that holds the most matches, cut between words.
pub(crate) fn excerpt(text: &str, highlights: &[Range<usize>]) -> Range<usize> {
    let from = |start: usize| {
        let end = text[start..].char_indices().nth(SHOWN).map_or(text.len(), |(at, _)| start + at);
        start..end
    };
    if from(0).end == text.len() {
        return 0..text.len();
    }
    // Each window begins at a sentence or word start a little before a match.
    let starts = highlights.iter().filter_map(|hit| {
        let before = text.get(..hit.start)?;
        let lead = before.char_indices().rev().nth(60).map_or(0, |(at, _)| at);
        let word = before[lead..].find(char::is_whitespace).map_or(lead, |at| lead + at + 1);
        Some(if lead == 0 { 0 } else { word }).filter(|start| text.is_char_boundary(*start))
    });
    let matches = |window: &Range<usize>| {
        highlights.iter().filter(|hit| hit.start >= window.start && hit.end <= window.end).count()
    };
    let mut best = from(0);
    for window in starts.map(from) {
        if matches(&window) > matches(&best) {
            best = window;
        }
    }
    if best.end < text.len()
        && let Some(last_space) = text[best.clone()].rfind(char::is_whitespace)
    {
        best.end = best.start + last_space;
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_passage_is_shown_whole() {
        assert_eq!(excerpt("short", std::slice::from_ref(&(0..5))), 0..5);
    }

    #[test]
    fn the_excerpt_of_a_long_passage_holds_the_match_and_cuts_between_words() {
        let text = format!("{}needle {}", "größer ".repeat(200), "after ".repeat(200));
        let at = text.find("needle").unwrap();
        let shown = excerpt(&text, std::slice::from_ref(&(at..at + 6)));
        let excerpt = &text[shown.clone()];
        assert!(excerpt.contains("needle") && excerpt.chars().count() <= SHOWN, "{excerpt}");
        assert!(excerpt.starts_with("größer") && excerpt.ends_with("after"), "{excerpt}");
    }

    #[test]
    fn a_passage_without_matches_is_shown_from_its_beginning() {
        assert_eq!(excerpt(&"word ".repeat(200), &[]).start, 0);
    }
}
