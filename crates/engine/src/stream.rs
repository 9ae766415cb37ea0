//! A streamed answer on its way: bytes to events to a redacted run and a message.

use langley_model::{EventRedactor, EventRun, Flow, FlowId, IncomingEvent, Message, Survey};
use langley_protocol::dialect::{EventFacts, ResponseDecoder};
use langley_protocol::encoding::{ContentDecoder, EncodingError};
use langley_protocol::sse::SseEvent;

use crate::assemble::Assembly;
use crate::bench::Bench;
use crate::framing::Framing;
use crate::media::is_json;
use crate::outcome::Answer;

/// What a compressed stream may decode to in all, in bytes: a bound on damage, not on work.
const DECODED_MAX: u64 = 4 << 30;

/// A compressed stream is decoded in pieces, so that a small piece cannot become a large buffer.
const ENCODED_PIECE: usize = 4 * 1024;

/// A run is handed on when it holds this many bytes.
const RUN_BYTES: usize = 32 * 1024;

/// Room of a run that follows a full one: what is handed on, and the events of one more piece, which are
/// appended before its length is looked at.
const RUN_ROOM: usize = RUN_BYTES + 20 * 1024;

/// An open stream.
pub(crate) struct Stream {
    flow: FlowId,
    /// None for identity.
    decoder: Option<ContentDecoder>,
    events: Framing,
    dialect: Option<Box<dyn ResponseDecoder>>,
    redactor: EventRedactor,
    assembly: Assembly,
    run: EventRun,
    seen: u64,
    unknown: u64,
    /// Of those, how many are not even JSON.
    unreadable: u64,
    stopped: bool,
    /// A piece that may have held anything was not captured.
    has_gap: bool,
    note: Option<String>,
}

impl Stream {
    /// A stream at its start; `encoding` is its `content-encoding`.
    pub(crate) fn new(
        flow: FlowId,
        events: Framing,
        encoding: Option<&str>,
        dialect: Option<Box<dyn ResponseDecoder>>,
        message_max: usize,
    ) -> Self {
        let mut stream = Self {
            flow,
            decoder: None,
            events,
            dialect,
            redactor: EventRedactor::new(),
            assembly: Assembly::new(message_max),
            run: EventRun::new(flow),
            seen: 0,
            unknown: 0,
            unreadable: 0,
            stopped: false,
            has_gap: false,
            note: None,
        };
        if encoding.is_some() {
            match ContentDecoder::for_header(encoding, DECODED_MAX) {
                Ok(decoder) => stream.decoder = (!decoder.is_identity()).then_some(decoder),
                Err(error) => stream.stop(&error.to_string()),
            }
        }
        stream
    }

    /// Takes the next bytes, which arrived `offset_us` microseconds after the flow began.
    pub(crate) fn feed(&mut self, data: &[u8], offset_us: u64, bench: &mut Bench) {
        if self.stopped {
            return;
        }
        let Some(mut decoder) = self.decoder.take() else {
            self.feed_decoded(data, offset_us, bench);
            return;
        };
        let mut scratch = std::mem::take(&mut bench.scratch);
        let mut failed = None;
        for piece in data.chunks(ENCODED_PIECE) {
            scratch.clear();
            let fed = decoder.feed(piece, &mut scratch);
            self.feed_decoded(&scratch, offset_us, bench);
            if let Err(error) = fed {
                failed = Some(error);
                break;
            }
        }
        bench.scratch = scratch;
        match failed {
            None => self.decoder = Some(decoder),
            Some(error) => self.fail(&error),
        }
    }

    /// Bytes were lost here. Only what is not compressed can be read on.
    pub(crate) fn gap(&mut self) {
        self.has_gap = true;
        self.assembly.mark_incomplete();
        if self.decoder.is_some() {
            self.stop(
                "a piece of the compressed answer was not captured, so decoding stopped there",
            );
        } else {
            self.events.resync();
        }
    }

    /// Whether bytes from the end of the stream can be read without those before them.
    pub(crate) const fn can_resume(&self) -> bool {
        self.decoder.is_none() && !self.stopped
    }

    /// The stream ended; `whole` when its sender said so.
    pub(crate) fn finish(&mut self, whole: bool, offset_us: u64, bench: &mut Bench) {
        if let Some(decoder) = self.decoder.take()
            && whole
            && let Err(error) = decoder.finish()
        {
            self.fail(&error);
        }
        if self.stopped {
            // What is unfinished was cut by the stop, not by the sender.
        } else if whole {
            let is_cut = self.drive(offset_us, bench, None);
            self.tell_cut(is_cut);
        } else {
            let mut handed = false;
            let is_cut = self.events.finish(&mut |_| handed = true);
            self.tell_cut(is_cut || handed);
        }
        if self.unreadable > 0 {
            self.assembly.mark_incomplete();
            let (count, s) = (self.unreadable, if self.unreadable == 1 { "" } else { "s" });
            self.add_note(&format!("{count} event{s} could not be read: no JSON"));
        }
        for loss in self.events.losses() {
            self.assembly.mark_incomplete();
            self.add_note(&loss);
        }
        let Self { redactor, run, flow, .. } = self;
        redactor.finish(&bench.redactor, run, &mut |block, kind, text| {
            Bench::show(&*bench.live, *flow, block, kind, text);
        });
    }

