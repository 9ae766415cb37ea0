//! Commands that only ask a server or read the record: with a broken configuration, and right after
//! something happened.

use serde_json::Value;

use crate::stage::{Provider, Stage};

const MESSAGE: &str = "https://api.anthropic.com/v1/messages";
const SESSION: &str = "x-claude-code-session-id: 6f2a6c8e-0d1b-4c5e-9f5d-3f0f3f6f7a11";

fn record(stage: &Stage) {
    let said = [serde_json::json!({ "role": "user", "content": "hello" })];
    let body = serde_json::json!({ "model": "m", "max_tokens": 9, "messages": said });
    stage.curl(MESSAGE, &["x-api-key: k", SESSION], &body);
}

#[test]
fn a_mistake_in_the_file_keeps_nobody_from_stopping_looking_and_reading() {
    let provider = Provider::start();
    let stage = Stage::with_provider(&provider);
    let server = stage.server();
    record(&stage);
    std::fs::write(stage.home().join("langley.config.yaml"), "proxy:\n  prot: 1\n").unwrap();
    for args in [
        &["status"][..],
        &["flows"],
        &["sessions"],
        &["tasks"],
        &["tools"],
        &["export", "flows"],
        &["audit", "redaction"],
        &["token", "show"],
        &["ca", "show"],
        &["db", "path"],
        &["db", "checkpoint"],
        &["config", "path"],
        &["run", "--", "true"],
        &["run", "--print-env"],
    ] {
        let (code, out, err) = stage.run(args);
        assert_eq!(code, 0, "{args:?}: {out}{err}");
        assert_eq!(err.matches("warning: the configuration has a problem").count(), 1, "{err}");
        assert!(err.contains("langley.config.yaml:2: `proxy.prot`"), "{err}");
    }
    assert!(stage.run(&["flows"]).1.contains("/v1/messages"));
    let (_, out, _) = stage.run(&["doctor"]);
    assert!(out.contains("fail  configuration") && out.contains("ok    round trip"), "{out}");

    let (code, _, err) = stage.run(&["config", "check"]);
    assert_eq!((code, err.lines().next()), (2, Some("error: the configuration has a problem")));
    let (code, out, err) = stage.run(&["stop"]);
    assert_eq!((code, out.as_str()), (0, "stopped\n"), "{err}");
    assert_eq!(server.exit_code(), Some(0));
    // What starts a server, or goes by the settings itself, refuses.
    for args in [&["start"][..], &["run", "--", "true"], &["db", "maintain"], &["ca", "rotate"]] {
        let (code, out, err) = stage.run(args);
        assert_eq!((code, out.as_str()), (2, ""), "{args:?}: {err}");
        assert!(err.starts_with("error: the configuration has a problem"), "{err}");
    }
}

#[test]
fn what_has_just_happened_is_read() {
    let provider = Provider::start();
    let mut stage = Stage::with_provider(&provider);
    // Nothing but the asking makes the writer hurry.
    stage.set("LANGLEY_PERSISTENCE__EVENT_BATCH_TIMEOUT_MS", "60000");
    let _server = stage.server();
    record(&stage);
    let (_, out, err) = stage.run(&["flows", "--json"]);
    let page: Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}{err}"));
    let items = page["items"].as_array().unwrap();
    assert_eq!((items.len(), &items[0]["outcome"]), (1, &"completed".into()), "{err}");

    record(&stage);
    let (_, out, _) = stage.run(&["export", "flows"]);
    assert_eq!(out.lines().count(), 2, "{out}");

    record(&stage);
    let (_, out, _) = stage.run(&["status"]);
    assert!(out.contains("3 flows"), "{out}");

    record(&stage);
    let (_, out, err) = stage.run(&["sessions", "--json"]);
    let page: Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}{err}"));
    assert_eq!(page["items"][0]["totals"]["flows"]["total"], 4, "{page}");
    assert_eq!(stage.api("/api/flows/count")["count"], 4, "status and listing agree");
}

#[test]
fn a_file_that_cannot_be_read_lets_nothing_be_done_to_a_home_that_was_not_meant() {
    let stage = Stage::new();
    let mut server = stage.server();
    // The home where the server runs is the default one as well, while the file means another.
    let data = stage.path(".local/share");
    std::fs::create_dir_all(&data).unwrap();
    std::os::unix::fs::symlink(stage.home(), data.join("langley")).unwrap();
    let file = stage.path("c.yaml");
    std::fs::write(&file, "home: /elsewhere\nproxy: [\n").unwrap();
    let token = std::fs::read(stage.home().join("token")).unwrap();
    let unnamed = |args: &[&str]| {
        let mut command = stage.langley(args);
        command.env_remove("LANGLEY_HOME").env("LANGLEY_CONFIG", &file);
        stage.shown(&command.output().unwrap())
    };
    for args in [
        &["stop"][..],
        &["token", "rotate"],
        &["ca", "install", "--dry-run"],
        &["ca", "remove", "--dry-run"],
        &["db", "maintain"],
        &["db", "checkpoint"],
        &["db", "vacuum"],
        &["db", "backup", "copy.db"],
        &["run", "--", "true"],
    ] {
        let (code, out, err) = unnamed(args);
        assert_eq!((code, out.as_str()), (2, ""), "{args:?}: {err}");
        assert!(err.starts_with("error: it is not sure which home is meant\n"), "{err}");
        assert!(err.contains("c.yaml") && err.contains("not valid YAML"), "{err}");
        assert!(err.contains("langley --home DIR"), "{err}");
    }
    assert!(server.is_running() && !stage.path("copy.db").exists());
    assert!(std::fs::read(stage.home().join("token")).unwrap() == token);
    for args in [
        &["flows"][..],
        &["sessions"],
        &["tasks"],
        &["status"],
        &["db", "path"],
        &["token", "show"],
    ] {
        let (code, out, err) = unnamed(args);
        assert_eq!(code, 0, "{args:?}: {out}{err}");
        assert!(
            err.contains("it was left out, and the home is DIR/.local/share/langley\n"),
            "{err}"
        );
    }
    // Named, it is known.
    let home = stage.home().display().to_string();
    let (code, out, err) = unnamed(&["stop", "--home", &home]);
    assert_eq!((code, out.as_str()), (0, "stopped\n"), "{err}");
}
