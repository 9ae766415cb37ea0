//! What is new in a request, and what an answer says, as plain texts to be searched.
//!
//! Agents send the conversation again with every turn. What a request brings is what stands behind the
//! last words of the model: the person's, and what the tools gave back. The formats of all dialects are
//! read alike, by the names of their members, for those mean the same wherever they stand.

use std::ops::Range;

use langley_model::{Content, Message, Passage, Place};
use serde_json::Value;

use crate::json::{Element, Object, elements, inner, unescape};

/// Members whose text nobody searches: encoded bytes, signatures, names of kinds and of calls.
const OPAQUE: [&str; 14] = [
    "call_id",
    "cache_control",
    "data",
    "encrypted_content",
    "file_id",
    "id",
    "image_url",
    "mime_type",
    "mimeType",
    "signature",
    "thoughtSignature",
    "tool_use_id",
    "toolUseId",
    "type",
];

/// How deep a value is looked into; no tool's arguments are deeper.
const DEPTH: usize = 32;

/// What is new in a request; with `whole` the conversation before it as well. What the agent tells the
/// model about its task (the system prompt) is not part of it: it is the same in every session.
#[must_use]
pub fn of_request(body: &[u8], whole: bool) -> Vec<Passage> {
    let mut passages = Vec::new();
    read(body, &mut passages, |entries| {
        Some(if whole { 0..entries.len() } else { new_in(entries) })
    });
    passages
}

/// What is new in a request of which only the end is there, with `null` in place of its first entries; none
/// when the model's last words are not part of that end, so that what is new may begin before it.
#[must_use]
pub fn of_request_end(body: &[u8]) -> Option<Vec<Passage>> {
    let mut passages = Vec::new();
    let is_read = read(body, &mut passages, |entries| {
        let new = new_in(entries);
        // Behind something that the model said.
        (new.start > 0).then_some(new)
    });
    is_read.then_some(passages)
}

