//! What only a whole file tells: what its responses used, its turns, and what the session adds up to.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use langley_model::{LineFacts, LineRole, MicroUsd, Micros, Provider, Tokens, Usage};
use langley_protocol::transcript::{TranscriptFormat, UsageLine};
use serde_json::Value;

use super::mode::ExtractMode;
use super::record::{Head, Record, Source, Whose};
use super::records::{Desk, Hand, Told};
use super::run::ExtractQuery;
use super::teller::Counts;
use crate::transcripts::{Till, digest_64};

/// The seed of responses' digests.
const SEED: u64 = 0x7265_7370;

/// Names that are kept of a file: sessions, models.
const NAMES_MAX: usize = 64;

/// What one response used, and where the line stands that says it.
#[derive(Clone, Debug)]
pub(super) struct Used {
    line: u64,
    offset: u64,
    turn: u64,
    at: Option<Micros>,
    response: Option<u64>,
    session: Option<String>,
    agent_id: Option<String>,
    message_id: Option<String>,
    request_id: Option<String>,
    provider: Provider,
    model: Option<String>,
    tier: String,
    usage: Usage,
}

impl Used {
    fn of(
        told: &UsageLine<'_>,
        (line, offset): (u64, u64),
        (turn, response): (u64, Option<u64>),
    ) -> Self {
        let owned = |text: &Option<std::borrow::Cow<'_, str>>| text.as_deref().map(str::to_owned);
        Self {
            line,
            offset,
            turn,
            at: told.at,
            response,
            session: owned(&told.session),
            agent_id: owned(&told.agent_id),
            message_id: owned(&told.message_id),
            // What stands for one where an agent writes none: nothing, or the session.
            request_id: owned(&told.request_id)
                .filter(|id| !id.is_empty() && told.session.as_deref() != Some(id)),
            provider: told.provider,
            model: owned(&told.model),
            tier: told.tier.clone(),
            usage: told.usage,
        }
    }

    /// As the reader told it, for a price.
    fn told(&self) -> UsageLine<'_> {
        UsageLine {
            at: self.at,
            session: None,
            agent_id: None,
            folder: None,
            message_id: None,
            request_id: None,
            provider: self.provider,
            model: self.model.as_deref().map(Into::into),
            usage: self.usage,
            tier: self.tier.clone(),
        }
    }

    fn output(&self) -> u64 {
        tokens(self.usage.output).unwrap_or(0)
    }
}

/// A question and what came of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Turn {
    line: u64,
    offset: u64,
    at: Option<Micros>,
    session: Option<String>,
    agent_id: Option<String>,
    prompt: Arc<str>,
    /// When the last thing was done for it.
    ended: Option<Micros>,
    responses: u64,
    output: Option<u64>,
    calls: u64,
    failed: u64,
    is_interrupted: bool,
}

/// What a file adds up to so far.
#[derive(Debug, Default)]
pub(super) struct Sums {
    pub(super) folder: Option<String>,
    pub(super) turns_so_far: u64,
    branch: Option<String>,
    session: Option<String>,
    agent_id: Option<String>,
    /// Whether a subagent said something, and whether the session's own agent did.
    is_of_subagent: bool,
    is_of_session: bool,
    first_prompt: Option<Arc<str>>,
    started: Option<Micros>,
    ended: Option<Micros>,
    calls: u64,
    failed: u64,
    compactions: u64,
    sessions: Vec<String>,
    parent: Option<String>,
    is_fork: bool,
    turns: Vec<Turn>,
    used: Vec<Used>,
    places: HashMap<u64, usize, foldhash::fast::FixedState>,
}

impl Sums {
    /// Takes in what every line tells; whether it names another branch, and another folder, than the lines before.
    pub(super) fn see(&mut self, facts: &LineFacts) -> [bool; 2] {
        self.started = self.started.into_iter().chain(facts.at).min();
        self.ended = self.ended.into_iter().chain(facts.at).max();
        let are_new = [
            (&mut self.branch, &facts.branch),
            (&mut self.folder, &facts.folder),
            (&mut self.agent_id, &facts.agent_id),
        ]
        .map(|(kept, said)| {
            let is_new = said.is_some() && kept != said;
            if is_new {
                kept.clone_from(said);
            }
            is_new
        });
        let [branch, folder, _] = are_new;
        self.is_of_subagent |= facts.is_sidechain;
        let is_said =
            matches!(facts.role, LineRole::Prompt | LineRole::Answer | LineRole::ToolResult);
        self.is_of_session |= is_said && !facts.is_sidechain;
        if facts.session != self.session {
            if let Some(session) = &facts.session
                && self.sessions.len() < NAMES_MAX
                && !self.sessions.contains(session)
            {
                self.sessions.push(session.clone());
            }
            self.session.clone_from(&facts.session);
        }
        [branch, folder]
    }

