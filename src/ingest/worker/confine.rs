//! The walls around the child: Landlock takes away every file, port and foreign process, and seccomp
//! every system call but the few that computing and the three open streams need. The limits on time
//! and memory are set elsewhere. Only Linux has these walls.

use thiserror::Error;

/// What of the walls could not be put up.
#[derive(Debug, Error)]
pub(super) enum Unconfined {
    /// No Landlock.
    #[error("Landlock is not there ({0}); it takes a Linux kernel of 5.13 or later that has it switched on")]
    #[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "only Linux can lack a part"))]
    Landlock(String),
    /// No system call filter.
    #[error("system calls can't be filtered ({0}); the container or the kernel forbids seccomp")]
    #[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "only Linux can lack a part"))]
    Seccomp(String),
    /// Another system.
    #[error("only Linux can confine a reader")]
    #[cfg_attr(target_os = "linux", expect(dead_code, reason = "here is Linux"))]
    System,
}

/// Puts up the walls around this thread and those it will start; for good.
#[cfg(not(target_os = "linux"))]
pub(super) fn confine() -> Result<(), Unconfined> {
    Err(Unconfined::System)
}

/// Puts up the walls around this thread and those it will start; for good. Both are tried, even if
/// one is not to be had.
#[cfg(target_os = "linux")]
pub(super) fn confine() -> Result<(), Unconfined> {
    let landlock = linux::landlock();
    linux::seccomp().map_err(|error| Unconfined::Seccomp(error.to_string()))?;
    landlock.map_err(Unconfined::Landlock)
}

#[cfg(target_os = "linux")]
mod linux {
    use std::collections::BTreeMap;

    use landlock::{ABI, Access, AccessFs, AccessNet, Ruleset, RulesetAttr, RulesetStatus, Scope};
    use seccompiler::{
        BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition,
        SeccompFilter, SeccompRule, TargetArch,
    };

    /// What computing takes: memory, threads, time, and the streams that are open already.
    const HARMLESS: [libc::c_long; 31] = [
        libc::SYS_read,
        libc::SYS_readv,
        libc::SYS_write,
        libc::SYS_writev,
        libc::SYS_close,
        libc::SYS_fstat,
        libc::SYS_lseek,
        libc::SYS_munmap,
        libc::SYS_mremap,
        libc::SYS_madvise,
        libc::SYS_brk,
        libc::SYS_futex,
        // Filtered by `no_such_call`.
        libc::SYS_clone3,
        libc::SYS_set_robust_list,
        libc::SYS_rseq,
        libc::SYS_rt_sigaction,
        libc::SYS_rt_sigprocmask,
        libc::SYS_rt_sigreturn,
        libc::SYS_sigaltstack,
        libc::SYS_sched_yield,
        libc::SYS_sched_getaffinity,
        libc::SYS_getrandom,
        libc::SYS_clock_gettime,
        libc::SYS_clock_nanosleep,
        libc::SYS_nanosleep,
        libc::SYS_restart_syscall,
        libc::SYS_getpid,
        libc::SYS_gettid,
        libc::SYS_getcpu,
        libc::SYS_exit,
        libc::SYS_exit_group,
    ];

    /// No file, no port, no process outside. A kernel that knows less gives what it has.
    pub(super) fn landlock() -> Result<(), String> {
        let restricted = Ruleset::default()
            .handle_access(AccessFs::from_all(ABI::V5))
            .and_then(|rules| rules.handle_access(AccessNet::from_all(ABI::V5)))
            .and_then(|rules| rules.scope(Scope::from_all(ABI::V6)))
            .and_then(Ruleset::create)
            .and_then(landlock::RulesetCreated::restrict_self)
            .map_err(|error| error.to_string())?;
        match restricted.ruleset {
            RulesetStatus::NotEnforced => Err("the kernel does not enforce it".to_owned()),
            RulesetStatus::PartiallyEnforced | RulesetStatus::FullyEnforced => Ok(()),
        }
    }

    /// Every other system call fails as not permitted.
    pub(super) fn seccomp() -> Result<(), seccompiler::Error> {
        for filter in [no_such_call()?, only_harmless()?] {
            let program: BpfProgram = filter.try_into()?;
            seccompiler::apply_filter(&program)?;
        }
        Ok(())
    }

    /// `clone3` hides its arguments from filters. Told that there is no such call, threads are started
    /// with `clone`, which can be told apart from starting a process.
    fn no_such_call() -> Result<SeccompFilter, BackendError> {
        let rules = BTreeMap::from([(libc::SYS_clone3, Vec::new())]);
        let not_there = SeccompAction::Errno(libc::ENOSYS.unsigned_abs());
        SeccompFilter::new(rules, SeccompAction::Allow, not_there, arch()?)
    }

    fn only_harmless() -> Result<SeccompFilter, BackendError> {
        let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
            HARMLESS.into_iter().map(|call| (call, Vec::new())).collect();
        let is_thread = masked(0, bits(libc::CLONE_THREAD), bits(libc::CLONE_THREAD))?;
        let is_not_code = || masked(2, bits(libc::PROT_EXEC), 0);
        let own = u64::from(std::process::id());
        let is_own = SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, own)?;
        for (call, condition) in [
            (libc::SYS_clone, is_thread),
            (libc::SYS_mmap, is_not_code()?),
            (libc::SYS_mprotect, is_not_code()?),
            // How a process ends itself when it has to abort.
            (libc::SYS_tgkill, is_own),
        ] {
            rules.insert(call, vec![SeccompRule::new(vec![condition])?]);
        }
        let denied = SeccompAction::Errno(libc::EPERM.unsigned_abs());
        SeccompFilter::new(rules, denied, SeccompAction::Allow, arch()?)
    }

    fn masked(argument: u8, mask: u64, value: u64) -> Result<SeccompCondition, BackendError> {
        SeccompCondition::new(argument, SeccompCmpArgLen::Qword, SeccompCmpOp::MaskedEq(mask), value)
    }

    fn bits(flag: libc::c_int) -> u64 {
        u64::from(flag.unsigned_abs())
    }

    fn arch() -> Result<TargetArch, BackendError> {
        TargetArch::try_from(std::env::consts::ARCH)
    }
}
