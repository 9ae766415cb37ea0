//! The life of a tool call: a state machine that takes evidence in any order and tells how far the call got
//! and what was wrong about it. It has no clock and knows no store.
//!
//! Evidence comes from several sources and never in the order of what happened: a request may be read
//! before the answer that it follows. So each piece is only added to what is known ([`Life::see`]), and the
//! verdict is drawn from all of it ([`Life::verdict`]); the same evidence in another order gives the same
//! verdict.
//!
//! ```text
//! proposed → args_streaming → args_complete → [awaiting_permission → approved | denied] → running
//!     → [backgrounded] → succeeded | failed | cancelled | timed_out → returned
//! without a result: orphaned (the conversation ended or went on), lost (the answer broke off)
//! ```

use std::collections::{BTreeMap, BTreeSet};

use langley_model::{Micros, ToolOutcome, ToolSource, ToolState, Violation, Violations};

/// By how much clocks may differ, in microseconds.
pub const SKEW_US: i64 = 2_000_000;

/// Something that is known of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// An answer began the call.
    Proposed {
        /// When.
        at: Micros,
    },
    /// The provider runs the tool itself: no result is owed by the agent.
    RunByProvider,
    /// Some of its arguments came.
    Streamed,
    /// Its arguments were ended; `valid` when they are JSON or need not be.
    Complete {
        /// When.
        at: Micros,
        /// Whether they are as they must be.
        valid: bool,
    },
    /// The answer broke off.
    Broke,
    /// Parts of the answer were not captured: of what is not known nothing follows.
    Unseen,
    /// The answer went on with the arguments after their end.
    LateDelta,
    /// The answer began another block under the same index.
    IndexReused,
    /// The same id in another answer of the session; `same` when that asks for the same.
    Again {
        /// Whether it asks for the same.
        same: bool,
    },
    /// A request repeats the call itself: it happened, whether or not its answer was seen.
    Told,
    /// Somebody was asked whether it may run.
    Asked,
    /// It may run.
    Approved {
        /// When.
        at: Micros,
    },
    /// It may not run.
    Denied {
        /// When.
        at: Micros,
    },
    /// A run of it began.
    Began {
        /// Which run.
        run: u64,
        /// When.
        at: Micros,
    },
    /// A run goes on beside the conversation.
    Backgrounded {
        /// Which run.
        run: u64,
    },
    /// A run ended.
    Ended {
        /// Which run.
        run: u64,
        /// When.
        at: Micros,
        /// What came of it.
        outcome: ToolOutcome,
    },
    /// A request has a result of it. Requests are numbered by the time they began.
    Result {
        /// Which request.
        request: i64,
        /// When.
        at: Micros,
        /// Digest of the result.
        hash: u64,
        /// What came of it.
        outcome: ToolOutcome,
    },
    /// A request goes on behind the call's answer without a result of it; `siblings` when it has results of
    /// other calls of that answer.
    Passed {
        /// Whether other calls of the answer have results there.
        siblings: bool,
    },
    /// The session ended.
    Closed,
    /// What a source says the call is: digests of the tool's name, its arguments and the session.
    Stated {
        /// Who says so.
        source: ToolSource,
        /// Digest of the tool's name.
        name: Option<u64>,
        /// Digest of the arguments.
        arguments: Option<u64>,
        /// Digest of the session.
        session: Option<u64>,
    },
    /// Hooks are installed, and none has told of the call; taken back where one does.
    Unhooked,
}

/// What all evidence comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// How far the call got.
    pub state: ToolState,
    /// What came of it.
    pub outcome: Option<ToolOutcome>,
    /// What was wrong.
    pub violations: Violations,
    /// Whether it is another call once more.
    pub replayed: bool,
}

/// One run of a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Run {
    began: Option<Micros>,
    backgrounded: bool,
    ended: Option<(Micros, ToolOutcome)>,
}

/// What the requests say of the result.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Returns {
    /// By request: when it began, and the digests of the results that it has.
    seen: BTreeMap<i64, (Micros, BTreeSet<(u64, ToolOutcome)>)>,
}

/// What the sources say of one fact.
type Said = BTreeSet<(ToolSource, u64)>;

/// All that is known of a call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Life {
    proposed: Option<Micros>,
    by_provider: bool,
    streamed: bool,
    complete: Option<Micros>,
    broke: bool,
    unseen: bool,
    again: bool,
    told: bool,
    asked: bool,
    approved: Option<Micros>,
    denied: Option<Micros>,
    runs: BTreeMap<u64, Run>,
    returns: Returns,
    passed: bool,
    passed_by_siblings: bool,
    closed: bool,
    unhooked: bool,
    hooked: bool,
    names: Said,
    arguments: Said,
    sessions: Said,
    /// What one piece of evidence tells by itself.
    marks: Violations,
}