    /// A question begins a turn.
    pub(super) fn turn(
        &mut self,
        facts: &LineFacts,
        (line, offset): (u64, u64),
        text: &str,
        query: &ExtractQuery,
    ) {
        self.turns_so_far += 1;
        let says = ExtractMode::Turns.bit() | ExtractMode::UserIdle.bit();
        let is_said = query.set & says != 0;
        let is_first = self.first_prompt.is_none() && query.set & ExtractMode::Sessions.bit() != 0;
        let text: Arc<str> = if is_said || is_first { text.into() } else { Arc::default() };
        if is_first {
            self.first_prompt = Some(Arc::clone(&text));
        }
        self.turns.push(Turn {
            line,
            offset,
            at: facts.at,
            session: facts.session.clone(),
            agent_id: facts.agent_id.clone(),
            prompt: if is_said { text } else { Arc::default() },
            ..Turn::default()
        });
    }

    /// The model, or a tool, did something.
    pub(super) fn work(&mut self, facts: &LineFacts) {
        if let Some(turn) = self.turns.last_mut() {
            turn.ended = turn.ended.max(facts.at);
        }
    }

    pub(super) fn call(&mut self) {
        self.calls += 1;
        if let Some(turn) = self.turns.last_mut() {
            turn.calls += 1;
        }
    }

    pub(super) fn fail(&mut self) {
        self.failed += 1;
        if let Some(turn) = self.turns.last_mut() {
            turn.failed += 1;
        }
    }

    pub(super) fn interrupt(&mut self) {
        if let Some(turn) = self.turns.last_mut() {
            turn.is_interrupted = true;
        }
    }

    /// A compaction may be told by two lines, of which one has the summary.
    pub(super) fn compact(&mut self, is_summary: bool) {
        self.compactions += u64::from(!is_summary || self.compactions == 0);
    }

    /// What Codex says of a session at its beginning.
    pub(super) fn begins(&mut self, json: &str) {
        let Ok(meta) = serde_json::from_str::<Value>(json) else { return };
        let text = |path: &str| meta.pointer(path).and_then(Value::as_str).map(str::to_owned);
        if self.parent.is_none() {
            let spawned = text("/parent_thread_id")
                .or_else(|| text("/source/subagent/thread_spawn/parent_thread_id"));
            let forked = text("/forked_from_id");
            self.is_fork = forked.is_some();
            self.parent = spawned.or(forked);
        }
    }

    /// Takes a response of a turn in; of the lines of one, that with the greatest output counts.
    pub(super) fn add(&mut self, told: &UsageLine<'_>, place: (u64, u64), turn: u64) {
        let response = told.response().map(digest);
        let place_of = response.map(|response| self.places.entry(response));
        match place_of {
            Some(Entry::Occupied(known)) => {
                let known = &mut self.used[*known.get()];
                if known.output() < tokens(told.usage.output).unwrap_or(0) {
                    *known = Used::of(told, place, (turn, response));
                }
                return;
            }
            Some(Entry::Vacant(free)) => {
                free.insert(self.used.len());
            }
            None => {}
        }
        self.used.push(Used::of(told, place, (turn, response)));
    }

