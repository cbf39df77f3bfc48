//! How little memory the server holds on to. The allocator of Linux gives every thread a pool of its
//! own, and what a burst took stays with the pools: several times what is in use. It is told otherwise
//! by the environment, which it reads once, so the server starts itself anew with it, first of all.

use std::os::unix::process::CommandExt;
use std::process::Command;

/// Fewer pools; what is free at their end goes back to the system; and of each size a thread keeps one
/// free piece to itself, not seven: there are dozens of threads.
const SETTINGS: [(&str, &str); 3] = [
    ("MALLOC_ARENA_MAX", "2"),
    ("MALLOC_TRIM_THRESHOLD_", "131072"),
    ("GLIBC_TUNABLES", "glibc.malloc.tcache_count=1"),
];

/// Starts the program anew in this process, unless someone has made the settings. Where that can't be
/// done, it only takes more memory.
pub(crate) fn settle() {
    let is_set = SETTINGS.iter().any(|(name, _)| std::env::var_os(name).is_some());
    if is_set || !cfg!(all(target_os = "linux", target_env = "gnu")) {
        return;
    }
    if let Ok(program) = std::env::current_exe() {
        let mut arguments = std::env::args_os();
        let name = arguments.next().unwrap_or_else(|| program.clone().into());
        let error = Command::new(program).arg0(name).args(arguments).envs(SETTINGS).exec();
        tracing::debug!(%error, "the allocator stays as it is");
    }
}
