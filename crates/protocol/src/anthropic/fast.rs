//! The usual shape of a text, thinking or tool input delta recognised by its bytes, because such
//! events are nearly all of the traffic; anything unusual is left to the JSON reader.
//!
//! `{"type":"content_block_delta","index":N,"delta":{"type":"text_delta","text":"…"}}`, with any
//! white space between the tokens (providers pad these events), members in this order.

use langley_model::{EventText, LiveKind};

/// A recognised event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found<'a> {
    /// Where the text lies.
    pub(super) place: EventText,
    /// The text as it stands there.
    pub(super) escaped: &'a str,
    /// Whether there is no escape in it.
    pub(super) is_plain: bool,
}

/// The event's text; none for any other shape.
///
/// What is recognised is valid JSON, except that the escapes in the text are not checked.
pub(super) fn delta(data: &[u8]) -> Option<Found<'_>> {
    let rest = match data.strip_prefix(br#"{"type":"content_block_delta","index":"#) {
        Some(rest) => rest,
        None => tokens(
            data,
            &[b"{", br#""type""#, b":", br#""content_block_delta""#, b",", br#""index""#, b":"],
        )?,
    };
    let (block, rest) = index(rest)?;
    let rest = match rest.strip_prefix(br#","delta":{"type":""#) {
        Some(rest) => rest,
        None => tokens(rest, &[b",", br#""delta""#, b":", b"{", br#""type""#, b":"])?
            .strip_prefix(b"\"")?,
    };
    let (kind, rest) = if let Some(rest) = rest.strip_prefix(br#"text_delta","text":""#) {
        (LiveKind::Text, rest)
    } else if let Some(rest) = rest.strip_prefix(br#"input_json_delta","partial_json":""#) {
        (LiveKind::ToolInput, rest)
    } else if let Some(rest) = rest.strip_prefix(br#"thinking_delta","thinking":""#) {
        (LiveKind::Thinking, rest)
    } else {
        spaced(rest)?
    };
    let (len, is_plain) = string_len(rest)?;
    let (text, after) = rest.split_at(len);
    // Control characters must be escaped in JSON, and text must be UTF-8.
    if text.iter().fold(false, |found, byte| found | (*byte < 0x20)) {
        return None;
    }
    let text = std::str::from_utf8(text).ok()?;
    if after != br#""}}"# && !tokens(after, &[b"\"", b"}", b"}"])?.is_empty() {
        return None;
    }
    let start = data.len() - rest.len();
    let place = EventText { block, kind, credential: None, start, end: start + len };
    Some(Found { place, escaped: text, is_plain })
}

/// The delta's type and text members with white space between them, up to the text's quote.
fn spaced(rest: &[u8]) -> Option<(LiveKind, &[u8])> {
    let (kind, member, rest): (_, &[u8], _) =
        if let Some(rest) = rest.strip_prefix(br#"text_delta""#) {
            (LiveKind::Text, br#""text""#, rest)
        } else if let Some(rest) = rest.strip_prefix(br#"input_json_delta""#) {
            (LiveKind::ToolInput, br#""partial_json""#, rest)
        } else {
            (LiveKind::Thinking, br#""thinking""#, rest.strip_prefix(br#"thinking_delta""#)?)
        };
    let rest = tokens(skip_space(rest), &[b",", member, b":"])?;
    Some((kind, rest.strip_prefix(b"\"")?))
}

/// Takes tokens, each with the white space after it.
fn tokens<'a>(mut rest: &'a [u8], tokens: &[&[u8]]) -> Option<&'a [u8]> {
    for token in tokens {
        rest = skip_space(rest.strip_prefix(*token)?);
    }
    Some(rest)
}

fn skip_space(rest: &[u8]) -> &[u8] {
    let space = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
    &rest[space.count()..]
}

/// A block's index, and the white space after it.
fn index(rest: &[u8]) -> Option<(u32, &[u8])> {
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let value = match rest.get(..digits)? {
        [] | [b'0', _, ..] => return None,
        digits => digits.iter().try_fold(0_u32, |value, digit| {
            value.checked_mul(10)?.checked_add(u32::from(digit - b'0'))
        })?,
    };
    Some((value, skip_space(&rest[digits..])))
}

/// Bytes up to the quote that ends a JSON string, and whether there is no escape before it.
fn string_len(rest: &[u8]) -> Option<(usize, bool)> {
    let (mut at, mut is_plain) = (0, true);
    loop {
        at += memchr::memchr2(b'"', b'\\', rest.get(at..)?)?;
        if rest[at] == b'"' {
            return Some((at, is_plain));
        }
        is_plain = false;
        at += 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shapes_that_providers_send_are_recognised() {
        for (data, kind, expected) in [
            (
                r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a\"b"}      }"#,
                LiveKind::Text,
                r#"a\"b"#,
            ),
            (
                r#"{"type": "content_block_delta", "index": 12, "delta": {"type": "text_delta", "text": ""}}"#,
                LiveKind::Text,
                "",
            ),
            (
                r#"{"type":"content_block_delta","index":1,"delta":{"type":"thinking_delta","thinking":"é"}}"#,
                LiveKind::Thinking,
                "é",
            ),
            (
                r#"{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{\"a"} }"#,
                LiveKind::ToolInput,
                r#"{\"a"#,
            ),
        ] {
            let Found { place, escaped: text, is_plain } = delta(data.as_bytes()).expect(data);
            assert_eq!(is_plain, !text.contains('\\'));
            assert_eq!((place.kind, text), (kind, expected));
            assert_eq!(&data[place.start..place.end], expected);
        }
    }

    #[test]
    fn anything_else_is_left_to_the_json_reader() {
        for data in [
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"x"}}"#,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"x","more":1}}"#,
            r#"{"index":0,"type":"content_block_delta","delta":{"type":"text_delta","text":"x"}}"#,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"x"#,
            r#"{"type":"ping"}"#,
            "",
        ] {
            assert_eq!(delta(data.as_bytes()), None, "{data}");
        }
    }
}
