//! Scripts of captures, and a reader for the records that come out.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use langley_engine::{
    Intake, IntakeOptions, LiveFeed, NoLiveFeed, RecordSink, Recorder, RecorderHandle,
    RecorderOptions,
};
use langley_model::{
    Body, Capture, CaptureSink, Chunk, Closed, ConnectionId, Control, Drop, DropReason, Ending,
    Flow, FlowId, Gap, HeaderBlock, HttpVersion, Message, Micros, Mode, Opened, Part, Record,
    Redacted, Redactor, RedactorOptions, ResponseHead, Side, Tick,
};
use parking_lot::Mutex;

/// A millisecond in ticks.
pub(crate) const MS: u64 = 1_000_000;

/// One flow's script. Every step is a millisecond later than the one before.
pub(crate) struct Script {
    pub(crate) flow: FlowId,
    now: u64,
    pub(crate) opened: Opened,
    pub(crate) pieces: Vec<Capture>,
    pub(crate) closed: Closed,
}

pub(crate) fn headers(lines: &[(&str, &str)]) -> HeaderBlock {
    let mut block = HeaderBlock::new();
    for (name, value) in lines {
        block.push(name, value.as_bytes());
    }
    block
}

impl Script {
    pub(crate) fn post(path: &str, lines: &[(&str, &str)]) -> Self {
        let flow = FlowId::new();
        let mut block = headers(&[("content-type", "application/json")]);
        for (name, value) in lines {
            block.push(name, value.as_bytes());
        }
        let opened = Opened {
            flow,
            connection: ConnectionId::new(),
            started_at: Micros(1_000_000),
            at: Tick(MS),
            mode: Mode::Forward,
            scheme: "https",
            host: "api.anthropic.com".into(),
            port: 443,
            upstream: None,
            method: "POST".into(),
            protocol: None,
            target: path.into(),
            version_in: HttpVersion::Http11,
            version_out: HttpVersion::Http2,
            client_addr: "127.0.0.1:5000".into(),
            headers: block,
            control: Control::default(),
            setup: None,
            ja4_in: Some("t13d_in".into()),
            ja4_out: Some("t13d_out".into()),
            tls_note: Some("another hello, key sk-ant-api03-0123456789abcdefghij".into()),
            interest: Arc::default(),
        };
        let closed = Closed {
            flow,
            at: Tick(0),
            ended_at: Micros(2_000_000),
            ending: Ending::Whole,
            reason: None,
            code: None,
            broke: None,
            left: None,
            request_bytes: 0,
            response_bytes: 0,
            request_gap: Gap::default(),
            response_gap: Gap::default(),
            request_tail: None,
            response_tail: None,
            status: None,
        };
        Self { flow, now: MS, opened, pieces: Vec::new(), closed }
    }

    pub(crate) fn messages(body: &str) -> Self {
        Self::post("/v1/messages", &[]).request(body.as_bytes()).request_end()
    }

    fn chunk(&mut self, part: Part) -> Chunk {
        self.now += MS;
        Chunk { flow: self.flow, at: Tick(self.now), part }
    }

    pub(crate) fn request(mut self, data: &[u8]) -> Self {
        let chunk = self.chunk(Part::Data(Bytes::copy_from_slice(data)));
        self.pieces.push(Capture::Request(chunk));
        self.closed.request_bytes += data.len() as u64;
        self
    }

    pub(crate) fn request_end(mut self) -> Self {
        let chunk = self.chunk(Part::End);
        self.pieces.push(Capture::Request(chunk));
        self
    }

    pub(crate) fn head(mut self, status: u16, lines: &[(&str, &str)]) -> Self {
        let head = ResponseHead { status, headers: headers(lines) };
        let chunk = self.chunk(Part::Head(Box::new(head)));
        self.pieces.push(Capture::Response(chunk));
        self.closed.status = Some(status);
        self
    }

    pub(crate) fn sse(self) -> Self {
        self.head(200, &[("content-type", "text/event-stream"), ("request-id", "req_1")])
    }

    pub(crate) fn data(mut self, data: &[u8]) -> Self {
        let chunk = self.chunk(Part::Data(Bytes::copy_from_slice(data)));
        self.pieces.push(Capture::Response(chunk));
        self.closed.response_bytes += data.len() as u64;
        self
    }

    /// Nothing comes for so long.
    pub(crate) fn pause(mut self, lasted: Duration) -> Self {
        self.now += u64::try_from(lasted.as_nanos()).unwrap();
        self
    }

