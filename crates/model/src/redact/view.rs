//! A view of a text in which escapes that hide ordinary characters are undone.
//!
//! No JSON writer needs `\u0073` for `s`, but a key so written is a key nevertheless; and `\/` and
//! `\u0022` are the ordinary style of some writers. The view holds the plain characters and knows
//! where each came from, at whatever depth of JSON inside JSON the escape stands.

use std::borrow::Cow;

use memchr::memmem;

use super::bytes::backslashes;

/// Bytes to search, and the way back to the bytes they came from.
#[derive(Debug)]
pub(super) struct View<'a> {
    bytes: Cow<'a, [u8]>,
    undone: Vec<Undone>,
}

/// An escape that was undone.
#[derive(Clone, Copy, Debug)]
struct Undone {
    view: usize,
    view_len: usize,
    raw: usize,
    raw_len: usize,
}

impl<'a> View<'a> {
    /// The view of a text that is whole.
    pub(super) fn whole(raw: &'a [u8]) -> Self {
        if memmem::find(raw, br"\u00").is_none() && memmem::find(raw, br"\/").is_none() {
            return Self { bytes: Cow::Borrowed(raw), undone: Vec::new() };
        }
        let mut bytes = Vec::with_capacity(raw.len());
        let mut undone = Vec::new();
        let mut copied = 0;
        let mut at = 0;
        while let Some(found) = memchr::memchr(b'\\', &raw[at..]) {
            let start = at + found;
            let count = backslashes(raw, start);
            let letter = start + count;
            let Some((plain, len)) = plain(&raw[letter..]) else {
                at = (letter + 1).min(raw.len());
                continue;
            };
            bytes.extend_from_slice(&raw[copied..start]);
            let view = bytes.len();
            // The escape's own backslash travelled through as many levels as doubled it.
            match plain {
                b'"' => bytes.resize(view + 2 * count - 1, b'\\'),
                b'\\' => bytes.resize(view + 2 * count - 1, b'\\'),
                _ => {}
            }
            bytes.push(plain);
            let view_len = bytes.len() - view;
            undone.push(Undone { view, view_len, raw: start, raw_len: count + len });
            copied = letter + len;
            at = copied;
        }
        bytes.extend_from_slice(&raw[copied..]);
        Self { bytes: Cow::Owned(bytes), undone }
    }

    /// The view of a text that will go on: an escape cut by the end is left out.
    pub(super) fn open(raw: &'a [u8]) -> Self {
        let digits = raw.iter().rev().take(3).take_while(|byte| byte.is_ascii_hexdigit()).count();
        let cut = (0..=digits).find_map(|digits| {
            let before = &raw[..raw.len() - digits];
            let before = match before.strip_suffix(b"u") {
                Some(before) => before,
                None if digits == 0 => before,
                None => return None,
            };
            let run = before.iter().rev().take_while(|byte| **byte == b'\\').count();
            (run > 0).then(|| before.len() - run)
        });
        Self::whole(&raw[..cut.unwrap_or(raw.len())])
    }

    /// The bytes to search.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether no escape was undone.
    pub(super) const fn is_plain(&self) -> bool {
        matches!(self.bytes, Cow::Borrowed(_))
    }

    /// Where a position of the view lies in the raw text.
    pub(super) fn to_raw(&self, position: usize) -> usize {
        let next = self.undone.partition_point(|undone| undone.view <= position);
        let Some(last) = next.checked_sub(1).map(|index| self.undone[index]) else {
            return position;
        };
        match position.checked_sub(last.view + last.view_len) {
            Some(after) => last.raw + last.raw_len + after,
            None => last.raw,
        }
    }

    /// Where a position of the raw text lies in the view.
    pub(super) fn of_raw(&self, position: usize) -> usize {
        let next = self.undone.partition_point(|undone| undone.raw <= position);
        let Some(last) = next.checked_sub(1).map(|index| self.undone[index]) else {
            return position.min(self.bytes.len());
        };
        let mapped = match position.checked_sub(last.raw + last.raw_len) {
            Some(after) => last.view + last.view_len + after,
            None => last.view,
        };
        mapped.min(self.bytes.len())
    }
}

/// The printable character that `text`, after its backslashes, is a needless escape of, and the
/// escape's length.
fn plain(text: &[u8]) -> Option<(u8, usize)> {
    match text.first()? {
        b'/' => Some((b'/', 1)),
        b'u' => {
            let digits = std::str::from_utf8(text.get(1..5)?).ok()?;
            let code = u8::try_from(u16::from_str_radix(digits, 16).ok()?).ok()?;
            code.is_ascii_graphic().then_some((code, 5))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_escape_of_an_ordinary_character_is_undone_at_any_depth() {
        let view = View::whole(br"a \u0073k-\\\\u0061nt \n \/ \u001b");
        assert_eq!(view.bytes(), br"a sk-ant \n / \u001b");
        assert_eq!((view.to_raw(2), view.to_raw(3), view.of_raw(8)), (2, 8, 3));
    }

    #[test]
    fn an_escaped_quote_looks_like_the_shorter_escape() {
        assert_eq!(View::whole(br"\u0022k\u0022").bytes(), br#"\"k\""#);
        assert_eq!(View::whole(br"\\u0022").bytes(), br#"\\\""#);
    }

    #[test]
    fn an_escape_cut_by_the_end_waits_for_its_rest() {
        for cut in [r"ab\", r"ab\u", r"ab\\u0", r"ab\u00", r"ab\u007"] {
            assert_eq!(View::open(cut.as_bytes()).bytes(), b"ab", "{cut}");
        }
        assert_eq!(View::open(br"ab\u0073").bytes(), b"abs");
        assert_eq!(View::open(br"ab\n").bytes(), br"ab\n");
        assert_eq!(View::open(b"abu00").bytes(), b"abu00");
    }
}
