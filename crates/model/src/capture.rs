//! What the tap offers: raw observations of one flow, before anyone has understood them.
//!
//! A [`CaptureSink`] never blocks and never fails the caller: the agent's bytes do not wait for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;

use crate::broken::Break;
use crate::http::{HeaderBlock, HttpVersion, Mode, Side};
use crate::id::{ConnectionId, FlowId};
use crate::outcome::Ending;
use crate::time::{Micros, Tick};

/// The most bytes the tap keeps of a direction after a gap, to deliver with the ending.
pub const KEPT_TAIL: usize = 16 * 1024;

/// One observation.
#[derive(Clone, Debug)]
pub enum Capture {
    /// The request's head arrived.
    Opened(Box<Opened>),
    /// A piece of the request.
    Request(Chunk),
    /// A piece of the answer.
    Response(Chunk),
    /// Raw bytes after a protocol switch (101), from one side.
    Frame(Side, Chunk),
    /// The flow ended.
    Closed(Box<Closed>),
    /// An opaque tunnel opened or ended.
    Tunnel(Box<Tunnel>),
}

impl Capture {
    /// Payload bytes held by this observation, for queues bounded in bytes.
    #[must_use]
    pub fn weight(&self) -> usize {
        match self {
            Self::Opened(opened) => opened.headers.as_bytes().len() + opened.target.len(),
            Self::Request(chunk) | Self::Response(chunk) | Self::Frame(_, chunk) => chunk.weight(),
            Self::Closed(closed) => {
                closed.request_tail.as_ref().map_or(0, Bytes::len)
                    + closed.response_tail.as_ref().map_or(0, Bytes::len)
            }
            Self::Tunnel(_) => 0,
        }
    }
}

/// A request head, and what is known of how it came here.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The new flow.
    pub flow: FlowId,
    /// The client connection it arrived on.
    pub connection: ConnectionId,
    /// Wall time of the head.
    pub started_at: Micros,
    /// Monotonic time of the head.
    pub at: Tick,
    /// How the agent reached Langley.
    pub mode: Mode,
    /// `http` or `https`, towards the provider.
    pub scheme: &'static str,
    /// The provider's host, without port, as dialled.
    pub host: String,
    /// The provider's port.
    pub port: u16,
    /// Configured upstream name, in reverse mode.
    pub upstream: Option<String>,
    /// Request method.
    pub method: String,
    /// What an extended CONNECT asks to speak on its stream (RFC 8441 §4), such as `websocket`.
    pub protocol: Option<String>,
    /// Path and query as sent upstream.
    pub target: String,
    /// HTTP version between agent and Langley.
    pub version_in: HttpVersion,
    /// HTTP version between Langley and provider.
    pub version_out: HttpVersion,
    /// The agent's address, `ip:port`.
    pub client_addr: String,
    /// Request headers as received.
    pub headers: HeaderBlock,
    /// `X-Langley-Session`, `X-Langley-Task` and `X-Langley-Project`, which are taken off again, unless Amazon's SDK
    /// signed the request with them.
    pub control: Control,
    /// What setting up the connection cost; on the first flow of a connection only.
    pub setup: Option<Setup>,
    /// JA4 of the agent's TLS ClientHello.
    pub ja4_in: Option<String>,
    /// JA4 of the ClientHello sent to the provider.
    pub ja4_out: Option<String>,
    /// Why that hello is not the one that was wanted, in words.
    pub tls_note: Option<String>,
    /// What the recorder still wants to see.
    pub interest: Arc<Interest>,
}

/// What the recorder still wants to see of a flow's bodies.
///
/// It keeps a body only up to a limit. Once it has that much, the tap spares both sides the rest:
/// bytes are counted and not offered, and that is no gap.
#[derive(Debug, Default)]
pub struct Interest {
    enough_request: AtomicBool,
    enough_response: AtomicBool,
}

impl Interest {
    /// The recorder has as much of this side's body as it will ever keep.
    pub fn satisfy(&self, side: Side) {
        self.flag(side).store(true, Ordering::Relaxed);
    }

    /// Whether this side's body is still wanted.
    #[must_use]
    pub fn wants(&self, side: Side) -> bool {
        !self.flag(side).load(Ordering::Relaxed)
    }

    const fn flag(&self, side: Side) -> &AtomicBool {
        match side {
            Side::Client => &self.enough_request,
            Side::Upstream => &self.enough_response,
        }
    }
}

/// Langley's own request headers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Control {
    /// Value of `X-Langley-Session`.
    pub session: Option<String>,
    /// Value of `X-Langley-Task`.
    pub task: Option<String>,
    /// Value of `X-Langley-Project`.
    pub project: Option<String>,
}

/// Durations of connection set-up, in monotonic nanoseconds; none for what did not come about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Setup {
    /// Name resolution and TCP (and upstream proxy) connect.
    pub connect_ns: Option<u64>,
    /// TLS handshake with the provider.
    pub tls_ns: Option<u64>,
}

/// A piece of a flow in one direction.
#[derive(Clone, Debug)]
pub struct Chunk {
    /// The flow it belongs to.
    pub flow: FlowId,
    /// When the piece was handed on; its events inherit this time.
    pub at: Tick,
    /// The piece.
    pub part: Part,
}

