//! Pieces that were not captured: the flow says so, and what can still be read is read.

use bytes::Bytes;
use langley_engine::{IntakeOptions, RecorderOptions};
use langley_model::{
    Capture, CaptureSink, Chunk, DropReason, Flow, Gap, Outcome, Part, Side, Tick, Tokens,
};

use crate::kit::{self, Rig, Rows, Script};

/// A rig whose intake takes no piece of more than `piece` bytes, and all smaller ones.
fn narrow(piece: usize) -> Rig {
    let intake = IntakeOptions { max_bytes: piece, ..IntakeOptions::default() };
    Rig::with(RecorderOptions::default(), intake, &kit::no_live_feed())
}

/// Plays a script of small pieces, in which each piece of 20,000 bytes or more is lost, as the tap
/// does: it counts what is refused, and keeps the end of the last refused bytes.
pub(crate) fn play(script: &Script) -> Rows {
    let rig = narrow(20_000);
    assert!(rig.intake.open(Box::new(script.opened.clone())));
    let mut closed = script.closed();
    let mut tail = Vec::new();
    for piece in &script.pieces {
        // One at a time, so that only the large ones are refused.
        rig.until(|rig| rig.intake.stats().bytes == 0);
        let response = matches!(piece, Capture::Response(_));
        let data = match piece {
            Capture::Request(chunk) | Capture::Response(chunk) => match &chunk.part {
                Part::Data(data) => data.clone(),
                _ => Bytes::new(),
            },
            _ => Bytes::new(),
        };
        if rig.intake.offer(piece.clone()) {
            if !data.is_empty() && response {
                tail.clear();
            }
            continue;
        }
        let gap = if response { &mut closed.response_gap } else { &mut closed.request_gap };
        gap.chunks += 1;
        gap.bytes += data.len() as u64;
        if response {
            tail.extend_from_slice(&data);
            tail.drain(..tail.len().saturating_sub(langley_model::KEPT_TAIL));
        }
    }
    closed.response_tail = (!tail.is_empty()).then(|| Bytes::from(tail));
    CaptureSink::close(&*rig.intake, closed);
    rig.finish()
}

fn lost_text(bytes: usize) -> String {
    kit::text(0, &"lost ".repeat(bytes / 5))
}

#[test]
fn a_stream_goes_on_at_the_next_event_after_a_gap() {
    let script = Script::messages("{}")
        .sse()
        .data(
            (kit::start() + &kit::text_start(0) + &kit::text(0, "before ") + "event: conten")
                .as_bytes(),
        )
        .data(format!("t_block_delta\ndata: {}\n", "x".repeat(30_000)).as_bytes())
        .data(("data: rest of the lost one\n\n".to_owned() + &kit::text(0, "after")).as_bytes())
        .data((kit::block_stop(0) + &kit::stop("end_turn", 40)).as_bytes())
        .end();
    let rows = play(&script);
    let flow = rows.flow(script.flow);
    assert_eq!(flow.outcome, Some(Outcome::Completed));
    assert_eq!(flow.response_gap.chunks, 1);
    assert!(flow.response_gap.bytes > 30_000);
    assert_eq!((flow.ttlt, flow.stall), (None, None), "nobody knows what came meanwhile");
    assert_eq!(flow.usage.output, Some(Tokens(40)));
    let message = rows.message(script.flow).unwrap();
    assert!(message.truncated);
    assert!(matches!(&message.blocks[0].content,
        langley_model::Content::Text { text, .. } if text == "before after"));
    let gap = flow.response_gap;
    let dropped = rows.dropped(DropReason::CaptureQueueFull, Some(script.flow));
    assert_eq!(dropped, (1, gap.bytes));
}

