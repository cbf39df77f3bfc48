//! `ibid sessions` and `ibid show`: what was asked and answered before.

use std::io::{Write, stdout};

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use ibid::session::{Message, MessageStatus, Placed, Role, Session};
use serde::Deserialize;
use uuid::Uuid;

use super::answer::{self, count};
use super::connect::Client;
use super::screen::{Paint, clean, line, width};

/// List, rename and delete sessions.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ibid sessions
  ibid sessions rename 0198f2a4-5c1e-7d3a-9b1f-2f6d1c0a7e55 Revenue questions
  ibid sessions delete 0198f2a4-5c1e-7d3a-9b1f-2f6d1c0a7e55")]
pub(crate) struct Sessions {
    #[command(subcommand)]
    what: Option<What>,
    /// Print JSON.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List all sessions, the one used last at the end (the default).
    List,
    /// Give a session another title.
    Rename {
        /// The session.
        id: Uuid,
        /// Its new title; the words are joined.
        #[arg(required = true)]
        title: Vec<String>,
    },
    /// Delete a session with its messages.
    Delete {
        /// The session.
        id: Uuid,
    },
}

/// Show a whole session: questions, answers, and every cited source.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ibid show --last
  ibid show 0198f2a4-5c1e-7d3a-9b1f-2f6d1c0a7e55")]
pub(crate) struct Show {
    /// The session.
    #[arg(value_name = "SESSION", required_unless_present = "last")]
    id: Option<Uuid>,
    /// The session used last.
    #[arg(long, conflicts_with = "id")]
    last: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Deserialize)]
struct History {
    title: String,
    #[serde(default)]
    messages: Vec<Placed>,
}

pub(crate) async fn run(client: &Client, sessions: &Sessions) -> Result<()> {
    let mut out = stdout();
    match &sessions.what {
        None | Some(What::List) => list(client, sessions.json).await,
        Some(What::Rename { id, title }) => {
            let body = serde_json::json!({ "title": title.join(" ") });
            let session: Session = client.patch(&format!("/api/chat/sessions/{id}"), &body).await?;
            writeln!(out, "renamed to {}", line(&session.title))?;
            Ok(())
        }
        Some(What::Delete { id }) => {
            client.delete(&format!("/api/chat/sessions/{id}")).await?;
            writeln!(out, "deleted {id}")?;
            Ok(())
        }
    }
}

/// The session that changed last.
pub(crate) async fn latest(client: &Client) -> Result<Uuid> {
    let sessions: Vec<Session> = client.list("/api/chat/sessions").await?;
    let latest = sessions.iter().max_by_key(|session| session.updated_at);
    latest.map(|session| session.id).context("there is no session yet: open one with `ibid ask`")
}

async fn list(client: &Client, json: bool) -> Result<()> {
    let mut out = stdout();
    let paint = Paint::for_stream(&out);
    let mut sessions: Vec<Session> = client.list("/api/chat/sessions").await?;
    sessions.sort_by_key(|session| session.updated_at);
    for session in &sessions {
        if json {
            writeln!(out, "{}", serde_json::to_string(session)?)?;
            continue;
        }
        let id = session.id.to_string();
        let detail = format!("{}, {:.0}", count(session.message_count.into(), "message"), session.updated_at);
        writeln!(out, "{}  {}  {}", paint.dim(&id), line(&session.title), paint.dim(&detail))?;
    }
    if sessions.is_empty() && !json {
        writeln!(out, "no sessions yet: open one with `ibid ask QUESTION`")?;
    }
    Ok(())
}

pub(crate) async fn show(client: &Client, show: &Show) -> Result<()> {
    let id = match show.id {
        Some(id) => id,
        None => latest(client).await?,
    };
    let path = format!("/api/chat/sessions/{id}");
    let mut out = stdout();
    if show.json {
        writeln!(out, "{}", client.text(&path, &[]).await?)?;
        return Ok(());
    }
    let history: History = client.get(&path, &[]).await?;
    let paint = Paint::for_stream(&out);
    writeln!(out, "{}", paint.bold(&line(&history.title)))?;
    let shown = history.messages.iter().filter(|placed| placed.active).map(|placed| &placed.message);
    for message in shown {
        match message.role {
            Role::User => {
                let question = format!("> {}", clean(&message.content).trim_end());
                writeln!(
                    out,
                    "
{}",
                    paint.bold(&question)
                )?;
            }
            Role::Assistant => write_answer(&mut out, message, paint)?,
        }
    }
    Ok(())
}

fn write_answer(out: &mut impl Write, message: &Message, paint: Paint) -> Result<()> {
    if !message.content.is_empty() {
        writeln!(out, "\n{}", answer::text(message.content.trim_end(), paint))?;
    }
    answer::write_sources(out, &message.citations, paint, width())?;
    let state = match message.status {
        MessageStatus::Complete => None,
        MessageStatus::Running => Some("still being written".to_owned()),
        MessageStatus::Cancelled => Some("cancelled".to_owned()),
        MessageStatus::Interrupted => Some("interrupted: the server stopped in mid-answer".to_owned()),
        MessageStatus::Failed => Some(match &message.error {
            Some(error) => format!("failed: {} ({})", line(&error.message), line(&error.code)),
            None => "failed".to_owned(),
        }),
    };
    if let Some(state) = state {
        writeln!(out, "\n{}", paint.bad(&state))?;
    }
    if let Some(coverage) = &message.coverage {
        writeln!(out, "\n{}", paint.dim(&answer::coverage(coverage)))?;
    }
    if let Some(grounding) = &message.grounding {
        writeln!(out, "\n{}", paint.dim(&answer::grounding(grounding)))?;
    }
    Ok(())
}
