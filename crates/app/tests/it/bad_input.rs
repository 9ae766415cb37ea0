//! What goes wrong says what, why and what to do next, with the right exit code and without panic.

use std::net::TcpListener;

use crate::stage::Stage;

#[test]
fn a_taken_port_names_the_flag_that_helps() {
    let stage = Stage::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let said = stage.transcript(&["--listen", &address]).replace(&address, "ADDRESS");
    insta::assert_snapshot!(said, @r"
    error: the proxy cannot listen on ADDRESS
    why:   another program has that port
    next:  stop that program, or choose another port: `langley --listen 127.0.0.1:0` (0 takes any free port)
    [exit 1]
    ");
    let said = stage.transcript(&["--api", &address]).replace(&address, "ADDRESS");
    insta::assert_snapshot!(said, @r"
    error: the dashboard cannot listen on ADDRESS
    why:   another program has that port
    next:  stop that program, or choose another port: `langley --api 127.0.0.1:0` (0 takes any free port)
    [exit 1]
    ");
}

#[test]
fn a_home_that_cannot_be_used_is_refused() {
    let stage = Stage::new();
    std::fs::write(stage.path("file"), "").unwrap();
    insta::assert_snapshot!(stage.transcript(&["--home", "file"]), @r"
    error: the home folder DIR/file cannot be used
    why:   it is a file, not a folder
    next:  make it writable for you, or name another: `langley --home DIR` or LANGLEY_HOME
    [exit 1]
    ");
    let (code, _, err) = stage.run(&["--home", "/proc/langley"]);
    assert_eq!(code, 1);
    assert!(err.starts_with("error: the home folder /proc/langley cannot be used\nwhy:"), "{err}");
}

#[test]
fn a_damaged_database_is_left_alone() {
    let stage = Stage::new();
    std::fs::create_dir(stage.home()).unwrap();
    let database = stage.home().join("langley.db");
    std::fs::write(&database, "this is no database, but it is long enough to be looked at")
        .unwrap();
    insta::assert_snapshot!(stage.transcript(&[]), @r"
    error: the database with the dashboard's settings cannot be read
    why:   the store DIR/home/langley.db is damaged or not a database (file is not a database)
    next:  nothing was deleted: `langley doctor` says what is damaged, and how to save the rest; to start afresh, restore a backup or move the file away
    [exit 1]
    ");
    // A command that reads goes on without the settings, and fails for the same cause: it is told once.
    insta::assert_snapshot!(stage.transcript(&["flows"]), @r"
    warning: the database with the dashboard's settings cannot be read; it was left out
    why:   the store DIR/home/langley.db is damaged or not a database (file is not a database)
    next:  nothing was deleted: `langley doctor` says what is damaged, and how to save the rest; to start afresh, restore a backup or move the file away
    error: the flows cannot be read
    why:   as the warning above says
    [exit 1]
    ");
    assert!(std::fs::read(&database).unwrap().starts_with(b"this is no database"));
    let (code, out, _) = stage.run(&["doctor"]);
    assert_eq!(code, 1);
    assert!(out.contains("fail  database"), "{out}");
}

#[test]
fn a_database_of_a_newer_version_is_refused_and_left_alone() {
    let stage = Stage::new();
    let server = stage.server();
    stage.stop();
    assert_eq!(server.exit_code(), Some(0));
    let database = stage.home().join("langley.db");
    let mut bytes = std::fs::read(&database).unwrap();
    // The schema's number: `user_version` at offset 60 of the header (SQLite file format, §1.3).
    bytes[60..64].copy_from_slice(&999_u32.to_be_bytes());
    std::fs::write(&database, &bytes).unwrap();
    // The number that this program knows changes with it.
    let said = stage.transcript(&[]);
    let (before, known) = said.split_once("only up to ").unwrap();
    let known = known.trim_start_matches(|c: char| c.is_ascii_digit());
    insta::assert_snapshot!(format!("{before}only up to N{known}"), @r"
    error: the database with the dashboard's settings cannot be read
    why:   the store DIR/home/langley.db has schema 999, but this program knows only up to N
    next:  update Langley, or point LANGLEY_HOME at another folder
    [exit 1]
    ");
    assert_eq!(stage.run(&["flows"]).0, 1);
    assert_eq!(stage.run(&["db", "maintain"]).0, 1);
    assert!(std::fs::read(&database).unwrap() == bytes, "the file was written to");
}

#[test]
fn bad_configuration_is_named_by_file_line_key_and_accepted_values() {
    let stage = Stage::new();
    std::fs::create_dir(stage.home()).unwrap();
    let text = "proxy:\n  prot: 9090\npersistence:\n  body_max_bytes: huge\n";
    std::fs::write(stage.home().join("langley.config.yaml"), text).unwrap();
    insta::assert_snapshot!(stage.transcript(&["config", "check"]), @r"
    error: the configuration has 2 problems
    why:   DIR/home/langley.config.yaml:2: `proxy.prot`: unknown key; did you mean `proxy.port`?
           DIR/home/langley.config.yaml:4: `persistence.body_max_bytes`: `huge` is not a size from 0 to 256 MiB, in bytes or as in `64 MiB`
    next:  edit DIR/home/langley.config.yaml, then run `langley config check`
    [exit 2]
    ");
    assert_eq!(stage.run(&[]).0, 2);
    std::fs::write(stage.home().join("langley.config.yaml"), "proxy: [\n").unwrap();
    insta::assert_snapshot!(stage.transcript(&["config", "check"]), @r"
    error: the configuration has a problem
    why:   DIR/home/langley.config.yaml:1: not valid YAML: unclosed bracket '[' at line 1, column 8
    next:  edit DIR/home/langley.config.yaml, then run `langley config check`
    [exit 2]
    ");
    insta::assert_snapshot!(stage.transcript(&["config", "check", "--config", "none.yaml"]), @r"
    error: the configuration file DIR/none.yaml cannot be read
    why:   No such file or directory (os error 2)
    next:  name another with --config, or make this one readable
    [exit 2]
    ");
}

#[test]
fn what_a_server_would_stumble_over_is_said_alike_by_check_and_start() {
    let mut stage = Stage::new();
    stage.set("LANGLEY_REVERSE_DEFAULT", "nope");
    stage.set("LANGLEY_UPSTREAM_CA", "none.pem");
    let said = stage.transcript(&["config", "check"]);
    insta::assert_snapshot!(said, @r"
    error: `proxy.reverse.default` names `nope`, which is no upstream
    why:   known upstreams: anthropic, bedrock, gemini, openai
    next:  name one of them, or set `proxy.reverse.upstreams.nope.base_url`
    error: `proxy.upstream_ca` (environment LANGLEY_UPSTREAM_CA) cannot be used
    why:   DIR/none.pem: I/O error: No such file or directory (os error 2)
    next:  name a PEM file that holds certificates, or take the setting out
    [exit 1]
    ");
    assert!(!stage.home().exists(), "a check makes nothing");
    assert_eq!(stage.transcript(&["start", "--no-open"]), said);
    stage.set("LANGLEY_UPSTREAM_PROXY", "bogus");
    insta::assert_snapshot!(stage.transcript(&["config", "check"]), @r"
    error: the configuration has a problem
    why:   environment LANGLEY_UPSTREAM_PROXY: `proxy.upstream_proxy`: the value is not a proxy's URL as in `http://[user:password@]host:port`, or `none`
    next:  correct LANGLEY_UPSTREAM_PROXY, then run `langley config check`
    [exit 2]
    ");
}

#[test]
fn listening_beyond_loopback_must_be_meant() {
    let stage = Stage::new();
    insta::assert_snapshot!(stage.transcript(&["--listen", "0.0.0.0:0"]), @r"
    error: the configuration has a problem
    why:   flag --listen: `proxy.host`: 0.0.0.0 can be reached from other machines; set `proxy.allow_remote: true` if that is meant (the proxy then asks for the token)
    next:  correct --listen, then run `langley config check`
    [exit 2]
    ");
    insta::assert_snapshot!(stage.transcript(&["--listen", "9090"]), @r"
    error: the configuration has a problem
    why:   flag --listen: `9090` is not an address as in `127.0.0.1:9090`
    next:  correct --listen, then run `langley config check`
    [exit 2]
    ");
}

#[test]
fn reading_before_anything_was_recorded_says_so() {
    let stage = Stage::new();
    insta::assert_snapshot!(stage.transcript(&["flows"]), @r"
    error: the flows cannot be read
    why:   there is no store at DIR/home/langley.db yet
    next:  start Langley, bring in what agents wrote (`langley import`), or name another home (`--home`, LANGLEY_HOME)
    [exit 1]
    ");
    insta::assert_snapshot!(stage.transcript(&["flows", "--since", "yesterday"]), @r"
    error: `yesterday` is no time
    why:   --since takes an RFC 3339 time, a date, or a span such as 30m, 12h, 7d
    next:  for example `--since 2h`, or `--since 2026-01-31`
    [exit 2]
    ");
    insta::assert_snapshot!(stage.transcript(&["ca", "show"]), @r"
    error: there is no certificate authority yet
    why:   DIR/home/ca/ca.pem does not exist
    next:  it is made at the first start: `langley`
    [exit 1]
    ");
    insta::assert_snapshot!(stage.transcript(&["status"]), @r"
    no server is running for DIR/home
    start one: `langley`
    [exit 1]
    ");
    insta::assert_snapshot!(stage.transcript(&["stop"]), @r"
    no server is running
    [exit 0]
    ");
}

#[test]
fn wrong_use_exits_with_two() {
    let stage = Stage::new();
    let demo = &["demo", "--once", "--home", "elsewhere"];
    for args in [&["nonsense"][..], &["run"], &["flows", "--limit", "0"], &["ca"], demo] {
        assert_eq!(stage.run(args).0, 2, "{args:?}");
    }
}

#[test]
fn every_finding_of_the_doctor_has_a_way_out() {
    let mut stage = Stage::new();
    drop(stage.server());
    std::fs::write(stage.home().join("ca/ca.key"), "nonsense").unwrap();
    std::fs::remove_file(stage.home().join("ca/bundle.pem")).unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    stage.set("LANGLEY_API", &taken.local_addr().unwrap().to_string());
    stage.set("LANGLEY_LISTN", "1");
    stage.set("NO_PROXY", "*");
    stage.set("NODE_TLS_REJECT_UNAUTHORIZED", "0");
    stage.set("ANTHROPIC_BASE_URL", "https://gw.corp.example");
    let (code, out, err) = stage.run(&["doctor", "--json"]);
    assert_eq!((code, err.as_str()), (1, ""));
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    let checks = report["checks"].as_array().unwrap();
    let mut found: Vec<&str> = Vec::new();
    for check in checks.iter().filter(|check| check["status"] != "ok") {
        assert!(!check["next"].as_array().unwrap().is_empty(), "{check}");
        found.push(check["name"].as_str().unwrap());
    }
    for name in ["configuration", "ca key", "bundle", "api port", "environment"] {
        assert!(found.contains(&name), "{name} in {found:?}");
    }
    assert_eq!(found.iter().filter(|name| **name == "environment").count(), 3);
    assert!(checks.iter().any(|check| check["name"] == "agents"), "{out}");
}

#[test]
fn the_doctor_tells_a_port_of_another_langley_from_one_of_a_stranger() {
    let other = Stage::new();
    let server = other.server();
    let mut stage = Stage::new();
    for (variable, door) in [("LANGLEY_API", "api"), ("LANGLEY_LISTEN", "proxy")] {
        stage.set(variable, other.state()[door].as_str().unwrap());
    }
    let (code, out, _) = stage.run(&["doctor", "--json"]);
    assert_eq!(code, 1);
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    let home = other.home().display().to_string();
    for name in ["proxy port", "api port"] {
        let mut checks = report["checks"].as_array().unwrap().iter();
        let check = checks.find(|check| check["name"] == name).unwrap();
        let why = check["why"].as_str().unwrap();
        assert!(why.starts_with("another Langley, of "), "{check}");
        // Where the system tells whose it is.
        if cfg!(target_os = "linux") {
            assert!(why.contains(&format!("home {home} (process {})", server.id())), "{check}");
            let next = check["next"][0].as_str().unwrap();
            assert!(next.contains(&format!("`langley stop --home {home}`")), "{check}");
        }
    }
    if cfg!(target_os = "linux") {
        assert_eq!(other.api("/api/stats")["flows_total"], 0, "nothing of it is on its record");
        assert_eq!(other.api("/api/tunnels")["items"], serde_json::json!([]));
    }
    let said = stage.transcript(&["start", "--no-open"]);
    assert!(said.contains("why:   another Langley, of "), "{said}");
}

#[test]
fn what_cannot_be_meant_by_findings_and_costs_says_what_to_do() {
    let stage = Stage::new();
    let server = stage.server();
    let none = "error: finding 999 was not changed\nwhy:   there is none of that number\n\
                next:  `langley findings --all` lists those that there are\n[exit 1]";
    assert_eq!(stage.transcript(&["findings", "mute", "999"]), none);
    let said = stage.transcript(&["findings", "mute", "abc"]);
    assert!(said.contains("a finding has a number; `langley findings` lists them"), "{said}");
    for args in [
        &["cost", "--from", "record", "--by", "nonsense"][..],
        &["cost", "--from", "transcripts", "--by", "nonsense"],
        &["cost", "blocks", "--provider", "x"],
        &["cost", "--from", "record", "--since", "2026-01-02", "--until", "2026-01-01"],
        &["cost", "reprice", "--since", "1h", "--until", "2h"],
    ] {
        let said = stage.transcript(args);
        assert!(said.contains("\nnext:  ") && said.contains("[exit 2]"), "{args:?}: {said}");
    }
    stage.stop();
    assert_eq!(server.exit_code(), Some(0));
    assert_eq!(stage.transcript(&["findings", "mute", "999"]), none);
}
