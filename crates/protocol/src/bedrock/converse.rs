//! Answers of Converse: messages of a stream and whole bodies, both as the same deltas.
//!
//! A stream announces only tool calls: blocks of text and reasoning begin with their first delta.

use std::borrow::Cow;

use langley_model::{Content, EventText, LiveKind};

use super::{fault, usage};
use crate::base64::decoded_len;
use crate::dialect::{Delta, EventFacts, Read, ResponseDecoder, Said, place};
use crate::json::{Object, elements, inner, unescape};
use crate::sse::SseEvent;

/// Open blocks that are remembered; beyond it the oldest is forgotten.
const OPEN_MAX: usize = 256;

type Out<'o> = &'o mut dyn FnMut(Delta<'_>);

/// Decodes one answer.
#[derive(Debug, Default)]
pub struct ConverseAnswer {
    /// Blocks that began and did not end.
    open: Vec<u32>,
    ended: bool,
}

/// The type of what is not known in it.
struct Strange<'a>(Cow<'a, str>);

type Outcome<'a, T> = Result<T, Strange<'a>>;

impl ConverseAnswer {
    /// A decoder at the start of an answer.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An event that another wraps; `data` is the whole one's.
    pub(super) fn told(
        &mut self,
        kind: &str,
        data: &[u8],
        event: &Object<'_>,
        out: Out<'_>,
    ) -> Result<Read, Said> {
        self.read(kind, data, event, out).map_err(|Strange(strange)| {
            out(Delta::Unknown { kind: strange });
            Said
        })
    }

    fn read<'a>(
        &mut self,
        kind: &'a str,
        data: &[u8],
        event: &Object<'a>,
        out: Out<'_>,
    ) -> Outcome<'a, Read> {
        let mut read = Read::default();
        let unreadable = || Strange(Cow::Borrowed(kind));
        let index = || event.index("contentBlockIndex").ok_or_else(unreadable);
        match kind {
            "contentBlockDelta" => {
                let delta = event.object("delta").ok_or_else(unreadable)?;
                read.texts = self.delta(index()?, data, &delta, out)?.into();
            }
            "contentBlockStart" => {
                let start = event.object("start").ok_or_else(unreadable)?;
                self.start(index()?, &start, out)?;
            }
            "contentBlockStop" => {
                let index = index()?;
                self.open.retain(|open| *open != index);
                out(Delta::BlockStop { index });
                read.ends_blocks.push(index);
            }
            "messageStart" => {
                out(Delta::MessageStart { id: None, model: None, role: event.text("role") });
            }
            "messageStop" => {
                self.ended = true;
                stop(event, out);
            }
            "metadata" => {
                if let Some(stated) = event.object("usage") {
                    out(Delta::Usage(usage::read(&stated)));
                }
                usage::tier(event, out);
                guardrail(event, out);
            }
            _ => return Err(unreadable()),
        }
        Ok(read)
    }

    /// The start that a stream announces.
    fn start<'a>(&mut self, index: u32, start: &Object<'a>, out: Out<'_>) -> Outcome<'a, ()> {
        // Some models announce a text by a start that says nothing.
        let Some((kind, json)) = start.first() else { return Ok(()) };
        let known = match (kind, Object::read(json.as_bytes())) {
            ("toolUse", Some(call)) => {
                self.begin(index, || tool_use(&call), out);
                true
            }
            ("toolResult", Some(result)) => {
                self.begin(index, || tool_result(&result, json), out);
                true
            }
            _ => {
                self.begin(index, || other(kind, json), out);
                kind == "image"
            }
        };
        if known { Ok(()) } else { Err(Strange(Cow::Owned(kind.to_owned()))) }
    }

    fn delta<'a>(
        &mut self,
        index: u32,
        data: &[u8],
        delta: &Object<'a>,
        out: Out<'_>,
    ) -> Outcome<'a, Option<EventText>> {
        let Some((kind, json)) = delta.first() else {
            return Err(Strange(Cow::Borrowed("contentBlockDelta")));
        };
        let strange = || Strange(Cow::Owned(kind.to_owned()));
        let object = || Object::read(json.as_bytes()).ok_or_else(strange);
        let (live, escaped) = match kind {
            "text" => {
                self.begin(index, text, out);
                (LiveKind::Text, inner(json))
            }
            // Whose call it is stood in the block's start.
            "toolUse" => (LiveKind::ToolInput, object()?.raw("input").and_then(inner)),
            "reasoningContent" => {
                let reasoning = object()?;
                match reasoning.first() {
                    Some(("text", json)) => {
                        self.begin(index, thinking, out);
                        (LiveKind::Thinking, inner(json))
                    }
                    Some(("signature", _)) => {
                        self.begin(index, thinking, out);
                        out(signature(index, &reasoning));
                        return Ok(None);
                    }
                    Some(("redactedContent", _)) => {
                        self.begin(index, || redacted(&reasoning), out);
                        return Ok(None);
                    }
                    _ => return Err(strange()),
                }
            }
            "citation" => {
                self.begin(index, text, out);
                out(Delta::Citation { index, json: Cow::Borrowed(json) });
                return Ok(None);
            }
            // Its block began with the format; the bytes are of no use to a reader.
            "image" => return Ok(None),
            // What a tool of the provider answered, in pieces: only the events have it.
            _ => return Err(strange()),
        };
        let (escaped, text) =
            escaped.and_then(|escaped| Some((escaped, unescape(escaped)?))).ok_or_else(strange)?;
        out(Delta::fragment(index, live, text));
        Ok(Some(place(index, live, data, escaped)))
    }

    /// Begins a block that is not open.
    fn begin(&mut self, index: u32, content: impl FnOnce() -> Content, out: Out<'_>) {
        if self.open.contains(&index) {
            return;
        }
        if self.open.len() >= OPEN_MAX {
            self.open.remove(0);
        }
        self.open.push(index);
        out(Delta::BlockStart { index, content: content() });
    }
}

