//! Modes, told of files in the agents' own shapes.

mod corpora;
mod origins;
mod outcomes;

use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use langley_model::{Micros, Redactor, RedactorOptions};
use langley_protocol::transcript::TranscriptFormat;
use serde_json::{Map, Value};

use super::*;
use crate::price::PriceBook;
use crate::transcripts::{TranscriptRoot, walk};

const CLAUDE: &str = include_str!("../../tests/extract/claude-code.ndjson");
const CODEX: &str = include_str!("../../tests/extract/codex.ndjson");

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/extract")
}

fn roots(folder: &Path) -> [TranscriptRoot; 2] {
    [(TranscriptFormat::ClaudeCode, "claude/projects"), (TranscriptFormat::Codex, "codex/sessions")]
        .map(|(format, path)| TranscriptRoot { format, path: folder.join(path) })
}

fn told_of(roots: &[TranscriptRoot], query: &ExtractQuery) -> (Vec<String>, Extracted) {
    let redactor = Redactor::new(RedactorOptions::default()).unwrap();
    let mut lines = Vec::new();
    let files = walk(roots).files;
    let done =
        extract((&files, None), query, (&PriceBook::vendored(), &redactor), 2, &mut |_, line| {
            lines.push(String::from_utf8(line.trim_ascii_end().to_vec()).unwrap());
            Ok(())
        });
    (lines, done.unwrap())
}

