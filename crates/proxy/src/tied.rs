//! An agent's connection of HTTP/2 that stands for one of the provider's: when that breaks off, so does this.
//!
//! Streams that were told one by one would be told something else: agents try again what failed with its
//! connection, and not what was reset. The connection is cut once every exchange on it has either ended or
//! handed on all that had come.

use std::sync::Arc;

use langley_model::Break;
use parking_lot::Mutex;

use crate::leg::Leg;

/// The exchanges of such a connection.
#[derive(Debug, Default)]
pub(crate) struct Tie(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    running: usize,
    /// Of these, those that have nothing more to say.
    broken: usize,
}

impl Tie {
    /// Whether nothing is left to do on it but to break off.
    pub(crate) fn is_cut(&self) -> bool {
        let counts = self.0.lock();
        counts.broken > 0 && counts.broken == counts.running
    }

    /// Whether nobody uses it.
    pub(crate) fn is_idle(&self) -> bool {
        self.0.lock().running == 0
    }
}

/// One exchange, until it is dropped.
pub(crate) struct Running {
    leg: Arc<Leg>,
    is_broken: bool,
}

impl Running {
    /// An exchange on `leg`; none where that is tied to nothing.
    pub(crate) fn on(leg: &Arc<Leg>) -> Option<Self> {
        leg.tie()?.0.lock().running += 1;
        Some(Self { leg: Arc::clone(leg), is_broken: false })
    }

    /// It has handed on what there was, and waits for the connection to break off.
    pub(crate) fn breaks(&mut self) {
        if let Some(tie) = self.leg.tie().filter(|_| !self.is_broken) {
            tie.0.lock().broken += 1;
            self.is_broken = true;
        }
        self.leg.serve();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(tie) = self.leg.tie() {
            let mut counts = tie.0.lock();
            counts.running -= 1;
            counts.broken -= usize::from(self.is_broken);
        }
        self.leg.serve();
    }
}

/// Whether a break was that of the whole connection.
pub(crate) const fn is_of_connection(how: &Break) -> bool {
    matches!(how, Break::Closed | Break::Unannounced | Break::Reset | Break::Silence)
}
