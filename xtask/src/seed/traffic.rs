//! Ninety days of sessions, flow by flow in the order of time, as sealed records.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::time::Duration;

use langley_model::{
    Attributed, Body, ConnectionId, Flow, FlowId, HeaderBlock, Headers, MicroUsd, Micros, Outcome,
    Passage, Place, Record, Redacted, RedactedBytes, Redactor, SearchText, Side, Tokens,
};

use super::answer::Answer;
use super::project::Project;
use super::random::Random;
use super::said::Sources;
use super::session::Session;
use super::stream::Wire;
use super::words::Words;

/// How much, over which time, and by which chance.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) flows: u64,
    pub(crate) events: u64,
    pub(crate) from: Micros,
    pub(crate) span: Duration,
    pub(crate) seed: u64,
}

/// Flows of a session, on average.
const FLOWS_PER_SESSION: u64 = 77;

/// Projects that the sessions work on.
const PROJECTS: usize = 24;

/// A flow as the recorder would hand it over.
pub(crate) struct Made {
    pub(crate) started_at: Micros,
    pub(crate) records: Vec<Redacted<Record>>,
    pub(crate) text: Redacted<SearchText>,
    /// Bytes of the events' data.
    pub(crate) event_bytes: u64,
}

/// The traffic; an iterator over flows.
pub(crate) struct Traffic {
    plan: Plan,
    redactor: Arc<Redactor>,
    words: Words,
    projects: Vec<Project>,
    random: Random,
    /// Sessions by the time of their next flow.
    open: BinaryHeap<Reverse<(i64, usize)>>,
    sessions: Vec<Option<Session>>,
    free: Vec<usize>,
    /// When the next session starts.
    next_session: i64,
    flows_left: u64,
    events_left: u64,
}

impl Traffic {
    pub(crate) fn new(plan: Plan, redactor: Arc<Redactor>) -> Self {
        let (words, mut random) = (Words::new(), Random::new(plan.seed));
        let projects = (0..PROJECTS).map(|_| Project::new(&words, &mut random)).collect();
        Self {
            plan,
            redactor,
            words,
            projects,
            random,
            open: BinaryHeap::new(),
            sessions: Vec::new(),
            free: Vec::new(),
            next_session: plan.from.0,
            flows_left: plan.flows,
            events_left: plan.events,
        }
    }

    /// Opens the sessions that start before the next flow of those that are open.
    fn open_sessions(&mut self) {
        let sessions = (self.plan.flows / FLOWS_PER_SESSION).max(1);
        let each = self.plan.span.as_micros() as i64 / sessions as i64;
        while self.open.peek().is_none_or(|Reverse((at, _))| self.next_session <= *at) {
            let project = self.random.of(0..PROJECTS as u64) as usize;
            let sources = Sources { words: &self.words, project: &self.projects[project] };
            let with = (sources, &mut self.random, &*self.redactor);
            let session = Session::new(with, (self.next_session, project));
            self.next_session += self.random.of(1..(2 * each.max(1)).unsigned_abs() + 1) as i64;
            let place = self.free.pop().unwrap_or_else(|| {
                self.sessions.push(None);
                self.sessions.len() - 1
            });
            self.open.push(Reverse((session.next_at, place)));
            self.sessions[place] = Some(session);
        }
    }

    /// How many events the next flow has: the rest is shared out, some get much and some little.
    fn share(&mut self, wire: Wire) -> u64 {
        let mean = self.events_left * wire.events_percent() / 100 / self.flows_left.max(1);
        if self.flows_left <= 1 {
            return self.events_left;
        }
        let percent = match self.random.of(0..10) {
            0..=3 => self.random.of(15..60),
            4..=7 => self.random.of(60..140),
            _ => self.random.of(140..320),
        };
        (mean * percent / 100).min(self.events_left)
    }