impl Chunk {
    fn weight(&self) -> usize {
        match &self.part {
            Part::Head(head) => head.headers.as_bytes().len(),
            Part::Data(data) => data.len(),
            Part::Trailers(trailers) => trailers.as_bytes().len(),
            Part::End => 0,
        }
    }
}

/// What a [`Chunk`] carries.
#[derive(Clone, Debug)]
pub enum Part {
    /// The answer's head (response direction only).
    Head(Box<ResponseHead>),
    /// Body bytes as they travelled, content encoding still applied, transfer coding removed.
    Data(Bytes),
    /// Trailers.
    Trailers(Box<HeaderBlock>),
    /// The direction ended cleanly.
    End,
}

/// An answer's status line and headers.
#[derive(Clone, Debug)]
pub struct ResponseHead {
    /// Status code.
    pub status: u16,
    /// Response headers as received from the provider.
    pub headers: HeaderBlock,
}

/// Observations that could not be queued, per direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gap {
    /// Pieces not captured.
    pub chunks: u64,
    /// Body bytes not captured.
    pub bytes: u64,
}

/// The end of a flow. A slot is reserved for it, so it arrives even when the queue is full.
#[derive(Clone, Debug)]
pub struct Closed {
    /// The flow that ended.
    pub flow: FlowId,
    /// Monotonic time of the end.
    pub at: Tick,
    /// Wall time of the end.
    pub ended_at: Micros,
    /// How it ended.
    pub ending: Ending,
    /// A sentence for the person, when Langley itself ended it.
    pub reason: Option<String>,
    /// A word for what went wrong, when Langley answered in the provider's place.
    pub code: Option<&'static str>,
    /// How the side that has gone broke off.
    pub broke: Option<Break>,
    /// After a switch of protocols: the side that first had nothing more to say, by an end of its
    /// direction or by a break, and when it, and all that it had sent, had passed.
    pub left: Option<(Side, Tick)>,
    /// Body bytes forwarded to the provider.
    pub request_bytes: u64,
    /// Body bytes forwarded to the agent.
    pub response_bytes: u64,
    /// What was not captured of the request.
    pub request_gap: Gap,
    /// What was not captured of the answer.
    pub response_gap: Gap,
    /// The last bytes of the request after its last gap, at most [`KEPT_TAIL`]; only with a gap.
    pub request_tail: Option<Bytes>,
    /// The last bytes of the answer after its last gap, at most [`KEPT_TAIL`]; only with a gap.
    pub response_tail: Option<Bytes>,
    /// Status, when the head itself fell into a gap.
    pub status: Option<u16>,
}

/// A connection that was passed on unread, or ended before it carried a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tunnel {
    /// The connection.
    pub connection: ConnectionId,
    /// Wall time of the CONNECT.
    pub started_at: Micros,
    /// Wall time of the end; none while it is open.
    pub ended_at: Option<Micros>,
    /// Host asked for.
    pub host: String,
    /// Port asked for.
    pub port: u16,
    /// The agent's address, `ip:port`.
    pub client_addr: String,
    /// Bytes from the agent.
    pub bytes_up: u64,
    /// Bytes to the agent.
    pub bytes_down: u64,
    /// Why it was not intercepted.
    pub why: TunnelReason,
    /// The same in a sentence, where something failed.
    pub reason: Option<String>,
}

/// Why a connection was tunnelled, or ended before it carried a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TunnelReason {
    /// The host is not on the intercept list.
    NotListed,
    /// The agent did not speak TLS.
    NotTls,
    /// The agent did not accept Langley's certificate.
    ClientRejectedCertificate,
    /// The provider could not be reached.
    DialFailed,
    /// The TLS handshake with the agent failed in another way, or took too long.
    HandshakeFailed,
    /// The provider asked for a client certificate, and none is configured.
    ClientCertificateAsked,
}

impl TunnelReason {
    /// Every reason.
    pub const ALL: [Self; 6] = [
        Self::NotListed,
        Self::NotTls,
        Self::ClientRejectedCertificate,
        Self::DialFailed,
        Self::HandshakeFailed,
        Self::ClientCertificateAsked,
    ];

    /// The word used in SQL, JSON and the dashboard.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotListed => "not_listed",
            Self::NotTls => "not_tls",
            Self::ClientRejectedCertificate => "client_rejected_certificate",
            Self::DialFailed => "dial_failed",
            Self::HandshakeFailed => "handshake_failed",
            Self::ClientCertificateAsked => "client_certificate_asked",
        }
    }

    /// The reason that [`Self::as_str`] names.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == word)
    }
}

/// Where the tap's observations go.
///
/// Every method returns at once. A refused observation is the caller's gap to count.
pub trait CaptureSink: Send + Sync + 'static {
    /// Announces a flow and reserves the slot of its ending. `false`: nothing of this flow will be
    /// recorded (the sink counts it), and no other method may be called for it.
    #[must_use]
    fn open(&self, opened: Box<Opened>) -> bool;

    /// Offers a piece of an open flow. `false`: it was not taken.
    #[must_use]
    fn offer(&self, capture: Capture) -> bool;

    /// Ends a flow, in the slot that [`Self::open`] reserved.
    fn close(&self, closed: Box<Closed>);

    /// Reports a tunnel; dropped (and counted by the sink) when there is no room.
    fn tunnel(&self, tunnel: Tunnel);
}
