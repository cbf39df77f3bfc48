//! `ibid eval`: asks a file of questions whose answers are known, of the reader's own documents,
//! and says how often the right place was found, cited and quoted. What counts as right is decided
//! in `score`; how it is laid out, in `table`.

use std::io::{IsTerminal, Write, stderr, stdout};
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result};
use clap::Args;
use ibid::event::Event;
use ibid::session::Session;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use reqwest::Method;
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use super::ask::ModeName;
use super::connect::{Client, Refusal};
use super::follow::Follow;
use super::screen::Paint;
use library::Library;
use questions::Question;
use score::{Asked, Cited, Found, Outcome, Summary};

mod library;
mod questions;
mod score;
mod table;

/// Places that are searched for, and so the largest k of recall@k.
const DEPTH: usize = 10;

/// Measure search and answers with questions whose answers you know.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ibid eval questions.jsonl
  ibid eval --search-only questions.jsonl
  ibid eval --model local --model claude questions.jsonl
  ibid eval --json questions.jsonl | jq '.runs[].summary'

The file holds one question a line:
  {\"question\": \"How long is the dike?\", \"document\": \"report.pdf\", \"page\": 1, \"answer\": \"4.7 kilometres\"}
  {\"question\": \"Who owns the moon?\", \"answerable\": false}
`document` is a name, the end of one, or an id. What else a line can hold: `also` (further documents that
are needed), `quote` (from the document), `answer` (words, or several of which one will do), and `history`
(the questions asked before).")]
pub(crate) struct Eval {
    /// A file of questions, one JSON object a line.
    questions: PathBuf,
    /// How to answer; given several times, each mode is measured.
    #[arg(long = "mode", value_enum, value_name = "MODE")]
    modes: Vec<ModeName>,
    /// The model that writes; given several times, each model is measured.
    #[arg(long = "model", value_name = "NAME")]
    models: Vec<String>,
    /// Search only this collection.
    #[arg(long, value_name = "NAME")]
    collection: Option<String>,
    /// Search, and ask nothing.
    #[arg(long, conflicts_with_all = ["modes", "models"])]
    search_only: bool,
    /// Print one JSON object, with what came of each question.
    #[arg(long)]
    json: bool,
}

/// One way to answer, and what came of it.
#[derive(Serialize)]
struct Run {
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<ModeName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    summary: Summary,
    questions: Vec<Outcome>,
}

pub(crate) async fn run(client: &Client, eval: &Eval) -> Result<()> {
    let file = eval.questions.display();
    let text = std::fs::read_to_string(&eval.questions).with_context(|| format!("can't read `{file}`"))?;
    let mut library = Library::load(client).await?;
    let questions = questions::read(&text, &library).with_context(|| format!("can't use `{file}`"))?;
    let mut runs = Vec::new();
    for mode in each(&eval.modes) {
        for model in each(&eval.models) {
            let way = Way { mode, model, eval };
            runs.push(way.run(client, &mut library, &questions).await?);
        }
    }
    let mut out = stdout();
    if eval.json {
        writeln!(out, "{}", json!({ "runs": runs }))?;
    } else {
        for run in &runs {
            table::write(&mut out, run, Paint::for_stream(&stdout()))?;
        }
    }
    Ok(())
}

/// Each of what was chosen, or once the server's own choice.
fn each<T: Clone>(chosen: &[T]) -> Vec<Option<T>> {
    if chosen.is_empty() { vec![None] } else { chosen.iter().cloned().map(Some).collect() }
}

struct Way<'a> {
    mode: Option<ModeName>,
    model: Option<String>,
    eval: &'a Eval,
}

impl Way<'_> {
    async fn run(self, client: &Client, library: &mut Library, questions: &[Question]) -> Result<Run> {
        let bar = bar(questions.len() as u64);
        let mut outcomes = Vec::with_capacity(questions.len());
        let mut used_model = None;
        for question in questions {
            let mut asked = Asked::default();
            if !self.eval.search_only {
                asked = self.ask(client, library, question).await?;
                used_model = asked.model.take().or(used_model);
            }
            // A follow-up is searched for in the words the server made of it.
            let query = asked.query.take().unwrap_or_else(|| question.question.clone());
            let found = self.search(client, &query).await?;
            outcomes.push(score::judge(question, &found, asked, !self.eval.search_only));
            bar.inc(1);
        }
        bar.finish_and_clear();
        let summary = Summary::of(&outcomes);
        Ok(Run { mode: self.mode, model: used_model.or(self.model), summary, questions: outcomes })
    }

    async fn search(&self, client: &Client, query: &str) -> Result<Found> {
        let limit = DEPTH.to_string();
        let mut parameters = vec![("q", query), ("limit", &limit)];
        parameters.extend(self.eval.collection.as_deref().map(|name| ("collection", name)));
        let begun = Instant::now();
        let mut found: Found = client.get("/api/search", &parameters).await?;
        found.elapsed = begun.elapsed();
        Ok(found)
    }

    /// Asks in a session of its own, which is gone afterwards. A question that fails is an outcome;
    /// a server that can't be reached is not.
    async fn ask(&self, client: &Client, library: &mut Library, question: &Question) -> Result<Asked> {
        let session: Session = client.post("/api/chat/sessions", &json!({})).await?;
        let mut answer = Ok(Asked::default());
        for content in question.history.iter().chain([&question.question]) {
            answer = self.answer(client, library, session.id, content).await;
            if let Err(error) = &answer
                && let Some(refusal) = error.downcast_ref::<Refusal>()
            {
                answer = Ok(Asked { failure: Some(refusal.to_string()), ..Asked::default() });
            }
            if !matches!(&answer, Ok(Asked { failure: None, .. })) {
                break;
            }
        }
        client.delete(&format!("/api/chat/sessions/{}", session.id)).await?;
        answer
    }

    async fn answer(
        &self,
        client: &Client,
        library: &mut Library,
        session: Uuid,
        content: &str,
    ) -> Result<Asked> {
        let mut body = json!({ "content": content, "stream": true, "cache": false });
        for (key, value) in [
            ("mode", self.mode.map(|mode| json!(mode))),
            ("model", self.model.as_ref().map(|model| json!(model))),
            ("collection", self.eval.collection.as_ref().map(|name| json!(name))),
        ] {
            if let Some(value) = value {
                body[key] = value;
            }
        }
        let messages = format!("/api/chat/sessions/{session}/messages");
        let request = client
            .request(Method::POST, client.url(&messages, &[]))
            .header("idempotency-key", Uuid::new_v4().to_string())
            .json(&body);
        let mut follow = Follow::new(client, request);
        let mut asked = Asked::default();
        let begun = Instant::now();
        while let Some(frame) = follow.next().await? {
            // Events yet to be invented are for other readers.
            let Ok(event) = serde_json::from_str::<Event>(&frame.data) else { continue };
            match event {
                Event::Started { message_id, model, .. } => {
                    follow.resume_at(client.url(&format!("{messages}/{message_id}/events"), &[]));
                    asked.model = Some(model);
                }
                Event::Step { step } => asked.query = asked.query.or(step.query),
                Event::Token { text } => {
                    asked.first_token.get_or_insert_with(|| begun.elapsed());
                    asked.text.push_str(&text);
                }
                Event::Citation { citation } => asked.citations.push(Cited { citation, is_valid: false }),
                Event::Done { usage, .. } => asked.usage = usage,
                Event::Error { code, message, .. } => asked.failure = Some(format!("{message} ({code})")),
                Event::Plan { .. } | Event::Sources { .. } => {}
            }
        }
        asked.elapsed = begun.elapsed();
        for cited in &mut asked.citations {
            let text = library.text(client, cited.citation.document_id).await?;
            cited.is_valid = text.get(cited.citation.range()) == Some(cited.citation.quote.as_bytes());
        }
        Ok(asked)
    }
}

fn bar(total: u64) -> ProgressBar {
    let target =
        if stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(Some(total), target);
    // The template is a constant; were it ever wrong, the default bar is no reason to fail.
    if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_bar} {pos}/{len} questions ETA {eta}") {
        bar.set_style(style);
    }
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_choice_the_server_chooses_once() {
        assert_eq!(each::<u8>(&[]), [None]);
        assert_eq!(each(&[1, 2]), [Some(1), Some(2)]);
    }
}
