//! The lens on tool calls: puts calls and results together, whatever flows they stand in, and tells what
//! became of each.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use langley_model::{
    Block, Content, DialectName, Message, Micros, Outcome, Redactor, Side, Stored, ToolCall,
    ToolOutcome,
};
use langley_protocol::tools::{ToldResult, call_key, content_digest, digest, has_call, plain_json};
use langley_store::{Analysis, CallEntry, STRAY, ShareEntry, Store, StoreError};

use super::known::Known;
use super::shares::{Sharing, is_sent_billed};
use super::told_outcome::told_outcome;
use super::{Lens, Reading};
use crate::lifecycle::Evidence;

mod hearing;

/// Sessions whose calls are remembered, to know the repeated ones.
const SESSIONS: usize = 64;

/// Of so many of a session's last flows, and so many of their calls, it is known what they asked for; twice as
/// many are remembered at most.
const INPUTS: usize = 4_096;

/// Calls without a result that are looked at together.
const OVERDUE: usize = 64;

/// How often it is looked for calls without a result, in microseconds.
const LOOK_EVERY_US: i64 = 60 * 1_000_000;

/// Why answers stop in the middle of what they say.
const CUT_SHORT: [&str; 10] = [
    "max_tokens",
    "length",
    "MAX_TOKENS",
    "max_output_tokens",
    "incomplete",
    "model_context_window_exceeded",
    "refusal",
    "content_filter",
    "content_filtered",
    "SAFETY",
];

/// Where a call stands: its flow, and which one of it.
type Place = (i64, u32);

/// The lens.
pub(crate) struct Calls {
    redactor: Arc<Redactor>,
    /// Calls that were read or made since the last time that they were written.
    known: HashMap<Place, Known>,
    by_key: HashMap<u64, Vec<Place>>,
    /// Keys whose stored calls were read.
    read: HashSet<u64>,
    /// What was asked for in each session: digests of tool and arguments.
    asked: HashMap<String, HashSet<(u64, u32)>>,
    /// When it was last looked for calls without a result.
    looked_at: Option<Micros>,
    sharing: Sharing,
    /// What tools have of the flows that were looked at since the last time that it was written.
    shares: Vec<ShareEntry>,
    /// Flows that were taken for the first to send a result, and are not.
    again: Vec<i64>,
    /// Up to which piece the evidence of other sources was joined.
    evidence: Option<i64>,
}

/// A call of an answer, before anything else is known of it.
pub(super) struct Made<'m> {
    block: &'m Block,
    id: &'m str,
    pub(super) name: &'m str,
    pub(super) input: &'m str,
    pub(super) server: bool,
    pub(super) key: u64,
}

impl Lens for Calls {
    fn look(&mut self, store: &Store, reading: &mut Reading) -> Result<(), StoreError> {
        self.answer(store, reading)?;
        let first = self.request(store, reading)?;
        let shares = self.sharing.of(store, reading, &first)?;
        let shares = (!shares.parts.is_empty()).then(|| self.redactor.seal(shares));
        self.shares.push(ShareEntry { key: reading.key, shares });
        Ok(())
    }

    fn wait(&mut self, store: &Store, now: Micros) -> Result<bool, StoreError> {
        let fresh = store.fresh_tool_evidence(OVERDUE)?;
        if fresh.last.is_some() {
            self.evidence = fresh.last;
            for call in fresh.calls {
                self.alike(store, call)?;
            }
            return Ok(true);
        }
        if self.looked_at.is_some_and(|at| (0..LOOK_EVERY_US).contains(&(now.0 - at.0))) {
            return Ok(false);
        }
        let overdue = store.overdue_calls(now, OVERDUE)?;
        let is_more = overdue.len() == OVERDUE;
        for kept in overdue {
            if let Some(place) = Known::stored(kept).map(|known| self.put(known))
                && let Some(known) = self.known.get_mut(&place)
            {
                known.see(Evidence::Closed);
            }
        }
        self.looked_at = (!is_more).then_some(now);
        Ok(self.known.values().any(|known| known.has_changed))
    }

