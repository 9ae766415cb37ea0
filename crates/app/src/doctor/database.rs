//! The database: does it open, can it be read, and is it whole?

use langley_store::{Damage, FlowFilter, Store, StoreError};

use super::check::Check;
use crate::error::AppError;
use crate::home::Home;

/// Opens the database read-only and reads from it.
pub(super) fn check(home: &Home) -> Check {
    let read = || -> Result<Result<String, Vec<Damage>>, StoreError> {
        let store = Store::open_read_only(home.database())?;
        let flows = store.count_flows(&FlowFilter::default())?;
        store.flows(&FlowFilter::default(), None, 1)?;
        let found = store.damage()?;
        if !found.is_empty() {
            return Ok(Err(found));
        }
        let counters = store.counters();
        Ok(Ok(format!("{flows} flows, {} KiB, undamaged", counters.db_bytes.div_ceil(1024))))
    };
    if !home.database().exists() {
        return Check::passed("database", "none yet; it is made at the first start");
    }
    match read() {
        Ok(Ok(what)) => Check::passed("database", what),
        Ok(Err(found)) => {
            let told: Vec<String> = found.iter().map(Damage::to_string).collect();
            let error = is_damaged(home, told.join("; "));
            Check::failed(
                "database",
                &if found.iter().all(Damage::is_of_index) {
                    error.next(
                        "only the index for searches is: make it anew from the flows: `langley stop`, then \
                         `langley db reindex`",
                    )
                } else {
                    to_be_saved(error)
                },
            )
        }
        Err(StoreError::Corrupt { detail, .. }) => {
            Check::failed("database", &to_be_saved(is_damaged(home, detail)))
        }
        Err(error) => {
            Check::failed("database", &AppError::failed("it cannot be read").said_by(&error))
        }
    }
}

fn is_damaged(home: &Home, why: String) -> AppError {
    AppError::failed(format!("{} is damaged", home.database().display())).why(why)
}

fn to_be_saved(error: AppError) -> AppError {
    error
        .next("save what can be read: `langley export flows --format har --output FILE`")
        .next("end the server (`langley stop`), keep a copy of the file, then restore a backup")
        .next("or move the file away: the next start makes a new one")
}

#[cfg(test)]
mod tests {
    use langley_store::StoreOptions;

    use super::super::check::Verdict;
    use super::*;

    #[test]
    fn damage_that_no_query_meets_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::create(folder.path()).unwrap();
        let options = StoreOptions::new(home.database());
        Store::open(options, Box::new(|_| ())).unwrap().close();
        assert_eq!(check(&home).verdict, Verdict::Pass);
        // The root of a table that no listing reads.
        let asked = std::process::Command::new("sqlite3")
            .arg(home.database())
            .arg("SELECT rootpage FROM sqlite_schema WHERE name = 'reprices'")
            .output();
        let root: usize = String::from_utf8(asked.unwrap().stdout).unwrap().trim().parse().unwrap();
        let mut bytes = std::fs::read(home.database()).unwrap();
        let page = usize::from(u16::from_be_bytes([bytes[16], bytes[17]]));
        bytes[(root - 1) * page..root * page].fill(0xff);
        std::fs::write(home.database(), bytes).unwrap();
        let found = check(&home);
        assert_eq!(found.verdict, Verdict::Fail);
        assert!(found.to_string().contains("is damaged"), "{found}");
        assert!(found.to_string().contains("langley export flows"), "{found}");
    }
}
