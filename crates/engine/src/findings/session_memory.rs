//! What is remembered of a session between its flows; bounded, and put together again from the store after a
//! restart.

use std::collections::VecDeque;
use std::time::Duration;

use langley_model::{FlowId, MicroUsd, Micros, Outcome, Tokens};

use super::call_memory::{CallMemory, Repeated, Returned, Run, push_within};
use super::facts::{Facts, between};
use super::limits::Limits;

/// Who asks what model: requests that may share a cached beginning.
const LANES: usize = 64;

/// Requests of a lane that may be what a later one goes on from.
const ASKED: usize = 8;

/// Flows of which it is known that they were taken in: one may come again because it has changed.
const SEEN: usize = 64;

/// Flows that a storm or a loop names.
const FLOWS: usize = 16;

/// How long before the newest flow began another one may have ended and still be taken in: one that comes later
/// was not there when its time was, and nothing is told of its place in the session.
const LATE: Duration = Duration::from_secs(60);

/// How soon after a failed attempt the next one belongs to the same storm: agents wait half a minute at most.
const STORM: Duration = Duration::from_secs(60);

/// How soon after an answer the same request once more belongs to the same loop.
const LOOP: Duration = Duration::from_secs(600);

/// Requests that are looked back at for loops.
const BODIES: usize = 64;

/// An answered request.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) flow: FlowId,
    pub(super) started_at: Micros,
    /// When the answer began: from then on others can read what it wrote to the cache.
    pub(super) readable_at: Micros,
    /// Tokens of its whole input.
    pub(super) context: u64,
    /// Tokens that a later request can read from the cache.
    pub(super) readable: u64,
    /// How long the cache keeps them.
    pub(super) life: Duration,
}

/// Why an attempt failed that agents make again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StormCause {
    /// The provider says that there were too many.
    Limit,
    /// The provider said no.
    Provider,
    /// Nothing came of it, or not all.
    Connection,
}

/// Failed attempts in a row.
#[derive(Clone, Debug)]
pub(super) struct Storm {
    pub(super) flows: Vec<FlowId>,
    /// Why the first one failed.
    pub(super) cause: StormCause,
    pub(super) began: Micros,
    pub(super) last_ended: Micros,
    pub(super) attempts: usize,
}

/// Requests of one agent or subagent for one model.
#[derive(Debug)]
struct Lane {
    agent_id: Option<String>,
    model: String,
    asked: VecDeque<Asked>,
    storm: Option<Storm>,
    /// Answered requests.
    answered: usize,
}

/// Answers to requests that are the same, each soon after the one before.
#[derive(Clone, Debug)]
pub(super) struct Loop {
    /// Names what the request says.
    pub(super) body: i64,
    /// How many there were.
    pub(super) times: usize,
    /// The first one and the newest, the newest last, and what they cost.
    pub(super) flows: Vec<(FlowId, Option<MicroUsd>)>,
    last_at: Micros,
}

/// What is remembered of one session.
#[derive(Debug)]
pub(super) struct SessionMemory {
    pub(super) calls: CallMemory,
    /// Whether all of its flows were taken in.
    pub(super) is_whole: bool,
    lanes: VecDeque<Lane>,
    /// The one whose request was sent last is the last.
    loops: VecDeque<Loop>,
    seen: VecDeque<FlowId>,
    /// When the newest flow began.
    newest: Option<Micros>,
}

impl StormCause {
    /// Of an attempt that failed.
    pub(super) fn of(facts: &Facts) -> Self {
        match (facts.flow.outcome, facts.flow.status) {
            (Some(Outcome::ProviderError), Some(429)) => Self::Limit,
            (Some(Outcome::ProviderError), _) => Self::Provider,
            _ => Self::Connection,
        }
    }

    /// The word in a finding's subject.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Limit => "limit",
            Self::Provider => "provider",
            Self::Connection => "connection",
        }
    }
}

