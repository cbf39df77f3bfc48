//! The page, as it is sent and as a browser shows it. Pressing and typing is not driven here:
//! every view has an address, and what stands at that address is what these tests read.

#[path = "../support/mod.rs"]
mod support;

mod breaks;
mod chromium;
mod sent;
mod shown;
