//! Text in, ranked passages out.

pub mod analysis;
