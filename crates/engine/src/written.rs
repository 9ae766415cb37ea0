//! What the store knows of an open flow.

use langley_model::Tick;

/// Whether the store knows the flow, and whether what it knows is still true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    /// It knows nothing.
    Never,
    /// It knows the state of then, and more is known now.
    Stale(Tick),
    /// It knows the state of then, and only the number of events has grown.
    Counting(Tick),
    /// It knows everything.
    Fresh(Tick),
}