#[test]
fn a_stream_with_a_gap_tells_no_times_across_it_while_it_is_open_and_when_it_is_lost() {
    let rig = narrow(2_000);
    let script = Script::messages("{}")
        .sse()
        .data((kit::start() + &kit::text_start(0) + &kit::text(0, "before ")).as_bytes())
        .data(lost_text(3_000).as_bytes())
        .data((kit::text(0, "after ") + &kit::text(0, "that")).as_bytes());
    assert!(rig.intake.open(Box::new(script.opened.clone())));
    let offered = script.pieces.iter().map(|piece| {
        rig.until(|rig| rig.intake.stats().bytes == 0);
        rig.intake.offer(piece.clone())
    });
    assert_eq!(offered.collect::<Vec<_>>(), [true, true, true, true, false, true]);
    let times = |flow: &Flow| (flow.ttft.is_some(), flow.ttlt, flow.stall);
    let is_gap_told =
        |rig: &Rig| rig.shelf.flow(script.flow).is_some_and(|flow| flow.response_gap.chunks > 0);
    rig.until(is_gap_told);
    assert_eq!(times(&rig.shelf.flow(script.flow).unwrap()), (true, None, None));
    let rows = rig.finish();
    let flow = rows.flow(script.flow);
    assert_eq!((flow.outcome, flow.response_gap.chunks), (Some(Outcome::Lost), 1));
    assert_eq!(times(flow), (true, None, None));
}

#[test]
fn a_binary_stream_goes_on_at_the_next_message_after_a_gap() {
    let once =
        include_bytes!("../../../protocol/tests/cassettes/bedrock/converse_tools.eventstream");
    let stream = once.repeat(8);
    let head = [("content-type", "application/vnd.amazon.eventstream")];
    let script = Script::post("/model/amazon.nova-pro-v1:0/converse-stream", &[])
        .request_end()
        .head(200, &head)
        .data(&stream[..once.len() + 100])
        .data(&stream[once.len() + 100..once.len() + 22_000])
        .data(&stream[once.len() + 22_000..])
        .end();
    let rows = play(&script);
    let flow = rows.flow(script.flow);
    assert_eq!(flow.response_gap, Gap { chunks: 1, bytes: 21_900 });
    assert_eq!(flow.outcome, Some(Outcome::Completed));
    assert_eq!((flow.usage.output, flow.decode_note.as_deref()), (Some(Tokens(57)), None));
    assert!(rows.message(script.flow).unwrap().truncated);
    let kinds: Vec<_> = rows.events(script.flow).into_iter().map(|event| event.kind).collect();
    let (before, after) = kinds.split_at(19);
    assert!(after.len() > 3 && before.ends_with(after), "{after:?}");
}

#[test]
fn an_ending_that_fell_into_a_gap_is_read_from_the_kept_tail() {
    let ending = lost_text(40_000) + &kit::block_stop(0) + &kit::stop("end_turn", 41);
    let script = Script::messages("{}")
        .sse()
        .data((kit::start() + &kit::text_start(0) + &kit::text(0, "before ")).as_bytes())
        .data(ending.as_bytes())
        .end();
    let rows = play(&script);
    let flow = rows.flow(script.flow);
    assert_eq!(flow.outcome, Some(Outcome::Completed));
    assert_eq!(flow.stop_reason.as_deref(), Some("end_turn"));
    assert_eq!((flow.usage.input, flow.usage.output), (Some(Tokens(25)), Some(Tokens(41))));
    assert_eq!(flow.event_count, 3 + 3);
}

#[test]
fn a_short_gap_at_the_end_is_filled_without_loss() {
    // The lost piece is within the kept tail: its first byte follows what was captured.
    let rig = narrow(2_000);
    let script = Script::messages("{}")
        .sse()
        .data((kit::start() + &kit::text_start(0) + "event: content_bl").as_bytes());
    rig.start(&script);
    rig.until(|rig| rig.intake.stats().bytes == 0);
    let event = kit::text(0, &"filled ".repeat(400));
    let rest = event.strip_prefix("event: content_bl").unwrap().to_owned()
        + &kit::block_stop(0)
        + &kit::stop("end_turn", 7);
    let part = Part::Data(Bytes::from(rest.clone()));
    let piece = Capture::Response(Chunk { flow: script.flow, at: Tick(9 * kit::MS), part });
    assert!(!rig.intake.offer(piece));
    let mut closed = script.closed();
    closed.response_bytes += rest.len() as u64;
    closed.response_gap = Gap { chunks: 1, bytes: rest.len() as u64 };
    closed.response_tail = Some(Bytes::from(rest));
    CaptureSink::close(&*rig.intake, closed);
    let rows = rig.finish();
    let message = rows.message(script.flow).unwrap();
    assert!(!message.truncated);
    assert_eq!(rows.events(script.flow).len(), 6);
    assert_eq!(rows.flow(script.flow).usage.output, Some(Tokens(7)));
    assert_eq!(rows.flow(script.flow).response_gap.chunks, 1);
}

