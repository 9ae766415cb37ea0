//! Words of command lines that a person copies into a shell: printed by the doors and by the binary, so
//! that both quote alike.

use std::ffi::OsStr;

/// `text` as one word for a POSIX shell, in quotes only where it needs them.
#[must_use]
pub fn shell_word(text: impl AsRef<OsStr>) -> String {
    let text = text.as_ref().to_string_lossy();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@%,".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        text.into_owned()
    } else {
        shell_quoted(&text)
    }
}

/// The same, in quotes whatever it holds.
#[must_use]
pub fn shell_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_quoted_only_where_a_shell_needs_it() {
        for plain in ["/home/a/b-1.crt", "langley", "127.0.0.1:9090", "a,b@c%2B+d"] {
            assert_eq!(shell_word(plain), plain);
        }
        assert_eq!(shell_word("/home/a b/it's"), r"'/home/a b/it'\''s'");
        for needs in ["", "$HOME", "~", "a;b", "a=b", "\u{e9}", "x\ny"] {
            assert_eq!(shell_word(needs), format!("'{needs}'"));
        }
        assert_eq!(shell_quoted("plain"), "'plain'");
    }
}
