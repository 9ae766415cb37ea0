//! What is written can be read back, all of it, and is announced after its commit.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use langley_model::{
    Block, ConnectionId, Content, Drop as Dropped, DropReason, Flow, Gap, HttpVersion, Message,
    MicroUsd, Micros, Mode, Outcome, Provider, ProviderError, RateLimit, Rates, Record, Revision,
    Side, Terms, Tokens, Tunnel, TunnelReason, Usage,
};
use langley_store::{FlowFilter, Store, StoreError};
use parking_lot::Mutex;
use rusqlite::Connection;

use crate::given::{Fixture, body, ended, flow, headers, message, of, options, run, seal, session};
use crate::opening::{SCHEMA_13, SCHEMA_15, without_estimates};

#[test]
fn a_flow_reads_back_with_every_member() {
    let fixture = Fixture::new();
    let text = |word: &str| Some(word.to_owned());
    let mut all = ended(1_000);
    all.mode = Mode::Reverse;
    all.duration = Some(Duration::from_nanos(123_456_789));
    all.ttfb = Some(Duration::from_nanos(1));
    all.ttft = Some(Duration::from_nanos(2));
    (all.ttlt, all.stall) = (Some(Duration::from_nanos(8)), Some(Duration::from_nanos(9)));
    all.connect = Some(Duration::from_nanos(3));
    all.tls = Some(Duration::from_nanos(4));
    all.client_addr = text("127.0.0.1:5");
    all.client_pid = Some(77);
    all.client_process = text("node");
    all.user_agent = text("agent/1");
    all.agent = text("claude-code");
    all.agent_version = text("2.0");
    all.agent_id = text("sub");
    all.scheme = String::from("http");
    all.port = 8080;
    all.version_in = HttpVersion::Http2;
    all.version_out = HttpVersion::Http10;
    all.outcome = Some(Outcome::ProviderError);
    all.reason = text("why");
    all.provider = Some(Provider::Bedrock);
    all.model_requested = text("model-b");
    all.streaming = Some(false);
    all.session = session("s");
    all.task = session("t");
    all.usage = Usage {
        input: Some(Tokens(0)),
        cache_read: Some(Tokens(1)),
        cache_write_5m: Some(Tokens(2)),
        cache_write_1h: Some(Tokens(3)),
        output: Some(Tokens(4)),
        reasoning: Some(Tokens(5)),
        web_search_requests: Some(6),
    };
    all.cost = Some(MicroUsd(12));
    all.cost_source = text("priced");
    all.service_tier = text("flex+us");
    let rates = Rates::parse("4 0.2 5 8 20 - 10000").unwrap();
    all.terms = Some(Arc::new(Terms { book: String::from("2026-11-21+"), rates }));
    all.stop_reason = text("end_turn");
    all.error_kind = text("overloaded_error");
    all.error_message = text("try later");
    all.tool_names = vec![String::from("Read"), String::from("Read")];
    all.rate_limits = vec![
        RateLimit {
            name: String::from("tokens"),
            limit: Some(u64::MAX),
            remaining: Some(0),
            used: None,
            reset_at: Some(Micros(17)),
        },
        RateLimit { name: String::from("requests"), ..RateLimit::default() },
    ];
    all.provider_request_id = text("req_1");
    all.message_id = text("msg_1");
    all.event_count = 7;
    all.unknown_events = 8;
    all.request_bytes = 9;
    all.response_bytes = 10;
    all.body_truncated = true;
    all.request_gap = Gap { chunks: 11, bytes: 12 };
    all.response_gap = Gap { chunks: 13, bytes: 14 };
    all.dropped_events = 15;
    all.decode_note = text("note");
    all.ja4_in = text("t13d");
    all.ja4_out = text("t12d");
    all.tls_note = text("tls");
    all.preview = text("hello");
    let bare = flow(2_000);
    fixture.write(vec![of(&all), of(&bare)]);

    for written in [&all, &bare] {
        let read = fixture.store.flow(written.id).unwrap().unwrap();
        assert_eq!(&*read, written);
    }
    assert!(fixture.store.flow(langley_model::FlowId::new()).unwrap().is_none());
}