    fn tell(&mut self, work: &mut Analysis) {
        work.shares.append(&mut self.shares);
        work.again.append(&mut self.again);
        work.evidence = self.evidence.take();
        self.by_key.clear();
        self.read.clear();
        let mut changed: Vec<Known> =
            self.known.drain().map(|(_, known)| known).filter(|known| known.has_changed).collect();
        changed.sort_unstable_by_key(|known| (known.key, known.position));
        for known in changed {
            let executions = known.executions();
            let call = (!known.is_gone).then(|| self.redactor.seal(known.call));
            work.calls.push(CallEntry {
                key: known.key,
                position: known.position,
                call,
                executions,
                findings: Vec::new(),
            });
        }
    }
}

impl Calls {
    pub(crate) fn new(redactor: Arc<Redactor>) -> Self {
        Self {
            redactor,
            known: HashMap::new(),
            by_key: HashMap::new(),
            read: HashSet::new(),
            asked: HashMap::new(),
            looked_at: None,
            sharing: Sharing::default(),
            shares: Vec::new(),
            again: Vec::new(),
            evidence: None,
        }
    }

    /// Takes in the calls of an answer, and the results that stand beside them.
    fn answer(&mut self, store: &Store, reading: &Reading) -> Result<(), StoreError> {
        let Some(message) = &reading.message else { return Ok(()) };
        let mut count = 0;
        for (position, made) in (0_u32..).zip(made(message)) {
            let place = self.made(store, reading, message, (position, &made))?;
            if !made.id.is_empty() {
                self.tell_apart(store, place)?;
            }
            self.adopt(store, place)?;
            count = position + 1;
        }
        self.forget_beyond(store, reading, count)?;
        self.of_provider(reading, message);
        self.of_provider_before(store, reading, message)
    }

    /// Takes the calls away that were told of this flow when its answer was another one, with more of them.
    fn forget_beyond(
        &mut self,
        store: &Store,
        reading: &Reading,
        count: u32,
    ) -> Result<(), StoreError> {
        let stored = store.tool_calls(reading.flow.id)?.map(Stored::into_inner);
        let beyond = stored.unwrap_or_default().into_iter();
        let beyond = beyond.filter(|kept| (count..STRAY).contains(&kept.position));
        for known in beyond.filter_map(Known::stored) {
            let place = self.put(known);
            if let Some(known) = self.known.get_mut(&place) {
                (known.is_gone, known.has_changed) = (true, true);
            }
        }
        Ok(())
    }

