//! Answers of Chat Completions: chunks of a stream and whole bodies, both as the same deltas.

use std::borrow::Cow;

use langley_model::{Content, EventText, Few, LiveKind};

use super::{chat_part, error, usage};
use crate::blocks::{Blocks, Out, text, thinking};
use crate::dialect::{Delta, EventFacts, ResponseDecoder};
use crate::json::{Element, Object, elements, inner, stated};
use crate::sse::SseEvent;

/// What ends a stream, in place of a chunk.
const DONE: &[u8] = b"[DONE]";

/// Choices whose end is watched; an answer with more ends with its stream.
const CHOICES_MAX: u32 = 64;

/// Calls whose ids are remembered.
const CALLS_MAX: usize = 256;

/// The position of a call in the form that was before `tool_calls`.
const LEGACY_CALL: u32 = u32::MAX;

/// A part of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Part {
    choice: u32,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Thinking,
    Text,
    Refusal,
    Call(u32),
    /// A call that the provider runs itself.
    Server(u32),
    /// Something that comes as a whole.
    Whole(u32),
}

/// Decodes one answer.
#[derive(Debug, Default)]
pub struct ChatAnswer {
    blocks: Blocks<Part>,
    /// The ids of calls: some hosts give all calls the same position.
    calls: Vec<(Part, String)>,
    started: bool,
    stopped: bool,
    ended: bool,
    /// The latest text of the first choice, and whether its sources were told.
    text: Option<u32>,
    sourced: bool,
    /// Blocks that came as a whole.
    wholes: u32,
    /// Choices that spoke, and those of them that have a reason to have ended; a bit each.
    speaking: u64,
    finished: u64,
}

