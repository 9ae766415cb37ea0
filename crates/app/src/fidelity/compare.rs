//! Two recordings of the same exchange: everything that differs, with both values.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::seen::{Recording, Seen, SeenLine};

/// Lines that belong to one hop (RFC 9110 §7.6.1): either leg has its own.
const HOP_BY_HOP: [&str; 8] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "transfer-encoding",
    "upgrade",
];

/// What differs when there was no exchange at all.
const FAILED: &str = "the exchange";

/// Bytes of a body that are shown around the first that differs.
const EXCERPT: usize = 24;

/// One thing that is not the same with the proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Difference {
    /// Which message, and which part of it.
    pub(super) what: String,
    /// Its value without the proxy.
    pub(super) direct: String,
    /// Its value through the proxy.
    pub(super) proxied: String,
}

impl Difference {
    /// An exchange that did not come about on at least one way.
    pub(super) fn failed(direct: Option<String>, proxied: Option<String>) -> Self {
        let word = |error: Option<String>| error.unwrap_or_else(|| "it was carried".to_owned());
        Self { what: FAILED.to_owned(), direct: word(direct), proxied: word(proxied) }
    }

    /// Whether it is that.
    pub(super) fn is_failure(&self) -> bool {
        self.what == FAILED
    }

    /// For scripts.
    pub(super) fn as_json(&self) -> Value {
        json!({ "what": self.what, "direct": self.direct, "proxied": self.proxied })
    }
}

/// Everything in which `proxied` is not `direct`.
pub(super) fn differences(direct: &Recording, proxied: &Recording) -> Vec<Difference> {
    let mut found = Vec::new();
    message("request, as the origin saw it", &direct.request, &proxied.request, &mut found);
    message("answer, as the client saw it", &direct.answer, &proxied.answer, &mut found);
    found
}

fn message(name: &str, direct: &Seen, proxied: &Seen, found: &mut Vec<Difference>) {
    let mut differ = |part: &str, direct: String, proxied: String| {
        found.push(Difference { what: format!("{name}: {part}"), direct, proxied });
    };
    if direct.start != proxied.start {
        differ("first line", direct.start.clone(), proxied.start.clone());
    }
    lines("header", &end_to_end(&direct.headers), &end_to_end(&proxied.headers), &mut differ);
    if direct.body_bytes != proxied.body_bytes {
        let say = |bytes: u64| format!("{bytes} bytes");
        differ("body's length", say(direct.body_bytes), say(proxied.body_bytes));
    }
    if let (Some(one), Some(other)) = (&direct.body, &proxied.body)
        && let Some(at) = first_difference(one, other)
    {
        differ(&format!("body from byte {at}"), excerpt(one, at), excerpt(other, at));
    }
    lines("trailer", &end_to_end(&direct.trailers), &end_to_end(&proxied.trailers), &mut differ);
    if direct.end != proxied.end {
        differ("end", direct.end.to_string(), proxied.end.to_string());
    }
}

fn end_to_end(lines: &[SeenLine]) -> Vec<&SeenLine> {
    let is_hop = |name: &str| HOP_BY_HOP.iter().any(|hop| name.eq_ignore_ascii_case(hop));
    lines.iter().filter(|(name, _)| !is_hop(name)).collect()
}

/// Lines that are missing, added, spelt otherwise, or in another order.
fn lines(
    kind: &str,
    direct: &[&SeenLine],
    proxied: &[&SeenLine],
    differ: &mut impl FnMut(&str, String, String),
) {
    if direct == proxied {
        return;
    }
    let (missing, mut added) = (without(direct, proxied), without(proxied, direct));
    if missing.is_empty() && added.is_empty() {
        let all = |lines: &[&SeenLine]| {
            lines.iter().map(|line| text(line)).collect::<Vec<_>>().join("; ")
        };
        differ(&format!("order of {kind}s"), all(direct), all(proxied));
        return;
    }
    for line in missing {
        // The same name in another spelling, or with another value, is one change and not two.
        let changed = added.iter().position(|(name, _)| name.eq_ignore_ascii_case(&line.0));
        let became =
            changed.map_or_else(|| "(no such line)".to_owned(), |at| text(added.remove(at)));
        differ(kind, text(line), became);
    }
    for line in added {
        differ(kind, "(no such line)".to_owned(), text(line));
    }
}

/// The lines of `these` that are not among `those`, each as often as it is missing there.
fn without<'a>(these: &[&'a SeenLine], those: &[&SeenLine]) -> Vec<&'a SeenLine> {
    let mut left = those.to_vec();
    let mut missing = Vec::new();
    for line in these {
        match left.iter().position(|other| other == line) {
            Some(at) => {
                left.remove(at);
            }
            None => missing.push(*line),
        }
    }
    missing
}

