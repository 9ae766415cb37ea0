//! Images as base64 text: replaced by their type, size and a short hash that tells two apart.

use std::borrow::Cow;

use super::anchor::Hit;
use super::bytes::{base64, position_ignoring_case, run, run_back};
use super::field::{self, Member};
use super::rule::Rule;
use super::scan::{Cut, Verdict, Window};
use super::stop::Stop;

/// Fewer characters are no image.
const LEAST: usize = 32;
/// How far from `data` its sibling with the media type may stand.
const SIBLING_MAX: usize = 256;

/// Types that the placeholder names. Whatever else is stated there may be anything, and what stands in a placeholder
/// is looked at by no other rule.
const TYPES: [&str; 14] = [
    "image/apng",
    "image/avif",
    "image/bmp",
    "image/gif",
    "image/heic",
    "image/heif",
    "image/jpeg",
    "image/jpg",
    "image/png",
    "image/svg+xml",
    "image/tiff",
    "image/vnd.microsoft.icon",
    "image/webp",
    "image/x-icon",
];

const OPEN: Option<(Rule, Stop)> = Some((Rule::Base64Image, Stop::Base64));

/// Judges `;base64,`: the payload of an image's `data:` URL (RFC 2397).
pub(super) fn data_url(window: Window<'_>, hit: Hit) -> Verdict {
    let text = window.text;
    let from = hit.start.saturating_sub(96);
    let Some(found) = memchr::memmem::rfind(&text[from..hit.start], b"data:image/") else {
        return Verdict::Nothing;
    };
    let kind = from + found + "data:".len();
    let kind_end = kind_end(text, kind);
    let parameters = run(text, kind_end, |byte| byte > b' ' && !b"\"'<>,".contains(&byte));
    if parameters < hit.start {
        return Verdict::Nothing;
    }
    let end = run(text, hit.end, |byte| base64(byte) || byte == b'%');
    payload(window, hit.end, end, Some(&text[kind..kind_end]))
}

/// Judges the first characters that every file of an image format has in base64.
pub(super) fn magic(window: Window<'_>, hit: Hit) -> Verdict {
    let text = window.text;
    if hit.start == 0 || text[hit.start - 1] != b'"' {
        return Verdict::Nothing;
    }
    let end = run(text, hit.start, base64);
    payload(window, hit.start, end, None)
}

/// Judges a member named `data` whose sibling says that it is an image, as in Anthropic's image
/// source and Gemini's inline data.
pub(super) fn member(window: Window<'_>, hit: Hit) -> Verdict {
    let text = window.text;
    let Member { name, start, value, .. } = match field::member(window, hit.end) {
        Ok(member) => member,
        Err(verdict) => return verdict,
    };
    if name != b"data" {
        return Verdict::Nothing;
    }
    let end = run(text, value, base64);
    if end == text.len() && !window.last {
        return window.at_end(value, OPEN);
    }
    if end - value < LEAST || !matches!(text.get(end), Some(b'"' | b'\\') | None) {
        return Verdict::Nothing;
    }
    let before = &text[start.saturating_sub(SIBLING_MAX)..start];
    let before = before.rsplit(|byte| b"{}".contains(byte)).next().unwrap_or_default();
    if let Some(kind) = stated_kind(before) {
        return payload(window, value, end, Some(kind));
    }
    let limit = text.len().min(end + SIBLING_MAX);
    let after = &text[end..limit];
    let object_end = after.iter().position(|byte| b"{}".contains(byte));
    if object_end.is_none() && limit == text.len() && !window.last {
        return window.at_end(value, None);
    }
    match stated_kind(&after[..object_end.unwrap_or(after.len())]) {
        Some(kind) => payload(window, value, end, Some(kind)),
        None => Verdict::Nothing,
    }
}

/// The `image/…` that stands in `siblings`.
fn stated_kind(siblings: &[u8]) -> Option<&[u8]> {
    let start = position_ignoring_case(siblings, b"image/")?;
    Some(&siblings[start..kind_end(siblings, start)])
}

/// End of the media type that starts at `from`.
fn kind_end(text: &[u8], from: usize) -> usize {
    run(text, from, |byte| byte.is_ascii_alphanumeric() || b"/+.-".contains(&byte)).min(from + 64)
}

fn payload(window: Window<'_>, start: usize, end: usize, kind: Option<&[u8]>) -> Verdict {
    if end == window.text.len() && !window.last {
        return window.at_end(start, OPEN);
    }
    let data = &window.text[start..end];
    if data.len() < LEAST {
        return Verdict::Nothing;
    }
    let kind = kind.map_or_else(|| guess(data), known);
    let padding = data.len() - run_back(data, data.len(), 2, |byte| byte == b'=');
    let bytes = (data.len() - padding) * 3 / 4;
    let text = format!("[redacted:base64_image {kind} {bytes} bytes {:016x}]", fnv1a(data));
    Verdict::Cut(Cut { start, end, rule: Rule::Base64Image, text: Cow::Owned(text) })
}

/// The type that was stated, if it is one.
fn known(stated: &[u8]) -> &'static str {
    TYPES.into_iter().find(|kind| kind.as_bytes().eq_ignore_ascii_case(stated)).unwrap_or("image")
}

/// The type that the first characters tell.
fn guess(data: &[u8]) -> &'static str {
    match data {
        [b'i', b'V', b'B', ..] => "image/png",
        [b'/', b'9', b'j', ..] => "image/jpeg",
        [b'R', b'0', b'l', ..] => "image/gif",
        [b'U', b'k', b'l', ..] => "image/webp",
        _ => "image",
    }
}

/// FNV-1a, 64 bits: tells two images apart at a glance; no more is asked of it.
fn fnv1a(data: &[u8]) -> u64 {
    data.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
