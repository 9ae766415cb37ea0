//! `langley db`: where the database is.

use crate::cli::{DbVerb, GlobalArgs};
use crate::config::{self, Environment};
use crate::error::Result;
use crate::home::Home;

/// Runs the verb.
///
/// # Errors
/// The configuration has problems.
pub(crate) fn db(global: &GlobalArgs, verb: DbVerb) -> Result<()> {
    let loaded = config::load(global, &Environment::of_process())?;
    match verb {
        DbVerb::Path => println!("{}", Home::at(&loaded.config.home).database().display()),
    }
    Ok(())
}
