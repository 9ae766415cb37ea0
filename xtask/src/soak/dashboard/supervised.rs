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

/// The thread that watches it.
pub(super) struct Supervised {
    ends: Arc<AtomicBool>,
    watch: JoinHandle<Result<()>>,
}

impl Supervised {
    pub(super) fn new(
        langley: Langley,
        again: impl Fn() -> Result<Langley> + Send + 'static,
    ) -> Self {
        let ends = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&ends);
        let watch = spawn(move || {
            let mut langley = langley;
            while !told.load(Ordering::Acquire) {
                sleep(LOOK);
                if langley.has_ended() {
                    sleep(AWAY);
                    langley = again()?;
                }
            }
            Ok(())
        });
        Self { ends, watch }
    }

    /// Ends it.
    pub(super) fn end(self) -> Result<()> {
        self.ends.store(true, Ordering::Release);
        self.watch.join().map_err(|_| anyhow!("who watched Langley panicked"))?
    }
}
