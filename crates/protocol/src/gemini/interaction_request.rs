//! What a request for an interaction says of itself.

use std::borrow::Cow;

use crate::dialect::RequestFacts;
use crate::folder;
use crate::json::{Object, count, elements, inner, unescape};
use crate::preview::preview;

/// Reads a request: its input is a text, a content, or a list of contents, turns or steps.
pub(super) fn read(body: &[u8]) -> RequestFacts {
    let (request, json_ok) = Object::read_lossy(body);
    let input = request.raw("input");
    let items = input.and_then(elements);
    let last_user_text = match (input, &items) {
        (Some(_), Some(items)) => items.iter().rev().find_map(|item| user_text(item.get())),
        (Some(raw), None) => match inner(raw) {
            Some(escaped) => unescape(escaped).and_then(|text| preview(&text)),
            None => user_text(raw),
        },
        (None, _) => None,
    };
    let config = request.object("generation_config");
    let model = request.text("model").or_else(|| request.text("agent"));
    RequestFacts {
        folder: folder::stated(&request),
        model: model.map(|model| model.strip_prefix("models/").unwrap_or(&model).to_owned()),
        stream: request.flag("stream"),
        previous: request.text("previous_interaction_id").map(Cow::into_owned),
        max_tokens: config.and_then(|config| config.number("max_output_tokens")),
        message_count: items.map(|items| items.len() as u64).or_else(|| input.map(|_| 1)),
        tool_count: request.raw("tools").and_then(count),
        system_present: request.text("system_instruction").is_some_and(|text| !text.is_empty()),
        last_user_text,
        json_ok,
        ..RequestFacts::default()
    }
}

/// A preview of the last text in a content, a turn or a step, when a user wrote it.
fn user_text(item: &str) -> Option<String> {
    let item = Object::read(item.as_bytes())?;
    match (item.text("role"), item.text("type")) {
        (Some(role), _) if role != "user" => return None,
        (None, Some(kind)) if kind == "text" => return preview(&item.text("text")?),
        (None, Some(kind)) if kind != "user_input" => return None,
        _ => {}
    }
    let content = item.raw("content")?;
    if let Some(escaped) = inner(content) {
        return preview(&unescape(escaped)?);
    }
    elements(content)?.into_iter().rev().find_map(|part| {
        let part = Object::read(part.get().as_bytes())?;
        let is_text = part.text("type").unwrap_or(Cow::Borrowed("text")) == "text";
        if is_text { preview(&part.text("text")?) } else { None }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_input_may_have_any_of_its_forms() {
        for input in [
            r#""Say  hello""#,
            r#"{"type": "text", "text": "Say hello"}"#,
            r#"[{"type": "text", "text": "Say hello"}, {"type": "image", "data": "aGk="}]"#,
            r#"[{"role": "user", "content": "Say hello"}, {"role": "model", "content": "No"}]"#,
            r#"[{"role": "user", "content": [{"type": "text", "text": "Say hello"}]}]"#,
            r#"[{"type": "user_input", "content": [{"type": "text", "text": "Say hello"}]},
                {"type": "thought", "signature": "x"},
                {"type": "function_result", "call_id": "a", "result": {}}]"#,
        ] {
            let facts = read(format!(r#"{{"model": "gemini-3", "input": {input}}}"#).as_bytes());
            assert_eq!(facts.last_user_text.as_deref(), Some("Say hello"), "{input}");
            assert_eq!(facts.model.as_deref(), Some("gemini-3"));
            assert!(facts.json_ok);
        }
    }

    #[test]
    fn an_agent_stands_for_a_model_and_odd_bodies_harm_nothing() {
        let facts = read(
            br#"{"agent": "deep-research", "input": [7, "x"], "stream": true, "tools": [{}, {}],
                "system_instruction": "Be brief.", "generation_config": {"max_output_tokens": 9},
                "previous_interaction_id": "v1_a"}"#,
        );
        let expected = RequestFacts {
            model: Some("deep-research".into()),
            stream: Some(true),
            previous: Some("v1_a".into()),
            max_tokens: Some(9),
            message_count: Some(2),
            tool_count: Some(2),
            system_present: true,
            json_ok: true,
            ..RequestFacts::default()
        };
        assert_eq!(facts, expected);
        assert_eq!(read(b"{\"input\": {\"a").last_user_text, None);
        assert_eq!(read(b"\xff"), RequestFacts::default());
    }
}
