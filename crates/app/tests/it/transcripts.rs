//! Transcripts through the whole program: brought in without a server and with one, and followed.

use std::fs::{self, OpenOptions};
use std::io::Write as _;

use langley_testkit::{CorpusOptions, write_corpus};
use serde_json::{Value, json};

use crate::stage::{Provider, Stage, wait};

fn line(number: u32, text: &str) -> String {
    let line = json!({
        "type": "user", "uuid": format!("u{number}"), "sessionId": "s-t", "cwd": "/home/dev/shop",
        "timestamp": "2025-09-01T10:00:00.000Z", "message": { "role": "user", "content": text },
    });
    format!("{line}\n")
}

/// What `langley import` says as JSON.
fn import(stage: &Stage, args: &[&str]) -> Value {
    let (code, out, err) = stage.run(&[&["import", "--json"], args].concat());
    assert_eq!(code, 0, "{err}");
    serde_json::from_str(&out).unwrap()
}

#[test]
fn a_corpus_is_brought_in_once_without_a_server_and_with_one() {
    let mut stage = Stage::new();
    let agent = stage.path("agent");
    let options = CorpusOptions { sessions: 8, bytes: 2 << 20, seed: 12, is_hard: false };
    let made = write_corpus(&agent, options).unwrap();
    stage.set("CLAUDE_CONFIG_DIR", agent.to_str().unwrap());
    let done = import(&stage, &[]);
    assert_eq!(done["files"], made.files);
    assert_eq!((&done["lines"], &done["unreadable"]), (&json!(made.lines), &json!(0)));
    assert_eq!(done["responses"], made.responses);
    assert_eq!(import(&stage, &[])["lines"], 0);
    // With no flow recorded, costs are still those of the files.
    let (code, out, err) = stage.run(&["cost", "--json"]);
    assert!(code == 0 && out.contains("\"source\": \"transcripts\""), "{out}{err}");

    let server = stage.server();
    let done = import(&stage, &[]);
    assert_eq!((&done["files"], &done["lines"]), (&json!(made.files), &json!(0)));
    let single = stage.path("single.jsonl");
    fs::write(&single, line(1, "one more")).unwrap();
    assert_eq!(import(&stage, &[single.to_str().unwrap()])["lines"], 1);
    let (code, _, err) = stage.run(&["import", "nowhere.jsonl"]);
    assert!(code == 1 && err.contains("nowhere.jsonl cannot be brought in"), "{err}");
    let stats = stage.api("/api/stats");
    assert_eq!(stats["transcripts"]["lines"], made.lines + 1);
    let (code, out, _) = stage.run(&["audit", "redaction"]);
    assert_eq!(code, 0, "{out}");
    drop(server);
}

#[test]
fn files_are_followed_while_a_server_runs_and_what_they_said_outlives_them() {
    let mut stage = Stage::new();
    let folder = stage.path("elsewhere/deep");
    fs::create_dir_all(&folder).unwrap();
    stage.set("LANGLEY_TRANSCRIPTS__ROOTS", stage.path("elsewhere").to_str().unwrap());
    let server = stage.server();
    let path = folder.join("s-t.jsonl");
    let lines = |count: u64| {
        wait(|| stage.api("/api/stats")["transcripts"]["lines"] == count);
    };
    fs::write(&path, line(1, "first")).unwrap();
    lines(1);
    let mut file = OpenOptions::new().append(true).open(&path).unwrap();
    file.write_all((line(2, "second") + &line(3, "third")).as_bytes()).unwrap();
    lines(3);
    fs::rename(&path, folder.join("another.jsonl")).unwrap();
    fs::remove_file(folder.join("another.jsonl")).unwrap();
    wait(|| stage.api("/api/stats")["transcripts"]["deleted"] == 1);
    let stats = stage.api("/api/stats");
    assert_eq!(
        (&stats["transcripts"]["lines"], &stats["transcripts"]["files"]),
        (&json!(3), &json!(0))
    );
    assert_eq!(stats["transcripts"]["following"], true);
    drop(server);

    // Switched off, nothing is brought in by itself, and all that is asked for.
    stage.set("LANGLEY_TRANSCRIPTS__ENABLED", "false");
    fs::write(&path, line(4, "fourth")).unwrap();
    let server = stage.server();
    assert_eq!(stage.api("/api/stats")["transcripts"]["following"], false);
    assert_eq!(import(&stage, &[])["lines"], 1);
    drop(server);
}

