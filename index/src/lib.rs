//! Text in, ranked passages out: the full-text index of ibid.
//!
//! A [`PassageIndex`] takes [`Document`]s apart into terms and answers a [`Query`] in natural
//! language with ranked [`Hit`]s. It keeps no text and decides nothing about who may see what: the
//! store is the truth, and this index can be rebuilt from it at any time. Everything here is
//! synchronous.
//!
//! Reading order: [`analysis`] (text to terms), `passage` (what goes in and comes out), `schema`
//! (the fields and why), `writer`, `query`, `search`, `vectors` (what passages mean, if someone says
//! so), and `index`, which puts them together.

pub mod analysis;
mod error;
mod index;
mod mapped;
mod passage;
mod query;
mod schema;
mod search;
mod vectors;
mod writer;

pub use error::{IndexError, is_guarded};
pub use index::PassageIndex;
pub use passage::{Change, Document, DocumentEntry, Hit, PassageText, Scope, Spread};
pub use query::{Highlighter, Query};
pub use vectors::{Meaning, PassageVectors, VectorEntry, VectorModel, Vectors};
