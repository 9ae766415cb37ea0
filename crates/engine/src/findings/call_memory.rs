//! What is remembered of a session's tool calls: those whose result is to come, those of the last seconds,
//! and how often each tool failed in a row.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use langley_model::{FlowId, Micros};
use langley_protocol::tools::digest;

use super::facts::{CallMade, Facts, between};

/// Calls that wait for a result; of more the oldest are forgotten.
const PENDING: usize = 512;

/// Calls that are looked back at for repetitions.
const RECENT: usize = 256;

/// Tools whose failures are counted.
const TOOLS: usize = 128;

/// Names of tools that were called.
const CALLED: usize = 1_024;

/// A call whose result is to come.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    key: u64,
    tool: String,
    /// When the answer with the call ended.
    at: Micros,
    flow: FlowId,
}

/// A call that got its result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Returned {
    pub(super) tool: String,
    /// The flow that made the call.
    pub(super) flow: FlowId,
    /// From the end of that flow to the request with the result.
    pub(super) took: Option<Duration>,
    /// Whether it failed; none where it neither did nor worked: denied, cancelled, not told.
    pub(super) failed: Option<bool>,
}

/// How often a tool failed in a row, and the flows that show it; nothing when it worked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) failures: usize,
    /// The newest last.
    pub(super) flows: Vec<FlowId>,
}

/// A call that was made before, a short while ago.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Repeated {
    pub(super) tool: String,
    /// How often, this one counted.
    pub(super) times: usize,
    /// By which flows, the newest last.
    pub(super) flows: Vec<FlowId>,
}

/// A call of the last seconds.
#[derive(Clone, Debug)]
struct Recent {
    /// Digests of the tool and of the arguments.
    asked: (u64, u64),
    at: Micros,
    flow: FlowId,
}

/// A tool's failures since it last worked.
#[derive(Clone, Debug)]
struct Failing {
    /// Digests of the subagent, if it is one's, and of the tool.
    whose: (Option<u64>, u64),
    run: Run,
}

/// The calls of one session.
#[derive(Debug, Default)]
pub(super) struct CallMemory {
    pending: VecDeque<Pending>,
    recent: VecDeque<Recent>,
    failing: VecDeque<Failing>,
    /// Digests of tools.
    called: BTreeSet<u64>,
}

/// Flows of evidence that one finding names.
const NAMED: usize = 16;

impl CallMemory {
    /// The calls whose results a request brings, each once.
    pub(super) fn take_returned(&mut self, facts: &Facts) -> Vec<Returned> {
        let mut returned = Vec::new();
        for result in &facts.results {
            let Some(at) = self.pending.iter().position(|call| call.key == result.key) else {
                continue;
            };
            let Some(call) = self.pending.remove(at) else { continue };
            returned.push(Returned {
                tool: call.tool,
                flow: call.flow,
                took: between(call.at, facts.flow.started_at),
                failed: result.failed,
            });
        }
        returned
    }

    /// Counts how often a tool failed in a row.
    pub(super) fn count_failure(&mut self, facts: &Facts, returned: &Returned) -> Run {
        let agent = facts.flow.agent_id.as_deref();
        let whose = (agent.map(digest_of), digest_of(&returned.tool));
        let Some(failed) = returned.failed else { return Run::default() };
        let known = self.failing.iter().position(|one| one.whose == whose);
        let known = known.and_then(|at| self.failing.remove(at));
        if !failed {
            return Run::default();
        }
        let mut failing = known.unwrap_or_else(|| Failing { whose, run: Run::default() });
        let run = &mut failing.run;
        run.failures += 1;
        run.flows.push(returned.flow);
        run.flows.dedup();
        let excess = run.flows.len().saturating_sub(NAMED);
        run.flows.drain(..excess);
        let answer = run.clone();
        push_within(&mut self.failing, failing, TOOLS);
        answer
    }

    /// Notes the calls of an answer; those that repeat others within `window`.
    pub(super) fn note_calls(&mut self, facts: &Facts, window: Duration) -> Vec<Repeated> {
        let (at, flow) = (facts.ended(), facts.flow.id);
        for call in &facts.calls {
            push_within(&mut self.recent, Recent { asked: asked(call), at, flow }, RECENT);
            let pending = Pending { key: call.key, tool: call.tool.clone(), at, flow };
            push_within(&mut self.pending, pending, PENDING);
            if self.called.len() < CALLED {
                self.called.insert(digest_of(&call.tool));
            }
        }
        let mut repeated = Vec::new();
        for (place, call) in facts.calls.iter().enumerate() {
            if facts.calls[..place].iter().any(|before| asked(before) == asked(call)) {
                continue;
            }
            let is_near = |other: &&Recent| {
                other.asked == asked(call)
                    && between(other.at, at).is_some_and(|apart| apart <= window)
            };
            let mut flows: Vec<FlowId> =
                self.recent.iter().filter(is_near).map(|other| other.flow).collect();
            let times = flows.len();
            flows.dedup();
            if times > 1 {
                repeated.push(Repeated { tool: call.tool.clone(), times, flows });
            }
        }
        repeated
    }

    /// Whether a tool was called.
    pub(super) fn was_called(&self, tool: &str) -> bool {
        self.called.contains(&digest_of(tool))
    }

    /// Bytes that it takes, about.
    pub(super) fn bytes(&self) -> usize {
        let pending = self.pending.iter().map(|call| size_of::<Pending>() + call.tool.len());
        let failing = self
            .failing
            .iter()
            .map(|failing| size_of::<Failing>() + size_of_val(&failing.run.flows[..]));
        let recent = self.recent.len() * size_of::<Recent>();
        // A set has about as much room again between what it holds.
        let called = self.called.len() * 2 * size_of::<u64>();
        pending.sum::<usize>() + failing.sum::<usize>() + recent + called
    }

    /// Whether so many tools were called that some of their names were not kept.
    pub(super) fn is_full(&self) -> bool {
        self.called.len() >= CALLED
    }
}

fn digest_of(text: &str) -> u64 {
    digest(text.as_bytes())
}

fn asked(call: &CallMade) -> (u64, u64) {
    (digest_of(&call.tool), call.arguments)
}

/// Puts `item` behind the others; of more than `most` the first goes.
pub(super) fn push_within<T>(items: &mut VecDeque<T>, item: T, most: usize) {
    if items.len() >= most {
        items.pop_front();
    }
    items.push_back(item);
}
