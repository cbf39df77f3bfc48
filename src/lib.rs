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
//! The modules, in reading order: [`document`], [`session`], [`event`] are what is stored and
//! sent; [`config`] what was asked for at start.

pub mod app;
pub mod ask;
pub mod config;
pub mod document;
pub mod event;
pub mod http;
pub mod ingest;
pub mod provider;
pub mod session;
