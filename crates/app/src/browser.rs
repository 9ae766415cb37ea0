//! Opens the dashboard, when a person sits in front of a screen.

use std::io::IsTerminal;

/// Opens `link` when stdout is a terminal and there is a display; says nothing when it fails,
/// because the link is printed anyway.
pub(crate) fn open(link: &str) {
    let display = cfg!(target_os = "macos")
        || ["DISPLAY", "WAYLAND_DISPLAY"].into_iter().any(|name| std::env::var_os(name).is_some());
    if std::io::stdout().is_terminal() && display {
        let _ = open::that_detached(link);
    }
}
