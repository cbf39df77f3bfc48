//! Placeholder: the signature the command line is written against.

use std::process::ExitCode;

/// Runs the extractor's process.
#[must_use]
pub fn main() -> ExitCode {
    ExitCode::FAILURE
}
