//! `ibid ask`: posts a question and shows the answer as it comes, with its sources below.
//! The answer is made by the server; leaving, except by Ctrl-C, does not stop it.

use std::io::{Read, Write, stderr, stdout};

use anyhow::{Context, Result, anyhow, bail};
use clap::{Args, ValueEnum};
use ibid::event::{Citation, Event, FinishReason, Source};
use ibid::session::Session;
use reqwest::Method;
use serde::Serialize;
use tokio::signal::unix::{SignalKind, signal};
use uuid::Uuid;

use super::Ending;
use super::answer;
use super::connect::Client;
use super::documents;
use super::follow::Follow;
use super::screen::{Paint, width};
use super::sessions;

/// Ask a question and see the answer arrive, with the exact place for every claim.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ibid ask 'What did the 2021 report say about revenue?'
  ibid ask --last 'And in 2022?'
  ibid ask --mode deep_research --collection papers 'How do the methods differ?'
  pbpaste | ibid ask -
  ibid ask --json 'Who signed it?' | jq -r 'select(.type==\"citation\").quote'")]
pub(crate) struct Ask {
    /// The question; the words are joined, and `-` reads it from standard input.
    #[arg(required = true)]
    question: Vec<String>,
    /// Go on in this session; a new one is opened otherwise.
    #[arg(long, value_name = "ID", conflicts_with = "last")]
    session: Option<Uuid>,
    /// Go on in the session used last.
    #[arg(long)]
    last: bool,
    /// How to answer: one pass, or a plan with several rounds and a report.
    #[arg(long, value_enum)]
    mode: Option<ModeName>,
    /// The model that writes; `ibid config` lists them.
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// Search only this document, by id or name; may be given several times.
    #[arg(long = "document", value_name = "ID")]
    documents: Vec<String>,
    /// Search only this collection.
    #[arg(long, value_name = "NAME", conflicts_with = "documents")]
    collection: Option<String>,
    /// Print the raw events, one JSON object a line.
    #[arg(long)]
    json: bool,
}

/// How to answer.
#[derive(Clone, Copy, Debug, ValueEnum, Serialize)]
#[value(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub(crate) enum ModeName {
    Regular,
    DeepResearch,
}

/// The body of a question. What is absent is the session's choice.
#[derive(Serialize)]
struct Question<'a> {
    content: &'a str,
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<ModeName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    document_ids: Vec<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    collection: Option<&'a str>,
}

pub(crate) async fn run(client: &Client, ask: &Ask) -> Result<()> {
    let content = question(&ask.question)?;
    let mut document_ids = Vec::new();
    for named in &ask.documents {
        document_ids.push(documents::find(client, named).await?.id);
    }
    let session = session(client, ask).await?;
    let body = Question {
        content: &content,
        stream: true,
        mode: ask.mode,
        model: ask.model.as_deref(),
        document_ids,
        collection: ask.collection.as_deref(),
    };
    let messages = format!("/api/chat/sessions/{session}/messages");
    let request = client
        .request(Method::POST, client.url(&messages, &[]))
        .header("idempotency-key", Uuid::new_v4().to_string())
        .json(&body);
    // One listener for the whole answer: a new one in each round would miss what comes between.
    let mut ctrl_c = signal(SignalKind::interrupt()).context("can't listen for Ctrl-C")?;
    let mut follow = Follow::new(client, request);
    let mut screen = Screen::new(ask.json);
    let mut answer_id = None;
    let mut cancelled = false;
    loop {
        let frame = tokio::select! {
            frame = follow.next() => frame,
            _ = ctrl_c.recv() => {
                let Some(id) = answer_id.filter(|_| !cancelled) else { return Err(Ending::Interrupted.into()) };
                cancelled = true;
                let cancel = client.url(&format!("{messages}/{id}/cancel"), &[]);
                client.send(client.request(Method::POST, cancel)).await?;
                continue;
            }
        };
        let Some(frame) = frame? else { break };
        // Events yet to be invented are for other readers.
        let event = serde_json::from_str::<Event>(&frame.data).ok();
        if let Some(Event::Started { message_id, .. }) = &event {
            answer_id = Some(*message_id);
            follow.resume_at(client.url(&format!("{messages}/{message_id}/events"), &[]));
        }
        if ask.json {
            let mut out = stdout();
            writeln!(out, "{}", frame.data)?;
            out.flush()?;
        }
        match event {
            Some(Event::Error { code, message, retryable, .. }) => {
                screen.end_line()?;
                let again = if retryable { "; asking again may work" } else { "" };
                bail!("{message} ({code}){again}");
            }
            Some(event) if !ask.json => screen.show(event)?,
            _ => {}
        }
    }
    if !ask.json {
        let hint = format!("continue with: ibid ask --session {session} …");
        writeln!(stderr(), "{}", screen.aside.dim(&hint))?;
    }
    if cancelled { Err(Ending::Interrupted.into()) } else { Ok(()) }
}

