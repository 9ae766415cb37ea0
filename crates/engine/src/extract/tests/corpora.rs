//! Random corpora: what is told of one mode, and of the latest, is what a whole reading of all modes tells.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use langley_protocol::transcript::TranscriptFormat;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::*;
use super::{fixtures, told_of};
use crate::transcripts::TranscriptRoot;

/// 2026-01-01, in milliseconds.
const START_MS: i64 = 1_767_225_600_000;

/// A line of a file: which of its agent's, milliseconds since the one before, and how it is spoilt.
type Line = (prop::sample::Index, i64, Spoilt);

#[derive(Clone, Copy, Debug)]
enum Spoilt {
    Whole,
    Timeless,
    Torn,
    NoText,
    Blank,
    Long(usize),
}

#[derive(Clone, Debug)]
struct Written {
    format: TranscriptFormat,
    start: i64,
    lines: Vec<Line>,
    /// Whether its first line is the one that an agent begins with.
    has_head: bool,
    is_ended: bool,
    /// Milliseconds from its last line to its last change.
    rest: i64,
}

fn lines_of(format: TranscriptFormat) -> Vec<String> {
    let read = |path: &str| fs::read_to_string(fixtures().join(path)).unwrap();
    let text = match format {
        TranscriptFormat::ClaudeCode => {
            let prompt = json!({ "type": "user", "message": { "content": "and then?" } });
            let side = "claude/projects/-home-dev-shop/s1/subagents/agent-a1.jsonl";
            let main = read("claude/projects/-home-dev-shop/s1.jsonl");
            format!("{main}\n{}{prompt}\n", read(side))
        }
        TranscriptFormat::Codex => {
            read("codex/sessions/2026/01/02/rollout-2026-01-02T11-00-00-T1.jsonl")
        }
        TranscriptFormat::GeminiCli => [
            json!({ "sessionId": "G", "projectHash": "p", "kind": "main" }),
            json!({ "id": "u1", "type": "user", "content": "hi" }),
            json!({ "id": "u2", "type": "user", "content": [{ "text": "again" }] }),
            json!({ "id": "g1", "type": "gemini", "content": "yes", "thoughts": [{ "subject": "hm" }], "model": "gemini-2.5-pro",
                "tokens": { "input": 20, "output": 8 } }),
            json!({ "id": "g1", "type": "gemini", "content": "yes", "model": "gemini-2.5-pro", "tokens": { "input": 20, "output": 9 },
                "toolCalls": [{ "id": "c1", "name": "run_shell_command", "args": { "command": "git status" }, "status": "error", "result": [{}] }] }),
            json!({ "type": "error", "content": "quota" }),
            json!({ "type": "odd", "content": "?" }),
        ]
        .map(|line| line.to_string())
        .join("\n"),
    };
    text.lines().map(str::to_owned).collect()
}

fn stamp(at_ms: i64) -> String {
    Timestamp::from_millisecond(START_MS + at_ms).unwrap().to_string()
}

fn bytes_of(file: &Written) -> (Vec<u8>, i64) {
    let known = lines_of(file.format);
    let (mut bytes, mut at, mut latest) = (Vec::new(), file.start, file.start);
    let head = file.has_head.then_some((&known[0], 0, Spoilt::Whole));
    let rest = file.lines.iter().map(|(which, gap, spoilt)| (which.get(&known), *gap, *spoilt));
    for (line, gap, spoilt) in head.into_iter().chain(rest) {
        at += gap;
        latest = latest.max(at);
        let mut line = match serde_json::from_str::<Value>(line) {
            Ok(mut line) => {
                let of = line.as_object_mut().unwrap();
                of.remove("timestamp");
                if !matches!(spoilt, Spoilt::Timeless) {
                    of.insert("timestamp".to_owned(), stamp(at).into());
                }
                if let Spoilt::Long(len) = spoilt {
                    of.insert("more".to_owned(), "x".repeat(len).into());
                }
                line.to_string().into_bytes()
            }
            Err(_) => line.clone().into_bytes(),
        };
        match spoilt {
            Spoilt::Torn => line.truncate(line.len() * 2 / 3),
            Spoilt::NoText => {
                let at = line.iter().rposition(u8::is_ascii_alphabetic).unwrap();
                line[at] = 0xc3;
            }
            Spoilt::Blank => line = b" ".to_vec(),
            Spoilt::Whole | Spoilt::Timeless | Spoilt::Long(_) => {}
        }
        bytes.extend(line);
        bytes.push(b'\n');
    }
    if !file.is_ended {
        bytes.pop();
    }
    (bytes, latest + file.rest)
}

