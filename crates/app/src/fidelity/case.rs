//! The requests that are sent both ways, as a table.

use bytes::Bytes;
use langley_model::CHECK_AGENT;

/// A header line.
pub(super) type Line = (&'static str, &'static str);

/// Which HTTP is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2.
    Http2,
}

impl Version {
    /// Its ALPN name.
    pub(super) const fn alpn(self) -> &'static [u8] {
        match self {
            Self::Http1 => b"http/1.1",
            Self::Http2 => b"h2",
        }
    }

    /// Its name for people.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Http1 => "HTTP/1.1",
            Self::Http2 => "HTTP/2",
        }
    }
}

/// A request's body, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Upload {
    /// None.
    Nothing,
    /// Of a length that is said ahead.
    Sized(usize),
    /// In chunks, of unknown length.
    Chunked(usize),
}

impl Upload {
    /// How many bytes.
    const fn bytes(self) -> usize {
        match self {
            Self::Nothing => 0,
            Self::Sized(bytes) | Self::Chunked(bytes) => bytes,
        }
    }

    /// The body, or the first `most` bytes of it: the same every time, and never the same for long.
    pub(super) fn content(self, most: usize) -> Bytes {
        let bytes = self.bytes().min(most);
        (0..bytes).map(|at| u8::try_from((at ^ (at >> 8)) % 256).unwrap_or_default()).collect()
    }
}

/// What is special about an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// Nothing.
    Plain,
    /// The body waits for an interim 100.
    Expect,
    /// The answer is to come while most of the body is held back.
    Early,
    /// An upgrade; these frames are sent, and answered until the last one's echo.
    WebSocket(&'static [Frame]),
}

/// A WebSocket frame: its first byte (FIN, RSV and opcode), and the payload.
pub(super) type Frame = (u8, &'static [u8]);

/// One exchange.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) version: Version,
    pub(super) name: &'static str,
    pub(super) method: &'static str,
    pub(super) target: &'static str,
    pub(super) headers: &'static [Line],
    pub(super) upload: Upload,
    pub(super) trailers: &'static [Line],
    pub(super) manner: Manner,
    /// Without TLS.
    pub(super) is_plain: bool,
    /// Whether its answer is broken off: of any other one that is the origin's fault.
    pub(super) is_broken: bool,
}

const MEGABYTE: usize = 1_000_000;

const fn get(
    version: Version,
    name: &'static str,
    target: &'static str,
    headers: &'static [Line],
) -> Case {
    Case {
        version,
        name,
        method: "GET",
        target,
        headers,
        upload: Upload::Nothing,
        trailers: &[],
        manner: Manner::Plain,
        is_plain: false,
        is_broken: false,
    }
}

/// An answer that is broken off.
const fn broken(version: Version, name: &'static str, target: &'static str) -> Case {
    Case { is_broken: true, ..get(version, name, target, &[]) }
}

/// The same without TLS.
const fn plain(name: &'static str, target: &'static str) -> Case {
    Case { is_plain: true, ..broken(Http1, name, target) }
}

const fn post(
    version: Version,
    name: &'static str,
    target: &'static str,
    headers: &'static [Line],
    upload: Upload,
) -> Case {
    Case { method: "POST", upload, ..get(version, name, target, headers) }
}

use Manner::{Early, Expect, WebSocket};
use Upload::{Chunked, Sized};
use Version::{Http1, Http2};

