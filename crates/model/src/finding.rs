//! A finding: something about what agents do that a person may want to change, with its evidence.

use crate::finding_kind::{FindingKind, FindingState, Severity};
use crate::id::FlowId;
use crate::redact::{Redactor, Scrub};
use crate::time::Micros;
use crate::unit::MicroUsd;

/// What a number of a finding counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FindingUnit {
    /// Things.
    Count,
    /// Tokens.
    Tokens,
    /// Milliseconds.
    Milliseconds,
    /// Bytes.
    Bytes,
    /// Millionths of a US dollar.
    MicroUsd,
}

impl FindingUnit {
    /// Every unit.
    pub const ALL: [Self; 5] =
        [Self::Count, Self::Tokens, Self::Milliseconds, Self::Bytes, Self::MicroUsd];

    /// The word used in JSON and the dashboard.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Tokens => "tokens",
            Self::Milliseconds => "ms",
            Self::Bytes => "bytes",
            Self::MicroUsd => "micro_usd",
        }
    }

    /// The unit that [`Self::as_str`] names.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|unit| unit.as_str() == word)
    }
}

/// A number that a finding rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FindingNumber {
    /// What it says, such as `cache_read`.
    pub name: String,
    /// How much.
    pub value: i64,
    /// Of what.
    pub unit: FindingUnit,
}

/// What was found, as one flow shows it.
///
/// What has the same kind, session and subject is one finding, of which later evidence is a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The kind.
    pub kind: FindingKind,
    /// What tells it from others of its kind and session: a tool, a model, a cause.
    pub subject: String,
    /// How much it matters.
    pub severity: Severity,
    /// The session; none where it is about more than one.
    pub session: Option<String>,
    /// The subagent, where one did it.
    pub agent_id: Option<String>,
    /// A few words.
    pub title: String,
    /// What happened, in one sentence.
    pub what: String,
    /// Why, as far as it is known.
    pub why: Option<String>,
    /// What to do.
    pub next: String,
    /// The numbers.
    pub numbers: Vec<FindingNumber>,
    /// What would have been usual, or the bound that was passed.
    pub baseline: Option<FindingNumber>,
    /// The flow that shows it.
    pub flow: FlowId,
    /// Earlier flows that are part of the evidence.
    pub beside: Vec<FlowId>,
    /// What it cost, for this flow; none where that is not known, or it cost nothing.
    pub cost: Option<MicroUsd>,
}

impl Finding {
    /// What is the same for whatever is the same finding.
    #[must_use]
    pub fn key(&self) -> String {
        let session = self.session.as_deref().unwrap_or_default();
        // A blank line apart: neither a session nor a kind holds a line break.
        format!("{}\n{session}\n{}", self.kind.as_str(), self.subject)
    }

    /// A number of it.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<i64> {
        self.numbers.iter().find(|number| number.name == name).map(|number| number.value)
    }
}

/// A finding as it is kept: the latest words, and what all evidence adds up to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptFinding {
    /// Its number.
    pub id: i64,
    /// What is made of it.
    pub state: FindingState,
    /// When the first flow that shows it began.
    pub first_at: Micros,
    /// When the last one did.
    pub last_at: Micros,
    /// How many flows show it.
    pub times: u64,
    /// What it cost altogether; none where no flow says.
    pub cost: Option<MicroUsd>,
    /// The newest flows of the evidence, the newest first.
    pub flows: Vec<FlowId>,
    /// How it was last seen.
    pub finding: Finding,
}

impl Scrub for Finding {
    fn scrub(&mut self, redactor: &Redactor) {
        for text in [&mut self.session, &mut self.agent_id, &mut self.why] {
            text.scrub(redactor);
        }
        for text in [&mut self.subject, &mut self.title, &mut self.what, &mut self.next] {
            text.scrub(redactor);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::RedactorOptions;

    #[test]
    fn what_a_finding_quotes_is_redacted_before_it_is_kept() {
        let secret = "sk-ant-api03-c4n4ryc4n4ryc4n4ryc4n4ryc4n4ryc4n4ryc4n4ry";
        let finding = Finding {
            kind: FindingKind::FailingTool,
            subject: format!("Bash {secret}"),
            severity: Severity::Warning,
            session: Some(secret.to_owned()),
            agent_id: Some(secret.to_owned()),
            title: secret.to_owned(),
            what: secret.to_owned(),
            why: Some(secret.to_owned()),
            next: secret.to_owned(),
            numbers: Vec::new(),
            baseline: None,
            flow: FlowId::new(),
            beside: Vec::new(),
            cost: None,
        };
        let redactor = Redactor::new(RedactorOptions::default()).unwrap();
        let sealed = redactor.seal(finding).into_inner();
        assert!(!format!("{sealed:?}").contains("c4n4ry"), "{sealed:?}");
    }

    #[test]
    fn a_unit_is_read_as_it_is_written() {
        for unit in FindingUnit::ALL {
            assert_eq!(FindingUnit::parse(unit.as_str()), Some(unit));
        }
    }
}