impl Asked {
    /// None when it says nothing of its input.
    fn of(facts: &Facts) -> Option<Self> {
        let flow = &facts.flow;
        let usage = &flow.usage;
        let tokens = |count: Option<Tokens>| count.map_or(0, |Tokens(count)| count);
        let context = facts.context()?;
        let readable = tokens(usage.cache_read)
            .saturating_add(tokens(usage.cache_write_5m))
            .saturating_add(tokens(usage.cache_write_1h));
        let first = flow.ttfb.or(flow.duration).unwrap_or_default();
        // What was only read keeps the life it has, which a later write of the same request tells.
        let life = if tokens(usage.cache_write_1h) > 0 { HOUR } else { MINUTES };
        let readable_at = flow.started_at.plus(first);
        Some(Self {
            flow: flow.id,
            started_at: flow.started_at,
            readable_at,
            context,
            readable,
            life,
        })
    }
}

/// The lives of Anthropic's cache ("Prompt caching"); others promise none, and keep what is read for as long.
const MINUTES: Duration = Duration::from_secs(5 * 60);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// What a flow adds to what is remembered.
#[derive(Debug, Default)]
pub(super) struct Noted {
    /// Calls whose results its request brings, with how often the tool failed in a row.
    pub(super) returned: Vec<(Returned, Run)>,
    /// Calls of its answer that repeat others.
    pub(super) repeated: Vec<Repeated>,
    /// The answers to the same request, this one the last.
    pub(super) looped: Option<Loop>,
    /// The failed attempts of which it is the last.
    pub(super) storm: Option<Storm>,
    /// Earlier requests of its lane, the newest last.
    pub(super) earlier: Vec<Asked>,
    /// Answered requests of its lane, this one counted.
    pub(super) answered: usize,
}

impl SessionMemory {
    /// Of a session of which nothing is remembered yet; `is_whole`: there is nothing to be remembered.
    pub(super) fn new(is_whole: bool) -> Self {
        let (lanes, loops, seen) = (VecDeque::new(), VecDeque::new(), VecDeque::new());
        Self { calls: CallMemory::default(), is_whole, lanes, loops, seen, newest: None }
    }

    /// Takes the facts of the next flow in; nothing of one that was taken in already, or that comes too late.
    pub(super) fn note(&mut self, facts: &Facts, limits: &Limits) -> Noted {
        if self.seen.contains(&facts.flow.id) {
            return Noted::default();
        }
        push_within(&mut self.seen, facts.flow.id, SEEN);
        if self.newest.is_some_and(|newest| facts.ended().plus(LATE) < newest) {
            self.is_whole = false;
            return Noted::default();
        }
        self.newest = self.newest.max(Some(facts.flow.started_at));
        let mut noted = Noted::default();
        for returned in self.calls.take_returned(facts) {
            let run = self.calls.count_failure(facts, &returned);
            noted.returned.push((returned, run));
        }
        noted.repeated = self.calls.note_calls(facts, limits.rapid_window);
        if facts.is_answered() {
            noted.looped = self.note_body(facts).cloned();
        }
        if let Some(lane) = self.lane(facts) {
            noted.storm = lane.note_attempt(facts).cloned();
            noted.earlier = lane.asked.iter().cloned().collect();
            lane.note(facts);
            noted.answered = lane.answered;
        }
        noted
    }

    /// The lane of a flow; the one that was used last is the last to be forgotten. None without a model.
    fn lane(&mut self, facts: &Facts) -> Option<&mut Lane> {
        let model = facts.flow.known_model()?;
        let agent_id = facts.flow.agent_id.as_deref();
        let known = self
            .lanes
            .iter()
            .position(|lane| lane.model == model && lane.agent_id.as_deref() == agent_id);
        let lane = known.and_then(|at| self.lanes.remove(at)).unwrap_or_else(|| Lane {
            agent_id: agent_id.map(str::to_owned),
            model: model.to_owned(),
            asked: VecDeque::new(),
            storm: None,
            answered: 0,
        });
        push_within(&mut self.lanes, lane, LANES);
        self.lanes.back_mut()
    }

