//! A WebSocket after its upgrade: messages of both directions, and the model calls among them.
//!
//! A call has a flow of its own, so that it has a model, usage, tools and an outcome as any other: what
//! is seen of it in here becomes the captures of an exchange whose answer is a stream of events. All
//! other messages are events of the WebSocket's own flow.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use langley_model::{
    Break, Capture, Chunk, Closed, Ending, FlowId, Gap, HeaderBlock, Micros, Opened, Part,
    ResponseHead, Side, Tick,
};
use langley_protocol::websocket::{Compression, FrameDecoder, FrameError, Message};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::body::PARSED_UNSTATED;
use crate::intake::{Direction, Entry};

/// The largest message of the provider that is read, in bytes: as much as of an event of a stream.
const ANSWER_MAX: usize = 4 << 20;

/// The largest message of the agent that is read, in bytes: as much as of a request of unknown length.
const REQUEST_MAX: usize = PARSED_UNSTATED;

/// Headers of the upgrade that say nothing of a call.
const OF_THE_UPGRADE: [&str; 2] = ["upgrade", "connection"];

/// Calls that may wait for their answers on one connection; one more is an event like any other.
const CALLS_MAX: usize = 64;

/// The method by which a call's flow is known.
pub(crate) const METHOD: &str = "WS";

/// Whether a request asks for a WebSocket: by the upgrade of HTTP/1.1 (RFC 6455 §4.1), or by the
/// extended CONNECT of HTTP/2 (RFC 8441 §4).
pub(crate) fn is_asked_for(opened: &Opened) -> bool {
    let asked = opened.protocol.as_deref().or_else(|| opened.headers.value("upgrade"));
    asked.is_some_and(|protocol| protocol.eq_ignore_ascii_case("websocket"))
}

/// A WebSocket being read.
pub(crate) struct WebSocket {
    /// What the calls' flows begin with.
    upgrade: Box<Opened>,
    up: FrameDecoder,
    down: FrameDecoder,
    /// Calls that have not ended, the oldest first: the provider answers in order.
    calls: VecDeque<Call>,
    /// Who said first that nothing more will come.
    closed_by: Option<Goodbye>,
    /// What became of the calls.
    pub(crate) entries: Vec<Entry>,
    /// Messages that belong to no call, in the form of an event stream.
    pub(crate) log: Vec<u8>,
    /// Whether calls are looked for at all.
    has_calls: bool,
    /// The connection ended in the middle of a call.
    was_cut: bool,
    /// Something that the agent said was not read: it may have been a call.
    is_unheard: bool,
    /// Since when, and why, what the provider sends is no WebSocket any more: what becomes of the calls
    /// shows when the connection ends.
    garbled: Option<(Tick, String)>,
    /// Messages too large to be read.
    oversized: u64,
}

/// A close frame.
struct Goodbye {
    side: Side,
    at: Tick,
    how: Break,
}

impl Goodbye {
    fn new(side: Side, at: Tick, code: Option<u16>, text: &str) -> Self {
        let text = text.replace(char::is_control, " ");
        let how = code.map_or(Break::Closed, |code| Break::SaidClose { code, text });
        Self { side, at, how }
    }
}

struct Call {
    flow: FlowId,
    request_bytes: u64,
    response_bytes: u64,
    status: Option<u16>,
    /// The provider has said that it begins.
    begun: bool,
    /// A message before the next one was left out.
    gap: bool,
}

/// What a message's JSON says of itself.
#[derive(Deserialize)]
struct Stated<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Cow<'a, str>>,
    status: Option<serde_json::Value>,
    error: Option<IgnoredAny>,
}

impl Stated<'_> {
    /// Its type. What holds an error and is of no type of the API is one.
    fn kind(&self) -> Option<&str> {
        let kind = self.kind.as_deref();
        let is_error = self.error.is_some() && !kind.unwrap_or_default().starts_with("response.");
        if is_error { Some("error") } else { kind }
    }

    /// The status of an error.
    fn status(&self) -> Option<u16> {
        let status = self.status.as_ref()?.as_u64()?;
        u16::try_from(status).ok().filter(|status| (400..600).contains(status))
    }
}

