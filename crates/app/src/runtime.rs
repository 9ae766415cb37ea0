//! Runtimes and process limits, sized for a small resident program.

use std::time::Duration;

use crate::error::{AppError, Result};

/// Who may keep a thread from other work, and with how many at once. Names are looked up on the same
/// threads (by the system, which may take seconds): they have some that nobody else can take.
const BLOCKING: [(&str, usize); 5] = [
    ("doors", langley_server::PLACES),
    ("keeper", 1),
    ("start and end", 1),
    ("system roots", 1),
    ("names", NAMES),
];

/// Names that are looked up at once at least.
const NAMES: usize = 8;

/// Threads that may block: enough for everybody at once. Idle ones end after the keep-alive time.
const fn blocking_threads() -> usize {
    let (mut sum, mut at) = (0, 0);
    while at < BLOCKING.len() {
        sum += BLOCKING[at].1;
        at += 1;
    }
    sum
}

/// The server's runtime: as many workers as cores, at most four.
///
/// # Errors
/// The system refuses threads.
pub(crate) fn server() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads())
        .max_blocking_threads(blocking_threads())
        .thread_keep_alive(Duration::from_secs(2))
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

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use super::*;

    #[test]
    fn names_are_found_while_everybody_else_blocks() {
        let runtime = server().unwrap();
        let busy = blocking_threads() - NAMES;
        assert!(busy > langley_server::PLACES);
        let (begun, all) = sync_channel(busy);
        let gates: Vec<_> = (0..busy)
            .map(|_| {
                let (gate, opened) = sync_channel::<()>(0);
                let begun = begun.clone();
                runtime.spawn_blocking(move || {
                    begun.send(()).unwrap();
                    // Until the test is over.
                    opened.recv().unwrap_err();
                });
                gate
            })
            .collect();
        for _ in 0..busy {
            all.recv().unwrap();
        }
        let found = runtime.block_on(async {
            let lookup = tokio::net::lookup_host("localhost:443");
            tokio::time::timeout(Duration::from_secs(10), lookup).await
        });
        assert!(found.unwrap().unwrap().all(|address| address.ip().is_loopback()));
        drop(gates);
    }
}