impl ResponseDecoder for ConverseAnswer {
    fn event<'a>(&mut self, event: &SseEvent<'a>, out: Out<'_>) -> EventFacts<'a> {
        if let Some(facts) = fault::of_event(event, out) {
            return facts;
        }
        let kind = event.name;
        let read = Object::read(event.data).map(|object| self.told(kind, event.data, &object, out));
        EventFacts::of(kind, read, out)
    }

    fn json(&mut self, body: &[u8], out: Out<'_>) -> bool {
        let object = Object::read(body);
        let understood = object.as_ref().and_then(|object| whole(object, out));
        understood.unwrap_or_else(|| {
            out(Delta::Unknown { kind: Cow::Borrowed("") });
            false
        })
    }

    fn owes(&self) -> Option<&'static str> {
        (!self.ended).then_some("messageStop")
    }
}

/// Reads a whole body; whether all of it was understood. None when it is of no known kind.
fn whole(body: &Object<'_>, out: Out<'_>) -> Option<bool> {
    let Some(output) = body.object("output") else {
        out(fault::of_body(body)?);
        return Some(true);
    };
    let message = output.object("message")?;
    let content = elements(message.raw("content")?)?;
    out(Delta::MessageStart { id: None, model: None, role: message.text("role") });
    let mut known = true;
    for (index, json) in (0..).zip(content) {
        match block(index, json.get(), out) {
            Ok(()) => out(Delta::BlockStop { index }),
            Err(Strange(kind)) => {
                known = false;
                out(Delta::Unknown { kind });
            }
        }
    }
    stop(body, out);
    if let Some(stated) = body.object("usage") {
        out(Delta::Usage(usage::read(&stated)));
    }
    usage::tier(body, out);
    guardrail(body, out);
    Some(known)
}