    /// Every record that the whole file tells.
    pub(super) fn tell(
        &mut self,
        (format, path, stem): (TranscriptFormat, &str, Option<&str>),
        counts: &Counts,
        till: &mut Till,
        (desk, hand): (&mut Desk<'_>, Hand<'_>),
    ) {
        let whose = Whose { agent: format.agent(), ..Whose::default() };
        let folder = self.folder.as_deref();
        let is_priced = desk.asks(ExtractMode::Cost) || desk.asks(ExtractMode::Sessions);
        let mut head = Head::default();
        let mut contexts: HashMap<Option<&str>, u64> = HashMap::new();
        let mut total = Total::default();
        for used in &self.used {
            let cost = is_priced.then(|| till.cost(&used.told(), format)).flatten();
            total.add(used, format, cost);
            if let Some(turn) = used
                .turn
                .checked_sub(1)
                .and_then(|it| self.turns.get_mut(usize::try_from(it).ok()?))
            {
                turn.responses += 1;
                turn.output = turn
                    .output
                    .into_iter()
                    .chain(tokens(used.usage.output))
                    .reduce(u64::saturating_add);
            }
            let session = used.session.as_deref().or(stem);
            let modes = [
                ExtractMode::Usage,
                ExtractMode::Cost,
                ExtractMode::Cache,
                ExtractMode::ContextGrowth,
            ];
            if modes.iter().any(|mode| desk.asks(*mode)) {
                let whose = Whose {
                    session,
                    agent_id: used.agent_id.as_deref(),
                    turn: Some(used.turn),
                    at: used.at,
                    ..whose
                };
                head.write(whose, Some(Source { path, line: used.line, offset: used.offset }));
                head.also(|record| record.text("message_id", used.message_id.as_deref()));
            }
            let context = tokens(used.usage.input_whole(Some(format.dialect())));
            let before =
                context.and_then(|context| contexts.insert(used.agent_id.as_deref(), context));
            for mode in modes {
                let told = Told { mode, at: used.at, offset: used.offset, response: used.response };
                desk.put(told, (session, folder), &head, |record| {
                    used.say(mode, record, format, (cost, context.zip(before)));
                });
            }
            if !desk.hand(hand) {
                return;
            }
        }
        if !self.tell_turns(whose, path, (desk, hand)) || counts.lines == 0 {
            return;
        }
        let session = self.session.as_deref().or(stem);
        let agent_id = self.agent_id.as_deref().filter(|_| self.is_subagents());
        let whose = Whose { session, agent_id, turn: None, at: self.ended, ..whose };
        head.write(whose, Some(Source { path, line: 1, offset: 0 }));
        for mode in [ExtractMode::Sessions, ExtractMode::Lineage] {
            let told = Told { mode, at: self.ended, offset: 0, response: None };
            desk.put(told, (session, folder), &head, |record| {
                if mode == ExtractMode::Sessions {
                    self.say_session(record, &total, counts);
                } else {
                    self.say_lineage(record);
                }
            });
        }
    }

    /// Whether anybody still listens.
    fn tell_turns(
        &self,
        whose: Whose<'_>,
        path: &str,
        (desk, hand): (&mut Desk<'_>, Hand<'_>),
    ) -> bool {
        let is_paired = desk.query.is_paired;
        for (nth, turn) in self.turns.iter().enumerate() {
            let next = self.turns.get(nth + 1).and_then(|next| next.at);
            let source = Source { path, line: turn.line, offset: turn.offset };
            let head = |at| {
                let whose = Whose {
                    session: turn.session.as_deref(),
                    agent_id: turn.agent_id.as_deref(),
                    turn: Some(nth as u64 + 1),
                    at,
                    ..whose
                };
                Head::of(whose, Some(source))
            };
            let told = |mode, at| Told { mode, at, offset: turn.offset, response: None };
            let of = (turn.session.as_deref(), self.folder.as_deref());
            if desk.takes(ExtractMode::Turns, turn.at, of) {
                let told = told(ExtractMode::Turns, turn.at);
                desk.draft.put(told, &head(turn.at), |record| {
                    record.text("prompt", Some(&turn.prompt));
                    record.time("ended", turn.ended);
                    record.number("ms", between(turn.at, turn.ended));
                    record.number("responses", Some(turn.responses));
                    record.number("calls", Some(turn.calls));
                    record.number("failed_calls", Some(turn.failed));
                    record.number("output", turn.output);
                    record.flag("is_interrupted", Some(turn.is_interrupted));
                });
            }
            let at = if is_paired { turn.at } else { turn.ended };
            // Nothing was done for a question that the next one followed at once.
            if desk.takes(ExtractMode::UserIdle, at, of) && (turn.ended.is_some() || is_paired) {
                desk.draft.put(told(ExtractMode::UserIdle, at), &head(at), |record| {
                    record.time("prompt_at", turn.at);
                    if is_paired {
                        record.text("prompt", Some(&turn.prompt));
                    }
                    record.time("idle_at", turn.ended);
                    record.number("worked_ms", between(turn.at, turn.ended));
                    record.time("next_prompt_at", next);
                    record.number("idle_ms", between(turn.ended, next));
                });
            }
            if !desk.hand(hand) {
                return false;
            }
        }
        true
    }

    fn say_session(&self, record: &mut Record<'_>, total: &Total, counts: &Counts) {
        record.time("started", self.started);
        record.time("ended", self.ended);
        record.text("folder", self.folder.as_deref());
        record.text("branch", self.branch.as_deref());
        record.text("first_prompt", self.first_prompt.as_deref());
        record.number("prompts", Some(self.turns_so_far));
        record.number("responses", Some(self.used.len() as u64));
        record.number("calls", Some(self.calls));
        record.number("failed_calls", Some(self.failed));
        record.number("compactions", Some(self.compactions));
        let models: Vec<String> = total.models.iter().cloned().collect();
        record.texts("models", &models);
        let [input, read, written, output] = total.tokens;
        record.number("input", input);
        record.number("cache_read", read);
        record.number("cache_write", written);
        record.number("output", output);
        record.signed("cost_micro_usd", total.cost.filter(|_| !total.is_unpriced));
        record.number("lines", Some(counts.lines));
        record.number("unreadable_lines", Some(counts.unreadable + counts.too_long));
        record.number("mended_lines", Some(counts.mended));
    }

