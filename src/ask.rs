//! The whole answer flow on one screen.

pub mod prompt;
pub mod sentence;
