//! Figures, printed and not judged: `cargo test --release -- --ignored --nocapture speed`.

use std::time::Instant;

use bytes::Bytes;
use langley_model::{Capture, CaptureSink, Chunk, Part, Tick};

use crate::kit::{self, Rig, Script};

/// CPU time of the recorder's thread in seconds (Linux; elsewhere none).
///
/// Source: `/proc/self/task/*/schedstat`, whose first field is nanoseconds on a processor.
fn recorder_cpu() -> Option<f64> {
    let tasks = std::fs::read_dir("/proc/self/task").ok()?;
    let task = tasks.flatten().map(|task| task.path()).find(|task| {
        std::fs::read_to_string(task.join("comm")).is_ok_and(|name| name.trim() == "recorder")
    })?;
    let stat = std::fs::read_to_string(task.join("schedstat")).ok()?;
    Some(stat.split_whitespace().next()?.parse::<u64>().ok()? as f64 / 1e9)
}

fn resident_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[test]
#[ignore = "prints figures; run in release"]
fn small_json_flows() {
    const FLOWS: usize = 100_000;
    let ask = format!(
        r#"{{"model":"claude-x","max_tokens":64,"messages":[{{"role":"user","content":"{}"}}]}}"#,
        "some words ".repeat(85)
    );
    let answer = format!(
        r#"{{"id":"msg_2","type":"message","role":"assistant","model":"claude-x","content":[{{"type":"text","text":"{}"}}],"stop_reason":"end_turn","stop_sequence":null,"usage":{{"input_tokens":9,"output_tokens":4}}}}"#,
        "more words ".repeat(165)
    );
    let rig = Rig::new();
    let json = [("content-type", "application/json"), ("request-id", "req_1")];
    let template = Script::messages(&ask).head(200, &json).data(answer.as_bytes()).end();
    rig.play(&template);
    rig.until(|rig| rig.recorder.stats().captures_total > 0);
    let (wall, cpu) = (Instant::now(), recorder_cpu());
    for _ in 0..FLOWS {
        let mut script = Script::messages("");
        script.pieces = template.pieces.clone();
        script.opened.headers = template.opened.headers.clone();
        let flow = script.flow;
        for piece in &mut script.pieces {
            if let Capture::Request(chunk) | Capture::Response(chunk) = piece {
                chunk.flow = flow;
            }
        }
        while rig.intake.stats().items > 5_000 {
            std::thread::yield_now();
        }
        rig.play(&script);
    }
    rig.until(|rig| rig.recorder.stats().open_flows == 0 && rig.intake.stats().items == 0);
    let wall = wall.elapsed().as_secs_f64() * 1e6 / FLOWS as f64;
    let cpu = cpu.zip(recorder_cpu()).map(|(a, b)| (b - a) * 1e6 / FLOWS as f64);
    println!("small JSON flows: {wall:.1} µs wall each, recorder CPU {cpu:.1?} µs");
    let stats = rig.intake.stats();
    println!("gaps {}, wake-ups {}", stats.gaps_total, stats.wakeups);
    rig.finish();
}

#[test]
#[ignore = "prints figures; run in release"]
fn a_million_events() {
    const EVENTS: usize = 2_000_000;
    let one = kit::text(0, &"quick brown fox jumps over a lazy dog".repeat(2)[..60]);
    let per_piece = 16 * 1024 / one.len();
    let piece = Bytes::from(one.repeat(per_piece));
    println!("{} bytes an event, {per_piece} events a piece", one.len());
    let rig = Rig::new();
    let script = Script::messages("{}").sse().data((kit::start() + &kit::text_start(0)).as_bytes());
    rig.start(&script);
    rig.until(|rig| rig.recorder.stats().captures_total > 0);
    let (wall, cpu) = (Instant::now(), recorder_cpu());
    for _ in 0..EVENTS / per_piece {
        while rig.intake.stats().items > 500 {
            std::thread::yield_now();
        }
        let part = Part::Data(piece.clone());
        assert!(rig.intake.offer(Capture::Response(Chunk {
            flow: script.flow,
            at: Tick(9),
            part
        })));
    }
    rig.until(|rig| rig.intake.stats().items == 0);
    let millions = EVENTS as f64 / 1e6;
    let wall = wall.elapsed().as_secs_f64() / millions;
    let cpu = cpu.zip(recorder_cpu()).map(|(a, b)| (b - a) / millions);
    println!("events: {wall:.3} s wall a million; recorder CPU {cpu:.3?} s");
    CaptureSink::close(&*rig.intake, script.closed());
    rig.finish();
}

