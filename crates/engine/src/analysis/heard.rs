//! What other sources than the wire tell of a call, as evidence: hooks, telemetry, transcripts.

use std::collections::BTreeSet;

use langley_model::{
    Flow, INFERRED, Micros, ToldStep, ToldTool, ToolExecution, ToolOutcome, ToolSource,
};
use langley_protocol::tools::{digest, member_digests};

use crate::lifecycle::Evidence;

/// Sources by how near they are to what happened: of runs the first that tells any counts.
const NEAREST: [ToolSource; 3] = [ToolSource::Hook, ToolSource::Otlp, ToolSource::Transcript];

/// Runs of one call that are told.
const RUNS: usize = 16;

/// What the wire has of a call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen<'a> {
    pub(super) flow: &'a Flow,
    /// The key of the flow.
    pub(super) key: i64,
    pub(super) name: &'a str,
    /// Its arguments; none where they are not known.
    pub(super) input: Option<&'a str>,
}

/// What is heard of a call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Heard {
    pub(super) evidence: Vec<Evidence>,
    pub(super) runs: Vec<ToolExecution>,
}

impl Heard {
    /// Of what sources tell of a call.
    pub(super) fn of(told: &[ToldTool], seen: Seen<'_>) -> Self {
        let mut heard = Self::default();
        for source in NEAREST {
            let theirs: Vec<&ToldTool> = told.iter().filter(|it| it.source == source).collect();
            if theirs.is_empty() {
                continue;
            }
            heard.facts(source, &theirs, seen);
            for word in &theirs {
                heard.evidence.extend(match word.step {
                    ToldStep::Asked => Some(Evidence::Asked),
                    ToldStep::Approved => Some(Evidence::Approved { at: word.at }),
                    ToldStep::Denied => Some(Evidence::Denied { at: word.at }),
                    ToldStep::Called | ToldStep::Began | ToldStep::Ended => None,
                });
            }
            if heard.runs.is_empty() {
                heard.runs(source, &theirs, seen.key);
            }
        }
        heard
    }

    /// What a source says the call is, beside what the wire says. Each fact as a number: the same one where they
    /// agree.
    fn facts(&mut self, source: ToolSource, theirs: &[&ToldTool], seen: Seen<'_>) {
        let names: BTreeSet<u64> = theirs.iter().filter_map(|it| it.name).collect();
        let own_name = digest(seen.name.as_bytes());
        let name = names.iter().find(|name| **name == own_name).or_else(|| names.first());
        let told = theirs.iter().filter_map(|it| it.arguments.as_deref());
        let agreements: Vec<bool> = told.filter_map(|told| agree(seen.input?, told)).collect();
        let arguments = (!agreements.is_empty()).then(|| !agreements.contains(&true));
        let sessions: BTreeSet<u64> = theirs.iter().filter_map(|it| it.session).collect();
        let own_session = stated_session(seen.flow);
        // A conversation that was resumed has its calls in several transcripts.
        let session = sessions.iter().find(|it| Some(**it) == own_session);
        let session = session.or_else(|| sessions.first()).filter(|_| own_session.is_some());
        let wire = Evidence::Stated {
            source: ToolSource::Wire,
            name: Some(own_name),
            arguments: arguments.map(|_| 0),
            session: own_session,
        };
        let other = Evidence::Stated {
            source,
            name: name.copied(),
            arguments: arguments.map(u64::from),
            session: session.copied(),
        };
        self.evidence.extend([wire, other]);
    }

