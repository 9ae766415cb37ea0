//! What is new in a flow, as plain texts that can be searched.

use crate::id::FlowId;
use crate::redact::{Redactor, Scrub};

/// Where a text stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// What a person or the agent's harness wrote to the model.
    Prompt,
    /// What the model wrote.
    Answer,
    /// What the model thought, as far as it was shown.
    Thinking,
    /// The arguments of a tool call.
    ToolInput,
    /// What a tool gave back.
    ToolResult,
}

impl Place {
    /// Every place.
    pub const ALL: [Self; 5] =
        [Self::Prompt, Self::Answer, Self::Thinking, Self::ToolInput, Self::ToolResult];

    /// The word in SQL, JSON and the dashboard.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Prompt => "prompt",
            Self::Answer => "answer",
            Self::Thinking => "thinking",
            Self::ToolInput => "tool_input",
            Self::ToolResult => "tool_result",
        }
    }

    /// Reads [`Self::as_str`].
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|place| place.as_str() == word)
    }
}

/// One text of a flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passage {
    /// Where it stood.
    pub place: Place,
    /// The text, escapes undone.
    pub text: String,
    /// Whether it is of the same call, or the same result, as the one before it.
    pub goes_on: bool,
}

impl Passage {
    /// One that stands for itself.
    #[must_use]
    pub const fn new(place: Place, text: String) -> Self {
        Self { place, text, goes_on: false }
    }
}

/// What is new in a flow: the text that the index gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchText {
    /// The flow.
    pub flow: FlowId,
    /// Whether all of the conversation so far counts as new, because no earlier flow of its session has it.
    pub whole: bool,
    /// The texts, in order.
    pub passages: Vec<Passage>,
}

impl Scrub for Passage {
    fn scrub(&mut self, redactor: &Redactor) {
        self.text.scrub(redactor);
    }
}

impl Scrub for SearchText {
    fn scrub(&mut self, redactor: &Redactor) {
        self.passages.scrub(redactor);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_it_is_written() {
        for place in Place::ALL {
            assert_eq!(Place::parse(place.as_str()), Some(place));
        }
        assert_eq!(Place::parse("elsewhere"), None);
    }
}