impl WebSocket {
    /// The WebSocket that `head` has agreed to. `has_calls`: its path is known to carry model calls.
    pub(crate) fn new(upgrade: Box<Opened>, head: &ResponseHead, has_calls: bool) -> Self {
        let extensions = head.headers.value("sec-websocket-extensions").unwrap_or_default();
        let decoder = |client, max| FrameDecoder::new(Compression::agreed(extensions, client), max);
        Self {
            upgrade,
            up: decoder(true, REQUEST_MAX),
            down: decoder(false, ANSWER_MAX),
            calls: VecDeque::new(),
            closed_by: None,
            entries: Vec::new(),
            log: Vec::new(),
            has_calls,
            was_cut: false,
            is_unheard: false,
            garbled: None,
            oversized: 0,
        }
    }

    /// What the end of the connection means. Who closes a WebSocket in good order may drop it, and an agent
    /// that has all the answers it asked for may leave without a word, as a program that ends does.
    pub(crate) const fn ending(&self, ending: Ending) -> Ending {
        let is_served = self.has_calls && !self.was_cut && !self.is_unheard;
        match ending {
            Ending::ClientGone | Ending::UpstreamGone if self.closed_by.is_some() => Ending::Whole,
            Ending::ClientGone if is_served => Ending::Whole,
            ending => ending,
        }
    }

    /// What could not be read so far, in a sentence.
    pub(crate) fn loss(&self) -> Option<String> {
        let (count, agent, provider) = (self.oversized, REQUEST_MAX, ANSWER_MAX);
        (count > 0).then(|| {
            format!(
                "{count} messages too large to be read (over {agent} bytes from the agent, \
                 {provider} from the provider)"
            )
        })
    }

    /// Takes bytes of one direction. Returns why nothing more of it can be read, when that is new.
    pub(crate) fn feed(&mut self, at: Tick, side: Side, data: &[u8]) -> Option<String> {
        // Out of its place: what it hands out changes everything else.
        let idle = FrameDecoder::new(Compression::default(), 0);
        let mut decoder = std::mem::replace(self.decoder(side), idle);
        let before = decoder.error();
        decoder.feed(data, &mut |message| self.message(at, side, message));
        let error = decoder.error();
        *self.decoder(side) = decoder;
        self.told(at, side, before.is_none(), error)
    }

    /// Why a direction is not read any more, when that is new. Without the answers no call is known to
    /// end; what the provider sent against the protocol an agent cannot read either.
    fn told(
        &mut self,
        at: Tick,
        side: Side,
        is_new: bool,
        error: Option<FrameError>,
    ) -> Option<String> {
        let error = error.filter(|_| is_new)?;
        let problem = error.to_string();
        self.is_unheard |= side == Side::Client;
        if side == Side::Upstream {
            self.has_calls = false;
            if matches!(error, FrameError::NotAFrame(_)) {
                self.garbled = Some((at, problem.clone()));
                return Some(problem);
            }
            while let Some(call) = self.calls.pop_front() {
                self.end(&call, at, Ending::Unaccounted, Some(problem.clone()));
            }
        }
        Some(problem)
    }

    /// Bytes of one direction were not captured. Returns why nothing more of it can be read, when that
    /// is new.
    pub(crate) fn gap(&mut self, at: Tick, side: Side, gap: Gap) -> Option<String> {
        match side {
            Side::Client => self.is_unheard = true,
            Side::Upstream => self.miss(gap),
        }
        let decoder = self.decoder(side);
        let before = decoder.error();
        decoder.gap();
        let error = decoder.error();
        self.told(at, side, before.is_none(), error)
    }

    /// A part of the present call's answer was not read.
    fn miss(&mut self, gap: Gap) {
        if let Some(call) = self.calls.front_mut() {
            call.gap = true;
            self.entries.push(Entry::Gap(call.flow, Direction::Response, gap));
        }
    }

    /// The connection is over: calls without an answer's end were cut off.
    pub(crate) fn close(&mut self, closed: &mut Closed) {
        self.blame(closed);
        let (mut at, mut broke) = (closed.at, closed.broke.clone().unwrap_or(Break::Closed));
        let ending = match (closed.ending, &self.closed_by) {
            // A side that has closed the WebSocket in good order has left its calls alone by that.
            (Ending::Whole | Ending::ClientGone | Ending::UpstreamGone, Some(goodbye)) => {
                broke = goodbye.how.clone();
                if goodbye.side == Side::Upstream {
                    at = goodbye.at;
                }
                gone(goodbye.side)
            }
            (Ending::Whole, None) => gone(closed.left.map_or(Side::Client, |(side, _)| side)),
            (other, _) => other,
        };
        while let Some(call) = self.calls.pop_front() {
            self.was_cut = true;
            match self.garbled.clone() {
                // It may have been an answer that only we cannot read.
                Some((at, problem)) if ending != Ending::UpstreamGone => {
                    self.end(&call, at, Ending::Unaccounted, Some(problem));
                }
                garbled => {
                    let garbled = garbled.map(|(_, problem)| Break::Fault(problem));
                    let broke = Some(garbled.unwrap_or_else(|| broke.clone()));
                    self.end_by(&call, at, ending, closed.reason.clone(), broke);
                }
            }
        }
    }

