//! The database: does it open, and can it be read?

use langley_store::{FlowFilter, Store, StoreError};

use super::check::Check;
use crate::error::AppError;
use crate::home::Home;

/// Opens the database read-only and reads from it.
pub(super) fn check(home: &Home) -> Check {
    let read = || -> Result<String, StoreError> {
        let store = Store::open_read_only(home.database())?;
        let flows = store.count_flows(&FlowFilter::default())?;
        store.flows(&FlowFilter::default(), None, 1)?;
        let counters = store.counters();
        Ok(format!("{flows} flows, {} KiB", counters.db_bytes.div_ceil(1024)))
    };
    if !home.database().exists() {
        return Check::passed("database", "none yet; it is made at the first start");
    }
    match read() {
        Ok(what) => Check::passed("database", what),
        Err(error) => {
            Check::failed("database", &AppError::failed("it cannot be read").said_by(&error))
        }
    }
}
