//! The request's body: kept for the record, and read for what it says of model, stream and session.

use langley_model::{Body, Flow, HeaderBlock, Side};
use langley_protocol::dialect::{Dialect, SessionHints};
use langley_protocol::piece::pieces;

use crate::attempts::{Try, key};
use crate::bench::Bench;
use crate::body::{Collector, Limits, PARSED, PARSED_UNSTATED};
use crate::chains::{Asked, who};
use crate::estimate::Weight;
use crate::media::Media;
use crate::preview;
use crate::session::{Attribution, StatedIds};
use crate::turns::Turns;
use crate::websocket;

/// Bytes that are kept of a body that nobody can read.
pub(crate) const BINARY_KEPT: usize = 64 * 1024;

/// A request's body on its way.
#[derive(Debug)]
pub(crate) struct RequestBody {
    collector: Collector,
    media: Media,
    media_type: Option<String>,
}

/// What a request's body tells beside what the flow is told.
pub(crate) struct Learnt<'e> {
    pub(crate) attribution: &'e mut Attribution,
    pub(crate) attempt: &'e mut Option<Try>,
    pub(crate) weight: &'e mut Weight,
}

/// How much of a body of this kind is kept, and read.
pub(crate) fn limits(media: Media, headers: &HeaderBlock, is_parsed: bool, kept: usize) -> Limits {
    let stated = headers.value("content-length").and_then(|n| n.trim().parse::<u64>().ok());
    let is_encoded = headers.value("content-encoding").is_some();
    let read = match stated {
        // What is longer than can be parsed need not be collected beyond what is kept.
        Some(length) if length > PARSED as u64 => 0,
        Some(_) if !is_encoded => PARSED,
        Some(_) | None => PARSED_UNSTATED,
    };
    match media {
        Media::Binary | Media::BinaryEvents => Limits { kept: kept.min(BINARY_KEPT), read: 0 },
        Media::Json if is_parsed => Limits { kept, read },
        Media::Json | Media::Text | Media::EventStream => Limits { kept, read: 0 },
    }
}

impl RequestBody {
    /// A body announced by these headers.
    pub(crate) fn new(headers: &HeaderBlock, is_parsed: bool, kept: usize) -> Self {
        let media_type = headers.value("content-type");
        let media = Media::of(media_type);
        let limits = limits(media, headers, is_parsed, kept);
        let collector = Collector::new(headers.value("content-encoding"), limits)
            .stating(headers.value("content-length"));
        Self { collector, media, media_type: media_type.map(str::to_owned) }
    }

    /// Takes the next bytes.
    pub(crate) fn feed(&mut self, data: &[u8], bench: &mut Bench) {
        self.collector.feed(data, &mut bench.allowance);
    }

    /// Whether nothing that may follow will be kept or read.
    pub(crate) const fn is_full(&self) -> bool {
        self.collector.is_full()
    }

    /// Bytes are missing here.
    pub(crate) fn gap(&mut self) {
        self.collector.gap();
    }

    /// Reads what the body says into the flow and hands out the body to store.
    pub(crate) fn finish(
        mut self,
        whole: bool,
        dialect: Option<&'static dyn Dialect>,
        flow: &mut Flow,
        learnt: Learnt<'_>,
        bench: &mut Bench,
    ) -> Option<Body> {
        let Learnt { attribution, attempt, weight } = learnt;
        self.collector.finish(whole);
        if let Some(note) = self.collector.take_note() {
            langley_model::add_note(&mut flow.decode_note, &format!("request: {note}"));
        }
        let bytes = self.collector.bytes();
        let parts = dialect.and_then(|dialect| pieces(dialect.seams(), bytes));
        let (mut folder, mut goes_on) = (None, false);
        if let Some(dialect) = dialect.filter(|_| !bytes.is_empty()) {
            let facts = dialect.request(bytes);
            // What the path said goes before what the body says.
            flow.model_requested = flow.model_requested.take().or(facts.model);
            let stated = dialect.streams(&flow.path).or(facts.stream);
            flow.streaming = stated.or(facts.json_ok.then_some(false)).or(flow.streaming);
            tell_thread(flow, &facts.session);
            folder = facts.folder;
            goes_on = facts.previous.is_some();
            attribution.add_hints(facts.session);
            if attribution.is_unstated() {
                let digester = &bench.digester;
                let turns = |parts: &Vec<_>| Turns::of(digester, parts, bytes, who(digester, flow));
                let asked = Asked {
                    host: &flow.host,
                    at: flow.started_at,
                    previous: facts.previous.as_deref(),
                    turns: parts.as_ref().filter(|_| facts.json_ok).and_then(turns),
                    wants_task: !attribution.has_task(),
                };
                attribution.work_out(&mut bench.chains.lock(), asked);
            }
            flow.preview = facts
                .last_user_text
                .and_then(|text| preview::of_question(&bench.redactor, &text))
                .or_else(|| flow.preview.take());
        } else if flow.provider.is_some()
            && self.media == Media::Json
            && let Ok(stated) = serde_json::from_slice::<StatedIds>(bytes)
        {
            attribution.add_stated(stated);
        }
        flow.session = attribution.session();
        flow.task = attribution.task();
        bench.projects.lock().tell(flow, folder.as_deref());
        if dialect.is_some() && whole && self.collector.is_whole() {
            let parts = bench.digester.asked(parts.as_deref(), bytes);
            let key = key(&bench.digester, flow, parts);
            *attempt = Some(bench.attempts.lock().begin(key, flow.id));
            flow.retry_of = attempt.as_ref().and_then(|it| it.retry_of(flow.started_at));
        }
        let media_type = self.media_type.as_deref();
        let redactor = &bench.redactor;
        let body = self.collector.seal(
            flow.id,
            Side::Client,
            media_type,
            dialect.map_or(&[], |dialect| dialect.seams()),
            redactor,
            &mut bench.allowance,
        )?;
        flow.body_truncated |= body.truncated;
        if dialect.is_some() {
            weight.asked(body.bytes.as_bytes().len() as u64, goes_on);
        }
        Some(body)
    }

    /// Gives the memory back without keeping anything.
    pub(crate) fn discard(self, bench: &mut Bench) {
        self.collector.discard(&mut bench.allowance);
    }
}

/// The thread that a body names. The calls of a WebSocket share the headers of its upgrade.
fn tell_thread(flow: &mut Flow, hints: &SessionHints) {
    if let Some(thread) = &hints.client_thread
        && (flow.agent_id.is_none() || flow.method == websocket::METHOD)
    {
        flow.agent_id = Some(thread.to_string());
    }
}
