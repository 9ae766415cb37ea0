//! Money, end to end: an agent's request through the real binary to `langley cost`.

use std::io::Write;
use std::process::Stdio;

use langley_testkit::{CorpusOptions, CorpusTokens, write_corpus};
use serde_json::{Value, json};

use crate::keeping::sqlite;
use crate::stage::{Provider, Stage};

const QUESTION: &str = "https://api.anthropic.com/v1/messages";

fn ask(stage: &Stage, model: &str) {
    let body = json!({ "model": model, "max_tokens": 9, "stream": true, "messages": [
        { "role": "user", "content": "hello" },
    ]});
    let body = body.to_string();
    let args = [
        "run",
        "--",
        "sh",
        "-c",
        // As Claude Code sends them.
        "exec curl -H \"$ANTHROPIC_CUSTOM_HEADERS\" \"$@\"",
        "sh",
        "-sS",
        "--max-time",
        "20",
        "-H",
        "content-type: application/json",
        "-H",
        "x-fixture: script=chat",
        "-H",
        "x-langley-session: s-1",
        "-d",
        &body,
        QUESTION,
    ];
    let (code, _, err) = stage.run(&args);
    assert_eq!(code, 0, "{err}");
}

/// The cost of a flow by the prices of Claude Opus 5.5, from its own usage.
fn by_hand(flow: &Value) -> i64 {
    let of = |class: &str| flow["usage"][class].as_i64().unwrap_or(0);
    // Tenths of a millionth of a dollar: no price has more decimals.
    let exact = of("input") * 40
        + of("cache_read") * 2
        + of("cache_write_5m") * 50
        + of("cache_write_1h") * 80
        + of("output") * 200;
    let is_up = exact % 10 > 5 || (exact % 10 == 5 && exact / 10 % 2 == 1);
    exact / 10 + i64::from(is_up)
}