#[test]
fn nobodys_transcripts_are_told_where_there_are_none() {
    let stage = Stage::new();
    let (code, _, err) = stage.run(&["import"]);
    assert!(code == 1 && err.contains("no agent has left a transcript"), "{err}");
    // Neither is one in what somebody names.
    let (notes, empty) = (stage.path("notes.txt"), stage.path("empty"));
    fs::write(&notes, "buy milk\n").unwrap();
    fs::create_dir(&empty).unwrap();
    for (path, warning) in
        [(&notes, "none of its first 50 lines is one that Claude Code"), (&empty, "")]
    {
        let (code, out, err) = stage.run(&["import", path.to_str().unwrap()]);
        assert!(code == 1 && err.contains(warning), "{err}");
        assert!(err.contains("no transcript is in DIR/") && err.contains("next: "), "{err}");
        assert!(
            out.contains("1 files and folders could not be read") || warning.is_empty(),
            "{out}"
        );
    }
    assert!(!stage.home().exists(), "nothing is made for nothing");
}

#[test]
fn what_passed_and_what_the_agent_wrote_of_it_are_joined_and_told_as_a_conversation() {
    let provider = Provider::start();
    let mut stage = Stage::with_provider(&provider);
    let folder = stage.path("elsewhere");
    fs::create_dir_all(&folder).unwrap();
    stage.set("LANGLEY_TRANSCRIPTS__ROOTS", folder.to_str().unwrap());
    let server = stage.server();
    let body = json!({ "model": "claude-opus-5-5", "max_tokens": 64, "stream": true,
        "messages": [{ "role": "user", "content": "fix it" }] });
    for _ in 0..2 {
        let headers = ["x-claude-code-session-id: s-t", "x-fixture: script=chat"];
        stage.curl("https://api.anthropic.com/v1/messages", &headers, &body);
    }
    let flows = stage.ended_flows(2);
    let (_, before) = (stage.run(&["ledger"]), stage.api("/api/sessions/s-t/ledger"));
    assert_eq!(before["gaps"][0]["reason"], "no_transcript");
    let answer = |flow: &Value| {
        let usage = &flow["usage"];
        let line = json!({
            "type": "assistant", "uuid": flow["id"], "sessionId": "s-t", "requestId": flow["provider_request_id"],
            "timestamp": flow["ended_at"], "message": { "id": flow["message_id"], "model": flow["model"],
                "content": [{ "type": "text", "text": "done" }],
                "usage": { "input_tokens": usage["input"], "output_tokens": usage["output"],
                    "cache_read_input_tokens": usage["cache_read"] } },
        });
        format!("{line}\n")
    };
    let text = [line(1, "fix it"), answer(&flows[1]), answer(&flows[0])].concat();
    fs::write(folder.join("s-t.jsonl"), text).unwrap();
    assert_eq!(import(&stage, &[])["lines"], 3);
    let ledger = stage.api("/api/sessions/s-t/ledger");
    assert_eq!((&ledger["joined"], &ledger["differing"]), (&json!(2), &json!(0)), "{ledger}");
    assert_eq!(ledger["gaps"], json!([]));
    let (code, out, err) = stage.run(&["ledger", "s-t"]);
    assert!(code == 0 && out.contains("joined      2 responses, 0 differ"), "{out}{err}");
    let (code, out, _) = stage.run(&["ledger"]);
    assert!(code == 0 && out.lines().count() == 2 && out.contains("none"), "{out}");
    let (code, out, _) = stage.run(&["conversations", "--search", "FIX"]);
    assert!(code == 0 && out.contains("s-t") && out.contains("/home/dev/shop"), "{out}");
    let (code, out, _) = stage.run(&["conversations", "s-t"]);
    assert!(code == 0 && out.contains("prompt") && out.contains("done"), "{out}");
    let (code, out, _) = stage.run(&["conversations", "s-t", "--json", "--content"]);
    let told: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &told["items"][0]["content"]["message"]["content"]), (0, &json!("fix it")));
    let (code, _, err) = stage.run(&["conversations", "nobody"]);
    assert!(code == 1 && err.contains("no transcript tells of a session nobody"), "{err}");
    let (code, out, _) = stage.run(&["conversations", "--project", "shop"]);
    assert!(code == 0 && out.contains("s-t"), "{out}");
    let (code, _, err) = stage.run(&["conversations", "--agent", "foo"]);
    assert!(code == 2 && err.contains("no files of `foo` are known"), "{err}");
    for what in ["lane", "branch"] {
        let (code, _, err) = stage.run(&["conversations", "s-t", &format!("--{what}"), "99"]);
        assert!(code == 1 && err.contains(&format!("has no {what} 99")), "{err}");
        assert!(err.contains(&format!("the last is {what} 0")), "{err}");
    }
    // In pages.
    let (_, out, _) = stage.run(&["conversations", "s-t", "--limit", "2"]);
    let cursor = out.split("--cursor ").nth(1).unwrap().trim();
    let (code, out, _) = stage.run(&["conversations", "s-t", "--cursor", cursor]);
    assert!(code == 0 && out.lines().count() == 2 && out.contains("done"), "{out}");
    let (code, _, err) = stage.run(&["conversations", "s-t", "--cursor", "x"]);
    assert!(code == 2 && err.contains("no place in a conversation"), "{err}");

    // What a subagent's transcript has beside it.
    let subagents = folder.join("s-t/subagents");
    fs::create_dir_all(&subagents).unwrap();
    let asked = json!({ "type": "user", "uuid": "a1-1", "sessionId": "s-t", "agentId": "a1", "isSidechain": true,
        "timestamp": "2025-09-01T10:00:01.000Z", "message": { "role": "user", "content": "look around" } });
    fs::write(subagents.join("agent-a1.jsonl"), format!("{asked}\n")).unwrap();
    let key = format!("sk-ant-api03-{}", "a".repeat(40));
    let note = json!({ "agentType": "Explore", "description": format!("Use {key}") }).to_string();
    fs::write(subagents.join("agent-a1.meta.json"), note).unwrap();
    assert_eq!(import(&stage, &[])["lines"], 1);
    let (_, out, err) = stage.run(&["conversations", "s-t", "--json"]);
    let told: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(told["lanes"][1]["agent_type"], "Explore", "{out}{err}");
    assert!(out.contains("Use [redacted") && !out.contains(&key), "{out}");

    // Deleted, through the server.
    let (code, _, err) = stage.run(&["conversations", "nobody", "--delete"]);
    assert!(code == 1 && err.contains("No transcript tells of a session nobody"), "{err}");
    let (code, out, err) = stage.run(&["conversations", "s-t", "--delete"]);
    assert!(code == 0 && out.starts_with("4 lines and 2 responses are gone"), "{out}{err}");
    assert!(out.contains("s-t.jsonl") && out.contains("import --again"), "{out}");
    assert_eq!(import(&stage, &[])["lines"], 0);
    let (code, _, err) = stage.run(&["conversations", "s-t"]);
    assert!(code == 1 && err.contains("the conversation s-t was deleted"), "{err}");
    assert_eq!(stage.api("/api/sessions/s-t/ledger")["gaps"][0]["reason"], "no_transcript");
    assert_eq!(stage.ended_flows(2).len(), 2, "the flows stay");
    assert_eq!(import(&stage, &["--again"])["lines"], 4);
    drop(server);

    // And without one.
    let (code, out, err) = stage.run(&["conversations", "s-t", "--delete", "--json"]);
    let deleted: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (code, &deleted["lines"], &deleted["responses"]),
        (0, &json!(4), &json!(2)),
        "{err}"
    );
    let (code, _, err) = stage.run(&["conversations", "s-t", "--delete"]);
    assert!(code == 1 && err.contains("the conversation s-t was deleted"), "{err}");
    assert_eq!(import(&stage, &[])["lines"], 0);
    assert_eq!(import(&stage, &["--again"])["lines"], 4);
}

