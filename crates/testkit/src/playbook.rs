//! Captures written like a script: what the tap would have offered, in order, with its times.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use langley_model::{
    Capture, CaptureSink, Chunk, Closed, ConnectionId, Control, Ending, FlowId, Gap, HeaderBlock,
    HttpVersion, Micros, Mode, Opened, Part, ResponseHead, Setup, Side, Tick,
};

/// A sequence of captures of one connection, on a clock that moves only when told.
///
/// ```
/// use langley_model::Ending;
/// use langley_testkit::Playbook;
///
/// let mut play = Playbook::new();
/// let flow = play.post("/v1/messages", br#"{"model":"m","stream":true}"#).flow();
/// play.on(flow)
///     .answer(200, &[("content-type", "text/event-stream")])
///     .after_ms(20)
///     .data("event: ping\ndata: {\"type\":\"ping\"}\n\n")
///     .end()
///     .close(Ending::Whole);
/// assert_eq!(play.captures().len(), 7);
/// ```
#[derive(Clone, Debug)]
pub struct Playbook {
    connection: ConnectionId,
    now: u64,
    wall: Micros,
    captures: Vec<Capture>,
    last: Option<FlowId>,
    sizes: Vec<(FlowId, u64, u64)>,
}

impl Default for Playbook {
    fn default() -> Self {
        Self::new()
    }
}

/// One flow of a playbook, being written.
#[derive(Debug)]
pub struct FlowPlay<'a> {
    play: &'a mut Playbook,
    flow: FlowId,
}

impl Playbook {
    /// An empty playbook; its clock stands at one second.
    #[must_use]
    pub fn new() -> Self {
        Self {
            connection: ConnectionId::new(),
            now: 1_000_000_000,
            wall: Micros(1_767_225_600_000_000),
            captures: Vec::new(),
            last: None,
            sizes: Vec::new(),
        }
    }

    /// The connection all flows travel on.
    #[must_use]
    pub const fn connection(&self) -> ConnectionId {
        self.connection
    }

    /// Opens a flow with a plain head to `api.anthropic.com`; change it by `adjust`.
    pub fn open_with(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        adjust: impl FnOnce(&mut Opened),
    ) -> FlowPlay<'_> {
        let flow = FlowId::new();
        let mut opened = Opened {
            flow,
            connection: self.connection,
            started_at: self.wall,
            at: Tick(self.now),
            mode: Mode::Forward,
            scheme: "https",
            host: "api.anthropic.com".to_owned(),
            port: 443,
            upstream: None,
            method: method.to_owned(),
            protocol: None,
            target: target.to_owned(),
            version_in: HttpVersion::Http11,
            version_out: HttpVersion::Http11,
            client_addr: "127.0.0.1:50000".to_owned(),
            headers: block(headers),
            control: Control::default(),
            setup: self
                .last
                .is_none()
                .then_some(Setup { connect_ns: Some(1_000_000), tls_ns: Some(2_000_000) }),
            ja4_in: None,
            ja4_out: None,
            tls_note: None,
            interest: Arc::default(),
        };
        adjust(&mut opened);
        self.captures.push(Capture::Opened(Box::new(opened)));
        self.last = Some(flow);
        self.sizes.push((flow, 0, 0));
        self.on(flow)
    }

    /// Opens a flow.
    pub fn open(&mut self, method: &str, target: &str, headers: &[(&str, &str)]) -> FlowPlay<'_> {
        self.open_with(method, target, headers, |_| {})
    }

    /// Opens a POST of JSON, with its whole body and the request's end.
    pub fn post(&mut self, target: &str, body: &[u8]) -> FlowPlay<'_> {
        self.open("POST", target, &[("content-type", "application/json")])
            .request(body)
            .request_end()
    }

    /// Goes on with `flow`.
    pub fn on(&mut self, flow: FlowId) -> FlowPlay<'_> {
        FlowPlay { play: self, flow }
    }

    /// Moves the clock.
    pub fn advance(&mut self, span: Duration) -> &mut Self {
        self.now += u64::try_from(span.as_nanos()).expect("a short span");
        self.wall = self.wall.plus(span);
        self
    }

    /// What was written so far.
    #[must_use]
    pub fn captures(&self) -> &[Capture] {
        &self.captures
    }

    /// Everything, by value.
    #[must_use]
    pub fn into_captures(self) -> Vec<Capture> {
        self.captures
    }

    /// Plays everything into `sink`, as the tap would.
    ///
    /// # Panics
    /// When the sink refuses anything.
    pub fn play_into(self, sink: &dyn CaptureSink) {
        for capture in self.captures {
            match capture {
                Capture::Opened(opened) => assert!(sink.open(opened), "the sink refused a flow"),
                Capture::Closed(closed) => sink.close(closed),
                Capture::Tunnel(tunnel) => sink.tunnel(*tunnel),
                piece => assert!(sink.offer(piece), "the sink refused a piece"),
            }
        }
    }
}

