//! A Langley that is started again where it was when it is killed, as a supervisor of services does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::Duration;

use anyhow::{Result, anyhow};

use crate::langley::Langley;

/// How often it is looked at.
const LOOK: Duration = Duration::from_millis(100);
/// How long it stays away: long enough that the page's first tries to come back fail.
const AWAY: Duration = Duration::from_secs(4);

/// What may end by itself, and ends when it is dropped.
pub(super) trait Mortal: Send + 'static {
    /// Whether it has ended, by itself or killed.
    fn has_ended(&mut self) -> bool;
}

impl Mortal for Langley {
    fn has_ended(&mut self) -> bool {
        Self::has_ended(self)
    }
}

/// The thread that watches it. Who drops it ends both, whatever else has failed.
pub(super) struct Supervised {
    ends: Arc<AtomicBool>,
    watch: Option<JoinHandle<Result<()>>>,
}

impl Supervised {
    pub(super) fn new<M: Mortal>(
        watched: M,
        again: impl Fn() -> Result<M> + Send + 'static,
    ) -> Self {
        let ends = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&ends);
        let watch = spawn(move || {
            let mut watched = watched;
            while !told.load(Ordering::Acquire) {
                sleep(LOOK);
                if watched.has_ended() {
                    sleep(AWAY);
                    watched = again()?;
                }
            }
            Ok(())
        });
        Self { ends, watch: Some(watch) }
    }

    /// Ends it.
    pub(super) fn end(mut self) -> Result<()> {
        self.stop()
    }

    /// Waits until both have ended; once that is done there is nothing to wait for.
    fn stop(&mut self) -> Result<()> {
        self.ends.store(true, Ordering::Release);
        let Some(watch) = self.watch.take() else { return Ok(()) };
        watch.join().map_err(|_| anyhow!("who watched Langley panicked"))?
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            eprintln!("warning: {error:#}");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    /// Counts how many of its kind are there.
    struct Counted(Arc<AtomicUsize>);

    impl Counted {
        fn new(count: &Arc<AtomicUsize>) -> Self {
            count.fetch_add(1, Ordering::SeqCst);
            Self(Arc::clone(count))
        }
    }

    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::SeqCst);
        }
    }

    impl Mortal for Counted {
        fn has_ended(&mut self) -> bool {
            false
        }
    }

    fn supervised(count: &Arc<AtomicUsize>) -> Supervised {
        let again = || Err(anyhow!("it has not ended"));
        let supervised = Supervised::new(Counted::new(count), again);
        assert_eq!(count.load(Ordering::SeqCst), 1);
        supervised
    }

    #[test]
    fn what_is_supervised_ends_with_who_asks_for_it_and_with_who_fails_before() {
        let count = Arc::default();
        supervised(&count).end().unwrap();
        assert_eq!(count.load(Ordering::SeqCst), 0);
        let failing = || -> Result<()> {
            let _supervised = supervised(&count);
            Err(anyhow!("the browser was not found"))
        };
        failing().unwrap_err();
        assert_eq!(count.load(Ordering::SeqCst), 0, "it is left running");
    }
}
