//! The native API, driven over HTTP against the built binary.

#![expect(clippy::unwrap_used, reason = "a test that can't go on should stop there")]

#[path = "../support/mod.rs"]
mod support;

mod cache;
mod context;
mod dialects;
mod documents;
mod export;
mod forged;
mod history;
mod hostile;
mod leave;
mod library;
mod messages;
mod openai;
mod positions;
mod reactions;
mod reports;
mod reread;
mod research;
mod search;
mod sessions;
mod siblings;
mod slow;
mod transcripts;
mod uploads;
mod upstream;
