//! Who may, driven over HTTP against the built binary: every route by everyone, forged credentials,
//! what one user's search can reach of another's, and what tiers and limits allow.

#![expect(clippy::unwrap_used, reason = "a test that can't go on should stop there")]

#[path = "../support/mod.rs"]
mod support;

mod doors;
mod everyone;
mod isolation;
mod jwt;
mod names;
mod quota;
mod team;
