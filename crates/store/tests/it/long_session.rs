//! How much room a long session takes, with text as agents read it: our own sources, file by file.

use std::collections::HashSet;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use langley_model::{Body, FlowId, Record, RedactedBytes, Redactor, Side};
use rusqlite::Connection;
use serde_json::json;

use crate::given::{Fixture, ended, of, redactor, session};

const TURNS: usize = 200;
/// Of one tool's result. Two hundred of them, and what is said about them, are 150,000 tokens of four
/// bytes each.
const RESULT_BYTES: usize = 2_400;

/// A body as it grows.
#[derive(Default)]
struct Request {
    bytes: RedactedBytes,
    pieces: Vec<Range<usize>>,
}

impl Request {
    fn list(&mut self, items: &[RedactedBytes], comma: &RedactedBytes) {
        for (number, item) in items.iter().enumerate() {
            if number > 0 {
                self.bytes.append(comma);
            }
            let start = self.bytes.len();
            self.bytes.append(item);
            self.pieces.push(start..self.bytes.len());
        }
    }

    fn into_record(self, flow: FlowId) -> Record {
        let Self { bytes, pieces } = self;
        let original_len = bytes.len() as u64;
        let media_type = Some("application/json".into());
        let side = Side::Client;
        let truncated = false;
        Record::Body(Body { flow, side, bytes, pieces, media_type, original_len, truncated })
    }
}

/// Every source file of the workspace's crates, in order.
fn sources() -> Vec<(PathBuf, String)> {
    fn below(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
        let mut entries: Vec<_> =
            fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
        entries.sort();
        for path in entries {
            if path.is_dir() {
                below(&path, found);
            } else if path.extension().is_some_and(|end| end == "rs") {
                found.push((path.clone(), fs::read_to_string(&path).unwrap()));
            }
        }
    }
    let mut found = Vec::new();
    below(&Path::new(env!("CARGO_MANIFEST_DIR")).join(".."), &mut found);
    found
}

/// Parts of files of some [`RESULT_BYTES`], each with a number of lines and whose it is.
fn readings() -> impl Iterator<Item = (String, String)> {
    sources().into_iter().flat_map(|(path, text)| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let mut parts = vec![String::new()];
        for (number, line) in (1..).zip(text.lines()) {
            if parts.last().unwrap().len() > RESULT_BYTES {
                parts.push(String::new());
            }
            parts.last_mut().unwrap().push_str(&format!("{number:>6}\t{line}\n"));
        }
        parts
            .into_iter()
            .filter(|part| part.len() > RESULT_BYTES)
            .map(move |part| (name.clone(), part))
    })
}

fn redacted(redactor: &Redactor, text: &str) -> RedactedBytes {
    redactor.body(text.as_bytes().to_vec())
}

/// The two messages of a turn.
fn turn(number: usize, file: &str, text: &str) -> [String; 2] {
    let said = text.lines().nth(7).unwrap_or_default().trim();
    let call = json!({"role": "assistant", "content": [
        {"type": "text", "text": format!("Next is {file}; what matters there is `{said}`.")},
        {"type": "tool_use", "id": format!("toolu_{:024x}", number * 0x9e37_79b9), "name": "Read",
         "input": {"file_path": format!("src/{file}"), "offset": number * 60, "limit": 60}},
    ]});
    let result = json!({"role": "user", "content": [
        {"type": "tool_result", "tool_use_id": format!("toolu_{:024x}", number * 0x9e37_79b9),
         "content": text},
    ]});
    [call.to_string(), result.to_string()]
}

#[test]
fn two_hundred_turns_take_little_more_than_their_distinct_pieces() {
    let redactor = redactor();
    let mut readings = readings();
    let mut prompt = || readings.next().unwrap().1;
    let seal = |text: String| redacted(&redactor, &text);
    let system: Vec<_> =
        (0..3).map(|_| json!({"type": "text", "text": prompt()}).to_string()).map(seal).collect();
    let tools: Vec<_> = (0..20)
        .map(|tool| {
            let text: String = prompt().chars().take(900).collect();
            json!({"name": format!("Tool{tool}"), "description": text, "input_schema": {"type": "object",
                "properties": {"file_path": {"type": "string", "description": "The absolute path"},
                "limit": {"type": "number"}}, "required": ["file_path"]}})
            .to_string()
        })
        .map(seal)
        .collect();
    let text = |text: &str| redacted(&redactor, text);
    let comma = text(",");
    let around = [
        text(r#"{"model":"claude-opus-5-5","max_tokens":32000,"stream":true,"system":["#),
        text(r#"],"tools":["#),
        text(r#"],"metadata":{"user_id":"user_5b1c_account__session_0a1b2c3d"},"messages":["#),
        text("]}"),
    ];

    let fixture = Fixture::new();
    let mut messages = vec![seal(json!({"role": "user", "content": "Read it all."}).to_string())];
    let (mut naive, mut whole, mut last) = (0, 0, Vec::new());
    let mut flows = Vec::new();
    for number in 0..TURNS {
        let (file, part) = readings.next().unwrap();
        messages.extend(turn(number, &file, &part).map(seal));
        let mut request = Request::default();
        for (before, items) in around.iter().zip([&system, &tools, &messages]) {
            request.bytes.append(before);
            request.list(items, &comma);
        }
        request.bytes.append(&around[3]);
        last = request.bytes.as_bytes().to_vec();
        naive += last.len();
        whole += zstd::bulk::compress(&last, 1).unwrap().len();
        let mut flow = ended(i64::try_from(number).unwrap() + 1);
        flow.session = session("long");
        flows.push((flow.id, last.len()));
        fixture.write(vec![of(&flow), request.into_record(flow.id)]);
    }
    assert!(last.len() > 590_000, "{} bytes are less than 150,000 tokens", last.len());

    let distinct: HashSet<&[u8]> = system
        .iter()
        .chain(&tools)
        .chain(&messages)
        .chain(&around)
        .map(RedactedBytes::as_bytes)
        .collect();
    let sum: usize =
        distinct.iter().map(|piece| zstd::bulk::compress(piece, 3).unwrap().len()).sum();
    let conn = Connection::open(fixture.store.path()).unwrap();
    let (blobs, stored): (i64, i64) = conn
        .query_row("SELECT count(*), sum(length(bytes)) FROM blobs", (), |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .unwrap();
    let recipes: i64 = conn
        .query_row("SELECT sum(length(bytes)) FROM blobs WHERE codec & 2", (), |row| row.get(0))
        .unwrap();
    let stored = usize::try_from(stored).unwrap();
    #[expect(clippy::print_stdout, reason = "the figures are what the test is for")]
    {
        println!(
            "{TURNS} turns up to {} bytes: sent {naive}, each compressed as a whole {whole}, distinct \
             pieces compressed {sum}, stored {stored} in {blobs} blobs, of which recipes {recipes}; \
             ratio {:.3}",
            last.len(),
            stored as f64 / sum as f64,
        );
    }
    assert!(stored * 100 <= sum * 115, "{stored} of {sum}");
    assert!(stored * 30 < whole, "{stored} of {whole}");

    for (flow, len) in [flows[0], flows[TURNS / 2]] {
        assert_eq!(fixture.store.body(flow, Side::Client).unwrap().unwrap().bytes.len(), len);
    }
    let body = fixture.store.body(flows[TURNS - 1].0, Side::Client).unwrap().unwrap();
    assert_eq!(body.bytes, last);
}
