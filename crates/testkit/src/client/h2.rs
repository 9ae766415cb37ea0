//! HTTP/2, client side, by hyper.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body::{Body, Frame};
use hyper::client::conn::http2::{self, SendRequest};
use hyper::ext::Protocol;
use hyper::upgrade::Upgraded;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use langley_model::HeaderBlock;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::client::message::{Request, Response, Upload};
use crate::client::stream::Stream;

/// A connection's sending end.
#[derive(Clone, Debug)]
pub(crate) struct Sender {
    send: SendRequest<Fed>,
}

impl Sender {
    pub(crate) async fn start(stream: Stream) -> io::Result<Self> {
        let (send, connection) = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .handshake(TokioIo::new(stream))
            .await
            .map_err(io::Error::other)?;
        // Ends by itself when the last sender and the last answer are gone.
        tokio::spawn(connection);
        Ok(Self { send })
    }

    pub(crate) async fn begin(
        &mut self,
        request: &Request,
        scheme: &str,
        authority: &str,
    ) -> io::Result<Upload<'static>> {
        self.send.ready().await.map_err(io::Error::other)?;
        let target = if request.target.contains("://") {
            request.target.clone()
        } else {
            format!("{scheme}://{authority}{}", request.target)
        };
        let mut head = http::Request::builder().method(request.method.as_str()).uri(target);
        for (name, value) in &request.headers {
            head = head.header(name.as_str(), value.as_str());
        }
        let (body, fed) = mpsc::channel(1);
        let known = if request.chunked { None } else { Some(request.body.len() as u64) };
        let empty = known == Some(0) && !request.bare;
        let fed = Fed { pieces: (!empty).then_some(fed), known };
        let message = head.body(fed).map_err(io::Error::other)?;
        let answer = tokio::spawn(self.send.send_request(message));
        Ok(Upload::h2(Open { body: (!empty).then_some(body), answer }, request))
    }
}

impl Sender {
    pub(crate) async fn websocket(
        &mut self,
        request: &Request,
        url: String,
    ) -> io::Result<TokioIo<Upgraded>> {
        self.send.ready().await.map_err(io::Error::other)?;
        let mut head = http::Request::connect(url).extension(Protocol::from_static("websocket"));
        for (name, value) in &request.headers {
            head = head.header(name.as_str(), value.as_str());
        }
        let body = Fed { pieces: None, known: Some(0) };
        let message = head.body(body).map_err(io::Error::other)?;
        let answer = self.send.send_request(message).await.map_err(io::Error::other)?;
        if answer.status() != http::StatusCode::OK {
            return Err(io::Error::other(format!("no WebSocket but a {}", answer.status())));
        }
        hyper::upgrade::on(answer).await.map(TokioIo::new).map_err(io::Error::other)
    }
}

/// A request under way.
#[derive(Debug)]
pub(crate) struct Open {
    body: Option<mpsc::Sender<Frame<Bytes>>>,
    answer: JoinHandle<hyper::Result<http::Response<hyper::body::Incoming>>>,
}

impl Open {
    pub(crate) async fn data(&mut self, data: Bytes) -> io::Result<()> {
        let Some(body) = &self.body else { return Ok(()) };
        body.send(Frame::data(data)).await.map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    pub(crate) async fn finish(&mut self, trailers: &[(String, String)]) -> io::Result<()> {
        let Some(body) = self.body.take() else { return Ok(()) };
        if trailers.is_empty() {
            return Ok(());
        }
        let mut lines = HeaderMap::new();
        for (name, value) in trailers {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(io::Error::other)?;
            lines.append(name, HeaderValue::from_str(value).map_err(io::Error::other)?);
        }
        body.send(Frame::trailers(lines)).await.map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    pub(crate) async fn response(self) -> io::Result<Response<'static>> {
        let answer = self.answer.await.map_err(io::Error::other)?.map_err(io::Error::other)?;
        // Dropping the body's sender ends an upload that an early answer overtook.
        let (head, body) = answer.into_parts();
        Ok(Response::h2(head.status.as_u16(), block_of(&head.headers), body))
    }

    pub(crate) fn abandon(self) {
        self.answer.abort();
    }
}

/// A request body fed from outside.
#[derive(Debug)]
pub(crate) struct Fed {
    pieces: Option<mpsc::Receiver<Frame<Bytes>>>,
    known: Option<u64>,
}

impl Body for Fed {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match &mut self.get_mut().pieces {
            Some(pieces) => pieces.poll_recv(cx).map(|frame| frame.map(Ok)),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.is_none()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.known.map_or_else(http_body::SizeHint::default, http_body::SizeHint::with_exact)
    }
}

pub(crate) fn block_of(headers: &HeaderMap) -> HeaderBlock {
    let mut block = HeaderBlock::new();
    for (name, value) in headers {
        block.push(name.as_str(), value.as_bytes());
    }
    block
}