impl ChatAnswer {
    /// A decoder at the start of an answer.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn end(&mut self, out: Out<'_>) {
        if !self.ended {
            self.ended = true;
            out(Delta::MessageStop);
        }
    }

    fn start(&mut self, object: &Object<'_>, role: Option<Cow<'_, str>>, out: Out<'_>) {
        if !self.started {
            self.started = true;
            let role = role.unwrap_or(Cow::Borrowed("assistant"));
            let filled =
                |text: Option<Cow<'_, str>>| text.filter(|text| !text.is_empty()).map(super::owned);
            out(Delta::MessageStart {
                id: filled(object.text("id")),
                model: filled(object.text("model")),
                role: Some(super::owned(role)),
            });
        }
    }

    /// Reads a chunk or a whole body; the parts of its choices lie in `member`. None when nothing in it
    /// is known.
    fn read<'d>(
        &mut self,
        data: &'d [u8],
        object: &Object<'_>,
        member: &str,
        out: Out<'_>,
    ) -> Option<Read<'d>> {
        let mut read = Read { data, texts: Few::None, ends_blocks: Few::None, unknown: false };
        if object.raw("error").is_some() {
            out(error(object)?);
            return Some(read);
        }
        let choices = elements(object.raw("choices")?)?;
        for choice in &choices {
            let choice = Object::read(choice.get().as_bytes())?;
            let number = choice.index("index").unwrap_or(0);
            if choice.raw("error").is_some()
                && let Some(error) = error(&choice)
            {
                out(error);
            }
            // Moonshot's place for it.
            self.stated(object, choice.object("usage"), out);
            let said = choice.object(member);
            self.start(object, said.as_ref().and_then(|said| said.text("role")), out);
            if let Some(said) = &said {
                self.watch(number);
                let known = self.parts(number, said, &mut read, out);
                read.unknown |= !known;
            }
            // As the older completions say it, and DeepSeek at Bedrock, which has a reason of another name.
            let plain = choice.raw("text").filter(|_| said.is_none());
            if let Some(escaped) = plain.and_then(inner).filter(|escaped| !escaped.is_empty()) {
                self.watch(number);
                let part = Part { choice: number, kind: Kind::Text };
                read.unknown |= !self.say(part, LiveKind::Text, escaped, &mut read, out);
            }
            let named = if plain.is_some() { choice.text("stop_reason") } else { None };
            // Some hosts write an empty reason in every chunk.
            let reason = choice.text("finish_reason").or(named).filter(|reason| !reason.is_empty());
            if let Some(reason) = reason {
                self.finish(number, &reason, &mut read, out);
            }
        }
        // Azure's first chunk names nothing.
        if choices.is_empty() && object.text("id").is_some_and(|id| !id.is_empty()) {
            self.start(object, None, out);
        }
        let stated = object.object("usage");
        // Groq's first place for it.
        self.stated(object, stated.or_else(|| object.object("x_groq")?.object("usage")), out);
        self.sources(object, out);
        Some(read)
    }

    fn stated(&self, answer: &Object<'_>, usage: Option<Object<'_>>, out: Out<'_>) {
        if let Some(usage) = usage {
            out(Delta::Usage(usage::read(&usage)));
            usage::tier(answer, out);
            if let Some(cost) = usage::cost(&usage) {
                out(Delta::Cost(cost));
            }
        }
    }

    /// Sources of the answer as a list of addresses beside the choices (xAI, Perplexity), which some
    /// hosts repeat in every chunk.
    fn sources(&mut self, object: &Object<'_>, out: Out<'_>) {
        let part = Part { choice: 0, kind: Kind::Text };
        let Some(index) = self.blocks.index(part).or(self.text).filter(|_| !self.sourced) else {
            return;
        };
        for source in object.raw("citations").and_then(elements).unwrap_or_default() {
            self.sourced = true;
            let json = match inner(source.get()) {
                Some(_) => Cow::Owned(format!(r#"{{"url":{}}}"#, source.get())),
                None => Cow::Borrowed(source.get()),
            };
            out(Delta::Citation { index, json });
        }
    }

    fn watch(&mut self, choice: u32) {
        if choice < CHOICES_MAX {
            self.speaking |= 1 << choice;
        }
    }

    /// A choice has a reason to have ended: with the last of them the answer is whole.
    fn finish(&mut self, choice: u32, reason: &str, read: &mut Read<'_>, out: Out<'_>) {
        read.ends(&self.blocks.stop(|part| part.choice == choice, out));
        self.calls.retain(|(part, _)| part.choice != choice);
        if !self.stopped {
            self.stopped = true;
            out(Delta::Stop { reason: Some(Cow::Borrowed(reason)), sequence: None });
        }
        self.watch(choice);
        if choice < CHOICES_MAX {
            self.finished |= 1 << choice;
            if self.finished == self.speaking {
                self.end(out);
            }
        }
    }

    /// Hands out the parts of one choice. Returns whether all of them are known.
    fn parts(&mut self, choice: u32, said: &Object<'_>, read: &mut Read<'_>, out: Out<'_>) -> bool {
        let mut known = true;
        let texts = [
            // Two names for the same, after the hosts that had it first.
            (["reasoning_content", "reasoning"], Kind::Thinking, LiveKind::Thinking),
            (["content", ""], Kind::Text, LiveKind::Text),
            (["refusal", ""], Kind::Refusal, LiveKind::Text),
        ];
        for (names, kind, live) in texts {
            let Some(raw) = names.iter().find_map(|name| said.raw(name)) else { continue };
            let Some(escaped) = inner(raw) else {
                known &= match elements(raw) {
                    Some(parts) => self.contents(choice, &parts, read, out),
                    None => {
                        out(Delta::Unknown { kind: Cow::Borrowed(names[0]) });
                        false
                    }
                };
                continue;
            };
            if !escaped.is_empty() {
                let part = Part { choice, kind };
                known &= self.say(part, live, escaped, read, out);
            }
        }
        self.aside(choice, said, read, out);
        for (position, call) in
            (0..).zip(said.raw("tool_calls").and_then(elements).unwrap_or_default())
        {
            let call = Object::read(call.get().as_bytes());
            known &= call.is_some_and(|call| self.call(choice, position, &call, read, out));
        }
        if let Some(call) = said.object("function_call") {
            known &= self.function(
                Part { choice, kind: Kind::Call(LEGACY_CALL) },
                "",
                &call,
                "arguments",
                read,
                out,
            );
        }
        for citation in said.raw("annotations").and_then(elements).unwrap_or_default() {
            let part = Part { choice, kind: Kind::Text };
            let index = self.blocks.start(part, text, out);
            out(Delta::Citation { index, json: Cow::Borrowed(citation.get()) });
        }
        known
    }

    /// A piece of text of one kind; what was spoken before in the choice has ended.
    fn say(
        &mut self,
        part: Part,
        live: LiveKind,
        escaped: &str,
        read: &mut Read<'_>,
        out: Out<'_>,
    ) -> bool {
        self.quiet(part, read, out);
        let begin = if live == LiveKind::Thinking { thinking } else { text };
        let index = self.blocks.start(part, begin, out);
        if part == (Part { choice: 0, kind: Kind::Text }) {
            self.text = Some(index);
        }
        let said = self.blocks.say(part, live, escaped, read.data, out);
        read.texts.extend(said);
        said.is_some()
    }

    /// Content as a list of parts, as Mistral writes it. Returns whether all of them are known.
    fn contents(
        &mut self,
        choice: u32,
        parts: &[Element<'_>],
        read: &mut Read<'_>,
        out: Out<'_>,
    ) -> bool {
        let mut known = true;
        for json in parts {
            let Some(part) = Object::read(json.get().as_bytes()) else { continue };
            let text_part = Part { choice, kind: Kind::Text };
            let mut say = |raw: Option<&str>, kind, live| match raw.and_then(inner) {
                Some("") => true,
                Some(escaped) => self.say(Part { choice, kind }, live, escaped, read, out),
                None => false,
            };
            known &= match part.text("type").as_deref() {
                Some("text") => say(part.raw("text"), Kind::Text, LiveKind::Text),
                Some("thinking") => {
                    part.raw("thinking").and_then(elements).unwrap_or_default().iter().all(|json| {
                        let piece = Object::read(json.get().as_bytes());
                        let raw = piece.and_then(|piece| piece.raw("text"));
                        say(raw, Kind::Thinking, LiveKind::Thinking)
                    })
                }
                Some("reference") => {
                    let index = self.blocks.start(text_part, text, out);
                    out(Delta::Citation { index, json: Cow::Borrowed(json.get()) });
                    true
                }
                Some("image_url") => {
                    self.whole(choice, chat_part::image(&part), read, out);
                    true
                }
                kind => {
                    out(Delta::Unknown { kind: Cow::Owned(kind.unwrap_or("content").to_owned()) });
                    false
                }
            };
        }
        known
    }

    /// What stands beside the text: images, what was said aloud, and calls that the host ran itself.
    fn aside(&mut self, choice: u32, said: &Object<'_>, read: &mut Read<'_>, out: Out<'_>) {
        for image in said.raw("images").and_then(elements).unwrap_or_default() {
            if let Some(image) = Object::read(image.get().as_bytes()) {
                self.whole(choice, chat_part::image(&image), read, out);
            }
        }
        let audio = said.object("audio");
        let transcript = audio.as_ref().and_then(|audio| inner(audio.raw("transcript")?));
        if let Some(escaped) = transcript.filter(|escaped| !escaped.is_empty()) {
            self.say(Part { choice, kind: Kind::Text }, LiveKind::Text, escaped, read, out);
        }
        let tools = said.raw("executed_tools").and_then(elements).unwrap_or_default();
        for (position, tool) in (0..).zip(tools) {
            let tool = Object::read(tool.get().as_bytes()).unwrap_or_default();
            let kind = Kind::Server(tool.index("index").unwrap_or(position));
            let part = Part { choice, kind };
            self.quiet(part, read, out);
            self.blocks.start(part, || chat_part::server_call(&tool), out);
            let arguments = tool.raw("arguments").and_then(inner);
            if let Some(escaped) = arguments.filter(|_| !self.blocks.has_said(part)) {
                read.texts.extend(self.blocks.say(
                    part,
                    LiveKind::ToolInput,
                    escaped,
                    read.data,
                    out,
                ));
            }
            if let Some(result) = chat_part::server_result(&tool) {
                self.whole(choice, result, read, out);
            }
        }
    }

    /// A block that comes as a whole; the text before it has ended.
    fn whole(&mut self, choice: u32, content: Content, read: &mut Read<'_>, out: Out<'_>) {
        self.wholes = self.wholes.wrapping_add(1);
        let part = Part { choice, kind: Kind::Whole(self.wholes) };
        self.quiet(part, read, out);
        self.blocks.start(part, || content, out);
        self.blocks.stop(|open| open == part, out);
    }

    /// Ends the texts of a choice that are other than `part`.
    fn quiet(&mut self, part: Part, read: &mut Read<'_>, out: Out<'_>) {
        let is_other = |open: Part| {
            let is_call = matches!(open.kind, Kind::Call(_) | Kind::Server(_));
            open.choice == part.choice && open != part && !is_call
        };
        read.ends(&self.blocks.stop(is_other, out));
    }

    fn call(
        &mut self,
        choice: u32,
        position: u32,
        call: &Object<'_>,
        read: &mut Read<'_>,
        out: Out<'_>,
    ) -> bool {
        let part = Part { choice, kind: Kind::Call(call.index("index").unwrap_or(position)) };
        let id = call.owned("id");
        let known = self.calls.iter().find(|(of, _)| *of == part);
        if known.is_some_and(|(_, known)| !id.is_empty() && *known != id) {
            read.ends(&self.blocks.stop(|open| open == part, out));
            self.calls.retain(|(of, _)| *of != part);
        }
        match (call.object("function"), call.object("custom")) {
            (Some(function), _) => self.function(part, &id, &function, "arguments", read, out),
            (None, Some(custom)) => self.function(part, &id, &custom, "input", read, out),
            (None, None) => false,
        }
    }

    /// A call's name and a piece of its arguments, which lie in `member`.
    fn function(
        &mut self,
        part: Part,
        id: &str,
        function: &Object<'_>,
        member: &str,
        read: &mut Read<'_>,
        out: Out<'_>,
    ) -> bool {
        self.quiet(part, read, out);
        if !self.blocks.is_open(part) {
            if self.calls.len() >= CALLS_MAX {
                self.calls.remove(0);
            }
            self.calls.push((part, id.to_owned()));
        }
        self.blocks.start(
            part,
            || Content::ToolUse {
                id: id.to_owned(),
                name: function.owned("name"),
                input: String::new(),
            },
            out,
        );
        let Some(escaped) = function.raw(member).and_then(inner).filter(|text| !text.is_empty())
        else {
            return true;
        };
        let said = self.blocks.say(part, LiveKind::ToolInput, escaped, read.data, out);
        read.texts.extend(said);
        said.is_some()
    }
}

/// What one chunk was.
struct Read<'d> {
    /// Its data.
    data: &'d [u8],
    texts: Few<EventText>,
    ends_blocks: Few<u32>,
    unknown: bool,
}

impl Read<'_> {
    fn ends(&mut self, blocks: &Few<u32>) {
        self.ends_blocks.extend(blocks.iter().copied());
    }
}

