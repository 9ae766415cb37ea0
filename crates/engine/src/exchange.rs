//! One open flow: what is known of it, what is still on its way, and what waits to be written.
//!
//! Positions count the answer's bytes as they travelled, lost ones included, so that the bytes kept
//! for the ending can be put where they belong.

mod pulse;
mod tail;

use std::sync::Arc;
use std::time::Duration;

use langley_model::{
    Body, Closed, DialectName, Ending, Flow, Gap, HeaderBlock, Headers, Interest, Message, Micros,
    Opened, Outcome, Part, Record, Redacted, ResponseHead, Side, Tick, Usage, add_note,
};
use langley_protocol::dialect::{Dialect, dialect_for, model_name};

use crate::agent::agent;
use crate::attempts::Try;
use crate::bench::Bench;
use crate::broken;
use crate::counted::counted;
use crate::estimate::Weight;
use crate::gap;
use crate::intake::{Direction, Entry};
use crate::note::tell_end;
use crate::outcome::{Answer, mistaken_base_url, outcome};
use crate::preview;
use crate::project;
use crate::provider::provider;
use crate::rate_limit::rate_limits;
use crate::request::{Learnt, RequestBody};
use crate::response::{Remains, Response};
use crate::session::{Attribution, agent_id};
use crate::websocket::{self, WebSocket};
use crate::written::Written;

use pulse::Pulse;

/// An open flow.
pub(crate) struct Exchange {
    pub(crate) flow: Box<Flow>,
    opened: Tick,
    dialect: Option<&'static dyn Dialect>,
    attribution: Attribution,
    attempt: Option<Try>,
    request: Option<Box<RequestBody>>,
    response: Response,
    answer: Answer,
    /// What the answer should have said before it ended in good order, and what its end lacks.
    owed: Option<&'static str>,
    unsaid: Option<&'static str>,
    /// Usage that the answer's head states.
    counted: Usage,
    weight: Weight,
    pulse: Pulse,
    /// Bytes of the answer that arrived or are known to be lost.
    position: u64,
    /// Bytes lost at the present position, not yet answered for.
    hole: Option<u64>,
    keeps_bodies: bool,
    interest: Arc<Interest>,
    /// How the flow began, while it may become a WebSocket.
    upgrade: Option<Box<Opened>>,
    websocket: Option<Box<WebSocket>>,
    pub(crate) out: Vec<Redacted<Record>>,
    pub(crate) written: Written,
    pub(crate) is_touched: bool,
    pub(crate) is_due: bool,
}

