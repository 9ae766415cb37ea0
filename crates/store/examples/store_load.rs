//! Prints what writing costs: CPU per small flow, per million stream events in a flood and in slow
//! streams, and how long the usual queries take. Run with `--release`; figures are the machine's.

use std::sync::Arc;
use std::time::{Duration, Instant};

use langley_model::{
    Block, Body, ConnectionId, Content, EventRun, EventSpan, Flow, FlowId, HeaderBlock, Headers,
    Message, Micros, Outcome, Provider, Record, Redacted, Redactor, RedactorOptions, Side, Tokens,
};
use langley_store::{FlowFilter, Store, StoreOptions};

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let redactor = Redactor::new(RedactorOptions::default())?;
    let count = std::env::args().nth(1).and_then(|word| word.parse().ok()).unwrap_or(100_000);
    small(&open(folder.path(), "different.db")?, &redactor, count / 2, Carry::Other)?;
    small(&open(folder.path(), "small.db")?, &redactor, count, Carry::Same)?;
    queries(&open(folder.path(), "small.db")?)?;
    flood(&open(folder.path(), "flood.db")?, &redactor, 1_000_000)?;
    streams(&open(folder.path(), "streams.db")?, &redactor)?;
    Ok(())
}

fn open(folder: &std::path::Path, name: &str) -> Result<Store, Failure> {
    let mut options = StoreOptions::new(folder.join(name));
    options.queue_max_items = 100_000;
    Ok(Store::open(options, Box::new(|_| {}))?)
}

/// CPU seconds of the writer's thread, in Linux's ticks of 10 ms.
fn writer_cpu() -> f64 {
    let Ok(tasks) = std::fs::read_dir("/proc/self/task") else { return 0.0 };
    let mut ticks = 0.0;
    for task in tasks.flatten() {
        let stat = std::fs::read_to_string(task.path().join("stat")).unwrap_or_default();
        if let Some((_, rest)) = stat.split_once("(store-writer) ") {
            let fields: Vec<&str> = rest.split(' ').collect();
            let of = |place: usize| fields.get(place).and_then(|field| field.parse().ok());
            ticks += of(11).unwrap_or(0.0) + of(12).unwrap_or(0.0);
        }
    }
    ticks / 100.0
}

fn submit(store: &Store, mut records: Vec<Redacted<Record>>) {
    while let Err(back) = store.submit(records) {
        records = back;
        std::thread::yield_now();
    }
}

fn flow(started_at: i64) -> Flow {
    let mut flow = Flow::new(FlowId::new(), ConnectionId::new(), Micros(started_at));
    flow.host = String::from("api.anthropic.com");
    flow.method = String::from("POST");
    flow.path = String::from("/v1/messages?beta=true");
    flow.client_addr = Some(String::from("127.0.0.1:50000"));
    flow.user_agent = Some(String::from("claude-cli/2.1.0 (external, cli)"));
    flow.agent = Some(String::from("claude-code"));
    flow.provider = Some(Provider::Anthropic);
    flow.model_requested = Some(String::from("claude-opus-4-1"));
    flow.session = Some(langley_model::Attributed {
        id: format!("session-{}", started_at / 50),
        source: "header:x-claude-code-session-id",
    });
    flow
}

fn end(flow: &mut Flow) {
    flow.status = Some(200);
    flow.outcome = Some(Outcome::Completed);
    flow.ended_at = Some(flow.started_at.plus(Duration::from_millis(3)));
    flow.duration = Some(Duration::from_millis(3));
    flow.model = flow.model_requested.clone();
    flow.usage.input = Some(Tokens(12));
    flow.usage.output = Some(Tokens(345));
    flow.stop_reason = Some(String::from("end_turn"));
    flow.response_bytes = 2048;
    flow.preview = Some(String::from("a preview of some words, as lists show them"));
}

/// What flows carry: always the same, as in a test, or each time something else, as in life.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Carry {
    Same,
    Other,
}