    /// Writes what is known so far into the flow.
    pub(crate) fn describe(&self, flow: &mut Flow) {
        flow.event_count = self.seen;
        flow.unknown_events = self.unknown;
        self.assembly.describe(flow);
    }

    /// What the answer says of its own end.
    pub(crate) const fn answer(&self) -> Answer {
        self.assembly.answer()
    }

    /// What the answer still owes where it has ended in good order, in the provider's words. Nothing is
    /// said of a stream that was not read whole.
    pub(crate) fn owes(&self) -> Option<&'static str> {
        let is_read = !self.stopped && !self.has_gap && self.note.is_none();
        let is_open = is_read && self.answer() == Answer::Open;
        self.dialect.as_ref().filter(|_| is_open)?.owes()
    }

    /// How many pieces of text, reasoning or tool input were seen.
    pub(crate) const fn spoken(&self) -> u64 {
        self.assembly.spoken()
    }

    /// Events seen so far.
    pub(crate) const fn seen(&self) -> u64 {
        self.seen
    }

    /// The events that wait to be handed on.
    pub(crate) const fn waiting(&self) -> &EventRun {
        &self.run
    }

    /// Whether as many events wait as may, in bytes or in number.
    pub(crate) fn is_full(&self, events: usize) -> bool {
        self.run.text.len() >= RUN_BYTES || self.run.spans.len() >= events
    }

    /// Takes the waiting events.
    pub(crate) fn take_run(&mut self) -> EventRun {
        // A run that was full is followed by another: its room is asked for once. A stream that
        // trickles keeps none while it is silent.
        let next = if self.run.text.len() >= RUN_BYTES {
            let events = self.run.spans.len();
            EventRun::with_capacity(self.flow, RUN_ROOM, events + events / 8)
        } else {
            EventRun::new(self.flow)
        };
        let mut run = std::mem::replace(&mut self.run, next);
        // What waits is weighed by what it holds: the last of an answer is short, and had room for a full one.
        if run.text.len() < RUN_BYTES / 2 {
            run.shrink_to_fit();
        }
        run
    }

    /// Why decoding stopped or lost something.
    pub(crate) const fn take_note(&mut self) -> Option<String> {
        self.note.take()
    }

    /// The message as far as it came.
    pub(crate) fn into_message(self) -> Option<Message> {
        self.assembly.finish()
    }

    fn feed_decoded(&mut self, data: &[u8], offset_us: u64, bench: &Bench) {
        self.drive(offset_us, bench, Some(data));
    }

    /// Feeds the framer, or finishes it when there is no more data; whether an event was cut off then.
    fn drive(&mut self, offset_us: u64, bench: &Bench, data: Option<&[u8]>) -> bool {
        let Self { flow, events, dialect, redactor, assembly, run, seen, .. } = self;
        let (unknown, unreadable) = (&mut self.unknown, &mut self.unreadable);
        let flow = *flow;
        let mut live = |block, kind, text| Bench::show(&*bench.live, flow, block, kind, text);
        redactor.set_watched(bench.live.wants(flow));
        let mut survey = Survey::new(data.unwrap_or_default());
        let mut take = |event: SseEvent<'_>| {
            let facts = match dialect {
                Some(dialect) => dialect.event(&event, &mut |delta| assembly.apply(delta)),
                None => EventFacts::plain(event.name),
            };
            if !facts.known {
                *unknown += 1;
                *unreadable += u64::from(dialect.is_some() && !is_json(event.data));
            }
            let incoming = IncomingEvent {
                seq: *seen,
                offset_us,
                kind: if facts.kind.is_empty() { "message" } else { facts.kind },
                data: event.data,
                texts: facts.texts.as_slice(),
            };
            *seen += 1;
            redactor.push_surveyed(&bench.redactor, incoming, &mut survey, run, &mut live);
            for block in &facts.ends_blocks {
                redactor.end_block(&bench.redactor, *block, run, &mut live);
            }
        };
        match data {
            Some(data) => {
                events.feed(data, &mut take);
                false
            }
            None => events.finish(&mut take),
        }
    }

    fn tell_cut(&mut self, is_cut: bool) {
        if is_cut {
            self.add_note("the last event was cut off");
        }
    }

    fn fail(&mut self, error: &EncodingError) {
        match error {
            EncodingError::TrailingGarbage { .. } | EncodingError::Truncated { .. } => {
                self.add_note(&error.to_string());
            }
            EncodingError::Unsupported { .. }
            | EncodingError::TooManyLayers { .. }
            | EncodingError::Corrupt { .. }
            | EncodingError::TooLarge { .. } => self.stop(&error.to_string()),
        }
        self.stopped = true;
    }

    fn stop(&mut self, note: &str) {
        self.add_note(note);
        self.stopped = true;
        self.decoder = None;
    }

    fn add_note(&mut self, note: &str) {
        langley_model::add_note(&mut self.note, note);
    }
}