/// Mixed case, no alphabet, an empty value: on HTTP/1.1 all of it must arrive as written.
const ODD: &[Line] = &[
    ("user-agent", CHECK_AGENT),
    ("X-Stainless-Lang", "js"),
    ("aCCept", "*/*"),
    ("anthropic-version", "2023-06-01"),
    ("X-API-Key", "not-a-key"),
    ("x-empty", ""),
    ("Accept-Encoding", "gzip, deflate, br, zstd"),
    ("B-Late-Name", "after its alphabetical place"),
    ("a-spaced", "two  spaces, ünï"),
];
/// The same in lower case, as HTTP/2 demands.
const EVEN: &[Line] = &[
    ("user-agent", CHECK_AGENT),
    ("x-stainless-lang", "js"),
    ("accept", "*/*"),
    ("anthropic-version", "2023-06-01"),
    ("x-api-key", "not-a-key"),
    ("x-empty", ""),
    ("accept-encoding", "gzip, deflate, br, zstd"),
    ("b-late-name", "after its alphabetical place"),
    ("a-spaced", "two  spaces, ünï"),
];
const TWICE: &[Line] = &[("x-twice", "1"), ("x-twice", "2"), ("x-twice", "1"), ("accept", "a/b")];
const GZIP: &[Line] = &[("accept-encoding", "gzip")];
const BYTES: &[Line] = &[("content-type", "application/octet-stream")];
const TRAILED: &[Line] = &[("te", "trailers"), ("trailer", "x-checksum, x-count")];
const TRAILERS: &[Line] = &[("x-checksum", "abc"), ("x-count", "7")];
const TAKES_TRAILERS: &[Line] = &[("te", "trailers")];
const DEFLATE: &[Line] = &[("sec-websocket-extensions", "permessage-deflate")];

const TARGET: &str = "/echo/a%2Fb//c?x=1&y=%20+&&z=%C3%BC;q";
const EVENTS: &str = "/sse?events=40&size=300";
const GZIPPED: &str = "/sse?events=40&size=300&gzip";
const TRAILING: &str = "/sse?events=3&trailers";

const TEXT: Frame = (0x81, "Grüße".as_bytes());
const BINARY: Frame = (0x82, &[0x5a; 70_000]);
const FIRST_OF_TWO: Frame = (0x01, b"in two ");
const SECOND_OF_TWO: Frame = (0x80, b"frames");
const PING: Frame = (0x89, b"still there?");
/// "Hello", compressed (the sample of RFC 7692 §7.2.3.1).
const COMPRESSED: Frame = (0xC1, &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]);
const CLOSE: Frame = (0x88, &[0x03, 0xe8]);