fn small(store: &Store, redactor: &Redactor, count: i64, carry: Carry) -> Result<(), Failure> {
    let lines = |name: &str, number: i64| {
        let mut lines = HeaderBlock::new();
        for i in 0..10 {
            lines.push(&format!("x-{name}-{i}"), b"a value of a usual length");
        }
        if carry == Carry::Other {
            lines.push("request-id", format!("{:016x}", number * 0x9e37_79b9).as_bytes());
        }
        lines
    };
    let mut all = None;
    for start in (0..count).step_by(10_000) {
        let made: Vec<_> = (start..(start + 10_000).min(count))
            .map(|number| {
                let mut flow = flow(1_800_000_000_000_000 + number * 40);
                let id = flow.id;
                let at = if carry == Carry::Same { 0 } else { number.unsigned_abs() * 977 };
                let heads = |side, name| {
                    let lines = lines(name, number);
                    Record::Headers(Headers { flow: id, side, trailers: false, lines })
                };
                let body = |side, len: u64| {
                    let text = format!("{{\"text\":\"{}\"}}", prose(at, len));
                    Record::Body(Body {
                        flow: id,
                        side,
                        bytes: redactor.body(text.into_bytes()),
                        pieces: Vec::new(),
                        media_type: Some(String::from("application/json")),
                        original_len: len,
                        truncated: false,
                    })
                };
                let text = prose(at, 1900);
                let content = Content::Text { text, citations: Vec::new() };
                let message = Message {
                    id: Some(String::from("msg_01")),
                    model: Some(String::from("claude-opus-4-1")),
                    role: Some(String::from("assistant")),
                    blocks: vec![Block { index: 0, content, complete: true }],
                    stop_reason: Some(String::from("end_turn")),
                    ..Message::default()
                };
                end(&mut flow);
                let records = vec![
                    Record::Flow(Arc::new(flow)),
                    heads(Side::Client, "request"),
                    body(Side::Client, 1000),
                    heads(Side::Upstream, "answer"),
                    body(Side::Upstream, 2000),
                    Record::Message(id, Box::new(message)),
                ];
                records.into_iter().map(|record| redactor.seal(record)).collect::<Vec<_>>()
            })
            .collect();
        let (start, before) = (Instant::now(), writer_cpu());
        for records in made {
            submit(store, records);
        }
        store.flush()?;
        let (wall, cpu) = all.get_or_insert((Duration::ZERO, 0.0));
        *wall += start.elapsed();
        *cpu += writer_cpu() - before;
    }
    let (wall, cpu) = all.unwrap_or_default();
    let counters = store.counters();
    println!(
        "small, {}: {count} flows, {:.1} µs CPU per flow, {:.0} flows/s, {} batches, {} bytes/flow",
        if carry == Carry::Same { "repeated" } else { "different" },
        cpu * 1e6 / count as f64,
        count as f64 / wall.as_secs_f64(),
        counters.batches,
        counters.db_bytes / count.unsigned_abs(),
    );
    Ok(())
}

fn queries(store: &Store) -> Result<(), Failure> {
    let time = |what: &str, query: &dyn Fn() -> Result<usize, Failure>| -> Result<(), Failure> {
        let mut times = Vec::new();
        let mut rows = 0;
        for _ in 0..20 {
            let start = Instant::now();
            rows = query()?;
            times.push(start.elapsed());
        }
        let first = times.first().copied().unwrap_or_default();
        times.sort();
        println!("query: {what}: first {first:?}, median {:?}, {rows} rows", times[10]);
        Ok(())
    };
    let all = FlowFilter::default();
    let host = FlowFilter { host: Some(String::from("api.anthropic.com")), ..all.clone() };
    let text = FlowFilter { q: Some(String::from("nowhere to be found")), ..all.clone() };
    time("newest 100", &|| Ok(store.flows(&all, None, 100)?.items.len()))?;
    time("newest 100 of a host", &|| Ok(store.flows(&host, None, 100)?.items.len()))?;
    time("text in no flow", &|| Ok(store.flows(&text, None, 100)?.items.len()))?;
    time("count all", &|| Ok(store.count_flows(&all)? as usize))?;
    time("facets", &|| Ok(store.facets(None)?.hosts.len()))?;
    Ok(())
}

