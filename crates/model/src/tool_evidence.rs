//! What hooks, telemetry and transcripts tell of a tool call, beside what passed on the wire: digests, times and
//! words, and no text of it.

use crate::redact::{Redactor, Scrub};
use crate::time::Micros;
use crate::tool::ToolSource;
use crate::tool_state::ToolOutcome;

/// What is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ToldStep {
    /// The model asked for it.
    Called,
    /// Somebody was asked whether it may run.
    Asked,
    /// It may run.
    Approved,
    /// It may not run.
    Denied,
    /// It began to run.
    Began,
    /// It ended.
    Ended,
}

impl ToldStep {
    /// Every step; its place is its number in the store, so that new ones come at the end.
    pub const ALL: [Self; 6] =
        [Self::Called, Self::Asked, Self::Approved, Self::Denied, Self::Began, Self::Ended];
}

/// A word of a source on a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToldTool {
    /// Digest of the call's id, as [`crate::ToolCall::key`].
    pub key: u64,
    /// Who tells.
    pub source: ToolSource,
    /// What.
    pub step: ToldStep,
    /// When it was.
    pub at: Micros,
    /// Digest of the session.
    pub session: Option<u64>,
    /// Digest of the tool's name.
    pub name: Option<u64>,
    /// Digests of the members of the arguments, in order; none where they are not told, or are no object.
    pub arguments: Option<Vec<u32>>,
    /// What came of it.
    pub outcome: Option<ToolOutcome>,
}

impl Scrub for ToldTool {
    fn scrub(&mut self, _: &Redactor) {
        // Numbers alone.
        let Self {
            key: _,
            source: _,
            step: _,
            at: _,
            session: _,
            name: _,
            arguments: _,
            outcome: _,
        } = self;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_stands_at_its_number() {
        for (place, step) in ToldStep::ALL.into_iter().enumerate() {
            assert_eq!(step as usize, place);
        }
    }
}
