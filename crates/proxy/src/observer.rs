//! Where the proxy's observations go, what it is told to refuse, and whether it is itself ending what it
//! observes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use langley_model::{CaptureSink, PublishedGate, Tunnel};

/// The sink of all flows and tunnels.
pub(crate) struct Observer {
    sink: Arc<dyn CaptureSink>,
    gate: Arc<PublishedGate>,
    is_cutting: AtomicBool,
}

impl Observer {
    pub(crate) fn new(sink: Arc<dyn CaptureSink>, gate: Arc<PublishedGate>) -> Self {
        Self { sink, gate, is_cutting: AtomicBool::new(false) }
    }

    /// What is refused at the moment.
    pub(crate) fn gate(&self) -> &PublishedGate {
        &self.gate
    }

    pub(crate) fn sink(&self) -> &dyn CaptureSink {
        &*self.sink
    }

    pub(crate) fn tunnel(&self, tunnel: Tunnel) {
        self.sink.tunnel(tunnel);
    }

    /// From now on what is open is cut by Langley, not by one of its sides.
    pub(crate) fn cut(&self) {
        self.is_cutting.store(true, Ordering::Release);
    }

    /// Whether Langley is cutting what is open.
    pub(crate) fn is_cutting(&self) -> bool {
        self.is_cutting.load(Ordering::Acquire)
    }
}