#[test]
fn what_an_agent_used_is_priced_from_the_socket_to_the_command_line() {
    let provider = Provider::start();
    let stage = Stage::with_provider(&provider);
    ask(&stage, "claude-opus-5-5");
    ask(&stage, "claude-unheard-of");
    let flows = stage.ended_flows(2);
    let of = |model: &str| flows.iter().find(|flow| flow["model"] == model).unwrap().clone();
    let (priced, unknown) = (of("claude-opus-5-5"), of("claude-unheard-of"));
    let cost = by_hand(&priced);
    assert!(cost > 0);
    assert_eq!(priced["cost"], json!({ "micro_usd": cost }));
    assert_eq!(
        (&priced["cost_source"], &priced["price"]["input"]),
        (&json!("priced"), &json!("4"))
    );
    assert_eq!((&unknown["cost"], &unknown["cost_source"]), (&Value::Null, &Value::Null));
    let project = priced["project"].as_str().unwrap();
    assert!(stage.path("a").starts_with(project), "{project}");
    assert_eq!(priced["project_source"], "header:x-langley-project");

    let json = |args: &[&str]| {
        let (code, out, err) = stage.run(args);
        assert_eq!(code, 0, "{err}");
        serde_json::from_str::<Value>(&out).unwrap()
    };
    let told = json(&["cost", "--json"]);
    assert_eq!(told["totals"]["cost"], json!({ "micro_usd": cost }));
    assert_eq!(told["unpriced"][0]["model"], "claude-unheard-of");
    let (_, out, _) = stage.run(&["cost"]);
    let amount = format!("$0.{cost:06}");
    let amount = amount.trim_end_matches('0');
    assert!(out.contains(amount), "{amount} is not in {out}");
    assert!(out.contains("Not priced") && out.contains("claude-unheard-of"), "{out}");
    for by in ["day", "session", "class", "provider,host", "subagent", "project"] {
        let (code, out, err) = stage.run(&["cost", "--by", by]);
        assert_eq!(code, 0, "{err}");
        assert!(out.contains(amount), "{by}: {out}");
    }
    for listed in ["flows", "sessions", "cost"] {
        let of = |project: &str| stage.run(&[listed, "--project", project]).1;
        assert!(of(project).contains(amount) && !of("/elsewhere").contains(amount), "{listed}");
    }
    let exported = |flag: &str, of: &str| stage.run(&["export", "flows", flag, of]).1;
    let session = priced["session_id"].as_str().unwrap();
    for (flag, of) in [("--project", project), ("--session", session)] {
        assert!(exported(flag, of).contains(priced["id"].as_str().unwrap()), "{flag}");
        assert_eq!(exported(flag, "/elsewhere"), "", "{flag}");
    }
    let (_, out, _) = stage.run(&["cost", "--by", "tool"]);
    assert!(out.contains("CALLED") || out.contains("no calls of tools"), "{out}");
    let (code, _, err) = stage.run(&["cost", "--by", "week"]);
    assert!(code == 2 && err.contains("`week` cannot be grouped by"), "{err}");
    let blocks = json(&["cost", "blocks", "--json"]);
    assert_eq!(blocks["items"][0]["cost"], json!({ "micro_usd": cost }));
    let (_, out, _) = stage.run(&["flows"]);
    assert!(out.contains(amount), "{out}");

    // A price of one's own, for what is stored: by the server first, which has none, then without it.
    let trial = json(&["cost", "reprice", "--dry-run", "--json"]);
    assert_eq!((&trial["flows"], &trial["changed"]), (&json!(2), &json!(0)));
    stage.stop();
    let own = "pricing:\n  overrides:\n    - model_pattern: unheard\n      output_per_1k: 1\n      input: 0\n      cache_read: 0\n      cache_write_5m: 0\n      cache_write_1h: 0\n";
    std::fs::write(stage.home().join("langley.config.yaml"), own).unwrap();
    let done = json(&["cost", "reprice", "--json"]);
    assert_eq!(
        (&done["changed"], &done["priced"], &done["book"]),
        (&json!(1), &json!(1), &json!("2026-11-21+"))
    );
    let output = unknown["usage"]["output"].as_i64().unwrap();
    assert_eq!(done["after"], json!({ "micro_usd": output * 1_000 }));
    let history = json(&["cost", "reprice", "--history", "--json"]);
    assert_eq!(
        (&history["items"][0]["changed"], &history["items"][0]["finished"]),
        (&json!(1), &json!(true))
    );
    assert_eq!(json(&["cost", "--json"])["unpriced"], json!([]));

    std::fs::write(
        stage.home().join("langley.config.yaml"),
        "pricing:\n  overrides:\n    - model_pattern: x\n      inptu: 1\n",
    )
    .unwrap();
    let (code, _, err) = stage.run(&["config", "check"]);
    assert_eq!(code, 2);
    assert!(err.contains("langley.config.yaml:2: `pricing.overrides`: entry 1: `inptu`"), "{err}");
}