fn told(folder: &Path, query: &ExtractQuery) -> Vec<Value> {
    let (lines, _) = told_of(&roots(folder), query);
    lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn one_file(lines: &[u8]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let project = folder.path().join("claude/projects/-w");
    fs::create_dir_all(&project).unwrap();
    fs::write(project.join("s.jsonl"), lines).unwrap();
    folder
}

fn prompt(text: &str, second: usize) -> String {
    let at = format!("2026-01-02T00:{:02}:{:02}Z", second / 60, second % 60);
    serde_json::json!({ "type": "user", "sessionId": "s", "timestamp": at, "cwd": "/w/shop",
        "message": { "role": "user", "content": text } })
    .to_string()
        + "\n"
}

#[test]
fn every_mode_tells_of_claude_codes_and_codexs_files_what_is_expected() {
    for (root, expected) in roots(&fixtures()).iter().zip([CLAUDE, CODEX]) {
        let (lines, _) = told_of(std::slice::from_ref(root), &ExtractQuery::new(ExtractMode::ALL));
        let prefix = format!("{}/", fixtures().display());
        let lines: Vec<_> = lines.iter().map(|line| line.replace(&prefix, "")).collect();
        for (nth, (line, expected)) in lines.iter().zip(expected.lines()).enumerate() {
            assert_eq!(line, expected, "line {} of {:?}", nth + 1, root.format);
        }
        assert_eq!(lines.len(), expected.lines().count());
    }
}

#[test]
fn codexs_running_totals_belong_to_the_turns_in_which_they_were_told() {
    let folder = tempfile::tempdir().unwrap();
    let sessions = folder.path().join("codex/sessions/2026/01/02");
    fs::create_dir_all(&sessions).unwrap();
    let mut lines = String::new();
    let mut line = |kind: &str, payload: Value| {
        let timestamp = format!("2026-01-02T11:00:{:02}.000Z", lines.lines().count());
        lines += &serde_json::json!({ "timestamp": timestamp, "type": kind, "payload": payload })
            .to_string();
        lines.push('\n');
    };
    line("session_meta", serde_json::json!({ "id": "c", "cwd": "/w" }));
    let mut total = 0;
    for turn in 0..3 {
        let content = serde_json::json!([{ "type": "input_text", "text": format!("ask {turn}") }]);
        let asked = serde_json::json!({ "type": "message", "role": "user", "content": content });
        line("response_item", asked);
        for output in [10 + turn, 11 + turn] {
            total += output;
            let used = |output| serde_json::json!({ "input_tokens": 5, "output_tokens": output });
            let info = serde_json::json!({
                "total_token_usage": used(total), "last_token_usage": used(output),
            });
            line("event_msg", serde_json::json!({ "type": "token_count", "info": info }));
        }
    }
    fs::write(sessions.join("rollout-2026-01-02T11-00-00-c.jsonl"), lines).unwrap();
    let told = told(folder.path(), &ExtractQuery::new(&[ExtractMode::Turns, ExtractMode::Usage]));
    let of = |mode: &str, name: &str| -> Vec<u64> {
        let of_mode = told.iter().filter(|record| record["mode"] == mode);
        of_mode.map(|record| record[name].as_u64().unwrap()).collect()
    };
    assert_eq!(of("turns", "responses"), [2, 2, 2]);
    assert_eq!(of("turns", "output"), [21, 23, 25]);
    assert_eq!(of("usage", "turn"), [1, 1, 2, 2, 3, 3]);
}

#[test]
fn an_image_without_a_word_is_a_prompt_without_text_whatever_the_agent_put_beside_it() {
    let image = serde_json::json!({ "type": "image", "source": { "type": "base64", "data": "" } });
    let reminder = "<system-reminder>Monday</system-reminder>";
    let content = serde_json::json!([image, { "type": "text", "text": reminder }]);
    let line = serde_json::json!({ "type": "user", "sessionId": "s",
        "timestamp": "2026-01-02T00:00:01Z", "message": { "role": "user", "content": content } });
    let folder = one_file(format!("{line}\n").as_bytes());
    let modes = [ExtractMode::UserPrompts, ExtractMode::MetaPrompts];
    let all = told(folder.path(), &ExtractQuery::new(&modes));
    let said: Vec<_> = all.iter().map(|it| (&it["mode"], &it["text"], &it["images"])).collect();
    let [meta, asked] = said.as_slice() else { panic!("{said:?}") };
    assert_eq!((meta.0, meta.1), (&"meta-prompts".into(), &reminder.into()));
    assert_eq!(*asked, (&"user-prompts".into(), &"".into(), &1.into()));
}

#[test]
fn what_a_person_typed_begins_a_turn_and_what_the_agent_put_around_it_is_told_beside() {
    let at = |second: usize| format!("2026-01-02T00:00:{second:02}Z");
    let queued = serde_json::json!({ "type": "attachment", "sessionId": "s", "timestamp": at(3),
        "attachment": { "type": "queued_command", "prompt": "and lint", "commandMode": "prompt" } });
    let task = serde_json::json!({ "type": "attachment", "sessionId": "s", "timestamp": at(4),
        "attachment": { "type": "queued_command", "prompt": "done", "commandMode": "task-notification" } });
    let lines = [
        prompt("<system-reminder>Monday</system-reminder>\nfix it", 1),
        prompt(
            "<command-message>review</command-message>\n<command-name>/review</command-name>\n<command-args>it</command-args>",
            2,
        ),
        format!("{queued}\n{task}\n"),
        prompt("<command-name>/clear</command-name>\n<command-message>clear</command-message>", 5),
    ];
    let folder = one_file(lines.concat().as_bytes());
    let modes = [ExtractMode::UserPrompts, ExtractMode::MetaPrompts, ExtractMode::Turns];
    let all = told(folder.path(), &ExtractQuery::new(&modes));
    let of = |mode: &str, names: [&str; 2]| -> Vec<(u64, String)> {
        let of_mode = all.iter().filter(|record| record["mode"] == mode);
        let text = |record: &Value| record[names[1]].as_str().unwrap().trim().to_owned();
        of_mode.map(|record| (record[names[0]].as_u64().unwrap(), text(record))).collect()
    };
    let words = [(1, "fix it"), (2, "/review it"), (3, "and lint")];
    let words = words.map(|(turn, text)| (turn, text.to_owned()));
    assert_eq!(of("user-prompts", ["turn", "text"]), words);
    assert_eq!(of("turns", ["turn", "prompt"]), words);
    let beside: Vec<_> = of("meta-prompts", ["turn", "kind"]);
    let kinds = [(0, "system-reminder"), (3, "queued_command"), (3, "command-name")];
    assert_eq!(beside, kinds.map(|(turn, kind)| (turn, kind.to_owned())));
    // A scan that looks only at the lines that matter finds the same.
    let query = ExtractQuery::new(&[ExtractMode::UserPrompts]);
    assert_eq!(told(folder.path(), &query).len(), 3);
    let query = ExtractQuery { latest: Some(2), ..query };
    let latest = told(folder.path(), &query);
    let latest: Vec<_> = latest.iter().map(|it| (&it["turn"], &it["text"])).collect();
    assert_eq!(
        latest,
        [
            (&Value::from(2), &Value::from("/review it")),
            (&Value::from(3), &Value::from("and lint"))
        ]
    );
}

#[test]
fn how_it_is_decided_what_is_allowed_is_told_whenever_a_question_changes_it() {
    let asked = |mode: &str, second| {
        let mode = format!("{{\"permissionMode\":\"{mode}\",");
        prompt("go on", second).replacen('{', &mode, 1)
    };
    let lines = [asked("plan", 1), asked("plan", 2), asked("acceptEdits", 3)];
    let folder = one_file(lines.concat().as_bytes());
    let told = told(folder.path(), &ExtractQuery::new(&[ExtractMode::Permissions]));
    let told: Vec<_> = told.iter().map(|it| (&it["turn"], &it["kind"], &it["value"])).collect();
    let mode = Value::from("mode");
    let set = [(1.into(), "plan".into()), (3.into(), "acceptEdits".into())];
    let set: [(Value, Value); 2] = set;
    assert_eq!(told, set.each_ref().map(|(turn, value)| (turn, &mode, value)));
}

#[test]
fn a_line_that_cannot_be_read_is_told_once_however_many_modes_are_asked_for() {
    let lines = [prompt("one", 1), "no JSON\n".to_owned(), "{\"torn".to_owned()].concat();
    let folder = one_file(lines.as_bytes());
    for latest in [None, Some(1)] {
        let query = ExtractQuery { latest, ..ExtractQuery::new(ExtractMode::ALL) };
        let (_, done) = told_of(&roots(folder.path()), &query);
        assert_eq!((done.unreadable, done.torn), (1, 1), "{latest:?}");
    }
}

#[test]
fn a_record_has_the_fields_that_the_table_says_in_its_order() {
    let mut seen = std::collections::BTreeSet::new();
    for line in CLAUDE.lines().chain(CODEX.lines()) {
        let record: Map<String, Value> = serde_json::from_str(line).unwrap();
        let mode = ExtractMode::parse(record["mode"].as_str().unwrap()).unwrap();
        let mut names: Vec<&str> = record.keys().map(String::as_str).collect();
        names.retain(|name| *name != "agent_id");
        let (head, fields) = names.split_at(7);
        assert_eq!(head, ["mode", "v", "agent", "session_id", "turn", "ts", "src"]);
        seen.insert(mode);
        if record.get("available").is_some() {
            assert_eq!(fields, ["available", "reason"]);
            continue;
        }
        let told: Vec<_> = mode.spec().fields.iter().map(|(name, _)| *name).collect();
        // The question is told with `--mode paired` only.
        let is_told = |name: &&str| mode != ExtractMode::UserIdle || *name != "prompt";
        assert_eq!(fields, told.into_iter().filter(is_told).collect::<Vec<_>>());
    }
    assert_eq!(seen.len(), ExtractMode::ALL.len(), "a mode that nothing is told of is not tested");
}

#[test]
fn the_latest_of_a_mode_are_the_last_that_a_whole_reading_tells() {
    for mode in ExtractMode::ALL {
        for most in [1, 2, 3, 1000] {
            let whole = ExtractQuery::new(&[*mode]);
            let latest = ExtractQuery { latest: Some(most), ..whole.clone() };
            let is_told = |record: &Value| record.get("available").is_none();
            let mut expected = told(&fixtures(), &whole);
            expected.retain(is_told);
            let time =
                |record: &Value| record["ts"].as_str().and_then(|it| it.parse::<Timestamp>().ok());
            expected.sort_by_key(time);
            let expected = expected.split_off(expected.len().saturating_sub(most));
            let mut found = told(&fixtures(), &latest);
            found.retain(is_told);
            assert_eq!(found.len(), expected.len(), "{mode:?} {most}");
            let times = |records: &[Value]| records.iter().map(time).collect::<Vec<_>>();
            assert_eq!(times(&found), times(&expected), "{mode:?} {most}");
            for record in &found {
                // Ties in time may be told otherwise, places and turns may not.
                assert!(most < 1000 || expected.contains(record), "{record}");
            }
        }
    }
}

#[test]
fn the_latest_are_found_across_portions_with_line_and_turn_as_a_whole_reading_has_them() {
    let filler = "x".repeat(90_000);
    let text: String = (0..40).map(|nth| prompt(&format!("{nth} {filler}"), nth)).collect();
    let folder = one_file(format!("{text}{{\"type\":\"user\",\"mess").as_bytes());
    let mut query = ExtractQuery::new(&[ExtractMode::UserPrompts]);
    let whole = told(folder.path(), &query);
    query.latest = Some(5);
    assert_eq!(told(folder.path(), &query), whole[35..]);
    assert_eq!(whole[39]["turn"], 40);
}

#[test]
fn what_is_asked_by_time_session_and_project_is_all_that_is_told() {
    let ask = |change: &dyn Fn(&mut ExtractQuery)| {
        let mut query = ExtractQuery::new(&[ExtractMode::UserPrompts]);
        change(&mut query);
        let told = told(&fixtures(), &query);
        told.iter().map(|it| it["text"].as_str().unwrap_or("?").to_owned()).collect::<Vec<_>>()
    };
    let all = ["fix the \"cart\"\nplease", "what is on this", "list the files", "and now stop"];
    assert_eq!(ask(&|_| {}), all);
    // 2026-01-02T10:00:30Z
    assert_eq!(ask(&|it| it.since = Some(Micros(1_767_348_030_000_000))), all[1..]);
    assert_eq!(ask(&|it| it.session = Some("T1".to_owned())), all[2..]);
    assert_eq!(ask(&|it| it.project = Some("shop".to_owned())), all[..2]);
    assert_eq!(ask(&|it| it.project = Some("/home/dev/api".to_owned())), all[2..]);
    assert!(ask(&|it| it.project = Some("sho".to_owned())).is_empty());
}

#[test]
fn nothing_is_told_that_the_redactor_did_not_see() {
    let secret = format!("sk-ant-api03-{}", "a1B2".repeat(20));
    let folder = one_file(prompt(&format!("my key is {secret}"), 0).as_bytes());
    for latest in [None, Some(1)] {
        let query = ExtractQuery { latest, ..ExtractQuery::new(ExtractMode::ALL) };
        let (lines, _) = told_of(&roots(folder.path()), &query);
        assert!(lines.iter().any(|line| line.contains("my key is")));
        assert!(!lines.join("\n").contains("a1B2a1B2"));
    }
}

#[test]
fn torn_broken_and_cut_lines_are_counted_and_cost_no_other_line() {
    let mut lines = prompt("one", 0).into_bytes();
    lines.extend(b"no json\n");
    let mut cut = prompt("caf@", 1).into_bytes();
    let at = cut.iter().position(|byte| *byte == b'@').unwrap();
    cut[at] = 0xc3;
    lines.extend(cut);
    lines.extend(br#"{"type":"user","mess"#);
    let folder = one_file(&lines);
    let query = ExtractQuery::new(&[ExtractMode::UserPrompts]);
    let (told, done) = told_of(&roots(folder.path()), &query);
    assert!(told[1].contains("caf\u{fffd}"), "{told:?}");
    assert_eq!((told.len(), done.unreadable, done.mended, done.torn), (2, 1, 1, 1));
}

#[test]
fn a_line_of_megabytes_is_told_whole_from_either_end() {
    let long = "long ".repeat(1 << 19);
    let folder = one_file((prompt("before", 0) + &prompt(&long, 1)).as_bytes());
    for latest in [None, Some(2)] {
        let query = ExtractQuery { latest, ..ExtractQuery::new(&[ExtractMode::UserPrompts]) };
        let told = told(folder.path(), &query);
        assert_eq!(told[0]["text"], "before");
        assert_eq!(told[1]["text"].as_str().map(str::len), Some(long.len()));
    }
}

#[test]
fn a_response_that_two_files_tell_counts_once() {
    let line = r#"{"type":"assistant","sessionId":"s","timestamp":"2026-01-02T00:00:00Z","requestId":"r","message":{"id":"m","model":"claude-opus-4-1","content":[],"usage":{"input_tokens":1,"output_tokens":2}}}"#;
    let folder = one_file(format!("{line}\n{line}\n").as_bytes());
    let project = folder.path().join("claude/projects/-w");
    fs::copy(project.join("s.jsonl"), project.join("t.jsonl")).unwrap();
    for latest in [None, Some(9)] {
        let modes = [ExtractMode::Usage, ExtractMode::Cost];
        let query = ExtractQuery { latest, ..ExtractQuery::new(&modes) };
        assert_eq!(told(folder.path(), &query).len(), 2);
    }
}

#[test]
fn whoever_takes_no_more_ends_the_reading() {
    let filler = "x".repeat(50_000);
    let text: String = (0..60).map(|nth| prompt(&filler, nth)).collect();
    let folder = one_file(text.as_bytes());
    let project = folder.path().join("claude/projects/-w");
    for nth in 0..40 {
        fs::copy(project.join("s.jsonl"), project.join(format!("{nth}.jsonl"))).unwrap();
    }
    let files = walk(&roots(folder.path())).files;
    let redactor = Redactor::new(RedactorOptions::default()).unwrap();
    let query = ExtractQuery::new(&[ExtractMode::UserPrompts]);
    let done =
        extract((&files, None), &query, (&PriceBook::vendored(), &redactor), 4, &mut |_, _| {
            Err(std::io::ErrorKind::BrokenPipe.into())
        });
    assert_eq!(done.unwrap_err().kind(), std::io::ErrorKind::BrokenPipe);
}

#[test]
fn an_answer_that_gemini_cli_writes_again_is_told_once() {
    let folder = tempfile::tempdir().unwrap();
    let chats = folder.path().join("p/chats");
    fs::create_dir_all(&chats).unwrap();
    let answer = |content: &str, more: &str| {
        format!(
            r#"{{"id":"g1","timestamp":"2026-01-01T00:00:02Z","type":"gemini","content":"{content}","model":"gemini-2.5-pro","tokens":{{"input":20,"output":8}}{more}}}"#
        )
    };
    let call = r#","toolCalls":[{"id":"c1","name":"run_shell_command","args":{"command":"ls"},"status":"error","result":[{"x":1}]}]"#;
    let cancelled = r#"{"id":"g2","timestamp":"2026-01-01T00:00:09Z","type":"gemini","content":"","toolCalls":[{"id":"c2","name":"x","args":{},"status":"cancelled","timestamp":"2026-01-01T00:00:11.500Z","result":[{"x":1}]}]}"#;
    let lines = [
        r#"{"sessionId":"G","projectHash":"p","startTime":"2026-01-01T00:00:00Z","kind":"main"}"#,
        r#"{"id":"u1","timestamp":"2026-01-01T00:00:01Z","type":"user","content":"hi"}"#,
        &answer("", ""),
        &answer("yes", ""),
        &answer("yes", call),
        &answer("yes", call),
        cancelled,
    ];
    fs::write(chats.join("session-1.jsonl"), lines.join("\n") + "\n").unwrap();
    let root = TranscriptRoot { format: TranscriptFormat::GeminiCli, path: folder.path().into() };
    let (lines, _) = told_of(&[root], &ExtractQuery::new(ExtractMode::ALL));
    let of = |mode: ExtractMode| {
        let mark = format!("{{\"mode\":\"{}\"", mode.name());
        lines.iter().filter(|line| line.starts_with(&mark)).count()
    };
    for mode in [
        ExtractMode::UserPrompts,
        ExtractMode::AssistantTexts,
        ExtractMode::Commands,
        ExtractMode::ToolErrors,
        ExtractMode::Usage,
    ] {
        assert_eq!(of(mode), 1, "{mode:?}: {lines:?}");
    }
    // What Gemini CLI does not tell is null.
    let records = lines.iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let records: Vec<_> = records.collect();
    let told = |mode: &str, name: &str| -> Vec<Value> {
        let of_mode = records.iter().filter(|record| record["mode"] == mode);
        of_mode.map(|record| record[name].clone()).collect()
    };
    assert_eq!(told("usage", "request_id"), [Value::Null]);
    // Where a call says when its result came, that is told.
    assert_eq!(told("tool-results", "ms"), [Value::Null, Value::from(2_500)]);
    assert_eq!(told("tool-results", "detail"), [Value::Null, Value::from("cancelled")]);
    assert_eq!(told("tool-results", "has_failed"), [Value::Bool(true), Value::Null]);
}
