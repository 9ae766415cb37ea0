//! Streamed answers: however they are cut or packed, the rows are the same.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use langley_engine::{IntakeOptions, LiveFeed, RecorderOptions};
use langley_model::{CaptureSink, Content, Ending, LiveKind, LiveText, Outcome, Tokens};
use parking_lot::Mutex;

use crate::kit::{self, Rig, Rows, Script};

const ASK: &str =
    r#"{"model":"claude-ask","stream":true,"messages":[{"role":"user","content":"write a file"}]}"#;

fn tool_loop_answer() -> String {
    [
        kit::start(),
        kit::event(r#"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}"#),
        kit::event(r#"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Let me see."}}"#),
        kit::event(r#"{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"c2ln"}}"#),
        kit::block_stop(0),
        kit::event(r#"{"type":"ping"}"#),
        kit::text_start(1),
        kit::text(1, "I w\\u00f6uld "),
        kit::text(1, "write: ≤ 3"),
        kit::block_stop(1),
        kit::event(r#"{"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"toolu_1","name":"Write","input":{}}}"#),
        kit::event(r#"{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{\"path\":"}}"#),
        kit::event(r#"{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"\"a.txt\"}"}}"#),
        kit::block_stop(2),
        kit::event(r#"{"type":"brand_new_event","x":1}"#),
        kit::stop("tool_use", 89),
    ]
    .concat()
}

fn check(rows: &Rows, script: &Script) {
    let flow = rows.flow(script.flow);
    assert_eq!(flow.outcome, Some(Outcome::Completed));
    assert_eq!(flow.message_id.as_deref(), Some("msg_1"));
    assert_eq!(flow.model.as_deref(), Some("claude-x"));
    assert_eq!(flow.stop_reason.as_deref(), Some("tool_use"));
    assert_eq!(flow.tool_names, ["Write"]);
    assert_eq!((flow.usage.input, flow.usage.output), (Some(Tokens(25)), Some(Tokens(89))));
    assert_eq!((flow.event_count, flow.unknown_events), (17, 1));
    assert_eq!(flow.decode_note, None);
    let message = rows.message(script.flow).unwrap();
    let contents: Vec<_> = message.blocks.iter().map(|block| &block.content).collect();
    let expected = [
        Content::Thinking { text: "Let me see.".into(), signature_bytes: 4 },
        Content::Text { text: "I wöuld write: ≤ 3".into(), citations: Vec::new() },
        Content::ToolUse {
            id: "toolu_1".into(),
            name: "Write".into(),
            input: r#"{"path":"a.txt"}"#.into(),
        },
    ];
    assert_eq!(contents, expected.iter().collect::<Vec<_>>());
    assert!(message.blocks.iter().all(|block| block.complete));
}

#[test]
fn a_streamed_tool_call_becomes_a_message_a_flow_and_its_events() {
    let script = Script::messages(ASK).sse().data(tool_loop_answer().as_bytes()).end();
    let rows = script.play();
    check(&rows, &script);
    let flow = rows.flow(script.flow);
    assert_eq!(flow.streaming, Some(true));
    assert_eq!(flow.model_requested.as_deref(), Some("claude-ask"));
    assert_eq!(flow.provider_request_id.as_deref(), Some("req_1"));
    assert_eq!(flow.preview.as_deref(), Some("write a file → I wöuld write: ≤ 3"));
    assert!(rows.body(script.flow, langley_model::Side::Upstream).is_none(), "never stored twice");
    let events = rows.events(script.flow);
    assert_eq!(events.len(), 17);
    assert!(events.iter().enumerate().all(|(seq, event)| event.seq == seq as u64));
    assert_eq!(events[0].kind, "message_start");
    assert_eq!(events[14].kind, "brand_new_event");
    let total: usize = events.iter().map(|event| event.data.len()).sum();
    assert_eq!(
        total,
        tool_loop_answer()
            .lines()
            .filter_map(|l| l.strip_prefix("data: "))
            .map(str::len)
            .sum::<usize>()
    );
}

#[test]
fn every_split_of_a_stream_gives_the_same_rows() {
    let stream = tool_loop_answer();
    let rig = Rig::new();
    let scripts: Vec<_> = (1..stream.len())
        .map(|split| {
            let (first, second) = stream.as_bytes().split_at(split);
            let script = Script::messages(ASK).sse().data(first).data(second).end();
            rig.play(&script);
            script
        })
        .collect();
    let whole = Script::messages(ASK).sse().data(stream.as_bytes()).end();
    rig.play(&whole);
    let bytewise = Script::messages(ASK).sse().data_by(stream.as_bytes(), 1).end();
    rig.until(|rig| rig.intake.stats().items == 0);
    rig.play(&bytewise);
    let rows = rig.finish();
    let expected = rows.events(whole.flow);
    for script in scripts.iter().chain([&bytewise]) {
        check(&rows, script);
        assert_eq!(rows.events(script.flow), expected);
    }
}

#[test]
fn a_gzip_stream_is_read_as_its_bytes_come() {
    let stream = tool_loop_answer();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(stream.as_bytes()).unwrap();
    let packed = encoder.finish().unwrap();
    let head = [("content-type", "text/event-stream"), ("content-encoding", "gzip")];
    for size in [1, 7, packed.len()] {
        let script = Script::messages(ASK).head(200, &head).data_by(&packed, size).end();
        let rows = script.play();
        check(&rows, &script);
        assert_eq!(rows.flow(script.flow).response_bytes, packed.len() as u64);
    }
}

#[test]
fn a_damaged_gzip_stream_says_so_and_keeps_what_could_be_read() {
    let head = [("content-type", "text/event-stream"), ("content-encoding", "gzip")];
    let script = Script::messages(ASK).head(200, &head).data(b"not gzip at all").end();
    let rows = script.play();
    let flow = rows.flow(script.flow);
    assert!(flow.decode_note.as_deref().unwrap().contains("gzip"));
    assert_eq!(flow.outcome, Some(Outcome::Completed));
    assert_eq!(flow.response_bytes, 15);
}

#[test]
fn times_are_those_of_the_pieces() {
    // Steps are a millisecond apart: request, its end, the head, three pieces, the end, the ending.
    let script = Script::messages(ASK)
        .sse()
        .data(kit::start().as_bytes())
        .data((kit::text_start(0) + &kit::text(0, "")).as_bytes())
        .data((kit::text(0, "first") + &kit::block_stop(0) + &kit::stop("end_turn", 3)).as_bytes())
        .end();
    let rows = script.play();
    let flow = rows.flow(script.flow);
    assert_eq!(flow.ttfb, Some(Duration::from_millis(3)));
    assert_eq!(flow.ttft, Some(Duration::from_millis(6)));
    assert_eq!(flow.ttlt, flow.ttft, "one token alone");
    assert_eq!(flow.duration, Some(Duration::from_millis(8)));
}

#[test]
fn the_last_token_and_the_longest_pause_are_those_of_the_pieces() {
    // As above, with a pause of forty milliseconds between two tokens, and one of ten behind the last.
    let script = Script::messages(ASK)
        .sse()
        .data((kit::start() + &kit::text_start(0) + &kit::text(0, "first")).as_bytes())
        .data(kit::text(0, "second").as_bytes())
        .pause(Duration::from_millis(39))
        .data(kit::text(0, "third").as_bytes())
        .pause(Duration::from_millis(9))
        .data((kit::block_stop(0) + &kit::stop("end_turn", 11)).as_bytes())
        .end();
    let rows = script.play();
    let flow = rows.flow(script.flow);
    assert_eq!(flow.ttft, Some(Duration::from_millis(4)));
    assert_eq!(flow.ttlt, Some(Duration::from_millis(45)));
    assert_eq!(flow.stall, Some(Duration::from_millis(40)));
    // Eleven tokens, ten of them after the first.
    assert_eq!(flow.token_time(), Some(Duration::from_micros(4_100)));
}

#[test]
fn a_stream_without_a_dialect_has_events_and_no_message() {
    let script = Script::post("/events", &[])
        .request_end()
        .sse()
        .data(b"data: one\n\nevent: other\ndata: two\n\n")
        .end();
    let rows = script.play();
    let kinds: Vec<_> = rows.events(script.flow).into_iter().map(|event| event.kind).collect();
    assert_eq!(kinds, ["message", "other"]);
    assert!(rows.message(script.flow).is_none());
}

#[test]
fn no_key_in_a_stream_reaches_a_row_even_in_pieces() {
    let key = format!("sk-ant-api03-{}", "Zq4Xw9Lm2Vb7Ty5Rp8Kd".repeat(4));
    let pieces: Vec<&str> =
        key.as_bytes().chunks(5).map(|c| std::str::from_utf8(c).unwrap()).collect();
    let stream = kit::answer(&[&["it is "], pieces.as_slice(), &[" indeed"]].concat());
    let ask =
        format!(r#"{{"model":"m","messages":[{{"role":"user","content":"my key: {key}"}}]}}"#);
    let script = Script::messages(&ask).sse().data_by(stream.as_bytes(), 50).end();
    let rows = script.play();
    let text: String = rows.events(script.flow).iter().map(|event| event.data.as_str()).collect();
    let everything = format!("{:?}", rows.records);
    for piece in [key.as_str(), &key[13..40], &key[40..]] {
        assert!(!everything.contains(piece) && !text.contains(piece), "{piece}");
    }
    assert_eq!(rows.events(script.flow).len(), pieces.len() + 7);
}

#[derive(Default)]
struct Heard(Mutex<Vec<LiveText>>);

impl LiveFeed for Heard {
    fn text(&self, text: LiveText) {
        self.0.lock().push(text);
    }
}

#[test]
fn live_text_is_the_text_of_the_answer() {
    let heard = Arc::new(Heard::default());
    let rig =
        Rig::with(RecorderOptions::default(), IntakeOptions::default(), &(Arc::clone(&heard) as _));
    let script = Script::messages(ASK).sse().data(tool_loop_answer().as_bytes()).end();
    rig.play(&script);
    rig.finish();
    let said = |kind| -> String {
        let heard = heard.0.lock();
        heard.iter().filter(|t| t.kind == kind).map(|t| t.text.as_str()).collect()
    };
    assert_eq!(said(LiveKind::Text), "I wöuld write: ≤ 3");
    assert_eq!(said(LiveKind::Thinking), "Let me see.");
    assert_eq!(said(LiveKind::ToolInput), r#"{"path":"a.txt"}"#);
}

struct Faulty;

impl LiveFeed for Faulty {
    fn text(&self, text: LiveText) {
        assert!(!text.text.contains("boom"), "a fault in decoding");
    }
}

#[test]
fn a_panic_in_one_flow_is_contained_in_it() {
    let rig =
        Rig::with(RecorderOptions::default(), IntakeOptions::default(), &(Arc::new(Faulty) as _));
    let bad = Script::messages(ASK).sse().data(kit::answer(&["boom"]).as_bytes()).end();
    let good = Script::messages(ASK).sse().data(tool_loop_answer().as_bytes()).end();
    rig.play(&bad);
    rig.play(&good);
    rig.until(|rig| rig.recorder.stats().open_flows == 0 && rig.intake.stats().items == 0);
    rig.until(|rig| rig.recorder.stats().captures_total >= 12);
    assert_eq!(rig.recorder.stats().panics_total, 1);
    let rows = rig.finish();
    check(&rows, &good);
    let flow = rows.flow(bad.flow);
    assert_eq!(flow.outcome, Some(Outcome::Completed));
    assert!(flow.decode_note.as_deref().unwrap().contains("internal error"));
}

#[test]
fn an_open_streams_events_are_written_before_it_ends() {
    let rig = Rig::new();
    let script = Script::messages(ASK)
        .sse()
        .data((kit::start() + &kit::text_start(0) + &kit::text(0, "slow ")).as_bytes())
        .ends(Ending::ClientGone);
    rig.start(&script);
    // Headers twice, the request's body, the flow's first state, and the events.
    rig.until(|rig| rig.shelf.len() >= 5);
    let rows = rig.finish();
    assert_eq!(rows.events(script.flow).len(), 3);
}

#[test]
fn an_open_stream_holds_no_more_events_than_it_may() {
    let options = RecorderOptions {
        events_per_flow: 10,
        // Time alone would never hand anything on.
        flush_after: Duration::from_secs(3_600),
        ..RecorderOptions::default()
    };
    let rig = Rig::with(options, IntakeOptions::default(), &kit::no_live_feed());
    let mut script =
        Script::messages(ASK).sse().data((kit::start() + &kit::text_start(0)).as_bytes());
    for word in 0..98 {
        script = script.data(kit::text(0, &format!("word {word} ")).as_bytes());
    }
    rig.start(&script);
    // All of the hundred that the redactor does not hold back, but for less than ten.
    rig.until(|rig| rig.shelf.runs().iter().sum::<usize>() >= 80);
    let runs = rig.shelf.runs();
    assert!(runs.iter().all(|events| (10..20).contains(events)), "{runs:?}");
    CaptureSink::close(&*rig.intake, script.closed());
    let rows = rig.finish();
    assert_eq!(rows.events(script.flow).len(), 100);
}

#[test]
fn a_secret_in_the_second_of_two_calls_that_straddles_two_events_is_not_stored() {
    let key = "sk-ant-api03-q7Zk2Vw9Xy4Rt6Bn8Mc3Lp5Hd1Gs0Fj";
    for at in 0..=key.len() {
        let chunk = |piece: &str| {
            format!(
                r#"data: {{"id":"c","choices":[{{"index":0,"delta":{{"tool_calls":[{{"index":0,"id":"a","function":{{"name":"x","arguments":"fine "}}}},{{"index":1,"id":"b","function":{{"name":"y","arguments":"{piece}"}}}}]}}}}]}}"#
            ) + "\n\n"
        };
        let script = Script::post("/v1/chat/completions", &[]).request_end().sse();
        let script = script.data(chunk(&key[..at]).as_bytes()).data(chunk(&key[at..]).as_bytes());
        let rows = script.data(b"data: [DONE]\n\n").end();
        let (id, rows) = (rows.flow, rows.play());
        let stored: String = rows.events(id).into_iter().map(|event| event.data).collect();
        assert_eq!(stored.matches("[redacted:anthropic_key]").count(), 1, "{at}: {stored}");
        assert!((13..key.len() - 5).all(|at| !stored.contains(&key[at..at + 5])), "{at}: {stored}");
        assert_eq!(rows.flow(id).tool_names, ["x", "y"]);
    }
}

#[test]
fn a_cost_that_the_host_reports_is_the_flows_cost() {
    let cassette = include_bytes!("../../../protocol/tests/cassettes/openai/openrouter.sse");
    let script = Script::post("/api/v1/chat/completions", &[]).request_end().sse();
    let script = script.data_by(cassette, 50).end();
    let rows = script.play();
    let flow = rows.flow(script.flow);
    assert_eq!(flow.cost, Some(langley_model::MicroUsd(1420)));
    assert_eq!(flow.cost_source.as_deref(), Some("reported"));
    assert_eq!((flow.outcome, flow.event_count), (Some(Outcome::Completed), 6));
}

#[test]
fn what_a_head_says_of_limits_is_the_flows() {
    let script = Script::messages("{}").head(
        200,
        &[
            ("content-type", "text/event-stream"),
            ("anthropic-ratelimit-tokens-limit", "80000"),
            ("anthropic-ratelimit-tokens-remaining", "79000"),
            ("anthropic-ratelimit-tokens-reset", "1970-01-01T00:01:00Z"),
        ],
    );
    let rows = script.data(kit::answer(&["hi"]).as_bytes()).end();
    let (id, rows) = (rows.flow, rows.play());
    let expected = langley_model::RateLimit {
        name: "tokens".into(),
        limit: Some(80_000),
        remaining: Some(79_000),
        used: None,
        reset_at: Some(langley_model::Micros(60_000_000)),
    };
    assert_eq!(rows.flow(id).rate_limits, [expected]);
}
