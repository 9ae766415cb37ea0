//! Where text goes the moment it appears.

use langley_model::{FlowId, LiveText};

/// Shows text while it is being written; nothing of it is stored.
pub trait LiveFeed: Send + Sync {
    /// New text of an open flow. Must return at once.
    fn text(&self, text: LiveText);

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