#[test]
#[ignore = "prints figures; run in release"]
fn idle_streams() {
    const STREAMS: usize = 5_000;
    let ask = format!(
        r#"{{"model":"m","messages":[{{"role":"user","content":"{}"}}]}}"#,
        "w ".repeat(500)
    );
    let rig = Rig::new();
    let begin =
        kit::start() + &kit::text_start(0) + &kit::text(0, "some first words of the answer ");
    let before = resident_kib();
    let scripts: Vec<_> = (0..STREAMS)
        .map(|_| {
            while rig.intake.stats().items > 5_000 {
                std::thread::yield_now();
            }
            let mut script = Script::messages(&ask).sse().data(begin.as_bytes());
            rig.start(&script);
            script.pieces = Vec::new();
            script
        })
        .collect();
    rig.until(|rig| rig.intake.stats().items == 0);
    let stored = rig.shelf.len();
    rig.until(|rig| rig.shelf.len() >= stored && rig.recorder.stats().open_flows == STREAMS);
    let grown = before.zip(resident_kib()).map(|(a, b)| (b - a) as f64 / STREAMS as f64);
    println!("an idle open stream: {grown:.1?} KiB resident, the test's own rows included");
    for script in &scripts {
        CaptureSink::close(&*rig.intake, script.closed());
    }
    rig.finish();
}

#[test]
#[ignore = "prints figures; run in release"]
fn a_burst_of_streams() {
    const STREAMS: usize = 8;
    const EVENTS_PER_PIECE: usize = 8;
    const PIECES: usize = 20_000;
    const WORDS: &str = "The parser keeps one state per connection, so that a slow peer never \
        delays another; each frame is read whole before it is handed on. When the buffer is full \
        the reader stops, the window closes, and the sender waits. Nothing is copied twice: the \
        frame borrows from the buffer until it is done, and the task returns it to the pool. ";
    let words = WORDS.repeat(4);
    let pieces: Vec<Bytes> = (0..64)
        .map(|piece| {
            let events = (0..EVENTS_PER_PIECE).map(|event| {
                let from = (piece * 61 + event * 37) % 600;
                kit::text(0, &words[from..from + 105])
            });
            Bytes::from(events.collect::<String>())
        })
        .collect();
    println!("{} bytes a piece of {EVENTS_PER_PIECE} events", pieces[0].len());
    let rig = Rig::new();
    let begin = kit::start() + &kit::text_start(0);
    let scripts: Vec<_> =
        (0..STREAMS).map(|_| Script::messages("{}").sse().data(begin.as_bytes())).collect();
    scripts.iter().for_each(|script| rig.start(script));
    rig.until(|rig| rig.recorder.stats().captures_total > 0);
    let (wall, cpu) = (Instant::now(), recorder_cpu());
    for turn in 0..PIECES {
        while rig.intake.stats().items > 2_000 {
            std::thread::yield_now();
        }
        for script in &scripts {
            let part = Part::Data(pieces[turn % pieces.len()].clone());
            let chunk = Chunk { flow: script.flow, at: Tick(9), part };
            assert!(rig.intake.offer(Capture::Response(chunk)));
        }
    }
    rig.until(|rig| rig.intake.stats().items == 0);
    let millions = (STREAMS * EVENTS_PER_PIECE * PIECES) as f64 / 1e6;
    let wall = wall.elapsed().as_secs_f64() / millions;
    let cpu = cpu.zip(recorder_cpu()).map(|(a, b)| (b - a) / millions);
    println!("burst: {wall:.3} s wall a million; recorder CPU {cpu:.3?} s");
    for script in &scripts {
        CaptureSink::close(&*rig.intake, script.closed());
    }
    rig.finish();
}
