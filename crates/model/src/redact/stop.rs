//! Where a secret of unknown length stops: shared by the rules, and by the swallowing of a secret
//! that outgrew what may be held.

use super::bytes::{ESCAPE_LEN, any_token, backslashes, bare, base64, escaped_letter, run};

/// What ends a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// The first byte that no token contains.
    Token,
    /// The first byte that base64 does not contain.
    Base64,
    /// The first byte that no value without quotes contains.
    Bare,
    /// The end of the line, or a quote.
    Line,
    /// This quote, the end of the line, or a quote of the other kind.
    Mark(u8),
    /// The quote that closes a JSON string whose own quotes wear this many backslashes.
    Quote(usize),
    /// The end line of a PEM block, or what cannot stand in one.
    Pem,
}

/// Where a secret ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// As it should.
    Closed(usize),
    /// By something that cannot belong to it.
    Broken(usize),
    /// The text ended first; what lies before this position is part of the secret.
    Open(usize),
}

impl End {
    /// Up to where the text is certainly part of the secret.
    pub(super) const fn position(self) -> usize {
        match self {
            Self::Closed(at) | Self::Broken(at) | Self::Open(at) => at,
        }
    }

    /// Whether the text ended first.
    pub(super) const fn is_open(self) -> bool {
        matches!(self, Self::Open(_))
    }
}

impl Stop {
    /// Where the secret that is open at `from` ends.
    pub(super) fn find(self, text: &[u8], from: usize) -> End {
        match self {
            Self::Token => of_run(text, run(text, from, any_token)),
            Self::Base64 => of_run(text, run(text, from, base64)),
            Self::Bare => word(text, from),
            Self::Line => line(text, from, b'\''),
            Self::Mark(quote) => line(text, from, quote),
            Self::Quote(depth) => quote(text, from, depth),
            Self::Pem => pem(text, from),
        }
    }
}

const fn of_run(text: &[u8], end: usize) -> End {
    if end == text.len() { End::Open(end) } else { End::Closed(end) }
}

/// The end of a value without quotes, which goes on behind the escape of a letter.
fn word(text: &[u8], from: usize) -> End {
    let mut at = from;
    loop {
        at = run(text, at, bare);
        let escape = at + backslashes(text, at);
        if escape == at {
            return of_run(text, at);
        }
        match &text[escape..] {
            // What is cut of an escape decides nothing.
            [] | [b'u'] | [b'u', _] | [b'u', _, _] | [b'u', _, _, _] => return End::Open(at),
            rest if escaped_letter(rest).is_none() => return End::Closed(at),
            _ => at = escape + ESCAPE_LEN,
        }
    }
}

/// The end of what stands in quotes of this kind, or else of the line: at a line end, at the escape
/// of one, and before a double quote with its backslashes, which may be that of a string around it.
fn line(text: &[u8], from: usize, quote: u8) -> End {
    let mut at = from;
    loop {
        at = run(text, at, |byte| byte >= b' ' && byte != b'"' && byte != b'\\' && byte != quote);
        match text.get(at) {
            None => return End::Open(at),
            Some(byte) if *byte == quote => return End::Closed(at),
            Some(b'\\') => {
                let next = at + backslashes(text, at);
                match text.get(next) {
                    None => return End::Open(at),
                    Some(b'n' | b'r' | b't' | b'"' | b'\n' | b'\r') => return End::Broken(at),
                    Some(_) => at = next + 1,
                }
            }
            Some(_) => return End::Broken(at),
        }
    }
}

/// The end of a JSON string whose quotes wear `depth` backslashes.
///
/// At `depth` = 2^d − 1 (JSON inside JSON, d levels down) each of the string's own backslashes is
/// written as `depth` + 1 of them. What is left of a run after those is the dress of the quote: its
/// own closes the string (unless an odd own backslash escapes it), a lesser one belongs to an outer
/// level, as does a line end with anything left: the string is broken.
fn quote(text: &[u8], from: usize, depth: usize) -> End {
    let mut at = from;
    while let Some(found) = memchr::memchr3(b'"', b'\\', b'\n', &text[at..]) {
        let count = backslashes(text, at + found);
        let next = at + found + count;
        let (own, left) = (count / (depth + 1), count % (depth + 1));
        match text.get(next) {
            // What is left may be the dress of a quote to come.
            None => return End::Open(text.len() - left),
            Some(b'\n') => return End::Broken(next),
            Some(b'n') if left > 0 => return End::Broken(next - left),
            Some(b'"') if left < depth => return End::Broken(next - left),
            Some(b'"') if own % 2 == 0 => return End::Closed(next - left),
            Some(_) => at = next + 1,
        }
    }
    End::Open(text.len())
}

/// The end of a PEM block's body (RFC 7468, and the headers of RFC 1421): closed after its end line.
fn pem(text: &[u8], from: usize) -> End {
    const END: &[u8] = b"-----END";
    let mut at = from;
    loop {
        let rest = &text[at..];
        match rest.first() {
            None => return End::Open(at),
            Some(b'-') if rest.starts_with(END) => {
                let name = run(text, at + END.len(), |byte| {
                    byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b' '
                });
                let dashes = run(text, name, |byte| byte == b'-').min(name + 5);
                return match dashes {
                    end if end == name + 5 => End::Closed(end),
                    end if end == text.len() => End::Open(at),
                    _ => End::Broken(at),
                };
            }
            Some(b'-') if END.starts_with(rest) => return End::Open(at),
            Some(b'-') if rest.starts_with(b"-----") => return End::Broken(at),
            Some(b'\\') => {
                let next = at + backslashes(text, at);
                match text.get(next) {
                    Some(b'n' | b'r' | b't' | b'\n' | b'\r' | b'\t') => at = next + 1,
                    Some(_) => return End::Broken(at),
                    None => return End::Open(at),
                }
            }
            Some(&byte) if base64(byte) || b" \t\r\n:,.".contains(&byte) => at += 1,
            Some(_) => return End::Broken(at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_closes_only_its_own_level() {
        let find = |text: &str, depth| Stop::Quote(depth).find(text.as_bytes(), 0);
        assert_eq!(find(r#"abc","#, 0), End::Closed(3));
        assert_eq!(find(r#"a\"c","#, 0), End::Closed(4));
        assert_eq!(find(r#"ab\\","#, 0), End::Closed(4));
        assert_eq!(find(r#"abc\","#, 1), End::Closed(3));
        assert_eq!(find(r#"a\\\"c\","#, 1), End::Closed(6));
        assert_eq!(find(r#"ab\\\\\","#, 1), End::Closed(6));
        assert_eq!(find(r#"abc","#, 1), End::Broken(3));
        assert_eq!(find(r"abc\n", 1), End::Broken(3));
        assert_eq!(find(r"abc\n", 0), End::Open(5));
        assert_eq!(find(r"abc", 0), End::Open(3));
        assert_eq!(find(r"abc\", 1), End::Open(3));
        assert_eq!(find(r"abc\\", 1), End::Open(5));
    }

    #[test]
    fn a_value_without_quotes_goes_on_behind_the_escape_of_a_letter() {
        let find = |text: &str| Stop::Bare.find(text.as_bytes(), 0);
        assert_eq!(find(r"Gr\u00f6\\u00DFe1 x"), End::Closed(17));
        assert_eq!(find(r"Gr\u00f6"), End::Open(8));
        assert_eq!(find(r"Gr\u00"), End::Open(2));
        assert_eq!(find(r"Gr\n"), End::Closed(2));
        assert_eq!(find(r"Gr\u2026x"), End::Closed(2));
        assert_eq!(find("Größe1…"), End::Closed(8));
    }
}
