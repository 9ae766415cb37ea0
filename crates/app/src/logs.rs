//! Diagnostics to stderr, as `LANGLEY_LOG` asks; payloads and headers are never logged.

use tracing_subscriber::EnvFilter;

/// Starts logging; warnings only, unless `LANGLEY_LOG` says more (`info`, `langley_proxy=debug`).
pub(crate) fn start() {
    let wanted = std::env::var("LANGLEY_LOG").unwrap_or_default();
    let filter = if wanted.is_empty() { "warn" } else { &wanted };
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|error| {
        eprintln!("warning: LANGLEY_LOG is not understood and was ignored: {error}");
        EnvFilter::new("warn")
    });
    // A second start (tests) keeps the first.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .compact()
        .try_init();
}
