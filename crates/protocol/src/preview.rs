//! The opening of what a user wrote, by which a person recognises a request.

use crate::dialect::PREVIEW_CHARS;
use crate::json::{Object, elements, inner, unescape};

/// Agents wrap what they tell the model beside the user's own words in tags such as this.
const REMINDER: &str = "<system-reminder>";

/// The first characters, with each run of white space as one space.
pub(crate) fn preview(text: &str) -> Option<String> {
    let text = text.trim_start();
    if text.is_empty() || text.starts_with(REMINDER) {
        return None;
    }
    let mut preview = String::new();
    let mut left = PREVIEW_CHARS;
    for word in text.split_whitespace() {
        if !preview.is_empty() {
            preview.push(' ');
            left -= 1;
        }
        let before = preview.len();
        preview.extend(word.chars().take(left));
        left -= preview[before..].chars().count();
        if left < 2 {
            break;
        }
    }
    Some(preview)
}

/// A preview of the last text in a message, when a user wrote it. Parts of the type `part` are text.
pub(crate) fn user_text(message: &str, part: &str) -> Option<String> {
    let message = Object::read(message.as_bytes())?;
    if message.text("role")? != "user" {
        return None;
    }
    let content = message.raw("content")?;
    if let Some(escaped) = inner(content) {
        return preview(&unescape(escaped)?);
    }
    elements(content)?.into_iter().rev().find_map(|block| {
        let block = Object::read(block.get().as_bytes())?;
        if block.text("type")? == part { preview(&block.text("text")?) } else { None }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preview_is_bounded_in_characters() {
        let long = format!("{} {}", "é".repeat(150), "z".repeat(500));
        let preview = preview(&long).expect("a preview");
        assert_eq!(preview.chars().count(), PREVIEW_CHARS);
        assert_eq!(super::preview("  \n "), None);
        let words = super::preview(&"a ".repeat(500)).expect("a preview");
        assert!(words.chars().count() <= PREVIEW_CHARS);
    }
}
