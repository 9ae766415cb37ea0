//! A call that the analysis works on: its row, and the life that the row tells.

use langley_model::{
    Micros, ToolCall, ToolExecution, ToolOutcome, ToolResult, ToolSource, ToolState, Violation,
};
use langley_protocol::tools::content_digest;
use langley_store::{KeptCall, STRAY};

use super::heard::Heard;
use crate::lifecycle::{Evidence, Life};

/// A call under work.
#[derive(Clone, Debug)]
pub(super) struct Known {
    /// The key of its flow.
    pub(super) key: i64,
    pub(super) position: u32,
    pub(super) session: Option<String>,
    pub(super) call: ToolCall,
    pub(super) life: Life,
    /// Its runs, as other sources than the wire tell them.
    pub(super) runs: Vec<ToolExecution>,
    /// Whether it is to be written.
    pub(super) has_changed: bool,
    /// Whether its row is to be taken away.
    pub(super) is_gone: bool,
}

impl Known {
    /// A new call of a flow.
    pub(super) fn new(key: i64, position: u32, session: Option<String>, call: ToolCall) -> Self {
        Self {
            key,
            position,
            session,
            call,
            life: Life::default(),
            runs: Vec::new(),
            has_changed: true,
            is_gone: false,
        }
    }

    /// A call as it is stored; none when it was not analysed.
    pub(super) fn stored(kept: KeptCall) -> Option<Self> {
        let call = kept.call?;
        let life = told(kept.key, kept.position, &call);
        let (key, position, session) = (kept.key, kept.position, kept.session);
        let (has_changed, is_gone) = (false, false);
        let runs = Vec::new();
        Some(Self { key, position, session, call, life, runs, has_changed, is_gone })
    }

    /// Whether it is a result without a recorded call.
    pub(super) const fn is_stray(&self) -> bool {
        self.position >= STRAY
    }

    /// The key of the flow whose request has its result first.
    pub(super) fn returned_with(&self) -> Option<i64> {
        self.call.result.map(|result| self.key.saturating_add(result.after_us))
    }

    /// The key of the first flow with its result that was billed, as far as that is known.
    pub(super) fn billed_with(&self) -> Option<i64> {
        Some(self.key.saturating_add(self.call.result?.billed_us?))
    }

    /// A request that has its result was billed.
    pub(super) fn billed(&mut self, request: i64) {
        if self.billed_with().is_none_or(|first| request < first)
            && let Some(result) = &mut self.call.result
        {
            result.billed_us = Some(request.saturating_sub(self.key));
            self.has_changed = true;
        }
    }

    /// Adds evidence, and draws the verdict anew.
    pub(super) fn see(&mut self, evidence: Evidence) {
        let before = self.call.clone();
        let life = std::mem::take(&mut self.life).see(evidence);
        let verdict = life.verdict();
        self.life = life;
        let call = &mut self.call;
        (call.state, call.outcome) = (verdict.state, verdict.outcome);
        (call.violations, call.replayed) = (verdict.violations, verdict.replayed);
        self.has_changed |= before != self.call;
    }

    /// A request has a result of it.
    pub(super) fn returned(&mut self, request: i64, outcome: ToolOutcome, content: (u64, u64)) {
        let (hash, bytes) = content;
        if self.returned_with().is_none_or(|first| request < first) {
            let after_us = request.saturating_sub(self.key);
            let billed_us = self.call.result.and_then(|result| result.billed_us);
            self.call.result = Some(ToolResult { after_us, hash, bytes, billed_us });
            self.has_changed = true;
        }
        self.see(Evidence::Result { request, at: Micros(request), hash, outcome });
    }

    /// The provider, which ran it, has this result of it.
    pub(super) fn returned_by_provider(&mut self, request: i64, json: &str) {
        let failed = json.contains("\"error_code\"") || json.contains("\"is_error\":true");
        let outcome = if failed { ToolOutcome::Failed } else { ToolOutcome::Succeeded };
        self.returned(request, outcome, (content_digest(json), json.len() as u64));
    }

    /// Takes in what other sources tell of it.
    pub(super) fn hear(&mut self, heard: Heard) {
        self.has_changed |= self.runs != heard.runs;
        self.runs = heard.runs;
        heard.evidence.into_iter().for_each(|evidence| self.see(evidence));
    }

    /// The runs that are told: by other sources, or by its answer, of a tool that the provider runs.
    pub(super) fn executions(&self) -> Option<Vec<ToolExecution>> {
        if !self.runs.is_empty() {
            return Some(self.runs.clone());
        }
        let is_told = self.call.server && self.call.outcome.is_some();
        is_told.then(|| {
            vec![ToolExecution {
                number: 0,
                source: ToolSource::Wire,
                began_us: self.call.complete_us.or(self.call.began_us).unwrap_or(0),
                ended_us: self.call.result.map(|result| result.after_us).or(self.call.complete_us),
                backgrounded: false,
                outcome: self.call.outcome,
                inferred: false,
            }]
        })
    }
}

/// The evidence that a stored call comes to: what a single piece told is in its violations.
fn told(key: i64, position: u32, call: &ToolCall) -> Life {
    let at = |micros: i64| Micros(key.saturating_add(micros));
    let mut life = Life::resumed(call.violations);
    let mut see = |evidence: Evidence| life = std::mem::take(&mut life).see(evidence);
    if position >= STRAY {
        if call.replayed {
            see(Evidence::Told);
        }
    } else {
        see(Evidence::Proposed { at: at(call.began_us.unwrap_or(0)) });
        if call.replayed {
            see(Evidence::Again { same: true });
        }
    }
    if call.server {
        see(Evidence::RunByProvider);
    }
    if call.complete {
        let complete = call.complete_us.or(call.began_us).unwrap_or(0);
        see(Evidence::Complete { at: at(complete), valid: true });
    } else if call.state == ToolState::Lost || call.violations.contains(Violation::EarlyResult) {
        see(Evidence::Broke);
    } else {
        see(Evidence::Unseen);
    }
    let outcome = call.outcome.unwrap_or(ToolOutcome::Succeeded);
    match call.result {
        Some(result) => {
            let request = key.saturating_add(result.after_us);
            let at = Micros(request);
            see(Evidence::Result { request, at, hash: result.hash, outcome });
        }
        // A run that the answer told of, without a result to show.
        None if call.server && call.state == ToolState::Returned => {
            let at = at(call.complete_us.unwrap_or(0));
            see(Evidence::Began { run: 0, at });
            see(Evidence::Ended { run: 0, at, outcome });
        }
        None => {}
    }
    if call.violations.contains(Violation::HookMissing) {
        see(Evidence::Unhooked);
    }
    if call.violations.contains(Violation::ParallelIncomplete) {
        see(Evidence::Passed { siblings: true });
    }
    if call.state == ToolState::Orphaned {
        let is_closed = call.violations.contains(Violation::CallWithoutResult);
        let passed = Evidence::Passed { siblings: false };
        see(if is_closed { Evidence::Closed } else { passed });
    }
    life
}
