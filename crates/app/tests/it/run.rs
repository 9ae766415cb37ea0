//! `langley run`: the command ends as it would without us, and knows its way to the proxy.

use std::process::Stdio;

use crate::stage::{Stage, wait};

#[test]
fn exit_codes_are_the_commands_own() {
    let stage = Stage::new();
    let code = |args: &[&str]| stage.run(&[&["run", "--"], args].concat()).0;
    assert_eq!(code(&["sh", "-c", "exit 7"]), 7);
    assert_eq!(code(&["true"]), 0);
    assert_eq!(code(&["sh", "-c", "kill -9 $$"]), 137);
    assert_eq!(code(&["/etc/hostname"]), 126);
    insta::assert_snapshot!(stage.transcript(&["run", "no-such-command", "--quiet"]), @r"
    error: `no-such-command` could not be started
    why:   No such file or directory (os error 2)
    next:  check the spelling, or give the whole path
    [exit 127]
    ");
    stage.stop();
}

#[test]
fn the_command_gets_stdin_its_own_flags_and_the_environment() {
    use std::io::Write;
    let stage = Stage::new();
    let mut child = stage
        .langley(&[
            "run",
            "sh",
            "-c",
            "cat; echo $1; echo $HTTPS_PROXY $NODE_EXTRA_CA_CERTS",
            "--",
            "--json",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"from stdin\n").unwrap();
    let (code, out, _) = stage.shown(&child.wait_with_output().unwrap());
    let proxy = stage.state()["proxy"].as_str().unwrap().to_owned();
    assert_eq!(code, 0);
    assert_eq!(out, format!("from stdin\n--json\nhttp://{proxy} DIR/home/ca/ca.pem\n"));
    stage.stop();
}

#[test]
#[cfg(target_os = "linux")]
fn a_server_gives_memory_back_soon_however_it_was_begun() {
    let environment = |pid: &serde_json::Value| {
        let bytes = std::fs::read(format!("/proc/{pid}/environ")).unwrap();
        let of = |it: &[u8]| {
            String::from_utf8(it.to_vec()).ok().filter(|it| it.starts_with("MIMALLOC_"))
        };
        let mut settings: Vec<String> = bytes.split(|byte| *byte == 0).filter_map(of).collect();
        settings.sort();
        settings
    };
    let ours =
        ["MIMALLOC_GENERIC_COLLECT=1000", "MIMALLOC_PAGE_FULL_RETAIN=0", "MIMALLOC_PURGE_DELAY=10"];
    let mut stage = Stage::new();
    stage.run(&["run", "true"]);
    assert_eq!(environment(&stage.state()["pid"]), ours);
    stage.stop();
    // In the foreground, with a setting of somebody's own: still the process that was begun, and its words.
    stage.set("MIMALLOC_PURGE_DELAY", "77");
    let server = stage.server_with(&["--idle-exit", "500"]);
    let pid = server.id().into();
    assert_eq!(environment(&pid), [ours[0], ours[1], "MIMALLOC_PURGE_DELAY=77"]);
    let words = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap().replace('\0', " ");
    assert!(words.ends_with(" start --quiet --no-open --idle-exit 500 "), "{words:?}");
}

#[test]
fn a_second_run_joins_the_server_of_the_first() {
    let stage = Stage::new();
    let proxy = || stage.run(&["run", "sh", "-c", "echo $HTTPS_PROXY"]).1;
    let first = proxy();
    assert!(first.starts_with("http://127.0.0.1:"));
    assert_eq!(first, proxy());
    stage.stop();
}

#[test]
fn runs_that_start_together_share_one_server() {
    let stage = Stage::new();
    let children: Vec<_> = (0..4)
        .map(|_| {
            stage
                .langley(&["run", "sh", "-c", "echo $HTTPS_PROXY"])
                .stdout(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    let mut said: Vec<String> = children
        .into_iter()
        .map(|child| stage.shown(&child.wait_with_output().unwrap()).1)
        .collect();
    said.dedup();
    assert_eq!(said.len(), 1, "{said:?}");
    stage.stop();
}

#[test]
fn a_signal_that_only_we_get_reaches_the_command() {
    let stage = Stage::new();
    let script =
        "trap 'echo caught; exit 9' TERM; echo ready > ready; while :; do sleep 0.05; done";
    let child = stage.langley(&["run", "sh", "-c", script]).stdout(Stdio::piped()).spawn().unwrap();
    wait(|| stage.path("ready").exists());
    let pid = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    let (code, out, _) = stage.shown(&child.wait_with_output().unwrap());
    assert_eq!((code, out.as_str()), (9, "caught\n"));
    stage.stop();
}

#[test]
fn a_server_that_cannot_start_says_why_in_the_runs_own_words() {
    let stage = Stage::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let said =
        stage.transcript(&["run", "--listen", &address, "true"]).replace(&address, "ADDRESS");
    insta::assert_snapshot!(said, @r"
    error: the server did not start
    why:   the proxy cannot listen on ADDRESS: another program has that port
    next:  stop that program, or choose another port: `langley --home DIR/home --listen 127.0.0.1:0` (0 takes any free port)
    [exit 1]
    ");
}

#[test]
fn an_interrupt_reaches_a_command_in_the_background_of_a_terminal() {
    let stage = Stage::new();
    let inner = stage.path("inner.sh");
    let script =
        "trap 'echo caught > caught; exit 9' INT; echo > ready; while :; do sleep 0.05; done";
    std::fs::write(&inner, script).unwrap();
    // The shell's job control puts the job into a group of its own, which is not the foreground.
    let run = stage.langley(&["run", "sh", "inner.sh"]);
    let job = format!(
        "set -m; '{}' run sh inner.sh </dev/null & echo $! > pid.new; mv pid.new pid; wait $!",
        run.get_program().to_str().unwrap()
    );
    std::fs::write(stage.path("job.sh"), job).unwrap();
    let mut terminal = std::process::Command::new("script");
    terminal.args(["-qec", "sh job.sh", "/dev/null"]).current_dir(stage.path("")).env_clear();
    terminal.envs(run.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let mut terminal =
        terminal.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait(|| stage.path("ready").exists() && stage.path("pid").exists());
    let pid = std::fs::read_to_string(stage.path("pid")).unwrap();
    assert!(
        std::process::Command::new("kill").args(["-INT", pid.trim()]).status().unwrap().success()
    );
    wait(|| terminal.try_wait().unwrap().is_some());
    assert!(stage.path("caught").exists());
    stage.stop();
}

/// A command in the stage's folder that says what it was given.
fn fake(stage: &Stage, name: &str, script: &str) -> String {
    use std::os::unix::fs::PermissionsExt;
    let path = stage.path(name);
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn by_base_url_a_command_gets_addresses_and_no_proxy() {
    let mut stage = Stage::new();
    stage.set("OPENAI_BASE_URL", "https://gateway.example/v1");
    let script = "echo $ANTHROPIC_BASE_URL $OPENAI_BASE_URL [$HTTPS_PROXY]";
    let (code, out, err) = stage.run(&["run", "--mode", "reverse", "sh", "-c", script]);
    let url = format!("http://{}", stage.state()["proxy"].as_str().unwrap());
    assert_eq!((code, out), (0, format!("{url} {url}/v1 []\n")));
    assert!(err.contains("your OPENAI_BASE_URL is replaced"), "{err}");
    stage.stop();
}

#[test]
fn codex_gets_its_base_url_as_arguments_and_that_is_said() {
    let stage = Stage::new();
    let codex = fake(&stage, "codex", r#"printf '<%s>' "$@""#);
    let (code, out, err) = stage.run(&["run", "--quiet", "--mode=reverse", &codex, "exec", "hi"]);
    let url = format!("http://{}", stage.state()["proxy"].as_str().unwrap());
    assert_eq!((code, out), (0, format!("<-c><openai_base_url=\"{url}/v1\"><exec><hi>")));
    assert!(err.contains("codex gets the arguments -c openai_base_url="), "{err}");
    let npx = fake(&stage, "npx", r#"printf '<%s>' "$@""#);
    let (_, out, err) = stage.run(&["run", "--mode=reverse", &npx, "@openai/codex"]);
    assert_eq!(out, "<@openai/codex>", "a runner's arguments are left alone");
    assert!(err.contains("codex passes by unless you add"), "{err}");
    stage.stop();
}

#[test]
fn what_leads_past_the_proxy_is_said_once_and_only_then() {
    let mut stage = Stage::new();
    assert_eq!(stage.run(&["run", "true"]).2, "");
    stage.set("NO_PROXY", "anthropic.com");
    stage.set("ANTHROPIC_BASE_URL", "https://gw.corp.example");
    let (_, _, err) = stage.run(&["run", "true"]);
    assert_eq!(err.matches("NO_PROXY names api.anthropic.com").count(), 1, "{err}");
    assert!(err.contains("LANGLEY_INTERCEPT_HOSTS=+gw.corp.example"), "{err}");
    assert_eq!(stage.run(&["--quiet", "run", "true"]).2, "");
    stage.stop();
}

#[test]
fn the_environment_can_be_printed_for_a_shell_or_an_editor() {
    let mut stage = Stage::new();
    let (code, out, err) = stage.run(&["run", "--print-env"]);
    assert_eq!((code, out.as_str()), (1, ""), "port 0 says nothing about where");
    assert!(err.contains("--listen"), "{err}");
    stage.set("LANGLEY_LISTEN", "127.0.0.1:19090");
    stage.set("LANGLEY_API", "127.0.0.1:19091");
    let (code, out, err) = stage.run(&["run", "--print-env=json", "claude"]);
    let printed: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &printed["HTTPS_PROXY"]), (0, &"http://127.0.0.1:19090".into()));
    assert!(err.contains("no server runs"), "{err}");
    assert!(stage.home().join("ca/bundle.pem").exists(), "what it names is there");
    assert!(!stage.home().join("state.json").exists(), "nothing was started");

    let (_, shell, _) = stage.run(&["run", "--print-env", "--quiet"]);
    std::fs::write(stage.path("env.sh"), shell.replace("DIR", stage.path("").to_str().unwrap()))
        .unwrap();
    let sourced = std::process::Command::new("sh")
        .args(["-c", ". ./env.sh && echo $NODE_EXTRA_CA_CERTS $NO_PROXY"])
        .current_dir(stage.path(""))
        .env_clear()
        .output()
        .unwrap();
    let said = stage.shown(&sourced).1;
    assert!(said.contains("ca/ca.pem 127.0.0.1,localhost,::1,169.254.169.254,"), "{said}");
    let (_, fish, _) = stage.run(&["run", "--print-env=fish", "--mode", "reverse", "codex"]);
    assert!(fish.starts_with("set -gx ANTHROPIC_BASE_URL 'http://127.0.0.1:19090'\n"), "{fish}");
}

#[test]
fn the_known_clients_are_listed() {
    let stage = Stage::new();
    let (code, out, _) = stage.run(&["run", "--list", "--json"]);
    let listed: serde_json::Value = serde_json::from_str(&out).unwrap();
    let items = listed["items"].as_array().unwrap();
    assert_eq!((code, &items[0]["name"]), (0, &"claude".into()));
    assert!(items.iter().any(|item| item["reverse"].is_null()));
    let (_, table, _) = stage.run(&["run", "--list"]);
    for item in items {
        let name = item["name"].as_str().unwrap();
        assert!(table.lines().any(|line| line.split(' ').next() == Some(name)), "{name}");
    }
}

#[test]
fn a_server_that_is_not_as_this_shell_asks_is_told_in_a_line_each() {
    let mut stage = Stage::new();
    assert_eq!(stage.run(&["run", "true"]).2, "");
    stage.set("HTTPS_PROXY", "http://corp.example:3128");
    let elsewhere = ["--listen", "127.0.0.1:19999"];
    let (code, _, err) = stage.run(&[&elsewhere[..], &["run", "true"]].concat());
    assert_eq!((code, err.lines().count()), (0, 2), "{err}");
    assert!(err.contains("proxy 127.0.0.1:19999 (flag --listen) has no effect"), "{err}");
    assert!(err.contains("through no proxy, this shell says corp.example:3128"), "{err}");
    assert_eq!(stage.run(&[&["--quiet"], &elsewhere[..], &["run", "true"]].concat()).2, "");
    let (code, out, err) = stage.run(&[&["start", "--no-open"], &elsewhere[..]].concat());
    assert_eq!(code, 0, "{err}");
    assert!(err.contains("warning: the server of this home already runs"), "{err}");
    assert!(out.contains(stage.state()["proxy"].as_str().unwrap()), "{out}");
    stage.stop();
}

#[test]
fn a_dead_upstream_proxy_is_told_before_the_command_starts_and_keeps_it_from_nothing() {
    let mut stage = Stage::new();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let dead = free.local_addr().unwrap();
    drop(free);
    stage.set("LANGLEY_UPSTREAM_PROXY", &format!("http://{dead}"));
    let (code, out, err) = stage.run(&["run", "echo", "ran"]);
    assert_eq!((code, out.as_str(), err.lines().count()), (0, "ran\n", 1), "{err}");
    assert!(err.contains(&format!("the upstream proxy {dead} cannot be reached")), "{err}");
    assert!(err.contains("LANGLEY_UPSTREAM_PROXY=none"), "{err}");
    stage.stop();
}
