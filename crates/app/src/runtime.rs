//! Runtimes and process limits, sized for a small resident program.

use std::time::Duration;

use crate::error::{AppError, Result};

/// The server's runtime: as many workers as cores, at most four.
///
/// # Errors
/// The system refuses threads.
pub(crate) fn server() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads())
        .max_blocking_threads(8)
        .thread_keep_alive(Duration::from_secs(5))
        .thread_name("langley")
        .enable_all()
        .build()
        .map_err(|error| refused(&error))
}

/// Threads that carry traffic, and threads that record it: as many as cores, at most four.
pub(crate) fn threads() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from).clamp(1, 4)
}

/// The runtime of a command that waits for one thing.
///
/// # Errors
/// The system refuses it.
pub(crate) fn small() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| refused(&error))
}

fn refused(error: &std::io::Error) -> AppError {
    AppError::failed("the runtime could not be started")
        .because(error)
        .next("raise the limits on threads and open files (`ulimit -u`, `ulimit -n`)")
}

/// Raises the limit on open files to what the system allows: two per stream are needed.
pub(crate) fn raise_open_files() {
    const ENOUGH: u64 = 65_536;
    if let Err(error) = rlimit::increase_nofile_limit(ENOUGH) {
        tracing::warn!(%error, "the limit on open files could not be raised");
    }
}
