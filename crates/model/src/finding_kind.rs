//! What kinds of findings there are, and how much each matters.

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FindingKind {
    /// What was cached was billed again.
    CacheBreak,
    /// Something passed that was not recorded.
    CaptureGap,
    /// A request is much longer than the one before it in the same conversation.
    ContextSpike,
    /// A day costs more than it should.
    DailyBudget,
    /// One exchange cost much.
    ExpensiveRequest,
    /// A tool failed several times in a row.
    FailingTool,
    /// Tools are described to the model with every request and never called.
    IdleTools,
    /// A request fills much of what the model can read.
    LargeContext,
    /// Something about a tool call happened that may not happen.
    LifecycleViolation,
    /// The same call of a tool was made again and again within seconds.
    RapidRepeats,
    /// A secret stood where none belongs: in what a model wrote, or in a tool's input or result.
    RedactionHit,
    /// The same request was answered again and again.
    RequestLoop,
    /// A request failed several times in a row.
    RetryStorm,
    /// An answer took much longer to begin than this model's do.
    SlowResponse,
    /// A tool took long.
    SlowTool,
    /// An answer paused in its middle.
    Stall,
    /// A model's price is not known.
    UnpricedModel,
}

impl FindingKind {
    /// Every kind.
    pub const ALL: [Self; 17] = [
        Self::CacheBreak,
        Self::CaptureGap,
        Self::ContextSpike,
        Self::DailyBudget,
        Self::ExpensiveRequest,
        Self::FailingTool,
        Self::IdleTools,
        Self::LargeContext,
        Self::LifecycleViolation,
        Self::RapidRepeats,
        Self::RedactionHit,
        Self::RequestLoop,
        Self::RetryStorm,
        Self::SlowResponse,
        Self::SlowTool,
        Self::Stall,
        Self::UnpricedModel,
    ];

    /// The word used in SQL, JSON and the dashboard.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CacheBreak => "cache_break",
            Self::CaptureGap => "capture_gap",
            Self::ContextSpike => "context_spike",
            Self::DailyBudget => "daily_budget",
            Self::ExpensiveRequest => "expensive_request",
            Self::FailingTool => "failing_tool",
            Self::IdleTools => "idle_tools",
            Self::LargeContext => "large_context",
            Self::LifecycleViolation => "lifecycle_violation",
            Self::RapidRepeats => "rapid_repeats",
            Self::RedactionHit => "redaction_hit",
            Self::RequestLoop => "request_loop",
            Self::RetryStorm => "retry_storm",
            Self::SlowResponse => "slow_response",
            Self::SlowTool => "slow_tool",
            Self::Stall => "stall",
            Self::UnpricedModel => "unpriced_model",
        }
    }

    /// The kind that [`Self::as_str`] names.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// Good to know.
    Info,
    /// Worth a look.
    Warning,
    /// Costs money or work now.
    Critical,
}

impl Severity {
    /// Every one, the least first; the store keeps the place.
    pub const ALL: [Self; 3] = [Self::Info, Self::Warning, Self::Critical];

    /// The word used in JSON and the dashboard.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// What a person made of a finding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FindingState {
    /// Nobody has said anything.
    #[default]
    Open,
    /// Seen; it goes on being counted.
    Acknowledged,
    /// Not wanted any more, however often it comes again.
    Muted,
    /// Seen to; it opens again when it comes again.
    Resolved,
}

impl FindingState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Open, Self::Acknowledged, Self::Muted, Self::Resolved];

    /// The word used in SQL, JSON and the dashboard.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Acknowledged => "acknowledged",
            Self::Muted => "muted",
            Self::Resolved => "resolved",
        }
    }

    /// The state that [`Self::as_str`] names.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// The state once there is new evidence.
    #[must_use]
    pub const fn seen_again(self) -> Self {
        match self {
            Self::Resolved => Self::Open,
            Self::Open | Self::Acknowledged | Self::Muted => self,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_as_they_are_written() {
        for kind in FindingKind::ALL {
            assert_eq!(FindingKind::parse(kind.as_str()), Some(kind));
        }
        for state in FindingState::ALL {
            assert_eq!(FindingState::parse(state.as_str()), Some(state));
        }
        assert!(Severity::ALL.is_sorted());
        assert_eq!(FindingState::parse("new"), None);
    }

    #[test]
    fn what_was_seen_to_opens_again_and_what_is_muted_stays_so() {
        let again = FindingState::ALL.map(FindingState::seen_again);
        let wanted = [FindingState::Open, FindingState::Acknowledged, FindingState::Muted];
        assert_eq!(again[..3], wanted);
        assert_eq!(again[3], FindingState::Open);
    }
}
