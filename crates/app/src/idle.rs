//! The end of a server that `langley run` started: some minutes after its last client.
//!
//! A client registers and then looks for a server; the server hides and then looks for clients. So
//! at least one of the two sees the other, and no client is left with a server about to end.

use std::path::PathBuf;
use std::time::Duration;

use tokio::time::Instant;

use crate::clients;
use crate::home::Home;
use crate::state::State;

const LOOK_EVERY: Duration = Duration::from_secs(30);

/// Completes after `patience` without a client. `busy` says whether agents are connected that no
/// `run` started.
pub(crate) async fn without_clients(
    home: &Home,
    state: &State,
    patience: Duration,
    busy: impl Fn() -> bool,
) {
    let mut last_client = Instant::now();
    loop {
        tokio::time::sleep(LOOK_EVERY.min(patience / 4).max(Duration::from_millis(10))).await;
        if clients::alive(home) > 0 || busy() || wants_to_stay(home) {
            last_client = Instant::now();
        } else if last_client.elapsed() >= patience {
            State::remove(home);
            if clients::alive(home) == 0 {
                return;
            }
            last_client = Instant::now();
            if let Err(error) = state.write(home) {
                tracing::warn!(error = error.what(), "state.json could not be written again");
            }
        }
    }
}

/// Tells a server that `run` started to stay: the person has asked for one by `langley start`.
pub(crate) fn ask_to_stay(home: &Home) -> std::io::Result<()> {
    crate::home::private_folder(&home.clients())?;
    crate::home::write_private(&stay(home), b"")
}

/// Forgets that wish; the server calls it at its start.
pub(crate) fn forget_stay(home: &Home) {
    let _ = std::fs::remove_file(stay(home));
}

fn wants_to_stay(home: &Home) -> bool {
    stay(home).exists()
}

fn stay(home: &Home) -> PathBuf {
    home.root().join("stay")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> State {
        State {
            pid: 1,
            proxy: "127.0.0.1:1".parse().unwrap(),
            api: "127.0.0.1:2".parse().unwrap(),
            version: "0".into(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn it_ends_only_after_the_last_client_has_been_gone_for_the_whole_time() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::create(folder.path()).unwrap();
        let client = clients::Registration::new(&home).unwrap();
        let patience = Duration::from_secs(600);
        let state = state();
        let idle = without_clients(&home, &state, patience, || false);
        tokio::pin!(idle);
        let start = Instant::now();
        tokio::select! {
            () = &mut idle => panic!("a client lives"),
            () = tokio::time::sleep(Duration::from_secs(3600)) => drop(client),
        }
        idle.await;
        let lived = start.elapsed();
        assert!(
            lived >= Duration::from_secs(4170) && lived < Duration::from_secs(4300),
            "{lived:?}"
        );
    }
}
