//! Lines that agents wrote of their own sessions, as they are kept: what each is, and what it says.

use crate::provider::Provider;
use crate::redact::{RedactedBytes, Redactor, Scrub};
use crate::time::Micros;
use crate::unit::{MicroUsd, Usage};

/// The part that a line plays in its conversation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LineRole {
    /// What a person asked.
    Prompt,
    /// What the model wrote, thought or called.
    Answer,
    /// What a tool gave back.
    ToolResult,
    /// What the agent told the model beside the person's words.
    Context,
    /// Where the conversation so far was replaced by a summary, or the summary itself.
    Compaction,
    /// What the agent noted for itself; kinds that nobody knows are among these.
    #[default]
    Note,
    /// No JSON object: torn, or not written by the agent.
    Unreadable,
}

impl LineRole {
    /// Every role; its place is its number in the store, so that new ones come at the end.
    pub const ALL: [Self; 7] = [
        Self::Prompt,
        Self::Answer,
        Self::ToolResult,
        Self::Context,
        Self::Compaction,
        Self::Note,
        Self::Unreadable,
    ];

    /// The word in JSON and the dashboard.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Prompt => "prompt",
            Self::Answer => "answer",
            Self::ToolResult => "tool_result",
            Self::Context => "context",
            Self::Compaction => "compaction",
            Self::Note => "note",
            Self::Unreadable => "unreadable",
        }
    }

    /// Whether it is said by somebody to somebody, and not noted beside.
    #[must_use]
    pub const fn is_said(self) -> bool {
        matches!(self, Self::Prompt | Self::Answer)
    }
}

/// What a line tells of itself: its envelope, and the beginning of what it says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LineFacts {
    /// The part it plays.
    pub role: LineRole,
    /// Its type, as the agent names it; empty where it names none.
    pub kind: String,
    /// The type within that type: `subtype`, `payload.type` and the like.
    pub subkind: Option<String>,
    /// Its id.
    pub uuid: Option<String>,
    /// The id of the line that it follows.
    pub parent: Option<String>,
    /// The id of the line that it follows across a compaction.
    pub logical_parent: Option<String>,
    /// The session.
    pub session: Option<String>,
    /// The subagent.
    pub agent_id: Option<String>,
    /// Whether a subagent said it.
    pub is_sidechain: bool,
    /// When it was written.
    pub at: Option<Micros>,
    /// The id of the response that it is of.
    pub message_id: Option<String>,
    /// The provider's id of the request.
    pub request_id: Option<String>,
    /// The model that answered.
    pub model: Option<String>,
    /// The tools that it calls, with commas between.
    pub tools: Option<String>,
    /// The first characters of what it says.
    pub text: Option<String>,
    /// The folder the agent worked in.
    pub folder: Option<String>,
    /// The branch of the repository there.
    pub branch: Option<String>,
    /// Whether it is a copy of another session's line, which begins a session that was forked.
    pub is_copy: bool,
    /// Whether its text was cut within a character, so that it was read with a sign in its place.
    pub is_mended: bool,
}

/// What Claude Code names as the model of what it wrote itself in an answer's place, as of errors.
pub const OWN_WORDS_MODEL: &str = "<synthetic>";

impl LineFacts {
    /// The model that answered, where one did.
    #[must_use]
    pub fn answering_model(&self) -> Option<&str> {
        self.model.as_deref().filter(|model| *model != OWN_WORDS_MODEL)
    }
}

/// A line of a transcript, to be kept.
#[derive(Clone, Debug, Default)]
pub struct TranscriptLine {
    /// Its number in the file it was read from, from one on.
    pub number: u64,
    /// Where in that file it began.
    pub offset: u64,
    /// Bytes it had there.
    pub len: u64,
    /// A keyed digest of its bytes before they were redacted: it is the same one whatever is redacted of it.
    pub digest: u64,
    /// What it tells of itself.
    pub facts: LineFacts,
    /// Its bytes; of a line that is too long, the beginning.
    pub content: RedactedBytes,
    /// Whether it is too long to be kept whole.
    pub is_cut: bool,
}

/// What a transcript tells of one response of a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToldResponse {
    /// The response's id.
    pub message_id: Option<String>,
    /// The provider's id of the request; empty where the agent writes none.
    pub request_id: Option<String>,
    /// The session.
    pub session: Option<String>,
    /// The subagent.
    pub agent_id: Option<String>,
    /// When it was written.
    pub at: Option<Micros>,
    /// The model that answered.
    pub model: Option<String>,
    /// What it used, in the provider's own sense.
    pub usage: Usage,
    /// What it costs; none where no price is known.
    pub cost: Option<MicroUsd>,
    /// Who served it; none of one that is kept and can have no price: without a time, or of an earlier version.
    pub provider: Option<Provider>,
    /// In which way it was served, words with `+` between; none for the usual one.
    pub tier: Option<String>,
}

impl Scrub for LineFacts {
    fn scrub(&mut self, redactor: &Redactor) {
        // All of it, so that a member that is added is not forgotten.
        let Self {
            role: _,
            kind,
            subkind,
            uuid,
            parent,
            logical_parent,
            session,
            agent_id,
            is_sidechain: _,
            at: _,
            message_id,
            request_id,
            model,
            tools,
            text,
            folder,
            branch,
            is_copy: _,
            is_mended: _,
        } = self;
        kind.scrub(redactor);
        for part in [
            subkind,
            uuid,
            parent,
            logical_parent,
            session,
            agent_id,
            message_id,
            request_id,
            model,
            tools,
            text,
            folder,
            branch,
        ] {
            part.scrub(redactor);
        }
    }
}

impl Scrub for ToldResponse {
    fn scrub(&mut self, redactor: &Redactor) {
        let Self {
            message_id,
            request_id,
            session,
            agent_id,
            at: _,
            model,
            usage: _,
            cost: _,
            provider: _,
            tier,
        } = self;
        for part in [message_id, request_id, session, agent_id, model, tier] {
            part.scrub(redactor);
        }
    }
}

impl Scrub for TranscriptLine {
    fn scrub(&mut self, redactor: &Redactor) {
        self.facts.scrub(redactor);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::RedactorOptions;

    #[test]
    fn every_text_of_a_line_passes_the_redactor() {
        let secret = || Some(format!("sk-ant-api03-{}", "a1B2".repeat(20)));
        let facts = LineFacts {
            kind: secret().unwrap_or_default(),
            subkind: secret(),
            uuid: secret(),
            parent: secret(),
            logical_parent: secret(),
            session: secret(),
            agent_id: secret(),
            message_id: secret(),
            request_id: secret(),
            model: secret(),
            tools: secret(),
            text: secret(),
            folder: secret(),
            branch: secret(),
            ..LineFacts::default()
        };
        let response = ToldResponse {
            message_id: secret(),
            request_id: secret(),
            session: secret(),
            agent_id: secret(),
            at: None,
            model: secret(),
            usage: Usage::default(),
            cost: None,
            provider: None,
            tier: secret(),
        };
        let line = TranscriptLine { facts, ..TranscriptLine::default() };
        let redactor = Redactor::new(RedactorOptions::default()).unwrap();
        let sealed = format!("{:?} {:?}", redactor.seal(line), redactor.seal(response));
        assert!(!sealed.contains("a1B2a1B2"), "{sealed}");
    }
}
