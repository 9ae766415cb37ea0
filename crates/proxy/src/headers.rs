//! Header work: what belongs to one hop only, and Langley's own control headers.
//!
//! Maps are rebuilt, never removed from: `HeaderMap::remove` moves the last header into the hole and
//! so changes the order the agent chose.

use http::header::{
    AUTHORIZATION, CONNECTION, HeaderMap, HeaderName, HeaderValue, PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION, TE, TRANSFER_ENCODING, UPGRADE,
};
use langley_model::{Control, HeaderBlock, PROJECT_HEADER, SessionHeader};

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
const CONTROL_PREFIX: &str = "x-langley-";

/// Copies `headers` into a block, leaving Langley's own out.
pub(crate) fn block(headers: &HeaderMap) -> HeaderBlock {
    let room = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    let mut block = HeaderBlock::with_capacity(room);
    for (name, value) in headers {
        if !name.as_str().starts_with(CONTROL_PREFIX) {
            block.push(name.as_str(), value.as_bytes());
        }
    }
    block
}

/// Reads Langley's control headers.
pub(crate) fn control(headers: &HeaderMap) -> Control {
    let task = headers.get("x-langley-task").and_then(|value| value.to_str().ok());
    let project = headers.get(PROJECT_HEADER);
    let session = headers.get_all(SessionHeader::Langley.name()).iter();
    let session = session.map(|value| (SessionHeader::Langley.name(), value.as_bytes()));
    Control {
        session: SessionHeader::find(session).map(|(_, id)| id.to_string()),
        task: task.map(str::to_owned),
        project: project.and_then(|it| std::str::from_utf8(it.as_bytes()).ok()).map(str::to_owned),
    }
}

/// Whether an HTTP/1.1 request or answer asks for another protocol.
pub(crate) fn asks_upgrade(headers: &HeaderMap) -> bool {
    headers.contains_key(UPGRADE) && connection_names(headers, "upgrade")
}

/// Whether `Connection` lists `option`.
pub(crate) fn connection_names(headers: &HeaderMap, option: &str) -> bool {
    headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.split(',').any(|listed| listed.trim().eq_ignore_ascii_case(option)))
}

/// Whether a body is cut in chunks: that is the last of its transfer codings (RFC 9112 §6.3).
pub(crate) fn is_chunked(headers: &HeaderMap) -> bool {
    let last = headers.get_all(TRANSFER_ENCODING).iter().next_back();
    let last = last.and_then(|value| value.to_str().ok()?.rsplit(',').next());
    last.is_some_and(|coding| coding.trim().eq_ignore_ascii_case("chunked"))
}

/// Whether no other transfer coding is named.
fn is_chunked_only(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(TRANSFER_ENCODING).iter();
    values.all(|value| value.as_bytes().eq_ignore_ascii_case(b"chunked"))
}

/// Which way a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Message {
    Request,
    Answer,
}

/// Removes what RFC 9110 §7.6.1 confines to one hop, and Langley's control headers.
///
/// Kept: `TE: trailers`, a `Transfer-Encoding` that ends in `chunked` (both legs frame alike, and a coding
/// beneath the chunks is passed on as it is), and with `upgrading` the `Connection: upgrade` and `Upgrade`
/// pair. A request keeps `chunked` alone: a provider that reads another coding's name in another way would
/// see other requests (RFC 9112 §11.2).
pub(crate) fn strip_hop_by_hop(headers: &mut HeaderMap, message: Message, upgrading: bool) {
    let listed: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|option| HeaderName::from_bytes(option.trim().as_bytes()).ok())
        .filter(|name| *name != CONNECTION && *name != TE && *name != UPGRADE)
        .collect();
    let is_framed = match message {
        Message::Request => is_chunked_only(headers),
        Message::Answer => is_chunked(headers),
    };
    let goes = |name: &HeaderName, value: &HeaderValue| {
        let is_hop = if *name == CONNECTION || *name == UPGRADE {
            !upgrading
        } else if *name == TE {
            !value.as_bytes().eq_ignore_ascii_case(b"trailers")
        } else if *name == TRANSFER_ENCODING {
            !is_framed
        } else {
            *name == KEEP_ALIVE
                || *name == PROXY_CONNECTION
                || *name == PROXY_AUTHORIZATION
                || *name == PROXY_AUTHENTICATE
                || listed.contains(name)
        };
        is_hop || (name.as_str().starts_with(CONTROL_PREFIX) && !is_signed(headers, name))
    };
    if !headers.iter().any(|(name, value)| goes(name, value)) {
        return;
    }
    let mut kept = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers.iter() {
        if !goes(name, value) {
            kept.append(name.clone(), value.clone());
        }
    }
    *headers = kept;
}

