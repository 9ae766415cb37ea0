//! What maintenance is doing, for whoever asks meanwhile.

use std::fmt;

use langley_model::Micros;
use parking_lot::{Mutex, MutexGuard};

use super::report::Upkeep;

/// What is being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Adding up flows that an earlier version recorded.
    Sums,
    /// Removing stream events that are too old.
    Events,
    /// Removing bodies that are too old.
    Bodies,
    /// Removing flows that are too old.
    Flows,
    /// Removing tunnels and rows about drops that are too old.
    Rows,
    /// Looking for contents that nothing refers to, and removing them.
    Contents,
    /// Making the file smaller.
    Vacuum,
    /// Folding the write-ahead log back.
    Checkpoint,
}

impl Phase {
    /// Its word in the API and on the terminal.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sums => "sums",
            Self::Events => "events",
            Self::Bodies => "bodies",
            Self::Flows => "flows",
            Self::Rows => "rows",
            Self::Contents => "contents",
            Self::Vacuum => "vacuum",
            Self::Checkpoint => "checkpoint",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Maintenance, at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UpkeepState {
    /// What is being done, and what was removed so far; none while nothing runs.
    pub running: Option<(Phase, Upkeep)>,
    /// The last run that came to its end.
    pub last: Option<Upkeep>,
    /// When the next one is planned.
    pub next_at: Option<Micros>,
    /// Whether the last run failed; it is tried again at the next one.
    pub failed: bool,
}

/// The same, shared; and the turn of whoever sweeps.
#[derive(Debug, Default)]
pub(crate) struct Board {
    state: Mutex<UpkeepState>,
    turn: Mutex<()>,
}

impl Board {
    pub(crate) fn state(&self) -> UpkeepState {
        *self.state.lock()
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut UpkeepState)) {
        change(&mut self.state.lock());
    }

    /// The turn, when nobody has it.
    pub(super) fn turn_if_free(&self) -> Option<MutexGuard<'_, ()>> {
        self.turn.try_lock()
    }

    /// Waits for what runs, and keeps others from running beside it.
    pub(crate) fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock()
    }
}
