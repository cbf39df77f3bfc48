//! The whole upload flow on one screen.

pub mod worker;