impl Exchange {
    /// A flow that just opened.
    pub(crate) fn open(opened: Opened, bench: &Bench) -> Box<Self> {
        let upgrade = websocket::is_asked_for(&opened).then(|| Box::new(opened.clone()));
        let Opened { flow: id, connection, started_at, at, mode, headers, control, .. } = opened;
        let mut flow = Box::new(Flow::new(id, connection, started_at));
        flow.mode = mode;
        flow.scheme = opened.scheme.to_owned();
        flow.host = opened.host;
        flow.port = opened.port;
        flow.method = opened.method;
        flow.path = opened.target;
        flow.version_in = opened.version_in;
        flow.version_out = opened.version_out;
        flow.client_addr = Some(opened.client_addr);
        flow.ja4_in = opened.ja4_in;
        flow.ja4_out = opened.ja4_out;
        flow.tls_note = opened.tls_note;
        if let Some(setup) = opened.setup {
            flow.connect = setup.connect_ns.map(Duration::from_nanos);
            flow.tls = setup.tls_ns.map(Duration::from_nanos);
        }
        if let Some(user_agent) = headers.value("user-agent") {
            let found = agent(user_agent);
            flow.agent = found.map(|agent| agent.kind.to_owned());
            flow.agent_version = found.and_then(|agent| agent.version).map(str::to_owned);
            flow.user_agent = Some(user_agent.to_owned());
        }
        flow.agent_id = agent_id(&headers);
        let attribution = Attribution::of_head(&control, &headers);
        flow.session = attribution.session();
        flow.task = attribution.task();
        flow.project = project::of_head(&control, &headers);

        let spoken = dialect_for(&flow.method, &flow.host, &flow.path);
        let path = flow.path.split(['?', '#']).next().unwrap_or_default();
        flow.provider = provider(&flow, spoken.map(|(name, _)| name), opened.upstream.as_deref());
        let dialect = spoken.map(|(_, dialect)| dialect);
        flow.streaming = dialect.and_then(|dialect| dialect.streams(path));
        let model = dialect.and_then(|dialect| dialect.model_in_path(path));
        flow.model_requested = model.map(|model| model_name(model).into_owned());
        let keeps_bodies = bench.options.keeps_bodies_of(&flow.host);
        let parsed = flow.provider.is_some();
        let request = keeps_bodies
            .then(|| Box::new(RequestBody::new(&headers, parsed, bench.options.body_max_bytes)));
        if !keeps_bodies {
            add_note(&mut flow.decode_note, "bodies of this host are not kept");
        }
        let mut exchange = Box::new(Self {
            flow,
            opened: at,
            dialect,
            attribution,
            attempt: None,
            request,
            response: Response::Waiting,
            answer: Answer::Open,
            owed: None,
            counted: Usage::default(),
            weight: Weight::default(),
            unsaid: None,
            pulse: Pulse::default(),
            position: 0,
            hole: None,
            keeps_bodies,
            interest: opened.interest,
            upgrade,
            websocket: None,
            out: Vec::new(),
            written: Written::Never,
            is_touched: false,
            is_due: false,
        });
        exchange.put_headers(Side::Client, false, headers, bench);
        exchange
    }

    /// Takes a piece of the request.
    pub(crate) fn request(&mut self, part: Part, bench: &mut Bench) {
        match part {
            Part::Data(data) => {
                self.flow.request_bytes += data.len() as u64;
                if let Some(request) = &mut self.request {
                    request.feed(&data, bench);
                    if request.is_full() {
                        self.interest.satisfy(Side::Client);
                    }
                }
            }
            Part::Trailers(trailers) => self.put_headers(Side::Client, true, *trailers, bench),
            Part::End => self.end_request(true, bench),
            Part::Head(_) => {}
        }
    }

    /// Takes a piece of the answer.
    pub(crate) fn response(&mut self, at: Tick, part: Part, bench: &mut Bench) {
        match part {
            Part::Head(head) => self.head(at, *head, bench),
            Part::Data(data) => {
                self.settle_hole();
                self.position += data.len() as u64;
                self.flow.response_bytes = self.position;
                self.read(at, &data, bench);
            }
            Part::Trailers(trailers) => self.put_headers(Side::Upstream, true, *trailers, bench),
            // With a hole before it, the end has to wait for the bytes that come with the ending.
            Part::End if self.hole.is_none() => self.end_response(at, true, bench),
            Part::End => {}
        }
    }

    /// Takes a piece that travelled after a protocol switch.
    pub(crate) fn frame(&mut self, at: Tick, side: Side, part: &Part, bench: &mut Bench) {
        let Part::Data(data) = part else { return };
        match side {
            Side::Client => self.flow.request_bytes += data.len() as u64,
            Side::Upstream => self.flow.response_bytes += data.len() as u64,
        }
        let Some(websocket) = &mut self.websocket else { return };
        if let Some(problem) = websocket.feed(at, side, data) {
            add_note(&mut self.flow.decode_note, &problem);
            self.stale();
        }
        self.log(at, bench);
    }

    /// What a WebSocket has shown of its calls.
    pub(crate) fn take_entries(&mut self) -> Vec<Entry> {
        self.websocket
            .as_mut()
            .map(|socket| std::mem::take(&mut socket.entries))
            .unwrap_or_default()
    }

