//! What redaction costs, printed for a person; nothing here asserts a time.
//!
//! `cargo test -p langley-model --release -- --ignored --nocapture`

use std::hint::black_box;
use std::time::Instant;

use langley_model::{EventRedactor, EventRun, EventText, IncomingEvent, LiveKind};

use crate::corpus::redactor;

const PROSE: &str = "The parser keeps one state per connection, so that a slow peer never delays \
    another; each frame is read whole before it is handed on. When the buffer is full the reader \
    stops, the window closes, and the sender waits. Nothing is copied twice: the frame borrows from \
    the buffer until it is done, and the task that owns it returns it to the pool. ";

fn events(text_len: usize) -> Vec<(String, usize)> {
    let before = "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"";
    let words: String = PROSE.repeat(40);
    (0..200)
        .map(|n| {
            let from = (n * 37) % 4000;
            let piece = &words[from..from + text_len];
            (format!("{before}{piece}\"}}}}"), before.len())
        })
        .collect()
}

#[test]
#[ignore = "prints a figure; run in release"]
fn the_cost_of_a_text_delta() {
    for text_len in [12, 40, 135] {
        let events = events(text_len);
        let redactor = redactor();
        let mut best = f64::MAX;
        let mut held = 0;
        for _ in 0..300 {
            let mut stream = EventRedactor::new();
            let mut run = EventRun::default();
            let start = Instant::now();
            for (seq, (data, start)) in events.iter().enumerate() {
                let event = IncomingEvent {
                    seq: seq as u64,
                    offset_us: 0,
                    kind: "content_block_delta",
                    data: data.as_bytes(),
                    texts: &[EventText {
                        block: 0,
                        kind: LiveKind::Text,
                        credential: None,
                        start: *start,
                        end: *start + text_len,
                    }],
                };
                let seen = run.spans.len();
                stream.push(&redactor, event, &mut run, &mut |_, _, text| {
                    black_box(text);
                });
                held += usize::from(run.spans.len() == seen);
            }
            let spent = start.elapsed().as_nanos() as f64 / events.len() as f64;
            best = best.min(spent);
            black_box(&run);
        }
        let len = events[0].0.len();
        let share = held as f64 / (300.0 * events.len() as f64) * 100.0;
        println!("{len}-byte text delta: {best:.0} ns ({share:.1} % of events waited)");
    }
}

#[test]
#[ignore = "prints a figure; run in release"]
fn the_cost_of_a_body() {
    let prose = serde_json::json!({"messages": [{"content": PROSE.repeat(3000)}]}).to_string();
    let escapes = serde_json::json!({"messages": [{"content": serde_json::json!({
        "lines": vec!["let x = \"a\\n\";\n\u{1b}[0m https://a.b/c?d=e"; 20_000],
    }).to_string()}]})
    .to_string();
    let image = format!(
        "{{\"type\":\"base64\",\"media_type\":\"image/png\",\"data\":\"{}\"}}",
        "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo".repeat(30_000)
    );
    let nasty = "\"token\":\"sk-ant-eyJ.xox-://a:".repeat(40_000);
    for (name, body) in [("prose", prose), ("escapes", escapes), ("image", image), ("nasty", nasty)]
    {
        let redactor = redactor();
        let mut best = f64::MAX;
        for _ in 0..10 {
            let bytes = body.clone().into_bytes();
            let start = Instant::now();
            black_box(redactor.body(bytes));
            best = best.min(start.elapsed().as_secs_f64());
        }
        let megabytes = body.len() as f64 / 1e6;
        println!(
            "{name} body, {megabytes:.1} MB: {:.2} ms ({:.0} MB/s)",
            best * 1e3,
            megabytes / best
        );
    }
}
