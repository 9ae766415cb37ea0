//! Answers of the Interactions API: events of a stream and whole bodies, both as the same deltas.
//!
//! An interaction is a list of steps, of which one is a thought, a call, a tool's result or what the
//! model says. A stream tells them by `step.start`, `step.delta` and `step.stop`; before there were
//! steps, by `content.start` and so on, one content at a time. Format: the public reference of the
//! Interactions API and its streaming events, and the types of the published Python client.

use std::borrow::Cow;
use std::mem;

use langley_model::{Content, LiveKind};

use super::interaction_item::{self as item, Item};
use super::usage::UsageReader;
use crate::blocks::{Blocks, Out, text, thinking};
use crate::dialect::{Delta, EventFacts, Read, ResponseDecoder, Said, Stated, Understood};
use crate::json::{Object, elements, inner};
use crate::sse::SseEvent;

/// Calls without an answer whose ids are remembered.
const CALLS_MAX: usize = 64;

/// A part of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Part {
    step: u32,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Thought,
    Call,
    /// Something that comes as a whole; the number tells it from others.
    Whole(u32),
}

/// Decodes one answer.
#[derive(Debug, Default)]
pub struct InteractionAnswer {
    blocks: Blocks<Part>,
    usage: UsageReader,
    started: bool,
    ended: bool,
    wholes: u32,
    /// Which call a step of a result answers: its deltas do not say so.
    answers: Vec<(u32, String)>,
}

/// The type of what is not known.
struct Strange<'a>(Cow<'a, str>);

