//! The native API, driven over HTTP against the built binary.

#[path = "../support/mod.rs"]
mod support;

mod documents;
mod library;
mod messages;
mod search;
mod sessions;
