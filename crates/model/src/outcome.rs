//! How a flow ended: exactly one outcome each, none while it is open.

use std::fmt;

/// The outcome of a finished flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The answer arrived whole, with a status below 400 and no error event.
    Completed,
    /// The exchange itself completed, with a status of 400 or more, or an error event in the stream.
    ProviderError,
    /// The agent went away before the answer was whole.
    ClientGone,
    /// The provider could not be reached, or broke the answer off.
    UpstreamGone,
    /// A configured time limit ended it.
    TimedOut,
    /// Langley refused it: bad framing, no upstream for it, an untrusted certificate, a user's rule.
    Refused,
    /// The record of the end was lost (the process died, or the ending could not be kept).
    Lost,
}

impl Outcome {
    /// Every outcome, in the order of the documentation.
    pub const ALL: [Self; 7] = [
        Self::Completed,
        Self::ProviderError,
        Self::ClientGone,
        Self::UpstreamGone,
        Self::TimedOut,
        Self::Refused,
        Self::Lost,
    ];

    /// The word used in SQL, JSON and the dashboard.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::ProviderError => "provider_error",
            Self::ClientGone => "client_gone",
            Self::UpstreamGone => "upstream_gone",
            Self::TimedOut => "timed_out",
            Self::Refused => "refused",
            Self::Lost => "lost",
        }
    }

    /// The outcome that [`Self::as_str`] names.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == word)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How the sockets saw the end; the engine turns it into an [`Outcome`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ending {
    /// Request and answer both arrived whole.
    Whole,
    /// The agent's side closed or reset first.
    ClientGone,
    /// The provider's side closed or reset first.
    UpstreamGone,
    /// A configured time limit passed.
    TimedOut,
    /// Langley answered by itself, by its own decision.
    Refused,
    /// The provider could not be reached, so Langley answered in its place.
    Unreached,
    /// The tap was dropped without a word; nothing better is known.
    Unaccounted,
}