/// The conversation of a request.
pub(crate) enum Conversation<'a> {
    /// Its entries.
    Entries(Vec<Element<'a>>),
    /// One text, as JSON.
    Text(&'a str),
}

impl<'a> Conversation<'a> {
    /// That of a body; none when it has none.
    pub(crate) fn of(body: &'a [u8]) -> Option<Self> {
        let outer = Object::read(body)?;
        // Code assist wraps a request.
        let wrapped = outer.object("request");
        let request = wrapped.as_ref().unwrap_or(&outer);
        let names = ["messages", "contents", "input", "prompt"];
        let raw = names.into_iter().find_map(|name| request.raw(name))?;
        Some(elements(raw).map_or(Self::Text(raw), Self::Entries))
    }
}

/// Reads the entries of a conversation that `wanted` names; whether it named some.
fn read(
    body: &[u8],
    passages: &mut Vec<Passage>,
    wanted: impl FnOnce(&[Element<'_>]) -> Option<Range<usize>>,
) -> bool {
    let entries = match Conversation::of(body) {
        None => return false,
        Some(Conversation::Entries(entries)) => entries,
        Some(Conversation::Text(raw)) => {
            if let Some(text) = inner(raw).and_then(unescape) {
                add(passages, Place::Prompt, &text);
            }
            return false;
        }
    };
    let Some(new) = wanted(&entries).and_then(|wanted| entries.get(wanted)) else { return false };
    for entry in new {
        if let Ok(entry) = serde_json::from_str(entry.get()) {
            of_entry(&entry, passages);
        }
    }
    true
}

/// The entries behind the model's last words.
pub(crate) fn new_in(entries: &[Element<'_>]) -> Range<usize> {
    // An agent may begin the answer itself: what stands before that is new all the same.
    let said = |entry: &Element<'_>| is_the_models(entry.get());
    let end = entries.iter().rposition(|entry| !said(entry)).map_or(0, |last| last + 1);
    entries[..end].iter().rposition(said).map_or(0, |last| last + 1)..end
}

/// What an answer says.
#[must_use]
pub fn of_answer(message: &Message) -> Vec<Passage> {
    let mut passages = Vec::new();
    let out = &mut passages;
    for block in &message.blocks {
        match &block.content {
            Content::Text { text, .. } => add(out, Place::Answer, text),
            Content::Thinking { text, .. } => add(out, Place::Thinking, text),
            Content::RedactedThinking { .. } => {}
            Content::ToolUse { input, .. } | Content::ServerToolUse { input, .. } => {
                of_json(input, Place::ToolInput, out);
            }
            Content::ServerToolResult { json, .. } => of_json(json, Place::ToolResult, out),
            Content::Other { json, .. } => of_json(json, Place::Answer, out),
        }
    }
    if let Some(text) = message.error.as_ref().and_then(|error| error.message.as_deref()) {
        add(out, Place::Answer, text);
    }
    passages
}

/// Whether an entry of a conversation is what the model said before.
pub(crate) fn is_the_models(entry: &str) -> bool {
    let Some(entry) = Object::read(entry.as_bytes()) else { return false };
    if let Some(role) = entry.text("role") {
        return matches!(&*role, "assistant" | "model");
    }
    entry.text("type").is_some_and(|kind| {
        kind.ends_with("_call") || matches!(&*kind, "reasoning" | "thought" | "model_output")
    })
}

fn of_entry(entry: &Value, out: &mut Vec<Passage>) {
    let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
    let (role, kind) = (text("role"), text("type"));
    if matches!(role, "system" | "developer") {
        return;
    }
    let place = match role {
        "assistant" | "model" => Place::Answer,
        "tool" => Place::ToolResult,
        _ => Place::Prompt,
    };
    match entry {
        Value::String(text) => add(out, place, text),
        Value::Object(members) => {
            if kind.ends_with("_output") || kind == "function_result" {
                for name in ["output", "result"] {
                    members.get(name).into_iter().for_each(|v| values(v, Place::ToolResult, out));
                }
            } else if kind.ends_with("_call") {
                for name in ["arguments", "input", "action"] {
                    members.get(name).into_iter().for_each(|v| arguments(v, out));
                }
            } else if let Some(content) = members.get("content").or_else(|| members.get("parts")) {
                of_content(content, place, out);
            } else {
                of_part(entry, place, out);
            }
            for call in members.get("tool_calls").and_then(Value::as_array).into_iter().flatten() {
                call.pointer("/function/arguments").into_iter().for_each(|v| arguments(v, out));
            }
        }
        _ => {}
    }
}

fn of_content(content: &Value, place: Place, out: &mut Vec<Passage>) {
    match content {
        Value::String(text) => add(out, place, text),
        Value::Array(parts) => parts.iter().for_each(|part| of_part(part, place, out)),
        other => of_part(other, place, out),
    }
}

fn of_part(part: &Value, place: Place, out: &mut Vec<Passage>) {
    if let Value::String(text) = part {
        return add(out, place, text);
    }
    let kind = part.get("type").and_then(Value::as_str).unwrap_or_default();
    let text = |name: &str| part.get(name).and_then(Value::as_str);
    let result = part.get("toolResult").or_else(|| (kind == "tool_result").then_some(part));
    let call = part
        .get("toolUse")
        .or_else(|| part.get("functionCall"))
        .or_else(|| part.get("function_call"))
        .or_else(|| (kind == "tool_use").then_some(part));
    let response = part.get("functionResponse").or_else(|| part.get("function_response"));
    if let Some(content) = result.and_then(|result| result.get("content")) {
        values(content, Place::ToolResult, out);
    } else if let Some(call) = call {
        for name in ["input", "args", "arguments"] {
            call.get(name).into_iter().for_each(|v| arguments(v, out));
        }
    } else if let Some(answer) = response.and_then(|response| response.get("response")) {
        values(answer, Place::ToolResult, out);
    } else if let Some(thought) = text("thinking") {
        add(out, Place::Thinking, thought);
    } else if let Some(text) = text("text") {
        let thought = part.get("thought").and_then(Value::as_bool) == Some(true);
        add(out, if thought { Place::Thinking } else { place }, text);
    }
}

/// The arguments of a call: an object, or a text that is one.
fn arguments(value: &Value, out: &mut Vec<Passage>) {
    match value {
        Value::String(text) => of_json(text, Place::ToolInput, out),
        other => values(other, Place::ToolInput, out),
    }
}

fn of_json(json: &str, place: Place, out: &mut Vec<Passage>) {
    match serde_json::from_str::<Value>(json) {
        Ok(value) => values(&value, place, out),
        // Cut off, or no JSON at all.
        Err(_) => add(out, place, json),
    }
}

/// Every text in `value`, which is one call's, or one result's.
fn values(value: &Value, place: Place, out: &mut Vec<Passage>) {
    let first = out.len();
    leaves(value, place, 0, out);
    out.iter_mut().skip(first + 1).for_each(|passage| passage.goes_on = true);
}

/// Every text in `value` but what is opaque.
fn leaves(value: &Value, place: Place, depth: usize, out: &mut Vec<Passage>) {
    if depth > DEPTH {
        return;
    }
    match value {
        Value::String(text) => add(out, place, text),
        Value::Array(values) => values.iter().for_each(|v| leaves(v, place, depth + 1, out)),
        Value::Object(members) => members
            .iter()
            .filter(|(name, _)| !OPAQUE.contains(&name.as_str()))
            .for_each(|(_, value)| leaves(value, place, depth + 1, out)),
        _ => {}
    }
}

fn add(out: &mut Vec<Passage>, place: Place, text: &str) {
    if !text.trim().is_empty() {
        out.push(Passage::new(place, text.to_owned()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn shown(body: &Value, whole: bool) -> Vec<(&'static str, String)> {
        let passages = of_request(body.to_string().as_bytes(), whole);
        passages.into_iter().map(|p| (p.place.as_str(), p.text)).collect()
    }

    fn is(found: &[(&'static str, String)], wanted: &[(&str, &str)]) {
        let found: Vec<_> = found.iter().map(|(place, text)| (*place, text.as_str())).collect();
        assert_eq!(found, wanted);
    }

    #[test]
    fn only_what_stands_behind_the_models_last_words_is_new() {
        let body = json!({"system": "be good", "messages": [
            {"role": "user", "content": "first"},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "hm", "signature": "AAAA"},
                {"type": "text", "text": "answer"},
                {"type": "tool_use", "id": "t1", "name": "Bash", "input": {"command": "ls"}},
            ]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "t1", "content": [
                    {"type": "text", "text": "a.rs"},
                    {"type": "image", "source": {"type": "base64", "data": "iVBOR"}},
                ]},
                {"type": "text", "text": "and now?"},
            ]},
        ]});
        is(&shown(&body, false), &[("tool_result", "a.rs"), ("prompt", "and now?")]);
        is(
            &shown(&body, true),
            &[
                ("prompt", "first"),
                ("thinking", "hm"),
                ("answer", "answer"),
                ("tool_input", "ls"),
                ("tool_result", "a.rs"),
                ("prompt", "and now?"),
            ],
        );
    }

    #[test]
    fn of_the_end_of_a_request_what_is_new_is_read_or_nothing() {
        let asked = json!({"role": "user", "content": "and now?"});
        let said = json!({"role": "assistant", "content": "answer"});
        let prefix = json!({"role": "assistant", "content": "{"});
        for (entries, is_read) in [
            (vec![json!(null), said.clone(), asked.clone()], true),
            (vec![json!(null), said.clone(), asked.clone(), prefix.clone()], true),
            (vec![json!(null), json!(null), asked.clone()], false),
            (vec![json!(null), json!(null), prefix], false),
            (vec![json!(null), json!(null)], false),
        ] {
            let body = json!({"system": [null], "tools": [null], "messages": entries}).to_string();
            let found = of_request_end(body.as_bytes());
            assert_eq!(found.is_some(), is_read, "{body}");
            let new = vec![Passage::new(Place::Prompt, String::from("and now?"))];
            assert!(found.is_none_or(|found| found == new), "{body}");
        }
        // After the answer that an agent has begun, the end alone may be all that is kept.
        let body = json!({"messages": [null, asked, said]}).to_string();
        assert_eq!(of_request_end(body.as_bytes()), None);
    }

    #[test]
    fn a_request_that_begins_the_answer_itself_is_as_new_as_any() {
        let body = json!({"messages": [
            {"role": "user", "content": "first"},
            {"role": "assistant", "content": "answer"},
            {"role": "user", "content": "as JSON"},
            {"role": "assistant", "content": "{"},
        ]});
        is(&shown(&body, false), &[("prompt", "as JSON")]);
    }

    #[test]
    fn the_forms_of_openai_are_read() {
        let chat = json!({"messages": [
            {"role": "system", "content": "s"},
            {"role": "user", "content": "q"},
            {"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "{\"a\":\"x\"}"}}]},
            {"role": "tool", "tool_call_id": "c", "content": "given back"},
        ]});
        is(&shown(&chat, false), &[("tool_result", "given back")]);
        is(
            &shown(&chat, true),
            &[("prompt", "q"), ("tool_input", "x"), ("tool_result", "given back")],
        );
        let responses = json!({"input": [
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "q"}]},
            {"type": "reasoning", "encrypted_content": "zzz"},
            {"type": "function_call", "call_id": "c", "arguments": "{\"command\":[\"ls\",\"-l\"]}"},
            {"type": "function_call_output", "call_id": "c", "output": "listed"},
        ]});
        is(&shown(&responses, false), &[("tool_result", "listed")]);
        is(
            &shown(&responses, true),
            &[
                ("prompt", "q"),
                ("tool_input", "ls"),
                ("tool_input", "-l"),
                ("tool_result", "listed"),
            ],
        );
        is(&shown(&json!({"input": "just a text"}), false), &[("prompt", "just a text")]);
    }

    #[test]
    fn the_forms_of_gemini_and_bedrock_are_read() {
        let gemini = json!({"request": {"contents": [
            {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {"q": "asked"}}}]},
            {"role": "user", "parts": [
                {"functionResponse": {"name": "f", "response": {"out": "found"}}},
                {"text": "go on"},
            ]},
        ]}});
        is(&shown(&gemini, false), &[("tool_result", "found"), ("prompt", "go on")]);
        let bedrock = json!({"messages": [
            {"role": "assistant", "content": [{"toolUse": {"toolUseId": "t", "input": {"p": "v"}}}]},
            {"role": "user", "content": [{"toolResult": {"toolUseId": "t", "content": [{"text": "r"}]}}]},
        ]});
        is(&shown(&bedrock, true), &[("tool_input", "v"), ("tool_result", "r")]);
    }

    #[test]
    fn what_is_no_conversation_says_nothing() {
        for body in ["", "{", "[1]", "{\"model\":\"m\"}", "{\"messages\":7}"] {
            assert_eq!(of_request(body.as_bytes(), true), [], "{body}");
        }
    }
}