fn question(words: &[String]) -> Result<String> {
    let mut content = words.join(" ");
    if content == "-" {
        content.clear();
        std::io::stdin().read_to_string(&mut content).context("can't read the question")?;
    }
    let content = content.trim();
    if content.is_empty() { Err(anyhow!("the question is empty")) } else { Ok(content.to_owned()) }
}

async fn session(client: &Client, ask: &Ask) -> Result<Uuid> {
    if let Some(id) = ask.session {
        return Ok(id);
    }
    if ask.last {
        return sessions::latest(client).await;
    }
    let session: Session = client.post("/api/chat/sessions", &serde_json::json!({})).await?;
    Ok(session.id)
}

/// The answer on its way to the terminal: its text to stdout, the work around it to stderr.
struct Screen {
    paint: Paint,
    aside: Paint,
    quiet: bool,
    mid_line: bool,
    citations: Vec<Citation>,
    sources: Vec<Source>,
}

impl Screen {
    fn new(quiet: bool) -> Self {
        Self {
            paint: Paint::for_stream(&stdout()),
            aside: Paint::for_stream(&stderr()),
            quiet,
            mid_line: false,
            citations: Vec::new(),
            sources: Vec::new(),
        }
    }

    fn show(&mut self, event: Event) -> Result<()> {
        match event {
            Event::Step { .. } => {
                if let Some(line) = answer::step(&event) {
                    self.aside(&line)?;
                }
            }
            Event::Plan { plan } => self.aside(&answer::plan(&plan))?,
            Event::Sources { sources } => self.sources = sources,
            Event::Token { text } => {
                let mut out = stdout();
                write!(out, "{}", answer::text(&text, self.paint))?;
                out.flush()?;
                self.mid_line = !text.ends_with('\n');
            }
            Event::Citation { citation } => self.citations.push(citation),
            Event::Done { finish_reason, grounding, timings_ms, coverage, .. } => {
                self.end_line()?;
                answer::write_sources(&mut stdout(), &self.citations, self.paint, width())?;
                if self.citations.is_empty() && !self.sources.is_empty() {
                    self.aside(&format!("read but not cited: {}", answer::titles(&self.sources)))?;
                }
                if let Some(reason) = ended_early(finish_reason) {
                    self.aside(reason)?;
                }
                if let Some(coverage) = &coverage {
                    self.aside(&answer::coverage(coverage))?;
                }
                let seconds = std::time::Duration::from_millis(timings_ms.total).as_secs_f64();
                self.aside(&format!("\n{}, {seconds:.1} s", answer::grounding(&grounding)))?;
            }
            Event::Started { cached: true, .. } => {
                self.aside("given again: this was asked and answered before, and nothing has changed since")?;
            }
            Event::Started { .. } | Event::Error { .. } => {}
        }
        Ok(())
    }

    fn aside(&mut self, text: &str) -> Result<()> {
        self.end_line()?;
        for line in text.lines() {
            writeln!(stderr(), "{}", self.aside.dim(line))?;
        }
        Ok(())
    }

    fn end_line(&mut self) -> Result<()> {
        if std::mem::take(&mut self.mid_line) && !self.quiet {
            writeln!(stdout())?;
        }
        Ok(())
    }
}

fn ended_early(reason: FinishReason) -> Option<&'static str> {
    match reason {
        FinishReason::Stop => None,
        FinishReason::Length => Some("cut short: the model reached its length limit"),
        FinishReason::Budget => Some("cut short: the budget is spent"),
        FinishReason::Cancelled => Some("cancelled; what there was is kept in the session"),
        FinishReason::Interrupted => Some("interrupted: the server stopped in mid-answer"),
    }
}
