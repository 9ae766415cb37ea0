//! A redacted body taken apart at its dialect's seams, each piece within the limit.

use std::ops::Range;

use langley_model::RedactedBytes;
use langley_protocol::piece::{Seam, pieces};

/// A shorter body is kept as a whole: a list of its pieces would be as long as what it saves.
const WORTH_BYTES: usize = 4096;

/// A body as it is stored.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Split {
    pub(crate) bytes: RedactedBytes,
    /// Where its pieces lie; none when it is kept as a whole.
    pub(crate) pieces: Vec<Range<usize>>,
    /// Whether something did not fit.
    pub(crate) truncated: bool,
}

impl Split {
    /// Whether a body of this length with these seams is taken apart.
    pub(crate) const fn is_worth(len: usize, seams: &[Seam]) -> bool {
        len >= WORTH_BYTES && !seams.is_empty()
    }

    /// Takes `bytes` apart. Each piece, and all that is between pieces, may be `limit` long; a body that
    /// does not come apart, as a whole.
    pub(crate) fn of(mut bytes: RedactedBytes, seams: &[Seam], limit: usize) -> Self {
        let found = pieces(seams, bytes.as_bytes()).unwrap_or_default();
        let found: Vec<Range<usize>> = found.into_iter().map(|piece| piece.range).collect();
        let rest = bytes.len() - found.iter().map(Range::len).sum::<usize>();
        if found.is_empty() || rest > limit {
            let truncated = bytes.len() > limit;
            bytes.truncate(limit);
            return Self { bytes, pieces: Vec::new(), truncated };
        }
        if found.iter().all(|piece| piece.len() <= limit) {
            return Self { bytes, pieces: found, truncated: false };
        }
        Self::cut(&bytes, &found, limit)
    }

    /// Cuts the pieces that are too long.
    fn cut(bytes: &RedactedBytes, found: &[Range<usize>], limit: usize) -> Self {
        let mut kept = RedactedBytes::with_capacity(bytes.len());
        let mut pieces = Vec::with_capacity(found.len());
        let mut at = 0;
        for piece in found {
            kept.append_part(bytes, at..piece.start);
            let start = kept.len();
            kept.append_part(bytes, piece.start..char_end(bytes.as_bytes(), piece, limit));
            pieces.push(start..kept.len());
            at = piece.end;
        }
        kept.append_part(bytes, at..bytes.len());
        Self { bytes: kept, pieces, truncated: true }
    }
}

/// Where the part of a piece ends that is within the limit, not inside of a character.
fn char_end(text: &[u8], piece: &Range<usize>, limit: usize) -> usize {
    let mut end = piece.end.min(piece.start.saturating_add(limit));
    // The bytes that continue a character in UTF-8.
    while end > piece.start && text.get(end).is_some_and(|byte| byte & 0xC0 == 0x80) {
        end -= 1;
    }
    end
}

#[cfg(test)]
mod tests {
    use langley_model::{Redactor, RedactorOptions};
    use langley_protocol::dialect::dialect_for;

    use super::*;

    fn split(text: &str, limit: usize) -> Split {
        let redactor = Redactor::new(RedactorOptions::default()).unwrap();
        let (_, dialect) = dialect_for("POST", "any.example", "/v1/messages").unwrap();
        Split::of(redactor.body(text.as_bytes().to_vec()), dialect.seams(), limit)
    }

    fn shown(split: &Split) -> Vec<&str> {
        let text = |range: &Range<usize>| {
            std::str::from_utf8(&split.bytes.as_bytes()[range.clone()]).unwrap()
        };
        split.pieces.iter().map(text).collect()
    }

    #[test]
    fn the_limit_is_that_of_a_piece_and_not_of_the_body() {
        let text = r#"{"messages": [ "aaaaaaaaaaaaaa", "bbbbbbbbbbbbbb" ], "system": "ssssss"}"#;
        let whole = split(text, 40);
        assert_eq!(shown(&whole), [r#""aaaaaaaaaaaaaa""#, r#""bbbbbbbbbbbbbb""#, r#""ssssss""#]);
        assert_eq!((whole.bytes.as_bytes(), whole.truncated), (text.as_bytes(), false));
    }

    #[test]
    fn a_piece_that_is_too_long_is_cut_between_characters_and_the_others_stay() {
        let text = format!(r#"{{"messages":["{}","b"]}}"#, "é".repeat(30));
        let cut = split(&text, 20);
        assert_eq!(shown(&cut), [format!("\"{}", "é".repeat(9)).as_str(), r#""b""#]);
        assert!(cut.truncated);
        let expected = format!(r#"{{"messages":["{},"b"]}}"#, "é".repeat(9));
        assert_eq!(cut.bytes.as_bytes(), expected.as_bytes());
    }

    #[test]
    fn what_does_not_come_apart_is_cut_as_a_whole() {
        for text in [
            "no JSON, but a text of some length",
            r#"{"messages": ["a"], "parameter": "a very long one that is no piece"}"#,
            r#"{"messages": [], "parameter": "a very long one that is no piece"}"#,
        ] {
            let kept = split(text, 20);
            assert_eq!((kept.bytes.as_bytes(), &kept.pieces), (&text.as_bytes()[..20], &vec![]));
            assert!(kept.truncated);
        }
        assert!(!split("short", 20).truncated);
    }
}
