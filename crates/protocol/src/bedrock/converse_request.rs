//! What a Converse request says of itself. Its model is in the path, not here.

use crate::dialect::RequestFacts;
use crate::folder;
use crate::json::{Object, elements};
use crate::preview::preview;

/// Reads a request of `/converse` or `/converse-stream`.
pub(super) fn read(body: &[u8]) -> RequestFacts {
    let (request, json_ok) = Object::read_lossy(body);
    let messages = request.raw("messages").and_then(elements);
    let last_user_text = messages
        .as_ref()
        .and_then(|messages| messages.iter().rev().find_map(|message| user_text(message.get())));
    let tools = request.object("toolConfig").and_then(|config| config.raw("tools"));
    RequestFacts {
        folder: folder::stated(&request),
        max_tokens: request.object("inferenceConfig").and_then(|config| config.number("maxTokens")),
        message_count: messages.map(|messages| messages.len() as u64),
        tool_count: tools.and_then(elements).map(|tools| {
            // A mark of what is to be cached stands among them.
            let is_tool = |tool: &str| {
                Object::read(tool.as_bytes()).is_none_or(|tool| tool.raw("cachePoint").is_none())
            };
            tools.iter().filter(|tool| is_tool(tool.get())).count() as u64
        }),
        system_present: request
            .raw("system")
            .and_then(elements)
            .is_some_and(|system| !system.is_empty()),
        last_user_text,
        json_ok,
        ..RequestFacts::default()
    }
}

/// A preview of the last text in a message, when a user wrote it.
fn user_text(message: &str) -> Option<String> {
    let message = Object::read(message.as_bytes())?;
    if message.text("role")? != "user" {
        return None;
    }
    elements(message.raw("content")?)?
        .into_iter()
        .rev()
        .find_map(|block| preview(&Object::read(block.get().as_bytes())?.text("text")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_tells_what_the_user_wrote_and_what_is_offered() {
        let facts = read(
            br#"{"messages": [
                  {"role": "user", "content": [{"text": "look  at\nthis"}, {"image": {"format": "png",
                    "source": {"bytes": "aGk="}}}, {"document": {"name": "d", "format": "pdf",
                    "source": {"bytes": "aGk="}}}, {"cachePoint": {"type": "default"}}]},
                  {"role": "assistant", "content": [{"toolUse": {"toolUseId": "t", "name": "n",
                    "input": {}}}]},
                  {"role": "user", "content": [{"toolResult": {"toolUseId": "t", "content":
                    [{"text": "result"}], "status": "success"}}]}],
                "system": [{"text": "Be brief."}], "inferenceConfig": {"maxTokens": 512},
                "toolConfig": {"tools": [{"toolSpec": {"name": "n"}}, {"toolSpec": {"name": "m"}},
                  {"cachePoint": {"type": "default"}}]}}"#,
        );
        let expected = RequestFacts {
            max_tokens: Some(512),
            message_count: Some(3),
            tool_count: Some(2),
            system_present: true,
            last_user_text: Some("look at this".into()),
            json_ok: true,
            ..RequestFacts::default()
        };
        assert_eq!(facts, expected);
    }

    #[test]
    fn odd_members_are_absent_and_a_broken_body_says_so() {
        let odd = read(
            br#"{"messages": [7, {"role": "user", "content": "x"}], "system": [], "toolConfig": 1}"#,
        );
        let expected =
            RequestFacts { message_count: Some(2), json_ok: true, ..RequestFacts::default() };
        assert_eq!(odd, expected);
        let broken = read(br#"{"inferenceConfig": {"maxTokens": 9}, "messages": [{"#);
        assert_eq!((broken.max_tokens, broken.json_ok), (Some(9), false));
        assert_eq!(read(b"\xff"), RequestFacts::default());
    }
}
