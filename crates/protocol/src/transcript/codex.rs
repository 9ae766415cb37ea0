//! Codex's rollouts: a line is `{timestamp, type, payload}`, and what is used is told in one of two ways. Since
//! there is `token_usage_record`, a line for each response, with the response's id. Before that `token_count` events,
//! which are repeated as they are whenever something else of them changes: what the running total grew by is new.
//!
//! The oldest rollouts have neither: their first line is `{id, timestamp, instructions, git}`, and each of the others a
//! response item by itself.
//!
//! The rollout of a forked session, and of a subagent that knows what its parent does, begins with a copy of the
//! parent's lines, all of them stamped anew with the moment of the fork. What they tell was used by the parent, whose
//! own rollout has it. The first line says whose thread it is: newer versions name the session beside it, older ones
//! the thread that began it, within `source`.

use std::borrow::Cow;

use langley_model::{Micros, Provider, Tokens, Usage};
use memchr::{memchr, memmem};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::stamp::micros;
use super::{LinesRead, UsageLine, holds, marked, parsed, text_within};
use crate::json::Object;

/// What every line of interest holds: the name of a type that is asked for below.
const MARKS: [&[u8]; 4] =
    [b"\"token_count\"", b"\"token_usage_record\"", b"\"turn_context\"", b"\"session_meta\""];

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow, default, deserialize_with = "text_within")]
    timestamp: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "text_within", rename = "type")]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow)]
    payload: Option<Payload<'a>>,
}

/// The members of all types that are read.
#[derive(Deserialize)]
struct Payload<'a> {
    #[serde(borrow, default, deserialize_with = "text_within", rename = "type")]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "text_within")]
    id: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "text_within")]
    session_id: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "text_within")]
    forked_from_id: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "text_within")]
    parent_thread_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    source: Option<Source<'a>>,
    #[serde(borrow, default, deserialize_with = "text_within")]
    thread_id: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "text_within")]
    cwd: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "text_within")]
    model: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "text_within")]
    model_provider: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "text_within")]
    response_id: Option<Cow<'a, str>>,
    usage: Option<Stated>,
    info: Option<Info>,
}

/// What began a thread: `"cli"`, `{"subagent": "review"}`, `{"subagent": {"thread_spawn": {…}}}` and others.
#[derive(Deserialize)]
#[serde(untagged)]
enum Source<'a> {
    Subagent {
        #[serde(borrow)]
        subagent: Subagent<'a>,
    },
    Other(IgnoredAny),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Subagent<'a> {
    Spawned {
        #[serde(borrow)]
        thread_spawn: Spawned<'a>,
    },
    Other(IgnoredAny),
}

#[derive(Deserialize)]
struct Spawned<'a> {
    #[serde(borrow)]
    parent_thread_id: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Info {
    total_token_usage: Option<Stated>,
    last_token_usage: Option<Stated>,
}

/// Input includes what was read from the cache, output includes reasoning.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
struct Stated {
    input_tokens: Option<u64>,
    cached_input_tokens: Option<u64>,
    cache_write_input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    reasoning_output_tokens: Option<u64>,
}

/// For how long after its first line what stands in a fork's rollout is a copy, in microseconds: it is written at
/// once, and no answer to a question of the fork's own comes as soon.
const COPY_US: i64 = 1_000_000;

/// What earlier lines of a rollout told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodexSession {
    /// The session's id.
    pub session: Option<String>,
    /// The thread's, where it is a subagent's.
    pub thread: Option<String>,
    /// Where the agent works.
    pub folder: Option<String>,
    /// The model that is asked.
    pub model: Option<String>,
    /// Who serves it, by Codex's name.
    pub provider: Option<String>,
    /// Where the copy of the parent's lines is over, in microseconds since 1970; none where there is none.
    pub copy_until_us: Option<i64>,
    /// Whether what stands before that is known to be a copy: a subagent may begin with its task alone.
    #[serde(default)]
    pub has_copy: bool,
    /// Whether there are lines for each response, so that running totals tell nothing more.
    pub has_records: bool,
    /// The running total; none before the first.
    pub total: Option<CodexTotal>,
    /// By how much it grew last: it counts unless a line for the same response follows.
    pub grown: Option<CodexGrowth>,
}

