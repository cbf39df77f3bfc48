//! What was asked for at start: file, environment and flags, validated once.

pub mod model;
