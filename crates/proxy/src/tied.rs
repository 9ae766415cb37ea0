//! An agent's connection of HTTP/2 that stands for one of the provider's: when that breaks off, so does this.
//!
//! Streams that were told one by one would be told something else: agents try again what failed with its
//! connection, and not what was reset. Once every exchange on it has either ended or handed on all that had
//! come, the connection is cut as soon as what they have written has left. Some may never come so far, where
//! the agent does not read them: the others wait [`PATIENCE`] for these.
//!
//! What the agent's windows do not let pass by then is lost, also the end of an answer that is on record as
//! whole: from the provider itself it would not have come either.

use std::future::Future as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use langley_model::Break;
use parking_lot::Mutex;
use tokio::time::{Sleep, sleep};

use crate::leg::{Leg, Since};
use crate::streams::Outlet;

/// How long an exchange that has broken off waits for others that have something left to hand on.
const PATIENCE: Duration = Duration::from_secs(2);

/// The exchanges of such a connection.
#[derive(Debug, Default)]
pub(crate) struct Tie(Mutex<Counts>);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    running: usize,
    /// Of these, those that have nothing more to say.
    broken: usize,
    /// Those that are over: each may have written something at last.
    ended: u64,
}

impl Tie {
    /// Whether nobody uses it.
    pub(crate) fn is_idle(&self) -> bool {
        self.0.lock().running == 0
    }

    /// Whether an exchange waits for it to break off.
    #[cfg(test)]
    pub(crate) fn has_broken(&self) -> bool {
        self.0.lock().broken > 0
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

    /// The provider broke off so under a switched stream: where that was its whole connection, this one breaks
    /// off too, after what `outlet` can still send, and the exchange waits for it.
    pub(crate) async fn breaks_off(mut self, how: &Break, outlet: &Outlet) -> Option<Self> {
        if !self.leg.breaks_by(how) {
            return None;
        }
        self.leg.end_by(how.clone());
        // It has had its turn when it answers.
        let _whether = outlet.is_over().await;
        self.leg.left().await;
        self.breaks();
        Some(self)
    }

    /// How the provider's connection broke off; none where it has not, as far as anybody on it knows.
    pub(crate) fn ending(&self) -> Option<Break> {
        self.leg.ending()
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
            counts.ended += 1;
        }
        self.leg.serve();
    }
}

/// When such a connection is cut, as the task sees it that serves it.
#[derive(Debug, Default)]
pub(crate) struct Cut {
    /// Since when what was written is waited for, and how many exchanges were over by then.
    since: Option<Since>,
    ended: u64,
    /// How long others are still waited for.
    patience: Option<Pin<Box<Sleep>>>,
}

impl Cut {
    /// Ready when nothing is left to do on `leg` but to break off. `is_over` says that the provider's
    /// connection is, so that nothing more comes.
    pub(crate) fn poll(&mut self, leg: &Leg, is_over: bool, cx: &mut Context<'_>) -> Poll<()> {
        let Some(counts) = leg.tie().map(|tie| *tie.0.lock()).filter(|counts| counts.broken > 0)
        else {
            *self = Self::default();
            return Poll::Pending;
        };
        if counts.broken < counts.running {
            self.since = None;
            if !is_over {
                return Poll::Pending;
            }
            let patience = self.patience.get_or_insert_with(|| Box::pin(sleep(PATIENCE)));
            return patience.as_mut().poll(cx);
        }
        if counts.ended != self.ended {
            (self.ended, self.since) = (counts.ended, None);
        }
        leg.poll_left(&mut self.since, cx)
    }
}

/// Whether a break was that of the whole connection.
pub(crate) const fn is_of_connection(how: &Break) -> bool {
    matches!(how, Break::Closed | Break::Unannounced | Break::Reset | Break::Silence)
}

#[cfg(test)]
mod tests;
