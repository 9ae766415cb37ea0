//! What a request tells of tool calls: those that its conversation ends with, and what the tools gave back.
//!
//! Agents send the conversation again with every turn, so only its end is looked at: the model's last words,
//! in which the calls stand, and what comes behind them. The forms of all dialects are read alike, by the
//! names of their members.

use std::collections::HashMap;

use serde_json::Value;

use crate::json::{Element, Object};
use crate::passages::{Conversation, is_the_models, new_in};

/// Where calls and results are entries of their own, so many of them at most are read back from the end.
const ITEMS: usize = 64;

/// A call, as a request repeats it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToldCall {
    /// What tells it from others (see [`call_key`]).
    pub key: u64,
    /// The tool.
    pub name: String,
}

/// What a tool gave back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToldResult {
    /// The call's key.
    pub key: u64,
    /// Whether the call has an id of its own.
    pub has_id: bool,
    /// The tool, where the result names it.
    pub name: Option<String>,
    /// The content as JSON text, as it was sent.
    pub content: String,
    /// Whether it failed, where the result says so.
    pub failed: Option<bool>,
}

/// What a request tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// The calls of the model's last words, in order.
    pub calls: Vec<ToldCall>,
    /// The results behind them, in order.
    pub results: Vec<ToldResult>,
    /// Whether anything stands behind the model's last words.
    pub goes_on: bool,
    /// Whether an earlier answer that the provider keeps goes before what is told.
    pub is_chained: bool,
}

/// What the whole of a request's conversation tells at its end; nothing when it has none.
#[must_use]
pub fn of_request(body: &[u8]) -> Told {
    let Some(Conversation::Entries(entries)) = Conversation::of(body) else {
        return Told::default();
    };
    Told { is_chained: is_chained(body), ..told(&entries) }
}

/// The same of a request of which only the end is there, with `null` in place of its first entries; none when
/// the model's last words are not part of it.
#[must_use]
pub fn of_request_end(body: &[u8]) -> Option<Told> {
    let Some(Conversation::Entries(entries)) = Conversation::of(body) else { return None };
    let is_enough = new_in(&entries).start > 0;
    is_enough.then(|| Told { is_chained: is_chained(body), ..told(&entries) })
}

/// What an entry of a conversation has to do with tools.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EntryTools {
    /// Whether it is what the model said before; none where it is no entry of a conversation, but a definition or
    /// an instruction.
    pub is_models: Option<bool>,
    /// Its calls: each one's key and tool, and the length of name and arguments.
    pub calls: Vec<(u64, String, u64)>,
    /// Its results, each with the length of its content as JSON text.
    pub results: Vec<EntryResult>,
}

/// A result in an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryResult {
    /// The call's key, where it has an id.
    pub key: Option<u64>,
    /// The tool, where the result names it.
    pub name: Option<String>,
    /// Length of its content.
    pub bytes: u64,
}

/// Reads an entry of a conversation, or another piece of a request's body.
#[must_use]
pub fn of_entry(text: &[u8]) -> EntryTools {
    let Ok(entry) = serde_json::from_slice::<Value>(text) else { return EntryTools::default() };
    let is_models = std::str::from_utf8(text).is_ok_and(is_the_models);
    if is_models {
        let length = |value: Option<&Value>| match value {
            Some(Value::String(text)) => text.len(),
            Some(value) => value.to_string().len(),
            None => 0,
        };
        let mut keys = Keys::default();
        let calls = calls_of(&entry);
        let calls = calls.iter().map(|call| {
            let bytes = call.name.len() + length(call.arguments);
            (keys.key(call), call.name.to_owned(), bytes as u64)
        });
        let calls = calls.collect();
        return EntryTools { is_models: Some(true), calls, results: Vec::new() };
    }
    let results = results_of(&entry);
    let results = results.iter().map(|result| EntryResult {
        key: result.id.map(|id| digest(id.as_bytes())),
        name: result.name.map(str::to_owned),
        bytes: result.content.map_or(0, |content| content.to_string().len()) as u64,
    });
    let results: Vec<EntryResult> = results.collect();
    let is_entry =
        !results.is_empty() || entry.get("role").is_some() || entry.get("parts").is_some();
    EntryTools { is_models: is_entry.then_some(false), calls: Vec::new(), results }
}