/// Whether a request of Amazon's is signed together with a header: it is not what was signed without it. What
/// signs is the agent's SDK, over all headers that the agent was told to send (Signature Version 4).
fn is_signed(headers: &HeaderMap, name: &HeaderName) -> bool {
    let signature = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some(fields) = signature.and_then(|text| text.strip_prefix("AWS4-")) else { return false };
    let Some((_, listed)) = fields.split_once("SignedHeaders=") else { return false };
    let listed = listed.split([',', ' ']).next().unwrap_or_default();
    listed.split(';').any(|listed| listed.eq_ignore_ascii_case(name.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(lines: &[(&str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in lines {
            map.append(
                HeaderName::from_bytes(name.as_bytes()).unwrap(),
                HeaderValue::from_str(value).unwrap(),
            );
        }
        map
    }

    fn names(map: &HeaderMap) -> Vec<&str> {
        map.iter().map(|(name, _)| name.as_str()).collect()
    }

    #[test]
    fn order_survives_the_removal_of_a_header_in_the_middle() {
        let mut headers = map(&[
            ("host", "a"),
            ("connection", "keep-alive, x-hop"),
            ("x-hop", "1"),
            ("te", "trailers"),
            ("keep-alive", "timeout=5"),
            ("x-langley-task", "t"),
            ("cookie", "a=1"),
            ("cookie", "b=2"),
            ("user-agent", "x"),
        ]);
        assert_eq!(control(&headers).task.as_deref(), Some("t"));
        strip_hop_by_hop(&mut headers, Message::Request, false);
        assert_eq!(names(&headers), ["host", "te", "cookie", "cookie", "user-agent"]);
    }

    #[test]
    fn what_a_request_was_signed_with_stays_with_it() {
        let signed = "AWS4-HMAC-SHA256 Credential=AKID/20261122/us-east-1/bedrock/aws4_request, \
                      SignedHeaders=host;x-amz-date;x-langley-project, Signature=00";
        let lines = |authorization| {
            [
                ("host", "a"),
                ("authorization", authorization),
                ("x-langley-project", "/w"),
                ("x-langley-task", "t"),
            ]
        };
        let left = |authorization| {
            let mut headers = map(&lines(authorization));
            assert_eq!(control(&headers).project.as_deref(), Some("/w"));
            strip_hop_by_hop(&mut headers, Message::Request, false);
            headers.len()
        };
        assert_eq!(left(signed), 3, "the task was not signed");
        for other in
            ["Bearer SignedHeaders=x-langley-project", "AWS4-HMAC-SHA256 Credential=a", "x"]
        {
            assert_eq!(left(other), 2, "{other}");
        }
    }

    #[test]
    fn a_transfer_coding_beneath_the_chunks_stays_named() {
        for lines in [
            &[("transfer-encoding", "chunked")][..],
            &[("transfer-encoding", "gzip, Chunked")],
            &[("transfer-encoding", "gzip"), ("transfer-encoding", "chunked")],
        ] {
            let mut headers = map(lines);
            strip_hop_by_hop(&mut headers, Message::Answer, false);
            assert_eq!(headers, map(lines));
        }
        let mut headers = map(&[("transfer-encoding", "chunked, gzip"), ("x", "1")]);
        strip_hop_by_hop(&mut headers, Message::Answer, false);
        assert_eq!(names(&headers), ["x"]);
    }

    #[test]
    fn a_request_names_no_coding_beside_the_chunks_and_keeps_its_order() {
        for codings in [
            &[("transfer-encoding", "gzip, chunked")][..],
            &[("transfer-encoding", "gzip"), ("transfer-encoding", "chunked")],
        ] {
            let around = [("a", "1"), ("b", "2"), ("c", "3"), ("d", "4")];
            let lines = [&around[..1], codings, &around[1..]].concat();
            let mut headers = map(&lines);
            strip_hop_by_hop(&mut headers, Message::Request, false);
            assert_eq!(names(&headers), ["a", "b", "c", "d"]);
        }
        let mut headers = map(&[("transfer-encoding", "Chunked"), ("x", "1")]);
        strip_hop_by_hop(&mut headers, Message::Request, false);
        assert_eq!(names(&headers), ["transfer-encoding", "x"]);
    }

    #[test]
    fn an_upgrade_keeps_its_pair() {
        let lines = [("connection", "Upgrade"), ("upgrade", "websocket"), ("x", "1")];
        let mut headers = map(&lines);
        assert!(asks_upgrade(&headers));
        strip_hop_by_hop(&mut headers, Message::Request, true);
        assert_eq!(names(&headers), ["connection", "upgrade", "x"]);
        strip_hop_by_hop(&mut headers, Message::Answer, false);
        assert_eq!(names(&headers), ["x"]);
    }
}
