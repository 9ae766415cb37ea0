//! Work that can wait gives way to work that cannot.

use std::time::{Duration, Instant};

/// How long such work goes on before it offers the processor to others. A thread that wakes up because
/// a piece of traffic has arrived waits for it that long, instead of for a whole time slice.
const STRETCH: Duration = Duration::from_micros(40);

/// Offers the processor now and then. For threads that work through what has gathered, while others
/// on the same processors have somebody waiting for them.
#[derive(Clone, Copy, Debug)]
pub struct Courtesy {
    since: Instant,
}

impl Default for Courtesy {
    fn default() -> Self {
        Self { since: Instant::now() }
    }
}

impl Courtesy {
    /// A step is done; another one follows. While the thread is `pressed` it keeps the processor, because
    /// one that always gives way gets nothing done on a busy machine.
    pub fn step(&mut self, pressed: bool) {
        if pressed {
            return;
        }
        let now = Instant::now();
        if now.duration_since(self.since) >= STRETCH {
            std::thread::yield_now();
            self.since = Instant::now();
        }
    }
}
