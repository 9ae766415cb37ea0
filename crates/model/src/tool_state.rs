//! How far a tool call got, and what came of it.

/// How far a call got.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ToolState {
    /// The model began it.
    #[default]
    Proposed,
    /// Its arguments are on their way.
    ArgsStreaming,
    /// Its arguments are whole.
    ArgsComplete,
    /// Somebody is asked whether it may run.
    AwaitingPermission,
    /// It may run.
    Approved,
    /// It may not run.
    Denied,
    /// It runs.
    Running,
    /// It runs on while the conversation does.
    Backgrounded,
    /// It ended well; the model does not know yet.
    Succeeded,
    /// It failed; the model does not know yet.
    Failed,
    /// It was ended; the model does not know yet.
    Cancelled,
    /// It took too long; the model does not know yet.
    TimedOut,
    /// The model was told what came of it.
    Returned,
    /// Nothing came of it: the conversation ended, or went on without its result.
    Orphaned,
    /// The answer broke off before its arguments were whole.
    Lost,
}

impl ToolState {
    /// Every state, in the order of a call's life.
    pub const ALL: [Self; 15] = [
        Self::Proposed,
        Self::ArgsStreaming,
        Self::ArgsComplete,
        Self::AwaitingPermission,
        Self::Approved,
        Self::Denied,
        Self::Running,
        Self::Backgrounded,
        Self::Succeeded,
        Self::Failed,
        Self::Cancelled,
        Self::TimedOut,
        Self::Returned,
        Self::Orphaned,
        Self::Lost,
    ];

    /// The word in SQL, JSON and the dashboard.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Proposed => "proposed",
            Self::ArgsStreaming => "args_streaming",
            Self::ArgsComplete => "args_complete",
            Self::AwaitingPermission => "awaiting_permission",
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::Running => "running",
            Self::Backgrounded => "backgrounded",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::TimedOut => "timed_out",
            Self::Returned => "returned",
            Self::Orphaned => "orphaned",
            Self::Lost => "lost",
        }
    }

    /// Its place in [`Self::ALL`], which never changes: the store keeps it.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The state with this [`Self::number`].
    #[must_use]
    pub fn of_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// Whether nothing more is expected to happen.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Returned | Self::Orphaned | Self::Lost)
    }
}

/// What came of a call, as far as it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ToolOutcome {
    /// Nothing says that it failed.
    Succeeded,
    /// It failed.
    Failed,
    /// A person or a rule did not let it run.
    Denied,
    /// A person ended it.
    Cancelled,
    /// It took too long.
    TimedOut,
}

impl ToolOutcome {
    /// Every outcome.
    pub const ALL: [Self; 5] =
        [Self::Succeeded, Self::Failed, Self::Denied, Self::Cancelled, Self::TimedOut];

    /// The word in SQL, JSON and the dashboard.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Denied => "denied",
            Self::Cancelled => "cancelled",
            Self::TimedOut => "timed_out",
        }
    }

    /// Its place in [`Self::ALL`], which never changes: the store keeps it.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The outcome with this [`Self::number`].
    #[must_use]
    pub fn of_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_store_keeps_as_a_number_is_read_back() {
        for state in ToolState::ALL {
            assert_eq!(ToolState::of_number(state.number()), Some(state));
        }
        for outcome in ToolOutcome::ALL {
            assert_eq!(ToolOutcome::of_number(outcome.number()), Some(outcome));
        }
        assert_eq!(ToolState::of_number(15), None);
    }
}
