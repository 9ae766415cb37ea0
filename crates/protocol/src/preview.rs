//! The first words of what somebody wrote, for a list.

use crate::dialect::PREVIEW_CHARS;

/// The first characters, at most [`PREVIEW_CHARS`], with each run of white space as one space. None
/// when there is nothing else.
pub(crate) fn preview(text: &str) -> Option<String> {
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
    (!preview.is_empty()).then_some(preview)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preview_is_bounded_in_characters() {
        let long = format!("{} {}", "é".repeat(150), "z".repeat(500));
        let short = preview(&long).expect("a preview");
        assert_eq!(short.chars().count(), PREVIEW_CHARS);
        assert_eq!(preview("  \n "), None);
        let words = preview(&"a ".repeat(500)).expect("a preview");
        assert!(words.chars().count() <= PREVIEW_CHARS);
    }
}