    /// Tells an end that was one in good order to TCP from the WebSocket's: a side that has left without
    /// a close frame has broken it off (RFC 6455 §7.1.5, the code 1006). Where the provider has left,
    /// the exchange is over by that, and not when the agent leaves as well.
    fn blame(&self, closed: &mut Closed) {
        let Some((side, at)) = closed.left.filter(|_| self.closed_by.is_none()) else { return };
        if closed.ending == Ending::Whole && self.has_read_closing(side) {
            closed.ending = gone(side);
            closed.broke.get_or_insert(Break::Closed);
        }
        if side == Side::Upstream && closed.ending == Ending::UpstreamGone {
            closed.at = at;
            closed.ended_at = self.wall(at);
        }
    }

    /// Whether a close frame, had there been one, would have been read, where `left` was the first to
    /// end its direction: its own, or the other's that it answered.
    fn has_read_closing(&self, left: Side) -> bool {
        let (own, others) = match left {
            Side::Client => (&self.up, &self.down),
            Side::Upstream => (&self.down, &self.up),
        };
        own.error() != Some(FrameError::Gap) && others.error().is_none()
    }

    const fn decoder(&mut self, side: Side) -> &mut FrameDecoder {
        match side {
            Side::Client => &mut self.up,
            Side::Upstream => &mut self.down,
        }
    }

    fn message(&mut self, at: Tick, side: Side, message: Message<'_>) {
        match message {
            Message::Text(text) => {
                let stated = serde_json::from_slice::<Stated<'_>>(text).ok();
                let kind = stated.as_ref().and_then(Stated::kind);
                match side {
                    Side::Client if self.has_calls && kind == Some("response.create") => {
                        if self.calls.len() < CALLS_MAX {
                            return self.begin(at, text);
                        }
                    }
                    Side::Upstream if !self.calls.is_empty() => {
                        let status = stated.as_ref().and_then(Stated::status);
                        return self.answer(at, kind, status, text);
                    }
                    Side::Client | Side::Upstream => {}
                }
                self.note(side, "text", text);
            }
            Message::Binary(bytes) => {
                self.note(side, "binary", format!("{{\"bytes\":{}}}", bytes.len()).as_bytes());
            }
            Message::Ping => self.note(side, "ping", b"{}"),
            Message::Pong => self.note(side, "pong", b"{}"),
            Message::Close { code, text } => {
                let text = String::from_utf8_lossy(text);
                self.closed_by.get_or_insert_with(|| Goodbye::new(side, at, code, &text));
                let mut said = serde_json::json!({ "code": code });
                if !text.is_empty() {
                    said["reason"] = text.into();
                }
                self.note(side, "close", said.to_string().as_bytes());
            }
            Message::Oversized(bytes) => {
                self.oversized += 1;
                match side {
                    Side::Client => self.is_unheard = true,
                    Side::Upstream => self.miss(Gap { chunks: 1, bytes }),
                }
                self.note(side, "oversized", format!("{{\"bytes\":{bytes}}}").as_bytes());
            }
        }
    }

    /// A message that belongs to no call.
    fn note(&mut self, side: Side, what: &str, text: &[u8]) {
        let who = match side {
            Side::Client => "client",
            Side::Upstream => "provider",
        };
        self.log.extend_from_slice(format!("event: {who}.{what}\n").as_bytes());
        event_data(&mut self.log, text);
    }

