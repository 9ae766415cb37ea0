//! A tool call as it is kept: what a model asked for, and what came of it.

use crate::redact::{Redactor, Scrub};
use crate::tool_state::{ToolOutcome, ToolState};
use crate::violation::Violations;

/// The first time that a call's result was seen in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ToolResult {
    /// When that request began, in microseconds since the flow of the call did.
    pub after_us: i64,
    /// Digest of its content (48 bits).
    pub hash: u64,
    /// Length of its content as it was sent, in bytes.
    pub bytes: u64,
    /// When the first request with it began that was billed, likewise; none while none was: an attempt that was
    /// refused is not. Of calls that an earlier version read nobody knows.
    pub billed_us: Option<i64>,
}

/// A call of a tool.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToolCall {
    /// The tool.
    pub name: String,
    /// Digest of the call's id (48 bits), or of what stands for one.
    pub key: u64,
    /// Index of its content block.
    pub block: Option<u32>,
    /// Whether the provider runs the tool itself.
    pub server: bool,
    /// Whether the end of its arguments was seen.
    pub complete: bool,
    /// Whether it is another call once more: a resumed, forked or repeated conversation.
    pub replayed: bool,
    /// Whether the same tool was called before in its session with the same arguments.
    pub repeated: bool,
    /// Length of its arguments as JSON text, in bytes.
    pub input_bytes: u64,
    /// Digest of its arguments (32 bits).
    pub input_hash: u32,
    /// When its block began, in microseconds since the flow did.
    pub began_us: Option<i64>,
    /// When its arguments were complete, in microseconds since the flow began.
    pub complete_us: Option<i64>,
    /// How far it got.
    pub state: ToolState,
    /// What came of it.
    pub outcome: Option<ToolOutcome>,
    /// Its result, as it was first seen.
    pub result: Option<ToolResult>,
    /// What was wrong about it.
    pub violations: Violations,
}

impl ToolCall {
    /// From complete arguments to the request that has the result, in microseconds.
    #[must_use]
    pub fn duration_us(&self) -> Option<u64> {
        let result = self.result?;
        u64::try_from(result.after_us.checked_sub(self.complete_us?)?).ok()
    }
}

/// Who told of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ToolSource {
    /// Traffic between agent and provider.
    Wire,
    /// A hook of the agent.
    Hook,
    /// The agent's telemetry.
    Otlp,
    /// The agent's transcript.
    Transcript,
}

impl ToolSource {
    /// Every source.
    pub const ALL: [Self; 4] = [Self::Wire, Self::Hook, Self::Otlp, Self::Transcript];

    /// The word in SQL, JSON and the dashboard.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Wire => "wire",
            Self::Hook => "hook",
            Self::Otlp => "otlp",
            Self::Transcript => "transcript",
        }
    }

    /// The source with this place in [`Self::ALL`], which never changes: the store keeps it.
    #[must_use]
    pub fn of_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }
}

/// One run of a call: a call has none, one or several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolExecution {
    /// Which one of the call's.
    pub number: u64,
    /// Who told of it.
    pub source: ToolSource,
    /// When it began, in microseconds since the flow of the call did.
    pub began_us: i64,
    /// When it ended, likewise; none while it runs.
    pub ended_us: Option<i64>,
    /// Whether the conversation went on while it ran.
    pub backgrounded: bool,
    /// What came of it.
    pub outcome: Option<ToolOutcome>,
    /// Whether it was put to the call by order and time, because no id says so.
    pub inferred: bool,
}

impl Scrub for ToolCall {
    fn scrub(&mut self, redactor: &Redactor) {
        self.name.scrub(redactor);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_from_complete_arguments_to_the_result() {
        let mut call = ToolCall { complete_us: Some(500), ..ToolCall::default() };
        assert_eq!(call.duration_us(), None);
        call.result = Some(ToolResult { after_us: 1_700, hash: 1, bytes: 2, billed_us: None });
        assert_eq!(call.duration_us(), Some(1_200));
        call.complete_us = Some(2_000);
        assert_eq!(call.duration_us(), None, "time does not run backwards");
    }

    #[test]
    fn a_source_is_read_as_it_is_kept() {
        for source in ToolSource::ALL {
            assert_eq!(ToolSource::of_number(source as u8), Some(source));
        }
    }
}
