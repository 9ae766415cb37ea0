//! A flow as a row: the columns, in the order in which they are bound and read.

use std::collections::BTreeSet;
use std::sync::LazyLock;
use std::time::Duration;

use langley_model::{
    Attributed, ConnectionId, EstimateSource, Flow, FlowId, Gap, MicroUsd, Micros, Outcome,
    Provider, Revision, Stored, Tokens, Usage, UsageEstimate,
};
use parking_lot::Mutex;
use rusqlite::types::{FromSql, ToSqlOutput, ValueRef};
use rusqlite::{Row, Statement, ToSql};

use crate::codec::rate_limit_json;
use crate::error::of_row;
use crate::projects;
use crate::traits::{self, Traits};

/// Set once, when the row is made.
const FIXED: &[&str] = &["flow_id", "connection_id", "started_at"];

/// Rewriting one of these moves an index entry.
const INDEXED: &[&str] =
    &["host", "provider", "model_requested", "model", "session_id", "status", "outcome", PROJECT];

/// The number of the project; a query for flows has its name in this place.
const PROJECT: &str = "project";

/// Cheap to rewrite.
const PLAIN: &[&str] = &[
    "ended_at",
    "duration_ns",
    "ttfb_ns",
    "ttft_ns",
    "connect_ns",
    "tls_ns",
    "ttlt_ns",
    "stall_ns",
    "client_addr",
    "client_pid",
    "agent_id",
    "port",
    "method",
    "path",
    "reason",
    "streaming",
    "task_id",
    "input_tokens",
    "cache_read_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "output_tokens",
    "reasoning_tokens",
    "web_search_requests",
    "cost_micro_usd",
    "error_kind",
    "error_message",
    "tool_names",
    "rate_limits",
    "provider_request_id",
    "message_id",
    "event_count",
    "unknown_events",
    "request_bytes",
    "response_bytes",
    "body_truncated",
    "request_gap_chunks",
    "request_gap_bytes",
    "response_gap_chunks",
    "response_gap_bytes",
    "dropped_events",
    "decode_note",
    "tls_note",
    "preview",
    "estimate_source",
    "estimated_input_tokens",
    "estimated_output_tokens",
    "estimated_cost_micro_usd",
];

/// The id of the attempt that a flow repeats, in a query for flows: it has a table of its own.
const ATTEMPT: &str = "(SELECT attempt FROM retries WHERE flow = flows.n)";

/// Whether a flow says anything of what it used, in a condition.
pub(crate) const HAS_USAGE: &str =
    "coalesce(input_tokens, cache_read_tokens, cache_write_5m_tokens,
    cache_write_1h_tokens, output_tokens, reasoning_tokens, web_search_requests) IS NOT NULL";

/// What the flow carried; set when it is known, and never unset.
const CARRIED: &[&str] = &[
    "request_headers",
    "request_trailers",
    "response_headers",
    "response_trailers",
    "request_body",
    "request_media_type",
    "request_original_len",
    "request_truncated",
    "response_body",
    "response_media_type",
    "response_original_len",
    "response_truncated",
    "message",
];

/// The columns of [`CARRIED`].
#[derive(Default)]
pub(crate) struct Carried<'a> {
    /// Blobs of request headers and trailers, response headers and trailers.
    pub(crate) heads: [Option<i64>; 4],
    /// Request, response.
    pub(crate) bodies: [Option<CarriedBody<'a>>; 2],
    /// Blob of the assembled answer.
    pub(crate) message: Option<i64>,
}

impl Carried<'_> {
    /// Whether nothing is known of it.
    pub(crate) fn is_empty(&self) -> bool {
        self.heads.iter().all(Option::is_none)
            && self.bodies.iter().all(Option::is_none)
            && self.message.is_none()
    }
}

/// A body as the row tells of it.
pub(crate) struct CarriedBody<'a> {
    pub(crate) blob: i64,
    pub(crate) media_type: Option<&'a str>,
    pub(crate) original_len: u64,
    pub(crate) truncated: bool,
}

/// The statements over all columns, made once.
pub(crate) struct FlowSql {
    /// Binds: n, revision, fixed, indexed, plain, carried.
    pub(crate) insert: String,
    /// Binds: n, revision, indexed, plain.
    pub(crate) update: String,
    /// Binds: n, revision, plain.
    pub(crate) progress: String,
    /// Binds: n, carried; what is not given stays as it was.
    pub(crate) carry: String,
}

