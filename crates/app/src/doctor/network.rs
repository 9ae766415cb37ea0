//! The server and its ports: who has them?

use super::check::Check;
use crate::config::Config;
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
        }
        return vec![check];
    }
    if Claim::is_held(home) {
        let error = AppError::failed("a server holds this home, but does not answer")
            .why("it may be on its way up or down, or be stuck")
            .next("try again in a moment; otherwise `langley stop`");
        return vec![Check::failed("server", &error)];
    }
    let port = |name, door, address| match listen::open(door, address) {
        Ok(_) => Check::passed(name, format!("{address} is free")),
        Err(error) => Check::failed(name, &error),
    };
    vec![
        Check::passed("server", "does not run"),
        port("proxy port", Door::Proxy, &config.proxy),
        port("api port", Door::Api, &config.api),
    ]
}