    fn make(&mut self, session: &mut Session) -> Made {
        let Self { words, projects, random, redactor, .. } = self;
        let (redactor, project) = (&**redactor, &projects[session.project]);
        let sources = Sources { words, project };
        let id = FlowId::from_bytes(time_id(session.next_at, random));
        let connection = ConnectionId::from_bytes(time_id(session.next_at, random));
        let mut flow = Flow::new(id, connection, Micros(session.next_at));
        let whole = session.is_new();
        let (said, body, pieces) = session.request((sources, random, redactor));
        let outcome = match random.of(0..1000) {
            0..=14 => Outcome::ProviderError,
            15..=24 => Outcome::ClientGone,
            25..=28 => Outcome::UpstreamGone,
            29 => Outcome::TimedOut,
            _ => Outcome::Completed,
        };
        let failed = outcome == Outcome::ProviderError;
        let count =
            if failed && self.flows_left > 1 { 0 } else { self.share(session.profile.wire) };
        let Self { words, projects, random, redactor, .. } = self;
        let (redactor, project) = (&**redactor, &projects[session.project]);
        let sources = Sources { words, project };
        let wire = (id, session.profile.wire, session.model);
        let tokens = (count, body.len() as u64 / 4);
        let answer = Answer::new((sources, random, redactor), wire, tokens);
        fill(&mut flow, session, &answer, (&said, &body, outcome), random);
        flow.project = Some(Attributed { id: project.root().to_owned(), source: "body:folder" });
        let heads = [
            (Side::Client, request_headers(session, random)),
            (Side::Upstream, answer_headers(random, flow.started_at)),
        ];
        let mut records = vec![Record::Flow(Arc::new(flow.clone()))];
        records.extend(heads.into_iter().map(|(side, lines)| {
            Record::Headers(Headers { flow: id, side, trailers: false, lines })
        }));
        records.push(body_of(id, Side::Client, body, pieces));
        if failed {
            let text =
                r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
            let bytes = redactor.body(text.as_bytes().to_vec());
            records.push(body_of(id, Side::Upstream, bytes, Vec::new()));
        } else {
            session.answered(redactor, &answer);
            records.push(Record::Message(id, Box::new(answer.message)));
        }
        let event_bytes = answer.run.text.len() as u64;
        if count > 0 {
            records.push(Record::Events(answer.run));
        }
        let passage = Passage::new;
        let mut passages = vec![passage(Place::Prompt, said)];
        passages.push(passage(Place::Answer, answer.text));
        passages.push(passage(Place::Thinking, answer.thinking));
        passages.extend(answer.call.map(|call| passage(Place::ToolInput, call.input)));
        passages.retain(|passage| !passage.text.is_empty());
        self.flows_left -= 1;
        self.events_left -= count;
        session.left -= 1;
        session.next_at += self.random.of(2_000_000..90_000_000) as i64;
        Made {
            started_at: flow.started_at,
            records: records.into_iter().map(|record| redactor.seal(record)).collect(),
            text: redactor.seal(SearchText { flow: id, whole, passages }),
            event_bytes,
        }
    }
}

impl Iterator for Traffic {
    type Item = Made;

    fn next(&mut self) -> Option<Made> {
        if self.flows_left == 0 {
            return None;
        }
        self.open_sessions();
        let Reverse((_, place)) = self.open.pop()?;
        let mut session = self.sessions[place].take()?;
        let made = self.make(&mut session);
        if session.left > 0 {
            self.open.push(Reverse((session.next_at, place)));
            self.sessions[place] = Some(session);
        } else {
            self.free.push(place);
        }
        Some(made)
    }
}

/// An id whose first 48 bits are milliseconds, as UUIDs of version 7 have them (RFC 9562 §5.7).
fn time_id(at: i64, random: &mut Random) -> [u8; 16] {
    let mut bytes = random.bytes();
    bytes[..6].copy_from_slice(&(at / 1_000).to_be_bytes()[2..]);
    bytes[6] = 0x70 | (bytes[6] & 0x0f);
    bytes[8] = 0x80 | (bytes[8] & 0x3f);
    bytes
}

