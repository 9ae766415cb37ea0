//! Gemini CLI's chats: an answer is a line of the type `gemini`, written again with the same id whenever something is
//! added to it.

use std::borrow::Cow;

use langley_model::{Provider, Tokens, Usage};
use serde::Deserialize;

use super::stamp::micros;
use super::{LinesRead, UsageLine, holds, marked, parsed, text_within};

/// What lines of interest hold: those with usage, and the first.
const MARKS: [&[u8]; 2] = [b"\"tokens\":", b"\"sessionId\":"];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    #[serde(borrow, default, deserialize_with = "text_within")]
    session_id: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "text_within")]
    id: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "text_within")]
    timestamp: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "text_within")]
    model: Option<Cow<'a, str>>,
    tokens: Option<Stated>,
}

/// Input includes what was read from the cache and what tools' prompts took; thoughts are beside the output.
#[derive(Deserialize)]
struct Stated {
    input: Option<u64>,
    output: Option<u64>,
    cached: Option<u64>,
    thoughts: Option<u64>,
    tool: Option<u64>,
}

pub(super) fn is_telling(part: &[u8]) -> bool {
    holds(part, &MARKS)
}

pub(super) fn read(
    lines: &[u8],
    session: &mut Option<String>,
    out: &mut dyn FnMut(UsageLine<'_>),
) -> LinesRead {
    marked(lines, &MARKS, |line, _| {
        let mut room = String::new();
        Some(take(parsed::<Line<'_>>(line, &mut room)?, session, out))
    })
}

/// Takes a line in; whether it told usage.
fn take(line: Line<'_>, session: &mut Option<String>, out: &mut dyn FnMut(UsageLine<'_>)) -> bool {
    if let Some(id) = line.session_id {
        *session = Some(id.into_owned());
    }
    let Some(stated) = line.tokens else { return false };
    let input = stated.input.map(|input| input.saturating_add(stated.tool.unwrap_or(0)));
    out(UsageLine {
        at: line.timestamp.as_deref().and_then(micros),
        session: session.as_deref().map(Cow::Borrowed),
        agent_id: None,
        folder: None,
        request_id: line.id.as_ref().and(session.as_deref()).map(Cow::Borrowed),
        message_id: line.id,
        provider: Provider::Gemini,
        model: line.model,
        usage: Usage {
            input: input.map(Tokens),
            cache_read: stated.cached.map(Tokens),
            cache_write_5m: None,
            cache_write_1h: None,
            output: stated.output.map(Tokens),
            reasoning: stated.thoughts.map(Tokens),
            web_search_requests: None,
        },
        tier: String::new(),
    });
    true
}