impl Life {
    /// A call of which nothing is known but what was wrong about it before, as far as a single piece of
    /// evidence told it: what follows from several is found again.
    #[must_use]
    pub fn resumed(violations: Violations) -> Self {
        let mut marks = violations;
        for found_again in [
            Violation::ResultWithoutCall,
            Violation::CallWithoutResult,
            Violation::EarlyResult,
            Violation::TimeReversed,
            Violation::ParallelIncomplete,
            Violation::HookMissing,
        ] {
            marks.remove(found_again);
        }
        Self { marks, ..Self::default() }
    }

    /// Adds a piece of evidence; adding it again changes nothing.
    #[must_use]
    pub fn see(mut self, evidence: Evidence) -> Self {
        match evidence {
            Evidence::Proposed { at } => self.proposed = earlier(self.proposed, at),
            Evidence::RunByProvider => self.by_provider = true,
            Evidence::Streamed => self.streamed = true,
            Evidence::Complete { at, valid } => {
                self.complete = earlier(self.complete, at);
                if !valid {
                    self.marks.insert(Violation::InvalidArguments);
                }
            }
            Evidence::Broke => self.broke = true,
            Evidence::Unseen => self.unseen = true,
            Evidence::LateDelta => self.marks.insert(Violation::DeltaAfterStop),
            Evidence::IndexReused => self.marks.insert(Violation::BlockReused),
            Evidence::Again { same: true } => self.again = true,
            Evidence::Again { same: false } => self.marks.insert(Violation::DuplicateCall),
            Evidence::Told => self.told = true,
            Evidence::Asked => self.asked = true,
            Evidence::Approved { at } => self.approved = later(self.approved, at),
            Evidence::Denied { at } => self.denied = later(self.denied, at),
            Evidence::Began { run, at } => {
                let run = self.runs.entry(run).or_default();
                run.began = earlier(run.began, at);
            }
            Evidence::Backgrounded { run } => {
                self.runs.entry(run).or_default().backgrounded = true;
            }
            Evidence::Ended { run, at, outcome } => {
                let run = self.runs.entry(run).or_default();
                // Several may tell of one end; the first one counts.
                let first = run.ended.map_or((at, outcome), |ended| ended.min((at, outcome)));
                run.ended = Some(first);
            }
            Evidence::Result { request, at, hash, outcome } => {
                let (first, results) =
                    self.returns.seen.entry(request).or_insert((at, BTreeSet::new()));
                *first = at.min(*first);
                results.insert((hash, outcome));
            }
            Evidence::Passed { siblings } => {
                self.passed = true;
                self.passed_by_siblings |= siblings;
            }
            Evidence::Closed => self.closed = true,
            Evidence::Stated { source, name, arguments, session } => {
                self.hooked |= source == ToolSource::Hook;
                let said = [
                    (&mut self.names, name),
                    (&mut self.arguments, arguments),
                    (&mut self.sessions, session),
                ];
                for (said, digest) in said {
                    said.extend(digest.map(|digest| (source, digest)));
                }
            }
            Evidence::Unhooked => self.unhooked = true,
        }
        self
    }

