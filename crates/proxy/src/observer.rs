//! Where the proxy's observations go, and whether the proxy itself is ending what it observes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use langley_model::{CaptureSink, Tunnel};

/// The sink of all flows and tunnels.
pub(crate) struct Observer {
    sink: Arc<dyn CaptureSink>,
    is_cutting: AtomicBool,
}

impl Observer {
    pub(crate) fn new(sink: Arc<dyn CaptureSink>) -> Self {
        Self { sink, is_cutting: AtomicBool::new(false) }
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