/// A block of a whole answer.
fn block<'a>(index: u32, json: &'a str, out: Out<'_>) -> Outcome<'a, ()> {
    let block = Object::read(json.as_bytes()).unwrap_or_default();
    let Some((kind, inner_json)) = block.first() else { return Err(Strange(Cow::Borrowed(""))) };
    let object = Object::read(inner_json.as_bytes()).unwrap_or_default();
    let begin = |content, out: Out<'_>| out(Delta::BlockStart { index, content });
    let say = |text: Option<Cow<'_, str>>, out: Out<'_>| {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            out(Delta::Text { index, text });
        }
    };
    match kind {
        "text" => {
            begin(text(), out);
            say(block.text("text"), out);
        }
        "toolUse" => {
            begin(tool_use(&object), out);
            if let Some(input) = object.raw("input") {
                out(Delta::InputJson { index, json: Cow::Borrowed(input) });
            }
        }
        "reasoningContent" => match object.object("reasoningText") {
            Some(reasoning) => {
                begin(thinking(), out);
                if let Some(text) = reasoning.text("text").filter(|text| !text.is_empty()) {
                    out(Delta::Thinking { index, text });
                }
                if reasoning.raw("signature").is_some() {
                    out(signature(index, &reasoning));
                }
            }
            None => begin(redacted(&object), out),
        },
        "citationsContent" => {
            begin(text(), out);
            for part in object.raw("content").and_then(elements).unwrap_or_default() {
                let part = Object::read(part.get().as_bytes()).unwrap_or_default();
                say(part.text("text"), out);
            }
            for citation in object.raw("citations").and_then(elements).unwrap_or_default() {
                out(Delta::Citation { index, json: Cow::Borrowed(citation.get()) });
            }
        }
        "guardContent" if object.raw("text").is_some() => {
            begin(text(), out);
            say(object.object("text").and_then(|guarded| guarded.text("text")), out);
        }
        "toolResult" => {
            begin(tool_result(&object, object.raw("content").unwrap_or(inner_json)), out);
        }
        "image" | "document" | "video" | "audio" | "searchResult" | "cachePoint"
        | "guardContent" => {
            begin(media(kind, &object).unwrap_or_else(|| other(kind, inner_json)), out);
        }
        _ => {
            begin(other(kind, inner_json), out);
            return Err(Strange(Cow::Owned(kind.to_owned())));
        }
    }
    Ok(())
}

/// What a guardrail found, where the request asked for a trace of it.
fn guardrail(holder: &Object<'_>, out: Out<'_>) {
    if let Some(json) = holder.object("trace").and_then(|trace| trace.raw("guardrail")) {
        out(Delta::StopDetails { json: Cow::Borrowed(json) });
    }
}

/// Reason and end. The stop sequence is there only when the request asked for it.
fn stop(object: &Object<'_>, out: Out<'_>) {
    let more = object.object("additionalModelResponseFields");
    let sequence = more.and_then(|more| more.text("stop_sequence"));
    out(Delta::Stop { reason: object.text("stopReason"), sequence });
    out(Delta::MessageStop);
}

fn text() -> Content {
    Content::Text { text: String::new(), citations: Vec::new() }
}

fn thinking() -> Content {
    Content::Thinking { text: String::new(), signature_bytes: 0 }
}

fn signature(index: u32, holder: &Object<'_>) -> Delta<'static> {
    let len = holder.text("signature").map_or(0, |signature| signature.len());
    Delta::Signature { index, bytes: u32::try_from(len).unwrap_or(u32::MAX) }
}

/// Withheld reasoning; its length is that of what the base64 stands for.
fn redacted(holder: &Object<'_>) -> Content {
    let base64 = holder.text("redactedContent").unwrap_or_default();
    Content::RedactedThinking { bytes: u32::try_from(decoded_len(&base64)).unwrap_or(u32::MAX) }
}

fn tool_use(call: &Object<'_>) -> Content {
    let (id, name, input) = (call.owned("toolUseId"), call.owned("name"), String::new());
    if call.text("type").as_deref() == Some("server_tool_use") {
        Content::ServerToolUse { id, name, input }
    } else {
        Content::ToolUse { id, name, input }
    }
}

fn tool_result(result: &Object<'_>, json: &str) -> Content {
    let kind = result.text("type").unwrap_or(Cow::Borrowed("toolResult")).into_owned();
    let tool_use_id = result.owned("toolUseId");
    Content::ServerToolResult { kind, tool_use_id, json: json.to_owned() }
}

/// An image or the like that lies in the block itself: its format and size, never its bytes.
fn media(kind: &str, object: &Object<'_>) -> Option<Content> {
    let bytes = decoded_len(&object.object("source")?.text("bytes")?);
    let format = serde_json::Value::from(object.owned("format"));
    let json = format!(r#"{{"format":{format},"bytes":{bytes}}}"#);
    Some(Content::Other { kind: kind.to_owned(), json })
}

fn other(kind: &str, json: &str) -> Content {
    Content::Other { kind: kind.to_owned(), json: json.to_owned() }
}
