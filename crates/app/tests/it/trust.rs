//! `langley ca install` and `remove` in the root folder of another system, which the test made up.

use std::path::PathBuf;
use std::process::Stdio;

use crate::stage::Stage;

/// A Debian below `root`, and a `chroot` that does there what `update-ca-certificates` would do.
fn debian(refresh: &str) -> (Stage, PathBuf) {
    use std::os::unix::fs::PermissionsExt;
    let mut stage = Stage::new();
    drop(stage.server());
    let root = stage.path("root");
    for folder in
        ["usr/local/share/ca-certificates", "etc/ssl/certs", "etc/ca-certificates/update.d"]
    {
        std::fs::create_dir_all(root.join(folder)).unwrap();
    }
    std::fs::write(root.join("usr/local/share/ca-certificates/corp.crt"), "CORP\n").unwrap();
    std::fs::write(root.join("etc/ca-certificates/update.d/jks-keystore"), "").unwrap();
    let bin = stage.path("bin");
    std::fs::create_dir(&bin).unwrap();
    let script = format!(
        "#!/bin/sh\necho \"$2 $3\" >> \"$1/log\"\ncase $2 in\nupdate-ca-certificates) {refresh} ;;\n\
         *) cat >> \"$1/log\" ;;\nesac\n"
    );
    std::fs::write(bin.join("chroot"), script).unwrap();
    std::fs::set_permissions(bin.join("chroot"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    stage.set("PATH", &path);
    (stage, root)
}

const REFRESH: &str =
    "cat \"$1\"/usr/local/share/ca-certificates/*.crt > \"$1/etc/ssl/certs/ca-certificates.crt\"";

fn files(root: &std::path::Path) -> Vec<String> {
    let folder = std::fs::read_dir(root.join("usr/local/share/ca-certificates")).unwrap();
    let mut names: Vec<String> =
        folder.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort_unstable();
    names
}

#[test]
fn a_store_that_cannot_be_meant_is_refused_with_the_reason() {
    let stage = Stage::new();
    drop(stage.server());
    let (code, out, _) = stage.run(&["ca", "install", "--store", "windows", "--dry-run"]);
    assert_eq!(code, 0);
    assert!(out.contains("certutil -addstore"), "{out}");
    let (code, _, err) = stage.run(&["ca", "install", "--store", "windows", "--yes"]);
    assert_eq!(code, 2);
    assert!(err.contains("another operating system"), "{err}");
    let (code, _, err) = stage.run(&["ca", "install", "--root", "/no/such/folder", "--dry-run"]);
    assert_eq!(code, 2);
    assert!(err.contains("there is no folder /no/such/folder"), "{err}");
}

#[test]
fn what_is_installed_is_in_the_store_and_what_is_removed_is_not() {
    let (stage, root) = debian(REFRESH);
    let at = ["--root", root.to_str().unwrap()];
    let ca = |args: &[&str]| stage.run(&[&["ca"], args, &at[..]].concat());
    let bundle = || {
        std::fs::read_to_string(root.join("etc/ssl/certs/ca-certificates.crt")).unwrap_or_default()
    };
    let ours = std::fs::read_to_string(stage.home().join("ca/ca.pem")).unwrap();

    let (code, out, _) = ca(&["install", "--dry-run"]);
    assert_eq!(code, 0);
    assert!(
        out.contains("cp DIR/home/ca/ca.pem DIR/root/usr/local/share/ca-certificates/langley.crt")
    );
    assert!(out.contains("chroot DIR/root update-ca-certificates\n"), "{out}");
    assert_eq!((files(&root), bundle()), (vec!["corp.crt".to_owned()], String::new()));
    let (code, _, err) = ca(&["install"]);
    assert_eq!(code, 2, "nobody can answer: {err}");
    assert_eq!(files(&root), ["corp.crt"]);

    let (code, out, err) = ca(&["install", "--yes"]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(bundle().contains(&ours) && bundle().contains("CORP"));
    assert!(ca(&["install", "--yes"]).1.starts_with("already installed"));

    // A new key: the old certificate is replaced, not kept beside it.
    assert_eq!(stage.run(&["ca", "rotate"]).0, 0);
    let (code, out, err) = ca(&["install", "--yes"]);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("instead of"), "{out}");
    assert!(!bundle().contains(&ours));
    assert_eq!(files(&root), ["corp.crt", "langley.crt"]);

    let (code, out, err) = ca(&["remove", "--yes"]);
    assert_eq!(code, 0, "{out}{err}");
    assert_eq!((files(&root), bundle()), (vec!["corp.crt".to_owned()], "CORP\n".to_owned()));
    assert!(ca(&["remove", "--yes"]).1.contains("nothing to remove"));
    let log = std::fs::read_to_string(root.join("log")).unwrap();
    let told = "/etc/ca-certificates/update.d/jks-keystore \n-/etc/ssl/certs/langley.pem\n\
                update-ca-certificates --fresh\n";
    assert!(log.ends_with(told), "Java's copy is told: {log}");
}

#[test]
fn a_step_that_fails_leaves_the_store_as_it_was() {
    let (stage, root) = debian("echo 'no room' >&2; exit 3");
    let root_text = root.to_str().unwrap();
    let (code, _, err) = stage.run(&["ca", "install", "--yes", "--root", root_text]);
    assert_eq!(code, 1);
    assert!(err.contains("this step did not succeed: chroot DIR/root update-ca-certificates"));
    assert!(err.contains("no room"), "{err}");
    assert_eq!(files(&root), ["corp.crt"]);

    let (stage, root) = debian("true");
    let root_text = root.to_str().unwrap();
    let (code, _, err) = stage.run(&["ca", "install", "--yes", "--root", root_text]);
    assert_eq!(code, 1, "success alone is not believed");
    assert!(err.contains("the store does not hold the certificate"), "{err}");
}

#[test]
fn other_systems_are_known_by_their_folders() {
    let stage = Stage::new();
    drop(stage.server());
    for (folder, program) in [
        ("etc/pki/ca-trust/source/anchors", "update-ca-trust extract"),
        ("etc/ca-certificates/trust-source/anchors", "update-ca-trust extract"),
        ("etc/pki/trust/anchors", "update-ca-certificates"),
    ] {
        let root = stage.path(folder.split('/').nth(1).unwrap()).join(folder.len().to_string());
        std::fs::create_dir_all(root.join(folder)).unwrap();
        let root = root.to_str().unwrap();
        let (code, out, err) = stage.run(&["ca", "install", "--dry-run", "--root", root]);
        assert_eq!(code, 0, "{err}");
        assert!(out.contains(&format!("{folder}/langley.")) && out.contains(program), "{out}");
    }
    let (code, _, err) =
        stage.run(&["ca", "install", "--dry-run", "--root", stage.path("").to_str().unwrap()]);
    assert_eq!(code, 1);
    assert!(err.contains("--store NAME") && err.contains("langley run"), "{err}");
    let (_, out, _) = stage.run(&["ca", "install", "--dry-run", "--store", "macos"]);
    assert!(out.contains("security add-trusted-cert -d -r trustRoot"), "{out}");
}

#[test]
fn on_a_terminal_it_asks_and_no_is_no() {
    use std::io::Write;
    let (stage, root) = debian(REFRESH);
    for (answer, expected) in [("n\n", 1), ("y\n", 2)] {
        let run = stage.langley(&[]);
        let line = format!(
            "'{}' ca install --root '{}'",
            run.get_program().to_str().unwrap(),
            root.display()
        );
        let mut terminal = std::process::Command::new("script");
        terminal.args(["-qec", &line, "/dev/null"]).env_clear();
        terminal.envs(run.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let mut terminal = terminal.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        terminal.stdin.take().unwrap().write_all(answer.as_bytes()).unwrap();
        let (_, out, _) = stage.shown(&terminal.wait_with_output().unwrap());
        assert!(out.contains("install? [y/N]"), "{out}");
        assert_eq!(files(&root).len(), expected, "{out}");
    }
}
