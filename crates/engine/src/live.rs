//! Where text goes the moment it appears, and findings once they are kept.

use langley_model::{FlowId, KeptFinding, LiveText, Stored};

/// Shows what happens now: text while it is being written, of which nothing is stored, and findings.
pub trait LiveFeed: Send + Sync {
    /// New text of an open flow. Must return at once.
    fn text(&self, text: LiveText);

    /// A finding that is new or has new evidence. Must return at once.
    fn finding(&self, _finding: Stored<KeptFinding>) {}

    /// Whether text of this flow is wanted at the moment: while it is not, none is made.
    fn wants(&self, _flow: FlowId) -> bool {
        true
    }
}

/// Shows nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoLiveFeed;

impl LiveFeed for NoLiveFeed {
    fn text(&self, _text: LiveText) {}

    fn wants(&self, _flow: FlowId) -> bool {
        false
    }
}
