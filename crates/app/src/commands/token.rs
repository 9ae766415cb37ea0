//! `langley token`: shows the API's token, or makes a new one.

use crate::api::Api;
use crate::cli::{GlobalArgs, TokenVerb};
use crate::detach;
use crate::error::Result;
use crate::home::Home;
use crate::lock::Claim;
use crate::runtime;
use crate::token::Token;

/// Runs the verb.
///
/// # Errors
/// The home or the token cannot be used.
pub(crate) fn token(global: &GlobalArgs, verb: TokenVerb) -> Result<()> {
    let named = match verb {
        TokenVerb::Show => Home::named(global)?,
        TokenVerb::Rotate => Home::meant(global)?,
    };
    let home = Home::create(named.root())?;
    match verb {
        TokenVerb::Show => println!("{}", Token::open_or_create(&home)?.reveal()),
        TokenVerb::Rotate => {
            let token = Token::rotate(&home)?;
            println!("{}", token.reveal());
            if Claim::is_held(&home) {
                for line in runtime::small()?.block_on(taken(&home, token)) {
                    eprintln!("{line}");
                }
            }
        }
    }
    Ok(())
}

/// Shows the running server the new token, by which it lets the old one go; what came of that.
async fn taken(home: &Home, token: Token) -> Vec<&'static str> {
    let Some(state) = detach::healthy(home).await else {
        return vec![
            "the server that holds this home does not answer; it takes the token with its next request",
        ];
    };
    if Api::new(state.api, Some(token)).get("/api/settings").await.is_err() {
        return vec![
            "the running server does not take it: `langley stop`, then start it again; until then the old one counts",
        ];
    }
    let mut lines = vec![
        "the running server takes it from now on; dashboards sign in anew: `langley` prints a link",
    ];
    if !state.proxy.ip().is_loopback() {
        lines.push(
            "the proxy goes on asking for the old one until the server is started again: `langley stop`, then `langley`",
        );
    }
    lines
}