    /// The runs that a source tells of.
    fn runs(&mut self, source: ToolSource, theirs: &[&ToldTool], key: i64) {
        let times = |step| theirs.iter().filter(move |it| it.step == step).map(|it| it.at);
        let called = times(ToldStep::Called).min();
        let mut begins = times(ToldStep::Began);
        let ends = theirs.iter().filter(|it| it.step == ToldStep::Ended);
        let mut before: Option<Micros> = None;
        for (number, end) in (0_u64..).zip(ends).take(RUNS) {
            // Where nobody tells when it began, it did so once it was called, and not before it was denied.
            let denied = times(ToldStep::Denied).filter(|at| *at < end.at).max();
            let free = [called, denied.map(|at| Micros(at.0 + 1)), before].into_iter().flatten();
            let began = begins.next().or_else(|| free.max()).unwrap_or(end.at).min(end.at);
            before = Some(end.at);
            let outcome = end.outcome.unwrap_or(ToolOutcome::Succeeded);
            self.evidence.push(Evidence::Began { run: number, at: began });
            self.evidence.push(Evidence::Ended { run: number, at: end.at, outcome });
            self.runs.push(ToolExecution {
                number,
                source,
                began_us: began.0.saturating_sub(key),
                ended_us: Some(end.at.0.saturating_sub(key)),
                backgrounded: false,
                outcome: Some(outcome),
                inferred: false,
            });
        }
        // What began and has not ended yet.
        let number = self.runs.len() as u64;
        if let Some(at) = begins.next() {
            self.evidence.push(Evidence::Began { run: number, at });
            self.runs.push(ToolExecution {
                number,
                source,
                began_us: at.0.saturating_sub(key),
                ended_us: None,
                backgrounded: false,
                outcome: None,
                inferred: false,
            });
        }
    }
}

/// Whether arguments are those that are told by digests; none where that cannot be said. An agent adds members that
/// the model left out, so that more of them are the same call; a text that was redacted need not be redacted alike.
fn agree(input: &str, told: &[u32]) -> Option<bool> {
    if input.contains("[redacted") {
        return None;
    }
    let ours = member_digests(input)?;
    Some(ours.iter().all(|digest| told.contains(digest)))
}

/// A digest of the session as the agent itself stated it; none where it did not.
fn stated_session(flow: &Flow) -> Option<u64> {
    let session = flow.session.as_ref()?;
    let is_agents = session.source != INFERRED
        && session.source != SOURCE_OF_LANGLEY
        && !session.source.starts_with("chain:");
    is_agents.then(|| digest(session.id.as_bytes()))
}

/// The `session_source` of an id that the user gave.
const SOURCE_OF_LANGLEY: &str = "header:x-langley-session";

#[cfg(test)]
mod tests {
    use langley_model::{Attributed, ConnectionId, FlowId, SessionHeader, Violation, Violations};

    use super::*;
    use crate::lifecycle::Life;

    const SECOND: i64 = 1_000_000;

    fn flow(source: &'static str) -> Flow {
        let mut flow = Flow::new(FlowId::new(), ConnectionId::new(), Micros(0));
        flow.session = Some(Attributed { id: "s".into(), source });
        flow
    }

    fn word(source: ToolSource, step: ToldStep, second: i64) -> ToldTool {
        ToldTool {
            key: 1,
            source,
            step,
            at: Micros(second * SECOND),
            session: Some(digest(b"s")),
            name: None,
            arguments: None,
            outcome: None,
        }
    }

    fn called(name: &str, input: &str) -> ToldTool {
        ToldTool {
            name: Some(digest(name.as_bytes())),
            arguments: member_digests(input),
            ..word(ToolSource::Transcript, ToldStep::Called, 1)
        }
    }

    fn ended(second: i64, outcome: ToolOutcome) -> ToldTool {
        let outcome = Some(outcome);
        ToldTool { outcome, ..word(ToolSource::Transcript, ToldStep::Ended, second) }
    }