/// Whether a conversation has a call with this key anywhere.
#[must_use]
pub fn has_call(body: &[u8], key: u64) -> bool {
    let Some(Conversation::Entries(entries)) = Conversation::of(body) else { return false };
    // What stands for an id counts the calls of one turn only.
    entries.iter().any(|entry| {
        let (mut keys, entry) = (Keys::default(), parsed(entry).unwrap_or_default());
        calls_of(&entry).iter().any(|call| keys.key(call) == key)
    })
}

/// The result for a call in a request's new part, as JSON text.
#[must_use]
pub fn result_of(told: &Told, key: u64) -> Option<&str> {
    told.results.iter().find(|result| result.key == key).map(|result| result.content.as_str())
}

/// The request names an answer that it goes on from.
fn is_chained(body: &[u8]) -> bool {
    let names = ["previous_response_id", "conversation", "previous_interaction_id"];
    Object::read(body).is_some_and(|it| names.into_iter().any(|name| it.raw(name).is_some()))
}

fn told(entries: &[Element<'_>]) -> Told {
    let new = new_in(entries);
    let mut first = new.start;
    // The last words, and where each call is an entry, the results between them.
    while first > 0 && new.start - first < ITEMS {
        let entry = entries[first - 1].get();
        if !is_the_models(entry) && !is_result_item(entry) {
            break;
        }
        first -= 1;
    }
    let goes_on = !new.is_empty();
    let (mut keys, mut told) = (Keys::default(), Told { goes_on, ..Told::default() });
    let mut by_name: HashMap<String, Vec<u64>> = HashMap::new();
    let mut given: HashMap<String, usize> = HashMap::new();
    for entry in &entries[first..new.end] {
        let Some(value) = parsed(entry) else { continue };
        if is_the_models(entry.get()) {
            for call in calls_of(&value) {
                let key = keys.key(&call);
                by_name.entry(call.name.to_owned()).or_default().push(key);
                told.calls.push(ToldCall { key, name: call.name.to_owned() });
            }
            continue;
        }
        for result in results_of(&value) {
            let key = match result.id {
                Some(id) => digest(id.as_bytes()),
                None => {
                    // Without ids they come in the order of the calls of that name.
                    let name = result.name.unwrap_or_default();
                    let nth = given.entry(name.to_owned()).or_default();
                    let key = by_name.get(name).and_then(|keys| keys.get(*nth)).copied();
                    *nth += 1;
                    key.unwrap_or_else(|| digest(format!("{name}\0{nth}").as_bytes()))
                }
            };
            told.results.push(ToldResult {
                key,
                has_id: result.id.is_some(),
                name: result.name.map(str::to_owned),
                content: result.content.map_or_else(|| String::from("null"), Value::to_string),
                failed: result.failed,
            });
        }
    }
    told
}

fn parsed(entry: &Element<'_>) -> Option<Value> {
    serde_json::from_str(entry.get()).ok()
}

/// Whether an entry is what a tool gave back, without anybody's role.
fn is_result_item(entry: &str) -> bool {
    let Some(entry) = Object::read(entry.as_bytes()) else { return false };
    entry.raw("role").is_none() && entry.text("type").is_some_and(|kind| is_result_kind(&kind))
}

fn is_result_kind(kind: &str) -> bool {
    kind.ends_with("_call_output") || kind == "function_result"
}

/// A call in a conversation.
struct Call<'a> {
    id: &'a str,
    name: &'a str,
    arguments: Option<&'a Value>,
}

/// A result in a conversation.
struct Given<'a> {
    id: Option<&'a str>,
    name: Option<&'a str>,
    content: Option<&'a Value>,
    failed: Option<bool>,
}

/// Gives calls their keys.
#[derive(Default)]
struct Keys(HashMap<u64, u64>);

