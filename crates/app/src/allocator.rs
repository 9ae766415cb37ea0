//! How soon the allocator gives back to the system what is not used any more.
//!
//! mimalloc 3 waits for a second, keeps two free pages of each size for each thread, and looks through the others
//! seldom: in a flood that is tens of megabytes. It reads other settings from the environment alone, when the
//! process begins: a server is begun with them, or begins itself once more.

use std::os::unix::process::CommandExt;
use std::process::Command;

/// Unused memory is given back after so many milliseconds, no free page is kept, and each thread looks for some
/// after so many larger allocations (mimalloc's `mi_option_purge_delay`, `page_full_retain`, `generic_collect`).
const SETTINGS: [(&str, &str); 3] = [
    ("MIMALLOC_PURGE_DELAY", "10"),
    ("MIMALLOC_PAGE_FULL_RETAIN", "0"),
    ("MIMALLOC_GENERIC_COLLECT", "1000"),
];

/// Begins this process once more with the settings, unless it has them, from us or from somebody else. It is the
/// same process then, with the same arguments; where that fails, it goes on and holds its memory longer.
pub(crate) fn settle() {
    if missing().next().is_none() {
        return;
    }
    let Ok(program) = std::env::current_exe() else { return };
    let mut arguments = std::env::args_os();
    let mut command = Command::new(program);
    if let Some(name) = arguments.next() {
        command.arg0(name);
    }
    let error = set(command.args(arguments)).exec();
    tracing::debug!(%error, "the allocator keeps its own settings");
}

/// Hands the settings to a server that is about to be begun.
pub(crate) fn set(command: &mut Command) -> &mut Command {
    command.envs(missing())
}

fn missing() -> impl Iterator<Item = (&'static str, &'static str)> {
    SETTINGS.into_iter().filter(|(name, _)| std::env::var_os(name).is_none())
}