/// What is known of a flow at its end.
fn fill(
    flow: &mut Flow,
    session: &Session,
    answer: &Answer,
    (said, body, outcome): (&str, &RedactedBytes, Outcome),
    random: &mut Random,
) {
    let profile = session.profile;
    let attributed = |id: &str, source| Some(Attributed { id: id.to_owned(), source });
    let last = answer.run.spans.last().map_or(400_000, |span| span.offset_us);
    let first = answer.run.spans.first().map_or(400_000, |span| span.offset_us);
    let failed = outcome == Outcome::ProviderError;
    flow.host = profile.host.to_owned();
    flow.method = String::from("POST");
    flow.path = profile.path.to_owned();
    flow.client_addr = Some(format!("127.0.0.1:{}", random.of(32_768..60_999)));
    flow.client_process = Some(profile.agent.to_owned());
    flow.user_agent = Some(profile.user_agent.to_owned());
    flow.agent = Some(profile.agent.to_owned());
    flow.provider = Some(profile.provider);
    flow.model_requested = Some(session.model.to_owned());
    flow.model = (!failed).then(|| session.model.to_owned());
    flow.streaming = Some(true);
    flow.session = attributed(&session.id, profile.session_source);
    flow.task = session.task.as_deref().and_then(|task| attributed(task, "header:x-langley-task"));
    flow.status = Some(if failed { 529 } else { 200 });
    flow.outcome = Some(outcome);
    flow.ended_at = Some(Micros(flow.started_at.0 + last as i64));
    flow.duration = Some(Duration::from_micros(last));
    flow.ttfb = Some(Duration::from_micros(first));
    flow.ttft = (!failed).then(|| Duration::from_micros(first + 9_000));
    let length = body.len() as u64;
    if failed {
        flow.error_kind = Some(String::from("overloaded_error"));
        flow.error_message = Some(String::from("Overloaded"));
    } else {
        let output = answer.run.text.len() as u64 / 9 + 1;
        flow.usage.input = Some(Tokens(said.len() as u64 / 4));
        flow.usage.cache_read = Some(Tokens(length / 4));
        flow.usage.output = Some(Tokens(output));
        flow.cost = random.percent(80).then(|| MicroUsd((length / 8 + output * 15) as i64));
        flow.cost_source = flow.cost.map(|_| String::from("priced"));
        flow.stop_reason = answer.message.stop_reason.clone();
        flow.message_id = answer.message.id.clone();
    }
    flow.tool_names = answer.message.tool_names().map(str::to_owned).collect();
    flow.event_count = answer.run.spans.len() as u64;
    flow.request_bytes = length;
    flow.response_bytes = answer.run.text.len() as u64;
    let preview: String = said.chars().take(120).collect();
    flow.preview = Some(preview);
}

/// As many as agents send; one of them, an id, is new with each request.
fn request_headers(session: &Session, random: &mut Random) -> HeaderBlock {
    let mut lines = HeaderBlock::new();
    for (name, value) in [
        ("accept", "application/json"),
        ("content-type", "application/json"),
        ("user-agent", session.profile.user_agent),
        ("x-stainless-retry-count", "0"),
        ("x-stainless-timeout", "600"),
        ("x-stainless-lang", "js"),
        ("x-stainless-package-version", "0.74.0"),
        ("x-stainless-os", "Linux"),
        ("x-stainless-arch", "x64"),
        ("x-stainless-runtime", "node"),
        ("x-stainless-runtime-version", "v24.3.0"),
        ("anthropic-version", "2023-06-01"),
        ("anthropic-beta", "interleaved-thinking-2025-05-14,context-management-2025-06-27"),
        ("anthropic-dangerous-direct-browser-access", "true"),
        ("x-app", "cli"),
        ("accept-encoding", "gzip, deflate, br, zstd"),
        ("connection", "keep-alive"),
        ("host", session.profile.host),
        ("session-id", &session.id),
        ("x-client-request-id", &random.id("", 32)),
    ] {
        lines.push(name, value.as_bytes());
    }
    lines
}

