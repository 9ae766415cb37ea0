//! What a process holds in memory, as Linux tells it.

use std::fmt::Display;

/// A figure of `/proc/…/status` in KiB, such as `VmRSS:`; none where `/proc` does not tell.
pub(crate) fn resident_kib(process: impl Display, key: &str) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    line.split_whitespace().next()?.parse().ok()
}