#[test]
fn a_compressed_stream_stops_being_read_at_a_gap() {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    let stream =
        kit::start() + &kit::text_start(0) + &lost_text(60_000) + &kit::stop("end_turn", 1);
    encoder.write_all(stream.as_bytes()).unwrap();
    let packed = encoder.finish().unwrap();
    let head = [("content-type", "text/event-stream"), ("content-encoding", "gzip")];
    let script = Script::messages("{}")
        .head(200, &head)
        .data(&packed[..1_000])
        .data(&packed[1_000..50_000])
        .data(&packed[50_000..])
        .end();
    let rows = play(&script);
    let flow = rows.flow(script.flow);
    assert!(flow.decode_note.as_deref().unwrap().contains("not captured"));
    assert_eq!(flow.outcome, Some(Outcome::Completed));
    assert_eq!(flow.usage.output, None);
    assert_eq!(flow.response_bytes, packed.len() as u64);
    assert_eq!(rows.events(script.flow).len(), 2);
}

#[test]
fn a_request_body_with_a_gap_is_kept_up_to_it() {
    let script = Script::post("/v1/messages", &[])
        .request(br#"{"model":"early","messages":[{"role":"user","content":"words "#)
        .request(&[b'x'; 30_000])
        .request(br#" end"}]}"#)
        .request_end()
        .sse()
        .data(kit::answer(&["ok"]).as_bytes())
        .end();
    let rows = play(&script);
    let flow = rows.flow(script.flow);
    assert_eq!(flow.request_gap, Gap { chunks: 1, bytes: 30_000 });
    assert_eq!(flow.model_requested.as_deref(), Some("early"));
    assert!(flow.body_truncated);
    let body = rows.body(script.flow, Side::Client).unwrap();
    assert!(body.truncated && body.bytes.as_bytes().starts_with(br#"{"model":"early""#));
}

#[test]
fn an_answer_whose_head_was_lost_still_has_its_status_and_ending() {
    let rig = narrow(4_000);
    let script = Script::messages(r#"{"model":"m","stream":true,"messages":[]}"#);
    rig.start(&script);
    rig.until(|rig| rig.intake.stats().bytes == 0);
    let mut closed = script.closed();
    let tail = kit::text(0, "end of it") + &kit::block_stop(0) + &kit::stop("end_turn", 5);
    closed.status = Some(200);
    closed.response_bytes = 90_000;
    closed.response_gap = Gap { chunks: 9, bytes: 90_000 };
    closed.response_tail = Some(Bytes::from(tail));
    CaptureSink::close(&*rig.intake, closed);
    let rows = rig.finish();
    let flow = rows.flow(script.flow);
    assert_eq!((flow.status, flow.outcome), (Some(200), Some(Outcome::Completed)));
    assert_eq!(flow.usage.output, Some(Tokens(5)));
    assert_eq!(flow.usage.input, None);
    assert_eq!(rows.dropped(DropReason::CaptureQueueFull, Some(script.flow)), (9, 90_000));
}

#[test]
fn lost_frames_are_counted_once_and_on_their_own_side() {
    let rig = narrow(20_000);
    let script = Script::messages("{}").head(101, &[]);
    assert!(rig.intake.open(Box::new(script.opened.clone())));
    let mut closed = script.closed();
    for (side, size) in [(Side::Client, 21_000), (Side::Upstream, 22_000), (Side::Upstream, 10)] {
        let part = Part::Data(Bytes::from(vec![0x81; size]));
        let chunk = Chunk { flow: script.flow, at: Tick(1), part };
        if !rig.intake.offer(Capture::Frame(side, chunk)) {
            let gap = match side {
                Side::Client => &mut closed.request_gap,
                Side::Upstream => &mut closed.response_gap,
            };
            gap.chunks += 1;
            gap.bytes += size as u64;
        }
    }
    CaptureSink::close(&*rig.intake, closed);
    let rows = rig.finish();
    let flow = rows.flow(script.flow);
    assert_eq!(flow.request_gap, Gap { chunks: 1, bytes: 21_000 });
    assert_eq!(flow.response_gap, Gap { chunks: 1, bytes: 22_000 });
}