    /// Keeps the messages of a WebSocket that belong to no call.
    fn log(&mut self, at: Tick, bench: &mut Bench) {
        let Some(websocket) = &mut self.websocket else { return };
        if websocket.log.is_empty() {
            return;
        }
        let log = std::mem::take(&mut websocket.log);
        self.response.feed(&log, self.offset_us(at), bench);
        self.count_events(at, bench);
    }

    fn frame_gap(&mut self, at: Tick, side: Side, gap: Gap) {
        let problem = self.websocket.as_mut().and_then(|websocket| websocket.gap(at, side, gap));
        if let Some(problem) = problem {
            add_note(&mut self.flow.decode_note, &problem);
        }
    }

    /// Pieces of this flow were not captured here.
    pub(crate) fn gap(&mut self, at: Tick, direction: Direction, gap: Gap) {
        match direction {
            Direction::Request => {
                gap::add(&mut self.flow.request_gap, gap);
                if gap.bytes > 0
                    && let Some(request) = &mut self.request
                {
                    request.gap();
                }
            }
            Direction::Response => {
                gap::add(&mut self.flow.response_gap, gap);
                if gap.bytes > 0 {
                    self.hole = Some(self.hole.unwrap_or(0) + gap.bytes);
                }
            }
            Direction::FramesUp => {
                gap::add(&mut self.flow.request_gap, gap);
                self.frame_gap(at, Side::Client, gap);
            }
            Direction::FramesDown => {
                gap::add(&mut self.flow.response_gap, gap);
                self.frame_gap(at, Side::Upstream, gap);
            }
        }
        pulse::forget(&mut self.flow);
        self.stale();
    }

    /// Ends the flow; `closed` is what the sockets saw, and learns here what was said before. Afterwards
    /// [`Self::conclude`] names the outcome.
    pub(crate) fn close(&mut self, closed: &mut Closed, bench: &mut Bench) {
        if self.flow.status.is_none() {
            self.flow.status = closed.status;
        }
        if let Some(websocket) = &mut self.websocket {
            websocket.close(closed);
            if let Some(loss) = websocket.loss() {
                add_note(&mut self.flow.decode_note, &loss);
            }
        }
        self.end_request(is_whole(closed), bench);
        self.read_tail(closed, bench);
        self.end_response(closed.at, is_whole(closed), bench);
        if self.flow.path.is_empty()
            && let Some(reason) = &closed.reason
        {
            // A CONNECT, and what could not be read, has no path by which a list could tell it.
            self.flow.preview = preview::of_question(&bench.redactor, reason);
        }
    }

    /// Names the outcome. Apart from [`Self::close`], so that a flow whose decoding failed has one.
    pub(crate) fn conclude(&mut self, closed: Closed) {
        let flow = &mut self.flow;
        flow.status = flow.status.or(closed.status);
        flow.ended_at = Some(closed.ended_at);
        flow.duration = Some(closed.at.since(self.opened));
        flow.reason = closed.reason.or_else(|| mistaken_base_url(flow));
        flow.request_bytes = closed.request_bytes;
        flow.response_bytes = closed.response_bytes;
        flow.request_gap = gap::larger(flow.request_gap, closed.request_gap);
        flow.response_gap = gap::larger(flow.response_gap, closed.response_gap);
        pulse::forget(flow);
        let socket = self.websocket.as_ref();
        let ending = socket.map_or(closed.ending, |socket| socket.ending(closed.ending));
        flow.outcome = Some(outcome(ending, flow.status, self.answer));
        broken::tell(flow, self.answer, socket.is_some(), closed.broke.as_ref());
        self.unsaid = broken::unsaid(closed.ending, closed.broke.as_ref());
        if let Some(code) = closed.code {
            // What the answer says is Langley's own sentence, which is the reason already.
            flow.error_kind = Some(code.to_owned());
            flow.error_message = None;
        }
    }