    /// What is known, taken together.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let result = self.returns.first();
        Verdict {
            state: self.state(),
            outcome: result.map(|(_, _, outcome)| outcome).or_else(|| self.end_of_runs()),
            violations: self.violations(),
            replayed: self.again || (self.proposed.is_none() && self.told),
        }
    }

    fn state(&self) -> ToolState {
        let has_ended = self.runs.values().any(|run| run.ended.is_some());
        // What the provider ran, the model knows.
        if self.returns.first().is_some() || (self.by_provider && has_ended) {
            return ToolState::Returned;
        }
        if self.complete.is_none() && self.broke {
            return ToolState::Lost;
        }
        if self.closed || self.passed {
            return ToolState::Orphaned;
        }
        let last = self.runs.values().max_by_key(|run| run.began);
        if let Some(run) = last {
            return match run.ended {
                Some((_, ToolOutcome::Succeeded)) => ToolState::Succeeded,
                Some((_, ToolOutcome::Failed)) => ToolState::Failed,
                Some((_, ToolOutcome::Denied)) => ToolState::Denied,
                Some((_, ToolOutcome::Cancelled)) => ToolState::Cancelled,
                Some((_, ToolOutcome::TimedOut)) => ToolState::TimedOut,
                None if run.backgrounded => ToolState::Backgrounded,
                None => ToolState::Running,
            };
        }
        if self.is_denied() {
            ToolState::Denied
        } else if self.approved.is_some() {
            ToolState::Approved
        } else if self.asked {
            ToolState::AwaitingPermission
        } else if self.complete.is_some() {
            ToolState::ArgsComplete
        } else if self.streamed {
            ToolState::ArgsStreaming
        } else {
            ToolState::Proposed
        }
    }

    /// Whether the last word about it was no.
    fn is_denied(&self) -> bool {
        self.denied.is_some() && self.denied >= self.approved
    }

    fn end_of_runs(&self) -> Option<ToolOutcome> {
        let ends = self.runs.values().filter_map(|run| run.ended);
        ends.max().map(|(_, outcome)| outcome).or_else(|| {
            let denied = self.is_denied() && self.runs.is_empty();
            denied.then_some(ToolOutcome::Denied)
        })
    }

    fn violations(&self) -> Violations {
        let mut found = self.marks;
        let mut when = |is_so: bool, violation| {
            if is_so {
                found.insert(violation);
            }
        };
        let result = self.returns.first();
        let was_called = self.proposed.is_some();
        when(result.is_some() && !was_called && !self.told, Violation::ResultWithoutCall);
        let reversed = |before: Option<Micros>, after: Option<Micros>| {
            before.zip(after).is_some_and(|(before, after)| after.0 + SKEW_US < before.0)
        };
        let returned = result.map(|(at, _, _)| at);
        let is_reversed = reversed(self.proposed, returned);
        if result.is_some() && was_called && !self.by_provider {
            let is_incomplete = self.complete.is_none() && !self.unseen;
            let is_early = !is_reversed && reversed(self.complete, returned);
            when(is_incomplete || is_early, Violation::EarlyResult);
        }
        let has_run_reversed = self.runs.values().any(|run| {
            let ended = run.ended.map(|(at, _)| at);
            reversed(run.began, ended) || reversed(self.proposed, run.began)
        });
        when(is_reversed || has_run_reversed, Violation::TimeReversed);
        if result.is_none() && was_called && !self.by_provider && !self.again {
            let is_lost = self.complete.is_none() && self.broke;
            let is_one_of_several = self.passed_by_siblings && !is_lost;
            when(is_one_of_several, Violation::ParallelIncomplete);
            when(self.closed && !is_lost && !is_one_of_several, Violation::CallWithoutResult);
            let has_ended = self.runs.values().any(|run| run.ended.is_some());
            when(self.passed && has_ended, Violation::ResultAltered);
        }
        when(self.returns.are_twice(), Violation::DuplicateResult);
        when(self.returns.are_altered(), Violation::ResultAltered);
        let ran_since = self.runs.values().any(|run| run.began > self.denied);
        when(self.is_denied() && ran_since, Violation::ExecutedAfterDenial);
        when(differ(&self.names) || differ(&self.arguments), Violation::SourcesDisagree);
        when(differ(&self.sessions), Violation::CrossesSession);
        when(self.unhooked && !self.hooked, Violation::HookMissing);
        found
    }
}

impl Returns {
    /// The result of the first request that has one.
    fn first(&self) -> Option<(Micros, u64, ToolOutcome)> {
        let (at, results) = self.seen.values().next()?;
        results.first().map(|(hash, outcome)| (*at, *hash, *outcome))
    }

    /// Whether one request has two that differ.
    fn are_twice(&self) -> bool {
        self.seen.values().any(|(_, results)| has_two(results.iter().map(|(hash, _)| *hash)))
    }

    /// Whether a later request has none of the first one's.
    fn are_altered(&self) -> bool {
        let mut all = self.seen.values().map(|(_, results)| results);
        let Some(first) = all.next() else { return false };
        let is_first = |hash: u64| first.iter().any(|(known, _)| *known == hash);
        all.any(|results| !results.iter().any(|(hash, _)| is_first(*hash)))
    }
}

fn has_two(mut all: impl Iterator<Item = u64>) -> bool {
    let first = all.next();
    all.any(|other| Some(other) != first)
}

/// Whether two sources say different things.
fn differ(said: &Said) -> bool {
    said.iter().any(|(source, digest)| {
        said.iter().any(|(other, theirs)| other != source && theirs != digest)
    })
}

fn earlier(known: Option<Micros>, at: Micros) -> Option<Micros> {
    Some(known.map_or(at, |known| known.min(at)))
}

fn later(known: Option<Micros>, at: Micros) -> Option<Micros> {
    Some(known.map_or(at, |known| known.max(at)))
}

#[cfg(test)]
mod tests;
