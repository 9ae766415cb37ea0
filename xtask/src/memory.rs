//! What a process holds in memory, and how busy it was, as Linux tells it.

use std::fmt::Display;
use std::time::Duration;

/// A figure of `/proc/…/status` in KiB, such as `VmRSS:`; none where `/proc` does not tell.
pub(crate) fn resident_kib(process: impl Display, key: &str) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Whose processor time is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Busy {
    /// The process's own.
    Own,
    /// That of its children that ended.
    Children,
}

/// Processor time used so far, in clock ticks of 10 ms; none where `/proc` does not tell.
pub(crate) fn busy(process: impl Display, whose: Busy) -> Option<Duration> {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // Of proc(5) fields 14 and 15, or 16 and 17, counted after the command's closing parenthesis.
    let first = match whose {
        Busy::Own => 11,
        Busy::Children => 13,
    };
    let mut ticks = 0;
    for field in text.rsplit_once(')')?.1.split_whitespace().skip(first).take(2) {
        ticks += field.parse::<u64>().ok()?;
    }
    Some(Duration::from_millis(ticks * 10))
}
