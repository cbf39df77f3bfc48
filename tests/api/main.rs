//! The native API, driven over HTTP against the built binary.

#![expect(clippy::unwrap_used, reason = "a test that can't go on should stop there")]

#[path = "../support/mod.rs"]
mod support;

mod cache;
mod context;
mod documents;
mod leave;
mod library;
mod messages;
mod research;
mod search;
mod sessions;
mod siblings;
mod slow;
mod uploads;
mod upstream;