/// What a running total grew by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodexGrowth {
    /// When, in microseconds since 1970.
    pub at_us: Option<i64>,
    /// By how much.
    pub by: CodexTotal,
    /// The turn that it is of, where another one began since.
    pub of: Option<TurnFacts>,
}

/// Where a turn works, and the model that it asks.
type TurnFacts = (Option<String>, Option<String>);

/// Input, of which read from the cache, of which written to it; output, of which reasoning.
pub type CodexTotal = [u64; 5];

pub(super) fn is_telling(part: &[u8]) -> bool {
    holds(part, &MARKS)
}

/// Whether a line is the first one of the oldest rollouts.
pub(super) fn is_oldest_head(line: &Object<'_>) -> bool {
    const MEMBERS: [&str; 4] = ["id", "timestamp", "instructions", "git"];
    line.text("id").is_some()
        && line.text("timestamp").is_some()
        && line.names().all(|name| MEMBERS.contains(&name))
}

impl CodexSession {
    pub(super) fn read(&mut self, lines: &[u8], out: &mut dyn FnMut(UsageLine<'_>)) -> LinesRead {
        if self.session.is_none() {
            self.begin(lines);
        }
        marked(lines, &MARKS, |line, _| {
            let mut room = String::new();
            Some(self.take(parsed::<Line<'_>>(line, &mut room)?, out))
        })
    }

    /// Takes the session from the first of some lines, where it is that of the oldest rollouts.
    fn begin(&mut self, lines: &[u8]) {
        let line = &lines[..memchr(b'\n', lines).unwrap_or(lines.len())];
        if memmem::find(line, b"\"type\"").is_none()
            && let Some(head) = Object::read(line).filter(is_oldest_head)
        {
            keep(&mut self.session, head.text("id"));
        }
    }

    /// Tells what is held back, as if nothing followed.
    pub(super) fn rest(&self, out: &mut dyn FnMut(UsageLine<'_>)) {
        if let Some(CodexGrowth { at_us, by, of }) = &self.grown {
            let from = (self.session.as_deref(), self.thread.as_deref());
            out(self.line(of.as_ref(), at_us.map(Micros), from, (None, Stated::of(*by))));
        }
    }

    pub(super) fn names_mut(&mut self) -> impl Iterator<Item = &mut String> {
        let names = [
            &mut self.session,
            &mut self.thread,
            &mut self.folder,
            &mut self.model,
            &mut self.provider,
        ];
        let of = self.grown.iter_mut().filter_map(|grown| grown.of.as_mut());
        names.into_iter().flatten().chain(of.flat_map(|(folder, model)| [folder, model]).flatten())
    }

    /// Takes a line in; whether it told usage.
    fn take(&mut self, line: Line<'_>, out: &mut dyn FnMut(UsageLine<'_>)) -> bool {
        let (Some(kind), Some(payload)) = (line.kind.as_deref(), line.payload) else {
            return false;
        };
        let at = line.timestamp.as_deref().and_then(micros);
        let is_copy =
            self.copy_until_us.is_some_and(|until| at.is_some_and(|Micros(at)| at < until));
        match (kind, payload.kind.as_deref()) {
            ("session_meta", _) => {
                // The first is the file's own; those of its parents are copied behind it.
                if self.session.is_none() {
                    self.open(&payload, at);
                } else if payload.id.as_deref() != self.own_id() {
                    self.has_copy = true;
                }
                keep(&mut self.folder, payload.cwd);
                keep(&mut self.provider, payload.model_provider);
                false
            }
            ("turn_context", _) => {
                // What a total grew by before is of the turn that ends, and of its model. It is held back all the
                // same: the line of its response may follow.
                if let Some(grown) = &mut self.grown
                    && grown.of.is_none()
                {
                    grown.of = Some((self.folder.clone(), self.model.clone()));
                }
                keep(&mut self.folder, payload.cwd);
                keep(&mut self.model, payload.model);
                false
            }
            ("token_usage_record", _) => {
                let Some(stated) = payload.usage else { return false };
                // What a total grew by just before is this response, and of its turn.
                let of = self.grown.take().and_then(|grown| grown.of);
                self.has_records = true;
                if is_copy {
                    return false;
                }
                let thread = payload.thread_id.as_deref();
                let thread = thread.filter(|thread| payload.session_id.as_deref() != Some(*thread));
                let session = payload.session_id.as_deref().or(self.session.as_deref());
                let response = payload.response_id.as_deref();
                out(self.line(of.as_ref(), at, (session, thread), (response, stated)));
                true
            }
            ("event_msg", Some("token_count")) => {
                let Some(grown) = payload.info.and_then(|info| self.grow(&info)) else {
                    return false;
                };
                if is_copy || self.has_records {
                    return false;
                }
                self.rest(out);
                let at_us = at.map(|Micros(at)| at);
                self.grown = Some(CodexGrowth { at_us, by: grown, of: None });
                true
            }
            _ => false,
        }
    }

    /// Takes in whose file it is.
    fn open(&mut self, payload: &Payload<'_>, at: Option<Micros>) {
        let spawned_by = payload.source.as_ref().and_then(Source::parent);
        let parent = payload.parent_thread_id.as_deref().or(spawned_by);
        let is_subagent =
            parent.is_some() || payload.source.as_ref().is_some_and(Source::is_subagent);
        let own = payload.id.as_deref();
        let session = payload.session_id.as_deref().or(parent).or(own);
        let thread = own.filter(|own| is_subagent || Some(*own) != session);
        self.session = session.map(str::to_owned);
        self.thread = thread.map(str::to_owned);
        self.has_copy = payload.forked_from_id.is_some();
        let may_copy = self.has_copy || parent.is_some();
        self.copy_until_us = at.filter(|_| may_copy).map(|Micros(at)| at.saturating_add(COPY_US));
    }

    /// The id of the file's own thread.
    fn own_id(&self) -> Option<&str> {
        self.thread.as_deref().or(self.session.as_deref())
    }

    /// Whether a line is a copy of a parent's, by when it was written, and by its thread where it begins one.
    pub(super) fn is_copy(&self, at: Option<Micros>, thread: Option<&str>) -> bool {
        let is_before =
            self.copy_until_us.is_some_and(|until| at.is_some_and(|Micros(at)| at < until));
        self.has_copy && is_before && (thread.is_none() || thread != self.own_id())
    }

    /// By how much the running total grows; none where it is repeated.
    fn grow(&mut self, info: &Info) -> Option<CodexTotal> {
        let total = info.total_token_usage?.numbers();
        let last = info.last_token_usage.map(Stated::numbers);
        let Some(before) = self.total.replace(total) else {
            // A total may be an earlier session's, that this one goes on from.
            return Some(last.unwrap_or(total));
        };
        if total == before {
            return None;
        }
        let grown = total.iter().zip(before).map(|(now, before)| now.checked_sub(before));
        let grown: Option<Vec<u64>> = grown.collect();
        match grown {
            Some(grown) => grown.try_into().ok(),
            // One that became smaller began anew.
            None => Some(last.unwrap_or(total)),
        }
    }

    fn line<'a>(
        &'a self,
        of: Option<&'a TurnFacts>,
        at: Option<Micros>,
        (session, thread): (Option<&'a str>, Option<&'a str>),
        (response, stated): (Option<&'a str>, Stated),
    ) -> UsageLine<'a> {
        let (folder, model) =
            of.map_or((&self.folder, &self.model), |(folder, model)| (folder, model));
        let provider = self.provider.as_deref().and_then(Provider::parse);
        UsageLine {
            at,
            session: session.map(Cow::Borrowed),
            agent_id: thread.map(Cow::Borrowed),
            folder: folder.as_deref().map(Cow::Borrowed),
            message_id: response.map(Cow::Borrowed),
            request_id: response.map(|_| Cow::Borrowed("")),
            provider: provider.unwrap_or(Provider::OpenAi),
            model: model.as_deref().map(Cow::Borrowed),
            usage: Usage {
                input: stated.input_tokens.map(Tokens),
                cache_read: stated.cached_input_tokens.map(Tokens),
                cache_write_5m: stated.cache_write_input_tokens.map(Tokens),
                cache_write_1h: None,
                output: stated.output_tokens.map(Tokens),
                reasoning: stated.reasoning_output_tokens.map(Tokens),
                web_search_requests: None,
            },
            tier: String::new(),
        }
    }
}

impl Source<'_> {
    /// The thread that began this one.
    fn parent(&self) -> Option<&str> {
        match self {
            Self::Subagent { subagent: Subagent::Spawned { thread_spawn } } => {
                Some(&thread_spawn.parent_thread_id)
            }
            Self::Subagent { subagent: Subagent::Other(_) } | Self::Other(_) => None,
        }
    }

    const fn is_subagent(&self) -> bool {
        matches!(self, Self::Subagent { .. })
    }
}

impl Stated {
    fn of([input, cached, written, output, reasoning]: CodexTotal) -> Self {
        Self {
            input_tokens: Some(input),
            cached_input_tokens: Some(cached),
            cache_write_input_tokens: (written > 0).then_some(written),
            output_tokens: Some(output),
            reasoning_output_tokens: Some(reasoning),
        }
    }

