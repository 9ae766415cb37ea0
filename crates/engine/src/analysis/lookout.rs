//! What the analysis goes by when it looks for findings, and who is told of them.

use std::fmt;
use std::sync::Arc;

use crate::findings::{Limits, NoPrices, Prices};
use crate::live::{LiveFeed, NoLiveFeed};

/// Bounds, prices and whoever watches.
#[derive(Clone)]
pub struct Lookout {
    /// From which figure on something is a finding.
    pub limits: Limits,
    /// Who knows prices.
    pub prices: Arc<dyn Prices>,
    /// Who is told of findings once they are kept.
    pub feed: Arc<dyn LiveFeed>,
}

impl Default for Lookout {
    fn default() -> Self {
        Self { limits: Limits::default(), prices: Arc::new(NoPrices), feed: Arc::new(NoLiveFeed) }
    }
}

impl fmt::Debug for Lookout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lookout").field("limits", &self.limits).finish_non_exhaustive()
    }
}
