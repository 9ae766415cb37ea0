//! What detectors are told of one ended flow.

use std::time::Duration;

use langley_model::{Flow, Micros, Outcome, Tokens};

use crate::composition::context_tokens;

/// One ended flow.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The flow.
    pub flow: Flow,
    /// Names the content of the request's body: requests with the same number are the same to the byte.
    pub body: Option<i64>,
    /// Tool calls of the answer that the agent has to run.
    pub calls: Vec<CallMade>,
    /// Results that the request brings and no earlier one brought.
    pub results: Vec<ResultSeen>,
    /// The longest time between two events of the answer; none where it was not looked for.
    pub pause: Option<Pause>,
    /// Secrets that were replaced in what is new.
    pub secrets: Vec<Secret>,
}

/// A tool call of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallMade {
    /// Tells it from the other calls of its session.
    pub key: u64,
    /// The tool.
    pub tool: String,
    /// Digest of the arguments.
    pub arguments: u64,
}

/// What a tool gave back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResultSeen {
    /// The call's [`CallMade::key`].
    pub key: u64,
    /// Whether it failed; none where it neither did nor worked: denied, cancelled, not told.
    pub failed: Option<bool>,
}

/// A time in which an answer stood still.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pause {
    /// How long.
    pub lasted: Duration,
    /// After how much time since the flow began.
    pub after: Duration,
}

/// A secret that was replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Secret {
    /// Where it stood.
    pub place: SecretPlace,
    /// The rule that knew it.
    pub rule: &'static str,
}

/// A place in which no secret belongs. A prompt is none: people write secrets there, and the count of
/// redactions says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SecretPlace {
    /// What the model wrote or thought.
    Answer,
    /// The arguments of a tool call.
    ToolInput,
    /// What a tool gave back, which the agent sent to the provider.
    ToolResult,
}

impl SecretPlace {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Answer => "answer",
            Self::ToolInput => "tool_input",
            Self::ToolResult => "tool_result",
        }
    }
}

impl Facts {
    /// Facts of a flow of which only its row is known.
    #[must_use]
    pub const fn new(flow: Flow) -> Self {
        Self {
            flow,
            body: None,
            calls: Vec::new(),
            results: Vec::new(),
            pause: None,
            secrets: Vec::new(),
        }
    }

    /// Tokens of the whole input, whatever the cache had of it.
    pub(super) fn context(&self) -> Option<u64> {
        context_tokens(&self.flow)
    }

    /// Input tokens that were billed as new: neither read from the cache, nor free.
    pub(super) fn billed_again(&self) -> u64 {
        let usage = &self.flow.usage;
        let parts =
            [usage.input_uncached(self.flow.dialect()), usage.cache_write_5m, usage.cache_write_1h];
        parts.into_iter().flatten().map(|Tokens(count)| count).sum()
    }

    /// Whether a model answered it to the end.
    pub(super) fn is_answered(&self) -> bool {
        self.flow.outcome == Some(Outcome::Completed) && self.flow.stop_reason.is_some()
    }

    /// Whether it failed in a way that agents try again after.
    pub(super) fn is_retryable_failure(&self) -> bool {
        let flow = &self.flow;
        // Calls whose answer is no message (counting tokens, lists of models) are not tried in storms that cost.
        if flow.known_model().is_none() {
            return false;
        }
        match flow.outcome {
            Some(Outcome::ProviderError) => {
                let status = flow.status.unwrap_or_default();
                // An error in the midst of a stream has the status of one that goes well.
                matches!(status, 408 | 409 | 429) || status >= 500 || status == 200
            }
            Some(Outcome::UpstreamGone | Outcome::TimedOut) => true,
            _ => false,
        }
    }

    /// When the last of it was seen.
    pub(super) fn ended(&self) -> Micros {
        let flow = &self.flow;
        flow.ended_at.unwrap_or_else(|| match flow.duration {
            Some(duration) => flow.started_at.plus(duration),
            None => flow.started_at,
        })
    }

    pub(super) fn session(&self) -> Option<&str> {
        self.flow.session.as_ref().map(|session| session.id.as_str())
    }
}

/// Time from `earlier` to `later`; none when it is not later.
pub(super) fn between(earlier: Micros, later: Micros) -> Option<Duration> {
    u64::try_from(later.0.checked_sub(earlier.0)?).ok().map(Duration::from_micros)
}