    /// Notes a request by its body; the answers to the same one, each soon after the one before.
    fn note_body(&mut self, facts: &Facts) -> Option<&Loop> {
        let body = facts.body?;
        let (at, flow) = (facts.flow.started_at, (facts.flow.id, facts.flow.cost));
        let known = self.loops.iter().position(|known| known.body == body);
        let known = known.and_then(|at| self.loops.remove(at));
        // A loop goes on within the time of the answer before.
        let going =
            known.filter(|known| between(known.last_at, at).is_none_or(|apart| apart <= LOOP));
        let mut looped =
            going.unwrap_or_else(|| Loop { body, times: 0, flows: Vec::new(), last_at: at });
        looped.times += 1;
        looped.last_at = looped.last_at.max(at);
        push_named(&mut looped.flows, flow);
        push_within(&mut self.loops, looped, BODIES);
        self.loops.back()
    }

    /// Bytes that it takes, about.
    pub(super) fn bytes(&self) -> usize {
        let lanes: usize = self.lanes.iter().map(Lane::bytes).sum();
        let loops = self.loops.iter().map(|it| size_of::<Loop>() + size_of_val(&it.flows[..]));
        let seen = self.seen.len() * size_of::<FlowId>();
        self.calls.bytes() + lanes + loops.sum::<usize>() + seen
    }
}

/// Names one more flow; of too many the second goes, for the first one is where it began.
fn push_named<T>(flows: &mut Vec<T>, flow: T) {
    flows.push(flow);
    if flows.len() > FLOWS {
        flows.remove(1);
    }
}

impl Lane {
    /// Bytes that it takes, about.
    fn bytes(&self) -> usize {
        let storm = self.storm.as_ref().map_or(0, |storm| size_of_val(&storm.flows[..]));
        let names = self.model.len() + self.agent_id.as_ref().map_or(0, String::len);
        size_of::<Self>() + self.asked.len() * size_of::<Asked>() + storm + names
    }

    /// Notes an answered request.
    fn note(&mut self, facts: &Facts) {
        if facts.is_answered()
            && let Some(mut asked) = Asked::of(facts)
        {
            self.answered += 1;
            // Reading renews a life, and does not shorten it.
            let earlier = self.asked.iter().rev().find(|one| one.readable > 0);
            if let Some(earlier) = earlier
                && facts.flow.usage.cache_read.is_some_and(|Tokens(read)| read > 0)
                && asked.life < earlier.life
                && between(earlier.started_at, asked.started_at)
                    .is_some_and(|idle| idle <= earlier.life)
                && facts.flow.usage.cache_write_5m.is_none_or(|Tokens(written)| written == 0)
            {
                asked.life = earlier.life;
            }
            push_within(&mut self.asked, asked, ASKED);
        }
    }

    /// Notes how an attempt went; the attempts that failed in a row, this one the last. A success ends them,
    /// and so does a pause.
    fn note_attempt(&mut self, facts: &Facts) -> Option<&Storm> {
        if !facts.is_retryable_failure() {
            // Somebody who gave up, or a request that may not be sent like this, ends no storm by itself; an
            // answer does.
            if facts.is_answered() {
                self.storm = None;
            }
            return None;
        }
        let (started, ended) = (facts.flow.started_at, facts.ended());
        let is_on = self.storm.as_ref().is_some_and(|storm| {
            between(storm.last_ended, started).is_none_or(|apart| apart <= STORM)
        });
        if !is_on {
            self.storm = None;
        }
        let storm = self.storm.get_or_insert_with(|| Storm {
            flows: Vec::new(),
            cause: StormCause::of(facts),
            began: started,
            last_ended: started,
            attempts: 0,
        });
        storm.attempts += 1;
        storm.last_ended = storm.last_ended.max(ended);
        push_named(&mut storm.flows, facts.flow.id);
        Some(storm)
    }
}
