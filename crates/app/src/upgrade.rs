//! Waiting for a server that first brings a record of an earlier version up to date: a large one takes longer
//! than any start.

use std::time::Duration;

use langley_store::{Store, StoreError};
use tokio::time::Instant;

use crate::home::Home;
use crate::lock::{Doing, Holder};

/// What is said when the record is of an earlier version.
pub(crate) const TOLD: &str = "the record is of an earlier version and is brought up to date; if it is large, that takes a while";

/// How often is looked whether it still is.
const LOOK: Duration = Duration::from_secs(1);

/// Whether the record is of an earlier version. Readers see it so until all is done.
pub(crate) fn is_due(home: &Home) -> bool {
    matches!(Store::open_read_only(home.database()), Err(StoreError::Outdated { .. }))
}

/// Whether the server that holds the home says that it brings the record up to date, and the record is of an
/// earlier version yet. One that only hangs over such a record does not say so.
pub(crate) fn goes_on(home: &Home) -> bool {
    Holder::of(home).is_some_and(|holder| holder.doing == Doing::Upgrades) && is_due(home)
}

/// How long a server that starts is waited for.
#[derive(Debug)]
pub(crate) struct Patience {
    whole: Duration,
    until: Instant,
    look_at: Instant,
    told: bool,
}

impl Patience {
    pub(crate) fn new(whole: Duration, now: Instant) -> Self {
        Self { whole, until: now + whole, look_at: now + LOOK, told: false }
    }

    /// Whether to go on waiting. As long as `goes_on` nobody runs out of it, and the first time `tell` is
    /// called.
    pub(crate) fn lasts(
        &mut self,
        now: Instant,
        goes_on: impl FnOnce() -> bool,
        tell: impl FnOnce(),
    ) -> bool {
        if now >= self.look_at {
            self.look_at = now + LOOK;
            if goes_on() {
                self.until = now + self.whole;
                if !std::mem::replace(&mut self.told, true) {
                    tell();
                }
            }
        }
        now < self.until
    }
}

#[cfg(test)]
mod tests {
    use langley_store::StoreOptions;

    use super::*;
    use crate::lock::Claim;

    #[test]
    fn a_record_is_due_until_it_has_the_schema_of_this_version() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::create(folder.path()).unwrap();
        assert!(!is_due(&home), "there is none yet");
        let open = || Store::open(StoreOptions::new(home.database()), Box::new(|_| ())).unwrap();
        open().close();
        assert!(!is_due(&home));
        // The schema's number in the file's head, of a record that has all of it but says otherwise.
        let mut bytes = std::fs::read(home.database()).unwrap();
        bytes[60..64].copy_from_slice(&1_u32.to_be_bytes());
        std::fs::write(home.database(), bytes).unwrap();
        assert!(is_due(&home));
        // It is waited for as long as its holder says so, and not because somebody holds it.
        assert!(!goes_on(&home), "nobody does it");
        let Claim::Ours(lock) = Claim::take(&home).unwrap() else { panic!("it is free") };
        lock.tell(Doing::Serves);
        assert!(!goes_on(&home));
        lock.tell(Doing::Upgrades);
        assert!(goes_on(&home));
        drop(lock);
        assert!(!goes_on(&home));
    }

    #[test]
    fn an_upgrade_is_waited_for_and_told_once_and_a_server_that_hangs_is_not() {
        let began = Instant::now();
        let at = |seconds: u64| began + Duration::from_secs(seconds);
        let mut patience = Patience::new(Duration::from_secs(45), began);
        let (mut looks, mut told) = (0, 0);
        let mut lasts = |patience: &mut Patience, now, due: bool| {
            let is_due = || {
                looks += 1;
                due
            };
            patience.lasts(now, is_due, || told += 1)
        };
        for second in 0..600 {
            for quarter in 0..4 {
                let now = at(second) + Duration::from_millis(250 * quarter);
                assert!(lasts(&mut patience, now, true), "{second}");
            }
        }
        assert!(lasts(&mut patience, at(643), false));
        assert!(!lasts(&mut patience, at(645), false));
        assert_eq!((looks, told), (601, 1));
    }
}
