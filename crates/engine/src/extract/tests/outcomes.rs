//! What came of commands and changes, whatever stands between a call and its result.

use std::fs;

use langley_protocol::transcript::TranscriptFormat;
use serde_json::{Value, json};

use super::{ExtractMode, ExtractQuery, TranscriptRoot, one_file, told_of};

const MODES: [ExtractMode; 2] = [ExtractMode::Commands, ExtractMode::FileChanges];

/// A call of Claude Code's.
fn call(id: &str, tool: &str, input: &Value) -> Value {
    json!({ "type": "assistant", "sessionId": "s", "timestamp": "2026-01-02T00:00:00Z",
        "message": { "content": [{ "type": "tool_use", "id": id, "name": tool, "input": input }] } })
}

fn bash(id: &str) -> Value {
    call(id, "Bash", &json!({ "command": "ls" }))
}

fn result(id: &str, content: &str, has_failed: bool) -> Value {
    json!({ "type": "user", "sessionId": "s", "timestamp": "2026-01-02T00:00:01Z",
        "message": { "content": [
            { "type": "tool_result", "tool_use_id": id, "content": content, "is_error": has_failed },
        ] } })
}

/// What is told to have come of each call, by its id.
fn outcomes(root: &TranscriptRoot, query: &ExtractQuery) -> Vec<(String, Value)> {
    let (lines, _) = told_of(std::slice::from_ref(root), query);
    let records = lines.iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let of_calls = records.filter(|record| record.get("outcome").is_some());
    of_calls
        .map(|record| {
            (record["call_id"].as_str().unwrap_or_default().to_owned(), record["outcome"].clone())
        })
        .collect()
}

#[track_caller]
fn come(root: &TranscriptRoot, expected: &[(&str, Option<&str>)]) {
    let expected: Vec<_> =
        expected.iter().map(|(id, outcome)| ((*id).to_owned(), json!(outcome))).collect();
    for query in [ExtractQuery::new(&MODES), ExtractQuery::new(ExtractMode::ALL)] {
        assert_eq!(outcomes(root, &query), expected);
    }
    for mode in MODES {
        let alone = outcomes(root, &ExtractQuery::new(&[mode]));
        assert!(alone.iter().all(|told| expected.contains(told)), "{mode:?}: {alone:?}");
        for most in 1..4 {
            let query = ExtractQuery { latest: Some(most), ..ExtractQuery::new(&[mode]) };
            let latest = &alone[alone.len().saturating_sub(most)..];
            assert_eq!(outcomes(root, &query), latest, "{mode:?}, the latest {most}");
        }
    }
}

fn claude(lines: &[Value], expected: &[(&str, Option<&str>)]) {
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let folder = one_file(text.as_bytes());
    let path = folder.path().join("claude/projects");
    come(&TranscriptRoot { format: TranscriptFormat::ClaudeCode, path }, expected);
}

#[test]
fn a_result_says_what_came_of_its_call() {
    let refused = "The user doesn't want to proceed with this tool use. The tool use was rejected";
    let lines = [
        bash("ok"),
        result("ok", "a b", false),
        bash("bad"),
        result("bad", "Exit code 2", true),
        call("no", "NotebookEdit", &json!({ "notebook_path": "/n.ipynb", "new_source": "x" })),
        result("no", refused, true),
        bash("long"),
        result("long", "Command timed out after 2m", true),
        bash("off"),
        result("off", "[Request interrupted by user for tool use]", true),
        bash("unknown"),
    ];
    let expected = [
        ("ok", Some("succeeded")),
        ("bad", Some("failed")),
        ("no", Some("denied")),
        ("long", Some("timed_out")),
        ("off", Some("cancelled")),
        ("unknown", None),
    ];
    claude(&lines, &expected);
}

#[test]
fn results_may_come_in_another_order_and_behind_much_that_is_told_meanwhile() {
    let read = |id: &str| call(id, "Read", &json!({ "file_path": "/x" }));
    let long = "x".repeat(300_000);
    let lines = [
        bash("first"),
        bash("second"),
        read("third"),
        bash("never"),
        result("third", &long, false),
        result("second", "no", true),
        // Nobody told of such a call.
        result("other", "no", true),
        result("first", "yes", false),
        // The first is the one that counts.
        result("first", "no", true),
        read("fourth"),
        result("fourth", &long, false),
        bash("last"),
        result("last", "yes", false),
    ];
    let expected = [
        ("first", Some("succeeded")),
        ("second", Some("failed")),
        ("never", None),
        ("last", Some("succeeded")),
    ];
    claude(&lines, &expected);
}

