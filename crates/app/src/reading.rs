//! Before a command reads the database: the running server commits what it still holds, so that what
//! an agent has just done is seen.

use hyper::StatusCode;
use langley_store::{Store, StoreError, Told};
use serde_json::Value;

use crate::api::{Api, ApiError};
use crate::error::{AppError, Result};
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

/// What `ask` reads of the database, once the running server has caught up; `what` is in words what it is.
///
/// # Errors
/// No database yet, or it cannot be read.
pub(crate) fn read<T>(
    home: &Home,
    what: &str,
    ask: impl FnOnce(&Store) -> std::result::Result<T, StoreError>,
) -> Result<T> {
    catch_up(home);
    let read = Store::open_read_only(home.database()).and_then(|store| ask(&store));
    read.map_err(|error| AppError::failed(format!("the {what} cannot be read")).said_by(&error))
}

/// Prints what was read as JSON.
///
/// # Errors
/// It cannot be written as JSON: a defect in a shape's derive.
pub(crate) fn tell(what: &str, json: serde_json::Result<Value>) -> Result<()> {
    // At once: standard output is flushed at each line that is written to it by itself.
    tell_text(what, json.map(|json| format!("{json:#}")))
}

/// Prints what was read, which is JSON already.
///
/// # Errors
/// It could not be written as JSON: a defect in a shape's derive.
pub(crate) fn tell_text(what: &str, json: serde_json::Result<String>) -> Result<()> {
    let json = json
        .map_err(|error| AppError::failed(format!("the {what} cannot be told")).because(&error))?;
    println!("{json}");
    Ok(())
}

/// Says below a list what is not in it.
pub(crate) fn tell_missing(has_older: bool, is_filling: bool) {
    if has_older {
        println!("… older ones exist: --limit, --since");
    }
    if is_filling {
        println!("{FILLING}");
    }
}

/// What is said while sums are not whole.
pub(crate) const FILLING: &str = "… those of an earlier version are still being added";

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