    /// What comes of it for a call of `Edit` that the wire has whole.
    fn violations(told: &[ToldTool], flow: &Flow) -> Vec<Violation> {
        let seen = Seen { flow, key: 0, name: "Edit", input: Some(r#"{"path":"a","n":1}"#) };
        let life = Life::default()
            .see(Evidence::Proposed { at: Micros(0) })
            .see(Evidence::Complete { at: Micros(SECOND), valid: true });
        let heard = Heard::of(told, seen);
        let life = heard.evidence.into_iter().fold(life, Life::see);
        let found: Violations = life.verdict().violations;
        found.iter().collect()
    }

    #[test]
    fn what_sources_agree_on_is_no_violation_and_members_that_an_agent_adds_are_none() {
        let flow = flow("header:x-claude-code-session-id");
        let told = [
            called("Edit", r#"{"n":1,"path":"a","replace_all":false}"#),
            ended(3, ToolOutcome::Succeeded),
        ];
        assert_eq!(violations(&told, &flow), []);
        // A conversation that was resumed stands in another session's transcript as well.
        let again = ToldTool { session: Some(digest(b"other")), ..called("Edit", "{}") };
        let told = [called("Edit", r#"{"n":1,"path":"a"}"#), again];
        assert_eq!(violations(&told, &flow), []);
    }

    #[test]
    fn another_name_or_other_arguments_are_told_as_sources_that_disagree() {
        let flow = flow("header:x-claude-code-session-id");
        for told in
            [called("Write", r#"{"path":"a","n":1}"#), called("Edit", r#"{"path":"b","n":1}"#)]
        {
            assert_eq!(violations(&[told], &flow), [Violation::SourcesDisagree]);
        }
    }

    #[test]
    fn what_runs_after_it_was_denied_is_told_and_what_was_denied_alone_is_not() {
        let flow = flow("header:x-claude-code-session-id");
        let denied = ToldTool {
            outcome: Some(ToolOutcome::Denied),
            ..word(ToolSource::Transcript, ToldStep::Denied, 2)
        };
        assert_eq!(violations(std::slice::from_ref(&denied), &flow), []);
        let told = [denied.clone(), ended(5, ToolOutcome::Succeeded)];
        assert_eq!(violations(&told, &flow), [Violation::ExecutedAfterDenial]);
        // A hook says when it ran: before.
        let before = [
            word(ToolSource::Hook, ToldStep::Began, 1),
            word(ToolSource::Hook, ToldStep::Ended, 2),
            ToldTool { at: Micros(3 * SECOND), ..denied },
        ];
        assert_eq!(violations(&before, &flow), []);
    }

    #[test]
    fn a_call_in_another_session_is_told_where_the_agent_itself_stated_one() {
        let told = [ToldTool {
            session: Some(digest(b"other")),
            ..called("Edit", r#"{"path":"a","n":1}"#)
        }];
        let stated = flow("header:x-claude-code-session-id");
        assert_eq!(violations(&told, &stated), [Violation::CrossesSession]);
        for source in [SOURCE_OF_LANGLEY, INFERRED, "chain:messages"] {
            assert_eq!(violations(&told, &flow(source)), [], "{source}");
        }
        let langleys = crate::session::Rung::Header(SessionHeader::Langley).source();
        assert_eq!(langleys, SOURCE_OF_LANGLEY);
    }

    #[test]
    fn runs_are_those_of_the_nearest_source() {
        let flow = flow("header:x-claude-code-session-id");
        let seen = Seen { flow: &flow, key: SECOND, name: "Edit", input: None };
        let transcript = [called("Edit", "{}"), ended(4, ToolOutcome::Failed)];
        let runs = Heard::of(&transcript, seen).runs;
        let [run] = &runs[..] else { panic!("{runs:?}") };
        assert_eq!((run.began_us, run.ended_us), (0, Some(3 * SECOND)));
        assert_eq!((run.source, run.outcome), (ToolSource::Transcript, Some(ToolOutcome::Failed)));
        let mut both = transcript.to_vec();
        both.push(word(ToolSource::Hook, ToldStep::Began, 2));
        let runs = Heard::of(&both, seen).runs;
        let [run] = &runs[..] else { panic!("{runs:?}") };
        assert_eq!((run.source, run.began_us, run.ended_us), (ToolSource::Hook, SECOND, None));
    }
}
