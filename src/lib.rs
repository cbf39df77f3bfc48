//! ibid: answers from the reader's own documents and, for every claim, the place.
//!
//! Two flows make up the program, and each is one function that reads like its sentence.
//!
//! **Upload** ([`ingest`]): the original goes to disk, a separate process extracts its text and
//! splits it into passages, the store commits the document, the index takes its passages.
//!
//! **Ask** ([`ask`]): the question is made to stand alone, passages are retrieved, a prompt is
//! built, a provider streams an answer, every citation mark is checked against the stored text,
//! and the events of all this go to the run, from which any number of readers follow.
//!
//! The modules, in reading order: [`document`], [`session`] and [`event`] are what is stored and
//! sent; [`access`] is who may; [`config`] is what was asked for at start and [`app`] what was
//! opened; [`store`], [`files`] and [`runs`] keep; [`documents`] and [`sessions`] read and change;
//! [`ingest`] and [`ask`] are the flows, [`provider`] the vendors that write, [`embed`] what turns
//! texts into vectors; [`http`] and the command line are ways in; `web` is the page that a browser
//! gets.

mod abbreviation;
pub mod access;
pub mod app;
pub mod ask;
pub mod backup;
pub mod config;
pub mod document;
pub mod documents;
pub mod embed;
pub mod encoder;
mod error;
pub mod event;
pub mod expiry;
pub mod export;
pub mod files;
pub mod format;
#[cfg(test)]
mod fuzz;
pub mod history;
pub mod http;
pub mod idempotency;
pub mod ingest;
pub mod metrics;
pub mod provider;
pub mod rerank;
pub mod run;
pub mod runs;
pub mod session;
pub mod sessions;
pub mod space;
pub mod store;
pub mod stream_sessions;
mod table;
pub mod verify;
mod web;

pub use error::Error;

/// Edits between two words: insertions, deletions, replacements (Levenshtein).
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, right) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(left != *right);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

/// Bytes as hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string can't fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