impl InteractionAnswer {
    /// A decoder at the start of an answer.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn read(&mut self, event: Stated<'_>, out: Out<'_>) -> Understood {
        let Stated { kind, data, object: event } = event;
        let mut read = Read::default();
        let step = event.index("index").unwrap_or(0);
        let told = match kind {
            "interaction.created" | "interaction.start" => {
                self.start(&event.object("interaction")?, out);
                Ok(())
            }
            "interaction.completed" | "interaction.complete" => {
                self.end(&event.object("interaction")?, out);
                Ok(())
            }
            "interaction.status_update" => Ok(()),
            "step.start" | "content.start" => {
                let member = kind.strip_suffix(".start")?;
                let json = event.raw(member)?;
                self.item(step, json, &Object::read(json.as_bytes())?, data, &mut read, out)
            }
            "step.delta" | "content.delta" => {
                self.delta(step, &event.object("delta")?, data, &mut read, out)
            }
            "step.stop" | "content.stop" => {
                self.answers.retain(|(of, _)| *of != step);
                read.ends_blocks = self.blocks.stop(|part| part.step == step, out);
                Ok(())
            }
            "error" => {
                super::response::error(event, out);
                Ok(())
            }
            _ => return None,
        };
        Some(told.map(|()| read).map_err(|Strange(kind)| {
            out(Delta::Unknown { kind });
            Said
        }))
    }

    fn start(&mut self, interaction: &Object<'_>, out: Out<'_>) {
        if !self.started {
            self.started = true;
            let model = interaction.text("model").or_else(|| interaction.text("agent"));
            out(Delta::MessageStart {
                id: interaction.text("id"),
                model,
                role: interaction.text("role"),
            });
        }
    }

    fn end(&mut self, interaction: &Object<'_>, out: Out<'_>) {
        self.start(interaction, out);
        self.blocks.stop(|_| true, out);
        if let Some(usage) = interaction.object("usage") {
            out(Delta::Usage(self.usage.read_interaction(&usage)));
        }
        if interaction.raw("error").is_some() {
            return super::response::error(interaction, out);
        }
        let status = interaction.text("status");
        if status.as_deref() == Some("in_progress") {
            return;
        }
        let is_whole = !matches!(status.as_deref(), Some("failed" | "cancelled"));
        out(Delta::Stop { reason: status, sequence: None });
        if !mem::replace(&mut self.ended, true) && is_whole {
            out(Delta::MessageStop);
        }
    }

    /// A step or a content that begins, and what it brings along.
    fn item<'a>(
        &mut self,
        step: u32,
        json: &'a str,
        object: &Object<'a>,
        data: &[u8],
        read: &mut Read,
        out: Out<'_>,
    ) -> Result<(), Strange<'a>> {
        let kind = object.text("type").unwrap_or_default();
        let strange = Strange(kind.clone());
        match Item::of(&kind) {
            Item::Output => {
                for content in object.raw("content").and_then(elements).unwrap_or_default() {
                    let json: &'a str = content.get();
                    let content =
                        Object::read(json.as_bytes()).ok_or(Strange(Cow::Borrowed("")))?;
                    self.item(step, json, &content, data, read, out)?;
                }
                Ok(())
            }
            Item::Input => Ok(()),
            Item::Text => {
                let part = Part { step, kind: Kind::Text };
                self.blocks.start(part, text, out);
                self.say(part, LiveKind::Text, object.raw("text"), data, read, out);
                self.citations(step, object, out);
                Ok(())
            }
            Item::Thought => {
                let part = Part { step, kind: Kind::Thought };
                let index = self.blocks.start(part, thinking, out);
                for piece in object.raw("summary").and_then(elements).unwrap_or_default() {
                    let piece = Object::read(piece.get().as_bytes()).unwrap_or_default();
                    self.say(part, LiveKind::Thinking, piece.raw("text"), data, read, out);
                }
                sign(index, object, out);
                Ok(())
            }
            // An older start says no more than that there will be a call.
            Item::Call if object.raw("name").is_none() => Ok(()),
            Item::Call | Item::Server => {
                self.call(step, &kind, object, out);
                Ok(())
            }
            Item::Result => {
                self.result(step, &kind, object, out);
                Ok(())
            }
            Item::Media => {
                // It may only be announced.
                if object.raw("data").is_some() || object.raw("uri").is_some() {
                    self.whole(step, item::media(&kind, object), out);
                }
                Ok(())
            }
            Item::Unknown => {
                let other = Content::Other { kind: kind.into_owned(), json: json.to_owned() };
                self.whole(step, other, out);
                Err(strange)
            }
        }
    }

    fn delta<'a>(
        &mut self,
        step: u32,
        delta: &Object<'a>,
        data: &[u8],
        read: &mut Read,
        out: Out<'_>,
    ) -> Result<(), Strange<'a>> {
        let kind = delta.text("type").unwrap_or_default();
        match &*kind {
            "thought_summary" => {
                let part = Part { step, kind: Kind::Thought };
                self.blocks.start(part, thinking, out);
                let content = delta.object("content").unwrap_or_default();
                match content.text("type").as_deref() {
                    Some("image") => self.whole(step, item::media("image", &content), out),
                    _ => self.say(part, LiveKind::Thinking, content.raw("text"), data, read, out),
                }
            }
            "thought_signature" => {
                let part = Part { step, kind: Kind::Thought };
                sign(self.blocks.start(part, thinking, out), delta, out);
            }
            "text_annotation_delta" | "text_annotation" => self.citations(step, delta, out),
            "arguments_delta" => {
                let part = Part { step, kind: Kind::Call };
                let piece = delta.raw("partial_arguments").or_else(|| delta.raw("arguments"));
                if piece.is_some() && !self.blocks.is_open(part) {
                    return Err(Strange(kind));
                }
                self.say(part, LiveKind::ToolInput, piece, data, read, out);
            }
            "text" => return self.item(step, "", delta, data, read, out),
            _ => match Item::of(&kind) {
                Item::Call | Item::Server => self.call(step, &kind, delta, out),
                Item::Result => self.result(step, &kind, delta, out),
                Item::Media => self.whole(step, item::media(&kind, delta), out),
                _ => return Err(Strange(kind)),
            },
        }
        Ok(())
    }

    /// A call, and its arguments when they are told as a whole.
    fn call(&mut self, step: u32, kind: &str, object: &Object<'_>, out: Out<'_>) {
        let part = Part { step, kind: Kind::Call };
        let index = self.blocks.start(part, || item::call(kind, object), out);
        // A stream writes `{}` here and sends the arguments in pieces.
        let arguments = object.raw("arguments").filter(|raw| raw.len() > "{}".len());
        if let Some(json) = arguments {
            out(Delta::InputJson { index, json: Cow::Borrowed(json) });
        }
    }

    fn result(&mut self, step: u32, kind: &str, object: &Object<'_>, out: Out<'_>) {
        if let Some(call) = object.text("call_id") {
            if self.answers.len() >= CALLS_MAX {
                self.answers.remove(0);
            }
            self.answers.push((step, call.into_owned()));
        }
        if let Some(json) = object.raw("result") {
            let known = self.answers.iter().rev().find(|(of, _)| *of == step);
            let call = known.map(|(_, call)| call.clone()).unwrap_or_default();
            self.whole(step, item::result(kind, &call, json), out);
        }
    }

    /// A block that is told as a whole.
    fn whole(&mut self, step: u32, content: Content, out: Out<'_>) {
        self.wholes = self.wholes.wrapping_add(1);
        let part = Part { step, kind: Kind::Whole(self.wholes) };
        self.blocks.start(part, || content, out);
        self.blocks.stop(|open| open == part, out);
    }

    fn citations(&mut self, step: u32, object: &Object<'_>, out: Out<'_>) {
        for citation in object.raw("annotations").and_then(elements).unwrap_or_default() {
            let index = self.blocks.start(Part { step, kind: Kind::Text }, text, out);
            out(Delta::Citation { index, json: Cow::Borrowed(citation.get()) });
        }
    }

    /// A piece of a part's text as it stands in the JSON, when there is one.
    fn say(
        &mut self,
        part: Part,
        kind: LiveKind,
        raw: Option<&str>,
        data: &[u8],
        read: &mut Read,
        out: Out<'_>,
    ) {
        if let Some(escaped) = raw.and_then(inner).filter(|escaped| !escaped.is_empty()) {
            read.texts.extend(self.blocks.say(part, kind, escaped, data, out));
        }
    }
}

