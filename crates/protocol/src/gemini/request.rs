//! What a Gemini request says of itself, read without building a tree of what may be megabytes.
//!
//! Names are accepted in both forms that the service accepts, `camelCase` and `snake_case`.

use std::borrow::Cow;

use langley_model::SessionId;

use crate::dialect::{RequestFacts, SessionHints};
use crate::folder;
use crate::json::{Object, count, elements};
use crate::preview::preview;

/// Reads a request. Of model and stream only the path says something in general.
pub(super) fn read(body: &[u8]) -> RequestFacts {
    let (outer, json_ok) = Object::read_lossy(body);
    // Tokens are counted of contents alone, or of a whole request.
    let counted = object(&outer, "generateContentRequest", "generate_content_request");
    // Code assist wraps a request.
    let wrapped = outer.object("request");
    let request = counted.as_ref().or(wrapped.as_ref()).unwrap_or(&outer);
    let contents = request.raw("contents").and_then(elements);
    let last_user_text = contents
        .as_ref()
        .and_then(|contents| contents.iter().rev().find_map(|content| user_text(content.get())));
    let model = request.text("model").or_else(|| outer.text("model"));
    let limit = object(request, "generationConfig", "generation_config").and_then(|config| {
        config.number("maxOutputTokens").or_else(|| config.number("max_output_tokens"))
    });
    let system = object(request, "systemInstruction", "system_instruction");
    RequestFacts {
        folder: folder::stated(request),
        model: model.map(|model| model.strip_prefix("models/").unwrap_or(&model).to_owned()),
        stream: None,
        session: SessionHints {
            request_session: wrapped
                .as_ref()
                .and_then(|request| SessionId::parse(&request.text("session_id")?)),
            ..SessionHints::default()
        },
        max_tokens: limit,
        message_count: contents.map(|contents| contents.len() as u64),
        tool_count: request.raw("tools").and_then(tools),
        system_present: system.is_some_and(|system| {
            system.raw("parts").and_then(count).is_some_and(|parts| parts > 0)
        }),
        last_user_text,
        json_ok,
        ..RequestFacts::default()
    }
}

fn object<'a>(object: &Object<'a>, camel: &str, snake: &str) -> Option<Object<'a>> {
    object.object(camel).or_else(|| object.object(snake))
}

/// Tools offered: each function of the agent's, and each tool of the provider's own.
fn tools(tools: &str) -> Option<u64> {
    let of_one = |tool: Object<'_>| {
        let own = |name: &str| tool.raw(name).and_then(count).unwrap_or(1);
        tool.names().map(|name| if is_functions(name) { own(name) } else { 1 }).sum::<u64>()
    };
    let tools = elements(tools)?;
    Some(tools.iter().filter_map(|tool| Object::read(tool.get().as_bytes())).map(of_one).sum())
}

fn is_functions(name: &str) -> bool {
    matches!(name, "functionDeclarations" | "function_declarations")
}

/// A preview of the last text in a content, when a user wrote it; without a role, a user did.
fn user_text(content: &str) -> Option<String> {
    let content = Object::read(content.as_bytes())?;
    if content.text("role").unwrap_or(Cow::Borrowed("user")) != "user" {
        return None;
    }
    elements(content.raw("parts")?)?
        .into_iter()
        .rev()
        .find_map(|part| preview(&Object::read(part.get().as_bytes())?.text("text")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_tells_its_limit_its_tools_and_what_the_user_wrote() {
        let facts = read(
            br#"{"contents": [
                {"role": "user", "parts": [{"text": "context"}, {"text": "List\n the  files"}]},
                {"role": "model", "parts": [{"functionCall": {"name": "ls", "args": {}}}]},
                {"role": "user", "parts": [{"functionResponse": {"name": "ls", "response": {}}}]}],
                "systemInstruction": {"role": "user", "parts": [{"text": "You are"}]},
                "tools": [{"functionDeclarations": [{"name": "ls"}, {"name": "cat"}]},
                          {"googleSearch": {}, "codeExecution": {}}],
                "generationConfig": {"maxOutputTokens": 8192, "temperature": 0}}"#,
        );
        assert_eq!(
            facts,
            RequestFacts {
                max_tokens: Some(8192),
                message_count: Some(3),
                tool_count: Some(4),
                system_present: true,
                last_user_text: Some("List the files".into()),
                json_ok: true,
                ..RequestFacts::default()
            }
        );
    }

    #[test]
    fn the_other_form_of_the_names_and_a_missing_role_are_read() {
        let facts = read(
            br#"{"contents": [{"parts": [{"text": "Hi"}]}], "system_instruction": {"parts": []},
                "tools": [{"function_declarations": [{"name": "a"}]}],
                "generation_config": {"max_output_tokens": 5}}"#,
        );
        assert_eq!(facts.last_user_text.as_deref(), Some("Hi"));
        assert_eq!((facts.tool_count, facts.max_tokens), (Some(1), Some(5)));
        assert!(!facts.system_present);
    }

    #[test]
    fn a_request_whose_tokens_are_counted_is_read_inside() {
        let facts = read(
            br#"{"generateContentRequest": {"model": "models/gemini-2.5-pro",
                "contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}}"#,
        );
        assert_eq!(facts.model.as_deref(), Some("gemini-2.5-pro"));
        assert_eq!((facts.message_count, facts.json_ok), (Some(1), true));
    }

    #[test]
    fn a_request_that_code_assist_wraps_is_read_inside() {
        let facts = read(
            br#"{"model": "gemini-3-pro", "project": "p", "user_prompt_id": "u", "request": {
                "contents": [{"role": "user", "parts": [{"text": "Hi"}]}], "session_id": "s-1",
                "systemInstruction": {"parts": [{"text": "You are"}]}}}"#,
        );
        assert_eq!(facts.model.as_deref(), Some("gemini-3-pro"));
        assert_eq!((facts.message_count, facts.last_user_text.as_deref()), (Some(1), Some("Hi")));
        assert_eq!(facts.session.request_session, SessionId::parse("s-1"));
        assert!(facts.system_present && facts.json_ok);
    }

    #[test]
    fn odd_and_broken_bodies_harm_nothing() {
        let facts = read(br#"{"model": "m", "contents": [{"role": "us"#);
        assert_eq!((facts.model.as_deref(), facts.json_ok), (Some("m"), false));
        let odd = br#"{"contents": {}, "tools": 1, "generationConfig": [], "model": 7,
            "systemInstruction": "x"}"#;
        assert_eq!(read(odd), RequestFacts { json_ok: true, ..RequestFacts::default() });
        let odd = br#"{"contents": [7, {"parts": [7, {}]}, {"role": 7}], "tools": [7]}"#;
        assert_eq!(read(odd).message_count, Some(3));
        assert_eq!(read(b"\xff"), RequestFacts::default());
    }
}
