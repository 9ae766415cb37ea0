//! Answers of Gemini: one JSON body, or a stream whose chunks have the form of such bodies. Blocks
//! are not marked there: parts of one kind that follow each other are one block.

use std::borrow::Cow;
use std::mem;

use langley_model::{Content, Credential, EventText, Few, LiveKind, Tokens};

use super::part;
use super::partial::PartialArgs;
use super::usage::UsageReader;
use crate::dialect::{Delta, EventFacts, ResponseDecoder, place};
use crate::json::{Object, elements, inner, unescape};
use crate::sse::SseEvent;

/// Decodes one answer.
///
/// Some models and gateways state a reason for finishing in every chunk, so nothing is over with
/// one: what follows is read on into the same block, and a further reason is only said when it is
/// another one. For that reason [`EventFacts::ends_blocks`] names a block only when another follows.
#[derive(Debug, Default)]
pub struct GeminiResponse {
    begun: bool,
    usage: UsageReader,
    /// The index of the next block.
    next: u32,
    /// The block that a text of its kind would continue.
    open: Option<Open>,
    /// The latest block of each of these kinds.
    text: Option<u32>,
    thinking: Option<u32>,
    /// The call whose arguments come in pieces.
    call: Option<OpenCall>,
    /// Number of texts among such arguments.
    values: u32,
    /// Why it stopped, once it said so.
    reason: Option<String>,
}

/// A call whose arguments come in pieces.
#[derive(Debug)]
struct OpenCall {
    /// Its block; none when its beginning was lost. Its texts are followed all the same, because
    /// what is a secret in them only their paths say.
    index: Option<u32>,
    args: PartialArgs,
}

/// A block of text.
#[derive(Clone, Copy, Debug)]
struct Open {
    index: u32,
    kind: LiveKind,
    /// Whether its end was handed out, at a reason for finishing.
    is_stopped: bool,
}

/// What one chunk was.
#[derive(Default)]
struct Read<'a> {
    texts: Few<Said<'a>>,
    ends_blocks: Few<u32>,
    unknown: bool,
}

/// A text that a chunk adds to a block.
#[derive(Clone, Copy)]
struct Said<'a> {
    block: u32,
    kind: LiveKind,
    credential: Option<Credential>,
    escaped: &'a str,
}

type Out<'o> = &'o mut dyn FnMut(Delta<'_>);

impl Read<'_> {
    /// Something in it is of a type that is not known.
    fn unknown(&mut self, kind: Cow<'_, str>, out: Out<'_>) {
        self.unknown = true;
        out(Delta::Unknown { kind });
    }
}

impl GeminiResponse {
    /// A decoder at the start of an answer.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl ResponseDecoder for GeminiResponse {
    fn event<'a>(&mut self, event: &SseEvent<'a>, out: Out<'_>) -> EventFacts<'a> {
        let mut read = Read::default();
        self.chunk(event.data, &mut read, out);
        let mut texts = Few::None;
        texts.extend(read.texts.iter().map(|said| EventText {
            credential: said.credential,
            ..place(said.block, said.kind, event.data, said.escaped)
        }));
        EventFacts { kind: event.name, texts, ends_blocks: read.ends_blocks, known: !read.unknown }
    }

    fn json(&mut self, body: &[u8], out: Out<'_>) -> bool {
        let mut read = Read::default();
        let array = std::str::from_utf8(body).ok().and_then(elements);
        match array.filter(|chunks| !chunks.is_empty()) {
            // A stream that was not asked for as events.
            Some(chunks) => {
                chunks.iter().for_each(|c| self.chunk(c.get().as_bytes(), &mut read, out));
            }
            None => self.chunk(body, &mut read, out),
        }
        !read.unknown
    }

    fn owes(&self) -> Option<&'static str> {
        self.reason.is_none().then_some("a finishReason")
    }
}