/// The signature of a thought.
fn sign(index: u32, holder: &Object<'_>, out: Out<'_>) {
    if let Some(signature) = holder.text("signature") {
        let bytes = u32::try_from(signature.len()).unwrap_or(u32::MAX);
        out(Delta::Signature { index, bytes });
    }
}

impl ResponseDecoder for InteractionAnswer {
    fn event<'a>(&mut self, event: &SseEvent<'a>, out: Out<'_>) -> EventFacts<'a> {
        if event.data.trim_ascii() == b"[DONE]" {
            return EventFacts::plain("[DONE]");
        }
        EventFacts::read(event, "event_type", out, |stated, out| self.read(stated, out))
    }

    fn json(&mut self, body: &[u8], out: Out<'_>) -> bool {
        let object = Object::read(body).unwrap_or_default();
        let items = object.raw("steps").or_else(|| object.raw("outputs")).and_then(elements);
        if items.is_none() && object.raw("error").is_some() {
            super::response::error(&object, out);
            return true;
        }
        // One that runs in the background has nothing to say yet.
        if items.is_none() && object.raw("status").is_none() {
            out(Delta::Unknown { kind: Cow::Borrowed("") });
            return false;
        }
        self.start(&object, out);
        let (mut known, mut read) = (true, Read::default());
        for (step, json) in (0..).zip(items.unwrap_or_default()) {
            let item = Object::read(json.get().as_bytes()).unwrap_or_default();
            if let Err(Strange(kind)) = self.item(step, json.get(), &item, body, &mut read, out) {
                known = false;
                out(Delta::Unknown { kind });
            }
            self.blocks.stop(|part| part.step == step, out);
        }
        self.end(&object, out);
        known
    }

    fn owes(&self) -> Option<&'static str> {
        (!self.ended).then_some("interaction.completed")
    }
}