/// The line that is shown for what Claude Code says.
fn status_line(stage: &Stage, said: &str) -> String {
    let mut command = stage.langley(&["statusline"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(said.as_bytes()).unwrap();
    let done = child.wait_with_output().unwrap();
    assert!(done.status.success(), "a status line must not fail");
    let text = String::from_utf8(done.stdout).unwrap();
    assert_eq!(text.lines().count(), 1, "{text}");
    text.trim_end().to_owned()
}

#[test]
fn the_status_line_tells_of_its_session_and_never_fails() {
    let provider = Provider::start();
    let stage = Stage::with_provider(&provider);
    assert_eq!(status_line(&stage, "{"), "langley: nothing recorded yet");
    ask(&stage, "claude-opus-5-5");
    let flow = stage.ended_flows(1).remove(0);
    let cost = flow["cost"]["micro_usd"].as_i64().unwrap();
    // 1.2519 cents, as the other test calculates it.
    assert_eq!((cost, cost), (by_hand(&flow), 12_519));
    let told = status_line(&stage, r#"{"session_id":"s-1","model":{"id":"m"},"cost":{}}"#);
    assert!(told.starts_with("$0.01 session · $0.01 today · context "), "{told}");
    // The agent knows better, where it says.
    for (window, known) in [
        (r#"{"used_percentage":41.6}"#, true),
        (r#"{"used_percentage":null}"#, false),
        ("7", false),
    ] {
        let said = format!(r#"{{"session_id":"s-1","context_window":{window}}}"#);
        let told = status_line(&stage, &said);
        assert_eq!(told.contains("today · context 42 %"), known, "{window}: {told}");
        assert!(told.contains(" · context "), "{window}: {told}");
    }
    // Another session, and no JSON at all.
    for said in [r#"{"session_id":"s-2"}"#, "no json", ""] {
        assert_eq!(status_line(&stage, said), "$0.01 today");
    }
    let (_, out, _) = stage.run(&["cost", "limits"]);
    assert!(out.contains("3999  4000") && out.contains("requests"), "{out}");
    // As a flow of Claude's plan has it: one window that goes on, and one that is over.
    stage.stop();
    let limits =
        r#"[["unified-5h",null,null,9999999999999999,432],["unified-7d",null,null,7,900]]"#;
    let said = format!("UPDATE flows SET rate_limits = '{limits}'");
    sqlite(&stage.home().join("langley.db"), &said);
    assert_eq!(status_line(&stage, ""), "$0.01 today · 5h 43 %");
    sqlite(&stage.home().join("langley.db"), "UPDATE rollups_hourly SET unpriced = 1");
    assert_eq!(status_line(&stage, ""), "$0.01+? today · 5h 43 %");
    let (code, out, err) = stage.run(&["cost", "limits"]);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("43.2 %") && out.contains("unified-5h"), "{out}");
    assert!(out.contains("90.0 %") && out.contains("since then"), "{out}");
    let (_, out, _) = stage.run(&["cost", "limits", "--json"]);
    let told: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (&told["items"][0]["used_percent"], &told["items"][1]["over"]),
        (&json!(43.2), &json!(true))
    );
}

#[test]
fn where_the_time_went_and_how_agents_worked_is_told_from_the_socket_to_the_command_line() {
    let provider = Provider::start();
    let stage = Stage::with_provider(&provider);
    ask(&stage, "claude-opus-5-5");
    let flow = stage.ended_flows(1).remove(0);
    let at = |name: &str| flow[name].as_f64().unwrap();
    assert!(at("ttfb_ms") <= at("ttft_ms") && at("ttft_ms") <= at("ttlt_ms"), "{flow}");
    assert!(at("ttlt_ms") <= at("duration_ms") && at("longest_stall_ms") <= at("duration_ms"));
    assert!(at("connect_ms") > 0.0 && at("tls_ms") > 0.0, "each call is a connection of its own");

    let json = |args: &[&str]| {
        let (code, out, err) = stage.run(args);
        assert_eq!(code, 0, "{err}");
        serde_json::from_str::<Value>(&out).unwrap()
    };
    let told = json(&["analytics", "latency", "--json"]);
    let item = &told["items"][0];
    assert_eq!((&item["model"], &item["flows"]), (&json!("claude-opus-5-5"), &json!(1)));
    for figure in ["connect", "tls", "ttfb", "ttft", "ttlt", "longest_stall", "duration"] {
        assert_eq!(item[figure]["flows"], 1, "{figure}: {item}");
    }
    let turns = json(&["analytics", "turns", "--json"]);
    assert_eq!(
        (&turns["items"][0]["session_id"], &turns["totals"]["turns"]),
        (&json!("s-1"), &json!(1))
    );
    let tokens = json(&["analytics", "efficiency", "--by", "model", "--json"]);
    assert_eq!(tokens["items"][0]["model"], "claude-opus-5-5");
    assert_eq!(tokens["totals"]["tokens"]["output"], flow["usage"]["output"]);

    for (args, word) in [
        (["latency", "--by", "hour,model"], "claude-opus-5-5"),
        (["turns", "--by", "session"], "s-1"),
        (["efficiency", "--by", "session"], "s-1"),
    ] {
        let (code, out, err) = stage.run(&[&["analytics"], &args[..]].concat());
        assert_eq!(code, 0, "{err}");
        assert!(out.contains(word), "{args:?}: {out}");
    }
    for what in ["latency", "turns"] {
        let (code, _, err) = stage.run(&["analytics", what, "--by", "week"]);
        assert!(code == 2 && err.contains("`week` cannot be grouped by"), "{err}");
    }
}

/// A line of Claude Code's, an answer of 10 tokens in and `output` out.
fn transcript_line(id: u32, output: u32) -> String {
    let line = json!({
        "type": "assistant", "sessionId": "s-t", "cwd": "/home/dev/shop", "requestId": format!("req_{id}"),
        "timestamp": "2025-09-01T10:00:00.000Z",
        "message": { "id": format!("msg_{id}"), "model": "claude-sonnet-4-20250514", "content": [],
            "usage": { "input_tokens": 10, "output_tokens": output } },
    });
    format!("{line}\n")
}

#[test]
fn what_agents_wrote_themselves_is_told_without_a_record_and_beside_one() {
    let provider = Provider::start();
    let stage = Stage::with_provider(&provider);
    let agent = stage.home().with_file_name("agent");
    let projects = agent.join("projects/-home-dev-shop");
    std::fs::create_dir_all(&projects).unwrap();
    std::fs::create_dir_all(stage.home()).unwrap();
    let text = [transcript_line(1, 4), transcript_line(1, 20), transcript_line(2, 30)].concat();
    std::fs::write(projects.join("s-t.jsonl"), text).unwrap();
    let elsewhere = stage.home().with_file_name("nowhere");
    let run = |args: &[&str], folder: &std::path::Path| {
        let mut command = stage.langley(args);
        command
            .env("CLAUDE_CONFIG_DIR", folder)
            .env("CODEX_HOME", &elsewhere)
            .env("HOME", &elsewhere);
        stage.shown(&command.output().unwrap())
    };
    // Twice: from the files, and from what was kept of them. 20 tokens at 3 dollars a million, 50 at 15.
    for _ in 0..2 {
        let (code, out, err) = run(&["cost", "--by", "project,model", "--json"], &agent);
        assert_eq!(code, 0, "{err}");
        let told: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(told["source"], "transcripts");
        assert_eq!(told["totals"]["cost"], json!({ "micro_usd": 20 * 3 + 50 * 15 }));
        let item = &told["items"][0];
        assert_eq!((&item["project"], &item["flows"]), (&json!("/home/dev/shop"), &json!(2)));
        assert_eq!(told["read"]["files"], 1);
    }
    let (code, out, _) = run(&["cost", "--by", "session"], &agent);
    assert!(code == 0 && out.contains("$0.00081") && out.contains("s-t"), "{out}");
    let (code, out, _) = run(&["cost", "blocks", "--since", "2025-08-01"], &agent);
    assert!(code == 0 && out.contains("$0.00081"), "{out}");
    let (code, _, err) = run(&["cost", "--by", "host"], &agent);
    assert!(code == 2 && err.contains("transcripts cannot be grouped by `host`"), "{err}");
    let (code, _, err) = run(&["cost"], &elsewhere);
    assert!(code == 1 && err.contains("no agent has left a transcript"), "{err}");
    assert!(err.contains("CLAUDE_CONFIG_DIR"), "{err}");

    // Once something is recorded, that is what is told, and transcripts where they are asked for.
    ask(&stage, "claude-opus-5-5");
    let (_, out, _) = run(&["cost"], &agent);
    assert!(out.contains("claude-opus-5-5") && !out.contains("sonnet"), "{out}");
    let (_, out, _) = run(&["cost", "--from", "transcripts"], &agent);
    assert!(out.contains("sonnet") && !out.contains("opus"), "{out}");
}

#[test]
fn a_corpus_comes_to_what_it_was_made_of_at_the_first_reading_and_at_the_second() {
    let stage = Stage::new();
    let agent = stage.home().with_file_name("agent");
    std::fs::create_dir_all(stage.home()).unwrap();
    let options = CorpusOptions { sessions: 16, bytes: 6 << 20, seed: 11, is_hard: true };
    let made = write_corpus(&agent, options).unwrap();
    for _ in 0..2 {
        let mut command =
            stage.langley(&["cost", "--by", "day,model", "--limit", "1000", "--json"]);
        command.env("CLAUDE_CONFIG_DIR", &agent).env("CODEX_HOME", &agent).env("TZ", "UTC");
        let (code, out, err) = stage.shown(&command.output().unwrap());
        assert!(code == 0 && err.is_empty(), "{err}");
        let told: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(told["read"]["files"], made.files);
        assert_eq!(told["totals"]["flows"], made.responses);
        let items = told["items"].as_array().unwrap();
        assert_eq!(items.len(), made.used.len());
        for item in items {
            let name = |key: &str| item[key].as_str().unwrap_or_default().to_owned();
            let of = |class: &str| item["usage"][class].as_u64().unwrap_or(0);
            let used: CorpusTokens = ["input", "cache_read", "cache_write_5m", "output"].map(of);
            assert_eq!(made.used.get(&(name("day"), name("model"))), Some(&used), "{item}");
        }
    }
}

#[test]
fn every_mode_goes_to_a_file_of_its_own_and_usage_is_that_of_the_corpus() {
    let stage = Stage::new();
    std::fs::create_dir_all(stage.home()).unwrap();
    let agent = stage.home().with_file_name("agent");
    let options = CorpusOptions { sessions: 10, bytes: 2 << 20, seed: 12, is_hard: false };
    let made = write_corpus(&agent, options).unwrap();
    let folder = stage.home().with_file_name("out");
    let extract = |args: &[&str]| {
        let mut command = stage.langley(&[&["extract"], args].concat());
        command.env("CLAUDE_CONFIG_DIR", &agent).env("CODEX_HOME", &agent);
        let done = command.output().unwrap();
        let said = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (done.status.code().unwrap(), said(done.stdout), said(done.stderr))
    };
    let (code, _, err) = extract(&["all", "--out-dir", folder.to_str().unwrap()]);
    assert_eq!(code, 0, "{err}");
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 39);
    let usage = std::fs::read_to_string(folder.join("usage.ndjson")).unwrap();
    let used: Vec<Value> = usage.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(used.len() as u64, made.responses);
    for (place, class) in ["input", "cache_read", "cache_write_5m", "output"].iter().enumerate() {
        let told: u64 = used.iter().filter_map(|record| record[class].as_u64()).sum();
        assert_eq!(told, made.used.values().map(|tokens| tokens[place]).sum::<u64>(), "{class}");
    }
    // With what is remembered of all files, and without.
    let blocks = std::fs::read_to_string(folder.join("blocks.ndjson")).unwrap();
    assert!(stage.home().join("transcripts.cache").is_file() && !blocks.is_empty());
    assert_eq!(extract(&["blocks"]).1, blocks);
    let (_, of_one, _) = extract(&["blocks", "--agent", "claude-code"]);
    assert!(of_one.lines().eq(blocks.lines().filter(|it| it.contains("claude-code"))), "{of_one}");
    let (_, out, _) = extract(&["usage"]);
    assert!(out == usage, "one mode alone tells what it tells among all");
    let (_, out, _) = extract(&["user-prompts", "-n", "5"]);
    let prompts = std::fs::read_to_string(folder.join("user-prompts.ndjson")).unwrap();
    assert!(out.lines().count() == 5 && out.lines().all(|line| prompts.contains(line)), "{out}");
    let (code, _, err) = extract(&["prompts"]);
    assert!(code == 2 && err.contains("user-prompts"), "{err}");
}