    fn numbers(self) -> CodexTotal {
        [
            self.input_tokens,
            self.cached_input_tokens,
            self.cache_write_input_tokens,
            self.output_tokens,
            self.reasoning_output_tokens,
        ]
        .map(Option::unwrap_or_default)
    }
}

fn keep(slot: &mut Option<String>, said: Option<Cow<'_, str>>) {
    if let Some(said) = said {
        *slot = Some(said.into_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(model: &str) -> String {
        let context = format!(r#"{{"model":"{model}","cwd":"/{model}"}}"#);
        format!(r#"{{"type":"turn_context","payload":{context}}}"#)
    }

    fn total(input: u64) -> String {
        let total = format!(r#"{{"input_tokens":{input},"output_tokens":1}}"#);
        format!(
            r#"{{"type":"event_msg","payload":{{"type":"token_count","info":{{"total_token_usage":{total}}}}}}}"#
        )
    }

    type Told = (Option<String>, Option<String>, Option<Tokens>);

    /// What lines tell: model, folder and input.
    fn told(lines: &[String]) -> Vec<Told> {
        let mut session = CodexSession::default();
        let mut told = Vec::new();
        let mut take = |line: UsageLine<'_>| {
            let owned = |name: Option<Cow<'_, str>>| name.map(Cow::into_owned);
            told.push((owned(line.model), owned(line.folder), line.usage.input));
        };
        session.read(lines.join("\n").as_bytes(), &mut take);
        session.rest(&mut take);
        told
    }

    fn of(model: &str, input: u64) -> Told {
        (Some(model.to_owned()), Some(format!("/{model}")), Some(Tokens(input)))
    }

    #[test]
    fn what_a_total_grew_by_is_of_the_model_that_answered() {
        let lines = [turn("a"), total(10), total(30), turn("b"), total(100), turn("b"), turn("c")];
        assert_eq!(told(&lines), [of("a", 10), of("a", 20), of("b", 70)]);
    }

    #[test]
    fn a_response_whose_line_stands_behind_the_next_turn_is_told_once() {
        let record = r#"{"type":"token_usage_record","payload":{"response_id":"r","usage":{"input_tokens":30}}}"#;
        let lines = [turn("a"), total(30), turn("b"), record.to_owned()];
        assert_eq!(told(&lines), [of("a", 30)]);
    }
}
