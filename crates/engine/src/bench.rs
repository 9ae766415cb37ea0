//! What every flow borrows while one of its pieces is worked on: one of each, not one per flow.

use std::sync::Arc;

use langley_model::{FlowId, LiveKind, LiveText, Redacted, Redactor};
use parking_lot::Mutex;

use crate::attempts::Attempts;
use crate::body::Allowance;
use crate::chains::Chains;
use crate::live::LiveFeed;
use crate::options::RecorderOptions;
use crate::price::Pricer;
use crate::project::Projects;
use crate::turns::Digester;

/// The shared tools.
pub(crate) struct Bench {
    pub(crate) options: RecorderOptions,
    pub(crate) redactor: Arc<Redactor>,
    pub(crate) live: Arc<dyn LiveFeed>,
    pub(crate) allowance: Allowance,
    /// Conversations, which all threads of the recorder share: the next request of one may come by another
    /// lane.
    pub(crate) chains: Arc<Mutex<Chains>>,
    /// What was asked of late, shared for the same reason.
    pub(crate) attempts: Arc<Mutex<Attempts>>,
    /// Of which project sessions are, likewise.
    pub(crate) projects: Arc<Mutex<Projects>>,
    /// Makes the digests that both know requests by.
    pub(crate) digester: Digester,
    pub(crate) pricer: Pricer,
    /// Decoded bytes of the present piece.
    pub(crate) scratch: Vec<u8>,
}

/// What all threads of the recorder share.
pub(crate) type Shared = (Arc<Mutex<Chains>>, Arc<Mutex<Attempts>>, Arc<Mutex<Projects>>);

impl Bench {
    pub(crate) fn new(
        options: RecorderOptions,
        redactor: Arc<Redactor>,
        live: Arc<dyn LiveFeed>,
        (chains, attempts, projects): Shared,
    ) -> Self {
        let allowance = Allowance::new(options.bodies_max_bytes);
        let pricer = Pricer::new(Arc::clone(&options.prices));
        let digester = Digester::new(options.inference_key);
        let scratch = Vec::new();
        Self {
            options,
            redactor,
            live,
            allowance,
            chains,
            attempts,
            projects,
            digester,
            pricer,
            scratch,
        }
    }

    /// Shows text of a flow as it appears.
    pub(crate) fn show(
        live: &dyn LiveFeed,
        flow: FlowId,
        block: u32,
        kind: LiveKind,
        text: Redacted<String>,
    ) {
        if !text.is_empty() {
            live.text(LiveText { flow, block, kind, text });
        }
    }

    /// Gives memory back that only a large piece needed.
    pub(crate) fn rest(&mut self) {
        const KEPT: usize = 128 * 1024;
        if self.scratch.capacity() > KEPT {
            self.scratch = Vec::new();
        }
    }
}