#[test]
fn what_flows_have_alike_stands_once_and_rows_that_have_it_themselves_stay_readable() {
    let fixture = Fixture::new();
    let (mut one, mut other, mut long) = (ended(1), ended(2), ended(3));
    for flow in [&mut one, &mut other, &mut long] {
        flow.user_agent = Some(String::from("agent/1"));
        flow.session = session("s");
        flow.ja4_in = Some(String::from("t13d"));
    }
    long.user_agent = Some("agent/1 ".repeat(100));
    other.mode = Mode::Reverse;
    let as_written = [&one, &other, &long];
    fixture.write(as_written.map(of).into());
    // The same once more: nothing is named twice.
    other.mode = Mode::Forward;
    long.stop_reason = Some(String::from("end_turn"));
    let flows = [&one, &other, &long];
    fixture.write(flows.map(of).into());
    let seen = |store: &Store| {
        for flow in flows {
            assert_eq!(&*store.flow(flow.id).unwrap().unwrap(), flow);
        }
    };
    seen(&fixture.store);
    let conn = Connection::open(fixture.store.path()).unwrap();
    let count = |sql: &str| conn.query_row(sql, (), |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(count("SELECT count(*) FROM traits"), 2);
    assert_eq!(count("SELECT count(DISTINCT traits) FROM flows"), 1);
    let bare = "SELECT count(*) FROM flows
        WHERE traits AND mode = '' AND user_agent IS NULL AND session_source IS NULL AND ja4_in IS NULL";
    assert_eq!(count(bare), 2);
    // As an earlier version has them; a flow that is written again then has a number.
    fixture.store.clone().close();
    conn.execute_batch(&without_estimates()).unwrap();
    conn.execute_batch(SCHEMA_15).unwrap();
    conn.execute_batch(SCHEMA_13).unwrap();
    let again = fixture.after_close();
    seen(&again.store);
    assert_eq!(count("SELECT count(*) FROM flows WHERE traits IS NULL AND user_agent <> ''"), 3);
    again.write(vec![of(&one)]);
    seen(&again.store);
    assert_eq!(count(bare), 1);
}

#[test]
fn a_flow_says_that_the_words_it_shares_with_others_are_damaged() {
    for damage in ["DELETE FROM traits", "UPDATE traits SET name = '['"] {
        let fixture = Fixture::new();
        let flow = ended(1);
        fixture.write(vec![of(&flow)]);
        let note = || fixture.store.flow(flow.id).unwrap().unwrap().decode_note.clone();
        assert_eq!(note(), flow.decode_note);
        let conn = Connection::open(fixture.store.path()).unwrap();
        assert_eq!(conn.execute(damage, ()).unwrap(), 1);
        assert!(note().is_some_and(|note| note.contains("damaged in the database")), "{damage}");
    }
}

#[test]
fn headers_bodies_and_the_message_read_back_beside_their_flow() {
    let fixture = Fixture::new();
    let flow = ended(1);
    let call = |name: &str| Content::ToolUse {
        id: String::from("call_1"),
        name: name.to_owned(),
        input: String::from("{\"path\":\"a\"}"),
    };
    let message = Message {
        id: Some(String::from("msg")),
        blocks: vec![
            Block { index: 0, content: call("Read"), complete: true },
            Block { index: 1, content: call("Bash"), complete: false },
        ],
        error: Some(ProviderError { kind: Some(String::from("k")), message: None }),
        ..Message::default()
    };
    let large: Vec<u8> = (0..100_000_u32).flat_map(|i| format!("{i} ").into_bytes()).collect();
    fixture.write(vec![
        of(&flow),
        headers(flow.id, Side::Client, false, &[("Host", "api.example"), ("x-empty", "")]),
        headers(flow.id, Side::Upstream, false, &[("content-type", "text/plain")]),
        headers(flow.id, Side::Upstream, true, &[("x-checksum", "1")]),
        body(flow.id, Side::Client, Vec::new()),
        body(flow.id, Side::Upstream, large.clone()),
        Record::Message(flow.id, Box::new(message.clone())),
    ]);

    let store = &fixture.store;
    let request = store.headers(flow.id, Side::Client).unwrap().unwrap();
    assert_eq!(request.headers.as_ref().unwrap().value("host"), Some("api.example"));
    assert_eq!(request.trailers, None);
    let answer = store.headers(flow.id, Side::Upstream).unwrap().unwrap();
    assert_eq!(answer.headers.as_ref().unwrap().value("content-type"), Some("text/plain"));
    assert_eq!(answer.trailers.as_ref().unwrap().value("x-checksum"), Some("1"));
    let request = store.body(flow.id, Side::Client).unwrap().unwrap();
    assert!(request.bytes.is_empty() && !request.truncated);
    let answer = store.body(flow.id, Side::Upstream).unwrap().unwrap();
    assert_eq!(answer.bytes, large);
    assert_eq!(answer.media_type.as_deref(), Some("application/json"));
    assert_eq!(&*store.message(flow.id).unwrap().unwrap(), &message);
    let calls = store.tool_calls(flow.id).unwrap().unwrap();
    assert_eq!(calls.iter().map(|call| &*call.name).collect::<Vec<_>>(), ["Read", "Bash"]);
    assert!(calls.iter().all(|call| call.call.is_none()), "nobody has analysed them");
}

#[test]
fn parts_may_come_before_or_long_after_their_flow_in_any_batch() {
    let fixture = Fixture::new();
    let mut flow = flow(1);
    fixture.write(vec![headers(flow.id, Side::Client, false, &[("a", "1")]), of(&flow)]);
    fixture.write(vec![headers(flow.id, Side::Upstream, false, &[("b", "2")])]);
    flow.outcome = Some(Outcome::Completed);
    fixture.write(vec![of(&flow)]);
    // Not open any more: found by its id.
    fixture.write(vec![body(flow.id, Side::Upstream, b"late".to_vec())]);
    fixture.write(vec![headers(flow.id, Side::Upstream, true, &[("c", "3")])]);

    let answer = fixture.store.headers(flow.id, Side::Upstream).unwrap().unwrap();
    assert_eq!(answer.headers.as_ref().unwrap().value("b"), Some("2"));
    assert_eq!(answer.trailers.as_ref().unwrap().value("c"), Some("3"));
    let request = fixture.store.headers(flow.id, Side::Client).unwrap().unwrap();
    assert_eq!(request.headers.as_ref().unwrap().value("a"), Some("1"));
    assert_eq!(fixture.store.body(flow.id, Side::Upstream).unwrap().unwrap().bytes, b"late");
    assert_eq!(fixture.store.counters().flows_total, 1);
    assert_eq!(fixture.store.counters().open_flows, 0);
}

#[test]
fn a_flow_written_again_after_its_end_stays_one_flow() {
    let fixture = Fixture::new();
    let mut flow = ended(1);
    fixture.write(vec![of(&flow)]);
    flow.cost = Some(MicroUsd(5));
    flow.model = Some(String::from("model-z"));
    fixture.write(vec![of(&flow)]);
    assert_eq!(&*fixture.store.flow(flow.id).unwrap().unwrap(), &flow);
    assert_eq!(fixture.store.count_flows(&FlowFilter::default()).unwrap(), 1);
    assert_eq!(fixture.store.counters().flows_total, 1);
}

#[test]
fn equal_content_is_stored_once() {
    let fixture = Fixture::new();
    let text = b"the same prompt again and again ".repeat(20);
    for start in 0..3 {
        let flow = ended(start);
        fixture.write(vec![
            of(&flow),
            headers(flow.id, Side::Client, false, &[("host", "same")]),
            body(flow.id, Side::Client, text.clone()),
            body(flow.id, Side::Upstream, text.clone()),
        ]);
    }
    let conn = Connection::open(fixture.store.path()).unwrap();
    let blobs: i64 = conn.query_row("SELECT count(*) FROM blobs", (), |row| row.get(0)).unwrap();
    assert_eq!(blobs, 2);
}

#[test]
fn an_answer_given_often_is_stored_once_and_a_later_state_does_not_lose_it() {
    let fixture = Fixture::new();
    let flows: Vec<_> = (0..4).map(ended).collect();
    for flow in &flows {
        fixture.write(vec![of(flow), message(flow.id)]);
    }
    fixture.write(vec![of(&flows[0]), body(flows[0].id, Side::Client, b"asked".to_vec())]);
    for flow in &flows {
        let stored = fixture.store.message(flow.id).unwrap().unwrap();
        assert_eq!(stored.blocks.len(), 1);
    }
    let conn = Connection::open(fixture.store.path()).unwrap();
    let blobs: i64 = conn.query_row("SELECT count(*) FROM blobs", (), |row| row.get(0)).unwrap();
    assert_eq!(blobs, 2);
}

#[test]
fn tunnels_drops_and_settings_read_back() {
    let fixture = Fixture::new();
    let mut tunnel = Tunnel {
        connection: ConnectionId::new(),
        started_at: Micros(5),
        ended_at: None,
        host: String::from("other.example"),
        port: 443,
        client_addr: String::from("127.0.0.1:1"),
        bytes_up: 0,
        bytes_down: 0,
        why: TunnelReason::ClientRejectedCertificate,
        reason: Some("unknown authority".into()),
    };
    let dropped = Dropped {
        at: Micros(6),
        flow: Some(langley_model::FlowId::new()),
        reason: DropReason::CaptureQueueFull,
        count: 3,
        bytes: 99,
    };
    fixture.write(vec![Record::Tunnel(tunnel.clone()), Record::Drop(dropped.clone())]);
    tunnel.ended_at = Some(Micros(9));
    tunnel.bytes_up = 10;
    fixture.write(vec![Record::Tunnel(tunnel.clone())]);

    let tunnels = fixture.store.tunnels(10).unwrap();
    assert_eq!(tunnels.iter().map(|tunnel| &**tunnel).collect::<Vec<_>>(), [&tunnel]);
    let drops = fixture.store.drops(None, 10).unwrap();
    assert_eq!(&*drops.items[0], &dropped);
    let counters = fixture.store.counters();
    assert_eq!(counters.tunnels_total, 1);
    assert!(counters.drops.contains(&(DropReason::CaptureQueueFull, 3)));

    let value = |text: &str| crate::given::redactor().seal(text.to_owned());
    fixture.store.put_setting("a", value("1")).unwrap();
    fixture.store.put_setting("a", value("2")).unwrap();
    assert_eq!(fixture.store.setting("a").unwrap().as_deref(), Some("2"));
    assert_eq!(fixture.store.setting("b").unwrap(), None);
    assert_eq!(fixture.store.settings().unwrap(), [(String::from("a"), String::from("2"))]);
}

#[test]
fn a_change_is_announced_after_its_commit_and_revisions_only_grow() {
    let folder = tempfile::tempdir().unwrap();
    let reader: Arc<OnceLock<Store>> = Arc::default();
    let seen: Arc<Mutex<Vec<(Revision, bool)>>> = Arc::default();
    let (eyes, list) = (Arc::clone(&reader), Arc::clone(&seen));
    let announce = move |changes: &[langley_store::Change]| {
        for change in changes {
            let stored = eyes.get().unwrap().flow(change.flow.id).unwrap();
            let visible = stored.is_some_and(|flow| *flow == **change.flow);
            list.lock().push((change.revision, visible));
        }
    };
    let store = Store::open(options(folder.path()), Box::new(announce)).unwrap();
    reader.set(Store::open_read_only(store.path()).unwrap()).unwrap();
    let mut open = flow(1);
    store.submit(seal(vec![of(&open), of(&ended(2)), of(&ended(3))])).unwrap();
    store.flush().unwrap();
    store.submit(seal(vec![run(open.id, 0, 4, 10)])).unwrap();
    store.flush().unwrap();
    open.outcome = Some(Outcome::Completed);
    store.submit(seal(vec![of(&open), of(&open)])).unwrap();
    store.flush().unwrap();
    store.close();

    let seen = seen.lock().clone();
    let revisions: Vec<u64> = seen.iter().map(|(revision, _)| revision.0).collect();
    assert_eq!(revisions, [1, 2, 3, 4, 5]);
    assert!(seen.iter().all(|(_, visible)| *visible), "{seen:?}");
}

#[test]
fn revisions_and_totals_go_on_where_the_last_run_ended() {
    let fixture = Fixture::new();
    let flow = ended(1);
    fixture.write(vec![of(&flow), run(flow.id, 0, 25, 30)]);
    fixture.store.clone().close();
    let again = fixture.after_close();
    again.write(vec![of(&ended(2))]);
    assert_eq!(again.heard.lock().last().unwrap().revision, Revision(2));
    let counters = again.store.counters();
    assert_eq!((counters.flows_total, counters.events_total, counters.revision), (2, 25, 2));
}

#[test]
fn a_panicking_listener_does_not_end_recording() {
    let folder = tempfile::tempdir().unwrap();
    let announce = |_: &[langley_store::Change]| panic!("a listener's own fault");
    let store = Store::open(options(folder.path()), Box::new(announce)).unwrap();
    for start in 0..3 {
        store.submit(seal(vec![of(&ended(start))])).unwrap();
        store.flush().unwrap();
    }
    assert_eq!(store.counters().flows_total, 3);
}

#[test]
fn a_closed_store_hands_records_back_and_still_reads() {
    let fixture = Fixture::new();
    let flow = ended(1);
    fixture.store.submit(seal(vec![of(&flow)])).unwrap();
    fixture.store.clone().close();
    assert_eq!(fixture.store.submit(seal(vec![of(&flow)])).unwrap_err().len(), 1);
    assert!(matches!(fixture.store.delete_flows(&FlowFilter::default()), Err(StoreError::Closed)));
    assert!(fixture.store.flow(flow.id).unwrap().is_some());
}

#[test]
fn a_retry_names_the_attempt_it_repeats_and_goes_with_its_flow() {
    let fixture = Fixture::new();
    let (failed, mut retry) = (ended(1), flow(2));
    retry.retry_of = Some(failed.id);
    fixture.write(vec![of(&failed), of(&retry)]);
    retry.outcome = Some(Outcome::Completed);
    fixture.write(vec![of(&retry)]);
    let told = |flow: &Flow| fixture.store.flow(flow.id).unwrap().unwrap().retry_of;
    assert_eq!((told(&failed), told(&retry)), (None, Some(failed.id)));
    let listed = fixture.store.flows(&FlowFilter::default(), None, 2).unwrap().items;
    assert_eq!(
        listed.iter().map(|flow| flow.retry_of).collect::<Vec<_>>(),
        [Some(failed.id), None]
    );
    fixture.store.delete_flows(&FlowFilter::default()).unwrap();
    let conn = Connection::open(fixture.store.path()).unwrap();
    let rows: i64 = conn.query_row("SELECT count(*) FROM retries", (), |row| row.get(0)).unwrap();
    assert_eq!(rows, 0);
}
