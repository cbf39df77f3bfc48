//! What the process takes of the machine, as far as the system says so in `/proc`; elsewhere nothing.

use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

/// The usual names, so that dashboards know them.
pub(super) fn registry() -> Registry {
    let mut registry = Registry::with_prefix("process");
    if let Some(bytes) = resident_bytes() {
        registry.register("resident_memory_bytes", "Memory in use", ConstGauge::new(bytes));
    }
    if let Ok(files) = std::fs::read_dir("/proc/self/fd") {
        // One of them is the listing itself.
        let number = files.count().saturating_sub(1) as u64;
        registry.register("open_fds", "Open files and connections", ConstGauge::new(number));
    }
    registry
}

fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes << 10)
}