/// As many as providers send; an id, a time and what is left of the limits are new with each answer.
fn answer_headers(random: &mut Random, at: Micros) -> HeaderBlock {
    let mut lines = HeaderBlock::new();
    let seconds = at.0 / 1_000_000;
    for (name, value) in [
        (
            "date",
            &*format!(
                "Sat, 14 Mar 2026 {:02}:{:02}:{:02} GMT",
                seconds / 3600 % 24,
                seconds / 60 % 60,
                seconds % 60
            ),
        ),
        ("content-type", "text/event-stream; charset=utf-8"),
        ("cache-control", "no-cache"),
        ("transfer-encoding", "chunked"),
        ("connection", "keep-alive"),
        ("strict-transport-security", "max-age=31536000; includeSubDomains; preload"),
        ("request-id", &random.id("req_01", 22)),
        ("anthropic-ratelimit-requests-limit", "4000"),
        ("anthropic-ratelimit-requests-remaining", &random.of(3_900..4_000).to_string()),
        ("anthropic-ratelimit-input-tokens-limit", "2000000"),
        (
            "anthropic-ratelimit-input-tokens-remaining",
            &(random.of(1_000..2_000) * 1_000).to_string(),
        ),
        ("anthropic-ratelimit-output-tokens-limit", "400000"),
        ("anthropic-ratelimit-output-tokens-remaining", &(random.of(200..400) * 1_000).to_string()),
        ("via", "1.1 google"),
        ("cf-cache-status", "DYNAMIC"),
        ("x-robots-tag", "none"),
        ("server", "cloudflare"),
        ("cf-ray", &random.id("9", 19)),
    ] {
        lines.push(name, value.as_bytes());
    }
    lines
}

fn body_of(
    flow: FlowId,
    side: Side,
    bytes: RedactedBytes,
    pieces: Vec<std::ops::Range<usize>>,
) -> Record {
    let original_len = bytes.len() as u64;
    let media_type = Some(String::from("application/json"));
    Record::Body(Body { flow, side, bytes, pieces, media_type, original_len, truncated: false })
}

#[cfg(test)]
mod tests {
    use langley_model::RedactorOptions;

    use super::*;

    fn plan(seed: u64) -> Plan {
        let span = Duration::from_secs(90 * 24 * 60 * 60);
        Plan { flows: 400, events: 9_000, from: Micros(1_000_000), span, seed }
    }

    fn all(seed: u64) -> Vec<Made> {
        let redactor = Arc::new(Redactor::new(RedactorOptions::default()).unwrap());
        Traffic::new(plan(seed), redactor).collect()
    }

    fn flow(made: &Made) -> &Flow {
        let Record::Flow(flow) = &*made.records[0] else { panic!("a flow comes first") };
        flow
    }

    #[test]
    fn it_is_as_much_as_planned_in_order_of_time_and_the_same_for_the_same_seed() {
        let made = all(4);
        assert_eq!(made.len(), 400);
        assert_eq!(made.iter().map(|made| flow(made).event_count).sum::<u64>(), 9_000);
        let times: Vec<_> = made.iter().map(|made| flow(made).started_at).collect();
        assert!(times.is_sorted());
        assert_eq!(
            made.iter().map(flow).collect::<Vec<_>>(),
            all(4).iter().map(flow).collect::<Vec<_>>()
        );
        assert_ne!(flow(&made[0]).id, flow(&all(5)[0]).id);
        let sessions: std::collections::HashSet<_> =
            made.iter().map(|made| flow(made).session.as_ref().unwrap().id.clone()).collect();
        assert!((3..40).contains(&sessions.len()), "{}", sessions.len());
    }
}