    /// Ends a flow whose ending will never be known.
    pub(crate) fn lose(&mut self, at: Tick, ended_at: Micros, reason: &str, bench: &mut Bench) {
        self.settle_hole();
        self.end_request(false, bench);
        self.end_response(at, false, bench);
        self.give_up(at, ended_at, reason);
    }

    /// As [`Self::lose`], without touching what may be broken.
    pub(crate) fn give_up(&mut self, at: Tick, ended_at: Micros, reason: &str) {
        self.flow.ended_at = Some(ended_at);
        self.flow.duration = Some(at.since(self.opened));
        self.flow.reason = Some(reason.to_owned());
        self.flow.outcome = Some(Outcome::Lost);
    }

    /// Decoding failed in a way that should not happen: from now on bytes are only counted.
    pub(crate) fn maim(&mut self, bench: &mut Bench) {
        if let Some(request) = self.request.take() {
            request.discard(bench);
        }
        std::mem::replace(&mut self.response, Response::Counted).discard(bench);
        let sentence = "decoding stopped at an internal error; the bytes themselves went through";
        add_note(&mut self.flow.decode_note, sentence);
        self.stale();
    }

    /// Whether events wait to be handed on.
    pub(crate) fn has_waiting(&self) -> bool {
        matches!(&self.response, Response::Stream(stream) if !stream.waiting().spans.is_empty())
    }

    /// Hands the waiting events on.
    pub(crate) fn flush(&mut self, bench: &Bench) {
        if let Response::Stream(stream) = &mut self.response
            && !stream.waiting().spans.is_empty()
        {
            let run = stream.take_run();
            self.out.push(bench.redactor.seal(Record::Events(run)));
        }
    }

    /// Whether something went wrong in decoding, beyond what was not meant to be decoded.
    pub(crate) fn has_decode_error(&self) -> bool {
        let has_switched = self.flow.status.is_some_and(|status| self.switches(status));
        let is_read = !has_switched || self.websocket.is_some();
        self.keeps_bodies && is_read && self.flow.decode_note.is_some()
    }

    /// The flow has ended: what it was a part of may rest.
    pub(crate) fn leave(&mut self, bench: &Bench) {
        let at = self.flow.ended_at.unwrap_or(self.flow.started_at);
        self.attribution.leave(&bench.chains, at);
        if let Some(attempt) = &self.attempt {
            // By now the end of the attempt before is known, by whatever lane it came.
            self.flow.retry_of = attempt.retry_of(self.flow.started_at);
            attempt.end(&self.flow);
        }
    }

    /// Estimates what the provider did not tell of what was used. The flow has ended, and is not priced yet.
    pub(crate) fn estimate(&mut self) {
        self.flow.estimate = self.weight.estimate(&self.flow);
    }

    /// Says what the answer's end lacks, which is no fault of decoding.
    pub(crate) fn tell_owed(&mut self) {
        tell_end(&mut self.flow.decode_note, self.owed, self.unsaid);
    }

    /// The present state, for the store.
    pub(crate) fn state(&mut self, bench: &Bench) -> Redacted<Record> {
        if let Response::Stream(stream) = &self.response {
            stream.describe(&mut self.flow);
        }
        bench.redactor.seal(Record::Flow(Arc::new((*self.flow).clone())))
    }

    /// The store's knowledge is out of date.
    pub(crate) fn stale(&mut self) {
        if let Written::Fresh(at) | Written::Counting(at) = self.written {
            self.written = Written::Stale(at);
        }
    }

    /// Whether the present state is to be written: at once when none was, else at most each `every`
    /// (four times that when only a count has grown).
    pub(crate) fn is_state_due(&self, now: Tick, every: Duration) -> bool {
        match self.written {
            Written::Never => true,
            Written::Stale(at) => now.since(at) >= every,
            Written::Counting(at) => now.since(at) >= 4 * every,
            Written::Fresh(_) => false,
        }
    }

