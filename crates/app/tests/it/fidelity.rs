//! `langley doctor --fidelity`: nothing differs, and it says so with a running server and without.

use serde_json::Value;

use crate::stage::{Provider, Stage};

fn proof(stage: &Stage) -> Value {
    let (code, out, err) = stage.run(&["doctor", "--fidelity", "--json"]);
    let report: Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}{err}"));
    assert_eq!((code, &report["ok"]), (0, &Value::Bool(true)), "{report:#}");
    assert_eq!(report["differences"], 0);
    assert_eq!(report["exchanges"].as_array().unwrap().len(), 57);
    report
}

#[test]
fn the_running_proxy_changes_no_byte_while_it_records_and_nothing_of_the_proof_stays() {
    // The upstream proxy would answer for any name: the origin must be reached without it.
    let provider = Provider::start();
    let stage = Stage::with_provider(&provider);
    let _server = stage.server();
    let report = proof(&stage);
    assert_eq!(report["temporary_server"], false);
    assert_eq!(report["proxy"], stage.state()["proxy"]);
    for version in ["HTTP/1.1", "HTTP/2"] {
        let of = |list: &str| {
            let mut items = report[list].as_array().unwrap().iter();
            items.find(|item| item["version"] == version).unwrap().clone()
        };
        assert!(of("latency")["proxied_us"].as_u64().unwrap() > 0);
        let ja4 = of("ja4");
        assert!(ja4["in"].as_str().unwrap().starts_with("t13d"), "{ja4}");
        assert_eq!(ja4["equal"], ja4["in"] == ja4["out"]);
    }
    assert!(provider.fixture.connects().is_empty());
    let sent = report["requests_through_proxy"].as_u64().unwrap();
    assert!(sent > 35, "{sent}");
    assert_eq!(report["flows_recorded_and_removed"], sent, "all of it was on record");
    assert_eq!(stage.api("/api/flows/count")["count"], 0, "and none of it is left");
    assert_eq!(stage.api("/api/usage")["totals"]["flows"]["total"], 0, "nor part of any sum");
}

#[test]
fn without_a_server_a_temporary_one_proves_it_with_the_users_tls_setting() {
    let mut stage = Stage::new();
    stage.set("LANGLEY_TLS_PROVIDER", "mirror");
    let report = proof(&stage);
    assert_eq!(report["temporary_server"], true);
    assert!(report["tls_hello"].as_str().unwrap().contains("the agent's"), "{report:#}");
    let hellos = report["ja4"].as_array().unwrap();
    assert!(hellos.len() == 2 && hellos.iter().all(|ja4| ja4["equal"] == true), "{report:#}");
    assert!(!stage.home().exists());
    let (code, out, err) = stage.run(&["doctor", "--fidelity"]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert!(out.contains("start yours with `langley`"), "{out}");
    assert!(out.contains("57 exchanges compared, 0 differences"), "{out}");
}
