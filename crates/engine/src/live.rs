//! Where text goes the moment it appears.

use langley_model::LiveText;

/// Shows text while it is being written; nothing of it is stored.
pub trait LiveFeed: Send + Sync {
    /// New text of an open flow. Must return at once.
    fn text(&self, text: LiveText);
}

/// Shows nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoLiveFeed;

impl LiveFeed for NoLiveFeed {
    fn text(&self, _text: LiveText) {}
}