    /// A call of an answer: as it is known, or new.
    fn made(
        &mut self,
        store: &Store,
        reading: &Reading,
        message: &Message,
        (position, made): (u32, &Made<'_>),
    ) -> Result<Place, StoreError> {
        let flow = &reading.flow;
        let place = (reading.key, position);
        self.alike(store, made.key)?;
        let input = plain_json(made.input);
        let input_hash = (digest(input.as_bytes()) & u64::from(u32::MAX)) as u32;
        if !self.known.contains_key(&place) {
            let session = flow.session.as_ref().map(|session| session.id.clone());
            let repeated =
                self.is_repeated(store, reading.key, (made.name, input_hash), &session)?;
            let (name, key) = (made.name.to_owned(), made.key);
            let call = ToolCall { name, key, repeated, ..ToolCall::default() };
            self.put(Known::new(reading.key, position, session, call));
            self.hear(store, place, Some((flow, made.input)))?;
        }
        let end = flow.duration.map(|it| i64::try_from(it.as_micros()).unwrap_or(i64::MAX));
        let times = reading.blocks.as_ref().and_then(|blocks| blocks.get(made.block.index));
        let began = times.map(|times| times.began_us).or(end);
        let complete = times.and_then(|times| times.ended_us).or(end);
        let at = |micros: Option<i64>| Micros(reading.key.saturating_add(micros.unwrap_or(0)));
        let valid = is_valid(made.input, reading, message);
        let Some(known) = self.known.get_mut(&place) else { return Ok(place) };
        let before = known.call.clone();
        let call = &mut known.call;
        call.name = made.name.to_owned();
        (call.key, call.block, call.server) = (made.key, Some(made.block.index), made.server);
        (call.input_bytes, call.input_hash) = (made.input.len() as u64, input_hash);
        call.complete = made.block.complete;
        call.began_us = began;
        call.complete_us = complete.filter(|_| made.block.complete);
        known.has_changed |= known.call != before;
        known.see(Evidence::Proposed { at: at(began) });
        if made.server {
            known.see(Evidence::RunByProvider);
        }
        if !made.input.is_empty() {
            known.see(Evidence::Streamed);
        }
        if made.block.complete {
            known.see(Evidence::Complete { at: at(complete), valid });
        } else if flow.outcome != Some(Outcome::Completed) && !reading.has_gap() {
            known.see(Evidence::Broke);
        } else {
            known.see(Evidence::Unseen);
        }
        if !reading.has_gap() {
            if times.is_some_and(|times| times.went_on) {
                known.see(Evidence::LateDelta);
            }
            if times.is_some_and(|times| times.was_reused) {
                known.see(Evidence::IndexReused);
            }
        }
        Ok(place)
    }

    /// Whether the same was asked for before in the session; from now on it was.
    fn is_repeated(
        &mut self,
        store: &Store,
        key: i64,
        (name, input): (&str, u32),
        session: &Option<String>,
    ) -> Result<bool, StoreError> {
        let Some(session) = session else { return Ok(false) };
        if self.asked.get(session).is_none_or(|asked| asked.len() >= 2 * INPUTS) {
            if self.asked.len() >= SESSIONS {
                self.asked.clear();
            }
            let inputs = store.inputs_of_session(session, key, INPUTS)?.into_iter();
            let inputs = inputs.map(|(name, input)| (digest(name.as_bytes()), input)).collect();
            self.asked.insert(session.clone(), inputs);
        }
        let asked = self.asked.entry(session.clone()).or_default();
        Ok(!asked.insert((digest(name.as_bytes()), input)))
    }

    /// Tells calls of one id apart that stand in different answers of a session.
    fn tell_apart(&mut self, store: &Store, place: Place) -> Result<(), StoreError> {
        let Some(this) = self.known.get(&place).cloned() else { return Ok(()) };
        for other in self.alike(store, this.call.key)? {
            let Some(that) = self.known.get(&other).cloned() else { continue };
            let is_other = other != place && !that.is_stray() && !that.is_gone;
            if !is_other || that.session != this.session || this.session.is_none() {
                continue;
            }
            let same =
                (&this.call.name, this.call.input_hash) == (&that.call.name, that.call.input_hash);
            if let Some(later) = self.known.get_mut(&place.max(other)) {
                later.see(Evidence::Again { same });
            }
        }
        Ok(())
    }

    /// Takes over a result that was read before its call.
    fn adopt(&mut self, store: &Store, place: Place) -> Result<(), StoreError> {
        let Some(key) = self.known.get(&place).map(|known| known.call.key) else { return Ok(()) };
        for other in self.alike(store, key)? {
            let Some(stray) = self.known.get(&other).filter(|it| it.is_stray() && !it.is_gone)
            else {
                continue;
            };
            let Some(result) = stray.call.result else { continue };
            let fits = self.known.get(&place).is_some_and(|this| {
                this.session == stray.session && this.key < stray.key && !this.call.replayed
            });
            if !fits {
                continue;
            }
            let (request, billed) = (stray.key, stray.billed_with());
            let outcome = stray.call.outcome.unwrap_or(ToolOutcome::Succeeded);
            if let Some(stray) = self.known.get_mut(&other) {
                (stray.is_gone, stray.has_changed) = (true, true);
            }
            if let Some(this) = self.known.get_mut(&place) {
                this.returned(request, outcome, (result.hash, result.bytes));
                if let Some(billed) = billed {
                    this.billed(billed);
                }
            }
        }
        Ok(())
    }

    /// What the answer says of tools that the provider ran.
    fn of_provider(&mut self, reading: &Reading, message: &Message) {
        let is_told_by_end =
            matches!(reading.flow.dialect(), Some(DialectName::OpenAi | DialectName::Gemini));
        for known in self.known.values_mut() {
            if known.key != reading.key || known.is_stray() || !known.call.server {
                continue;
            }
            let result = provider_results(message).find(|(_, key, _)| *key == known.call.key);
            let end = known.call.complete_us.unwrap_or(0);
            if let Some((block, _, json)) = result {
                let times = reading.blocks.as_ref().and_then(|blocks| blocks.get(block.index));
                let after = times.map_or(end, |times| times.began_us);
                let request = reading.key.saturating_add(after);
                known.returned_by_provider(request, json);
            } else if is_told_by_end && known.call.complete {
                let at = Micros(reading.key.saturating_add(end));
                let outcome = ToolOutcome::Succeeded;
                known.see(Evidence::Began { run: 0, at });
                known.see(Evidence::Ended { run: 0, at, outcome });
            }
        }
    }

    /// The results that this answer has of what an earlier one of its session called: where a provider paused
    /// its turn, it runs the tool only once it is asked to go on.
    fn of_provider_before(
        &mut self,
        store: &Store,
        reading: &Reading,
        message: &Message,
    ) -> Result<(), StoreError> {
        let session = reading.flow.session.as_ref().map(|session| &session.id);
        for (_, key, json) in provider_results(message) {
            let places = self.alike(store, key)?;
            let known = places.into_iter().filter_map(|place| self.known.get(&place));
            let known = known.filter(|it| it.call.server && !it.is_stray() && !it.is_gone);
            let called = known.filter(|it| it.session.as_ref() == session && !it.call.replayed);
            let last = called.max_by_key(|it| it.key).map(|it| (it.key, it.position));
            if let Some(known) = last.and_then(|place| self.known.get_mut(&place))
                && known.key < reading.key
            {
                known.returned_by_provider(reading.key, json);
            }
        }
        Ok(())
    }

    /// Takes in the results that a request brings, and the calls that it leaves without one; returns the keys of
    /// those whose results it is the first to send.
    fn request(&mut self, store: &Store, reading: &Reading) -> Result<HashSet<u64>, StoreError> {
        let told = &reading.told;
        let (mut given, mut first): (HashSet<Place>, HashSet<u64>) = Default::default();
        for (number, result) in (0_u32..).zip(&told.results) {
            let place = match self.call_of(store, reading, result)? {
                Some(place) => place,
                None => self.stray(store, reading, (number, result))?,
            };
            let outcome = told_outcome(&result.content, result.failed);
            let content = (content_digest(&result.content), result.content.len() as u64);
            if let Some(known) = self.known.get_mut(&place) {
                let billed = billed_with(store, known)?;
                known.returned(reading.key, outcome, content);
                given.insert(place);
                // Only what stands behind the model's last words is a result here, so that nothing but another
                // attempt sends it once more.
                if is_sent_billed(&reading.flow) && billed.is_none_or(|first| reading.key <= first)
                {
                    known.billed(reading.key);
                    first.insert(result.key);
                    self.again.extend(billed.filter(|first| *first > reading.key));
                }
                self.miss_hook(store, place, reading.key)?;
            }
        }
        if !told.goes_on {
            return Ok(first);
        }
        let session = reading.flow.session.as_ref().map(|session| &session.id);
        for call in &told.calls {
            let places = self.alike(store, call.key)?;
            let asked =
                places.into_iter().filter_map(|place| self.known.get(&place)).filter(|it| {
                    !it.is_stray() && it.key < reading.key && it.session.as_ref() == session
                });
            let Some(last) = asked.max_by_key(|it| it.key).map(|it| (it.key, it.position)) else {
                continue;
            };
            let siblings = given.iter().any(|(flow, _)| *flow == last.0);
            if let Some(known) = self.known.get_mut(&last).filter(|it| it.call.result.is_none()) {
                known.see(Evidence::Passed { siblings });
            }
        }
        Ok(first)
    }

    /// The call that a result is of: of the same session before any other, the latest one.
    fn call_of(
        &mut self,
        store: &Store,
        reading: &Reading,
        result: &ToldResult,
    ) -> Result<Option<Place>, StoreError> {
        let session = reading.flow.session.as_ref().map(|session| &session.id);
        let named = reading.told.calls.iter().find(|call| call.key == result.key);
        let name = named.map(|call| call.name.as_str()).or(result.name.as_deref());
        let places = self.alike(store, result.key)?;
        let candidates = places.into_iter().filter_map(|place| self.known.get(&place));
        let best = candidates
            .filter(|it| !it.is_gone && !it.call.server)
            .filter(|it| if it.is_stray() { true } else { it.key < reading.key })
            .filter_map(|it| {
                let is_same = it.session.as_ref() == session;
                // Another session's call only where its id tells it from all others.
                let fits =
                    is_same || (result.has_id && name.is_none_or(|name| name == it.call.name));
                let rank = (is_same, !it.is_stray(), !it.call.replayed, it.key);
                fits.then_some((rank, (it.key, it.position)))
            })
            .max();
        Ok(best.map(|(_, place)| place))
    }

    /// A result whose call is in no recorded answer.
    fn stray(
        &mut self,
        store: &Store,
        reading: &Reading,
        (number, result): (u32, &ToldResult),
    ) -> Result<Place, StoreError> {
        let told = reading.told.calls.iter().find(|call| call.key == result.key);
        let is_told = told.is_some()
            || reading.told.is_chained
            || reading.flow.request_gap.chunks > 0
            || in_conversation(store, reading, result)?;
        let name = told.map(|call| call.name.clone()).or_else(|| result.name.clone());
        let session = reading.flow.session.as_ref().map(|session| session.id.clone());
        let call =
            ToolCall { name: name.unwrap_or_default(), key: result.key, ..ToolCall::default() };
        let place = self.put(Known::new(reading.key, STRAY + number, session, call));
        if is_told && let Some(known) = self.known.get_mut(&place) {
            known.see(Evidence::Told);
        }
        Ok(place)
    }

    /// Calls with this key, the stored ones among them.
    fn alike(&mut self, store: &Store, key: u64) -> Result<Vec<Place>, StoreError> {
        if self.read.insert(key) {
            for known in store.calls_alike(key)?.into_iter().filter_map(Known::stored) {
                let is_new = !self.known.contains_key(&(known.key, known.position));
                let place = self.put(known);
                if is_new {
                    self.hear(store, place, None)?;
                }
            }
        }
        Ok(self.by_key.get(&key).cloned().unwrap_or_default())
    }

    /// Remembers a call, unless it is known.
    fn put(&mut self, known: Known) -> Place {
        let place = (known.key, known.position);
        let places = self.by_key.entry(known.call.key).or_default();
        if !places.contains(&place) {
            places.push(place);
        }
        self.known.entry(place).or_insert(known);
        place
    }
}

/// The first flow that was billed for sending a call's result. Of a call that an earlier version read, the first that
/// sent it, where that was billed.
fn billed_with(store: &Store, known: &Known) -> Result<Option<i64>, StoreError> {
    let (billed, Some(with)) = (known.billed_with(), known.returned_with()) else {
        return Ok(None);
    };
    if billed.is_some() {
        return Ok(billed);
    }
    let flow = store.flow_of_key(with)?;
    Ok(flow.is_none_or(|flow| is_sent_billed(&flow)).then_some(with))
}

/// The calls of an answer, in order.
pub(super) fn made(message: &Message) -> Vec<Made<'_>> {
    let mut alike: HashMap<u64, u64> = HashMap::new();
    let mut found = Vec::new();
    for block in &message.blocks {
        let (id, name, input, server) = match &block.content {
            Content::ToolUse { id, name, input } => (id, name, input, false),
            Content::ServerToolUse { id, name, input } => (id, name, input, true),
            _ => continue,
        };
        let nth = alike.entry(call_key("", name, input, 0)).or_default();
        let key = call_key(id, name, input, *nth);
        if id.is_empty() {
            *nth += 1;
        }
        found.push(Made { block, id, name, input, server, key });
    }
    found
}

