//! One exchange over HTTP/2, by hyper: there the wire has no case, and lines keep their order.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming};
use hyper::client::conn::http2;
use hyper::ext::Protocol;
use hyper::header::{CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use langley_proxy::PROBE_HOST;
use tokio::sync::oneshot;
use tokio_util::task::AbortOnDropHandle;

use super::case::{self, Case, Line, Manner, Upload};
use super::end::End;
use super::frames::talk;
use super::h1::EARLY;
use super::seen::{Seen, SeenLine};
use super::way::Way;
use super::wire::Wire;
use crate::proxied::RoadError;

/// Bytes per piece of an upload.
const PIECE: usize = 9_000;

/// How long the offer of an extended CONNECT is waited for.
const OFFER: Duration = Duration::from_secs(3);

/// Sends the request on a connection of its own; the answer as it came.
///
/// # Errors
/// No connection, or it broke.
pub(super) async fn exchange(case: &Case, way: &Way) -> Result<Seen, RoadError> {
    let stream = TokioIo::new(way.open(case.version).await?);
    let (mut sender, mut connection) = http2::handshake(TokioExecutor::new(), stream).await?;
    if let Manner::WebSocket(frames) = case.manner {
        offered(&mut connection).await?;
        let _driver = AbortOnDropHandle::new(tokio::spawn(connection));
        let answer = sender.send_request(request(case, oneshot::channel().1)?).await?;
        return converse(answer, frames).await;
    }
    let _driver = AbortOnDropHandle::new(tokio::spawn(connection));
    sender.ready().await?;
    let (_release, held) = oneshot::channel();
    let (head, mut body) = sender.send_request(request(case, held)?).await?.into_parts();
    let (mut content, mut trailers) = (BytesMut::new(), Vec::new());
    let end = loop {
        let frame = match body.frame().await {
            Some(Ok(frame)) => frame,
            Some(Err(error)) => break End::of_stream(&error).ok_or(error)?,
            None => break End::of_body(&body),
        };
        match frame.into_data() {
            Ok(data) => content.extend_from_slice(&data),
            Err(frame) => trailers = frame.trailers_ref().map(lines).unwrap_or_default(),
        }
    };
    Ok(Seen {
        start: format!("{} HTTP/2", StatusCode::as_u16(&head.status)),
        headers: lines(&head.headers),
        body_bytes: content.len() as u64,
        body: Some(content.freeze()),
        trailers,
        end,
    })
}

/// Waits until the other side has said that it takes an extended CONNECT (RFC 8441 §3).
async fn offered<T>(connection: &mut http2::Connection<T, Pieces, TokioExecutor>) -> io::Result<()>
where
    T: hyper::rt::Read + hyper::rt::Write + Send + Unpin + 'static,
{
    let offered = poll_fn(|cx| match Pin::new(&mut *connection).poll(cx) {
        Poll::Ready(_) => Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
        Poll::Pending if connection.is_extended_connect_protocol_enabled() => Poll::Ready(Ok(())),
        Poll::Pending => Poll::Pending,
    });
    let no = || io::Error::other("WebSockets over HTTP/2 (extended CONNECT) were not offered");
    tokio::time::timeout(OFFER, offered).await.unwrap_or_else(|_| Err(no()))
}

/// What came back to the frames, behind the answer's head.
async fn converse(answer: Response<Incoming>, frames: &[case::Frame]) -> Result<Seen, RoadError> {
    let (status, headers) = (answer.status().as_u16(), lines(answer.headers()));
    let body = if answer.status().is_success() {
        let mut wire = Wire::new(TokioIo::new(hyper::upgrade::on(answer).await?));
        talk(&mut wire, frames).await?
    } else {
        answer.into_body().collect().await?.to_bytes()
    };
    Ok(Seen {
        start: format!("{status} HTTP/2"),
        headers,
        body_bytes: body.len() as u64,
        body: Some(body),
        trailers: Vec::new(),
        end: End::Whole,
    })
}

fn request(case: &Case, held: Held) -> Result<Request<Pieces>, RoadError> {
    let unusable = |error: &dyn std::error::Error| io::Error::other(error.to_string());
    let mut request =
        Request::builder().method(case.method).uri(format!("https://{PROBE_HOST}{}", case.target));
    for (name, value) in case.headers {
        request = request.header(*name, value.as_bytes());
    }
    if let Manner::WebSocket(_) = case.manner {
        request = request.extension(Protocol::from_static("websocket"));
    }
    if let Upload::Sized(bytes) = case.upload {
        request = request.header(CONTENT_LENGTH, bytes);
    }
    Ok(request.body(Pieces::of(case, held)).map_err(|error| unusable(&error))?)
}

fn lines(headers: &HeaderMap) -> Vec<SeenLine> {
    let lines = headers.iter();
    lines.map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec())).collect()
}

/// Ends when the answer has been read.
type Held = oneshot::Receiver<std::convert::Infallible>;

/// A request's body in pieces; one that holds the rest back breaks off when the answer has been read.
#[derive(Debug)]
struct Pieces {
    frames: VecDeque<Frame<Bytes>>,
    held: Option<Held>,
}

impl Pieces {
    fn of(case: &Case, held: Held) -> Self {
        let holds_back = case.manner == Manner::Early;
        let whole = case.upload.content(if holds_back { EARLY } else { usize::MAX });
        let pieces = (0..whole.len()).step_by(PIECE);
        let pieces = pieces.map(|at| whole.slice(at..whole.len().min(at + PIECE)));
        let mut frames: VecDeque<_> = pieces.map(Frame::data).collect();
        if !case.trailers.is_empty() {
            frames.push_back(Frame::trailers(map(case.trailers)));
        }
        Self { frames, held: holds_back.then_some(held) }
    }
}

fn map(lines: &'static [Line]) -> HeaderMap {
    let lines = lines.iter();
    lines
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
        .collect()
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = oneshot::error::RecvError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = self.get_mut();
        match (this.frames.pop_front(), &mut this.held) {
            (Some(frame), _) => Poll::Ready(Some(Ok(frame))),
            (None, Some(held)) => Pin::new(held).poll(cx).map(|released| {
                let Err(released) = released;
                Some(Err(released))
            }),
            (None, None) => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.frames.is_empty() && self.held.is_none()
    }
}
