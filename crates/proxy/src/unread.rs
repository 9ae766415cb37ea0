//! Requests that were not understood: each is answered in words, and on record with what could be read.

use std::io;
use std::time::Duration;

use http::StatusCode;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use crate::limits::Limits;
use crate::refusal::Refusal;

/// Bytes of a request's head that are kept until it is understood, in case it never is.
const HEAD_KEPT: usize = 1024;
/// The longest word that is taken for a method.
const METHOD_MAX: usize = 32;
/// How long a goodbye may take.
pub(crate) const GOODBYE: Duration = Duration::from_secs(1);

/// A request that was not understood.
#[derive(Debug, Default)]
pub(crate) struct Unread {
    /// Its beginning.
    pub(crate) head: Vec<u8>,
    /// How much of it there was, as far as it was read by itself, and how many lines.
    pub(crate) bytes: usize,
    pub(crate) lines: usize,
    /// The answer's head that the library wrote, which was kept back.
    pub(crate) answer: Vec<u8>,
}

impl Unread {
    /// More of it was read.
    pub(crate) fn grows(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len();
        self.lines += bytes.iter().filter(|byte| **byte == b'\n').count();
        let room = HEAD_KEPT.saturating_sub(self.head.len()).min(bytes.len());
        self.head.extend_from_slice(&bytes[..room]);
    }

    /// The status that the library has chosen; none where it said nothing.
    pub(crate) fn status(&self) -> Option<u16> {
        // "HTTP/1.1 400 …"
        std::str::from_utf8(self.answer.get(9..12)?).ok()?.parse().ok()
    }

    /// Method and path of the first line, as far as there are any; a long path is cut.
    pub(crate) fn line(&self) -> (String, String) {
        let is_end = |byte: &u8| matches!(byte, b'\r' | b'\n');
        // Empty lines before it are passed over (RFC 9112 §2.2).
        let begin = self.head.iter().position(|byte| !is_end(byte)).unwrap_or(self.head.len());
        let head = &self.head[begin..];
        let end = head.iter().position(is_end);
        let line = String::from_utf8_lossy(&head[..end.unwrap_or(head.len())]);
        let mut words = line.split(' ');
        let method = words.next().unwrap_or_default();
        // What is no method is no request either: of such bytes nothing is said.
        if http::Method::from_bytes(method.as_bytes()).is_err() || method.len() > METHOD_MAX {
            return Default::default();
        }
        let target = words.next().unwrap_or_default();
        let path = match target.split_once("://") {
            Some((_, rest)) => rest.find('/').map_or("/", |slash| &rest[slash..]),
            None => target,
        };
        let mut path: String = match path.starts_with('/') {
            true => path.chars().filter(|c| !c.is_control()).collect(),
            false => String::new(),
        };
        if end.is_none() && self.head.len() >= HEAD_KEPT {
            path.push('…');
        }
        (method.to_owned(), path)
    }
}

/// Says `words` and closes. What still comes is read for a moment: an end of which something is unread is
/// a reset, which may overtake the words.
pub(crate) async fn answer<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, words: &str) {
    let saying = async {
        stream.write_all(words.as_bytes()).await?;
        stream.shutdown().await?;
        read_out(stream).await
    };
    let _as_far_as_it_listens = tokio::time::timeout(GOODBYE, saying).await;
}

/// Reads what still comes, to its end.
pub(crate) async fn read_out<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<()> {
    let mut rest = vec![0; 16 * 1024];
    while stream.read(&mut rest).await? > 0 {}
    Ok(())
}

/// What is wrong with a request that the library does not read.
pub(crate) fn refusal(error: &hyper::Error, unread: &Unread, limits: Limits) -> Refusal {
    match unread.status() {
        Some(414) => Refusal::new(
            StatusCode::URI_TOO_LONG,
            "target_too_long",
            "the request's URL is longer than 65,534 bytes; send what is long in the body",
        ),
        Some(431) if unread.lines > limits.header_count => Refusal::too_many_headers(&limits),
        // Of a request that was sent before the last one was answered nobody knows which it is.
        Some(431) => Refusal::new(
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            "header_too_large",
            format!(
                "the request's head is larger than {} bytes or has more than {} lines; send less, or \
                 raise proxy.limits.header_bytes or header_count",
                limits.header_bytes, limits.header_count
            ),
        ),
        _ => Refusal::new(
            StatusCode::BAD_REQUEST,
            "malformed_request",
            format!(
                "the request is no valid HTTP/1.1 ({error}), and nothing of it was sent on; correct \
                 what sends it"
            ),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_what_was_not_understood_method_and_path_are_told_where_there_are_any() {
        let line = |head: &[u8]| {
            let (method, path) = Unread { head: head.to_vec(), ..Unread::default() }.line();
            format!("{method} {path}")
        };
        assert_eq!(line(b"GET /a?b=c HTTP/1.1\r\nX : y\r\n"), "GET /a?b=c");
        assert_eq!(line(b"POST http://a.example/v1/x HTTP/9\n"), "POST /v1/x");
        assert_eq!(line(b"GET http://a.example HTTP/9\n"), "GET /");
        assert_eq!(line(b"CONNECT nowhere HTTP/1.1\r\n"), "CONNECT ");
        assert_eq!(line(b"GET"), "GET ");
        assert_eq!(line(b"\r\n\r\nPOST /b HTTP/9\r\n"), "POST /b");
        assert_eq!(line(b""), " ");
        assert_eq!(line(b"\x16\x03\x01 /x"), " ");
        assert_eq!(line("Größe /x".as_bytes()), " ");
        assert_eq!(line(&[b'A'; 40]), " ");
        let long = [b"GET /".as_slice(), &[b'x'; HEAD_KEPT - 5]].concat();
        assert!(line(&long).ends_with("xx…"));
    }
}
