//! The `ibid` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    if std::env::args_os().nth(1).is_some_and(|command| command == "worker") {
        return ibid::ingest::worker::main();
    }
    ExitCode::SUCCESS
}
