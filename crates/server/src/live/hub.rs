//! Where changes and text come in, and every watcher's mailbox is filled.
//!
//! Called by the writer thread after each commit and by the recorder thread for each piece of
//! text, so it does no I/O, never waits for a watcher, and costs one load when nobody watches.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use langley_engine::LiveFeed;
use langley_model::{Flow, FlowId, KeptFinding, LiveText, Revision, Stored};
use langley_store::{Announce, Change};
use parking_lot::RwLock;
use tokio::sync::watch;

use super::mailbox::Mailbox;

/// Bounds of the live feed.
#[derive(Clone, Copy, Debug)]
pub struct LiveOptions {
    /// Watchers at once; one more is refused.
    pub watchers: usize,
    /// Changed flows that wait for one watcher; one more makes it resync.
    pub pending_flows: usize,
    /// Bytes of text that wait for one watcher; one more makes it resync.
    pub pending_text_bytes: usize,
}

impl Default for LiveOptions {
    fn default() -> Self {
        Self { watchers: 64, pending_flows: 2048, pending_text_bytes: 512 * 1024 }
    }
}

/// The joint between what happens and who watches.
#[derive(Debug)]
pub struct Hub {
    options: LiveOptions,
    revision: AtomicU64,
    watching: AtomicUsize,
    mailboxes: RwLock<Vec<Arc<Mailbox>>>,
    closed: watch::Sender<bool>,
}

impl Hub {
    /// A hub that nobody watches yet.
    #[must_use]
    pub fn new(options: LiveOptions) -> Arc<Self> {
        Arc::new(Self {
            options,
            revision: AtomicU64::new(0),
            watching: AtomicUsize::new(0),
            mailboxes: RwLock::default(),
            closed: watch::Sender::new(false),
        })
    }

    /// What the store calls after each commit.
    #[must_use]
    pub fn announce(self: &Arc<Self>) -> Announce {
        let hub = Arc::clone(self);
        Box::new(move |changes: &[Change]| {
            for change in changes {
                hub.publish(change.revision, &change.flow);
            }
        })
    }

    /// A committed change of one flow. Revisions must not decrease.
    pub fn publish(&self, revision: Revision, flow: &Stored<Arc<Flow>>) {
        self.reached(revision);
        if self.is_watched() {
            for mailbox in self.mailboxes.read().iter() {
                mailbox.put_flow(flow);
            }
        }
    }

    /// Notes that the store holds everything up to `revision`; for the start.
    pub fn reached(&self, revision: Revision) {
        self.revision.fetch_max(revision.0, Ordering::AcqRel);
    }

    /// Tells every watcher to load anew.
    pub fn resync(&self) {
        for mailbox in self.mailboxes.read().iter() {
            mailbox.lose();
        }
    }

    /// The last announced revision.
    #[must_use]
    pub fn revision(&self) -> Revision {
        Revision(self.revision.load(Ordering::Acquire))
    }

    /// Whether anybody watches at the moment.
    #[must_use]
    pub fn is_watched(&self) -> bool {
        self.watching.load(Ordering::Acquire) > 0
    }

    /// Watchers at the moment.
    #[must_use]
    pub fn watchers(&self) -> usize {
        self.watching.load(Ordering::Acquire)
    }

    /// Ends every watcher's connection, now and in future.
    pub fn close(&self) {
        self.closed.send_replace(true);
    }

    /// A mailbox that receives from now on; none when too many watch already.
    pub(super) fn watch(self: &Arc<Self>) -> Option<Watcher> {
        let mut mailboxes = self.mailboxes.write();
        if mailboxes.len() >= self.options.watchers {
            return None;
        }
        let mailbox = Arc::new(Mailbox::new(self.options));
        mailboxes.push(Arc::clone(&mailbox));
        self.watching.store(mailboxes.len(), Ordering::Release);
        drop(mailboxes);
        Some(Watcher { mailbox, hub: Arc::clone(self), closed: self.closed.subscribe() })
    }

    fn forget(&self, mailbox: &Arc<Mailbox>) {
        let mut mailboxes = self.mailboxes.write();
        mailboxes.retain(|other| !Arc::ptr_eq(other, mailbox));
        self.watching.store(mailboxes.len(), Ordering::Release);
    }
}

impl LiveFeed for Hub {
    fn text(&self, text: LiveText) {
        if self.is_watched() {
            for mailbox in self.mailboxes.read().iter() {
                mailbox.put_text(&text);
            }
        }
    }

    fn finding(&self, finding: Stored<KeptFinding>) {
        if self.is_watched() {
            let finding = finding.shared();
            for mailbox in self.mailboxes.read().iter() {
                mailbox.put_finding(&finding);
            }
        }
    }

    fn wants(&self, _flow: FlowId) -> bool {
        self.is_watched()
    }
}

/// One watcher's place in the hub, given back when dropped.
#[derive(Debug)]
pub(super) struct Watcher {
    pub(super) mailbox: Arc<Mailbox>,
    pub(super) hub: Arc<Hub>,
    closed: watch::Receiver<bool>,
}

impl Watcher {
    /// Returns when the hub is closed.
    pub(super) async fn closed(&mut self) {
        // The hub owns the sender and outlives this borrow, so an error cannot happen first.
        let _ = self.closed.wait_for(|closed| *closed).await;
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.hub.forget(&self.mailbox);
    }
}
