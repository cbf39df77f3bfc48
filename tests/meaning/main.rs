//! Meaning beside words: a server with a model for embeddings or for reranking, one in a folder that
//! the tests write, or one behind a made-up `/v1/embeddings` and `/v1/rerank`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

#[path = "../support/mod.rs"]
mod support;

mod fake;
mod folder;
mod learnt;
mod local;
mod rerank;
mod search;
mod trouble;