impl FlowSql {
    /// `SELECT n, revision, … FROM flows`, to be read by [`read`].
    pub(crate) fn select() -> &'static str {
        static SELECT: LazyLock<String> = LazyLock::new(|| {
            let own = FIXED.iter().chain(INDEXED).chain(PLAIN).copied();
            let own = own.map(|name| if name == PROJECT { projects::NAME } else { name });
            let names: Vec<_> = own.chain([ATTEMPT, traits::NAME]).chain(traits::COLUMNS).collect();
            format!("SELECT n, revision, {} FROM flows", names.join(", "))
        });
        &SELECT
    }

    pub(crate) fn new() -> Self {
        let plain = || PLAIN.iter().chain(&["traits"]).chain(&traits::COLUMNS);
        let all = || FIXED.iter().chain(INDEXED).chain(plain()).chain(CARRIED);
        let given =
            CARRIED.iter().zip(2..).map(|(name, i)| format!("{name} = ifnull(?{i}, {name})"));
        let names = all().copied().collect::<Vec<_>>().join(", ");
        let marks = (3..3 + all().count()).map(|i| format!("?{i}")).collect::<Vec<_>>().join(", ");
        let set = |columns: &mut dyn Iterator<Item = &&str>| {
            columns
                .zip(3..)
                .map(|(name, i)| format!("{name} = ?{i}"))
                .collect::<Vec<_>>()
                .join(", ")
        };
        Self {
            insert: format!("INSERT INTO flows (n, revision, {names}) VALUES (?1, ?2, {marks})"),
            update: format!(
                "UPDATE flows SET revision = ?2, {} WHERE n = ?1",
                set(&mut INDEXED.iter().chain(plain()))
            ),
            progress: format!("UPDATE flows SET revision = ?2, {} WHERE n = ?1", set(&mut plain())),
            carry: format!(
                "UPDATE flows SET {} WHERE n = ?1",
                given.collect::<Vec<_>>().join(", ")
            ),
        }
    }
}

/// Binds values one after the other.
pub(crate) struct Binder<'s, 'c> {
    statement: &'s mut Statement<'c>,
    next: usize,
    result: rusqlite::Result<()>,
}

impl<'s, 'c> Binder<'s, 'c> {
    pub(crate) const fn new(statement: &'s mut Statement<'c>) -> Self {
        Self { statement, next: 1, result: Ok(()) }
    }

    fn put(&mut self, value: impl ToSql) {
        if self.result.is_ok() {
            self.result = self.statement.raw_bind_parameter(self.next, value);
        }
        self.next += 1;
    }

    fn number(&mut self, value: impl Into<Option<u64>>) {
        self.put(value.into().map(signed));
    }

    fn span(&mut self, value: Option<Duration>) {
        self.put(value.map(|span| i64::try_from(span.as_nanos()).unwrap_or(i64::MAX)));
    }

    fn text(&mut self, value: &Option<String>) {
        self.put(value.as_deref());
    }

    /// The key and the revision.
    pub(crate) fn key(&mut self, n: i64, revision: Revision) {
        self.put(n);
        self.put(signed(revision.0));
    }

    pub(crate) fn fixed(&mut self, flow: &Flow) {
        self.put(flow.id.as_bytes().as_slice());
        self.put(flow.connection.as_bytes().as_slice());
        self.put(flow.started_at.0);
    }

    /// The indexed columns; `project` is the number of the flow's project, if it has one.
    pub(crate) fn indexed(&mut self, flow: &Flow, project: Option<i64>) {
        self.put(flow.host.as_str());
        self.put(flow.provider.map(Provider::as_str));
        self.text(&flow.model_requested);
        self.text(&flow.model);
        self.put(flow.session.as_ref().map(|session| session.id.as_str()));
        self.put(flow.status);
        self.put(flow.outcome.map(Outcome::as_str));
        self.put(project);
    }

