//! An answer's body on its way into an agent's connection: what it ends with may only be said when all that
//! came before has left.
//!
//! A break overtakes what waits to be sent, in hyper as in HTTP/2, so it waits until nothing does. And
//! trailers of HTTP/1.1 are written here: hyper sends them only to an agent that has asked for them by
//! `TE: trailers` and only those that `Trailer` names, where the provider has sent them all the same.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};

use crate::body::{Broke, TapBody};
use crate::leg::{Leg, Since};
use crate::tied::Running;

/// How a chunked body ends that has no trailers (RFC 9112 §7.1).
const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// The body of one answer.
pub(crate) struct LegBody {
    body: TapBody,
    leg: Arc<Leg>,
    last: Option<Last>,
    /// Since when what came before is waited for.
    since: Option<Since>,
    running: Option<Running>,
}

/// What a body ends with.
enum Last {
    Broke(Broke),
    /// The last chunk and its trailers.
    Trailers(Bytes),
}

impl LegBody {
    pub(crate) fn new(body: TapBody, leg: &Arc<Leg>) -> Self {
        Self { body, leg: Arc::clone(leg), last: None, since: None, running: None }
    }

    /// The same, of an exchange that breaks off with its connection.
    pub(crate) fn running(mut self, running: Option<Running>) -> Self {
        self.running = running;
        self
    }
}

impl Body for LegBody {
    type Data = Bytes;
    type Error = Broke;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broke>>> {
        let this = self.get_mut();
        if this.last.is_none() {
            let frame = match ready!(Pin::new(&mut this.body).poll_frame(cx)) {
                Some(Ok(frame)) => frame,
                // Nobody waits for an agent that takes too long.
                Some(Err(overdue @ Broke::Overdue(_))) => return Poll::Ready(Some(Err(overdue))),
                Some(Err(broke)) => {
                    if let Some(how) = broke.how() {
                        this.leg.end_by(how.clone());
                    }
                    this.last = Some(Last::Broke(broke));
                    return this.poll_last(cx);
                }
                None => {
                    if let Some(how) = this.body.ended_by() {
                        this.leg.end_by(how);
                    }
                    return Poll::Ready(None);
                }
            };
            match frame.trailers_ref().filter(|_| this.leg.is_http1()) {
                Some(trailers) => this.last = Some(Last::Trailers(last_chunk(trailers))),
                None => return Poll::Ready(Some(Ok(frame))),
            }
        }
        this.poll_last(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.last.is_none() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl LegBody {
    fn poll_last(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broke>>> {
        ready!(self.leg.poll_left(&mut self.since, cx));
        if let (Some(running), Some(Last::Broke(broke))) = (&mut self.running, &self.last)
            && broke.how().is_some_and(|how| self.leg.breaks_by(how))
        {
            running.breaks();
            return Poll::Pending;
        }
        Poll::Ready(match self.last.take() {
            Some(Last::Broke(broke)) => Some(Err(broke)),
            Some(Last::Trailers(trailers)) => {
                self.leg.exchange(LAST_CHUNK, trailers);
                None
            }
            None => None,
        })
    }
}

impl Drop for LegBody {
    fn drop(&mut self) {
        if let Some(how) = self.running.as_ref().and_then(Running::ending) {
            self.body.cut_by(how);
        }
        self.leg.ends();
    }
}

/// The last chunk with `trailers` behind it.
fn last_chunk(trailers: &HeaderMap) -> Bytes {
    let mut written = b"0\r\n".to_vec();
    for (name, value) in trailers {
        for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
            written.extend_from_slice(part);
        }
    }
    written.extend_from_slice(b"\r\n");
    written.into()
}
