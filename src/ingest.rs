//! The whole upload flow on one screen.

pub mod extract;
pub mod passages;
pub mod worker;
