//! `langley doctor` around a real server: what it finds, and that it leaves nothing behind.

use std::process::Command;

use crate::stage::{Provider, Stage};

fn dead() -> String {
    format!("http://{}", langley_testkit::nobody())
}

#[test]
fn its_own_requests_do_not_stay_in_the_record_and_are_not_counted() {
    let provider = Provider::start();
    let stage = Stage::with_provider(&provider);
    let _server = stage.server();
    for args in [&["doctor"][..], &["doctor", "--fidelity"]] {
        let (code, out, err) = stage.run(args);
        assert_eq!(code, 0, "{out}{err}");
    }
    assert_eq!(stage.run(&["flows"]).1, "no flows\n");
    assert_eq!(stage.api("/api/stats")["flows"], 0);
    assert_eq!(stage.api("/api/usage")["totals"]["flows"]["total"], 0);
    assert!(stage.run(&["status"]).1.contains("0 flows"));
}

#[test]
fn a_dead_upstream_proxy_and_what_could_not_leave_are_told() {
    let mut stage = Stage::new();
    let proxy = dead();
    stage.set("HTTPS_PROXY", &proxy);
    let told = |stage: &Stage| {
        let (code, out, err) = stage.run(&["doctor"]);
        assert_eq!(code, 1, "{out}{err}");
        assert!(out.contains("fail  upstream proxy"), "{out}");
        assert!(out.contains(&format!("{} cannot be reached", &proxy["http://".len()..])), "{out}");
        out
    };
    assert!(told(&stage).contains("set by: environment HTTPS_PROXY"));
    let _server = stage.server();
    let state = stage.state();
    let through = format!("http://{}", state["proxy"].as_str().unwrap());
    let output = Command::new("curl")
        .args(["-sS", "--max-time", "20", "-x", &through, "https://api.anthropic.com/v1/models"])
        .output()
        .unwrap();
    assert!(!output.status.success());
    let out = told(&stage);
    assert!(out.contains("the running server has it from: environment HTTPS_PROXY"), "{out}");
    assert!(
        out.contains("could not be reached: api.anthropic.com:443 (once, last less than"),
        "{out}"
    );
}

#[test]
fn the_running_servers_tls_setting_is_told_and_not_the_shells() {
    let mut stage = Stage::new();
    stage.set("LANGLEY_TLS_PROVIDER", "mirror");
    let _server = stage.server();
    stage.set("LANGLEY_TLS_PROVIDER", "native");
    let (_, out, _) = stage.run(&["doctor"]);
    assert!(
        out.contains("warn  tls hello      the running server: providers see the agent's"),
        "{out}"
    );
    assert!(out.contains("says otherwise: providers see Langley's own"), "{out}");
}
