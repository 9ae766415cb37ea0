//! Work that can wait gives way to work that cannot.

use std::time::{Duration, Instant};

/// How long such work goes on before it offers the processor to others. A thread that wakes up because
/// a piece of traffic has arrived waits for it that long, instead of for a whole time slice.
const STRETCH: Duration = Duration::from_micros(40);

/// How long others may go first in one piece of work. A scheduler may let a thread that yields wait for as long
/// as its whole time slice would have been: a hundred times what it had of it.
const PATIENCE: Duration = Duration::from_millis(10);

/// Offers the processor now and then. For threads that work through what has gathered, while others
/// on the same processors have somebody waiting for them.
#[derive(Clone, Copy, Debug)]
pub struct Courtesy {
    since: Instant,
    /// How long others went first.
    waited: Duration,
}

impl Default for Courtesy {
    fn default() -> Self {
        Self { since: Instant::now(), waited: Duration::ZERO }
    }
}

impl Courtesy {
    /// A step is done; another one follows. While the thread is `pressed` it keeps the processor, because
    /// one that always gives way gets nothing done on a busy machine.
    pub fn step(&mut self, pressed: bool) {
        if pressed || self.is_over() {
            return;
        }
        let now = Instant::now();
        if now.duration_since(self.since) >= STRETCH {
            std::thread::yield_now();
            self.since = Instant::now();
            self.waited += self.since.duration_since(now);
        }
    }

    /// Whether this piece of work has given way for long enough.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.waited >= PATIENCE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_waited_for_long_enough_gives_way_no_more() {
        let mut courtesy = Courtesy { waited: PATIENCE, ..Courtesy::default() };
        assert!(courtesy.is_over());
        let since = courtesy.since;
        courtesy.step(false);
        assert_eq!(courtesy.since, since, "it did not even look at the clock");
        assert!(!Courtesy::default().is_over());
    }
}