impl ResponseDecoder for ChatAnswer {
    fn event<'a>(&mut self, event: &SseEvent<'a>, out: Out<'_>) -> EventFacts<'a> {
        if event.data.trim_ascii() == DONE {
            self.end(out);
            return EventFacts::plain("[DONE]");
        }
        let object = Object::read(event.data);
        let failed = object.as_ref().is_some_and(|object| object.raw("error").is_some());
        let kind = if failed { "error" } else { stated(object.as_ref(), "object", event.name) };
        match object.and_then(|object| self.read(event.data, &object, "delta", out)) {
            Some(Read { texts, ends_blocks, unknown, .. }) => {
                EventFacts { kind, texts, ends_blocks, known: !unknown }
            }
            None => {
                out(Delta::Unknown { kind: Cow::Borrowed(kind) });
                EventFacts::unknown(kind)
            }
        }
    }

    fn json(&mut self, body: &[u8], out: Out<'_>) -> bool {
        let object = Object::read(body);
        let read = object.as_ref().and_then(|object| self.read(body, object, "message", out));
        if let Some(read) = read {
            return !read.unknown;
        }
        let kind = object.and_then(|object| object.text("object")).unwrap_or_default();
        out(Delta::Unknown { kind });
        false
    }

    fn owes(&self) -> Option<&'static str> {
        (!self.ended).then_some("a finish_reason or [DONE]")
    }
}
