//! The folder that an agent works in, as it tells the model: in words that each agent has for it, among what the
//! system prompt or the first messages say.
//!
//! Claude Code and opencode state it in the system prompt, Codex in `<environment_context>`, Gemini CLI in the
//! message that sets up the chat. None of these is a promise, so that only an absolute path counts.

use crate::json::Object;

/// Members with what the model is told about its task.
const SYSTEM: [&str; 4] = ["system", "instructions", "systemInstruction", "system_instruction"];

/// Members with the conversation.
const TURNS: [&str; 3] = ["messages", "input", "contents"];

/// So much of a system prompt is looked through, and of a conversation: its first messages.
const OF_SYSTEM: usize = 256 * 1024;
const OF_TURNS: usize = 64 * 1024;

/// What stands before the folder, the most certain first.
const MARKS: [&str; 4] = [
    "Primary working directory: ",
    "Working directory: ",
    "<cwd>",
    "I'm currently working in the directory: ",
];

/// Longer paths are none.
const LONGEST: usize = 4_096;

/// The folder that a request states.
pub(crate) fn stated(request: &Object<'_>) -> Option<String> {
    let find = |names: &[&str], most: usize| {
        let raw = names.iter().find_map(|name| request.raw(name))?;
        in_text(&raw[..raw.floor_char_boundary(most)])
    };
    find(&SYSTEM, OF_SYSTEM).or_else(|| find(&TURNS, OF_TURNS))
}

/// The first folder in a JSON text.
fn in_text(raw: &str) -> Option<String> {
    MARKS.into_iter().find_map(|mark| {
        let mut places = raw.match_indices(mark);
        places.find_map(|(at, _)| path(&raw[at + mark.len()..]))
    })
}

/// The absolute path that a text within a JSON string begins with, up to the end of its line.
fn path(text: &str) -> Option<String> {
    let mut path = String::new();
    let mut left = text.chars();
    loop {
        match left.next()? {
            '"' | '<' => break,
            '\\' => match left.next()? {
                escaped @ ('\\' | '/' | '"') => path.push(escaped),
                'u' => {
                    let digits = left.as_str().get(..4)?;
                    // Half of a pair, or a control character, ends it.
                    match u32::from_str_radix(digits, 16).ok().and_then(char::from_u32) {
                        Some(letter) if !letter.is_control() => path.push(letter),
                        _ => break,
                    }
                    left = left.as_str()[4..].chars();
                }
                _ => break,
            },
            letter => path.push(letter),
        }
        if path.len() > LONGEST {
            return None;
        }
    }
    let path = path.trim();
    let is_absolute = match path.as_bytes() {
        [b'/' | b'~', ..] => true,
        [drive, b':', b'\\' | b'/', ..] => drive.is_ascii_alphabetic(),
        [b'\\', b'\\', ..] => true,
        _ => false,
    };
    is_absolute.then(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn told(body: &Value) -> Option<String> {
        let text = body.to_string();
        stated(&Object::read(text.as_bytes()).unwrap())
    }

    #[test]
    fn each_agents_words_for_its_folder_are_known() {
        for (body, folder) in [
            (
                json!({"system": [
                    {"type": "text", "text": "You are careful."},
                    {"type": "text", "text": "# Environment\n - Primary working directory: /home/u/a project\n - Is a git repository: true"},
                ]}),
                "/home/u/a project",
            ),
            (
                json!({"system": "<env>\nWorking directory: /w/é\nIs directory a git repo: Yes"}),
                "/w/é",
            ),
            (json!({"system": "<env>\n  Working directory: C:\\Users\\u\\w\n"}), "C:\\Users\\u\\w"),
            (
                json!({"instructions": "Be brief.", "input": [
                    {"role": "user", "content": [{"text": "<environment_context>\n  <cwd>/w/b</cwd>\n"}]},
                ]}),
                "/w/b",
            ),
            (
                json!({"contents": [{"role": "user", "parts": [
                    {"text": "My operating system is: linux\nI'm currently working in the directory: /w/c\nHere is"},
                ]}]}),
                "/w/c",
            ),
            (
                json!({"messages": [{"role": "system", "content": "Working directory: \\\\server\\w"}]}),
                "\\\\server\\w",
            ),
        ] {
            assert_eq!(told(&body).as_deref(), Some(folder), "{body}");
        }
    }

    #[test]
    fn what_is_no_absolute_path_is_no_folder() {
        for body in [
            json!({}),
            json!({"system": "The Working directory: of each command is kept. <cwd>here</cwd>"}),
            json!({"system": 7, "messages": "Working directory: "}),
            json!({"system": format!("Working directory: /{}", "w".repeat(LONGEST))}),
        ] {
            assert_eq!(told(&body), None, "{body}");
        }
        let later = json!({"system": "Working directory: {cwd}\nWorking directory: /w\n"});
        assert_eq!(told(&later).as_deref(), Some("/w"), "the first that is one");
        let system =
            json!({"system": "<cwd>/w</cwd>", "messages": "Primary working directory: /other"});
        assert_eq!(told(&system).as_deref(), Some("/w"), "the system prompt goes first");
    }

    #[test]
    fn a_text_that_breaks_off_has_none() {
        let whole = json!("Working directory: /w/\u{e9}\u{1f980}\n").to_string();
        let escaped = whole.replace('é', "\\u00e9");
        assert_eq!(in_text(&escaped).as_deref(), Some("/w/é🦀"));
        for end in 0..escaped.len() - 2 {
            if let Some(text) = escaped.get(..end) {
                assert_eq!(in_text(text), None, "{text}");
            }
        }
        assert_eq!(in_text("Working directory: /w\\ud83e"), Some("/w".to_owned()));
    }
}
