//! A redacted body taken apart at its dialect's seams, each piece within the limit. One that is too long
//! is replaced by a shorter one of its kind, so that the body stays JSON and is read as any other.

use std::ops::Range;

use langley_model::{RedactedBytes, Redactor};
use langley_protocol::piece::{Seam, pieces, shortened};

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
    pub(crate) fn of(
        mut bytes: RedactedBytes,
        seams: &[Seam],
        limit: usize,
        redactor: &Redactor,
    ) -> Self {
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
        Self::shorten(&bytes, &found, limit, redactor)
    }

    /// Shortens the pieces that are too long.
    fn shorten(
        bytes: &RedactedBytes,
        found: &[Range<usize>],
        limit: usize,
        redactor: &Redactor,
    ) -> Self {
        let mut kept = RedactedBytes::with_capacity(bytes.len());
        let mut pieces = Vec::with_capacity(found.len());
        let mut at = 0;
        for piece in found {
            kept.append_part(bytes, at..piece.start);
            let start = kept.len();
            if piece.len() <= limit {
                kept.append_part(bytes, piece.clone());
            } else {
                let long = &bytes.as_bytes()[piece.clone()];
                // Written anew, hence redacted anew.
                kept.append(&redactor.body(shortened(long, limit)));
            }
            pieces.push(start..kept.len());
            at = piece.end;
        }
        kept.append_part(bytes, at..bytes.len());
        Self { bytes: kept, pieces, truncated: true }
    }
}

#[cfg(test)]
mod tests {
    use langley_model::{Redactor, RedactorOptions};
    use langley_protocol::dialect::dialect_for;

    use super::*;

    fn split(text: &str, limit: usize) -> Split {
        let redactor = Redactor::new(RedactorOptions::default()).unwrap();
        let (_, dialect) = dialect_for("POST", "any.example", "/v1/messages").unwrap();
        Split::of(redactor.body(text.as_bytes().to_vec()), dialect.seams(), limit, &redactor)
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
    fn a_piece_that_is_too_long_is_shortened_and_the_body_stays_json() {
        let long = "é\n".repeat(3_000);
        let body = serde_json::json!({ "messages": [
            { "role": "user", "content": [
                { "type": "tool_result", "tool_use_id": "t1", "content": long },
                { "type": "text", "text": "short" },
            ] },
            { "role": "assistant", "content": "b" },
        ] });
        let kept = split(&body.to_string(), 2_000);
        assert!(kept.truncated);
        let found = serde_json::from_slice::<serde_json::Value>(kept.bytes.as_bytes()).unwrap();
        let [first, second] = shown(&kept)[..] else { panic!("{kept:?}") };
        assert!(first.len() <= 2_000, "{}", first.len());
        assert_eq!(second, body["messages"][1].to_string());
        let part = &found["messages"][0]["content"][0];
        assert_eq!((&part["type"], &part["tool_use_id"]), (&"tool_result".into(), &"t1".into()));
        let text = part["content"].as_str().unwrap();
        assert!(text.starts_with("é\né\n"), "{text}");
        let (_, said) = text.split_once(" [Langley left out ").unwrap();
        let left_out: usize = said.strip_suffix(" bytes]").unwrap().parse().unwrap();
        let opening = text.len() - said.len() - " [Langley left out ".len();
        assert_eq!(opening + left_out, long.len());
        assert_eq!(found["messages"][0]["content"][1]["text"], "short");
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