impl FlowPlay<'_> {
    /// The flow's id.
    #[must_use]
    pub const fn flow(&self) -> FlowId {
        self.flow
    }

    fn chunk(&self, part: Part) -> Chunk {
        Chunk { flow: self.flow, at: Tick(self.play.now), part }
    }

    fn count(&mut self, request: usize, response: usize) {
        let flow = self.flow;
        if let Some(size) = self.play.sizes.iter_mut().find(|size| size.0 == flow) {
            size.1 += request as u64;
            size.2 += response as u64;
        }
    }

    /// A piece of the request's body.
    #[must_use]
    pub fn request(mut self, body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref();
        self.count(body.len(), 0);
        let chunk = self.chunk(Part::Data(Bytes::copy_from_slice(body)));
        self.play.captures.push(Capture::Request(chunk));
        self
    }

    /// The request's end.
    #[must_use]
    pub fn request_end(self) -> Self {
        let chunk = self.chunk(Part::End);
        self.play.captures.push(Capture::Request(chunk));
        self
    }

    /// The answer's head.
    #[must_use]
    pub fn answer(self, status: u16, headers: &[(&str, &str)]) -> Self {
        let head = ResponseHead { status, headers: block(headers) };
        let chunk = self.chunk(Part::Head(Box::new(head)));
        self.play.captures.push(Capture::Response(chunk));
        self
    }

    /// A piece of the answer's body.
    #[must_use]
    pub fn data(mut self, body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref();
        self.count(0, body.len());
        let chunk = self.chunk(Part::Data(Bytes::copy_from_slice(body)));
        self.play.captures.push(Capture::Response(chunk));
        self
    }

    /// Several pieces of the answer's body, at the same moment.
    #[must_use]
    pub fn pieces<'p>(self, pieces: impl IntoIterator<Item = &'p [u8]>) -> Self {
        pieces.into_iter().fold(self, Self::data)
    }

    /// The answer's trailers.
    #[must_use]
    pub fn trailers(self, lines: &[(&str, &str)]) -> Self {
        let chunk = self.chunk(Part::Trailers(Box::new(block(lines))));
        self.play.captures.push(Capture::Response(chunk));
        self
    }

    /// The answer's clean end.
    #[must_use]
    pub fn end(self) -> Self {
        let chunk = self.chunk(Part::End);
        self.play.captures.push(Capture::Response(chunk));
        self
    }

    /// Raw bytes after a protocol switch.
    #[must_use]
    pub fn frame(self, side: Side, bytes: impl AsRef<[u8]>) -> Self {
        let chunk = self.chunk(Part::Data(Bytes::copy_from_slice(bytes.as_ref())));
        self.play.captures.push(Capture::Frame(side, chunk));
        self
    }

    /// Lets time pass.
    #[must_use]
    pub fn after_ms(self, millis: u64) -> Self {
        self.play.advance(Duration::from_millis(millis));
        self
    }

    /// The flow's end.
    pub fn close(self, ending: Ending) {
        self.close_with(ending, |_| {});
    }

    /// The flow's end with a gap in the answer, and the tail that was kept.
    pub fn close_with_gap(self, ending: Ending, gap: Gap, tail: impl AsRef<[u8]>) {
        let tail = Bytes::copy_from_slice(tail.as_ref());
        self.close_with(ending, |closed| {
            closed.response_bytes += gap.bytes;
            closed.response_gap = gap;
            closed.response_tail = Some(tail);
        });
    }

    /// The flow's end, adjusted.
    pub fn close_with(self, ending: Ending, adjust: impl FnOnce(&mut Closed)) {
        let size = self.play.sizes.iter().find(|size| size.0 == self.flow);
        let (request_bytes, response_bytes) = size.map_or((0, 0), |size| (size.1, size.2));
        let mut closed = Closed {
            flow: self.flow,
            at: Tick(self.play.now),
            ended_at: self.play.wall,
            ending,
            reason: None,
            code: None,
            broke: None,
            left: None,
            request_bytes,
            response_bytes,
            request_gap: Gap::default(),
            response_gap: Gap::default(),
            request_tail: None,
            response_tail: None,
            status: None,
        };
        adjust(&mut closed);
        self.play.captures.push(Capture::Closed(Box::new(closed)));
    }
}

fn block(lines: &[(&str, &str)]) -> HeaderBlock {
    let mut block = HeaderBlock::new();
    for (name, value) in lines {
        block.push(name, value.as_bytes());
    }
    block
}
