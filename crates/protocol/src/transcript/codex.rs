//! Codex's rollouts: a line is `{timestamp, type, payload}`, and what is used is told in one of two ways. Since
//! there is `token_usage_record`, a line for each response, with the response's id. Before that `token_count` events,
//! which are repeated as they are whenever something else of them changes: what the running total grew by is new.

use std::borrow::Cow;

use langley_model::{Micros, Provider, Tokens, Usage};
use memchr::memmem;
use serde::{Deserialize, Serialize};

use super::stamp::micros;
use super::{LinesRead, UsageLine, line_around};

/// What every line of interest holds: the name of a type that is asked for below.
const MARKS: [&[u8]; 4] =
    [b"\"token_count\"", b"\"token_usage_record\"", b"\"turn_context\"", b"\"session_meta\""];

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    timestamp: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "type")]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow)]
    payload: Option<Payload<'a>>,
}

/// The members of all types that are read.
#[derive(Deserialize)]
struct Payload<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    session_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    thread_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    cwd: Option<Cow<'a, str>>,
    #[serde(borrow)]
    model: Option<Cow<'a, str>>,
    #[serde(borrow)]
    model_provider: Option<Cow<'a, str>>,
    #[serde(borrow)]
    response_id: Option<Cow<'a, str>>,
    usage: Option<Stated>,
    info: Option<Info>,
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
    /// Whether there are lines for each response, so that running totals tell nothing more.
    pub has_records: bool,
    /// The running total: input, cached, cache writes, output, reasoning.
    pub total: [u64; 5],
}

pub(super) fn is_telling(part: &[u8]) -> bool {
    MARKS.iter().any(|mark| memmem::find(part, mark).is_some())
}

impl CodexSession {
    pub(super) fn read(&mut self, lines: &[u8], out: &mut dyn FnMut(UsageLine<'_>)) -> LinesRead {
        let marks = MARKS.map(memmem::Finder::new);
        let mut next_of: [Option<usize>; 4] = std::array::from_fn(|which| marks[which].find(lines));
        let mut count = LinesRead::default();
        while let Some(place) = next_of.into_iter().flatten().min() {
            let (line, next) = line_around(lines, 0, place);
            for (place, mark) in next_of.iter_mut().zip(&marks) {
                while place.is_some_and(|place| place < next) {
                    *place = mark.find(&lines[next..]).map(|at| next + at);
                }
            }
            match sonic_rs::from_slice::<Line<'_>>(line) {
                Ok(line) => count.telling += u64::from(self.take(line, out)),
                Err(_) => match serde_json::from_str::<Line<'_>>(&String::from_utf8_lossy(line)) {
                    Ok(line) => count.telling += u64::from(self.take(line, out)),
                    Err(_) => count.unreadable += 1,
                },
            }
        }
        count
    }

    /// Takes a line in; whether it told usage.
    fn take(&mut self, line: Line<'_>, out: &mut dyn FnMut(UsageLine<'_>)) -> bool {
        let (Some(kind), Some(payload)) = (line.kind.as_deref(), line.payload) else {
            return false;
        };
        let at = line.timestamp.as_deref().and_then(micros);
        match (kind, payload.kind.as_deref()) {
            ("session_meta", _) => {
                let id = payload.session_id.as_deref().or(payload.id.as_deref());
                // A forked session's file begins with the lines of the one it was forked from.
                if self.session.is_none() {
                    self.session = id.map(str::to_owned);
                    let thread = payload.id.as_deref().filter(|thread| Some(*thread) != id);
                    self.thread = thread.map(str::to_owned);
                }
                keep(&mut self.folder, payload.cwd);
                keep(&mut self.provider, payload.model_provider);
                false
            }
            ("turn_context", _) => {
                keep(&mut self.folder, payload.cwd);
                keep(&mut self.model, payload.model);
                false
            }
            ("token_usage_record", _) => {
                let Some(stated) = payload.usage else { return false };
                self.has_records = true;
                let thread = payload.thread_id.as_deref();
                let thread = thread.filter(|thread| payload.session_id.as_deref() != Some(*thread));
                let session = payload.session_id.as_deref().or(self.session.as_deref());
                let response = payload.response_id.as_deref();
                out(self.line(at, (session, thread), response, stated));
                true
            }
            ("event_msg", Some("token_count")) => {
                let Some(stated) = payload.info.and_then(|info| self.grown(&info)) else {
                    return false;
                };
                let from = (self.session.as_deref(), self.thread.as_deref());
                out(self.line(at, from, None, stated));
                true
            }
            _ => false,
        }
    }

    /// What a `token_count` adds; none where it repeats what was told.
    fn grown(&mut self, info: &Info) -> Option<Stated> {
        let total = info.total_token_usage?.numbers();
        let before = std::mem::replace(&mut self.total, total);
        if self.has_records || total == before {
            return None;
        }
        // A total that became smaller began anew.
        let grown = total.iter().zip(before).map(|(now, before)| now.checked_sub(before));
        let grown: Option<Vec<u64>> = grown.collect();
        let [input, cached, written, output, reasoning] = match (grown, info.last_token_usage) {
            (Some(grown), _) => grown.try_into().ok()?,
            (None, Some(last)) => last.numbers(),
            (None, None) => total,
        };
        Some(Stated {
            input_tokens: Some(input),
            cached_input_tokens: Some(cached),
            cache_write_input_tokens: (written > 0).then_some(written),
            output_tokens: Some(output),
            reasoning_output_tokens: Some(reasoning),
        })
    }

    fn line<'a>(
        &'a self,
        at: Option<Micros>,
        (session, thread): (Option<&'a str>, Option<&'a str>),
        response: Option<&'a str>,
        stated: Stated,
    ) -> UsageLine<'a> {
        let provider = self.provider.as_deref().and_then(Provider::parse);
        UsageLine {
            at,
            session: session.map(Cow::Borrowed),
            agent_id: thread.map(Cow::Borrowed),
            folder: self.folder.as_deref().map(Cow::Borrowed),
            message_id: response.map(Cow::Borrowed),
            request_id: response.map(|_| Cow::Borrowed("")),
            provider: provider.unwrap_or(Provider::OpenAi),
            model: self.model.as_deref().map(Cow::Borrowed),
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

impl Stated {
    fn numbers(self) -> [u64; 5] {
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
