//! Diagnostics to stderr, as `LANGLEY_LOG` asks; payloads and headers are never logged.

use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Starts logging; warnings only, unless `LANGLEY_LOG` says more (`info`, `langley_proxy=debug`).
pub(crate) fn start() {
    let wanted = std::env::var("LANGLEY_LOG").unwrap_or_default();
    let quiet = Targets::new().with_default(Level::WARN);
    let filter = if wanted.is_empty() {
        quiet
    } else {
        wanted.parse().unwrap_or_else(|error| {
            eprintln!("warning: LANGLEY_LOG is not understood and was ignored: {error}");
            quiet
        })
    };
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).compact();
    // A second start (tests) keeps the first.
    let _ = tracing_subscriber::registry().with(filter).with(lines).try_init();
}
