//! The `ibid` binary: parse, then one match on the command.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
