//! The server as those who run it see it: who may keep a connection, what is measured and logged,
//! and what certificate is shown. Driven with bare sockets where a polite client would hide it.

#![expect(clippy::unwrap_used, reason = "a test that can't go on should stop there")]
#![expect(clippy::print_stdout, reason = "a long run tells how it goes")]

#[path = "../support/mod.rs"]
mod support;

mod bounds;
mod logs;
mod memory;
mod metrics;
mod slow;
mod soak;
mod stop;
mod tls;