    /// Cuts `data` into pieces of `size` bytes, all of the same moment.
    pub(crate) fn data_by(mut self, data: &[u8], size: usize) -> Self {
        self.now += MS;
        for piece in data.chunks(size) {
            let part = Part::Data(Bytes::copy_from_slice(piece));
            let chunk = Chunk { flow: self.flow, at: Tick(self.now), part };
            self.pieces.push(Capture::Response(chunk));
        }
        self.closed.response_bytes += data.len() as u64;
        self
    }

    pub(crate) fn frame(mut self, side: Side, data: &[u8]) -> Self {
        let chunk = self.chunk(Part::Data(Bytes::copy_from_slice(data)));
        self.pieces.push(Capture::Frame(side, chunk));
        match side {
            Side::Client => self.closed.request_bytes += data.len() as u64,
            Side::Upstream => self.closed.response_bytes += data.len() as u64,
        }
        self
    }

    pub(crate) fn end(mut self) -> Self {
        let chunk = self.chunk(Part::End);
        self.pieces.push(Capture::Response(chunk));
        self
    }

    pub(crate) fn ends(mut self, ending: Ending) -> Self {
        self.closed.ending = ending;
        self
    }

    /// `side` ends its direction; the other one takes two seconds to end its own.
    pub(crate) fn leaves(mut self, side: Side) -> Self {
        self.now += MS;
        self.closed.left = Some((side, Tick(self.now)));
        self.now += 2_000 * MS;
        self
    }

    pub(crate) fn closed(&self) -> Box<Closed> {
        Box::new(Closed { at: Tick(self.now + MS), ..self.closed.clone() })
    }

    /// Plays the script on a recorder of its own.
    pub(crate) fn play(&self) -> Rows {
        let rig = Rig::new();
        rig.play(self);
        rig.finish()
    }
}

/// A store that keeps records in a list, and can be stalled.
#[derive(Clone, Default)]
pub(crate) struct Shelf {
    records: Arc<Mutex<Vec<Redacted<Record>>>>,
    stalled: Arc<AtomicBool>,
}

impl Shelf {
    pub(crate) fn stall(&self, stalled: bool) {
        self.stalled.store(stalled, Ordering::SeqCst);
    }

    pub(crate) fn len(&self) -> usize {
        self.records.lock().len()
    }

    /// The last state of a flow so far.
    pub(crate) fn flow(&self, id: FlowId) -> Option<Flow> {
        let records = self.records.lock();
        records.iter().rev().find_map(|record| match &**record {
            Record::Flow(flow) if flow.id == id => Some((**flow).clone()),
            _ => None,
        })
    }

    /// How many events each run holds.
    pub(crate) fn runs(&self) -> Vec<usize> {
        let records = self.records.lock();
        let runs = records.iter().filter_map(|record| match &**record {
            Record::Events(run) => Some(run.spans.len()),
            _ => None,
        });
        runs.collect()
    }
}

impl RecordSink for Shelf {
    fn submit(&self, batch: Vec<Redacted<Record>>) -> Result<(), Vec<Redacted<Record>>> {
        if self.stalled.load(Ordering::SeqCst) {
            return Err(batch);
        }
        self.records.lock().extend(batch);
        Ok(())
    }
}

/// Nobody looks on.
pub(crate) fn no_live_feed() -> Arc<dyn LiveFeed> {
    Arc::new(NoLiveFeed)
}

/// A recorder with its intake.
pub(crate) struct Rig {
    pub(crate) intake: Arc<Intake>,
    pub(crate) recorder: RecorderHandle,
    pub(crate) shelf: Shelf,
}

impl Rig {
    pub(crate) fn new() -> Self {
        Self::with(RecorderOptions::default(), IntakeOptions::default(), &no_live_feed())
    }

    pub(crate) fn with(
        options: RecorderOptions,
        intake: IntakeOptions,
        live: &Arc<dyn LiveFeed>,
    ) -> Self {
        let intake = Intake::new(intake);
        let shelf = Shelf::default();
        let redactor = Arc::new(Redactor::new(RedactorOptions::default()).unwrap());
        let recorder =
            Recorder::spawn(options, Arc::clone(&intake), shelf.clone(), &redactor, live).unwrap();
        Self { intake, recorder, shelf }
    }

    pub(crate) fn play(&self, script: &Script) {
        self.start(script);
        self.play_end(script);
    }

    /// The ending alone.
    pub(crate) fn play_end(&self, script: &Script) {
        CaptureSink::close(&*self.intake, script.closed());
    }