/// Every exchange, in the order of the report.
pub(super) const CASES: &[Case] = &[
    get(Http1, "header case and order", "/echo", ODD),
    get(Http1, "duplicate headers", "/echo", TWICE),
    get(Http1, "odd target", TARGET, &[]),
    get(Http1, "server-sent events", EVENTS, &[]),
    get(Http1, "server-sent events, gzip", GZIPPED, GZIP),
    get(Http1, "answer of 1 MB, sized", "/download?bytes=1000000", &[]),
    get(Http1, "answer of 1 MB, chunked", "/download?bytes=1000000&framing=chunked", &[]),
    get(Http1, "answer until the connection's end", "/download?bytes=50000&framing=close", &[]),
    post(Http1, "upload of 1 MB, sized", "/upload", BYTES, Sized(MEGABYTE)),
    post(Http1, "upload of 1 MB, chunked", "/upload", BYTES, Chunked(MEGABYTE)),
    Case {
        trailers: TRAILERS,
        ..post(Http1, "upload with trailers", "/upload", TRAILED, Chunked(5000))
    },
    get(Http1, "answer with trailers", TRAILING, TAKES_TRAILERS),
    get(Http1, "answer with trailers, unasked for", TRAILING, &[]),
    Case { method: "HEAD", ..get(Http1, "HEAD", "/download?bytes=1000", &[]) },
    get(Http1, "204", "/status/204", &[]),
    get(Http1, "304", "/status/304", &[]),
    get(Http1, "error status", "/status/529", &[]),
    Case { manner: Expect, ..post(Http1, "100-continue", "/upload", BYTES, Sized(100_000)) },
    Case {
        manner: Early,
        ..post(Http1, "early answer", "/status/413?early", BYTES, Sized(MEGABYTE))
    },
    Case {
        manner: WebSocket(&[TEXT, BINARY, FIRST_OF_TWO, SECOND_OF_TWO, PING, CLOSE]),
        ..get(Http1, "WebSocket", "/ws", &[])
    },
    Case {
        manner: WebSocket(&[COMPRESSED, TEXT, CLOSE]),
        ..get(Http1, "WebSocket, permessage-deflate", "/ws", DEFLATE)
    },
    broken(Http1, "sized answer, reset", "/download?bytes=50000&chunk=9000&reset_after=3"),
    broken(Http1, "sized answer, cut off", "/download?bytes=50000&chunk=9000&leave_after=3"),
    broken(
        Http1,
        "sized answer, cut off without goodbye",
        "/download?bytes=50000&chunk=9000&close_after=3",
    ),
    broken(Http1, "server-sent events, reset", "/sse?events=9&size=300&reset_after=3"),
    broken(Http1, "server-sent events, cut off", "/sse?events=9&size=300&leave_after=3"),
    broken(
        Http1,
        "server-sent events, cut off without goodbye",
        "/sse?events=9&size=300&close_after=3",
    ),
    broken(
        Http1,
        "answer until the connection's end, which is a reset",
        "/sse?events=9&size=300&framing=close&reset_after=3",
    ),
    broken(
        Http1,
        "answer until the connection's end, without goodbye",
        "/sse?events=9&size=300&framing=close&close_after=3",
    ),
    plain("sized answer, reset, no TLS", "/download?bytes=50000&chunk=9000&reset_after=3"),
    plain("sized answer, cut off, no TLS", "/download?bytes=50000&chunk=9000&close_after=3"),
    plain("server-sent events, reset, no TLS", "/sse?events=9&size=300&reset_after=3"),
    plain("server-sent events, cut off, no TLS", "/sse?events=9&size=300&close_after=3"),
    plain(
        "answer until the connection's end, no TLS",
        "/sse?events=9&size=300&framing=close&close_after=3",
    ),
    plain(
        "answer until the connection's end, which is a reset, no TLS",
        "/sse?events=9&size=300&framing=close&reset_after=3",
    ),
    get(Http2, "header order", "/echo", EVEN),
    get(Http2, "duplicate headers", "/echo", TWICE),
    get(Http2, "odd target", TARGET, &[]),
    get(Http2, "server-sent events", EVENTS, &[]),
    get(Http2, "server-sent events, gzip", GZIPPED, GZIP),
    get(Http2, "answer of 1 MB", "/download?bytes=1000000", &[]),
    post(Http2, "upload of 1 MB, sized", "/upload", BYTES, Sized(MEGABYTE)),
    post(Http2, "upload of 1 MB, unsized", "/upload", BYTES, Chunked(MEGABYTE)),
    Case {
        trailers: TRAILERS,
        ..post(Http2, "upload with trailers", "/upload", TRAILED, Chunked(5000))
    },
    get(Http2, "answer with trailers", TRAILING, TAKES_TRAILERS),
    get(Http2, "answer with trailers, unasked for", TRAILING, &[]),
    broken(Http2, "stream reset, NO_ERROR", "/sse?events=9&size=300&reset_after=3&reset_code=0"),
    broken(Http2, "stream reset, INTERNAL_ERROR", "/sse?events=9&size=300&reset_after=3"),
    broken(Http2, "stream reset, CANCEL", "/sse?events=9&size=300&reset_after=3&reset_code=8"),
    broken(
        Http2,
        "stream reset, ENHANCE_YOUR_CALM",
        "/sse?events=9&size=300&reset_after=3&reset_code=11",
    ),
    broken(Http2, "connection cut off", "/sse?events=9&size=300&close_after=3"),
    Case { method: "HEAD", ..get(Http2, "HEAD", "/download?bytes=1000", &[]) },
    get(Http2, "204", "/status/204", &[]),
    get(Http2, "304", "/status/304", &[]),
    get(Http2, "error status", "/status/529", &[]),
    Case {
        manner: Early,
        ..post(Http2, "early answer", "/status/413?early", BYTES, Sized(MEGABYTE))
    },
    Case {
        method: "CONNECT",
        manner: WebSocket(&[TEXT, BINARY, FIRST_OF_TWO, SECOND_OF_TWO, PING, CLOSE]),
        ..get(Http2, "WebSocket", "/ws", &[("sec-websocket-version", "13")])
    },
];