    /// The plain columns; `traits` is the number of the flow's traits, if they have one.
    pub(crate) fn plain(&mut self, flow: &Flow, traits: Option<i64>) {
        self.put(flow.ended_at.map(|at| at.0));
        let Flow { duration, ttfb, ttft, connect, tls, ttlt, stall, .. } = *flow;
        for span in [duration, ttfb, ttft, connect, tls, ttlt, stall] {
            self.span(span);
        }
        self.text(&flow.client_addr);
        self.put(flow.client_pid);
        self.text(&flow.agent_id);
        self.put(flow.port);
        self.put(flow.method.as_str());
        self.put(flow.path.as_str());
        self.text(&flow.reason);
        self.put(flow.streaming);
        self.put(flow.task.as_ref().map(|task| task.id.as_str()));
        let Usage { input, cache_read, cache_write_5m, cache_write_1h, output, reasoning, .. } =
            flow.usage;
        for tokens in [input, cache_read, cache_write_5m, cache_write_1h, output, reasoning] {
            self.number(tokens.map(|tokens| tokens.0));
        }
        self.number(flow.usage.web_search_requests);
        self.put(flow.cost.map(|cost| cost.0));
        for text in [&flow.error_kind, &flow.error_message] {
            self.text(text);
        }
        let tools = (!flow.tool_names.is_empty())
            .then(|| serde_json::to_string(&flow.tool_names).unwrap_or_default());
        self.put(tools);
        self.put(rate_limit_json::encode(&flow.rate_limits));
        self.text(&flow.provider_request_id);
        self.text(&flow.message_id);
        for count in
            [flow.event_count, flow.unknown_events, flow.request_bytes, flow.response_bytes]
        {
            self.number(count);
        }
        self.put(flow.body_truncated);
        for gap in [flow.request_gap, flow.response_gap] {
            self.number(gap.chunks);
            self.number(gap.bytes);
        }
        self.number(flow.dropped_events);
        for text in [&flow.decode_note, &flow.tls_note, &flow.preview] {
            self.text(text);
        }
        let estimate = flow.estimate;
        self.put(estimate.map(|it| it.source as i64));
        for tokens in [estimate.and_then(|it| it.input), estimate.and_then(|it| it.output)] {
            self.number(tokens.map(|tokens| tokens.0));
        }
        self.put(estimate.and_then(|it| it.cost).map(|cost| cost.0));
        self.put(traits);
        for word in if traits.is_some() { traits::blanks() } else { traits::words(flow) } {
            self.put(word.as_deref());
        }
    }

    /// What the flow carried.
    pub(crate) fn carried(&mut self, carried: &Carried<'_>) {
        for blob in carried.heads {
            self.put(blob);
        }
        for body in &carried.bodies {
            let body = body.as_ref();
            self.put(body.map(|body| body.blob));
            self.put(body.and_then(|body| body.media_type));
            self.number(body.map(|body| body.original_len));
            self.put(body.map(|body| body.truncated));
        }
        self.put(carried.message);
    }

    /// The key alone.
    pub(crate) fn row(&mut self, n: i64) {
        self.put(n);
    }

    /// Runs the statement.
    pub(crate) fn execute(self) -> rusqlite::Result<usize> {
        self.result?;
        self.statement.raw_execute()
    }
}

/// Whether an update must rewrite the indexed columns.
pub(crate) fn moves(before: &Flow, after: &Flow) -> bool {
    fn id(it: &Option<Attributed>) -> Option<&str> {
        it.as_ref().map(|it| it.id.as_str())
    }
    let key = |flow: &Flow| (flow.provider, flow.status, flow.outcome);
    key(before) != key(after)
        || before.host != after.host
        || before.model_requested != after.model_requested
        || before.model != after.model
        || id(&before.session) != id(&after.session)
        || id(&before.project) != id(&after.project)
}

/// A row of [`FlowSql::select`]: the key and the flow.
pub(crate) fn read(row: &Row<'_>) -> rusqlite::Result<(i64, Stored<Flow>)> {
    read_columns(Columns { row, next: 0, is_lenient: false })
}

/// The same of a row that does not decode: what of it does.
pub(crate) fn read_what_decodes(row: &Row<'_>) -> rusqlite::Result<(i64, Stored<Flow>)> {
    read_columns(Columns { row, next: 0, is_lenient: true })
}

