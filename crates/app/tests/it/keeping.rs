//! The database of a whole program stays bounded, and what cannot be used is refused with nothing lost.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::stage::{Provider, Stage, wait};

fn record(stage: &Stage) {
    let question = json!({
        "model": "claude-opus-5-5", "max_tokens": 100, "stream": true,
        "messages": [{"role": "user", "content": "hello"}],
    });
    stage.curl("https://api.anthropic.com/v1/messages", &["x-api-key: k"], &question);
}

pub(crate) fn sqlite(database: &Path, sql: &str) -> String {
    let output = Command::new("sqlite3").arg(database).arg(sql).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn run_json(stage: &Stage, args: &[&str]) -> Value {
    let (code, out, err) = stage.run(args);
    assert_eq!(code, 0, "{args:?}: {err}");
    serde_json::from_str(&out).unwrap()
}

#[test]
fn flows_older_than_retention_go_at_the_start_and_the_run_is_told() {
    let provider = Provider::start();
    let stage = Stage::with_provider(&provider);
    record(&stage);
    record(&stage);
    stage.ended_flows(2);
    stage.stop();
    // As if the first had been recorded forty days ago.
    let database = stage.home().join("langley.db");
    let age = 40_i64 * 24 * 60 * 60 * 1_000_000;
    let first = sqlite(&database, "SELECT min(n) FROM flows");
    sqlite(
        &database,
        &format!(
            "UPDATE event_blocks SET flow = flow - {age} WHERE flow = {first};
             UPDATE tool_calls SET flow = flow - {age} WHERE flow = {first};
             UPDATE flows SET n = n - {age}, started_at = started_at - {age} WHERE n = {first};"
        ),
    );
    let server = stage.server();
    // The first server has had a run of its own.
    wait(|| stage.api("/api/stats")["maintenance"]["last"]["flows"] == 1);
    let stats = stage.api("/api/stats");
    let last = &stats["maintenance"]["last"];
    assert_eq!(last["flows"], 1, "{stats}");
    assert!(last["events"].as_u64().unwrap() > 0 && last["contents"].as_u64().unwrap() > 0);
    assert!(stats["maintenance"]["next_at"].is_string());
    assert_eq!(stats["flows_total"], 2);
    assert_eq!(stage.api("/api/flows")["items"].as_array().unwrap().len(), 1);
    stage.stop();
    assert_eq!(server.exit_code(), Some(0));
    assert_eq!(sqlite(&database, "PRAGMA integrity_check"), "ok");
}

/// Makes the record, of no flow yet, one of the schema before, and names it.
fn earlier(stage: &Stage) -> PathBuf {
    let database = stage.home().join("langley.db");
    let classes = [
        "input",
        "cache_read",
        "cache_write_5m",
        "cache_write_1h",
        "output",
        "reasoning",
        "web_search",
    ];
    let without = |column: String| {
        let figure = |column: String| {
            format!(
                "UPDATE sqlite_schema SET sql = replace(sql, ', {column} INTEGER NOT NULL DEFAULT 0', '');"
            )
        };
        figure(column.clone()) + &figure(format!("{column}_flows"))
    };
    let times = |measure: &str| {
        without(measure.to_owned())
            + &format!(
                "UPDATE sqlite_schema SET sql = replace(sql, ', {measure}_spread BLOB NOT NULL DEFAULT x''''', '');"
            )
    };
    let sums = classes.map(|class| without(format!("cost_{class}"))).concat()
        + &["reasoning_apart", "retries", "estimated_input", "estimated_output", "estimated_cost"]
            .map(|it| without(it.to_owned()))
            .concat()
        + &without("estimated".to_owned())
        + &["connect", "tls", "ttlt", "stall", "token_time"].map(times).concat();
    let earlier = format!(
        "PRAGMA writable_schema = ON; {sums}
         UPDATE sqlite_schema SET sql = replace(sql, ', unclear INTEGER', '') WHERE name = 'drops';
         UPDATE sqlite_schema SET sql = replace(sql, ', traits INTEGER', '') WHERE name = 'flows';
         UPDATE sqlite_schema SET sql = replace(sql, ', project INTEGER, project_source TEXT', '') WHERE name = 'flows';
         UPDATE sqlite_schema SET sql = replace(sql, ', project INTEGER', '') WHERE name = 'sessions';
         UPDATE sqlite_schema SET sql = replace(sql, ', ttlt_ns INTEGER, stall_ns INTEGER', '') WHERE name = 'flows';
         UPDATE sqlite_schema SET sql = replace(sql, ', estimate_source INTEGER, estimated_input_tokens INTEGER, estimated_output_tokens INTEGER, estimated_cost_micro_usd INTEGER', '') WHERE name = 'flows';
         DROP TRIGGER told_flow_removed; DROP TRIGGER tokens_deleted; DROP TABLE tokens_waiting; DROP TABLE repriced_days;
         DROP TRIGGER transcript_blocks_removed; DROP TABLE transcript_gone;
         DROP INDEX flows_lacking; DROP TABLE tool_evidence;
         DROP TABLE traits; DROP TABLE reprices; DROP INDEX drops_by_flow; DROP INDEX sessions_by_cost; DROP TABLE finding_flows; DROP TABLE findings;
         DROP TABLE deleted_conversations; DROP TABLE transcript_responses; DROP TABLE transcript_records; DROP TABLE transcript_blocks;
         DROP TABLE conversations; DROP TABLE transcripts;
         DROP TABLE tasks; DROP TABLE session_agents; DROP TABLE tasks_filled; DROP TABLE retries;
         DROP TABLE tool_shares; DROP TABLE tool_costs; DROP TABLE project_costs; DROP TABLE projects;
         DROP INDEX flows_by_project; DROP INDEX sessions_by_project;
         DROP TABLE tool_executions; DROP TABLE tool_sums; DROP TABLE tool_calls; DROP TABLE tools;
         DROP TRIGGER analysis_deleted; DROP TABLE analysis_waiting;
         CREATE TABLE tool_calls (flow, position, name);
         CREATE INDEX tool_calls_by_name ON tool_calls (name, flow);
         DELETE FROM schema_version WHERE version > 13; PRAGMA user_version = 13;"
    );
    sqlite(&database, &earlier);
    let column = "SELECT name FROM pragma_table_info('flows') WHERE name = 'traits'";
    assert_eq!(sqlite(&database, column), "");
    database
}

#[test]
fn a_server_that_brings_the_record_up_to_date_says_so_and_ends_at_a_signal() {
    let stage = Stage::new();
    drop(stage.server());
    stage.stop();
    let present = sqlite(&stage.home().join("langley.db"), "PRAGMA user_version");
    let database = earlier(&stage);
    // Somebody else writes, so that it cannot begin.
    let mut other = Command::new("sqlite3")
        .arg(&database)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    other.stdin.as_mut().unwrap().write_all(b"BEGIN IMMEDIATE; SELECT 'held';\n").unwrap();
    let mut said = String::new();
    BufReader::new(other.stdout.take().unwrap()).read_line(&mut said).unwrap();
    assert_eq!(said, "held\n");
    let mut start = stage.langley(&["start", "--no-open"]);
    let server = start.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let words = format!("{} upgrades", server.id());
    wait(|| {
        std::fs::read_to_string(stage.home().join("lock")).is_ok_and(|lock| lock.trim() == words)
    });
    // No state tells of it yet; the lock does.
    assert!(!stage.home().join("state.json").exists());
    stage.stop();
    let (code, _, err) = stage.shown(&server.wait_with_output().unwrap());
    assert!(code == 1 && err.contains("the server was ended before it was ready"), "{err}");
    drop(other.stdin.take());
    other.wait().unwrap();
    assert_eq!(sqlite(&database, "PRAGMA user_version"), "13", "all of it is undone");
    let _server = stage.server();
    assert_eq!(sqlite(&database, "PRAGMA user_version"), present);
}

#[test]
fn settings_of_an_earlier_version_are_in_force_at_the_first_start_of_this_one() {
    let stage = Stage::new();
    drop(stage.server());
    stage.stop();
    let kept = r#"{"persistence.body_max_bytes": 123456}"#;
    sqlite(&earlier(&stage), &format!("INSERT INTO settings VALUES ('config', '{kept}', 1);"));
    let _server = stage.server();
    let settings = stage.api("/api/settings");
    let items = settings["items"].as_array().unwrap();
    let bytes = items.iter().find(|item| item["key"] == "persistence.body_max_bytes").unwrap();
    assert_eq!((&bytes["value"], &bytes["source"]), (&json!(123_456), &json!("settings")));
}

#[test]
fn a_server_does_not_start_without_the_settings_that_are_there() {
    let stage = Stage::new();
    drop(stage.server());
    stage.stop();
    sqlite(&stage.home().join("langley.db"), "INSERT INTO settings VALUES ('config', '{', 1);");
    let refused = stage.transcript(&["start", "--no-open"]);
    insta::assert_snapshot!(refused, @r"
    error: the database with the dashboard's settings cannot be read
    why:   the setting `config` in DIR/home/langley.db is damaged: EOF while parsing an object at line 1 column 1
    next:  restore a backup of that file, or move it away to start afresh
    [exit 1]
    ");
    assert_eq!(stage.transcript(&["db", "maintain"]), refused);
}

#[test]
fn a_damaged_index_is_made_anew_by_hand_and_searches_find_again() {
    let provider = Provider::start();
    let stage = Stage::with_provider(&provider);
    record(&stage);
    stage.ended_flows(1);
    let finds =
        || stage.api("/api/search?q=hello")["items"].as_array().is_some_and(|hits| hits.len() == 1);
    wait(finds);
    insta::assert_snapshot!(stage.transcript(&["db", "reindex"]), @r"
    error: a server is recording
    why:   the index is made anew together with the whole file, by one who has it alone (the disk needs room for a second one)
    next:  `langley stop`, then repeat it
    [exit 1]
    ");
    stage.stop();
    let database = stage.home().join("langley.db");
    sqlite(&database, "PRAGMA wal_checkpoint(TRUNCATE)");
    let root = sqlite(&database, "SELECT rootpage FROM sqlite_schema WHERE name = 'search_data'");
    let mut bytes = std::fs::read(&database).unwrap();
    let page = usize::from(u16::from_be_bytes([bytes[16], bytes[17]]));
    let root: usize = root.parse().unwrap();
    bytes[(root - 1) * page..root * page].fill(0xa5);
    std::fs::write(&database, bytes).unwrap();
    let (_, doctor, _) = stage.run(&["doctor"]);
    assert!(doctor.contains("only the index for searches is"), "{doctor}");
    let done = run_json(&stage, &["db", "reindex", "--json"]);
    assert_eq!(done["waiting"], 1, "{done}");
    let _server = stage.server();
    wait(finds);
}

#[test]
fn the_database_is_kept_by_hand_with_and_without_a_server() {
    let provider = Provider::start();
    let stage = Stage::with_provider(&provider);
    let nothing = stage.transcript(&["db", "maintain"]);
    assert!(nothing.starts_with("error: there is nothing to do yet"), "{nothing}");
    record(&stage);
    stage.ended_flows(1);
    let everything = || {
        let run = run_json(&stage, &["db", "maintain", "--json"]);
        assert_eq!((&run["flows"], &run["freed_bytes"].is_u64()), (&json!(0), &true), "{run}");
        assert_eq!(run_json(&stage, &["db", "checkpoint", "--json"])["busy"], false);
        assert!(run_json(&stage, &["db", "vacuum", "--json"])["freed_bytes"].is_u64());
    };
    everything();
    let copy = stage.path("copy.db");
    let target = copy.to_str().unwrap();
    let said = run_json(&stage, &["db", "backup", target, "--json"]);
    assert_eq!(said["bytes"], std::fs::metadata(&copy).unwrap().len());
    assert_eq!(sqlite(&copy, "SELECT count(*) FROM flows"), "1");
    let again = stage.transcript(&["db", "backup", target]);
    insta::assert_snapshot!(again, @r"
    error: no copy was made
    why:   there is already a file at DIR/copy.db
    next:  name another, or move that one away
    [exit 1]
    ");
    insta::assert_snapshot!(stage.transcript(&["db", "backup", "none/x.db"]), @r"
    error: no copy was made
    why:   the copy none/x.db cannot be written (No such file or directory (os error 2))
    next:  name a file in a folder that is there, that this user may write and that has room
    [exit 1]
    ");
    let of_folder = stage.run(&["db", "backup", "/"]).2;
    assert!(of_folder.contains("the copy / cannot be written (it is a folder)"), "{of_folder}");
    // An export replaces a file only when it is told to.
    let export = ["export", "flows", "--output", "flows.ndjson"];
    assert_eq!(stage.run(&export).0, 0);
    insta::assert_snapshot!(stage.transcript(&export), @r"
    error: there is already a file at flows.ndjson
    next:  name another, or replace it with `--force`
    [exit 1]
    ");
    assert_eq!(stage.run(&[&export[..], &["--force"]].concat()).0, 0);
    let info = run_json(&stage, &["db", "info", "--json"]);
    let database = std::fs::metadata(stage.home().join("langley.db")).unwrap().len();
    assert_eq!((&info["flows"], &info["db_bytes"]), (&json!(1), &json!(database)), "{info}");
    let parts = info["parts"].as_object().unwrap().values().map(|bytes| bytes.as_u64().unwrap());
    let (known, free) = (parts.sum::<u64>(), info["free_bytes"].as_u64().unwrap());
    // All but the pages by which free ones are found again.
    assert!(known + free <= database && known + free + 3 * 8192 > database, "{info}");
    assert_eq!(info["oldest_at"], info["newest_at"]);
    let (code, out, _) = stage.run(&["db", "info"]);
    assert!(code == 0 && out.contains("\nflows      1 (1 ever stored"), "{out}");
    // What is searched for may begin with a hyphen, and a star that means nothing is told.
    let (code, out, err) = stage.run(&["flows", "--search", "-wombat7"]);
    assert_eq!((code, out.as_str(), err.as_str()), (0, "no flows\n", ""));
    let (_, out, err) = stage.run(&["flows", "--search", "marm*lade"]);
    assert!(out == "no flows\n" && err.starts_with("note: a star works at the end"), "{out}{err}");
    stage.stop();
    everything();
    assert_eq!(sqlite(&stage.home().join("langley.db"), "SELECT count(*) FROM flows"), "1");
    // The copy serves in the database's place.
    std::fs::rename(&copy, stage.home().join("langley.db")).unwrap();
    let _server = stage.server();
    assert_eq!(stage.api("/api/flows")["items"].as_array().unwrap().len(), 1);
}

#[test]
fn two_servers_that_start_at_once_become_one_and_the_other_says_so() {
    let stage = Stage::new();
    let start = || {
        stage
            .langley(&["start", "--no-open"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let mut racers = [start(), start()];
    let mut ended = None;
    wait(|| {
        ended = racers.iter_mut().position(|racer| racer.try_wait().unwrap().is_some());
        ended.is_some()
    });
    let [first, second] = racers;
    let (joined, mut serving) = if ended == Some(0) { (first, second) } else { (second, first) };
    let (code, out, err) = stage.shown(&joined.wait_with_output().unwrap());
    assert_eq!(code, 0, "{err}");
    assert!(out.starts_with("Langley already runs"), "{out}{err}");
    assert_eq!(stage.state()["pid"], serving.id());
    stage.stop();
    assert!(serving.wait().unwrap().success());
    assert_eq!(sqlite(&stage.home().join("langley.db"), "PRAGMA integrity_check"), "ok");
}

#[test]
fn a_damaged_page_is_refused_or_told_and_the_file_stays_as_it_is() {
    let provider = Provider::start();
    let stage = Stage::with_provider(&provider);
    record(&stage);
    stage.ended_flows(1);
    stage.stop();
    let database = stage.home().join("langley.db");
    let mut bytes = std::fs::read(&database).unwrap();
    // The roots of the tables, but for the schema's own.
    for page in bytes.chunks_mut(4096).skip(2).take(20) {
        page.fill(0xa5);
    }
    std::fs::write(&database, &bytes).unwrap();
    for args in [&["start"][..], &["db", "maintain"], &["flows"]] {
        let (code, _, err) = stage.run(args);
        assert_eq!(code, 1, "{args:?}");
        assert!(err.contains("is damaged or not a database"), "{args:?}: {err}");
        assert!(err.contains("nothing was deleted: `langley"), "{args:?}: {err}");
        assert!(err.contains("restore a backup or move the file away"), "{args:?}: {err}");
    }
    let after = std::fs::read(&database).unwrap();
    assert_eq!(after[4096 * 2..], bytes[4096 * 2..]);
}

/// The command as a user who owns nothing, where the tests run as one who may write anywhere; none when
/// this machine cannot do that.
fn as_nobody(stage: &Stage, args: &[&str]) -> Option<(i32, String, String)> {
    const NOBODY: [&str; 3] = ["--reuid=65534", "--regid=65534", "--clear-groups"];
    let langley = stage.langley(args);
    let can_run = Command::new("setpriv")
        .args(NOBODY)
        .args(["test", "-x"])
        .arg(langley.get_program())
        .status()
        .is_ok_and(|status| status.success());
    let mut command = Command::new("setpriv");
    command.args(NOBODY).arg(langley.get_program()).args(langley.get_args()).env_clear();
    command.envs(langley.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.current_dir("/").stdin(Stdio::null());
    can_run.then(|| stage.shown(&command.output().unwrap()))
}

#[test]
fn a_home_that_may_only_be_read_is_refused_and_stays_as_it_is() {
    use std::os::unix::fs::PermissionsExt;
    let provider = Provider::start();
    let stage = Stage::with_provider(&provider);
    record(&stage);
    stage.ended_flows(1);
    stage.stop();
    let mode = |path: &Path, mode| {
        std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    };
    let database = stage.home().join("langley.db");
    let before = std::fs::read(&database).unwrap();
    mode(&stage.path(""), 0o755);
    mode(&database, 0o444);
    mode(&stage.home(), 0o555);
    // The superuser may write anywhere.
    let is_bound = std::fs::write(stage.home().join("probe"), b"").is_err();
    let said = if is_bound {
        Some(stage.run(&["start"]))
    } else {
        std::fs::remove_file(stage.home().join("probe")).unwrap();
        as_nobody(&stage, &["start"])
    };
    let names = || -> Vec<_> {
        let entries = std::fs::read_dir(stage.home()).unwrap();
        entries.map(|entry| entry.unwrap().file_name()).collect()
    };
    if let Some((code, _, err)) = said {
        assert_eq!(code, 1, "{err}");
        assert!(err.starts_with("error: ") && err.contains("next:"), "{err}");
        assert!(err.contains("DIR/home"), "{err}");
    }
    assert_eq!(std::fs::read(&database).unwrap(), before);
    assert!(!names().iter().any(|name| name == "state.json"), "{:?}", names());
    mode(&stage.home(), 0o700);
    mode(&database, 0o600);
    let _server = stage.server();
    assert_eq!(stage.api("/api/flows")["items"].as_array().unwrap().len(), 1);
}
