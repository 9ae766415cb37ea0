//! A change of the database without a server: as one would make it, and under its lock.

use langley_store::{Store, StoreError};

use crate::cli::GlobalArgs;
use crate::config::{self, Environment};
use crate::error::{AppError, Result};
use crate::home::Home;
use crate::lock::Claim;
use crate::opening::store_options;

/// Does `work` on the database of a home that no server holds.
///
/// # Errors
/// A server holds it, or it cannot be opened or changed: `failed` says what was not done.
pub(crate) fn alone<T>(
    global: &GlobalArgs,
    home: &Home,
    failed: impl Fn() -> AppError,
    work: impl FnOnce(&Store) -> std::result::Result<T, StoreError>,
) -> Result<T> {
    let Claim::Ours(_lock) = Claim::take(home)? else {
        return Err(failed().why("a server holds the database, but does not answer"));
    };
    let lenient = config::load_leniently(global, &Environment::of_process())?;
    let options = store_options(&lenient.usable().config, home);
    let store = Store::open(options, Box::new(|_| ())).map_err(|error| failed().said_by(&error))?;
    let done = work(&store);
    store.close();
    done.map_err(|error| failed().said_by(&error))
}
