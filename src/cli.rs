//! The command line: what was typed becomes what it means, once, and each command is a client of
//! the HTTP API. The only place that prints.

mod connect;
use std::process::ExitCode;
pub(crate) fn main() -> ExitCode {
    ExitCode::SUCCESS
}