    /// Whether it is a subagent's file: files of early versions have the lines of subagents among the session's own.
    const fn is_subagents(&self) -> bool {
        self.is_of_subagent && !self.is_of_session
    }

    fn say_lineage(&self, record: &mut Record<'_>) {
        let others = self.sessions.len() > 1;
        let (kind, parent) = match (self.is_subagents(), self.is_fork, others) {
            (true, _, _) => ("subagent", self.parent.as_ref().or(self.session.as_ref())),
            (_, true, _) => ("fork", self.parent.as_ref()),
            (_, _, true) => ("continued", self.sessions.first()),
            _ => ("root", self.parent.as_ref()),
        };
        record.text("kind", Some(kind));
        record.text("parent", parent.map(String::as_str));
        record.texts("sessions", &self.sessions);
    }
}

impl Used {
    fn say(
        &self,
        mode: ExtractMode,
        record: &mut Record<'_>,
        format: TranscriptFormat,
        (cost, contexts): (Option<MicroUsd>, Option<(u64, u64)>),
    ) {
        let usage = &self.usage;
        if mode == ExtractMode::Usage {
            record.text("request_id", self.request_id.as_deref());
        }
        if matches!(mode, ExtractMode::Usage | ExtractMode::Cost) {
            record.text("provider", Some(self.provider.as_str()));
        }
        record.text("model", self.model.as_deref());
        let uncached = tokens(usage.input_uncached(Some(format.dialect())));
        let written = sum([tokens(usage.cache_write_5m), tokens(usage.cache_write_1h)]);
        match mode {
            ExtractMode::Cost => {
                record.signed("cost_micro_usd", cost.map(|cost| cost.0));
            }
            ExtractMode::Cache => {
                record.number("uncached", uncached);
                record.number("read", tokens(usage.cache_read));
                record.number("written", written);
            }
            ExtractMode::ContextGrowth => {
                record.number("context", tokens(usage.input_whole(Some(format.dialect()))));
                let grown = contexts.and_then(|(now, before)| {
                    i64::try_from(i128::from(now) - i128::from(before)).ok()
                });
                record.signed("grew_by", grown);
            }
            _ => {
                record.text("tier", Some(self.tier.as_str()).filter(|tier| !tier.is_empty()));
                record.number("input", tokens(usage.input));
                record.number("cache_read", tokens(usage.cache_read));
                record.number("cache_write_5m", tokens(usage.cache_write_5m));
                record.number("cache_write_1h", tokens(usage.cache_write_1h));
                record.number("output", tokens(usage.output));
                record.number("reasoning", tokens(usage.reasoning));
                record.number("web_search_requests", usage.web_search_requests);
            }
        }
    }
}

/// What a file's responses used together.
#[derive(Debug, Default)]
struct Total {
    models: BTreeSet<String>,
    /// Input without the cache, read, written, output.
    tokens: [Option<u64>; 4],
    cost: Option<i64>,
    is_unpriced: bool,
}

impl Total {
    fn add(&mut self, used: &Used, format: TranscriptFormat, cost: Option<MicroUsd>) {
        let usage = &used.usage;
        if let Some(model) = &used.model
            && self.models.len() < NAMES_MAX
            && !self.models.contains(model)
        {
            self.models.insert(model.clone());
        }
        let more = [
            tokens(usage.input_uncached(Some(format.dialect()))),
            tokens(usage.cache_read),
            sum([tokens(usage.cache_write_5m), tokens(usage.cache_write_1h)]),
            tokens(usage.output),
        ];
        for (so_far, more) in self.tokens.iter_mut().zip(more) {
            *so_far = sum([*so_far, more]);
        }
        match cost {
            Some(cost) => self.cost = Some(self.cost.unwrap_or(0).saturating_add(cost.0)),
            None => self.is_unpriced = true,
        }
    }
}

/// A digest of a response's ids.
fn digest([message, request]: [&str; 2]) -> u64 {
    digest_64(digest_64(SEED, message.as_bytes()), request.as_bytes())
}

fn tokens(count: Option<Tokens>) -> Option<u64> {
    count.map(|Tokens(count)| count)
}

/// The sum of what is known; none where nothing is.
fn sum<const N: usize>(parts: [Option<u64>; N]) -> Option<u64> {
    parts.into_iter().flatten().reduce(u64::saturating_add)
}

/// Milliseconds from one time to another.
pub(super) fn between(from: Option<Micros>, to: Option<Micros>) -> Option<u64> {
    let us = to?.0.checked_sub(from?.0)?;
    Some(us.max(0).cast_unsigned() / 1000)
}
