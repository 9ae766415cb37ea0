//! Answers of the Responses API: events of a stream or of a WebSocket, and whole bodies, all as the
//! same deltas.
//!
//! An answer is a list of items, and a message item a list of parts. Some servers send an item only
//! when it is done; then it is told as a whole.

use std::borrow::Cow;

use langley_model::{EventText, Few, LiveKind, Usage};

use super::item::{self, Item};
use super::{error, owned, usage};
use crate::blocks::{Blocks, Out, text, thinking};
use crate::dialect::{Delta, EventFacts, Read, ResponseDecoder, Said, Stated, Understood};
use crate::json::{Object, elements, inner};
use crate::sse::SseEvent;

/// Items that are remembered as begun; beyond it the oldest are forgotten.
const ITEMS_MAX: usize = 1024;

/// A part of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Part {
    /// Position of its item.
    item: u32,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A message's part, by its position.
    Content(u32),
    /// The item itself.
    Whole,
    /// What a tool of the provider answered.
    Result,
}

/// Decodes one answer.
#[derive(Debug, Default)]
pub struct ResponsesAnswer {
    blocks: Blocks<Part>,
    /// Positions of items that have begun.
    begun: Vec<u32>,
    searches: u64,
    started: bool,
    ended: bool,
}

impl ResponsesAnswer {
    /// A decoder at the start of an answer.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn event_of(&mut self, event: Stated<'_>, out: Out<'_>) -> Understood {
        let Stated { kind, data, object: event } = event;
        let mut read = Read::default();
        let item = event.index("output_index").unwrap_or(0);
        let whole = Part { item, kind: Kind::Whole };
        let content =
            || Part { item, kind: Kind::Content(event.index("content_index").unwrap_or(0)) };
        let verb = kind.strip_prefix("response.").unwrap_or(kind);
        match verb {
            "created" | "in_progress" | "queued" => self.start(&event.object("response")?, out),
            "completed" | "incomplete" | "failed" | "cancelled" | "done" => {
                self.end(&event.object("response")?, out);
            }
            "output_item.added" => {
                let json = event.raw("item")?;
                return Some(
                    self.begin(item, &Object::read(json.as_bytes())?, json, out).map(|()| read),
                );
            }
            "output_item.done" => {
                let json = event.raw("item")?;
                let object = Object::read(json.as_bytes())?;
                if !self.begun.contains(&item) {
                    return Some(self.whole(item, &object, json, data, out).map(|()| read));
                }
                read.texts = self.complete(item, &object, data, out);
                read.ends_blocks = self.blocks.stop(|part| part.item == item, out);
            }
            "content_part.added" => {
                let part = event.object("part")?;
                match part.text("type").as_deref() {
                    // Its text comes with events of its item's own.
                    Some("reasoning_text" | "summary_text") => {}
                    _ => read.texts = self.part(content(), &part, data, out)?,
                }
            }
            "content_part.done" => {
                let key = content();
                read.ends_blocks = self.blocks.stop(|part| part == key, out);
            }
            "output_text.delta" | "refusal.delta" => {
                self.blocks.start(content(), text, out);
                read.texts =
                    self.piece(content(), LiveKind::Text, event.raw("delta")?, data, out)?;
            }
            "output_text.done" => {
                read.texts = self.missed(content(), LiveKind::Text, event.raw("text"), data, out);
            }
            "refusal.done" => {
                read.texts =
                    self.missed(content(), LiveKind::Text, event.raw("refusal"), data, out);
            }
            "output_text.annotation.added" => {
                let index = self.blocks.start(content(), text, out);
                out(Delta::Citation { index, json: Cow::Borrowed(event.raw("annotation")?) });
            }
            "reasoning_summary_part.added" => {
                let index = self.blocks.start(whole, thinking, out);
                if self.blocks.has_said(whole) {
                    out(Delta::Thinking { index, text: Cow::Borrowed("\n\n") });
                }
            }
            "reasoning_summary_text.delta" | "reasoning_text.delta" => {
                self.blocks.start(whole, thinking, out);
                read.texts =
                    self.piece(whole, LiveKind::Thinking, event.raw("delta")?, data, out)?;
            }
            "function_call_arguments.delta"
            | "custom_tool_call_input.delta"
            | "mcp_call_arguments.delta"
            | "code_interpreter_call_code.delta" => {
                read.texts =
                    self.piece(whole, LiveKind::ToolInput, event.raw("delta")?, data, out)?;
            }
            "function_call_arguments.done" | "mcp_call_arguments.done" => {
                read.texts =
                    self.missed(whole, LiveKind::ToolInput, event.raw("arguments"), data, out);
            }
            "custom_tool_call_input.done" => {
                read.texts = self.missed(whole, LiveKind::ToolInput, event.raw("input"), data, out);
            }
            "code_interpreter_call_code.done" => {
                read.texts = self.missed(whole, LiveKind::ToolInput, event.raw("code"), data, out);
            }
            "error" => out(error(event)?),
            "keepalive" | "ping" | "codex.rate_limits" => out(Delta::Ping),
            progress if is_progress(progress) => {}
            // The API's own types begin so; who invents one for an error puts the error's class there.
            _ if !kind.starts_with("response.") && event.raw("error").is_some() => {
                out(error(event)?);
            }
            _ => return None,
        }
        Some(Ok(read))
    }

    fn start(&mut self, response: &Object<'_>, out: Out<'_>) {
        if !self.started {
            self.started = true;
            out(Delta::MessageStart {
                id: response.text("id").map(owned),
                model: response.text("model").map(owned),
                role: Some(Cow::Borrowed("assistant")),
            });
        }
    }

    fn end(&mut self, response: &Object<'_>, out: Out<'_>) {
        self.ended = true;
        self.start(response, out);
        self.blocks.stop(|_| true, out);
        if let Some(stated) = response.object("usage") {
            out(Delta::Usage(usage::read(&stated)));
            usage::tier(response, out);
        }
        if self.searches > 0 {
            out(Delta::Usage(Usage {
                web_search_requests: Some(self.searches),
                ..Usage::default()
            }));
        }
        if response.raw("error").is_some()
            && let Some(error) = error(response)
        {
            out(error);
            return;
        }
        let incomplete = response.object("incomplete_details");
        let reason = incomplete
            .and_then(|details| details.text("reason"))
            .or_else(|| response.text("status"));
        if let Some(reason) = reason {
            let is_failure = reason == "failed" || reason == "cancelled";
            out(Delta::Stop { reason: Some(owned(reason)), sequence: None });
            if is_failure {
                return;
            }
        }
        out(Delta::MessageStop);
    }

    /// An item begins.
    fn begin(
        &mut self,
        item: u32,
        object: &Object<'_>,
        json: &str,
        out: Out<'_>,
    ) -> Result<(), Said> {
        if self.begun.len() >= ITEMS_MAX {
            self.begun.remove(0);
        }
        self.begun.push(item);
        let of = Item::of(object);
        if of == Item::Unknown {
            out(Delta::Unknown { kind: object.text("type").unwrap_or_default() });
        }
        if let Some(content) = of.content(object, json) {
            self.blocks.start(Part { item, kind: Kind::Whole }, || content, out);
        }
        if of == Item::Unknown { Err(Said) } else { Ok(()) }
    }

    /// What a finished item says that was not streamed, in the item's own blocks.
    fn complete(
        &mut self,
        item: u32,
        object: &Object<'_>,
        data: &[u8],
        out: Out<'_>,
    ) -> Few<EventText> {
        let whole = Part { item, kind: Kind::Whole };
        match Item::of(object) {
            Item::Reasoning => {
                let index = self.blocks.start(whole, thinking, out);
                let mut places = Few::None;
                if !self.blocks.has_said(whole) {
                    let lists =
                        ["summary", "content"].map(|name| object.raw(name).and_then(elements));
                    for part in lists.into_iter().flatten().flatten() {
                        let Some(part) = Object::read(part.get().as_bytes()) else { continue };
                        let Some(escaped) = part.raw("text").and_then(inner) else { continue };
                        if self.blocks.has_said(whole) {
                            out(Delta::Thinking { index, text: Cow::Borrowed("\n\n") });
                        }
                        let said = self.blocks.say(whole, LiveKind::Thinking, escaped, data, out);
                        places.extend(said);
                    }
                }
                let sealed = object.text("encrypted_content").map_or(0, |text| text.len());
                if sealed > 0 {
                    let bytes = u32::try_from(sealed).unwrap_or(u32::MAX);
                    out(Delta::Signature { index, bytes });
                }
                places
            }
            Item::Call(member) => self.input(whole, object.raw(member), data, out),
            Item::Server(member) => {
                // Opening a page and finding something in it are items of the same type.
                let action = object.object("action").and_then(|action| action.text("type"));
                let is_search = action.is_none_or(|action| action == "search");
                if is_search && object.text("type").is_some_and(|kind| kind == "web_search_call") {
                    self.searches += 1;
                }
                let places = self.input(whole, object.raw(member), data, out);
                self.result(item, object, out);
                places
            }
            Item::Output => {
                self.result(item, object, out);
                Few::None
            }
            Item::Message | Item::Silent | Item::Unknown => Few::None,
        }
    }

    /// What a call gave, in a block of its own.
    fn result(&mut self, item: u32, object: &Object<'_>, out: Out<'_>) {
        if let Some(content) = item::result(object) {
            self.blocks.start(Part { item, kind: Kind::Result }, || content, out);
        }
    }

    /// The input of a call, when none of it was streamed: a text, or any other JSON.
    fn input(
        &mut self,
        part: Part,
        raw: Option<&str>,
        data: &[u8],
        out: Out<'_>,
    ) -> Few<EventText> {
        let Some(raw) = raw else { return Few::None };
        if inner(raw).is_some() || self.blocks.has_said(part) {
            return self.missed(part, LiveKind::ToolInput, Some(raw), data, out);
        }
        let index = self.blocks.start(part, text, out);
        out(Delta::InputJson { index, json: Cow::Borrowed(raw) });
        Few::None
    }

    /// An item of which nothing was told before.
    fn whole(
        &mut self,
        item: u32,
        object: &Object<'_>,
        json: &str,
        data: &[u8],
        out: Out<'_>,
    ) -> Result<(), Said> {
        let begun = self.begin(item, object, json, out);
        let mut known = true;
        if Item::of(object) == Item::Message {
            let parts = object.raw("content").and_then(elements).unwrap_or_default();
            for (position, part) in (0..).zip(parts) {
                let key = Part { item, kind: Kind::Content(position) };
                let part = Object::read(part.get().as_bytes());
                known &= part.is_some_and(|part| self.part(key, &part, data, out).is_some());
            }
        }
        self.complete(item, object, data, out);
        self.blocks.stop(|part| part.item == item, out);
        if known { begun } else { Err(Said) }
    }

    /// A part of a message, and what text it brings along. None when it is of no known type.
    fn part(
        &mut self,
        key: Part,
        part: &Object<'_>,
        data: &[u8],
        out: Out<'_>,
    ) -> Option<Few<EventText>> {
        let member = match part.text("type").as_deref() {
            Some("output_text" | "text") => "text",
            Some("refusal") => "refusal",
            _ => {
                out(Delta::Unknown { kind: part.text("type").unwrap_or_default() });
                return None;
            }
        };
        let index = self.blocks.start(key, text, out);
        let brought = part.raw(member).filter(|raw| *raw != "\"\"");
        let places = match brought {
            Some(raw) => self.piece(key, LiveKind::Text, raw, data, out)?,
            None => Few::None,
        };
        for citation in part.raw("annotations").and_then(elements).unwrap_or_default() {
            out(Delta::Citation { index, json: Cow::Borrowed(citation.get()) });
        }
        Some(places)
    }

    /// A piece of text as it stands in the JSON. None when it is no text, or belongs to nothing.
    fn piece(
        &mut self,
        key: Part,
        kind: LiveKind,
        raw: &str,
        data: &[u8],
        out: Out<'_>,
    ) -> Option<Few<EventText>> {
        self.blocks.say(key, kind, inner(raw)?, data, out).map(Few::One)
    }

    /// The whole of a text whose pieces were not sent.
    fn missed(
        &mut self,
        key: Part,
        kind: LiveKind,
        raw: Option<&str>,
        data: &[u8],
        out: Out<'_>,
    ) -> Few<EventText> {
        let escaped = raw.and_then(inner).filter(|escaped| !escaped.is_empty());
        let missing = escaped.filter(|_| !self.blocks.has_said(key));
        missing.and_then(|escaped| self.blocks.say(key, kind, escaped, data, out)).into()
    }
}

