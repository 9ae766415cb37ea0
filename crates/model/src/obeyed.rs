//! Characters that who shows a text obeys, instead of showing them.

/// Whether a terminal, a browser or a spreadsheet would obey `c` instead of showing it: a control character, or one
/// that turns around the direction in which text runs. Line ends and tabs are among them.
#[must_use]
pub fn is_obeyed(c: char) -> bool {
    let turns = matches!(c,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns || c.is_control()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_told_from_what_is_obeyed() {
        for c in ['\u{7}', '\u{1b}', '\n', '\u{9b}', '\u{202e}', '\u{2067}', '\u{200f}'] {
            assert!(is_obeyed(c), "{c:?}");
        }
        for c in ['a', ' ', 'é', 'ש', '語', '\u{200d}', '\u{fffd}'] {
            assert!(!is_obeyed(c), "{c:?}");
        }
    }
}
