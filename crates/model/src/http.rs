//! HTTP as plain data: headers in wire order, without any HTTP library.

use std::fmt;

/// Header lines in the order they were seen, one allocation for all of them.
///
/// Stored as `name: value\r\n` lines, the form of RFC 9112 §5. Names are as the wire spelt them
/// where that is known, else lower-case; values are bytes and need not be UTF-8.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct HeaderBlock {
    lines: Vec<u8>,
}

impl HeaderBlock {
    /// An empty block.
    #[must_use]
    pub const fn new() -> Self {
        Self { lines: Vec::new() }
    }

    /// An empty block with room for `bytes` bytes of lines.
    #[must_use]
    pub fn with_capacity(bytes: usize) -> Self {
        Self { lines: Vec::with_capacity(bytes) }
    }

    /// Appends a line. Line breaks inside `value` would forge a line, so they become spaces.
    pub fn push(&mut self, name: &str, value: &[u8]) {
        self.lines.extend_from_slice(name.as_bytes());
        self.lines.extend_from_slice(b": ");
        let start = self.lines.len();
        self.lines.extend_from_slice(value);
        for byte in &mut self.lines[start..] {
            if matches!(byte, b'\r' | b'\n') {
                *byte = b' ';
            }
        }
        self.lines.extend_from_slice(b"\r\n");
    }

    /// Every line as (name, value), in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let mut rest = self.lines.as_slice();
        std::iter::from_fn(move || {
            let end = memchr::memchr(b'\n', rest)?;
            let line = rest[..end].strip_suffix(b"\r").unwrap_or(&rest[..end]);
            rest = &rest[end + 1..];
            let colon = memchr::memchr(b':', line)?;
            let value = &line[colon + 1..];
            let name = std::str::from_utf8(&line[..colon]).unwrap_or("");
            Some((name, value.strip_prefix(b" ").unwrap_or(value)))
        })
    }

    /// The first value of `name` (any case), when it is UTF-8.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        let mut rest = self.lines.as_slice();
        loop {
            let line = &rest[..memchr::memchr(b'\n', rest)?];
            if line.get(name.len()) == Some(&b':')
                && line[..name.len()].eq_ignore_ascii_case(name.as_bytes())
            {
                let value = &line[name.len() + 1..];
                let value = value.strip_suffix(b"\r").unwrap_or(value);
                return std::str::from_utf8(value.strip_prefix(b" ").unwrap_or(value)).ok();
            }
            rest = &rest[line.len() + 1..];
        }
    }

    /// Whether there is no line.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The `name: value\r\n` lines.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.lines
    }

    /// Rebuilds a block from [`Self::as_bytes`].
    #[must_use]
    pub const fn from_bytes(lines: Vec<u8>) -> Self {
        Self { lines }
    }
}

impl fmt::Debug for HeaderBlock {
    /// Names only: values may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(|(name, _)| name)).finish()
    }
}

/// The HTTP version of one leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HttpVersion {
    /// HTTP/1.0.
    Http10,
    /// HTTP/1.1.
    Http11,
    /// HTTP/2.
    Http2,
}

impl HttpVersion {
    /// As ALPN and the dashboard name it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http10 => "http/1.0",
            Self::Http11 => "http/1.1",
            Self::Http2 => "h2",
        }
    }

    /// The version that [`Self::as_str`] names.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Http10, Self::Http11, Self::Http2].into_iter().find(|v| v.as_str() == word)
    }
}

/// Which of the two peers sent something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// The agent.
    Client,
    /// The provider.
    Upstream,
}

/// How the agent reached Langley.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// As an HTTP proxy: CONNECT, or an absolute-form request.
    Forward,
    /// By base URL: Langley looks like the provider.
    Reverse,
}

impl Mode {
    /// The word used in SQL, JSON and the dashboard.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Forward => "forward",
            Self::Reverse => "reverse",
        }
    }

    /// The mode that [`Self::as_str`] names.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Forward, Self::Reverse].into_iter().find(|mode| mode.as_str() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_keep_their_order_and_cannot_forge_a_line() {
        let mut block = HeaderBlock::new();
        block.push("Host", b"api.example");
        block.push("x-a", b"1\r\nx-forged: yes");
        block.push("x-empty", b"");
        let lines: Vec<_> = block.iter().collect();
        assert_eq!(
            lines,
            [("Host", b"api.example".as_slice()), ("x-a", b"1  x-forged: yes"), ("x-empty", b"")]
        );
        assert_eq!(block.value("HOST"), Some("api.example"));
        assert_eq!(block.value("x-forged"), None);
    }

    #[test]
    fn debug_output_names_headers_without_values() {
        let mut block = HeaderBlock::new();
        block.push("authorization", b"Bearer secret");
        assert_eq!(format!("{block:?}"), r#"{"authorization"}"#);
    }
}
