//! Bodies under the tap: frames are handed on as they come, trailers included.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use langley_model::{Ending, Side};

use crate::headers;
use crate::tap::FlowTap;

/// Something that must pass before a body is read.
pub(crate) type Gate = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A body on its way through.
pub(crate) enum TapBody {
    /// Handed on from one side to the other.
    Through(Through),
    /// Said by Langley itself.
    Own(Option<Bytes>),
}

/// A forwarded body.
pub(crate) struct Through {
    inner: Incoming,
    from: Side,
    tap: Arc<FlowTap>,
    gate: Option<Gate>,
    /// Whether the flow's end may be judged by this body's end.
    settled: bool,
}

impl TapBody {
    pub(crate) const fn through(
        inner: Incoming,
        from: Side,
        tap: Arc<FlowTap>,
        gate: Option<Gate>,
    ) -> Self {
        Self::Through(Through { inner, from, tap, gate, settled: false })
    }

    pub(crate) fn own(text: impl Into<Bytes>) -> Self {
        let text = text.into();
        Self::Own((!text.is_empty()).then_some(text))
    }
}

impl Body for TapBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match self.get_mut() {
            Self::Through(through) => through.poll_frame(cx),
            Self::Own(text) => Poll::Ready(text.take().map(|text| Ok(Frame::data(text)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Through(through) => through.gate.is_none() && through.inner.is_end_stream(),
            Self::Own(text) => text.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Through(through) => through.inner.size_hint(),
            Self::Own(text) => SizeHint::with_exact(text.as_ref().map_or(0, Bytes::len) as u64),
        }
    }
}

impl Through {
    fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        if let Some(gate) = &mut self.gate {
            ready!(gate.as_mut().poll(cx));
            self.gate = None;
        }
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(cx));
        match &frame {
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    self.tap.data(self.from, data);
                } else if let Some(trailers) = frame.trailers_ref() {
                    self.tap.trailers(self.from, headers::block(trailers));
                }
            }
            Some(Err(_)) => {
                self.settled = true;
                self.tap.end(match self.from {
                    Side::Client => Ending::ClientGone,
                    Side::Upstream => Ending::UpstreamGone,
                });
            }
            None => {
                self.settled = true;
                self.tap.end_of(self.from);
            }
        }
        Poll::Ready(frame)
    }
}

impl Drop for Through {
    fn drop(&mut self) {
        if self.settled {
            return;
        }
        if self.inner.is_end_stream() {
            self.tap.end_of(self.from);
        } else if self.from == Side::Upstream {
            // Nobody reads the answer any more: the agent's side went away.
            self.tap.end(Ending::ClientGone);
        }
    }
}
