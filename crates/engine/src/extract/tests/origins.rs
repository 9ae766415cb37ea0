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

/// A line of Codex's, so many milliseconds after the first.
fn line(ms: u32, kind: &str, payload: &Value) -> Value {
    let at = format!("2025-07-01T10:{:02}:{:02}.{:03}Z", ms / 60_000, ms / 1_000 % 60, ms % 1_000);
    json!({ "timestamp": at, "type": kind, "payload": payload })
}

fn asked(ms: u32, text: &str) -> Value {
    let content = json!([{ "type": "input_text", "text": text }]);
    line(ms, "response_item", &json!({ "type": "message", "role": "user", "content": content }))
}

const OF_SUBAGENTS: [ExtractMode; 3] =
    [ExtractMode::UserPrompts, ExtractMode::MetaPrompts, ExtractMode::Lineage];

#[test]
fn a_subagent_of_codex_is_of_the_thread_that_began_it_and_its_task_is_no_question() {
    let spawned = json!({ "thread_spawn": { "parent_thread_id": "P", "depth": 1 } });
    for (source, parent, session) in [
        (json!({ "source": { "subagent": spawned } }), "P", "P"),
        (json!({ "source": "cli", "parent_thread_id": "P" }), "P", "P"),
        (json!({ "source": { "subagent": spawned }, "session_id": "R" }), "P", "R"),
        (json!({ "source": { "subagent": "review" } }), "T", "T"),
        (json!({ "source": { "subagent": { "other": 7 } } }), "T", "T"),
    ] {
        let mut meta = json!({ "id": "T" });
        meta.as_object_mut().unwrap().extend(source.as_object().unwrap().clone());
        // The task comes at once.
        let lines = [line(0, "session_meta", &meta), asked(2, "look there")];
        let records = of_codex(&lines, &OF_SUBAGENTS);
        assert_eq!(each(&records, "mode"), ["meta-prompts", "lineage"], "{source}");
        assert_eq!(each(&records, "session_id"), [session, session], "{source}");
        assert_eq!(each(&records, "agent_id"), ["T", "T"], "{source}");
        let [task, lineage] = records.as_slice() else { panic!("{records:?}") };
        assert_eq!((&task["kind"], &task["text"]), (&"task".into(), &"look there".into()));
        let said = (&lineage["kind"], &lineage["parent"]);
        assert_eq!(said, (&"subagent".into(), &parent.into()), "{source}");
    }
}

#[test]
fn what_a_subagent_was_given_of_its_parents_talk_is_not_told_again() {
    let meta = json!({ "id": "T", "source": { "subagent": { "thread_spawn": { "parent_thread_id": "P" } } } });
    let lines = [
        line(0, "session_meta", &meta),
        line(1, "session_meta", &json!({ "id": "P" })),
        asked(2, "what the person asked"),
        asked(5_000, "look there"),
    ];
    for latest in [None, Some(9)] {
        let folder = tempfile::tempdir().unwrap();
        let sessions = folder.path().join("codex/sessions");
        fs::create_dir_all(&sessions).unwrap();
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        fs::write(sessions.join("rollout-T.jsonl"), text).unwrap();
        let query = ExtractQuery { latest, ..ExtractQuery::new(&OF_SUBAGENTS[..2]) };
        let records = told(folder.path(), &query);
        assert_eq!(each(&records, "text"), ["look there"], "{latest:?}");
    }
}

#[test]
fn a_file_with_the_lines_of_subagents_among_its_own_is_the_sessions() {
    let side = |is_side: bool, kind: &str, text: &str| {
        json!({ "type": kind, "sessionId": "s", "isSidechain": is_side, "agentId": is_side.then_some("a"),
            "timestamp": "2026-01-02T00:00:00Z", "message": { "role": kind, "content": text } })
    };
    let own = [side(false, "user", "do it"), side(false, "assistant", "done")];
    let others = [side(true, "user", "sub do it"), side(true, "assistant", "sub done")];
    let both = [own.as_slice(), &others].concat();
    for (lines, kind, agent) in [(both.as_slice(), "root", None), (&others, "subagent", Some("a"))]
    {
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        let folder = super::one_file(text.as_bytes());
        let query = ExtractQuery::new(&[ExtractMode::Lineage, ExtractMode::Sessions]);
        let records = told(folder.path(), &query);
        let lineage = records.iter().find(|record| record["mode"] == "lineage").unwrap();
        assert_eq!(lineage["kind"], kind);
        assert_eq!(lineage["parent"], if agent.is_some() { json!("s") } else { Value::Null });
        let agents: Vec<_> = records.iter().map(|record| record["agent_id"].as_str()).collect();
        assert_eq!(agents, [agent, agent], "{kind}");
    }
}
