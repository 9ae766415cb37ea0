//! Before a command reads the database: the running server commits what it still holds, so that what
//! an agent has just done is seen.

use hyper::StatusCode;
use langley_store::Told;

use crate::api::{Api, ApiError};
use crate::home::Home;
use crate::lock::Claim;
use crate::runtime;
use crate::state::State;
use crate::token::Token;

/// Lets the running server catch up, for a second at most; without one there is nothing to wait for.
/// What cannot be done is said, and the command goes on: it then shows what is committed.
pub(crate) fn catch_up(home: &Home) {
    if !Claim::is_held(home) {
        return;
    }
    let Some(state) = State::read(home) else { return };
    let Ok(runtime) = runtime::small() else { return };
    let behind = match runtime.block_on(flushed(home, &state)) {
        Flushed::Whole => return,
        Flushed::Behind => "the server is behind with its recording",
        Flushed::OtherToken => {
            "the running server does not take this home's token: `langley stop`, then start it again"
        }
    };
    eprintln!("warning: {behind}; what is newest may be missing");
}

/// The same, where a runtime runs; whether all is committed that was seen until now.
pub(crate) async fn committed(home: &Home, state: &State) -> bool {
    flushed(home, state).await == Flushed::Whole
}

/// How the flows of `home` that have no outcome are told: nobody ends them where no server holds it.
pub(crate) fn told(home: &Home) -> Told {
    if Claim::is_held(home) { Told::Open } else { Told::Lost }
}

/// What the server said to being asked to commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flushed {
    Whole,
    Behind,
    OtherToken,
}

async fn flushed(home: &Home, state: &State) -> Flushed {
    match Api::new(state.api, Token::read(home).ok().flatten()).flush().await {
        Ok(answer) if answer["complete"] == true => Flushed::Whole,
        Err(ApiError::Refused { status: StatusCode::UNAUTHORIZED, .. }) => Flushed::OtherToken,
        // An earlier version: the database can still be read.
        Err(ApiError::Refused { .. }) => Flushed::Whole,
        Ok(_) | Err(ApiError::Unreachable { .. } | ApiError::Slow { .. }) => Flushed::Behind,
    }
}
