//! How whoever writes opens the database, and what is read of it before anything is recorded.

use std::path::PathBuf;
use std::sync::Arc;

use langley_engine::{PriceBook, Pricer, TranscriptRoot, default_roots, user_roots};
use langley_model::Flow;
use langley_store::{PriceLost, Store, StoreOptions};

use crate::config::Config;
use crate::home::Home;

/// How whoever writes opens the database: flows that are lost cost what was known of them.
pub(crate) fn store_options(config: &Config, home: &Home) -> StoreOptions {
    let book = prices(config);
    let mut options = StoreOptions::new(home.database());
    options.wal_checkpoint_pages = config.maintenance.checkpoint_pages;
    options.price_lost = Some(PriceLost::new(move || {
        let mut pricer = Pricer::new(Arc::clone(&book));
        Box::new(move |flow| pricer.price(flow))
    }));
    options
}

/// Where transcripts are looked for: in the folders that are configured, else in the agents' own.
pub(crate) fn transcript_roots(config: &Config) -> Vec<TranscriptRoot> {
    if config.transcripts.roots.is_empty() {
        let home = std::env::var_os("HOME").map(PathBuf::from);
        default_roots(home.as_deref(), |name| std::env::var_os(name))
    } else {
        user_roots(config.transcripts.roots.clone())
    }
}

/// What was recorded last; nothing where it cannot be read, which costs no more than a session that is told
/// as two.
pub(crate) async fn recall_from(store: &Store) -> Vec<Flow> {
    let store = store.clone();
    let recalled = tokio::task::spawn_blocking(move || langley_engine::recall(&store)).await;
    match recalled {
        Ok(Ok(flows)) => flows,
        Ok(Err(error)) => {
            tracing::warn!(%error, "sessions that name themselves nowhere begin anew");
            Vec::new()
        }
        Err(_) => Vec::new(),
    }
}

/// What flows are priced by: the vendored book, with the user's own prices over it.
pub(crate) fn prices(config: &Config) -> Arc<PriceBook> {
    let book = PriceBook::vendored();
    if config.prices.is_empty() { book } else { Arc::new(book.with(config.prices.clone())) }
}
