//! Small questions about bytes, asked by every rule: character classes, edges, quotes, blanks.

/// Letters and digits.
pub(super) const fn alnum(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

/// Letters, digits and underscores: what names in code are made of.
pub(super) const fn word(byte: u8) -> bool {
    alnum(byte) || byte == b'_'
}

/// The alphabet of base64url, of which most tokens are made.
pub(super) const fn token(byte: u8) -> bool {
    alnum(byte) || matches!(byte, b'_' | b'-')
}

/// Both alphabets of base64, with padding.
pub(super) const fn base64(byte: u8) -> bool {
    token(byte) || matches!(byte, b'+' | b'/' | b'=')
}

/// Everything that may continue some token: what is swallowed after the bound of a held secret.
pub(super) const fn any_token(byte: u8) -> bool {
    base64(byte) || matches!(byte, b'.' | b'~' | b'%')
}

/// What a credential in an HTTP header or a query is made of (RFC 6750 §2.1, RFC 3986 §2).
pub(super) const fn credential(byte: u8) -> bool {
    any_token(byte)
}

/// Letters of any alphabet, of UTF-8 the bytes of those beyond ASCII: not of signs that end a word, and not
/// of scripts that write no blanks, where a word has no end.
pub(super) const fn letter(byte: u8) -> bool {
    // What leads to U+00C0 to U+1FFF, and what follows it.
    byte.is_ascii_alphabetic() || matches!(byte, 0x80..=0xbf | 0xc3..=0xe1)
}

/// Length of an escape of a character in JSON behind its backslashes: `u` and four digits.
pub(super) const ESCAPE_LEN: usize = 5;

/// The [letter] beyond ASCII whose escape `text` begins with, behind its backslashes. Of ASCII they are
/// undone by the view.
pub(super) fn escaped_letter(text: &[u8]) -> Option<char> {
    let digits = std::str::from_utf8(text.strip_prefix(b"u")?.get(..4)?).ok()?;
    let code = u32::from_str_radix(digits, 16).ok()?;
    (0xc0..=0x1fff).contains(&code).then(|| char::from_u32(code)).flatten()
}

/// What words of any alphabet are made of, with digits.
pub(super) const fn of_word(byte: u8) -> bool {
    letter(byte) || byte.is_ascii_digit()
}

/// What a value without quotes is made of: the rest of its word, up to what may end it in a list, a
/// statement or a string.
pub(super) const fn bare(byte: u8) -> bool {
    letter(byte)
        || byte.is_ascii_graphic()
            && !matches!(byte, b'"' | b'\'' | b'`' | b'\\' | b',' | b';' | b'&' | b'<' | b'>')
}

/// End of the run of `class` that starts at `from`.
pub(super) fn run(text: &[u8], from: usize, class: impl Fn(u8) -> bool) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    from + rest.iter().position(|&byte| !class(byte)).unwrap_or(rest.len())
}

/// Start of the run of `class` that ends at `to`, at most `most` bytes long.
pub(super) fn run_back(text: &[u8], to: usize, most: usize, class: impl Fn(u8) -> bool) -> usize {
    let lowest = to.saturating_sub(most);
    let mut start = to;
    while start > lowest && class(text[start - 1]) {
        start -= 1;
    }
    start
}

/// What stands before a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Before {
    /// Nothing, punctuation, or the end of an escape: a token may start here.
    Edge,
    /// A hyphen: only an unmistakable token may start here.
    Hyphen,
    /// A letter, digit or underscore: still inside a word.
    Word,
}

/// What stands before `at`. `floor` is where the last match ended, which counts as an edge.
///
/// `\n`, `\u000a` and `%20` end in a letter or digit and are edges nevertheless.
pub(super) fn before(text: &[u8], at: usize, floor: usize) -> Before {
    if at == 0 || at == floor {
        return Before::Edge;
    }
    let back = |distance: usize| at.checked_sub(distance).map(|index| text[index]);
    let Some(last) = back(1) else { return Before::Edge };
    if last == b'-' {
        return Before::Hyphen;
    }
    if last == b'\\' && matches!(text.get(at), Some(b'b' | b'f' | b'n' | b'r' | b't' | b'u')) {
        return Before::Word; // the first letter belongs to an escape
    }
    if !alnum(last) && last != b'_' {
        return Before::Edge;
    }
    let letter_escape = matches!(last, b'b' | b'f' | b'n' | b'r' | b't') && back(2) == Some(b'\\');
    let hex = |distances: std::ops::RangeInclusive<usize>| {
        distances.into_iter().all(|distance| back(distance).is_some_and(|b| b.is_ascii_hexdigit()))
    };
    let percent = back(3) == Some(b'%') && hex(1..=2);
    let unicode = back(6) == Some(b'\\') && back(5) == Some(b'u') && hex(1..=4);
    if letter_escape || percent || unicode { Before::Edge } else { Before::Word }
}

/// Number of backslashes from `at`.
pub(super) fn backslashes(text: &[u8], at: usize) -> usize {
    run(text, at, |byte| byte == b'\\') - at
}

/// Skips at most `most` blanks: spaces, tabs, line ends, and their escapes at any depth.
pub(super) fn skip_blanks(text: &[u8], mut at: usize, most: usize) -> usize {
    for _ in 0..most {
        match text.get(at) {
            Some(b' ' | b'\t' | b'\n' | b'\r') => at += 1,
            Some(b'\\') => {
                let next = at + backslashes(text, at);
                if !matches!(text.get(next), Some(b'n' | b'r' | b't' | b'\n' | b'\r' | b'\t')) {
                    break;
                }
                at = next + 1;
            }
            _ => break,
        }
    }
    at
}

/// Skips at most `most` spaces and tabs, and escapes of tabs.
pub(super) fn skip_spaces(text: &[u8], mut at: usize, most: usize) -> usize {
    for _ in 0..most {
        match text.get(at) {
            Some(b' ' | b'\t') => at += 1,
            Some(b'\\') => {
                let next = at + backslashes(text, at);
                if text.get(next) != Some(&b't') {
                    break;
                }
                at = next + 1;
            }
            _ => break,
        }
    }
    at
}

/// How many digits `text` has.
pub(super) fn digits(text: &[u8]) -> usize {
    text.iter().filter(|byte| byte.is_ascii_digit()).count()
}

/// Looks for `needle` in a short `text`, ASCII case ignored.
pub(super) fn position_ignoring_case(text: &[u8], needle: &[u8]) -> Option<usize> {
    text.windows(needle.len()).position(|window| window.eq_ignore_ascii_case(needle))
}
