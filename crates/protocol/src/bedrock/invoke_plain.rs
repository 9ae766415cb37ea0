//! InvokeModel's answers of models that speak plain text: Llama, Mistral, Titan, Command and their like, told apart
//! by the members they have. Formats: the inference parameters of these models in Bedrock's user guide.

use std::borrow::Cow;

use langley_model::{LiveKind, Tokens, Usage};

use crate::blocks::{Blocks, Out, text};
use crate::dialect::{Delta, Read};
use crate::json::{Object, elements, inner};

/// Where a model of plain text puts what.
struct Form<'a> {
    text: Option<&'a str>,
    reason: Option<Cow<'a, str>>,
    input: Option<u64>,
    output: Option<u64>,
}

/// Answers that are no message.
const SILENT: [&str; 5] = ["embedding", "embeddings", "embeddingsByType", "images", "artifacts"];

/// An answer of plain text on its way.
#[derive(Debug, Default)]
pub(super) struct PlainText {
    blocks: Blocks<()>,
    started: bool,
    ended: bool,
}

impl PlainText {
    /// Reads a chunk or a whole body. None when it is of no such model.
    pub(super) fn read(&mut self, data: &[u8], object: &Object<'_>, out: Out<'_>) -> Option<Read> {
        let mut read = Read::default();
        let Some(form) = form(object) else {
            SILENT.iter().find(|name| object.raw(name).is_some())?;
            out(Delta::Served { model: None });
            let input = object.number("inputTextTokenCount").map(Tokens);
            out(Delta::Usage(Usage { input, ..Usage::default() }));
            return Some(read);
        };
        if !self.started {
            self.started = true;
            out(Delta::MessageStart { id: None, model: None, role: None });
        }
        if let Some(escaped) = form.text.and_then(inner).filter(|escaped| !escaped.is_empty()) {
            self.blocks.start((), text, out);
            read.texts.extend(self.blocks.say((), LiveKind::Text, escaped, data, out));
        }
        let usage = Usage {
            input: form.input.map(Tokens),
            output: form.output.map(Tokens),
            ..Usage::default()
        };
        if !usage.is_empty() {
            out(Delta::Usage(usage));
        }
        if form.reason.is_some() {
            self.ended = true;
            read.ends_blocks = self.blocks.stop(|()| true, out);
            out(Delta::Stop { reason: form.reason, sequence: None });
            out(Delta::MessageStop);
        }
        Some(read)
    }

    /// What a stream that ends here still owes, where it has shown a form that is known.
    pub(super) fn owes(&self) -> Option<&'static str> {
        (self.started && !self.ended).then_some("a reason to have stopped")
    }
}

/// What an object says, by the members that its model has.
fn form<'a>(object: &Object<'a>) -> Option<Form<'a>> {
    let first = |list| {
        let list = object.raw(list).and_then(elements)?;
        Object::read(list.first()?.get().as_bytes())
    };
    if object.raw("generation").is_some() {
        return Some(Form {
            text: object.raw("generation"),
            reason: object.text("stop_reason"),
            input: object.number("prompt_token_count"),
            output: object.number("generation_token_count"),
        });
    }
    if let Some(output) = first("outputs") {
        let (text, reason) = (output.raw("text"), output.text("stop_reason"));
        return Some(Form { text, reason, input: None, output: None });
    }
    let input = object.number("inputTextTokenCount");
    if let Some(result) = first("results") {
        return Some(Form {
            text: result.raw("outputText"),
            reason: result.text("completionReason"),
            input,
            output: result.number("tokenCount"),
        });
    }
    if let Some(text) = object.raw("outputText") {
        return Some(Form {
            text: Some(text),
            reason: object.text("completionReason"),
            input,
            output: object.number("totalOutputTextTokenCount"),
        });
    }
    // Cohere's: the older ones list what they generate, the newer ones say one text. Their calls are
    // not read.
    let cohere = |said: &Object<'a>| {
        let (text, reason) = (said.raw("text"), said.text("finish_reason"));
        Form { text, reason, input: None, output: None }
    };
    if let Some(generation) = first("generations") {
        return Some(cohere(&generation));
    }
    let has = |name: &str| object.raw(name).is_some();
    let is_known = match object.text("event_type").as_deref() {
        None => has("is_finished") || (has("text") && has("finish_reason")),
        Some(event) => ["stream-start", "text-generation", "stream-end"].contains(&event),
    };
    (is_known && !has("tool_calls")).then(|| cohere(object))
}

/// What Bedrock adds to the last chunk of any model: what the call took.
pub(super) fn metrics(object: &Object<'_>) -> Option<Usage> {
    let metrics = object.object("amazon-bedrock-invocationMetrics")?;
    let tokens = |name| metrics.number(name).map(Tokens);
    Some(Usage {
        input: tokens("inputTokenCount"),
        cache_read: tokens("cacheReadInputTokenCount"),
        cache_write_5m: tokens("cacheWriteInputTokenCount"),
        output: tokens("outputTokenCount"),
        ..Usage::default()
    })
}

/// What a guardrail did, when it did something.
pub(super) fn guardrail(object: &Object<'_>, out: Out<'_>) {
    let action = object.raw("amazon-bedrock-guardrailAction");
    if let Some(action) = action.filter(|action| *action == "\"INTERVENED\"") {
        out(Delta::StopDetails {
            json: Cow::Owned(format!(r#"{{"amazon-bedrock-guardrailAction":{action}}}"#)),
        });
    }
}
