//! The line of text by which a person recognises a flow in a list.

use langley_model::{Content, Message, Redactor};
use langley_protocol::dialect::PREVIEW_CHARS;

use crate::cut::safe_end;

/// Characters kept of the question and of the answer.
const SHOWN: usize = 120;

/// Bytes of a text that are looked at, so that a long answer costs no more than a short one.
const LOOKED_AT: usize = 4 * SHOWN + 1_024;

/// The first characters of `text`, redacted before they are cut: half a secret is matched by no rule.
pub(crate) fn opening(redactor: &Redactor, text: &str) -> Option<String> {
    let mut end = LOOKED_AT.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let mut part = text[..end].trim_start().to_owned();
    if end < text.len() || part.chars().count() >= PREVIEW_CHARS {
        // The text goes on, or was cut before it came here: its last word may be half a secret.
        part.truncate(safe_end(part.as_bytes()));
        if let Some(pem) = part.find("-----BEGIN") {
            part.truncate(pem);
        }
    }
    redactor.scrub_text(&mut part);
    let mut line = String::with_capacity(part.len().min(4 * SHOWN));
    let mut shown = 0;
    for word in part.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
        shown += word.chars().count();
        if shown > SHOWN {
            break;
        }
    }
    if let Some((cut, _)) = line.char_indices().nth(SHOWN) {
        line.truncate(cut);
        line.push('…');
    }
    (!line.is_empty()).then_some(line)
}

/// The first characters of an answer: its text, else the tools it calls.
pub(crate) fn of_answer(redactor: &Redactor, message: &Message) -> Option<String> {
    let text = message.blocks.iter().find_map(|block| match &block.content {
        Content::Text { text, .. } if !text.trim().is_empty() => Some(text),
        _ => None,
    });
    if let Some(text) = text {
        return opening(redactor, text);
    }
    let tools: Vec<&str> = message.tool_names().collect();
    (!tools.is_empty()).then(|| format!("[{}]", tools.join(", ")))
}

/// What stands between question and answer.
const BETWEEN: &str = " → ";

/// What stands alone, or before the arrow: one that it has itself stands behind a no-break space, so that the first
/// between blanks is that before the answer, whether or not there is one yet.
fn before_arrow(text: &str) -> String {
    text.replace(BETWEEN, "\u{a0}→ ")
}

/// The first characters of a question.
pub(crate) fn of_question(redactor: &Redactor, text: &str) -> Option<String> {
    opening(redactor, text).map(|opening| before_arrow(&opening))
}

/// Question and answer in one line.
pub(crate) fn joined(question: Option<&str>, answer: Option<&str>) -> Option<String> {
    match (question, answer) {
        (Some(question), Some(answer)) => Some([&before_arrow(question), BETWEEN, answer].concat()),
        (one, other) => one.or(other).map(before_arrow),
    }
}

#[cfg(test)]
mod tests {
    use langley_model::RedactorOptions;

    use super::*;

    fn opening_of(text: &str) -> Option<String> {
        opening(&Redactor::new(RedactorOptions::default()).unwrap(), text)
    }

    #[test]
    fn white_space_becomes_single_blanks() {
        assert_eq!(opening_of("\n fix  the\n\nbug ").as_deref(), Some("fix the bug"));
        assert_eq!(opening_of(" \n"), None);
    }

    #[test]
    fn a_long_text_is_cut_and_says_so() {
        let shown = opening_of(&"wörd ".repeat(1_000)).unwrap();
        assert_eq!(shown.chars().count(), SHOWN + 1);
        assert!(shown.ends_with('…'));
    }

    #[test]
    fn a_word_that_may_be_half_a_secret_is_left_out() {
        let cut = format!("{} {}", "say it", "x".repeat(PREVIEW_CHARS));
        assert_eq!(opening_of(&cut).as_deref(), Some("say it"));
        assert_eq!(opening_of(&"y".repeat(9_000)), None);
    }

    #[test]
    fn a_preview_joins_what_there_is() {
        assert_eq!(joined(Some("q"), Some("a")).as_deref(), Some("q → a"));
        assert_eq!(joined(None, Some("a")).as_deref(), Some("a"));
        assert_eq!(joined(None, None), None);
        let arrows = joined(Some("a → b → c"), Some("d → e")).unwrap();
        assert_eq!(arrows.split_once(BETWEEN), Some(("a\u{a0}→ b\u{a0}→ c", "d → e")));
        assert_eq!(joined(Some("a → b"), None).as_deref(), Some("a\u{a0}→ b"));
        assert_eq!(joined(None, Some("[x] → y")).as_deref(), Some("[x]\u{a0}→ y"));
        let redactor = Redactor::new(RedactorOptions::default()).unwrap();
        assert_eq!(of_question(&redactor, "Rename a → b").as_deref(), Some("Rename a\u{a0}→ b"));
    }
}