impl GeminiResponse {
    /// Reads a chunk of a stream or a whole body.
    fn chunk<'a>(&mut self, data: &'a [u8], read: &mut Read<'a>, out: Out<'_>) {
        let Some(outer) = Object::read(data) else {
            return read.unknown(Cow::Borrowed(""), out);
        };
        // Code assist wraps each chunk.
        let chunk = outer.object("response").unwrap_or(outer);
        let has = |name| chunk.raw(name).is_some();
        if has("error") {
            return error(&chunk, out);
        }
        let parts = ["candidates", "promptFeedback", "usageMetadata", "modelVersion", "responseId"];
        if !parts.into_iter().any(has) {
            return match chunk.number("totalTokens") {
                Some(total) => out(Delta::TokenCount(Tokens(total))),
                None => read.unknown(Cow::Borrowed(""), out),
            };
        }
        let candidates: Vec<Object<'a>> = chunk
            .raw("candidates")
            .and_then(elements)
            .unwrap_or_default()
            .into_iter()
            .filter_map(|candidate| Object::read(candidate.get().as_bytes()))
            .collect();
        self.begin(&chunk, candidates.first(), out);
        if let Some(usage) = chunk.object("usageMetadata") {
            self.usage.tell(&usage, out);
        }
        for candidate in &candidates {
            match candidate.number("index").unwrap_or(0) {
                0 => self.candidate(candidate, read, out),
                // A message is one answer; the others are left in the data.
                _ => read.unknown(Cow::Borrowed("candidates"), out),
            }
        }
        if let Some(reason) = chunk.object("promptFeedback").and_then(|it| it.text("blockReason")) {
            self.finish(reason, out);
        }
    }

    fn begin(&mut self, chunk: &Object<'_>, candidate: Option<&Object<'_>>, out: Out<'_>) {
        if !mem::replace(&mut self.begun, true) {
            let content = candidate.and_then(|candidate| candidate.object("content"));
            out(Delta::MessageStart {
                id: chunk.text("responseId"),
                model: chunk.text("modelVersion"),
                role: content.and_then(|content| content.text("role")),
            });
        }
    }

    fn candidate<'a>(&mut self, candidate: &Object<'a>, read: &mut Read<'a>, out: Out<'_>) {
        let content = candidate.object("content");
        let parts = content.and_then(|content| content.raw("parts")).and_then(elements);
        for part in parts.unwrap_or_default() {
            self.part(part.get(), read, out);
        }
        self.citations(candidate, out);
        if let Some(reason) = candidate.text("finishReason") {
            self.finish(reason, out);
        }
    }

    fn part<'a>(&mut self, json: &'a str, read: &mut Read<'a>, out: Out<'_>) {
        let Some(part) = Object::read(json.as_bytes()) else {
            return read.unknown(Cow::Borrowed(""), out);
        };
        let call = part.object("functionCall");
        if let Some(call) = call.filter(|call| self.is_in_pieces(call)) {
            return self.piece(&call, read, out);
        }
        self.end_call(read, out);
        if let Some(raw) = part.raw("text") {
            let is_thought = part.flag("thought").unwrap_or_default();
            let kind = if is_thought { LiveKind::Thinking } else { LiveKind::Text };
            let Some((escaped, text)) = inner(raw).and_then(|it| Some((it, unescape(it)?))) else {
                return read.unknown(Cow::Borrowed("text"), out);
            };
            if !escaped.is_empty() {
                let index = self.continued(kind, read, out);
                read.texts.push(Said { block: index, kind, credential: None, escaped });
                out(Delta::fragment(index, kind, text));
            }
        } else if let Some(whole) = part::whole(json, &part) {
            self.close(read, out);
            if let Some(kind) = whole.unknown {
                read.unknown(kind, out);
            }
            let index = self.start(whole.content, out);
            if let Some(input) = whole.input {
                out(Delta::InputJson { index, json: Cow::Borrowed(input) });
            }
            out(Delta::BlockStop { index });
        }
        // Whatever part carries it, it is the thoughts that are signed.
        if let (Some(index), Some(signature)) = (self.thinking, part.text("thoughtSignature")) {
            let bytes = u32::try_from(signature.len()).unwrap_or(u32::MAX);
            out(Delta::Signature { index, bytes });
        }
    }

    /// Whether a call's arguments come in pieces.
    fn is_in_pieces(&self, call: &Object<'_>) -> bool {
        let goes_on = call.flag("willContinue").unwrap_or_default();
        let is_named = call.raw("name").is_some();
        goes_on || call.raw("partialArgs").is_some() || (!is_named && self.call.is_some())
    }

    /// A call whose arguments are told by path, or a further piece of them.
    fn piece<'a>(&mut self, call: &Object<'a>, read: &mut Read<'a>, out: Out<'_>) {
        if call.raw("name").is_some() {
            self.end_call(read, out);
            self.close(read, out);
            let index = self.start(part::call(call), out);
            self.call = Some(OpenCall { index: Some(index), args: PartialArgs::default() });
        }
        let lost = || OpenCall { index: None, args: PartialArgs::default() };
        let OpenCall { index, args } = self.call.get_or_insert_with(lost);
        let index = *index;
        let mut tell = |json: Cow<'_, str>| {
            if let Some(index) = index.filter(|_| !json.is_empty()) {
                out(Delta::InputJson { index, json });
            }
        };
        let mut is_known = index.is_some();
        for element in call.raw("partialArgs").and_then(elements).unwrap_or_default() {
            let element = Object::read(element.get().as_bytes());
            let Some(piece) = element.and_then(|element| args.read(&element)) else {
                is_known = false;
                continue;
            };
            if piece.begins {
                self.values = self.values.wrapping_add(1);
            }
            // Each value is a text of its own to whoever follows it: two of them are never one word.
            let value = u32::MAX - self.values;
            tell(Cow::Owned(piece.before));
            if let Some(text) = piece.text.filter(|text| !text.is_empty()) {
                let (kind, credential) = (LiveKind::ToolInput, args.credential());
                read.texts.push(Said { block: value, kind, credential, escaped: text });
                // The arguments are JSON: there the text keeps its escapes.
                tell(Cow::Borrowed(text));
            }
            if piece.is_last {
                read.ends_blocks.push(value);
                tell(Cow::Borrowed(args.end_text()));
            }
        }
        if !is_known {
            read.unknown(Cow::Borrowed("partialArgs"), out);
        }
        if !call.flag("willContinue").unwrap_or_default() {
            self.end_call(read, out);
        }
    }

    /// The arguments of the open call are whole.
    fn end_call(&mut self, read: &mut Read<'_>, out: Out<'_>) {
        if let Some(OpenCall { index, mut args }) = self.call.take() {
            read.ends_blocks.push(u32::MAX - self.values);
            let Some(index) = index else { return };
            let rest = args.finish();
            if !rest.is_empty() {
                out(Delta::InputJson { index, json: Cow::Owned(rest) });
            }
            read.ends_blocks.push(index);
            out(Delta::BlockStop { index });
        }
    }

    /// The sources of the text so far.
    fn citations(&self, candidate: &Object<'_>, out: Out<'_>) {
        let Some(index) = self.text else { return };
        for (metadata, list) in [
            ("citationMetadata", "citationSources"),
            ("citationMetadata", "citations"),
            ("groundingMetadata", "groundingChunks"),
        ] {
            let metadata = candidate.object(metadata);
            let sources = metadata.and_then(|metadata| metadata.raw(list)).and_then(elements);
            for source in sources.unwrap_or_default() {
                out(Delta::Citation { index, json: Cow::Borrowed(source.get()) });
            }
        }
    }

    /// The block that a text of this kind belongs to, begun when it is new.
    fn continued(&mut self, kind: LiveKind, read: &mut Read<'_>, out: Out<'_>) -> u32 {
        if let Some(open) = self.open.filter(|open| open.kind == kind) {
            return open.index;
        }
        self.close(read, out);
        let text = String::new();
        let is_thinking = kind == LiveKind::Thinking;
        let content = if is_thinking {
            Content::Thinking { text, signature_bytes: 0 }
        } else {
            Content::Text { text, citations: Vec::new() }
        };
        let index = self.start(content, out);
        *(if is_thinking { &mut self.thinking } else { &mut self.text }) = Some(index);
        self.open = Some(Open { index, kind, is_stopped: false });
        index
    }

    fn start(&mut self, content: Content, out: Out<'_>) -> u32 {
        let index = self.next;
        self.next = self.next.saturating_add(1);
        out(Delta::BlockStart { index, content });
        index
    }

    /// Ends the block of text, because something else follows.
    fn close(&mut self, read: &mut Read<'_>, out: Out<'_>) {
        if let Some(Open { index, is_stopped, .. }) = self.open.take() {
            read.ends_blocks.push(index);
            if !is_stopped {
                out(Delta::BlockStop { index });
            }
        }
    }

    fn finish(&mut self, reason: Cow<'_, str>, out: Out<'_>) {
        if let Some(open) = &mut self.open
            && !mem::replace(&mut open.is_stopped, true)
        {
            out(Delta::BlockStop { index: open.index });
        }
        if self.reason.as_deref() != Some(&*reason) {
            let before = self.reason.replace(reason.to_string());
            out(Delta::Stop { reason: Some(reason), sequence: None });
            if before.is_none() {
                out(Delta::MessageStop);
            }
        }
    }
}

/// `{"error": {"code": …, "message": …, "status": …}}`; gateways in between also say
/// `{"error": "…"}`.
pub(super) fn error(chunk: &Object<'_>, out: Out<'_>) {
    match chunk.object("error") {
        Some(error) => out(Delta::Error {
            kind: error
                .text("status")
                .or_else(|| error.text("code"))
                .or_else(|| error.raw("code").map(Cow::Borrowed)),
            message: error.text("message"),
        }),
        None => out(Delta::Error { kind: None, message: chunk.text("error") }),
    }
}