    /// Everything but the ending.
    pub(crate) fn start(&self, script: &Script) {
        self.until(|rig| rig.intake.stats().items < 5_000);
        assert!(self.intake.open(Box::new(script.opened.clone())));
        for piece in &script.pieces {
            assert!(self.intake.offer(piece.clone()));
        }
    }

    /// Waits, within bounds, until `met`.
    pub(crate) fn until(&self, met: impl Fn(&Self) -> bool) {
        let give_up = std::time::Instant::now() + Duration::from_secs(20);
        while !met(self) {
            assert!(
                std::time::Instant::now() < give_up,
                "waited in vain: {:?}",
                self.recorder.stats()
            );
            std::thread::yield_now();
        }
    }

    pub(crate) fn finish(self) -> Rows {
        self.recorder.join();
        let records = std::mem::take(&mut *self.shelf.records.lock());
        Rows { records: records.into_iter().map(Redacted::into_inner).collect() }
    }
}

/// One stored event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) seq: u64,
    pub(crate) kind: String,
    pub(crate) data: String,
    pub(crate) original_len: u32,
}

/// The records that came out.
pub(crate) struct Rows {
    pub(crate) records: Vec<Record>,
}

impl Rows {
    /// The last state of a flow.
    pub(crate) fn flow(&self, id: FlowId) -> &Flow {
        self.records
            .iter()
            .rev()
            .find_map(|record| match record {
                Record::Flow(flow) if flow.id == id => Some(&**flow),
                _ => None,
            })
            .unwrap()
    }

    pub(crate) fn events(&self, id: FlowId) -> Vec<Event> {
        let runs = self.records.iter().filter_map(|record| match record {
            Record::Events(run) if run.flow == Some(id) => Some(run),
            _ => None,
        });
        runs.flat_map(|run| {
            run.iter().map(|(span, kind, data)| Event {
                seq: span.seq,
                kind: kind.to_owned(),
                data: String::from_utf8_lossy(data).into_owned(),
                original_len: span.original_len,
            })
        })
        .collect()
    }

    pub(crate) fn message(&self, id: FlowId) -> Option<&Message> {
        self.records.iter().find_map(|record| match record {
            Record::Message(of, message) if *of == id => Some(&**message),
            _ => None,
        })
    }

    pub(crate) fn body(&self, id: FlowId, side: Side) -> Option<&Body> {
        self.records.iter().find_map(|record| match record {
            Record::Body(body) if body.flow == id && body.side == side => Some(body),
            _ => None,
        })
    }

    pub(crate) fn drops(&self) -> Vec<&Drop> {
        self.records
            .iter()
            .filter_map(|record| match record {
                Record::Drop(dropped) => Some(dropped),
                _ => None,
            })
            .collect()
    }

    pub(crate) fn dropped(&self, reason: DropReason, id: Option<FlowId>) -> (u64, u64) {
        let of = self.drops().into_iter().filter(|d| d.reason == reason && d.flow == id);
        of.fold((0, 0), |sum, dropped| (sum.0 + dropped.count, sum.1 + dropped.bytes))
    }
}

/// One event of an Anthropic stream.
pub(crate) fn event(json: &str) -> String {
    let kind = json.split('"').nth(3).unwrap();
    format!("event: {kind}\ndata: {json}\n\n")
}

pub(crate) fn start() -> String {
    event(
        r#"{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude-x","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":25,"cache_read_input_tokens":7,"output_tokens":1}}}"#,
    )
}

pub(crate) fn text_start(index: u32) -> String {
    event(&format!(
        r#"{{"type":"content_block_start","index":{index},"content_block":{{"type":"text","text":""}}}}"#
    ))
}

pub(crate) fn text(index: u32, text: &str) -> String {
    event(&format!(
        r#"{{"type":"content_block_delta","index":{index},"delta":{{"type":"text_delta","text":"{text}"}}}}"#
    ))
}

pub(crate) fn block_stop(index: u32) -> String {
    event(&format!(r#"{{"type":"content_block_stop","index":{index}}}"#))
}

pub(crate) fn stop(reason: &str, output: u64) -> String {
    event(&format!(
        r#"{{"type":"message_delta","delta":{{"stop_reason":"{reason}","stop_sequence":null}},"usage":{{"output_tokens":{output}}}}}"#
    )) + &event(r#"{"type":"message_stop"}"#)
}

/// A whole answer of one text block.
pub(crate) fn answer(pieces: &[&str]) -> String {
    let deltas: String = pieces.iter().map(|piece| text(0, piece)).collect();
    start() + &text_start(0) + &deltas + &block_stop(0) + &stop("end_turn", 12)
}
