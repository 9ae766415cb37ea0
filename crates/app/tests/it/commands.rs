//! The everyday commands around one running server.

use std::io::BufRead;
use std::process::Command;

use crate::stage::Stage;

#[test]
fn a_second_start_joins_the_first_and_stop_ends_it() {
    let stage = Stage::new();
    let server = stage.server();
    let state = stage.state();
    assert_eq!(state["pid"], server.id());

    let (code, out, _) = stage.run(&["--no-open"]);
    assert_eq!(code, 0);
    let api = state["api"].as_str().unwrap();
    assert!(out.starts_with(&format!("Langley already runs (process {})", server.id())), "{out}");
    let link = out.split_whitespace().find(|word| word.contains("/auth?code=")).unwrap();
    assert!(link.starts_with(&format!("http://{api}/auth?code=")));

    // The link opens one browser session, once.
    let visit = || {
        let output = Command::new("curl")
            .args(["-s", "-o", "/dev/null", "-w", "%{http_code}", link])
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(visit(), "303");
    assert_ne!(visit(), "303");

    let (code, out, _) = stage.run(&["status", "--json"]);
    let status: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &status["running"]), (0, &serde_json::json!(true)));
    assert_eq!(status["stats"]["flows_total"], 0);

    let (code, out, err) = stage.run(&["doctor", "--json"]);
    assert_eq!(code, 0, "{out}{err}");
    assert_eq!(stage.run(&["ca", "rotate"]).0, 1, "not under a running server");

    assert_eq!(stage.run(&["stop"]), (0, "stopped\n".into(), String::new()));
    assert_eq!(server.exit_code(), Some(0));
    assert!(!stage.home().join("state.json").exists());
    assert_eq!(stage.run(&["status"]).0, 1);
}

#[test]
fn status_tells_a_server_that_does_not_answer_from_none_and_what_it_cannot_learn() {
    let stage = Stage::new();
    let server = stage.server();
    std::fs::write(stage.home().join("token"), "another-token-0123456789abcdef0123456789").unwrap();
    let (code, out, _) = stage.run(&["status"]);
    assert!(code == 0 && out.contains("recorded   unknown"), "{out}");
    drop(server);
    let (code, out, _) = stage.run(&["status"]);
    assert!(code == 1 && out.starts_with("no server is running for DIR/home\n"), "{out}");
    // Somebody holds the home, and no server answers where the last one was.
    let lock = std::fs::File::options().write(true).open(stage.home().join("lock")).unwrap();
    lock.lock().unwrap();
    let (code, out, _) = stage.run(&["status"]);
    assert!(
        code == 1 && out.starts_with("a server holds DIR/home, but does not answer\n"),
        "{out}"
    );
}

#[test]
fn a_host_that_is_trusted_without_a_check_is_told_by_status_and_doctor() {
    let mut stage = Stage::new();
    stage.set("LANGLEY_PROXY__INSECURE_HOSTS", "lab.example");
    let server = stage.server();
    let (code, out, err) = stage.run(&["status"]);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("the certificate of lab.example is NOT CHECKED"), "{out}");
    let (_, out, _) = stage.run(&["doctor"]);
    assert!(out.contains("NOT CHECKED: the certificate of lab.example"), "{out}");
    drop(server);
}

#[test]
fn the_authority_can_be_shown_and_rotated_while_no_server_runs() {
    let stage = Stage::new();
    drop(stage.server());
    let show = || {
        let (code, out, err) = stage.run(&["ca", "show", "--json"]);
        assert_eq!(code, 0, "{err}");
        serde_json::from_str::<serde_json::Value>(&out).unwrap()
    };
    let before = show();
    assert!(before["permitted"].as_array().unwrap().contains(&"api.anthropic.com".into()));
    let (code, out, err) = stage.run(&["ca", "rotate"]);
    assert_eq!(code, 0, "{err}");
    let after = show();
    assert_ne!(before["fingerprint_sha256"], after["fingerprint_sha256"]);
    assert!(out.contains(after["fingerprint_sha256"].as_str().unwrap()), "{out}");
}

