//! The `ibid` binary: an extractor's process, or the command line.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    // The extractor's process stays as bare as it was started: no threads, no log, no settings.
    if std::env::args_os().nth(1).is_some_and(|command| command == "worker") {
        return ibid::ingest::worker::main();
    }
    cli::main()
}