/// What an answer says that tools of the provider gave back: the block, the call's key, and the result.
fn provider_results(message: &Message) -> impl Iterator<Item = (&Block, u64, &str)> {
    message.blocks.iter().filter_map(|block| match &block.content {
        Content::ServerToolResult { tool_use_id, json, .. } => {
            Some((block, digest(tool_use_id.as_bytes()), json.as_str()))
        }
        _ => None,
    })
}

/// Whether complete arguments are as they must be: JSON, unless the answer was cut at its limit or the tool
/// takes any text, as some of `OpenAI`'s do.
fn is_valid(input: &str, reading: &Reading, message: &Message) -> bool {
    let is_json = || serde_json::from_str::<serde::de::IgnoredAny>(input).is_ok();
    let takes_text =
        reading.flow.dialect() == Some(DialectName::OpenAi) && !input.trim_start().starts_with('{');
    let is_cut = message.stop_reason.as_deref().is_some_and(|reason| CUT_SHORT.contains(&reason));
    input.is_empty() || takes_text || is_cut || reading.has_gap() || is_json()
}

/// Whether the request's whole conversation has the call of a result.
fn in_conversation(
    store: &Store,
    reading: &Reading,
    result: &ToldResult,
) -> Result<bool, StoreError> {
    let body = store.body(reading.flow.id, Side::Client)?.map(Stored::into_inner);
    Ok(body.is_some_and(|body| body.truncated || has_call(&body.bytes, result.key)))
}
