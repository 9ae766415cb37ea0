//! What is stored, priced anew: flows, and the responses that transcripts tell of.

use std::sync::Arc;

use langley_model::{Flow, Redacted};
use langley_store::{PriceTold, RepriceQuery, Repriced, Store, StoreError};

use super::{PriceBook, Pricer};
use crate::transcripts::Till;

/// What came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PricedAnew {
    /// Of flows.
    pub flows: Repriced,
    /// Of responses that transcripts tell of.
    pub told: Repriced,
}

/// Prices what is stored and `query` names by this book; with `dry_run` it only tells what would come of it.
///
/// # Errors
/// The store is closed or cannot be written; what was done until then stays, and the audit tells it.
pub fn reprice(
    store: &Store,
    query: &Redacted<RepriceQuery>,
    book: &Arc<PriceBook>,
    dry_run: bool,
) -> Result<PricedAnew, StoreError> {
    let mut pricer = Pricer::new(Arc::clone(book));
    let mut till = Till::new(Pricer::new(Arc::clone(book)));
    let version = book.version();
    let price = Box::new(move |flow: &mut Flow| pricer.price(flow));
    let flows = store.reprice(query, &version, dry_run, price)?;
    let price = PriceTold::new(move |agent, told| till.cost_of_kept(agent, told));
    let told = store.reprice_told(query, &version, dry_run, price)?;
    Ok(PricedAnew { flows, told })
}
