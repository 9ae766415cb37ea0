//! The server and its ports: who has them?

use std::fs;
use std::path::Path;

use super::check::Check;
use crate::config::{Address, Config};
use crate::detach;
use crate::error::AppError;
use crate::home::Home;
use crate::listen::{self, Door};
use crate::lock::Claim;
use crate::state::{State, reachable};

/// The running server of this home.
pub(super) async fn running(home: &Home) -> Option<State> {
    detach::healthy(home).await
}

/// Server and ports. Needs the runtime's context.
pub(super) fn checks(home: &Home, config: &Config, running: Option<&State>) -> Vec<Check> {
    if let Some(state) = running {
        let what = format!(
            "runs as process {}, proxy {}, dashboard {}",
            state.pid,
            reachable(state.proxy),
            reachable(state.api)
        );
        let mut check = Check::passed("server", what);
        if state.version != env!("CARGO_PKG_VERSION") {
            check = Check::warned("server", format!("it has version {}", state.version))
                .why(format!("this program has version {}", env!("CARGO_PKG_VERSION")))
                .next("start it again: `langley stop`, then `langley`");
        } else if replaced(&home.state(), std::env::current_exe().ok().as_deref()) {
            check = Check::warned("server", "this program is newer than the running server")
                .why("its file was replaced after the server started, which still runs the old one")
                .next("start it again: `langley stop`, then `langley`");
        }
        return vec![check];
    }
    if Claim::is_held(home) {
        let error = AppError::failed("a server holds this home, but does not answer")
            .why("it may be on its way up or down, or be stuck")
            .next("try again in a moment; otherwise `langley stop`");
        return vec![Check::failed("server", &error)];
    }
    vec![
        Check::passed("server", "does not run; `langley` starts it, and so does `langley run`"),
        port("proxy port", Door::Proxy, &config.proxy),
        port("api port", Door::Api, &config.api),
    ]
}

/// Whether a port is free; else who has it, as far as that can be told.
fn port(name: &'static str, door: Door, address: &Address) -> Check {
    match listen::open(door, address) {
        Err(error) => Check::failed(name, &error),
        Ok(_) if address.port == 0 => {
            Check::passed(name, format!("any free one on {}, as configured", address.host))
        }
        Ok(_) => Check::passed(name, format!("{address} is free")),
    }
}

/// Whether the program's file is newer than what the server wrote at its start.
fn replaced(state: &Path, program: Option<&Path>) -> bool {
    let changed = |path: &Path| fs::metadata(path).and_then(|file| file.modified()).ok();
    match (program.and_then(changed), changed(state)) {
        (Some(program), Some(started)) => program > started,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::Verdict;
    use super::*;

    #[tokio::test]
    async fn a_port_that_another_program_has_is_reported() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address =
            Address { host: "127.0.0.1".into(), port: taken.local_addr().unwrap().port() };
        let found = port("proxy port", Door::Proxy, &address);
        assert_eq!(found.verdict, Verdict::Fail);
        assert!(found.to_string().contains("another program has that port"));
        let free = Address { host: "127.0.0.1".into(), port: 0 };
        assert_eq!(port("api port", Door::Api, &free).verdict, Verdict::Pass);
    }

    #[test]
    fn a_program_is_newer_when_its_file_changed_after_the_start() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, seconds| {
            let path = folder.path().join(name);
            let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
            fs::File::create(&path).unwrap().set_modified(time).unwrap();
            path
        };
        let (state, older, newer) = (file("state", 100), file("older", 99), file("newer", 101));
        assert!(replaced(&state, Some(&newer)) && !replaced(&state, Some(&older)));
        assert!(!replaced(&state, None) && !replaced(&folder.path().join("none"), Some(&newer)));
    }
}
