//! Before a command reads the database: the running server commits what it still holds, so that what
//! an agent has just done is seen.

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
    if !runtime.block_on(committed(home, &state)) {
        eprintln!(
            "warning: the server is behind with its recording; what is newest may be missing"
        );
    }
}

/// The same, where a runtime runs; whether all is committed that was seen until now.
pub(crate) async fn committed(home: &Home, state: &State) -> bool {
    match Api::new(state.api, Token::read(home).ok().flatten()).flush().await {
        Ok(answer) => answer["complete"] == true,
        // An earlier version, or another token: the database can still be read.
        Err(ApiError::Refused { .. }) => true,
        Err(ApiError::Unreachable { .. } | ApiError::Slow { .. }) => false,
    }
}
