//! The forensic option: beside what goes to the recorder, bodies go as they travelled to a file of their
//! own. It takes the configuration's `redaction.store_raw` and the command's `--store-raw`.

use std::collections::HashMap;
use std::sync::Arc;

use langley_engine::RecorderOptions;
use langley_model::{Capture, CaptureSink, Closed, FlowId, Opened, Part, Side, Tunnel};
use langley_store::RawStore;
use parking_lot::Mutex;

/// Passes everything on, and bodies twice.
pub(crate) struct RawTee {
    inner: Arc<dyn CaptureSink>,
    raw: Arc<RawStore>,
    /// Whose bodies are kept at all.
    options: RecorderOptions,
    /// How far the bodies of open flows have come: of the request, of the answer.
    open: Mutex<HashMap<FlowId, [u64; 2]>>,
}

impl RawTee {
    pub(crate) fn new(
        inner: Arc<dyn CaptureSink>,
        raw: Arc<RawStore>,
        options: RecorderOptions,
    ) -> Self {
        Self { inner, raw, options, open: Mutex::default() }
    }

    fn keep(&self, capture: &Capture) {
        let (side, chunk) = match capture {
            Capture::Request(chunk) => (Side::Client, chunk),
            Capture::Response(chunk) => (Side::Upstream, chunk),
            Capture::Frame(side, chunk) => (*side, chunk),
            Capture::Opened(_) | Capture::Closed(_) | Capture::Tunnel(_) => return,
        };
        let Part::Data(data) = &chunk.part else { return };
        let offset = {
            let mut open = self.open.lock();
            let Some(reached) = open.get_mut(&chunk.flow) else { return };
            let reached = &mut reached[usize::from(side == Side::Upstream)];
            let offset = *reached;
            *reached += data.len() as u64;
            offset
        };
        self.raw.piece(chunk.flow, side, offset, data.clone());
    }
}

impl CaptureSink for RawTee {
    fn open(&self, opened: Box<Opened>) -> bool {
        let (flow, kept) = (opened.flow, self.options.keeps_bodies_of(&opened.host));
        let taken = self.inner.open(opened);
        if taken && kept {
            self.open.lock().insert(flow, [0, 0]);
        }
        taken
    }

    fn offer(&self, capture: Capture) -> bool {
        // What the recorder has no room for may have room here.
        self.keep(&capture);
        self.inner.offer(capture)
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
