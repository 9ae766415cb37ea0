//! Prints what one event costs: framing and classification of a usual text delta, in nanoseconds.
//!
//! `cargo run --release -p langley-protocol --example event_speed`

use std::hint::black_box;
use std::time::Instant;

use langley_protocol::anthropic::AnthropicResponse;
use langley_protocol::dialect::{Delta, ResponseDecoder};
use langley_protocol::sse::SseDecoder;

/// Events of one measured stream.
const EVENTS: usize = 20_000;
/// Bytes of an event's data.
const DATA: usize = 220;

fn main() {
    let escaped = r#"line one,\nline \"two\" and \u00e9"#;
    println!("{:<44} {:>12}", "stream", "ns per event");
    for (name, text, per_read) in [
        ("plain text, one event a read", "", 1),
        ("plain text, 64 events a read", "", 64),
        ("escapes in the text, one event a read", escaped, 1),
        ("plain text, reads of 100 bytes", "", 0),
    ] {
        let stream = stream(text);
        let read = if per_read == 0 { 100 } else { stream.len() / EVENTS * per_read };
        let fast = measure(&stream, read, AnthropicResponse::new);
        let slow = measure(&stream, read, AnthropicResponse::without_fast_path);
        println!("{name:<44} {fast:>12.0}   ({slow:.0} as JSON)");
    }
}

/// Events of [`DATA`] bytes of data each, whose text contains `text`.
fn stream(text: &str) -> Vec<u8> {
    let head = r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":""#;
    let tail = r#""}}"#;
    let fill = "word ".repeat(DATA);
    let fill = &fill[..DATA - head.len() - tail.len() - text.len()];
    let event = format!("event: content_block_delta\ndata: {head}{text}{fill}{tail}\n\n");
    event.repeat(EVENTS).into_bytes()
}

/// The best of several rounds.
fn measure(stream: &[u8], read: usize, decoder: impl Fn() -> AnthropicResponse) -> f64 {
    (0..15)
        .map(|_| {
            let mut framer = SseDecoder::new(1 << 20);
            let mut decoder = decoder();
            let (mut events, mut bytes) = (0_usize, 0_usize);
            let begin = Instant::now();
            for read in stream.chunks(read) {
                framer.feed(black_box(read), &mut |event| {
                    let facts = decoder.event(&event, &mut |delta| {
                        if let Delta::Text { text, .. } = delta {
                            bytes += text.len();
                        }
                    });
                    events += usize::from(facts.known);
                });
            }
            let took = begin.elapsed().as_secs_f64();
            assert_eq!(events, EVENTS);
            black_box(bytes);
            took * 1e9 / EVENTS as f64
        })
        .fold(f64::INFINITY, f64::min)
}