    /// The agent asks for an answer.
    fn begin(&mut self, at: Tick, text: &[u8]) {
        let flow = FlowId::new();
        let mut headers = HeaderBlock::new();
        for (name, value) in self.upgrade.headers.iter() {
            if !OF_THE_UPGRADE.iter().any(|of| name.eq_ignore_ascii_case(of)) {
                headers.push(name, value);
            }
        }
        headers.push("content-type", b"application/json");
        let opened = Opened {
            flow,
            started_at: self.wall(at),
            at,
            method: METHOD.to_owned(),
            protocol: None,
            headers,
            setup: None,
            interest: Arc::default(),
            ..(*self.upgrade).clone()
        };
        self.capture(Capture::Opened(Box::new(opened)));
        let request_bytes = text.len() as u64;
        let chunk = |part| Capture::Request(Chunk { flow, at, part });
        self.capture(chunk(Part::Data(Bytes::copy_from_slice(text))));
        self.capture(chunk(Part::End));
        self.calls.push_back(Call {
            flow,
            request_bytes,
            response_bytes: 0,
            status: None,
            begun: false,
            gap: false,
        });
    }

    /// The provider says something to the oldest call.
    fn answer(&mut self, at: Tick, kind: Option<&str>, status: Option<u16>, text: &[u8]) {
        let begins = kind == Some("response.created");
        // One answer is given at a time: where the next one begins, the end of the last was not read.
        if begins
            && self.calls.front().is_some_and(|call| call.begun)
            && let Some(call) = self.calls.pop_front()
        {
            let reason = "the end of the answer could not be read".to_owned();
            self.end(&call, at, Ending::Unaccounted, Some(reason));
        }
        let Some(call) = self.calls.front_mut() else {
            return self.note(Side::Upstream, "text", text);
        };
        call.begun |= begins;
        let flow = call.flow;
        let mut captures = Vec::with_capacity(2);
        if call.status.is_none() {
            // An error has a status of its own; else there is only that of the upgrade.
            let status = status.filter(|_| kind == Some("error")).unwrap_or(101);
            call.status = Some(status);
            let mut headers = HeaderBlock::new();
            headers.push("content-type", b"text/event-stream");
            captures.push(Part::Head(Box::new(ResponseHead { status, headers })));
        }
        call.response_bytes += text.len() as u64;
        let mut event = Vec::with_capacity(text.len() + 16);
        if std::mem::take(&mut call.gap) {
            // Whoever reads on after a gap begins at the next event.
            event.extend_from_slice(b"\n\n");
        }
        event_data(&mut event, text);
        captures.push(Part::Data(event.into()));
        let ends = matches!(
            kind,
            Some(
                "response.completed"
                    | "response.done"
                    | "response.incomplete"
                    | "response.failed"
                    | "response.cancelled"
                    | "error"
            )
        );
        if ends {
            captures.push(Part::End);
        }
        for part in captures {
            self.capture(Capture::Response(Chunk { flow, at, part }));
        }
        if ends && let Some(call) = self.calls.pop_front() {
            self.end(&call, at, Ending::Whole, None);
        }
    }

    fn end(&mut self, call: &Call, at: Tick, ending: Ending, reason: Option<String>) {
        self.end_by(call, at, ending, reason, None);
    }

    fn end_by(
        &mut self,
        call: &Call,
        at: Tick,
        ending: Ending,
        reason: Option<String>,
        broke: Option<Break>,
    ) {
        let closed = Closed {
            flow: call.flow,
            at,
            ended_at: self.wall(at),
            ending,
            reason,
            code: None,
            broke,
            left: None,
            request_bytes: call.request_bytes,
            response_bytes: call.response_bytes,
            request_gap: Gap::default(),
            response_gap: Gap::default(),
            request_tail: None,
            response_tail: None,
            status: call.status,
        };
        self.capture(Capture::Closed(Box::new(closed)));
    }

    fn capture(&mut self, capture: Capture) {
        self.entries.push(Entry::Capture(capture));
    }

    fn wall(&self, at: Tick) -> Micros {
        let since = at.since(self.upgrade.at);
        Micros(self.upgrade.started_at.0 + i64::try_from(since.as_micros()).unwrap_or(0))
    }
}

/// The ending of what `side` has left.
const fn gone(side: Side) -> Ending {
    match side {
        Side::Client => Ending::ClientGone,
        Side::Upstream => Ending::UpstreamGone,
    }
}

/// Writes `text` as the data of an event, line by line, and ends the event.
fn event_data(into: &mut Vec<u8>, text: &[u8]) {
    // Either byte ends a line of an event stream.
    for line in text.split(|byte| matches!(byte, b'\n' | b'\r')) {
        into.extend_from_slice(b"data: ");
        into.extend_from_slice(line);
        into.push(b'\n');
    }
    into.push(b'\n');
}