/// Events that tell how far an item is, and nothing else.
fn is_progress(verb: &str) -> bool {
    const ENDS: [&str; 9] = [
        ".in_progress",
        ".searching",
        ".interpreting",
        ".generating",
        ".completed",
        ".failed",
        ".partial_image",
        "reasoning_summary_part.done",
        "_text.done",
    ];
    ENDS.iter().any(|end| verb.ends_with(end))
}

impl ResponseDecoder for ResponsesAnswer {
    fn event<'a>(&mut self, event: &SseEvent<'a>, out: Out<'_>) -> EventFacts<'a> {
        EventFacts::read(event, "type", out, |stated, out| self.event_of(stated, out))
    }

    fn json(&mut self, body: &[u8], out: Out<'_>) -> bool {
        let Some(object) = Object::read(body) else {
            out(Delta::Unknown { kind: Cow::Borrowed("") });
            return false;
        };
        let Some(output) = object.raw("output").and_then(elements) else {
            if object.raw("error").is_some()
                && let Some(error) = error(&object)
            {
                out(error);
                return true;
            }
            out(Delta::Unknown { kind: object.text("object").unwrap_or_default() });
            return false;
        };
        self.start(&object, out);
        let mut known = true;
        for (position, json) in (0..).zip(output) {
            let item = Object::read(json.get().as_bytes());
            known &=
                item.is_some_and(|item| self.whole(position, &item, json.get(), body, out).is_ok());
        }
        self.end(&object, out);
        known
    }

    fn owes(&self) -> Option<&'static str> {
        (!self.ended).then_some("response.completed")
    }
}
