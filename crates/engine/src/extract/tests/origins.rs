//! Where files come from: the oldest, subagents' and forks.

use std::fs;

use serde_json::{Value, json};

use super::{ExtractMode, ExtractQuery, told};

/// What is told of a file of Codex.
fn of_codex(lines: &[Value], modes: &[ExtractMode]) -> Vec<Value> {
    let folder = tempfile::tempdir().unwrap();
    let sessions = folder.path().join("codex/sessions/2025/07/01");
    fs::create_dir_all(&sessions).unwrap();
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    fs::write(sessions.join("rollout-2025-07-01T10-00-00-T.jsonl"), text).unwrap();
    told(folder.path(), &ExtractQuery::new(modes))
}

/// A member of every record.
fn each<'r>(records: &'r [Value], name: &str) -> Vec<&'r Value> {
    records.iter().map(|record| &record[name]).collect()
}

#[test]
fn codexs_oldest_files_tell_their_session_and_what_it_was_told() {
    let lines = [
        json!({ "id": "S", "timestamp": "2025-07-01T10:00:00.000Z", "instructions": "be nice" }),
        json!({ "record_type": "state" }),
        json!({ "type": "message", "role": "user", "content": [{ "type": "input_text", "text": "hi" }] }),
    ];
    use ExtractMode as Mode;
    let records = of_codex(&lines, &[Mode::UserPrompts, Mode::SystemPrompts, Mode::Unknown]);
    assert_eq!(each(&records, "mode"), ["system-prompts", "user-prompts"]);
    assert_eq!(each(&records, "session_id"), ["S", "S"]);
    assert_eq!(records[0]["value"], "be nice");
}