impl Keys {
    fn key(&mut self, call: &Call<'_>) -> u64 {
        if !call.id.is_empty() {
            return digest(call.id.as_bytes());
        }
        let arguments = match call.arguments {
            // A text that is JSON, as OpenAI has it.
            Some(Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
            None => String::new(),
        };
        let same = call_key("", call.name, &arguments, 0);
        let nth = self.0.entry(same).or_default();
        let key = call_key("", call.name, &arguments, *nth);
        *nth += 1;
        key
    }
}

/// What tells a call from others: a digest of its id. A call without one is known by its tool, its arguments
/// (a JSON text) and how many calls of the same answer before it asked for the same.
#[must_use]
pub fn call_key(id: &str, name: &str, arguments: &str, nth: u64) -> u64 {
    if !id.is_empty() {
        return digest(id.as_bytes());
    }
    digest(format!("{name}\0{}\0{nth}", plain_json(arguments)).as_bytes())
}

/// A JSON text written in one way, whatever its white space; what is no JSON stays as it is. No arguments at
/// all mean none.
#[must_use]
pub fn plain_json(text: &str) -> String {
    if text.trim().is_empty() {
        return String::from("{}");
    }
    serde_json::from_str::<Value>(text)
        .map_or_else(|_| text.to_owned(), |value| sorted(value).to_string())
}

/// A digest of 48 bits that never changes: FNV-1a, its upper bits folded in.
#[must_use]
pub fn digest(bytes: &[u8]) -> u64 {
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    (hash ^ hash >> 48) & 0xffff_ffff_ffff
}

/// Digests of 32 bits of the members of arguments (a JSON object), in order, whatever the order in which they stand;
/// none of what is no object, or has more members than any tool takes.
#[must_use]
pub fn member_digests(arguments: &str) -> Option<Vec<u32>> {
    const MOST: usize = 64;
    let Ok(Value::Object(members)) = serde_json::from_str::<Value>(arguments) else { return None };
    let digest_of = |(name, value): (String, Value)| {
        (digest(format!("{name}\0{}", sorted(value)).as_bytes()) & u64::from(u32::MAX)) as u32
    };
    let is_bounded = members.len() <= MOST;
    is_bounded.then(|| {
        let mut digests: Vec<u32> = members.into_iter().map(digest_of).collect();
        digests.sort_unstable();
        digests
    })
}

/// A digest of a result's content (a JSON text): the same whether a text stands alone or in a list, and
/// whatever is said beside it about caching.
#[must_use]
pub fn content_digest(content: &str) -> u64 {
    let Ok(value) = serde_json::from_str::<Value>(content) else {
        return digest(content.as_bytes());
    };
    match text_alone(&value) {
        Some(text) => digest(text.as_bytes()),
        None => digest(sorted(value).to_string().as_bytes()),
    }
}

/// The text of a content that has nothing else.
fn text_alone(content: &Value) -> Option<String> {
    match content {
        Value::String(text) => Some(text.clone()),
        Value::Array(parts) => parts
            .iter()
            .map(|part| match part {
                Value::String(text) => Some(text.as_str()),
                part => {
                    let members = part.as_object()?;
                    let known =
                        |name: &String| ["type", "text", "cache_control"].contains(&&**name);
                    members.keys().all(known).then(|| part.get("text")?.as_str()).flatten()
                }
            })
            .collect(),
        _ => None,
    }
}

/// Members in the order of their names, and nothing about caching.
fn sorted(value: Value) -> Value {
    match value {
        Value::Array(values) => Value::Array(values.into_iter().map(sorted).collect()),
        Value::Object(members) => {
            let mut members: Vec<(String, Value)> =
                members.into_iter().filter(|(name, _)| name != "cache_control").collect();
            members.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
            Value::Object(members.into_iter().map(|(name, value)| (name, sorted(value))).collect())
        }
        value => value,
    }
}

/// The first characters of the text of a content (a JSON text), at most about `limit` bytes.
#[must_use]
pub fn opening(content: &str, limit: usize) -> String {
    fn gather(value: &Value, limit: usize, out: &mut String) {
        if out.len() >= limit {
            return;
        }
        match value {
            Value::String(text) => {
                let end = text.floor_char_boundary(limit - out.len());
                out.push_str(&text[..end]);
                out.push('\n');
            }
            Value::Array(values) => values.iter().for_each(|value| gather(value, limit, out)),
            Value::Object(members) => {
                // Names of kinds and ids say nothing about how it went.
                let said = members.iter().filter(|(name, _)| !["type", "id"].contains(&&***name));
                said.for_each(|(_, value)| gather(value, limit, out));
            }
            _ => {}
        }
    }
    let mut out = String::new();
    if let Ok(value) = serde_json::from_str(content) {
        gather(&value, limit, &mut out);
    }
    out
}

fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get(name).and_then(Value::as_str)
}

