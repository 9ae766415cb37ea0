//! What goes wrong says what, why and what to do next, with the right exit code and without panic.

use std::net::TcpListener;

use crate::stage::Stage;

#[test]
fn a_taken_port_names_the_flag_that_helps() {
    let stage = Stage::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let said = stage.transcript(&["--listen", &address]).replace(&address, "ADDRESS");
    insta::assert_snapshot!(said, @"");
    let said = stage.transcript(&["--api", &address]).replace(&address, "ADDRESS");
    insta::assert_snapshot!(said, @"");
}

#[test]
fn a_home_that_cannot_be_used_is_refused() {
    let stage = Stage::new();
    std::fs::write(stage.path("file"), "").unwrap();
    insta::assert_snapshot!(stage.transcript(&["--home", "file"]), @"");
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
    insta::assert_snapshot!(stage.transcript(&[]), @"");
    assert!(std::fs::read(&database).unwrap().starts_with(b"this is no database"));
    let (code, out, _) = stage.run(&["doctor"]);
    assert_eq!(code, 1);
    assert!(out.contains("fail  database"), "{out}");
}

#[test]
fn bad_configuration_is_named_by_file_line_key_and_accepted_values() {
    let stage = Stage::new();
    std::fs::create_dir(stage.home()).unwrap();
    let text = "proxy:\n  prot: 9090\npersistence:\n  body_max_bytes: huge\n";
    std::fs::write(stage.home().join("langley.config.yaml"), text).unwrap();
    insta::assert_snapshot!(stage.transcript(&["config", "check"]), @"");
    assert_eq!(stage.run(&[]).0, 2);
    std::fs::write(stage.home().join("langley.config.yaml"), "proxy: [\n").unwrap();
    insta::assert_snapshot!(stage.transcript(&["config", "check"]), @"");
    insta::assert_snapshot!(stage.transcript(&["config", "check", "--config", "none.yaml"]), @"");
}

#[test]
fn listening_beyond_loopback_must_be_meant() {
    let stage = Stage::new();
    insta::assert_snapshot!(stage.transcript(&["--listen", "0.0.0.0:0"]), @"");
    insta::assert_snapshot!(stage.transcript(&["--listen", "9090"]), @"");
}

#[test]
fn reading_before_anything_was_recorded_says_so() {
    let stage = Stage::new();
    insta::assert_snapshot!(stage.transcript(&["flows"]), @"");
    insta::assert_snapshot!(stage.transcript(&["flows", "--since", "yesterday"]), @"");
    insta::assert_snapshot!(stage.transcript(&["ca", "show"]), @"");
    insta::assert_snapshot!(stage.transcript(&["status"]), @"");
    insta::assert_snapshot!(stage.transcript(&["stop"]), @"");
}

#[test]
fn wrong_use_exits_with_two() {
    let stage = Stage::new();
    for args in [&["nonsense"][..], &["run"], &["flows", "--limit", "0"], &["ca"]] {
        assert_eq!(stage.run(args).0, 2, "{args:?}");
    }
}
