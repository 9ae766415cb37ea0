//! Claude Code's lines: each `assistant` line has one block of a response and the usage of the whole, so that a
//! response stands in several lines, with an output count that grows.

use std::borrow::Cow;

use langley_model::{OWN_WORDS_MODEL, Provider, Tokens, Usage};
use serde::Deserialize;

use crate::json::{Object, inner, unescape};

use super::parsed::Parsed;
use super::stamp::micros;
use super::{LinesRead, UsageLine, holds, marked, outline, parsed, text_within};

/// What a line with usage must hold.
const MARKS: [&[u8]; 1] = [b"\"usage\":"];

/// Ways to be served that are the usual one.
const USUAL: [&str; 4] = ["standard", "global", "not_available", ""];

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Line<'a> {
    #[serde(borrow, default, deserialize_with = "text_within")]
    pub(super) timestamp: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "text_within")]
    pub(super) request_id: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "text_within")]
    pub(super) session_id: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "text_within")]
    pub(super) agent_id: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "text_within")]
    pub(super) cwd: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) message: Option<Message<'a>>,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
pub(super) struct Message<'a> {
    #[serde(borrow, default, deserialize_with = "text_within")]
    pub(super) id: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "text_within")]
    pub(super) model: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) usage: Option<Stated<'a>>,
}

/// `message.usage`; numbers in the sense of the Messages API.
#[derive(Debug, Default, PartialEq, Deserialize)]
pub(super) struct Stated<'a> {
    pub(super) input_tokens: Option<u64>,
    pub(super) output_tokens: Option<u64>,
    pub(super) cache_creation_input_tokens: Option<u64>,
    pub(super) cache_read_input_tokens: Option<u64>,
    pub(super) cache_creation: Option<Written>,
    pub(super) server_tool_use: Option<Served>,
    #[serde(borrow, default, deserialize_with = "text_within")]
    pub(super) service_tier: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "text_within")]
    pub(super) speed: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "text_within")]
    pub(super) inference_geo: Option<Cow<'a, str>>,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
pub(super) struct Written {
    pub(super) ephemeral_5m_input_tokens: Option<u64>,
    pub(super) ephemeral_1h_input_tokens: Option<u64>,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
pub(super) struct Served {
    pub(super) web_search_requests: Option<u64>,
}

pub(super) fn is_telling(part: &[u8]) -> bool {
    holds(part, &MARKS)
}

pub(super) fn read(lines: &[u8], out: &mut dyn FnMut(UsageLine<'_>)) -> LinesRead {
    marked(lines, &MARKS, |line, usage| {
        let mut room = String::new();
        let told = outline::read(line, usage).or_else(|| parsed(line, &mut room))?;
        Some(tell(told, out))
    })
}

/// Reads a line that was taken apart; what cannot be read of it tells nothing.
pub(super) fn read_parsed(
    Parsed { line, within, .. }: &Parsed<'_>,
    out: &mut dyn FnMut(UsageLine<'_>),
) {
    let told = within.as_ref().and_then(|message| {
        let usage = Stated::of(&Object::of(message.raw("usage")?)?)?;
        Some(Line {
            timestamp: text(line, "timestamp")?,
            request_id: text(line, "requestId")?,
            session_id: text(line, "sessionId")?,
            agent_id: text(line, "agentId")?,
            cwd: text(line, "cwd")?,
            message: Some(Message {
                id: text(message, "id")?,
                model: text(message, "model")?,
                usage: Some(usage),
            }),
        })
    });
    told.map(|line| tell(line, out));
}

/// A member that is a text, or is not there. One of another kind costs the line its figures, as where lines are looked
/// for.
fn text<'a>(object: &Object<'a>, name: &str) -> Option<Option<Cow<'a, str>>> {
    let Some(raw) = object.raw(name) else { return Some(None) };
    unescape(inner(raw)?).map(Some)
}

/// The same of a count.
fn count(object: &Object<'_>, name: &str) -> Option<Option<u64>> {
    let Some(raw) = object.raw(name) else { return Some(None) };
    raw.parse().ok().map(Some)
}

/// The same of an object.
fn object<'a>(object: &Object<'a>, name: &str) -> Option<Option<Object<'a>>> {
    let Some(raw) = object.raw(name) else { return Some(None) };
    Object::of(raw).map(Some)
}

