//! Requests as they are to be sent, answers as they came.

use std::collections::VecDeque;
use std::io;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use langley_model::{HeaderBlock, HttpVersion};

use crate::client::h1::{Framing, Wire};
use crate::client::h2;

/// A request. Header lines go out in the order and case given (HTTP/2 has no case).
#[derive(Clone, Debug)]
pub struct Request {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Bytes,
    pub(crate) trailers: Vec<(String, String)>,
    pub(crate) chunked: bool,
    pub(crate) bare: bool,
}

impl Request {
    /// A request without headers but those that its framing needs.
    #[must_use]
    pub fn new(method: &str, target: &str) -> Self {
        Self {
            method: method.to_owned(),
            target: target.to_owned(),
            headers: Vec::new(),
            body: Bytes::new(),
            trailers: Vec::new(),
            chunked: false,
            bare: false,
        }
    }

    /// A GET.
    #[must_use]
    pub fn get(target: &str) -> Self {
        Self::new("GET", target)
    }

    /// A POST.
    #[must_use]
    pub fn post(target: &str, body: impl Into<Bytes>) -> Self {
        let mut request = Self::new("POST", target);
        request.body = body.into();
        request
    }

    /// A POST of JSON to `/v1/messages` with one line from the person, as the smallest clients send.
    #[must_use]
    pub fn messages(stream: bool) -> Self {
        let body = format!(
            r#"{{"model":"claude-test-1","max_tokens":64,"stream":{stream},"messages":[{{"role":"user","content":"Hello"}}]}}"#
        );
        Self::post("/v1/messages", body)
            .header("content-type", "application/json")
            .header("x-api-key", "sk-ant-api03-not-a-real-key")
            .header("anthropic-version", "2023-06-01")
    }

    /// Adds a header line.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Asks the fixture for a behaviour (`x-fixture`).
    #[must_use]
    pub fn fixture(self, wish: &str) -> Self {
        self.header("x-fixture", wish)
    }

    /// Adds a trailer line; the body is then chunked.
    #[must_use]
    pub fn trailer(mut self, name: &str, value: &str) -> Self {
        self.trailers.push((name.to_owned(), value.to_owned()));
        self.chunked = true;
        self
    }

    /// Sends the body chunked (HTTP/1.1) or without a length (HTTP/2).
    #[must_use]
    pub fn chunked(mut self) -> Self {
        self.chunked = true;
        self
    }

    /// Adds no line by itself: neither `Host` nor framing.
    #[must_use]
    pub fn bare(mut self) -> Self {
        self.bare = true;
        self
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name))
    }
}

/// A request whose body is being sent.
#[derive(Debug)]
pub struct Upload<'a> {
    way: Way<'a>,
    method: String,
    chunked: bool,
}

#[derive(Debug)]
enum Way<'a> {
    H1(&'a mut Wire),
    H2(h2::Open),
}

impl<'a> Upload<'a> {
    pub(crate) fn h1(wire: &'a mut Wire, request: &Request) -> Self {
        Self { way: Way::H1(wire), method: request.method.clone(), chunked: request.chunked }
    }

    pub(crate) fn h2(open: h2::Open, request: &Request) -> Self {
        Self { way: Way::H2(open), method: request.method.clone(), chunked: request.chunked }
    }

    /// Sends a piece of the body.
    ///
    /// # Errors
    /// When the connection broke or the peer stopped reading.
    pub async fn data(&mut self, data: impl Into<Bytes>) -> io::Result<()> {
        let data = data.into();
        if data.is_empty() {
            return Ok(());
        }
        match &mut self.way {
            Way::H1(wire) => wire.data(&data, self.chunked).await,
            Way::H2(open) => open.data(data).await,
        }
    }

    /// Ends the body.
    ///
    /// # Errors
    /// As [`Self::data`].
    pub async fn finish(&mut self, trailers: &[(String, String)]) -> io::Result<()> {
        match &mut self.way {
            Way::H1(wire) if self.chunked => wire.last_chunk(trailers).await,
            Way::H1(_) => Ok(()),
            Way::H2(open) => open.finish(trailers).await,
        }
    }

    /// Waits for the answer's head; the body may still be open.
    ///
    /// # Errors
    /// When the connection breaks first.
    pub async fn response(self) -> io::Result<Response<'a>> {
        match self.way {
            Way::H1(wire) => {
                let (status, headers) = wire.head().await?;
                Response::h1(status, headers, &self.method, wire)
            }
            Way::H2(open) => open.response().await,
        }
    }

    /// Gives the request up before its end: HTTP/2 resets the stream. On HTTP/1.1 there is no way
    /// but to drop the [`crate::Connection`].
    pub fn abandon(self) {
        if let Way::H2(open) = self.way {
            open.abandon();
        }
    }
}

