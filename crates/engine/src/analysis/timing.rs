//! What the events of a streamed answer tell of time, read once: when its blocks began and ended, and how long
//! it stood still.

use std::time::Duration;

use langley_model::Flow;
use langley_protocol::dialect::Dialect;
use langley_store::{Store, StoreError};

use super::blocks::{BlockReader, Blocks};
use crate::findings::Pause;

/// Longer streams are not read: their calls are as old as their flow's end, and nobody knows their pauses.
const MOST_EVENTS: u64 = 20_000;

/// Events of one page.
const PAGE: usize = 500;

/// What is told of time.
#[derive(Debug, Default)]
pub(super) struct Timing {
    /// None where nobody asked, or the events are too many or not there any more.
    pub(super) blocks: Option<Blocks>,
    /// The longest pause; none where the answer was too short for one that matters.
    pub(super) pause: Option<Pause>,
}

impl Timing {
    /// Reads it; the blocks where there is a dialect to know them by.
    pub(super) fn read(
        store: &Store,
        flow: &Flow,
        dialect: Option<&dyn Dialect>,
        stall: Duration,
    ) -> Result<Self, StoreError> {
        let is_whole = flow.event_count >= 2 && flow.dropped_events == 0;
        let lasted = flow.duration.filter(|duration| is_whole && *duration > stall);
        let is_asked = dialect.is_some() || lasted.is_some();
        if flow.event_count == 0 || flow.event_count > MOST_EVENTS || !is_asked {
            return Ok(Self::default());
        }
        let mut blocks = dialect.map(BlockReader::new);
        let mut pauses = Pauses::default();
        let mut after = None;
        loop {
            let Some(page) = store.events(flow.id, after, PAGE, None)? else {
                return Ok(Self::default());
            };
            if page.damaged > 0 {
                return Ok(Self::default());
            }
            for event in &page.items {
                blocks.iter_mut().for_each(|blocks| blocks.see(event));
                pauses.see(Duration::from_micros(event.offset_us));
            }
            match page.next_after {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        let pause = lasted.and_then(|lasted| {
            // An answer that never went on.
            pauses.see(lasted);
            pauses.longest
        });
        Ok(Self { blocks: blocks.and_then(|blocks| blocks.end(flow)), pause })
    }
}

/// The times between events.
#[derive(Default)]
struct Pauses {
    longest: Option<Pause>,
    last: Option<Duration>,
}

impl Pauses {
    fn see(&mut self, at: Duration) {
        if let Some(after) = self.last {
            let lasted = at.saturating_sub(after);
            if self.longest.is_none_or(|pause| lasted > pause.lasted) {
                self.longest = Some(Pause { lasted, after });
            }
        }
        self.last = Some(at);
    }
}