fn read_columns(mut columns: Columns<'_, '_>) -> rusqlite::Result<(i64, Stored<Flow>)> {
    let n = columns.take()?;
    let revision = Revision(columns.number()?);
    let id = FlowId::from_bytes(columns.take()?);
    let connection = ConnectionId::from_bytes(columns.take()?);
    let mut flow = Flow::new(id, connection, Micros(columns.take()?));
    flow.host = columns.take()?;
    flow.provider = columns.word(Provider::parse)?;
    flow.model_requested = columns.take()?;
    flow.model = columns.take()?;
    let session: Option<String> = columns.take()?;
    flow.status = columns.take()?;
    flow.outcome = columns.word(Outcome::parse)?;
    let project: Option<String> = columns.take()?;
    flow.ended_at = columns.take::<Option<i64>>()?.map(Micros);
    flow.duration = columns.span()?;
    flow.ttfb = columns.span()?;
    flow.ttft = columns.span()?;
    flow.connect = columns.span()?;
    flow.tls = columns.span()?;
    flow.ttlt = columns.span()?;
    flow.stall = columns.span()?;
    flow.client_addr = columns.take()?;
    flow.client_pid = columns.take()?;
    flow.agent_id = columns.take()?;
    flow.port = columns.take()?;
    flow.method = columns.take()?;
    flow.path = columns.take()?;
    flow.reason = columns.take()?;
    flow.streaming = columns.take()?;
    let task: Option<String> = columns.take()?;
    flow.usage = Usage {
        input: columns.maybe()?.map(Tokens),
        cache_read: columns.maybe()?.map(Tokens),
        cache_write_5m: columns.maybe()?.map(Tokens),
        cache_write_1h: columns.maybe()?.map(Tokens),
        output: columns.maybe()?.map(Tokens),
        reasoning: columns.maybe()?.map(Tokens),
        web_search_requests: columns.maybe()?,
    };
    flow.cost = columns.take::<Option<i64>>()?.map(MicroUsd);
    flow.error_kind = columns.take()?;
    flow.error_message = columns.take()?;
    flow.tool_names = columns.word(|json| serde_json::from_str(json).ok())?.unwrap_or_default();
    flow.rate_limits = columns.word(rate_limit_json::decode)?.unwrap_or_default();
    flow.provider_request_id = columns.take()?;
    flow.message_id = columns.take()?;
    flow.event_count = columns.number()?;
    flow.unknown_events = columns.number()?;
    flow.request_bytes = columns.number()?;
    flow.response_bytes = columns.number()?;
    flow.body_truncated = columns.take()?;
    flow.request_gap = Gap { chunks: columns.number()?, bytes: columns.number()? };
    flow.response_gap = Gap { chunks: columns.number()?, bytes: columns.number()? };
    flow.dropped_events = columns.number()?;
    flow.decode_note = columns.take()?;
    flow.tls_note = columns.take()?;
    flow.preview = columns.take()?;
    let source: Option<u64> = columns.maybe()?;
    let source = source.and_then(|place| EstimateSource::ALL.get(usize::try_from(place).ok()?));
    let (input, output) = (columns.maybe()?.map(Tokens), columns.maybe()?.map(Tokens));
    let cost = columns.take::<Option<i64>>()?.map(MicroUsd);
    flow.estimate = source.map(|source| UsageEstimate { source: *source, input, output, cost });
    flow.retry_of = columns.take::<Option<[u8; 16]>>()?.map(FlowId::from_bytes);
    let traits = match columns.word(Traits::parse)? {
        Some(traits) => traits,
        None => Traits::read(|| columns.take())?,
    };
    if traits.are_lost() {
        flow.decode_note.get_or_insert_with(|| traits::LOST.to_owned());
    }
    let [session_source, task_source, project_source] = traits.give(&mut flow);
    flow.session = attributed(session, session_source.as_deref());
    flow.task = attributed(task, task_source.as_deref());
    flow.project = attributed(project, project_source.as_deref());
    Ok((n, Stored::read_back(flow, revision)))
}

struct Columns<'r, 's> {
    row: &'r Row<'s>,
    next: usize,
    /// Whether a column that does not decode counts as empty.
    is_lenient: bool,
}

impl Columns<'_, '_> {
    fn take<T: FromSql + Default>(&mut self) -> rusqlite::Result<T> {
        self.next += 1;
        match self.row.get(self.next - 1) {
            Err(error) if self.is_lenient && of_row(&error) => Ok(T::default()),
            value => value,
        }
    }

    fn number(&mut self) -> rusqlite::Result<u64> {
        Ok(self.take::<i64>()?.cast_unsigned())
    }

    fn maybe(&mut self) -> rusqlite::Result<Option<u64>> {
        Ok(self.take::<Option<i64>>()?.map(i64::cast_unsigned))
    }

    fn span(&mut self) -> rusqlite::Result<Option<Duration>> {
        Ok(self.maybe()?.map(Duration::from_nanos))
    }

    /// A word in the column, parsed without a copy; absent when it is null or unknown.
    fn word<T>(&mut self, parse: impl FnOnce(&str) -> Option<T>) -> rusqlite::Result<Option<T>> {
        self.next += 1;
        Ok(match self.row.get_ref(self.next - 1)? {
            ValueRef::Text(word) => std::str::from_utf8(word).ok().and_then(parse),
            _ => None,
        })
    }
}

fn attributed(id: Option<String>, source: Option<&str>) -> Option<Attributed> {
    Some(Attributed { id: id?, source: source.map_or("unknown", known) })
}

/// Sources are words of the program and therefore few; each is kept once, at most 64 of them.
fn known(source: &str) -> &'static str {
    static KNOWN: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut known = KNOWN.lock();
    if let Some(word) = known.get(source) {
        return word;
    }
    if known.len() >= 64 {
        return "unknown";
    }
    let word: &'static str = Box::leak(source.to_owned().into_boxed_str());
    known.insert(word);
    word
}

/// SQLite's integers are signed; all counts of the program fit.
pub(crate) const fn signed(value: u64) -> i64 {
    if value > i64::MAX as u64 { i64::MAX } else { value.cast_signed() }
}

/// An id's bytes as a parameter.
pub(crate) struct Bytes<'a>(pub(crate) &'a [u8; 16]);

impl ToSql for Bytes<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Blob(self.0)))
    }
}