    /// Whether an answer with `status` is a switch to another protocol: on HTTP/2 the answer to a CONNECT
    /// is one (RFC 8441 §4). A call within a WebSocket only has the status of its upgrade.
    fn switches(&self, status: u16) -> bool {
        let is = |method: &str| self.flow.method == method;
        (status == 101 && !is(websocket::METHOD)) || (is("CONNECT") && (200..300).contains(&status))
    }

    fn head(&mut self, at: Tick, head: ResponseHead, bench: &mut Bench) {
        let switches = self.switches(head.status);
        if head.status < 200 && !switches && self.flow.method != websocket::METHOD {
            return;
        }
        let flow = &mut self.flow;
        flow.status = Some(head.status);
        flow.ttfb = Some(at.since(self.opened));
        flow.provider_request_id = ["request-id", "x-request-id", "x-amzn-requestid"]
            .into_iter()
            .find_map(|name| head.headers.value(name))
            .map(str::to_owned);
        flow.rate_limits = rate_limits(&head.headers, flow.started_at.plus(at.since(self.opened)));
        if flow.dialect() == Some(DialectName::Bedrock) {
            self.counted = counted(&head.headers);
        }
        // Amazon's services say only here which exception an error body describes.
        flow.error_kind = head
            .headers
            .value("x-amzn-errortype")
            .and_then(|kind| kind.split(':').next())
            .map(str::to_owned);
        self.response = if switches {
            match self.upgrade.take().filter(|_| self.keeps_bodies) {
                Some(upgrade) => {
                    let is_known = dialect_for(websocket::METHOD, &flow.host, &flow.path).is_some();
                    self.websocket = Some(Box::new(WebSocket::new(upgrade, &head, is_known)));
                    Response::log(flow, bench)
                }
                None => {
                    let sentence = "after the protocol switch bytes are counted, not decoded";
                    add_note(&mut flow.decode_note, sentence);
                    Response::Counted
                }
            }
        } else if self.keeps_bodies {
            Response::of_head(&head, flow, self.dialect, bench)
        } else {
            Response::Counted
        };
        if matches!(self.response, Response::Stream(_)) && !switches {
            flow.streaming = Some(true);
        }
        self.put_headers(Side::Upstream, false, head.headers, bench);
        self.stale();
    }

    fn read(&mut self, at: Tick, data: &[u8], bench: &mut Bench) {
        if matches!(self.response, Response::Waiting) {
            // The head was lost, and with it how these bytes are to be read.
            add_note(&mut self.flow.decode_note, "the answer's head was not captured");
            self.response = Response::Counted;
        }
        self.response.feed(data, self.offset_us(at), bench);
        if self.response.is_full() {
            self.interest.satisfy(Side::Upstream);
        }
        self.count_events(at, bench);
    }

    /// Tells the flow of the events that were read.
    fn count_events(&mut self, at: Tick, bench: &Bench) {
        if let Response::Stream(stream) = &self.response {
            let is_first_event = stream.seen() > 0 && self.flow.event_count == 0;
            let has_more = stream.seen() != self.flow.event_count;
            let is_first_token = self.pulse.beat(&mut self.flow, stream, self.opened, at);
            if is_first_event && self.dialect.is_some_and(Dialect::names_earlier_answers) {
                stream.describe(&mut self.flow);
            }
            self.flow.event_count = stream.seen();
            if stream.is_full(bench.options.events_per_flow) {
                self.flush(bench);
            }
            if is_first_event {
                self.tell_answer(bench);
            }
            if is_first_token || is_first_event {
                self.stale();
            } else if has_more && let Written::Fresh(at) = self.written {
                self.written = Written::Counting(at);
            }
        }
    }