/// The parts of an entry.
fn parts(entry: &Value) -> &[Value] {
    let parts = entry.get("content").or_else(|| entry.get("parts"));
    parts.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The calls of an entry that is the model's, of those that the agent answers.
fn calls_of(entry: &Value) -> Vec<Call<'_>> {
    let mut calls = Vec::new();
    if let Some(kind) = text(entry, "type").filter(|kind| kind.ends_with("_call")) {
        // Without one the provider runs it itself, or it is Gemini's form.
        let id = text(entry, "call_id").or_else(|| text(entry, "id"));
        if entry.get("call_id").is_some() || kind == "function_call" {
            let name = text(entry, "name").unwrap_or(kind.trim_end_matches("_call"));
            let arguments = ["arguments", "input", "action", "operation"];
            let arguments = arguments.into_iter().find_map(|name| entry.get(name));
            calls.push(Call { id: id.unwrap_or_default(), name, arguments });
        }
        return calls;
    }
    for part in parts(entry) {
        let is_call = text(part, "type") == Some("tool_use");
        let bedrock = part.get("toolUse");
        let gemini = part.get("functionCall").or_else(|| part.get("function_call"));
        let Some(call) = bedrock.or(gemini).or(is_call.then_some(part)) else { continue };
        let id = text(call, "toolUseId").or_else(|| text(call, "id")).unwrap_or_default();
        let name = text(call, "name").unwrap_or_default();
        let arguments = call.get("input").or_else(|| call.get("args"));
        calls.push(Call { id, name, arguments });
    }
    for call in entry.get("tool_calls").and_then(Value::as_array).into_iter().flatten() {
        let form = call.get("function").or_else(|| call.get("custom")).unwrap_or(call);
        calls.push(Call {
            id: text(call, "id").unwrap_or_default(),
            name: text(form, "name").unwrap_or_default(),
            arguments: form.get("arguments").or_else(|| form.get("input")),
        });
    }
    calls
}

/// The results of an entry that is not the model's.
fn results_of(entry: &Value) -> Vec<Given<'_>> {
    let flag = |value: &Value, name: &str| value.get(name).and_then(Value::as_bool);
    if text(entry, "type").is_some_and(is_result_kind) {
        return vec![Given {
            id: text(entry, "call_id"),
            name: text(entry, "name"),
            content: entry.get("output").or_else(|| entry.get("result")),
            failed: flag(entry, "is_error"),
        }];
    }
    if matches!(text(entry, "role"), Some("tool" | "function")) && entry.get("parts").is_none() {
        return vec![Given {
            id: text(entry, "tool_call_id"),
            name: text(entry, "name"),
            content: entry.get("content"),
            failed: None,
        }];
    }
    let mut results = Vec::new();
    for part in parts(entry) {
        let is_result = text(part, "type") == Some("tool_result");
        let gemini = part.get("functionResponse").or_else(|| part.get("function_response"));
        if let Some(response) = gemini {
            let content = response.get("response");
            let has_error = content
                .is_some_and(|content| content.get("error").is_some_and(|error| !error.is_null()));
            results.push(Given {
                id: text(response, "id"),
                name: text(response, "name"),
                content,
                failed: Some(has_error),
            });
        } else if let Some(result) = part.get("toolResult").or(is_result.then_some(part)) {
            let status = text(result, "status").map(|status| status == "error");
            results.push(Given {
                id: text(result, "toolUseId").or_else(|| text(result, "tool_use_id")),
                name: None,
                content: result.get("content"),
                failed: flag(result, "is_error").or(status),
            });
        }
    }
    results
}

#[cfg(test)]
mod tests;