fn text((name, value): &SeenLine) -> String {
    format!("{name}: {}", String::from_utf8_lossy(value))
}

fn first_difference(one: &[u8], other: &[u8]) -> Option<usize> {
    let shared = one.iter().zip(other).position(|(one, other)| one != other);
    shared.or_else(|| (one.len() != other.len()).then(|| one.len().min(other.len())))
}

/// Some bytes from `at` on, as text where they are, else as hexadecimal.
fn excerpt(body: &[u8], at: usize) -> String {
    let shown = &body[at..body.len().min(at + EXCERPT)];
    match std::str::from_utf8(shown) {
        _ if shown.is_empty() => "(its end)".to_owned(),
        Ok(text) if !text.contains(|c: char| c.is_control() && c != '\n') => format!("{text:?}"),
        _ => shown.iter().fold(String::new(), |mut hex, byte| {
            // Writing to a String cannot fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::super::end::End;
    use super::*;

    fn seen(start: &str, headers: &[(&str, &str)], body: &'static str) -> Seen {
        let headers = headers.iter();
        Seen {
            start: start.to_owned(),
            headers: headers.map(|(n, v)| ((*n).to_owned(), v.as_bytes().to_vec())).collect(),
            body: Some(bytes::Bytes::from_static(body.as_bytes())),
            body_bytes: body.len() as u64,
            trailers: vec![("x-end".to_owned(), b"1".to_vec())],
            end: End::Whole,
        }
    }

    fn recording() -> Recording {
        let headers = [("Host", "a"), ("X-One", "1"), ("x-twice", "1"), ("x-twice", "2")];
        Recording {
            request: seen("GET / HTTP/1.1", &headers, "question"),
            answer: seen("200 HTTP/1.1", &[("Set-Cookie", "a"), ("connection", "close")], "answer"),
        }
    }

    /// What is said when `disturb` changes what came through the proxy.
    fn said(disturb: impl FnOnce(&mut Recording)) -> String {
        let (direct, mut proxied) = (recording(), recording());
        disturb(&mut proxied);
        let found = differences(&direct, &proxied);
        let lines = found.iter().map(|d| format!("{} | {} | {}", d.what, d.direct, d.proxied));
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn equal_recordings_have_no_difference_and_a_hop_keeps_its_own_lines() {
        assert_eq!(said(|_| {}), "");
        assert_eq!(said(|seen| seen.answer.headers[1].1 = b"keep-alive".to_vec()), "");
        assert_eq!(said(|seen| seen.answer.headers.truncate(1)), "");
    }

    #[test]
    fn every_disturbance_is_found_with_both_values() {
        let changes = [
            said(|seen| seen.request.start = "GET /x HTTP/1.1".to_owned()),
            said(|seen| seen.request.headers[1].0 = "x-one".to_owned()),
            said(|seen| seen.request.headers.swap(1, 2)),
            said(|seen| drop(seen.request.headers.remove(3))),
            said(|seen| seen.answer.headers.push(("Via".to_owned(), b"langley".to_vec()))),
            said(|seen| seen.answer.body = Some(bytes::Bytes::from_static(b"anSwer"))),
            said(|seen| seen.answer.trailers.clear()),
            said(|seen| seen.answer.end = End::Reset),
            said(|seen| {
                seen.request.body = Some(bytes::Bytes::from_static(b"quest"));
                seen.request.body_bytes = 5;
            }),
        ];
        insta::assert_snapshot!(changes.join("\n"), @r#"
        request, as the origin saw it: first line | GET / HTTP/1.1 | GET /x HTTP/1.1
        request, as the origin saw it: header | X-One: 1 | x-one: 1
        request, as the origin saw it: order of headers | Host: a; X-One: 1; x-twice: 1; x-twice: 2 | Host: a; x-twice: 1; X-One: 1; x-twice: 2
        request, as the origin saw it: header | x-twice: 2 | (no such line)
        answer, as the client saw it: header | (no such line) | Via: langley
        answer, as the client saw it: body from byte 2 | "swer" | "Swer"
        answer, as the client saw it: trailer | x-end: 1 | (no such line)
        answer, as the client saw it: end | where its framing says | the connection was reset
        request, as the origin saw it: body's length | 8 bytes | 5 bytes
        request, as the origin saw it: body from byte 5 | "ion" | (its end)
        "#);
    }
}