#[test]
fn what_is_gone_or_not_there_is_said_and_quiet_is_quiet() {
    let mut stage = Stage::new();
    let folder = stage.path("elsewhere");
    fs::create_dir_all(&folder).unwrap();
    stage.set("LANGLEY_TRANSCRIPTS__ROOTS", folder.to_str().unwrap());
    fs::write(folder.join("s-t.jsonl"), line(1, "hi") + "no JSON\n").unwrap();
    assert_eq!(import(&stage, &[])["lines"], 2);
    let (code, _, _) = stage.run(&["conversations", "s-t", "--delete"]);
    assert_eq!(code, 0);
    let (code, _, err) = stage.run(&["ledger", "s-t"]);
    assert!(code == 1 && err.contains("the conversation s-t was deleted"), "{err}");

    let (_, _, err) = stage.run(&["extract", "user-prompts"]);
    assert!(err.contains("warning: 1 lines are no JSON") && !err.contains("matched"), "{err}");
    assert!(err.contains("DIR/elsewhere/s-t.jsonl"), "it says of which file: {err}");
    for (asked, modes) in [("--session", "user-prompts"), ("--project", "requests,sessions")] {
        let (code, _, err) = stage.run(&["extract", modes, asked, "NOPE"]);
        assert!(code == 1 && err.contains(&format!("nothing matched {asked} NOPE")), "{err}");
        assert!(err.contains("why: ") && err.contains("next: "), "{err}");
    }
    // Of a time in which nothing was said nothing is told, and that is said.
    let (code, out, err) = stage.run(&["extract", "user-prompts", "--until", "2020-01-01"]);
    assert!(
        code == 0 && out.is_empty() && err.contains("nothing of that is in 1 file of that time"),
        "{err}"
    );
    let (_, _, err) = stage.run(&["-q", "extract", "user-prompts", "--until", "2020-01-01"]);
    assert_eq!(err, "");
    let out_dir = stage.path("told");
    for replaced in ["", " (1 file replaced)"] {
        let (_, _, err) = stage.run(&["extract", "usage", "--out-dir", out_dir.to_str().unwrap()]);
        assert!(err.contains(&format!("records in DIR/told{replaced}\n")), "{err}");
    }
    // As much of an id as no other has is enough, and of several it is said which.
    let other = line(2, "ho").replace("s-t", "s-u");
    fs::write(folder.join("s-u.jsonl"), other).unwrap();
    let (code, out, _) = stage.run(&["extract", "user-prompts", "--session", "s-u"]);
    assert!(code == 0 && out.lines().count() == 1, "{out}");
    let (code, _, err) = stage.run(&["extract", "user-prompts", "--session", "s-"]);
    assert!(
        code == 1 && err.contains("several sessions begin with s-") && err.contains("s-t, s-u"),
        "{err}"
    );
    assert_eq!(import(&stage, &[])["lines"], 1);
    let (code, out, err) = stage.run(&["conversations", "s-"]);
    assert!(code == 0 && out.contains("ho"), "the other one was deleted: {err}");
    let (code, _, err) = stage.run(&["ledger", "s-"]);
    assert!(code == 0, "{err}");
    // There is a session of that name, and nothing of it is asked for.
    let (code, out, err) = stage.run(&["extract", "web", "--session", "s-t"]);
    assert!(code == 0 && out.is_empty() && err.contains("in what was asked for"), "{err}");
    let file = folder.join("s-t.jsonl");
    for wrong in [
        &["extract", "usage", "--agent", "cursor"][..],
        &["extract", "usage", "--out-dir", file.to_str().unwrap()],
        &["cost", "--from", "transcripts", "--by", "host"],
        &["import", "/nonexist"],
    ] {
        let (code, _, err) = stage.run(wrong);
        assert!(code != 0 && err.contains("next: "), "{wrong:?}: {err}");
    }
}