/// Whether it told any usage.
fn tell(line: Line<'_>, out: &mut dyn FnMut(UsageLine<'_>)) -> bool {
    let Some(message) = line.message else { return false };
    let Some(stated) = message.usage else { return false };
    // That used nothing.
    if message.model.as_deref() == Some(OWN_WORDS_MODEL) {
        return false;
    }
    // What has no request's id is known by its message's alone, which nobody gives twice; an empty one says nothing.
    let is_named = message.id.as_deref().is_some_and(|id| !id.is_empty());
    let request_id = line.request_id.filter(|id| !id.is_empty());
    let request_id = request_id.or_else(|| is_named.then_some(Cow::Borrowed("")));
    out(UsageLine {
        at: line.timestamp.as_deref().and_then(micros),
        session: line.session_id,
        agent_id: line.agent_id,
        folder: line.cwd,
        provider: provider(message.id.as_deref().unwrap_or_default()),
        request_id,
        message_id: message.id,
        model: message.model,
        usage: stated.usage(),
        tier: stated.tier(),
    });
    true
}

/// Who served a response: its id says where it was made.
fn provider(message_id: &str) -> Provider {
    if message_id.starts_with("msg_bdrk_") {
        Provider::Bedrock
    } else if message_id.starts_with("msg_vrtx_") {
        Provider::Vertex
    } else {
        Provider::Anthropic
    }
}

impl<'a> Stated<'a> {
    /// What an object says; none where a member is of another kind.
    fn of(usage: &Object<'a>) -> Option<Self> {
        let written = object(usage, "cache_creation")?.map(|written| {
            Some(Written {
                ephemeral_5m_input_tokens: count(&written, "ephemeral_5m_input_tokens")?,
                ephemeral_1h_input_tokens: count(&written, "ephemeral_1h_input_tokens")?,
            })
        });
        let served = object(usage, "server_tool_use")?.map(|served| {
            Some(Served { web_search_requests: count(&served, "web_search_requests")? })
        });
        Some(Self {
            input_tokens: count(usage, "input_tokens")?,
            output_tokens: count(usage, "output_tokens")?,
            cache_creation_input_tokens: count(usage, "cache_creation_input_tokens")?,
            cache_read_input_tokens: count(usage, "cache_read_input_tokens")?,
            // One that cannot be read is not the same as none.
            cache_creation: match written {
                Some(written) => Some(written?),
                None => None,
            },
            server_tool_use: match served {
                Some(served) => Some(served?),
                None => None,
            },
            service_tier: text(usage, "service_tier")?,
            speed: text(usage, "speed")?,
            inference_geo: text(usage, "inference_geo")?,
        })
    }

    /// Cache writes without a split are taken for five-minute ones, the API's default.
    fn usage(&self) -> Usage {
        let stated = |of: fn(&Written) -> Option<u64>| self.cache_creation.as_ref().and_then(of);
        let write_1h = stated(|written| written.ephemeral_1h_input_tokens);
        let write_5m = stated(|written| written.ephemeral_5m_input_tokens).or_else(|| {
            let written = self.cache_creation_input_tokens?;
            Some(written.saturating_sub(write_1h.unwrap_or(0)))
        });
        Usage {
            input: self.input_tokens.map(Tokens),
            cache_read: self.cache_read_input_tokens.map(Tokens),
            cache_write_5m: write_5m.map(Tokens),
            cache_write_1h: write_1h.map(Tokens),
            output: self.output_tokens.map(Tokens),
            reasoning: None,
            web_search_requests: self
                .server_tool_use
                .as_ref()
                .and_then(|it| it.web_search_requests),
        }
    }

    fn tier(&self) -> String {
        let words = [&self.service_tier, &self.speed, &self.inference_geo];
        let words = words.into_iter().flatten().filter(|word| !USUAL.contains(&&***word));
        words.map(|word| &**word).collect::<Vec<_>>().join("+")
    }
}