#[test]
fn configuration_is_shown_with_where_each_value_came_from() {
    let mut stage = Stage::new();
    stage.set("LANGLEY_INTERCEPT_HOSTS", "+llm.example");
    stage.set("LANGLEY_UPSTREAM_PROXY", "http://me:secret@corp.example:3128");
    let (code, out, err) = stage.run(&["config", "show", "--json"]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(!out.contains("secret"));
    let shown: serde_json::Value = serde_json::from_str(&out).unwrap();
    let row = |key: &str| {
        shown["items"].as_array().unwrap().iter().find(|row| row["key"] == key).unwrap().clone()
    };
    assert_eq!(row("proxy.port")["origin"], "environment LANGLEY_LISTEN");
    assert_eq!(row("api.host")["source"], "environment");
    assert_eq!(row("proxy.upstream_proxy")["value"], "http://me:…@corp.example:3128");
    let hosts = row("proxy.intercept.hosts")["value"].as_array().unwrap().clone();
    assert!(hosts.contains(&"llm.example".into()) && hosts.contains(&"api.anthropic.com".into()));
    assert_eq!(stage.run(&["db", "path"]).1, "DIR/home/langley.db\n");
    assert_eq!(stage.run(&["config", "path"]).1, "DIR/home/langley.config.yaml\n");
    assert_eq!(stage.run(&["ca", "path"]).1, "DIR/home/ca/ca.pem\n");
    assert!(stage.run(&["completions", "bash"]).1.contains("_langley"));
}

#[test]
fn a_setting_that_nothing_reads_is_named_by_check_show_and_start() {
    let mut stage = Stage::new();
    assert!(!stage.run(&["config", "check"]).1.contains("not used"));
    stage.set("LANGLEY_PERSISTENCE__EVENT_BATCH_SIZE", "7");
    let key = "`persistence.event_batch_size` (environment LANGLEY_PERSISTENCE__EVENT_BATCH_SIZE)";
    let (code, out, _) = stage.run(&["config", "check"]);
    assert!(
        code == 0 && out.contains(&format!("note: {key} is not used by this version")),
        "{out}"
    );
    let (_, out, _) = stage.run(&["config", "show"]);
    let mut rows = out.lines().filter(|row| row.contains("EVENT_BATCH_SIZE"));
    assert!(rows.next().unwrap().ends_with("(not used by this version)"), "{out}");
    let _server = stage.server();
    let (code, _, err) = stage.run(&["--no-open"]);
    assert_eq!((code, err), (0, format!("warning: {key} is not used by this version\n")));
}

#[test]
fn the_token_is_made_once_and_can_be_replaced() {
    let stage = Stage::new();
    let show = || stage.run(&["token", "show"]).1;
    let first = show();
    assert_eq!(first, show());
    let rotated = stage.run(&["token", "rotate"]).1;
    assert_ne!(first, rotated);
    assert_eq!(rotated, show());
}

#[test]
fn a_running_server_takes_a_new_token_and_lets_the_old_one_go() {
    let stage = Stage::new();
    let _server = stage.server();
    let status = |token: &str| {
        let url = format!("http://{}/api/stats", stage.state()["api"].as_str().unwrap());
        let output = Command::new("curl")
            .args(["-s", "-o", "/dev/null", "-w", "%{http_code}", "-H"])
            .arg(format!("Authorization: Bearer {}", token.trim()))
            .arg(url)
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let old = stage.run(&["token", "show"]).1;
    assert_eq!(status(&old), "200");
    let (code, new, err) = stage.run(&["token", "rotate"]);
    assert!(code == 0 && err.starts_with("the running server takes it from now on"), "{err}");
    assert_eq!((status(&old).as_str(), status(&new).as_str()), ("401", "200"));
    // One that a person put there counts as well.
    let own = "0123456789abcdef0123456789abcdef";
    std::fs::write(stage.home().join("token"), own).unwrap();
    assert_eq!((status(&new).as_str(), status(own).as_str()), ("401", "200"));
    assert_eq!(stage.run(&["flows"]), (0, "no flows\n".into(), String::new()));
}

#[test]
fn the_demo_plays_every_session_and_all_of_it_is_recorded() {
    let stage = Stage::new();
    let (code, out, err) = stage.run(&["demo", "--once"]);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("22 flows recorded"), "{out}");
    for outcome in ["completed", "provider_error", "client_gone"] {
        assert!(out.contains(outcome), "{out}");
    }
    assert!(out.contains("web_search") && out.contains("Read Grep"), "{out}");
    // A subagent on its errand, one of whose calls is an MCP server's.
    assert!(out.contains("Agent") && out.contains("mcp__tickets__search"), "{out}");
}

#[test]
fn the_demo_listens_where_the_environment_says_and_tells_where() {
    let stage = Stage::new();
    let free = || {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let (proxy, api) = (free(), free());
    let mut command = stage.langley(&["demo", "--no-open", "--api", &api.to_string()]);
    command.env("LANGLEY_LISTEN", proxy.to_string()).env("LANGLEY_API", "127.0.0.1:1");
    let mut demo = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut said = std::io::BufReader::new(demo.stdout.take().unwrap()).lines();
    let mut line = |start: &str| {
        let found = said.by_ref().map_while(Result::ok).find(|line| line.starts_with(start));
        found.unwrap_or_else(|| panic!("no line {start}"))
    };
    let link = line("dashboard").split_whitespace().nth(1).unwrap().to_owned();
    assert!(link.starts_with(&format!("http://{api}/auth?code=")), "{link}");
    assert_eq!(line("proxy"), format!("proxy      http://{proxy}"));
    // Signed in by the link, one is told that there is nothing to set up.
    let jar = stage.path("jar");
    let curl = |url: &str| {
        let output = Command::new("curl")
            .args([
                "-sS",
                "--max-time",
                "20",
                "-b",
                jar.to_str().unwrap(),
                "-c",
                jar.to_str().unwrap(),
            ])
            .arg(url)
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    curl(&link);
    let setup: serde_json::Value =
        serde_json::from_str(&curl(&format!("http://{api}/api/setup"))).unwrap();
    assert_eq!(setup["demo"], true, "{setup}");
    demo.kill().unwrap();
    demo.wait().unwrap();

    let _server = stage.server();
    assert_eq!(stage.api("/api/setup")["demo"], false);
}

#[test]
fn a_setting_changed_by_the_api_counts_at_the_next_start_below_the_environment() {
    let mut stage = Stage::new();
    let first = stage.server();
    let refused = stage.put("/api/settings", r#"{"proxy.max_connections": 99, "proxy.prot": 1}"#);
    assert_eq!(refused["error"]["code"], "bad_settings", "{refused}");
    let message = refused["error"]["message"].as_str().unwrap();
    assert!(message.contains("did you mean `proxy.port`"), "{message}");
    let changed = stage.put("/api/settings", r#"{"proxy.max_connections": 99, "proxy.port": 1}"#);
    assert_eq!(changed["applies"], "next_start", "{changed}");
    assert_eq!(changed["items"][0]["overridden_by"], serde_json::Value::Null);
    assert_eq!(changed["items"][1]["overridden_by"], "environment LANGLEY_LISTEN");
    drop(first);

    let shown = |stage: &Stage, key: &str| {
        let (_, out, _) = stage.run(&["config", "show", "--json"]);
        let shown: serde_json::Value = serde_json::from_str(&out).unwrap();
        let mut items = shown["items"].as_array().unwrap().iter();
        let item = items.find(|item| item["key"] == key).unwrap();
        format!("{} {}", item["value"], item["origin"].as_str().unwrap())
    };
    assert_eq!(shown(&stage, "proxy.max_connections"), "99 dashboard settings");
    assert_eq!(shown(&stage, "proxy.port"), "0 environment LANGLEY_LISTEN");
    let _second = stage.server();
    let running = stage.api("/api/settings");
    let mut items = running["items"].as_array().unwrap().iter();
    let item = items.find(|item| item["key"] == "proxy.max_connections").unwrap();
    assert_eq!((&item["value"], &item["source"]), (&99.into(), &"settings".into()));
    stage.set("LANGLEY_PROXY__MAX_CONNECTIONS", "100");
    assert!(shown(&stage, "proxy.max_connections").starts_with("100 environment"));
}

#[test]
fn a_reader_that_leaves_early_is_no_panic() {
    let stage = Stage::new();
    // The reader is gone before the program starts.
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = stage.langley(&["completions", "zsh"]);
    let out = command.stdout(writer).stderr(std::process::Stdio::piped()).output().unwrap();
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(!said.contains("panicked"), "{said}");
    assert_eq!(out.status.code(), Some(141), "{said}");
}