/// `len` bytes of what agents write, escaped for JSON: sources of this crate.
fn prose(at: u64, len: u64) -> String {
    const SOURCES: &[&str] = &[
        include_str!("../src/flow_row.rs"),
        include_str!("../src/queue.rs"),
        include_str!("../src/error.rs"),
        include_str!("../src/writer/mod.rs"),
        include_str!("../src/writer/apply.rs"),
        include_str!("../src/filter.rs"),
        include_str!("../src/store.rs"),
        include_str!("../tests/it/writing.rs"),
        include_str!("../tests/it/querying.rs"),
    ];
    static ALL: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| SOURCES.concat());
    let all = ALL.as_str();
    let mut start = (at as usize) % all.len();
    let mut out = String::new();
    while out.len() < len as usize {
        let rest = all.get(start..).unwrap_or_default();
        for c in rest.chars().take(len as usize - out.len()) {
            match c {
                '"' | '\\' => out.extend(['\\', c]),
                '\n' => out.push_str("\\n"),
                c => out.push(c),
            }
        }
        start = if rest.is_empty() { start + 1 } else { 0 };
        start %= all.len();
    }
    out
}

fn events(redactor: &Redactor, flow: FlowId, first: u64, count: u64) -> Redacted<Record> {
    let mut run = EventRun::new(flow);
    let kind = run.kind("content_block_delta");
    // Every flow begins elsewhere.
    let salt = u64::from(flow.as_bytes()[15]) * 509;
    for seq in first..first + count {
        let text = prose(salt + seq * 128, 136);
        let data = format!(
            r#"{{"type":"content_block_delta","index":0,"delta":{{"type":"text_delta","text":"{text}"}}}}"#
        );
        run.spans.push(EventSpan {
            seq,
            offset_us: seq * 4,
            kind,
            len: data.len() as u32,
            original_len: data.len() as u32,
        });
        run.text.append(&redactor.body(data.into_bytes()));
    }
    redactor.seal(Record::Events(run))
}

fn flood(store: &Store, redactor: &Redactor, count: u64) -> Result<(), Failure> {
    let flows: Vec<Flow> = (0..8).map(|i| flow(1_800_000_000_000_000 + i)).collect();
    let seal = |flow: &Flow| redactor.seal(Record::Flow(Arc::new(flow.clone())));
    submit(store, flows.iter().map(seal).collect());
    store.flush()?;
    for per_run in [100, 1000] {
        let (mut wall, mut cpu, mut written) = (Duration::ZERO, 0.0, 0_u64);
        while written < count {
            // Made in advance, so that the writer has its core.
            let made: Vec<_> = (0..200_000 / per_run)
                .map(|i| {
                    let flow = &flows[(i % 8) as usize];
                    events(redactor, flow.id, (written + i * per_run) / 8, per_run)
                })
                .collect();
            let (start, before) = (Instant::now(), writer_cpu());
            for record in made {
                submit(store, vec![record]);
            }
            store.flush()?;
            wall += start.elapsed();
            cpu += writer_cpu() - before;
            written += 200_000;
        }
        let counters = store.counters();
        println!(
            "flood, runs of {per_run}: {:.3} s CPU per million events, {:.2} M events/s, {:.0} bytes/event",
            cpu * 1e6 / written as f64,
            written as f64 / wall.as_secs_f64() / 1e6,
            (counters.db_bytes + counters.wal_bytes) as f64 / counters.events_total as f64,
        );
    }
    Ok(())
}

/// 200 streams of 50 events a second for some seconds, as fast as the writer's batches come.
fn streams(store: &Store, redactor: &Redactor) -> Result<(), Failure> {
    let mut flows: Vec<Flow> = (0..200).map(|i| flow(1_800_000_000_000_000 + i)).collect();
    let seal = |flow: &Flow| redactor.seal(Record::Flow(Arc::new(flow.clone())));
    submit(store, flows.iter().map(seal).collect());
    store.flush()?;
    let before = writer_cpu();
    for round in 0..40 {
        submit(store, flows.iter().map(|flow| events(redactor, flow.id, round * 25, 25)).collect());
        store.flush()?;
    }
    for flow in &mut flows {
        end(flow);
    }
    submit(store, flows.iter().map(seal).collect());
    store.flush()?;
    let counters = store.counters();
    println!(
        "streams: {} events, a commit per half second: {:.2} s CPU per million events, {:.0} bytes/event",
        counters.events_total,
        (writer_cpu() - before) * 1e6 / counters.events_total as f64,
        counters.db_bytes as f64 / counters.events_total as f64,
    );
    Ok(())
}