#[test]
fn codexs_results_say_it_in_words_and_a_call_without_an_id_has_none() {
    let folder = tempfile::tempdir().unwrap();
    let line = |payload: Value| json!({ "timestamp": "2026-01-02T00:00:00Z", "type": "response_item", "payload": payload });
    let call = |id: &str| {
        let arguments = json!({ "cmd": "ls" }).to_string();
        line(
            json!({ "type": "function_call", "name": "exec_command", "arguments": arguments, "call_id": id }),
        )
    };
    let output = |id: &str, output: &str| {
        line(json!({ "type": "function_call_output", "call_id": id, "output": output }))
    };
    let lines = [
        json!({ "timestamp": "2026-01-02T00:00:00Z", "type": "session_meta", "payload": { "id": "c" } }),
        call("off"),
        output("off", "aborted by user after 1.2s"),
        call("no"),
        output("no", "exec command rejected by user"),
        call("bad"),
        output("bad", "Chunk ID: 1\nProcess exited with code 1\nOutput:\n"),
        call(""),
        output("", "aborted by user"),
        call("noted"),
        json!({ "timestamp": "2026-01-02T00:00:00Z", "type": "event_msg", "payload": {
            "type": "exec_command_end", "call_id": "noted", "exit_code": 3 } }),
        output("noted", "no"),
    ];
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    fs::write(folder.path().join("rollout-c.jsonl"), text).unwrap();
    let root = TranscriptRoot { format: TranscriptFormat::Codex, path: folder.path().into() };
    let expected = [
        ("off", Some("cancelled")),
        ("no", Some("denied")),
        ("bad", Some("failed")),
        ("", None),
        ("noted", Some("failed")),
    ];
    come(&root, &expected);
}

#[test]
fn a_tool_of_a_server_failed_where_codex_notes_it() {
    let folder = tempfile::tempdir().unwrap();
    let line = |kind: &str, payload: Value| json!({ "timestamp": "2026-01-02T00:00:00Z", "type": kind, "payload": payload });
    let lines = [
        line("session_meta", json!({ "id": "c" })),
        line(
            "response_item",
            json!({ "type": "function_call", "name": "mcp__git__log", "arguments": "{}", "call_id": "m" }),
        ),
        line(
            "event_msg",
            json!({ "type": "mcp_tool_call_end", "call_id": "m", "result": { "Err": "gone" } }),
        ),
        line(
            "response_item",
            json!({ "type": "function_call_output", "call_id": "m", "output": "err: gone" }),
        ),
        line(
            "response_item",
            json!({ "type": "function_call", "name": "mcp__git__log", "arguments": "{}", "call_id": "n" }),
        ),
        line(
            "event_msg",
            json!({ "type": "mcp_tool_call_end", "call_id": "n", "result": { "Ok": { "isError": false } } }),
        ),
        line(
            "response_item",
            json!({ "type": "function_call_output", "call_id": "n", "output": "fine" }),
        ),
    ];
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    fs::write(folder.path().join("rollout-c.jsonl"), text).unwrap();
    let root = TranscriptRoot { format: TranscriptFormat::Codex, path: folder.path().into() };
    for modes in [&[ExtractMode::ToolErrors][..], ExtractMode::ALL] {
        let (lines, _) = told_of(std::slice::from_ref(&root), &ExtractQuery::new(modes));
        let records = lines.iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let failed: Vec<_> = records.filter(|record| record["mode"] == "tool-errors").collect();
        assert_eq!(failed.len(), 1, "{failed:?}");
        assert_eq!(failed[0]["call_id"], "m");
    }
}

#[test]
fn gemini_clis_calls_have_their_results_beside_them() {
    let folder = tempfile::tempdir().unwrap();
    let chats = folder.path().join("p/chats");
    fs::create_dir_all(&chats).unwrap();
    let call = |id: &str, status: &str| {
        json!({ "id": id, "name": "write_file", "args": { "file_path": "b.py", "content": "x" },
            "status": status, "result": [] })
    };
    let lines = [
        json!({ "sessionId": "G", "projectHash": "p", "kind": "main" }),
        json!({ "id": "g1", "timestamp": "2026-01-02T00:00:00Z", "type": "gemini", "content": "",
            "toolCalls": [call("a", "cancelled"), call("b", "success"), call("c", "error")] }),
    ];
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    fs::write(chats.join("session-1.jsonl"), text).unwrap();
    let root = TranscriptRoot { format: TranscriptFormat::GeminiCli, path: folder.path().into() };
    let expected = [("a", Some("cancelled")), ("b", Some("succeeded")), ("c", Some("failed"))];
    come(&root, &expected);
}

#[test]
fn a_call_that_was_not_let_run_is_a_permission_that_was_refused() {
    let words = "The user doesn't want to proceed with this tool use. The tool use was rejected";
    let refused = |id: &str, tool: Option<&str>| json!({ "kind": "denied", "value": { "call_id": id, "tool": tool, "content": words } });
    let lines = [
        bash("no"),
        result("no", words, true),
        bash("bad"),
        result("bad", "Exit code 2", true),
        // What a tool gave back may say so as well.
        bash("ok"),
        result("ok", words, false),
        result("other", words, true),
    ];
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let folder = one_file(text.as_bytes());
    for modes in [&[ExtractMode::Permissions], ExtractMode::ALL] {
        let told = super::told(folder.path(), &ExtractQuery::new(modes));
        let told: Vec<_> = told.iter().filter(|it| it["mode"] == "permissions").collect();
        let expected = [refused("no", Some("Bash")), refused("other", None)];
        assert_eq!(told.len(), expected.len(), "{told:?}");
        for (told, expected) in told.iter().zip(expected) {
            assert_eq!((&told["kind"], &told["value"]), (&expected["kind"], &expected["value"]));
        }
    }
}

#[test]
fn a_result_that_is_torn_says_nothing_of_its_call() {
    let result = result("x", "done", false).to_string();
    for end in ["", "\n"] {
        let torn = &result[..result.len() - 2];
        let folder = one_file(format!("{}\n{torn}{end}", bash("x")).as_bytes());
        let path = folder.path().join("claude/projects");
        come(&TranscriptRoot { format: TranscriptFormat::ClaudeCode, path }, &[("x", None)]);
    }
}