/// An answer, of which the head is here and the body comes.
#[derive(Debug)]
pub struct Response<'a> {
    /// Status code.
    pub status: u16,
    /// Version spoken.
    pub version: HttpVersion,
    /// Header lines in wire order, HTTP/1.1 with its case.
    pub headers: HeaderBlock,
    /// Trailer lines, once the body ended.
    pub trailers: HeaderBlock,
    body: Body<'a>,
    lines: BytesMut,
    ready: VecDeque<String>,
}

#[derive(Debug)]
enum Body<'a> {
    H1(&'a mut Wire, Framing),
    H2(Box<Incoming>),
}

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Whole {
    /// Status code.
    pub status: u16,
    /// Version spoken.
    pub version: HttpVersion,
    /// Header lines in wire order, HTTP/1.1 with its case.
    pub headers: HeaderBlock,
    /// The body, content encoding still applied.
    pub body: Bytes,
    /// Trailer lines.
    pub trailers: HeaderBlock,
}

impl Whole {
    /// The body as text.
    ///
    /// # Panics
    /// When it is not UTF-8.
    #[must_use]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("a body in UTF-8")
    }
}

impl<'a> Response<'a> {
    pub(crate) fn h1(
        status: u16,
        headers: HeaderBlock,
        method: &str,
        wire: &'a mut Wire,
    ) -> io::Result<Self> {
        let framing = Framing::of(status, &headers, method)?;
        let body = Body::H1(wire, framing);
        Ok(Self::new(status, HttpVersion::Http11, headers, body))
    }

    pub(crate) fn h2(status: u16, headers: HeaderBlock, body: Incoming) -> Self {
        Self::new(status, HttpVersion::Http2, headers, Body::H2(Box::new(body)))
    }

    fn new(status: u16, version: HttpVersion, headers: HeaderBlock, body: Body<'a>) -> Self {
        Self {
            status,
            version,
            headers,
            trailers: HeaderBlock::new(),
            body,
            lines: BytesMut::new(),
            ready: VecDeque::new(),
        }
    }

    /// The next piece as it arrives (one chunk, frame or read); none at a clean end; an error at a
    /// break.
    pub async fn next(&mut self) -> Option<io::Result<Bytes>> {
        match &mut self.body {
            Body::H1(wire, framing) => wire.piece(framing, &mut self.trailers).await.transpose(),
            Body::H2(incoming) => loop {
                match incoming.frame().await? {
                    Err(error) => return Some(Err(io::Error::other(error))),
                    Ok(frame) => match frame.into_data() {
                        Ok(data) if data.is_empty() => {}
                        Ok(data) => return Some(Ok(data)),
                        Err(frame) => {
                            if let Ok(lines) = frame.into_trailers() {
                                self.trailers = h2::block_of(&lines);
                            }
                        }
                    },
                }
            },
        }
    }

    /// The next server-sent event, as its text without the blank line; none at a clean end.
    ///
    /// # Errors
    /// When the answer breaks off.
    ///
    /// # Panics
    /// When the event is not UTF-8.
    pub async fn next_event(&mut self) -> io::Result<Option<String>> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(Some(event));
            }
            let Some(data) = self.next().await.transpose()? else { return Ok(None) };
            self.lines.extend_from_slice(&data);
            while let Some(end) = self.lines.windows(2).position(|pair| pair == b"\n\n") {
                let event = self.lines.split_to(end + 2);
                let text = std::str::from_utf8(&event[..end]).expect("an event in UTF-8");
                self.ready.push_back(text.to_owned());
            }
        }
    }

    /// The rest of the answer.
    ///
    /// # Errors
    /// When it breaks off.
    pub async fn whole(mut self) -> io::Result<Whole> {
        let mut body = Vec::new();
        while let Some(data) = self.next().await.transpose()? {
            body.extend_from_slice(&data);
        }
        Ok(self.into_whole(body))
    }

    pub(crate) fn into_whole(self, body: Vec<u8>) -> Whole {
        Whole {
            status: self.status,
            version: self.version,
            headers: self.headers,
            body: body.into(),
            trailers: self.trailers,
        }
    }
}