fn written() -> impl Strategy<Value = Written> {
    let spoilt = prop_oneof![
        20 => Just(Spoilt::Whole),
        2 => Just(Spoilt::Timeless),
        1 => Just(Spoilt::Torn),
        1 => Just(Spoilt::NoText),
        1 => Just(Spoilt::Blank),
        1 => prop::sample::select(vec![70_000, 200_000]).prop_map(Spoilt::Long),
    ];
    // What runs side by side is not quite in order.
    let gap = prop::sample::select(vec![0, 0, 100, 1_000, 1_000, 60_000, 3_600_000, -1_500]);
    let line = (any::<prop::sample::Index>(), gap, spoilt);
    let format = prop::sample::select(TranscriptFormat::ALL.to_vec());
    let start = prop::sample::select(vec![0, 0, 1_000, 3_600_000, 40_000_000]);
    (
        format,
        start,
        prop::collection::vec(line, 0..30),
        prop::bool::weighted(0.8),
        any::<bool>(),
        prop::sample::select(vec![0, 0, 3_600_000]),
    )
        .prop_map(|(format, start, lines, has_head, is_ended, rest)| Written {
            format,
            start,
            lines,
            has_head,
            is_ended,
            rest,
        })
}

fn mode_of(line: &str) -> ExtractMode {
    let record: Value = serde_json::from_str(line).unwrap();
    ExtractMode::parse(record["mode"].as_str().unwrap()).unwrap()
}

/// The latest of what a whole reading told, as told.
fn latest(told: &[String], most: usize) -> Vec<String> {
    let at = |line: &str| {
        let record: Value = serde_json::from_str(line).unwrap();
        record["ts"].as_str().and_then(|it| it.parse::<Timestamp>().ok())
    };
    let is_told = |line: &&String| !line.contains(r#","available":false,"#);
    let mut told: Vec<_> = told.iter().filter(is_told).map(|line| (at(line), line)).collect();
    told.sort_by_key(|(at, _)| *at);
    told.split_off(told.len().saturating_sub(most)).into_iter().map(|(_, it)| it.clone()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10, ..ProptestConfig::default() })]

    #[test]
    fn a_mode_by_itself_and_its_latest_are_told_as_among_all_of_a_whole_reading(
        files in prop::collection::vec(written(), 1..5),
        most in prop::sample::select(vec![1, 2, 5, 40]),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let roots = TranscriptFormat::ALL.map(|format| TranscriptRoot {
            format,
            path: folder.path().join(format.agent()),
        });
        for (nth, file) in files.iter().enumerate() {
            let inner = folder.path().join(file.format.agent()).join("p/chats");
            fs::create_dir_all(&inner).unwrap();
            let (bytes, changed) = bytes_of(file);
            // Names in no order of time.
            let path = inner.join(format!("session-{}.jsonl", nth * 7 % 5));
            let changed = u64::try_from(START_MS + changed).unwrap();
            fs::write(&path, bytes).unwrap();
            let changed = SystemTime::UNIX_EPOCH + Duration::from_millis(changed);
            File::options().write(true).open(&path).unwrap().set_modified(changed).unwrap();
        }
        let (all, _) = told_of(&roots, &ExtractQuery::new(ExtractMode::ALL));
        let mut of_mode: BTreeMap<ExtractMode, Vec<String>> = BTreeMap::new();
        for line in all {
            of_mode.entry(mode_of(&line)).or_default().push(line);
        }
        for mode in ExtractMode::ALL {
            let among_all = of_mode.remove(mode).unwrap_or_default();
            let query = ExtractQuery::new(&[*mode]);
            let (alone, _) = told_of(&roots, &query);
            prop_assert_eq!(&alone, &among_all, "{:?} alone", mode);
            let query = ExtractQuery { latest: Some(most), ..query };
            let (mut found, _) = told_of(&roots, &query);
            found.retain(|line| !line.contains(r#","available":false,"#));
            prop_assert_eq!(found, latest(&among_all, most), "{:?} {}", mode, most);
        }
    }
}