    /// Makes the answer known to requests that may name it.
    fn tell_answer(&self, bench: &Bench) {
        if let Some(id) = &self.flow.message_id
            && self.dialect.is_some_and(Dialect::names_earlier_answers)
        {
            self.attribution.answered(&mut bench.chains.lock(), id);
        }
    }

    fn end_request(&mut self, whole: bool, bench: &mut Bench) {
        let Some(request) = self.request.take() else { return };
        let Self { flow, attribution, attempt, dialect, weight, .. } = self;
        let learnt = Learnt { attribution, attempt, weight };
        if let Some(body) = request.finish(whole, *dialect, flow, learnt, bench) {
            self.put_body(body, bench);
        }
        self.stale();
    }

    fn end_response(&mut self, at: Tick, whole: bool, bench: &mut Bench) {
        let offset_us = self.offset_us(at);
        let Self { response, flow, dialect, .. } = self;
        let had_body = matches!(response, Response::Stream(_) | Response::Whole(_));
        if !had_body {
            return;
        }
        let remains = response.finish(whole, offset_us, *dialect, flow, bench);
        self.flush(bench);
        let Remains { answer, mut message, body } = remains;
        if let Response::Stream(mut stream) = std::mem::replace(&mut self.response, Response::Done)
        {
            stream.describe(&mut self.flow);
            let is_answer = whole && self.flow.status.is_some_and(|status| status < 400);
            self.owed = stream.owes().filter(|_| is_answer);
            self.pulse.beat(&mut self.flow, &stream, self.opened, at);
            self.pulse.rest(&mut self.flow, at);
            if let Some(note) = stream.take_note() {
                add_note(&mut self.flow.decode_note, &note);
            }
            // Without a dialect there is nobody to say what the events mean.
            message = self.dialect.and(stream.into_message());
        }
        self.tell_answer(bench);
        let mut usage = self.counted;
        usage.update(&self.flow.usage);
        self.flow.usage = usage;
        self.answer = answer;
        if let Some(body) = body {
            self.put_body(body, bench);
        }
        if let Some(message) = message {
            self.put_message(message, bench);
        }
        self.stale();
    }

    /// An answer of an API that names the model in the path only comes from that model.
    fn name_model(&mut self, message: &mut Message) {
        let path = self.flow.path.as_str();
        let in_path = self.dialect.and_then(|dialect| dialect.model_in_path(path)).is_some();
        let is_answer = self.flow.status.is_some_and(|s| s < 400) && message.error.is_none();
        if in_path && is_answer && message.model.is_none() && self.flow.model.is_none() {
            self.flow.model.clone_from(&self.flow.model_requested);
            message.model.clone_from(&self.flow.model_requested);
        }
    }

    fn put_message(&mut self, mut message: Message, bench: &Bench) {
        self.name_model(&mut message);
        self.weight.said(&message);
        let answer = preview::of_answer(&bench.redactor, &message);
        self.flow.preview = preview::joined(self.flow.preview.as_deref(), answer.as_deref());
        let is_json =
            self.flow.streaming != Some(true) && self.flow.status.is_some_and(|s| s < 400);
        if is_json && self.flow.streaming.is_none() {
            self.flow.streaming = Some(false);
        }
        self.out.push(bench.redactor.seal(Record::Message(self.flow.id, Box::new(message))));
    }

    fn put_body(&mut self, body: Body, bench: &Bench) {
        self.out.push(bench.redactor.seal(Record::Body(body)));
    }

    fn put_headers(&mut self, side: Side, trailers: bool, lines: HeaderBlock, bench: &Bench) {
        if !lines.is_empty() {
            let headers = Headers { flow: self.flow.id, side, trailers, lines };
            self.out.push(bench.redactor.seal(Record::Headers(headers)));
        }
    }

    fn offset_us(&self, at: Tick) -> u64 {
        u64::try_from(at.since(self.opened).as_micros()).unwrap_or(u64::MAX)
    }
}

fn is_whole(closed: &Closed) -> bool {
    closed.ending == Ending::Whole
}
