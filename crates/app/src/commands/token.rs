//! `langley token`: shows the API's token, or makes a new one.

use crate::cli::{GlobalArgs, TokenVerb};
use crate::error::Result;
use crate::home::Home;
use crate::lock::Claim;
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
            println!("{}", Token::rotate(&home)?.reveal());
            if Claim::is_held(&home) {
                eprintln!(
                    "the running server keeps the old token until it is started again: `langley stop`, then `langley`"
                );
            }
        }
    }
    Ok(())
}
