//! What a client was told is there after the server is killed, the power is cut, the disk is full or
//! bytes are damaged. The client keeps its own list of what was acknowledged, and only that list is
//! believed.

#![expect(clippy::unwrap_used, reason = "a test that can't go on should stop there")]
#![expect(clippy::print_stdout, reason = "what was done is told, and what was skipped")]

#[path = "../support/mod.rs"]
mod support;

mod backup;
mod breaks;
mod check;
mod damage;
mod disk;
mod kill;
mod ledger;
mod load;
mod many;
mod power;
