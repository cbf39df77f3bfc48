//! The whole answer flow on one screen.

pub mod cite;
pub mod condense;
pub mod ground;
pub mod prompt;
pub mod sentence;
