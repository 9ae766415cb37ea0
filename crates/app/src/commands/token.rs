//! `langley token`: shows the API's token, or makes a new one.

use hyper::StatusCode;

use crate::api::{Api, ApiError};
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
                eprintln!("{}", runtime::small()?.block_on(taken(&home, token)));
            }
        }
    }
    Ok(())
}

/// Shows the running server the new token, by which it lets the old one go; what came of that.
async fn taken(home: &Home, token: Token) -> &'static str {
    let Some(state) = detach::healthy(home).await else {
        return "the server that holds this home does not answer; it takes the token with its next request";
    };
    told(&Api::new(state.api, Some(token)).get("/api/settings").await)
}

/// What the server's answer to the new token means.
const fn told<T>(answer: &Result<T, ApiError>) -> &'static str {
    match answer {
        Ok(_) => {
            "the running server takes it from now on, for API and proxy; dashboards sign in anew: `langley` prints a link"
        }
        Err(ApiError::Refused { status: StatusCode::UNAUTHORIZED, .. }) => {
            "the running server does not take it: `langley stop`, then start it again; until then the old one counts"
        }
        Err(ApiError::Refused { .. } | ApiError::Unreachable { .. } | ApiError::Slow { .. }) => {
            "the running server did not say whether it takes it; it looks again with its next request: `langley status`"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_401_means_that_the_token_is_not_taken() {
        let refused = |status| {
            let (path, message) = (String::new(), String::new());
            told::<()>(&Err(ApiError::Refused { path, status, message, hint: None }))
        };
        assert!(refused(StatusCode::UNAUTHORIZED).contains("does not take it"));
        let address = ([127, 0, 0, 1], 1).into();
        for unknown in [
            refused(StatusCode::SERVICE_UNAVAILABLE),
            told::<()>(&Err(ApiError::Unreachable { address, cause: String::new() })),
        ] {
            assert!(unknown.contains("did not say whether it takes it"), "{unknown}");
        }
        assert!(told(&Ok(())).contains("takes it from now on, for API and proxy"));
    }
}
