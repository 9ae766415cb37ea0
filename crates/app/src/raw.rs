//! The forensic option: beside what goes to the recorder, bodies go as they travelled to a file of their
//! own. It takes the configuration's `redaction.store_raw` and the command's `--store-raw`.

use std::collections::HashMap;
use std::sync::Arc;

use langley_engine::RecorderOptions;
use langley_model::{Capture, CaptureSink, Closed, FlowId, Interest, Opened, Part, Side, Tunnel};
use langley_store::RawStore;
use parking_lot::Mutex;

/// Passes everything on, and bodies twice.
pub(crate) struct RawTee {
    inner: Arc<dyn CaptureSink>,
    raw: Arc<RawStore>,
    /// Whose bodies are kept at all.
    options: RecorderOptions,
    open: Mutex<HashMap<FlowId, Open>>,
}

/// An open flow whose bodies are kept.
struct Open {
    /// How far the bodies have come: of the request, of the answer.
    reached: [u64; 2],
    /// What the recorder still wants to see. The tap is not told: it would offer no more.
    interest: Arc<Interest>,
}

impl RawTee {
    pub(crate) fn new(
        inner: Arc<dyn CaptureSink>,
        raw: Arc<RawStore>,
        options: RecorderOptions,
    ) -> Self {
        Self { inner, raw, options, open: Mutex::default() }
    }

    /// Keeps what is a piece of a body; whether the recorder wants to see it as well.
    fn keep(&self, capture: &Capture) -> bool {
        let (side, chunk) = match capture {
            Capture::Request(chunk) => (Side::Client, chunk),
            Capture::Response(chunk) => (Side::Upstream, chunk),
            Capture::Frame(side, chunk) => (*side, chunk),
            Capture::Opened(_) | Capture::Closed(_) | Capture::Tunnel(_) => return true,
        };
        let Part::Data(data) = &chunk.part else { return true };
        let (offset, is_wanted) = {
            let mut open = self.open.lock();
            let Some(open) = open.get_mut(&chunk.flow) else { return true };
            let reached = &mut open.reached[usize::from(side == Side::Upstream)];
            let offset = *reached;
            *reached += data.len() as u64;
            (offset, open.interest.wants(side))
        };
        self.raw.piece(chunk.flow, side, offset, data.clone());
        is_wanted
    }
}

impl CaptureSink for RawTee {
    fn open(&self, mut opened: Box<Opened>) -> bool {
        if !self.options.keeps_bodies_of(&opened.host) {
            return self.inner.open(opened);
        }
        let (flow, interest) = (opened.flow, Arc::<Interest>::default());
        opened.interest = Arc::clone(&interest);
        let taken = self.inner.open(opened);
        if taken {
            self.open.lock().insert(flow, Open { reached: [0, 0], interest });
        }
        taken
    }

    fn offer(&self, capture: Capture) -> bool {
        // What the recorder has no room for may have room here, and what it has enough of is no gap.
        !self.keep(&capture) || self.inner.offer(capture)
    }

    fn close(&self, closed: Box<Closed>) {
        if self.open.lock().remove(&closed.flow).is_some() {
            self.raw.end(closed.flow, closed.request_bytes, closed.response_bytes);
        }
        self.inner.close(closed);
    }

    fn tunnel(&self, tunnel: Tunnel) {
        self.inner.tunnel(tunnel);
    }
}
